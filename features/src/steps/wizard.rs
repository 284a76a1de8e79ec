//! 申办向导: agreement, form, application form, attachments, submission; and what an account is offered.

use cucumber::{given, then, when};
use ukey_flows::api::{EnrolForm, Paper, Secret, UnitRegistration};

use crate::{judge::judge, people::Holder, stage::Stage, world::UkeyWorld};

fn session(stage: &Stage) -> Secret {
    stage.session.as_ref().expect("a session").token.clone()
}

fn set(form: &mut EnrolForm, field: &str, value: String) {
    let EnrolForm::Unit(unit) = form else { panic!("a unit's form") };
    let registration = unit.registration.get_or_insert_default();
    match field {
        "单位名称" => unit.name = value,
        "统一社会信用代码" => unit.credit_code = value,
        "经办人手机号" => unit.handler.phone = value,
        "单位类型" => registration.kind = value,
        "所属地区" => registration.region = value,
        "注册地址" => registration.address = value,
        "邮政编码" => registration.postcode = value,
        field => panic!("the wizard's form has no field {field}"),
    }
}

#[when("勾选协议，填写经办人信息，点击下一步")]
#[given("申办向导已到制作申请表")]
async fn start(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.start_wizard(Holder::Unit, true, Holder::Unit.wizard_form())).await;
}

#[when("不勾选协议，填写经办人信息，点击下一步")]
async fn start_without_agreement(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.start_wizard(Holder::Unit, false, Holder::Unit.wizard_form())).await;
}

#[when("没有登录就填写经办人信息，点击下一步")]
async fn start_without_session(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            stage.session.take().expect("a session to leave");
            stage.start_wizard(Holder::Unit, true, Holder::Unit.wizard_form())
        })
        .await;
}

#[when(expr = "勾选协议，填写经办人信息，其中{word}为{string}，点击下一步")]
async fn start_with(world: &mut UkeyWorld, field: String, value: String) {
    let mut form = Holder::Unit.wizard_form();
    set(&mut form, &field, value);
    world.attempt(move |stage| stage.start_wizard(Holder::Unit, true, form)).await;
}

#[given("申办向导已到上传电子文件")]
async fn to_papers(world: &mut UkeyWorld) {
    world.must(|stage| stage.wizard_to_papers(Holder::Unit)).await;
}

#[when(expr = "在向导中返回修改，把{word}改为{string}")]
async fn amend(world: &mut UkeyWorld, field: String, value: String) {
    world
        .attempt(move |stage| {
            let mut form = stage.order().form.clone().expect("an enrolment has a form");
            set(&mut form, &field, value);
            stage.in_hand().amend(&form)
        })
        .await;
}

#[given("上传全部电子文件")]
#[when("上传全部电子文件")]
async fn upload_all(world: &mut UkeyWorld) {
    world.attempt(Stage::wizard_papers).await;
}

#[when("点击提交服务申请")]
async fn submit(world: &mut UkeyWorld) {
    world.attempt(Stage::submit_wizard).await;
}

#[then(expr = "页面显示承诺视频要朗读的内容，其中有{string}")]
async fn spoken(world: &mut UkeyWorld, part: String) {
    let wizard =
        world.must(|stage| Ok(stage.client().profile()?.wizard)).await.expect("the hall has a wizard");
    assert!(wizard.spoken.contains(&part), "{}", wizard.spoken);
    assert!(wizard.unit_papers.contains(&Paper::CommitmentVideo), "附件里没有承诺视频");
}

#[then(expr = "申办向导共有{int}步：{string}")]
async fn steps(world: &mut UkeyWorld, count: usize, names: String) {
    let wizard =
        world.must(|stage| Ok(stage.client().profile()?.wizard)).await.expect("the hall has a wizard");
    judge(wizard.steps.len(), count, "向导的步数");
    judge(wizard.steps.join("、"), names, "向导的各步");
}

#[then(expr = "本机构没有申办向导")]
async fn no_wizard(world: &mut UkeyWorld) {
    let wizard = world.must(|stage| Ok(stage.client().profile()?.wizard)).await;
    assert!(wizard.is_none(), "这家机构有申办向导");
}

#[then(expr = "登记的注册信息为{string}")]
async fn registration(world: &mut UkeyWorld, expected: String) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    let Some(EnrolForm::Unit(unit)) = order.form else { panic!("a unit's form") };
    let UnitRegistration { kind, region, address, postcode } =
        unit.registration.expect("the wizard's form has it");
    judge([kind, region, address, postcode].join(" "), expected, "注册信息");
}

#[when("查看可办理的服务")]
async fn see_services(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let services = stage.client().my_services(&session(stage))?;
            let enabled = services.into_iter().filter(|service| service.enabled);
            stage.shown = enabled.map(|service| service.title).collect::<Vec<_>>().join("、");
            Ok(())
        })
        .await;
}
