//! Accounts and login.

use cucumber::{given, then, when};
use ukey_flows::{
    api::{CertificateStanding, LoginWay, PasswordChange},
    login,
};

use crate::{
    judge::judge,
    people::{HANDLER_PHONE, Holder},
    stage::{Stage, typed},
    words::{Account, Whose},
    world::UkeyWorld,
};

fn log_in(stage: &mut Stage, pin: &str) -> Result<(), ukey_flows::FlowError> {
    let (client, device) = (stage.client(), stage.device());
    stage.session = None;
    stage.session = Some(login::login(&client, &device, &typed(pin))?);
    Ok(())
}

#[when(expr = "插着UKey，输入口令{string}登录")]
#[when(expr = "the holder logs in with the UKey and the PIN {string}")]
async fn log_in_with(world: &mut UkeyWorld, pin: String) {
    world.attempt(move |stage| log_in(stage, &pin)).await;
}

#[when("插着UKey，输入证书密码登录")]
#[when("the holder logs in with the UKey and the certificate password")]
async fn log_in_with_password(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let password = stage.certificate_password();
            log_in(stage, &password)
        })
        .await;
}

#[then(expr = "登录成功，显示{string}")]
#[then(expr = "the login succeeds and shows {string}")]
async fn logged_in(world: &mut UkeyWorld, name: String) {
    world.success();
    let (me, mine) = world
        .on_stage(|stage| {
            let session = stage.session.as_ref().expect("a session").token.clone();
            let serial = ukey_flows::key::MyCertificate::read(&stage.device()).map(|mine| mine.serial());
            (stage.client().me(&session), serial)
        })
        .await;
    let me = me.expect("the session is known");
    judge(me.name, name, "登录的用户");
    judge(me.way, LoginWay::Certificate, "登录的方式");
    judge(me.certificate_serial, mine.ok(), "登录所用的证书");
}

#[when("退出登录")]
async fn log_out(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let session = stage.session.as_ref().expect("a session").token.clone();
            stage.client().log_out(&session)
        })
        .await;
}

#[when("查看我的证书列表")]
async fn see_my_certificates(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let session = stage.session.as_ref().expect("a session").token.clone();
            stage.client().my_certificates(&session).map(drop)
        })
        .await;
}

#[when("查看个人中心的申请")]
async fn see_my_orders(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let session = stage.session.as_ref().expect("a session").token.clone();
            let orders = stage.client().my_orders(&session)?;
            let row =
                |order: &ukey_flows::api::OrderSummary| format!("{}{}", order.subject.name, order.state_zh);
            stage.shown = orders.iter().map(row).collect::<Vec<_>>().join("、");
            Ok(())
        })
        .await;
}

#[then(expr = "服务厅登记的证书与UKey内的一致，状态有效")]
#[then("the hall has the same certificate on record as the UKey, and it is valid")]
async fn hall_has_the_same(world: &mut UkeyWorld) {
    let (views, mine) = world
        .must(|stage| {
            let session = stage.session.as_ref().expect("a session").token.clone();
            let mine = ukey_flows::key::MyCertificate::read(&stage.device())?;
            Ok((stage.client().my_certificates(&session)?, mine))
        })
        .await;
    let [view] = views.as_slice() else { panic!("{} certificates", views.len()) };
    judge(view.standing, CertificateStanding::Valid, "证书的状态");
    assert!(view.certificate.0 == mine.sign.der(), "登记的签名证书与UKey内的不同");
    let encryption = mine.encryption.as_ref().map(ukey_pki::Certificate::der);
    assert!(Some(view.encryption_certificate.0.as_slice()) == encryption, "登记的加密证书与UKey内的不同");
    judge(view.serial.as_str(), mine.serial().as_str(), "登记的证书序列号");
    judge(view.name.as_str(), mine.owner(), "登记的证书所有者");
    judge(view.device_serial.as_str(), mine.device_serial.as_str(), "登记的介质序列号");
}

// ---- accounts ----

#[given(expr = "{holder}已注册{account}{string}")]
async fn registered(world: &mut UkeyWorld, holder: Whose, account: Account, name: String) {
    world.must(move |stage| stage.register(holder.0, account.0, &name)).await;
}

#[when(expr = "{holder}注册{account}{string}")]
async fn register(world: &mut UkeyWorld, holder: Whose, account: Account, name: String) {
    world.attempt(move |stage| stage.register(holder.0, account.0, &name)).await;
}

#[given("用账号和短信收到的密码登录")]
#[when("用账号和短信收到的密码登录")]
async fn log_in_by_account(world: &mut UkeyWorld) {
    world.attempt(Stage::log_in_by_account).await;
}

#[when(expr = "用账号和密码{string}登录")]
async fn log_in_by_password(world: &mut UkeyWorld, password: String) {
    world.attempt(move |stage| stage.log_in_by_password(password.into())).await;
}

#[when(expr = "用没有注册的账号{string}和密码{string}登录")]
async fn log_in_unregistered(world: &mut UkeyWorld, account: String, password: String) {
    world
        .attempt(move |stage| {
            stage.account = Some(account);
            stage.log_in_by_password(password.into())
        })
        .await;
}

#[when(expr = "把账号密码改为{string}")]
async fn change_password(world: &mut UkeyWorld, new: String) {
    world
        .attempt(move |stage| {
            let old = stage.code(HANDLER_PHONE, "account", 0).into();
            let session = stage.session.as_ref().expect("a session").token.clone();
            stage.client().change_password(&session, &PasswordChange { old, new: new.into() })
        })
        .await;
}

#[then(expr = "以账号登录成功，显示{string}")]
fn logged_in_by_account(world: &mut UkeyWorld, name: String) {
    world.success();
    let stage = world.stage();
    let me = &stage.session.as_ref().expect("a session").me;
    judge(me.name.as_str(), name.as_str(), "登录的用户");
    judge(me.way, LoginWay::Password, "登录的方式");
}

#[when("登录后再办理单位证书新办")]
async fn enrol_logged_in(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let session = stage.session.as_ref().expect("a session").token.clone();
            let enrolment = ukey_flows::api::Enrolment { channel: None, form: Holder::Unit.form() };
            stage.client().enrol(&enrolment, Some(&session)).map(drop)
        })
        .await;
}

#[then(expr = "还可尝试登录{int}次")]
fn login_tries(world: &mut UkeyWorld, left: u32) {
    let problem = world.failure().problem().expect("a refusal of the hall");
    judge(problem.tries_left, Some(left), "剩余次数");
}
