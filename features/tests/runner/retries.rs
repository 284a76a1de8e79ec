//! A scenario that failed is tried again; one that passes then is flaky, neither failed nor hidden.

use quick_junit::TestCaseStatus;
use serde_json::Value;
use tempfile::TempDir;
use ukey_features::runner::{
    Exit, Outcome, ReportFile, ReportFormat, RunOptions,
    report::{ScenarioStatus, StepStatus},
};

use crate::toy::{options, run};

/// A scenario that fails `times` times, between two that do not.
fn text(times: usize, folder: &TempDir) -> String {
    let notes = folder.path().join("notes");
    let step = format!("当 头 {times} 次失败，记在 \"{}\"", notes.display());
    format!(
        "功能: 甲\n  场景: 好\n    当 加 1\n  场景: 时好时坏 <b>\n    {step}\n    那么 附上标记\n  场景: 也好\n    当 加 1\n"
    )
}

fn ran(times: usize, retries: usize) -> (Outcome, String, RunOptions) {
    let notes = tempfile::tempdir().unwrap();
    let (mut options, _folder) = options(&text(times, &notes));
    options.retries = retries;
    options.github_annotations = true;
    let (outcome, printed) = run(&options);
    (outcome.unwrap(), printed, options)
}

fn report(times: usize, retries: usize, format: ReportFormat) -> String {
    let notes = tempfile::tempdir().unwrap();
    let (mut options, folder) = options(&text(times, &notes));
    let path = folder.path().join("report");
    options.retries = retries;
    options.reports.push(ReportFile { format, path: path.clone() });
    run(&options).0.unwrap();
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn without_retries_a_failure_is_a_failure() {
    let (outcome, printed, _) = ran(1, 0);
    assert_eq!(outcome.exit, Exit::ScenarioFailed);
    assert!(outcome.report.scenarios[1].earlier.is_empty());
    assert!(printed.contains("2 passed, 1 failed") && !printed.contains("attempt"), "{printed}");
}

#[test]
fn one_that_passes_later_is_flaky_and_told() {
    let (outcome, printed, options) = ran(2, 3);
    assert_eq!(outcome.exit, Exit::AllPassed);
    let counts = outcome.report.counts();
    assert_eq!((counts.passed, counts.flaky, counts.failed, counts.total()), (2, 1, 0, 3));
    let flaky = &outcome.report.scenarios[1];
    assert_eq!((flaky.status, flaky.earlier.len()), (ScenarioStatus::Flaky, 2));
    assert!(flaky.earlier.iter().all(|attempt| attempt.status == ScenarioStatus::Failed));
    assert!(flaky.steps.iter().all(|step| step.status == StepStatus::Passed), "a fresh start");
    let path = &options.paths[0];
    for part in [
        &format!("flaky   {path}:4 时好时坏 <b>"),
        "(passed at attempt 3)",
        "1) 时好时坏 <b> (flaky)\n",
        "第 1 次也<失败>",
        "this was the first of 3 attempts",
        &format!("again: ukey test {path}:4 --seed 7\n"),
        "::warning file=",
        "3 scenarios: 2 passed, 1 flaky; seed 7; ",
    ] {
        assert!(printed.contains(part), "{part}\n---\n{printed}");
    }
    assert!(!printed.contains("FAILED") && !printed.contains("::error"), "{printed}");
}

#[test]
fn each_attempt_has_the_next_seed_so_it_can_be_run_alone() {
    let (outcome, ..) = ran(2, 2);
    let flaky = &outcome.report.scenarios[1];
    let seeds: Vec<_> = flaky.attempts().map(|attempt| attempt.again.seed).collect();
    assert_eq!(seeds, [7, 8, 9]);
    let worlds: Vec<_> = flaky.attempts().map(|attempt| attempt.facts[0].value.clone()).collect();
    let (mut alone, _folder) = options(&text(0, &tempfile::tempdir().unwrap()));
    for (seed, world) in seeds.into_iter().zip(worlds) {
        alone.seed = Some(seed);
        assert_eq!(run(&alone).0.unwrap().report.scenarios[1].facts[0].value, world);
    }
}

#[test]
fn one_that_never_passes_fails_after_its_retries() {
    let (outcome, printed, _) = ran(9, 2);
    assert_eq!(outcome.exit, Exit::ScenarioFailed);
    let failed = &outcome.report.scenarios[1];
    assert_eq!((failed.status, failed.earlier.len()), (ScenarioStatus::Failed, 2));
    for part in ["第 1 次也<失败>", "this was the first of 3 attempts", "2 passed, 1 failed"] {
        assert!(printed.contains(part), "{part}\n---\n{printed}");
    }
}

#[test]
fn an_undefined_step_is_not_tried_again() {
    let (mut options, _folder) = options("功能: 甲\n  场景: 一\n    当 没有这一步\n");
    options.retries = 3;
    let outcome = run(&options).0.unwrap();
    assert!(outcome.report.scenarios[0].earlier.is_empty());
}

#[test]
fn junit_keeps_the_failures_of_a_flaky_one() {
    let xml = report(2, 2, ReportFormat::Junit);
    let suites = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert_eq!((suites.tests, suites.failures, suites.errors), (3, 0, 0));
    let TestCaseStatus::Success { flaky_runs } = &suites.test_suites[0].test_cases[1].status else {
        panic!("{xml}")
    };
    assert_eq!(flaky_runs.len(), 2);
    assert_eq!(flaky_runs[1].message.as_ref().unwrap().as_str(), "第 2 次也<失败>");
    assert!(flaky_runs[1].description.as_ref().unwrap().as_str().contains("--seed 8"));
    assert!(xml.contains("<flakyFailure") && !xml.contains("<failure"));
}

#[test]
fn junit_keeps_the_reruns_of_a_failed_one() {
    let xml = report(9, 2, ReportFormat::Junit);
    let suites = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert_eq!((suites.tests, suites.failures), (3, 1));
    assert_eq!(xml.matches("<rerunFailure").count(), 2);
    assert!(xml.contains("message=\"第 1 次也&lt;失败&gt;\""), "{xml}");
}

#[test]
fn json_tells_the_last_attempt_and_keeps_the_others() {
    let features: Vec<Value> = serde_json::from_str(&report(1, 1, ReportFormat::Json)).unwrap();
    let flaky = &features[0]["elements"][1];
    assert_eq!(flaky["steps"].as_array().unwrap().len(), 2, "one attempt, not two");
    assert_eq!(flaky["steps"][0]["result"]["status"], "passed");
    assert_eq!(flaky["ukey"]["status"], "flaky");
    assert_eq!(flaky["ukey"]["earlier"][0]["status"], "failed");
    assert_eq!(flaky["ukey"]["earlier"][0]["steps"][0]["result"]["status"], "failed");
}

#[test]
fn html_shows_each_attempt() {
    let page = report(2, 2, ReportFormat::Html);
    assert_eq!(page.matches(r#"<details class="scenario flaky">"#).count(), 1);
    assert_eq!(page.matches(r#"<details class="attempt failed">"#).count(), 2);
    assert!(page.contains("不稳定") && page.contains("#show-flaky:checked"));
    assert!(page.contains("--seed 8") && !page.contains("<b> ") && !page.contains("<失败>"));
    assert_eq!(page.matches("<details").count(), page.matches("</details>").count());
}
