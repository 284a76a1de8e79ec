//! `ukey sweep`: cuts the power at every flash operation of every command, and judges what is left of the token.

use std::process::ExitCode;

use serde_json::{Value, json};
use ukey_device::sweep::{self, Options, Report};

use crate::failure::{Failure, Result};
use crate::options::Format;
use crate::output;

/// Cut the power of simulated tokens at every flash operation of every command that changes something.
///
/// Each cut is clean or torn inside a word, in every state that matters; then the token gets power again, and must be as
/// before the command or as after it: tries, key pairs, certificates, files, room. No secret may be left in its flash.
#[derive(clap::Args, Debug)]
#[command(after_help = "Exit codes: 0 no violation, 1 violations, 2 usage.")]
pub(crate) struct Sweep {
    /// Only this command of GM/T 0017, such as VerifyPin
    #[arg(long, value_name = "NAME")]
    command: Option<String>,
    /// Everything random follows from this number
    #[arg(long, value_name = "N", default_value_t = Options::default().seed)]
    seed: u64,
    /// Only every N-th flash operation
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    every: u32,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Sweep {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let Sweep { command, seed, every, format } = self;
        let command = match command {
            Some(name) => {
                let known = sweep::commands();
                let names = || known.iter().map(|ins| ins.name()).collect::<Vec<_>>().join(", ");
                let found = known.iter().find(|ins| ins.name().eq_ignore_ascii_case(&name));
                let missing = || {
                    let chinese = format!("{name}没有断电测试；可用的有{}", names());
                    Failure::usage(
                        format!("there is no sweep of {name}"),
                        format!("there are {}", names()),
                        chinese,
                    )
                };
                Some(*found.ok_or_else(missing)?)
            }
            None => None,
        };
        let every = usize::try_from(every).map_err(Failure::internal)?;
        let options = Options { command, seed, every, ..Options::default() };
        let report = sweep::run(&options).map_err(Failure::internal)?;
        output::result(&match format {
            Format::Text => report.to_text(),
            Format::Json => format!("{:#}\n", json(&report)),
        });
        Ok(if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn json(report: &Report) -> Value {
    let commands = report.commands.iter().map(|swept| {
        let state = |(name, cuts): &(&str, u64)| json!({ "state": name, "cuts": cuts });
        let states: Vec<_> = swept.states.iter().map(state).collect();
        json!({ "command": swept.ins.name(), "cuts": swept.cuts(), "states": states })
    });
    let violations = report.violations.iter().map(|found| {
        json!({
            "command": found.ins.name(),
            "form": found.form,
            "state": found.state,
            "what": found.what,
            "script": found.script,
        })
    });
    json!({
        "version": 1,
        "seed": report.seed,
        "cuts": report.cuts(),
        "commands": commands.collect::<Vec<_>>(),
        "not_covered": report.not_covered.iter().map(|ins| ins.name()).collect::<Vec<_>>(),
        "violations": violations.collect::<Vec<_>>(),
    })
}
