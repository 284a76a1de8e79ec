//! Orders that rewrite the key in hand: renewal, repair and change, as far as they are alike.
//!
//! Guarantees: who opens or takes up such an order has the key and its PIN, shown by a signature over a fresh challenge;
//! the certificate may be the old one, valid or expired, or the one that takes its place, so that the order is found
//! wherever the key was cut off; one order is open for a certificate at a time.
//! Refuses to know: how the certificates get into the key (see `download`), and what is to be done before.

use super::{
    enrol,
    record::{Details, NewOrder, Record},
    state::Event,
    verification, view,
};
use crate::{
    account::{certificate::Issued, challenge},
    api::{EnrolForm, Hex, KeyProof, OrderKind, OrderState, Placed, ProblemType, RewriteView},
    checks, clock,
    problem::{Answer, Refusal, refuse, refuse_faults, refuse_field},
    profile::RenewSteps,
    rights::Right,
    signature::verify_signature,
    turn::Turn,
};

/// What the key in hand stands for.
pub(crate) enum Found {
    /// An order that is open, or that its certificate came from.
    Order(Box<Record>),
    /// A certificate without an open order.
    Certificate(Box<Issued>),
}

/// Checks a key's proof and finds the order of one of these kinds, or the certificate. Right or wrong, the challenge is
/// used.
pub(crate) async fn find(
    turn: &mut Turn<'_>,
    proof: &KeyProof,
    message: fn(&str, &str, &Hex) -> Vec<u8>,
    kinds: &[OrderKind],
) -> Answer<Found> {
    challenge::use_up(turn, &proof.nonce).await?;
    proved(turn, proof, message, kinds).await.map_err(Refusal::keep)
}

async fn proved(
    turn: &mut Turn<'_>,
    proof: &KeyProof,
    message: fn(&str, &str, &Hex) -> Vec<u8>,
    kinds: &[OrderKind],
) -> Answer<Found> {
    let (certificate, issued) = challenge::on_record(turn, &proof.certificate).await?;
    if issued.device_serial != proof.device_serial {
        return Err(refuse(ProblemType::DeviceMismatch));
    }
    let message = message(&turn.hall.profile().name, &proof.device_serial, &proof.nonce);
    verify_signature(&certificate, &message, &proof.signature)?;
    let order = if issued.confirmed_at.is_none() {
        let record = turn.order(&issued.order).await?;
        // What another answer took the place of stands for nothing.
        Some(record).filter(|record| record.details.new_serial.as_ref() == Some(&issued.serial))
    } else if let Some(open) = turn.open_order(&open_key(&issued.serial)).await? {
        if !kinds.contains(&open.kind) {
            return Err(other_open(&open));
        }
        Some(open)
    } else if let Some(replaced_by) = &issued.replaced_by {
        let order = turn.issued(replaced_by).await?.map(|new| new.order);
        Some(turn.order(&order.unwrap_or_default()).await?)
    } else {
        None
    };
    if let Some(order) = order.filter(|order| kinds.contains(&order.kind)) {
        return Ok(Found::Order(Box::new(order)));
    }
    turn.demand_not_revoked(&issued.serial).await?;
    if issued.confirmed_at.is_none() {
        return Err(refuse(ProblemType::CertificateUnconfirmed));
    }
    Ok(Found::Certificate(Box::new(issued)))
}

fn open_key(serial: &str) -> String {
    format!("rewrite/{serial}")
}

fn other_open(open: &Record) -> Refusal {
    refuse(ProblemType::OtherOrderOpen).state(open.state).detail(
        format!("Another order about this certificate is open: {}.", open.id),
        format!("该证书有未完成的{}订单，请先完成或取消。", open.kind.zh()),
    )
}

/// Places an order about a certificate, its page filled from it.
pub(crate) async fn place(turn: &mut Turn<'_>, kind: OrderKind, issued: Issued, reviewed: bool) -> Answer<Record> {
    let order = NewOrder {
        kind,
        price_fen: turn.hall.profile().fee_fen(kind, issued.subject.kind, &issued.channel),
        open_key: Some(open_key(&issued.serial)),
        subject: issued.subject,
        contact_phone: issued.contact_phone,
        channel: issued.channel,
        certificate_serial: Some(issued.serial),
        device_serial: Some(issued.device_serial),
        details: Details { form: Some(issued.form), reviewed, ..Details::default() },
    };
    turn.place(order).await
}

/// The certificate was revoked for good by another order: the open one about it ends, and what was paid goes back.
pub(crate) async fn end(turn: &mut Turn<'_>, serial: &str, by: &str) -> Answer<()> {
    let open = turn.open_order(&open_key(serial)).await?;
    // The order that revokes the old certificate for its new one goes on.
    let Some(mut record) = open.filter(|record| record.id != by) else { return Ok(()) };
    record.details.reason = Some("原证书已注销".into());
    turn.advance(&mut record, Event::CertificateRevoked, "hall").await?;
    turn.refund(&record).await?;
    turn.erase_secrets(&record.id).await
}

/// An order for whoever opened it, with a fresh token.
pub(crate) async fn placed(turn: &mut Turn<'_>, mut record: Record) -> Answer<Placed> {
    verification::refresh(turn, &mut record).await?;
    let token = turn.grant_order(&record.id).await?;
    Ok(Placed { token, order: view::order(turn, &record).await? })
}

/// An order that rewrites the key in hand, for its owner.
pub(crate) async fn own_rewrite(turn: &mut Turn<'_>, id: &str) -> Answer<Record> {
    let mut record = turn.own_order(id, Right::UseOwnOrder).await?;
    if !record.kind.rewrites_key() {
        return Err(refuse(ProblemType::NotFound));
    }
    verification::refresh(turn, &mut record).await?;
    Ok(record)
}

/// The certificates that an order is about.
pub(crate) async fn old(turn: &mut Turn<'_>, record: &Record) -> Answer<Issued> {
    let serial = record.certificate_serial.as_deref().unwrap_or_default();
    turn.issued(serial).await?.ok_or_else(|| Refusal::internal("an order without its certificate"))
}

/// Whether the data in the certificate's name, or those that say who stands behind it, differ between two forms.
pub(crate) fn renames(one: &EnrolForm, other: &EnrolForm) -> bool {
    match (one, other) {
        (EnrolForm::Unit(one), EnrolForm::Unit(other)) => {
            (&one.name, &one.legal_person, &one.legal_person_id)
                != (&other.name, &other.legal_person, &other.legal_person_id)
        }
        (EnrolForm::Person(one), EnrolForm::Person(other)) => one.holder.name != other.holder.name,
        _ => true,
    }
}

/// Refuses a form that is wrong, or about somebody else: another number is another holder.
pub(crate) fn demand_same_subject(turn: &Turn<'_>, old: &Issued, form: &EnrolForm) -> Answer<()> {
    refuse_faults(enrol::faults(form, clock::date(turn.now)))?;
    let subject = enrol::subject(form);
    if (subject.kind, &subject.number) == (old.subject.kind, &old.subject.number) {
        return Ok(());
    }
    Err(refuse_field("number", "another holder; enrol instead", "证件号码不能变更，请另行新办"))
}

/// The own part of an order that rewrites the key, as it is shown.
pub(crate) async fn view(turn: &mut Turn<'_>, record: &Record) -> Answer<Option<RewriteView>> {
    if !record.kind.rewrites_key() {
        return Ok(None);
    }
    let old = old(turn, record).await?;
    let key = turn.issued_key(&old.device_serial, &old.serial).await?;
    let rules = &turn.hall.profile().renew;
    Ok(Some(RewriteView {
        application: key.application,
        container: key.container,
        new_keys: rules.new_keys,
        portal: rules.steps == RenewSteps::Portal && record.kind != OrderKind::Change,
        reviewed: record.details.reviewed,
        not_after: old.not_after,
        phone: checks::masked(&old.contact_phone),
        device_serial: old.device_serial,
        verified_until: record.details.verified_until.filter(|_| record.state == OrderState::Verified),
    }))
}
