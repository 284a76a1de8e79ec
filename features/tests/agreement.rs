//! A part of the points of every flow; `ukey agreement` runs all of them.

use ukey_features::agreement::{self, Options, RunError};

#[test]
fn hall_and_token_agree_after_a_failure() {
    let report = agreement::run(&Options { every: 13, ..Options::default() }).unwrap();
    assert!(report.points() >= 40, "{}", report.to_text());
    assert_eq!(report.disagreements(), 0, "{}", report.to_text());
}

#[test]
fn one_point_is_run_by_its_number_and_the_seed() {
    let one = |point| {
        let flow = Some("unlock".to_owned());
        agreement::run(&Options { flow, seed: 5, point: Some(point), ..Options::default() })
    };
    let report = one(40).unwrap();
    assert_eq!((report.points(), report.disagreements()), (1, 0), "{}", report.to_text());
    assert!(report.to_text().ends_with("1 point; 0 disagreements; seed 5\n"), "{}", report.to_text());
    assert!(report.to_json().unwrap().contains("\"seed\": 5"));
    assert!(matches!(one(100_000), Err(RunError::NoPoint { .. })));
    let nothing = Options { flow: Some("nothing".to_owned()), ..Options::default() };
    let error = agreement::run(&nothing).unwrap_err();
    assert!(
        error.to_string().starts_with("there is no flow nothing; there are production, unlock"),
        "{error}"
    );
}
