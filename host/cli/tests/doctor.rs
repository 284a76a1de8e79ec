//! `ukey doctor`: what is missing on this machine, and the command that brings it.

mod common;
#[path = "../../device/tests/maker/mod.rs"]
mod maker;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use common::Desk;
use serde_json::Value;

/// Runs it; the exit code and the findings.
fn doctor(desk: &Desk, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, Value) {
    let ran = desk.run(&[&["doctor", "--format", "json"], arguments].concat(), variables);
    let json = ran.json();
    assert_eq!(json["version"], 1);
    (ran.code, json)
}

fn finding<'j>(json: &'j Value, check: &str) -> &'j Value {
    let found = json["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == check);
    found.unwrap_or_else(|| panic!("{check} in {json:#}"))
}

#[test]
fn a_stopped_pcscd_is_named_with_the_command_that_starts_it() {
    let desk = Desk::new();
    let socket = desk.path("pcscd.comm");
    let look = || {
        let (code, json) = doctor(&desk, &[], &[("PCSCLITE_CSOCK_NAME", socket.to_str().unwrap())]);
        let pcscd = finding(&json, "pcscd");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (code, text(&pcscd["state"]), text(&pcscd["reason"]["en"]), text(&pcscd["command"]))
    };
    let (code, state, reason, command) = look();
    if state == "missing" {
        assert!(command.contains("pcscd") && reason.contains("not installed"), "{reason} {command}");
    } else {
        assert_eq!((code, state.as_str()), (1, "broken"));
        assert!(reason.contains("not running") || reason.contains("but not at"), "{reason}");
        assert!(command.contains("pcscd") || command.contains("unset PCSCLITE_CSOCK_NAME"), "{command}");
    }
    // One that died leaves its socket.
    drop(UnixListener::bind(&socket).unwrap());
    let (_, state, reason, _) = look();
    assert!(state == "missing" || reason.contains("nobody listens"), "{state} {reason}");
    fs::remove_file(&socket).unwrap();
    let listening = UnixListener::bind(&socket).unwrap();
    // Whoever connects is hung up on.
    std::thread::spawn(move || listening.incoming().for_each(drop));
    assert_eq!(look().1, "ok");
}

#[test]
fn what_is_in_the_current_folder_is_looked_at() {
    let desk = Desk::with_token();
    fs::copy(desk.path("ukey.ukey"), desk.path("bad.ukey")).unwrap();
    fs::write(desk.path("bad.ukey"), &fs::read(desk.path("ukey.ukey")).unwrap()[..999]).unwrap();
    let (code, json) = doctor(&desk, &[], &[]);
    assert_eq!(code, 1);
    assert_eq!(finding(&json, "state:ukey.ukey")["state"], "ok");
    let bad = finding(&json, "state:bad.ukey");
    assert_eq!(bad["state"], "broken");
    assert!(bad["advice"]["zh"].as_str().unwrap().contains("ukey sim load"), "{bad}");

    let target = ukey_device::Target::SimFile(desk.path("ukey.ukey"));
    let held = target.connect(&ukey_device::Options::default()).unwrap();
    let (_, json) = doctor(&desk, &[], &[]);
    let reason = finding(&json, "state:ukey.ukey")["reason"]["en"].to_string();
    assert!(reason.contains(&format!("(PID {})", std::process::id())), "{reason}");
    drop(held);
}

#[test]
fn changes_that_belong_to_no_file_are_told() {
    let desk = Desk::with_token();
    fs::copy(desk.path("ukey.ukey"), desk.path("copy.ukey")).unwrap();
    let target = ukey_device::Target::SimFile(desk.path("ukey.ukey"));
    let held = target.connect(&ukey_device::Options::default()).unwrap();
    held.set_label("one").unwrap();
    held.set_label("two").unwrap();
    // As a killed program leaves them; then a copy is put back, and another file is gone.
    for name in ["killed", "restored", "gone"] {
        fs::copy(desk.path("ukey.ukey"), desk.path(&format!("{name}.ukey"))).unwrap();
        fs::copy(desk.path("ukey.ukey.changes"), desk.path(&format!("{name}.ukey.changes"))).unwrap();
    }
    fs::copy(desk.path("copy.ukey"), desk.path("restored.ukey")).unwrap();
    fs::remove_file(desk.path("gone.ukey")).unwrap();
    let files = desk.files();
    let (code, json) = doctor(&desk, &[], &[]);
    assert_eq!((code, desk.files()), (1, files), "nothing is changed");
    let strays = json["findings"].as_array().unwrap().iter();
    let strays: Vec<_> =
        strays.filter(|finding| finding["check"].as_str().unwrap().starts_with("changes:")).collect();
    assert_eq!(strays.len(), 2, "{json:#}");
    let restored = finding(&json, "changes:restored.ukey");
    assert!(restored["command"].as_str().unwrap().ends_with("restored.ukey.changes"), "{restored}");
    let gone = finding(&json, "changes:gone.ukey");
    assert!(gone["reason"]["en"].as_str().unwrap().contains("which is not there"), "{gone}");
    let (code, json) = doctor(&desk, &["--target", "sim:restored.ukey"], &[]);
    assert_eq!((code, &finding(&json, "target:sim:restored.ukey")["state"]), (0, &"ok".into()), "{json:#}");
    drop(held);
}

#[test]
fn a_target_is_reached_or_it_is_said_why_not() {
    let desk = Desk::with_token();
    let (code, json) = doctor(&desk, &["--target", "sim:ukey.ukey"], &[]);
    assert_eq!((code, &json["faults"]), (0, &0.into()), "{json:#}");
    let last = finding(&json, "target:sim:ukey.ukey");
    assert!(last["reason"]["en"].as_str().unwrap().contains("UKEY developer"), "{last}");

    let (code, json) = doctor(&desk, &["--target", "sim:none.ukey"], &[]);
    assert_eq!((code, &finding(&json, "state:none.ukey")["state"]), (1, &"broken".into()));
    assert!(
        finding(&json, "target:sim:none.ukey")["reason"]["en"].as_str().unwrap().starts_with("not tried")
    );
    let (code, json) = doctor(&desk, &["--target", "unix:nowhere"], &[]);
    assert_eq!(code, 1);
    let reason = finding(&json, "target:unix:nowhere")["reason"]["en"].to_string();
    assert!(reason.contains("there is no socket nowhere"), "{reason}");
    let (code, json) = doctor(&desk, &["--target", "skf:none.so"], &[]);
    assert_eq!((code, &finding(&json, "library:none.so")["state"]), (1, &"missing".into()));
    desk.run(&["doctor", "--target", "usb"], &[]).fails(2).says("\"usb\" is no target");
}

#[test]
fn a_library_is_read_and_not_run() {
    let desk = Desk::new();
    fs::write(desk.path("letter.so"), "a letter").unwrap();
    let this = std::env::current_exe().unwrap();
    let (code, json) = doctor(&desk, &["--library", "letter.so", "--library", this.to_str().unwrap()], &[]);
    assert_eq!(code, 1);
    let reason = |check: &str| finding(&json, check)["reason"]["en"].to_string();
    assert!(reason("library:letter.so").contains("is no library"));
    assert!(reason(&format!("library:{}", this.display())).contains("no function of GM/T 0016-2012"));
}

#[test]
fn a_library_that_lacks_functions_is_told_by_what_cannot_be_done() {
    let desk = Desk::new();
    let library = |file: &str, functions: &[&str]| {
        let source = functions.iter().map(|name| format!("unsigned {name}(void) {{ return 1; }}\n"));
        fs::write(desk.path("library.c"), source.collect::<String>()).unwrap();
        maker::compile(&[desk.path("library.c").to_str().unwrap()], &desk.path(file))
    };
    let needed = ukey_device::link::skf::NEEDED;
    if !library("six.so", &needed) || !library("five.so", &needed[1..]) {
        return;
    }
    let (code, json) = doctor(&desk, &["--library", "six.so", "--library", "five.so"], &[]);
    assert_eq!(code, 1);
    let six = finding(&json, "library:six.so");
    assert_eq!(six["state"], "partial");
    let cannot = six["reason"]["en"].as_str().unwrap();
    assert!(
        cannot.contains("one cannot list applications, as `ukey info` does (no SKF_EnumApplication)"),
        "{six}"
    );
    let five = finding(&json, "library:five.so");
    assert_eq!(five["state"], "broken");
    let unusable = five["reason"]["en"].as_str().unwrap();
    assert!(unusable.ends_with("cannot be used at all: no key is reached without SKF_EnumDev"), "{five}");
    // It is tried nevertheless, as far as it goes.
    let (_, json) = doctor(&desk, &["--target", "skf:six.so"], &[]);
    let reason = finding(&json, "target:skf:six.so")["reason"]["en"].to_string();
    assert!(reason.contains("SKF_EnumDev answered"), "{reason}");
    let text = desk.run(&["doctor", "--library", "six.so"], &[]).out;
    assert!(text.contains("partial") && text.contains("无法：列出应用"), "{text}");
}

#[test]
fn what_names_the_devices_of_the_library_is_looked_at() {
    let desk = Desk::new();
    let (code, json) = doctor(&desk, &[], &[("UKEY_SKF_TARGETS", "sim;sim:none.ukey;unix:")]);
    assert_eq!(code, 1);
    let variable = finding(&json, "variable:UKEY_SKF_TARGETS");
    let reason = variable["reason"]["en"].as_str().unwrap();
    assert!(reason.starts_with("UKEY_SKF_TARGETS: entry 3 of 3: unix:PATH lacks"), "{variable}");
    assert!(variable["advice"]["en"].as_str().unwrap().starts_with("a right one: UKEY_SKF_TARGETS='sim:"));

    let config = desk.path("skf.toml");
    let named = [("UKEY_SKF_CONFIG", config.to_str().unwrap())];
    let check = format!("skf-devices:{}", config.display());
    let look = |text: &str, variables: &[(&str, &str)]| {
        fs::write(&config, text).unwrap();
        doctor(&desk, &[], variables)
    };
    let (code, json) = look("targets = ['sim', 'usb']", &named);
    let file = finding(&json, &check);
    assert_eq!((code, &file["state"]), (1, &"broken".into()));
    assert!(
        file["reason"]["en"].as_str().unwrap().contains("skf.toml: entry 2 of 2: \"usb\" is no target"),
        "{file}"
    );
    assert!(file["advice"]["zh"].as_str().unwrap().contains("targets = ['sim:"), "{file}");
    // A token that it names has to be there.
    let (code, json) = look("targets = ['sim:none.ukey']", &named);
    assert_eq!((code, &finding(&json, &check)["state"]), (1, &"ok".into()));
    let state = finding(&json, &format!("state:{}", desk.path("none.ukey").display()));
    assert_eq!(state["state"], "broken");
    let overruled = [named[0], ("UKEY_SKF_TARGETS", "sim")];
    assert_eq!(finding(&look("targets = 1", &overruled).1, &check)["state"], "not needed");
}

#[test]
fn variables_and_the_folder_of_running_tokens_are_looked_at() {
    let desk = Desk::new();
    let variables = [("UKEY_TARGT", "sim"), ("UKEY_DIALECT", "elvish"), ("UKEY_TARGET", "usb")];
    let (code, json) = doctor(&desk, &[], &variables);
    assert_eq!(code, 1);
    assert_eq!(finding(&json, "variable:UKEY_TARGT")["command"], "unset UKEY_TARGT");
    let reason = finding(&json, "variable:UKEY_TARGET")["reason"]["zh"].to_string();
    assert!(reason.contains("不是目标"), "{reason}");
    finding(&json, "variable:UKEY_DIALECT");

    fs::create_dir(desk.path("running")).unwrap();
    fs::set_permissions(desk.path("running"), fs::Permissions::from_mode(0o755)).unwrap();
    let open = doctor(&desk, &[], &[]).1;
    assert!(finding(&open, "runtime-folder")["command"].as_str().unwrap().starts_with("chmod 700 "));
    fs::set_permissions(desk.path("running"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(finding(&doctor(&desk, &[], &[]).1, "runtime-folder")["state"], "ok");
    assert_eq!(desk.files(), 1, "it changes nothing");
}

#[test]
fn people_are_told_in_both_languages_and_nothing_secret() {
    let desk = Desk::new();
    let variables = [("UKEY_PIN", "not-to-be-told"), ("UKEY_PINN", "nor-this")];
    let ran = desk.run(&["doctor"], &variables);
    assert_eq!(ran.code, 1, "{ran:?}");
    for part in
        ["nothing reads UKEY_PINN; UKEY_PIN may be meant", "没有程序读取变量UKEY_PINN", "→ unset UKEY_PINN"]
    {
        assert!(ran.out.contains(part), "{part} in {}", ran.out);
    }
    assert!(!ran.out.contains("not-to-be-told") && !ran.out.contains("nor-this"), "{}", ran.out);
}
