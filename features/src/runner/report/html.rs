//! One HTML page in Chinese and English that needs no network and no script.

use std::io;

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
    /// The class that the page filters by.
    fn class(&self, scenario: &ScenarioReport) -> &'static str {
        match scenario.status {
            ScenarioStatus::Passed => "passed",
            ScenarioStatus::Failed | ScenarioStatus::Unreachable => "failed",
            ScenarioStatus::Skipped | ScenarioStatus::NotRun => "skipped",
        }
    }

    fn word(&self, scenario: &ScenarioReport) -> &'static str {
        match scenario.status {
            ScenarioStatus::Passed => "通过 passed",
            ScenarioStatus::Failed => "失败 failed",
            ScenarioStatus::Unreachable => "目标不可达 unreachable",
            ScenarioStatus::Skipped => "跳过 skipped",
            ScenarioStatus::NotRun => "未运行 not run",
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

    fn milliseconds(&self, duration: &std::time::Duration) -> String {
        format!("{} ms", duration.as_millis())
    }

    fn started(&self) -> String {
        self.run.started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
    }

    fn rerun(&self, scenario: &ScenarioReport) -> String {
        rerun(scenario, &self.run.again())
    }
}
