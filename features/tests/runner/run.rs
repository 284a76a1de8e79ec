//! A run as a whole: its order, its end, its text.

use std::io;

use ukey_features::runner::{Stop, report::ScenarioStatus, run_to};

use crate::toy::{Toy, feature, options, run, run_text};

const MIXED: &str = "\
功能: 甲
  场景: 好
    当 加 1
  场景: 坏
    当 加 1
    当 加 2
    那么 计数器为 4
  场景: 也坏
    那么 计数器为 5
  场景: 也好
    当 加 1
";

fn statuses(report: &ukey_features::runner::report::RunReport) -> Vec<ScenarioStatus> {
    report.scenarios.iter().map(|scenario| scenario.status).collect()
}

#[test]
fn a_failure_tells_all_that_is_needed() {
    let (options, _folder) = options(MIXED);
    let (outcome, printed) = run(&options);
    outcome.unwrap();
    let path = &options.paths[0];
    let (lines, failures) = printed.split_once("\n\n").unwrap();
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with(&format!("ok      {path}:2  好  种子=")), "{}", lines[0]);
    assert!(lines[1].starts_with(&format!("FAILED  {path}:4  坏")), "{}", lines[1]);
    for part in [
        "1) 坏\n   那么 计数器为 4\n",
        &format!("   {path}:7\n"),
        "left: 3",
        "right: 4",
        "the last exchanges:\n     +1\n     +2\n",
        &format!("again: ukey test {path}:4 --seed 7\n"),
        "2) 也坏\n",
        "\n4 scenarios: 2 passed, 2 failed; seed 7; ",
    ] {
        assert!(failures.contains(part) || printed.contains(part), "{part}\n---\n{printed}");
    }
}

#[test]
fn only_the_last_ten_exchanges_are_shown() {
    let steps: String = (1..=12).map(|number| format!("当 加 {number}\n")).collect();
    let (_, printed) = run_text(&feature(&(steps + "那么 计数器为 0")));
    let shown: Vec<_> = printed.lines().filter(|line| line.trim().starts_with('+')).collect();
    assert_eq!((shown.len(), shown[0].trim(), shown[9].trim()), (10, "+3", "+12"));
}

#[test]
fn the_command_names_another_target_and_quotes() {
    let (mut options, _folder) = options(&feature("那么 计数器为 1"));
    options.target = "pcsc:甲 乙".into();
    let printed = run(&options).1;
    assert!(printed.contains(" --seed 7 --target 'pcsc:甲 乙'\n"), "{printed}");
}

#[test]
fn fail_fast_ends_with_the_first_failure_whatever_the_jobs() {
    let (mut options, _folder) = options(MIXED);
    options.fail_fast = true;
    for jobs in [1, 4] {
        options.jobs = Some(jobs);
        let (outcome, printed) = run(&options);
        let report = outcome.unwrap().report;
        use ScenarioStatus::{Failed, NotRun, Passed};
        assert_eq!(statuses(&report), [Passed, Failed, NotRun, NotRun], "{jobs} jobs");
        assert!(printed.contains("4 scenarios: 1 passed, 1 failed, 2 not run"), "{printed}");
        assert!(!printed.contains("也好"));
    }
}

#[test]
fn columns_count_wide_characters_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (mut options, _folder) = options("");
    options.paths = ["ab.feature", "甲乙丙.feature"]
        .map(|name| {
            let path = folder.path().join(name);
            std::fs::write(&path, feature("当 加 1")).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .to_vec();
    let printed = run(&options).1;
    let column = |line: &str| unicode_width::UnicodeWidthStr::width(line.split_once(" 一个").unwrap().0);
    let lines: Vec<_> = printed.lines().take(2).map(column).collect();
    assert_eq!(lines[0], lines[1], "{printed}");
}

#[test]
fn durations_and_annotations_are_there_when_asked_for() {
    let (mut options, _folder) = options(MIXED);
    let plain = run(&options).1;
    assert!(!plain.contains("::error") && !plain.lines().next().unwrap().ends_with(" s"));
    (options.durations, options.github_annotations) = (true, true);
    let printed = run(&options).1;
    assert!(printed.lines().next().unwrap().ends_with(" s"), "{printed}");
    let annotation = printed.lines().find(|line| line.starts_with("::error")).unwrap();
    assert!(annotation.contains(",line=7,title=坏::") && annotation.contains("%0A"), "{annotation}");
}

/// What a closed pipe does.
struct Closed;

impl io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_went_away_changes_nothing() {
    let (options, _folder) = options(MIXED);
    let outcome = run_to::<Toy>(&options, Closed, &Stop::default()).unwrap();
    assert_eq!(outcome.report.counts().total(), 4);
}
