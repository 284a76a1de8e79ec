//! The sweep covers the table of commands, cuts each of them, and finds nothing.

use ukey_apdu::Ins;
use ukey_firmware::sim::sweep::{self, Options, Report};

/// Commands of the table that wait for their case. The list shrinks.
const NOT_COVERED: &[Ins] = &[];

#[allow(clippy::print_stdout, reason = "the figures of the sweep, where a test asks for them")]
fn nothing_is_violated(options: &Options) -> Report {
    let report = sweep::run(options).unwrap();
    println!("{}", report.to_text());
    assert_eq!(report.violations, []);
    report
}

#[test]
fn every_command_that_changes_something_is_cut_and_nothing_is_violated() {
    let report = nothing_is_violated(&Options { torn: 1, every: 29, ..Options::default() });
    assert_eq!(report.not_covered, NOT_COVERED, "a command without a case: see src/sim/sweep/cases.rs");
    for command in &report.commands {
        assert!(command.cuts() > 0, "{command:?}");
    }
}

#[test]
fn a_label_that_makes_pages_free_is_cut_everywhere() {
    let options = Options { command: Some(Ins::SetLabel), torn: 0, ..Options::default() };
    let report = nothing_is_violated(&options);
    let [label] = report.commands.as_slice() else { panic!("{:?}", report.commands) };
    let ((name, last), others) = label.states.split_last().unwrap();
    // Three pages of seven records were moved, in three attempts at every operation.
    assert!(*last > 3 * 3 * 21, "{name}: {last} cuts");
    assert!(others.iter().all(|(_, cuts)| cuts * 10 < *last), "{others:?}");
    assert_eq!(report, nothing_is_violated(&options), "the same seed, the same cuts");
}

/// What `ukey sweep` does, and that it does not become less. With optimisations alone: it takes a minute without.
#[test]
#[cfg_attr(debug_assertions, ignore = "cargo test --release -p ukey-firmware --test sweep")]
fn the_whole_sweep() {
    let report = nothing_is_violated(&Options::default());
    assert!(report.cuts() >= 40_000, "{} cuts", report.cuts());
}
