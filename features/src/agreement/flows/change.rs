//! 信息变更 (C) of a unit's name, its two lanes: the new pair names the unit anew, and the seal in the key, which lists the
//! old certificate, is made again.

use ukey_flows::{
    FlowError,
    api::{EnrolForm, OrderKind, OrderState, RevocationReason},
    change::{Changing, Step},
};

use super::{Flow, PIN, seal};
use crate::{
    agreement::{
        judge::Expected,
        world::{Person, World},
    },
    people::Holder,
    stage::{GIF, Stage, typed},
};

/// The registry confirms the name (C-03).
pub(in crate::agreement) const BY_REGISTRY: Flow =
    Flow { name: "change", profile: "luming", prepare, go_on, expect };

/// Papers and a review (C-05).
pub(super) const BY_PAPERS: Flow = Flow { name: "change-papers", profile: "qinghe", prepare, go_on, expect };

/// The unit's new name.
const NEW_NAME: &str = "示例科技集团有限公司";

/// A key with a seal in it.
fn prepare(stage: &mut Stage) -> Result<Person, FlowError> {
    stage.hold_key(Holder::Unit, None, PIN)?;
    stage.gain_seal(None)?;
    Ok(Person::with_key(stage, Holder::Unit))
}

fn expect(person: &Person) -> Expected {
    Expected {
        issued: 1,
        revoked: Some(RevocationReason::AffiliationChanged),
        seals: 1,
        ..Expected::of(person, OrderKind::Change, OrderState::Completed)
    }
}

fn go_on(world: &mut World) -> Result<(), FlowError> {
    let (known, pin) = ([world.device()?], typed(&world.person.pin));
    let mut changing = Changing::begin_for(&world.client, &known, &pin, world.person.certificate())?;
    loop {
        match changing.step() {
            Step::Edit => {
                changing.in_hand_mut().amend(&renamed(world.person.holder))?;
                world.ask_for_code(|| changing.send_code())?;
                changing.enter_code(&world.code(world.person.holder.phone(), "rewrite")?)?;
            }
            Step::Confirm => changing.in_hand_mut().confirm()?,
            Step::UploadPapers => {
                let order = changing.in_hand_mut();
                for paper in order.missing_papers().collect::<Vec<_>>() {
                    order.upload(paper, GIF)?;
                }
                order.submit()?;
            }
            Step::Wait => {
                world.pass_review(&changing.in_hand().order().id)?;
                changing.in_hand_mut().refresh()?;
            }
            Step::Write => changing.write(&known, &pin)?,
            Step::Done => {
                // What an earlier attempt left to tidy; then the seal that lists the old certificate is made again.
                changing.write(&known, &pin)?;
                return seal::write_ready(world);
            }
            Step::Correct | Step::Over => {
                return Err(FlowError::Answer("somebody ended the change", "变更被他人终止"));
            }
        }
    }
}

/// The holder's form with the new name.
pub(in crate::agreement) fn renamed(holder: Holder) -> EnrolForm {
    let mut form = holder.form();
    match &mut form {
        EnrolForm::Unit(unit) => unit.name = NEW_NAME.into(),
        EnrolForm::Person(person) => person.holder.name = NEW_NAME.into(),
    }
    form
}
