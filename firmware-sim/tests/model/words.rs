//! What a test says to the token and hears from it, and the numbers that stand for names, PINs and contents.

use std::collections::BTreeSet;

use ukey_apdu::command::{ContainerInfo, DigestAlgorithm, FileInfo, KeyUse, PinInfo, PinType, Rights};

/// An application's, container's or file's name.
pub type Name = usize;
/// A PIN's text.
pub type Secret = usize;
/// A certificate's bytes.
pub type Certificate = usize;
/// An id that the token gave.
pub type Id = u16;

/// Applications that the commands speak of.
pub const APPLICATIONS: usize = 2;
/// Container names that the commands speak of; the last is too long for a name.
pub const CONTAINERS: usize = 4;
pub const LONG_NAME: Name = 3;
/// PINs; the last is too short.
pub const PINS: usize = 4;
pub const SHORT_PIN: Secret = 3;
/// Labels; the last is too long.
pub const LABELS: usize = 3;
pub const LONG_LABEL: usize = 2;
/// Certificates; the first is empty, the last too long.
pub const CERTIFICATES: usize = 4;
pub const EMPTY_CERTIFICATE: Certificate = 0;
pub const LONG_CERTIFICATE: Certificate = 3;
/// Limits with which applications are created.
pub const MAX_CONTAINERS: usize = 2;
pub const MAX_CERTIFICATES: usize = 3;
pub const MAX_FILES: usize = 2;
/// Who may create files in an application.
pub const CREATE_FILE: Rights = Rights(0x11);
/// File names that the commands speak of; the last is empty.
pub const FILES: usize = 4;
pub const EMPTY_NAME: Name = 3;
/// Rights that files are created with; the last is none that the standard knows.
pub const RIGHTS: [Rights; 5] =
    [Rights::ANYONE, Rights::USER, Rights::ADMINISTRATOR, Rights::NEVER, Rights(0x02)];
/// Sizes that files are created with; the first is too small and the last too large.
pub const FILE_SIZES: [u32; 5] = [0, 1, 700, 1100, 0x1_0000];
/// Tries of the device authentication key.
pub const DEVICE_TRIES: u8 = 10;

/// Session keys that the host remembers by their ids: more than a token has room for.
pub const SESSION_KEYS: usize = 10;
/// How many a token has room for.
pub const MOST_SESSION_KEYS: usize = 8;
/// Values of session keys; the last is too short.
pub const VALUES: usize = 3;
pub const SHORT_VALUE: Value = 2;

/// A session key's value.
pub type Value = usize;
/// What a session key belongs to: a container of an application, or the device itself.
pub type Holder = Option<(Name, Name)>;

/// A session key that the host remembers, asked for as of this holder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handle {
    pub key: usize,
    pub holder: Holder,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    Encrypt,
    Decrypt,
    Mac,
}

impl Purpose {
    pub const ALL: [Purpose; 3] = [Purpose::Encrypt, Purpose::Decrypt, Purpose::Mac];
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Ecb,
    Cbc,
    Cfb,
    Ofb,
    Mac,
}

impl Mode {
    pub const ALL: [Mode; 5] = [Mode::Ecb, Mode::Cbc, Mode::Cfb, Mode::Ofb, Mode::Mac];
}

/// How a session key is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Work {
    pub purpose: Purpose,
    pub mode: Mode,
    pub padded: bool,
}

/// A step of what was begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// All in one.
    One,
    Update,
    Final,
}

impl Step {
    pub const ALL: [Step; 3] = [Step::One, Step::Update, Step::Final];
}

/// The bytes that a step brings.
pub fn message(length: usize) -> Vec<u8> {
    (0_u8..=250).cycle().take(length).collect()
}

/// Bytes of a file that a command asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    pub offset: u16,
    pub count: u16,
}

/// A key pair.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Pair {
    /// The n-th that the token made.
    Made(u32),
    /// One that came in an envelope.
    Brought(u8),
}

/// How an envelope was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Envelope {
    Right,
    ForAnotherKey,
    OtherAlgorithm,
    OtherPublicKey,
}

/// A secret that is proved, right or wrong, over a challenge asked for just before, or over the last one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proof {
    pub secret: Secret,
    pub fresh: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    SetLabel(usize),
    ShortRandom,
    /// Secret 0 is the right key.
    DevAuth(Proof),
    CreateApplication {
        name: Name,
        tries: u32,
        user: Secret,
    },
    OpenApplication(Name),
    CloseApplication(Name),
    DeleteApplication(Name),
    EnumApplication,
    VerifyPin(Name, PinType, Proof),
    ChangePin(Name, PinType, Proof, Secret),
    UnblockPin(Name, Proof, Secret),
    GetPinInfo(Name, PinType),
    ClearSecureState(Name),
    CreateContainer(Name, Name),
    OpenContainer(Name, Name),
    CloseContainer(Name, Name),
    DeleteContainer(Name, Name),
    EnumContainer(Name),
    GetContainerInfo(Name, Name),
    CreateFile(Name, Name, FileInfo),
    DeleteFile(Name, Name),
    EnumFiles(Name),
    GetFileInfo(Name, Name),
    ReadFile(Name, Name, Extent),
    /// Fills with this byte.
    WriteFile(Name, Name, Extent, u8),
    GenEccKeyPair(Name, Name),
    ImportEccKeyPair(Name, Name, Envelope, u8),
    ImportCertificate(Name, Name, KeyUse, Certificate),
    ExportCertificate(Name, Name, KeyUse),
    EccSignData(Name, Name),
    ExportPubKey(Name, Name, KeyUse),
    /// The host remembers it under this number.
    ImportSymmKey(usize, Holder, Value),
    /// Sealed for the container's encryption pair, or for another.
    ImportSessionKey(usize, (Name, Name), Value, bool),
    EccExportSessionKeyEx(Handle),
    DestroySessionKey(Handle),
    Begin(Handle, Work),
    Go(Handle, Purpose, Step, usize),
    DigestInit(DigestAlgorithm),
    Digest(Step, usize),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Nothing,
    Names(BTreeSet<Name>),
    Pin(PinInfo),
    Container(ContainerInfo),
    File(FileInfo),
    Content(Vec<u8>),
    PublicKey(Pair),
    Certificate(Certificate),
    /// A signature that this pair's public key accepts.
    Signature(Pair),
    /// A session key of this value.
    SessionKey(Value),
}
