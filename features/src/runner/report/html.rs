//! One HTML page in Chinese and English that needs no network and no script: both languages are in it, and a style
//! rule shows one of them.

use std::{io, time::Duration};

use askama::Template;

use super::{Counts, RunReport, ScenarioReport, ScenarioStatus, StepStatus, console::rerun};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    run: &'a RunReport,
    counts: Counts,
    features: Vec<Feature<'a>>,
}

struct Feature<'a> {
    path: &'a str,
    name: &'a str,
    counts: Counts,
    scenarios: &'a [ScenarioReport],
}

/// How scenarios end: the class that the page filters by, and its words.
const STATUSES: [(&str, &str, &str); 6] = [
    ("passed", "通过", "passed"),
    ("flaky", "不稳定", "flaky"),
    ("failed", "失败", "failed"),
    ("refused", "拒绝", "refused"),
    ("skipped", "跳过", "skipped"),
    ("not-run", "未运行", "not run"),
];

/// Writes the run as an HTML page.
///
/// # Errors
/// As the underlying writer.
pub fn write(run: &RunReport, mut out: impl io::Write) -> io::Result<()> {
    let features = run.features().map(|scenarios| Feature {
        path: scenarios[0].case.feature(),
        name: scenarios[0].case.feature_name(),
        counts: scenarios.iter().collect(),
        scenarios,
    });
    let page = Page { run, counts: run.counts(), features: features.collect() };
    let text = page.render().map_err(io::Error::other)?;
    out.write_all(text.as_bytes())
}

impl Page<'_> {
    /// Each status that a scenario of the run ended with, and how many did.
    fn statuses(&self) -> Vec<(&'static str, &'static str, &'static str, usize)> {
        let Counts { passed, flaky, failed, refused, skipped, not_run } = self.counts;
        let counts = [passed, flaky, failed, refused, skipped, not_run];
        let all = STATUSES.iter().zip(counts).map(|(&(class, zh, en), count)| (class, zh, en, count));
        all.filter(|(.., count)| *count > 0).collect()
    }

    fn class(&self, scenario: &ScenarioReport) -> &'static str {
        match scenario.status {
            ScenarioStatus::Passed => "passed",
            ScenarioStatus::Flaky => "flaky",
            ScenarioStatus::Failed | ScenarioStatus::Unreachable => "failed",
            ScenarioStatus::Refused => "refused",
            ScenarioStatus::Skipped => "skipped",
            ScenarioStatus::NotRun => "not-run",
        }
    }

    fn zh(&self, scenario: &ScenarioReport) -> &'static str {
        match scenario.status {
            ScenarioStatus::Passed => "通过",
            ScenarioStatus::Flaky => "不稳定",
            ScenarioStatus::Failed => "失败",
            ScenarioStatus::Unreachable => "目标不可达",
            ScenarioStatus::Refused => "拒绝",
            ScenarioStatus::Skipped => "跳过",
            ScenarioStatus::NotRun => "未运行",
        }
    }

    fn en(&self, scenario: &ScenarioReport) -> &'static str {
        match scenario.status {
            ScenarioStatus::Passed => "passed",
            ScenarioStatus::Flaky => "flaky",
            ScenarioStatus::Failed => "failed",
            ScenarioStatus::Unreachable => "unreachable",
            ScenarioStatus::Refused => "refused",
            ScenarioStatus::Skipped => "skipped",
            ScenarioStatus::NotRun => "not run",
        }
    }

    fn step_class(&self, status: &StepStatus) -> &'static str {
        match status {
            StepStatus::Passed => "passed",
            StepStatus::Failed | StepStatus::Undefined => "failed",
            StepStatus::Skipped => "skipped",
        }
    }

    fn step_mark(&self, status: &StepStatus) -> &'static str {
        match status {
            StepStatus::Passed => "✓",
            StepStatus::Failed => "✗",
            StepStatus::Undefined => "?",
            StepStatus::Skipped => "–",
        }
    }

    fn milliseconds(&self, duration: &Duration) -> String {
        format!("{} ms", duration.as_millis())
    }

    fn started(&self) -> String {
        self.run.started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
    }

    fn rerun(&self, scenario: &ScenarioReport) -> String {
        rerun(scenario)
    }
}
