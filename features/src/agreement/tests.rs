//! The harness itself: every fact that it judges is spoiled once and has to be missed, and a driver that does not go on
//! has to be found out.

use std::fs;

use rusqlite::Connection;
use ukey_device::{Application, Device, FileInfo, KeyUse, PinType, Rights};
use ukey_flows::{FlowError, change::Changing, key::MyCertificate, pin, unlock::Unlocking};

use super::{
    flows::{
        Flow,
        change::{BY_REGISTRY, renamed},
        reissue, renew, seal,
        unlock::BY_SMS,
    },
    judge::{Difference, Expected, Fact, judge, word},
    point::{Interaction, Kind, Point},
    report::Report,
    run::{Options, RunError, record, run_flow, try_at},
    world::{Beginning, World},
};
use crate::stage::typed;

static UNLOCK: Flow = BY_SMS;
static RENEW: Flow = renew::FLOW;
static REISSUE: Flow = reissue::FLOW;
static SEAL: Flow = seal::ADD;
static CHANGE: Flow = BY_REGISTRY;

/// The flow's own order, and the certificate in force.
const ORDER: &str = "(SELECT id FROM orders WHERE kind = '{kind}')";
const IN_FORCE: &str = "(SELECT serial FROM certificates WHERE replaced_by IS NULL)";

/// Changes the hall's books behind its back; what stands for the flow's order, its kind and the certificate in force is
/// filled in.
fn books(world: &World, expected: &Expected, change: &str) {
    let change = change.replace("{order}", ORDER).replace("{in force}", IN_FORCE);
    let change = change.replace("{kind}", &word(expected.kind));
    let db = Connection::open(world.database()).unwrap();
    db.pragma_update(None, "foreign_keys", "off").unwrap();
    db.execute_batch(&change).unwrap();
    assert_eq!(db.changes(), 1, "{change}");
}

/// Changes the key behind the hall's back, as its user.
fn key(world: &World, expected: &Expected, change: fn(&Application<'_>, &str, &Expected)) {
    let device = Device::connect(world.key()).unwrap();
    let mine = MyCertificate::read(&device).unwrap();
    let application = mine.open_application(&device).unwrap();
    application.verify_pin(PinType::User, &typed(&expected.pin)).unwrap();
    change(&application, &mine.container, expected);
    application.clear_secure_state().unwrap();
}

/// What spoils a fact.
#[derive(Clone, Copy)]
enum Spoil {
    /// The hall's books.
    Books(&'static str),
    /// The key, as its user.
    Key(fn(&Application<'_>, &str, &Expected)),
    /// The key, without a right.
    Open(fn(&Application<'_>, &Expected)),
}

impl Spoil {
    fn spoil(self, world: &World, expected: &Expected) {
        match self {
            Self::Books(change) => books(world, expected, change),
            Self::Key(change) => key(world, expected, change),
            Self::Open(change) => {
                let device = Device::connect(world.key()).unwrap();
                let application = MyCertificate::read(&device).unwrap().open_application(&device).unwrap();
                change(&application, expected);
            }
        }
    }
}

/// What spoils a fact, each fact at least once, of every flow.
const SPOILED: &[(Fact, Spoil)] = &[
    (
        Fact::Database,
        Spoil::Books("INSERT INTO secrets (order_id, name, sealed) VALUES ('nowhere', 'nonce', x'00')"),
    ),
    (Fact::Order, Spoil::Books("UPDATE orders SET state = 'verified' WHERE id = {order}")),
    (Fact::Order, Spoil::Books("UPDATE orders SET open_key = 'mine' WHERE id = {order}")),
    (Fact::Order, Spoil::Books("UPDATE orders SET device_serial = '0' WHERE id = {order}")),
    (Fact::Order, Spoil::Books("UPDATE orders SET certificate_serial = '0' WHERE id = {order}")),
    (
        Fact::Order,
        Spoil::Books(
            "INSERT INTO orders SELECT 'copy', kind, state, version, subject_kind, subject_number, subject_name, \
             contact_phone, channel, price_fen, account, certificate_serial, device_serial, NULL, details, \
             created_at, updated_at FROM orders WHERE id = {order}",
        ),
    ),
    (
        Fact::History,
        Spoil::Books(
            "INSERT INTO history SELECT order_id, place + 1, at, event, to_state, to_state, actor FROM history \
             WHERE order_id = {order} ORDER BY place DESC LIMIT 1",
        ),
    ),
    (
        Fact::History,
        Spoil::Books(
            "DELETE FROM history WHERE order_id = {order} AND place = \
             (SELECT MAX(place) - 1 FROM history WHERE order_id = {order})",
        ),
    ),
    (Fact::Money, Spoil::Books("UPDATE payments SET state = 'refunded' WHERE order_id = {order}")),
    (Fact::Money, Spoil::Books("UPDATE payments SET state = 'refunded' WHERE order_id <> {order}")),
    (
        Fact::Money,
        Spoil::Books(
            "INSERT INTO payments SELECT 'P0', order_id, way, amount_fen, state, page, reference, opened_at, paid_at \
             FROM payments WHERE order_id = {order}",
        ),
    ),
    (Fact::Money, Spoil::Books("UPDATE payments SET amount_fen = 1 WHERE order_id = {order}")),
    (
        Fact::Secrets,
        Spoil::Books("INSERT INTO secrets SELECT id, 'one-time-pin', x'00' FROM orders WHERE id = {order}"),
    ),
    (
        Fact::Certificates,
        Spoil::Books(
            "UPDATE certificates SET encryption_certificate = certificate WHERE serial = {in force}",
        ),
    ),
    (
        Fact::Certificates,
        Spoil::Key(|application, container, _| {
            let container = application.open_container(container).unwrap();
            let sign = container.export_certificate(KeyUse::Sign).unwrap().unwrap();
            container.import_certificate(KeyUse::Encrypt, &sign).unwrap();
        }),
    ),
    (
        Fact::Certificates,
        Spoil::Key(|application, container, _| application.delete_container(container).unwrap()),
    ),
    (Fact::Issuing, Spoil::Books("INSERT INTO revoked (serial, at, reason) VALUES ('0', 0, 'none')")),
    (Fact::Issuing, Spoil::Books("UPDATE certificates SET replaced_by = '0' WHERE serial = {in force}")),
    (Fact::Vault, Spoil::Books("DELETE FROM issued_keys WHERE certificate_serial = {in force}")),
    (
        Fact::Revocations,
        Spoil::Books(
            "INSERT INTO revocation_lists (number, this_update, next_update, der) \
             VALUES (99, 0, 9999999999, x'00')",
        ),
    ),
    (
        Fact::Revocations,
        // From the next list on, somebody is revoked behind its back.
        Spoil::Books(
            "CREATE TRIGGER late AFTER INSERT ON revocation_lists BEGIN \
             INSERT INTO revoked (serial, at, reason) VALUES ('0', 0, 'superseded'); END; \
             UPDATE orders SET kind = kind WHERE id = {order}",
        ),
    ),
    (Fact::Unlocks, Spoil::Books("UPDATE certificates SET unlocks = unlocks + 1 WHERE serial = {in force}")),
    (Fact::Containers, Spoil::Key(|application, _, _| drop(application.create_container("LEFT").unwrap()))),
    (
        Fact::KeyPairs,
        Spoil::Key(|application, container, _| {
            application.open_container(container).unwrap().generate_key_pair().unwrap();
        }),
    ),
    (
        Fact::Seals,
        Spoil::Books(
            "INSERT INTO seals SELECT '0', id, subject_kind, subject_number, device_serial, '', \
             certificate_serial, x'00', x'00', 'held', 0, 0, NULL FROM orders WHERE id = {order}",
        ),
    ),
    (
        Fact::Seals,
        Spoil::Key(|application, _, _| {
            let info = FileInfo { size: 1, read: Rights::ANYONE, write: Rights::USER };
            application.create_file("SES_1.esl", info).unwrap();
        }),
    ),
    (
        Fact::Pin,
        Spoil::Key(|application, _, expected| {
            let (pin, other) = (typed(&expected.pin), typed("Bieren-1"));
            application.change_pin(PinType::User, &pin, &other).unwrap();
        }),
    ),
    (
        Fact::Pin,
        Spoil::Key(|application, _, expected| {
            let (pin, other) = (typed(&expected.pin), typed(&expected.other_pin));
            application.change_pin(PinType::User, &pin, &other).unwrap();
        }),
    ),
    (
        Fact::Tries,
        Spoil::Open(|application, _| {
            application.verify_pin(PinType::User, &typed("Bieren-1")).unwrap_err();
        }),
    ),
    (
        Fact::Rights,
        Spoil::Open(|application, expected| {
            application.verify_pin(PinType::User, &typed(&expected.pin)).unwrap();
        }),
    ),
    (
        Fact::Login,
        Spoil::Books(
            "INSERT INTO revoked (serial, at, reason) SELECT serial, not_before, 'superseded' FROM certificates \
             WHERE serial = {in force}",
        ),
    ),
];

/// What spoils a flow in which a certificate gives way to another.
const SPOILED_REPLACEMENT: &[(Fact, Spoil)] = &[
    (Fact::Issuing, Spoil::Books("UPDATE revoked SET reason = 'certificate-hold'")),
    (Fact::Issuing, Spoil::Books("UPDATE revoked SET reason = 'cessation-of-operation'")),
    (Fact::Issuing, Spoil::Books("DELETE FROM revoked")),
    (Fact::Issuing, Spoil::Books("UPDATE certificates SET replaced_by = NULL WHERE replaced_by IS NOT NULL")),
    (Fact::Issuing, Spoil::Books("UPDATE certificates SET order_id = 'none' WHERE serial = {in force}")),
    (Fact::Order, Spoil::Books("UPDATE orders SET certificate_serial = {in force} WHERE id = {order}")),
];

/// Spoils everything in turn, each time in a world of its own.
fn misses(flow: &'static Flow, spoiled: &[&[(Fact, Spoil)]]) {
    let beginning = Beginning::make(flow, 3).unwrap();
    let judged = |spoil: Option<Spoil>| {
        let mut world = beginning.world(None).unwrap();
        world.go_on().unwrap();
        spoil.into_iter().for_each(|spoil| spoil.spoil(&world, &beginning.expected));
        judge(&mut world, &beginning.expected).unwrap()
    };
    for (place, (fact, spoil)) in spoiled.iter().copied().flatten().enumerate() {
        let found = judged(Some(*spoil));
        assert!(found.iter().any(|found| found.fact == *fact), "{}, {place}: {fact:?}: {found:?}", flow.name);
    }
    assert_eq!(judged(None), [], "what nobody spoiled agrees");
}

#[test]
fn the_judge_misses_every_fact_that_was_spoiled() {
    for fact in Fact::ALL {
        assert!(SPOILED.iter().any(|(spoiled, _)| *spoiled == fact), "nothing spoils {fact:?}");
    }
    misses(&UNLOCK, &[SPOILED]);
}

#[test]
fn the_judge_misses_what_was_spoiled_of_a_renewal() {
    misses(&RENEW, &[SPOILED, SPOILED_REPLACEMENT]);
}

#[test]
fn the_judge_misses_what_was_spoiled_of_a_reissue() {
    misses(&REISSUE, &[SPOILED, SPOILED_REPLACEMENT]);
}

/// Ends the change and leaves the seal as it is.
fn forgets_the_seal(world: &mut World) -> Result<(), FlowError> {
    let (known, pin) = ([world.device()?], typed(&world.person.pin));
    let mut changing = Changing::begin_for(&world.client, &known, &pin, world.person.certificate())?;
    let order = changing.in_hand_mut();
    order.amend(&renamed(world.person.holder))?;
    world.ask_for_code(|| changing.send_code())?;
    changing.enter_code(&world.code(world.person.holder.phone(), "rewrite")?)?;
    changing.in_hand_mut().confirm()?;
    changing.write(&known, &pin)
}

#[test]
fn the_judge_misses_every_seal_that_was_spoiled() {
    let delete = Spoil::Key(|application, _, _| {
        for file in application.files().unwrap().iter().filter(|file| file.starts_with("SES_")) {
            application.delete_file(file).unwrap();
        }
    });
    let deleted = Spoil::Books("UPDATE seals SET status = 'deleted' WHERE status = 'held'");
    let spoiled: [(&[Spoil], &str); 5] = [
        (&[Spoil::Books("UPDATE seals SET der = picture")], "is not one that the hall says it holds"),
        (&[deleted], "the key holds 1 seals, the hall says 0"),
        (&[Spoil::Books("UPDATE seals SET device_serial = '0'")], "the key holds 1 seals, the hall says 0"),
        (&[delete], "the key holds 0 seals, the hall says 1"),
        (&[delete, deleted], "the key holds 0 seals instead of 1"),
    ];
    let beginning = Beginning::make(&SEAL, 3).unwrap();
    for (spoils, told) in spoiled {
        let mut world = beginning.world(None).unwrap();
        world.go_on().unwrap();
        spoils.iter().for_each(|spoil| spoil.spoil(&world, &beginning.expected));
        let found = judge(&mut world, &beginning.expected).unwrap();
        let missed = |found: &Difference| found.fact == Fact::Seals && found.what.contains(told);
        assert!(found.iter().any(missed), "{told}: {found:?}");
    }

    static FORGETS: Flow = Flow { name: "forgets-the-seal", go_on: forgets_the_seal, ..BY_REGISTRY };
    let told = |flow| record(&Beginning::make(flow, 3).unwrap()).map_err(|error| error.to_string());
    let error = told(&FORGETS).unwrap_err();
    assert!(error.contains("does not list the certificate in force"), "{error}");
    told(&CHANGE).unwrap();
}

/// Takes the key's word for it: who can sign with the new PIN looks no further.
fn trusts_the_key(world: &mut World) -> Result<(), FlowError> {
    let device = world.device()?;
    let locked = MyCertificate::read(device)?.tries_left == 0;
    if !locked && pin::check(device, &world.new_pin()).is_ok() { Ok(()) } else { (UNLOCK.go_on)(world) }
}

/// Does not look whether the unlock is done, and begins another.
fn begins_anew(world: &mut World) -> Result<(), FlowError> {
    Unlocking::begin(&world.client, &[world.device()?], None)?;
    (UNLOCK.go_on)(world)
}

static TRUSTS_THE_KEY: Flow = Flow { name: "trusts-the-key", go_on: trusts_the_key, ..BY_SMS };
static BEGINS_ANEW: Flow = Flow { name: "begins-anew", go_on: begins_anew, ..BY_SMS };

#[test]
fn a_driver_that_does_not_go_on_is_found_out() {
    let run = |flow, point| run_flow(flow, &Options { seed: 3, point: Some(point), ..Options::default() });
    // The flow ends with the confirmation: its four points are the last.
    let cases = [
        (&TRUSTS_THE_KEY, 3, "request lost", "order: "),
        (&BEGINS_ANEW, 2, "answer lost", "order: 2 orders"),
    ];
    for (flow, before_last, fault, differs) in cases {
        let Err(RunError::NoPoint { last, .. }) = run(flow, usize::MAX) else {
            panic!("there is no such point")
        };
        let report = run(flow, last - before_last).unwrap();
        let [found] = report.disagreements.as_slice() else { panic!("{report:?}") };
        assert!(found.fault.starts_with(fault) && found.fault.contains("/confirm"), "{found:?}");
        assert!(found.differences.iter().any(|difference| difference.starts_with(differs)), "{found:?}");
        let mut whole = Report::new(3);
        whole.flows.push(report);
        let again =
            format!("  again: ukey agreement --flow {} --seed 3 --point {}\n", flow.name, last - before_last);
        assert!(whole.to_text().contains(&again) && whole.disagreements() == 1, "{}", whole.to_text());
    }
}

#[test]
fn a_fault_that_does_not_happen_is_no_success() {
    let beginning = Beginning::make(&UNLOCK, 3).unwrap();
    let request = Interaction::Request("GET /api/nothing".into());
    let beyond = Point { at: 10_000, kind: Kind::RequestLost, operation: None, interaction: request.clone() };
    let found = try_at(&beginning, &beyond).unwrap();
    assert_eq!(found, ["fault: the flow ended before the fault (it came to its end)"]);

    let recorded = record(&beginning).unwrap();
    let at = recorded.iter().position(|step| matches!(step, Interaction::Request(_))).unwrap();
    let elsewhere = Point { at, ..beyond };
    let found = try_at(&beginning, &elsewhere).unwrap().join("");
    assert!(found.contains("another way") && found.contains("instead of GET /api/nothing"), "{found}");
    let key = Point { at, kind: Kind::KeyPulled, operation: None, interaction: request };
    assert!(try_at(&beginning, &key).unwrap().join("").starts_with("fault: "));

    // Another command of the key than the recorded one, and none where a request was.
    let exchange = |at: &usize| matches!(recorded[*at], Interaction::Exchange { .. });
    let at = (0..recorded.len()).find(exchange).unwrap();
    let other =
        (at..recorded.len()).find(|other| exchange(other) && !recorded[*other].is(&recorded[at])).unwrap();
    let interaction = recorded[other].clone();
    let strayed = Point { at, kind: Kind::KeyPulled, operation: None, interaction };
    let found = try_at(&beginning, &strayed).unwrap().join("");
    assert!(found.contains("another way") && found.contains("instead of"), "{found}");
}

/// A PIN is changed on the way, and nobody is kept out meanwhile.
fn writes_before_everybody(world: &mut World) -> Result<(), FlowError> {
    let device = world.device()?;
    let application = MyCertificate::read(device)?.open_application(device)?;
    if application.pin_info(PinType::User)?.remaining == 0 {
        application.verify_pin(PinType::Administrator, &typed("wrong-1")).unwrap_err();
    }
    (UNLOCK.go_on)(world)
}

#[test]
fn a_flow_that_writes_while_others_reach_the_key_is_found_out() {
    static SHARED: Flow = Flow { name: "shared", go_on: writes_before_everybody, ..BY_SMS };
    let Err(error) = record(&Beginning::make(&SHARED, 3).unwrap()) else { panic!("it was not found out") };
    assert!(error.to_string().contains("while others reach it"), "{error}");
}

#[test]
fn a_killed_hall_lives_on_in_its_log() {
    let beginning = Beginning::make(&UNLOCK, 3).unwrap();
    let recorded = record(&beginning).unwrap();
    let at = recorded
        .iter()
        .position(|step| matches!(step, Interaction::Request(name) if name == "POST /api/unlocks"))
        .unwrap();
    let interaction = recorded[at].clone();
    let point = Point { at, kind: Kind::HallKilledAfter, operation: None, interaction };
    let mut world = beginning.world(Some(point)).unwrap();
    world.go_on().unwrap_err();
    let remains = world.database().with_file_name("remains.db");
    let log = world.database().with_file_name("remains.db-wal");
    assert!(fs::metadata(&log).unwrap().len() > 0, "the order is in the log alone");
    let orders = |path| super::books::Books::read(path).unwrap().orders.len();
    let without_log = remains.with_file_name("without.db");
    fs::copy(&remains, &without_log).unwrap();
    assert_eq!(orders(&without_log), 1);
    world.recover().unwrap();
    world.go_on().unwrap();
    assert_eq!(judge(&mut world, &beginning.expected).unwrap(), []);
    assert_eq!(orders(&remains), 2);
}
