//! 证书延期 (R) with new keys, for a fee: the new pair is written beside the old one, confirmed, and the old one deleted.

use ukey_flows::{
    FlowError,
    api::{OrderKind, OrderState},
    renew::{Renewing, Step},
};

use super::{Flow, PIN};
use crate::{
    agreement::{
        judge::Expected,
        world::{Person, World},
    },
    people::Holder,
    stage::{Stage, typed},
};

pub(super) const FLOW: Flow = Flow { name: "renew", profile: "qinghe", prepare, go_on, expect };

/// Seconds from the enrolment until a certificate of 730 days is inside the window of 90.
const UNTIL_THE_WINDOW: u64 = 700 * 24 * 3600;

/// A key whose certificate runs out soon.
fn prepare(stage: &mut Stage) -> Result<Person, FlowError> {
    stage.hold_key(Holder::Unit, None, PIN)?;
    stage.wait(UNTIL_THE_WINDOW);
    Ok(Person::with_key(stage, Holder::Unit))
}

fn expect(person: &Person) -> Expected {
    Expected {
        kind: OrderKind::Renew,
        state: OrderState::Completed,
        price_fen: 20_000,
        unlocks: 0,
        pin: person.pin.clone(),
        other_pin: person.new_pin.clone(),
    }
}

fn go_on(world: &mut World) -> Result<(), FlowError> {
    let (known, pin) = ([world.device()?], typed(&world.person.pin));
    let mut renewing = Renewing::begin_for(&world.client, &known, &pin, None, &world.person.certificate)?;
    loop {
        match renewing.step() {
            Step::Confirm => renewing.in_hand_mut().confirm()?,
            Step::Pay => {
                world.pay(&renewing.in_hand().pay("alipay", true)?)?;
                renewing.in_hand_mut().refresh()?;
            }
            Step::Write => renewing.write(&known, &pin)?,
            // What an earlier attempt left to tidy.
            Step::Done => return renewing.write(&known, &pin),
            _ => {
                return Err(FlowError::Answer(
                    "a step that this renewal does not have",
                    "这种延期没有这一步",
                ));
            }
        }
    }
}
