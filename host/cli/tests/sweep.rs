//! `ukey sweep`: the table, the answer for programs, and a command that is not there.

mod common;

use common::Desk;

#[test]
fn a_command_is_swept_and_the_cuts_are_told() {
    let ran =
        Desk::new().run(&["sweep", "--command", "VerifyPin", "--seed", "7", "--every", "3"], &[]).succeeds();
    assert!(ran.out.contains("VerifyPin") && ran.out.contains(" cuts in 17 states"), "{}", ran.out);
    assert!(ran.out.ends_with(" 0 violations; seed 7\n"), "{}", ran.out);
}

#[test]
fn programs_read_it_as_json() {
    let arguments = ["sweep", "--command", "devauth", "--format", "json"];
    let ran = Desk::new().run(&arguments, &[]).succeeds();
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&report["version"], &report["seed"]), (&1.into(), &1.into()));
    assert_eq!(report["commands"][0]["command"], "DevAuth");
    assert!(report["cuts"].as_u64().unwrap() > 50, "{report}");
    assert_eq!(report["violations"], serde_json::json!([]));
}

#[test]
fn a_command_that_changes_nothing_is_not_swept() {
    for name in ["GetDevInfo", "nothing"] {
        let said = format!("there is no sweep of {name}");
        Desk::new().run(&["sweep", "--command", name], &[]).fails(2).says(&said);
    }
    Desk::new().run(&["sweep", "--every", "0"], &[]).fails(2);
}
