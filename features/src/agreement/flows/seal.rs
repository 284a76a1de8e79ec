//! 签章变更 (Z) for a fee: a new seal, from the choice of the change to the second click, which writes it.

use ukey_flows::{
    FlowError,
    api::{OrderKind, OrderState, SealChangeKind},
    seal::{ChangeStep, Sealing},
};

use super::{Flow, PIN};
use crate::{
    agreement::{
        judge::Expected,
        world::{Person, World},
    },
    people::Holder,
    stage::{Stage, seal::good_picture, typed},
};

pub(in crate::agreement) const FLOW: Flow =
    Flow { name: "seal-change", profile: "qinghe", prepare, go_on, expect };

/// A key without a seal.
fn prepare(stage: &mut Stage) -> Result<Person, FlowError> {
    stage.hold_key(Holder::Unit, None, PIN)?;
    Ok(Person::with_key(stage, Holder::Unit))
}

fn expect(person: &Person) -> Expected {
    Expected {
        kind: OrderKind::SealChange,
        state: OrderState::Completed,
        price_fen: 5_000,
        unlocks: 0,
        pin: person.pin.clone(),
        other_pin: person.new_pin.clone(),
    }
}

fn go_on(world: &mut World) -> Result<(), FlowError> {
    let (known, pin) = ([world.device()?], typed(&world.person.pin));
    let sealing = Sealing::begin(&world.client, &known, &pin)?;
    let mut changing = match sealing.under_way() {
        Some(changing) => changing,
        // Nothing is under way and the seal is there: it came to its end before.
        None if !sealing.seals().is_empty() => return Ok(()),
        None => sealing.place(SealChangeKind::Add, None, None)?,
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
