//! A session that was recorded with a simulated token means the same behind the library, over `skf:`.

#[path = "../../device/tests/common/mod.rs"]
mod common;

use std::path::PathBuf;

use common::walk::{NEW, NEW_KEY, walk};
use common::{ADMIN, FACTORY_KEY, USER, fresh, issue, log_in, pin, seeded};
use tempfile::TempDir;
use ukey_device::trace::replay::{Given, Need, Plan, Verdict};
use ukey_device::trace::{Recorder, Recording, Secrets};
use ukey_device::{Device, Target};

/// What `run` says to a simulated token, recorded.
fn recorded(run: impl FnOnce(&Device)) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.trace");
    let device = Target::Sim.connect(&seeded(1)).unwrap();
    device.record(Recorder::open(&file, Secrets::Hidden).unwrap(), "sim");
    device.info().unwrap();
    run(&device);
    (folder, file)
}

fn given() -> Given {
    let pins = [(Need::UserPin, USER), (Need::AdministratorPin, ADMIN), (Need::NewUserPin, NEW)];
    let keys = [(Need::DeviceKey, FACTORY_KEY), (Need::NewDeviceKey, NEW_KEY)];
    Given { pins: pins.map(|(need, text)| (need, pin(text))).into(), keys: keys.into() }
}

fn plan(file: &std::path::Path) -> Plan {
    Plan::new(&Recording::read(file).unwrap(), None).unwrap()
}

#[test]
fn a_walk_means_the_same_behind_the_library() {
    let (_folder, file) = recorded(walk);
    let report = plan(&file).run(&fresh(2), &given()).unwrap();
    assert!(report.is_same() && report.rows.len() >= 80, "{}", report.table());
}

#[test]
fn another_pin_is_noticed_behind_the_library() {
    let (_folder, file) = recorded(|device| {
        issue(device, USER, ADMIN);
        log_in(device);
    });
    let mut wrong = given();
    wrong.pins.insert(Need::UserPin, pin("11111111"));
    let device = fresh(2);
    issue(&device, USER, ADMIN);
    let report = plan(&file).run(&device, &wrong).unwrap();
    let different: Vec<_> =
        report.rows.iter().filter(|row| matches!(row.verdict, Verdict::Different(_))).collect();
    let names: Vec<_> = different.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["CreateApplication", "VerifyPin"], "{}", report.table());
}
