//! 找回密码, in all lanes.

use cucumber::{given, then, when};
use ukey_flows::{
    api::{Lane, OrderState},
    unlock::CODE_APPROVED_ZH,
};

use crate::{
    judge::judge,
    stage::{Stage, wrong},
    words::{Next, Recipient, Way},
    world::UkeyWorld,
};

// ---- where it stands ----

#[given("已点击找回密码")]
#[when("点击找回密码")]
#[when("the PIN recovery is begun")]
#[when("再次点击找回密码")]
async fn begin(world: &mut UkeyWorld) {
    world.attempt(Stage::begin_unlock).await;
}

#[when(expr = "再次点击找回密码，填写刚才设置的新口令{string}")]
async fn begin_again(world: &mut UkeyWorld, entry: String) {
    world.attempt(move |stage| stage.begin_unlock_again(&entry)).await;
}

#[then(expr = "证书助手的下一步是{next}")]
async fn next_step(world: &mut UkeyWorld, next: Next) {
    world.on_stage(|stage| stage.refreshed()).await;
    judge(world.stage().unlocking().step(), next.0, "下一步");
}

#[then(expr = "解锁的应付总额为零，没有支付页面")]
async fn free(world: &mut UkeyWorld) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    judge(order.fee.total_fen, 0, "应付总额（分）");
    judge(order.payment.map(|payment| payment.state), None, "支付");
}

#[then("仍是同一个解锁订单")]
fn same_order(world: &mut UkeyWorld) {
    world.success();
    let stage = world.stage();
    judge(stage.order_before.as_deref(), Some(stage.order().id.as_str()), "解锁订单");
}

#[then("是一个新的解锁订单")]
fn new_order(world: &mut UkeyWorld) {
    world.success();
    let stage = world.stage();
    let before = stage.order_before.as_deref().expect("an unlock was open before");
    assert!(before != stage.order().id, "仍是同一个解锁订单{before}");
}

#[given("解锁已办到验证")]
async fn to_verification(world: &mut UkeyWorld) {
    world
        .must(|stage| {
            stage.begin_unlock()?;
            if stage.order().state == OrderState::Unpaid { stage.pay() } else { Ok(()) }
        })
        .await;
}

#[given("解锁费用已支付")]
async fn paid(world: &mut UkeyWorld) {
    world
        .must(|stage| {
            stage.begin_unlock()?;
            stage.pay()
        })
        .await;
}

// ---- 短信 ----

#[then(expr = "手机号显示为{string}，其余由用户补全")]
async fn shown_phone(world: &mut UkeyWorld, shown: String) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    let view = order.unlock.expect("an unlock");
    judge(view.phone, shown, "显示的手机号");
    judge(view.phone_completion, true, "由用户补全");
}

#[then(expr = "手机号显示为{string}，无需补全")]
async fn masked_phone(world: &mut UkeyWorld, shown: String) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    let view = order.unlock.expect("an unlock");
    judge(view.phone, shown, "显示的手机号");
    judge(view.phone_completion, false, "由用户补全");
}

#[when(expr = "把手机号补全为{string}，获取短信验证码")]
async fn complete_phone(world: &mut UkeyWorld, phone: String) {
    world
        .attempt(move |stage| {
            stage.sent = Some(stage.unlocking().send_code(Some(&phone))?);
            Ok(())
        })
        .await;
}

#[when("不补全手机号就获取短信验证码")]
async fn no_phone(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.unlocking().send_code(None).map(drop)).await;
}

#[given("已获取短信验证码")]
#[when("获取短信验证码")]
#[when("重新获取短信验证码")]
async fn ask(world: &mut UkeyWorld) {
    world.attempt(Stage::ask_for_code).await;
}

#[given(expr = "当日已获取短信验证码{int}次")]
async fn ask_often(world: &mut UkeyWorld, times: usize) {
    world
        .must(move |stage| {
            for _ in 0..times {
                stage.ask_for_code()?;
                stage.wait(60);
            }
            Ok(())
        })
        .await;
}

#[when("输入短信验证码，点击确认")]
async fn enter(world: &mut UkeyWorld) {
    world.attempt(Stage::enter_code).await;
}

#[when("输入错误的短信验证码，点击确认")]
async fn enter_wrong(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = wrong(&stage.code(stage.holder.phone(), "unlock", 0));
            stage.unlocking().enter_code(&code)
        })
        .await;
}

#[when("输入前一次的短信验证码，点击确认")]
async fn enter_old(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = stage.code(stage.holder.phone(), "unlock", 1);
            stage.unlocking().enter_code(&code)
        })
        .await;
}

#[when(expr = "没有获取验证码就输入{string}，点击确认")]
async fn enter_unasked(world: &mut UkeyWorld, code: String) {
    world.attempt(move |stage| stage.unlocking().enter_code(&code)).await;
}

#[then(expr = "{recipient}共收到{int}个解锁验证码")]
async fn codes_sent(world: &mut UkeyWorld, recipient: Recipient, expected: usize) {
    let count = world.on_stage(move |stage| stage.messages(recipient.0, "unlock").len()).await;
    judge(count, expected, "解锁验证码的条数");
}

#[given("短信验证已通过")]
async fn verified(world: &mut UkeyWorld) {
    world.must(Stage::verify_by_sms).await;
}

// ---- 其他验证方式 ----

#[given(expr = "已用{way}通过解锁授权")]
async fn authorised(world: &mut UkeyWorld, way: Way) {
    world.must(move |stage| stage.verify_by_identity(way.0)).await;
}

#[given(expr = "已解锁过一次，口令为{string}")]
async fn unlocked_once(world: &mut UkeyWorld, pin: String) {
    world
        .must(move |stage| {
            let way = stage.holder.first_way();
            stage.verify_by_identity(way)?;
            stage.reset_pin(&pin, &pin)
        })
        .await;
}

#[when(expr = "选择其他验证方式{way}")]
#[when(expr = "the other way of verification is chosen: {way}")]
async fn identity(world: &mut UkeyWorld, way: Way) {
    world.attempt(move |stage| stage.unlock_identity(way.0)).await;
}

#[then(expr = "解锁授权码发送到{recipient}")]
async fn authorisation_goes_to(world: &mut UkeyWorld, recipient: Recipient) {
    world.success();
    let code = world.on_stage(move |stage| stage.code(recipient.0, "authorisation", 0)).await;
    judge(code.len(), 8, "解锁授权码的长度");
}

#[then(expr = "没有解锁授权码发送到{recipient}")]
async fn no_authorisation(world: &mut UkeyWorld, recipient: Recipient) {
    let count = world.on_stage(move |stage| stage.messages(recipient.0, "authorisation").len()).await;
    judge(count, 0, "解锁授权码的条数");
}

#[when("输入解锁授权码，点击下一步")]
#[when("the authorisation code is entered")]
async fn authorise(world: &mut UkeyWorld) {
    world.attempt(Stage::enter_authorisation).await;
}

#[when("输入错误的解锁授权码，点击下一步")]
async fn authorise_wrongly(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = wrong(&stage.authorisation());
            stage.unlocking().enter_authorisation(&code)
        })
        .await;
}

#[then("可选的解锁方式只有身份验证")]
async fn only_identity(world: &mut UkeyWorld) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    let view = order.unlock.expect("an unlock");
    judge(view.lanes, [Lane::Identity], "可选的解锁方式");
}

#[then(expr = "这张证书已解锁过{int}次")]
async fn unlocked_before(world: &mut UkeyWorld, times: u32) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    judge(order.unlock.expect("an unlock").unlocked_before, times, "解锁次数");
}

// ---- 忘记手机号 ----

#[given("已上传资料，得到解锁码")]
async fn papers_sent(world: &mut UkeyWorld) {
    world
        .must(|stage| {
            stage.upload_all()?;
            stage.send_papers()
        })
        .await;
}

#[when("点击确认上传")]
async fn send_papers(world: &mut UkeyWorld) {
    world.attempt(Stage::send_papers).await;
}

#[then("显示6位数字解锁码")]
async fn shows_code(world: &mut UkeyWorld) {
    world.success();
    let code = world.on_stage(|stage| stage.unlock_code()).await;
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "不是6位数字");
}

#[then("不显示解锁码")]
async fn shows_no_code(world: &mut UkeyWorld) {
    world.success();
    let shown = world.on_stage(|stage| stage.unlocking().unlock_code().is_some()).await;
    assert!(!shown, "显示了解锁码");
}

#[when("点击认证")]
async fn authenticate(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = match &stage.noted_code {
                Some(code) => code.clone(),
                None => stage.unlock_code(),
            };
            stage.noted_code = Some(code.clone());
            stage.unlocking().authenticate(&code)?;
            stage.shown = CODE_APPROVED_ZH.to_owned();
            Ok(())
        })
        .await;
}

#[when("把解锁码输错一位，点击认证")]
async fn authenticate_wrongly(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = wrong(&stage.unlock_code());
            stage.unlocking().authenticate(&code)
        })
        .await;
}

#[given("客服中心已认证解锁码")]
#[when("致电客服中心，客服审核资料并认证解锁码")]
async fn approve(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = stage.unlock_code();
            stage.noted_code = Some(code.clone());
            stage.call(&code, true, None)
        })
        .await;
}

#[then("客服中心凭解锁码看到全部资料")]
async fn call_centre_sees(world: &mut UkeyWorld) {
    let order = world
        .must(|stage| {
            let code = stage.unlock_code();
            stage.client().call(&"desk-call-centre".into(), &code)
        })
        .await;
    assert!(!order.papers.is_empty(), "客服看不到资料");
    assert!(order.papers.iter().all(|paper| paper.received.is_some()), "客服看到的资料不全");
}

#[when(expr = "致电客服中心，客服拒绝，原因{string}")]
async fn refuse(world: &mut UkeyWorld, reason: String) {
    world
        .attempt(move |stage| {
            let code = stage.unlock_code();
            stage.noted_code = Some(code.clone());
            stage.call(&code, false, Some(&reason))
        })
        .await;
}

#[when("致电客服中心，报出错误的解锁码")]
async fn call_with_wrong_code(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = wrong(&stage.unlock_code());
            stage.call(&code, true, None)
        })
        .await;
}

#[when("致电客服中心，报出过期的解锁码")]
async fn call_with_old_code(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let code = stage.noted_code.clone().expect("an unlock code was noted");
            stage.call(&code, true, None)
        })
        .await;
}

#[given("记下解锁码")]
fn note_code(world: &mut UkeyWorld) {
    let mut stage = world.stage();
    stage.noted_code = Some(stage.unlock_code());
}

#[then("解锁码与记下的不同")]
async fn new_code(world: &mut UkeyWorld) {
    world.success();
    let mut stage = world.stage();
    let now = stage.unlock_code();
    assert!(stage.noted_code.as_ref() != Some(&now), "解锁码与记下的相同");
    stage.noted_code = None;
}

// ---- the key ----

#[then(expr = "解锁码一栏为{string}，新密码一栏旁为{string}")]
async fn boxes(world: &mut UkeyWorld, code: String, hint: String) {
    world.success();
    let mut stage = world.stage();
    judge(stage.unlocking().code_box_zh(), code.as_str(), "解锁码一栏");
    judge(stage.unlocking().pin_hint_zh(), hint, "新密码一栏旁");
}

#[then(expr = "解锁码一栏为得到的解锁码")]
async fn code_in_its_box(world: &mut UkeyWorld) {
    let mut stage = world.stage();
    let code = stage.unlock_code();
    assert!(stage.unlocking().code_box_zh() == code, "解锁码一栏不是得到的解锁码");
}

#[when(expr = "输入新口令{string}，再次输入{string}，点击确认")]
#[when(expr = "the new PIN {string} is entered, and again {string}")]
async fn reset(world: &mut UkeyWorld, entry: String, again: String) {
    world.attempt(move |stage| stage.reset_pin(&entry, &again)).await;
}

#[given("UKey已解锁为一次性口令，还没有改为新口令")]
async fn half_way(world: &mut UkeyWorld) {
    world
        .must(|stage| {
            let known = stage.attached();
            stage.unlocking().unblock(&known)
        })
        .await;
}

#[when("查看解锁订单")]
async fn look(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            stage.in_hand().refresh()?;
            stage.shown = stage.unlocking().prompt_zh().to_owned();
            Ok(())
        })
        .await;
}

#[then("证书助手还没有到重置口令")]
async fn not_yet_reset(world: &mut UkeyWorld) {
    world.on_stage(|stage| stage.refreshed()).await;
    let step = world.stage().unlocking().step();
    assert!(step != ukey_flows::unlock::Step::ResetPin, "下一步已是重置口令");
}
