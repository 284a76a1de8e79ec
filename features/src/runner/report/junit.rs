//! JUnit XML: one suite per feature file, one case per scenario.

use std::io;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{RunReport, ScenarioReport, ScenarioStatus, console::failure};

/// Writes the run as JUnit XML. `classname` is the path of the feature file, the properties are its tags and facts,
/// `system-out` holds the attachments.
///
/// # Errors
/// As the underlying writer.
pub fn write(run: &RunReport, out: impl io::Write) -> io::Result<()> {
    let mut report = Report::new("ukey");
    report.set_time(run.duration);
    for scenarios in run.features() {
        let mut suite = TestSuite::new(scenarios[0].case.feature());
        suite.add_property(Property::new("seed", run.seed.to_string()));
        suite.add_property(Property::new("target", run.target.as_str()));
        suite.add_properties(run.dialect.as_deref().map(|dialect| Property::new("dialect", dialect)));
        suite.set_time(scenarios.iter().map(|scenario| scenario.duration).sum());
        suite.add_test_cases(scenarios.iter().map(|scenario| test_case(scenario, run)));
        report.add_test_suite(suite);
    }
    report.serialize(out).map_err(io::Error::other)
}

fn test_case(scenario: &ScenarioReport, run: &RunReport) -> TestCase {
    let case = &scenario.case;
    let status = match scenario.status {
        ScenarioStatus::Passed => TestCaseStatus::success(),
        ScenarioStatus::Failed | ScenarioStatus::Unreachable => {
            let mut status = TestCaseStatus::non_success(match scenario.status {
                ScenarioStatus::Unreachable => NonSuccessKind::Error,
                _ => NonSuccessKind::Failure,
            });
            let first_line = scenario.reason().and_then(|reason| reason.lines().next()).unwrap_or_default();
            status.set_message(first_line).set_description(failure(scenario, &run.again()));
            status
        }
        ScenarioStatus::Skipped | ScenarioStatus::NotRun => {
            let mut status = TestCaseStatus::skipped();
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
    let attachments: String = scenario
        .steps
        .iter()
        .flat_map(|step| step.attachments.iter().map(move |attachment| (step, attachment)))
        .map(|(step, one)| {
            format!("[{} {}] {}\n{}\n", step.keyword, step.text, one.name, one.text.trim_end())
        })
        .collect();
    if !attachments.is_empty() {
        test.set_system_out(attachments);
    }
    test
}
