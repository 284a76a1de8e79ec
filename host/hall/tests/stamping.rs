//! What business systems are told of stamps, and seals that are made again for another certificate.
#![cfg(feature = "server")]

mod support;

use support::{seals::*, *};
use ukey_hall::api::*;

#[test]
fn a_reissued_key_seals_again_once_its_seal_is_made_again() {
    let bench = Bench::new("luming");
    let old = bench.unit_key();
    let seal = first_seal(&bench, &old);
    bench.wait(60);
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    let reissue: Placed = bench.reissue(&held, &old.serial, ReissueReason::Lost).read();
    bench.applied(&reissue, &legal_phone());
    permission(&bench, old.response.sign_certificate()).refused(ProblemType::SignerUnknown);
    bench.decide(&reissue, Decision::Pass, None).read::<Order>();
    let new = bench.produced(&reissue, "DEV0002");

    let certificate = new.response.sign_certificate();
    let refusal = permission(&bench, certificate).refused(ProblemType::NoSealPermission);
    assert_eq!(refusal.detail_zh, "该用户没有分配印章权限");
    let refusal =
        check(&bench, DOCUMENT, stamp(&bench, &seal, &old).der()).refused(ProblemType::SignerUnknown);
    assert_eq!(refusal.detail_zh, "证书未生效或者用户不存在");

    // The remake was ordered by the hall: free, without review, for the new key.
    let view = seals(&bench, &new);
    let [order] = view.orders.as_slice() else { panic!("{} orders", view.orders.len()) };
    assert_eq!((order.state, order.fee.total_fen), (OrderState::Ready, 0));
    assert_eq!(order.seal.as_ref().unwrap().change, SealChangeKind::Remake);
    let placed = Placed { token: session(&bench, &new), order: order.clone() };
    // Ordered by hand it is the same order.
    let again = bench.post(
        "/api/seals/changes",
        placed.token.reveal(),
        &request(SealChangeKind::Remake, Some(seal.id())),
    );
    again.refused(ProblemType::NotFound);
    let remade = written(&bench, &placed, &new, &[]);
    assert!(remade.lists(certificate) && remade.picture() == seal.picture());
    permission(&bench, certificate).read::<StampingRight>();
    check(&bench, DOCUMENT, stamp(&bench, &remade, &new).der()).read::<StampVerdict>();
    assert!(seals(&bench, &new).orders.is_empty());
}

#[test]
fn a_remake_goes_over_to_the_key_that_is_made_instead() {
    let bench = Bench::new("luming");
    let old = bench.unit_key();
    let seal = first_seal(&bench, &old);
    bench.wait(60);
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    let reissue: Placed = bench.reissue(&held, &old.serial, ReissueReason::Lost).read();
    bench.applied(&reissue, &legal_phone());
    bench.decide(&reissue, Decision::Pass, None).read::<Order>();
    // The first blank dies once it has its certificates.
    bench
        .job(&reissue, "start", &ProductionStart { device_serial: "DEV0002".into() })
        .read::<Personalisation>();
    let request = IssueRequest { device_serial: "DEV0002".into(), request: csr(&key_pair("DEV0002")).into() };
    bench.job(&reissue, "issue", &request).read::<IssueAnswer>();
    let new = bench.produced(&reissue, "DEV0003");
    assert_eq!(bench.order(&reissue).new_certificate_serial.as_ref(), Some(&new.serial));
    let view = seals(&bench, &new);
    let [order] = view.orders.as_slice() else { panic!("{} orders", view.orders.len()) };
    assert_eq!(order.seal.as_ref().unwrap().device_serial, "DEV0003");
    let placed = Placed { token: session(&bench, &new), order: order.clone() };
    let remade = written(&bench, &placed, &new, &[]);
    assert!(remade.lists(new.response.sign_certificate()) && remade.picture() == seal.picture());
}

#[test]
fn stamps_that_are_not_good_are_refused_with_the_reason() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    permission(&bench, key.response.sign_certificate()).refused(ProblemType::NoSealPermission);
    let seal = first_seal(&bench, &key);
    let right: StampingRight = permission(&bench, key.response.sign_certificate()).read();
    assert_eq!(right.seals[0].id, seal.id());
    let stamped = stamp(&bench, &seal, &key);
    check(&bench, DOCUMENT, stamped.der()).read::<StampVerdict>();
    check(&bench, b"another document", stamped.der()).refused(ProblemType::DocumentChanged);
    check(&bench, DOCUMENT, b"no stamp").refused(ProblemType::StampInvalid);
    let mut bent = stamped.der().to_vec();
    *bent.last_mut().unwrap() ^= 1;
    check(&bench, DOCUMENT, &bent).refused(ProblemType::StampInvalid);
    let short = StampCheck { data_hash: Hex(vec![0; 31]), stamp: stamped.der().into() };
    bench.post("/api/stamping/verify", "", &short).refused(ProblemType::InvalidFields);
    let garbage = StampingRequest { certificate: Hex(vec![1, 2]) };
    bench.post("/api/stamping/permission", "", &garbage).refused(ProblemType::MalformedCertificate);

    // Somebody of another authority is nobody here.
    let elsewhere = Bench::new("luming");
    let foreign = elsewhere.unit_key();
    permission(&bench, foreign.response.sign_certificate()).refused(ProblemType::SignerUnknown);
    let theirs = stamp(&elsewhere, &first_seal(&elsewhere, &foreign), &foreign);
    check(&bench, DOCUMENT, theirs.der()).refused(ProblemType::SignerUnknown);
    // A certificate that has run out, and its seal with it.
    bench.wait(800 * 86_400);
    check(&bench, DOCUMENT, stamped.der()).refused(ProblemType::CertificateExpired);
}
