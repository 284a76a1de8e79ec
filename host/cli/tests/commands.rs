//! `ukey commands`: the table of the standard, complete, and the same in the documentation.

mod common;

use common::Desk;

#[test]
fn the_documentation_says_what_the_program_says() {
    let out = Desk::new().run(&["commands"], &[]).succeeds().out;
    let written = include_str!("../../../apdu/COMMANDS.md");
    assert_eq!(out, written, "apdu/COMMANDS.md is made by: cargo run -- commands > apdu/COMMANDS.md");
}

#[test]
fn every_command_is_there_or_it_is_said_why_not() {
    let json = Desk::new().run(&["commands", "--format", "json"], &[]).succeeds().json();
    assert_eq!(json["version"], 1);
    let commands = json["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 70);
    for command in commands {
        assert_eq!(command["implemented"] == true, command["why_not"].is_null(), "{command}");
        let rsa = command["name"].as_str().unwrap().contains("RSA");
        assert_eq!(command["implemented"] == true, !rsa, "{command}");
        assert!(["C", "L"].contains(&command["layout"].as_str().unwrap()), "{command}");
    }
    let sign = commands.iter().find(|command| command["ins"] == "74").unwrap();
    assert_eq!(
        (&sign["name"], &sign["clause"], &sign["layout"]),
        (&"ECCSignData".into(), &"9.6.14".into(), &"C".into())
    );
}

#[test]
fn it_needs_no_token_and_no_other_word() {
    let desk = Desk::new();
    desk.run(&["commands"], &[("UKEY_TARGET", "sim:not-there.ukey")]).succeeds();
    desk.run(&["commands", "everything"], &[]).fails(2);
    assert_eq!(desk.files(), 0);
}
