//! What the functions answer (GM/T 0016-2012 annex A), and how a token's refusal becomes one of these codes.

use ukey_device::{Error, ErrorKind, LinkError, Status};

use crate::abi::types::ULONG;

/// A SAR code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sar(pub(crate) ULONG);

macro_rules! codes {
    ($($name:ident = $code:literal, $meaning:literal;)+) => {
        #[allow(dead_code, reason = "the whole table")]
        impl Sar {
            $(#[doc = $meaning]
            pub(crate) const $name: Sar = Sar($code);)+
        }

        /// Every code: its name behind `SAR_`, its value, what it says.
        pub(crate) const CODES: &[(&str, ULONG, &str)] = &[$((stringify!($name), $code, $meaning),)+];
    };
}

codes! {
    OK = 0x0000_0000, "Success.";
    FAIL = 0x0A00_0001, "Failure.";
    UNKNOWNERR = 0x0A00_0002, "Unknown error.";
    NOTSUPPORTYETERR = 0x0A00_0003, "Not supported.";
    FILEERR = 0x0A00_0004, "File operation failed.";
    INVALIDHANDLEERR = 0x0A00_0005, "Invalid handle.";
    INVALIDPARAMERR = 0x0A00_0006, "Invalid parameter.";
    READFILEERR = 0x0A00_0007, "Reading a file failed.";
    WRITEFILEERR = 0x0A00_0008, "Writing a file failed.";
    NAMELENERR = 0x0A00_0009, "Wrong length of a name.";
    KEYUSAGEERR = 0x0A00_000A, "Wrong use of a key.";
    MODULUSLENERR = 0x0A00_000B, "Wrong length of a modulus.";
    NOTINITIALIZEERR = 0x0A00_000C, "Not initialised.";
    OBJERR = 0x0A00_000D, "Wrong object.";
    MEMORYERR = 0x0A00_000E, "Memory error.";
    TIMEOUTERR = 0x0A00_000F, "Time is up.";
    INDATALENERR = 0x0A00_0010, "Wrong length of the input.";
    INDATAERR = 0x0A00_0011, "Wrong input.";
    GENRANDERR = 0x0A00_0012, "No random bytes.";
    HASHOBJERR = 0x0A00_0013, "Wrong digest object.";
    HASHERR = 0x0A00_0014, "Digest failed.";
    GENRSAKEYERR = 0x0A00_0015, "No RSA key pair was made.";
    RSAMODULUSLENERR = 0x0A00_0016, "Wrong length of an RSA modulus.";
    CSPIMPRTPUBKEYERR = 0x0A00_0017, "Importing a public key failed.";
    RSAENCERR = 0x0A00_0018, "Public-key encryption failed.";
    RSADECERR = 0x0A00_0019, "Private-key decryption failed.";
    HASHNOTEQUALERR = 0x0A00_001A, "The signature is not that of these data.";
    KEYNOTFOUNTERR = 0x0A00_001B, "No such key.";
    CERTNOTFOUNTERR = 0x0A00_001C, "No such certificate.";
    NOTEXPORTERR = 0x0A00_001D, "The object cannot be exported.";
    DECRYPTPADERR = 0x0A00_001E, "Wrong padding.";
    MACLENERR = 0x0A00_001F, "Wrong length of a MAC.";
    BUFFER_TOO_SMALL = 0x0A00_0020, "The buffer is too small.";
    KEYINFOTYPEERR = 0x0A00_0021, "Wrong kind of key information.";
    NOT_EVENTERR = 0x0A00_0022, "No event.";
    DEVICE_REMOVED = 0x0A00_0023, "The device was removed.";
    PIN_INCORRECT = 0x0A00_0024, "The PIN is wrong.";
    PIN_LOCKED = 0x0A00_0025, "The PIN is locked.";
    PIN_INVALID = 0x0A00_0026, "The PIN is invalid.";
    PIN_LEN_RANGE = 0x0A00_0027, "Wrong length of a PIN.";
    USER_ALREADY_LOGGED_IN = 0x0A00_0028, "The user is logged in already.";
    USER_PIN_NOT_INITIALIZED = 0x0A00_0029, "The user PIN was never set.";
    USER_TYPE_INVALID = 0x0A00_002A, "Wrong type of PIN.";
    APPLICATION_NAME_INVALID = 0x0A00_002B, "Invalid name of an application.";
    APPLICATION_EXISTS = 0x0A00_002C, "The application exists.";
    USER_NOT_LOGGED_IN = 0x0A00_002D, "A right is missing: log in first.";
    APPLICATION_NOT_EXISTS = 0x0A00_002E, "No such application, or it is not open.";
    FILE_ALREADY_EXIST = 0x0A00_002F, "The file exists.";
    NO_ROOM = 0x0A00_0030, "No space.";
    FILE_NOT_EXIST = 0x0A00_0031, "No such file.";
    REACH_MAX_CONTAINER_COUNT = 0x0A00_0032, "As many containers as are allowed.";
}

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
        Failure { sar: Sar::of(&error), text: Some(text) }
    }
}

/// Commands that the device right governs, for which there is no "not logged in".
const OF_DEVICE: [&str; 3] = ["CreateApplication", "DeleteApplication", "ChangeDevAuthKey"];

impl Sar {
    /// The code for a refusal. There is no published table; this one is ours.
    fn of(error: &Error) -> Sar {
        match error.kind() {
            ErrorKind::WrongPin { .. } => Sar::PIN_INCORRECT,
            ErrorKind::Locked { .. } => Sar::PIN_LOCKED,
            ErrorKind::NotLoggedIn if error.command().is_some_and(|name| OF_DEVICE.contains(&name)) => {
                Sar::FAIL
            }
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
            _ => error.status().map_or(Sar::FAIL, Sar::of_status),
        }
    }

    /// The code for a status word that has no kind of its own.
    fn of_status(status: Status) -> Sar {
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
}
