//! `ukey sim enrol`: a key that a hall enrolled, and its certificates for others to check.

mod common;

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use common::{Desk, Ran};
use ukey_pki::Certificate;

const ENROL: [&str; 8] = ["sim", "enrol", "--target", "sim:k.ukey", "--out", "certificates", "--seed", "5"];
const FILES: [&str; 4] = ["root.pem", "issuing.pem", "sign.pem", "encryption.pem"];

fn enrol(desk: &Desk, more: &[&str]) -> Ran {
    desk.run(&[&ENROL[..], more].concat(), &[])
}

#[test]
fn an_enrolled_key_works_with_the_pin_in_its_file() {
    let desk = Desk::new();
    let ran = enrol(&desk, &["--profile", "luming"]).succeeds();
    let pin = fs::read_to_string(desk.path("k.pin")).unwrap();
    let pin = pin.trim_end();
    assert!(pin.len() >= 6 && !ran.out.contains(pin) && !ran.talk.contains(pin), "told unasked");
    assert_eq!(fs::metadata(desk.path("k.pin")).unwrap().permissions().mode() & 0o777, 0o600);

    let target = ["--target", "sim:k.ukey"];
    desk.run(&[&["pin", "verify", "--pin-file", "k.pin"], &target[..]].concat(), &[]).succeeds();
    desk.run(&[&["pin", "verify"], &target[..]].concat(), &[("UKEY_PIN", "not-the-pin")]).fails(1);
    let sign = fs::read_to_string(desk.path("certificates/sign.pem")).unwrap();
    let serial = Certificate::from_pem(&sign).unwrap().serial().to_string();
    assert!(ran.out.contains(&serial), "{}", ran.out);
    let info = desk.run(&[&["info"], &target[..]].concat(), &[]).succeeds().out;
    let pair = "sign pair of 256 bits with certificate, encryption pair of 256 bits with certificate";
    assert!(info.contains(pair) && info.contains("9 of 10 tries left"), "{info}");
    assert!(ran.out.contains("示例科技有限公司"), "{}", ran.out);
}

#[test]
fn the_pin_is_printed_only_when_asked_for() {
    let desk = Desk::new();
    let out = enrol(&desk, &["--reveal-pin"]).succeeds().out;
    let pin = out.lines().find_map(|line| line.strip_prefix("user PIN")).unwrap().trim();
    desk.run(&["pin", "verify", "--target", "sim:k.ukey"], &[("UKEY_PIN", pin)]).succeeds();
    assert!(!desk.path("k.pin").exists());
}

#[test]
fn one_seed_makes_one_key() {
    let serial = |seed: &str| {
        let desk = Desk::new();
        let arguments = ["sim", "enrol", "--target", "sim:k.ukey", "--out", ".", "--seed", seed];
        desk.run(&arguments, &[])
            .succeeds()
            .out
            .lines()
            .find(|line| line.starts_with("certificate"))
            .unwrap()
            .to_owned()
    };
    assert_eq!(serial("5"), serial("5"));
    assert_ne!(serial("5"), serial("6"));
}

#[test]
fn nothing_is_overwritten_and_nothing_is_half_made() {
    let desk = Desk::with_token();
    let before = fs::read(desk.path("ukey.ukey")).unwrap();
    let onto = ["sim", "enrol", "--out", "certificates"];
    desk.run(&onto, &[]).fails(2).says("ukey.ukey is there already");
    assert_eq!(fs::read(desk.path("ukey.ukey")).unwrap(), before);

    fs::write(desk.path("k.pin"), "another").unwrap();
    enrol(&desk, &[]).fails(2).says("k.pin is there already");
    fs::remove_file(desk.path("k.pin")).unwrap();

    enrol(&desk, &["--profile", "nobody"]).fails(2).says("nobody").says("qinghe");
    desk.run(&["sim", "enrol", "--target", "sim", "--out", "a"], &[]).fails(2).says("has no state file");
    fs::write(desk.path("certificates"), "a file").unwrap();
    enrol(&desk, &[]).fails(2).says("certificates");
    assert!(!desk.path("k.ukey").exists() && !desk.path("k.pin").exists());
}

/// `openssl` is told the identifier of SM2 and verifies one link at a time (openssl#23471).
#[test]
fn openssl_verifies_each_link() {
    const ID: &str = "distid:1234567812345678";
    let knows_sm2 = Command::new("openssl").args(["ecparam", "-name", "SM2", "-noout"]).output();
    let found = knows_sm2.is_ok_and(|output| output.status.success()).then_some(());
    if common::component(found, "the program openssl with SM2", "Debian package openssl").is_none() {
        return;
    }
    let desk = Desk::new();
    enrol(&desk, &[]).succeeds();
    for file in FILES {
        assert!(desk.path("certificates").join(file).exists(), "{file}");
    }
    let verify = |trusted: &[&str], file: &str| {
        let output = Command::new("openssl")
            .args(["verify", "-vfyopt", ID])
            .args(trusted)
            .arg(file)
            .current_dir(desk.path("certificates"))
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.success(), text.concat())
    };
    let root = ["-CAfile", "root.pem"];
    let issuing = ["-partial_chain", "-trusted", "issuing.pem"];
    for (verified, text) in [
        verify(&root, "root.pem"),
        verify(&root, "issuing.pem"),
        verify(&issuing, "sign.pem"),
        verify(&issuing, "encryption.pem"),
    ] {
        assert!(verified, "{text}");
    }
    // The twin: the certificates of another hall do not hang on this one.
    let other = ["sim", "enrol", "--target", "sim:o.ukey", "--out", "other", "--seed", "6"];
    desk.run(&other, &[]).succeeds();
    for (verified, text) in [verify(&root, "../other/issuing.pem"), verify(&issuing, "../other/sign.pem")] {
        assert!(!verified, "{text}");
    }
}
