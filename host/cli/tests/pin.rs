//! `ukey pin`: every run is a process of its own; the token's state goes through its file.

mod common;

use common::{Desk, Ran};

const RIGHT: (&str, &str) = ("UKEY_PIN", "12345678");
const WRONG: (&str, &str) = ("UKEY_PIN", "00000000");
const ADMIN: (&str, &str) = ("UKEY_ADMIN_PIN", "87654321");
const NEW: (&str, &str) = ("UKEY_NEW_PIN", "24681357");
const NEW_AS_OLD: (&str, &str) = ("UKEY_PIN", "24681357");

fn verify(desk: &Desk, pin: (&str, &str)) -> Ran {
    desk.run(&["pin", "verify"], &[pin])
}

fn tries_left(desk: &Desk) -> u64 {
    let status = desk.run(&["pin", "status", "--format", "json"], &[]).succeeds().json();
    assert_eq!(status["version"], 1);
    status["user"]["remaining"].as_u64().unwrap()
}

#[test]
fn eleven_wrong_pins_lock_and_the_administrator_unlocks() {
    let desk = Desk::with_token();
    for left in (2..=9).rev() {
        verify(&desk, WRONG).fails(1).says(&format!("{left} tries left"));
    }
    verify(&desk, WRONG).fails(1).says("1 try left").says("the next wrong try locks it");
    verify(&desk, WRONG).fails(1).says("the user PIN is locked").says("解锁");
    verify(&desk, WRONG).fails(1).says("the user PIN is locked");
    verify(&desk, RIGHT).fails(1).says("the user PIN is locked");
    assert_eq!(tries_left(&desk), 0);

    desk.run(&["pin", "unblock"], &[("UKEY_ADMIN_PIN", "11111111"), NEW])
        .fails(1)
        .says("administrator PIN is wrong, 9 tries left");
    verify(&desk, NEW_AS_OLD).fails(1).says("locked");
    desk.run(&["pin", "unblock"], &[ADMIN, NEW]).succeeds();
    assert_eq!(tries_left(&desk), 10);
    verify(&desk, RIGHT).fails(1).says("9 tries left");
    verify(&desk, NEW_AS_OLD).succeeds();
    assert_eq!(tries_left(&desk), 10);
}

#[test]
fn a_pin_is_changed_by_who_knows_it() {
    let desk = Desk::with_token();
    desk.run(&["pin", "change"], &[WRONG, NEW]).fails(1).says("9 tries left");
    desk.run(&["pin", "change"], &[RIGHT, NEW]).succeeds();
    verify(&desk, RIGHT).fails(1);
    verify(&desk, NEW_AS_OLD).succeeds();
    desk.run(&["pin", "change", "--admin"], &[RIGHT, ADMIN, ("UKEY_NEW_PIN", "admin-2")]).succeeds();
    desk.run(&["pin", "verify", "--admin"], &[ADMIN]).fails(1).says("administrator PIN is wrong");
    desk.run(&["pin", "verify", "--admin"], &[("UKEY_ADMIN_PIN", "admin-2")]).succeeds();
}

#[test]
fn pins_come_from_files_too_and_go_before_variables() {
    let desk = Desk::with_token();
    std::fs::write(desk.path("pin"), "12345678\n").unwrap();
    std::fs::write(desk.path("new"), "24681357\r\n").unwrap();
    desk.run(&["pin", "verify", "--pin-file", "pin"], &[WRONG]).succeeds();
    desk.run(&["pin", "change", "--pin-file", "pin", "--new-pin-file", "new"], &[]).succeeds();
    desk.run(&["pin", "verify", "--pin-file", "new"], &[]).succeeds();
    desk.run(&["pin", "verify", "--pin-file", "none"], &[]).fails(2).says("none cannot be read");
    assert_eq!(tries_left(&desk), 10);
}

#[test]
fn without_a_pin_and_a_terminal_nothing_is_tried() {
    let desk = Desk::with_token();
    desk.run(&["pin", "verify"], &[]).fails(2).says("--pin-file FILE, set UKEY_PIN");
    desk.run(&["pin", "change"], &[RIGHT]).fails(2).says("UKEY_NEW_PIN");
    verify(&desk, ("UKEY_PIN", "")).fails(2).says("1 to 16 bytes");
    verify(&desk, ("UKEY_PIN", "12345678901234567")).fails(2).says("1 to 16 bytes");
    assert_eq!(tries_left(&desk), 10);
}

#[test]
fn a_pin_is_never_an_argument_and_never_shown() {
    let desk = Desk::with_token();
    desk.run(&["pin", "verify", "12345678"], &[]).fails(2);
    desk.run(&["pin", "verify", "--pin", "12345678"], &[]).fails(2);
    for pin in ["97531864", "12345678"] {
        let ran = desk.run(&["-vv", "pin", "verify"], &[("UKEY_PIN", pin)]);
        assert!(ran.talk.contains("VerifyPin"), "{ran:?}");
        let digits: String = pin.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!ran.talk.contains(pin) && !ran.talk.contains(&digits), "{ran:?}");
    }
}

#[test]
fn a_token_without_an_application_has_no_pin() {
    let desk = Desk::new();
    desk.run(&["sim", "reset", "--factory"], &[]).succeeds();
    verify(&desk, RIGHT).fails(2).says("no application");
    desk.run(&["pin", "status", "--application", "OTHER"], &[]).fails(1).says("there is no such application");
}

#[test]
fn a_new_pin_that_will_not_do_is_refused_with_what_will() {
    let desk = Desk::with_token();
    let pins = [("UKEY_PIN", "12345678"), ("UKEY_NEW_PIN", "1")];
    desk.run(&["pin", "change"], &pins).fails(1).says("6A80").says("6 to 16").says("6至16位");
    let pins = [("UKEY_ADMIN_PIN", "87654321"), ("UKEY_NEW_PIN", "12345")];
    desk.run(&["pin", "unblock"], &pins).fails(1).says("6 to 16");
    desk.run(&["pin", "verify"], &[("UKEY_PIN", "12345678")]).succeeds();
}
