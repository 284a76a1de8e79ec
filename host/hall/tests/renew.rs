//! Renewal and repair: days, lanes, portal steps, and how the new certificates get into the key.
#![cfg(feature = "server")]

mod support;

use support::*;
use ukey_hall::{Config, Profile, api::*, profile::EnrolShape};

/// A unit's key of the profile `luming`, enrolled on the first day of the virtual clock; valid for 365 days.
fn luming() -> (Bench, Key) {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    (bench, key)
}

fn last_day(key: &Key) -> jiff::civil::Date {
    let end = key.response.sign_certificate().not_after();
    end.to_zoned(ukey_hall::clock::shanghai()).date()
}

/// A moment so many days before (after, if negative) the last day, at noon.
fn days_left(bench: &Bench, key: &Key, days: i64) {
    let day = last_day(key).checked_sub(jiff::Span::new().days(days)).unwrap();
    bench.come_to(&format!("{day}T12:00:00"));
}

/// Confirmed and paid: 待下载.
fn ready(bench: &Bench, key: &Key) -> Placed {
    let placed: Placed = bench.open_renewal(key, "").read();
    let order: Order = bench.press(&at(&placed, "confirm"), token(&placed)).read();
    assert_eq!(order.state, OrderState::Unpaid);
    bench.pay(&bench.open_payment(&placed), PaymentOutcome::Paid);
    assert_eq!(bench.order(&placed).state, OrderState::Ready);
    placed
}

#[test]
fn day_90_is_refused_and_day_89_renews() {
    let (bench, key) = luming();
    days_left(&bench, &key, 90);
    let refused = bench.open_renewal(&key, "").refused(ProblemType::RenewTooEarly);
    assert_eq!(refused.detail_zh, "距证书到期不足90天方可办理，请1天后再来。");
    days_left(&bench, &key, 89);
    let reply = bench.open_renewal(&key, "");
    assert_eq!(reply.status, 201);
    let placed: Placed = reply.read();
    let rewrite = placed.order.rewrite.as_ref().unwrap();
    assert_eq!((rewrite.portal, rewrite.reviewed, rewrite.new_keys), (false, false, true));
    assert_eq!((rewrite.application.as_str(), rewrite.container.as_str()), ("LMCA", "SM2-1"));
    assert_eq!((placed.order.kind, placed.order.fee.total_fen), (OrderKind::Renew, 15_000));
    assert_eq!(placed.order.form, Some(unit()), "filled from the old certificate (R-08)");
    assert!(placed.order.papers.is_empty());
    // The same click again finds the same order.
    let again = bench.open_renewal(&key, "");
    assert_eq!(again.status, 200);
    assert_eq!(again.read::<Placed>().order.id, placed.order.id);
    bench.open_change(&key).refused(ProblemType::OtherOrderOpen);
    bench.download(&placed, "DEV0001", &key_pair("new")).refused(ProblemType::WrongState);
    bench.press(&at(&placed, "code"), token(&placed)).refused(ProblemType::WrongState);
}

#[test]
fn a_renewed_certificate_ends_a_year_after_the_old_one() {
    let (bench, key) = luming();
    days_left(&bench, &key, 10);
    let placed = ready(&bench, &key);
    let new = bench.rewritten(&placed, &key, "new");
    let (old, new_cert) = (key.response.sign_certificate(), new.response.sign_certificate());
    let shanghai = ukey_hall::clock::shanghai();
    let a_year = jiff::Span::new().years(1);
    let expected = old.not_after().to_zoned(shanghai).checked_add(a_year).unwrap().timestamp();
    assert_eq!(new_cert.not_after(), expected);
    assert_eq!(new_cert.subject().to_string(), old.subject().to_string());
    // The old one is superseded, the new one logs in, and its key can be unlocked in its new container.
    bench.login(&key).refused(ProblemType::CertificateRevoked);
    let session: Session = bench.login(&new).read();
    let mine: Vec<CertificateView> = bench.get("/api/me/certificates", session.token.reveal()).read();
    let standings: Vec<_> = mine.iter().map(|view| view.standing).collect();
    assert_eq!(standings, [CertificateStanding::Valid, CertificateStanding::Revoked]);
    let unlock: Placed = bench.open_unlock(&new).read();
    assert_eq!(unlock.order.certificate_serial.as_ref(), Some(&new.serial));
    bench.open_renewal(&new, "").refused(ProblemType::RenewTooEarly);
    // A key that still holds the old pair finds the order that replaced it.
    let found: Placed = bench.open_renewal(&key, "").read();
    assert_eq!((found.order.id, found.order.state), (placed.order.id, OrderState::Completed));
}

#[test]
fn every_step_of_the_download_can_be_repeated() {
    let (bench, key) = luming();
    days_left(&bench, &key, 10);
    let placed = ready(&bench, &key);
    let pair = key_pair("new");
    let ask = |device: &str, name: &str| bench.download(&placed, device, &key_pair(name));
    ask("DEV0002", "new").refused(ProblemType::DeviceMismatch);
    ask("DEV0001", "DEV0001").refused(ProblemType::BadRequest);
    let answer: IssueAnswer = ask("DEV0001", "new").read();
    assert_eq!(ask("DEV0001", "new").read::<IssueAnswer>(), answer, "a lost answer");
    // The old one stays the one until the new key has shown itself.
    bench.login(&key).read::<Session>();
    let new = Key {
        pair: key_pair("new"),
        serial: answer.serial.clone(),
        response: ukey_pki::CsrResponse::from_der(&answer.response.0).unwrap(),
        person: key.person.clone(),
        device: key.device.clone(),
    };
    bench.login(&new).refused(ProblemType::CertificateUnconfirmed);
    for key in [&key, &new] {
        let found: Placed = bench.open_renewal(key, "").read();
        assert_eq!(
            (found.order.id.as_str(), found.order.state),
            (placed.order.id.as_str(), OrderState::Issued)
        );
    }
    // Another key pair takes its place, and the first certificate is worth nothing at once.
    let second: IssueAnswer = ask("DEV0001", "second").read();
    assert_ne!(second.serial, answer.serial);
    bench.login(&new).refused(ProblemType::CertificateRevoked);
    bench.open_renewal(&new, "").refused(ProblemType::CertificateRevoked);
    bench.written(&placed, &pair, &answer).refused(ProblemType::InvalidFields);
    bench.written(&placed, &pair, &second).refused(ProblemType::BadSignature);
    bench.press(&at(&placed, "cancel"), token(&placed)).refused(ProblemType::WrongState);
    bench.login(&key).read::<Session>();
    let done: Order = bench.written(&placed, &key_pair("second"), &second).read();
    assert_eq!(done.new_certificate_serial, Some(second.serial.clone()));
    let again: Order = bench.written(&placed, &key_pair("second"), &second).read();
    assert_eq!(again, done, "a lost answer");
    ask("DEV0001", "second").refused(ProblemType::WrongState);
    let issued = done.history.iter().filter(|row| row.event == "key-confirmed").count();
    assert_eq!(issued, 1);
}

#[test]
fn an_expired_certificate_renews_by_itself_for_365_days_and_is_reviewed_after() {
    let (bench, key) = luming();
    days_left(&bench, &key, -365);
    bench.login(&key).refused(ProblemType::CertificateExpired);
    let placed: Placed = bench.open_renewal(&key, "").read();
    assert!(!placed.order.rewrite.as_ref().unwrap().reviewed);
    // It was placed in time, and is confirmed a day too late.
    days_left(&bench, &key, -366);
    let reopened: Placed = bench.open_renewal(&key, "").read();
    assert_eq!(reopened.order.id, placed.order.id);
    bench.press(&at(&reopened, "confirm"), token(&reopened)).refused(ProblemType::IdentityRequired);
    // From now on it is one for the review, and another placed today is from the first.
    let placed: Placed = bench.open_renewal(&key, "").read();
    assert!(placed.order.rewrite.as_ref().unwrap().reviewed);
    bench.press(&at(&placed, "cancel"), token(&placed)).read::<Order>();
    let placed: Placed = bench.open_renewal(&key, "").read();
    assert!(placed.order.rewrite.as_ref().unwrap().reviewed);
    assert!(!placed.order.papers.is_empty());
    bench.post(&at(&placed, "identity"), token(&placed), &legal_phone()).read::<Order>();
    bench.press(&at(&placed, "confirm"), token(&placed)).read::<Order>();
    bench.press(&at(&placed, "submit"), token(&placed)).refused(ProblemType::PaperMissing);
    bench.upload_papers(&placed);
    bench.press(&at(&placed, "submit"), token(&placed)).read::<Order>();
    let code = bench.code(HANDLER_PHONE);
    bench.post(&at(&placed, "consent"), token(&placed), &CodeEntry { code }).read::<Order>();
    bench.pay(&bench.open_payment(&placed), PaymentOutcome::Paid);
    let order = bench.order(&placed);
    assert_eq!(order.state, OrderState::InReview);
    assert!(order.review_due.is_some());
    bench.download(&placed, "DEV0001", &key_pair("new")).refused(ProblemType::WrongState);
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    let new = bench.rewritten(&placed, &key, "new");
    let cert = new.response.sign_certificate();
    let shanghai = ukey_hall::clock::shanghai();
    let (first, last) =
        (cert.not_before().to_zoned(shanghai.clone()).date(), cert.not_after().to_zoned(shanghai).date());
    let a_year_later = first.checked_add(jiff::Span::new().years(1)).unwrap();
    assert_eq!(last, a_year_later.yesterday().unwrap(), "from the download");
    // What had run out is not revoked.
    bench.login(&key).refused(ProblemType::CertificateExpired);
}

/// The review of a renewal, from the identity check to the consent.
fn applied(bench: &Bench, key: &Key) -> Placed {
    let placed: Placed = bench.open_renewal(key, "").read();
    assert_eq!(placed.order.state, OrderState::Draft);
    assert!(placed.order.rewrite.as_ref().unwrap().reviewed);
    bench.applied(&placed, &legal_phone());
    placed
}

#[test]
fn who_confirmed_in_time_and_pays_a_day_too_late_is_reviewed() {
    let (bench, key) = luming();
    days_left(&bench, &key, -365);
    let placed: Placed = bench.open_renewal(&key, "").read();
    bench.press(&at(&placed, "confirm"), token(&placed)).read::<Order>();
    days_left(&bench, &key, -366);
    let placed: Placed = bench.open_renewal(&key, "").read();
    assert_eq!(placed.order.state, OrderState::Unpaid);
    let request = PaymentRequest { way: "alipay".into(), agreed: true };
    bench.post(&at(&placed, "payment"), token(&placed), &request).refused(ProblemType::IdentityRequired);
    let placed = applied(&bench, &key);
    assert_eq!(bench.order(&placed).state, OrderState::Unpaid);
    bench.pay(&bench.open_payment(&placed), PaymentOutcome::Paid);
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    bench.rewritten(&placed, &key, "new");
}

#[test]
fn who_paid_in_time_and_downloads_a_day_too_late_is_reviewed_and_pays_no_more() {
    let (bench, key) = luming();
    days_left(&bench, &key, -365);
    ready(&bench, &key);
    days_left(&bench, &key, -366);
    let placed: Placed = bench.open_renewal(&key, "").read();
    assert_eq!(placed.order.state, OrderState::Ready);
    bench.download(&placed, "DEV0001", &key_pair("new")).refused(ProblemType::IdentityRequired);
    let placed = applied(&bench, &key);
    assert_eq!(bench.order(&placed).state, OrderState::InReview, "paid before");
    bench.download(&placed, "DEV0001", &key_pair("new")).refused(ProblemType::WrongState);
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    bench.rewritten(&placed, &key, "new");
}

#[test]
fn what_was_downloaded_in_time_is_written_later_and_another_pair_is_reviewed() {
    let (bench, key) = luming();
    days_left(&bench, &key, -365);
    let placed = ready(&bench, &key);
    let answer: IssueAnswer = bench.download(&placed, "DEV0001", &key_pair("new")).read();
    days_left(&bench, &key, -366);
    let placed: Placed = bench.open_renewal(&key, "").read();
    assert_eq!(bench.download(&placed, "DEV0001", &key_pair("new")).read::<IssueAnswer>(), answer);
    bench.download(&placed, "DEV0001", &key_pair("another")).refused(ProblemType::IdentityRequired);
    let placed = applied(&bench, &key);
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    // The answer of before is not the review's.
    let again: IssueAnswer = bench.download(&placed, "DEV0001", &key_pair("new")).read();
    assert_ne!(again.serial, answer.serial);
    bench.written(&placed, &key_pair("new"), &again).read::<Order>();
}

#[test]
fn a_refused_review_gives_the_money_back() {
    let (bench, key) = luming();
    days_left(&bench, &key, -400);
    let placed: Placed = bench.open_renewal(&key, "").read();
    bench.post(&at(&placed, "identity"), token(&placed), &legal_phone()).read::<Order>();
    bench.press(&at(&placed, "confirm"), token(&placed)).read::<Order>();
    bench.upload_papers(&placed);
    bench.press(&at(&placed, "submit"), token(&placed)).read::<Order>();
    let code = bench.code(HANDLER_PHONE);
    bench.post(&at(&placed, "consent"), token(&placed), &CodeEntry { code }).read::<Order>();
    bench.pay(&bench.open_payment(&placed), PaymentOutcome::Paid);
    bench.decide(&placed, Decision::Refuse, Some("资料不清")).read::<Order>();
    let order = bench.order(&placed);
    assert_eq!(order.payment.unwrap().state, PaymentState::Refunded);
    bench.download(&placed, "DEV0001", &key_pair("new")).refused(ProblemType::WrongState);
    // The certificate may be renewed by another order.
    assert_eq!(bench.open_renewal(&key, "").status, 201);
}

#[test]
fn contact_data_are_free_and_a_name_is_reviewed() {
    let (bench, key) = luming();
    days_left(&bench, &key, 10);
    let placed: Placed = bench.open_renewal(&key, "").read();
    let amend = |form: UnitForm| bench.put(&at(&placed, "form"), token(&placed), &EnrolForm::Unit(form));
    let reviewed = |reply: Reply| reply.read::<Order>().rewrite.unwrap().reviewed;
    let mut form = unit_form();
    form.address = "示例市示例路9号".into();
    assert!(!reviewed(amend(form.clone())));
    form.name = "示例科技集团有限公司".into();
    assert!(reviewed(amend(form.clone())), "AMB-14");
    bench.press(&at(&placed, "confirm"), token(&placed)).refused(ProblemType::IdentityRequired);
    form.credit_code = "91000000MA0000002W".into();
    amend(form).refused(ProblemType::InvalidFields);
    assert!(!reviewed(amend(unit_form())), "back to what it was");
}

#[test]
fn who_opens_a_renewal_has_the_key() {
    let (bench, key) = luming();
    days_left(&bench, &key, 10);
    let challenge: LoginChallenge = bench.press("/api/sessions/challenges", "").read();
    let proof = |device: &str, signature: Hex| KeyProof {
        nonce: challenge.nonce.clone(),
        certificate: key.response.sign_certificate().der().into(),
        device_serial: device.into(),
        signature,
    };
    let message = renewal_message(&challenge.hall, &key.device, &challenge.nonce);
    let wrong = proof("DEV0001", sign(&key_pair("another"), &message));
    bench.post("/api/renewals", "", &wrong).refused(ProblemType::BadSignature);
    // The challenge is used, right or wrong.
    let right = proof("DEV0001", key.sign(&message));
    bench.post("/api/renewals", "", &right).refused(ProblemType::ChallengeExpired);
    // A signature that logs in renews nothing, nor one for a change.
    for message in [login_message, change_message] {
        let challenge: LoginChallenge = bench.press("/api/sessions/challenges", "").read();
        let signature = key.sign(&message(&challenge.hall, &key.device, &challenge.nonce));
        let proof = KeyProof { nonce: challenge.nonce, signature, ..right.clone() };
        bench.post("/api/renewals", "", &proof).refused(ProblemType::BadSignature);
    }
    let placed: Placed = bench.open_renewal(&key, "").read();
    let other = bench.enrolled(person(), holder_phone(), "DEV0002");
    days_left(&bench, &key, 5);
    let theirs: Session = bench.login(&other).read();
    bench.press(&at(&placed, "confirm"), theirs.token.reveal()).refused(ProblemType::NotFound);
    bench.press(&at(&placed, "confirm"), "").refused(ProblemType::Unauthorised);
}

#[test]
fn the_portal_takes_its_steps_in_order() {
    let bench = Bench::new("songtao");
    let key = bench.unit_key();
    let placed: Placed = bench.open_renewal(&key, "").read();
    assert!(placed.order.rewrite.as_ref().unwrap().portal);
    assert_eq!(placed.order.kind, OrderKind::Renew);
    let initialised = |device: &str| {
        let told = Initialisation { device_serial: device.into() };
        bench.post(&at(&placed, "initialised"), token(&placed), &told)
    };
    initialised("DEV0001").refused(ProblemType::WrongState);
    bench.press(&at(&placed, "confirm"), token(&placed)).refused(ProblemType::WrongState);
    let code = CodeEntry { code: "000000".into() };
    bench.post(&at(&placed, "code/verify"), token(&placed), &code).refused(ProblemType::CodeNotSent);
    assert_eq!(bench.verified(&placed, HANDLER_PHONE).read::<Order>().state, OrderState::Verified);
    bench.download(&placed, "DEV0001", &key_pair("new")).refused(ProblemType::WrongState);
    // The verification does not hold for ever.
    bench.wait(1_800);
    initialised("DEV0001").refused(ProblemType::WrongState);
    assert_eq!(bench.verified(&placed, HANDLER_PHONE).read::<Order>().state, OrderState::Verified);
    initialised("DEV0002").refused(ProblemType::DeviceMismatch);
    for _ in 0..2 {
        assert_eq!(initialised("DEV0001").read::<Order>().state, OrderState::Initialised);
    }
    bench.press(&at(&placed, "cancel"), token(&placed)).refused(ProblemType::WrongState);
    bench.rewritten(&placed, &key, "new");
}

#[test]
fn an_expired_certificate_is_repaired_by_its_account() {
    let bench = Bench::new("songtao");
    let key = bench.unit_key();
    let account = |name: &str, number: &str| {
        let registration = Registration {
            kind: AccountKind::Enterprise,
            account: name.into(),
            name: "示例科技有限公司".into(),
            number: number.into(),
            phone: "13600004444".into(),
        };
        bench.post("/api/accounts", "", &registration).read::<Registered>();
        let login = PasswordLogin { account: name.into(), password: bench.code("13600004444") };
        bench.post("/api/sessions/password", "", &login).read::<Session>().token
    };
    days_left(&bench, &key, -500);
    bench.login(&key).refused(ProblemType::CertificateExpired);
    bench.open_renewal(&key, "").refused(ProblemType::Unauthorised);
    let other = account("other-unit", "91000000MA0000002W");
    bench.open_renewal(&key, other.reveal()).refused(ProblemType::NotFound);
    let own = account("example-unit", UNIT_CODE);
    let placed: Placed = bench.open_renewal(&key, own.reveal()).read();
    assert_eq!(placed.order.kind, OrderKind::Repair);
    // Whatever phone the account has, the code goes to the one on record.
    assert_eq!(bench.verified(&placed, HANDLER_PHONE).read::<Order>().state, OrderState::Verified);
    let told = Initialisation { device_serial: "DEV0001".into() };
    bench.post(&at(&placed, "initialised"), token(&placed), &told).read::<Order>();
    let new = bench.rewritten(&placed, &key, "new");
    bench.login(&new).read::<Session>();
}

#[test]
fn where_the_old_key_is_kept_its_encryption_key_is_too() {
    let bench = Bench::new("baihe");
    let mut profile = Profile::built_in("baihe").unwrap();
    profile.enrol.anonymous = true;
    // The key comes by the shorter way.
    (profile.enrol.shape, profile.wizard, profile.enrol.unit_fee_fen) = (EnrolShape::Order, None, 20_000);
    drop(bench);
    let bench = Bench::with(Config::simulated(profile, 20_260_302));
    let key = bench.unit_key();
    let placed: Placed = bench.open_renewal(&key, "").read();
    let order: Order = bench.press(&at(&placed, "confirm"), token(&placed)).read();
    assert_eq!(order.state, OrderState::Ready, "there is nothing to pay");
    bench.download(&placed, "DEV0001", &key_pair("new")).refused(ProblemType::BadRequest);
    let new = bench.rewritten(&placed, &key, "DEV0001");
    let encryption = |key: &Key| key.response.encryption_certificate().unwrap().public_key().unwrap();
    assert_eq!(encryption(&new), encryption(&key));
    assert_ne!(new.serial, key.serial);
    let opened = new.response.enveloped_key().unwrap().open(&new.pair).unwrap();
    assert_eq!(opened.public_key(), encryption(&key));
}

#[test]
fn what_was_issued_last_is_installed_again() {
    let (bench, key) = luming();
    let ask = |device: &str, signer: &ukey_pki::KeyPair, claimed: &ukey_pki::KeyPair| {
        let challenge: LoginChallenge = bench.press("/api/sessions/challenges", "").read();
        let message = reinstallation_message(&challenge.hall, device, &challenge.nonce);
        let public = claimed.public_key();
        let told = Reinstallation {
            nonce: challenge.nonce,
            device_serial: device.into(),
            public_key: Hex([public.x(), public.y()].concat()),
            signature: sign(signer, &message),
        };
        bench.post("/api/reinstallations", "", &told)
    };
    let other = key_pair("another");
    ask("DEV0001", &other, &key.pair).refused(ProblemType::BadSignature);
    ask("DEV0001", &other, &other).refused(ProblemType::KeyUnknown);
    ask("DEV0002", &key.pair, &key.pair).refused(ProblemType::KeyUnknown);
    let again: IssueAnswer = ask("DEV0001", &key.pair, &key.pair).read();
    assert_eq!(again.serial, key.serial);
    let response = ukey_pki::CsrResponse::from_der(&again.response.0).unwrap();
    assert_eq!(response.sign_certificate().der(), key.response.sign_certificate().der());
    // After a renewal it is the new pair, and the old key gets nothing.
    days_left(&bench, &key, 10);
    let placed = ready(&bench, &key);
    let new = bench.rewritten(&placed, &key, "new");
    assert_eq!(ask("DEV0001", &new.pair, &new.pair).read::<IssueAnswer>().serial, new.serial);
    ask("DEV0001", &key.pair, &key.pair).refused(ProblemType::CertificateRevoked);
}
