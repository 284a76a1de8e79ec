//! Revocation on request, the revocation list, 注销公告.
#![cfg(feature = "server")]

mod support;

use support::*;
use ukey_hall::{Config, Profile, api::*};
use ukey_pki::RevocationReason as Listed;

const HOURS: u64 = 3_600;

/// A path of a revocation order.
fn rev(placed: &Placed, what: &str) -> String {
    format!("/api/revocations/{}/{what}", placed.order.id)
}

fn open(bench: &Bench, bearer: &str, serial: &str, reason: RevocationReason) -> Reply {
    bench.post("/api/revocations", bearer, &RevocationRequest { serial: serial.into(), reason })
}

fn signature(key: &Key, placed: &Placed) -> RevocationSignature {
    let nonce = placed.order.revocation.as_ref().unwrap().nonce.clone().unwrap();
    RevocationSignature { signature: key.sign(&revoke_message(&placed.order.id, &key.serial, &nonce)) }
}

fn confirm(bench: &Bench, placed: &Placed, again: bool) -> Reply {
    bench.post(&rev(placed, "confirm"), token(placed), &RevocationConfirmation { again })
}

fn session(bench: &Bench, key: &Key) -> String {
    bench.login(key).read::<Session>().token.reveal().to_owned()
}

/// By the key's signature, to the end.
fn revoked(bench: &Bench, key: &Key, reason: RevocationReason) -> Placed {
    let placed: Placed = open(bench, &session(bench, key), &key.serial, reason).read();
    bench.post(&rev(&placed, "signature"), token(&placed), &signature(key, &placed)).read::<Order>();
    confirm(bench, &placed, false).read::<Order>();
    let order: Order = confirm(bench, &placed, true).read();
    assert_eq!(order.state, OrderState::Completed);
    placed
}

/// By identity check and code, to the end.
fn revoked_without_key(bench: &Bench, key: &Key) {
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    let bearer = held.token.reveal();
    let placed: Placed = open(bench, bearer, &key.serial, RevocationReason::KeyCompromise).read();
    bench.post(&rev(&placed, "identity"), token(&placed), &legal_phone()).read::<CodeSent>();
    let code = bench.code(HANDLER_PHONE);
    bench.post(&rev(&placed, "code/verify"), token(&placed), &CodeEntry { code }).read::<Order>();
    confirm(bench, &placed, false).read::<Order>();
    confirm(bench, &placed, true).read::<Order>();
}

#[test]
fn the_keys_own_signature_revokes_it_after_two_confirmations() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let placed: Placed =
        open(&bench, &session(&bench, &key), &key.serial, RevocationReason::CessationOfOperation).read();
    confirm(&bench, &placed, false).refused(ProblemType::WrongState);
    let sign = |told: &RevocationSignature| bench.post(&rev(&placed, "signature"), token(&placed), told);
    let mut bent = signature(&key, &placed);
    bent.signature.0[40] ^= 1;
    sign(&bent).refused(ProblemType::BadSignature);
    sign(&RevocationSignature { signature: Hex(vec![0; 63]) }).refused(ProblemType::InvalidFields);
    // What signs a login revokes nothing.
    let nonce = placed.order.revocation.as_ref().unwrap().nonce.clone().unwrap();
    let login = key.sign(&login_message(&bench.hall.profile().name, &key.serial, &nonce));
    sign(&RevocationSignature { signature: login }).refused(ProblemType::BadSignature);
    let order: Order = sign(&signature(&key, &placed)).read();
    assert_eq!(order.state, OrderState::Verified);
    assert_eq!(sign(&signature(&key, &placed)).read::<Order>(), order, "replayed");
    // The second confirmation does not stand for the first, nor the first for the second.
    confirm(&bench, &placed, true).refused(ProblemType::WrongState);
    for _ in 0..3 {
        let order: Order = confirm(&bench, &placed, false).read();
        assert_eq!((order.state, order.revocation.unwrap().confirmed), (OrderState::Verified, true));
    }
    bench.login(&key).read::<Session>();
    let order: Order = confirm(&bench, &placed, true).read();
    assert_eq!(order.state, OrderState::Completed);
    assert_eq!(confirm(&bench, &placed, true).read::<Order>(), order, "replayed");
    bench.login(&key).refused(ProblemType::CertificateRevoked);
    bench.open_unlock(&key).refused(ProblemType::CertificateRevoked);
    bench.press(&at(&placed, "cancel"), token(&placed)).refused(ProblemType::WrongState);
    let told = bench.outbox(HANDLER_PHONE).pop().unwrap();
    assert_eq!(told.topic, "revoked");
    assert!(told.text.contains(&key.serial) && told.text.contains("停止使用"));
    // Not again, and not reissued either.
    bench.wait(60);
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    assert_eq!(held.certificates[0].standing, CertificateStanding::Revoked);
    open(&bench, held.token.reveal(), &key.serial, RevocationReason::KeyCompromise)
        .refused(ProblemType::CertificateRevoked);
    bench.reissue(&held, &key.serial, ReissueReason::Lost).refused(ProblemType::CertificateRevoked);
}

#[test]
fn identity_and_code_revoke_a_lost_key() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    bench.wait(60);
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    let placed: Placed =
        open(&bench, held.token.reveal(), &key.serial, RevocationReason::KeyCompromise).read();
    let view = placed.order.revocation.clone().unwrap();
    assert_eq!((view.ways, view.nonce), (vec![RevokeWay::IdentityAndCode], None));
    // This authority does not take the key's signature.
    let told = RevocationSignature { signature: Hex(vec![1; 64]) };
    bench.post(&rev(&placed, "signature"), token(&placed), &told).refused(ProblemType::RevokeWayUnavailable);
    let code = |code: Secret| bench.post(&rev(&placed, "code/verify"), token(&placed), &CodeEntry { code });
    code("123456".into()).refused(ProblemType::WrongState);
    let identify = || bench.post(&rev(&placed, "identity"), token(&placed), &legal_phone());
    bench.expect_identity(IdentityOutcome::Mismatch);
    identify().refused(ProblemType::IdentityFailed);
    identify().read::<CodeSent>();
    bench.press(&rev(&placed, "code"), token(&placed)).refused(ProblemType::CodeTooSoon);
    let right = bench.code(HANDLER_PHONE);
    let wrong = if right.reveal() == "000000" { "000001" } else { "000000" };
    code(wrong.into()).refused(ProblemType::WrongCode);
    let order: Order = code(right).read();
    assert_eq!(order.state, OrderState::Verified);
    confirm(&bench, &placed, false).read::<Order>();
    // The verification lapses, and the first confirmation with it.
    bench.wait(bench.hall.profile().login.session_minutes * 60);
    confirm(&bench, &placed, true).refused(ProblemType::WrongState);
    let order = bench.order(&placed);
    assert_eq!((order.state, order.revocation.unwrap().confirmed), (OrderState::Draft, false));
    identify().read::<CodeSent>();
    code(bench.code(HANDLER_PHONE)).read::<Order>();
    confirm(&bench, &placed, true).refused(ProblemType::WrongState);
    confirm(&bench, &placed, false).read::<Order>();
    confirm(&bench, &placed, true).read::<Order>();
    bench.login(&key).refused(ProblemType::CertificateRevoked);
}

#[test]
fn a_revocation_is_of_the_own_certificate_for_a_reason_that_a_holder_has() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let other = bench.enrolled(person(), holder_phone(), "DEV0002");
    let bearer = session(&bench, &key);
    open(&bench, "", &key.serial, RevocationReason::Superseded).refused(ProblemType::Unauthorised);
    open(&bench, "desk-production", &key.serial, RevocationReason::Superseded)
        .refused(ProblemType::Forbidden);
    open(&bench, &bearer, &other.serial, RevocationReason::Superseded).refused(ProblemType::NotFound);
    open(&bench, &bearer, "no number", RevocationReason::Superseded).refused(ProblemType::InvalidFields);
    open(&bench, &bearer, &key.serial, RevocationReason::CertificateHold).refused(ProblemType::InvalidFields);
    let bad = serde_json::json!({"serial": key.serial, "reason": "boredom"});
    bench.post("/api/revocations", &bearer, &bad).refused(ProblemType::MalformedBody);
    let placed: Placed = open(&bench, &bearer, &key.serial, RevocationReason::Superseded).read();
    // Another's signature over the right words.
    let wrong = signature(&Key { pair: key_pair("DEV0009"), ..clone(&key) }, &placed);
    bench.post(&rev(&placed, "signature"), token(&placed), &wrong).refused(ProblemType::BadSignature);
    bench.post(&rev(&placed, "signature"), token(&placed), &signature(&key, &placed)).read::<Order>();
    confirm(&bench, &placed, false).read::<Order>();
    // Asked for again with another reason: the same order, to be confirmed anew.
    let again = open(&bench, &bearer, &key.serial, RevocationReason::KeyCompromise);
    assert_eq!(again.status, 200);
    let again: Placed = again.read();
    assert_eq!(again.order.id, placed.order.id);
    assert!(!again.order.revocation.unwrap().confirmed);
    confirm(&bench, &placed, true).refused(ProblemType::WrongState);
    let order: Order = bench.press(&at(&placed, "cancel"), token(&placed)).read();
    assert_eq!(order.state, OrderState::Cancelled);
    bench.login(&key).read::<Session>();
}

fn clone(key: &Key) -> Key {
    Key {
        pair: key_pair(&key.device),
        serial: key.serial.clone(),
        response: key.response.clone(),
        person: key.person.clone(),
        device: key.device.clone(),
    }
}

#[test]
fn the_next_list_tells_of_it_and_only_then_the_notice() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let first = bench.list();
    assert_eq!((first.number(), first.revoked().len()), (Some(1), 0));
    assert_eq!(first.next_update().unwrap().as_second() - first.this_update().as_second(), 24 * 3_600);
    revoked(&bench, &key, RevocationReason::CessationOfOperation);
    let notices = |rest: &str| bench.get(&format!("/api/notices/revocations{rest}"), "");
    bench.wait(24 * HOURS - 1);
    assert_eq!(bench.list().der(), first.der(), "until it runs out");
    assert_eq!(notices("").read::<RevocationNotices>().total, 0);
    bench.wait(1);
    let second = bench.list();
    assert_eq!((second.number(), second.revoked().len()), (Some(2), 2));
    assert_eq!(bench.listed(&key), Some(Listed::CessationOfOperation));
    let page: RevocationNotices = notices("").read();
    let [notice] = page.notices.as_slice() else { panic!("{page:?}") };
    assert_eq!((page.total, page.page, page.pages), (1, 1, 1));
    assert_eq!((notice.serial.as_str(), notice.name.as_str()), (key.serial.as_str(), "示例****公司"));
    assert_eq!(notice.reason_zh, "停止使用");
    // By serial number, by whole name; what is not revoked is not there.
    let total = |rest: &str| notices(rest).read::<RevocationNotices>().total;
    assert_eq!(total(&format!("?serial={}", key.serial.to_lowercase())), 1);
    assert_eq!(total("?serial=00FF"), 0);
    assert_eq!(total("?name=%E7%A4%BA%E4%BE%8B%E7%A7%91%E6%8A%80%E6%9C%89%E9%99%90%E5%85%AC%E5%8F%B8"), 1);
    assert_eq!(total("?name=%25"), 0, "no pattern");
    assert_eq!(total("?name="), 1);
    assert_eq!(notices("?page=2").read::<RevocationNotices>().notices, []);
    notices("?page=0").refused(ProblemType::InvalidFields);
    notices("?page=-1").refused(ProblemType::MalformedRequest);
    notices("?page=18446744073709551615").read::<RevocationNotices>();
    notices("?serial=%3Cscript%3E").refused(ProblemType::InvalidFields);
    notices("?order=1").refused(ProblemType::MalformedRequest);
    // A long time without a question: one list, not one for each day.
    bench.wait(30 * 24 * HOURS);
    assert_eq!(bench.list().number(), Some(3));
}

#[test]
fn a_suspension_is_on_the_list_but_not_in_the_notice_and_may_become_a_revocation() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    bench.wait(60);
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    let reissue: Placed = bench.reissue(&held, &key.serial, ReissueReason::Lost).read();
    bench.applied(&reissue, &legal_phone());
    bench.wait(24 * HOURS);
    assert_eq!(bench.listed(&key), Some(Listed::CertificateHold));
    assert_eq!(bench.get("/api/notices/revocations", "").read::<RevocationNotices>().total, 0);
    revoked_without_key(&bench, &key);
    // The refused reissue does not bring it back.
    bench.decide(&reissue, Decision::Refuse, Some("资料不符")).read::<Order>();
    bench.login(&key).refused(ProblemType::CertificateRevoked);
    bench.wait(24 * HOURS);
    assert_eq!(bench.listed(&key), Some(Listed::KeyCompromise));
    assert_eq!(bench.get("/api/notices/revocations", "").read::<RevocationNotices>().total, 1);
}

#[test]
fn certificates_say_where_the_list_is_when_the_profile_does() {
    let mut profile = Profile::built_in("qinghe").unwrap();
    let address = "http://crl.example/api/authority/crl";
    profile.revoke.list_address = Some(address.into());
    let bench = Bench::with(Config::simulated(profile, 7));
    let key = bench.unit_key();
    let both = |key: &Key| {
        let response = &key.response;
        [response.sign_certificate(), response.encryption_certificate().unwrap()].map(|one| one.crl_address())
    };
    assert_eq!(both(&key), [Some(address.into()), Some(address.into())]);
    // There the list is, by the authority that issued them.
    assert_eq!(bench.listed(&key), None);
    let path = address.strip_prefix("http://crl.example").unwrap();
    assert_eq!(bench.get(path, "").body, bench.list().der());

    let bench = Bench::new("qinghe");
    assert_eq!(both(&bench.unit_key()), [None, None]);
}

/// A renewal of this key, paid, whose new pair is written and not confirmed yet.
fn written_half(bench: &Bench, key: &Key) -> (Placed, Key, IssueAnswer) {
    bench.wait(300 * 24 * HOURS);
    let renewal: Placed = bench.open_renewal(key, "").read();
    bench.press(&at(&renewal, "confirm"), token(&renewal)).read::<Order>();
    bench.pay(&bench.open_payment(&renewal), PaymentOutcome::Paid);
    let pair = key_pair("new");
    let answer: IssueAnswer = bench.download(&renewal, &key.device, &pair).read();
    let response = ukey_pki::CsrResponse::from_der(&answer.response.0).unwrap();
    let (serial, person, device) = (answer.serial.clone(), key.person.clone(), key.device.clone());
    (renewal, Key { pair, serial, response, person, device }, answer)
}

#[test]
fn a_pair_that_no_key_confirmed_shares_the_fate_of_the_one_it_was_to_replace() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    let (begun, new, answer) = written_half(&bench, &key);
    // Lost in the middle of the renewal: both pairs are suspended, and both come back.
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    let reissue: Placed = bench.reissue(&held, &key.serial, ReissueReason::Lost).read();
    bench.applied(&reissue, &legal_phone());
    bench.wait(24 * HOURS);
    assert_eq!(bench.listed(&key), Some(Listed::CertificateHold));
    assert_eq!(bench.listed(&new), Some(Listed::CertificateHold));
    let renewal: Placed = bench.open_renewal(&new, "").read();
    bench.written(&renewal, &new.pair, &answer).refused(ProblemType::CertificateSuspended);
    bench.decide(&reissue, Decision::Refuse, Some("资料不符")).read::<Order>();
    bench.wait(24 * HOURS);
    assert_eq!((bench.listed(&key), bench.listed(&new)), (None, None));
    // Revoked for good: both, and the renewal is over and paid back.
    revoked_without_key(&bench, &key);
    bench.wait(24 * HOURS);
    assert_eq!(bench.listed(&new), Some(Listed::KeyCompromise));
    assert_eq!(bench.listed(&key), Some(Listed::KeyCompromise));
    let placed: Placed = bench.open_renewal(&new, "").read();
    assert_eq!((&placed.order.id, placed.order.state), (&begun.order.id, OrderState::Cancelled));
    assert_eq!(placed.order.payment.unwrap().state, PaymentState::Refunded);
    assert_eq!(placed.order.reason.as_deref(), Some("原证书已注销"));
}

#[test]
fn a_pair_that_its_key_confirmed_has_its_own_fate() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    let (renewal, new, answer) = written_half(&bench, &key);
    let done: Order = bench.written(&renewal, &new.pair, &answer).read();
    assert_eq!(done.state, OrderState::Completed);
    assert_eq!(done.payment.unwrap().state, PaymentState::Paid);
    bench.wait(24 * HOURS);
    assert_eq!(bench.listed(&key), Some(Listed::Superseded));
    assert_eq!(bench.listed(&new), None);
    bench.login(&new).read::<Session>();
}

#[test]
fn a_new_key_ends_the_renewal_of_the_lost_one() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    let (_, new, _) = written_half(&bench, &key);
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    let reissue: Placed = bench.reissue(&held, &key.serial, ReissueReason::Lost).read();
    bench.applied(&reissue, &legal_phone());
    bench.decide(&reissue, Decision::Pass, None).read::<Order>();
    let made = bench.produced(&reissue, "DEV0002");
    let placed: Placed = bench.open_renewal(&new, "").read();
    assert_eq!(placed.order.state, OrderState::Cancelled);
    assert_eq!(placed.order.payment.unwrap().state, PaymentState::Refunded);
    bench.wait(24 * HOURS);
    assert_eq!(bench.listed(&new), Some(Listed::KeyCompromise));
    bench.login(&made).read::<Session>();
}
