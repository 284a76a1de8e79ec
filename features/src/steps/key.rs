//! The key in one's hand: plugging, pulling, power; 我的证书.

use cucumber::{gherkin::Step, given, then, when};
use ukey_flows::key::MyCertificate;

use crate::{
    judge::judge,
    stage::Stage,
    words::{Day, Whose, shanghai},
    world::UkeyWorld,
};

#[given("UKey已拔出")]
#[given("the UKey is pulled out")]
#[when("拔出UKey")]
#[when("UKey突然断电")]
#[when("the UKey loses its power abruptly")]
async fn unplug(world: &mut UkeyWorld) {
    world
        .must(|stage| {
            stage.unplug();
            Ok(())
        })
        .await;
}

#[when("插回UKey")]
#[when("the UKey is plugged in again")]
async fn plug_in(world: &mut UkeyWorld) {
    world.must(Stage::plug_in).await;
}

#[given(expr = "第{int}次交换后UKey会被拔出")]
async fn pull_after(world: &mut UkeyWorld, exchanges: u64) {
    world.on_stage(move |stage| stage.unplug_after(exchanges)).await;
}

#[given(expr = "UKey在第{int}次写闪存时会断电")]
fn cut_power(world: &mut UkeyWorld, operation: u64) {
    world.stage().cut_power_after(operation - 1, operation);
}

#[given(expr = "插着的是{holder}的UKey")]
#[when(expr = "换插{holder}的UKey")]
fn change_key(world: &mut UkeyWorld, holder: Whose) {
    world.stage().take_key_of(holder.0);
}

#[when("换插一把空白UKey")]
async fn blank_key(world: &mut UkeyWorld) {
    world.must(|stage| stage.take_blank_key().map(drop)).await;
}

#[then("提示UKey已拔出")]
#[then("the answer is that the UKey is gone")]
fn removed(world: &mut UkeyWorld) {
    let ukey_flows::FlowError::Key(error) = world.failure() else { panic!("UKey没有被拔出") };
    assert!(error.is_removed(), "应为UKey已拔出，实为{}（{error}）", error.message_zh());
    assert!(
        error.message_zh().contains("UKey已拔出"),
        "提示应含有“UKey已拔出”，实为“{}”",
        error.message_zh()
    );
}

#[then(expr = "提示插入的不是办理业务的UKey")]
async fn another_key(world: &mut UkeyWorld) {
    let (expected, found) = {
        let mut stage = world.stage();
        let order = stage.order();
        let unlock = order.unlock.as_ref().map(|unlock| unlock.device_serial.clone());
        let rewrite = order.rewrite.as_ref().map(|rewrite| rewrite.device_serial.clone());
        let expected = unlock.or(rewrite).expect("an order about a key");
        (expected, stage.key_number())
    };
    assert!(expected != found, "场景有误：应插着另一把UKey，实为办理业务的{expected}");
    let shown = world.failure().message_zh();
    judge(shown, format!("插入的不是办理业务的证书介质：应为{expected}，实为{found}"), "提示");
}

// ---- 我的证书 ----

#[when("打开我的证书")]
#[when("读取CA证书信息")]
async fn open_mine(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            stage.mine = None;
            stage.mine = Some(MyCertificate::read(&stage.device())?);
            Ok(())
        })
        .await;
}

#[then("显示证书信息：")]
fn shows_mine(world: &mut UkeyWorld, step: &Step) {
    world.success();
    let mut stage = world.stage();
    let serial_number = stage.key_number();
    let mine = stage.mine.as_ref().expect("我的证书");
    let issued = stage.certificates.last().expect("an issued certificate");
    for row in &step.table.as_ref().expect("a table of fields").rows {
        let [field, expected] = row.as_slice() else { panic!("two columns") };
        match (field.as_str(), expected.as_str()) {
            ("证书所有者", name) => judge(mine.owner(), name, "证书所有者"),
            ("证书序列号", "与签发的一致") => judge(mine.serial(), issued.as_str(), "证书序列号"),
            ("介质序列号", "与UKey的一致") => {
                judge(mine.device_serial.as_str(), serial_number.as_str(), "介质序列号");
            }
            ("证书类型", "SM2") => {
                assert!(mine.sign.public_key().is_ok(), "签名证书不是SM2");
                let encryption = mine.encryption.as_ref().expect("an encryption certificate");
                assert!(encryption.public_key().is_ok(), "加密证书不是SM2");
            }
            ("剩余重试次数", number) => judge(mine.tries_left.to_string(), number, "剩余重试次数"),
            (field, expected) => panic!("我的证书不显示{field}（{expected}）"),
        }
    }
}

#[then(expr = "证书有效期从{day}到{day}")]
fn validity(world: &mut UkeyWorld, first: Day, last: Day) {
    let stage = world.stage();
    let mine = stage.mine.as_ref().expect("我的证书");
    let day = |moment: jiff::Timestamp| moment.to_zoned(shanghai()).date();
    judge(day(mine.sign.not_before()), first.0, "证书有效期的第一天");
    judge(day(mine.sign.not_after()), last.0, "证书有效期的最后一天");
    let end = mine.sign.not_after().to_zoned(shanghai()).time();
    judge(end, jiff::civil::time(23, 59, 59, 0), "最后一天到何时");
}

#[then("证书由服务厅的证书机构签发")]
async fn issued_here(world: &mut UkeyWorld) {
    let (authority, mine) =
        world.must(|stage| Ok((stage.client().authority()?, stage.mine.clone().expect("我的证书")))).await;
    let issuer = authority.chain.first().expect("an issuing certificate");
    let issuer = ukey_pki::Certificate::from_der(&issuer.0).expect("a certificate");
    mine.sign.verify_issued_by(&issuer).expect("the sign certificate is of this authority");
    let encryption = mine.encryption.expect("an encryption certificate");
    encryption.verify_issued_by(&issuer).expect("the encryption certificate is of this authority");
}
