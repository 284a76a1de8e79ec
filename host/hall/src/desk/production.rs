//! The production desk (E-12): a blank key becomes the holder's.
//!
//! Guarantees: every secret of a key is made here; a request for the same key gets the same answer; a key that dies
//! before it is posted gives way to another blank or key pair, and what was issued for it is revoked; once the key is
//! posted the hall has forgotten the initial user PIN.

use crate::sql;
use crate::{
    account::certificate::{Issued, NewKey},
    api::{
        Hex, IssueAnswer, IssueRequest, MessageKind, OrderKind, OrderState, Personalisation, ProductionFinish,
        ProductionJob, ProductionStart, RevocationReason, Secret,
    },
    checks, issuing,
    order::{enrol, record::Record, reissue, seal, state::Event},
    outbox::{NewMessage, fill},
    problem::{Answer, Refusal, refuse_field},
    rights::{Right, demand},
    secret::SecretName,
    turn::Turn,
};

/// Characters of an administrator PIN: as long as a PIN may be on the wire.
const ADMIN_PIN: usize = 16;

/// The keys to be made, and those under way.
pub(crate) async fn jobs(turn: &mut Turn<'_>) -> Answer<Vec<ProductionJob>> {
    demand(&turn.caller, Right::Produce)?;
    let open = [OrderState::Passed, OrderState::InProduction, OrderState::Issued];
    let mut jobs = Vec::new();
    for record in turn.orders_in(&open).await? {
        jobs.push(job(turn, &record).await?);
    }
    Ok(jobs)
}

async fn job(turn: &mut Turn<'_>, record: &Record) -> Answer<ProductionJob> {
    let tracking = turn.parcel(&record.id).await?.map(|parcel| parcel.tracking);
    Ok(ProductionJob {
        order: record.id.clone(),
        kind: record.kind,
        state: record.state,
        subject: record.subject.clone(),
        device_serial: record.device_serial.clone(),
        tracking,
        since: record.updated_at,
    })
}

/// An order that is or was made at this desk.
async fn produced(turn: &mut Turn<'_>, id: &str) -> Answer<Record> {
    demand(&turn.caller, Right::Produce)?;
    let record = turn.order(id).await?;
    if record.kind.makes_key() { Ok(record) } else { Err(record.wrong_state()) }
}

/// Takes a blank key. Another blank gets other secrets, and is certified anew; the same one gets the same.
pub(crate) async fn start(turn: &mut Turn<'_>, id: &str, told: ProductionStart) -> Answer<Personalisation> {
    let mut record = produced(turn, id).await?;
    let serial = told.device_serial.trim().to_owned();
    if !(1..=32).contains(&serial.len()) || !serial.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refuse_field("device_serial", "not 1 to 32 printable characters", "介质序列号格式不正确"));
    }
    record.demand_state(&[OrderState::Passed, OrderState::InProduction, OrderState::Issued])?;
    if record.device_serial.as_ref() != Some(&serial) {
        let admin_pin = turn.chance.letters(ADMIN_PIN);
        turn.keep_secret(&record.id, SecretName::AdminPin, admin_pin.as_bytes()).await?;
        let device_key = turn.chance.bytes::<16>();
        turn.keep_secret(&record.id, SecretName::DeviceKey, &device_key).await?;
        record.device_serial = Some(serial);
        let actor = turn.caller.actor();
        if !turn.advance(&mut record, Event::ProductionStarted, &actor).await? {
            turn.save(&mut record).await?;
        }
    }
    personalisation(turn, &record).await
}

async fn personalisation(turn: &mut Turn<'_>, record: &Record) -> Answer<Personalisation> {
    let gone = || Refusal::internal("the secrets of a key in production are gone");
    let user_pin = turn.secret_text(&record.id, SecretName::UserPin).await?.ok_or_else(gone)?;
    let admin_pin = turn.secret_text(&record.id, SecretName::AdminPin).await?.ok_or_else(gone)?;
    let device_key = turn.secret(&record.id, SecretName::DeviceKey).await?.ok_or_else(gone)?;
    let profile = turn.hall.profile();
    Ok(Personalisation {
        device_serial: record.device_serial.clone().unwrap_or_default(),
        application: profile.key.application.clone(),
        container: profile.key.container.clone(),
        admin_pin: Secret(admin_pin),
        admin_tries: profile.key.admin_tries,
        user_pin: Secret(user_pin),
        user_tries: profile.pin.tries,
        device_key: Secret(hex::encode(&device_key[..])),
        common_name: record.subject.name.clone(),
    })
}

/// Answers the key's certificate request. A key that was pulled before it was finished asks again, with another
/// signature over the same public key, and gets what was issued for it. Another public key takes the place of one that
/// is lost with its key.
pub(crate) async fn issue(turn: &mut Turn<'_>, id: &str, told: IssueRequest) -> Answer<IssueAnswer> {
    let mut record = produced(turn, id).await?;
    record.demand_state(&[OrderState::InProduction, OrderState::Issued])?;
    record.demand_device(&told.device_serial)?;
    let request = issuing::request(&told.request.0)?;
    let key = request.public_key();
    let before = turn.answered(&record.id).await?;
    if let Some(before) = before.as_ref().filter(|before| before.is_for(&key)) {
        return Ok(before.answer.clone());
    }
    let hall = turn.hall;
    let days = reissue::days_left(turn, &record).await?.unwrap_or(hall.profile().enrol.validity_days);
    let form = record.form()?.clone();
    let pair = hall.authority().issue(&mut turn.chance, &form, &request, issuing::validity(turn.now, days)?, None)?;
    let serial = pair.sign.serial().to_string();
    let issued = Issued {
        serial: serial.clone(),
        encryption_serial: pair.encryption.serial().to_string(),
        subject: record.subject.clone(),
        channel: record.channel.clone(),
        device_serial: record.device_serial.clone().unwrap_or_default(),
        contact_phone: record.contact_phone.clone(),
        form,
        not_before: pair.sign.not_before(),
        not_after: pair.sign.not_after(),
        sign_der: pair.sign.der().to_vec(),
        encryption_der: pair.encryption.der().to_vec(),
        unlocks: 0,
        order: record.id.clone(),
        confirmed_at: Some(turn.now),
        replaced_by: None,
    };
    turn.record_issued(&issued).await?;
    let person = personalisation(turn, &record).await?;
    let device_key = turn.secret(&record.id, SecretName::DeviceKey).await?.unwrap_or_default();
    turn.record_key(NewKey {
        device_serial: &person.device_serial,
        certificate_serial: &serial,
        application: &person.application,
        container: &person.container,
        admin_pin: person.admin_pin.reveal().as_bytes(),
        device_key: &device_key,
    })
    .await?;
    let answer = IssueAnswer { serial: serial.clone(), response: Hex(pair.response) };
    turn.keep_answer(&record.id, &key, &answer).await?;
    if let Some(before) = before {
        turn.replace(&before.answer.serial, &serial, RevocationReason::Superseded, &record.id).await?;
    }
    match record.kind {
        OrderKind::Reissue => {
            record.details.new_serial = Some(serial.clone());
            reissue::replace(turn, &record, &serial).await?;
            seal::follow(turn, record.certificate_serial.as_deref().unwrap_or_default(), &issued).await?;
        }
        _ => record.certificate_serial = Some(serial.clone()),
    }
    let actor = turn.caller.actor();
    if !turn.advance(&mut record, Event::CertificatesIssued, &actor).await? {
        turn.save(&mut record).await?;
    }
    Ok(answer)
}

/// The key is made: it is posted, and the hall forgets what only the holder and the vault may know.
pub(crate) async fn finish(turn: &mut Turn<'_>, id: &str, told: ProductionFinish) -> Answer<ProductionJob> {
    let mut record = produced(turn, id).await?;
    record.demand_device(&told.device_serial)?;
    let actor = turn.caller.actor();
    if turn.advance(&mut record, Event::KeyPosted, &actor).await? {
        turn.erase_secrets(&record.id).await?;
        post(turn, &record).await?;
    }
    job(turn, &record).await
}

async fn post(turn: &mut Turn<'_>, record: &Record) -> Answer<()> {
    let form = record.form()?;
    let (recipient, address) = (enrol::contact(form).name.as_str(), enrol::address(form));
    debug_assert!(checks::is_text(address, 200), "the form was checked");
    let tracking = turn.hall.gateways().post.take(&record.id, recipient, address).await?;
    sql::query(
        "INSERT INTO parcels (order_id, tracking, recipient, address, posted_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&record.id)
    .bind(&tracking)
    .bind(recipient)
    .bind(address)
    .bind(turn.now.as_second())
    .execute(turn.db())
    .await?;
    turn.send(NewMessage {
        kind: MessageKind::Sms,
        recipient: &record.contact_phone,
        topic: "post",
        text: fill(&turn.hall.profile().wording.posted, &[("order", &record.id), ("tracking", &tracking)]),
        code: None,
        order: Some(&record.id),
    })
    .await
}
