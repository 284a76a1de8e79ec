//! `ukey trace`: recorded traces, again on any token too, and bytes as they are, in words. `--trace FILE` of every command records one.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;
use ukey_apdu::Ins;
use ukey_device::dialect::BadDialect;
use ukey_device::trace::{
    BadTrace, Filter, NoRecorder, Recorder, Recording, SECRETS_WARNING, Secrets, Session, record,
};
use ukey_device::{Dialect, dialect};

use crate::failure::{Failure, Result};
use crate::options::Format;
use crate::output;

mod replay;

use replay::Replay;

/// Recorded traces (`--trace FILE` of any command records one): show, explain, export, replay.
#[derive(clap::Args, Debug)]
pub(crate) struct Trace {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Show a trace as a table: milliseconds since it began, how long each exchange took, what was said.
    Show {
        /// The trace
        file: PathBuf,
        /// Only exchanges of this command, by its name in the standard
        #[arg(long, value_name = "NAME", value_parser = command_name)]
        command: Option<String>,
        /// Only exchanges that did not succeed
        #[arg(long)]
        failed: bool,
        /// Only this connection, by its number
        #[arg(long, value_name = "N")]
        connection: Option<usize>,
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Explain commands and answers field by field; no token is needed.
    Decode {
        /// Hexadecimal: a command, and its answer behind it; or a file: lines of these, a captured session (JSON), a
        /// trace; `-` or nothing reads standard input
        #[arg(value_name = "HEX|FILE")]
        what: Vec<String>,
        /// The dialect in which the bytes are read [default: what a trace says, else gm2012]
        #[arg(long, value_name = "NAME|FILE", value_parser = dialect_named)]
        dialect: Option<Dialect>,
        /// Show cryptograms, keys and contents too
        #[arg(long)]
        secrets: bool,
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Write a trace for other programs.
    Export {
        /// The trace
        file: PathBuf,
        /// Where it is written; `-` for standard output
        out: PathBuf,
        /// For which program
        #[arg(long, value_enum, default_value_t)]
        format: Foreign,
    },
    /// Carry a recorded session out again on a token, and compare what it means. Exit code 1 where it differs.
    Replay(Box<Replay>),
}

/// Forms that other programs read.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Foreign {
    /// Wireshark's: smart-card traffic.
    #[default]
    Pcapng,
    /// The text of `scriptor` (pcsc-tools).
    Scriptor,
}

/// Whether, where to and how every command is traced.
#[derive(clap::Args, Debug)]
pub(crate) struct Tracing {
    /// Record every exchange with a token in a file, behind what is in it; without secrets. `ukey trace` reads it
    #[arg(long, env = "UKEY_TRACE", global = true, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Record secrets too: cryptograms, keys, contents. The file is yours alone
    #[arg(long, env = "UKEY_TRACE_SECRETS", global = true, value_parser = clap::builder::FalseyValueParser::new())]
    trace_secrets: bool,
}

impl Tracing {
    /// Begins to record, where that was asked for.
    pub(crate) fn start(&self) -> Result<()> {
        let Some(path) = &self.trace else { return Ok(()) };
        let secrets = if self.trace_secrets { Secrets::Kept } else { Secrets::Hidden };
        let recorder = Recorder::open(path, secrets).map_err(|error| {
            let help = match error {
                NoRecorder::Io { .. } => "name another file with --trace",
                NoRecorder::Foreign { .. } | NoRecorder::Mixed { .. } => {
                    "it was not touched; name another file with --trace"
                }
            };
            Failure::usage(error.to_string(), help)
        })?;
        if self.trace_secrets {
            output::say(&format!("WARNING: {SECRETS_WARNING}"));
        }
        record(Some(recorder));
        Ok(())
    }
}

impl Trace {
    /// Carries it out.
    pub(crate) fn run(self) -> Result<ExitCode> {
        match self.verb {
            Verb::Show { file, command, failed, connection, format } => {
                let recording = read(&file)?;
                let filter = Filter { command, failed, connection };
                output::result(&match format {
                    Format::Text => recording.table(&filter),
                    Format::Json => format!("{:#}\n", recording.json(&filter)),
                });
            }
            Verb::Replay(replay) => return replay.run(),
            Verb::Decode { what, dialect, secrets, format } => decode(&what, dialect, secrets, format)?,
            Verb::Export { file, out, format } => {
                let recording = read(&file)?;
                let bytes = match format {
                    Foreign::Pcapng => recording.pcapng(),
                    Foreign::Scriptor => recording.scriptor().into_bytes(),
                };
                write(&out, &bytes)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A trace from a file.
fn read(file: &Path) -> Result<Recording> {
    Recording::read(file).map_err(|error: BadTrace| {
        let help = format!("a trace is what --trace FILE records\n{}", error.message_zh());
        Failure::usage(error.to_string(), help)
    })
}

fn write(out: &Path, bytes: &[u8]) -> Result<()> {
    // The trace may have been recorded with its secrets.
    let to_file = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(out)?;
        file.write_all(bytes)
    };
    let written = if out == Path::new("-") { io::stdout().lock().write_all(bytes) } else { to_file() };
    written.map_err(|error| {
        Failure::usage(format!("cannot write {}: {error}", out.display()), "name another file")
    })
}

fn decode(what: &[String], dialect: Option<Dialect>, secrets: bool, format: Format) -> Result<()> {
    let text = match what {
        [] => standard_input()?,
        [one] if one == "-" => standard_input()?,
        [one] if Path::new(one).is_file() => {
            fs::read_to_string(one).map_err(|source| Failure::Read { path: one.into(), source })?
        }
        pieces => pieces.join(" "),
    };
    let session = Session::read(&text).map_err(|error| {
        let help = "a line is a command, or a command and its answer, in hexadecimal\n每行为一条命令（可附应答）的十六进制数据";
        Failure::usage(error.to_string(), help)
    })?;
    let dialect = dialect.or(session.dialect).unwrap_or_default();
    let secrets = if secrets { Secrets::Kept } else { Secrets::Hidden };
    let explained = session.explain(&dialect, secrets);
    output::result(&match format {
        Format::Text => explained.iter().map(|one| one.text()).collect::<Vec<_>>().join("\n"),
        Format::Json => {
            let commands: Vec<_> = explained.iter().map(|one| one.json()).collect();
            format!("{:#}\n", json!({ "version": 1, "dialect": dialect.name.as_str(), "commands": commands }))
        }
    });
    Ok(())
}

fn standard_input() -> Result<String> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|source| Failure::Read { path: "standard input".into(), source })?;
    Ok(text)
}

fn command_name(text: &str) -> Result<String, String> {
    Ins::named(text)
        .map(|ins| ins.name().to_owned())
        .ok_or_else(|| format!("\"{text}\" is no command; see `ukey commands`"))
}

fn dialect_named(text: &str) -> Result<Dialect, String> {
    dialect::named(text).map_err(|error: BadDialect| format!("{error}\n{}", error.message_zh()))
}
