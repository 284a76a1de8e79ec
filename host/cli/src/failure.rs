//! Why a command failed, as people see it: a message, a code to look up, the next step, and the exit code.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use ukey_device::{Error, ErrorKind, LinkError, Status};

use crate::notation::BadNotation;
use crate::script::BadScript;

/// What the commands give.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// A command that did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The token refused, or was not reached.
    #[error(transparent)]
    Device(Error),
    /// The arguments or the configuration do not fit.
    #[error("{message}")]
    Usage {
        /// What does not fit.
        message: String,
        /// The next step.
        help: String,
        /// Both in Chinese.
        chinese: String,
    },
    /// A command, or a script of them, that cannot be read.
    #[error("{}", .0.message)]
    Notation(Box<Unreadable>),
    /// The token refused a new PIN for what it is.
    #[error(transparent)]
    NewPin(Error),
    /// A saved token that was named is not there.
    #[error(transparent)]
    NoCopy(Error),
    /// A file that was named cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// Something that does not happen: a defect of this program.
    #[error("{0}")]
    Internal(String),
}

/// A text that cannot be read, and where.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// What is wrong.
    message: String,
    /// The same in Chinese.
    message_zh: String,
    /// The whole text.
    text: NamedSource<String>,
    /// The first byte that does not belong there.
    at: usize,
}

impl Failure {
    /// The arguments do not fit: what, the next step, and both in Chinese.
    pub(crate) fn usage(
        message: impl Into<String>,
        help: impl Into<String>,
        chinese: impl Into<String>,
    ) -> Failure {
        Failure::Usage { message: message.into(), help: help.into(), chinese: chinese.into() }
    }

    /// A file cannot be written; `option` names another one.
    pub(crate) fn unwritable(path: &Path, error: &std::io::Error, option: &str) -> Failure {
        let path = path.display();
        Failure::usage(
            format!("{path} cannot be written: {error}"),
            format!("name another with {option}"),
            format!("无法写入{path}，请用 {option} 另行指定"),
        )
    }

    /// A command cannot be read.
    pub(crate) fn notation(text: &str, error: &BadNotation) -> Failure {
        Failure::Notation(Box::new(Unreadable {
            message: format!("character {}: {error}", characters(text, error.at) + 1),
            message_zh: error.message_zh(),
            text: NamedSource::new("command", masked(text)),
            at: error.at,
        }))
    }

    /// A script cannot be read.
    pub(crate) fn script(file: &Path, text: &str, error: &BadScript) -> Failure {
        Failure::Notation(Box::new(Unreadable {
            message: error.to_string(),
            message_zh: error.message_zh(),
            text: NamedSource::new(
                file.to_string_lossy(),
                text.split_inclusive('\n').map(masked).collect::<String>(),
            ),
            at: error.at,
        }))
    }

    /// A step failed that cannot fail.
    pub(crate) fn internal(error: impl Display) -> Failure {
        Failure::Internal(error.to_string())
    }

    /// The token refused a command that sets a PIN.
    pub(crate) fn of_new_pin(error: Error) -> Failure {
        if error.status() == Some(Status::WRONG_DATA) {
            Failure::NewPin(error)
        } else {
            Failure::Device(error)
        }
    }

    /// A saved token cannot be read.
    pub(crate) fn of_copy(error: LinkError) -> Failure {
        let missing = matches!(error, LinkError::NoFile { .. });
        if missing { Failure::NoCopy(error.into()) } else { error.into() }
    }

    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Device(error) => match error.kind() {
                ErrorKind::Link(LinkError::Exists { .. } | LinkError::Dialect { .. }) => 2.into(),
                ErrorKind::Link(_) => 5.into(),
                ErrorKind::AnotherKey { .. } => 2.into(),
                _ => 1.into(),
            },
            Failure::NoCopy(_) => 5.into(),
            Failure::Usage { .. } | Failure::Notation(_) | Failure::Read { .. } => 2.into(),
            Failure::NewPin(_) | Failure::Internal(_) => 1.into(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Device(error)
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        Failure::Device(error.into())
    }
}

impl Diagnostic for Failure {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        let code = match self {
            Failure::Device(error) => match error.kind() {
                ErrorKind::WrongPin { .. } => "ukey::pin::wrong",
                ErrorKind::Locked { .. } => "ukey::pin::locked",
                ErrorKind::LastTry { .. } => "ukey::pin::last-try",
                ErrorKind::AnotherKey { .. } => "ukey::target::another",
                ErrorKind::Link(LinkError::Removed) => "ukey::target::removed",
                ErrorKind::Link(LinkError::Busy { .. }) => "ukey::target::busy",
                ErrorKind::Link(LinkError::NoFile { .. }) => "ukey::target::missing",
                ErrorKind::Link(LinkError::BadFile { .. }) => "ukey::target::damaged",
                ErrorKind::Link(_) => "ukey::target",
                _ => "ukey::token",
            },
            Failure::NewPin(_) => "ukey::pin::unfit",
            Failure::NoCopy(_) => "ukey::target::missing",
            Failure::Usage { .. } | Failure::Read { .. } => "ukey::usage",
            Failure::Notation(_) => "ukey::apdu::syntax",
            Failure::Internal(_) => "ukey::internal",
        };
        Some(Box::new(code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        match self {
            Failure::Device(error) => {
                let Some((english, chinese)) = error.help().zip(error.help_zh()) else {
                    return Some(Box::new(error.message_zh()));
                };
                Some(Box::new(format!("{english}\n{}；{chinese}", error.message_zh())))
            }
            Failure::NewPin(error) => Some(Box::new(format!(
                "a PIN has 6 to 16 printable ASCII characters, where the token's policies (`ukey info`) do not say otherwise\n\
                 {}；口令为6至16位可见的英文字符，UKey的策略（ukey info）另有规定的除外",
                error.message_zh()
            ))),
            Failure::NoCopy(error) => Some(Box::new(format!(
                "name a file that `ukey sim save` wrote\n{}；请指定用 ukey sim save 保存的文件",
                error.message_zh()
            ))),
            Failure::Usage { help, chinese, .. } => Some(Box::new(format!("{help}\n{chinese}"))),
            Failure::Notation(unreadable) => {
                Some(Box::new(format!("nothing was sent\n{}；未发送任何命令", unreadable.message_zh)))
            }
            Failure::Read { path, .. } => Some(Box::new(format!(
                "name a file that is there and that you may read\n无法读取{}；请指定存在且有权读取的文件",
                path.display()
            ))),
            Failure::Internal(_) => Some(Box::new(
                "this should not happen; run it again with -v and tell what it says\n程序内部错误；请加 -v 重试，并反馈输出的内容",
            )),
        }
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        match self {
            Failure::Notation(unreadable) => Some(&unreadable.text),
            _ => None,
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        match self {
            Failure::Notation(unreadable) => {
                let Unreadable { text, at, .. } = &**unreadable;
                let length =
                    text.inner().get(*at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
                let here = LabeledSpan::new(Some("here".to_owned()), *at, length);
                Some(Box::new(std::iter::once(here)))
            }
            _ => None,
        }
    }
}

/// Characters in front of a byte.
fn characters(text: &str, at: usize) -> usize {
    text.get(..at).map_or(0, |before| before.chars().count())
}

/// Whether a command that was written has data, which may hold a PIN.
pub(crate) fn has_data(text: &str) -> bool {
    masked(text) != text
}

/// A command as it was written, without its data, which may hold a PIN; no character moves. What is in front of the
/// colon is its name and parameters; one in hexadecimal has eight digits of those.
fn masked(text: &str) -> String {
    let is_hexadecimal = text.len() > 8 && text.bytes().take(9).all(|byte| byte.is_ascii_hexdigit());
    let shown = text.find(':').unwrap_or(if is_hexadecimal { 8 } else { text.len() });
    let shown = shown.min(text.find('"').unwrap_or(text.len()));
    let mask = |(at, c): (usize, char)| match c {
        '"' | ':' | '=' | '/' | '\n' | '\r' => c.to_string(),
        c if at < shown || c.is_whitespace() => c.to_string(),
        c => "*".repeat(c.len_utf8()),
    };
    text.char_indices().map(mask).collect()
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn what_is_shown_of_a_command_has_no_data() {
        for (text, shown) in [
            ("VerifyPin0001:1000\"12345678\"zz", "VerifyPin0001:****\"********\"**"),
            ("OpenApplication:\"口令\"=9", "OpenApplication:\"******\"=*"),
            ("80180001000012AABBG", "80180001***********"),
            ("26:ABG0", "26:****"),
            ("GetDevInf0", "GetDevInf0"),
        ] {
            assert_eq!(masked(text), shown);
            assert_eq!(masked(text).len(), text.len());
        }
    }
}
