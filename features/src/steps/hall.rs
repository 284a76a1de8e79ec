//! The hall itself: opening, time, messages, refusals, the order query.

use cucumber::{gherkin::Step, given, then, when};
use ukey_flows::{
    api::{MessageKind, PasswordWay, QueryRequest, SubjectKind},
    enrol::Enrolling,
};

use crate::{
    judge::judge,
    office::Lost,
    people::Holder,
    stage::{Business, wrong},
    words::{Authority, Call, Moment, Recipient, State, Time, Whose},
    world::UkeyWorld,
};

#[given(expr = "{authority}的网上服务厅已开通")]
#[given(expr = "the service hall of {authority} is open")]
async fn open(world: &mut UkeyWorld, authority: Authority) {
    world.open_office(authority.0).await;
}

#[given(expr = "改到{authority}的网上服务厅办理")]
async fn move_on(world: &mut UkeyWorld, authority: Authority) {
    world.open_office(authority.0).await;
}

#[given(expr = "过了{time}")]
#[when(expr = "过了{time}")]
async fn wait(world: &mut UkeyWorld, time: Time) {
    world.on_stage(move |stage| stage.wait(time.0)).await;
}

#[given(expr = "时间到了{moment}")]
#[when(expr = "时间到了{moment}")]
async fn come_to(world: &mut UkeyWorld, moment: Moment) {
    world
        .on_stage(move |stage| {
            let now = stage.client().clock().expect("the hall's clock").now;
            let seconds = moment.0.as_second() - now.as_second();
            stage.wait(seconds.try_into().expect("a moment that is still to come"));
        })
        .await;
}

// ---- the line ----

#[given(expr = "网络故障：下一次{call}没有送到服务厅")]
#[when(expr = "网络故障：下一次{call}没有送到服务厅")]
fn lose_request(world: &mut UkeyWorld, call: Call) {
    world.stage().office().line.lose(call.0, Lost::Request);
}

#[given(expr = "网络故障：下一次{call}送到了但没有收到回应")]
#[when(expr = "网络故障：下一次{call}送到了但没有收到回应")]
fn lose_answer(world: &mut UkeyWorld, call: Call) {
    world.stage().office().line.lose(call.0, Lost::Answer);
}

// ---- what the screen says ----

#[then("成功")]
#[then("it succeeds")]
fn succeeded(world: &mut UkeyWorld) {
    world.success();
}

#[then(expr = "提示{string}")]
#[then(expr = "the screen says {string}")]
fn shows(world: &mut UkeyWorld, text: String) {
    judge(world.success(), text, "屏幕上的提示");
}

#[then(expr = "被拒绝，提示{string}")]
#[then(expr = "it is refused with the words {string}")]
fn refused(world: &mut UkeyWorld, text: String) {
    judge(world.failure().message_zh(), text, "拒绝的提示");
}

#[then(expr = "须再等{time}")]
fn must_wait(world: &mut UkeyWorld, time: Time) {
    let problem = world.failure().problem().expect("a refusal of the hall");
    judge(problem.retry_after, Some(time.0), "还要等多少秒");
}

#[then("网络不通，操作没有得到结果")]
fn unreachable(world: &mut UkeyWorld) {
    judge(world.failure().message_zh(), "无法连接网上服务厅，请检查网络", "拒绝的提示");
}

// ---- messages ----

async fn got(world: &mut UkeyWorld, recipient: Recipient, kind: MessageKind, text: String) {
    let read = world.on_stage(move |stage| stage.read_message(recipient.0, kind, &text)).await;
    if let Err(told) = read {
        panic!("没有这样的信息；还有{}条没有看过：\n{}", told.len(), told.join("\n"));
    }
}

// Order numbers and codes differ from run to run: they are written as … in the scenario.
#[then(expr = "{recipient}收到短信{string}")]
async fn got_sms(world: &mut UkeyWorld, recipient: Recipient, text: String) {
    got(world, recipient, MessageKind::Sms, text).await;
}

#[then(expr = "{recipient}收到邮件{string}")]
async fn got_mail(world: &mut UkeyWorld, recipient: Recipient, text: String) {
    got(world, recipient, MessageKind::Mail, text).await;
}

#[then(expr = "{recipient}收到附言{string}")]
async fn got_remittance(world: &mut UkeyWorld, recipient: Recipient, text: String) {
    got(world, recipient, MessageKind::Remittance, text).await;
}

#[then(expr = "证书密码发送到{recipient}")]
async fn password_goes_to(world: &mut UkeyWorld, recipient: Recipient) {
    let (there, length) = world
        .on_stage(move |stage| {
            let expected = stage.certificate_password();
            let there = stage.code(recipient.0, "password", 0);
            (there == expected, there.len())
        })
        .await;
    assert!(there, "另一个密码");
    judge(length, 8, "证书密码的长度");
}

#[then(expr = "{recipient}没有收到证书密码")]
async fn no_password(world: &mut UkeyWorld, recipient: Recipient) {
    let count = world.on_stage(move |stage| stage.messages(recipient.0, "password").len()).await;
    judge(count, 0, "证书密码的条数");
}

// ---- 订单查询 ----

async fn query(world: &mut UkeyWorld, holder: Holder, number: String) {
    let kind = if holder == Holder::Unit { SubjectKind::Unit } else { SubjectKind::Person };
    world
        .attempt(move |stage| {
            stage.query = Some(stage.client().query_orders(&QueryRequest { kind, number })?);
            Ok(())
        })
        .await;
}

#[when(expr = "在订单查询中输入{holder}的证件号码并发送验证码")]
async fn open_query(world: &mut UkeyWorld, holder: Whose) {
    query(world, holder.0, holder.0.number().to_owned()).await;
}

#[when(expr = "在订单查询中输入单位证件号码{string}并发送验证码")]
async fn open_query_for(world: &mut UkeyWorld, number: String) {
    query(world, Holder::Unit, number).await;
}

async fn enter_query_code(world: &mut UkeyWorld, code: impl FnOnce(String) -> String + Send + 'static) {
    world
        .attempt(move |stage| {
            let query = stage.query.as_ref().expect("a query is open").query.clone();
            let code = code(stage.code(stage.holder.phone(), "query", 0));
            stage.found = stage.client().queried_orders(&query, &code)?;
            Ok(())
        })
        .await;
}

#[when("输入查询验证码并确认")]
async fn query_result(world: &mut UkeyWorld) {
    enter_query_code(world, |code| code).await;
}

#[when("输入错误的查询验证码并确认")]
async fn wrong_query_code(world: &mut UkeyWorld) {
    enter_query_code(world, |code| wrong(&code)).await;
}

#[then(expr = "查询到以下订单：")]
fn found_orders(world: &mut UkeyWorld, step: &Step) {
    world.success();
    let rows = &step.table.as_ref().expect("a table of orders").rows;
    let expected: Vec<_> = rows.iter().skip(1).map(|row| row.join(" ")).collect();
    let stage = world.stage();
    let row = |found: &ukey_flows::api::QueriedOrder| {
        format!("{} {} {}", found.order.subject.name, found.order.fee.item, found.order.state.zh())
    };
    judge(stage.found.iter().map(row).collect::<Vec<_>>(), expected, "查询结果");
}

#[then(expr = "没有验证码发到{recipient}")]
async fn no_query_code(world: &mut UkeyWorld, recipient: Recipient) {
    world.success();
    let count = world.on_stage(move |stage| stage.messages(recipient.0, "query").len()).await;
    judge(count, 0, "查询验证码的条数");
}

#[when("继续办理查询到的新办订单")]
fn go_on(world: &mut UkeyWorld) {
    let mut stage = world.stage();
    let client = stage.client();
    let found = stage.found.first().expect("an order was found").clone();
    stage.business = Some(Business::Enrol(Enrolling::resume(&client, found)));
    stage.payment = None;
}

/// The whole query in one stride: days later the order's own token has run out.
#[when("从订单查询继续办理")]
async fn query_and_go_on(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            stage.found = stage.query_orders()?;
            let (client, found) = (stage.client(), stage.found.first().expect("an order was found").clone());
            stage.business = Some(Business::Enrol(Enrolling::resume(&client, found)));
            Ok(())
        })
        .await;
}

#[then(expr = "订单查询显示密码获取方式为短信，手机{string}")]
fn password_by_sms(world: &mut UkeyWorld, shown: String) {
    let way = world.stage().found.first().and_then(|found| found.order.password_way.clone());
    judge(way, Some(PasswordWay::Sms { phone: shown }), "密码获取方式");
}

#[then(expr = "订单查询显示密码获取方式为收款附言，账号{string}")]
fn password_by_note(world: &mut UkeyWorld, shown: String) {
    let way = world.stage().found.first().and_then(|found| found.order.password_way.clone());
    judge(way, Some(PasswordWay::RemittanceNote { account: shown }), "密码获取方式");
}

// ---- the order at hand ----

#[then(expr = "订单状态为{state}")]
#[then(expr = "the order is {state}")]
async fn order_state(world: &mut UkeyWorld, state: State) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    judge(order.state, state.0, "订单状态");
    judge(order.state_zh, state.0.zh(), "订单状态的中文");
}

#[then(expr = "订单的原因为{string}")]
async fn order_reason(world: &mut UkeyWorld, reason: String) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    judge(order.reason, Some(reason), "退回或拒绝的原因");
}
