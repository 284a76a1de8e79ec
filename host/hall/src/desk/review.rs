//! The review desk (E-11, AMB-10).
//!
//! Guarantees: an order is decided once; who passes it also makes the certificate password leave, by the way whose
//! identity check passed.

use crate::{
    api::{Decision, MessageKind, Order, OrderKind, OrderState, OrderSummary, ProblemType, ReviewDecision},
    checks,
    order::{
        enrol,
        identity,
        record::Record,
        reissue,
        state::{self, Event},
        view,
    },
    outbox::{NewMessage, fill},
    problem::{Answer, refuse, refuse_field},
    rights::{Right, demand},
    secret::SecretName,
    turn::Turn,
};

/// The orders that wait.
pub(crate) async fn waiting(turn: &mut Turn<'_>) -> Answer<Vec<OrderSummary>> {
    demand(&turn.caller, Right::Review)?;
    Ok(turn.orders_in(&[OrderState::InReview]).await?.iter().map(view::summary).collect())
}

/// An order in full.
pub(crate) async fn read(turn: &mut Turn<'_>, id: &str) -> Answer<Order> {
    demand(&turn.caller, Right::ReadAnyOrder)?;
    let record = turn.order(id).await?;
    view::order(turn, &record).await
}

/// Decides.
pub(crate) async fn decide(turn: &mut Turn<'_>, id: &str, told: ReviewDecision) -> Answer<Order> {
    demand(&turn.caller, Right::Review)?;
    let mut record = turn.order(id).await?;
    let reason = told.reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
    if reason.as_ref().is_some_and(|reason| !checks::is_text(reason, 200)) {
        return Err(refuse_field("reason", "longer than 200 characters", "原因不能超过200字"));
    }
    if told.decision != Decision::Pass && reason.is_none() {
        return Err(refuse_field("reason", "missing", "请填写原因"));
    }
    let event = match told.decision {
        Decision::Pass => Event::ReviewPassed,
        Decision::Return => Event::ReviewReturned,
        Decision::Refuse => Event::ReviewRefused,
    };
    let to = state::next(record.kind, OrderState::InReview, event).map_err(|_| record.wrong_state())?;
    let actor = turn.caller.actor();
    if record.state != OrderState::InReview {
        return match &record.details.decided_by {
            Some(desk) if *desk == actor && record.state == to => view::order(turn, &record).await,
            Some(_) => Err(refuse(ProblemType::AlreadyDecided).state(record.state)),
            None => Err(record.wrong_state()),
        };
    }
    record.details.decided_by = Some(actor.clone());
    record.details.reason.clone_from(&reason);
    turn.advance(&mut record, event, &actor).await?;
    tell(turn, &record, told.decision).await?;
    match told.decision {
        Decision::Pass => {
            if record.kind.makes_key() {
                send_password(turn, &record).await?;
            }
            if reissue::is_prepaid(turn, &record) {
                turn.schedule_invoice(&record).await?;
            }
        }
        Decision::Refuse => {
            turn.refund(&record).await?;
            reissue::release(turn, &record).await?;
        }
        Decision::Return => {}
    }
    view::order(turn, &record).await
}

async fn tell(turn: &mut Turn<'_>, record: &Record, decision: Decision) -> Answer<()> {
    let wording = &turn.hall.profile().wording;
    let text = match decision {
        Decision::Pass => &wording.passed,
        Decision::Return => &wording.returned,
        Decision::Refuse => &wording.refused,
    };
    let reason = record.details.reason.as_deref().unwrap_or_default();
    let text = fill(text, &[("order", &record.id), ("reason", reason)]);
    let order = Some(record.id.as_str());
    let sms = NewMessage {
        kind: MessageKind::Sms,
        recipient: &record.contact_phone,
        topic: "review",
        text: text.clone(),
        code: None,
        order,
    };
    turn.send(sms).await?;
    // a reissue is told by mail as well.
    if record.kind == OrderKind::Reissue {
        let recipient = &enrol::contact(record.form()?).email;
        turn.send(NewMessage { kind: MessageKind::Mail, recipient, topic: "review", text, code: None, order }).await?;
    }
    Ok(())
}

/// What a remittance that carries a password amounts to, yuan (N-13).
const REMITTED: &str = "0.01";

/// The certificate password is made and goes to the phone or into the note of the 1-cent remittance (E-03 to E-05).
async fn send_password(turn: &mut Turn<'_>, record: &Record) -> Answer<()> {
    let (kind, recipient) = identity::carrier(turn, record).ok_or_else(|| record.wrong_state())?;
    let length = turn.hall.profile().key.initial_pin_length;
    let password = turn.chance.digits(length.into());
    turn.keep_secret(&record.id, SecretName::UserPin, password.as_bytes()).await?;
    let wording = &turn.hall.profile().wording;
    let text = match kind {
        // 附言即为证书密码: the account is that of the name in the certificate, whoever typed its number.
        MessageKind::Remittance => &wording.remittance,
        MessageKind::Sms | MessageKind::Mail => &wording.password,
    };
    let values = [("name", record.subject.name.as_str()), ("code", &password), ("amount", REMITTED)];
    let text = fill(text, &values);
    turn.send(NewMessage { kind, recipient: &recipient, topic: "password", text, code: Some(&password), order: Some(&record.id) })
        .await
}
