//! What a test says to the token and hears from it, and the numbers that stand for names, PINs and contents.

use std::collections::BTreeSet;

use ukey_apdu::command::{ContainerInfo, FileInfo, PinInfo, Rights};

/// An application's, container's or file's name.
pub type Name = usize;
/// A PIN's text, or a device authentication key.
pub type Secret = usize;
/// A certificate's bytes.
pub type Certificate = usize;
/// An identity, of a signer or of a party to a key agreement.
pub type Identity = usize;
/// An id that the token gave.
pub type Id = u16;
/// A session key's bytes.
pub type KeyBytes = [u8; 16];

/// Applications that the commands speak of.
pub const APPLICATIONS: usize = 2;
/// Container names that the commands speak of; the last is too long for a name.
pub const CONTAINERS: usize = 4;
pub const LONG_NAME: Name = 3;
/// PINs; the last is too short.
pub const PINS: usize = 4;
pub const SHORT_PIN: Secret = 3;
/// Device authentication keys: the factory's, another, and one that no token is ever given.
pub const DEVICE_KEYS: usize = 3;
pub const NO_DEVICE_KEY: Secret = 2;
/// Labels; the last two are too long and empty. The number behind them stands for the factory's.
pub const LABELS: usize = 4;
pub const LONG_LABEL: usize = 2;
pub const FACTORY_LABEL: usize = LABELS;
/// Certificates; the first is empty, the last too long.
pub const CERTIFICATES: usize = 4;
pub const EMPTY_CERTIFICATE: Certificate = 0;
pub const LONG_CERTIFICATE: Certificate = 3;
pub const CERTIFICATE_SIZES: [usize; CERTIFICATES] = [0, 300, 1500, 4001];
/// Identities; the last two are too long for a party to an agreement, and empty.
pub const IDENTITIES: usize = 4;
pub const LONG_IDENTITY: Identity = 2;
pub const EMPTY_IDENTITY: Identity = 3;
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
/// Bytes of one block of an answer.
pub const ANSWER_BLOCK: u16 = 496;
/// Bytes of a command, joined, and of a whole answer.
pub const BUFFER: usize = 4096;

/// Session keys that the host remembers by their ids: more than a token has room for.
pub const SESSION_KEYS: usize = 10;
/// How many a token has room for.
pub const MOST_SESSION_KEYS: usize = 8;
/// Values of session keys; the last two are too short, and of an algorithm that the token does not know.
pub const VALUES: usize = 4;
pub const SHORT_VALUE: Value = 2;
pub const FOREIGN_VALUE: Value = 3;

/// Agreements that the host remembers by their handles: more than a token keeps.
pub const AGREEMENTS: usize = 6;
/// How many a token keeps until their responders answer.
pub const MOST_AGREEMENTS: usize = 4;

/// A session key's value.
pub type Value = usize;
/// What a session key belongs to: a container of an application, or the device itself.
pub type Holder = Option<(Name, Name)>;

/// The bytes of a value.
pub fn key_bytes(value: Value) -> KeyBytes {
    [0x40 + u8::try_from(value).expect("a small number"); 16]
}

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

/// A part of what was begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// All in one.
    One,
    Update,
    Final,
}

impl Part {
    pub const ALL: [Part; 3] = [Part::One, Part::Update, Part::Final];
}

/// The bytes that a part brings.
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
    /// The private key in its 64-byte form.
    Right,
    /// The private key in its 32-byte form.
    Short,
    ForAnotherKey,
    OtherAlgorithm,
    OtherPublicKey,
    /// Of the structure.
    OtherVersion,
    /// A private key of 48 bytes.
    OddLength,
    /// What stands in front of the private key is not zeros.
    NoZeros,
    /// The private key is 0, or n − 1, which cannot sign.
    Zero,
    NoInverse,
    SpoiltHash,
    OffCurve,
    /// The wrapped key has 15 bytes.
    ShortKey,
}

impl Envelope {
    pub const ALL: [Envelope; 13] = [
        Envelope::Right,
        Envelope::Short,
        Envelope::ForAnotherKey,
        Envelope::OtherAlgorithm,
        Envelope::OtherPublicKey,
        Envelope::OtherVersion,
        Envelope::OddLength,
        Envelope::NoZeros,
        Envelope::Zero,
        Envelope::NoInverse,
        Envelope::SpoiltHash,
        Envelope::OffCurve,
        Envelope::ShortKey,
    ];
}

/// What is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    Digest,
    /// By this signer, so many bytes.
    Message(Identity, usize),
}

/// What a verifier is shown: a signature of somebody's, or something else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    Right,
    OfAnotherInput,
    ByAnother,
    SpoiltR,
    SpoiltS,
    Zero,
    KeyOffCurve,
}

impl Shown {
    pub const ALL: [Shown; 7] = [
        Shown::Right,
        Shown::OfAnotherInput,
        Shown::ByAnother,
        Shown::SpoiltR,
        Shown::SpoiltS,
        Shown::Zero,
        Shown::KeyOffCurve,
    ];
}

/// What a ciphertext for a private key from outside looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ciphertext {
    Right,
    SpoiltHash,
    SpoiltCipher,
    PointOffCurve,
    ForAnother,
    /// The private key that comes with it is 0.
    KeyZero,
}

impl Ciphertext {
    pub const ALL: [Ciphertext; 6] = [
        Ciphertext::Right,
        Ciphertext::SpoiltHash,
        Ciphertext::SpoiltCipher,
        Ciphertext::PointOffCurve,
        Ciphertext::ForAnother,
        Ciphertext::KeyZero,
    ];
}

/// A private key from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Private {
    Right,
    Zero,
    /// n − 1.
    NoInverse,
    /// n.
    TooLarge,
}

impl Private {
    pub const ALL: [Private; 4] = [Private::Right, Private::Zero, Private::NoInverse, Private::TooLarge];
}

/// What the other side of an agreement sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// What it should, under this identity.
    Right(Identity),
    KeyOffCurve,
    TemporaryOffCurve,
    /// Keys that cancel each other: anybody would know what comes of them.
    Cancelling,
}

/// A secret that is proved, right or wrong, over a challenge asked for just before, or over the last one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proof {
    pub secret: Secret,
    pub fresh: bool,
}

/// What comes back. Signatures and ciphertexts are never the same twice: another implementation has looked at them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Nothing,
    /// The label, and how many bytes are free; all else was compared.
    Device(usize, u32),
    Random(usize),
    Names(BTreeSet<Name>),
    Pin(PinInfo),
    Container(ContainerInfo),
    File(FileInfo),
    Content(Vec<u8>),
    PublicKey(Pair),
    Certificate(Certificate),
    /// A signature of the input that this pair's public key accepts.
    Signature(Pair),
    /// A signature that the public key of the key from outside accepts.
    ExternalSignature,
    /// This session key, once it was opened.
    SessionKey(KeyBytes),
}

/// What the token chose where it chooses: ids, and the bytes of a session key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Given {
    pub id: Id,
    pub agreement: u32,
    pub key: KeyBytes,
}
