//! 签章变更 (Z): a new seal and another picture for a fee, from the choice of the change to the second click, which writes
//! it; and the seal that is made again after a renewal (Z-11).

use ukey_flows::{
    FlowError,
    api::{OrderKind, OrderState, SealChangeKind},
    seal::{ChangeStep, Sealing},
};

use super::{Flow, PIN, renew};
use crate::{
    agreement::{
        judge::Expected,
        world::{Person, World},
    },
    people::Holder,
    stage::{seal::good_picture, typed},
};

/// A first seal.
pub(in crate::agreement) const ADD: Flow = Flow {
    name: "seal-change",
    profile: "qinghe",
    prepare: |stage| {
        stage.hold_key(Holder::Unit, None, PIN)?;
        Ok(Person::with_key(stage, Holder::Unit))
    },
    go_on: |world| go_on(world, SealChangeKind::Add),
    expect: |person| expect(person, 5_000),
};

/// Another picture.
pub(super) const REPLACE: Flow = Flow {
    name: "seal-replace",
    profile: "qinghe",
    prepare: |stage| {
        stage.hold_key(Holder::Unit, None, PIN)?;
        stage.gain_seal(None)?;
        Ok(Person::with_key(stage, Holder::Unit))
    },
    go_on: |world| go_on(world, SealChangeKind::Replace),
    expect: |person| expect(person, 5_000),
};

/// A renewal has left a seal that lists the old certificate.
pub(super) const REMAKE: Flow = Flow {
    name: "seal-remake",
    profile: "qinghe",
    prepare: |stage| {
        stage.hold_key(Holder::Unit, None, PIN)?;
        stage.gain_seal(None)?;
        stage.wait(renew::UNTIL_THE_WINDOW);
        stage.ready_renewal()?;
        stage.write_certificate()?;
        Ok(Person::with_key(stage, Holder::Unit))
    },
    go_on: write_ready,
    expect: |person| expect(person, 0),
};

fn expect(person: &Person, price_fen: i64) -> Expected {
    let seals = 1;
    Expected { price_fen, seals, ..Expected::of(person, OrderKind::SealChange, OrderState::Completed) }
}

fn go_on(world: &mut World, change: SealChangeKind) -> Result<(), FlowError> {
    let (known, pin) = ([world.device()?], typed(&world.person.pin));
    let sealing = Sealing::begin(&world.client, &known, &pin)?;
    let before = world.person.seal.as_deref();
    let mut changing = match sealing.under_way() {
        Some(changing) => changing,
        // Nothing is under way and another seal is there than before: it came to its end.
        None if sealing.seals().first().is_some_and(|seal| Some(seal.id.as_str()) != before) => return Ok(()),
        None => sealing.place(change, before, None)?,
    };
    loop {
        match changing.step() {
            ChangeStep::Upload => changing.submit(&good_picture())?,
            ChangeStep::Pay => {
                world.pay(&changing.in_hand().pay("alipay", true)?)?;
                changing.in_hand_mut().refresh()?;
            }
            ChangeStep::Wait => {
                world.pass_review(&changing.in_hand().order().id)?;
                changing.in_hand_mut().refresh()?;
            }
            ChangeStep::Write => changing.write(&known, &pin)?,
            ChangeStep::Done => return Ok(()),
            ChangeStep::Correct | ChangeStep::Ended => {
                return Err(FlowError::Answer("somebody ended the change", "变更被他人终止"));
            }
        }
    }
}

/// A click writes whatever may be written (Z-08).
pub(super) fn write_ready(world: &mut World) -> Result<(), FlowError> {
    let (known, pin) = ([world.device()?], typed(&world.person.pin));
    let ready = Sealing::begin(&world.client, &known, &pin)?.ready();
    ready.into_iter().try_for_each(|mut changing| changing.write(&known, &pin))
}
