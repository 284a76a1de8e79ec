//! What goes wrong with a token, in a form that people can act upon: what was asked, of what, the token's word, and
//! the next step. No error holds a PIN, a key or the bytes of a command. What people are told besides, in Chinese and of
//! what to do next, is in `told`.

mod told;

use std::fmt;

use ukey_apdu::command::PinType;
use ukey_apdu::{Ins, Status};

use crate::link::LinkError;
use crate::link::skf::Call;
use crate::link::skf::sar::Sar;
use crate::tally::UNCOUNTED;

/// What device, application and container answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A command that did not succeed. Match on [`Error::kind`]; show the error itself and [`Error::help`].
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    about: About,
    status: Option<Status>,
}

/// The kind of an error: what callers distinguish.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The PIN was wrong, and can be tried again (`63CX`).
    #[error("the {pin} is wrong, {}", tries(*tries_left))]
    WrongPin {
        /// Whose PIN.
        pin: PinType,
        /// Tries left, at least 1; 15 stands for 15 or more.
        tries_left: u8,
    },
    /// The PIN is locked (`6983`), or this wrong try locked it (`63C0`).
    #[error("the {pin} is locked")]
    Locked {
        /// Whose PIN.
        pin: PinType,
    },
    /// The device authentication key was wrong, and can be tried again (`63CX`).
    #[error("the device authentication key is wrong, {}", counted(*tries_left))]
    WrongDeviceKey {
        /// Tries left, at least 1; `None` where nobody tells: GM/T 0016 has no way to.
        tries_left: Option<u8>,
    },
    /// The device authentication key is locked for ever.
    #[error("the device authentication key is locked")]
    DeviceKeyLocked,
    /// One try is left, and on a key that is not ours the last one is never spent: nothing was sent.
    #[error("1 try of the {} is left, and the last one is not spent on a real key", secret(*pin))]
    LastTry {
        /// Whose PIN; none for the device authentication key.
        pin: Option<PinType>,
    },
    /// It is another key than the one that was named by its serial number.
    #[error("this is the key {found}, not the one that was named")]
    AnotherKey {
        /// Its serial number.
        found: String,
    },
    /// A right is missing: a PIN, or the device authentication (`6982`).
    #[error("the token wants proof of a right first")]
    NotLoggedIn,
    /// There is no application of that name, or it is not open (`6A8B`, `6A88`, `698A`).
    #[error("there is no such application")]
    NoSuchApplication,
    /// An application of that name exists (`6A89`).
    #[error("the application exists already")]
    ApplicationExists,
    /// There is no container of that name, or it is not open (`6A91`, `6A94`).
    #[error("there is no such container")]
    NoSuchContainer,
    /// A container of that name exists (`6E02`).
    #[error("the container exists already")]
    ContainerExists,
    /// The container has no key pair of that kind (`6A95`).
    #[error("there is no key pair of that kind")]
    NoKeyPair,
    /// The container has no certificate of that kind (`6A96`).
    #[error("there is no certificate of that kind")]
    NoCertificate,
    /// There is no file of that name (`6A93`).
    #[error("there is no such file")]
    NoSuchFile,
    /// A file of that name exists (`6A92`).
    #[error("the file exists already")]
    FileExists,
    /// That lies beyond the end of the file (`6B00`); nothing was written.
    #[error("that lies beyond the end of the file")]
    BeyondFile,
    /// The token has no such session key, or the agreement's handle is dead (`6A8C`, `6A9F`).
    #[error("there is no such session key")]
    NoSuchKey,
    /// A step of an encryption, a decryption, a MAC or a digest that has not been begun, or cannot come now (`6985`).
    #[error("the operation has not been begun")]
    NotBegun,
    /// Another digest was begun since; a token has one.
    #[error("another digest has been begun since")]
    Replaced,
    /// The data have a length that is not taken (`6700`): not whole blocks, or too many.
    #[error("the data have a length that the token does not take")]
    WrongLength,
    /// No space, or as many objects as are allowed (`6A84`).
    #[error("the token has no space for it")]
    NoSpace,
    /// The token does not know the command (`6D00`, `6E00`, `6A81`).
    #[error("the token does not support this")]
    Unsupported,
    /// The handle was opened before the token lost power; its ids are dead.
    #[error("it was opened before the key lost power")]
    Stale,
    /// More data than a command carries.
    #[error("the data are too long for one command")]
    TooLong,
    /// The answer does not follow its layout, or does not end.
    #[error("the token's answer does not make sense")]
    BadAnswer,
    /// Any other status word.
    #[error("the token refused")]
    Refused,
    /// The token was not reached.
    #[error(transparent)]
    Link(LinkError),
}

fn counted(left: Option<u8>) -> String {
    left.map_or_else(|| "tries left are not told".to_owned(), tries)
}

fn tries(left: u8) -> String {
    if left == 1 { "1 try left".to_owned() } else { format!("{left} tries left") }
}

fn secret(pin: Option<PinType>) -> String {
    pin.map_or_else(|| "device authentication key".to_owned(), |pin| pin.to_string())
}

/// Whether a command goes on with what another began.
const fn is_step(ins: Ins) -> bool {
    matches!(
        ins,
        Ins::Encrypt
            | Ins::EncryptUpdate
            | Ins::EncryptFinal
            | Ins::Decrypt
            | Ins::DecryptUpdate
            | Ins::DecryptFinal
            | Ins::Digest
            | Ins::DigestUpdate
            | Ins::DigestFinal
            | Ins::Mac
            | Ins::MacUpdate
            | Ins::MacFinal
    )
}

/// Which secret a command proves: what its `63CX` counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Proves {
    Pin(PinType),
    DeviceKey,
}

/// What a command was about.
#[derive(Clone, Default, Debug)]
pub(crate) struct About {
    pub(crate) ins: Option<Ins>,
    pub(crate) application: Option<String>,
    pub(crate) container: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) proves: Option<Proves>,
    /// The function of a vendor's library that decided.
    pub(crate) call: Option<Call>,
}

impl About {
    pub(crate) fn proves(self, proves: Proves) -> About {
        About { proves: Some(proves), ..self }
    }

    pub(crate) fn error(self, kind: ErrorKind) -> Error {
        Error(Box::new(Inner { kind, about: self, status: None }))
    }

    pub(crate) fn refused(self, status: Status) -> Error {
        let kind = ErrorKind::of(status, self.proves, self.ins);
        Error(Box::new(Inner { kind, about: self, status: Some(status) }))
    }
}

impl ErrorKind {
    fn of(status: Status, proves: Option<Proves>, ins: Option<Ins>) -> ErrorKind {
        match (proves, status.remaining(), status) {
            (Some(Proves::Pin(pin)), Some(0), _) | (Some(Proves::Pin(pin)), _, Status::LOCKED) => {
                ErrorKind::Locked { pin }
            }
            (Some(Proves::Pin(pin)), Some(tries_left), _) => ErrorKind::WrongPin { pin, tries_left },
            (Some(Proves::DeviceKey), Some(0), _) | (Some(Proves::DeviceKey), _, Status::LOCKED) => {
                ErrorKind::DeviceKeyLocked
            }
            (Some(Proves::DeviceKey), Some(tries_left), _) => {
                ErrorKind::WrongDeviceKey { tries_left: Some(tries_left) }
            }
            (Some(Proves::DeviceKey), _, UNCOUNTED) => ErrorKind::WrongDeviceKey { tries_left: None },
            (_, _, status) => match status {
                Status::SECURITY_NOT_SATISFIED => ErrorKind::NotLoggedIn,
                Status::NO_SUCH_APPLICATION
                | Status::NO_SUCH_APPLICATION_NAME
                | Status::APPLICATION_NOT_OPEN => ErrorKind::NoSuchApplication,
                Status::APPLICATION_EXISTS => ErrorKind::ApplicationExists,
                Status::NO_SUCH_CONTAINER | Status::NO_SUCH_CONTAINER_NAME => ErrorKind::NoSuchContainer,
                Status::CONTAINER_EXISTS => ErrorKind::ContainerExists,
                Status::NO_KEY_PAIR => ErrorKind::NoKeyPair,
                Status::NO_CERTIFICATE => ErrorKind::NoCertificate,
                Status::NO_SUCH_FILE => ErrorKind::NoSuchFile,
                Status::FILE_EXISTS => ErrorKind::FileExists,
                Status::WRONG_OFFSET => ErrorKind::BeyondFile,
                Status::NO_SYMMETRIC_KEY | Status::NO_SUCH_KEY => ErrorKind::NoSuchKey,
                Status::CONDITIONS_NOT_SATISFIED if ins.is_some_and(is_step) => ErrorKind::NotBegun,
                Status::WRONG_LENGTH => ErrorKind::WrongLength,
                Status::NO_SPACE => ErrorKind::NoSpace,
                Status::UNKNOWN_INS
                | Status::UNKNOWN_CLA
                | Status::UNSUPPORTED
                | Status::UNSUPPORTED_KEY_ALGORITHM
                | Status::UNSUPPORTED_DIGEST => ErrorKind::Unsupported,
                _ => ErrorKind::Refused,
            },
        }
    }
}

impl Error {
    /// What happened, to match on.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The token's status word, if it gave one.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.0.status
    }

    /// The command that failed, by its name in the standard.
    #[must_use]
    pub fn command(&self) -> Option<&'static str> {
        self.0.about.ins.map(Ins::name)
    }

    /// The function of a vendor's library that decided, and its code; `None` where none was called.
    #[must_use]
    pub fn call(&self) -> Option<&Call> {
        self.0.about.call.as_ref().filter(|call| call.sar != Some(Sar::OK))
    }

    /// The application it was about.
    #[must_use]
    pub fn application(&self) -> Option<&str> {
        self.0.about.application.as_deref()
    }

    /// The container it was about.
    #[must_use]
    pub fn container(&self) -> Option<&str> {
        self.0.about.container.as_deref()
    }

    /// The file it was about.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.0.about.file.as_deref()
    }

    /// Tries that are left for the secret that was wrong: 0 when it is locked.
    #[must_use]
    pub fn tries_left(&self) -> Option<u8> {
        match self.0.kind {
            ErrorKind::WrongPin { tries_left, .. } => Some(tries_left),
            ErrorKind::WrongDeviceKey { tries_left } => tries_left,
            ErrorKind::LastTry { .. } => Some(1),
            ErrorKind::Locked { .. } | ErrorKind::DeviceKeyLocked => Some(0),
            _ => None,
        }
    }

    /// Whether the token was not there: pulled, without power, or not reachable at all.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        match &self.0.kind {
            ErrorKind::Link(LinkError::Library(fault)) => fault.is_unreachable(),
            ErrorKind::Link(_) => true,
            _ => false,
        }
    }

    /// Whether the key was pulled or lost its power.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Link(LinkError::Removed))
    }

    /// Whether another program holds the token (G-11).
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Link(LinkError::Busy { .. }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, about, status } = &*self.0;
        if let Some(application) = &about.application {
            write!(f, "application \"{application}\"")?;
            if let Some(container) = &about.container {
                write!(f, ", container \"{container}\"")?;
            }
            if let Some(file) = &about.file {
                write!(f, ", file \"{file}\"")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{kind}")?;
        if let (Some(ins), Some(call)) = (about.ins, self.call()) {
            return write!(f, " ({}: {call})", ins.name());
        }
        match (about.ins, status) {
            (Some(ins), Some(status)) => write!(f, " ({} answered {status})", ins.name()),
            (Some(ins), None) => write!(f, " ({})", ins.name()),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            ErrorKind::Link(error) => std::error::Error::source(error),
            _ => None,
        }
    }
}

impl From<LinkError> for Error {
    fn from(error: LinkError) -> Self {
        About::default().error(ErrorKind::Link(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About {
        About {
            ins: Some(Ins::VerifyPin),
            application: Some("UKEY".to_owned()),
            container: None,
            file: None,
            proves: Some(Proves::Pin(PinType::User)),
            call: None,
        }
    }

    #[test]
    fn a_wrong_pin_tells_the_tries_in_both_languages() {
        let error = about().refused(Status::tries_left(1));
        let text = "application \"UKEY\": the user PIN is wrong, 1 try left \
                    (VerifyPin answered 63C1 verification failed, 1 try left)";
        assert_eq!(error.to_string(), text);
        assert_eq!(error.message_zh(), "应用“UKEY”：口令错误，剩余1次");
        assert_eq!((error.tries_left(), error.command()), (Some(1), Some("VerifyPin")));
        assert_eq!(error.help_zh(), Some("再错一次即锁死，不确定请停止尝试"));
    }

    #[test]
    fn the_last_wrong_try_and_every_later_one_are_locked() {
        for status in [Status::tries_left(0), Status::LOCKED] {
            let error = about().refused(status);
            assert!(matches!(error.kind(), ErrorKind::Locked { pin: PinType::User }), "{error}");
            assert_eq!(error.message_zh(), "应用“UKEY”：用户口令已锁死");
            let admin =
                About { proves: Some(Proves::Pin(PinType::Administrator)), ..about() }.refused(status);
            assert!(admin.help().unwrap().contains("cannot be unlocked"));
        }
    }

    #[test]
    fn a_count_means_a_secret_only_where_one_was_proved() {
        let error = About { proves: None, ..about() }.refused(Status::tries_left(3));
        assert!(matches!(error.kind(), ErrorKind::Refused) && error.tries_left().is_none(), "{error}");
        let error = About { proves: Some(Proves::DeviceKey), ..about() }.refused(Status::tries_left(3));
        assert!(matches!(error.kind(), ErrorKind::WrongDeviceKey { tries_left: Some(3) }), "{error}");
        assert!(matches!(about().refused(Status::WRONG_DATA).kind(), ErrorKind::Refused));
    }

    #[test]
    fn a_link_error_is_told_with_its_command() {
        let error =
            About { container: Some("A".to_owned()), ..about() }.error(ErrorKind::Link(LinkError::Removed));
        let text = "application \"UKEY\", container \"A\": the key has been removed (VerifyPin)";
        assert_eq!((error.to_string().as_str(), error.is_removed()), (text, true));
        assert_eq!(error.message_zh(), "应用“UKEY”容器“A”：UKey已拔出");
    }
}
