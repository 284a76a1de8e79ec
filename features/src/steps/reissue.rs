//! 丢失补办.

use cucumber::{given, then, when};

use crate::{
    judge::judge,
    people::Holder,
    stage::wrong,
    words::{Recipient, Whose, Why},
    world::UkeyWorld,
};

#[when(expr = "在证书补办中输入{holder}的证件号码并发送验证码")]
async fn ask(world: &mut UkeyWorld, holder: Whose) {
    world
        .attempt(move |stage| {
            stage.holder = holder.0;
            stage.ask_for_certificates(holder.0, holder.0.number())
        })
        .await;
}

#[when(expr = "在证书补办中输入单位证件号码{string}并发送验证码")]
async fn ask_for(world: &mut UkeyWorld, number: String) {
    world.attempt(move |stage| stage.ask_for_certificates(Holder::Unit, &number)).await;
}

#[when("输入补办验证码，点击确定")]
async fn enter(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = stage.code(stage.holder.phone(), "holder", 0);
            stage.enter_certificate_code(&code)
        })
        .await;
}

#[when("输入错误的补办验证码，点击确定")]
async fn enter_wrong(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = wrong(&stage.code(stage.holder.phone(), "holder", 0));
            stage.enter_certificate_code(&code)
        })
        .await;
}

#[then(expr = "没有补办验证码发到{recipient}")]
async fn no_code(world: &mut UkeyWorld, recipient: Recipient) {
    world.success();
    let count = world.on_stage(move |stage| stage.messages(recipient.0, "holder").len()).await;
    judge(count, 0, "补办验证码的条数");
}

#[then(expr = "查到的证书状态依次为{string}")]
fn standings(world: &mut UkeyWorld, expected: String) {
    use crate::judge::Told;
    world.success();
    let stage = world.stage();
    let held = stage.held.as_ref().expect("certificates were found");
    judge(
        held.certificates.iter().map(|view| view.standing.told()).collect::<Vec<_>>().join("、"),
        expected,
        "证书的状态",
    );
}

#[given(expr = "查到{holder}的证书")]
#[when(expr = "查到{holder}的证书")]
async fn found(world: &mut UkeyWorld, holder: Whose) {
    world.must(move |stage| stage.find_certificates(holder.0)).await;
}

#[when(expr = "选择该证书补办，原因为{why}，勾选我已阅读并同意，点击下一步")]
async fn begin(world: &mut UkeyWorld, why: Why) {
    world.attempt(move |stage| stage.begin_reissue(1, why.0, true)).await;
}

#[when(expr = "选择该证书补办，原因为{why}，没有勾选协议，点击下一步")]
async fn begin_without_agreement(world: &mut UkeyWorld, why: Why) {
    world.attempt(move |stage| stage.begin_reissue(1, why.0, false)).await;
}

#[when(expr = "选择第{int}张证书补办，原因为{why}，勾选我已阅读并同意，点击下一步")]
async fn begin_at(world: &mut UkeyWorld, place: usize, why: Why) {
    world.attempt(move |stage| stage.begin_reissue(place, why.0, true)).await;
}

#[given(expr = "{holder}的补办申请已到签名验证之后，原因为{why}")]
async fn applied(world: &mut UkeyWorld, holder: Whose, why: Why) {
    world.must(move |stage| stage.apply_for_reissue(holder.0, why.0)).await;
}

#[when("审核通过，制成新UKey，签收")]
async fn finish(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.finish_reissue()).await;
}

#[then("申请表已按原证书填好")]
async fn filled(world: &mut UkeyWorld) {
    let (form, held) = world.on_stage(|stage| (stage.refreshed().form, stage.true_form(stage.holder))).await;
    assert!(form == Some(held), "申请表与原证书的资料不同");
}

#[then(expr = "须先汇款到{string}")]
async fn remittance(world: &mut UkeyWorld, account: String) {
    let guide = world.must(|stage| stage.client().reissue_guide()).await;
    judge(guide.remittance_account, Some(account), "办理说明中的汇款账户");
}

#[then(expr = "办理说明写明手机号也丢失时的办法，客服电话{string}")]
async fn phone_lost(world: &mut UkeyWorld, hotline: String) {
    let guide = world.must(|stage| stage.client().reissue_guide()).await;
    judge(guide.hotline, hotline.clone(), "客服电话");
    assert!(guide.phone_lost_zh.contains(&hotline), "{}", guide.phone_lost_zh);
}

#[then("不用在线支付")]
async fn nothing_to_pay(world: &mut UkeyWorld) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    judge(order.payment.map(|payment| payment.state), None, "支付状态");
}

#[when("捡回丢失的UKey")]
async fn old_key(world: &mut UkeyWorld) {
    world.on_stage(|stage| stage.take_key_of(stage.holder)).await;
}
