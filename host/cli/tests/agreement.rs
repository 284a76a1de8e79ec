//! `ukey agreement`: the table, one point again, and the code it ends with.

mod common;

use common::Desk;

#[test]
fn points_are_counted_by_flow_and_fault() {
    let ran = Desk::new().run(&["agreement", "--every", "40", "--seed", "2"], &[]).succeeds();
    for part in ["fault", "unlock-papers", "power cut in a word", "hall killed after", "; seed 2\n"] {
        assert!(ran.out.contains(part), "\"{part}\" is not in: {}", ran.out);
    }
    assert!(ran.out.contains(" 0 disagreements;"), "{}", ran.out);
}

#[test]
fn one_point_can_be_run_again_and_read_by_programs() {
    let one = ["agreement", "--flow", "unlock", "--point", "3", "--format", "json"];
    let ran = Desk::new().run(&one, &[]).succeeds();
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&report["version"], &report["seed"]), (&1.into(), &1.into()));
    assert_eq!(report["flows"][0]["disagreements"], serde_json::json!([]));
}

#[test]
fn what_is_not_there_is_said_so() {
    let desk = Desk::new();
    desk.run(&["agreement", "--flow", "nothing"], &[]).fails(2).says("there is no flow nothing");
    desk.run(&["agreement", "--flow", "unlock", "--point", "100000"], &[])
        .fails(2)
        .says("there is no point 100000");
    desk.run(&["agreement", "--point", "1"], &[]).fails(2);
    for option in ["--every", "--jobs"] {
        desk.run(&["agreement", option, "0"], &[]).fails(2).says("at least 1");
    }
}
