//! 申请表: the application form as PDF.

use cucumber::{gherkin::Step, then, when};

use crate::{pdf, stage::Stage, world::UkeyWorld};

#[when("制作申请表")]
async fn make(world: &mut UkeyWorld) {
    world.attempt(Stage::make_application).await;
}

#[then("申请表写明：")]
async fn says(world: &mut UkeyWorld, step: &Step) {
    world.success();
    let rows = step.table.as_ref().expect("a table of texts").rows.clone();
    let text = world.on_stage(|stage| pdf::text(stage.document.as_deref().expect("a document"))).await;
    for part in rows.iter().flatten() {
        assert!(text.contains(part.as_str()), "申请表里没有{part}：\n{text}");
    }
}

#[then("申请表写明申请信息的摘要")]
async fn says_digest(world: &mut UkeyWorld) {
    world.success();
    let (text, digest) = world
        .on_stage(|stage| {
            let digest = stage.refreshed().form_digest.expect("an enrolment has a digest");
            (pdf::text(stage.document.as_deref().expect("a document")), digest)
        })
        .await;
    assert!(text.contains(&digest), "申请表里没有{digest}：\n{text}");
}
