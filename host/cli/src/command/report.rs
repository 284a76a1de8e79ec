//! `ukey report`: what is done with the reports of runs.

use std::path::PathBuf;
use std::process::ExitCode;

use ukey_features::runner::{self, MergeOptions, ReportFile, ReportFormat};

use crate::output;

/// Work with the reports of runs.
#[derive(clap::Args, Debug)]
pub(crate) struct Report {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Make one report of several, such as those of the shards of a suite; the exit code is that of one run.
    Merge(Merge),
}

#[derive(clap::Args, Debug)]
struct Merge {
    /// JSON reports, as ukey test --report-json writes them
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Merge also reports of different seeds, targets or suites, and of some shards only
    #[arg(long)]
    mixed: bool,
    /// Print how long each scenario took
    #[arg(long)]
    durations: bool,
    #[command(flatten)]
    reports: Reports,
}

/// The reports that are asked for.
#[derive(clap::Args, Debug)]
pub(crate) struct Reports {
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    report_junit: Option<PathBuf>,
    /// Write a Cucumber JSON report
    #[arg(long, value_name = "FILE")]
    report_json: Option<PathBuf>,
    /// Write an HTML report, one page that needs nothing else
    #[arg(long, value_name = "FILE")]
    report_html: Option<PathBuf>,
}

impl Reports {
    pub(crate) fn files(self) -> Vec<ReportFile> {
        let reports = [
            (ReportFormat::Junit, self.report_junit),
            (ReportFormat::Json, self.report_json),
            (ReportFormat::Html, self.report_html),
        ];
        let report = |(format, path): (_, Option<PathBuf>)| path.map(|path| ReportFile { format, path });
        reports.into_iter().filter_map(report).collect()
    }
}

impl Report {
    /// Carries it out, and gives the exit code.
    pub(crate) fn run(self) -> ExitCode {
        let Verb::Merge(merge) = self.verb;
        let options = MergeOptions {
            files: merge.files,
            mixed: merge.mixed,
            durations: merge.durations,
            github_annotations: std::env::var_os("GITHUB_ACTIONS").is_some(),
            reports: merge.reports.files(),
        };
        match runner::merge(&options) {
            Ok(outcome) => outcome.exit.into(),
            Err(error) => {
                let exit = error.exit();
                output::report(error);
                exit.into()
            }
        }
    }
}
