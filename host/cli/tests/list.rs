//! `ukey list`: the tokens that can be reached from this machine.

mod common;

use std::fs;

use common::Desk;
use serde_json::Value;
use ukey_device::{Options, Target};

fn list(desk: &Desk, arguments: &[&str]) -> Value {
    let runtime = desk.path("run");
    let own = [("UKEY_RUNTIME_DIR", runtime.to_str().unwrap())];
    let json = desk.run(&[&["list", "--format", "json"], arguments].concat(), &own).succeeds().json();
    assert_eq!(json["version"], 1);
    json
}

fn token<'j>(json: &'j Value, target: &str) -> Option<&'j Value> {
    json["tokens"].as_array().unwrap().iter().find(|token| token["target"] == target)
}

#[test]
fn state_files_of_the_current_folder_are_listed_as_one_writes_them() {
    let desk = Desk::with_token();
    fs::write(desk.path("letter.ukey"), "a letter").unwrap();
    fs::write(desk.path("letter.txt"), "a letter").unwrap();
    let json = list(&desk, &[]);
    let mine = token(&json, "sim:ukey.ukey").unwrap();
    assert_eq!((&mine["kind"], &mine["state"]), (&"state file".into(), &"free".into()));
    let info = desk.run(&["info", "--target", "sim:ukey.ukey", "--format", "json"], &[]).succeeds().json();
    assert_eq!(mine["serial_number"], info["serial_number"]);
    let letter = token(&json, "sim:letter.ukey").unwrap();
    assert_eq!(letter["state"], "broken");
    assert!(letter["reason"].as_str().unwrap().contains("not the state of a simulated token"), "{letter}");
    assert!(token(&json, "sim:letter.txt").is_none());

    let out = desk.run(&["ls"], &[]).succeeds().out;
    assert!(out.starts_with("TARGET") && out.contains("sim:ukey.ukey"), "{out}");
}

#[test]
fn a_token_that_is_in_use_is_named_with_its_user_and_not_disturbed() {
    let desk = Desk::with_token();
    let target = Target::SimFile(desk.path("ukey.ukey"));
    let held = target.connect(&Options::default()).unwrap();
    let json = list(&desk, &[]);
    let mine = token(&json, "sim:ukey.ukey").unwrap();
    assert_eq!(mine["state"], "in use", "{mine}");
    assert!(mine["holder"].as_str().unwrap().ends_with(&format!("(PID {})", std::process::id())), "{mine}");
    held.info().unwrap();
    drop(held);
    assert_eq!(token(&list(&desk, &[]), "sim:ukey.ukey").unwrap()["state"], "free");
}

#[test]
fn a_library_that_is_none_is_listed_as_not_usable() {
    let desk = Desk::new();
    fs::write(desk.path("letter.so"), "a letter").unwrap();
    let json = list(&desk, &["--library", "letter.so"]);
    assert_eq!(token(&json, "skf:letter.so").unwrap()["state"], "broken");
    assert!(token(&list(&desk, &[]), "skf:letter.so").is_none());
}
