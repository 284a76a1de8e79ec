//! `ukey info`: a token at a glance, and targets that are not reached.

mod common;

use common::Desk;

#[test]
fn a_developers_token_as_json() {
    let desk = Desk::with_token();
    let info = desk.run(&["info", "--format", "json"], &[]).succeeds().json();
    assert_eq!((&info["version"], &info["target"]), (&1.into(), &"sim:ukey.ukey".into()));
    assert_eq!(info["serial_number"].as_str().unwrap().len(), 16);
    assert_eq!(info["dialect"], "gm2012");
    let application = &info["applications"][0];
    assert_eq!(application["name"], "UKEY");
    assert_eq!(application["user_pin"]["remaining"], 10);
    assert_eq!(application["administrator_pin"]["max_retries"], 10);
    let container = &application["containers"][0];
    assert_eq!((&container["name"], &container["type"]), (&"DEV".into(), &"sm2".into()));
    for pair in ["sign", "encryption"] {
        assert_eq!(container[pair], serde_json::json!({ "bits": 256, "certificate": true }));
    }
}

#[test]
fn a_factory_token_as_text() {
    let desk = Desk::new();
    let out = desk.run(&["info", "--target", "sim"], &[]).succeeds().out;
    assert!(out.contains("applications   none"), "{out}");
    assert_eq!(desk.files(), 0, "it lives in memory");
}

#[test]
fn the_target_comes_from_the_option_before_the_variable() {
    let desk = Desk::with_token();
    let other = [("UKEY_TARGET", "sim")];
    assert!(desk.run(&["info"], &other).succeeds().out.contains("none"));
    assert!(
        desk.run(&["info", "--target", "sim:ukey.ukey"], &other).succeeds().out.contains("application UKEY")
    );
}

#[test]
fn a_missing_file_is_said_to_be_missing_and_not_made() {
    let desk = Desk::new();
    desk.run(&["info"], &[]).fails(5).says("there is no file ukey.ukey").says("ukey sim reset");
    assert_eq!(desk.files(), 0);
}

#[test]
fn a_damaged_file_is_refused_and_not_touched() {
    let desk = Desk::with_token();
    let file = desk.path("ukey.ukey");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[9000] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    desk.run(&["info"], &[]).fails(5).says("damaged").says("ukey sim load");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[test]
fn a_file_that_another_holds_is_busy() {
    let desk = Desk::with_token();
    let target = ukey_device::Target::SimFile(desk.path("ukey.ukey"));
    let held = target.connect(&ukey_device::Options::default()).unwrap();
    desk.run(&["info"], &[]).fails(5).says("ukey.ukey is in use by ");
    drop(held);
    desk.run(&["info"], &[]).succeeds();
}

#[test]
fn a_target_that_is_none_is_a_usage_error_and_one_that_is_away_is_not() {
    let desk = Desk::new();
    desk.run(&["info", "--target", "usb"], &[]).fails(2).says("sim, sim:FILE, tcp:HOST:PORT");
    desk.run(&["info", "--target", "serial:"], &[]).fails(2).says("serial:PATH[@BAUD]");
    desk.run(&["info", "--target", "tcp:127.0.0.1:1"], &[])
        .fails(5)
        .says("nothing listens at tcp:127.0.0.1:1");
    desk.run(&["info", "--dialect", "elvish"], &[]).fails(2).says("gm2012, gm3000");
}

#[test]
fn a_dialect_is_kept_in_the_file() {
    let desk = Desk::new();
    desk.run(&["sim", "reset", "--dialect", "gm3000"], &[]).succeeds();
    assert_eq!(desk.run(&["info", "--format", "json"], &[]).succeeds().json()["dialect"], "gm3000");
    desk.run(&["info", "--dialect", "gm2012"], &[]).fails(2).says("the token speaks gm3000, not gm2012");
}

#[test]
fn what_is_about_no_token_takes_no_target() {
    let desk = Desk::new();
    for command in
        [&["agreement", "--every", "100000"][..], &["hall", "serve"], &["report", "merge", "a.json"]]
    {
        let refused = [command, &["--target", "sim:foo"]].concat();
        desk.run(&refused, &[]).fails(2).says("unexpected argument '--target'");
    }
    let help = desk.run(&["report", "merge", "--help"], &[]).succeeds().out;
    assert!(!help.contains("--target") && !help.contains("--dialect"), "{help}");
}
