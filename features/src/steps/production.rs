//! The desks behind the hall: review, production, post, 签收.

use cucumber::{given, then, when};
use ukey_flows::{api::Decision, production::ProductionDesk};

use crate::{
    judge::judge,
    stage::Stage,
    words::{Day, Whose},
    world::UkeyWorld,
};

#[given("审核员审核通过")]
#[when("the reviewer passes the application")]
#[when("审核员审核通过")]
async fn pass(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.decide(Decision::Pass, None)).await;
}

#[when(expr = "审核员退回申请，原因{string}")]
async fn return_it(world: &mut UkeyWorld, reason: String) {
    world.attempt(move |stage| stage.decide(Decision::Return, Some(&reason))).await;
}

#[when(expr = "审核员拒绝申请，原因{string}")]
#[when(expr = "the reviewer refuses the application with the reason {string}")]
async fn refuse(world: &mut UkeyWorld, reason: String) {
    world.attempt(move |stage| stage.decide(Decision::Refuse, Some(&reason))).await;
}

#[when("审核员不写原因就拒绝申请")]
async fn refuse_without_reason(world: &mut UkeyWorld) {
    world.attempt(|stage| stage.decide(Decision::Refuse, None)).await;
}

#[then(expr = "审核结果最迟在{day}告知")]
async fn review_due(world: &mut UkeyWorld, day: Day) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    judge(order.review_due, Some(day.0), "审核期限");
}

#[when("制证台用一把空白UKey制证")]
#[when("the production desk makes the key of a blank UKey")]
async fn produce(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let blank = stage.take_blank_key()?;
            stage.make_key(&blank)
        })
        .await;
}

#[when(expr = "制证台用{holder}的UKey制证")]
async fn produce_on_used_key(world: &mut UkeyWorld, holder: Whose) {
    world
        .attempt(move |stage| {
            let business = stage.holder;
            stage.take_key_of(holder.0);
            stage.holder = business;
            let device = stage.device();
            stage.make_key(&device)
        })
        .await;
}

#[when(expr = "制证台用一把空白UKey制证，第{int}次交换后UKey被拔出")]
async fn produce_and_pull(world: &mut UkeyWorld, exchanges: u64) {
    world
        .attempt(move |stage| {
            let blank = stage.take_blank_key()?;
            stage.hand_of(&blank).unplug_after(exchanges);
            stage.make_key(&blank)
        })
        .await;
}

#[when(expr = "制证台用一把空白UKey制证，第{int}次写闪存时断电")]
async fn produce_and_cut(world: &mut UkeyWorld, operation: u64) {
    world
        .attempt(move |stage| {
            let blank = stage.take_blank_key()?;
            stage.simulator_of(&blank).cut_power_after(operation - 1, Some(operation));
            stage.make_key(&blank)
        })
        .await;
}

#[when("制证台插回这把UKey再次制证")]
async fn produce_again(world: &mut UkeyWorld) {
    world
        .attempt(|stage| {
            let device = stage.device();
            stage.plug_in()?;
            stage.make_key(&device)
        })
        .await;
}

#[then("制证台没有待办")]
async fn no_jobs(world: &mut UkeyWorld) {
    let desk = |stage: &mut Stage| ProductionDesk::new(&stage.client(), &"desk-production".into()).jobs();
    let jobs = world.must(desk).await;
    judge(jobs.len(), 0, "制证台的待办");
}

#[then(expr = "UKey已寄往{string}，收件人{string}")]
async fn posted(world: &mut UkeyWorld, address: String, name: String) {
    let order = world.on_stage(|stage| stage.refreshed()).await;
    let parcel = order.parcel.clone().expect("a parcel");
    judge(parcel.address, address, "包裹的地址");
    judge(parcel.recipient, name, "收件人");
    judge(parcel.tracking.len(), 14, "运单号的长度");
    let parcels = world.must(|stage| stage.client().parcels()).await;
    judge(parcels.iter().filter(|parcel| parcel.order == order.id).count(), 1, "包裹的件数");
}

#[given("签收UKey")]
#[when("the UKey is received")]
#[when("签收UKey")]
async fn receive(world: &mut UkeyWorld) {
    world.attempt(Stage::receive).await;
}

#[given(expr = "{holder}已领到UKey，口令为{string}")]
#[given(expr = "{holder} holds a UKey with the PIN {string}")]
async fn holds_key_with_pin(world: &mut UkeyWorld, holder: Whose, pin: String) {
    world.must(move |stage| stage.hold_key(holder.0, None, &pin)).await;
}

#[given(expr = "{holder}通过渠道{string}已领到UKey，口令为{string}")]
async fn holds_key_of_channel(world: &mut UkeyWorld, holder: Whose, channel: String, pin: String) {
    world.must(move |stage| stage.hold_key(holder.0, Some(&channel), &pin)).await;
}
