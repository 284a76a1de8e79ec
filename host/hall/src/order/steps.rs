//! The steps that orders of several kinds share: each finds the order and does what its kind does there.
//!
//! Guarantees: nothing is done to an order that is not the caller's, nor by a verification that has lapsed.
//! Refuses to know: what a step does; the kinds' own modules do.

use super::{change, enrol, identity, record::Record, reissue, renew, seal, state::Event, unlock, verification, view};
use crate::{
    api::{EnrolForm, IdentityCheck, Order, OrderKind, OrderState},
    problem::Answer,
    rights::{Right, demand},
    turn::Turn,
};

/// The caller's order as it stands now: a verification that has run out carries no step.
async fn own(turn: &mut Turn<'_>, id: &str) -> Answer<Record> {
    let mut record = turn.own_order(id, Right::UseOwnOrder).await?;
    verification::refresh(turn, &mut record).await?;
    Ok(record)
}

/// Changes the form (E-06 返回修改).
pub(crate) async fn amend(turn: &mut Turn<'_>, id: &str, form: EnrolForm) -> Answer<Order> {
    let mut record = own(turn, id).await?;
    let form = enrol::trimmed(form);
    match record.kind {
        OrderKind::Change => change::amend(turn, &mut record, form).await?,
        OrderKind::Renew | OrderKind::Repair => renew::amend(turn, &mut record, form).await?,
        _ => enrol::amend(turn, &mut record, form).await?,
    }
    view::order(turn, &record).await
}

/// Checks who applies (E-03 to E-05).
pub(crate) async fn identify(turn: &mut Turn<'_>, id: &str, check: IdentityCheck) -> Answer<Order> {
    let mut record = own(turn, id).await?;
    let form = record.form()?.clone();
    if record.kind.rewrites_key() && !record.details.reviewed {
        return Err(record.wrong_state());
    }
    record.demand_state(&[OrderState::Draft, OrderState::Identified])?;
    record.details.identity = Some(identity::check(turn, &record, &form, &check).await?);
    let actor = turn.caller.actor();
    if !turn.advance(&mut record, Event::IdentityPassed, &actor).await? {
        turn.save(&mut record).await?;
    }
    view::order(turn, &record).await
}

/// 确认订单 (E-06).
pub(crate) async fn confirm(turn: &mut Turn<'_>, id: &str) -> Answer<Order> {
    let mut record = own(turn, id).await?;
    match record.kind {
        OrderKind::Change => change::confirm(turn, &mut record).await?,
        OrderKind::Renew | OrderKind::Repair => renew::confirm(turn, &mut record).await?,
        _ => enrol::confirm(turn, &mut record).await?,
    }
    view::order(turn, &record).await
}

/// 确认申请 (E-07): the papers are complete.
pub(crate) async fn submit(turn: &mut Turn<'_>, id: &str) -> Answer<Order> {
    let mut record = own(turn, id).await?;
    match record.kind {
        OrderKind::Change => change::submit(turn, &mut record).await?,
        OrderKind::SealChange => seal::submit(turn, &mut record).await?,
        _ => enrol::submit(turn, &mut record).await?,
    }
    view::order(turn, &record).await
}

/// Gives an order up; what was paid goes back.
pub(crate) async fn cancel(turn: &mut Turn<'_>, id: &str) -> Answer<Order> {
    demand(&turn.caller, Right::WholeOrder)?;
    let mut record = own(turn, id).await?;
    unlock::demand_no_pin(turn, &record).await?;
    let actor = turn.caller.actor();
    if turn.advance(&mut record, Event::Cancelled, &actor).await? {
        turn.refund(&record).await?;
        reissue::release(turn, &record).await?;
        turn.erase_secrets(&record.id).await?;
    }
    view::order(turn, &record).await
}
