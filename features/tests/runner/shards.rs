//! A suite that is run in shards and merged is the suite that is run at once.

use std::path::PathBuf;

use tempfile::TempDir;
use ukey_features::runner::{
    Exit, MergeError, MergeOptions, Outcome, ReportFile, ReportFormat, RunError, RunOptions, listing,
    merge_to,
    report::{Counts, ScenarioStatus},
};

use crate::toy;

/// Nine scenarios: six that pass, one that is flaky with a retry, one that fails, one that is skipped.
fn text(folder: &TempDir) -> String {
    let good: String = (1..=6).map(|number| format!("  场景: 好{number}\n    当 加 {number}\n")).collect();
    let notes = folder.path().join("notes");
    let step = format!("当 头 1 次失败，记在 \"{}\"", notes.display());
    format!(
        "功能: 甲\n  背景:\n    假如 计数器为 0\n{good}  场景: 时好时坏\n    {step}\n  场景: 坏\n    那么 计数器为 1\n  @sim-only\n  场景: 只在模拟的上\n    当 加 1\n"
    )
}

/// A folder with the feature, and options for it.
fn prepared() -> (RunOptions, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (mut options, own) = toy::options(&text(&folder));
    std::fs::copy(&options.paths[0], folder.path().join("甲.feature")).unwrap();
    drop(own);
    options.paths = vec![folder.path().join("甲.feature").to_str().unwrap().to_owned()];
    (options.retries, options.target) = (1, "pcsc:other".into());
    (options, folder)
}

fn ran(options: &RunOptions, folder: &TempDir, name: &str) -> (Outcome, PathBuf) {
    let path = folder.path().join(name);
    let mut options = options.clone();
    options.reports.push(ReportFile { format: ReportFormat::Json, path: path.clone() });
    (toy::run(&options).0.unwrap(), path)
}

fn sharded(options: &RunOptions, folder: &TempDir, of: usize) -> Vec<PathBuf> {
    let run = |number: usize| {
        let shard = Some(format!("{number}/{of}").parse().unwrap());
        ran(&RunOptions { shard, ..options.clone() }, folder, &format!("{number}-of-{of}.json")).1
    };
    (1..=of).map(run).collect()
}

fn merged(files: &[PathBuf], mixed: bool) -> Result<(Outcome, String), MergeError> {
    let mut out = Vec::new();
    let outcome =
        merge_to(&MergeOptions { files: files.to_vec(), mixed, ..MergeOptions::default() }, &mut out)?;
    Ok((outcome, String::from_utf8(out).unwrap()))
}

/// A scenario as told: its name, how it ended, its facts, its exchanges.
type Told = (String, ScenarioStatus, Vec<(String, String)>, usize);

/// What is told of a run, but for times and the panics' places.
fn told(outcome: &Outcome) -> Vec<Told> {
    let facts = |facts: &[ukey_features::runner::Fact]| {
        facts.iter().map(|fact| (fact.name.clone(), fact.value.clone())).collect()
    };
    let scenarios = outcome.report.scenarios.iter();
    scenarios.map(|one| (one.case.place(), one.status, facts(&one.facts), one.earlier.len())).collect()
}

#[test]
fn three_shards_merged_are_one_run() {
    let (options, folder) = prepared();
    let files = sharded(&options, &folder, 3);
    std::fs::remove_file(folder.path().join("notes")).unwrap();
    let (whole, _) = ran(&options, &folder, "whole.json");
    let mut shuffled = files.clone();
    shuffled.reverse();
    for files in [files, shuffled] {
        let (outcome, printed) = merged(&files, false).unwrap();
        let expected = Counts { passed: 6, flaky: 1, failed: 1, refused: 0, skipped: 1, not_run: 0 };
        assert_eq!((outcome.report.counts(), whole.report.counts()), (expected, expected));
        assert_eq!(told(&outcome), told(&whole), "in the same order too");
        assert_eq!((outcome.exit, whole.exit), (Exit::ScenarioFailed, Exit::ScenarioFailed));
        assert!(
            printed.contains("9 scenarios: 6 passed, 1 flaky, 1 failed, 1 skipped; seed 7; "),
            "{printed}"
        );
        assert!(printed.contains("again: ukey test") && printed.contains("--target pcsc:other"), "{printed}");
    }
}

#[test]
fn merged_reports_are_written_and_merge_again() {
    let (options, folder) = prepared();
    let files = sharded(&options, &folder, 2);
    let report = |format, name: &str| ReportFile { format, path: folder.path().join(name) };
    let options = MergeOptions {
        files,
        reports: vec![
            report(ReportFormat::Junit, "all.xml"),
            report(ReportFormat::Json, "all.json"),
            report(ReportFormat::Html, "all.html"),
        ],
        ..MergeOptions::default()
    };
    merge_to(&options, std::io::sink()).unwrap();
    let xml = std::fs::read_to_string(folder.path().join("all.xml")).unwrap();
    let suites = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert_eq!((suites.tests, suites.failures, suites.skipped, suites.test_suites.len()), (9, 1, 1, 1));
    let page = std::fs::read_to_string(folder.path().join("all.html")).unwrap();
    assert_eq!(page.matches("<details class=\"scenario").count(), 9);
    let (again, _) = merged(&[folder.path().join("all.json")], false).unwrap();
    assert_eq!(again.report.counts().total(), 9);
}

#[test]
fn a_shard_runs_what_its_listing_names() {
    let (options, _folder) = prepared();
    let shard = |number: usize| {
        let shard = Some(format!("{number}/3").parse().unwrap());
        listing(&RunOptions { shard, ..options.clone() }).unwrap()
    };
    let mut lines: Vec<_> = (1..=3)
        .flat_map(|number| {
            let listing = shard(number);
            assert_eq!(listing.lines().count(), 3);
            listing.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let listing = listing(&options).unwrap();
    let mut all: Vec<_> = listing.lines().map(str::to_owned).collect();
    lines.sort();
    all.sort();
    assert_eq!(lines, all);
}

#[test]
fn a_shard_without_a_scenario_is_refused_and_is_not_missing() {
    let (mut options, folder) = prepared();
    options.name = Some("好[12]".into());
    options.shard = Some("3/3".parse().unwrap());
    let error = toy::run(&options).0.unwrap_err();
    assert!(matches!(error, RunError::EmptyShard { scenarios: 2, .. }), "{error}");
    assert_eq!(error.exit(), Exit::NothingMatched);
    let shard = |shard: &str| {
        let options = RunOptions { shard: Some(shard.parse().unwrap()), ..options.clone() };
        ran(&options, &folder, &shard.replace('/', "-")).1
    };
    assert_eq!(merged(&[shard("1/3"), shard("2/3")], false).unwrap().0.report.counts().passed, 2);
}

#[test]
fn what_is_not_one_run_is_refused_unless_told() {
    let (options, folder) = prepared();
    let files = sharded(&options, &folder, 3);
    let refused = |files: &[&PathBuf]| {
        let files: Vec<_> = files.iter().map(|file| (*file).clone()).collect();
        let error = merged(&files, false).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        (error.to_string(), merged(&files, true).map(|(outcome, _)| outcome.report.counts().total()))
    };
    let (missing, mixed) = refused(&[&files[0], &files[2]]);
    assert_eq!((missing.as_str(), mixed.unwrap()), ("the report of shard 2/3 is missing", 6));
    assert!(refused(&[&files[1]]).0.contains("shard 1/3, 3/3 is missing"));

    let (twice, mixed) = refused(&[&files[0], &files[1], &files[2], &files[1]]);
    assert!(twice.contains("2-of-3.json and in") && mixed.is_err(), "{twice}");

    let shard = Some("2/3".parse().unwrap());
    let other = |change: &dyn Fn(&mut RunOptions), name: &str| {
        let mut options = RunOptions { shard, ..options.clone() };
        change(&mut options);
        ran(&options, &folder, name).1
    };
    let seed = other(&|options| options.seed = Some(8), "seed.json");
    let target = other(&|options| options.target = "sim".into(), "target.json");
    let suite = other(&|options| options.name = Some("好".into()), "suite.json");
    let split = other(&|options| options.shard = Some("4/4".parse().unwrap()), "split.json");
    for (file, what) in [
        (seed, "different seeds: "),
        (target, "different targets: "),
        (suite, "different suites: "),
        (split, "different splits: "),
    ] {
        let (refusal, _) = refused(&[&files[0], &file, &files[2]]);
        assert!(refusal.contains(what) && refusal.contains(".json has "), "{refusal}");
    }
}

#[test]
fn runs_of_two_targets_may_be_told_together() {
    let (mut options, folder) = prepared();
    let (_, one) = ran(&options, &folder, "one.json");
    (options.target, options.seed) = ("sim".into(), Some(8));
    let (_, other) = ran(&options, &folder, "other.json");
    let (outcome, printed) = merged(&[one, other], true).unwrap();
    assert_eq!(outcome.report.counts().total(), 18);
    assert_eq!(
        (outcome.report.target().as_str(), outcome.report.seed().as_str()),
        ("pcsc:other, sim", "7, 8")
    );
    assert!(
        printed.contains("--seed 7 --target pcsc:other\n") && printed.contains("--seed 8\n"),
        "{printed}"
    );
}

#[test]
fn what_is_no_report_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.json");
    let error = merged(std::slice::from_ref(&file), false).unwrap_err();
    assert!(
        matches!(error, MergeError::Unreadable { .. }) && error.to_string().contains("a.json"),
        "{error}"
    );
    std::fs::write(&file, "[{}]").unwrap();
    let error = merged(&[file], false).unwrap_err();
    assert!(matches!(error, MergeError::Foreign { .. }) && error.to_string().contains("a.json"), "{error}");
}
