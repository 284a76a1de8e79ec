//! 通知消息: a certificate runs out.

use cucumber::{then, when};
use ukey_flows::api::NoticeView;

use crate::{judge::judge, stage::is_sms, words::Recipient, world::UkeyWorld};

async fn all(world: &mut UkeyWorld) -> Vec<NoticeView> {
    world
        .must(|stage| {
            let session = stage.session.as_ref().expect("a session").token.clone();
            stage.client().my_notices(&session)
        })
        .await
}

#[when("查看通知消息")]
async fn see(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let session =
                stage.session.as_ref().map_or_else(|| "nobody".into(), |session| session.token.clone());
            stage.client().my_notices(&session).map(drop)
        })
        .await;
}

#[then(expr = "通知消息共{int}条")]
async fn number_of_notices(world: &mut UkeyWorld, count: usize) {
    world.success();
    judge(all(world).await.len(), count, "通知消息的条数");
}

#[then(expr = "最近的通知消息写明{string}")]
async fn latest(world: &mut UkeyWorld, part: String) {
    let notices = all(world).await;
    let text = &notices.first().expect("a notice").text;
    assert!(text.contains(&part), "{text}");
}

#[then(expr = "{recipient}共收到{int}条到期通知短信")]
async fn sms(world: &mut UkeyWorld, recipient: Recipient, count: usize) {
    let messages = world.on_stage(move |stage| stage.messages(recipient.0, "notice")).await;
    judge(messages.iter().filter(|message| is_sms(message)).count(), count, "到期通知短信的条数");
}
