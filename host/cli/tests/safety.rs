//! Real keys are safe: which key a run may touch, what it leaves behind, and what it would cost.

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use common::Desk;
use ukey_device::{Device, DeviceKey, ErrorKind, Options, Simulator, Target};
use ukey_flows::production::FACTORY_DEVICE_KEY;

/// Three scenarios that each take a key; one pulls it, one cuts its power, one locks it.
const SCENARIOS: &str = "# language: zh-CN
功能: 甲
  背景:
    假如 清禾数字证书认证中心的网上服务厅已开通
    而且 示例科技有限公司已领到UKey，口令为\"Mima-2026\"

  @unplug
  场景: 拔出
    当 UKey突然断电
    而且 打开我的证书
    那么 提示UKey已拔出

  @destructive
  场景: 锁死
    假如 UKey因连续输错口令已锁死
    那么 UKey剩余重试次数为0

  场景: 输错一次
    当 校验口令\"Wrong-0001\"
    那么 口令错误，还可重试9次
";

/// A factory-new token in `key.ukey`, the scenarios, and the serial number.
fn desk() -> (Desk, String) {
    let desk = Desk::new();
    desk.run(&["sim", "reset", "--factory", "--seed", "1", "--state", "key.ukey"], &[]).succeeds();
    std::fs::write(desk.path("a.feature"), SCENARIOS).unwrap();
    let serial = key(&desk).info().unwrap().serial_number;
    (desk, serial)
}

fn key(desk: &Desk) -> Device {
    Target::SimFile(desk.path("key.ukey")).connect(&Options::default()).unwrap()
}

const TEST: [&str; 6] = ["test", "a.feature", "--seed", "7", "--target", "sim:key.ukey"];

fn test(desk: &Desk, more: &[&str]) -> common::Ran {
    desk.run(&[&TEST, more].concat(), &[])
}

/// A token behind a socket, in a registry of its own: who does not look there takes it for a real key.
struct Elsewhere {
    child: Child,
    serial: String,
}

const REGISTRY: &str = "elsewhere";

impl Elsewhere {
    fn start(desk: &Desk) -> Elsewhere {
        Elsewhere::listed(desk, REGISTRY, &["--unix", "key.sock"])
    }

    fn listed(desk: &Desk, registry: &str, more: &[&str]) -> Elsewhere {
        let start = [&["sim", "start", "--factory", "--format", "json"], more].concat();
        let mut command = desk.command(&start, &[]);
        let mut child =
            command.env("UKEY_RUNTIME_DIR", desk.path(registry)).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        Elsewhere { child, serial: ready["serial_number"].as_str().unwrap().to_owned() }
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn on_a_real_key_what_locks_is_refused_and_what_pulls_is_not_applicable() {
    let (desk, _) = desk();
    let key = Elsewhere::start(&desk);
    let run = |more: &[&str], registry: &str| {
        let test =
            ["test", "a.feature", "--seed", "7", "--target", "unix:key.sock", "--report-junit", "r.xml"];
        let mut command = desk.command(&[&test[..], more].concat(), &[]);
        command.env("UKEY_RUNTIME_DIR", desk.path(registry)).env("UKEY_STATE_DIR", desk.path("state"));
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, out) = run(&[], "running");
    assert_eq!(code, 0, "{out}");
    for part in [
        "3 scenarios: 1 passed, 1 refused, 1 skipped; ",
        &format!(
            "(it locks or destroys, and unix:key.sock is a real key; allow it with --allow-destructive --serial {}（会锁死或毁坏真实UKey，可用上述参数放行）)",
            key.serial
        ),
        "(not applicable: it pulls the key, and this one can only be pulled by a person（",
    ] {
        assert!(out.contains(part), "\"{part}\" is not in: {out}");
    }
    let junit = std::fs::read_to_string(desk.path("r.xml")).unwrap();
    assert!(junit.contains("type=\"refused\""), "{junit}");

    let named = ["--allow-destructive", "--serial", &key.serial];
    let (code, out) = run(&named, "running");
    assert_eq!((code, out.contains("3 scenarios: 2 passed, 1 skipped; ")), (0, true), "{out}");
    assert_eq!(desk.path("state").read_dir().unwrap().count(), 0, "no device key is kept any more");
    // Who finds it in the registry holds it in the hand.
    let (code, out) = run(&[], REGISTRY);
    assert_eq!((code, out.contains("3 scenarios: 3 passed; ")), (0, true), "{out}");
}

#[test]
fn a_running_token_that_copies_a_real_keys_number_makes_it_nobodys_but_its_owners() {
    let (desk, _) = desk();
    let real = Elsewhere::start(&desk);
    let copy = ["--unix", "copy.sock", "--serial-number", &real.serial];
    let copy = Elsewhere::listed(&desk, "running", &copy);
    assert_eq!(copy.serial, real.serial);
    let set_label =
        |target: &str| desk.run(&["apdu", "--target", target, "send", "SetLabel:\"x\"=9000"], &[]);
    {
        // The copy has a client, and is busy with it.
        let _client = Target::Unix(desk.path("copy.sock")).connect(&Options::default()).unwrap();
        set_label("unix:key.sock").fails(2).says("was not sent");
        let ran = desk.run(&["apdu", "--target", "unix:key.sock", "shell"], &[]);
        assert_eq!(ran.code, 0);
    }
    set_label("unix:key.sock").fails(2).says("was not sent");
    // By whatever name it is reached, the copy is ours.
    set_label("unix:copy.sock").succeeds();
    std::os::unix::fs::symlink(desk.path("copy.sock"), desk.path("another")).unwrap();
    set_label("unix:another").succeeds();
    // Also where a second copy runs.
    let _second = ["--unix", "second.sock", "--serial-number", &real.serial];
    let _second = Elsewhere::listed(&desk, "running", &_second);
    set_label("unix:copy.sock").succeeds();
    set_label("unix:second.sock").succeeds();
    set_label("unix:key.sock").fails(2).says("was not sent");
}

#[test]
fn a_scenario_that_locks_and_does_not_say_so_locks_no_real_key() {
    let (desk, _) = desk();
    let _key = Elsewhere::start(&desk);
    std::fs::write(desk.path("a.feature"), SCENARIOS.replace("@destructive", "@x")).unwrap();
    let state = desk.path("state");
    let arguments = ["test", "a.feature", "--name", "锁死", "--target", "unix:key.sock"];
    let ran = desk.run(&arguments, &[("UKEY_STATE_DIR", state.to_str().unwrap())]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("1 try of the user PIN is left"), "{}", ran.out);
}

#[test]
fn scenario_after_scenario_finds_one_key_blank_and_leaves_it_so() {
    let (desk, serial) = desk();
    for _ in 0..2 {
        let ran = test(&desk, &["--jobs", "4"]).succeeds();
        assert!(ran.out.contains("3 scenarios: 3 passed; "), "{}", ran.out);
    }
    let device = key(&desk);
    assert!(device.applications().unwrap().is_empty());
    device.authenticate(&FACTORY_DEVICE_KEY).unwrap();
    drop(device);
    // Also where a scenario fails.
    let wrong = SCENARIOS.replace("还可重试9次", "还可重试8次");
    std::fs::write(desk.path("a.feature"), wrong).unwrap();
    assert_eq!(test(&desk, &["--name", "输错", "--serial", &serial]).code, 1);
    assert!(key(&desk).applications().unwrap().is_empty());
    assert!(!desk.path("key.ukey.device-key").exists(), "no device key is kept any more");
}

#[test]
fn a_key_that_is_not_blank_is_not_touched_until_it_is_given_up_by_its_serial_number() {
    let (desk, serial) = desk();
    desk.run(&["sim", "reset", "--seed", "1", "--state", "key.ukey", "--yes"], &[]).succeeds();
    let before = std::fs::read(desk.path("key.ukey")).unwrap();
    test(&desk, &[]).fails(2).says("holds the application").says(&format!("--serial {serial}"));
    test(&desk, &["--serial", &serial]).fails(2).says("holds the application");
    test(&desk, &["--allow-destructive"]).fails(2).says("--serial");
    test(&desk, &["--allow-destructive", "--serial", "0"])
        .fails(2)
        .says(&format!("this is the key {serial}, not 0"));
    assert!(std::fs::read(desk.path("key.ukey")).unwrap() == before, "nothing was written");

    let ran = test(&desk, &["--allow-destructive", "--serial", &serial]).succeeds();
    assert!(ran.out.contains("3 passed"), "{}", ran.out);
    assert!(key(&desk).applications().unwrap().is_empty());
}

#[test]
fn a_wrong_device_key_costs_one_try_and_no_scenario_runs() {
    let (desk, _) = desk();
    let own = DeviceKey([7; 16]);
    {
        let device = key(&desk);
        device.authenticate(&FACTORY_DEVICE_KEY).unwrap();
        device.change_device_key(&FACTORY_DEVICE_KEY, &own).unwrap();
    }
    test(&desk, &[]).fails(2).says("9 tries left").says("--device-key-file");
    std::fs::write(desk.path("short"), "12345\n").unwrap();
    test(&desk, &["--device-key-file", "short"]).fails(2).says("holds no device authentication key");
    test(&desk, &["--device-key-file", "missing"]).fails(2).says("cannot be read");
    std::fs::write(desk.path("own"), "07".repeat(16)).unwrap();
    test(&desk, &["--device-key-file", "own"]).succeeds();
    let by_variable = |value: &str| desk.run(&TEST, &[("UKEY_DEVICE_KEY", value)]);
    by_variable("12345").fails(2).says("UKEY_DEVICE_KEY holds no device authentication key");
    by_variable(&"07".repeat(16)).succeeds();
    key(&desk).authenticate(&own).unwrap();
}

#[test]
fn for_a_locked_device_key_nobody_is_sent_to_look_for_it() {
    let (desk, _) = desk();
    let device = key(&desk);
    while !matches!(device.authenticate(&DeviceKey([7; 16])).unwrap_err().kind(), ErrorKind::DeviceKeyLocked)
    {
    }
    drop(device);
    let ran = test(&desk, &[]).fails(2).says("locked for ever").says("请换用另一把UKey");
    assert!(!ran.talk.contains("--device-key-file"), "{}", ran.talk);
}

#[test]
fn what_a_killed_run_left_behind_is_cleared_away() {
    let (desk, _) = desk();
    let left = DeviceKey([9; 16]);
    {
        // As a scenario does it, until it is killed.
        let device = key(&desk);
        device.authenticate(&FACTORY_DEVICE_KEY).unwrap();
        device.keep_device_keys(&desk.path("key.ukey.device-key"));
        device.change_device_key(&FACTORY_DEVICE_KEY, &left).unwrap();
        let pin = |text: &[u8]| ukey_device::Pin::new(text).unwrap();
        let application = ukey_device::CreateApplication {
            name: b"LEFT",
            admin_pin: pin(b"87654321"),
            admin_retries: 10,
            user_pin: pin(b"12345678"),
            user_retries: 10,
            create_file: ukey_device::Rights::USER,
            max_containers: 1,
            max_certificates: 1,
            max_files: 1,
        };
        device.create_application(&application).unwrap();
    }
    test(&desk, &[]).succeeds();
    key(&desk).authenticate(&FACTORY_DEVICE_KEY).unwrap();
}

#[test]
fn a_dry_run_counts_what_a_real_key_would_spend_and_touches_none() {
    let desk = Desk::new();
    std::fs::write(desk.path("a.feature"), SCENARIOS).unwrap();
    let dry = ["test", "a.feature", "--seed", "7", "--target", "tcp:127.0.0.1:1", "--dry-run"];
    let told = desk.run(&[&dry[..], &["--format", "json"]].concat(), &[]).succeeds().json();
    assert_eq!((&told["version"], &told["scenarios"]), (&1.into(), &3.into()));
    assert_eq!(
        (&told["destructive"], &told["unplug"], &told["simulated"]),
        (&1.into(), &1.into(), &0.into())
    );
    let (some, all) = (&told["without_destructive"], &told["with_destructive"]);
    // What pulls the key is left out where only a person could.
    assert_eq!(told["in_hand_of"], "person");
    assert_eq!((&some["scenarios"], &all["scenarios"]), (&1.into(), &2.into()));
    let each = |at: usize, field: &str| told["each"][at][field].clone();
    assert!(
        each(0, "not_applicable").as_str().unwrap().contains("by a person") && each(1, "refused") == true
    );
    assert!(each(2, "not_applicable").is_null() && each(2, "refused") == false);
    assert_eq!(some["cost"]["user_pin"], serde_json::json!({ "wrong": 1, "least_left": 9 }));
    // Ten wrong ones lock it.
    assert_eq!(all["cost"]["user_pin"], serde_json::json!({ "wrong": 11, "least_left": 0 }));
    assert_eq!(
        (&all["cost"]["key_pairs_generated"], &all["cost"]["applications_created"]),
        (&2.into(), &2.into())
    );
    assert_eq!(
        (&all["cost"]["applications_deleted"], &all["cost"]["device_keys_changed"]),
        (&2.into(), &4.into())
    );
    let text = desk.run(&dry, &[]).succeeds().out;
    for line in [
        "tcp:127.0.0.1:1 was not touched. It is taken for a real key",
        "0 (locked)",
        "     1  destructive: refused",
        "     1  not applicable where only a person",
    ] {
        assert!(text.contains(line), "\"{line}\" is not in: {text}");
    }
    // A token that runs there is ours: everything would run.
    let _running = Elsewhere::listed(&desk, "running", &["--unix", "key.sock"]);
    let ours = ["test", "a.feature", "--seed", "7", "--target", "unix:key.sock", "--dry-run"];
    let told = desk.run(&[&ours[..], &["--format", "json"]].concat(), &[]).succeeds().json();
    assert_eq!(told["in_hand_of"], "program");
    let scenarios = |total: &str| told[total]["scenarios"].clone();
    assert_eq!((scenarios("without_destructive"), scenarios("with_destructive")), (3.into(), 3.into()));
    assert_eq!(told["with_destructive"]["cost"]["key_pairs_generated"], 3);
}

#[test]
fn a_dry_run_finds_what_tags_keep_silent_about() {
    let desk = Desk::new();
    std::fs::write(desk.path("a.feature"), SCENARIOS.replace("@destructive", "@x").replace("@unplug", "@y"))
        .unwrap();
    let ran = desk.run(&["test", "a.feature", "--dry-run"], &[]);
    assert_eq!(ran.code, 1);
    for line in [
        "锁死: it locks a secret, and is not tagged @destructive",
        "拔出: it pulls the key, and is not tagged @unplug",
    ] {
        assert!(ran.out.contains(line), "\"{line}\" is not in: {}", ran.out);
    }
}

#[test]
fn what_only_a_simulated_key_bears_is_not_applicable_to_an_emulated_one() {
    let desk = Desk::new();
    std::fs::write(desk.path("a.feature"), SCENARIOS.replace("@unplug", "@simulated")).unwrap();
    // It is told before the board is looked for.
    let ran = desk.run(&["test", "a.feature", "--name", "拔出", "--target", "qemu"], &[]);
    assert_eq!(ran.code, 4);
    assert!(ran.out.contains("not applicable: "), "{}", ran.out);
}

#[test]
fn the_pins_of_a_key_that_is_named_may_be_tried_to_the_end() {
    let desk = Desk::with_token();
    let serial = {
        let simulator = Simulator::open(&desk.path("ukey.ukey"), &Options::default()).unwrap();
        simulator.serial_number()
    };
    let verify = ["pin", "verify", "--allow-destructive", "--serial"];
    let pin = [("UKEY_PIN", "12345678")];
    desk.run(&[&verify[..], &["1"]].concat(), &pin).fails(2).says(&format!("this is the key {serial}"));
    desk.run(&[&verify[..], &[&serial]].concat(), &pin).succeeds();
    desk.run(&["pin", "verify", "--allow-destructive"], &pin).fails(2).says("--serial");
}
