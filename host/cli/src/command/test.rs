//! `ukey test`: runs scenarios against a token and a hall.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ukey_device::Target;
use ukey_features::UkeyWorld;
use ukey_features::runner::{self, RunOptions, Shard};

use super::report::Reports;
use crate::options::{Format, Token, at_least_one};
use crate::output;

/// Run Gherkin scenarios: the built-in ones, or those in PATHS.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit codes: 0 all passed, 1 a scenario failed, 2 usage or configuration, 3 a feature file does not \
                  parse, 4 nothing matched or can run on this target, 5 the target was not reached or is not as \
                  it was before the run, 130 interrupted."
)]
pub(crate) struct Test {
    /// DIR, FILE or FILE:LINE; the built-in suite without one
    paths: Vec<String>,
    /// Only scenarios with these tags, such as '@U-13' or '@smoke and not @slow'
    #[arg(short, long, value_name = "EXPRESSION")]
    tags: Option<String>,
    /// Only scenarios whose name matches this regular expression
    #[arg(short, long, value_name = "REGEX")]
    name: Option<String>,
    /// Everything random follows from this number; a fresh one is chosen and printed without it
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many scenarios run at once
    #[arg(short, long, value_name = "N", value_parser = at_least_one)]
    jobs: Option<usize>,
    /// Try a scenario that failed this often again, each time from the start; one that passes then is flaky
    #[arg(long, value_name = "N", default_value_t = 0)]
    retries: usize,
    /// Only the K-th of N parts, from 1, that together are all the chosen scenarios
    #[arg(long, value_name = "K/N", env = "UKEY_SHARD")]
    shard: Option<Shard>,
    /// Stop at the first failure
    #[arg(long)]
    fail_fast: bool,
    /// How long a step may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    step_limit: u64,
    /// Print how long each scenario took
    #[arg(long)]
    durations: bool,
    /// List the scenarios instead of running them
    #[arg(long)]
    list: bool,
    /// Let scenarios that lock or destroy run against a real key, and give up all that is on it; needs --serial
    #[arg(long, requires = "serial")]
    allow_destructive: bool,
    /// The serial number of the key that is meant: with another one nothing runs
    #[arg(long, value_name = "NUMBER")]
    serial: Option<String>,
    /// Read the device authentication key of the target from the first line of a file: 16 characters, or 32 hexadecimal
    /// digits; without one UKEY_DEVICE_KEY, else the factory's
    #[arg(long, value_name = "FILE")]
    device_key_file: Option<PathBuf>,
    /// Print what the scenarios would cost the target, measured on simulated tokens; the target is not touched
    #[arg(long, conflicts_with_all = ["list", "coverage"])]
    dry_run: bool,
    /// Tell which rows of the requirements have scenarios, instead of running them; exit code 1 when one has none and
    /// no reason for it
    #[arg(long, conflicts_with = "list")]
    coverage: bool,
    /// How the coverage, or the cost, is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    reports: Reports,
    #[command(flatten)]
    token: Token,
}

impl Test {
    /// Runs and gives the exit code. Without a target every scenario gets a fresh simulated token.
    pub(crate) fn run(self) -> ExitCode {
        let (list, coverage, dry_run, format) = (self.list, self.coverage, self.dry_run, self.format);
        let options = self.options();
        if list {
            return match runner::listing(&options) {
                Ok(listing) => {
                    output::result(&listing);
                    ExitCode::SUCCESS
                }
                Err(error) => refuse(error),
            };
        }
        if coverage {
            return match ukey_features::coverage(&options) {
                Ok(coverage) => {
                    output::result(&match format {
                        Format::Text => coverage.to_string(),
                        Format::Json => format!("{:#}\n", coverage.to_json()),
                    });
                    if coverage.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
                }
                Err(error) => refuse(error),
            };
        }
        if dry_run {
            return match ukey_features::dry_run(&options) {
                Ok(cost) => {
                    output::result(&match format {
                        Format::Text => cost.to_string(),
                        Format::Json => format!("{:#}\n", cost.to_json()),
                    });
                    cost.exit().into()
                }
                Err(error) => refuse(error),
            };
        }
        match runner::run::<UkeyWorld>(&options) {
            Ok(outcome) => outcome.exit.into(),
            Err(error) => refuse(error),
        }
    }

    fn options(self) -> RunOptions {
        let target = self.token.target.unwrap_or(Target::Sim).to_string();
        let dialect = self.token.dialect.map(|asked| asked.text);
        RunOptions {
            paths: self.paths,
            tags: self.tags,
            name: self.name,
            seed: self.seed,
            jobs: self.jobs,
            target,
            dialect,
            retries: self.retries,
            shard: self.shard,
            fail_fast: self.fail_fast,
            step_limit: Duration::from_secs(self.step_limit),
            allow_destructive: self.allow_destructive,
            device_serial: self.serial,
            device_key_file: self.device_key_file,
            measure: false,
            durations: self.durations,
            github_annotations: std::env::var_os("GITHUB_ACTIONS").is_some(),
            reports: self.reports.files(),
        }
    }
}

fn refuse(error: runner::RunError) -> ExitCode {
    let exit = error.exit();
    output::report(error);
    exit.into()
}
