//! What happens beside the flows: desks at the same time, providers that fail, revoked certificates, the clock.
#![cfg(feature = "server")]

mod support;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};
use support::*;
use ukey_hall::{
    Clock, Config, Desk, DeskRole, Hall, Profile,
    api::*,
    gateway::{
        InvoiceData, Invoices, IssuedInvoice, Messages, Payments, Post, Reply as Told, Unavailable,
        simulated::World,
    },
};

fn config() -> Config {
    Config::simulated(Profile::built_in("qinghe").unwrap(), 5)
}

fn file(folder: &tempfile::TempDir) -> Config {
    Config { database: format!("sqlite:{}", folder.path().join("hall.db").display()), ..config() }
}

fn books(folder: &tempfile::TempDir) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.path().join("hall.db")).unwrap()
}

#[test]
fn of_many_desks_at_once_one_decides() {
    const DESKS: usize = 6;
    let mut config = config();
    config.desks.extend((0..DESKS).map(|i| Desk {
        name: format!("review desk {i}"),
        role: DeskRole::Review,
        token: Secret(format!("token {i}")),
    }));
    let bench = Bench::with(config);
    let placed = bench.in_review(unit(), legal_phone());
    let path = format!("/api/desk/review/orders/{}/decision", placed.order.id);
    let decided: Vec<bool> = std::thread::scope(|scope| {
        let decide = |i: usize| {
            let (bench, path) = (&bench, &path);
            scope.spawn(move || {
                let decision = if i.is_multiple_of(2) { Decision::Pass } else { Decision::Refuse };
                let told = ReviewDecision { decision, reason: Some("并行".into()) };
                let reply = bench.post(path, &format!("token {i}"), &told);
                if reply.status != 200 {
                    reply.refused(ProblemType::AlreadyDecided);
                }
                reply.status == 200
            })
        };
        let threads: Vec<_> = (0..DESKS).map(decide).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(decided.iter().filter(|done| **done).count(), 1);
    let reviews = bench.order(&placed).history.iter().filter(|row| row.event.starts_with("review-")).count();
    assert_eq!(reviews, 1);
}

#[test]
fn a_revoked_certificate_neither_logs_in_nor_is_unlocked() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::with(file(&folder));
    let key = bench.unit_key();
    let session: Session = bench.login(&key).read();
    let verified = bench.verified_by_sms(&key, HANDLER_PHONE);
    // By the authority itself: nobody asked for it.
    books(&folder)
        .execute("INSERT INTO revoked (serial, at, reason) VALUES ($1, 0, 'key-compromise')", [&key.serial])
        .unwrap();
    bench.login(&key).refused(ProblemType::CertificateRevoked);
    bench.open_unlock(&key).refused(ProblemType::CertificateRevoked);
    bench.unblock(&verified, [1; 8]).refused(ProblemType::CertificateRevoked);
    // The session ends with the certificate.
    bench.get("/api/me/certificates", session.token.reveal()).refused(ProblemType::CertificateRevoked);
}

#[test]
fn the_secrets_of_an_order_end_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::with(file(&folder));
    let kept =
        || -> i64 { books(&folder).query_row("SELECT COUNT(*) FROM secrets", [], |row| row.get(0)).unwrap() };
    let placed = bench.in_review(unit(), legal_phone());
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    assert_eq!(kept(), 1, "the initial PIN waits for its key");
    let key = bench.produced(&placed, "DEV0001");
    assert_eq!(kept(), 0);
    let placed = bench.verified_by_sms(&key, HANDLER_PHONE);
    assert_eq!(kept(), 2, "the one-time PIN and the nonce wait for the confirmation");
    let answer: UnblockAnswer = bench.unblock(&placed, [1; 8]).read();
    bench.confirm_unlock(&placed, &key, &answer.nonce).read::<Order>();
    assert_eq!(kept(), 0);
    let placed: Placed = bench.open_unlock(&key).read();
    bench.pay(&bench.open_payment(&placed), PaymentOutcome::Paid);
    bench.upload_papers(&placed);
    bench.press(&un(&placed, "papers"), token(&placed)).read::<Order>();
    assert_eq!(kept(), 1, "the unlock code");
    bench.press(&at(&placed, "cancel"), token(&placed)).read::<Order>();
    assert_eq!(kept(), 0);
}

#[test]
fn a_certificate_of_tomorrow_does_not_log_in() {
    let folder = tempfile::tempdir().unwrap();
    let start = config().clock.now();
    let key = {
        let tomorrow = Clock::virtual_at(start + jiff::SignedDuration::from_hours(24));
        Bench::with(Config { clock: tomorrow, ..file(&folder) }).unit_key()
    };
    let bench = Bench::with(Config { clock: Clock::virtual_at(start), ..file(&folder) });
    bench.login(&key).refused(ProblemType::CertificateNotYetValid);
}

#[test]
fn the_computers_clock_is_not_moved() {
    let bench = Bench::with(Config { clock: Clock::system(), ..config() });
    let advance = ClockAdvance { seconds: Some(1), to: None };
    bench.post("/_sim/clock", "", &advance).refused(ProblemType::ClockBackwards);
}

/// Takes messages once it is asked a second time.
#[derive(Default)]
struct Slow {
    awake: AtomicBool,
    taken: Mutex<Vec<OutboxMessage>>,
}

impl Messages for Slow {
    fn deliver<'a>(&'a self, message: &'a OutboxMessage) -> Told<'a, ()> {
        Box::pin(async move {
            if !self.awake.load(Ordering::SeqCst) {
                return Err(Unavailable { service: "SMS", simulated: false });
            }
            self.taken.lock().unwrap().push(message.clone());
            Ok(())
        })
    }
}

impl Post for Slow {
    fn take<'a>(&'a self, order: &'a str, _: &'a str, _: &'a str) -> Told<'a, String> {
        Box::pin(async move {
            let awake = self.awake.load(Ordering::SeqCst);
            if awake {
                Ok(format!("T{order}"))
            } else {
                Err(Unavailable { service: "post", simulated: false })
            }
        })
    }
}

#[test]
fn what_is_refused_half_way_has_not_happened() {
    let slow = Arc::new(Slow::default());
    let mut gateways = Arc::new(World::default()).gateways();
    gateways.post = slow.clone();
    let bench = Bench::serve(Hall::open_with(config(), gateways));
    let placed = bench.in_review(unit(), legal_phone());
    bench.decide(&placed, Decision::Pass, None).read::<Order>();
    let start = || bench.job(&placed, "start", &ProductionStart { device_serial: "DEV0001".into() });
    let person: Personalisation = start().read();
    let request = IssueRequest { device_serial: "DEV0001".into(), request: csr(&key_pair("DEV0001")).into() };
    bench.job(&placed, "issue", &request).read::<IssueAnswer>();
    let finish = || bench.job(&placed, "finish", &ProductionFinish { device_serial: "DEV0001".into() });
    finish().refused(ProblemType::ProviderUnavailable);
    // Nothing was forgotten and nothing moved.
    assert_eq!(start().read::<Personalisation>(), person);
    assert_eq!(bench.order(&placed).state, OrderState::Issued);
    slow.awake.store(true, Ordering::SeqCst);
    let job: ProductionJob = finish().read();
    assert_eq!(job.tracking, Some(format!("T{}", placed.order.id)));
}

/// Gives a payment back once, whoever asks again; its first answer is lost.
#[derive(Default)]
struct Deaf {
    asked: Mutex<Vec<(String, u32)>>,
}

impl Payments for Deaf {
    fn open<'a>(&'a self, payment: &'a str, _: &'a str, _: u32) -> Told<'a, String> {
        Box::pin(async move { Ok(format!("/_sim/payments/{payment}")) })
    }

    fn refund<'a>(&'a self, payment: &'a str, amount_fen: u32) -> Told<'a, ()> {
        Box::pin(async move {
            let mut asked = self.asked.lock().unwrap();
            asked.push((payment.to_owned(), amount_fen));
            if asked.len() == 1 { Err(Unavailable { service: "payment", simulated: false }) } else { Ok(()) }
        })
    }
}

#[test]
fn a_refund_whose_answer_was_lost_is_asked_for_by_the_same_name() {
    let deaf = Arc::new(Deaf::default());
    let mut gateways = Arc::new(World::default()).gateways();
    gateways.payments = deaf.clone();
    let bench = Bench::serve(Hall::open_with(config(), gateways));
    let placed = bench.in_review(unit(), legal_phone());
    let paid = bench.order(&placed).payment.unwrap();
    let refuse = || bench.decide(&placed, Decision::Refuse, Some("资料不符"));
    refuse().refused(ProblemType::ProviderUnavailable);
    let order = bench.order(&placed);
    assert_eq!((order.state, order.payment.unwrap().state), (OrderState::InReview, PaymentState::Paid));
    for _ in 0..2 {
        refuse().read::<Order>();
    }
    assert_eq!(bench.order(&placed).payment.unwrap().state, PaymentState::Refunded);
    let same = (paid.id, paid.amount_fen);
    assert_eq!(
        *deaf.asked.lock().unwrap(),
        [same.clone(), same],
        "one name for one payment, and no third time"
    );
}

/// Holds the first message that it is given until it is let go.
struct Held {
    entered: Mutex<std::sync::mpsc::Sender<()>>,
    go: tokio::sync::Semaphore,
    taken: Mutex<Vec<OutboxMessage>>,
}

impl Messages for Held {
    fn deliver<'a>(&'a self, message: &'a OutboxMessage) -> Told<'a, ()> {
        Box::pin(async move {
            let first = {
                let mut taken = self.taken.lock().unwrap();
                taken.push(message.clone());
                taken.len() == 1
            };
            if first {
                self.entered.lock().unwrap().send(()).unwrap();
                self.go.acquire().await.unwrap().forget();
            }
            Ok(())
        })
    }
}

#[test]
fn a_message_under_way_leaves_once_and_keeps_nobody_waiting() {
    let (entered, in_hand) = std::sync::mpsc::channel();
    let go = tokio::sync::Semaphore::new(0);
    let held = Arc::new(Held { entered: Mutex::new(entered), go, taken: Mutex::default() });
    let mut gateways = Arc::new(World::default()).gateways();
    gateways.messages = held.clone();
    let bench = Bench::serve(Hall::open_with(config(), gateways));
    let register = |account: &str, phone: &str| {
        let registration = Registration {
            kind: AccountKind::Enterprise,
            account: account.into(),
            name: "示例科技有限公司".into(),
            number: UNIT_CODE.into(),
            phone: phone.into(),
        };
        bench.post("/api/accounts", "", &registration).read::<Registered>();
    };
    let meanwhile = std::thread::scope(|scope| {
        scope.spawn(|| register("example01", HANDLER_PHONE));
        in_hand.recv().unwrap();
        // Whoever asks for something else meanwhile is answered, and takes no message out of the other's hand.
        bench.place(person());
        let meanwhile = held.taken.lock().unwrap().len();
        scope.spawn(|| register("example02", HOLDER_PHONE));
        scope.spawn(|| bench.run(bench.hall.run_due_jobs()));
        held.go.add_permits(1);
        meanwhile
    });
    assert_eq!(meanwhile, 1);
    let taken = held.taken.lock().unwrap();
    let mut recipients: Vec<_> = taken.iter().map(|message| message.recipient.as_str()).collect();
    recipients.sort_unstable();
    assert_eq!(recipients, [HOLDER_PHONE, HANDLER_PHONE], "each once");
}

/// Issues no invoice to the first order that asks, until it is told to.
#[derive(Default)]
struct Choosy {
    never: Mutex<Option<String>>,
    awake: AtomicBool,
}

impl Invoices for Choosy {
    fn issue<'a>(&'a self, data: &'a InvoiceData) -> Told<'a, IssuedInvoice> {
        Box::pin(async move {
            let never = self.never.lock().unwrap().get_or_insert_with(|| data.order.clone()).clone();
            if never == data.order && !self.awake.load(Ordering::SeqCst) {
                return Err(Unavailable { service: "e-invoice", simulated: false });
            }
            Ok(IssuedInvoice { number: format!("I{}", data.order) })
        })
    }
}

#[test]
fn an_invoice_that_fails_stops_neither_the_others_nor_the_notices() {
    let choosy = Arc::new(Choosy::default());
    let mut gateways = Arc::new(World::default()).gateways();
    gateways.invoices = choosy.clone();
    let bench = Bench::serve(Hall::open_with(config(), gateways));
    let key = bench.unit_key();
    // Invoices and a notice that fall due on one day.
    let notice = key.response.sign_certificate().not_after() - jiff::SignedDuration::from_hours(30 * 24);
    let before = notice - jiff::SignedDuration::from_hours(24);
    let to = |to| bench.post("/_sim/clock", "", &ClockAdvance { seconds: None, to: Some(to) });
    to(before).read::<ClockView>();
    let orders = [(unit(), legal_phone()), (person(), holder_phone())].map(|(form, check)| {
        let placed = bench.unpaid(form, check);
        bench.put(&at(&placed, "invoice"), token(&placed), &invoice_form()).read::<Invoice>();
        bench.pay(&bench.open_payment(&placed), PaymentOutcome::Paid);
        placed
    });
    let issued = || {
        let read = |placed: &Placed| -> Invoice {
            bench.get(&format!("/_sim/invoices/{}", placed.order.id), "").read()
        };
        orders.iter().filter(|placed| read(placed).issued_at.is_some()).count()
    };
    let notices = || bench.outbox(HANDLER_PHONE).iter().filter(|message| message.topic == "notice").count();
    let told = notices();
    to(notice + jiff::SignedDuration::from_hours(14 * 24)).read::<ClockView>();
    assert_eq!((issued(), notices()), (1, told + 1));
    choosy.awake.store(true, Ordering::SeqCst);
    bench.run(bench.hall.run_due_jobs());
    assert_eq!((issued(), notices()), (2, told + 1));
}

#[test]
fn a_message_waits_for_its_provider_and_is_then_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let slow = Arc::new(Slow::default());
    let mut gateways = Arc::new(World::default()).gateways();
    gateways.messages = slow.clone();
    let real = Config { simulation: false, ..file(&folder) };
    let registration = Registration {
        kind: AccountKind::Enterprise,
        account: "zhangsan".into(),
        name: "示例科技有限公司".into(),
        number: UNIT_CODE.into(),
        phone: HANDLER_PHONE.into(),
    };
    let bench = Bench::serve(Hall::open_with(real, gateways));
    bench.post("/api/accounts", "", &registration).read::<Registered>();
    assert!(slow.taken.lock().unwrap().is_empty());
    slow.awake.store(true, Ordering::SeqCst);
    bench.run(bench.hall.run_due_jobs());
    bench.run(bench.hall.run_due_jobs());
    let taken = slow.taken.lock().unwrap().clone();
    assert_eq!(taken.len(), 1, "delivered once");
    let login =
        PasswordLogin { account: "zhangsan".into(), password: Secret(taken[0].code.clone().unwrap()) };
    bench.post("/api/sessions/password", "", &login).read::<Session>();
    let left: i64 =
        books(&folder).query_row("SELECT MAX(LENGTH(sealed)) FROM outbox", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0, "its text is erased");
}
