//! `ukey doctor`: what is missing on this machine, and the command that brings it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use ukey_device::{Device, ErrorKind, Options, Target};

use crate::doctor::{self, Finding, Reached, State, Text, probe};
use crate::failure::Result;
use crate::options::{Format, target};
use crate::output;

/// How long a token may take to answer: an emulated one starts first.
const ANSWERING: Duration = Duration::from_secs(60);

/// Find out what is missing on this machine, and which command brings it.
///
/// Looks at the Rust target and the images of the boards, QEMU, PC/SC and the virtual reader, serial lines, the folder of
/// the tokens that run, state files of the current folder, SKF libraries, the variables UKEY_*, fonts and programs. Changes
/// nothing, and takes no token away from its user.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit codes: 0 nothing is broken (and nothing missing on the way to --target), 1 something is, 2 usage."
)]
pub(crate) struct Doctor {
    /// Say of this token alone, step by step, why it is not reached; connects to it
    #[arg(long, value_name = "TARGET", value_parser = target)]
    target: Option<Target>,
    /// Look at this SKF library too, without running it; may be repeated
    #[arg(long = "library", value_name = "FILE")]
    libraries: Vec<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Doctor {
    /// Carries it out.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let Doctor { target, libraries, format } = self;
        let facts = probe::facts(target.as_ref(), &libraries);
        let findings = match &target {
            Some(target) => doctor::steps(target, &facts, || reach(target)),
            None => doctor::findings(&facts),
        };
        let faults = |finding: &&Finding| match finding.state {
            State::Broken => true,
            State::Missing => target.is_some(),
            State::Ok | State::Partial | State::NotNeeded => false,
        };
        let faults = findings.iter().filter(faults).count();
        output::result(&match format {
            Format::Text => text(&findings, faults),
            Format::Json => format!("{:#}\n", json(target.as_ref(), &findings, faults)),
        });
        Ok(if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Connects to the token, for no longer than anybody waits.
fn reach(target: &Target) -> Reached {
    let target = target.clone();
    let connected = probe::in_time(ANSWERING, move || {
        let device = target.connect(&Options::default());
        device.and_then(|device: Device| device.info())
    });
    match connected {
        None => Reached::TooLong,
        Some(Ok(info)) => Reached::Token { serial_number: info.serial_number, label: info.label },
        Some(Err(error)) => {
            let (reason, advice) = match error.kind() {
                ErrorKind::Link(error) => probe::told(error),
                _ => (
                    Text::new(error.to_string(), error.message_zh()),
                    error.help().zip(error.help_zh()).map(|(en, zh)| Text::new(en, zh)),
                ),
            };
            Reached::Failed { reason, advice }
        }
    }
}

/// A line for each part; what is to be done stands below it.
fn text(findings: &[Finding], faults: usize) -> String {
    let width =
        findings.iter().map(|finding| finding.check.chars().count()).max().unwrap_or_default().min(40);
    let mut text = String::new();
    for Finding { check, state, reason, advice, command } in findings {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{:<10}  {check:<width$}  {}", state.word(), reason.en);
        if matches!(state, State::Ok | State::NotNeeded) {
            continue;
        }
        let indent = " ".repeat(width + 14);
        let _ = writeln!(text, "{indent}{}", reason.zh);
        if let Some(Text { en, zh }) = advice {
            let _ = writeln!(text, "{indent}{en}\n{indent}{zh}");
        }
        if let Some(command) = command {
            let _ = writeln!(text, "{indent}→ {command}");
        }
    }
    let _ = match faults {
        0 => writeln!(text, "nothing is broken · 未发现故障"),
        1 => writeln!(text, "1 fault · 1处故障"),
        _ => writeln!(text, "{faults} faults · {faults}处故障"),
    };
    text
}

/// Version 1 of the layout: fields are added, never changed.
fn json(target: Option<&Target>, findings: &[Finding], faults: usize) -> Value {
    let both = |text: &Text| json!({ "en": text.en, "zh": text.zh });
    let findings = findings.iter().map(|finding| {
        json!({
            "check": finding.check,
            "state": finding.state.word(),
            "reason": both(&finding.reason),
            "advice": finding.advice.as_ref().map(both),
            "command": finding.command,
        })
    });
    json!({
        "version": 1,
        "target": target.map(ToString::to_string),
        "faults": faults,
        "findings": findings.collect::<Vec<_>>(),
    })
}
