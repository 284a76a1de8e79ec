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
            let chinese = match &error {
                NoRecorder::Io { source, .. } => return Failure::unwritable(path, source, "--trace"),
                NoRecorder::Foreign { .. } => "不是本版本的跟踪文件",
                NoRecorder::Mixed { has: true, .. } => "是包含秘密的跟踪文件",
                NoRecorder::Mixed { has: false, .. } => "是不含秘密的跟踪文件",
            };
            Failure::usage(
                error.to_string(),
                "it was not touched; name another file with --trace",
                format!("{}{chinese}，未作改动；请用 --trace 另行指定", path.display()),
            )
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
                Ok(end(&file, recording.cut_off))
            }
            Verb::Replay(replay) => replay.run(),
            Verb::Decode { what, dialect, secrets, format } => decode(&what, dialect, secrets, format),
            Verb::Export { file, out, format } => {
                let recording = read(&file)?;
                let bytes = match format {
                    Foreign::Pcapng => recording.pcapng(),
                    Foreign::Scriptor => recording.scriptor().into_bytes(),
                };
                write(&out, &bytes)?;
                Ok(end(&file, recording.cut_off))
            }
        }
    }
}

/// How a command about a trace ends: one that was cut off is told, and is not as it should be.
fn end(file: &Path, cut_off: Option<usize>) -> ExitCode {
    let Some(line) = cut_off else { return ExitCode::SUCCESS };
    let file = file.display();
    output::say(&format!(
        "{file} ends in the middle of line {line}: what wrote it was killed there, or had no more space; the lines before it were read\n\
         {file}在第{line}行中断：记录程序在此处被终止，或磁盘已满；已读取此前的各行"
    ));
    ExitCode::FAILURE
}

/// A trace from a file.
fn read(file: &Path) -> Result<Recording> {
    Recording::read(file).map_err(|error: BadTrace| {
        let chinese = format!("{}；跟踪文件由 --trace 文件 生成", error.message_zh());
        Failure::usage(error.to_string(), "a trace is what --trace FILE records", chinese)
    })
}

fn write(out: &Path, bytes: &[u8]) -> Result<()> {
    // The trace may have been recorded with its secrets.
    let to_file = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(out)?;
        file.write_all(bytes)
    };
    let written = if out == Path::new("-") { io::stdout().lock().write_all(bytes) } else { to_file() };
    written.map_err(|error| Failure::unwritable(out, &error, "OUT"))
}

fn decode(what: &[String], dialect: Option<Dialect>, secrets: bool, format: Format) -> Result<ExitCode> {
    let (contents, file) = match what {
        [] => standard_input()?,
        [one] if one == "-" => standard_input()?,
        [one] if Path::new(one).is_file() => {
            (fs::read(one).map_err(|source| Failure::Read { path: one.into(), source })?, PathBuf::from(one))
        }
        pieces => (pieces.join(" ").into_bytes(), PathBuf::new()),
    };
    let session = Session::read(&contents).map_err(|error| {
        let help = "a line is a command, or a command and its answer, in hexadecimal";
        let chinese = format!("{}；每行为一条命令（可附应答）的十六进制数据", error.message_zh());
        Failure::usage(error.to_string(), help, chinese)
    })?;
    let dialect = dialect.or(session.dialect).unwrap_or_default();
    let secrets = if secrets { Secrets::Kept } else { Secrets::Hidden };
    let explained = session.explain(&dialect, secrets);
    output::result(&match format {
        Format::Text => explained.iter().map(|one| one.text()).collect::<Vec<_>>().join("\n"),
        Format::Json => {
            let commands: Vec<_> = explained.iter().map(|one| one.json()).collect();
            let (name, cut_off) = (dialect.name.as_str(), session.cut_off);
            let all = json!({ "version": 1, "dialect": name, "commands": commands, "cut_off": cut_off });
            format!("{all:#}\n")
        }
    });
    Ok(end(&file, session.cut_off))
}

/// What stands there, and how it is called.
fn standard_input() -> Result<(Vec<u8>, PathBuf)> {
    let (mut contents, path) = (Vec::new(), PathBuf::from("standard input"));
    match io::stdin().read_to_end(&mut contents) {
        Ok(_) => Ok((contents, path)),
        Err(source) => Err(Failure::Read { path, source }),
    }
}

fn command_name(text: &str) -> Result<String, String> {
    Ins::named(text).map(|ins| ins.name().to_owned()).ok_or_else(|| {
        format!("\"{text}\" is no command; see `ukey commands`\n没有命令“{text}”，可用 ukey commands 查看")
    })
}

fn dialect_named(text: &str) -> Result<Dialect, String> {
    dialect::named(text).map_err(|error: BadDialect| format!("{error}\n{}", error.message_zh()))
}
