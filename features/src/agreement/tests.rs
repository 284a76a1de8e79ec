//! The harness itself: every fact that it judges is spoiled once and has to be missed, and a driver that does not go on
//! has to be found out.

use std::fs;

use rusqlite::Connection;
use ukey_device::{Device, FileInfo, KeyUse, PinType, Rights};
use ukey_flows::{FlowError, key::MyCertificate, pin, unlock::Unlocking};

use super::{
    flows::{Flow, change::BY_REGISTRY, seal, unlock::BY_SMS},
    judge::{Difference, Fact, judge},
    point::{Interaction, Kind, Point},
    report::Report,
    run::{Options, RunError, record, run_flow, try_at},
    world::{Beginning, World},
};
use crate::stage::typed;

static UNLOCK: Flow = BY_SMS;
static SEAL: Flow = seal::FLOW;
static CHANGE: Flow = BY_REGISTRY;

/// Changes the hall's books behind its back.
fn books(world: &World, change: &'static str) {
    let db = Connection::open(world.database()).unwrap();
    db.pragma_update(None, "foreign_keys", "off").unwrap();
    db.execute_batch(change).unwrap();
    assert_eq!(db.changes(), 1, "{change}");
}

/// Changes the key behind the hall's back, as its user.
fn key(world: &World, change: impl FnOnce(&ukey_device::Application<'_>, &str)) {
    let device = Device::connect(world.key()).unwrap();
    let mine = MyCertificate::read(&device).unwrap();
    let application = mine.open_application(&device).unwrap();
    application.verify_pin(PinType::User, &world.new_pin()).unwrap();
    change(&application, &mine.container);
    application.clear_secure_state().unwrap();
}

type Spoil = fn(&World);

/// What spoils a fact, each fact at least once.
const SPOILED: &[(Fact, Spoil)] = &[
    (Fact::Database, |world| {
        books(world, "INSERT INTO secrets (order_id, name, sealed) VALUES ('nowhere', 'nonce', x'00')");
    }),
    (Fact::Order, |world| books(world, "UPDATE orders SET state = 'verified' WHERE kind = 'unlock'")),
    (Fact::Order, |world| books(world, "UPDATE orders SET open_key = 'mine' WHERE kind = 'unlock'")),
    (Fact::Order, |world| books(world, "UPDATE orders SET device_serial = '0' WHERE kind = 'unlock'")),
    (Fact::Order, |world| {
        books(
            world,
            "INSERT INTO orders SELECT 'copy', kind, state, version, subject_kind, subject_number, subject_name, \
             contact_phone, channel, price_fen, account, certificate_serial, device_serial, NULL, details, \
             created_at, updated_at FROM orders WHERE kind = 'unlock'",
        );
    }),
    (Fact::History, |world| {
        books(
            world,
            "INSERT INTO history SELECT order_id, place + 1, at, event, to_state, to_state, actor FROM history \
             WHERE event = 'key-confirmed'",
        );
    }),
    (Fact::History, |world| books(world, "DELETE FROM history WHERE event = 'code-verified'")),
    (Fact::Money, |world| {
        books(world, "UPDATE payments SET state = 'refunded' WHERE amount_fen = 3000");
    }),
    (Fact::Money, |world| {
        books(
            world,
            "INSERT INTO payments SELECT 'P0', order_id, way, amount_fen, state, page, reference, opened_at, paid_at \
             FROM payments WHERE amount_fen = 3000",
        );
    }),
    (Fact::Money, |world| books(world, "UPDATE payments SET amount_fen = 1 WHERE amount_fen = 3000")),
    (Fact::Secrets, |world| {
        books(
            world,
            "INSERT INTO secrets SELECT id, 'one-time-pin', x'00' FROM orders WHERE kind = 'unlock'",
        );
    }),
    (Fact::Certificates, |world| {
        books(world, "UPDATE certificates SET encryption_certificate = certificate");
    }),
    (Fact::Certificates, |world| {
        key(world, |application, container| {
            let container = application.open_container(container).unwrap();
            let sign = container.export_certificate(KeyUse::Sign).unwrap().unwrap();
            container.import_certificate(KeyUse::Encrypt, &sign).unwrap();
        });
    }),
    (Fact::Certificates, |world| {
        key(world, |application, container| application.delete_container(container).unwrap());
    }),
    (Fact::Issuing, |world| books(world, "INSERT INTO revoked (serial, at, reason) VALUES ('0', 0, 'none')")),
    (Fact::Issuing, |world| books(world, "UPDATE certificates SET replaced_by = '0'")),
    (Fact::Vault, |world| books(world, "DELETE FROM issued_keys")),
    (Fact::Revocations, |world| {
        books(
            world,
            "INSERT INTO revocation_lists (number, this_update, next_update, der) \
             VALUES (99, 0, 9999999999, x'00')",
        );
    }),
    (Fact::Revocations, |world| {
        // From the next list on, somebody is revoked behind its back.
        books(
            world,
            "CREATE TRIGGER late AFTER INSERT ON revocation_lists BEGIN \
             INSERT INTO revoked (serial, at, reason) VALUES ('0', 0, 'superseded'); END; \
             UPDATE orders SET kind = kind WHERE kind = 'unlock'",
        );
    }),
    (Fact::Unlocks, |world| books(world, "UPDATE certificates SET unlocks = unlocks + 1")),
    (Fact::Containers, |world| {
        key(world, |application, _| drop(application.create_container("LEFT").unwrap()));
    }),
    (Fact::KeyPairs, |world| {
        key(world, |application, container| {
            application.open_container(container).unwrap().generate_key_pair().unwrap();
        });
    }),
    (Fact::Seals, |world| {
        books(
            world,
            "INSERT INTO seals SELECT '0', id, subject_kind, subject_number, device_serial, '', \
             certificate_serial, x'00', x'00', 'held', 0, 0, NULL FROM orders WHERE kind = 'unlock'",
        );
    }),
    (Fact::Seals, |world| {
        key(world, |application, _| {
            let info = FileInfo { size: 1, read: Rights::ANYONE, write: Rights::USER };
            application.create_file("SES_1.esl", info).unwrap();
        });
    }),
    (Fact::Pin, |world| {
        key(world, |application, _| {
            application.change_pin(PinType::User, &world.new_pin(), &typed("Bieren-1")).unwrap();
        });
    }),
    (Fact::Pin, |world| {
        key(world, |application, _| {
            let old = typed(&world.person.pin);
            application.change_pin(PinType::User, &world.new_pin(), &old).unwrap();
        });
    }),
    (Fact::Tries, |world| {
        key(world, |application, _| {
            application.verify_pin(PinType::User, &typed("Bieren-1")).unwrap_err();
        });
    }),
    (Fact::Rights, |world| {
        let device = Device::connect(world.key()).unwrap();
        let mine = MyCertificate::read(&device).unwrap();
        let application = mine.open_application(&device).unwrap();
        application.verify_pin(PinType::User, &world.new_pin()).unwrap();
    }),
    (Fact::Login, |world| {
        books(
            world,
            "INSERT INTO revoked (serial, at, reason) SELECT serial, not_before, 'superseded' FROM certificates",
        );
    }),
];

#[test]
fn the_judge_misses_every_fact_that_was_spoiled() {
    let beginning = Beginning::make(&UNLOCK, 3).unwrap();
    for fact in Fact::ALL {
        assert!(SPOILED.iter().any(|(spoiled, _)| *spoiled == fact), "nothing spoils {fact:?}");
    }
    for (place, (fact, spoil)) in SPOILED.iter().enumerate() {
        let mut world = beginning.world(None).unwrap();
        world.go_on().unwrap();
        spoil(&world);
        let found = judge(&mut world, &beginning.expected).unwrap();
        assert!(found.iter().any(|found| found.fact == *fact), "{place}: {fact:?}: {found:?}");
    }
    let mut world = beginning.world(None).unwrap();
    world.go_on().unwrap();
    assert_eq!(judge(&mut world, &beginning.expected).unwrap(), [], "what nobody spoiled agrees");
}

#[test]
fn the_judge_misses_every_seal_that_was_spoiled() {
    let spoiled = [
        (&SEAL, "UPDATE seals SET der = picture", "is not one that the hall says it holds"),
        (&SEAL, "UPDATE seals SET status = 'deleted'", "the key holds 1 seals, the hall says 0"),
        (&SEAL, "UPDATE seals SET device_serial = '0'", "the key holds 1 seals, the hall says 0"),
        (
            &CHANGE,
            "UPDATE orders SET open_key = NULL WHERE open_key LIKE 'seal/remake/%'",
            "does not list the certificate in force",
        ),
    ];
    for flow in [&SEAL, &CHANGE] {
        let beginning = Beginning::make(flow, 3).unwrap();
        for (_, change, told) in spoiled.iter().filter(|(of, ..)| of.name == flow.name) {
            let mut world = beginning.world(None).unwrap();
            world.go_on().unwrap();
            books(&world, change);
            let found = judge(&mut world, &beginning.expected).unwrap();
            let missed = |found: &Difference| found.fact == Fact::Seals && found.what.contains(told);
            assert!(found.iter().any(missed), "{change}: {found:?}");
        }
        let mut world = beginning.world(None).unwrap();
        world.go_on().unwrap();
        assert_eq!(judge(&mut world, &beginning.expected).unwrap(), [], "what nobody spoiled agrees");
    }
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
