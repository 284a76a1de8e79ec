//! `ukey list`: the tokens that can be reached from this machine.

mod common;
#[path = "../../device/tests/maker/mod.rs"]
mod maker;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::Desk;
use serde_json::Value;
use ukey_device::{Options, Target};

fn list(desk: &Desk, arguments: &[&str]) -> Value {
    let json = desk.run(&[&["list", "--format", "json"], arguments].concat(), &[]).succeeds().json();
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

/// A token that is served; it ends with this.
struct Served(std::process::Child);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_running_token_is_listed_with_every_way_to_it_and_who_has_it() {
    let desk = Desk::with_token();
    let socket = desk.path("key.sock");
    let arguments = ["sim", "start", "--state", "ukey.ukey", "--tcp", "--unix", socket.to_str().unwrap()];
    let mut command = desk.command(&arguments, &[]);
    let mut served = Served(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
    let mut ready = String::new();
    BufReader::new(served.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();

    let unix = format!("unix:{}", socket.display());
    let json = list(&desk, &[]);
    let mine = token(&json, &unix).unwrap_or_else(|| panic!("{unix} in {json:#}, {ready}"));
    assert_eq!((&mine["kind"], &mine["state"]), (&"running simulator".into(), &"free".into()));
    assert_eq!(mine["label"], "UKEY developer");
    let tokens = json["tokens"].as_array().unwrap();
    let ways = tokens.iter().filter(|other| other["serial_number"] == mine["serial_number"]);
    assert_eq!(ways.count(), 3, "the socket, the port, and the file that it holds: {json:#}");
    let file = token(&json, "sim:ukey.ukey").unwrap();
    assert_eq!(file["holder"], format!("ukey (PID {})", served.0.id()), "{file}");

    let held = Target::Unix(socket).connect(&Options::default()).unwrap();
    let json = list(&desk, &[]);
    let mine = token(&json, &unix).unwrap();
    assert_eq!(mine["state"], "in use", "{mine}");
    assert!(mine["holder"].is_string(), "{mine}");
    held.info().unwrap();
    drop(held);

    let reached = desk.run(&["doctor", "--target", &unix], &[]).succeeds().out;
    assert!(reached.contains("1 running") && reached.contains("UKEY developer"), "{reached}");
    let unplugged = desk.run(&["sim", "unplug", json_text(&file["serial_number"])], &[]);
    unplugged.succeeds();
    assert_eq!(token(&list(&desk, &[]), &unix).unwrap()["state"], "empty");
    let gone = desk.run(&["doctor", "--target", &unix], &[]);
    assert!(gone.code == 1 && gone.out.contains("removed"), "{gone:?}");
    drop(served);
    assert!(token(&list(&desk, &[]), &unix).is_none(), "it ended");
}

fn json_text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_library_that_is_none_is_listed_as_not_usable() {
    let desk = Desk::new();
    fs::write(desk.path("letter.so"), "a letter").unwrap();
    let json = list(&desk, &["--library", "letter.so"]);
    assert_eq!(token(&json, "skf:letter.so").unwrap()["state"], "broken");
    assert!(token(&list(&desk, &[]), "skf:letter.so").is_none());
}

#[test]
fn each_device_of_a_library_is_listed() {
    let desk = Desk::new();
    let of = |fault: &str| {
        let (_folder, library) = maker::library(fault)?;
        let json = list(&desk, &["--library", library.to_str().unwrap()]);
        let tokens = json["tokens"].as_array().unwrap().iter().filter(|token| token["kind"] == "SKF library");
        let told = |token: &Value| {
            let text = |field: &str| token[field].as_str().unwrap_or_default().to_owned();
            let target = text("target");
            (target.rsplit_once("libmaker.so").unwrap().1.to_owned(), text("serial_number"), text("state"))
        };
        Some(tokens.map(told).collect::<Vec<_>>())
    };
    let row =
        |device: &str, number: &str, state: &str| (device.to_owned(), number.to_owned(), state.to_owned());
    let Some(two) = of("TWO_DEVICES") else { return };
    assert_eq!(two, [row("#ONE", "0001", "free"), row("#TWO", "0001", "free"), row("#OUT", "", "empty")]);
    assert_eq!(of("NONE").unwrap(), [row("", "0001", "free")]);
    assert_eq!(of("NO_DEVICE").unwrap(), [row("", "", "empty")]);
    assert_eq!(of("CONNECTS_NOTHING").unwrap(), [row("", "", "broken")]);
}
