//! A token in a real smart card reader, as the program sees it: `.ci/with-readers` brings the readers.
//!
//! What is not there skips the test with a line that says what brings it; with `CI=true` it fails.

mod common;

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Desk, component};
use serde_json::Value;
use ukey_device::link::pcsc;
use ukey_device::{Options, Target};

/// Long enough that only a fault lets it pass.
const LIMIT: Duration = Duration::from_secs(60);
/// The first of the readers.
const READER: &str = "UKey Bay 0 00 00";

/// A token in the first reader; it ends with this.
struct Inserted {
    process: Child,
    ready: Value,
}

impl Inserted {
    fn new(desk: &Desk, vpcd: &str) -> Inserted {
        let arguments = ["sim", "start", "--format", "json", "--vpcd", vpcd];
        let mut process =
            desk.command(&arguments, &[]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Inserted { process, ready: serde_json::from_str(&line).unwrap() }
    }
}

impl Drop for Inserted {
    fn drop(&mut self) {
        // One that has ended already needs no kill.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Stops pcscd, and starts it again with so many pairs of readers, if any.
fn restart(program: &str, pairs: u32) {
    assert!(Command::new(program).arg(pairs.to_string()).status().unwrap().success());
}

fn row(desk: &Desk) -> Option<Value> {
    let json = desk.run(&["list", "--format", "json"], &[]).succeeds().json();
    let rows = json["tokens"].as_array().unwrap();
    rows.iter().find(|row| row["target"] == format!("pcsc:{READER}")).cloned()
}

fn doctor(desk: &Desk, arguments: &[&str]) -> (i32, Value) {
    let ran = desk.run(&[&["doctor", "--format", "json"], arguments].concat(), &[]);
    (ran.code, ran.json())
}

fn finding<'j>(json: &'j Value, check: &str) -> &'j Value {
    let found = json["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == check);
    found.unwrap_or_else(|| panic!("{check} in {json:#}"))
}

#[test]
fn a_token_in_a_reader_is_listed_and_found_well_until_pcscd_stops() {
    let readers = env::var("UKEY_VPCD_BASE").ok().zip(env::var("UKEY_PCSCD_RESTART").ok());
    let package = "Debian packages pcscd and vsmartcard-vpcd, by .ci/with-readers,";
    let Some((port, program)) = component(readers, "a pcscd of our own", package) else { return };
    let desk = Desk::new();
    let vpcd = format!("127.0.0.1:{port}");
    let token = Inserted::new(&desk, &vpcd);
    let reader = &token.ready["readers"][0];
    assert_eq!((&reader["in_reader"], &reader["reader"]), (&true.into(), &vpcd.as_str().into()));
    // Its reader has given it power; pcscd tells its clients a moment later.
    pcsc::wait_for_card(READER, true, LIMIT).unwrap();

    let free = row(&desk).unwrap();
    assert_eq!((&free["kind"], &free["state"]), (&"smart card reader".into(), &"free".into()), "{free}");
    assert_eq!(free["serial_number"], token.ready["serial_number"]);
    assert_eq!(free["label"], "UKEY developer");
    let empty = desk.run(&["list"], &[]).succeeds().out;
    assert!(empty.lines().any(|line| line.contains("UKey Bay 0 00 01") && line.contains("empty")), "{empty}");

    let (_, json) = doctor(&desk, &[]);
    for check in ["pcsc-feature", "pcscd", "pcsc-permission", "vpcd", &format!("reader:{READER}")] {
        assert_eq!(finding(&json, check)["state"], "ok", "{json:#}");
    }
    assert!(finding(&json, "pcsc-permission")["reason"]["en"].as_str().unwrap().contains("16 readers"));
    let target = format!("pcsc:{READER}");
    let (code, json) = doctor(&desk, &["--target", &target]);
    assert_eq!((code, &json["faults"]), (0, &0.into()), "{json:#}");
    assert!(
        finding(&json, &format!("target:{target}"))["reason"]["en"]
            .as_str()
            .unwrap()
            .contains("UKEY developer")
    );

    // Somebody has it: it is not asked, and not disturbed.
    let device = target.parse::<Target>().unwrap().connect(&Options::default()).unwrap();
    let used = row(&desk).unwrap();
    assert_eq!((&used["state"], &used["serial_number"]), (&"in use".into(), &Value::Null));
    device.info().unwrap();
    drop(device);

    restart(&program, 0);
    let (_, json) = doctor(&desk, &[]);
    let pcscd = finding(&json, "pcscd");
    assert_eq!(pcscd["state"], "broken", "{pcscd}");
    assert!(pcscd["reason"]["en"].as_str().unwrap().contains("not running"), "{pcscd}");
    assert!(pcscd["reason"]["zh"].as_str().unwrap().contains("未"), "{pcscd}");
    assert!(pcscd["command"].as_str().unwrap().contains("pcscd"), "{pcscd}");
    let (code, json) = doctor(&desk, &["--target", &target]);
    assert_eq!((code, &finding(&json, "pcscd")["state"]), (1, &"broken".into()));
    assert_eq!(row(&desk), None);
    desk.run(&["list"], &[]).succeeds().says("smart card readers: ").says("ukey doctor");
    desk.run(&["info", "--target", &target], &[]).fails(5).says("pcscd").says("请启动");
    let table = desk.run(&["sim", "ls"], &[]).succeeds();
    assert!(table.out.contains("(not in it)"), "{table:?}");
    table.says("not running").says("→ ").says(&format!("未插入{vpcd}的读卡器"));

    // It comes back by itself.
    restart(&program, 8);
    pcsc::wait_for_card(READER, true, LIMIT).unwrap();
    assert_eq!(row(&desk).unwrap()["serial_number"], token.ready["serial_number"]);
    assert!(desk.run(&["sim", "ls"], &[]).succeeds().out.contains(&format!("reader at {vpcd}\n")));
}
