//! 校验密码, 修改密码, wrong PINs.

use cucumber::{given, then, when};
use ukey_device::{ErrorKind, PinType};
use ukey_flows::{FlowError, key::MyCertificate, pin};

use crate::{
    judge::judge,
    stage::{Stage, typed},
    world::UkeyWorld,
};

#[when(expr = "校验口令{string}")]
#[when(expr = "the PIN {string} is checked")]
async fn check(world: &mut UkeyWorld, entry: String) {
    world.attempt(move |stage| pin::check(&stage.device(), &typed(&entry))).await;
}

#[when(expr = "修改口令，新口令{string}，再次输入{string}")]
#[when(expr = "the PIN is changed to {string}, and again {string}")]
async fn change(world: &mut UkeyWorld, entry: String, again: String) {
    world.attempt(move |stage| stage.change_pin(&entry, &again)).await;
}

#[when(expr = "用错误的旧口令{string}修改口令")]
async fn change_wrongly(world: &mut UkeyWorld, old: String) {
    world
        .attempt(move |stage| {
            let (device, rule) = (stage.device(), stage.client().profile()?.pin);
            pin::change(&device, &rule, &typed(&old), "Right-123", "Right-123")
        })
        .await;
}

#[given("UKey因连续输错口令已锁死")]
#[given("the UKey is locked by wrong PINs")]
async fn locked(world: &mut UkeyWorld) {
    world.on_stage(Stage::lock_key).await;
}

#[when("连续输入错误口令直到锁死")]
async fn lock(world: &mut UkeyWorld) {
    world.on_stage(Stage::lock_key).await;
}

#[then(expr = "每次提示的剩余次数依次为{string}")]
fn told(world: &mut UkeyWorld, expected: String) {
    let told: Vec<_> = world.stage().tries_told.iter().map(u8::to_string).collect();
    judge(told.join("、"), expected, "每次提示的剩余次数");
}

#[then(expr = "口令错误，还可重试{int}次")]
#[then(expr = "the PIN is wrong, and {int} tries are left")]
fn wrong_pin(world: &mut UkeyWorld, left: u8) {
    let FlowError::Key(error) = world.failure() else {
        panic!("应为口令错误，实为{}", world.failure().message_zh())
    };
    assert!(
        matches!(error.kind(), ErrorKind::WrongPin { pin: PinType::User, .. }),
        "应为口令错误，实为{}（{error}）",
        error.message_zh()
    );
    judge(error.tries_left(), Some(left), "剩余次数");
}

#[then("提示用户口令已锁死，并指引办理解锁")]
#[then("the answer is that the PIN is locked, and where to unlock it")]
fn locked_at(world: &mut UkeyWorld) {
    let FlowError::Key(error) = world.failure() else {
        panic!("应为锁死，实为{}", world.failure().message_zh())
    };
    assert!(
        matches!(error.kind(), ErrorKind::Locked { pin: PinType::User }),
        "应为锁死，实为{}（{error}）",
        error.message_zh()
    );
    assert!(
        error.message_zh().contains("用户口令已锁死"),
        "提示应含有“用户口令已锁死”，实为“{}”",
        error.message_zh()
    );
    let help = error.help_zh().expect("help for a locked key");
    assert!(help.contains("办事大厅办理“解锁”"), "指引应含有“办事大厅办理“解锁””，实为“{help}”");
}

#[then(expr = "UKey剩余重试次数为{int}")]
#[then(expr = "the UKey has {int} tries left")]
async fn tries_left(world: &mut UkeyWorld, left: u8) {
    let mine = world.must(|stage| MyCertificate::read(&stage.device())).await;
    judge(mine.tries_left, left, "剩余重试次数");
}

#[then(expr = "UKey剩余重试次数不多于{int}")]
async fn at_most(world: &mut UkeyWorld, most: u8) {
    let mine = world.must(|stage| MyCertificate::read(&stage.device())).await;
    assert!((1..=most).contains(&mine.tries_left), "剩余重试次数：应为1至{most}，实为{}", mine.tries_left);
}

#[then(expr = "用口令{string}可以签名，用口令{string}不可以")]
#[then(expr = "the PIN {string} signs, and the PIN {string} does not")]
async fn only_one_pin(world: &mut UkeyWorld, right: String, wrong: String) {
    world.must(move |stage| stage.sign_by(&right)).await;
    let refused = world.on_stage(move |stage| stage.sign_by(&wrong)).await;
    let Err(FlowError::Key(error)) = refused else {
        panic!("另一个口令也被接受，或UKey没有应答")
    };
    assert!(matches!(error.kind(), ErrorKind::WrongPin { .. }), "{error}");
}

#[then(expr = "旧口令{string}与新口令{string}恰有一个有效")]
async fn exactly_one(world: &mut UkeyWorld, old: String, new: String) {
    let valid = world
        .on_stage(move |stage| {
            let device = stage.device();
            [old, new].map(|entry| pin::check(&device, &typed(&entry)).is_ok())
        })
        .await;
    judge(valid.iter().filter(|valid| **valid).count(), 1, "有效口令的个数");
}
