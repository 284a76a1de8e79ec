//! The doors: bad input, foreign orders, forged callbacks, and that nothing anybody sends makes the hall fail.
#![cfg(feature = "server")]

mod support;

use proptest::prelude::*;
use support::*;
use ukey_hall::{Config, Profile, api::*};

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn malformed_requests_are_problems() {
    let bench = Bench::new("qinghe");
    let send =
        |headers: &[(&str, &str)], body: &[u8]| bench.raw("POST", "/api/enrolments", headers, body.to_vec());
    send(&[JSON], b"{").refused(ProblemType::MalformedBody);
    send(&[JSON], b"{\"form\": {\"kind\": \"planet\"}}").refused(ProblemType::MalformedBody);
    send(&[JSON], b"{\"form\": 1, \"more\": 2}").refused(ProblemType::MalformedBody);
    send(&[JSON], b"\xff\xfe").refused(ProblemType::MalformedBody);
    send(&[], b"{}").refused(ProblemType::UnsupportedMediaType);
    send(&[JSON], &vec![b' '; 65 * 1024]).refused(ProblemType::TooLarge);
    send(&[JSON, ("authorization", "Basic abc")], b"{}").refused(ProblemType::Unauthorised);
    let reply = bench.raw("DELETE", "/api/enrolments", &[], Vec::new());
    reply.refused(ProblemType::MethodNotAllowed);
    bench.get("/api/nowhere", "").refused(ProblemType::NotFound);
    bench.get("/_sim/outbox?kind=pigeon", "").refused(ProblemType::MalformedRequest);
    bench.get("/api/orders/%ff", "").refused(ProblemType::MalformedRequest);
}

#[test]
fn every_problem_has_its_own_name_and_words() {
    let mut names = std::collections::HashSet::new();
    for kind in ProblemType::ALL {
        assert!(kind.code().starts_with("urn:ukey:hall:") && names.insert(kind.code()), "{}", kind.code());
        assert!((400..600).contains(&kind.status()));
        assert!(!kind.title().is_empty() && !kind.title_zh().is_ascii());
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.code());
    }
}

#[test]
fn an_order_is_its_owners() {
    let bench = Bench::new("qinghe");
    let mine = bench.place(unit());
    let other = bench.place(person());
    bench.get(&at(&mine, ""), "").refused(ProblemType::Unauthorised);
    bench.get(&at(&mine, ""), "no such token").refused(ProblemType::Unauthorised);
    // A foreign order and an unknown one look the same.
    let foreign = bench.get(&at(&mine, ""), token(&other)).refused(ProblemType::NotFound);
    let unknown = bench.get("/api/orders/2026", token(&other)).refused(ProblemType::NotFound);
    assert_eq!(foreign, unknown);
    for (path, body) in [("cancel", ""), ("confirm", ""), ("submit", ""), ("received", "")] {
        bench.post(&at(&mine, path), token(&other), &body).refused(ProblemType::NotFound);
    }
    bench.upload(&at(&mine, "papers/business-licence"), token(&other), GIF).refused(ProblemType::NotFound);
    // A desk reads, it does not act for the applicant; each desk does its own work.
    bench.press(&at(&mine, "confirm"), "desk-review").refused(ProblemType::Forbidden);
    bench.get("/api/desk/production/jobs", "desk-review").refused(ProblemType::Forbidden);
    bench.get("/api/desk/review/orders", "desk-production").refused(ProblemType::Forbidden);
    bench.get("/api/desk/review/orders", "").refused(ProblemType::Unauthorised);
    bench.get("/api/desk/review/orders", token(&mine)).refused(ProblemType::Forbidden);
    let told = CallDecision { code: "123456".into(), approve: true, reason: None };
    bench.post("/api/desk/call/decision", "desk-review", &told).refused(ProblemType::Forbidden);
    // An enrolment is no unlock.
    bench.press(&un(&mine, "papers"), token(&mine)).refused(ProblemType::NotFound);
    bench
        .post(&un(&mine, "confirm"), token(&mine), &Confirmation { signature: Hex(vec![0; 64]) })
        .refused(ProblemType::WrongState);
}

#[test]
fn an_enrolment_that_is_sent_twice_is_one_order() {
    let bench = Bench::new("qinghe");
    let send = |key: &str, form: EnrolForm| {
        let body = serde_json::to_vec(&Enrolment { channel: None, form }).unwrap();
        bench.raw("POST", "/api/enrolments", &[JSON, ("idempotency-key", key)], body)
    };
    let first: Placed = send("a key of the client", unit()).read();
    let again: Placed = send("a key of the client", unit()).read();
    assert_eq!(again.order, first.order);
    assert_eq!(bench.order(&again), bench.order(&first));
    send("a key of the client", person()).refused(ProblemType::Conflict);
    assert_ne!(send("another key", unit()).read::<Placed>().order.id, first.order.id);
    assert_ne!(bench.place(unit()).order.id, first.order.id);
    send("", unit()).refused(ProblemType::MalformedRequest);
}

#[test]
fn an_upload_is_limited() {
    let bench = Bench::new("qinghe");
    let placed = bench.confirmed(unit(), legal_phone());
    let path = at(&placed, "papers/business-licence");
    let limit = usize::try_from(bench.hall.profile().upload.max_bytes).unwrap();
    // Comments of 250 bytes and less, before the end.
    let (start, end) = GIF.split_at(GIF.len() - 1);
    let mut picture = start.to_vec();
    while picture.len() < limit - end.len() {
        let rest = limit - end.len() - picture.len();
        // A comment has five bytes at least, so none of one to four may be left.
        let length = if rest <= 255 { rest } else { 250 };
        let text = vec![b'-'; length - 4];
        picture.extend([&[b'!', 0xfe, text.len() as u8][..], &text, &[0]].concat());
    }
    picture.extend(end);
    bench.upload(&path, token(&placed), &picture).read::<PaperReceipt>();
    picture.push(0);
    bench.upload(&path, token(&placed), &picture).refused(ProblemType::TooLarge);
    assert_eq!(bench.get(&path, token(&placed)).body.len(), limit);
}

#[test]
fn only_the_provider_calls_back_and_only_once() {
    let bench = Bench::new("qinghe");
    let placed = bench.unpaid(unit(), legal_phone());
    let payment = bench.open_payment(&placed);
    let body = |amount_fen| {
        let told = PaymentCallback {
            payment: payment.id.clone(),
            outcome: PaymentOutcome::Paid,
            amount_fen,
            reference: "R1".into(),
        };
        serde_json::to_vec(&told).unwrap()
    };
    let call = |signature: Option<&str>, body: Vec<u8>| {
        let headers: Vec<_> = signature.map(|signature| ("x-signature", signature)).into_iter().collect();
        bench.raw("POST", "/api/callbacks/payment", &headers, body)
    };
    call(None, body(20_000)).refused(ProblemType::ForgedCallback);
    call(Some("00"), body(20_000)).refused(ProblemType::ForgedCallback);
    let right = bench.hall.callback_signature(&body(20_000));
    call(Some(&right), body(1)).refused(ProblemType::ForgedCallback);
    call(Some(&bench.hall.callback_signature(&body(1))), body(1)).refused(ProblemType::AmountMismatch);
    call(Some(&bench.hall.callback_signature(b"{}")), b"{}".to_vec()).refused(ProblemType::MalformedBody);
    assert_eq!(bench.order(&placed).state, OrderState::Unpaid);
    call(Some(&right), body(20_000)).done();
    let order = bench.order(&placed);
    assert_eq!(order.state, OrderState::InReview);
    bench.wait(60);
    call(Some(&right), body(20_000)).done();
    assert_eq!(bench.order(&placed), order, "replayed");
    // The simulated page is the same path.
    bench.pay(&payment, PaymentOutcome::Cancelled);
    assert_eq!(bench.order(&placed), order);
}

#[test]
fn without_simulation_there_is_no_simulated_world() {
    let mut config = Config::simulated(Profile::built_in("qinghe").unwrap(), 1);
    config.simulation = false;
    let bench = Bench::with(config);
    for path in ["/_sim/outbox", "/_sim/clock", "/_sim/parcels"] {
        bench.get(path, "").refused(ProblemType::NotFound);
    }
    bench.post("/_sim/identity", "", &1).refused(ProblemType::NotFound);
}

#[test]
fn the_clock_goes_forward() {
    let bench = Bench::new("qinghe");
    let now: ClockView = bench.get("/_sim/clock", "").read();
    let to = ClockAdvance { seconds: None, to: Some("2026-03-03T00:00:00Z".parse().unwrap()) };
    bench.post("/_sim/clock", "", &to).read::<ClockView>();
    let back = ClockAdvance { seconds: None, to: Some(now.now) };
    bench.post("/_sim/clock", "", &back).refused(ProblemType::ClockBackwards);
    bench.post("/_sim/clock", "", &ClockAdvance::default()).refused(ProblemType::InvalidFields);
    bench
        .post("/_sim/clock", "", &ClockAdvance { seconds: Some(u64::MAX), to: None })
        .refused(ProblemType::InvalidFields);
    bench.get("/_sim/clock", "").read::<ClockView>();
}

#[test]
fn the_interface_describes_itself() {
    let bench = Bench::new("qinghe");
    let description: serde_json::Value = bench.get("/api/openapi.json", "").read();
    let paths = description["paths"].as_object().unwrap();
    for (path, method) in [
        ("/api/enrolments", "post"),
        ("/api/orders/{id}/papers/{paper}", "put"),
        ("/api/unlocks/{id}/cryptogram", "post"),
        ("/api/desk/production/jobs/{id}/issue", "post"),
        ("/_sim/clock", "get"),
    ] {
        assert!(paths[path][method].is_object(), "{method} {path}");
    }
    assert_eq!(description["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    // Every reference leads somewhere.
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let text = description.to_string();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name}");
    }
    let view: ProfileView = bench.get("/api/profile", "").read();
    assert_eq!((view.profile.as_str(), view.pin.min, view.pin.max), ("qinghe", 6, 10));
}

#[test]
fn the_description_tells_the_refusals() {
    let bench = Bench::new("qinghe");
    let description: serde_json::Value = bench.get("/api/openapi.json", "").read();
    let mut silent = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let told =
                &operation["responses"]["4XX"]["content"]["application/problem+json"]["schema"]["$ref"];
            if told != "#/components/schemas/Problem" {
                silent.push(format!("{method} {path}"));
            }
        }
    }
    assert_eq!(silent, ["get /_sim/clock"], "only what reads nothing and asks nobody cannot refuse");
}

const DOORS: &[(&str, &str)] = &[
    ("POST", "/api/accounts"),
    ("POST", "/api/sessions/password"),
    ("POST", "/api/sessions/certificate"),
    ("PUT", "/api/me/password"),
    ("POST", "/api/enrolments"),
    ("PUT", "/api/orders/{id}/form"),
    ("POST", "/api/orders/{id}/identity"),
    ("PUT", "/api/orders/{id}/papers/business-licence"),
    ("PUT", "/api/orders/{id}/papers/{id}"),
    ("POST", "/api/orders/{id}/consent"),
    ("POST", "/api/orders/{id}/payment"),
    ("PUT", "/api/orders/{id}/invoice"),
    ("POST", "/api/unlocks"),
    ("POST", "/api/unlocks/{id}/code"),
    ("POST", "/api/unlocks/{id}/cryptogram"),
    ("POST", "/api/unlocks/{id}/confirm"),
    ("POST", "/api/queries"),
    ("POST", "/api/queries/{id}/result"),
    ("POST", "/api/status-queries"),
    ("POST", "/api/certificate-queries"),
    ("POST", "/api/certificate-queries/{id}/result"),
    ("POST", "/api/reissues"),
    ("POST", "/api/revocations"),
    ("POST", "/api/revocations/{id}/signature"),
    ("POST", "/api/revocations/{id}/identity"),
    ("POST", "/api/revocations/{id}/confirm"),
    ("POST", "/api/callbacks/payment"),
    ("POST", "/api/desk/review/orders/{id}/decision"),
    ("POST", "/api/desk/call/decision"),
    ("POST", "/api/desk/production/jobs/{id}/start"),
    ("POST", "/api/desk/production/jobs/{id}/issue"),
    ("POST", "/_sim/identity"),
    ("POST", "/_sim/payments/{id}"),
];

/// JSON that uses the interface's own words, so that it gets beyond the reader.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let word = prop::sample::select(vec![
        "unit",
        "person",
        "alipay",
        "enterprise",
        "legal-person-phone",
        "13800001111",
        "91000000MA0000001R",
        "00ff",
        "110105199003070017",
        "pass",
        "refuse",
        "any",
        "",
        "\u{0}",
        "中文\u{202e}",
        "320000000000000001",
        "paid",
        "company-remittance",
        "张三",
        "a@example.com",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        word.prop_map(Into::into),
        "\\PC{0,12}".prop_map(Into::into),
    ];
    let key = prop::sample::select(vec![
        "kind",
        "form",
        "way",
        "phone",
        "number",
        "account",
        "name",
        "password",
        "old",
        "new",
        "code",
        "decision",
        "reason",
        "approve",
        "device_serial",
        "request",
        "nonce",
        "certificate",
        "signature",
        "serial",
        "challenge",
        "agreed",
        "title",
        "tax_number",
        "email",
        "bank",
        "card",
        "credit_code",
        "legal_person",
        "legal_person_id",
        "handler",
        "holder",
        "id_number",
        "address",
        "outcome",
        "payment",
        "amount_fen",
        "reference",
        "channel",
    ]);
    leaf.prop_recursive(4, 48, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::hash_map(key.clone().prop_map(String::from), inner, 0..12)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Requests that the hall takes, to be bent in one place.
fn good_requests(placed: &Placed) -> Vec<(&'static str, String, serde_json::Value)> {
    fn request(
        method: &'static str,
        path: String,
        body: impl serde::Serialize,
    ) -> (&'static str, String, serde_json::Value) {
        (method, path, serde_json::to_value(body).unwrap())
    }
    let order = |what: &str| at(placed, what);
    let desk = |what: &str| format!("/api/desk/{what}");
    let id = &placed.order.id;
    let card =
        IdentityCheck::LegalPersonBankCard { card: "6200000000000000".into(), phone: LEGAL_PHONE.into() };
    let account = Registration {
        kind: AccountKind::Enterprise,
        account: "zhangsan".into(),
        name: "示例科技有限公司".into(),
        number: UNIT_CODE.into(),
        phone: HANDLER_PHONE.into(),
    };
    let unlock =
        UnlockRequest { serial: Some("00ff".into()), device_serial: "D1".into(), ..UnlockRequest::default() };
    let login = CertificateLogin {
        nonce: Hex(vec![1; 32]),
        certificate: Hex(vec![0x30, 0x03, 2, 1, 0]),
        signature: Hex(vec![1; 64]),
    };
    let csr = IssueRequest { device_serial: "D1".into(), request: csr(&key_pair("D1")).into() };
    vec![
        request("POST", "/api/accounts".into(), account),
        request("POST", "/api/enrolments".into(), Enrolment { channel: None, form: unit() }),
        request("POST", "/api/enrolments".into(), Enrolment { channel: None, form: person() }),
        request("PUT", order("form"), unit()),
        request("POST", order("identity"), card),
        request("PUT", order("invoice"), invoice_form()),
        request("POST", order("payment"), PaymentRequest { way: "alipay".into(), agreed: true }),
        request("POST", "/api/unlocks".into(), unlock),
        request("POST", "/api/sessions/certificate".into(), login),
        request(
            "POST",
            "/api/queries".into(),
            QueryRequest { kind: SubjectKind::Unit, number: UNIT_CODE.into() },
        ),
        request(
            "POST",
            desk("call/decision"),
            CallDecision { code: "1".into(), approve: true, reason: None },
        ),
        request(
            "POST",
            desk(&format!("review/orders/{id}/decision")),
            ReviewDecision { decision: Decision::Return, reason: Some("不清晰".into()) },
        ),
        request(
            "POST",
            desk(&format!("production/jobs/{id}/start")),
            ProductionStart { device_serial: "D1".into() },
        ),
        request("POST", desk(&format!("production/jobs/{id}/issue")), csr),
    ]
}

/// Puts `value` in the place of one member somewhere inside.
fn bend(body: &mut serde_json::Value, place: prop::sample::Index, value: serde_json::Value) {
    let Some(map) = body.as_object_mut().filter(|map| !map.is_empty()) else {
        *body = value;
        return;
    };
    let members = map.len();
    let member = map.values_mut().nth(place.index(members)).unwrap();
    if member.is_object() && place.index(3) != 0 { bend(member, place, value) } else { *member = value }
}

#[test]
fn nothing_that_is_sent_makes_the_hall_fail() {
    let bench = Bench::new("qinghe");
    let placed = bench.in_review(unit(), legal_phone());
    let tokens = [token(&placed), "", "desk-review", "desk-call-centre", "desk-production", "unknown"]
        .map(String::from);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let doors = prop::sample::select(DOORS.to_vec());
    let ids = prop_oneof![Just(placed.order.id.clone()), "[a-z0-9]{1,12}"];
    let bodies = prop_oneof![
        json().prop_map(|value| serde_json::to_vec(&value).unwrap()),
        prop::collection::vec(any::<u8>(), 0..200),
    ];
    let random =
        (doors, ids, bodies).prop_map(|((method, path), id, body)| (method, path.replace("{id}", &id), body));
    let good = good_requests(&placed);
    let bent = (prop::sample::select(good), any::<prop::sample::Index>(), json()).prop_map(
        |((method, path, mut body), place, value)| {
            bend(&mut body, place, value);
            (method, path, serde_json::to_vec(&body).unwrap())
        },
    );
    let strategy = (prop_oneof![random, bent], prop::sample::select(tokens.to_vec()));
    runner
        .run(&strategy, |((method, path, body), token)| {
            let bearer = format!("Bearer {token}");
            let mut headers = vec![JSON];
            if !token.is_empty() {
                headers.push(("authorization", bearer.as_str()));
            }
            let reply = bench.raw(method, &path, &headers, body);
            prop_assert!(reply.status < 500, "{method} {path}: {}", String::from_utf8_lossy(&reply.body));
            if reply.status >= 400 {
                prop_assert_eq!(&reply.kind, "application/problem+json");
                prop_assert!(serde_json::from_slice::<Problem>(&reply.body).is_ok());
            }
            Ok(())
        })
        .unwrap();
    bench.get("/api/profile", "").read::<ProfileView>();
}
