//! A command and its answer, field by field, in words: what `ukey trace decode` prints. And where such bytes come from:
//! lines of hexadecimal, a captured session as JSON, a recorded trace.

use std::fmt::Write as _;

use serde_json::{Value, json};
use ukey_apdu::command::{Rights, SGD_SM4_CBC, SGD_SM4_CFB, SGD_SM4_ECB, SGD_SM4_MAC, SGD_SM4_OFB};
use ukey_apdu::{Dialect, Ins, Status};

use super::bytes::{Bytes, NotBytes};
use super::fields::{self, Field, Kind};
use super::recorder::Secrets;
use super::recording::{Problem, Recording};
use super::whole::{self, Whole, WholeCommand};

/// Envelopes, each with its answer, in the dialect that comes with them where one does.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Envelope and answer; the answer is empty where none is known.
    pub exchanges: Vec<(Bytes, Bytes)>,
    /// The dialect, where a trace says it.
    pub dialect: Option<Dialect>,
    /// The line in the middle of which a trace ends: [`Recording::cut_off`].
    pub cut_off: Option<usize>,
}

/// Why a text is no session: the line, from 1, and what is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct NoSession {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
    /// The same in Chinese.
    pub reason_zh: String,
}

impl NoSession {
    fn new(line: usize, reason: impl Into<String>, reason_zh: impl Into<String>) -> Self {
        Self { line, reason: reason.into(), reason_zh: reason_zh.into() }
    }

    /// What is wrong, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        format!("第{}行：{}", self.line, self.reason_zh)
    }
}

impl Session {
    /// Reads a trace, a captured session as JSON (`exchanges`, each with `cmd`, `rsp` and `sw`), or lines of
    /// hexadecimal: a command and its answer in one line, or behind `>` and `<` in lines of their own. `#` begins a
    /// comment.
    ///
    /// # Errors
    /// [`NoSession`].
    pub fn read(contents: impl AsRef<[u8]>) -> Result<Session, NoSession> {
        let contents = contents.as_ref();
        // A trace may be cut off inside a character.
        let text = &*String::from_utf8_lossy(contents);
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        if first.trim_start().starts_with('{') {
            return Self::of_trace(contents).or_else(|wrong| match wrong {
                (_, Problem::NoHeader) => Self::of_capture(text),
                (line, problem) => Err(NoSession::new(line, problem.to_string(), problem.message_zh())),
            });
        }
        Self::of_lines(text)
    }

    fn of_trace(contents: &[u8]) -> Result<Session, (usize, Problem)> {
        let recording = Recording::parse(contents)?;
        let exchanges =
            recording.exchanges().map(|(_, exchange)| (exchange.command.clone(), exchange.answer.clone()));
        let dialect = recording.connections.first().map(|connected| connected.dialect);
        Ok(Session { exchanges: exchanges.collect(), dialect, cut_off: recording.cut_off })
    }

    fn of_capture(text: &str) -> Result<Session, NoSession> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            NoSession::new(error.line(), "it is neither a trace nor JSON", "既不是跟踪文件，也不是JSON")
        })?;
        let list = value["exchanges"]
            .as_array()
            .ok_or_else(|| NoSession::new(1, "there are no \"exchanges\"", "缺少exchanges"))?;
        let mut exchanges = Vec::new();
        for (number, exchange) in (1..).zip(list) {
            let field = |name: &str| -> Result<Bytes, NoSession> {
                let text = exchange[name].as_str().unwrap_or_default();
                text.parse().map_err(|error: NotBytes| {
                    let reason = format!("exchange {number}, \"{name}\": {error}");
                    NoSession::new(1, reason, format!("第{number}次交互的{name}：{}", error.message_zh()))
                })
            };
            let (command, mut answer) = (field("cmd")?, field("rsp")?);
            answer.append(&field("sw")?);
            if command.is_empty() {
                let reason = format!("exchange {number} has no \"cmd\"");
                return Err(NoSession::new(1, reason, format!("第{number}次交互缺少cmd")));
            }
            exchanges.push((command, answer));
        }
        Ok(Session { exchanges, ..Session::default() })
    }

    fn of_lines(text: &str) -> Result<Session, NoSession> {
        let mut session = Session::default();
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |reason, reason_zh| NoSession::new(number, reason, reason_zh);
            let line = line.split('#').next().unwrap_or_default().trim();
            let is_answer = line.starts_with('<');
            let line = line.trim_start_matches(['<', '>', ' ', '=']).trim();
            if line.is_empty() {
                continue;
            }
            let words: Vec<&str> =
                line.split(|c: char| c.is_whitespace() || c == '|').filter(|word| !word.is_empty()).collect();
            // Bytes one by one are one command.
            let pieces =
                if words.iter().all(|word| word.len() == 2) { vec![words.concat()] } else { owned(&words) };
            let bytes = |piece: &String| {
                let parsed = piece.parse::<Bytes>();
                parsed.map_err(|error| wrong(error.to_string(), error.message_zh()))
            };
            match (is_answer, pieces.as_slice()) {
                (true, [answer]) => {
                    let last = session.exchanges.last_mut().ok_or_else(|| {
                        wrong("an answer without a command".to_owned(), "应答之前没有命令".to_owned())
                    })?;
                    last.1 = bytes(answer)?;
                }
                (false, [command]) => session.exchanges.push((bytes(command)?, Bytes::default())),
                (false, [command, answer]) => session.exchanges.push((bytes(command)?, bytes(answer)?)),
                _ => {
                    let reason = "more than a command and its answer".to_owned();
                    return Err(wrong(reason, "内容多于一条命令及其应答".to_owned()));
                }
            }
        }
        Ok(session)
    }

    /// Every command and its answer in words.
    #[must_use]
    pub fn explain(&self, dialect: &Dialect, secrets: Secrets) -> Vec<Explained> {
        let pairs = self.exchanges.iter().map(|(command, answer)| (command, answer));
        whole::join(pairs).iter().map(|whole| Explained::of(whole, dialect, secrets)).collect()
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A command and its answer, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explained {
    /// The command's name; its INS where the standard has none, or that it is no command at all.
    pub name: String,
    /// What stands in the header, in words.
    pub header: Vec<(&'static str, String)>,
    /// The fields of the command's data: offset, name, value.
    pub command: Vec<(usize, &'static str, String)>,
    /// The status word, if an answer came.
    pub status: Option<Status>,
    /// The fields of the answer's data.
    pub answer: Vec<(usize, &'static str, String)>,
}

impl Explained {
    fn of(whole: &Whole, dialect: &Dialect, secrets: Secrets) -> Explained {
        let Some(command) = &whole.command else {
            let bytes = [(0, "bytes", hidden_or_hex(&whole.sent, secrets))];
            let answer = rest(&whole.answer, secrets);
            let name = "no command of GM/T 0017".to_owned();
            return Explained {
                name,
                header: Vec::new(),
                command: bytes.into(),
                status: whole.status,
                answer,
            };
        };
        let listed = |fields: Option<Vec<Field>>, data: &Bytes| match fields {
            Some(list) => list
                .iter()
                .map(|field| (field.at.start, field.name, value(field, data, dialect, secrets)))
                .collect(),
            None => rest(data, secrets),
        };
        Explained {
            name: command
                .known()
                .map_or_else(|| format!("INS {:02X}", command.ins), |ins| ins.name().to_owned()),
            header: header(command, whole),
            command: listed(command.fields(dialect), &command.data),
            status: whole.status,
            answer: listed(whole.answer_fields(dialect), &whole.answer),
        }
    }

    /// As lines for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.name);
        // Writing to a text cannot fail.
        for (name, value) in &self.header {
            let _ = writeln!(text, "      {name:<26} {value}");
        }
        for (at, name, value) in &self.command {
            let _ = writeln!(text, "  {at:>3} {name:<26} {value}");
        }
        match self.status {
            Some(status) => drop(writeln!(text, "  →   {status} ({})", status.meaning_zh())),
            None => text.push_str("  →   no answer is known\n"),
        }
        for (at, name, value) in &self.answer {
            let _ = writeln!(text, "  {at:>3} {name:<26} {value}");
        }
        text
    }

    /// As an object for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let fields = |fields: &[(usize, &str, String)]| -> Vec<Value> {
            fields.iter().map(|(at, name, value)| json!({ "at": at, "name": name, "value": value })).collect()
        };
        let header: serde_json::Map<_, _> = self
            .header
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
            .collect();
        json!({
            "name": self.name,
            "header": header,
            "command": fields(&self.command),
            "status": self.status.map(|status| format!("{status:?}")),
            "meaning": self.status.map(|status| status.meaning().to_string()),
            "meaning_zh": self.status.map(|status| status.meaning_zh().to_string()),
            "answer": fields(&self.answer),
        })
    }
}

fn header(command: &WholeCommand, whole: &Whole) -> Vec<(&'static str, String)> {
    let mut header = Vec::new();
    if let Some(ins) = command.known() {
        header.push(("instruction", format!("{:02X}, clause {}", command.ins, ins.clause())));
    }
    let class = if command.cla.protected { "84, a MAC ends the data" } else { "80" };
    header.push(("class", class.to_owned()));
    let (p1, p2) = (command.p1, command.p2);
    header.push(("P1, P2", format!("{p1:02X} {p2:02X}{}", parameters(command))));
    header.push(("data", format!("{} bytes", command.data.len())));
    if whole.envelopes.len() > 1 {
        header.push(("envelopes", whole.envelopes.len().to_string()));
    }
    header
}

/// What P1 and P2 mean.
fn parameters(command: &WholeCommand) -> &'static str {
    let Some(ins) = command.known() else { return "" };
    match (ins, command.p1, command.p2) {
        (Ins::GetPinInfo | Ins::ChangePin | Ins::VerifyPin, _, 0) => ", the administrator PIN",
        (Ins::GetPinInfo | Ins::ChangePin | Ins::VerifyPin, _, 1) => ", the user PIN",
        (Ins::CreateFile | Ins::DeleteFile | Ins::EnumFiles | Ins::GetFileInfo, _, _) => ", the application",
        (Ins::ExportCertificate | Ins::ExportPubKey, 0, _) => ", the encryption pair",
        (Ins::ExportCertificate | Ins::ExportPubKey, 1, _) => ", the sign pair",
        (Ins::EccSignData | Ins::EccVerify, 1, _) => ", a message with its signer's identity",
        (Ins::EccSignData | Ins::EccVerify, 2, _) => ", a digest",
        (Ins::DigestInit, _, 1) => ", SM3",
        (Ins::DigestInit, _, 2) => ", SHA-1",
        (Ins::DigestInit, _, 3) => ", SHA-256",
        _ => "",
    }
}

/// Data that follow no layout.
fn rest(data: &Bytes, secrets: Secrets) -> Vec<(usize, &'static str, String)> {
    if data.is_empty() { Vec::new() } else { vec![(0, "data", hidden_or_hex(data, secrets))] }
}

fn hidden_or_hex(bytes: &Bytes, secrets: Secrets) -> String {
    match secrets {
        Secrets::Kept => bytes.to_string(),
        Secrets::Hidden => bytes.clone().hide(std::iter::once(0..bytes.len())).to_string(),
    }
}

/// What a field says.
fn value(field: &Field, data: &Bytes, dialect: &Dialect, secrets: Secrets) -> String {
    let bytes = data.part(field.at.clone());
    if bytes.hides_any() || field.kind.is_secret() && secrets == Secrets::Hidden {
        return hidden_or_hex(&bytes, Secrets::Hidden);
    }
    let slice = bytes.as_slice();
    let as_number = |order| u32::try_from(fields::number(slice, order)).unwrap_or(u32::MAX);
    match field.kind {
        Kind::Application | Kind::Container | Kind::SessionKey | Kind::Agreement => hex::encode_upper(slice),
        Kind::Number => as_number(dialect.quantity).to_string(),
        Kind::Rights => Rights(as_number(dialect.constant)).to_string(),
        Kind::Algorithm => algorithm(as_number(dialect.constant)),
        Kind::Text => quoted(slice),
        Kind::Names => {
            let names = slice.split(|byte| *byte == 0).filter(|name| !name.is_empty());
            names.map(quoted).collect::<Vec<_>>().join(", ")
        }
        Kind::Own => own(field.name, slice, dialect),
        _ => hex::encode(slice),
    }
}

fn own(name: &str, bytes: &[u8], dialect: &Dialect) -> String {
    match (name, bytes) {
        ("manufacturer" | "issuer" | "serial number", _) => quoted(bytes),
        (_, [major, minor]) if name.ends_with("version") => format!("{major}.{minor}"),
        ("reserved", _) if bytes.iter().all(|byte| *byte == 0) => "zeros".to_owned(),
        ("reserved", _) => hex::encode(bytes),
        _ if name.ends_with("algorithms") => format!("{:08X}", fields::number(bytes, dialect.constant)),
        _ => fields::number(bytes, dialect.quantity).to_string(),
    }
}

fn quoted(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    format!("{:?}", String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()))
}

fn algorithm(value: u32) -> String {
    let name = match value {
        SGD_SM4_ECB => "SM4-ECB",
        SGD_SM4_CBC => "SM4-CBC",
        SGD_SM4_CFB => "SM4-CFB",
        SGD_SM4_OFB => "SM4-OFB",
        SGD_SM4_MAC => "SM4-MAC",
        other => return format!("{other:08X}"),
    };
    format!("{value:08X}, {name}")
}
