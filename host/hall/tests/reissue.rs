//! Reissue of a lost or damaged key, and what becomes of the old certificate.
#![cfg(feature = "server")]

mod support;

use support::*;
use ukey_hall::api::*;
use ukey_pki::RevocationReason as Listed;

const DAY: u64 = 86_400;

/// A unit that lost its key.
fn lost(bench: &Bench) -> (Key, HeldCertificates) {
    let key = bench.unit_key();
    bench.wait(60);
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    (key, held)
}

#[test]
fn a_unit_that_remitted_first_gets_a_new_key_and_the_old_one_is_revoked() {
    let bench = Bench::new("luming");
    let (old, held) = lost(&bench);
    let [listed] = held.certificates.as_slice() else { panic!("one certificate") };
    assert_eq!((&listed.serial, listed.standing), (&old.serial, CertificateStanding::Valid));
    let placed: Placed = bench.reissue(&held, &old.serial, ReissueReason::Lost).read();
    assert_eq!(placed.order.form, Some(unit()), "filled from the old certificate");
    let view = placed.order.reissue.clone().unwrap();
    assert!(view.remittance_account.unwrap().contains("鹿鸣") && !view.suspended);
    assert!(placed.order.papers.iter().any(|paper| paper.paper == Paper::PaymentProof));
    bench.login(&old).read::<Session>();

    let order = bench.applied(&placed, &legal_phone());
    // Nothing is paid online.
    assert_eq!((order.state, order.payment), (OrderState::InReview, None));
    assert_eq!(order.review_due.unwrap().to_string(), "2026-03-09", "five working days from Monday");
    assert!(order.reissue.unwrap().suspended);
    bench.login(&old).refused(ProblemType::CertificateSuspended);
    bench.open_unlock(&old).refused(ProblemType::CertificateSuspended);

    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    let mail = bench.outbox("zhangsan@example.com").pop().unwrap();
    assert_eq!((mail.kind, mail.topic.as_str()), (MessageKind::Mail, "review"));
    assert!(bench.outbox(HANDLER_PHONE).iter().any(|message| message.topic == "review"));
    let password = bench.code(LEGAL_PHONE);
    let new = bench.produced(&placed, "DEV0002");
    assert_eq!(new.person.user_pin, password);
    let order = bench.order(&placed);
    assert_eq!(order.state, OrderState::Received);
    assert_eq!(order.certificate_serial.as_ref(), Some(&old.serial));
    assert_eq!(order.new_certificate_serial.as_ref(), Some(&new.serial));
    let (before, after) = (old.response.sign_certificate(), new.response.sign_certificate());
    assert_eq!(before.not_after(), after.not_after(), "a new key is no new time");
    assert_ne!(before.public_key().unwrap(), after.public_key().unwrap());

    bench.login(&old).refused(ProblemType::CertificateRevoked);
    bench.open_unlock(&old).refused(ProblemType::CertificateRevoked);
    bench.login(&new).read::<Session>();
    bench.wait(DAY);
    assert_eq!(bench.listed(&old), Some(Listed::KeyCompromise));
    assert_eq!(bench.listed(&new), None);
}

#[test]
fn a_person_pays_online_and_a_damaged_key_is_superseded() {
    let bench = Bench::new("luming");
    let old = bench.enrolled(person(), holder_phone(), "DEV0001");
    bench.wait(60);
    let held = bench.held(SubjectKind::Person, HOLDER_ID, HOLDER_PHONE);
    let placed: Placed = bench.reissue(&held, &old.serial, ReissueReason::Damaged).read();
    let order = bench.applied(&placed, &holder_phone());
    assert_eq!((order.state, order.fee.total_fen), (OrderState::Unpaid, 8_000));
    assert_eq!(order.fee.item, "证书【张三】证书补办费用");
    // Suspended before it is paid: the application is in.
    bench.login(&old).refused(ProblemType::CertificateSuspended);
    bench.decide(&placed, Decision::Pass, None).refused(ProblemType::WrongState);
    let payment = bench.open_payment(&placed);
    bench.pay(&payment, PaymentOutcome::Paid);
    assert_eq!(bench.order(&placed).review_due.unwrap().to_string(), "2026-03-05", "three working days");
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    bench.produced(&placed, "DEV0002");
    bench.wait(DAY);
    assert_eq!(bench.listed(&old), Some(Listed::Superseded));
}

#[test]
fn the_old_certificate_comes_back_when_the_order_ends_without_a_new_one() {
    for ending in ["refused", "cancelled"] {
        let bench = Bench::new("luming");
        let (old, held) = lost(&bench);
        let placed: Placed = bench.reissue(&held, &old.serial, ReissueReason::Lost).read();
        bench.applied(&placed, &legal_phone());
        // A day after the first list; the order's token is a minute younger.
        bench.wait(DAY - 60);
        assert_eq!(bench.listed(&old), Some(Listed::CertificateHold));
        if ending == "refused" {
            bench.decide(&placed, Decision::Refuse, Some("资料不符")).read::<Order>();
        } else {
            bench.decide(&placed, Decision::Return, Some("照片不清")).read::<Order>();
            bench.login(&old).refused(ProblemType::CertificateSuspended);
            let order: Order = bench.press(&at(&placed, "cancel"), token(&placed)).read();
            assert_eq!(order.state, OrderState::Cancelled);
        }
        bench.login(&old).read::<Session>();
        assert_eq!(bench.listed(&old), Some(Listed::CertificateHold), "the list that was published stands");
        bench.wait(DAY);
        assert_eq!(bench.listed(&old), None, "{ending}");
        // Another order may be placed.
        let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
        let again: Placed = bench.reissue(&held, &old.serial, ReissueReason::Lost).read();
        assert_ne!(again.order.id, placed.order.id);
    }
}

#[test]
fn a_remittance_for_nothing_is_on_record_as_owed() {
    for ending in ["refused", "cancelled"] {
        let bench = Bench::new("luming");
        let (old, held) = lost(&bench);
        let placed: Placed = bench.reissue(&held, &old.serial, ReissueReason::Lost).read();
        bench.applied(&placed, &legal_phone());
        if ending == "refused" {
            bench.decide(&placed, Decision::Refuse, Some("资料不符")).read::<Order>();
        } else {
            bench.decide(&placed, Decision::Return, Some("照片不清")).read::<Order>();
            bench.press(&at(&placed, "cancel"), token(&placed)).read::<Order>();
            bench.press(&at(&placed, "cancel"), token(&placed)).read::<Order>();
        }
        let order = bench.order(&placed);
        let owed = order.payment.expect("what was remitted");
        assert_eq!((owed.state, owed.way.as_str()), (PaymentState::Owed, "remittance"), "{ending}");
        assert_eq!((owed.amount_fen, &owed.order), (order.fee.total_fen, &order.id));
        let page: AuditPage = bench.get("/api/desk/audit", "desk-auditor").read();
        let rows = page.rows.iter().filter(|row| row.about == format!("payment/{}", owed.id));
        let rows: Vec<_> = rows.map(|row| (row.event.as_str(), row.actor.as_str())).collect();
        let actor = if ending == "refused" { "review desk" } else { "applicant" };
        assert_eq!(rows, [("owed", actor)]);
    }
    // Without a proof nothing was remitted; who paid online gets it back from the provider.
    let bench = Bench::new("luming");
    let (old, held) = lost(&bench);
    let placed: Placed = bench.reissue(&held, &old.serial, ReissueReason::Lost).read();
    let order: Order = bench.press(&at(&placed, "cancel"), token(&placed)).read();
    assert_eq!(order.payment, None);
}

#[test]
fn an_invoice_form_says_that_it_is_closed_once_it_is() {
    let bench = Bench::new("luming");
    let (old, held) = lost(&bench);
    let placed: Placed = bench.reissue(&held, &old.serial, ReissueReason::Lost).read();
    let save = || bench.put(&at(&placed, "invoice"), token(&placed), &invoice_form());
    assert!(save().read::<Invoice>().editable);
    // A remittance has no callback: what is in review is closed all the same.
    assert!(!bench.applied(&placed, &legal_phone()).invoice.unwrap().editable);
    save().refused(ProblemType::WrongState);
    bench.decide(&placed, Decision::Return, Some("照片不清")).read::<Order>();
    assert!(bench.order(&placed).invoice.unwrap().editable);
    save().read::<Invoice>();
}

#[test]
fn a_returned_order_stays_a_reissue() {
    let bench = Bench::new("luming");
    let (old, held) = lost(&bench);
    let placed: Placed = bench.reissue(&held, &old.serial, ReissueReason::Damaged).read();
    bench.applied(&placed, &legal_phone());
    bench.decide(&placed, Decision::Return, Some("地址不完整")).read::<Order>();
    let mut form = unit_form();
    form.address = "示例市新路8号".into();
    form.handler.phone = "13800009999".into();
    let order: Order = bench.put(&at(&placed, "form"), token(&placed), &EnrolForm::Unit(form)).read();
    assert_eq!((order.state, order.reissue.unwrap().reason), (OrderState::Draft, ReissueReason::Damaged));
    bench.wait(60);
    let placed = Placed { token: placed.token.clone(), order: bench.order(&placed) };
    assert_eq!(bench.applied(&placed, &legal_phone()).state, OrderState::InReview);
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    let new = bench.produced(&placed, "DEV0002");
    bench.wait(DAY);
    assert_eq!(bench.listed(&old), Some(Listed::Superseded));
    // The new phone is the one on record now; the old one's certificates are not shown to it.
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, "13800009999");
    let serials: Vec<_> = held.certificates.iter().map(|view| view.serial.as_str()).collect();
    assert_eq!(serials, [new.serial.as_str()]);
}

#[test]
fn what_the_certificate_says_is_not_changed_by_a_reissue() {
    let bench = Bench::new("luming");
    let (old, held) = lost(&bench);
    let placed: Placed = bench.reissue(&held, &old.serial, ReissueReason::Lost).read();
    let mut form = unit_form();
    form.name = "另一家示例有限公司".into();
    let problem = bench
        .put(&at(&placed, "form"), token(&placed), &EnrolForm::Unit(form.clone()))
        .refused(ProblemType::FixedField);
    assert!(problem.detail_zh.starts_with("不支持修改") && problem.fields[0].field == "name");
    form.name = unit_form().name;
    form.credit_code = "91000000MA0000002W".into();
    let changed = bench.put(&at(&placed, "form"), token(&placed), &EnrolForm::Unit(form));
    assert_eq!(changed.refused(ProblemType::FixedField).fields[0].field, "number");
    // Who stands behind the unit is whom the identity check asks about.
    for (name, number, field) in
        [("王五", "110105198501010020", "legal_person"), ("李四", HOLDER_ID, "legal_person_id")]
    {
        let form = UnitForm { legal_person: name.into(), legal_person_id: number.into(), ..unit_form() };
        let changed = bench.put(&at(&placed, "form"), token(&placed), &EnrolForm::Unit(form));
        assert_eq!(changed.refused(ProblemType::FixedField).fields[0].field, field);
    }
    bench.put(&at(&placed, "form"), token(&placed), &person()).refused(ProblemType::InvalidFields);
    let mut invoice = invoice_form();
    invoice.title = "另一家示例有限公司".into();
    bench.put(&at(&placed, "invoice"), token(&placed), &invoice).refused(ProblemType::FixedField);
    bench.put(&at(&placed, "invoice"), token(&placed), &invoice_form()).read::<Invoice>();
    // The invoice of a remittance waits for the review that looks at it.
    let order = bench.applied(&placed, &legal_phone());
    assert_eq!(order.invoice.unwrap().due_at, None);
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    assert!(bench.order(&placed).invoice.unwrap().due_at.is_some());
    assert_eq!(bench.order(&placed).form, Some(unit()));
}

#[test]
fn markup_and_control_characters_and_impossible_dates_are_told_apart() {
    let bench = Bench::new("luming");
    let (old, held) = lost(&bench);
    let placed: Placed = bench.reissue(&held, &old.serial, ReissueReason::Lost).read();
    let amend = |change: &dyn Fn(&mut UnitForm)| {
        let mut form = unit_form();
        change(&mut form);
        bench.put(&at(&placed, "form"), token(&placed), &EnrolForm::Unit(form))
    };
    for bad in ["示例路\u{0}1号", "示例路\u{1b}[2J", "示例路\r\n1号", &"长".repeat(201)] {
        let reply = amend(&|form| form.address = bad.into());
        assert_eq!(reply.refused(ProblemType::InvalidFields).fields[0].field, "address", "{bad:?}");
    }
    // 30 February; a month 13; the check characters are right.
    for bad in ["110105199002300017", "110105199013070017", "11010519900307001"] {
        let reply = amend(&|form| form.handler.id_number = bad.into());
        assert_eq!(reply.refused(ProblemType::InvalidFields).fields[0].field, "handler.id_number", "{bad}");
    }
    // Markup is text like any other: it is kept, and leaves as it came.
    let order: Order = amend(&|form| form.address = "<script>alert(1)</script>&路".into()).read();
    let EnrolForm::Unit(form) = order.form.unwrap() else { panic!() };
    assert_eq!(form.address, "<script>alert(1)</script>&路");
}

#[test]
fn the_agreement_the_choice_and_the_order_of_steps() {
    let bench = Bench::new("luming");
    let (old, held) = lost(&bench);
    let bearer = held.token.reveal();
    let request =
        |serial: &str, agreed| ReissueRequest { serial: serial.into(), reason: ReissueReason::Lost, agreed };
    bench.post("/api/reissues", bearer, &request(&old.serial, false)).refused(ProblemType::AgreementRequired);
    bench.post("/api/reissues", bearer, &request("00FF", true)).refused(ProblemType::NotFound);
    bench.post("/api/reissues", bearer, &request("<b>", true)).refused(ProblemType::InvalidFields);
    bench.post("/api/reissues", "", &request(&old.serial, true)).refused(ProblemType::Unauthorised);
    bench.post("/api/reissues", "desk-review", &request(&old.serial, true)).refused(ProblemType::Forbidden);
    // Sent twice: one order.
    let first: Placed = bench.post("/api/reissues", bearer, &request(&old.serial, true)).read();
    let again = bench.post("/api/reissues", bearer, &request(&old.serial, true));
    assert_eq!((again.status, again.read::<Placed>().order.id), (200, first.order.id.clone()));
    bench.reissue(&held, &old.serial, ReissueReason::Damaged).refused(ProblemType::Conflict);
    // Steps out of order.
    for step in ["confirm", "submit", "received"] {
        bench.press(&at(&first, step), token(&first)).refused(ProblemType::WrongState);
    }
    bench
        .job(&first, "start", &ProductionStart { device_serial: "DEV0002".into() })
        .refused(ProblemType::WrongState);
    // The token of a query reads no order.
    bench.get(&at(&first, ""), bearer).refused(ProblemType::Forbidden);
    // Papers: the proof of the remittance as well.
    bench.post(&at(&first, "identity"), token(&first), &legal_phone()).read::<Order>();
    bench.press(&at(&first, "confirm"), token(&first)).read::<Order>();
    for paper in ["business-licence", "handler-identity"] {
        bench.upload(&at(&first, &format!("papers/{paper}")), token(&first), GIF).read::<PaperReceipt>();
    }
    let problem = bench.press(&at(&first, "submit"), token(&first)).refused(ProblemType::PaperMissing);
    assert!(problem.detail_zh.contains("付款凭证"), "{}", problem.detail_zh);
    // An expired certificate is renewed, not reissued.
    bench.press(&at(&first, "cancel"), token(&first)).read::<Order>();
    bench.wait(400 * DAY);
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    assert_eq!(held.certificates[0].standing, CertificateStanding::Expired);
    bench.reissue(&held, &old.serial, ReissueReason::Lost).refused(ProblemType::CertificateExpired);
}

#[test]
fn a_certificate_query_tells_nothing_and_its_code_is_limited() {
    let bench = Bench::new("luming");
    let old = bench.unit_key();
    let ask = |number: &str| {
        let request = QueryRequest { kind: SubjectKind::Unit, number: number.into() };
        bench.post("/api/certificate-queries", "", &request)
    };
    let known: QueryOpened = ask(UNIT_CODE).read();
    let unknown: QueryOpened = ask("91000000MA0000002W").read();
    assert_eq!(known.query.len(), unknown.query.len());
    assert_eq!((known.length, known.expires_at), (unknown.length, unknown.expires_at));
    ask(UNIT_CODE).refused(ProblemType::CodeTooSoon);
    ask("91000000MA0000002W").refused(ProblemType::CodeTooSoon);
    ask("91000000MA0000002X").refused(ProblemType::InvalidFields);
    let enter = |opened: &QueryOpened, code: &str| {
        let path = format!("/api/certificate-queries/{}/result", opened.query);
        bench.post(&path, "", &CodeEntry { code: code.into() })
    };
    let right = bench.code(HANDLER_PHONE);
    let wrong = if right.reveal() == "000000" { "000001" } else { "000000" };
    for left in (0..5).rev() {
        for opened in [&known, &unknown] {
            assert_eq!(enter(opened, wrong).refused(ProblemType::WrongCode).tries_left, Some(left));
        }
    }
    enter(&known, right.reveal()).refused(ProblemType::CodeExhausted);
    enter(&unknown, right.reveal()).refused(ProblemType::CodeExhausted);
    // An order query's name is no certificate query's.
    let request = QueryRequest { kind: SubjectKind::Unit, number: UNIT_CODE.into() };
    let orders: QueryOpened = bench.post("/api/queries", "", &request).read();
    enter(&orders, bench.code(HANDLER_PHONE).reveal()).refused(ProblemType::NotFound);
    bench
        .post("/api/certificate-queries/zz/result", "", &CodeEntry { code: "1".into() })
        .refused(ProblemType::NotFound);
    // A code is good once.
    bench.wait(60);
    let opened: QueryOpened = ask(UNIT_CODE).read();
    let code = bench.code(HANDLER_PHONE);
    let held: HeldCertificates = enter(&opened, code.reveal()).read();
    assert_eq!(held.certificates[0].serial, old.serial);
    enter(&opened, code.reveal()).refused(ProblemType::CodeUsed);
    // Somebody else's certificate is not found with this token.
    let other = bench.enrolled(person(), holder_phone(), "DEV0002");
    bench.reissue(&held, &other.serial, ReissueReason::Lost).refused(ProblemType::NotFound);
}

#[test]
fn the_guide_names_the_account_and_what_to_do_without_the_phone() {
    let guide: ReissueGuide = Bench::new("luming").get("/api/reissues/guide", "").read();
    assert!(guide.remittance_account.is_some_and(|account| account.contains("示例银行")));
    assert_eq!((guide.unit_review_working_days, guide.person_review_working_days), (5, 3));
    assert!(guide.phone_lost_zh.contains(&guide.hotline));
    let guide: ReissueGuide = Bench::new("qinghe").get("/api/reissues/guide", "").read();
    assert_eq!(guide.remittance_account, None);
}

#[test]
fn the_wizard_takes_no_reissue_past_its_consent() {
    let folder = tempfile::tempdir().unwrap();
    let open = |profile| {
        let database = format!("sqlite:{}", folder.path().join("hall.db").display());
        Bench::with(ukey_hall::Config { database, ..ukey_hall::Config::simulated(profile, 20_260_302) })
    };
    let wizard = ukey_hall::Profile::built_in("baihe").unwrap();
    // The key comes by the shorter way.
    let mut order = wizard.clone();
    (order.enrol.shape, order.enrol.anonymous, order.wizard) =
        (ukey_hall::profile::EnrolShape::Order, true, None);
    order.enrol.unit_fee_fen = 20_000;
    let old = open(order).unit_key();
    let bench = open(wizard);
    bench.wait(60);
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    let placed: Placed = bench.reissue(&held, &old.serial, ReissueReason::Lost).read();
    bench.post(&at(&placed, "identity"), token(&placed), &legal_phone()).read::<Order>();
    bench.press(&at(&placed, "confirm"), token(&placed)).read::<Order>();
    bench.upload_papers(&placed);
    let submit = format!("/api/wizards/{}/submit", placed.order.id);
    bench.press(&submit, token(&placed)).refused(ProblemType::NotFound);
    assert_eq!(bench.order(&placed).state, OrderState::Confirmed);
    // Its own way suspends the old certificate.
    bench.press(&at(&placed, "submit"), token(&placed)).read::<Order>();
    let code = bench.code(HANDLER_PHONE);
    bench.post(&at(&placed, "consent"), token(&placed), &CodeEntry { code }).read::<Order>();
    bench.login(&old).refused(ProblemType::CertificateSuspended);
}
