//! How new certificates get into the key in hand: renewal, repair and change alike (R-10, C-04, AMB-15).
//!
//! Guarantees: a request of the same public key gets the same answer, so that a lost one can be asked for again; of
//! another public key, it takes the place of what was never confirmed, which is revoked at once; only the key on record
//! is answered; the old pair stays valid until the new key itself has signed that it holds the new one; every step can
//! be repeated.
//! Refuses to know: why the key is rewritten (see `renew` and `change`), and what the key does with its old container.

use super::{
    enrol, renew,
    rewrite::{old, own_rewrite},
    seal,
    state::Event,
    view,
};
use crate::{
    account::certificate::Issued,
    api::{Download, Hex, IssueAnswer, Order, OrderKind, OrderState, ProblemType, RevocationReason, Written, written_message},
    issuing,
    problem::{Answer, Refusal, refuse, refuse_field},
    signature::verify_signature,
    turn::Turn,
};
use ukey_pki::{CsrResponse, EnvelopedKey, Request, Validity};

/// Answers the key's request with a certificate pair.
pub(crate) async fn issue(turn: &mut Turn<'_>, id: &str, told: Download) -> Answer<IssueAnswer> {
    let mut record = own_rewrite(turn, id).await?;
    record.demand_state(&[OrderState::Ready, OrderState::Initialised, OrderState::Issued])?;
    record.demand_device(&told.device_serial)?;
    if !(1..=64).contains(&told.container.len()) || !told.container.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refuse_field("container", "not 1 to 64 printable characters", "容器名称格式不正确"));
    }
    let old = old(turn, &record).await?;
    turn.demand_not_revoked(&old.serial).await?;
    let request = issuing::request(&told.request.0)?;
    demand_key(turn, &old, &request)?;
    let key = request.public_key();
    let before = turn.answered(&record.id).await?;
    if let Some(before) = &before
        && before.is_for(&key)
        && record.state == OrderState::Issued
    {
        return Ok(before.answer.clone());
    }
    renew::demand_alone(turn, &mut record).await?;
    if let Some(before) = before {
        let unconfirmed = turn.issued(&before.answer.serial).await?;
        let unconfirmed = unconfirmed.ok_or_else(|| Refusal::internal("an answer without its certificate"))?;
        turn.revoke(&unconfirmed.serial, RevocationReason::Superseded, &record.id).await?;
    }
    let form = record.details.form.clone().unwrap_or_else(|| old.form.clone());
    let validity = validity(turn, record.kind, &old)?;
    let kept = kept_envelope(turn, &old).await?;
    let pair = turn.hall.authority().issue(&mut turn.chance, &form, &request, validity, kept)?;
    let new = Issued {
        serial: pair.sign.serial().to_string(),
        encryption_serial: pair.encryption.serial().to_string(),
        subject: enrol::subject(&form),
        channel: old.channel.clone(),
        device_serial: old.device_serial.clone(),
        contact_phone: enrol::contact(&form).phone.clone(),
        form,
        not_before: pair.sign.not_before(),
        not_after: pair.sign.not_after(),
        sign_der: pair.sign.der().to_vec(),
        encryption_der: pair.encryption.der().to_vec(),
        unlocks: old.unlocks,
        order: record.id.clone(),
        confirmed_at: None,
        replaced_by: None,
    };
    turn.record_issued(&new).await?;
    turn.hand_on_key(&old, &new, &told.container).await?;
    let answer = IssueAnswer { serial: new.serial.clone(), response: Hex(pair.response) };
    turn.keep_answer(&record.id, &key, &answer).await?;
    record.details.new_serial = Some(new.serial);
    let actor = turn.caller.actor();
    if !turn.advance(&mut record, Event::CertificatesIssued, &actor).await? {
        turn.save(&mut record).await?;
    }
    Ok(answer)
}

/// The profile says whether the key makes a new sign key pair (AMB-15).
fn demand_key(turn: &Turn<'_>, old: &Issued, request: &Request) -> Answer<()> {
    let same = old.certificate()?.public_key().map_err(Refusal::internal)? == request.public_key();
    match (turn.hall.profile().renew.new_keys, same) {
        (true, true) => Err(refuse(ProblemType::BadRequest)
            .detail("The request has the old key; a new key pair is wanted.", "证书请求使用了旧密钥，请生成新的密钥对。")),
        (false, false) => Err(refuse(ProblemType::BadRequest)
            .detail("The request has another key; the old key pair is kept here.", "证书请求使用了其他密钥，应沿用原密钥对。")),
        _ => Ok(()),
    }
}

fn validity(turn: &Turn<'_>, kind: OrderKind, old: &Issued) -> Answer<Validity> {
    match kind {
        // A change takes and gives no time.
        OrderKind::Change => Validity::new(turn.now, old.not_after).map_err(|_| refuse(ProblemType::CertificateExpired)),
        _ => issuing::renewed_validity(turn.now, old.not_after, turn.hall.profile().renew.years),
    }
}

/// Where the sign key pair is kept, so is the encryption key pair: its envelope opens with that sign key.
async fn kept_envelope(turn: &mut Turn<'_>, old: &Issued) -> Answer<Option<EnvelopedKey>> {
    if turn.hall.profile().renew.new_keys {
        return Ok(None);
    }
    let before = turn.answered(&old.order).await?;
    let before = before.ok_or_else(|| Refusal::internal("a certificate without its answer"))?;
    let response = CsrResponse::from_der(&before.answer.response.0).map_err(Refusal::internal)?;
    Ok(response.enveloped_key().cloned())
}

/// The new key shows that it holds the new pair: from now on it is the one, and the old pair is revoked.
pub(crate) async fn confirm(turn: &mut Turn<'_>, id: &str, told: Written) -> Answer<Order> {
    let mut record = own_rewrite(turn, id).await?;
    let confirmed = record.state == OrderState::Completed && record.details.new_serial.as_ref() == Some(&told.serial);
    if confirmed {
        return view::order(turn, &record).await;
    }
    record.demand_state(&[OrderState::Issued])?;
    let serial = record.details.new_serial.clone().unwrap_or_default();
    let new = turn.issued(&serial).await?.ok_or_else(|| Refusal::internal("an order without its new certificate"))?;
    if (&told.serial, &told.encryption_serial) != (&new.serial, &new.encryption_serial) {
        return Err(refuse_field("serial", "not what was issued last", "读回的证书不是最近签发的证书"));
    }
    let message = written_message(&record.id, &new.serial, &new.encryption_serial);
    verify_signature(&new.certificate()?, &message, &told.signature)?;
    let old = old(turn, &record).await?;
    turn.demand_not_revoked(&old.serial).await?;
    // First the new pair counts: as long as it does not, it shares the old one's fate.
    turn.replace_issued(&old, &new).await?;
    if turn.now <= old.not_after {
        let reason = match record.kind {
            OrderKind::Change => RevocationReason::AffiliationChanged,
            _ => RevocationReason::Superseded,
        };
        turn.revoke(&old.serial, reason, &record.id).await?;
    }
    record.subject = new.subject.clone();
    record.details.verified_until = None;
    let actor = turn.caller.actor();
    turn.advance(&mut record, Event::KeyConfirmed, &actor).await?;
    after_confirm(turn, &old, &new).await?;
    view::order(turn, &record).await
}

/// What follows a certificate that took another one's place, in the same turn. The seals in the key name the old one
/// (Z-11): whatever is to be made again is ordered here.
async fn after_confirm(turn: &mut Turn<'_>, old: &Issued, new: &Issued) -> Answer<()> {
    seal::follow(turn, &old.serial, new).await
}
