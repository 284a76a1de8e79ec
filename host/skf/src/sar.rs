//! What the functions answer (GM/T 0016-2012 annex A), and how a token's refusal becomes one of these codes.

use ukey_device::{Error, ErrorKind, LinkError, Status};

pub(crate) use ukey_device::link::skf::sar::{CODES, Sar};

/// Why a function did not do what it was asked for.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What the caller gets.
    pub(crate) sar: Sar,
    /// What happened and what to do next, where a token or the configuration said more than the code does.
    pub(crate) text: Option<String>,
}

/// What the functions' insides answer.
pub(crate) type Result<T = (), E = Failure> = std::result::Result<T, E>;

impl From<Sar> for Failure {
    fn from(sar: Sar) -> Self {
        Failure { sar, text: None }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut text = error.to_string();
        if let Some(help) = error.help() {
            text.push_str("; ");
            text.push_str(help);
        }
        Failure { sar: code_of(&error), text: Some(text) }
    }
}

/// Commands that the device right governs, for which there is no "not logged in".
const OF_DEVICE: [&str; 3] = ["CreateApplication", "DeleteApplication", "ChangeDevAuthKey"];

/// The code for a refusal. There is no published table; this one is ours.
fn code_of(error: &Error) -> Sar {
    match error.kind() {
        ErrorKind::WrongPin { .. } => Sar::PIN_INCORRECT,
        ErrorKind::Locked { .. } => Sar::PIN_LOCKED,
        ErrorKind::NotLoggedIn if error.command().is_some_and(|name| OF_DEVICE.contains(&name)) => Sar::FAIL,
        ErrorKind::NotLoggedIn => Sar::USER_NOT_LOGGED_IN,
        ErrorKind::NoSuchApplication => Sar::APPLICATION_NOT_EXISTS,
        ErrorKind::ApplicationExists => Sar::APPLICATION_EXISTS,
        ErrorKind::NoSuchContainer => Sar::INVALIDPARAMERR,
        ErrorKind::ContainerExists => Sar::OBJERR,
        ErrorKind::NoKeyPair | ErrorKind::NoSuchKey => Sar::KEYNOTFOUNTERR,
        ErrorKind::NoCertificate => Sar::CERTNOTFOUNTERR,
        ErrorKind::NoSuchFile => Sar::FILE_NOT_EXIST,
        ErrorKind::FileExists => Sar::FILE_ALREADY_EXIST,
        ErrorKind::BeyondFile => Sar::INVALIDPARAMERR,
        ErrorKind::NotBegun => Sar::NOTINITIALIZEERR,
        ErrorKind::Replaced => Sar::HASHOBJERR,
        ErrorKind::WrongLength | ErrorKind::TooLong => Sar::INDATALENERR,
        ErrorKind::NoSpace => Sar::NO_ROOM,
        ErrorKind::Unsupported => Sar::NOTSUPPORTYETERR,
        // Its ids are of before the token lost its power: what they named is gone.
        ErrorKind::Stale | ErrorKind::Link(LinkError::Removed) => Sar::DEVICE_REMOVED,
        _ => error.status().map_or(Sar::FAIL, code_of_status),
    }
}

/// The code for a status word that has no kind of its own.
fn code_of_status(status: Status) -> Sar {
    match status {
        Status::WRONG_DATA => Sar::INDATAERR,
        Status::WRONG_P1P2 | Status(0x6A87) => Sar::INVALIDPARAMERR,
        Status::MEMORY_FAILURE | Status::WRITE_FAILED => Sar::WRITEFILEERR,
        Status::PUBLIC_KEY_OPERATION_FAILED => Sar::HASHNOTEQUALERR,
        Status::ENCRYPTION_FAILED => Sar::RSAENCERR,
        Status::DECRYPTION_FAILED => Sar::RSADECERR,
        Status::CONDITIONS_NOT_SATISFIED => Sar::NOTINITIALIZEERR,
        Status(0x6C00..=0x6CFF) => Sar::BUFFER_TOO_SMALL,
        _ => Sar::FAIL,
    }
}
