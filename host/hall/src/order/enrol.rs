//! Enrolment of a unit and of a person (E-01 to E-13, P-01 to P-05): the applicant's part. A reissue (X) goes the same
//! way once it is placed.
//!
//! Guarantees: the consent code is bound to the SM3 of the very form (AMB-08); a changed form is checked, confirmed and
//! consented anew; an order that was paid is not paid again.

use super::{
    identity,
    record::{Consent, Details, NewOrder, Record},
    reissue,
    state::Event,
    view, wizard,
};
use crate::{
    api::{
        CodeEntry, CodeSent, Contact, EnrolForm, Enrolment, MessageKind, Order, OrderKind,
        OrderState, Placed, ProblemType, Subject, SubjectKind, UnitRegistration,
    },
    checks::{self, Faults},
    clock,
    code::{NewCode, Purpose},
    outbox::{NewMessage, fill},
    problem::{Answer, refuse, refuse_faults, refuse_field},
    rights::{Caller, Right, demand},
    turn::Turn,
    vault::sm3,
};
use jiff::civil::Date;

/// Places an enrolment (E-02). The same `key` places the same order.
pub(crate) async fn place(turn: &mut Turn<'_>, enrolment: Enrolment, key: Option<&str>) -> Answer<Placed> {
    demand(&turn.caller, Right::PlaceOrder)?;
    if wizard::is_shape(turn) {
        return Err(refuse(ProblemType::NotFound)
            .detail("This hall's enrolments go by its wizard.", "本机构的新办业务请通过申办向导办理。"));
    }
    if matches!(turn.caller, Caller::Anonymous) && !turn.hall.profile().enrol.anonymous {
        return Err(refuse(ProblemType::Unauthorised));
    }
    turn.demand_certificate_login().await?;
    let form = trimmed(enrolment.form);
    refuse_faults(faults(&form, clock::date(turn.now)))?;
    let profile = turn.hall.profile();
    let channel = match enrolment.channel {
        None => profile.channels[0].clone(),
        Some(channel) if profile.channels.contains(&channel) => channel,
        Some(_) => return Err(refuse_field("channel", "not offered", "渠道不存在")),
    };
    let open_key = key.map(|key| format!("request/{}", sm3(key.as_bytes())));
    if let Some(open_key) = &open_key
        && let Some(record) = turn.open_order(open_key).await?
    {
        // The key is the client's secret; with another form it is not the same request.
        if record.details.form.as_ref() != Some(&form) {
            return Err(refuse(ProblemType::Conflict));
        }
        let token = turn.grant_order(&record.id).await?;
        return Ok(Placed { token, order: view::order(turn, &record).await? });
    }
    let kind = match form {
        EnrolForm::Unit(_) => OrderKind::EnrolUnit,
        EnrolForm::Person(_) => OrderKind::EnrolPerson,
    };
    let order = NewOrder {
        kind,
        subject: subject(&form),
        contact_phone: contact(&form).phone.clone(),
        price_fen: profile.fee_fen(kind, identity::subject_kind(&form), &channel),
        channel,
        certificate_serial: None,
        device_serial: None,
        open_key,
        details: Details { form: Some(form), ..Details::default() },
    };
    let record = turn.place(order).await?;
    let token = turn.grant_order(&record.id).await?;
    Ok(Placed { token, order: view::order(turn, &record).await? })
}

/// Changes the form of an enrolment.
pub(crate) async fn amend(turn: &mut Turn<'_>, record: &mut Record, form: EnrolForm) -> Answer<()> {
    if identity::subject_kind(record.form()?) != identity::subject_kind(&form) {
        return Err(refuse_field("kind", "the order is of the other kind", "证书类型与订单不一致"));
    }
    refuse_faults(faults(&form, clock::date(turn.now)))?;
    reissue::demand_same_subject(record, &form)?;
    let form = if wizard::takes(turn, record) { wizard::amended(turn, record, form).await? } else { form };
    if record.details.form.as_ref() == Some(&form) {
        return Ok(());
    }
    record.subject = subject(&form);
    record.contact_phone = contact(&form).phone.clone();
    record.details = Details {
        form: Some(form),
        reason: record.details.reason.take(),
        reissue: record.details.reissue,
        ..Details::default()
    };
    let actor = turn.caller.actor();
    if !turn.advance(record, Event::FormAmended, &actor).await? {
        turn.save(record).await?;
    }
    Ok(())
}

/// Confirms an enrolment whose applicant is known.
pub(crate) async fn confirm(turn: &mut Turn<'_>, record: &mut Record) -> Answer<()> {
    if record.details.identity.is_none() {
        return Err(record.wrong_state());
    }
    let actor = turn.caller.actor();
    turn.advance(record, Event::OrderConfirmed, &actor).await.map(drop)
}

/// Submits an enrolment whose papers are complete; the handler gets the consent code.
pub(crate) async fn submit(turn: &mut Turn<'_>, record: &mut Record) -> Answer<()> {
    record.form()?;
    record.demand_state(&[OrderState::Confirmed, OrderState::Submitted])?;
    turn.demand_papers(record).await?;
    let actor = turn.caller.actor();
    if turn.advance(record, Event::ApplicationSubmitted, &actor).await? {
        send_consent_code(turn, record).await?;
    }
    Ok(())
}

/// Sends the consent code again.
pub(crate) async fn consent_code(turn: &mut Turn<'_>, id: &str) -> Answer<CodeSent> {
    let record = turn.own_order(id, Right::UseOwnOrder).await?;
    record.demand_state(&[OrderState::Submitted])?;
    Ok(send_consent_code(turn, &record).await?.sent(&record.contact_phone))
}

async fn send_consent_code(turn: &mut Turn<'_>, record: &Record) -> Answer<NewCode> {
    let digest = digest(record.form()?)?;
    let scope = format!("{}/{digest}", record.id);
    let code = turn.new_code(Purpose::Consent, &scope, &record.contact_phone).await?;
    let values = [("code", code.code.as_str()), ("order", &record.id), ("digest", &digest[..16])];
    turn.send(NewMessage {
        kind: MessageKind::Sms,
        recipient: &record.contact_phone,
        topic: Purpose::Consent.name(),
        text: fill(&turn.hall.profile().wording.consent, &values),
        code: Some(&code.code),
        order: Some(&record.id),
    })
    .await?;
    Ok(code)
}

/// 签名验证 (E-08): the handler's code consents to this very form.
pub(crate) async fn consent(turn: &mut Turn<'_>, id: &str, entry: CodeEntry) -> Answer<Order> {
    let mut record = turn.own_order(id, Right::UseOwnOrder).await?;
    let digest = digest(record.form()?)?;
    if record.details.consent.as_ref().is_some_and(|consent| consent.digest == digest)
        && matches!(record.state, OrderState::Unpaid | OrderState::InReview)
    {
        return view::order(turn, &record).await;
    }
    record.demand_state(&[OrderState::Submitted])?;
    let scope = format!("{}/{digest}", record.id);
    turn.check_code(Purpose::Consent, &scope, entry.code.reveal(), false).await?;
    record.details.consent = Some(Consent { digest, phone: record.contact_phone.clone(), at: turn.now });
    let actor = turn.caller.actor();
    turn.advance(&mut record, Event::Consented, &actor).await?;
    reissue::suspend(turn, &record).await?;
    turn.skip_payment_if_none(&mut record).await?;
    view::order(turn, &record).await
}

/// The key has arrived (E-13).
pub(crate) async fn received(turn: &mut Turn<'_>, id: &str) -> Answer<Order> {
    let mut record = turn.own_order(id, Right::UseOwnOrder).await?;
    let actor = turn.caller.actor();
    turn.advance(&mut record, Event::KeyReceived, &actor).await?;
    view::order(turn, &record).await
}

/// SM3 of a form, hexadecimal.
pub(crate) fn digest(form: &EnrolForm) -> Answer<String> {
    Ok(sm3(&serde_json::to_vec(form)?))
}

/// Whom a form is about.
pub(crate) fn subject(form: &EnrolForm) -> Subject {
    match form {
        EnrolForm::Unit(unit) => {
            Subject { kind: SubjectKind::Unit, number: unit.credit_code.clone(), name: unit.name.clone() }
        }
        EnrolForm::Person(person) => Subject {
            kind: SubjectKind::Person,
            number: person.holder.id_number.clone(),
            name: person.holder.name.clone(),
        },
    }
}

/// The handler or holder of a form.
pub(crate) fn contact(form: &EnrolForm) -> &Contact {
    match form {
        EnrolForm::Unit(unit) => &unit.handler,
        EnrolForm::Person(person) => &person.holder,
    }
}

/// Where a form wants the key to be posted.
pub(crate) fn address(form: &EnrolForm) -> &str {
    match form {
        EnrolForm::Unit(unit) => &unit.address,
        EnrolForm::Person(person) => &person.address,
    }
}

/// A form without blanks around its fields.
pub(crate) fn trimmed(mut form: EnrolForm) -> EnrolForm {
    let trim = |text: &mut String| *text = text.trim().to_owned();
    let contact = |contact: &mut Contact| {
        [&mut contact.name, &mut contact.id_number, &mut contact.phone, &mut contact.email]
            .into_iter()
            .for_each(trim);
    };
    match &mut form {
        EnrolForm::Unit(unit) => {
            [&mut unit.name, &mut unit.credit_code, &mut unit.legal_person, &mut unit.legal_person_id, &mut unit.address]
                .into_iter()
                .for_each(trim);
            contact(&mut unit.handler);
            if let Some(UnitRegistration { kind, region, address, postcode }) = &mut unit.registration {
                [kind, region, address, postcode].into_iter().for_each(trim);
            }
        }
        EnrolForm::Person(person) => {
            trim(&mut person.address);
            contact(&mut person.holder);
        }
    }
    form
}

/// What is wrong with a form.
pub(crate) fn faults(form: &EnrolForm, today: Date) -> Vec<crate::api::FieldFault> {
    let mut faults = Faults::default();
    let contact = |faults: &mut Faults, role: &str, contact: &Contact| {
        let field = |name: &str| format!("{role}.{name}");
        faults.unless(checks::is_text(&contact.name, 50), &field("name"), "missing or too long", "请填写姓名");
        faults.unless(
            checks::is_identity_number(&contact.id_number, today),
            &field("id_number"),
            "not an identity number (GB 11643)",
            "身份证号不正确",
        );
        faults.unless(checks::is_mobile(&contact.phone), &field("phone"), "not a mobile number", "手机号格式不正确");
        faults.unless(checks::is_mail(&contact.email), &field("email"), "not a mail address", "电子邮箱格式不正确");
    };
    match form {
        EnrolForm::Unit(unit) => {
            faults.unless(checks::is_text(&unit.name, 100), "name", "missing or too long", "请填写单位名称");
            faults.unless(
                checks::is_credit_code(&unit.credit_code),
                "credit_code",
                "not a credit code (GB 32100)",
                "统一社会信用代码不正确",
            );
            faults.unless(checks::is_text(&unit.legal_person, 50), "legal_person", "missing or too long", "请填写法定代表人");
            faults.unless(
                checks::is_identity_number(&unit.legal_person_id, today),
                "legal_person_id",
                "not an identity number (GB 11643)",
                "法定代表人身份证号不正确",
            );
            faults.unless(checks::is_text(&unit.address, 200), "address", "missing or too long", "请填写通讯地址");
            contact(&mut faults, "handler", &unit.handler);
            if let Some(registration) = &unit.registration {
                registration_faults(&mut faults, registration);
            }
        }
        EnrolForm::Person(person) => {
            faults.unless(checks::is_text(&person.address, 200), "address", "missing or too long", "请填写通讯地址");
            contact(&mut faults, "holder", &person.holder);
        }
    }
    faults.0
}

/// What is wrong with a unit's registration, which only the wizard demands and the application form always prints.
fn registration_faults(faults: &mut Faults, registration: &UnitRegistration) {
    let mut text = |field: &str, text: &str, most, zh: &str| {
        faults.unless(checks::is_text(text, most), &format!("registration.{field}"), "missing or too long", zh);
    };
    text("kind", &registration.kind, 50, "请填写单位类型");
    text("region", &registration.region, 50, "请填写所属地区");
    text("address", &registration.address, 200, "请填写注册地址");
    faults.unless(
        checks::is_digits(&registration.postcode, 6..=6),
        "registration.postcode",
        "not six digits",
        "邮政编码应为6位数字",
    );
}
