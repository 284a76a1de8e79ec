//! The call-centre desk (U-23): papers and the unlock code that the user reads out.
//!
//! Guarantees: a desk names a code, it is never shown one; a code is decided once; a desk that names too many codes
//! that nobody has waits until the next day.

use crate::{
    api::{CallDecision, CodeEntry, Order, OrderState, ProblemType},
    checks,
    code::Purpose,
    order::{record::Record, state::Event, view},
    problem::{Answer, refuse, refuse_field},
    rights::{Right, demand},
    turn::Turn,
};

async fn find(turn: &mut Turn<'_>, typed: &str) -> Answer<Record> {
    demand(&turn.caller, Right::ApproveUnlock)?;
    let misses = format!("call/{}", turn.caller.actor());
    let limit = turn.hall.profile().query.misses_per_caller;
    turn.demand_below(&misses, limit).await?;
    let Some(order) = turn.scope_of_code(Purpose::CallCentre, typed).await? else {
        turn.count_today(&misses).await?;
        return Err(refuse(ProblemType::NotFound)
            .detail("No live unlock code like this.", "解锁码不存在或已过期。")
            .keep());
    };
    turn.order(&order).await
}

/// The order whose unlock code was read out.
pub(crate) async fn lookup(turn: &mut Turn<'_>, entry: CodeEntry) -> Answer<Order> {
    let record = find(turn, entry.code.reveal()).await?;
    view::order(turn, &record).await
}

/// Approves or refuses.
pub(crate) async fn decide(turn: &mut Turn<'_>, told: CallDecision) -> Answer<Order> {
    let mut record = find(turn, told.code.reveal()).await?;
    let reason = told.reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
    if !told.approve && !reason.as_ref().is_some_and(|reason| checks::is_text(reason, 200)) {
        return Err(refuse_field("reason", "missing or longer than 200 characters", "请填写原因（不超过200字）"));
    }
    let (event, to) = if told.approve {
        (Event::PapersApproved, OrderState::PapersApproved)
    } else {
        (Event::PapersRefused, OrderState::PapersRefused)
    };
    let actor = turn.caller.actor();
    if record.state != OrderState::PapersSubmitted {
        return match &record.details.decided_by {
            Some(desk) if *desk == actor && record.state == to => view::order(turn, &record).await,
            Some(_) => Err(refuse(ProblemType::AlreadyDecided).state(record.state)),
            None => Err(record.wrong_state()),
        };
    }
    record.details.decided_by = Some(actor.clone());
    record.details.reason = if told.approve { None } else { reason };
    turn.advance(&mut record, event, &actor).await?;
    view::order(turn, &record).await
}
