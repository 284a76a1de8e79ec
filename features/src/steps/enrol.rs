//! 在线新办: form, identity check, confirmation, papers, 签名验证.

use cucumber::{given, then, when};
use ukey_flows::api::EnrolForm;

use crate::{
    judge::judge,
    people::Holder,
    stage::{Stage, without_code, wrong},
    words::{Document, File, Recipient, Time, Verdict, Way, Whose},
    world::UkeyWorld,
};

pub(super) fn set(form: &mut EnrolForm, field: &str, value: String) {
    match (form, field) {
        (EnrolForm::Unit(unit), "单位名称") => unit.name = value,
        (EnrolForm::Unit(unit), "统一社会信用代码") => unit.credit_code = value,
        (EnrolForm::Unit(unit), "法定代表人") => unit.legal_person = value,
        (EnrolForm::Unit(unit), "法定代表人身份证号") => unit.legal_person_id = value,
        (EnrolForm::Unit(unit), "经办人身份证号") => unit.handler.id_number = value,
        (EnrolForm::Unit(unit), "经办人手机号") => unit.handler.phone = value,
        (EnrolForm::Unit(unit), "经办人邮箱") => unit.handler.email = value,
        (EnrolForm::Unit(unit), "通讯地址") => unit.address = value,
        (EnrolForm::Person(person), "姓名") => person.holder.name = value,
        (EnrolForm::Person(person), "身份证号") => person.holder.id_number = value,
        (EnrolForm::Person(person), "手机号") => person.holder.phone = value,
        (EnrolForm::Person(person), "通讯地址") => person.address = value,
        (_, field) => panic!("the form has no field {field}"),
    }
}

async fn place(world: &mut UkeyWorld, holder: Holder) {
    world.attempt(move |stage| stage.place(holder, None)).await;
}

#[when("填写单位证书申请信息，点击下一步")]
async fn place_unit(world: &mut UkeyWorld) {
    place(world, Holder::Unit).await;
}

#[when("填写个人证书申请信息，点击下一步")]
async fn place_person(world: &mut UkeyWorld) {
    place(world, Holder::Zhang).await;
}

#[when(expr = "填写单位证书申请信息，其中{word}为{string}，点击下一步")]
async fn place_unit_with(world: &mut UkeyWorld, field: String, value: String) {
    let mut form = Holder::Unit.form();
    set(&mut form, &field, value);
    world.stage().form = Some(form);
    place(world, Holder::Unit).await;
}

#[when(expr = "填写个人证书申请信息，其中{word}为{string}，点击下一步")]
async fn place_person_with(world: &mut UkeyWorld, field: String, value: String) {
    let mut form = Holder::Zhang.form();
    set(&mut form, &field, value);
    world.stage().form = Some(form);
    place(world, Holder::Zhang).await;
}

#[given(expr = "{holder}的新办申请已到核验通过")]
async fn identified(world: &mut UkeyWorld, holder: Whose) {
    let stride = move |stage: &mut Stage| {
        stage.place(holder.0, None)?;
        stage.identify(holder.0.first_way())
    };
    world.must(stride).await;
}

#[given(expr = "{holder}的新办申请已到上传资料")]
async fn confirmed(world: &mut UkeyWorld, holder: Whose) {
    let stride = move |stage: &mut Stage| {
        stage.place(holder.0, None)?;
        stage.identify(holder.0.first_way())?;
        stage.in_hand().confirm()
    };
    world.must(stride).await;
}

#[given(expr = "{holder}的新办申请已到签名验证")]
async fn submitted(world: &mut UkeyWorld, holder: Whose) {
    let stride = move |stage: &mut Stage| {
        stage.place(holder.0, None)?;
        stage.identify(holder.0.first_way())?;
        stage.in_hand().confirm()?;
        stage.upload_all()?;
        stage.in_hand().submit()
    };
    world.must(stride).await;
}

#[given(expr = "{holder}的新办申请已到支付")]
async fn unpaid(world: &mut UkeyWorld, holder: Whose) {
    world.must(move |stage| stage.go_to_payment(holder.0, None)).await;
}

#[given(expr = "{holder}的新办申请已到审核")]
#[given(expr = "the enrolment of {holder} is in review")]
async fn in_review(world: &mut UkeyWorld, holder: Whose) {
    world.must(move |stage| stage.apply_and_pay(holder.0, None)).await;
}

// ---- identity ----

#[given(expr = "身份核验服务将答复{verdict}")]
async fn next_verdict(world: &mut UkeyWorld, verdict: Verdict) {
    world.must(move |stage| stage.client().next_identity(None, verdict.0)).await;
}

#[when(expr = "选择{way}")]
async fn identify(world: &mut UkeyWorld, way: Way) {
    world.attempt(move |stage| stage.identify(way.0)).await;
}

// ---- 确认订单, 返回修改 ----

#[when("点击确认订单")]
async fn confirm(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.in_hand().confirm()).await;
}

#[when(expr = "返回修改，把{word}改为{string}")]
async fn amend(world: &mut UkeyWorld, field: String, value: String) {
    world
        .attempt(move |stage| {
            let mut form = stage.in_hand().order().form.clone().expect("an enrolment has a form");
            set(&mut form, &field, value);
            stage.in_hand().amend(&form)
        })
        .await;
}

#[then(expr = "申请表上的通讯地址为{string}")]
async fn address_is(world: &mut UkeyWorld, address: String) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    let form = match order.form.expect("an enrolment has a form") {
        EnrolForm::Unit(unit) => unit.address,
        EnrolForm::Person(person) => person.address,
    };
    judge(form, address, "通讯地址");
}

// ---- papers ----

#[given("上传全部证件照片")]
#[when("上传全部证件照片")]
async fn upload_all(world: &mut UkeyWorld) {
    world.attempt(Stage::upload_all).await;
}

#[when(expr = "上传{paper}，文件为{file}")]
async fn upload(world: &mut UkeyWorld, paper: Document, file: File) {
    world.attempt(move |stage| stage.upload(paper.0, &file.0)).await;
}

#[then(expr = "{paper}已收到，格式为{string}")]
async fn received_paper(world: &mut UkeyWorld, paper: Document, format: String) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    let view = order.papers.iter().find(|view| view.paper == paper.0).expect("the order wants this paper");
    let received = view.received.as_ref().map(|receipt| receipt.format.as_str());
    judge(received, Some(format.as_str()), "收到的格式");
}

#[then(expr = "{paper}没有收到")]
async fn not_received(world: &mut UkeyWorld, paper: Document) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    let view = order.papers.iter().find(|view| view.paper == paper.0).expect("the order wants this paper");
    judge(view.received.as_ref().map(|receipt| receipt.format.as_str()), None::<&str>, "收到的资料");
}

// ---- 确认申请, 签名验证 ----

#[when("点击确认申请")]
async fn submit(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.in_hand().submit()).await;
}

#[when("重新获取签名验证码")]
async fn resend_consent(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.in_hand().resend_consent().map(|sent| stage.sent = Some(sent))).await;
}

#[when("经办人输入签名验证码，点击确定")]
#[when("持有人输入签名验证码，点击确定")]
async fn consent(world: &mut UkeyWorld) {
    world.attempt(Stage::consent).await;
}

#[when("经办人输入错误的签名验证码，点击确定")]
async fn wrong_consent(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = wrong(&stage.code(stage.holder.phone(), "consent", 0));
            stage.in_hand().consent(&code)
        })
        .await;
}

#[when("经办人输入前一次的签名验证码，点击确定")]
async fn old_consent(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = stage.code(stage.holder.phone(), "consent", 1);
            stage.in_hand().consent(&code)
        })
        .await;
}

#[then(expr = "{recipient}共收到{int}个签名验证码")]
async fn consent_codes(world: &mut UkeyWorld, recipient: Recipient, expected: usize) {
    let count = world.on_stage(move |stage| stage.messages(recipient.0, "consent").len()).await;
    judge(count, expected, "签名验证码的条数");
}

#[then("签名验证短信写明申请表的摘要")]
async fn consent_binds_the_form(world: &mut UkeyWorld) {
    let (text, digest) = world
        .on_stage(|stage| {
            let messages = stage.messages(stage.holder.phone(), "consent");
            let text = without_code(messages.last().expect("a consent code was sent"));
            (text, stage.refreshed().form_digest.expect("an enrolment has a digest"))
        })
        .await;
    assert!(text.contains(&digest[..16]), "{text}里没有{digest}");
}

#[when("取消订单")]
async fn cancel(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.in_hand().cancel()).await;
}

#[then(expr = "验证码{time}内有效")]
fn code_lifetime(world: &mut UkeyWorld, time: Time) {
    let stage = world.stage();
    let sent = stage.sent.as_ref().expect("a code was sent");
    let now = stage.client().clock().expect("the hall's clock").now;
    judge(sent.expires_at.as_second() - now.as_second(), time.0 as i64, "有效期");
}
