//! A trace in a file: JSON, one object a line, written as it happens.
//!
//! The first line is the header; then come what happened to links (connected, identified, reset, removed,
//! disconnected) and one line per exchange. Several devices and several processes may write to one file: each line
//! names its process and its connection. [`Recording`](super::Recording) reads it.
//!
//! Guarantees: without [`Secrets::Kept`] no PIN, key, cryptogram or content comes into the file; with it the file is its
//! owner's alone. A line that cannot be written is told once, and never stops the token.

use std::cell::{Cell, RefCell};
use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use ukey_apdu::command::{Answer, DevInfo};
use ukey_apdu::describe::describe;
use ukey_apdu::{Apdu, Dialect, Ins, Status};

use super::bytes::Bytes;
use super::redact::Redactor;
use crate::dialect;
use crate::link::LinkError;
use crate::link::skf::Call;

/// The name of the format, in the header.
pub const FORMAT: &str = "ukey-trace";

/// The version of the format that is written.
pub const VERSION: u64 = 1;

/// The variable that names a file to trace to.
pub const VARIABLE: &str = "UKEY_TRACE";

/// The variable that asks for secrets in that file: `1`.
pub const SECRETS_VARIABLE: &str = "UKEY_TRACE_SECRETS";

/// What is said where secrets are kept: English, Chinese.
pub const SECRETS_WARNING: &str = "the trace will hold every secret that passes: PINs' cryptograms, keys, contents; give it to nobody, delete it soon\n\
     跟踪文件将包含口令密文、密钥和数据内容，请勿外传，用后即删";

/// Whether secrets come into a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Secrets {
    /// Their lengths only.
    #[default]
    Hidden,
    /// They too: everything as it passed.
    Kept,
}

/// Why a file cannot be traced to.
#[derive(Debug, thiserror::Error)]
pub enum NoRecorder {
    /// The operating system refuses.
    #[error("{} cannot be written: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// It holds something that is no trace of this version. It was not touched.
    #[error("{} holds something that is no trace of version {VERSION}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It is a trace with secrets, and one without was asked for, or the other way round. It was not touched.
    #[error("{} is a trace {} secrets", path.display(), if *has { "with" } else { "without" })]
    Mixed {
        /// The file.
        path: PathBuf,
        /// Whether it has secrets.
        has: bool,
    },
}

/// Where exchanges are traced to. Clones write to the same file.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    file: Mutex<File>,
    secrets: Secrets,
    began: Instant,
    connections: AtomicU64,
    /// A line could not be written, and that was told.
    failed: AtomicBool,
}

/// The recorder of this process.
static RECORDER: Mutex<Option<Recorder>> = Mutex::new(None);

/// Every device that connects from now on is traced there; `None`: nowhere.
pub fn record(recorder: Option<Recorder>) {
    *RECORDER.lock().unwrap_or_else(PoisonError::into_inner) = recorder;
}

/// Traces to the file that [`VARIABLE`] names, if it names one: for a library, which has no options.
///
/// # Errors
/// As [`Recorder::open`].
pub fn record_as_environment_says() -> Result<Option<Secrets>, NoRecorder> {
    let Some(path) = env::var_os(VARIABLE).filter(|path| !path.is_empty()) else { return Ok(None) };
    let keeps = env::var_os(SECRETS_VARIABLE).is_some_and(|value| value == "1");
    let secrets = if keeps { Secrets::Kept } else { Secrets::Hidden };
    record(Some(Recorder::open(Path::new(&path), secrets)?));
    Ok(Some(secrets))
}

thread_local! {
    /// The function that a client called, on this thread.
    static CALLED: Cell<Option<&'static str>> = const { Cell::new(None) };
    /// Where this thread connects to.
    static TARGET: RefCell<Option<String>> = const { RefCell::new(None) };
    /// What this thread connects to is no business of a trace.
    static UNRECORDED: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, exchanges of this thread are a client's call of a function.
#[derive(Debug)]
#[must_use]
pub struct Called {
    before: Option<&'static str>,
}

/// Says that a client called a function of the interface, such as `SKF_VerifyPIN`.
pub fn called(function: &'static str) -> Called {
    Called { before: CALLED.replace(Some(function)) }
}

impl Drop for Called {
    fn drop(&mut self) {
        CALLED.set(self.before);
    }
}

/// Connects to a target: its name goes into the trace.
pub(crate) fn connecting<T>(target: &impl ToString, connect: impl FnOnce() -> T) -> T {
    let is_recorded = RECORDER.lock().unwrap_or_else(PoisonError::into_inner).is_some();
    if !is_recorded {
        return connect();
    }
    let before = TARGET.replace(Some(target.to_string()));
    let connected = connect();
    TARGET.replace(before);
    connected
}

/// Connects to a token that no trace is to know of.
pub(crate) fn unrecorded<T>(connect: impl FnOnce() -> T) -> T {
    let before = UNRECORDED.replace(true);
    let connected = connect();
    UNRECORDED.set(before);
    connected
}

/// Cuts half a line off the end of a file: what follows begins its own.
fn end_with_a_whole_line(file: &File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let whole = whole(file, length)?;
    if whole < length { file.set_len(whole) } else { Ok(()) }
}

/// Bytes of a file of that length up to its last line that is whole.
fn whole(file: &File, length: u64) -> io::Result<u64> {
    let mut block = [0; 4096];
    let mut end = length;
    while end > 0 {
        let begin = end.saturating_sub(block.len() as u64);
        let (block, _) = block.split_at_mut(usize::try_from(end - begin).unwrap_or_default());
        file.read_exact_at(block, begin)?;
        if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(begin + at as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}

impl Recorder {
    /// Traces to a file, behind what is in it. A new one that keeps secrets is readable by its owner alone, and so is
    /// made one that is there.
    ///
    /// # Errors
    /// [`NoRecorder`].
    pub fn open(path: &Path, secrets: Secrets) -> Result<Recorder, NoRecorder> {
        let io = |source| NoRecorder::Io { path: path.to_owned(), source };
        let foreign = || NoRecorder::Foreign { path: path.to_owned() };
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        if secrets == Secrets::Kept {
            options.mode(0o600);
        }
        let file = options.open(path).map_err(io)?;
        // Two processes may begin at once: one of them writes the header.
        let is_file = file.metadata().map_err(io)?.is_file();
        if is_file {
            file.lock().map_err(io)?;
        }
        let mut first = String::new();
        if is_file && BufReader::new(&file).read_line(&mut first).map_err(|_| foreign())? > 0 {
            let has = super::recording::header(&first).ok_or_else(foreign)?.secrets;
            if has != (secrets == Secrets::Kept) {
                return Err(NoRecorder::Mixed { path: path.to_owned(), has });
            }
            // Half a line is of a program that was killed while it wrote.
            end_with_a_whole_line(&file).map_err(io)?;
        } else {
            (&file).write_all(&header(secrets)).map_err(io)?;
        }
        if is_file {
            if secrets == Secrets::Kept {
                file.set_permissions(PermissionsExt::from_mode(0o600)).map_err(io)?;
            }
            file.unlock().map_err(io)?;
        }
        let (path, file) = (path.to_owned(), Mutex::new(file));
        let (began, connections, failed) = (Instant::now(), AtomicU64::new(0), AtomicBool::new(false));
        Ok(Recorder(Arc::new(Shared { path, file, secrets, began, connections, failed })))
    }

    /// One line, in one piece; whether it was written.
    fn write(&self, line: &Value) -> bool {
        let line = format!("{line}\n");
        let mut file = self.0.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.write_all(line.as_bytes());
        if written.is_err() && file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            // A disk that is full takes a part of it. Where that cannot be cut off, the reader refuses what follows.
            let _ = end_with_a_whole_line(&file);
        }
        drop(file);
        let is_written = written.is_ok();
        if let Err(error) = written
            && !self.0.failed.swap(true, Ordering::Relaxed)
        {
            let path = self.0.path.display();
            let gaps = "the trace has gaps from here (跟踪文件写入失败，内容不完整)";
            tracing::warn!(target: "ukey::trace", "{gaps}: {path}: {error}");
        }
        is_written
    }
}

fn header(secrets: Secrets) -> Vec<u8> {
    let header = json!({
        "type": "header",
        "format": FORMAT,
        "version": VERSION,
        "program": concat!("ukey ", env!("CARGO_PKG_VERSION")),
        "time": Timestamp::now().to_string(),
        "secrets": secrets == Secrets::Kept,
    });
    format!("{header}\n").into_bytes()
}

/// One link, as its trace sees it.
#[derive(Debug)]
pub(crate) struct Connection {
    recorder: Recorder,
    number: u64,
    sequence: u64,
    redactor: Redactor,
    in_chain: bool,
    is_identified: bool,
    /// Its first line was written; nothing can be told of one that did not begin.
    is_begun: bool,
}

impl Connection {
    /// A link that was just made, where this process is traced.
    pub(crate) fn begin(dialect: &Dialect) -> Option<Connection> {
        let recorder = RECORDER.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let recorder = recorder.filter(|_| !UNRECORDED.get())?;
        Some(Self::of(recorder, TARGET.with_borrow(Clone::clone), dialect))
    }

    /// A link that is traced from now on.
    pub(crate) fn of(recorder: Recorder, target: Option<String>, dialect: &Dialect) -> Connection {
        let number = recorder.0.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let redactor = Redactor::default();
        let (sequence, in_chain, is_identified, is_begun) = (0, false, false, true);
        let mut connection =
            Connection { recorder, number, sequence, redactor, in_chain, is_identified, is_begun };
        let mut line = Map::new();
        if let Some(target) = target {
            line.insert("target".to_owned(), target.into());
        }
        tell_dialect(&mut line, dialect);
        connection.is_begun = connection.event("connected", line);
        connection
    }

    /// Something that happened to the link.
    fn event(&self, name: &str, mut line: Map<String, Value>) -> bool {
        line.insert("type".to_owned(), name.into());
        self.write(line, Instant::now())
    }

    /// A line of this connection, about something that began then.
    fn write(&self, mut line: Map<String, Value>, began: Instant) -> bool {
        if !self.is_begun {
            return false;
        }
        let at = began.saturating_duration_since(self.recorder.0.began);
        line.insert("process".to_owned(), std::process::id().into());
        line.insert("connection".to_owned(), self.number.into());
        line.insert("time".to_owned(), Timestamp::now().to_string().into());
        line.insert("at_us".to_owned(), micros(at).into());
        self.recorder.write(&Value::Object(line))
    }

    /// The token was found anew: its power was off.
    pub(crate) fn reset(&mut self) {
        self.event("reset", Map::new());
    }

    /// Another dialect is spoken from now on.
    pub(crate) fn speaks(&mut self, dialect: &Dialect) {
        let mut line = Map::new();
        tell_dialect(&mut line, dialect);
        self.event("speaks", line);
    }

    /// An envelope went out at `began`, and this came back.
    pub(crate) fn exchange(
        &mut self,
        began: Instant,
        command: &[u8],
        answer: Result<&[u8], &LinkError>,
        dialect: &Dialect,
        call: Option<&Call>,
    ) {
        self.sequence += 1;
        let bytes = answer.unwrap_or_default();
        let (shown_command, shown_answer) = match self.recorder.0.secrets {
            Secrets::Hidden => self.redactor.redact(command, bytes, dialect),
            Secrets::Kept => (Bytes::shown(command), Bytes::shown(bytes)),
        };
        let apdu = Apdu::parse(command);
        let said = describe(command, bytes, dialect);
        let said = if self.in_chain { said.last_of_chain() } else { said };
        self.in_chain = bytes == Status::OK.to_bytes() && apdu.is_ok_and(|apdu| apdu.cla.chained);
        let mut line = Map::new();
        let mut put = |name: &str, value: Value| drop(line.insert(name.to_owned(), value));
        put("type", "exchange".into());
        put("sequence", self.sequence.into());
        put("took_us", micros(began.elapsed()).into());
        if let Some(ins) = apdu.ok().and_then(|apdu| Ins::from_byte(apdu.ins)) {
            put("name", ins.name().into());
        }
        put("command", shown_command.to_string().into());
        put("answer", shown_answer.to_string().into());
        put("says", said.to_string().into());
        if let Some((_, word)) = bytes.split_last_chunk::<2>() {
            let status = Status(u16::from_be_bytes(*word));
            put("status", format!("{status:?}").into());
            put("meaning", status.meaning().to_string().into());
            put("meaning_zh", status.meaning_zh().to_string().into());
        }
        if let Err(error) = answer {
            put("error", error.to_string().into());
        }
        // Which function was called here, or was called for it behind the link.
        if let Some(called) = CALLED.get().map(str::to_owned).or_else(|| call.map(Call::to_string)) {
            put("called", called.into());
        }
        self.write(line, began);
        if matches!(answer, Err(LinkError::Removed)) {
            self.event("removed", Map::new());
        }
        self.identify(apdu.ok(), bytes, dialect);
    }

    /// The token said who it is, for the first time.
    fn identify(&mut self, apdu: Option<Apdu<'_>>, answer: &[u8], dialect: &Dialect) {
        if self.is_identified || apdu.is_none_or(|apdu| apdu.ins != Ins::GetDevInfo as u8) {
            return;
        }
        let Some((data, [0x90, 0])) = answer.split_last_chunk::<2>() else { return };
        let Ok(info) = DevInfo::read(data, dialect) else { return };
        self.is_identified = true;
        let serial_number = String::from_utf8_lossy(info.serial_number).into_owned();
        self.event("identified", Map::from_iter([("serial_number".to_owned(), serial_number.into())]));
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.event("disconnected", Map::new());
    }
}

/// The dialect by its name; one that is not built in with its switches.
fn tell_dialect(line: &mut Map<String, Value>, dialect: &Dialect) {
    line.insert("dialect".to_owned(), dialect.name.as_str().into());
    if Dialect::named(dialect.name.as_str()) != Some(*dialect) {
        line.insert("switches".to_owned(), dialect::print(dialect).into());
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Recording;

    /// Says that this is the program under a limit, and where it traces to.
    const LIMITED: &str = "UKEY_TEST_TRACE_OF_LIMITED_SIZE";

    #[test]
    fn a_line_that_a_full_disk_cut_off_spoils_none_that_follows() {
        let Some(path) = env::var_os(LIMITED) else {
            let folder = tempfile::tempdir().unwrap();
            // A limit of 8 blocks is a full disk to whoever ignores the signal.
            let run = "trap '' XFSZ; ulimit -f 8; exec \"$0\" --exact \"$1\"";
            let name = std::thread::current().name().unwrap().to_owned();
            let done = std::process::Command::new("sh")
                .args(["-c", run])
                .arg(env::current_exe().unwrap())
                .arg(name)
                .env(LIMITED, folder.path().join("full.trace"))
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&done.stdout);
            assert!(done.status.success() && said.contains("1 passed"), "{said}");
            return;
        };
        let path = Path::new(&path);
        let recorder = Recorder::open(path, Secrets::Hidden).unwrap();
        let connected = |target: &str| {
            drop(Connection::of(recorder.clone(), Some(target.to_owned()), &Dialect::GM2012));
        };
        connected("before");
        // More than is left.
        connected(&"long".repeat(10_000));
        assert!(recorder.0.failed.load(Ordering::Relaxed));
        connected("behind");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.ends_with('\n') && text.contains("behind") && !text.contains("long"), "{text}");
        Recording::read(path).unwrap();
    }
}
