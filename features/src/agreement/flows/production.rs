//! 制证 (E-12): the production desk makes a key of a blank one.

use ukey_flows::{
    FlowError,
    api::{Decision, OrderKind, OrderState},
    production::ProductionDesk,
};

use super::{Flow, PIN};
use crate::{
    agreement::{
        judge::Expected,
        world::{Person, World},
    },
    people::Holder,
    stage::Stage,
};

pub(super) const FLOW: Flow = Flow { name: "production", profile: "qinghe", prepare, go_on, expect };

/// An enrolment that passed the review, and a blank key.
fn prepare(stage: &mut Stage) -> Result<Person, FlowError> {
    stage.go_to_payment(Holder::Unit, None)?;
    stage.pay()?;
    stage.decide(Decision::Pass, None)?;
    stage.take_blank_key()?;
    // The holder's first PIN is the certificate password.
    let password = stage.certificate_password();
    Ok(Person { holder: Holder::Unit, pin: PIN.into(), new_pin: password, certificate: None, seal: None })
}

/// The desk makes whatever waits for it.
fn go_on(world: &mut World) -> Result<(), FlowError> {
    let desk = ProductionDesk::new(&world.client, &"desk-production".into());
    for job in desk.jobs()? {
        desk.make(&job.order, world.device()?)?;
    }
    Ok(())
}

fn expect(person: &Person) -> Expected {
    Expected {
        price_fen: 20_000,
        issued: 1,
        pin: person.new_pin.clone(),
        other_pin: person.pin.clone(),
        ..Expected::of(person, OrderKind::EnrolUnit, OrderState::Posted)
    }
}
