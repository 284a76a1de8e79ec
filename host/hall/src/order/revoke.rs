//! Revocation on request (V-01, AMB-22).
//!
//! Guarantees: one open order for each certificate; it takes the signature of the certificate's own key, or an identity
//! check and a code to the phone on record, as the profile offers; it is confirmed twice, in two requests that cannot be
//! taken for one another, and then it is for good.

use super::{
    identity,
    record::{Details, NewOrder, Record, Revocation},
    state::Event,
    verification, view,
};
use crate::{
    account::certificate::Issued,
    api::{
        CodeEntry, CodeSent, Hex, IdentityCheck, MessageKind, Order, OrderKind, OrderState, Placed, ProblemType,
        RevocationConfirmation, RevocationReason, RevocationRequest, RevocationSignature, RevocationView, RevokeWay,
        revoke_message,
    },
    clock,
    code::Purpose,
    outbox::{NewMessage, fill},
    problem::{Answer, refuse, refuse_field},
    rights::Right,
    secret::SecretName,
    signature::verify_signature,
    turn::Turn,
};

/// 注销: chooses the certificate. Tells whether the order is new.
pub(crate) async fn open(turn: &mut Turn<'_>, request: RevocationRequest) -> Answer<(bool, Placed)> {
    let issued = turn.own_certificate(&request.serial).await?;
    if request.reason == RevocationReason::CertificateHold {
        return Err(refuse_field("reason", "only the hall suspends", "注销原因不正确"));
    }
    demand_not_final(turn, &issued.serial).await?;
    let revocation = Revocation { reason: request.reason, confirmed: false };
    let open_key = format!("revoke/{}", issued.serial);
    let (new, record) = match turn.open_order(&open_key).await? {
        Some(mut record) => {
            verification::refresh(turn, &mut record).await?;
            // Another reason has not been confirmed yet.
            if record.details.revocation.is_none_or(|before| before.reason != request.reason) {
                record.details.revocation = Some(revocation);
                turn.save(&mut record).await?;
            }
            (false, record)
        }
        None => (true, place(turn, issued, revocation, open_key).await?),
    };
    let token = turn.grant_order(&record.id).await?;
    Ok((new, Placed { token, order: view::order(turn, &record).await? }))
}

async fn place(turn: &mut Turn<'_>, issued: Issued, revocation: Revocation, open_key: String) -> Answer<Record> {
    let order = NewOrder {
        kind: OrderKind::Revoke,
        price_fen: 0,
        subject: issued.subject,
        contact_phone: issued.contact_phone,
        channel: issued.channel,
        certificate_serial: Some(issued.serial),
        device_serial: Some(issued.device_serial),
        open_key: Some(open_key),
        details: Details { revocation: Some(revocation), ..Details::default() },
    };
    let record = turn.place(order).await?;
    let nonce = turn.chance.bytes::<32>();
    turn.keep_secret(&record.id, SecretName::Nonce, &nonce).await?;
    Ok(record)
}

/// A suspended certificate may be revoked for good; a revoked one may not again.
async fn demand_not_final(turn: &mut Turn<'_>, serial: &str) -> Answer<()> {
    match turn.revocation(serial).await? {
        None | Some(RevocationReason::CertificateHold) => Ok(()),
        Some(_) => Err(refuse(ProblemType::CertificateRevoked)),
    }
}

async fn own_revocation(turn: &mut Turn<'_>, id: &str) -> Answer<Record> {
    let mut record = turn.own_order(id, Right::UseOwnOrder).await?;
    if record.kind != OrderKind::Revoke {
        return Err(refuse(ProblemType::NotFound));
    }
    verification::refresh(turn, &mut record).await?;
    Ok(record)
}

fn demand_way(turn: &Turn<'_>, way: RevokeWay) -> Answer<()> {
    let offered = turn.hall.profile().revoke.ways.contains(&way);
    if offered { Ok(()) } else { Err(refuse(ProblemType::RevokeWayUnavailable)) }
}

async fn certificate(turn: &mut Turn<'_>, record: &Record) -> Answer<Issued> {
    let serial = record.certificate_serial.as_deref().unwrap_or_default();
    turn.issued(serial).await?.ok_or_else(|| refuse(ProblemType::NotFound))
}

/// The certificate's own key signed the request.
pub(crate) async fn sign(turn: &mut Turn<'_>, id: &str, told: RevocationSignature) -> Answer<Order> {
    let mut record = own_revocation(turn, id).await?;
    demand_way(turn, RevokeWay::KeySignature)?;
    if record.state == OrderState::Verified {
        return view::order(turn, &record).await;
    }
    record.demand_state(&[OrderState::Draft])?;
    let issued = certificate(turn, &record).await?;
    let nonce = turn.secret(&record.id, SecretName::Nonce).await?.ok_or_else(|| record.wrong_state())?;
    let message = revoke_message(&record.id, &issued.serial, &Hex(nonce.to_vec()));
    verify_signature(&issued.certificate()?, &message, &told.signature)?;
    verified(turn, &mut record, Event::RequestSigned).await
}

/// The identity check of the other way; the code goes to the phone on record.
pub(crate) async fn identify(turn: &mut Turn<'_>, id: &str, check: IdentityCheck) -> Answer<CodeSent> {
    let mut record = own_revocation(turn, id).await?;
    demand_way(turn, RevokeWay::IdentityAndCode)?;
    record.demand_state(&[OrderState::Draft, OrderState::Identified])?;
    let form = certificate(turn, &record).await?.form;
    record.details.identity = Some(identity::check(turn, &record, &form, &check).await?);
    let actor = turn.caller.actor();
    if !turn.advance(&mut record, Event::IdentityPassed, &actor).await? {
        turn.save(&mut record).await?;
    }
    send_code(turn, &record).await
}

/// The code again.
pub(crate) async fn code(turn: &mut Turn<'_>, id: &str) -> Answer<CodeSent> {
    let record = own_revocation(turn, id).await?;
    record.demand_state(&[OrderState::Identified])?;
    send_code(turn, &record).await
}

async fn send_code(turn: &mut Turn<'_>, record: &Record) -> Answer<CodeSent> {
    let code = turn.new_code(Purpose::Revoke, &record.id, &record.contact_phone).await?;
    turn.send(NewMessage {
        kind: MessageKind::Sms,
        recipient: &record.contact_phone,
        topic: Purpose::Revoke.name(),
        text: fill(&turn.hall.profile().wording.code, &[("code", &code.code)]),
        code: Some(&code.code),
        order: Some(&record.id),
    })
    .await?;
    Ok(code.sent(&record.contact_phone))
}

/// The code is typed.
pub(crate) async fn verify(turn: &mut Turn<'_>, id: &str, entry: CodeEntry) -> Answer<Order> {
    let mut record = own_revocation(turn, id).await?;
    if record.state == OrderState::Verified {
        return view::order(turn, &record).await;
    }
    record.demand_state(&[OrderState::Identified])?;
    turn.check_code(Purpose::Revoke, &record.id, entry.code.reveal(), false).await?;
    verified(turn, &mut record, Event::CodeVerified).await
}

async fn verified(turn: &mut Turn<'_>, record: &mut Record, event: Event) -> Answer<Order> {
    let minutes = turn.hall.profile().login.session_minutes;
    record.details.verified_until = Some(clock::after(turn.now, minutes.saturating_mul(60)));
    let actor = turn.caller.actor();
    turn.advance(record, event, &actor).await?;
    view::order(turn, record).await
}

/// 确认注销, twice.
pub(crate) async fn confirm(turn: &mut Turn<'_>, id: &str, told: RevocationConfirmation) -> Answer<Order> {
    let mut record = own_revocation(turn, id).await?;
    if record.state == OrderState::Completed {
        return view::order(turn, &record).await;
    }
    record.demand_state(&[OrderState::Verified])?;
    let mut revocation = record.details.revocation.ok_or_else(|| record.wrong_state())?;
    if !told.again {
        revocation.confirmed = true;
        record.details.revocation = Some(revocation);
        turn.save(&mut record).await?;
        return view::order(turn, &record).await;
    }
    if !revocation.confirmed {
        return Err(record.wrong_state().detail("Confirm once first.", "注销后不可恢复，请先进行第一次确认。"));
    }
    let serial = record.certificate_serial.clone().unwrap_or_default();
    demand_not_final(turn, &serial).await?;
    turn.revoke(&serial, revocation.reason, &record.id).await?;
    let actor = turn.caller.actor();
    turn.advance(&mut record, Event::OrderConfirmed, &actor).await?;
    turn.erase_secrets(&record.id).await?;
    let values = [("serial", serial.as_str()), ("reason", revocation.reason.zh())];
    turn.send(NewMessage {
        kind: MessageKind::Sms,
        recipient: &record.contact_phone,
        topic: "revoked",
        text: fill(&turn.hall.profile().wording.revoked, &values),
        code: None,
        order: Some(&record.id),
    })
    .await?;
    view::order(turn, &record).await
}

/// The revocation's part of an order.
pub(crate) async fn view(turn: &mut Turn<'_>, record: &Record) -> Answer<Option<RevocationView>> {
    let Some(revocation) = record.details.revocation else { return Ok(None) };
    let open: &[RevokeWay] = match record.state {
        OrderState::Draft => &[RevokeWay::KeySignature, RevokeWay::IdentityAndCode],
        OrderState::Identified => &[RevokeWay::IdentityAndCode],
        _ => &[],
    };
    let profile = turn.hall.profile();
    let ways: Vec<_> = profile.revoke.ways.iter().copied().filter(|way| open.contains(way)).collect();
    let nonce = match ways.contains(&RevokeWay::KeySignature) {
        true => turn.secret(&record.id, SecretName::Nonce).await?.map(|nonce| Hex(nonce.to_vec())),
        false => None,
    };
    Ok(Some(RevocationView {
        reason: revocation.reason,
        identity_ways: match ways.contains(&RevokeWay::IdentityAndCode) {
            true => profile.identity_ways(record.subject.kind).to_vec(),
            false => Vec::new(),
        },
        ways,
        nonce,
        confirmed: revocation.confirmed,
        verified_until: record.details.verified_until.filter(|_| record.state == OrderState::Verified),
    }))
}
