//! `ukey trace`: what `--trace` records is shown, explained and exported; what is no trace is refused.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use common::{Desk, component};

/// A desk with a token, and `walk.trace`: PINs looked at, a right one and a wrong one.
fn desk() -> Desk {
    let desk = Desk::with_token();
    let trace = |arguments: &[&str], pin: &str| {
        desk.run(&[&["--trace", "walk.trace"], arguments].concat(), &[("UKEY_PIN", pin)])
    };
    trace(&["info"], "").succeeds();
    trace(&["pin", "verify"], "12345678").succeeds();
    trace(&["pin", "verify"], "12345670").fails(1);
    desk
}

#[test]
fn what_was_recorded_is_shown() {
    let desk = desk();
    let table = desk.run(&["trace", "show", "walk.trace"], &[]).succeeds().out;
    for part in
        ["connected to sim:ukey.ukey", "VerifyPin", "63C9 verification failed, 9 tries left", "9000 success"]
    {
        assert!(table.contains(part), "{part}: {table}");
    }
    let failed = desk.run(&["trace", "show", "walk.trace", "--failed"], &[]).succeeds().out;
    assert_eq!(failed.lines().count(), 2, "{failed}");
    let verified =
        desk.run(&["trace", "show", "walk.trace", "--command", "verifypin", "--format", "json"], &[]).json();
    let entries = verified["entries"].as_array().unwrap();
    assert_eq!((verified["version"].as_u64(), entries.len()), (Some(1), 2));
    assert_eq!(entries[1]["meaning_zh"], "口令错误，剩余9次");
    assert_eq!(entries[0]["command"].as_str().unwrap().split(' ').nth(1), Some("‹16"));
    desk.run(&["trace", "show", "walk.trace", "--command", "VerifyPan"], &[]).fails(2).says("is no command");

    let text = fs::read_to_string(desk.path("walk.trace")).unwrap();
    assert!(!text.contains("12345678") && !text.contains(&hex::encode("12345678")));
}

#[test]
fn the_environment_records_too_and_secrets_want_a_word() {
    let desk = Desk::with_token();
    desk.run(&["info"], &[("UKEY_TRACE", "quiet.trace")]).succeeds();
    let mode = |name: &str| fs::metadata(desk.path(name)).unwrap().permissions().mode() & 0o777;
    assert!(desk.run(&["trace", "show", "quiet.trace"], &[]).succeeds().out.contains("GetDevInfo"));
    let variables = [("UKEY_PIN", "12345678")];
    let ran = desk.run(&["--trace", "loud.trace", "--trace-secrets", "pin", "verify"], &variables);
    ran.succeeds().says("WARNING").says("口令密文");
    assert_eq!(mode("loud.trace"), 0o600);
    let loud = desk.run(&["trace", "show", "loud.trace"], &[]).succeeds();
    assert!(loud.out.contains("WITH SECRETS") && !loud.out.contains("12345678"), "{}", loud.out);
    desk.run(&["--trace", "loud.trace", "info"], &[]).fails(2).says("with secrets");
    desk.run(&["--trace", "no/such/folder/x", "info"], &[]).fails(2).says("cannot be written");
    fs::write(desk.path("thesis"), "text\n").unwrap();
    desk.run(&["--trace", "thesis", "info"], &[]).fails(2).says("no trace of version");
    assert_eq!(fs::read(desk.path("thesis")).unwrap(), b"text\n");
}

#[test]
fn bytes_are_explained_without_a_token() {
    let desk = Desk::new();
    let explained = desk.run(&["trace", "decode", "801400010000021000", "0a09019000"], &[]).succeeds().out;
    for part in ["GetPinInfo", "the user PIN", "application", "tries left", "9", "成功"] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    fs::write(desk.path("lines"), "> 80500000000008\n< b12284f7e60fb45c9000\n").unwrap();
    let explained = desk.run(&["trace", "decode", "lines", "--format", "json"], &[]).json();
    assert_eq!(explained["commands"][0]["answer"][0]["value"], "‹8 bytes›");
    let explained = desk.run(&["trace", "decode", "lines", "--secrets"], &[]).succeeds().out;
    assert!(explained.contains("b12284f7e60fb45c"), "{explained}");
    desk.run(&["trace", "decode", "80zz"], &[]).fails(2).says("line 1");
    fs::write(desk.path("lines"), "80500000000008\nwhat\n").unwrap();
    desk.run(&["trace", "decode", "lines"], &[]).fails(2).says("line 2");
    let opened = ["80260000000009474d33303030525341000a", "ff0000000000000010009000"];
    let read = |dialect: &str| {
        desk.run(&["trace", "decode", opened[0], opened[1], "--dialect", dialect], &[]).succeeds().out
    };
    assert!(read("gm3000").contains("anyone"));
    assert!(!read("gm2012").contains("anyone"), "other constants");
}

#[test]
fn what_is_no_trace_is_refused_with_its_line() {
    let desk = desk();
    let path = desk.path("walk.trace");
    let sound = fs::read_to_string(&path).unwrap();
    let torn = sound.replacen("\n{", "\n", 1);
    fs::write(&path, torn).unwrap();
    for verb in [&["show"][..], &["export"], &["decode"], &["replay"]] {
        let out = if verb == ["export"] { &["out"][..] } else { &[] };
        let arguments = [&["trace"], verb, &["walk.trace"], out].concat();
        desk.run(&arguments, &[]).fails(2).says("line 2").says("第2行").says("JSON");
    }
    fs::write(&path, sound.replacen("\"version\":1", "\"version\":7", 1)).unwrap();
    desk.run(&["trace", "show", "walk.trace"], &[]).fails(2).says("line 1").says("version 7");
    desk.run(&["trace", "export", "missing", "out"], &[]).fails(2).says("missing");
}

#[test]
fn a_trace_that_was_cut_off_is_told_up_to_there() {
    let desk = Desk::with_token();
    let pin = [("UKEY_PIN", "12345678")];
    desk.run(&["--trace", "whole.trace", "pin", "verify"], &pin).succeeds();
    let sound = fs::read(desk.path("whole.trace")).unwrap();
    // The program was killed while it wrote the last exchange, inside a character of it.
    let lines: Vec<&[u8]> = sound.split_inclusive(|byte| *byte == b'\n').collect();
    let last = lines.iter().rposition(|line| line.windows(10).any(|part| part == b"\"exchange\"")).unwrap();
    let half = lines[last].iter().rposition(|byte| *byte >= 0xC0).unwrap() + 1;
    fs::write(desk.path("whole.trace"), lines[..=last].concat()).unwrap();
    fs::write(desk.path("cut.trace"), [&lines[..last].concat(), &lines[last][..half]].concat()).unwrap();
    let run = |verb: &str, file: &str, more: &[&str]| {
        let ran = desk.run(&[&["trace", verb, file], more].concat(), &pin);
        (ran.code, ran)
    };
    let line = format!("cut.trace ends in the middle of line {}", last + 1);
    let chinese = format!("cut.trace在第{}行中断", last + 1);
    let told = |verb: &str, more: &[&str]| {
        let (code, whole) = run(verb, "whole.trace", more);
        assert_eq!(code, 0, "{whole:?}");
        let (code, cut) = run(verb, "cut.trace", more);
        assert_eq!(code, 1, "{cut:?}");
        (whole.out, cut.says(&line).says(&chinese).out)
    };
    let (whole, cut) = told("show", &[]);
    assert!(whole.contains("VerifyPin") && !cut.contains("VerifyPin"), "{cut}");
    assert_eq!(cut.lines().count(), whole.lines().count() - 1);
    assert!(whole.starts_with(&cut), "all that is readable: {cut}");
    let (whole, cut) = told("show", &["--format", "json"]);
    let of = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["cut_off"].clone();
    assert_eq!((of(&whole), of(&cut)), (serde_json::Value::Null, (last + 1).into()));
    let (whole, cut) = told("decode", &[]);
    assert!(whole.starts_with(&cut) && whole.len() > cut.len() && cut.contains("OpenApplication"), "{cut}");
    let (whole, cut) = told("export", &["-", "--format", "scriptor"]);
    assert!(whole.starts_with(&cut) && whole.len() > cut.len(), "{cut}");
    let (whole, cut) = told("replay", &["--target", "sim:ukey.ukey"]);
    assert!(whole.contains("VerifyPin") && cut.contains("OpenApplication"), "{cut}");
    assert!(cut.contains("0 different") && !cut.contains("VerifyPin"), "{cut}");
    // It is recorded on behind what is whole.
    desk.run(&["--trace", "cut.trace", "info"], &[]).succeeds();
    desk.run(&["trace", "show", "cut.trace"], &[]).succeeds();
}

/// The blocks of a pcapng: type and body.
fn blocks(bytes: &[u8]) -> Vec<(u32, &[u8])> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (mut at, mut all) = (0, Vec::new());
    while at < bytes.len() {
        let length = word(at + 4) as usize;
        assert_eq!(word(at + length - 4) as usize, length, "the length stands at both ends");
        all.push((word(at), &bytes[at + 8..at + length - 4]));
        at += length;
    }
    all
}

#[test]
fn a_trace_is_exported_whole() {
    let desk = desk();
    desk.run(&["trace", "export", "walk.trace", "walk.pcapng"], &[]).succeeds();
    let bytes = fs::read(desk.path("walk.pcapng")).unwrap();
    let blocks = blocks(&bytes);
    let shown = desk.run(&["trace", "show", "walk.trace", "--format", "json"], &[]).json();
    let exchanges = shown["entries"].as_array().unwrap().iter().filter(|entry| entry["type"] == "exchange");
    let packets = exchanges.clone().count() * 2;
    let of = |kind: u32| blocks.iter().filter(|(found, _)| *found == kind).count();
    assert_eq!((of(0x0A0D_0D0A), of(1), of(6)), (1, 3, packets));
    for (exchange, sent) in exchanges.zip(blocks.iter().filter(|(kind, _)| *kind == 6).step_by(2)) {
        let command = exchange["command"].as_str().unwrap().split(" ‹").next().unwrap();
        assert!(hex::encode(sent.1).contains(command), "{command}");
    }

    let script =
        desk.run(&["trace", "export", "walk.trace", "-", "--format", "scriptor"], &[]).succeeds().out;
    assert!(
        script.contains("\n80 04 00 00 00 ") && script.contains("# left out, bytes are hidden: 80180001")
    );
    for line in script.lines().filter(|line| !line.starts_with('#')) {
        assert!(
            line.split(' ').all(|byte| byte.len() == 2 && u8::from_str_radix(byte, 16).is_ok()),
            "{line}"
        );
    }
}

#[test]
fn wireshark_reads_it_as_smart_card_traffic() {
    let found =
        Command::new("tshark").arg("--version").output().ok().filter(|output| output.status.success());
    if component(found, "tshark", "Debian package tshark").is_none() {
        return;
    }
    let desk = desk();
    desk.run(&["trace", "export", "walk.trace", "walk.pcapng"], &[]).succeeds();
    let tshark = |arguments: &[&str]| {
        let output =
            Command::new("tshark").arg("-r").arg(desk.path("walk.pcapng")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let exchanges = desk.run(&["trace", "show", "walk.trace"], &[]).out.matches(" → ").count();
    let listed = tshark(&[]);
    assert_eq!(listed.lines().filter(|line| line.contains("ISO 7816")).count(), exchanges * 2, "{listed}");
    assert_eq!(listed.matches("Interface → Card").count(), exchanges, "{listed}");
    let fields = ["-T", "fields", "-e", "iso7816.apdu.sw1", "-e", "iso7816.apdu.sw2", "-e", "frame.comment"];
    let answers = tshark(&[&["-Y", "iso7816.apdu.sw1"][..], &fields].concat());
    assert_eq!(answers.lines().count(), exchanges, "{answers}");
    assert!(
        answers.lines().any(|line| line.starts_with("0x63\t0xc9") && line.contains("9 tries left")),
        "{answers}"
    );
}

#[test]
fn a_session_is_replayed_and_compared() {
    let walked = desk();
    let desk = Desk::with_token();
    let right = [("UKEY_PIN", "12345678")];
    desk.run(&["--trace", "verify.trace", "pin", "verify"], &right).succeeds();
    desk.run(&["sim", "reset", "--seed", "2", "--state", "other.ukey"], &[]).succeeds();
    let replay = ["trace", "replay", "verify.trace", "--target", "sim:other.ukey"];
    let report = desk.run(&replay, &right).succeeds().out;
    assert!(report.contains("0 different, 0 left out") && report.contains("VerifyPin"), "{report}");
    let report = desk.run(&[&replay[..], &["--format", "json"]].concat(), &right).json();
    assert_eq!((report["version"].as_u64(), report["same"].as_bool()), (Some(1), Some(true)));

    // The secret is asked for before anything is sent, and a wrong one is one try.
    let left = || {
        let status = ["pin", "status", "--target", "sim:other.ukey", "--format", "json"];
        desk.run(&status, &[]).json()["user"]["remaining"].as_u64().unwrap()
    };
    desk.run(&replay, &[]).fails(2).says("the user PIN is needed").says("--pin-file");
    let preview = desk.run(&[&replay[..], &["--dry-run"]].concat(), &[]).succeeds().out;
    assert!(
        preview.contains("the user PIN: --pin-file or UKEY_PIN") && preview.contains("costs     nothing"),
        "{preview}"
    );
    assert_eq!(left(), 10);
    let other = desk.run(&replay, &[("UKEY_PIN", "87654320")]);
    assert_eq!(other.code, 1, "{other:?}");
    assert!(other.out.contains("DIFFERENT: 63C9") && other.out.contains("1 different"), "{}", other.out);
    assert_eq!(left(), 9);

    // A trace that expects another word is different, too.
    let text = fs::read_to_string(desk.path("verify.trace")).unwrap();
    let changed = text.replacen("\"answer\":\"9000\"", "\"answer\":\"6983\"", 1);
    assert_ne!(changed, text);
    fs::write(desk.path("verify.trace"), changed).unwrap();
    let other = desk.run(&replay, &right);
    assert_eq!(other.code, 1, "{other:?}");
    assert!(other.out.contains("9000 success instead of 6983"), "{}", other.out);

    let several = walked.run(&["trace", "replay", "walk.trace"], &[]);
    several.fails(2).says("3 connections").says("--connection N");
}

#[test]
fn a_recording_says_what_it_would_cost() {
    let desk = Desk::new();
    desk.run(&["--trace", "reset.trace", "sim", "reset", "--seed", "1"], &[]).succeeds();
    let preview = desk.run(&["trace", "replay", "reset.trace", "--dry-run", "--format", "json"], &[]).json();
    assert_eq!(preview["lasting"]["GenECCKeyPair"], 1);
    let needs = preview["needs"].as_array().unwrap().iter().map(|need| need["variable"].as_str().unwrap());
    assert_eq!(needs.collect::<Vec<_>>(), ["UKEY_PIN", "UKEY_ADMIN_PIN", "UKEY_DEVICE_KEY"]);
    // A developer's token is made again from what was recorded of the first.
    desk.run(&["sim", "reset", "--factory", "--state", "blank.ukey"], &[]).succeeds();
    let secrets =
        [("UKEY_PIN", "12345678"), ("UKEY_ADMIN_PIN", "87654321"), ("UKEY_DEVICE_KEY", "1234567812345678")];
    let report =
        desk.run(&["trace", "replay", "reset.trace", "--target", "sim:blank.ukey"], &secrets).succeeds();
    assert!(report.out.contains("0 different"), "{}", report.out);
    let info = desk.run(&["info", "--target", "sim:blank.ukey"], &[]).succeeds().out;
    assert!(info.contains("encryption pair of 256 bits with certificate"), "{info}");
    desk.run(&["trace", "replay", "reset.trace", "--target", "sim:blank.ukey"], &[("UKEY_PIN", "1")])
        .fails(2)
        .says("administrator PIN is needed");
}
