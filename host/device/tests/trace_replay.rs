//! A recorded session means the same on another token; where it does not, the replay says so.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::walk::{NEW, NEW_KEY, walk};
use common::{ADMIN, FACTORY_KEY, USER, issue, issued, log_in, pin, seeded};
use tempfile::TempDir;
use ukey_device::link::{Hand, Link, LinkError, Place};
use ukey_device::trace::replay::{Given, Need, NoReplay, Plan, Report, Verdict};
use ukey_device::trace::{Recorder, Recording, Secrets};
use ukey_device::{Board, Device, Dialect, KeyUse, Options, PinType, Simulator, Target};

/// What `run` says to a token, recorded.
fn recorded(device: &Device, secrets: Secrets, run: impl FnOnce(&Device)) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.trace");
    device.record(Recorder::open(&file, secrets).unwrap(), "sim");
    device.info().unwrap();
    run(device);
    (folder, file)
}

fn plan(file: &Path) -> Plan {
    Plan::new(&Recording::read(file).unwrap(), None).unwrap()
}

/// Every secret that a walk uses.
fn given() -> Given {
    let pins = [(Need::UserPin, USER), (Need::AdministratorPin, ADMIN), (Need::NewUserPin, NEW)];
    let keys = [(Need::DeviceKey, FACTORY_KEY), (Need::NewDeviceKey, NEW_KEY)];
    Given { pins: pins.map(|(need, text)| (need, pin(text))).into(), keys: keys.into() }
}

fn fresh(dialect: Dialect, seed: u64) -> Device {
    Target::Sim.connect(&Options { dialect: Some(dialect.into()), ..seeded(seed) }).unwrap()
}

#[track_caller]
fn same(report: &Report) {
    assert!(report.is_same(), "{}", report.table());
}

/// What is different, by the names of the commands.
fn different(report: &Report) -> Vec<&str> {
    let rows = report.rows.iter().filter(|row| matches!(row.verdict, Verdict::Different(_)));
    rows.map(|row| row.name.as_str()).collect()
}

#[test]
fn a_walk_means_the_same_on_another_token() {
    for secrets in [Secrets::Hidden, Secrets::Kept] {
        let (_folder, file) = recorded(&fresh(Dialect::GM2012, 1), secrets, walk);
        let plan = plan(&file);
        assert_eq!(plan.needs().len(), if secrets == Secrets::Hidden { 5 } else { 3 }, "{:?}", plan.needs());
        let report = plan.run(&fresh(Dialect::GM2012, 2), &given()).unwrap();
        same(&report);
        let [equal, meaning, _, left_out] = report.counts();
        assert!(equal > 30 && meaning > 15 && left_out == 0, "{}", report.table());
        assert_eq!(report.rows.len(), plan.commands());
        let signed = report.rows.iter().filter(|row| row.name == "ECCSignData");
        for row in signed {
            assert!(matches!(&row.verdict, Verdict::Meaning(why) if why.contains("verified")), "{row:?}");
        }
    }
}

#[test]
fn a_walk_means_the_same_in_another_dialect() {
    for (from, to) in [(Dialect::GM2012, Dialect::GM3000), (Dialect::GM3000, Dialect::SYNOCHIP)] {
        let (_folder, file) = recorded(&fresh(from, 1), Secrets::Kept, walk);
        same(&plan(&file).run(&fresh(to, 2), &given()).unwrap());
    }
}

#[test]
fn the_same_token_again_is_equal_byte_by_byte() {
    let (_folder, file) = recorded(&issued(), Secrets::Hidden, |device| {
        log_in(device);
    });
    let report = plan(&file).run(&issued(), &given()).unwrap();
    same(&report);
    let random = report.rows.iter().filter(|row| !matches!(row.verdict, Verdict::Equal));
    assert!(random.map(|row| row.name.as_str()).all(|name| name == "GenRandom"), "{}", report.table());
}

#[test]
fn another_status_is_different() {
    let (_folder, file) = recorded(&issued(), Secrets::Hidden, |device| {
        log_in(device).pin_info(PinType::User).unwrap();
    });
    let text = fs::read_to_string(&file).unwrap();
    let changed: Vec<String> = text
        .lines()
        .map(|line| match line.contains("\"GetPinInfo\"") {
            true => line.replacen("\"answer\":\"0a0a01", "\"answer\":\"0a0901", 1),
            false => line.to_owned(),
        })
        .collect();
    fs::write(&file, changed.join("\n") + "\n").unwrap();
    assert_ne!(fs::read_to_string(&file).unwrap(), text);
    let report = plan(&file).run(&issued(), &given()).unwrap();
    assert_eq!(different(&report), ["GetPinInfo"], "{}", report.table());

    let refused = text.replacen("\"answer\":\"9000\"", "\"answer\":\"6982\"", 1);
    assert_ne!(refused, text);
    fs::write(&file, refused).unwrap();
    let report = plan(&file).run(&issued(), &given()).unwrap();
    assert_eq!(different(&report), ["VerifyPin"], "{}", report.table());
}

#[test]
fn a_token_with_another_pin_is_different_and_loses_one_try() {
    let (_folder, file) = recorded(&issued(), Secrets::Hidden, |device| {
        let application = log_in(device);
        application.clear_secure_state().unwrap();
        application.verify_pin(PinType::User, &pin(USER)).unwrap();
        application.create_container("A").unwrap();
    });
    let other = Target::Sim.connect(&seeded(5)).unwrap();
    issue(&other, "87654320", ADMIN);
    let report = plan(&file).run(&other, &given()).unwrap();
    assert_eq!(different(&report), ["VerifyPin", "VerifyPin", "CreateContainer"], "{}", report.table());
    let left = other.open_application("UKEY").unwrap().pin_info(PinType::User).unwrap().remaining;
    assert_eq!(left, 9, "the wrong one was sent once");
}

#[test]
fn a_key_that_is_not_the_one_it_was_is_noticed() {
    let (_folder, file) = recorded(&issued(), Secrets::Hidden, |device| {
        let container = log_in(device).create_container("A").unwrap();
        container.generate_key_pair().unwrap();
        container.public_key(KeyUse::Sign).unwrap();
    });
    let report = plan(&file).run(&issued(), &given()).unwrap();
    same(&report);
    let text = fs::read_to_string(&file).unwrap();
    let generated = text.lines().find(|line| line.contains("\"GenECCKeyPair\"")).unwrap();
    let key = generated.split("\"answer\":\"00000100").nth(1).unwrap().split_at(128).0;
    // As if the recorded token had shown another key than it had generated.
    let changed = text.replacen(generated, &generated.replacen(key, &"11".repeat(64), 1), 1);
    assert_ne!(changed, text);
    fs::write(&file, changed).unwrap();
    let report = plan(&file).run(&issued(), &given()).unwrap();
    assert_eq!(different(&report), ["ExportPubKey"], "{}", report.table());
}

#[test]
fn a_signature_that_is_wrong_is_noticed() {
    let (_folder, file) = recorded(&issued(), Secrets::Hidden, |device| {
        let container = log_in(device).create_container("A").unwrap();
        container.generate_key_pair().unwrap();
        container.sign_digest(&[7; 32]).unwrap();
        container.sign_message(b"zhangsan@example", b"a message").unwrap();
    });
    let simulator = Simulator::fresh(&seeded(3)).unwrap();
    issue(&Device::connect(&simulator).unwrap(), USER, ADMIN);
    for spoils in [false, true] {
        let place = Foreign { simulator: simulator.clone(), spoils };
        let device = Device::connect(&place).unwrap();
        device.allow_destructive(&simulator.serial_number()).unwrap();
        let report = plan(&file).run(&device, &given()).unwrap();
        let expected: &[&str] = if spoils { &["ECCSignData", "ECCSignData"] } else { &[] };
        assert_eq!(different(&report), expected, "{}", report.table());
        device.open_application("UKEY").unwrap().delete_container("A").unwrap();
    }
}

#[test]
fn what_is_missing_is_told_before_anything_is_sent() {
    let (_folder, file) = recorded(&fresh(Dialect::GM2012, 1), Secrets::Hidden, walk);
    let plan = plan(&file);
    let device = fresh(Dialect::GM2012, 2);
    let before = device.tally().exchanges;
    let mut lacking = given();
    lacking.pins.remove(&Need::NewUserPin);
    let error = plan.run(&device, &lacking).unwrap_err();
    assert!(matches!(error, NoReplay::Missing { need: Need::NewUserPin }), "{error}");
    assert_eq!(device.tally().exchanges, before);
    let cost = plan.cost().to_string();
    for part in
        ["1 of the tries of the user PIN", "1 × CreateApplication", "1 × DeleteContainer", "1 × ChangePin"]
    {
        assert!(cost.contains(part), "{part}: {cost}");
    }
}

/// A simulated token that nobody holds in a hand: somebody's.
struct Foreign {
    simulator: Simulator,
    /// Whether its signatures come out wrong.
    spoils: bool,
}

impl Place for Foreign {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        Ok(Box::new(ForeignLink { link: self.simulator.link()?, spoils: self.spoils }))
    }
}

struct ForeignLink {
    link: Box<dyn Link>,
    spoils: bool,
}

impl Link for ForeignLink {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let mut answer = self.link.transmit(command)?;
        if self.spoils && command[1] == 0x74 && answer.len() > 40 {
            answer[40] ^= 1;
        }
        Ok(answer)
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.link.reset()
    }

    fn hand(&self) -> Option<std::sync::Arc<dyn Hand>> {
        None
    }
}

#[test]
fn somebodys_key_is_spared() {
    let simulator = Simulator::fresh(&seeded(3)).unwrap();
    issue(&Device::connect(&simulator).unwrap(), USER, ADMIN);
    let (_folder, file) = recorded(&issued(), Secrets::Hidden, |device| {
        log_in(device).create_container("A").unwrap();
    });
    let device = Device::connect(&Foreign { simulator: simulator.clone(), spoils: false }).unwrap();
    let before = device.tally().exchanges;
    let error = plan(&file).run(&device, &given()).unwrap_err();
    assert!(
        matches!(&error, NoReplay::Refused { cost } if cost.to_string() == "1 × CreateContainer"),
        "{error}"
    );
    assert_eq!(device.tally().exchanges, before);
    device.allow_destructive(&simulator.serial_number()).unwrap();
    same(&plan(&file).run(&device, &given()).unwrap());

    // What changes nothing needs no word; but the last try is not spent.
    let (_folder, file) = recorded(&issued(), Secrets::Hidden, |device| {
        log_in(device);
    });
    let hand = Device::connect(&simulator).unwrap();
    let application = hand.open_application("UKEY").unwrap();
    for _ in 0..9 {
        application.verify_pin(PinType::User, &pin("87654320")).unwrap_err();
    }
    let device = Device::connect(&Foreign { simulator, spoils: false }).unwrap();
    let report = plan(&file).run(&device, &given()).unwrap();
    assert_eq!(different(&report), ["VerifyPin"], "{}", report.table());
    assert_eq!(application.pin_info(PinType::User).unwrap().remaining, 1);
}

#[test]
fn tries_of_somebodys_device_key_are_counted_and_the_last_is_spared() {
    let (_folder, file) = recorded(&fresh(Dialect::GM2012, 1), Secrets::Hidden, |device| {
        device.authenticate(&FACTORY_KEY).unwrap();
    });
    let simulator = Simulator::fresh(&seeded(3)).unwrap();
    let device = Device::connect(&Foreign { simulator: simulator.clone(), spoils: false }).unwrap();
    let wrong = Given { keys: [(Need::DeviceKey, NEW_KEY)].into(), ..Given::default() };
    // Each replay spends a try, and the device learns of it.
    while device.tally().device_key.least_left != Some(1) {
        assert_eq!(different(&plan(&file).run(&device, &wrong).unwrap()), ["DevAuth"]);
    }
    let tried = device.tally().device_key;
    let operations = simulator.flash_operations();
    let report = plan(&file).run(&device, &given()).unwrap();
    assert!(report.table().contains("not sent"), "{}", report.table());
    device.authenticate(&FACTORY_KEY).unwrap_err();
    assert_eq!((device.tally().device_key, simulator.flash_operations()), (tried, operations));
    device.allow_destructive(&simulator.serial_number()).unwrap();
    same(&plan(&file).run(&device, &given()).unwrap());
}

/// A reader whose key is another one after each reset.
struct Swapped(Vec<Simulator>);

impl Place for Swapped {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        let mut keys = self.0.clone();
        Ok(Box::new(SwappedLink { link: keys.remove(0).link()?, next: keys }))
    }
}

struct SwappedLink {
    link: Box<dyn Link>,
    next: Vec<Simulator>,
}

impl Link for SwappedLink {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.link.transmit(command)
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.link = self.next.remove(0).link()?;
        self.link.reset()
    }
}

#[test]
fn what_was_allowed_is_not_done_to_a_key_that_took_the_others_place() {
    let (_folder, file) = recorded(&issued(), Secrets::Hidden, |device| {
        log_in(device).create_container("A").unwrap();
        device.reconnect().unwrap();
        log_in(device).create_container("B").unwrap();
    });
    let keys = [3, 4].map(|seed| {
        let simulator = Simulator::fresh(&seeded(seed)).unwrap();
        issue(&Device::connect(&simulator).unwrap(), USER, ADMIN);
        simulator
    });
    let device = Device::connect(&Swapped(keys.to_vec())).unwrap();
    device.allow_destructive(&keys[0].serial_number()).unwrap();
    let operations = keys[1].flash_operations();
    let report = plan(&file).run(&device, &given()).unwrap();
    assert!(!report.is_same() && report.table().contains("somebody's own key"), "{}", report.table());
    assert_eq!(keys[1].flash_operations(), operations, "nothing was written");
    let other = Device::connect(&keys[1]).unwrap();
    assert!(log_in(&other).containers().unwrap().is_empty());
}

#[test]
fn an_unplugged_key_is_left_out_and_found_again() {
    let (_folder, file) = recorded(&issued(), Secrets::Hidden, |device| {
        log_in(device);
        device.unplug().unwrap();
        device.info().unwrap_err();
        device.plug_in().unwrap();
        device.open_application("UKEY").unwrap().create_container("A").unwrap_err();
    });
    let report = plan(&file).run(&issued(), &given()).unwrap();
    same(&report);
    assert_eq!(report.counts()[3], 1, "{}", report.table());
    let refused = report.rows.last().unwrap();
    assert_eq!((refused.name.as_str(), refused.status.unwrap().0), ("CreateContainer", 0x6982));
}

/// Board images and QEMU, or a line that says what brings them; with `CI=true` they have to be there.
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
fn board() -> Option<Board> {
    let board = Board::Mps2An386;
    let Err(error) = board.check() else { return Some(board) };
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{error}");
    let error = ukey_device::Error::from(error);
    eprintln!("skipped: {error}; {}", error.help().unwrap_or_default());
    None
}

#[test]
fn a_session_of_a_simulated_token_means_the_same_on_a_cortex_m() {
    let Some(board) = board() else { return };
    let (_folder, file) = recorded(&fresh(Dialect::GM2012, 1), Secrets::Hidden, walk);
    let target = Target::Qemu { board, flash: None };
    let report = plan(&file).run(&target.connect(&seeded(9)).unwrap(), &given()).unwrap();
    same(&report);
    assert!(report.rows.len() >= 80, "{}", report.table());

    // The failing twin: the token has another user PIN than the replay is given.
    let wrong = Given { pins: [(Need::UserPin, pin("11111111"))].into(), ..Given::default() };
    let device = target.connect(&seeded(9)).unwrap();
    issue(&device, USER, ADMIN);
    let (_folder, file) = recorded(&issued(), Secrets::Hidden, |device| {
        log_in(device);
    });
    let report = plan(&file).run(&device, &wrong).unwrap();
    assert_eq!(different(&report), ["VerifyPin"], "{}", report.table());
}
