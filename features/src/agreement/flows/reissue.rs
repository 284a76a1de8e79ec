//! 丢失补办 (X): from the query by number to a new key in the holder's hand, with a PIN of their own.

use ukey_flows::{
    FlowError,
    api::{HeldCertificates, OrderKind, OrderState, ReissueReason, RevocationReason},
    enrol::Step,
    login::login,
    pin,
    production::ProductionDesk,
    query::Query,
    reissue::Reissuing,
};

use super::{Flow, PIN, query_order};
use crate::{
    agreement::{
        judge::{Expected, is_wrong_pin},
        world::{Person, World},
    },
    people::{self, Holder},
    stage::{GIF, Stage, typed},
};

pub(in crate::agreement) const FLOW: Flow =
    Flow { name: "reissue", profile: "qinghe", prepare, go_on, expect };

/// A key that is lost, and a blank one.
fn prepare(stage: &mut Stage) -> Result<Person, FlowError> {
    stage.hold_key(Holder::Unit, None, PIN)?;
    let person = Person::with_key(stage, Holder::Unit);
    stage.take_blank_key()?;
    Ok(person)
}

fn expect(person: &Person) -> Expected {
    Expected {
        price_fen: 15_000,
        issued: 1,
        revoked: Some(RevocationReason::KeyCompromise),
        pin: person.new_pin.clone(),
        other_pin: person.pin.clone(),
        ..Expected::of(person, OrderKind::Reissue, OrderState::Received)
    }
}

fn go_on(world: &mut World) -> Result<(), FlowError> {
    let device = world.device()?;
    let holder = world.person.holder;
    let held = certificates(world)?;
    let newest =
        held.certificates.first().ok_or(FlowError::Answer("no certificate was found", "没有查到证书"))?;
    // A certificate of the new key is there once it was issued: then the order is found by an order query.
    let in_hand = device.info()?.serial_number;
    let mut reissuing = if held.certificates.iter().any(|certificate| certificate.device_serial == in_hand) {
        Reissuing::resume(&world.client, query_order(world, OrderKind::Reissue)?)
    } else {
        Reissuing::begin(&world.client, &held, &newest.serial, ReissueReason::Lost, true)?
    };
    loop {
        let step = reissuing.step();
        let order = reissuing.in_hand_mut();
        match step {
            Step::CheckIdentity => order.check_identity(&holder.check(holder.first_way()))?,
            Step::Confirm => order.confirm()?,
            Step::UploadPapers => {
                for paper in order.missing_papers().collect::<Vec<_>>() {
                    order.upload(paper, GIF)?;
                }
                order.submit()?;
            }
            Step::Consent => order.consent(&world.code(holder.phone(), "consent")?)?,
            Step::Pay => {
                world.pay(&order.pay("alipay", true)?)?;
                order.refresh()?;
            }
            Step::Wait => {
                at_the_desks(world, order.order().state, &order.order().id)?;
                order.refresh()?;
            }
            Step::Receive => order.receive()?,
            Step::Done => return first_use(world),
            Step::Correct => return Err(FlowError::Answer("somebody returned the order", "订单被退回")),
        }
    }
}

/// 证件号码, 查询, 发送验证码, 确定.
fn certificates(world: &World) -> Result<HeldCertificates, FlowError> {
    let holder = world.person.holder;
    let query = world.ask_for_code(|| Query::of_certificates(&world.client, &world.person.query()))?;
    query.certificates(&world.code(holder.phone(), "holder")?)
}

/// Review, then production.
fn at_the_desks(world: &World, state: OrderState, order: &str) -> Result<(), FlowError> {
    if state == OrderState::InReview {
        return world.pass_review(order);
    }
    let desk = ProductionDesk::new(&world.client, &"desk-production".into());
    desk.make(order, world.device()?).map(drop)
}

/// The certificate password is changed to a PIN of the holder's own (E-13), unless it was before.
fn first_use(world: &World) -> Result<(), FlowError> {
    let device = world.device()?;
    match login(&world.client, device, &world.new_pin()) {
        Err(error) if is_wrong_pin(&error) => {
            let holder = world.person.holder;
            let password = world.code(people::recipient(&holder.check(holder.first_way())), "password")?;
            let new = &world.person.new_pin;
            pin::change(device, &world.client.profile()?.pin, &typed(&password), new, new)
        }
        done => done.map(drop),
    }
}
