//! Login by certificate and by password, accounts, the own pages.
#![cfg(feature = "server")]

mod support;

use support::*;
use ukey_hall::api::*;

fn registration(account: &str) -> Registration {
    Registration {
        kind: AccountKind::Enterprise,
        account: account.into(),
        name: "示例科技有限公司".into(),
        number: UNIT_CODE.into(),
        phone: HANDLER_PHONE.into(),
    }
}

fn login(bench: &Bench, account: &str, password: &str) -> Reply {
    let login = PasswordLogin { account: account.into(), password: password.into() };
    bench.post("/api/sessions/password", "", &login)
}

#[test]
fn a_certificate_logs_in() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let session: Session = bench.login(&key).read();
    assert_eq!((session.me.way, session.me.number.as_str()), (LoginWay::Certificate, UNIT_CODE));
    let token = session.token.reveal();
    assert_eq!(bench.get("/api/me", token).read::<Me>(), session.me);
    let mine: Vec<CertificateView> = bench.get("/api/me/certificates", token).read();
    assert_eq!(mine.len(), 1);
    assert_eq!((&mine[0].serial, mine[0].standing), (&key.serial, CertificateStanding::Valid));
    assert_eq!((mine[0].device_serial.as_str(), mine[0].channel.as_str()), ("DEV0001", "standard"));
    assert_eq!(bench.get("/api/me/orders", token).read::<Vec<OrderSummary>>().len(), 1);
    assert_eq!(bench.delete("/api/sessions/current", token).status, 204);
    bench.get("/api/me", token).refused(ProblemType::Unauthorised);

    let session: Session = bench.login(&key).read();
    bench.wait(30 * 60);
    bench.get("/api/me", session.token.reveal()).refused(ProblemType::Unauthorised);
}

#[test]
fn a_challenge_is_good_once_and_for_a_while() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let challenge = || bench.press("/api/sessions/challenges", "").read::<LoginChallenge>();
    let login = |answer: &CertificateLogin| bench.post("/api/sessions/certificate", "", answer);
    let first = challenge();
    let answer = key.answer(&first);
    login(&answer).read::<Session>();
    login(&answer).refused(ProblemType::ChallengeExpired);

    let late = challenge();
    bench.wait(120);
    login(&key.answer(&late)).refused(ProblemType::ChallengeExpired);

    let wrong = challenge();
    let mut answer = key.answer(&wrong);
    answer.signature = sign(&key_pair("another"), &login_message(&wrong.hall, &key.serial, &wrong.nonce));
    login(&answer).refused(ProblemType::BadSignature);
    login(&key.answer(&wrong)).refused(ProblemType::ChallengeExpired);

    // A signature over another hall's challenge.
    let mut elsewhere = challenge();
    elsewhere.hall = "别处".into();
    login(&key.answer(&elsewhere)).refused(ProblemType::BadSignature);
    let mut made_up = challenge();
    made_up.nonce = Hex(vec![0; 32]);
    login(&key.answer(&made_up)).refused(ProblemType::ChallengeExpired);
    let mut answer = key.answer(&challenge());
    answer.certificate = Hex(vec![0x30]);
    login(&answer).refused(ProblemType::MalformedCertificate);
    let mut answer = key.answer(&challenge());
    *answer.certificate.0.last_mut().unwrap() ^= 1;
    login(&answer).refused(ProblemType::UntrustedCertificate);
    // The encryption certificate is of this authority too, but logs nobody in.
    let mut answer = key.answer(&challenge());
    answer.certificate = key.response.encryption_certificate().unwrap().der().into();
    login(&answer).refused(ProblemType::UntrustedCertificate);
}

#[test]
fn an_expired_or_foreign_certificate_does_not_log_in() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let other =
        Bench::with(ukey_hall::Config::simulated(ukey_hall::Profile::built_in("qinghe").unwrap(), 99));
    other.login(&key).refused(ProblemType::UntrustedCertificate);
    bench.wait(731 * 24 * 3600);
    bench.login(&key).refused(ProblemType::CertificateExpired);
}

#[test]
fn a_password_comes_by_sms_and_can_be_changed() {
    let bench = Bench::new("qinghe");
    let mut wrong = registration("ab");
    wrong.number = HOLDER_ID.into();
    assert_eq!(bench.post("/api/accounts", "", &wrong).refused(ProblemType::InvalidFields).fields.len(), 2);
    let made: Registered = bench.post("/api/accounts", "", &registration("zhangsan")).read();
    assert_eq!(made.sent_to, "138****1111");
    bench.post("/api/accounts", "", &registration("zhangsan")).refused(ProblemType::AccountExists);
    let password = bench.code(HANDLER_PHONE);
    let session: Session = login(&bench, "zhangsan", password.reveal()).read();
    assert_eq!(session.me.account.as_deref(), Some("zhangsan"));
    let change = |old: &str, new: &str| {
        let change = PasswordChange { old: old.into(), new: new.into() };
        bench.put("/api/me/password", session.token.reveal(), &change)
    };
    change(password.reveal(), "short").refused(ProblemType::InvalidFields);
    change("wrong password", "a new password").refused(ProblemType::WrongCredentials);
    change(password.reveal(), "a new password").done();
    login(&bench, "zhangsan", password.reveal()).refused(ProblemType::WrongCredentials);
    login(&bench, "zhangsan", "a new password").read::<Session>();
}

#[test]
fn wrong_passwords_make_any_account_wait() {
    let bench = Bench::new("qinghe");
    bench.post("/api/accounts", "", &registration("zhangsan")).read::<Registered>();
    let password = bench.code(HANDLER_PHONE);
    for account in ["zhangsan", "nobody"] {
        for left in (0..5).rev() {
            let problem = login(&bench, account, "wrong").refused(ProblemType::WrongCredentials);
            assert_eq!(problem.tries_left, Some(left));
        }
        let problem = login(&bench, account, password.reveal()).refused(ProblemType::TooManyAttempts);
        assert_eq!(problem.retry_after, Some(15 * 60));
    }
    bench.wait(15 * 60);
    login(&bench, "zhangsan", password.reveal()).read::<Session>();
}

#[test]
fn who_has_a_certificate_orders_with_it() {
    let bench = Bench::new("qinghe");
    bench.post("/api/accounts", "", &registration("zhangsan")).read::<Registered>();
    let password = bench.code(HANDLER_PHONE);
    let session: Session = login(&bench, "zhangsan", password.reveal()).read();
    let enrol =
        || bench.post("/api/enrolments", session.token.reveal(), &Enrolment { channel: None, form: unit() });
    let placed: Placed = enrol().read();
    bench.get(&at(&placed, ""), session.token.reveal()).read::<Order>();
    assert_eq!(bench.get("/api/me/orders", session.token.reveal()).read::<Vec<OrderSummary>>().len(), 1);
    bench.unit_key();
    enrol().refused(ProblemType::CertificateLoginRequired);
    bench
        .post(&at(&placed, "identity"), session.token.reveal(), &legal_phone())
        .refused(ProblemType::CertificateLoginRequired);
    // Looking is not business.
    bench.get("/api/me/certificates", session.token.reveal()).read::<Vec<CertificateView>>();
    bench.get(&at(&placed, ""), session.token.reveal()).read::<Order>();
    // With every certificate expired the password is enough again.
    bench.wait(731 * 24 * 3600);
    let session: Session = login(&bench, "zhangsan", password.reveal()).read();
    bench
        .post("/api/enrolments", session.token.reveal(), &Enrolment { channel: None, form: unit() })
        .read::<Placed>();
}

/// The authority of the profile's list.
fn authority(account: &str) -> Registration {
    Registration {
        kind: AccountKind::Authority,
        account: account.into(),
        name: "示例市主管部门".into(),
        number: "1111000000MB000018".into(),
        phone: "19900000001".into(),
    }
}

#[test]
fn a_supervising_authority_looks_and_orders_nothing() {
    let bench = Bench::new("qinghe");
    let placed = bench.place(person());
    bench.place(unit());
    bench.post("/api/accounts", "", &authority("zhuguan")).read::<Registered>();
    let session: Session = login(&bench, "zhuguan", bench.code("19900000001").reveal()).read();
    let token = session.token.reveal();
    bench
        .post("/api/enrolments", token, &Enrolment { channel: None, form: unit() })
        .refused(ProblemType::Forbidden);
    bench.get("/api/me", token).read::<Me>();
    bench.get("/api/desk/review/orders", token).refused(ProblemType::Forbidden);
    // Its area, and nobody's whole number.
    let seen: Vec<OrderSummary> = bench.get("/api/supervision/orders", token).read();
    let [one] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((&one.id, one.subject.number.as_str()), (&placed.order.id, "110***********0017"));
}

#[test]
fn only_an_authority_that_the_ca_knows_gets_an_account() {
    let bench = Bench::new("qinghe");
    let ask = |registration: &Registration| bench.post("/api/accounts", "", registration);
    // Somebody else's phone; a unit as an authority; a code whose area would be everything.
    for (number, phone) in [
        ("1111000000MB000018", HANDLER_PHONE),
        (UNIT_CODE, HANDLER_PHONE),
        ("11000000MB00000014", "19900000001"),
    ] {
        let registration =
            Registration { number: number.into(), phone: phone.into(), ..authority("zhuguan") };
        let problem = ask(&registration).refused(ProblemType::Forbidden);
        assert!(problem.detail_zh.contains(&bench.hall.profile().hotline));
        assert!(bench.outbox(phone).is_empty());
    }
    ask(&authority("zhuguan")).read::<Registered>();
}

#[test]
fn which_account_names_exist_is_not_tried_out_with_other_phones() {
    let bench = Bench::new("qinghe");
    bench.post("/api/accounts", "", &registration("zhangsan")).read::<Registered>();
    let ask = |account: &str, i: u32| {
        let registration = Registration { phone: format!("138{i:08}"), ..registration(account) };
        bench.post("/api/accounts", "", &registration)
    };
    for i in 0..30 {
        ask("zhangsan", i).refused(ProblemType::AccountExists);
    }
    ask("zhangsan", 30).refused(ProblemType::TooManyAttempts);
    ask("lisi", 31).refused(ProblemType::TooManyAttempts);
    bench.wait(24 * 3600);
    ask("lisi", 32).read::<Registered>();
}

#[test]
fn an_unknown_account_is_one_digests_work_like_a_known_one() {
    // A digest that is made draws its salt; one that is only compared draws nothing.
    let next = |account: Option<&str>| {
        let bench = Bench::new("qinghe");
        bench.post("/api/accounts", "", &registration("zhangsan")).read::<Registered>();
        if let Some(account) = account {
            login(&bench, account, "wrong").refused(ProblemType::WrongCredentials);
        }
        bench.place(unit()).order.id
    };
    let undisturbed = next(None);
    assert_eq!(next(Some("zhangsan")), undisturbed);
    assert_eq!(next(Some("nobody")), undisturbed);
}

#[test]
fn what_was_typed_as_an_account_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hall.db").display());
    let profile = ukey_hall::Profile::built_in("qinghe").unwrap();
    let config = ukey_hall::Config { database, ..ukey_hall::Config::simulated(profile, 5) };
    let bench = Bench::with(config);
    bench.place(unit());
    // Perhaps the password itself, in the wrong field.
    for left in [4, 3] {
        let problem = login(&bench, "My-Secret-1", "wrong").refused(ProblemType::WrongCredentials);
        assert_eq!(problem.tries_left, Some(left), "counted");
    }
    drop(bench);
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(holds(UNIT_CODE.as_bytes()), "the files are the database");
    assert!(!holds(b"My-Secret-1"));
}

#[test]
fn an_account_sees_the_certificates_of_its_phone_and_not_of_any_number() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    bench.wait(280 * 24 * 3600);
    let session = |account: &str, phone: &str| {
        let registration = Registration { phone: phone.into(), ..registration(account) };
        bench.post("/api/accounts", "", &registration).read::<Registered>();
        login(&bench, account, bench.code(phone).reveal()).read::<Session>().token
    };
    // Under a unit's public number, with a phone of one's own.
    let (stranger, contact) = (session("stranger", "13600004444"), session("zhangsan", HANDLER_PHONE));
    let certificates =
        |token: &Secret| bench.get("/api/me/certificates", token.reveal()).read::<Vec<CertificateView>>();
    let notices = |token: &Secret| bench.get("/api/me/notices", token.reveal()).read::<Vec<NoticeView>>();
    assert_eq!(certificates(&contact)[0].serial, key.serial);
    assert_eq!(notices(&contact).len(), 1);
    assert_eq!((certificates(&stranger).len(), notices(&stranger).len()), (0, 0));
    let services: Vec<ServiceView> = bench.get("/api/me/services", stranger.reveal()).read();
    assert!(services.iter().all(|service| service.kind == OrderKind::EnrolUnit || !service.enabled));
}

#[test]
fn a_new_password_ends_the_other_sessions() {
    let bench = Bench::new("qinghe");
    bench.post("/api/accounts", "", &registration("zhangsan")).read::<Registered>();
    let another = Registration { phone: "13600004444".into(), ..registration("another") };
    bench.post("/api/accounts", "", &another).read::<Registered>();
    let password = bench.code(HANDLER_PHONE);
    let session =
        |account: &str, password: &Secret| login(&bench, account, password.reveal()).read::<Session>().token;
    let (here, elsewhere) = (session("zhangsan", &password), session("zhangsan", &password));
    let other = session("another", &bench.code("13600004444"));
    let change = PasswordChange { old: password, new: "a new password".into() };
    bench.put("/api/me/password", here.reveal(), &change).done();
    bench.get("/api/me", elsewhere.reveal()).refused(ProblemType::Unauthorised);
    bench.get("/api/me", here.reveal()).read::<Me>();
    bench.get("/api/me", other.reveal()).read::<Me>();
}

#[test]
fn an_accounts_new_phone_is_shown_by_a_code() {
    let bench = Bench::new("qinghe");
    bench.post("/api/accounts", "", &registration("zhangsan")).read::<Registered>();
    let session: Session = login(&bench, "zhangsan", bench.code(HANDLER_PHONE).reveal()).read();
    let bearer = session.token.reveal();
    let ask =
        |phone: &str| bench.post("/api/me/phone/code", bearer, &PhoneEntry { phone: Some(phone.into()) });
    let change = |phone: &str, code: Option<Secret>| {
        let change = AccountChange { phone: Some(phone.into()), code, ..AccountChange::default() };
        bench.put("/api/me", bearer, &change)
    };
    let new = "13600004444";
    assert_eq!(change(new, None).refused(ProblemType::InvalidFields).fields[0].field, "code");
    change(new, Some("000000".into())).refused(ProblemType::CodeNotSent);
    ask("110").refused(ProblemType::InvalidFields);
    bench
        .post("/api/me/phone/code", "", &PhoneEntry { phone: Some(new.into()) })
        .refused(ProblemType::Unauthorised);
    ask(new).read::<CodeSent>();
    change(new, Some("x".into())).refused(ProblemType::WrongCode);
    // The code of one phone is not another's.
    change("13600005555", Some(bench.code(new))).refused(ProblemType::CodeNotSent);
    assert_eq!(bench.get("/api/me", bearer).read::<Me>().phone.as_deref(), Some("138****1111"));
    let me: Me = change(new, Some(bench.code(new))).read();
    assert_eq!(me.phone.as_deref(), Some("136****4444"));
    // The same phone needs none.
    change(new, None).read::<Me>();
}
