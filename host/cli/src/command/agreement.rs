//! `ukey agreement`: lets every step of a flow fail once, and judges whether hall and token agree in the end.

use std::process::ExitCode;

use ukey_features::agreement::{self, Options};

use crate::failure::{Failure, Result};
use crate::options::{Format, at_least_one};
use crate::output;

/// Let each step of the flows fail once, take the flow up again, and judge whether hall and token agree in the end.
///
/// The key is pulled, its power is cut, requests and answers are lost, the hall is killed: at every step, one at a time.
#[derive(clap::Args, Debug)]
#[command(after_help = "Exit codes: 0 they agree, 1 they disagree, 2 usage.")]
pub(crate) struct Agreement {
    /// Only this flow
    #[arg(long, value_name = "NAME")]
    flow: Option<String>,
    /// Everything random follows from this number
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Only this point of the flow
    #[arg(long, value_name = "N", requires = "flow")]
    point: Option<usize>,
    /// Only every N-th point
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "point", value_parser = at_least_one)]
    every: usize,
    /// How many points run at once
    #[arg(short, long, value_name = "N", value_parser = at_least_one)]
    jobs: Option<usize>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Agreement {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let Agreement { flow, seed, point, every, jobs, format } = self;
        let report = agreement::run(&Options { flow, seed, point, every, jobs }).map_err(|error| {
            Failure::usage(error.to_string(), "see `ukey agreement --help`", error.message_zh())
        })?;
        output::result(&match format {
            Format::Text => report.to_text(),
            Format::Json => report.to_json().map_err(Failure::internal)? + "\n",
        });
        Ok(if report.disagreements() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
