//! The exit codes, each reached by a run.

use ukey_features::runner::{
    Exit, Outcome, ReportFile, ReportFormat, RunError, RunOptions, Stop, report::ScenarioStatus, run_to,
};

use crate::toy::{Toy, feature, options, run, run_text};

fn code(options: &RunOptions) -> u8 {
    match run(options).0 {
        Ok(outcome) => outcome.exit.code(),
        Err(error) => {
            let help = miette::Diagnostic::help(&error).map(|help| help.to_string()).unwrap_or_default();
            let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
            assert!(help.lines().last().is_some_and(|line| line.contains(is_chinese)), "{error}: {help}");
            error.exit().code()
        }
    }
}

fn changed(change: impl FnOnce(&mut RunOptions)) -> u8 {
    let (mut options, _folder) = options(&feature("当 加 1"));
    change(&mut options);
    code(&options)
}

#[test]
fn passed_or_failed() {
    assert_eq!(run_text(&feature("当 加 1")).0.exit.code(), 0);
    assert_eq!(run_text(&feature("那么 计数器为 1")).0.exit.code(), 1);
    assert_eq!(run_text(&feature("那么 没有这一步")).0.exit.code(), 1);
}

#[test]
fn usage() {
    assert_eq!(changed(|options| options.paths = vec!["没有这个文件".into()]), 2);
    assert_eq!(changed(|options| options.tags = Some("@a and".into())), 2);
    // A file stands where the report's folder should be.
    let change = |options: &mut RunOptions| {
        let path = std::path::Path::new(&options.paths[0]).join("report.xml");
        options.reports.push(ReportFile { format: ReportFormat::Junit, path });
    };
    assert_eq!(changed(change), 2);
}

#[test]
fn unparsable() {
    let (options, _folder) = options("胡说\n");
    assert_eq!(code(&options), 3);
}

#[test]
fn nothing_matched() {
    assert_eq!(changed(|options| options.tags = Some("@none".into())), 4);
    assert_eq!(changed(|options| options.paths[0] += ":1"), 4);
}

#[test]
fn nothing_that_matched_could_run() {
    let text = "功能: 甲\n  @sim-only\n  场景: 一\n    当 加 1\n  场景: 二\n    当 加 1\n";
    let (mut options, _folder) = options(text);
    options.target = "pcsc:other".into();
    let (outcome, printed) = run(&options);
    assert_eq!(outcome.unwrap().exit, Exit::AllPassed);
    assert!(printed.contains("(not applicable: it needs a simulated token)"), "{printed}");
    options.name = Some("一".into());
    assert_eq!(code(&options), 4);
}

#[test]
fn unreachable() {
    let text = "功能: 甲\n  场景: 一\n    当 加 1\n  场景: 二\n    当 加 1\n";
    let (mut options, _folder) = options(text);
    options.target = "tcp:nowhere".into();
    let (outcome, printed) = run(&options);
    let outcome = outcome.unwrap();
    assert_eq!(outcome.exit.code(), 5);
    assert_eq!(outcome.report.scenarios[1].status, ScenarioStatus::NotRun);
    assert!(printed.contains("nobody listens"), "{printed}");
}

#[test]
fn interrupted() {
    let (options, _folder) = options(&feature("当 加 1"));
    let stop = Stop::default();
    stop.request();
    let outcome = run_to::<Toy>(&options, std::io::sink(), &stop).unwrap();
    assert_eq!(outcome.exit.code(), 130);
    assert_eq!(outcome.report.counts().not_run, 1);
}

/// Asks for a stop as soon as something is printed.
struct StopAtFirstLine(Stop);

impl std::io::Write for StopAtFirstLine {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.request();
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn interrupted_while_a_step_waits() {
    let text =
        "功能: 甲\n  场景: 一\n    当 加 1\n  场景: 二\n    当 永远等待\n  场景: 三\n    当 永远等待\n";
    let (options, _folder) = options(text);
    let stop = Stop::default();
    let outcome = run_to::<Toy>(&options, StopAtFirstLine(stop.clone()), &stop).unwrap();
    assert_eq!(outcome.exit, Exit::Interrupted);
    let statuses: Vec<_> = outcome.report.scenarios.iter().map(|scenario| scenario.status).collect();
    assert_eq!(statuses, [ScenarioStatus::Passed, ScenarioStatus::NotRun, ScenarioStatus::NotRun]);
}

/// A run over these scenarios against a target, whose key is called 123.
fn against(
    target: &str,
    text: &str,
    allow: bool,
    serial: Option<&str>,
) -> (Result<Outcome, RunError>, String) {
    let (mut options, _folder) = options(text);
    options.target = target.into();
    (options.allow_destructive, options.device_serial) = (allow, serial.map(Into::into));
    run(&options)
}

const DESTRUCTIVE: &str = "功能: 甲\n  @destructive\n  场景: 格式化\n    当 加 1\n  场景: 二\n    当 加 1\n";

#[test]
fn destruction_is_refused_on_a_device_that_is_not_ours() {
    let ended = |target: &str, allow: bool, serial: Option<&str>| {
        against(target, DESTRUCTIVE, allow, serial).0.unwrap().report.scenarios[0].status
    };
    assert_eq!(ended("sim", false, None), ScenarioStatus::Passed);
    assert_eq!(ended("pcsc:other", false, None), ScenarioStatus::Refused);
    assert_eq!(ended("pcsc:other", false, Some("123")), ScenarioStatus::Refused);
    assert_eq!(ended("pcsc:other", true, Some("123")), ScenarioStatus::Passed);

    let (outcome, printed) = against("pcsc:other", DESTRUCTIVE, false, None);
    let outcome = outcome.unwrap();
    assert_eq!((outcome.exit, outcome.report.counts().refused), (Exit::AllPassed, 1));
    assert!(printed.contains("refused") && printed.contains("(it locks)"), "{printed}");
    assert!(printed.contains("2 scenarios: 1 passed, 1 refused; "), "{printed}");
}

#[test]
fn with_another_serial_number_nothing_runs() {
    for allow in [false, true] {
        let (ended, printed) = against("pcsc:other", DESTRUCTIVE, allow, Some("124"));
        let error = ended.unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.to_string().contains("this is the key 123"), "{error}");
        assert!(printed.is_empty(), "{printed}");
    }
}

#[test]
fn one_key_is_used_by_one_scenario_at_a_time() {
    // Were they to run at once, this would not come to an end one after the other: each passes alone.
    let text = "功能: 甲\n  场景: 一\n    当 加 1\n  场景: 二\n    当 永远等待\n";
    let (mut options, _folder) = options(text);
    (options.target, options.jobs, options.fail_fast) = ("pcsc:other".into(), Some(4), true);
    options.step_limit = std::time::Duration::from_millis(50);
    let (outcome, printed) = run(&options);
    assert_eq!(outcome.unwrap().report.counts().passed, 1, "{printed}");
}

#[test]
fn what_makes_no_sense_is_no_failure_wherever_that_is_found_out() {
    let text = "功能: 甲\n  场景: 一\n    当 加 1\n    当 这里办不到\n    那么 计数器为 9\n  场景: 二\n    当 加 1\n";
    let (outcome, printed) = run_text(text);
    assert_eq!(outcome.exit, Exit::AllPassed, "{printed}");
    assert_eq!(outcome.report.scenarios[0].status, ScenarioStatus::Skipped);
    assert!(printed.contains("(not applicable: nobody pulls it)"), "{printed}");
    assert!(!printed.contains("a panic"), "{printed}");
}

#[test]
fn what_cannot_be_put_back_fails_the_scenario_or_the_run() {
    let outcome = run_text(&feature("假如 计数器为 666")).0;
    assert_eq!(outcome.exit, Exit::ScenarioFailed);
    assert_eq!(outcome.report.scenarios[0].reason(), Some("it cannot be cleared away"));
    // A step that failed is told before that.
    let outcome = run_text(&feature("假如 计数器为 666\n那么 计数器为 1")).0;
    assert!(outcome.report.scenarios[0].reason().unwrap().contains("计数不对"));

    let error = against("pcsc:stuck", &feature("当 加 1"), false, None).0.unwrap_err();
    assert_eq!(error.exit(), Exit::TargetUnreachable);
    assert!(error.to_string().contains("it does not let go"), "{error}");
}
