//! SM2 commands (GM/T 0017-2012 clauses 9.6.12 to 9.6.14 and 9.6.24). Numbers are 32 bytes, big-endian.

use core::fmt;

use super::{
    Answer, AppId, Command, ContainerId, Length, Nothing, REDACTED, SessionKeyId, Shape, Size, Values, ids,
};
use crate::dialect::{ConfirmedBits, Dialect, ExportedKeyForm, ExternalCiphertextForm, KeyPairForm};
use crate::envelope::Apdu;
use crate::ins::Ins;
use crate::status::Status;
use crate::wire::{Malformed, Overflow, Reader, Writer};

/// Bits of an SM2 key.
pub const SM2_BITS: u32 = 256;

/// Puts the bits in front of an answer that has them.
fn confirm_bits(writer: &mut Writer<'_>, bits: ConfirmedBits) -> Result<(), Overflow> {
    match bits {
        ConfirmedBits::Sent => writer.quantity(SM2_BITS),
        ConfirmedBits::LeftOut => Ok(()),
    }
}

/// Size of two numbers as an answer, in bytes.
pub(super) const fn confirmed(bits: ConfirmedBits) -> Size {
    match bits {
        ConfirmedBits::Sent => Size::Fixed(68),
        ConfirmedBits::LeftOut => Size::Fixed(64),
    }
}

/// An SM2 public key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EccPublicKey {
    /// X coordinate.
    pub x: [u8; 32],
    /// Y coordinate.
    pub y: [u8; 32],
}

impl EccPublicKey {
    /// Its size on the wire, in bytes: bits, X, Y.
    pub const SIZE: u16 = 68;

    /// Encodes it: bits, X, Y.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.quantity(SM2_BITS)?;
        writer.put(&self.x)?;
        writer.put(&self.y)
    }

    /// Encodes it as GenECCKeyPair answers it.
    pub fn write_generated(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        confirm_bits(writer, writer.dialect().generated_key)?;
        writer.put(&self.x)?;
        writer.put(&self.y)
    }

    pub(super) fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        if reader.quantity()? != SM2_BITS {
            return Err(Malformed);
        }
        Ok(Self { x: reader.array()?, y: reader.array()? })
    }
}

/// Some tokens leave the bits out.
impl<'r> Answer<'r> for EccPublicKey {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, dialect);
        let key = if bytes.len() == 64 {
            Self { x: reader.array()?, y: reader.array()? }
        } else {
            Self::take(&mut reader)?
        };
        reader.finish()?;
        Ok(key)
    }
}

impl fmt::Display for EccPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.x;
        write!(f, "public key X={a:02X}{b:02X}{c:02X}{d:02X}…")
    }
}

/// Makes the sign key pair of a container anew. Its certificate, if any, is removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GenEccKeyPair {
    /// The application.
    pub application: AppId,
    /// The container.
    pub container: ContainerId,
    /// Bits; SM2 has 256.
    pub bits: u32,
}

impl<'a> Command<'a> for GenEccKeyPair {
    const INS: Ins = Ins::GenEccKeyPair;
    const SHAPE: Shape =
        Shape { data: Length::Exactly(8), answer: Size::Fixed(EccPublicKey::SIZE), ..Shape::PLAIN };
    type Answer<'r> = EccPublicKey;

    fn shape(dialect: &Dialect) -> Shape {
        Shape { answer: confirmed(dialect.generated_key), ..Self::SHAPE }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.application.0)?;
        writer.id(self.container.0)?;
        writer.quantity(self.bits)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let (application, container) = (AppId(reader.id()?), ContainerId(reader.id()?));
        let bits = reader.quantity()?;
        reader.finish()?;
        if bits != SM2_BITS {
            return Err(Status::WRONG_DATA);
        }
        Ok(Self { application, container, bits })
    }
}

impl fmt::Display for GenEccKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} bits", self.application, self.container, self.bits)
    }
}

/// An SM2 ciphertext in its parts, in the order C1, C3, C2 of GM/T 0009.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CipherBlock<'a> {
    /// C1, the temporary public key.
    pub point: EccPublicKey,
    /// C3, the hash.
    pub hash: [u8; 32],
    /// C2, the ciphertext.
    pub cipher: &'a [u8],
}

impl<'a> CipherBlock<'a> {
    /// Encodes it: bits, X, Y, HASH, length, cipher.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        CiphertextAnswer::Block.write(writer, &self.point, &self.hash, self.cipher.len(), |space| {
            space.copy_from_slice(self.cipher);
        })
    }

    /// Its size on the wire, in bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        EccPublicKey::SIZE as usize + 32 + 4 + self.cipher.len()
    }

    pub(super) fn take(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self { point: EccPublicKey::take(reader)?, hash: reader.array()?, cipher: reader.sized()? })
    }
}

/// Where an SM2 ciphertext stands in an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CiphertextAnswer {
    /// It is a block of its own: what ECCExportSessionKeyEx answers.
    Block,
    /// What ExtECCEncrypt answers.
    External,
    /// What ECCExportSessionKey answers, with the id of the key.
    Exported(SessionKeyId),
}

impl CiphertextAnswer {
    /// Encodes the answer around a C2 of `length` bytes that `fill` writes.
    pub fn write(
        self,
        writer: &mut Writer<'_>,
        point: &EccPublicKey,
        hash: &[u8; 32],
        length: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<(), Overflow> {
        let Dialect { external_ciphertext, exported_key, .. } = *writer.dialect();
        match (self, external_ciphertext, exported_key) {
            (CiphertextAnswer::External, ExternalCiphertextForm::Plain, _) => {
                writer.byte(4)?;
                writer.put(&point.x)?;
                writer.put(&point.y)?;
                writer.put(hash)?;
            }
            (CiphertextAnswer::Exported(_), _, ExportedKeyForm::HashFirst) => {
                writer.put(hash)?;
                writer.length(length)?;
            }
            _ => {
                point.write(writer)?;
                writer.put(hash)?;
                writer.length(length)?;
            }
        }
        fill(writer.space(length)?);
        match (self, exported_key) {
            (CiphertextAnswer::Exported(key), ExportedKeyForm::BlockFirst) => key.write(writer),
            (CiphertextAnswer::Exported(key), ExportedKeyForm::HashFirst) => {
                key.write(writer)?;
                point.write(writer)
            }
            _ => Ok(()),
        }
    }
}

/// Some tokens answer in the form of GM/T 0003: `04`, X, Y, HASH, cipher.
impl<'r> Answer<'r> for CipherBlock<'r> {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, dialect);
        if bytes.first() == Some(&4) {
            reader.byte()?;
            let point = EccPublicKey { x: reader.array()?, y: reader.array()? };
            return Ok(Self { point, hash: reader.array()?, cipher: reader.rest() });
        }
        let block = Self::take(&mut reader)?;
        reader.finish()?;
        Ok(block)
    }
}

impl fmt::Display for CipherBlock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ciphertext of {} bytes", self.cipher.len())
    }
}

/// What makes an encrypted private key of 32 bytes one of 64, where a dialect has no other.
const ZEROS: [u8; 32] = [0; 32];

/// An encryption key pair on its way to a container, enveloped for the container's sign key (ENVELOPEDKEYBLOB).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EnvelopedKeyPair<'a> {
    /// Version of the structure: 1.
    pub version: u32,
    /// Algorithm of the symmetric key; [`SGD_SM4_ECB`](super::SGD_SM4_ECB).
    pub algorithm: u32,
    /// The private key under the symmetric key: 32 bytes, or 64 with 32 zero bytes in front.
    pub encrypted_private_key: &'a [u8],
    /// The public key of the pair.
    pub public_key: EccPublicKey,
    /// The symmetric key under the container's sign public key.
    pub wrapped_key: CipherBlock<'a>,
}

/// Imports the encryption key pair of a container.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ImportEccKeyPair<'a> {
    /// The application.
    pub application: AppId,
    /// The container.
    pub container: ContainerId,
    /// The enveloped key pair.
    pub key_pair: EnvelopedKeyPair<'a>,
}

impl<'a> Command<'a> for ImportEccKeyPair<'a> {
    const INS: Ins = Ins::ImportEccKeyPair;
    const SHAPE: Shape = Shape { data: Length::AtLeast(4), ..Shape::PLAIN };
    type Answer<'r> = Nothing;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.application.0)?;
        writer.id(self.container.0)?;
        let pair = &self.key_pair;
        writer.quantity(pair.version)?;
        writer.constant(pair.algorithm)?;
        match writer.dialect().key_pair {
            KeyPairForm::Structure => {
                writer.quantity(SM2_BITS)?;
                writer.sized(pair.encrypted_private_key)?;
                writer.put(&pair.public_key.x)?;
                writer.put(&pair.public_key.y)?;
                pair.wrapped_key.write(writer)
            }
            KeyPairForm::CipherFirst => {
                let narrow = pair.encrypted_private_key.len() == ZEROS.len();
                let zeros: &[u8] = if narrow { &ZEROS } else { &[] };
                pair.wrapped_key.write(writer)?;
                pair.public_key.write(writer)?;
                writer.length(zeros.len() + pair.encrypted_private_key.len())?;
                writer.put(zeros)?;
                writer.put(pair.encrypted_private_key)
            }
        }
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let (application, container) = (AppId(reader.id()?), ContainerId(reader.id()?));
        let (version, algorithm) = (reader.quantity()?, reader.constant()?);
        let (encrypted_private_key, public_key, wrapped_key) = match dialect.key_pair {
            KeyPairForm::Structure => {
                if reader.quantity()? != SM2_BITS {
                    return Err(Status::WRONG_DATA);
                }
                let encrypted_private_key = reader.sized()?;
                let public_key = EccPublicKey { x: reader.array()?, y: reader.array()? };
                (encrypted_private_key, public_key, CipherBlock::take(&mut reader)?)
            }
            KeyPairForm::CipherFirst => {
                let wrapped_key = CipherBlock::take(&mut reader)?;
                let public_key = EccPublicKey::take(&mut reader)?;
                let wide = reader.sized()?;
                let narrow = wide.strip_prefix(&ZEROS).filter(|narrow| narrow.len() == ZEROS.len());
                (narrow.unwrap_or(wide), public_key, wrapped_key)
            }
        };
        reader.finish()?;
        if version != 1 || !matches!(encrypted_private_key.len(), 32 | 64) {
            return Err(Status::WRONG_DATA);
        }
        let key_pair =
            EnvelopedKeyPair { version, algorithm, encrypted_private_key, public_key, wrapped_key };
        Ok(Self { application, container, key_pair })
    }
}

impl fmt::Display for ImportEccKeyPair<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (application, container) = (self.application, self.container);
        write!(f, "{application} {container} {} private key {REDACTED}", self.key_pair.public_key)
    }
}

/// What is signed or was (P1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignInput<'a> {
    /// P1 = 1: the token makes Z from the identity and digests the message.
    Message {
        /// The signer's identity, not empty.
        id: &'a [u8],
        /// The message.
        message: &'a [u8],
    },
    /// P1 = 2: the digest e.
    Digest([u8; 32]),
}

impl SignInput<'_> {
    pub(super) const fn p1p2(&self) -> (u8, u8) {
        match self {
            SignInput::Message { .. } => (1, 0),
            SignInput::Digest(_) => (2, 0),
        }
    }
}

impl fmt::Display for SignInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SignInput::Message { message, .. } => write!(f, "message, {} bytes", message.len()),
            SignInput::Digest(_) => f.write_str("digest"),
        }
    }
}

/// Signs with the sign key of a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EccSignData<'a> {
    /// The application.
    pub application: AppId,
    /// The container.
    pub container: ContainerId,
    /// What is signed.
    pub input: SignInput<'a>,
}

impl<'a> Command<'a> for EccSignData<'a> {
    const INS: Ins = Ins::EccSignData;
    const SHAPE: Shape = Shape {
        p1: Values::Range(1, 2),
        data: Length::AtLeast(8),
        answer: Size::Fixed(EccSignature::SIZE),
        ..Shape::PLAIN
    };
    type Answer<'r> = EccSignature;

    fn p1p2(&self) -> (u8, u8) {
        self.input.p1p2()
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.application.0)?;
        writer.id(self.container.0)?;
        match self.input {
            SignInput::Message { id, message } => {
                writer.sized(id)?;
                writer.put(message)
            }
            SignInput::Digest(digest) => writer.put(&digest),
        }
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let (application, container) = (AppId(reader.id()?), ContainerId(reader.id()?));
        let input = if apdu.p1 == 1 {
            let id = reader.sized()?;
            if id.is_empty() {
                return Err(Status::WRONG_DATA);
            }
            SignInput::Message { id, message: reader.rest() }
        } else {
            SignInput::Digest(reader.array()?)
        };
        reader.finish()?;
        Ok(Self { application, container, input })
    }
}

impl fmt::Display for EccSignData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.application, self.container, self.input)
    }
}

/// An SM2 signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EccSignature {
    /// r.
    pub r: [u8; 32],
    /// s.
    pub s: [u8; 32],
}

impl EccSignature {
    /// Its size on the wire, in bytes: bits, r, s.
    pub const SIZE: u16 = 68;

    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.quantity(SM2_BITS)?;
        writer.put(&self.r)?;
        writer.put(&self.s)
    }

    /// Encodes it as ExtECCSign answers it.
    pub fn write_external(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        confirm_bits(writer, writer.dialect().external_signature)?;
        writer.put(&self.r)?;
        writer.put(&self.s)
    }

    /// r and s in one.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes.iter_mut().zip(self.r.iter().chain(&self.s)).for_each(|(cell, byte)| *cell = *byte);
        bytes
    }
}

/// Some tokens leave the bits out.
impl<'r> Answer<'r> for EccSignature {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let key = EccPublicKey::read(bytes, dialect)?;
        Ok(Self { r: key.x, s: key.y })
    }
}

impl fmt::Display for EccSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.r;
        write!(f, "signature r={a:02X}{b:02X}{c:02X}{d:02X}…")
    }
}

ids::of_key_use! {
    /// Asks for a public key of a container.
    ExportPubKey, EccPublicKey, Size::Fixed(EccPublicKey::SIZE), "key"
}
