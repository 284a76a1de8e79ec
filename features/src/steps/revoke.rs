//! 证书注销, 证书吊销列表, 注销公告.

use cucumber::{given, then, when};
use ukey_flows::api::RevocationReason as Reason;
use ukey_pki::RevocationReason as Listed;

use crate::{
    judge::judge,
    stage::wrong,
    words::{Reason as Word, Way, Whose},
    world::UkeyWorld,
};

#[when(expr = "登录后选择UKey里的证书注销，原因为{reason}")]
async fn begin(world: &mut UkeyWorld, reason: Word) {
    world.attempt(move |stage| stage.begin_revocation(reason.0)).await;
}

#[when(expr = "选择该证书注销，原因为{reason}")]
async fn begin_without_key(world: &mut UkeyWorld, reason: Word) {
    world.attempt(move |stage| stage.begin_revocation_without_key(reason.0)).await;
}

#[when(expr = "用UKey对注销申请签名，口令为{string}")]
async fn sign(world: &mut UkeyWorld, pin: String) {
    world.attempt(move |stage| stage.sign_revocation(&pin)).await;
}

#[when(expr = "注销时选择{way}")]
async fn identify(world: &mut UkeyWorld, way: Way) {
    world
        .attempt(move |stage| {
            let check = stage.holder.check(way.0);
            stage.revoking().check_identity(&check).map(drop)
        })
        .await;
}

#[when("输入注销验证码，点击确定")]
async fn enter(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = stage.code(stage.holder.phone(), "revoke", 0);
            stage.revoking().enter_code(&code)
        })
        .await;
}

#[when("输入错误的注销验证码，点击确定")]
async fn enter_wrong(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = wrong(&stage.code(stage.holder.phone(), "revoke", 0));
            stage.revoking().enter_code(&code)
        })
        .await;
}

#[when("重新获取注销验证码")]
async fn resend(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.revoking().resend_code().map(|sent| stage.sent = Some(sent))).await;
}

#[when("输入前一次的注销验证码，点击确定")]
async fn enter_old(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = stage.code(stage.holder.phone(), "revoke", 1);
            stage.revoking().enter_code(&code)
        })
        .await;
}

#[when("点击确认注销")]
async fn confirm(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.revoking().confirm()).await;
}

#[when("再次点击确认注销")]
async fn confirm_again(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.revoking().confirm_again()).await;
}

#[given(expr = "{holder}的证书已注销，原因为{reason}")]
async fn revoked(world: &mut UkeyWorld, holder: Whose, reason: Word) {
    world
        .must(move |stage| {
            stage.take_key_of(holder.0);
            stage.revoke_by_key(reason.0)
        })
        .await;
}

fn coded(reason: Reason) -> Listed {
    match reason {
        Reason::KeyCompromise => Listed::KeyCompromise,
        Reason::AffiliationChanged => Listed::AffiliationChanged,
        Reason::Superseded => Listed::Superseded,
        Reason::CessationOfOperation => Listed::CessationOfOperation,
        Reason::CertificateHold => Listed::CertificateHold,
    }
}

#[then(expr = "吊销列表列有UKey里的证书，原因为{reason}")]
async fn listed(world: &mut UkeyWorld, reason: Word) {
    let entry = world.must(|stage| stage.listed()).await;
    let entry = entry.expect("吊销列表里没有这张证书");
    assert!(entry.reason == Some(coded(reason.0)), "原因：应为{}，实为{:?}", reason.0.zh(), entry.reason);
}

#[then("吊销列表没有UKey里的证书")]
async fn not_listed(world: &mut UkeyWorld) {
    let entry = world.must(|stage| stage.listed()).await;
    assert!(entry.is_none(), "吊销列表里有这张证书：{entry:?}");
}

#[then(expr = "注销公告共{int}条")]
async fn notices(world: &mut UkeyWorld, total: u64) {
    let page = world.must(|stage| stage.client().revocation_notices(1, None, None)).await;
    judge(page.total, total, "注销公告的条数");
}

#[then(expr = "注销公告按名称{string}查到{string}，原因{string}")]
async fn notice_of(world: &mut UkeyWorld, name: String, masked: String, reason: String) {
    let page = world.must(move |stage| stage.client().revocation_notices(1, None, Some(&name))).await;
    let [notice] = page.notices.as_slice() else { panic!("查到{}条", page.total) };
    judge(notice.name.as_str(), masked.as_str(), "公告里的名称");
    judge(notice.reason_zh.as_str(), reason.as_str(), "公告里的原因");
}

#[then(expr = "注销公告按名称{string}查不到")]
async fn no_notice_of(world: &mut UkeyWorld, name: String) {
    let page = world.must(move |stage| stage.client().revocation_notices(1, None, Some(&name))).await;
    judge(page.total, 0_u64, "查到的条数");
}

#[then("注销公告按UKey里的证书序列号查得到")]
async fn notice_by_serial(world: &mut UkeyWorld) {
    let page = world
        .must(|stage| {
            let serial = ukey_flows::key::MyCertificate::read(&stage.device())?.serial();
            stage.client().revocation_notices(1, Some(&serial), None)
        })
        .await;
    judge(page.total, 1_u64, "查到的条数");
}

#[when(expr = "按序列号{string}查注销公告")]
async fn ask_notice(world: &mut UkeyWorld, serial: String) {
    world.attempt(move |stage| stage.client().revocation_notices(1, Some(&serial), None).map(drop)).await;
}
