//! `ukey apdu`: commands as they are written, from the command line, a script and a pipe.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use common::Desk;

const SIM: [&str; 2] = ["--target", "sim"];

fn send<'a>(commands: &[&'a str]) -> Vec<&'a str> {
    [&["apdu", "send"], &SIM[..], commands].concat()
}

#[test]
fn an_answer_is_told_in_words_and_bytes() {
    let desk = Desk::with_token();
    let out = desk.run(&["apdu", "send", "GetDevInfo/0120=9000"], &[]).succeeds().out;
    assert!(out.starts_with("GetDevInfo → 9000 success"), "{out}");
    assert!(out.contains("  0000  ") && out.contains("  0110  ") && !out.contains("  0120  "), "{out}");
    assert!(out.contains("UKEY developer"), "the label is in the bytes as text: {out}");
    let whole = desk.run(&["apdu", "send", "80 04 00 00 00 01 20"], &[]).succeeds().out;
    assert_eq!(whole, out, "a whole envelope is the same command");
}

#[test]
fn several_commands_stay_in_one_session_and_their_order() {
    let desk = Desk::with_token();
    let commands = ["OpenApplication:\"UKEY\"=9000", "GetPinInfo0001:1000=9000", "EnumApplication=9000"];
    let out = desk.run(&[&["apdu", "send"], &commands[..]].concat(), &[]).succeeds().out;
    let at = |name| out.find(name).unwrap_or_else(|| panic!("{name} in {out}"));
    assert!(at("OpenApplication") < at("GetPinInfo") && at("GetPinInfo") < at("EnumApplication"));
}

#[test]
fn another_answer_than_expected_stops_and_fails() {
    let desk = Desk::new();
    let ran = desk.run(&send(&["EnumApplication=63Cx", "GetDevInfo"]), &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(!ran.out.contains("GetDevInfo"), "{ran:?}");
    ran.says("EnumApplication: expected 63Cx, got 9000 success").says("应为63Cx，实为9000（成功）");
    // What nobody expected may be anything.
    desk.run(&send(&["6E", "GetPinInfo0001:1000"]), &[]).succeeds();
}

#[test]
fn what_a_wrong_pin_answers_can_be_expected_and_nothing_of_it_is_told() {
    let desk = Desk::with_token();
    let cryptogram = "00112233445566778899AABBCCDDEEFF";
    let verify = format!("VerifyPin0001:1000{cryptogram}=63Cx");
    let commands = ["OpenApplication:\"UKEY\"=9000", "GenRandom/08=9000", &verify];
    let out = desk.run(&[&["apdu", "send"], &commands[..]].concat(), &[]).succeeds().out;
    assert!(out.contains("63C9 verification failed, 9 tries left"), "{out}");
    assert!(!out.to_uppercase().contains(cryptogram), "what was sent may be secret: {out}");
}

#[test]
fn bad_syntax_is_pointed_at_and_nothing_is_sent() {
    let desk = Desk::new();
    let bad = desk.run(&send(&["GetDevInfo", "26:ABG0"]), &[]).fails(2);
    bad.says("character 6: \"G\" is no hexadecimal digit").says("不是十六进制数字").says("here");
    desk.run(&send(&["GetDevInf"]), &[]).fails(2).says("no command \"GetDevInf\"").says("ukey commands");
    desk.run(&send(&["04=90"]), &[]).fails(2).says("a status word has four hexadecimal digits");
    desk.run(&["apdu", "send"], &[]).fails(2);
    assert_eq!(desk.files(), 0);
}

#[test]
fn answers_for_programs() {
    let desk = Desk::new();
    let json = desk.run(&send(&["04/0120=9000", "--format", "json"]), &[]).succeeds().json();
    assert_eq!(
        (&json["version"], &json["target"], &json["passed"]),
        (&1.into(), &"sim".into(), &true.into())
    );
    let exchange = &json["exchanges"][0];
    assert_eq!((&exchange["command"], &exchange["status"]), (&"GetDevInfo".into(), &"9000".into()));
    assert_eq!((&exchange["expected"], &exchange["meaning_zh"]), (&"9000".into(), &"成功".into()));
    assert_eq!(exchange["data"].as_str().unwrap().len(), 2 * 0x120);

    let failed = desk.run(&send(&["6E=9000", "04", "--format", "json"]), &[]);
    assert_eq!((failed.code, failed.json()["passed"].as_bool()), (1, Some(false)));
    assert_eq!(failed.json()["exchanges"].as_array().unwrap().len(), 1, "it stopped");
}

const SCRIPT: &str = "# the way to a PIN\nreset\n80 04 00 00 00 01 20\n= 9000\n\
                      OpenApplication:\"UKEY\"   # by its name\nGetPinInfo0001:1000 = 9000\n6E = 6Dxx\n";

#[test]
fn a_script_is_carried_out() {
    let desk = Desk::with_token();
    fs::write(desk.path("a.apdu"), SCRIPT).unwrap();
    let out = desk.run(&["apdu", "script", "a.apdu"], &[]).succeeds().out;
    assert!(out.starts_with("reset\nGetDevInfo → 9000"), "{out}");
    let json = desk.run(&["apdu", "script", "a.apdu", "--format", "json"], &[]).succeeds().json();
    let lines: Vec<_> =
        json["exchanges"].as_array().unwrap().iter().map(|each| each["line"].clone()).collect();
    assert_eq!(lines, [2, 3, 5, 6, 7]);
}

#[test]
fn a_script_stops_at_the_first_answer_that_is_not_as_expected() {
    let desk = Desk::with_token();
    let script = "GetDevInfo = 6A80\nEnumApplication = 6A80\nGetDevInfo\n";
    fs::write(desk.path("a.apdu"), script).unwrap();
    let stopped = desk.run(&["apdu", "script", "a.apdu"], &[]);
    assert!(stopped.code == 1 && !stopped.out.contains("EnumApplication"), "{stopped:?}");
    stopped.says("line 1: GetDevInfo: expected 6A80, got 9000");
    let all = desk.run(&["apdu", "script", "a.apdu", "--keep-going"], &[]);
    assert_eq!((all.code, all.out.matches("GetDevInfo →").count()), (1, 2), "{all:?}");
    all.says("line 2: EnumApplication");
}

#[test]
fn a_script_that_cannot_be_read_sends_nothing() {
    let desk = Desk::with_token();
    fs::write(desk.path("a.apdu"), "GetDevInfo\n\n80 0x\n").unwrap();
    let bad = desk.run(&["apdu", "script", "a.apdu"], &[]).fails(2);
    bad.says("line 3: \"x\" is no hexadecimal digit").says("a.apdu:3:5").says("第3行");
    fs::write(desk.path("b.apdu"), "= 9000\n").unwrap();
    desk.run(&["apdu", "script", "b.apdu"], &[]).fails(2).says("line 1: there is no command before it");
    desk.run(&["apdu", "script", "none.apdu"], &[]).fails(2).says("none.apdu cannot be read");
}

#[test]
fn a_recording_asks_for_the_same_again() {
    let desk = Desk::with_token();
    fs::write(desk.path("a.apdu"), SCRIPT).unwrap();
    desk.run(&["apdu", "script", "a.apdu", "--record", "b.apdu"], &[]).succeeds();
    let recorded = fs::read_to_string(desk.path("b.apdu")).unwrap();
    assert!(recorded.contains("# the way to a PIN") && recorded.contains("# <- "), "{recorded}");
    assert!(recorded.contains("# by its name\n# <- "), "{recorded}");
    assert_eq!(fs::metadata(desk.path("b.apdu")).unwrap().permissions().mode() & 0o777, 0o600);
    desk.run(&["apdu", "script", "b.apdu", "--record", "c.apdu"], &[]).succeeds();
    assert_eq!(fs::read_to_string(desk.path("c.apdu")).unwrap(), recorded);
    // What expected nothing expects the same now: a blank token has no such application.
    let blank = desk.run(&["apdu", "script", "b.apdu", "--target", "sim"], &[]);
    assert_eq!(blank.code, 1);
    blank.says("OpenApplication: expected 9000, got 6A8B");
}

#[test]
fn a_shell_is_driven_through_a_pipe() {
    let desk = Desk::with_token();
    let lines = "# hello\ninfo\nGetDevInfo/0120 = 9000\nunplug\nplug\nreset\nhelp\nquit\nGetDevInfo\n";
    let ran = desk.run_with_input(&["apdu", "shell"], lines).succeeds();
    for part in ["UKEY developer", "unplugged\nplugged in\nreset\n", "[CLA]INS", "GetDevInfo → 9000"] {
        assert!(ran.out.contains(part), "{part} in {}", ran.out);
    }
    assert_eq!(ran.out.matches("GetDevInfo →").count(), 1, "quit ends it: {}", ran.out);
    assert!(!ran.talk.contains("ukey>"), "no prompt in a pipe: {}", ran.talk);
}

#[test]
fn a_bad_line_ends_no_shell_but_is_not_forgotten() {
    let desk = Desk::with_token();
    let run = |lines: &str| desk.run_with_input(&["apdu", "shell"], lines);
    let bad = run("GetDevInf\nEnumApplication\n");
    assert!(bad.code == 2 && bad.out.contains("EnumApplication → 9000"), "{bad:?}");
    bad.says("no command \"GetDevInf\"");
    let unexpected = run("EnumApplication = 6A80\nGetDevInfo\n");
    assert!(unexpected.code == 1 && unexpected.out.contains("GetDevInfo → 9000"), "{unexpected:?}");
    let pulled = run("unplug\nGetDevInfo\nplug\nGetDevInfo=9000\n");
    assert!(pulled.code == 5 && pulled.out.ends_with("................\n"), "{pulled:?}");
    pulled.says("the key has been removed");
    run("").succeeds();
}

#[test]
fn a_token_that_is_not_reached_is_said_not_to_be() {
    let desk = Desk::new();
    for verb in [&["send", "GetDevInfo"][..], &["shell"]] {
        desk.run(&[&["apdu"], verb].concat(), &[]).fails(5).says("there is no file ukey.ukey");
    }
}
