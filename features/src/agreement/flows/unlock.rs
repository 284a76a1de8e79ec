//! 找回密码 (U) in its three lanes.

use ukey_flows::{
    FlowError,
    api::{CallDecision, OrderKind, OrderState},
    unlock::{Step, Unlocking},
};

use super::{Flow, PIN};
use crate::{
    agreement::{
        judge::Expected,
        world::{Person, World},
    },
    people::{self, Holder},
    stage::{GIF, Stage},
};

/// A fee, then the code to the phone on record (U-05 to U-14).
pub(in crate::agreement) const BY_SMS: Flow = Flow {
    name: "unlock",
    profile: "qinghe",
    prepare,
    go_on: |world| go_on(world, by_sms),
    expect: |person| expect(person, 3_000),
};

/// A fee, then papers and a call (U-20 to U-25).
pub(super) const BY_PAPERS: Flow = Flow {
    name: "unlock-papers",
    profile: "qinghe",
    prepare,
    go_on: |world| go_on(world, by_papers),
    expect: |person| expect(person, 3_000),
};

/// Free of charge; the first unlock wants an identity check (U-31 to U-33).
pub(super) const BY_IDENTITY: Flow = Flow {
    name: "unlock-identity",
    profile: "luming",
    prepare,
    go_on: |world| go_on(world, by_sms),
    expect: |person| expect(person, 0),
};

/// A key that is locked.
fn prepare(stage: &mut Stage) -> Result<Person, FlowError> {
    stage.hold_key(Holder::Unit, None, PIN)?;
    stage.lock_key();
    Ok(Person::with_key(stage, Holder::Unit))
}

fn expect(person: &Person, price_fen: i64) -> Expected {
    Expected {
        price_fen,
        unlocks: 1,
        pin: person.new_pin.clone(),
        other_pin: person.pin.clone(),
        ..Expected::of(person, OrderKind::Unlock, OrderState::Completed)
    }
}

fn go_on(
    world: &mut World,
    verify: fn(&World, &mut Unlocking) -> Result<(), FlowError>,
) -> Result<(), FlowError> {
    let known = [world.device()?];
    // The new PIN may be in the key already.
    let mut unlocking = Unlocking::begin(&world.client, &known, Some(&world.new_pin()))?;
    loop {
        match unlocking.step() {
            Step::Pay => {
                let payment = unlocking.in_hand().pay("alipay", true)?;
                world.pay(&payment)?;
                unlocking.in_hand_mut().refresh()?;
            }
            Step::CheckIdentity => {
                let check = world.person.holder.check(world.person.holder.first_way());
                unlocking.check_identity(&check)?;
            }
            Step::EnterAuthorisation => {
                let check = world.person.holder.check(world.person.holder.first_way());
                let code = world.code(people::recipient(&check), "authorisation")?;
                unlocking.enter_authorisation(&code)?;
            }
            Step::Verify => verify(world, &mut unlocking)?,
            Step::CallCentre => call(world, &mut unlocking)?,
            Step::ResetPin => {
                let pin = world.person.new_pin.clone();
                unlocking.reset_pin(&known, &pin, &pin)?;
            }
            Step::Done => return Ok(()),
            Step::Cancelled => return Err(FlowError::Answer("somebody cancelled the order", "订单被取消")),
        }
    }
}

fn by_sms(world: &World, unlocking: &mut Unlocking) -> Result<(), FlowError> {
    let phone = world.person.holder.phone();
    world.ask_for_code(|| unlocking.send_code(Some(phone)))?;
    let code = world.code(phone, "unlock")?;
    unlocking.enter_code(&code)
}

fn by_papers(_: &World, unlocking: &mut Unlocking) -> Result<(), FlowError> {
    let papers: Vec<_> = unlocking.in_hand().missing_papers().collect();
    for paper in papers {
        unlocking.in_hand_mut().upload(paper, GIF)?;
    }
    unlocking.send_papers()
}

/// The unlock code is read out, the call centre approves, 认证.
fn call(world: &World, unlocking: &mut Unlocking) -> Result<(), FlowError> {
    let approved = unlocking.in_hand().order().state == OrderState::PapersApproved;
    let code = match world.read_out.take().filter(|_| approved) {
        // Who has read a code out knows it, whatever the screen shows since.
        Some(code) => code,
        None => {
            // Whoever took the order up again has another code made: the one before is shown to nobody else.
            if unlocking.unlock_code().is_none() {
                unlocking.send_papers()?;
            }
            let shown = unlocking.unlock_code();
            shown.ok_or(FlowError::Answer("no unlock code is shown", "没有显示解锁码"))?.to_owned()
        }
    };
    world.read_out.replace(Some(code.clone()));
    if unlocking.in_hand().order().state == OrderState::PapersSubmitted {
        let decision = CallDecision { code: code.as_str().into(), approve: true, reason: None };
        world.client.decide_call(&"desk-call-centre".into(), &decision)?;
    }
    unlocking.authenticate(&code)
}
