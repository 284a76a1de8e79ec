//! The audit log, who may do what, and the query by two fields with its limits.
#![cfg(feature = "server")]

mod support;

use support::*;
use ukey_hall::{Config, Profile, api::*};

fn file(folder: &tempfile::TempDir) -> Config {
    let mut config = Config::simulated(Profile::built_in("luming").unwrap(), 7);
    config.database = format!("sqlite:{}", folder.path().join("hall.db").display());
    config
}

fn verification(bench: &Bench) -> AuditVerification {
    bench.get("/api/desk/audit/verification", "desk-auditor").read()
}

fn rows(bench: &Bench) -> Vec<AuditRow> {
    let mut rows: Vec<AuditRow> = Vec::new();
    loop {
        let after = rows.last().map_or(0, |row| row.place);
        let page: AuditPage = bench.get(&format!("/api/desk/audit?after={after}"), "desk-auditor").read();
        if page.rows.is_empty() {
            return rows;
        }
        rows.extend(page.rows);
    }
}

fn books(folder: &tempfile::TempDir) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.path().join("hall.db")).unwrap()
}

#[test]
fn everything_that_happened_is_written_once_and_in_order() {
    let bench = Bench::new("luming");
    let registration = Registration {
        kind: AccountKind::Enterprise,
        account: "example01".into(),
        name: "示例科技有限公司".into(),
        number: UNIT_CODE.into(),
        phone: HANDLER_PHONE.into(),
    };
    bench.post("/api/accounts", "", &registration).read::<Registered>();
    let key = bench.unit_key();
    bench.wait(60);
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    let placed: Placed = bench.reissue(&held, &key.serial, ReissueReason::Lost).read();
    bench.applied(&placed, &legal_phone());
    bench.decide(&placed, Decision::Refuse, Some("资料不符")).read::<Order>();
    let rows = rows(&bench);
    assert!(rows.iter().zip(1..).all(|(row, place)| row.place == place));
    let about = |what: &str| -> Vec<_> {
        let rows = rows.iter().filter(|row| row.about == what);
        rows.map(|row| (row.event.as_str(), row.detail.as_str(), row.actor.as_str())).collect()
    };
    assert_eq!(about("revocation-list/1"), [("published", "", "hall")]);
    assert_eq!(about("account/example01"), [("registered", "enterprise", "applicant")]);
    let certificate = about(&format!("certificate/{}", key.serial));
    assert_eq!(certificate[0].0, "issued");
    assert_eq!(
        certificate[1..],
        [("revoked", "certificate-hold", "applicant"), ("released", "", "review desk"),]
    );
    let order = about(&format!("order/{}", placed.order.id));
    assert_eq!(order.first(), Some(&("placed", "draft", "applicant")));
    assert_eq!(order.last(), Some(&("review-refused", "in-review -> refused", "review desk")));
    assert_eq!(order.len(), bench.order(&placed).history.len());
    // A refused request leaves nothing, a code or password is nowhere.
    bench.decide(&placed, Decision::Pass, None).refused(ProblemType::AlreadyDecided);
    let text = serde_json::to_string(&rows).unwrap();
    for message in bench.get("/_sim/outbox", "").read::<Vec<OutboxMessage>>() {
        assert!(message.code.is_none_or(|code| !text.contains(&format!("\"{code}\""))));
    }
    assert_eq!(
        verification(&bench),
        AuditVerification { rows: rows.len() as u64, intact: true, broken_at: None }
    );
}

#[test]
fn money_seals_and_contact_data_leave_rows() {
    let bench = Bench::new("qinghe");
    let events = |about: &str| -> Vec<(String, String)> {
        let rows = rows(&bench).into_iter().filter(|row| row.about == about);
        rows.map(|row| (row.event, row.actor)).collect()
    };
    let row = |event: &str, actor: &str| (event.to_owned(), actor.to_owned());
    let placed = bench.unpaid(unit(), legal_phone());
    bench.put(&at(&placed, "invoice"), token(&placed), &invoice_form()).read::<Invoice>();
    let left = bench.open_payment(&placed);
    bench.pay(&left, PaymentOutcome::Cancelled);
    let paid = bench.open_payment(&placed);
    bench.pay(&paid, PaymentOutcome::Paid);
    let provider = "payment provider";
    assert_eq!(
        events(&format!("payment/{}", left.id)),
        [row("open", "applicant"), row("cancelled", provider)]
    );
    assert_eq!(events(&format!("payment/{}", paid.id)), [row("open", "applicant"), row("paid", provider)]);
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    let key = bench.produced(&placed, "DEV0001");
    let refused = bench.in_review(person(), holder_phone());
    bench.decide(&refused, Decision::Refuse, Some("资料不符")).read::<Order>();
    let payment = bench.order(&refused).payment.unwrap().id;
    assert_eq!(events(&format!("payment/{payment}")).last(), Some(&row("refunded", "review desk")));

    // A seal is made and held, then deleted.
    let session: Session = bench.login(&key).read();
    let change = |change, seal| SealChangeRequest { change, seal, name: None };
    let placed: Placed =
        bench.post("/api/seals/changes", session.token.reveal(), &change(SealChangeKind::Add, None)).read();
    bench
        .upload(&at(&placed, "papers/seal-picture"), token(&placed), &png(400, 400, true))
        .read::<PaperReceipt>();
    bench.press(&at(&placed, "submit"), token(&placed)).read::<Order>();
    bench.pay(&bench.open_payment(&placed), PaymentOutcome::Paid);
    let written = |placed: &Placed| {
        bench.decide(placed, Decision::Pass, None).read::<Order>();
        let path = format!("/api/seals/changes/{}/seal", placed.order.id);
        let made: SealAnswer = bench.press(&path, token(placed)).read();
        let held: Vec<_> =
            made.seal.iter().map(|seal| Hex(ukey_pki::seal::data_hash(&seal.0).to_vec())).collect();
        let signature = key.sign(&seals_message(&placed.order.id, &held));
        let path = format!("/api/seals/changes/{}/confirm", placed.order.id);
        bench.post(&path, token(placed), &SealsWritten { seals: held, signature }).read::<Order>();
    };
    written(&placed);
    let seals: SealsView = bench.get("/api/seals", session.token.reveal()).read();
    let seal = seals.seals[0].id.clone();
    let delete = change(SealChangeKind::Delete, Some(seal.clone()));
    written(&bench.post("/api/seals/changes", session.token.reveal(), &delete).read());
    let applicant = |event| row(event, "applicant");
    assert_eq!(events(&format!("seal/{seal}")), [applicant("made"), applicant("held"), applicant("deleted")]);

    // Another address on record, and the invoice of the first day.
    let placed: Placed = bench.open_change(&key).read();
    let form = UnitForm { address: "示例市新路8号".into(), ..unit_form() };
    bench.put(&at(&placed, "form"), token(&placed), &EnrolForm::Unit(form)).read::<Order>();
    bench.verified(&placed, HANDLER_PHONE).read::<Order>();
    bench.press(&at(&placed, "confirm"), token(&placed)).read::<Order>();
    assert_eq!(events(&format!("certificate/{}", key.serial)).last(), Some(&applicant("contact-changed")));
    bench.wait(4 * 86_400);
    let issued: Vec<_> = rows(&bench).into_iter().filter(|row| row.about.starts_with("invoice/")).collect();
    assert_eq!(issued.len(), 1);
    assert_eq!((issued[0].event.as_str(), issued[0].actor.as_str()), ("issued", "hall"));
    assert!(verification(&bench).intact);
}

#[test]
fn a_row_that_was_changed_taken_out_or_cut_off_is_found() {
    for (tamper, broken_at) in [
        ("UPDATE audit SET actor = 'nobody' WHERE place = 5", 5),
        ("UPDATE audit SET at = at + 1 WHERE place = 3", 3),
        ("UPDATE audit SET detail = detail || ' ' WHERE place = 1", 1),
        ("UPDATE audit SET digest = (SELECT digest FROM audit WHERE place = 2) WHERE place = 4", 4),
        ("DELETE FROM audit WHERE place = 4", 4),
        ("DELETE FROM audit WHERE place > 6", 7),
        ("DELETE FROM audit", 1),
        ("DELETE FROM meta WHERE name = 'audit-head'", 0),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench::with(file(&folder));
        bench.in_review(unit(), legal_phone());
        let before = verification(&bench);
        assert!(before.intact && before.rows > 6);
        books(&folder).execute(tamper, []).unwrap();
        let found = verification(&bench);
        let broken_at = if broken_at == 0 { before.rows + 1 } else { broken_at };
        assert_eq!((found.intact, found.broken_at), (false, Some(broken_at)), "{tamper}");
    }
}

/// Every desk's doors; the path is of an order that is no more.
const DESKS: &[(&str, &str, &str)] = &[
    ("review", "GET", "/api/desk/review/orders"),
    ("review", "POST", "/api/desk/review/orders/1/decision"),
    ("call-centre", "POST", "/api/desk/call/lookup"),
    ("call-centre", "POST", "/api/desk/call/decision"),
    ("production", "GET", "/api/desk/production/jobs"),
    ("production", "POST", "/api/desk/production/jobs/1/start"),
    ("production", "POST", "/api/desk/production/jobs/1/issue"),
    ("production", "POST", "/api/desk/production/jobs/1/finish"),
    ("auditor", "GET", "/api/desk/audit"),
    ("auditor", "GET", "/api/desk/audit/verification"),
];

fn body(path: &str) -> Vec<u8> {
    let body = match path.rsplit('/').next().unwrap() {
        "decision" if path.contains("call") => r#"{"code": "123456", "approve": true}"#,
        "decision" => r#"{"decision": "pass"}"#,
        "lookup" | "verify" | "consent" | "result" => r#"{"code": "123456"}"#,
        "issue" => r#"{"device_serial": "D1", "request": "00"}"#,
        "start" | "finish" => r#"{"device_serial": "D1"}"#,
        "identity" => r#"{"way": "legal-person-phone", "phone": "13900002222"}"#,
        "reissues" => r#"{"serial": "00FF", "reason": "lost", "agreed": true}"#,
        "revocations" => r#"{"serial": "00FF", "reason": "superseded"}"#,
        "signature" => r#"{"signature": "00"}"#,
        "confirm" if path.contains("revocations") => r#"{"again": true}"#,
        "payment" => r#"{"way": "alipay", "agreed": true}"#,
        _ => "",
    };
    body.into()
}

fn knock(bench: &Bench, method: &str, path: &str, bearer: &str) -> u16 {
    let bearer = format!("Bearer {bearer}");
    let mut headers = vec![("content-type", "application/json")];
    if bearer != "Bearer " {
        headers.push(("authorization", bearer.as_str()));
    }
    bench.raw(method, path, &headers, if method == "GET" { Vec::new() } else { body(path) }).status
}

#[test]
fn each_desk_does_its_own_work_and_nobody_else_does() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    bench.wait(60);
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    let placed = bench.place(person());
    let session = bench.login(&key).read::<Session>().token;
    let others = [held.token.reveal(), token(&placed), session.reveal()];
    for (role, method, path) in DESKS {
        assert_eq!(knock(&bench, method, path, ""), 401, "{path}");
        assert_eq!(knock(&bench, method, path, "no such token"), 401, "{path}");
        for other in others {
            assert_eq!(knock(&bench, method, path, other), 403, "{path}");
        }
        for desk in ["review", "call-centre", "production", "auditor"] {
            let status = knock(&bench, method, path, &format!("desk-{desk}"));
            assert_eq!(status != 403, desk == *role, "{desk} {path}: {status}");
            assert_ne!(status, 401);
        }
    }
    // Who reviews and who takes the calls read any order; the others do not.
    let path = format!("/api/desk/review/orders/{}", placed.order.id);
    for (desk, status) in [("review", 200), ("call-centre", 200), ("production", 403), ("auditor", 403)] {
        assert_eq!(knock(&bench, "GET", &path, &format!("desk-{desk}")), status, "{desk}");
    }
    // No desk acts for an applicant, and the phone on record alone opens no order.
    let id = &placed.order.id;
    let applicants = [
        ("GET", format!("/api/orders/{id}")),
        ("POST", format!("/api/orders/{id}/identity")),
        ("POST", format!("/api/orders/{id}/confirm")),
        ("POST", format!("/api/orders/{id}/submit")),
        ("POST", format!("/api/orders/{id}/consent")),
        ("POST", format!("/api/orders/{id}/payment")),
        ("POST", format!("/api/orders/{id}/received")),
        ("POST", format!("/api/orders/{id}/cancel")),
        ("POST", format!("/api/unlocks/{id}/papers")),
        ("POST", format!("/api/revocations/{id}/signature")),
        ("POST", format!("/api/revocations/{id}/identity")),
        ("POST", format!("/api/revocations/{id}/code")),
        ("POST", format!("/api/revocations/{id}/code/verify")),
        ("POST", format!("/api/revocations/{id}/confirm")),
        ("GET", "/api/me/certificates".into()),
        ("GET", "/api/me/orders".into()),
    ];
    for (method, path) in &applicants {
        assert_eq!(knock(&bench, method, path, ""), 401, "{path}");
        for desk in ["review", "call-centre", "production", "auditor"] {
            assert_eq!(knock(&bench, method, path, &format!("desk-{desk}")), 403, "{desk} {path}");
        }
        assert_eq!(knock(&bench, method, path, held.token.reveal()), 403, "{path}");
    }
    for path in ["/api/reissues", "/api/revocations"] {
        assert_eq!(knock(&bench, "POST", path, ""), 401);
        assert_eq!(knock(&bench, "POST", path, token(&placed)), 403);
        assert_eq!(knock(&bench, "POST", path, held.token.reveal()), 404);
        for desk in ["review", "call-centre", "production", "auditor"] {
            assert_eq!(knock(&bench, "POST", path, &format!("desk-{desk}")), 403);
        }
    }
}

#[test]
fn two_desks_decide_the_same_reissue_once() {
    let mut config = Config::simulated(Profile::built_in("luming").unwrap(), 7);
    let mut second = config.desks[0].clone();
    (second.name, second.token) = ("second desk".into(), "desk-second".into());
    config.desks.push(second);
    let bench = Bench::with(config);
    let key = bench.unit_key();
    bench.wait(60);
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    let placed: Placed = bench.reissue(&held, &key.serial, ReissueReason::Lost).read();
    bench.applied(&placed, &legal_phone());
    let path = format!("/api/desk/review/orders/{}/decision", placed.order.id);
    let refuse = ReviewDecision { decision: Decision::Refuse, reason: Some("资料不符".into()) };
    bench.post(&path, "desk-review", &refuse).read::<Order>();
    bench.post(&path, "desk-review", &refuse).read::<Order>();
    let pass = ReviewDecision { decision: Decision::Pass, reason: None };
    bench.post(&path, "desk-second", &pass).refused(ProblemType::AlreadyDecided);
    bench.post(&path, "desk-second", &refuse).refused(ProblemType::AlreadyDecided);
    bench.login(&key).read::<Session>();
    let released = rows(&bench).iter().filter(|row| row.event == "released").count();
    assert_eq!(released, 1);
}

fn status(bench: &Bench, fields: [Option<&str>; 4]) -> Reply {
    let [order, name, number, phone] = fields.map(|field| field.map(str::to_owned));
    bench.post("/api/status-queries", "", &StatusQuery { order, name, number, phone })
}

#[test]
fn any_two_fields_tell_the_state_and_nothing_else() {
    let bench = Bench::new("luming");
    let placed = bench.in_review(unit(), legal_phone());
    let id = placed.order.id.as_str();
    let all = [Some(id), Some("示例科技有限公司"), Some(UNIT_CODE), Some(HANDLER_PHONE)];
    for first in 0..4 {
        for second in 0..4 {
            let mut fields = [None; 4];
            (fields[first], fields[second]) = (all[first], all[second]);
            let reply = status(&bench, fields);
            if first == second {
                reply.refused(ProblemType::QueryTooShort);
                continue;
            }
            let told: Vec<ApplicationStatus> = reply.read();
            assert_eq!((told.len(), told[0].state_zh.as_str()), (1, "待审核"));
            assert_eq!(told[0].date.to_string(), "2026-03-02");
            let text = String::from_utf8_lossy(&reply.body).into_owned();
            for secret in all.iter().flatten().chain(&["张三", "示例路", "李四"]) {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }
    // Blanks are no fields.
    status(&bench, [Some(id), Some(" "), Some(""), None]).refused(ProblemType::QueryTooShort);
    // A wrong combination, an unknown value, a value that cannot be: one answer.
    let wrong = status(&bench, [Some(id), None, None, Some("13800002222")]).refused(ProblemType::NotFound);
    let unknown = status(&bench, [Some("202603020000000000"), None, None, Some("13800003333")]);
    assert_eq!(wrong, unknown.refused(ProblemType::NotFound));
    let long = "长".repeat(5_000);
    assert_eq!(wrong, status(&bench, [Some(id), Some(&long), None, None]).refused(ProblemType::NotFound));
    let odd = status(&bench, [Some(id), Some("' OR 1=1 --"), None, None]);
    assert_eq!(wrong, odd.refused(ProblemType::NotFound));
    // Somebody's draft, whose identity was never checked, is not told.
    let draft = bench.place(person());
    status(&bench, [Some(&draft.order.id), Some("张三"), None, None]).refused(ProblemType::NotFound);
}

#[test]
fn guessing_is_limited_for_each_value_and_for_each_caller() {
    let bench = Bench::new("luming");
    let placed = bench.in_review(unit(), legal_phone());
    let id = placed.order.id.as_str();
    let guess =
        |order: &str, i: u32| status(&bench, [Some(order), None, None, Some(&format!("1390000{i:04}"))]);
    for i in 0..10 {
        guess(id, i).refused(ProblemType::NotFound);
    }
    let locked = guess(id, 10).refused(ProblemType::TooManyAttempts);
    // The right value does not help any more today; an unknown order is locked by the same count.
    assert_eq!(
        locked,
        status(&bench, [Some(id), None, None, Some(HANDLER_PHONE)]).refused(ProblemType::TooManyAttempts)
    );
    for i in 20..30 {
        guess("202603020000000000", i).refused(ProblemType::NotFound);
    }
    assert_eq!(locked, guess("202603020000000000", 30).refused(ProblemType::TooManyAttempts));
    // Other values, the same caller: ten more, then the caller waits.
    for i in 40..50 {
        guess(&format!("20260302000000{i:04}"), i).refused(ProblemType::NotFound);
    }
    guess("202603020000009999", 60).refused(ProblemType::TooManyAttempts);
    bench.wait(locked.retry_after.unwrap());
    let told: Vec<ApplicationStatus> = status(&bench, [Some(id), None, None, Some(HANDLER_PHONE)]).read();
    assert_eq!(told.len(), 1);
}
