//! Enrolment of a unit and a person, from the form to the key in hand; what forms, papers and codes are refused.
#![cfg(feature = "server")]

mod support;

use support::*;
use ukey_hall::api::*;
use ukey_pki::{Certificate, Identity};

#[test]
fn a_unit_enrols_and_gets_a_key() {
    let bench = Bench::new("qinghe");
    let placed = bench.place(unit());
    assert_eq!(placed.order.state, OrderState::Draft);
    let order: Order = bench.post(&at(&placed, "identity"), token(&placed), &legal_phone()).read();
    assert_eq!(order.password_way, Some(PasswordWay::Sms { phone: "139****2222".into() }));
    bench.press(&at(&placed, "confirm"), token(&placed)).read::<Order>();
    bench.upload_papers(&placed);
    bench.put(&at(&placed, "invoice"), token(&placed), &invoice_form()).read::<Invoice>();
    let order: Order = bench.press(&at(&placed, "submit"), token(&placed)).read();
    let digest = order.form_digest.unwrap();
    let message = bench.outbox(HANDLER_PHONE).pop().unwrap();
    assert!(message.text.contains(&digest[..16]), "the consent names the form's digest: {}", message.text);
    let code = bench.code(HANDLER_PHONE);
    bench.post(&at(&placed, "consent"), token(&placed), &CodeEntry { code }).read::<Order>();
    let payment = bench.open_payment(&placed);
    assert_eq!(payment.amount_fen, 20_000);
    bench.pay(&payment, PaymentOutcome::Paid);
    let order = bench.order(&placed);
    assert_eq!(order.state, OrderState::InReview);
    // Three working days from Monday.
    assert_eq!(order.review_due.unwrap().to_string(), "2026-03-05");

    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    let password = bench.code(LEGAL_PHONE);
    let key = bench.produced(&placed, "DEV0001");
    assert_eq!(key.person.user_pin, password, "the initial PIN is the certificate password");
    assert_eq!(key.person.user_pin.reveal().len(), 8);
    assert_eq!(key.person.admin_pin.reveal().len(), 16);
    assert_eq!(key.person.device_key.reveal().len(), 32);

    let order = bench.order(&placed);
    assert_eq!(order.state, OrderState::Received);
    assert_eq!(order.certificate_serial.as_ref(), Some(&key.serial));
    assert!(
        order.parcel.is_some_and(|parcel| parcel.recipient == "张三" && parcel.address.contains("示例路1号"))
    );
    let events: Vec<_> = order.history.iter().map(|row| (row.event.as_str(), row.actor.as_str())).collect();
    assert_eq!(
        events,
        [
            ("placed", "applicant"),
            ("identity-passed", "applicant"),
            ("order-confirmed", "applicant"),
            ("application-submitted", "applicant"),
            ("consented", "applicant"),
            ("paid", "payment provider"),
            ("review-passed", "review desk"),
            ("production-started", "production desk"),
            ("certificates-issued", "production desk"),
            ("key-posted", "production desk"),
            ("key-received", "applicant"),
        ]
    );
    // The hall has forgotten the initial PIN.
    bench
        .job(&placed, "start", &ProductionStart { device_serial: "DEV0001".into() })
        .refused(ProblemType::WrongState);
}

#[test]
fn the_certificates_are_the_orders_and_not_the_requests() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let chain: AuthorityView = bench.get("/api/authority/certificates", "").read();
    let [issuing, root] = [0, 1].map(|i: usize| Certificate::from_der(&chain.chain[i].0).unwrap());
    issuing.verify_issued_by(&root).unwrap();
    let sign = key.response.sign_certificate();
    let encryption = key.response.encryption_certificate().unwrap();
    for certificate in [sign, encryption] {
        certificate.verify_issued_by(&issuing).unwrap();
        assert_eq!(certificate.subject().common_name(), Some("示例科技有限公司"));
        assert!(certificate.identity() == Some(Identity::CreditCode(UNIT_CODE.into())));
        assert_eq!(certificate.not_after().to_string(), "2028-02-29T15:59:59Z");
    }
    assert_eq!(sign.public_key().unwrap(), key.pair.public_key());
    let pair = key.response.enveloped_key().unwrap().open(&key.pair).unwrap();
    assert_eq!(pair.public_key(), encryption.public_key().unwrap());
}

#[test]
fn a_person_enrols_by_card_and_a_unit_by_remittance() {
    let bench = Bench::new("luming");
    let card = IdentityCheck::HolderBankCard { card: "6200000000000000".into(), phone: HOLDER_PHONE.into() };
    let key = bench.enrolled(person(), card, "DEV0002");
    assert!(key.response.sign_certificate().identity() == Some(Identity::IdCard(HOLDER_ID.into())));
    assert_eq!(bench.outbox(HOLDER_PHONE).iter().filter(|message| message.topic == "password").count(), 1);

    let account = "320000000000000001";
    let remittance =
        IdentityCheck::CompanyRemittance { bank: "示例银行".into(), account: account.into() };
    let key = bench.enrolled(unit(), remittance, "DEV0003");
    let notes = bench.outbox(account);
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].kind, MessageKind::Remittance);
    let note = format!("附言{}即为证书密码", key.person.user_pin.reveal());
    assert!(notes[0].text.contains("户名示例科技有限公司打款0.01元"), "{}", notes[0].text);
    assert!(notes[0].text.contains(&note), "the remark is the certificate's password");
}

#[test]
fn a_wrong_form_names_its_fields() {
    let bench = Bench::new("qinghe");
    let mut form = unit_form();
    form.credit_code = "91000000MA0000001X".into();
    form.legal_person_id.clear();
    form.handler.phone = "110".into();
    form.address = "  ".into();
    let problem = bench
        .post("/api/enrolments", "", &Enrolment { channel: None, form: EnrolForm::Unit(form) })
        .refused(ProblemType::InvalidFields);
    let fields: Vec<_> = problem.fields.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["credit_code", "legal_person_id", "address", "handler.phone"]);
    let problem = bench
        .post("/api/enrolments", "", &Enrolment { channel: Some("nowhere".into()), form: unit() })
        .refused(ProblemType::InvalidFields);
    assert_eq!(problem.fields[0].field, "channel");
}

#[test]
fn nobody_is_born_tomorrow() {
    let bench = Bench::new("qinghe");
    let EnrolForm::Person(mut form) = person() else { unreachable!() };
    // The check character is right; the day is the one after the hall's first.
    form.holder.id_number = "110105202603030013".into();
    let enrol = || {
        bench.post("/api/enrolments", "", &Enrolment { channel: None, form: EnrolForm::Person(form.clone()) })
    };
    let problem = enrol().refused(ProblemType::InvalidFields);
    assert_eq!(problem.fields[0].field, "holder.id_number");
    bench.wait(24 * 3600);
    enrol().read::<Placed>();
}

#[test]
fn a_registration_is_checked_wherever_it_is_given() {
    let bench = Bench::new("qinghe");
    let registration = |address: &str| UnitRegistration {
        kind: "企业".into(),
        region: " 示例市 ".into(),
        address: address.into(),
        postcode: "000001".into(),
    };
    let enrol = |registration| {
        let form = EnrolForm::Unit(UnitForm { registration: Some(registration), ..unit_form() });
        bench.post("/api/enrolments", "", &Enrolment { channel: None, form })
    };
    for bad in ["注册路\u{1b}[2J", &"长".repeat(201)] {
        let problem = enrol(registration(bad)).refused(ProblemType::InvalidFields);
        assert_eq!(problem.fields[0].field, "registration.address", "{bad:?}");
    }
    let bare = UnitRegistration { postcode: "1".into(), ..UnitRegistration::default() };
    assert_eq!(enrol(bare).refused(ProblemType::InvalidFields).fields.len(), 4);
    let placed: Placed = enrol(registration("示例市注册路3号")).read();
    let EnrolForm::Unit(form) = placed.order.form.unwrap() else { panic!() };
    assert_eq!(form.registration.unwrap().region, "示例市");
}

#[test]
fn an_identity_check_fails_in_each_way_and_may_be_tried_again() {
    let bench = Bench::new("qinghe");
    let placed = bench.place(unit());
    let remittance =
        IdentityCheck::CompanyRemittance { bank: "示例银行".into(), account: "32000000".into() };
    let card =
        IdentityCheck::LegalPersonBankCard { card: "6200000000000000".into(), phone: LEGAL_PHONE.into() };
    for (check, outcome, refusal) in [
        (legal_phone(), IdentityOutcome::Mismatch, ProblemType::IdentityFailed),
        (card, IdentityOutcome::Mismatch, ProblemType::IdentityFailed),
        (remittance.clone(), IdentityOutcome::Bounced, ProblemType::IdentityFailed),
        (legal_phone(), IdentityOutcome::Unavailable, ProblemType::ProviderUnavailable),
    ] {
        bench.expect_identity(outcome);
        bench.post(&at(&placed, "identity"), token(&placed), &check).refused(refusal);
        assert_eq!(bench.order(&placed).state, OrderState::Draft);
    }
    // A way for persons, and a card number that cannot be one.
    bench
        .post(&at(&placed, "identity"), token(&placed), &holder_phone())
        .refused(ProblemType::IdentityWayUnavailable);
    let card = IdentityCheck::LegalPersonBankCard { card: "62".into(), phone: LEGAL_PHONE.into() };
    bench.post(&at(&placed, "identity"), token(&placed), &card).refused(ProblemType::InvalidFields);
    bench.press(&at(&placed, "confirm"), token(&placed)).refused(ProblemType::WrongState);
    bench.post(&at(&placed, "identity"), token(&placed), &remittance).read::<Order>();
    // Three failed; after two more the day is over.
    for left in [1, 0] {
        bench.expect_identity(IdentityOutcome::Mismatch);
        let problem = bench.post(&at(&placed, "identity"), token(&placed), &legal_phone());
        assert_eq!(problem.refused(ProblemType::IdentityFailed).tries_left, Some(left));
    }
    let problem = bench.post(&at(&placed, "identity"), token(&placed), &legal_phone());
    bench.wait(problem.refused(ProblemType::TooManyAttempts).retry_after.unwrap());
    bench.post(&at(&placed, "identity"), token(&placed), &legal_phone()).read::<Order>();
}

#[test]
fn a_changed_form_is_checked_and_consented_anew() {
    let bench = Bench::new("qinghe");
    let placed = bench.confirmed(unit(), legal_phone());
    bench.upload_papers(&placed);
    bench.press(&at(&placed, "submit"), token(&placed)).read::<Order>();
    let old = bench.code(HANDLER_PHONE);
    let mut form = unit_form();
    form.name = "示例软件有限公司".into();
    let order: Order = bench.put(&at(&placed, "form"), token(&placed), &EnrolForm::Unit(form)).read();
    assert_eq!(order.state, OrderState::Draft);
    bench.put(&at(&placed, "form"), token(&placed), &person()).refused(ProblemType::InvalidFields);
    bench.post(&at(&placed, "identity"), token(&placed), &legal_phone()).read::<Order>();
    bench.press(&at(&placed, "confirm"), token(&placed)).read::<Order>();
    bench.press(&at(&placed, "submit"), token(&placed)).read::<Order>();
    // The old code was for another form.
    bench
        .post(&at(&placed, "consent"), token(&placed), &CodeEntry { code: old })
        .refused(ProblemType::WrongCode);
    let code = bench.code(HANDLER_PHONE);
    let order: Order = bench.post(&at(&placed, "consent"), token(&placed), &CodeEntry { code }).read();
    assert_eq!((order.state, order.subject.name.as_str()), (OrderState::Unpaid, "示例软件有限公司"));
}

#[test]
fn papers_are_whole_pictures_in_a_listed_format() {
    let bench = Bench::new("qinghe");
    let placed = bench.confirmed(unit(), legal_phone());
    let path = at(&placed, "papers/business-licence");
    let upload = |content: &[u8]| bench.upload(&path, token(&placed), content);
    upload(b"").refused(ProblemType::PaperEmpty);
    upload(b"%PDF-1.7 no picture").refused(ProblemType::PaperFormat);
    upload(&png(1, 1, true)).refused(ProblemType::PaperFormat);
    upload(&GIF[..GIF.len() - 1]).refused(ProblemType::PaperTruncated);
    upload(&[0xff, 0xd8, 0xff, 0xe0, 0, 16]).refused(ProblemType::PaperTruncated);
    // It begins and ends as a picture does, and is none.
    let hollow = [&[0xff, 0xd8, 0xff, 0xe0][..], &[0; 24], &[0xff, 0xd9]].concat();
    let problem = upload(&hollow).refused(ProblemType::PaperDamaged);
    assert_eq!(problem.title_zh, "文件已损坏，请重新保存");
    bench.upload(&at(&placed, "papers/holder-identity"), token(&placed), GIF).refused(ProblemType::NotFound);
    bench.upload(&at(&placed, "papers/passport"), token(&placed), GIF).refused(ProblemType::NotFound);
    let problem = bench.press(&at(&placed, "submit"), token(&placed)).refused(ProblemType::PaperMissing);
    assert_eq!(problem.fields.len(), 3);
    let receipt: PaperReceipt = upload(GIF).read();
    assert_eq!((receipt.format.as_str(), receipt.size), ("image/gif", GIF.len() as u64));
    let back = bench.get(&path, token(&placed));
    assert_eq!((back.kind.as_str(), back.body.as_slice()), ("image/gif", GIF));
    let problem = bench.press(&at(&placed, "submit"), token(&placed)).refused(ProblemType::PaperMissing);
    assert_eq!(problem.fields.len(), 2);
    // The other profile takes PNG.
    let bench = Bench::new("luming");
    let placed = bench.confirmed(unit(), legal_phone());
    bench
        .upload(&at(&placed, "papers/authorisation"), token(&placed), &png(1, 1, true))
        .read::<PaperReceipt>();
}

#[test]
fn a_consent_code_is_limited() {
    let bench = Bench::new("qinghe");
    let placed = bench.confirmed(unit(), legal_phone());
    bench.upload_papers(&placed);
    let consent =
        |code: &str| bench.post(&at(&placed, "consent"), token(&placed), &CodeEntry { code: code.into() });
    let again = || bench.press(&at(&placed, "consent/code"), token(&placed));
    consent("000000").refused(ProblemType::WrongState);
    bench.press(&at(&placed, "submit"), token(&placed)).read::<Order>();
    // A double submit sends nothing.
    bench.press(&at(&placed, "submit"), token(&placed)).read::<Order>();
    assert_eq!(bench.outbox(HANDLER_PHONE).len(), 1);
    assert_eq!(again().refused(ProblemType::CodeTooSoon).retry_after, Some(60));
    bench.wait(59);
    assert_eq!(again().refused(ProblemType::CodeTooSoon).retry_after, Some(1));
    bench.wait(1);
    again().read::<CodeSent>();
    for left in (0..5).rev() {
        assert_eq!(consent("xxxxxx").refused(ProblemType::WrongCode).tries_left, Some(left));
    }
    let right = bench.code(HANDLER_PHONE);
    consent(right.reveal()).refused(ProblemType::CodeExhausted);
    bench.wait(60);
    again().read::<CodeSent>();
    bench.wait(300);
    consent(bench.code(HANDLER_PHONE).reveal()).refused(ProblemType::CodeExpired);
    for _ in 0..7 {
        again().read::<CodeSent>();
        bench.wait(60);
    }
    let problem = again().refused(ProblemType::CodeDailyLimit);
    let left = problem.retry_after.unwrap();
    bench.wait(left);
    again().read::<CodeSent>();
    let code = bench.code(HANDLER_PHONE);
    let order: Order = consent(code.reveal()).read();
    assert_eq!(order.state, OrderState::Unpaid);
    // The same click twice.
    assert_eq!(consent(code.reveal()).read::<Order>(), order);
}
