//! Unlocking a key: every lane, every refusal, to the key that works again.
#![cfg(feature = "server")]

mod support;

use support::*;
use ukey_hall::api::*;

const CHALLENGE: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

fn entry(code: &str) -> CodeEntry {
    CodeEntry { code: code.into() }
}

#[test]
fn the_paid_lane_by_sms() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let reply = bench.open_unlock(&key);
    assert_eq!(reply.status, 201);
    let placed: Placed = reply.read();
    assert_eq!(placed.order.state, OrderState::Unpaid);
    assert_eq!(placed.order.fee.item, "证书【示例科技有限公司】解锁费用");
    assert_eq!((placed.order.fee.discount_fen, placed.order.fee.total_fen), (0, 3000));
    let unlock = placed.order.unlock.as_ref().unwrap();
    assert_eq!((unlock.phone.as_str(), unlock.phone_completion), ("1380000", true));
    bench.post(&un(&placed, "code"), token(&placed), &PhoneEntry::default()).refused(ProblemType::WrongState);
    bench.unblock(&placed, CHALLENGE).refused(ProblemType::WrongState);

    bench.put(&at(&placed, "invoice"), token(&placed), &invoice_form()).read::<Invoice>();
    let ask = |agreed, way: &str| {
        bench.post(&at(&placed, "payment"), token(&placed), &PaymentRequest { way: way.into(), agreed })
    };
    ask(false, "alipay").refused(ProblemType::AgreementRequired);
    ask(true, "cash").refused(ProblemType::PaymentWayUnavailable);
    let payment: Payment = ask(true, "wechat").read();
    bench.pay(&payment, PaymentOutcome::Paid);

    // The assistant clicks 找回密码 again and finds the same order (U-11).
    let reply = bench.open_unlock(&key);
    assert_eq!(reply.status, 200);
    let again: Placed = reply.read();
    assert_eq!((&again.order.id, again.order.state), (&placed.order.id, OrderState::Verifying));
    assert_eq!(again.order.unlock.as_ref().unwrap().lanes, [Lane::Sms, Lane::Papers]);

    let placed = bench.verified_by_sms(&key, HANDLER_PHONE);
    let answer: UnblockAnswer = bench.unblock(&placed, CHALLENGE).read();
    assert_eq!(answer.one_time_pin.reveal().len(), 10);
    assert_eq!(key.unblocked(&answer, CHALLENGE).as_deref(), Some(answer.one_time_pin.reveal()));
    assert_eq!(key.unblocked(&answer, [0; 8]), None, "another challenge");
    assert_eq!((answer.application.as_str(), answer.container.as_str()), ("UKEY", "CERT1"));
    // The key was pulled: another challenge, the same PIN.
    let second: UnblockAnswer = bench.unblock(&placed, [9; 8]).read();
    assert_eq!(second.one_time_pin, answer.one_time_pin);
    assert_eq!(key.unblocked(&second, [9; 8]).as_deref(), Some(answer.one_time_pin.reveal()));
    bench
        .post(
            &un(&placed, "cryptogram"),
            token(&placed),
            &CardChallenge { challenge: Hex(vec![1; 7]), sealing: None },
        )
        .refused(ProblemType::InvalidFields);

    let wrong = sign(&key_pair("another"), &unlock_message(&placed.order.id, &answer.nonce));
    let confirm =
        |signature| bench.post(&un(&placed, "confirm"), token(&placed), &Confirmation { signature });
    confirm(wrong).refused(ProblemType::BadSignature);
    confirm(Hex(vec![0; 64])).refused(ProblemType::BadSignature);
    confirm(Hex(vec![1; 63])).refused(ProblemType::InvalidFields);
    confirm(key.sign(&unlock_message(&placed.order.id, &Hex(vec![0; 32]))))
        .refused(ProblemType::BadSignature);
    let done: Order = bench.confirm_unlock(&placed, &key, &answer.nonce).read();
    assert_eq!((done.state, done.unlock.as_ref().unwrap().unlocked_before), (OrderState::Completed, 1));
    assert_eq!(
        bench.confirm_unlock(&placed, &key, &answer.nonce).read::<Order>(),
        done,
        "the same click twice"
    );
    bench.unblock(&placed, CHALLENGE).refused(ProblemType::WrongState);
    // The next time is another order.
    assert_eq!(bench.open_unlock(&key).status, 201);
}

#[test]
fn a_channel_may_be_free() {
    let bench = Bench::new("qinghe");
    let enrolment = Enrolment { channel: Some("partner".into()), form: unit() };
    let placed: Placed = bench.post("/api/enrolments", "", &enrolment).read();
    bench.post(&at(&placed, "identity"), token(&placed), &legal_phone()).read::<Order>();
    bench.press(&at(&placed, "confirm"), token(&placed)).read::<Order>();
    bench.upload_papers(&placed);
    bench.press(&at(&placed, "submit"), token(&placed)).read::<Order>();
    let code = bench.code(HANDLER_PHONE);
    bench.post(&at(&placed, "consent"), token(&placed), &CodeEntry { code }).read::<Order>();
    bench.pay(&bench.open_payment(&placed), PaymentOutcome::Paid);
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    let key = bench.produced(&placed, "DEV0001");
    let placed: Placed = bench.open_unlock(&key).read();
    assert_eq!((placed.order.state, placed.order.fee.total_fen), (OrderState::Verifying, 0));
    bench
        .post(&at(&placed, "payment"), token(&placed), &PaymentRequest { way: "alipay".into(), agreed: true })
        .refused(ProblemType::WrongState);
}

fn paid(bench: &Bench, key: &Key) -> Placed {
    let placed: Placed = bench.open_unlock(key).read();
    bench.pay(&bench.open_payment(&placed), PaymentOutcome::Paid);
    placed
}

#[test]
fn a_phone_number_is_completed_a_few_times_a_day() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let placed = paid(&bench, &key);
    let ask = |phone: &str| {
        bench.post(&un(&placed, "code"), token(&placed), &PhoneEntry { phone: Some(phone.into()) })
    };
    let verify = |code: &str| bench.post(&un(&placed, "code/verify"), token(&placed), &entry(code));
    verify("123456").refused(ProblemType::CodeNotSent);
    bench
        .post(&un(&placed, "code"), token(&placed), &PhoneEntry::default())
        .refused(ProblemType::InvalidFields);
    for left in (0..5).rev() {
        assert_eq!(ask("13800009999").refused(ProblemType::WrongPhone).tries_left, Some(left));
    }
    let locked = ask(HANDLER_PHONE).refused(ProblemType::PhoneLocked);
    // A new order gives no new tries.
    bench.press(&at(&placed, "cancel"), token(&placed)).read::<Order>();
    let placed = paid(&bench, &key);
    let ask = |phone: &str| {
        bench.post(&un(&placed, "code"), token(&placed), &PhoneEntry { phone: Some(phone.into()) })
    };
    ask(HANDLER_PHONE).refused(ProblemType::PhoneLocked);
    assert!(bench.outbox("13800009999").is_empty());
    bench.wait(locked.retry_after.unwrap());
    let sent: CodeSent = ask(HANDLER_PHONE).read();
    assert_eq!((sent.sent_to.as_str(), sent.length, sent.retry_after), ("138****1111", 6, 60));
    ask(HANDLER_PHONE).refused(ProblemType::CodeTooSoon);
    let verify = |code: &str| bench.post(&un(&placed, "code/verify"), token(&placed), &entry(code));
    assert_eq!(verify("x").refused(ProblemType::WrongCode).tries_left, Some(4));
    bench.wait(300);
    verify(bench.code(HANDLER_PHONE).reveal()).refused(ProblemType::CodeExpired);
    ask(HANDLER_PHONE).read::<CodeSent>();
    verify(bench.code(HANDLER_PHONE).reveal()).read::<Order>();
    bench
        .post(&un(&placed, "identity"), token(&placed), &legal_phone())
        .refused(ProblemType::LaneUnavailable);
}

#[test]
fn a_verification_lapses_and_keeps_the_pin() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let placed = bench.verified_by_sms(&key, HANDLER_PHONE);
    let answer: UnblockAnswer = bench.unblock(&placed, CHALLENGE).read();
    bench.wait(30 * 60);
    bench.unblock(&placed, CHALLENGE).refused(ProblemType::WrongState);
    assert_eq!(bench.order(&placed).state, OrderState::Verifying);
    let again = bench.verified_by_sms(&key, HANDLER_PHONE);
    assert_eq!(again.order.id, placed.order.id);
    let second: UnblockAnswer = bench.unblock(&again, CHALLENGE).read();
    assert_eq!(second.one_time_pin, answer.one_time_pin);
    // The key works, and says so only after the verification has lapsed once more.
    bench.wait(30 * 60);
    assert_eq!(bench.order(&placed).state, OrderState::Verifying);
    let done: Order = bench.confirm_unlock(&placed, &key, &second.nonce).read();
    assert_eq!(done.state, OrderState::Completed);
}

#[test]
fn who_opens_the_order_again_goes_on_and_cannot_cancel() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let begun: Placed = bench.open_unlock(&key).read();
    bench.press(&at(&begun, "cancel"), token(&begun)).read::<Order>();

    let holder = bench.verified_by_sms(&key, HANDLER_PHONE);
    let answer: UnblockAnswer = bench.unblock(&holder, CHALLENGE).read();
    let newcomer: Placed = bench.open_unlock(&key).read();
    assert_eq!((&newcomer.order.id, newcomer.order.state), (&holder.order.id, OrderState::Verified));
    let cancel = |placed: &Placed| bench.press(&at(placed, "cancel"), token(placed));
    cancel(&newcomer).refused(ProblemType::Forbidden);
    assert_eq!(cancel(&holder).refused(ProblemType::WrongState).state, Some(OrderState::Verified));
    // Nor after the verification has lapsed: the key may have the one-time PIN.
    bench.wait(30 * 60);
    assert_eq!(bench.order(&holder).state, OrderState::Verifying);
    cancel(&newcomer).refused(ProblemType::Forbidden);
    assert!(cancel(&holder).refused(ProblemType::WrongState).detail_zh.contains("一次性口令"));
    bench.unblock(&newcomer, CHALLENGE).refused(ProblemType::WrongState);

    let again = bench.verified_by_sms(&key, HANDLER_PHONE);
    let second: UnblockAnswer = bench.unblock(&newcomer, [9; 8]).read();
    assert_eq!(second.one_time_pin, answer.one_time_pin, "the key may have it");
    // Only the key ends it.
    let forged = sign(&key_pair("another"), &unlock_message(&newcomer.order.id, &second.nonce));
    bench
        .post(&un(&newcomer, "confirm"), token(&newcomer), &Confirmation { signature: forged })
        .refused(ProblemType::BadSignature);
    bench.confirm_unlock(&again, &key, &second.nonce).read::<Order>();
    cancel(&holder).refused(ProblemType::WrongState);
}

#[test]
fn the_papers_lane_with_a_telephone_call() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let placed = paid(&bench, &key);
    let send = || bench.press(&un(&placed, "papers"), token(&placed));
    let authenticate = |code: &str| bench.post(&un(&placed, "authenticate"), token(&placed), &entry(code));
    let decide = |code: &str, approve, reason: Option<&str>| {
        let told = CallDecision { code: code.into(), approve, reason: reason.map(Into::into) };
        bench.post("/api/desk/call/decision", "desk-call-centre", &told)
    };
    authenticate("123456").refused(ProblemType::CodeNotSent);
    assert_eq!(send().refused(ProblemType::PaperMissing).fields.len(), 2);
    bench.upload_papers(&placed);
    let order: Order = send().read();
    assert_eq!(order.state, OrderState::PapersSubmitted);
    let shown = order.unlock.unwrap().unlock_code.unwrap();
    let code = shown.code.reveal();
    assert_eq!(code.len(), 6);
    assert_eq!(
        send().read::<Order>().unlock.unwrap().unlock_code.as_ref(),
        Some(&shown),
        "the same click twice"
    );

    authenticate(code).refused(ProblemType::NotYetApproved);
    assert_eq!(authenticate("xxxxxx").refused(ProblemType::WrongCode).tries_left, Some(4));
    decide("xxxxxx", true, None).refused(ProblemType::NotFound);
    let seen: Order = bench.post("/api/desk/call/lookup", "desk-call-centre", &entry(code)).read();
    assert_eq!(seen.id, placed.order.id);
    assert!(seen.unlock.unwrap().unlock_code.is_none(), "a desk hears the code, it does not read it");
    let paper = bench.get(&at(&placed, "papers/business-licence"), "desk-call-centre");
    assert_eq!(paper.body, GIF);
    decide(code, false, None).refused(ProblemType::InvalidFields);
    decide(code, false, Some("未加盖公章")).read::<Order>();
    decide(code, true, None).refused(ProblemType::AlreadyDecided);
    assert!(authenticate(code).refused(ProblemType::PapersRefused).detail_zh.contains("未加盖公章"));

    // Papers again, this time the call comes too late.
    bench.upload_papers(&placed);
    let order: Order = send().read();
    let late = order.unlock.unwrap().unlock_code.unwrap().code;
    bench.wait(600);
    authenticate(late.reveal()).refused(ProblemType::CodeExpired);
    decide(late.reveal(), true, None).refused(ProblemType::NotFound);
    assert!(bench.order(&placed).unlock.unwrap().unlock_code.is_none());

    let order: Order = send().read();
    let code = order.unlock.unwrap().unlock_code.unwrap().code;
    decide(code.reveal(), true, None).read::<Order>();
    decide(code.reveal(), true, None).read::<Order>();
    assert_eq!(bench.order(&placed).state, OrderState::PapersApproved);
    let order: Order = authenticate(code.reveal()).read();
    assert_eq!(order.state, OrderState::Verified);
    let answer: UnblockAnswer = bench.unblock(&placed, CHALLENGE).read();
    bench.confirm_unlock(&placed, &key, &answer.nonce).read::<Order>();
    authenticate(code.reveal()).refused(ProblemType::CodeUsed);
}

#[test]
fn an_unlock_code_has_a_few_tries() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let placed = paid(&bench, &key);
    bench.upload_papers(&placed);
    let order: Order = bench.press(&un(&placed, "papers"), token(&placed)).read();
    let code = order.unlock.unwrap().unlock_code.unwrap().code;
    for _ in 0..5 {
        bench.post(&un(&placed, "authenticate"), token(&placed), &entry("x")).refused(ProblemType::WrongCode);
    }
    bench
        .post(&un(&placed, "authenticate"), token(&placed), &CodeEntry { code: code.clone() })
        .refused(ProblemType::CodeExhausted);
    bench
        .post(
            "/api/desk/call/decision",
            "desk-call-centre",
            &CallDecision { code, approve: true, reason: None },
        )
        .refused(ProblemType::NotFound);
    // The phone was remembered after all.
    let placed = bench.verified_by_sms(&key, HANDLER_PHONE);
    bench.unblock(&placed, CHALLENGE).read::<UnblockAnswer>();
}

#[test]
fn the_first_unlock_needs_an_identity_check() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    let placed: Placed = bench.open_unlock(&key).read();
    assert_eq!(placed.order.state, OrderState::IdentityWanted);
    let unlock = placed.order.unlock.as_ref().unwrap();
    assert_eq!((unlock.lanes.as_slice(), unlock.identity_ways.len()), ([Lane::Identity].as_slice(), 3));
    assert_eq!((unlock.phone.as_str(), unlock.phone_completion), ("138****1111", false));
    let code = bench.post(&un(&placed, "code"), token(&placed), &PhoneEntry::default());
    code.refused(ProblemType::IdentityRequired);
    bench.press(&un(&placed, "papers"), token(&placed)).refused(ProblemType::IdentityRequired);
    bench.unblock(&placed, CHALLENGE).refused(ProblemType::WrongState);

    bench.expect_identity(IdentityOutcome::Mismatch);
    let identify = |check: &IdentityCheck| bench.post(&un(&placed, "identity"), token(&placed), check);
    identify(&legal_phone()).refused(ProblemType::IdentityFailed);
    let authorise = |code: &str| bench.post(&un(&placed, "authorisation"), token(&placed), &entry(code));
    authorise("12345678").refused(ProblemType::WrongState);
    let account = "320000000000000001";
    let remittance =
        IdentityCheck::CompanyRemittance { bank: "示例银行".into(), account: account.into() };
    let sent: CodeSent = identify(&remittance).read();
    assert_eq!((sent.length, sent.sent_to.as_str()), (8, "320***********0001"));
    assert_eq!(bench.outbox(account)[0].kind, MessageKind::Remittance);
    identify(&remittance).refused(ProblemType::CodeTooSoon);
    assert_eq!(authorise("x").refused(ProblemType::WrongCode).tries_left, Some(4));
    bench.wait(1800);
    authorise(bench.code(account).reveal()).refused(ProblemType::CodeExpired);
    identify(&legal_phone()).read::<CodeSent>();
    let order: Order = authorise(bench.code(LEGAL_PHONE).reveal()).read();
    assert_eq!(order.state, OrderState::Verified);
    let answer: UnblockAnswer = bench.unblock(&placed, CHALLENGE).read();
    assert_eq!(answer.application, "LMCA");
    bench.confirm_unlock(&placed, &key, &answer.nonce).read::<Order>();

    // The second time the phone is enough, and the number is not asked for.
    let placed: Placed = bench.open_unlock(&key).read();
    assert_eq!(placed.order.state, OrderState::Verifying);
    bench.post(&un(&placed, "code"), token(&placed), &PhoneEntry::default()).read::<CodeSent>();
    let code = bench.code(HANDLER_PHONE);
    bench.post(&un(&placed, "code/verify"), token(&placed), &CodeEntry { code }).read::<Order>();
}

#[test]
fn a_lapsed_first_unlock_is_compelled_again() {
    let bench = Bench::new("luming");
    let key = bench.unit_key();
    let placed: Placed = bench.open_unlock(&key).read();
    bench.post(&un(&placed, "identity"), token(&placed), &legal_phone()).read::<CodeSent>();
    let code = bench.code(LEGAL_PHONE);
    bench.post(&un(&placed, "authorisation"), token(&placed), &CodeEntry { code }).read::<Order>();
    bench.wait(30 * 60);
    assert_eq!(bench.order(&placed).state, OrderState::IdentityWanted);
}

#[test]
fn only_the_right_key_of_this_authority_opens_an_order() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let open = |request: &UnlockRequest| bench.post("/api/unlocks", "", request);
    let der = key.response.sign_certificate().der();
    let request = |certificate: &[u8], device: &str| UnlockRequest {
        certificate: Some(certificate.into()),
        serial: None,
        device_serial: device.into(),
    };
    // Another key and an unknown certificate are one answer.
    open(&request(der, "DEV0002")).refused(ProblemType::KeyUnknown);
    open(&request(&der[1..], "DEV0001")).refused(ProblemType::MalformedCertificate);
    let mut bent = der.to_vec();
    *bent.last_mut().unwrap() ^= 1;
    open(&request(&bent, "DEV0001")).refused(ProblemType::UntrustedCertificate);
    let foreign =
        Bench::with(ukey_hall::Config::simulated(ukey_hall::Profile::built_in("qinghe").unwrap(), 99));
    let other = foreign.unit_key();
    open(&request(other.response.sign_certificate().der(), "DEV0001"))
        .refused(ProblemType::UntrustedCertificate);
    let encryption = key.response.encryption_certificate().unwrap();
    open(&request(encryption.der(), "DEV0001")).refused(ProblemType::KeyUnknown);
    let by_serial = |serial: &str| UnlockRequest {
        certificate: None,
        serial: Some(serial.into()),
        device_serial: "DEV0001".into(),
    };
    open(&by_serial("xyz")).refused(ProblemType::InvalidFields);
    open(&by_serial("0123456789")).refused(ProblemType::KeyUnknown);
    open(&UnlockRequest { device_serial: "DEV0001".into(), ..UnlockRequest::default() })
        .refused(ProblemType::InvalidFields);
    open(&by_serial(&key.serial.to_lowercase())).read::<Placed>();
}

#[test]
fn who_takes_an_order_up_with_a_keys_label_reads_nothing_of_it_until_verified() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let holder: Placed = bench.open_unlock(&key).read();
    bench.put(&at(&holder, "invoice"), token(&holder), &invoice_form()).read::<Invoice>();
    bench.pay(&bench.open_payment(&holder), PaymentOutcome::Paid);
    bench.upload_papers(&holder);
    let order: Order = bench.press(&un(&holder, "papers"), token(&holder)).read();
    let code = order.unlock.unwrap().unlock_code.unwrap().code;
    assert!(order.invoice.is_some());

    let newcomer: Placed = bench.open_unlock(&key).read();
    assert_eq!(newcomer.order.id, holder.order.id);
    let shown =
        |order: &Order| (order.invoice.is_some(), order.unlock.as_ref().unwrap().unlock_code.is_some());
    let paper = |placed: &Placed| bench.get(&at(placed, "papers/business-licence"), token(placed));
    let invoice = |placed: &Placed| bench.get(&at(placed, "invoice"), token(placed));
    assert_eq!(shown(&newcomer.order), (false, false));
    assert_eq!(shown(&bench.order(&newcomer)), (false, false));
    paper(&newcomer).refused(ProblemType::Forbidden);
    invoice(&newcomer).refused(ProblemType::Forbidden);
    bench.press(&at(&newcomer, "cancel"), token(&newcomer)).refused(ProblemType::Forbidden);
    assert_eq!(paper(&holder).body, GIF);
    // Whoever holds the order's token is no newcomer.
    let request =
        UnlockRequest { certificate: None, serial: Some(key.serial.clone()), device_serial: key.device };
    let again: Placed = bench.post("/api/unlocks", token(&holder), &request).read();
    assert_eq!(shown(&again.order), (true, true));
    let again: Placed = bench.post("/api/unlocks", token(&newcomer), &request).read();
    assert_eq!(shown(&again.order), (false, false));
    // 确认上传 gives a newcomer another code, and the first is nobody's.
    let order: Order = bench.press(&un(&newcomer, "papers"), token(&newcomer)).read();
    let other = order.unlock.unwrap().unlock_code.unwrap().code;
    assert_ne!(other, code);
    assert_eq!(shown(&bench.order(&newcomer)), (false, true));
    assert_eq!(shown(&bench.order(&again)), (false, false));
    // The code to the phone on record shows who it is.
    bench
        .post(&un(&newcomer, "code"), token(&newcomer), &PhoneEntry { phone: Some(HANDLER_PHONE.into()) })
        .read::<CodeSent>();
    let code = bench.code(HANDLER_PHONE);
    let order: Order =
        bench.post(&un(&newcomer, "code/verify"), token(&newcomer), &CodeEntry { code }).read();
    assert!(order.invoice.is_some());
    assert_eq!(paper(&newcomer).body, GIF);
    invoice(&newcomer).read::<Invoice>();
    // It showed it of that newcomer, of nobody else.
    paper(&again).refused(ProblemType::Forbidden);
}

#[test]
fn which_key_has_which_certificate_is_not_tried_out() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let open = |device: &str| {
        let request = UnlockRequest {
            certificate: None,
            serial: Some(key.serial.clone()),
            device_serial: device.into(),
        };
        bench.post("/api/unlocks", "", &request)
    };
    for i in 2..32 {
        open(&format!("DEV{i:04}")).refused(ProblemType::KeyUnknown);
    }
    open("DEV0001").refused(ProblemType::TooManyAttempts);
    bench.wait(24 * 3600);
    open("DEV0001").read::<Placed>();
}
