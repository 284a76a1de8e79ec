//! Unlocking a key (U-01 to U-34): lanes of verification, then the cryptogram, then the confirmation.
//!
//! Guarantees: one open order for each certificate, so that page and assistant find the same one (U-11); the cryptogram
//! comes only after a verification that still holds; the one-time PIN is the same until the key's signature confirms
//! it, then it is gone; the holder's own PIN never comes here; once there is a one-time PIN, nobody cancels.
//!
//! A verification belongs to the order, not to the bearer token that passed it. Whoever opens the order again goes on
//! from there, since an assistant that was closed half-way has nothing else to show: the holder's PIN is lost, and a
//! locked key signs nothing. What such a newcomer gets is a cryptogram for one challenge of the physical key, and a
//! one-time PIN that nothing but this key takes; only the key's signature ends the order. The label of a key proves
//! nothing: until the phone on record or an identity check has shown who it is, such a newcomer reads no papers, invoice
//! or code of those before, and does not give the order up. The risk that remains is a
//! thief with the key in hand while the holder's verification holds: the profile's `verified_minutes` says how long.

use super::{
    identity,
    record::{Details, NewOrder, Record},
    state::Event,
    verification::refresh,
    view,
};
use crate::{
    account::certificate::Issued,
    api::{
        CardChallenge, CodeEntry, CodeSent, Confirmation, EnrolForm, Hex, IdentityCheck, Lane, MessageKind, Order,
        OrderKind, OrderState, PhoneEntry, Placed, ProblemType, Secret, UnblockAnswer, UnlockRequest, unlock_message,
    },
    checks, clock,
    code::Purpose,
    cryptogram,
    outbox::{NewMessage, fill},
    problem::{Answer, refuse, refuse_field},
    rights::Right,
    secret::SecretName,
    signature::verify_signature,
    turn::Turn,
};
use ukey_pki::Certificate;

/// Digits of the one-time PIN.
const ONE_TIME_PIN: usize = 10;

/// Opens the unlock order of a certificate, or takes up the open one. Tells whether it is new.
pub(crate) async fn open(turn: &mut Turn<'_>, request: UnlockRequest) -> Answer<(bool, Placed)> {
    let issued = find(turn, &request).await?;
    turn.demand_not_revoked(&issued.serial).await?;
    let open_key = format!("unlock/{}", issued.serial);
    let (new, mut record) = match turn.open_order(&open_key).await? {
        Some(record) => (false, record),
        None => (true, place(turn, issued, open_key).await?),
    };
    refresh(turn, &mut record).await?;
    // Whoever can show the order to be theirs already goes on as they are.
    let known = new || turn.own_order(&record.id, Right::WholeOrder).await.is_ok();
    let token = match known {
        true => turn.grant_order(&record.id).await?,
        false => turn.grant_newcomer(&record.id).await?,
    };
    Ok((new, Placed { token, order: view::order(turn, &record).await? }))
}

/// The certificate that the key is said to have. A certificate that is not known and another key than the certificate's
/// are one answer: nobody learns here which certificate is in which key.
async fn find(turn: &mut Turn<'_>, request: &UnlockRequest) -> Answer<Issued> {
    let serial = match (&request.certificate, &request.serial) {
        (Some(der), _) => {
            let certificate =
                Certificate::from_der(&der.0).map_err(|_| refuse(ProblemType::MalformedCertificate))?;
            turn.hall.authority().demand_own(&certificate)?;
            certificate.serial().to_string()
        }
        (None, Some(serial)) => serial
            .parse::<ukey_pki::Serial>()
            .map_err(|_| refuse_field("serial", "not a serial number", "证书序列号格式不正确"))?
            .to_string(),
        (None, None) => return Err(refuse_field("certificate", "missing", "请提供证书")),
    };
    turn.demand_few_misses("unlock").await?;
    match turn.issued(&serial).await?.filter(|issued| issued.device_serial == request.device_serial) {
        Some(issued) => Ok(issued),
        None => {
            turn.count_today(&turn.misses("unlock")).await?;
            Err(refuse(ProblemType::KeyUnknown).keep())
        }
    }
}

async fn place(turn: &mut Turn<'_>, issued: Issued, open_key: String) -> Answer<Record> {
    let order = NewOrder {
        kind: OrderKind::Unlock,
        price_fen: turn.hall.profile().fee_fen(OrderKind::Unlock, issued.subject.kind, &issued.channel),
        subject: issued.subject,
        contact_phone: issued.contact_phone,
        channel: issued.channel,
        certificate_serial: Some(issued.serial),
        device_serial: Some(issued.device_serial),
        open_key: Some(open_key),
        details: Details::default(),
    };
    let mut record = turn.place(order).await?;
    turn.skip_payment_if_none(&mut record).await?;
    Ok(record)
}

/// What follows the payment: the first unlock may need an identity check (U-33).
pub(crate) async fn begin_verification(turn: &mut Turn<'_>, record: &mut Record) -> Answer<()> {
    let compelled = turn.hall.profile().unlock.first_needs_identity;
    if compelled && certificate(turn, record).await?.unlocks == 0 {
        turn.advance(record, Event::IdentityCompelled, "hall").await?;
    }
    Ok(())
}

async fn own_unlock(turn: &mut Turn<'_>, id: &str) -> Answer<Record> {
    let mut record = turn.own_order(id, Right::UseOwnOrder).await?;
    if record.kind != OrderKind::Unlock {
        return Err(refuse(ProblemType::NotFound));
    }
    refresh(turn, &mut record).await?;
    Ok(record)
}

async fn certificate(turn: &mut Turn<'_>, record: &Record) -> Answer<Issued> {
    let serial = record.certificate_serial.as_deref().unwrap_or_default();
    turn.issued(serial).await?.ok_or_else(|| refuse(ProblemType::KeyUnknown))
}

fn demand_lane(turn: &Turn<'_>, record: &Record, lane: Lane) -> Answer<()> {
    if record.state == OrderState::IdentityWanted && lane != Lane::Identity {
        return Err(refuse(ProblemType::IdentityRequired));
    }
    if turn.hall.profile().unlock.lanes.contains(&lane) { Ok(()) } else { Err(refuse(ProblemType::LaneUnavailable)) }
}

/// 获取短信验证码 (U-12, U-30): the phone number is completed where the profile asks for it.
pub(crate) async fn code(turn: &mut Turn<'_>, id: &str, entry: PhoneEntry) -> Answer<CodeSent> {
    let record = own_unlock(turn, id).await?;
    demand_lane(turn, &record, Lane::Sms)?;
    record.demand_state(&[OrderState::Verifying, OrderState::PapersSubmitted, OrderState::PapersRefused])?;
    let phone = record.contact_phone.clone();
    if turn.hall.profile().unlock.phone_completion {
        demand_phone(turn, &record, entry.phone.as_deref()).await?;
    }
    let code = turn.new_code(Purpose::Unlock, &record.id, &phone).await?;
    turn.send(NewMessage {
        kind: MessageKind::Sms,
        recipient: &phone,
        topic: Purpose::Unlock.name(),
        text: fill(&turn.hall.profile().wording.code, &[("code", &code.code)]),
        code: Some(&code.code),
        order: Some(&record.id),
    })
    .await?;
    Ok(code.sent(&phone))
}

async fn demand_phone(turn: &mut Turn<'_>, record: &Record, typed: Option<&str>) -> Answer<()> {
    // Counted by certificate, so that a new order gives no new tries.
    let counter = format!("phone/{}", record.certificate_serial.as_deref().unwrap_or_default());
    let limit = turn.hall.profile().unlock.phone_tries;
    let before = turn.counter(&counter).await?;
    if before.count >= limit {
        return Err(refuse(ProblemType::PhoneLocked).retry_after(before.seconds_left));
    }
    let typed = typed.filter(|typed| checks::is_mobile(typed));
    let typed = typed.ok_or_else(|| refuse_field("phone", "not a mobile number", "请补全11位手机号"))?;
    if typed == record.contact_phone {
        return Ok(());
    }
    let tomorrow = clock::after(turn.now, clock::until_tomorrow(turn.now));
    let left = limit.saturating_sub(turn.count(&counter, tomorrow).await?.count);
    Err(refuse(ProblemType::WrongPhone).tries_left(left).keep())
}

/// 确认 with the SMS code (U-12, U-13).
pub(crate) async fn verify(turn: &mut Turn<'_>, id: &str, entry: CodeEntry) -> Answer<Order> {
    let mut record = own_unlock(turn, id).await?;
    if record.state == OrderState::Verified {
        return view::order(turn, &record).await;
    }
    demand_lane(turn, &record, Lane::Sms)?;
    record.demand_state(&[OrderState::Verifying, OrderState::PapersSubmitted, OrderState::PapersRefused])?;
    turn.check_code(Purpose::Unlock, &record.id, entry.code.reveal(), false).await?;
    turn.known_from_now_on().await?;
    verified(turn, &mut record, Event::CodeVerified).await
}

async fn verified(turn: &mut Turn<'_>, record: &mut Record, event: Event) -> Answer<Order> {
    let minutes = turn.hall.profile().unlock.verified_minutes;
    record.details.verified_until = Some(clock::after(turn.now, minutes.saturating_mul(60)));
    record.details.unlock_code_until = None;
    let actor = turn.caller.actor();
    turn.advance(record, event, &actor).await?;
    turn.erase_secret(&record.id, SecretName::UnlockCode).await?;
    // A verification that is repeated after a lapse keeps the PIN that the key may already have.
    if turn.secret(&record.id, SecretName::OneTimePin).await?.is_none() {
        let pin = turn.chance.digits(ONE_TIME_PIN);
        turn.keep_secret(&record.id, SecretName::OneTimePin, pin.as_bytes()).await?;
        let nonce = turn.chance.bytes::<32>();
        turn.keep_secret(&record.id, SecretName::Nonce, &nonce).await?;
    }
    view::order(turn, record).await
}

/// 其他验证方式 or the first unlock (U-31): an identity check, then the authorisation code by its channel.
pub(crate) async fn identify(turn: &mut Turn<'_>, id: &str, check: IdentityCheck) -> Answer<CodeSent> {
    let mut record = own_unlock(turn, id).await?;
    demand_lane(turn, &record, Lane::Identity)?;
    record.demand_state(&[OrderState::Verifying, OrderState::IdentityWanted, OrderState::Authorising])?;
    let form: EnrolForm = certificate(turn, &record).await?.form;
    let proven = identity::check(turn, &record, &form, &check).await?;
    let code = turn.new_code(Purpose::Authorisation, &record.id, &proven.recipient).await?;
    turn.send(NewMessage {
        kind: proven.kind,
        recipient: &proven.recipient,
        topic: Purpose::Authorisation.name(),
        text: fill(&turn.hall.profile().wording.authorisation, &[("code", &code.code)]),
        code: Some(&code.code),
        order: Some(&record.id),
    })
    .await?;
    let sent = code.sent(&proven.recipient);
    record.details.identity = Some(proven);
    let actor = turn.caller.actor();
    if !turn.advance(&mut record, Event::IdentityPassed, &actor).await? {
        turn.save(&mut record).await?;
    }
    Ok(sent)
}

/// The authorisation code is entered (U-31).
pub(crate) async fn authorise(turn: &mut Turn<'_>, id: &str, entry: CodeEntry) -> Answer<Order> {
    let mut record = own_unlock(turn, id).await?;
    if record.state == OrderState::Verified {
        return view::order(turn, &record).await;
    }
    record.demand_state(&[OrderState::Authorising])?;
    turn.check_code(Purpose::Authorisation, &record.id, entry.code.reveal(), false).await?;
    turn.known_from_now_on().await?;
    verified(turn, &mut record, Event::AuthorisationVerified).await
}

/// 确认上传 (U-20 to U-22): the papers are complete; the unlock code is made, or shown again while it holds.
pub(crate) async fn send_papers(turn: &mut Turn<'_>, id: &str) -> Answer<Order> {
    let mut record = own_unlock(turn, id).await?;
    demand_lane(turn, &record, Lane::Papers)?;
    record.demand_state(&[
        OrderState::Verifying,
        OrderState::PapersSubmitted,
        OrderState::PapersApproved,
        OrderState::PapersRefused,
    ])?;
    turn.demand_papers(&record).await?;
    let holds = record.details.unlock_code_until.is_some_and(|until| turn.now < until);
    // A code is shown to who had it made: anybody else has another one made.
    let shown = !turn.caller.is_newcomer() || record.details.unlock_code_by == turn.token;
    if holds && shown && matches!(record.state, OrderState::PapersSubmitted | OrderState::PapersApproved) {
        return view::order(turn, &record).await;
    }
    let counted = record.certificate_serial.clone().unwrap_or_default();
    let code = turn.new_code(Purpose::CallCentre, &record.id, &counted).await?;
    turn.keep_secret(&record.id, SecretName::UnlockCode, code.code.as_bytes()).await?;
    record.details.unlock_code_until = Some(code.expires_at);
    record.details.unlock_code_by = turn.token.clone();
    record.details.reason = None;
    record.details.decided_by = None;
    let actor = turn.caller.actor();
    if !turn.advance(&mut record, Event::PapersSent, &actor).await? {
        turn.save(&mut record).await?;
    }
    view::order(turn, &record).await
}

/// 认证 (U-22 to U-24): passes once the call centre has approved the code.
pub(crate) async fn authenticate(turn: &mut Turn<'_>, id: &str, entry: CodeEntry) -> Answer<Order> {
    let mut record = own_unlock(turn, id).await?;
    let typed = entry.code.reveal();
    match record.state {
        OrderState::Verified => view::order(turn, &record).await,
        OrderState::Completed => Err(refuse(ProblemType::CodeUsed)),
        OrderState::PapersSubmitted => {
            turn.check_code(Purpose::CallCentre, &record.id, typed, true).await?;
            Err(refuse(ProblemType::NotYetApproved))
        }
        OrderState::PapersRefused => {
            let reason = record.details.reason.clone().unwrap_or_default();
            Err(refuse(ProblemType::PapersRefused)
                .detail(format!("The call centre refused the papers: {reason}"), format!("资料审核未通过：{reason}")))
        }
        OrderState::PapersApproved => {
            turn.check_code(Purpose::CallCentre, &record.id, typed, false).await?;
            verified(turn, &mut record, Event::UnlockCodeEntered).await
        }
        OrderState::Verifying => {
            turn.check_code(Purpose::CallCentre, &record.id, typed, true).await?;
            Err(record.wrong_state())
        }
        _ => Err(record.wrong_state()),
    }
}

/// Answers the key's challenge with what UnblockPin needs. May be asked again with another challenge.
pub(crate) async fn unblock(turn: &mut Turn<'_>, id: &str, card: CardChallenge) -> Answer<UnblockAnswer> {
    let challenge: [u8; 8] =
        card.challenge.0.try_into().map_err(|_| refuse_field("challenge", "not 8 bytes", "随机数应为8字节"))?;
    let record = own_unlock(turn, id).await?;
    record.demand_state(&[OrderState::Verified])?;
    let issued = certificate(turn, &record).await?;
    turn.demand_not_revoked(&issued.serial).await?;
    let key = turn.issued_key(&issued.device_serial, &issued.serial).await?;
    let pin = turn.secret(&record.id, SecretName::OneTimePin).await?.ok_or_else(|| record.wrong_state())?;
    let nonce = turn.secret(&record.id, SecretName::Nonce).await?.ok_or_else(|| record.wrong_state())?;
    let sealed = cryptogram::unblock(&key.admin_pin, &pin, &challenge, card.sealing.as_ref())?;
    Ok(UnblockAnswer {
        application: key.application,
        container: key.container,
        cryptogram: sealed.cryptogram.into(),
        mac: sealed.mac.into(),
        one_time_pin: Secret(String::from_utf8_lossy(&pin).into_owned()),
        nonce: Hex(nonce.to_vec()),
    })
}

/// The key's signature shows that it works again; the one-time PIN is forgotten, the unlock is counted.
pub(crate) async fn confirm(turn: &mut Turn<'_>, id: &str, confirmation: Confirmation) -> Answer<Order> {
    // A verification that lapsed since the cryptogram does not matter here: only who had it knows the nonce.
    let mut record = turn.own_order(id, Right::UseOwnOrder).await?;
    if record.state == OrderState::Completed && record.kind == OrderKind::Unlock {
        return view::order(turn, &record).await;
    }
    let nonce = turn.secret(&record.id, SecretName::Nonce).await?.ok_or_else(|| record.wrong_state())?;
    let issued = certificate(turn, &record).await?;
    let message = unlock_message(&record.id, &Hex(nonce.to_vec()));
    verify_signature(&issued.certificate()?, &message, &confirmation.signature)?;
    let actor = turn.caller.actor();
    record.details.verified_until = None;
    turn.advance(&mut record, Event::KeyConfirmed, &actor).await?;
    turn.erase_secrets(&record.id).await?;
    turn.count_unlock(&issued.serial).await?;
    view::order(turn, &record).await
}

/// Refuses to give an unlock up once it has a one-time PIN, which may be in the key and is known nowhere else.
pub(crate) async fn demand_no_pin(turn: &mut Turn<'_>, record: &Record) -> Answer<()> {
    if turn.secret(&record.id, SecretName::OneTimePin).await?.is_none() {
        return Ok(());
    }
    Err(record.wrong_state().detail(
        "The key may have its one-time PIN already; the unlock cannot be cancelled, only finished.",
        "UKey可能已设为一次性口令，不能取消订单，请继续完成解锁。",
    ))
}

/// The lanes open in a state.
pub(crate) fn lanes(turn: &Turn<'_>, state: OrderState) -> Vec<Lane> {
    let open: &[Lane] = match state {
        OrderState::Verifying => &[Lane::Sms, Lane::Identity, Lane::Papers],
        OrderState::IdentityWanted | OrderState::Authorising => &[Lane::Identity],
        OrderState::PapersSubmitted | OrderState::PapersRefused => &[Lane::Sms, Lane::Papers],
        OrderState::PapersApproved => &[Lane::Papers],
        _ => &[],
    };
    let offered = &turn.hall.profile().unlock.lanes;
    offered.iter().copied().filter(|lane| open.contains(lane)).collect()
}

/// The phone on record as it is shown: its leading digits where the rest is to be typed, else masked.
pub(crate) fn shown_phone(turn: &Turn<'_>, record: &Record) -> String {
    let rules = &turn.hall.profile().unlock;
    if rules.phone_completion {
        record.contact_phone.chars().take(rules.shown_digits.into()).collect()
    } else {
        checks::masked(&record.contact_phone)
    }
}
