//! 证书延期 (R) with new keys, for a fee: the new pair is written beside the old one, confirmed, and the old one deleted.

use ukey_flows::{
    FlowError,
    api::{OrderKind, OrderState},
    key::MyCertificate,
    login::login,
    renew::{Renewing, Step},
};

use super::{Flow, NEW_PIN, PIN};
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
    Ok(Person { holder: Holder::Unit, pin: PIN.into(), new_pin: NEW_PIN.into() })
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
    if is_done(world)? {
        return Ok(());
    }
    let (device, pin) = (world.device()?, typed(&world.person.pin));
    let mut renewing = Renewing::begin(&world.client, device, &pin, None)?;
    loop {
        match renewing.step() {
            Step::Confirm => renewing.in_hand_mut().confirm()?,
            Step::Pay => {
                world.pay(&renewing.in_hand().pay("alipay", true)?)?;
                renewing.in_hand_mut().refresh()?;
            }
            Step::Write => renewing.write(device, &pin)?,
            // What an earlier attempt left to tidy.
            Step::Done => return renewing.write(device, &pin),
            _ => return Err(FlowError::Answer("a step that this renewal does not have")),
        }
    }
}

/// Whether it came to its end before: one certificate in the key, and 我的订单 shows its renewal completed.
fn is_done(world: &World) -> Result<bool, FlowError> {
    let device = world.device()?;
    if MyCertificate::all(device)?.len() != 1 {
        return Ok(false);
    }
    let session = login(&world.client, device, &typed(&world.person.pin))?;
    let orders = world.client.my_orders(&session.token)?;
    let mut renewals = orders.iter().filter(|order| order.kind == OrderKind::Renew);
    Ok(renewals.any(|order| order.state == OrderState::Completed))
}
