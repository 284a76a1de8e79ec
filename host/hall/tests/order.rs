//! An order behind its form: found again, paid, reviewed, produced, invoiced; with every refusal on the way.
#![cfg(feature = "server")]

mod support;

use support::*;
use ukey_hall::api::*;
use ukey_pki::{CsrResponse, Name, Request, RevocationReason};

#[test]
fn a_left_payment_is_continued_from_the_order_query() {
    let bench = Bench::new("qinghe");
    let placed = bench.unpaid(unit(), legal_phone());
    let payment = bench.open_payment(&placed);
    assert_eq!(bench.open_payment(&placed), payment, "the same click twice");
    bench.pay(&payment, PaymentOutcome::Cancelled);
    bench.wait(24 * 3600);
    bench.get(&at(&placed, ""), token(&placed)).refused(ProblemType::Unauthorised);

    let query = QueryRequest { kind: SubjectKind::Unit, number: UNIT_CODE.into() };
    let opened: QueryOpened = bench.post("/api/queries", "", &query).read();
    let code = bench.code(HANDLER_PHONE);
    let found: Vec<QueriedOrder> =
        bench.post(&format!("/api/queries/{}/result", opened.query), "", &CodeEntry { code }).read();
    let again = Placed { token: found[0].token.clone(), order: found[0].order.clone() };
    assert_eq!((found.len(), again.order.state), (1, OrderState::Unpaid));
    let payment = bench.open_payment(&again);
    bench.pay(&payment, PaymentOutcome::Paid);
    assert_eq!(bench.order(&again).state, OrderState::InReview);
}

#[test]
fn a_query_tells_nothing_to_strangers() {
    let bench = Bench::new("qinghe");
    // Somebody places an order under a foreign number, with the own phone; the identity is not proven.
    let placed = bench.unpaid(unit(), legal_phone());
    let mut form = unit_form();
    form.handler.phone = "13600009999".into();
    bench.place(EnrolForm::Unit(form));
    let ask = |number: &str| {
        bench.post("/api/queries", "", &QueryRequest { kind: SubjectKind::Unit, number: number.into() })
    };
    let known: QueryOpened = ask(UNIT_CODE).read();
    let unknown: QueryOpened = ask("91000000MA0000002W").read();
    assert!(bench.outbox("13600009999").is_empty());
    assert_eq!(known.query.len(), unknown.query.len());
    assert_eq!((known.length, known.expires_at), (unknown.length, unknown.expires_at));
    for number in [UNIT_CODE, "91000000MA0000002W"] {
        assert_eq!(ask(number).refused(ProblemType::CodeTooSoon).retry_after, Some(60));
    }
    for query in [&known.query, &unknown.query] {
        let path = format!("/api/queries/{query}/result");
        let wrong = bench.post(&path, "", &CodeEntry { code: "x".into() }).refused(ProblemType::WrongCode);
        assert_eq!(wrong.tries_left, Some(4));
    }
    ask("123").refused(ProblemType::InvalidFields);
    bench
        .post("/api/queries/00ff/result", "", &CodeEntry { code: "1".into() })
        .refused(ProblemType::NotFound);
    let code = bench.code(HANDLER_PHONE);
    let path = format!("/api/queries/{}/result", known.query);
    let found: Vec<QueriedOrder> = bench.post(&path, "", &CodeEntry { code: code.clone() }).read();
    assert_eq!(found.iter().map(|found| &found.order.id).collect::<Vec<_>>(), [&placed.order.id]);
    bench.post(&path, "", &CodeEntry { code }).refused(ProblemType::CodeUsed);
}

#[test]
fn a_query_shows_the_orders_of_the_phone_it_asked() {
    let bench = Bench::new("qinghe");
    bench.unpaid(unit(), legal_phone());
    bench.wait(1);
    let mut form = unit_form();
    form.handler.phone = "13600009999".into();
    let newer = bench.unpaid(EnrolForm::Unit(form), legal_phone());
    let query = QueryRequest { kind: SubjectKind::Unit, number: UNIT_CODE.into() };
    let opened: QueryOpened = bench.post("/api/queries", "", &query).read();
    let code = bench.code("13600009999");
    let found: Vec<QueriedOrder> =
        bench.post(&format!("/api/queries/{}/result", opened.query), "", &CodeEntry { code }).read();
    assert_eq!(found.iter().map(|found| &found.order.id).collect::<Vec<_>>(), [&newer.order.id]);
}

#[test]
fn a_returned_order_is_corrected_and_not_paid_twice() {
    let bench = Bench::new("qinghe");
    let placed = bench.in_review(unit(), legal_phone());
    bench.decide(&placed, Decision::Return, None).refused(ProblemType::InvalidFields);
    let order: Order = bench.decide(&placed, Decision::Return, Some("营业执照不清晰")).read();
    assert_eq!(order.reason.as_deref(), Some("营业执照不清晰"));
    assert!(bench.outbox(HANDLER_PHONE).last().unwrap().text.contains("营业执照不清晰"));
    bench.press(&at(&placed, "confirm"), token(&placed)).read::<Order>();
    bench.upload_papers(&placed);
    bench.wait(60);
    bench.press(&at(&placed, "submit"), token(&placed)).read::<Order>();
    // The form is the same, so the consent scope is too, and the used code must not serve again.
    let code = bench.code(HANDLER_PHONE);
    let order: Order = bench.post(&at(&placed, "consent"), token(&placed), &CodeEntry { code }).read();
    assert_eq!(order.state, OrderState::InReview, "paid before");
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
}

#[test]
fn a_refused_order_is_paid_back() {
    let bench = Bench::new("qinghe");
    let placed = bench.in_review(unit(), legal_phone());
    bench.decide(&placed, Decision::Refuse, Some("不符合条件")).read::<Order>();
    let order = bench.order(&placed);
    assert_eq!(order.state, OrderState::Refused);
    assert_eq!(order.payment.unwrap().state, PaymentState::Refunded);
    bench.press(&at(&placed, "cancel"), token(&placed)).refused(ProblemType::WrongState);
}

#[test]
fn a_cancelled_order_is_over() {
    let bench = Bench::new("qinghe");
    let placed = bench.unpaid(unit(), legal_phone());
    let payment = bench.open_payment(&placed);
    let order: Order = bench.press(&at(&placed, "cancel"), token(&placed)).read();
    assert_eq!(order.state, OrderState::Cancelled);
    assert_eq!(bench.press(&at(&placed, "cancel"), token(&placed)).read::<Order>(), order);
    // Money that comes late goes back.
    bench.pay(&payment, PaymentOutcome::Paid);
    assert_eq!(bench.order(&placed).payment.unwrap().state, PaymentState::Refunded);
    assert_eq!(bench.order(&placed).state, OrderState::Cancelled);
}

#[test]
fn production_repeats_itself_and_takes_another_blank() {
    let bench = Bench::new("qinghe");
    let placed = bench.in_review(unit(), legal_phone());
    let start = |device: &str| bench.job(&placed, "start", &ProductionStart { device_serial: device.into() });
    start("DEV0001").refused(ProblemType::WrongState);
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    let jobs: Vec<ProductionJob> = bench.get("/api/desk/production/jobs", "desk-production").read();
    assert_eq!(jobs.len(), 1);
    start("").refused(ProblemType::InvalidFields);
    let first: Personalisation = start("DEV0001").read();
    assert_eq!(start("DEV0001").read::<Personalisation>(), first);
    let other: Personalisation = start("DEV0002").read();
    assert_ne!(other.admin_pin, first.admin_pin);
    assert_ne!(other.device_key, first.device_key);
    assert_eq!(other.user_pin, first.user_pin, "it was sent already");

    let pair = key_pair("DEV0002");
    let issue = |device: &str, request: Vec<u8>| {
        bench.job(&placed, "issue", &IssueRequest { device_serial: device.into(), request: request.into() })
    };
    issue("DEV0001", csr(&pair)).refused(ProblemType::DeviceMismatch);
    issue("DEV0002", vec![0x30, 0]).refused(ProblemType::BadRequest);
    let mut bent = csr(&pair);
    *bent.last_mut().unwrap() ^= 1;
    issue("DEV0002", bent).refused(ProblemType::BadRequest);
    let finish = || bench.job(&placed, "finish", &ProductionFinish { device_serial: "DEV0002".into() });
    finish().refused(ProblemType::WrongState);
    let answer: IssueAnswer = issue("DEV0002", csr(&pair)).read();
    assert_eq!(issue("DEV0002", csr(&pair)).read::<IssueAnswer>(), answer);
    // A key signs anew each time; the public key is what counts.
    let name = Name::builder().country("CN").common_name("张三").build().unwrap();
    let anew = Request::build(&name, &pair).unwrap().der().to_vec();
    assert_ne!(anew, csr(&pair));
    assert_eq!(issue("DEV0002", anew).read::<IssueAnswer>(), answer);
    assert_eq!(start("DEV0002").read::<Personalisation>(), other);
    let done: ProductionJob = finish().read();
    assert_eq!(finish().read::<ProductionJob>().tracking, done.tracking);
    assert_eq!(bench.get("/_sim/parcels", "").read::<Vec<Parcel>>().len(), 1);
    // What was posted is out of reach.
    issue("DEV0002", csr(&key_pair("other"))).refused(ProblemType::WrongState);
    start("DEV0003").refused(ProblemType::WrongState);
}

#[test]
fn a_key_that_dies_at_the_desk_gives_way_to_another() {
    let bench = Bench::new("qinghe");
    let placed = bench.in_review(unit(), legal_phone());
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    let start = |device: &str| -> Personalisation {
        bench.job(&placed, "start", &ProductionStart { device_serial: device.into() }).read()
    };
    let issue = |device: &str, pair: &str| {
        let request = csr(&key_pair(pair)).into();
        bench.job(&placed, "issue", &IssueRequest { device_serial: device.into(), request })
    };
    let first = start("DEV0001");
    let dead: IssueAnswer = issue("DEV0001", "DEV0001").read();
    // The same blank, emptied: another key pair, the same secrets.
    assert_eq!(start("DEV0001"), first);
    let emptied: IssueAnswer = issue("DEV0001", "again").read();
    assert_ne!(emptied.serial, dead.serial);
    assert_eq!(bench.order(&placed).certificate_serial.as_ref(), Some(&emptied.serial));
    // Another blank: it is not posted before it has certificates of its own.
    let other = start("DEV0002");
    assert_ne!(other.admin_pin, first.admin_pin);
    issue("DEV0001", "again").refused(ProblemType::DeviceMismatch);
    bench
        .job(&placed, "finish", &ProductionFinish { device_serial: "DEV0002".into() })
        .refused(ProblemType::WrongState);
    let key = bench.produced(&placed, "DEV0002");
    assert_eq!(bench.order(&placed).certificate_serial.as_ref(), Some(&key.serial));
    bench.login(&key).read::<Session>();
    bench.wait(24 * 3600);
    assert_eq!(bench.listed(&key), None);
    let list = bench.list();
    for answer in [dead, emptied] {
        let lost = CsrResponse::from_der(&answer.response.0).unwrap();
        for certificate in [lost.sign_certificate(), lost.encryption_certificate().unwrap()] {
            let reason = list.find(certificate.serial()).and_then(|entry| entry.reason);
            assert_eq!(reason, Some(RevocationReason::Superseded));
        }
    }
}

#[test]
fn the_invoice_follows_the_payment() {
    let bench = Bench::new("qinghe");
    let placed = bench.unpaid(unit(), legal_phone());
    let path = at(&placed, "invoice");
    bench.get(&path, token(&placed)).refused(ProblemType::NotFound);
    let mut wrong = invoice_form();
    wrong.tax_number = "1".into();
    wrong.email = "nowhere".into();
    let problem = bench.put(&path, token(&placed), &wrong).refused(ProblemType::InvalidFields);
    assert_eq!(problem.fields.len(), 2);
    bench.put(&path, token(&placed), &invoice_form()).read::<Invoice>();
    let mut changed = invoice_form();
    changed.address = Some("示例市示例路1号 0000-0000000".into());
    let saved: Invoice = bench.put(&path, token(&placed), &changed).read();
    assert!(saved.editable && saved.due_at.is_none());
    let payment = bench.open_payment(&placed);
    bench.pay(&payment, PaymentOutcome::Paid);
    bench.put(&path, token(&placed), &changed).refused(ProblemType::WrongState);
    let document = at(&placed, "invoice/document");
    bench.get(&document, token(&placed)).refused(ProblemType::InvoiceNotIssued);
    bench.wait(2 * 24 * 3600);
    assert!(bench.get(&format!("/_sim/invoices/{}", placed.order.id), "").read::<Invoice>().number.is_none());
    bench.wait(24 * 3600);
    let issued: Invoice = bench.get(&format!("/_sim/invoices/{}", placed.order.id), "").read();
    assert_eq!(issued.issued_at, Some("2026-03-05T01:00:00Z".parse().unwrap()));
    let mails = bench.outbox("fapiao@example.com");
    assert_eq!(mails.len(), 1);
    // A token of the first day has run out by now.
    let opened: QueryOpened = bench
        .post("/api/queries", "", &QueryRequest { kind: SubjectKind::Unit, number: UNIT_CODE.into() })
        .read();
    let code = bench.code(HANDLER_PHONE);
    let found: Vec<QueriedOrder> =
        bench.post(&format!("/api/queries/{}/result", opened.query), "", &CodeEntry { code }).read();
    assert_eq!(found[0].order.invoice.as_ref().unwrap().number, issued.number);
    assert!(found[0].order.password_way.is_some());
    let reply = bench.get(&document, found[0].token.reveal());
    if pdf::tools() {
        assert_eq!(reply.kind, "application/pdf");
        let text = pdf::text(&reply.body);
        for part in [issued.number.as_deref().unwrap(), "200.00", "示例路1号", "2026-03-05", "新办费用"]
        {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        let attached = mails[0].attached.as_ref().expect("the mail carries the file");
        assert_eq!((attached.format.as_str(), &attached.content.0), ("application/pdf", &reply.body));
    } else {
        reply.refused(ProblemType::FontMissing);
        assert!(mails[0].attached.is_none());
    }
    bench.wait(24 * 3600);
    assert_eq!(bench.outbox("fapiao@example.com").len(), 1, "issued once");
}

#[test]
fn two_desks_decide_once() {
    let mut config = ukey_hall::Config::simulated(ukey_hall::Profile::built_in("qinghe").unwrap(), 1);
    config.desks.push(ukey_hall::Desk {
        name: "second review desk".into(),
        role: ukey_hall::DeskRole::Review,
        token: "desk-two".into(),
    });
    let bench = Bench::with(config);
    let placed = bench.in_review(unit(), legal_phone());
    let path = format!("/api/desk/review/orders/{}/decision", placed.order.id);
    let refuse = ReviewDecision { decision: Decision::Refuse, reason: Some("重复申请".into()) };
    let pass = ReviewDecision { decision: Decision::Pass, reason: None };
    bench.post(&path, "desk-review", &pass).read::<Order>();
    bench.post(&path, "desk-two", &refuse).refused(ProblemType::AlreadyDecided);
    bench.post(&path, "desk-two", &pass).refused(ProblemType::AlreadyDecided);
    bench.post(&path, "desk-review", &pass).read::<Order>();
    bench.post(&path, "desk-review", &refuse).refused(ProblemType::AlreadyDecided);
    assert_eq!(bench.outbox(LEGAL_PHONE).len(), 1, "one password");
    let waiting: Vec<OrderSummary> = bench.get("/api/desk/review/orders", "desk-two").read();
    assert!(waiting.is_empty());
}
