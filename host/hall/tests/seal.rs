//! Seal changes, from the choice to the key that holds the seal.
#![cfg(feature = "server")]

mod support;

use support::{seals::*, *};
use ukey_hall::{Config, Profile, api::*};
use ukey_pki::{
    KeyPair,
    seal::{Seal, SealKind, SealVersion, SignerList, Trust, data_hash},
};

#[test]
fn a_paid_change_goes_from_the_choice_to_the_key() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let placed: Placed = ask(&bench, &key, SealChangeKind::Add, None).read();
    assert_eq!(placed.order.state, OrderState::Draft);
    assert_eq!(placed.order.fee.item, "证书【示例科技有限公司】签章变更费用");
    let papers: Vec<_> = placed.order.papers.iter().map(|paper| paper.paper).collect();
    assert_eq!(papers, [Paper::SealPicture]);
    bench.press(&at(&placed, "submit"), token(&placed)).refused(ProblemType::PaperMissing);
    picture(&bench, &placed, &good()).read::<PaperReceipt>();
    assert_eq!(submit(&bench, &placed).state, OrderState::Unpaid);
    let unread = PaymentRequest { way: "alipay".into(), agreed: false };
    let refusal =
        bench.post(&at(&placed, "payment"), token(&placed), &unread).refused(ProblemType::AgreementRequired);
    assert_eq!(refusal.detail_zh, "请阅读并同意《在线缴费协议》《电子认证证书服务条款》。");
    bench.put(&at(&placed, "invoice"), token(&placed), &invoice_form()).read::<Invoice>();
    let payment = bench.open_payment(&placed);
    bench.pay(&payment, PaymentOutcome::Paid);
    let order = bench.order(&placed);
    assert_eq!(order.state, OrderState::InReview);
    assert_eq!(order.review_due.unwrap().to_string(), "2026-03-05", "three working days from Monday");
    assert!(order.invoice.unwrap().due_at.is_some());

    make(&bench, &placed).refused(ProblemType::WrongState);
    let seen = bench.get(&at(&placed, "papers/seal-picture"), "desk-review");
    assert_eq!((seen.status, seen.kind.as_str(), &seen.body), (200, "image/png", &good()));
    bench.decide(&placed, Decision::Pass, None).read::<Order>();

    let answer: SealAnswer = make(&bench, &placed).read();
    assert_eq!(make(&bench, &placed).read::<SealAnswer>(), answer, "the same bytes again");
    let der = answer.seal.unwrap().0;
    let seal = Seal::from_der(&der).unwrap();
    seal.verify(&Trust::new(&authority(&bench)), now(&bench)).unwrap();
    let certificate = key.response.sign_certificate();
    assert!(seal.lists(certificate) && matches!(seal.signers(), SignerList::Certificates(_)));
    assert_eq!(
        (seal.version(), seal.kind(), seal.name()),
        (SealVersion::V4, SealKind::Unit, "示例科技有限公司")
    );
    assert_eq!(seal.period().not_after(), certificate.not_after());
    assert_eq!((seal.picture().data(), seal.picture().width_mm()), (&good()[..], 40));

    // Until the key shows that it holds the seal, it does not count.
    assert!(seals(&bench, &key).seals.is_empty());
    confirm(&bench, &placed, &key, &[]).refused(ProblemType::SealNotWritten);
    confirm(&bench, &placed, &key, &[b"another".to_vec()]).refused(ProblemType::SealNotWritten);
    let seals_told = vec![Hex(data_hash(&der).to_vec())];
    let signature = sign(&key_pair("STRANGER"), &seals_message(&placed.order.id, &seals_told));
    let forged = SealsWritten { seals: seals_told, signature };
    bench.post(&own(&placed, "confirm"), token(&placed), &forged).refused(ProblemType::BadSignature);
    let order: Order = confirm(&bench, &placed, &key, std::slice::from_ref(&der)).read();
    assert_eq!(order.state, OrderState::Completed);
    assert_eq!(confirm(&bench, &placed, &key, &[der]).read::<Order>().state, OrderState::Completed);
    make(&bench, &placed).refused(ProblemType::WrongState);
    let view = seals(&bench, &key);
    assert_eq!(
        view.seals.iter().map(|seal| (seal.id.as_str(), seal.current)).collect::<Vec<_>>(),
        [(seal.id(), true)]
    );
    assert!(view.orders.is_empty());
}

#[test]
fn a_free_change_waits_for_its_review_at_once_and_is_taken_up_again() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    let first = ask(&bench, &key, SealChangeKind::Add, None);
    let again = ask(&bench, &key, SealChangeKind::Add, None);
    assert_eq!((first.status, again.status), (201, 200));
    let (placed, taken_up): (Placed, Placed) = (first.read(), again.read());
    assert_eq!(placed.order.id, taken_up.order.id);
    picture(&bench, &placed, &good()).read::<PaperReceipt>();
    let order = submit(&bench, &placed);
    assert_eq!((order.state, order.payment), (OrderState::InReview, None));
    assert_eq!(submit(&bench, &placed).state, OrderState::InReview, "submitted twice, applied once");
    let order = bench.order(&placed);
    assert_eq!(order.history.iter().filter(|row| row.event == "application-submitted").count(), 1);
    // What is under review stays as it is.
    picture(&bench, &placed, &png(300, 300, true)).refused(ProblemType::WrongState);

    bench.decide(&placed, Decision::Return, Some("印模不清晰")).read::<Order>();
    make(&bench, &placed).refused(ProblemType::WrongState);
    bench.press(&at(&placed, "submit"), token(&placed)).refused(ProblemType::WrongState);
    picture(&bench, &placed, &png(300, 300, true)).read::<PaperReceipt>();
    assert_eq!(submit(&bench, &placed).state, OrderState::InReview);
    let seal = written(&bench, &placed, &key, &[]);
    assert_eq!(seal.picture().data(), png(300, 300, true));
    assert!(matches!(seal.signers(), SignerList::Digests(_)), "this authority lists digests");
}

#[test]
fn a_refused_change_is_refunded_and_two_desks_decide_once() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let placed = reviewed(&bench, &key, SealChangeKind::Add, None);
    bench.decide(&placed, Decision::Refuse, None).refused(ProblemType::InvalidFields);
    bench.decide(&placed, Decision::Refuse, Some("印模与单位名称不符")).read::<Order>();
    let order = bench.order(&placed);
    assert_eq!(order.state, OrderState::Refused);
    assert_eq!(order.payment.unwrap().state, PaymentState::Refunded);
    make(&bench, &placed).refused(ProblemType::WrongState);
    bench.decide(&placed, Decision::Pass, None).refused(ProblemType::AlreadyDecided);

    let mut config = Config::simulated(Profile::built_in("luming").unwrap(), 3);
    let mut second = config.desks[0].clone();
    (second.name, second.token) = ("second desk".into(), "desk-second".into());
    config.desks.push(second);
    let bench = Bench::with(config);
    let key = bench.unit_key();
    let placed = reviewed(&bench, &key, SealChangeKind::Add, None);
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    let path = format!("/api/desk/review/orders/{}/decision", placed.order.id);
    let told = ReviewDecision { decision: Decision::Refuse, reason: Some("晚了".into()) };
    bench.post(&path, "desk-second", &told).refused(ProblemType::AlreadyDecided);
    assert_eq!(bench.order(&placed).state, OrderState::Ready);
}

#[test]
fn pictures_that_break_a_rule_are_refused_with_the_rule() {
    use ProblemType::{PaperDamaged, PaperEmpty, PaperFormat, PaperTruncated, SealPicture, TooLarge};
    let bench = Bench::new("yunshan");
    let key = bench.unit_key();
    let placed: Placed = ask(&bench, &key, SealChangeKind::Add, None).read();
    let cut = good()[..good().len() - 6].to_vec();
    let mut bent = good();
    bent[45] ^= 1;
    for (file, kind, zh) in [
        (Vec::new(), PaperEmpty, "空"),
        (b"%PDF-1.4 not a picture".to_vec(), PaperFormat, "GIF"),
        (GIF.to_vec(), PaperFormat, "GIF"),
        (cut, PaperTruncated, "不完整"),
        (bent, PaperDamaged, "损坏"),
        ([good(), vec![0; 20_480]].concat(), TooLarge, "20480"),
        (png(99, 400, true), SealPicture, "100"),
        (png(400, 1001, true), SealPicture, "1000"),
        (png(400, 400, false), SealPicture, "透明"),
    ] {
        let problem = picture(&bench, &placed, &file).refused(kind);
        assert!(problem.detail_zh.contains(zh), "{zh}: {}", problem.detail_zh);
        assert!(
            problem.detail.is_ascii() && problem.detail.contains("picture") || kind == PaperFormat,
            "{}",
            problem.detail
        );
    }
    bench.press(&at(&placed, "submit"), token(&placed)).refused(ProblemType::PaperMissing);
    picture(&bench, &placed, &png(800, 400, true)).read::<PaperReceipt>();
    assert_eq!(submit(&bench, &placed).state, OrderState::Unpaid);
    let payment = bench.open_payment(&placed);
    bench.pay(&payment, PaymentOutcome::Paid);
    let seal = written(&bench, &placed, &key, &[]);
    assert_eq!(seal.version(), SealVersion::V5);
    assert_eq!(
        (seal.picture().width_mm(), seal.picture().height_mm()),
        (40, 20),
        "the longer side is the profile's"
    );
}

#[test]
fn the_old_seal_counts_until_the_key_holds_the_new_one() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    let old = first_seal(&bench, &key);
    let placed = reviewed(&bench, &key, SealChangeKind::Replace, Some(old.id()));
    ask(&bench, &key, SealChangeKind::Delete, Some(old.id())).refused(ProblemType::SealChangeOpen);
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    let answer: SealAnswer = make(&bench, &placed).read();
    assert_eq!(answer.replaces.as_deref(), Some(old.id()));
    let new = answer.seal.unwrap().0;
    check(&bench, DOCUMENT, stamp(&bench, &old, &key).der()).read::<StampVerdict>();
    confirm(&bench, &placed, &key, &[old.der().to_vec(), new.clone()]).refused(ProblemType::SealNotWritten);
    confirm(&bench, &placed, &key, &[old.der().to_vec()]).refused(ProblemType::SealNotWritten);
    confirm(&bench, &placed, &key, std::slice::from_ref(&new)).read::<Order>();
    check(&bench, DOCUMENT, stamp(&bench, &old, &key).der()).refused(ProblemType::SealWithdrawn);
    let new = Seal::from_der(&new).unwrap();
    let verdict: StampVerdict = check(&bench, DOCUMENT, stamp(&bench, &new, &key).der()).read();
    assert_eq!((verdict.seal.as_str(), verdict.signer.as_str()), (new.id(), "示例科技有限公司"));

    // 删除: reviewed, free, nothing to upload.
    let gone: Placed = ask(&bench, &key, SealChangeKind::Delete, Some(new.id())).read();
    assert_eq!((gone.order.state, gone.order.fee.total_fen), (OrderState::InReview, 0));
    picture(&bench, &gone, &good()).refused(ProblemType::NotFound);
    bench.decide(&gone, Decision::Pass, None).read::<Order>();
    let answer: SealAnswer = make(&bench, &gone).read();
    assert_eq!((answer.seal, answer.replaces.as_deref()), (None, Some(new.id())));
    confirm(&bench, &gone, &key, &[new.der().to_vec()]).refused(ProblemType::SealNotWritten);
    confirm(&bench, &gone, &key, &[]).read::<Order>();
    assert!(seals(&bench, &key).seals.is_empty());
    check(&bench, DOCUMENT, stamp(&bench, &new, &key).der()).refused(ProblemType::NoSealPermission);
    ask(&bench, &key, SealChangeKind::Replace, Some(new.id())).refused(ProblemType::NotFound);
}

#[test]
fn a_deletion_that_came_back_is_applied_for_again() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    let seal = first_seal(&bench, &key);
    let gone: Placed = ask(&bench, &key, SealChangeKind::Delete, Some(seal.id())).read();
    bench.decide(&gone, Decision::Return, Some("请说明原因")).read::<Order>();
    assert_eq!(submit(&bench, &gone).state, OrderState::InReview);
    bench.decide(&gone, Decision::Pass, None).read::<Order>();
    make(&bench, &gone).read::<SealAnswer>();
    confirm(&bench, &gone, &key, &[]).read::<Order>();
    assert!(seals(&bench, &key).seals.is_empty());
}

#[test]
fn seals_and_changes_are_their_keys() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    let seal = first_seal(&bench, &key);
    let other = bench.enrolled(person(), holder_phone(), "DEV0002");
    for change in [SealChangeKind::Replace, SealChangeKind::Delete, SealChangeKind::Remake] {
        ask(&bench, &other, change, Some(seal.id())).refused(ProblemType::NotFound);
    }
    assert!(seals(&bench, &other).seals.is_empty());
    let mine = reviewed(&bench, &key, SealChangeKind::Replace, Some(seal.id()));
    let theirs = reviewed(&bench, &other, SealChangeKind::Add, None);
    for placed in [&mine, &theirs] {
        bench.decide(placed, Decision::Pass, None).read::<Order>();
    }
    // Another's token, another's session, no token, a desk's.
    for (bearer, kind) in [
        (token(&theirs).to_owned(), ProblemType::NotFound),
        (session(&bench, &other).0, ProblemType::NotFound),
        (String::new(), ProblemType::Unauthorised),
        ("desk-review".into(), ProblemType::Forbidden),
    ] {
        bench.press(&own(&mine, "seal"), &bearer).refused(kind);
    }
    // What a key signed for one order says nothing about another.
    let (one, two) = (make(&bench, &mine), make(&bench, &theirs));
    let held = one.read::<SealAnswer>().seal.unwrap().0;
    two.read::<SealAnswer>();
    let digests = vec![Hex(data_hash(&held).to_vec())];
    let signature = key.sign(&seals_message(&mine.order.id, &digests));
    let replay = SealsWritten { seals: digests, signature };
    bench.post(&own(&theirs, "confirm"), token(&theirs), &replay).refused(ProblemType::BadSignature);
    bench.post(&own(&mine, "confirm"), token(&mine), &replay).read::<Order>();

    bench.get("/api/seals", "").refused(ProblemType::Unauthorised);
    bench
        .post("/api/seals/changes", "", &request(SealChangeKind::Add, None))
        .refused(ProblemType::Unauthorised);
    bench.get("/api/seals", "desk-review").refused(ProblemType::Forbidden);
    bench.get("/api/seals", token(&mine)).refused(ProblemType::Forbidden);
    // An order of another kind has no seal.
    let enrolment = bench.place(unit());
    bench.press(&own(&enrolment, "seal"), token(&enrolment)).refused(ProblemType::NotFound);
}

#[test]
fn a_key_holds_so_many_seals_and_no_more() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    let mut held = Vec::new();
    for name in ["公章", "财务专用章", "合同专用章"] {
        let named =
            SealChangeRequest { name: Some(format!(" {name} ")), ..request(SealChangeKind::Add, None) };
        let placed: Placed = bench.post("/api/seals/changes", session(&bench, &key).reveal(), &named).read();
        picture(&bench, &placed, &good()).read::<PaperReceipt>();
        submit(&bench, &placed);
        let seal = written(&bench, &placed, &key, &held);
        assert_eq!(seal.name(), name);
        held.push(seal.der().to_vec());
    }
    let view = seals(&bench, &key);
    assert_eq!((view.seals.len(), view.most), (3, 3));
    ask(&bench, &key, SealChangeKind::Add, None).refused(ProblemType::SealLimit);
    let unnamed = SealChangeRequest {
        name: Some("  ".into()),
        ..request(SealChangeKind::Replace, Some(&view.seals[0].id))
    };
    bench
        .post("/api/seals/changes", session(&bench, &key).reveal(), &unnamed)
        .refused(ProblemType::InvalidFields);
    ask(&bench, &key, SealChangeKind::Replace, None).refused(ProblemType::InvalidFields);
    ask(&bench, &key, SealChangeKind::Add, Some(&view.seals[0].id)).refused(ProblemType::InvalidFields);
    ask(&bench, &key, SealChangeKind::Remake, Some(&view.seals[0].id)).refused(ProblemType::InvalidFields);
}

#[test]
fn what_the_portal_collects_is_reviewed_where_the_profile_says_so() {
    for (profile, state) in [("songtao", OrderState::Ready), ("luming", OrderState::InReview)] {
        let bench = Bench::new(profile);
        let key = bench.unit_key();
        let session = session(&bench, &key);
        let collect = |change| bench.post("/api/seals/collections", session.reveal(), &request(change, None));
        collect(SealChangeKind::Delete).refused(ProblemType::InvalidFields);
        let placed: Placed = collect(SealChangeKind::Add).read();
        picture(&bench, &placed, &good()).read::<PaperReceipt>();
        assert_eq!(submit(&bench, &placed).state, state, "{profile}");
        written(&bench, &placed, &key, &[]);
    }
    // The same authority reviews what is changed in the assistant.
    let bench = Bench::new("songtao");
    let key = bench.unit_key();
    first_seal(&bench, &key);
}

#[test]
fn a_picture_that_was_taken_stays_good_when_the_rules_grow_stricter() {
    let folder = tempfile::tempdir().unwrap();
    let config = |max_pixels: u32, millimetres: u8| {
        let mut profile = Profile::built_in("luming").unwrap();
        (profile.seal.max_pixels, profile.seal.millimetres) = (max_pixels, millimetres);
        let database = format!("sqlite:{}", folder.path().join("hall.db").display());
        Config { database, ..Config::simulated(profile, 5) }
    };
    let bench = Bench::with(config(1000, 40));
    let old = bench.unit_key();
    let seal = first_seal(&bench, &old);
    let replace = reviewed(&bench, &old, SealChangeKind::Add, None);
    bench.decide(&replace, Decision::Pass, None).read::<Order>();
    bench.wait(60);
    drop(bench);

    let bench = Bench::with(config(300, 20));
    let other: Placed = ask(&bench, &old, SealChangeKind::Replace, Some(seal.id())).read();
    picture(&bench, &other, &good()).refused(ProblemType::SealPicture);
    bench.press(&at(&other, "cancel"), token(&other)).read::<Order>();
    // What was reviewed is made, in the size of today.
    let added = written(&bench, &replace, &old, &[seal.der().to_vec()]);
    assert_eq!((added.picture().data(), added.picture().width_mm()), (&good()[..], 20));

    // What is made again is as it was.
    let held = bench.held(SubjectKind::Unit, UNIT_CODE, HANDLER_PHONE);
    let reissue: Placed = bench.reissue(&held, &old.serial, ReissueReason::Lost).read();
    bench.applied(&reissue, &legal_phone());
    bench.decide(&reissue, Decision::Pass, None).read::<Order>();
    let new = bench.produced(&reissue, "DEV0002");
    let token = session(&bench, &new);
    let mut remade = Vec::new();
    for order in seals(&bench, &new).orders {
        let placed = Placed { token: token.clone(), order };
        let beside: Vec<_> = remade.iter().map(|seal: &Seal| seal.der().to_vec()).collect();
        remade.push(written(&bench, &placed, &new, &beside));
    }
    for old in [&seal, &added] {
        assert!(remade.iter().any(|seal| seal.picture() == old.picture()), "{:?}", old.picture());
    }
}

#[test]
fn a_database_from_before_there_were_seals_gets_a_maker_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hall.db").display());
    let config =
        || Config { database: url.clone(), ..Config::simulated(Profile::built_in("luming").unwrap(), 5) };
    drop(Bench::with(config()));
    let database = folder.path().join("hall.db");
    let books = || rusqlite::Connection::open(&database).unwrap();
    let maker = || -> String {
        books().query_row("SELECT value FROM meta WHERE name = 'seal-maker'", [], |row| row.get(0)).unwrap()
    };
    let first = maker();
    assert!(!first.contains(&hex::encode(KeyPair::from_bytes(&[7; 32]).unwrap().to_bytes())), "sealed");
    books().execute("DELETE FROM meta WHERE name = 'seal-maker'", []).unwrap();
    let bench = Bench::with(config());
    let seal = first_seal(&bench, &bench.unit_key());
    seal.verify(&Trust::new(&authority(&bench)), now(&bench)).unwrap();
    drop(bench);
    let second = maker();
    assert_ne!(first, second);
    drop(Bench::with(config()));
    assert_eq!(maker(), second, "opened again, it stays");
}
