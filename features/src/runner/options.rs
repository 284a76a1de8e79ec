//! What a run is asked to do. The program fills it from its command line and configuration.

use std::{path::PathBuf, time::Duration};

use super::{scenario::Standing, shard::Shard};

/// The options of a run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// `DIR`, `FILE` or `FILE:LINE`; none means the built-in suite. A path that is not on disk is looked up there.
    pub paths: Vec<String>,
    /// A tag expression such as `@smoke and not @slow`.
    pub tags: Option<String>,
    /// A regular expression of which the scenario's name holds a match.
    pub name: Option<String>,
    /// The seed of the run; a fresh one when none is given. It is printed in any case.
    pub seed: Option<u64>,
    /// How many scenarios run at once, where each gets a target of its own: by default one per processor. Against one
    /// key they run one after the other.
    pub jobs: Option<usize>,
    /// The target, as everywhere else.
    pub target: String,
    /// The name of the dialect that the token speaks; the token's own or the default one without it.
    pub dialect: Option<String>,
    /// How often a scenario that failed is tried again, from a fresh world and with the run's seed plus the number of
    /// the attempt. One that passes then is flaky.
    pub retries: usize,
    /// Which shard of the scenarios to run; all of them without one.
    pub shard: Option<Shard>,
    /// Stop at the first failure. What is reported then ends with it, whatever ran beside it.
    pub fail_fast: bool,
    /// How long a step may take, and the making of a world.
    pub step_limit: Duration,
    /// Let `@destructive` scenarios run against a target that is not ours; needs [`device_serial`](Self::device_serial).
    pub allow_destructive: bool,
    /// The serial number of the device that may be changed destructively.
    pub device_serial: Option<String>,
    /// The file with the device authentication key of the target, where it is not the default one.
    pub device_key_file: Option<PathBuf>,
    /// Tell what each scenario costs its key.
    pub measure: bool,
    /// Print how long each scenario took. Off by default, so that two runs with one seed print the same.
    pub durations: bool,
    /// Print failures also as GitHub annotations.
    pub github_annotations: bool,
    /// Files to write reports to.
    pub reports: Vec<ReportFile>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            tags: None,
            name: None,
            seed: None,
            jobs: None,
            target: "sim".into(),
            dialect: None,
            retries: 0,
            shard: None,
            fail_fast: false,
            step_limit: Duration::from_secs(30),
            allow_destructive: false,
            device_serial: None,
            device_key_file: None,
            measure: false,
            durations: false,
            github_annotations: false,
            reports: Vec::new(),
        }
    }
}

impl RunOptions {
    /// How many scenarios to run at once.
    pub(crate) fn effective_jobs(&self, standing: &Standing) -> usize {
        if !standing.fresh {
            return 1;
        }
        let default = || std::thread::available_parallelism().map_or(1, usize::from);
        self.jobs.unwrap_or_else(default).max(1)
    }
}

/// A report to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// In which format.
    pub format: ReportFormat,
    /// Where to.
    pub path: PathBuf,
}

/// The formats of a report file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// JUnit XML.
    Junit,
    /// Cucumber JSON.
    Json,
    /// One HTML page that needs nothing else.
    Html,
}
