//! `ukey dialect`, and `--dialect` wherever a token is concerned: built in, from a file, found out.

mod common;

use common::Desk;
use ukey_device::{Dialect, dialect};

const OWN: &str = "name = \"our-key\"\nbase = \"synochip\"\npin_key = \"padded-sm3\"\n";

#[test]
fn the_dialects_are_listed_and_what_is_shown_is_read_again() {
    let desk = Desk::new();
    let list = desk.run(&["dialect", "list"], &[]).succeeds().out;
    for built_in in Dialect::BUILT_IN {
        let name = built_in.name.as_str();
        assert!(list.lines().any(|line| line.starts_with(&format!("{name} "))), "{list}");
        let shown = desk.run(&["dialect", "show", name], &[]).succeeds().out;
        assert_eq!(dialect::parse(&shown).as_ref(), Ok(built_in));
    }
    desk.run(&["dialect", "show", "elvish"], &[])
        .fails(2)
        .says("there is no dialect elvish")
        .says("没有方言elvish");
    let help = desk.run(&["dialect", "list", "--help"], &[]).succeeds().out;
    assert!(!help.contains("--target"), "{help}");
}

#[test]
fn a_token_keeps_the_dialect_of_a_file_that_is_gone() {
    let desk = Desk::new();
    std::fs::write(desk.path("own.toml"), OWN).unwrap();
    desk.run(&["sim", "reset", "--dialect", "own.toml", "--seed", "1"], &[]).succeeds();
    desk.run(&["info", "--dialect", "own.toml"], &[]).succeeds();
    std::fs::remove_file(desk.path("own.toml")).unwrap();
    let info = desk.run(&["info", "--format", "json"], &[]).succeeds().json();
    assert_eq!((&info["dialect"], &info["dialect_probe"]), (&"our-key".into(), &serde_json::Value::Null));
    desk.run(&["pin", "verify"], &[("UKEY_PIN", "12345678")]).succeeds();
    desk.run(&["info", "--dialect", "synochip"], &[]).fails(2).says("the token speaks our-key, not synochip");
    desk.run(&["info", "--dialect", "own.toml"], &[])
        .fails(2)
        .says("own.toml cannot be read")
        .says("无法读取");
}

#[test]
fn a_file_that_is_none_is_refused_with_its_place() {
    let desk = Desk::with_token();
    std::fs::write(desk.path("bad.toml"), "name = \"x\"\nquantity = \"middle\"\n").unwrap();
    for command in [&["info", "--dialect", "bad.toml"][..], &["dialect", "show", "bad.toml"]] {
        desk.run(command, &[])
            .fails(2)
            .says("bad.toml: line 2, column 12: quantity cannot be \"middle\", only big, little")
            .says("bad.toml：第2行第12列：quantity不能是\"middle\"，只能是big、little");
    }
}

#[test]
fn a_dialect_that_is_found_out_is_told_with_the_evidence() {
    let desk = Desk::new();
    desk.run(&["sim", "reset", "--dialect", "gm3000"], &[]).succeeds();
    let before = std::fs::read(desk.path("ukey.ukey")).unwrap();
    let out = desk.run(&["info", "--dialect", "auto"], &[]).succeeds().out;
    for part in [
        "dialect        gm3000 (probed: no other built-in one fits)\n",
        "  seen         constant = little   GetDevInfo: device authentication 01040000, ",
        "  seen         digest = bare   Digest: 32 bytes\n",
        "  assumed      pin_key = padded-sha1\n",
        "  assumed      new_pin_mac = plain-new-pin\n",
    ] {
        assert!(out.contains(part), "\"{part}\" is not in: {out}");
    }
    assert_eq!(std::fs::read(desk.path("ukey.ukey")).unwrap(), before, "probing leaves no trace");
    let other = desk.run(&["info", "--target", "sim", "--dialect", "auto"], &[]).succeeds().out;
    let several = "gm2012 (probed: mass-storage, gm2023-guess would fit as well)";
    assert!(other.contains(several), "{other}");
    let json = desk.run(&["info", "--dialect", "auto", "--format", "json"], &[]).succeeds().json();
    assert_eq!(json["dialect_probe"]["candidates"], serde_json::json!(["gm3000"]));
    desk.run(&["pin", "verify", "--dialect", "auto"], &[("UKEY_PIN", "12345678")]).succeeds();
    // Three look alike, and a PIN in the wrong one of them would cost a try.
    let alike = Desk::new();
    alike.run(&["sim", "reset", "--dialect", "gm2023-guess"], &[]).succeeds();
    let pin = [("UKEY_PIN", "12345678")];
    alike.run(&["pin", "verify", "--dialect", "auto"], &pin).fails(2).says("look alike").says("gm2023-guess");
    alike.run(&["pin", "verify", "--dialect", "gm2023-guess"], &pin).succeeds();
    desk.run(&["sim", "reset", "--yes", "--dialect", "auto"], &[])
        .fails(2)
        .says("has no dialect yet")
        .says("新UKey");
}

/// The quickest way through the flows, in every dialect, in one of a file, and in one that is found out.
#[test]
fn the_smoke_scenarios_pass_in_every_dialect() {
    let desk = Desk::new();
    std::fs::write(desk.path("own.toml"), OWN).unwrap();
    let names = Dialect::BUILT_IN.iter().map(|dialect| dialect.name.as_str()).chain(["own.toml", "auto"]);
    for name in names {
        let ran = desk.run(&["test", "--tags", "@smoke", "--seed", "7", "--dialect", name], &[]).succeeds();
        assert!(ran.out.contains(" passed; seed 7; "), "{name}: {}", ran.out);
    }
}
