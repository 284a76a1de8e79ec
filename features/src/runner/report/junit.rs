//! JUnit XML: one suite per feature file, one case per scenario.

use std::io;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};

use super::{RunReport, ScenarioReport, ScenarioStatus, console::failure};

/// Writes the run as JUnit XML. `classname` is the path of the feature file, the properties are its tags and facts,
/// `system-out` holds the attachments. A flaky scenario passes and keeps each failure as a `flakyFailure`; one that
/// failed each time keeps those after the first as `rerunFailure`s.
///
/// # Errors
/// As the underlying writer.
pub fn write(run: &RunReport, out: impl io::Write) -> io::Result<()> {
    let mut report = Report::new("ukey");
    report.set_time(run.duration);
    for scenarios in run.features() {
        let mut suite = TestSuite::new(scenarios[0].case.feature());
        let origin = scenarios[0].origin();
        suite.add_property(Property::new("seed", origin.seed.to_string()));
        suite.add_property(Property::new("target", origin.target.as_str()));
        suite.add_properties(origin.dialect.as_deref().map(|dialect| Property::new("dialect", dialect)));
        suite.set_time(scenarios.iter().map(|scenario| scenario.duration).sum());
        suite.add_test_cases(scenarios.iter().map(test_case));
        report.add_test_suite(suite);
    }
    report.serialize(out).map_err(io::Error::other)
}

fn test_case(scenario: &ScenarioReport) -> TestCase {
    let case = &scenario.case;
    let status = match scenario.status {
        ScenarioStatus::Passed => TestCaseStatus::success(),
        ScenarioStatus::Flaky => {
            let mut status = TestCaseStatus::success();
            status.add_reruns(scenario.earlier.iter().map(rerun));
            status
        }
        ScenarioStatus::Failed | ScenarioStatus::Unreachable => {
            let mut attempts = scenario.attempts();
            let first = attempts.next().unwrap_or(scenario);
            let mut status = TestCaseStatus::non_success(kind(first));
            status.set_message(first_line(first)).set_description(failure(scenario));
            status.add_reruns(attempts.map(rerun));
            status
        }
        ScenarioStatus::Refused | ScenarioStatus::Skipped | ScenarioStatus::NotRun => {
            let mut status = TestCaseStatus::skipped();
            if scenario.status == ScenarioStatus::Refused {
                status.set_type("refused");
            }
            status.set_message(scenario.message.as_deref().unwrap_or("not run"));
            status
        }
    };
    let mut test = TestCase::new(case.title(), status);
    test.set_classname(case.feature()).set_time(scenario.duration);
    test.extra.insert("file".into(), case.feature().into());
    test.extra.insert("line".into(), case.line().to_string().into());
    test.add_properties(case.tags().iter().map(|tag| Property::new("tag", tag.as_str())));
    test.add_properties(
        scenario.facts.iter().map(|fact| Property::new(fact.name.as_str(), fact.value.as_str())),
    );
    let attachments = attachments(scenario);
    if !attachments.is_empty() {
        test.set_system_out(attachments);
    }
    test
}

/// An attempt that failed, beside the one that counts.
fn rerun(attempt: &ScenarioReport) -> TestRerun {
    let mut rerun = TestRerun::new(kind(attempt));
    rerun.set_message(first_line(attempt)).set_description(failure(attempt)).set_time(attempt.duration);
    let attachments = attachments(attempt);
    if !attachments.is_empty() {
        rerun.set_system_out(attachments);
    }
    rerun
}

fn kind(scenario: &ScenarioReport) -> NonSuccessKind {
    match scenario.status {
        ScenarioStatus::Unreachable => NonSuccessKind::Error,
        _ => NonSuccessKind::Failure,
    }
}

fn first_line(scenario: &ScenarioReport) -> &str {
    scenario.reason().and_then(|reason| reason.lines().next()).unwrap_or_default()
}

fn attachments(scenario: &ScenarioReport) -> String {
    scenario
        .steps
        .iter()
        .flat_map(|step| step.attachments.iter().map(move |attachment| (step, attachment)))
        .map(|(step, one)| {
            format!("[{} {}] {}\n{}\n", step.keyword, step.text, one.name, one.text.trim_end())
        })
        .collect()
}
