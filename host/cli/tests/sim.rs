//! `ukey sim`: a token is made, saved and loaded, and never lost unasked.

mod common;

use common::{Desk, component};
use ukey_device::link::state::StateFile;
use ukey_device::{Board, KeyUse, Options, Target};
use ukey_pki::Certificate;

fn serial_number(desk: &Desk) -> String {
    desk.run(&["info", "--format", "json"], &[]).succeeds().json()["serial_number"].to_string()
}

#[test]
fn a_reset_prints_the_defaults() {
    let desk = Desk::new();
    let out = desk.run(&["sim", "reset"], &[]).succeeds().out;
    for line in [
        "application        UKEY",
        "user PIN           12345678",
        "administrator PIN  87654321",
        "container          DEV",
    ] {
        assert!(out.contains(line), "{out}");
    }
    desk.run(&["pin", "verify"], &[("UKEY_PIN", "12345678")]).succeeds();
    desk.run(&["pin", "verify", "--admin"], &[("UKEY_ADMIN_PIN", "87654321")]).succeeds();
}

#[test]
fn the_container_holds_a_certificate_pair_for_its_keys() {
    let desk = Desk::with_token();
    let device = Target::SimFile(desk.path("ukey.ukey")).connect(&Options::default()).unwrap();
    let container = device.open_application("UKEY").unwrap().open_container("DEV").unwrap();
    for key_use in KeyUse::ALL {
        let der = container.export_certificate(key_use).unwrap().unwrap();
        let key = Certificate::from_der(&der).unwrap().public_key().unwrap();
        let own = container.public_key(key_use).unwrap();
        assert_eq!((key.x(), key.y()), (own.x, own.y), "{key_use}");
    }
}

#[test]
fn keys_differ_unless_the_seed_is_the_same() {
    let serial_number_of = |seed: &[&str]| {
        let desk = Desk::new();
        desk.run(&[&["sim", "reset"], seed].concat(), &[]).succeeds();
        serial_number(&desk)
    };
    assert_eq!(serial_number_of(&["--seed", "5"]), serial_number_of(&["--seed", "5"]));
    assert_ne!(serial_number_of(&["--seed", "5"]), serial_number_of(&["--seed", "6"]));
    assert_ne!(serial_number_of(&[]), serial_number_of(&[]));
}

#[test]
fn the_developers_token_follows_its_policies_or_says_why_not() {
    let desk = Desk::new();
    let out = desk.run(&["sim", "reset", "--policy", "max-tries=9"], &[]).succeeds().out;
    assert!(out.contains("user PIN           12345678, 9 tries"), "{out}");
    for policy in ["min-pin=9", "max-pin=6"] {
        let desk = Desk::new();
        desk.run(&["sim", "reset", "--policy", policy], &[]).fails(2).says("8 characters").says("--factory");
        desk.run(&["sim", "reset", "--policy", policy, "--factory"], &[]).succeeds();
    }
}

#[test]
fn policies_stay_with_the_token() {
    let desk = Desk::new();
    let reset = ["sim", "reset", "--policy", "gm0027", "--policy", "min-pin=8"];
    let out = desk.run(&reset, &[]).succeeds().out;
    let policies = "min-pin=8, max-tries=10, strict-factory=on, changed-device-key=on";
    assert!(out.contains("policies           one-use=on, ") && out.contains(policies), "{out}");
    assert!(out.contains("device key         8765432187654321"), "the factory's is refused: {out}");
    let change = ["pin", "change"];
    let too_short = [("UKEY_PIN", "12345678"), ("UKEY_NEW_PIN", "1234567")];
    desk.run(&change, &too_short).fails(1);
    desk.run(&["pin", "verify"], &[("UKEY_PIN", "12345678")]).succeeds();
    let info = desk.run(&["info"], &[]).succeeds().out;
    assert!(info.contains("policy         one-use=on\n") && !info.contains("self-test      "), "{info}");
    let json = desk.run(&["info", "--format", "json"], &[]).succeeds().json();
    assert_eq!((&json["policies"][0], &json["self_test"]), (&"one-use=on".into(), &"not failed".into()));

    desk.run(&["sim", "save", "copy.ukey"], &[]).succeeds();
    desk.run(&["sim", "reset", "--yes"], &[]).succeeds();
    assert!(!desk.run(&["info"], &[]).succeeds().out.contains("policy"), "a new token has none of them");
    desk.run(&change, &too_short).succeeds();
    desk.run(&["sim", "load", "--yes", "copy.ukey"], &[]).succeeds();
    assert!(desk.run(&["info"], &[]).succeeds().out.contains("policy         min-pin=8\n"));
    for (wrong, says) in [("one-use=1", "(on, off)"), ("two-use=on", "one-use"), ("gm0028", "NAME=VALUE")] {
        desk.run(&["sim", "reset", "--yes", "--policy", wrong], &[]).fails(2).says(says);
    }
}

#[test]
fn a_token_whose_self_test_fails_says_who_it_is_and_no_more() {
    let desk = Desk::new();
    desk.run(&["sim", "reset", "--policy", "self-test-records=on"], &[]).succeeds();
    let file = desk.path("ukey.ukey");
    let (held, mut flash) = StateFile::open(&file).unwrap();
    let header = held.header().clone();
    drop(held);
    // The name of the container, as it is stored.
    let at = flash.windows(4).position(|window| window == b"\x03DEV").unwrap();
    flash[at + 1] ^= 1;
    drop(StateFile::create(&file, header, &flash, true).unwrap());
    let info = desk.run(&["info"], &[]).succeeds().out;
    assert!(info.contains("self-test      failed") && info.contains("serial number"), "{info}");
    assert!(!info.contains("factory token"), "{info}");
    let json = desk.run(&["info", "--format", "json"], &[]).succeeds().json();
    assert_eq!(json["self_test"], "failed");
    desk.run(&["pin", "verify"], &[("UKEY_PIN", "12345678")]).fails(1).says("6400").says("self-test");
}

#[test]
fn a_token_is_replaced_only_when_confirmed() {
    let desk = Desk::with_token();
    let before = serial_number(&desk);
    desk.run(&["sim", "reset"], &[]).fails(2).says("holds the token").says("--yes");
    assert_eq!(serial_number(&desk), before);
    desk.run(&["sim", "reset", "--yes"], &[]).succeeds();
    assert_ne!(serial_number(&desk), before);
    desk.run(&["sim", "reset", "--yes", "--factory"], &[]).succeeds();
    assert!(desk.run(&["info"], &[]).succeeds().out.contains("none"));
}

#[test]
fn a_damaged_token_can_be_reset_and_a_foreign_file_never() {
    let desk = Desk::with_token();
    let mut bytes = std::fs::read(desk.path("ukey.ukey")).unwrap();
    bytes.truncate(1000);
    std::fs::write(desk.path("ukey.ukey"), bytes).unwrap();
    desk.run(&["sim", "reset"], &[]).fails(2).says("holds a damaged token");
    desk.run(&["sim", "reset", "--yes"], &[]).succeeds();

    std::fs::write(desk.path("letter"), "a letter").unwrap();
    desk.run(&["sim", "reset", "--yes", "--state", "letter"], &[])
        .fails(5)
        .says("it is not the state of a simulated token");
    desk.run(&["sim", "save", "--yes", "letter"], &[]).fails(5);
    desk.run(&["sim", "load", "--yes", "letter"], &[]).fails(5);
    assert_eq!(std::fs::read_to_string(desk.path("letter")).unwrap(), "a letter");
}

#[test]
fn a_saved_token_comes_back_as_it_was() {
    let desk = Desk::with_token();
    let wrong = [("UKEY_PIN", "00000000")];
    desk.run(&["pin", "verify"], &wrong).fails(1).says("9 tries left");
    desk.run(&["sim", "save", "copy.ukey"], &[]).succeeds();
    desk.run(&["pin", "verify"], &wrong).fails(1).says("8 tries left");
    desk.run(&["sim", "save", "copy.ukey"], &[]).fails(2).says("--yes");
    desk.run(&["sim", "load", "copy.ukey"], &[]).fails(2).says("--yes");
    desk.run(&["sim", "load", "--yes", "copy.ukey"], &[]).succeeds();
    desk.run(&["pin", "verify"], &wrong).fails(1).says("8 tries left");
    let none = desk.run(&["sim", "load", "--yes", "none.ukey"], &[]).fails(5);
    let none = none.says("there is no file none.ukey").says("that `ukey sim save` wrote");
    assert!(!none.talk.contains("sim reset"), "it cannot bring a saved token back: {}", none.talk);
}

/// Half of what was changed may stand beside it, and the other half is still to come.
#[test]
fn a_token_in_use_is_neither_saved_nor_loaded() {
    let desk = Desk::with_token();
    desk.run(&["sim", "save", "copy.ukey"], &[]).succeeds();
    let before = std::fs::read(desk.path("copy.ukey")).unwrap();
    let held = Target::SimFile(desk.path("ukey.ukey")).connect(&Options::default()).unwrap();
    held.set_label("one").unwrap();
    held.set_label("two").unwrap();
    let holder = format!("(PID {})", std::process::id());
    for arguments in [
        ["sim", "load", "--yes", "--state", "copy.ukey", "ukey.ukey"],
        ["sim", "save", "--yes", "--state", "ukey.ukey", "copy.ukey"],
    ] {
        desk.run(&arguments, &[]).fails(5).says("ukey.ukey is in use by ").says(&holder);
    }
    assert_eq!(std::fs::read(desk.path("copy.ukey")).unwrap(), before);
    // As a killed program leaves it.
    for end in ["", ".changes"] {
        std::fs::copy(desk.path(&format!("ukey.ukey{end}")), desk.path(&format!("left.ukey{end}"))).unwrap();
    }
    desk.run(&["sim", "load", "--yes", "--state", "copy.ukey", "left.ukey"], &[]).succeeds();
    let label = desk.run(&["info", "--target", "sim:copy.ukey", "--format", "json"], &[]).succeeds().json();
    assert_eq!(label["label"], "two");
    drop(held);
    desk.run(&["sim", "save", "--yes", "copy.ukey"], &[]).succeeds();
}

/// On a medium that is read only nobody writes a lock.
#[test]
fn a_token_is_loaded_from_where_nothing_can_be_written() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let desk = Desk::with_token();
    let mode = |name: &str, mode| {
        std::fs::set_permissions(desk.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    std::fs::create_dir(desk.path("medium")).unwrap();
    desk.run(&["sim", "save", "medium/copy.ukey"], &[]).succeeds();
    std::fs::remove_file(desk.path("medium/copy.ukey.lock")).unwrap();
    std::fs::create_dir(desk.path("own")).unwrap();
    mode("medium/copy.ukey", 0o444);
    mode("medium", 0o555);
    mode("own", 0o777);
    mode("", 0o755);
    let mut command = desk.command(&["sim", "load", "--state", "own/k.ukey", "medium/copy.ukey"], &[]);
    if std::fs::write(desk.path("medium/x"), "").is_ok() {
        // The superuser writes anywhere; nobody does not.
        std::fs::remove_file(desk.path("medium/x")).unwrap();
        command.uid(65534);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(desk.path("own/k.ukey").exists());
    mode("medium", 0o755);
}

/// From no file to a token with PINs and certificates, by what the messages say.
#[test]
fn the_flash_of_a_board_becomes_a_developers_token() {
    let board = Board::Mps2An386;
    if component(board.check().ok(), &format!("the image of {board}, or QEMU"), "ukey board build").is_none()
    {
        return;
    }
    let desk = Desk::new();
    let run = |arguments: &[&str]| {
        let at = ["--target", "qemu:mps2-an386=flash"];
        desk.run(&[arguments, &at].concat(), &[("UKEY_PIN", "12345678")])
    };
    run(&["pin", "verify"]).fails(2).says("`ukey sim reset`, of the same --target");
    let out = run(&["sim", "reset"]).succeeds().out;
    assert!(out.contains("target             qemu:mps2-an386=flash\n") && out.contains("12345678"), "{out}");
    run(&["pin", "verify"]).succeeds();
    run(&["sim", "reset"]).fails(2).says("--yes");
    run(&["sim", "reset", "--yes"]).succeeds();
    run(&["pin", "verify"]).succeeds();
    std::fs::write(desk.path("flash"), "a letter").unwrap();
    run(&["sim", "reset", "--yes"]).fails(5).says("it has 8 bytes").says("name another file for the flash");
    assert_eq!(std::fs::read_to_string(desk.path("flash")).unwrap(), "a letter");
}

#[test]
fn the_state_file_is_that_of_the_target_or_named() {
    let desk = Desk::new();
    desk.run(&["sim", "reset", "--target", "sim:a.ukey"], &[]).succeeds();
    desk.run(&["sim", "reset", "--state", "b.ukey"], &[]).succeeds();
    assert!(desk.path("a.ukey").exists() && desk.path("b.ukey").exists() && !desk.path("ukey.ukey").exists());
    desk.run(&["sim", "reset", "--target", "sim"], &[]).fails(2).says("has no state file");
    desk.run(&["sim", "reset", "--target", "qemu"], &[]).fails(2).says("--target qemu:mps2-an386=FILE");
    desk.run(&["sim", "save", "--target", "qemu:mps2-an386=f", "copy"], &[]).fails(2).says("copy f itself");
}
