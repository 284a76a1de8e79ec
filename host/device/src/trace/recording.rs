//! A recorded trace, read. What cannot be read is named with its line; a last line that was cut off, as a program leaves
//! it that is killed while it writes, takes nothing from the lines before it.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use ukey_apdu::{Dialect, Status};

use super::bytes::Bytes;
use super::recorder::{FORMAT, VERSION};
use crate::dialect;

/// A whole trace.
#[derive(Clone, Debug)]
pub struct Recording {
    /// What its first line says.
    pub header: Header,
    /// The links, in the order in which they were made.
    pub connections: Vec<Connected>,
    /// What happened, in its order.
    pub entries: Vec<Entry>,
    /// The line, from 1, in the middle of which the file ends; nothing of it is in the entries.
    pub cut_off: Option<usize>,
}

/// The first line of a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// The program that wrote it.
    pub program: String,
    /// When it began (RFC 3339).
    pub time: String,
    /// Whether secrets are in it.
    pub secrets: bool,
}

/// A link of a trace.
#[derive(Clone, Debug)]
pub struct Connected {
    /// Its number, from 1.
    pub number: usize,
    /// Where it led, as targets are written; empty where that is not known.
    pub target: String,
    /// The dialect that was spoken, at last.
    pub dialect: Dialect,
    /// The token's serial number, where it said so.
    pub serial_number: Option<String>,
}

/// A line behind the header.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its line in the file, from 1.
    pub line: usize,
    /// Whose: [`Connected::number`].
    pub connection: usize,
    /// When (RFC 3339).
    pub time: String,
    /// When: microseconds since the trace began, in its process.
    pub at_us: u64,
    /// What.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A link was made.
    Connected,
    /// The token said its serial number.
    Identified,
    /// Another dialect is spoken from here on.
    Speaks,
    /// The token lost its power and was found again.
    Reset,
    /// The token was found to be gone.
    Removed,
    /// The link ended.
    Disconnected,
    /// An envelope and its answer.
    Exchange(Box<Exchange>),
}

/// An envelope and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Its number in its connection, from 1.
    pub sequence: u64,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// The command's name in the standard, where it has one.
    pub name: Option<String>,
    /// The envelope.
    pub command: Bytes,
    /// Data and status word; empty where none came.
    pub answer: Bytes,
    /// Both in words.
    pub says: String,
    /// Why no answer came.
    pub error: Option<String>,
    /// The function of the SKF interface behind it.
    pub called: Option<String>,
}

impl Exchange {
    /// The status word, if an answer came.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        let (_, word) = self.answer.as_slice().split_last_chunk::<2>()?;
        Some(Status(u16::from_be_bytes(*word)))
    }
}

/// Why a file is no trace that can be read.
#[derive(Debug, thiserror::Error)]
pub struct BadTrace {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1; 0 where the file cannot be read at all.
    pub line: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

impl fmt::Display for BadTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path.display(), self.problem),
            line => write!(f, "{}, line {line}: {}", self.path.display(), self.problem),
        }
    }
}

/// What is wrong with a trace.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// The first line is no header.
    #[error("it does not begin with the header of a trace")]
    NoHeader,
    /// A later version of the format.
    #[error("version {found} of the format is not known here; this program reads version {VERSION}")]
    Version {
        /// The version.
        found: u64,
    },
    /// A line that is no JSON object.
    #[error("it is no JSON object")]
    NoJson,
    /// A field is missing, or has another type.
    #[error("\"{field}\" is missing, or no {wanted}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// Bytes that are none.
    #[error("\"{field}\": {reason}")]
    Bytes {
        /// The field.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A dialect that is not known here.
    #[error("the dialect \"{name}\" is not known here")]
    Dialect {
        /// Its name.
        name: String,
    },
    /// A line of a connection that was never made.
    #[error("its connection was not made before")]
    NoConnection,
}

impl Problem {
    /// What is wrong, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            Problem::Unreadable(reason) => format!("无法读取：{reason}"),
            Problem::NoHeader => "不是跟踪文件（缺少文件头）".to_owned(),
            Problem::Version { found } => format!("格式版本{found}不受支持，本程序支持版本{VERSION}"),
            Problem::NoJson => "不是JSON对象".to_owned(),
            Problem::Field { field, .. } => format!("字段{field}缺失或类型不符"),
            Problem::Bytes { field, .. } => format!("字段{field}不是十六进制数据"),
            Problem::Dialect { name } => format!("方言{name}未知"),
            Problem::NoConnection => "连接未建立".to_owned(),
        }
    }
}

impl BadTrace {
    /// What is wrong, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        let what = self.problem.message_zh();
        match self.line {
            0 => format!("{}：{what}", self.path.display()),
            line => format!("{}第{line}行：{what}", self.path.display()),
        }
    }
}

/// The header, if the line is one of the version that is read here.
pub(super) fn header(line: &str) -> Option<Header> {
    read_header(line).ok()
}

fn read_header(line: &str) -> Result<Header, Problem> {
    let value: Value = serde_json::from_str(line).map_err(|_| Problem::NoHeader)?;
    if value["type"] != "header" || value["format"] != FORMAT {
        return Err(Problem::NoHeader);
    }
    match number(&value, "version")? {
        VERSION => {}
        found => return Err(Problem::Version { found }),
    }
    let secrets =
        value["secrets"].as_bool().ok_or(Problem::Field { field: "secrets", wanted: "yes or no" })?;
    Ok(Header { program: text(&value, "program")?, time: text(&value, "time")?, secrets })
}

impl Recording {
    /// Reads a trace.
    ///
    /// # Errors
    /// [`BadTrace`], with the line.
    pub fn read(path: &Path) -> Result<Recording, BadTrace> {
        let bad = |line, problem| BadTrace { path: path.to_owned(), line, problem };
        let contents = fs::read(path).map_err(|error| bad(0, Problem::Unreadable(error.to_string())))?;
        Self::parse(&contents).map_err(|(line, problem)| bad(line, problem))
    }

    /// Reads the contents of a trace; what is wrong comes with its line.
    ///
    /// # Errors
    /// The line, from 1, and what is wrong with it.
    pub fn parse(contents: &[u8]) -> Result<Recording, (usize, Problem)> {
        // Whoever writes ends a line with the line: behind the last end stands nothing, or what a kill has left.
        let lines: Vec<&[u8]> = contents.split(|byte| *byte == b'\n').collect();
        let last = lines.len();
        let lines = lines.into_iter().map(|line| std::str::from_utf8(line).ok());
        let mut lines = (1..).zip(lines).filter(|(_, line)| line.is_none_or(|line| !line.trim().is_empty()));
        let (number, first) = lines.next().ok_or((1, Problem::NoHeader))?;
        let header = read_header(first.unwrap_or_default()).map_err(|problem| (number, problem))?;
        let (mut reading, mut cut_off) = (Reading::default(), None);
        for (number, line) in lines {
            let value = line.and_then(|line| serde_json::from_str(line).ok()).filter(Value::is_object);
            match value {
                Some(value) => reading.line(number, &value).map_err(|problem| (number, problem))?,
                None if number == last => cut_off = Some(number),
                None => return Err((number, Problem::NoJson)),
            }
        }
        Ok(Recording { header, connections: reading.connections, entries: reading.entries, cut_off })
    }

    /// The exchanges of all connections.
    pub fn exchanges(&self) -> impl Iterator<Item = (&Entry, &Exchange)> {
        self.entries.iter().filter_map(|entry| match &entry.event {
            Event::Exchange(exchange) => Some((entry, &**exchange)),
            _ => None,
        })
    }

    /// A connection by its number.
    #[must_use]
    pub fn connection(&self, number: usize) -> Option<&Connected> {
        self.connections.get(number.checked_sub(1)?)
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    connections: Vec<Connected>,
    entries: Vec<Entry>,
    /// Process and number, and which connection that is for now.
    live: HashMap<(u64, u64), usize>,
}

impl Reading {
    fn line(&mut self, line: usize, value: &Value) -> Result<(), Problem> {
        let kind = text(value, "type")?;
        // Another process wrote behind the first.
        if kind == "header" {
            return Ok(());
        }
        let key = (number(value, "process")?, number(value, "connection")?);
        if kind == "connected" {
            self.live.insert(key, self.connections.len() + 1);
            self.connections.push(Connected {
                number: self.connections.len() + 1,
                target: value["target"].as_str().unwrap_or_default().to_owned(),
                dialect: spoken(value)?,
                serial_number: None,
            });
        }
        let connection = *self.live.get(&key).ok_or(Problem::NoConnection)?;
        let connected = self.connections.get_mut(connection - 1).ok_or(Problem::NoConnection)?;
        let event = match kind.as_str() {
            "connected" => Event::Connected,
            "identified" => {
                connected.serial_number = Some(text(value, "serial_number")?);
                Event::Identified
            }
            "speaks" => {
                connected.dialect = spoken(value)?;
                Event::Speaks
            }
            "reset" => Event::Reset,
            "removed" => Event::Removed,
            "disconnected" => Event::Disconnected,
            "exchange" => Event::Exchange(Box::new(exchange(value)?)),
            // Events may be added.
            _ => return Ok(()),
        };
        let (time, at_us) = (text(value, "time")?, number(value, "at_us")?);
        self.entries.push(Entry { line, connection, time, at_us, event });
        Ok(())
    }
}

fn exchange(value: &Value) -> Result<Exchange, Problem> {
    let optional = |field: &str| value[field].as_str().map(str::to_owned);
    Ok(Exchange {
        sequence: number(value, "sequence")?,
        took_us: number(value, "took_us")?,
        name: optional("name"),
        command: bytes(value, "command")?,
        answer: bytes(value, "answer")?,
        says: text(value, "says")?,
        error: optional("error"),
        called: optional("called"),
    })
}

fn spoken(value: &Value) -> Result<Dialect, Problem> {
    let name = text(value, "dialect")?;
    let unknown = || Problem::Dialect { name: name.clone() };
    match value["switches"].as_str() {
        Some(switches) => dialect::parse(switches).map_err(|_| unknown()),
        None => Dialect::named(&name).ok_or_else(unknown),
    }
}

fn text(value: &Value, field: &'static str) -> Result<String, Problem> {
    value[field].as_str().map(str::to_owned).ok_or(Problem::Field { field, wanted: "text" })
}

fn number(value: &Value, field: &'static str) -> Result<u64, Problem> {
    value[field].as_u64().ok_or(Problem::Field { field, wanted: "number" })
}

fn bytes(value: &Value, field: &'static str) -> Result<Bytes, Problem> {
    text(value, field)?
        .parse()
        .map_err(|error: super::NotBytes| Problem::Bytes { field, reason: error.to_string() })
}
