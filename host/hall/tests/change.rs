//! Information change: contact data, the registry, the review.
#![cfg(feature = "server")]

mod support;

use support::*;
use ukey_hall::api::*;

fn amend(bench: &Bench, placed: &Placed, form: UnitForm) -> Reply {
    bench.put(&at(placed, "form"), token(placed), &EnrolForm::Unit(form))
}

fn renamed() -> UnitForm {
    UnitForm { name: "示例科技集团有限公司".into(), ..unit_form() }
}

#[test]
fn contact_data_change_after_the_code_and_no_certificate_does() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    let placed: Placed = bench.open_change(&key).read();
    assert_eq!((placed.order.kind, placed.order.fee.total_fen), (OrderKind::Change, 0));
    let confirm = || bench.press(&at(&placed, "confirm"), token(&placed));
    let mut form = unit_form();
    form.handler.phone = "13800009999".into();
    amend(&bench, &placed, form).read::<Order>();
    confirm().refused(ProblemType::WrongState);
    // The code goes to the phone on record, not to the one just typed.
    bench.verified(&placed, HANDLER_PHONE).read::<Order>();
    assert!(bench.outbox("13800009999").is_empty());
    for _ in 0..2 {
        assert_eq!(confirm().read::<Order>().state, OrderState::Completed);
    }
    bench.login(&key).read::<Session>();
    // From now on the codes go to the new one.
    let placed: Placed = bench.open_change(&key).read();
    bench.press(&at(&placed, "code"), token(&placed)).read::<CodeSent>();
    assert_eq!(bench.outbox("13800009999").len(), 1);
}

#[test]
fn what_is_verified_is_what_was_typed_before() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    let placed: Placed = bench.open_change(&key).read();
    let confirm = || bench.press(&at(&placed, "confirm"), token(&placed));
    bench.verified(&placed, HANDLER_PHONE).read::<Order>();
    confirm().refused(ProblemType::InvalidFields);
    // Edited after the code: it is asked for again.
    amend(&bench, &placed, renamed()).read::<Order>();
    confirm().refused(ProblemType::WrongState);
    let other = UnitForm { credit_code: "91000000MA0000002W".into(), ..renamed() };
    amend(&bench, &placed, other).refused(ProblemType::InvalidFields);
    bench.press(&at(&placed, "cancel"), token(&placed)).read::<Order>();
    assert_eq!(bench.open_change(&key).status, 201);
}

#[test]
fn the_registry_confirms_a_name() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    let placed: Placed = bench.open_change(&key).read();
    let confirm = || bench.press(&at(&placed, "confirm"), token(&placed));
    let registry = |outcome| bench.post("/_sim/registry", "", &NextRegistry { outcome }).done();
    amend(&bench, &placed, renamed()).read::<Order>();
    bench.verified(&placed, HANDLER_PHONE).read::<Order>();
    registry(IdentityOutcome::Mismatch);
    assert_eq!(confirm().refused(ProblemType::RegistryMismatch).tries_left, Some(4));
    registry(IdentityOutcome::Unavailable);
    confirm().refused(ProblemType::ProviderUnavailable);
    bench.download(&placed, "DEV0001", &key_pair("new")).refused(ProblemType::WrongState);
    for _ in 0..2 {
        assert_eq!(confirm().read::<Order>().state, OrderState::Ready);
    }
    let new = bench.rewritten(&placed, &key, "new");
    let (old, cert) = (key.response.sign_certificate(), new.response.sign_certificate());
    assert_eq!(cert.subject().common_name(), Some("示例科技集团有限公司"));
    assert_eq!(cert.not_after(), old.not_after(), "a change gives no time");
    bench.login(&key).refused(ProblemType::CertificateRevoked);
    let session: Session = bench.login(&new).read();
    assert_eq!(session.me.name, "示例科技集团有限公司");
}

#[test]
fn the_review_passes_a_name_where_the_profile_wants_it() {
    let bench = Bench::new("yunshan");
    let key = bench.unit_key();
    let placed: Placed = bench.open_change(&key).read();
    amend(&bench, &placed, renamed()).read::<Order>();
    bench.verified(&placed, HANDLER_PHONE).read::<Order>();
    let order: Order = bench.press(&at(&placed, "confirm"), token(&placed)).read();
    assert_eq!(order.state, OrderState::Confirmed);
    let wanted: Vec<_> = order.papers.iter().map(|paper| paper.paper).collect();
    assert_eq!(wanted, [Paper::BusinessLicence, Paper::Authorisation]);
    let placed = Placed { order, ..placed };
    let submit = || bench.press(&at(&placed, "submit"), token(&placed));
    submit().refused(ProblemType::PaperMissing);
    bench.upload_papers(&placed);
    for _ in 0..2 {
        assert_eq!(submit().read::<Order>().state, OrderState::InReview);
    }
    bench.decide(&placed, Decision::Return, Some("营业执照不清楚")).read::<Order>();
    bench.press(&at(&placed, "confirm"), token(&placed)).read::<Order>();
    bench.upload_papers(&placed);
    submit().read::<Order>();
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    bench.rewritten(&placed, &key, "new");
    // Another change is refused by the desk, and the certificate stays.
    let bench = Bench::new("yunshan");
    let key = bench.unit_key();
    let placed: Placed = bench.open_change(&key).read();
    amend(&bench, &placed, renamed()).read::<Order>();
    bench.verified(&placed, HANDLER_PHONE).read::<Order>();
    let order: Order = bench.press(&at(&placed, "confirm"), token(&placed)).read();
    let placed = Placed { order, ..placed };
    bench.upload_papers(&placed);
    bench.press(&at(&placed, "submit"), token(&placed)).read::<Order>();
    bench.decide(&placed, Decision::Refuse, Some("名称不符")).read::<Order>();
    bench.download(&placed, "DEV0001", &key_pair("new")).refused(ProblemType::WrongState);
    bench.login(&key).read::<Session>();
}

#[test]
fn an_expired_certificate_is_not_changed() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    bench.wait(366 * 86_400);
    bench.open_change(&key).refused(ProblemType::CertificateExpired);
}

#[test]
fn a_lapsed_verification_changes_nothing() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    let placed: Placed = bench.open_change(&key).read();
    let mut form = unit_form();
    form.handler.phone = "13800009999".into();
    amend(&bench, &placed, form).read::<Order>();
    bench.verified(&placed, HANDLER_PHONE).read::<Order>();
    bench.wait(30 * 60);
    let confirm = || bench.press(&at(&placed, "confirm"), token(&placed));
    assert_eq!(confirm().refused(ProblemType::WrongState).state, Some(OrderState::Draft));
    bench.verified(&placed, HANDLER_PHONE).read::<Order>();
    assert_eq!(confirm().read::<Order>().state, OrderState::Completed);
}
