//! Session keys (GM/T 0017-2012 clauses 9.6.16, 9.6.17, 9.6.25, 9.6.26 and 9.6.43): how they come, how they are named,
//! how they go.

use core::fmt;

use super::algorithm::Symmetric;
use super::{
    Answer, AppId, CipherBlock, CiphertextAnswer, Command, ContainerId, EccPublicKey, Length, Nothing,
    REDACTED, Shape, Size,
};
use crate::dialect::{Dialect, ExportedKeyForm};
use crate::envelope::Apdu;
use crate::ins::Ins;
use crate::status::Status;
use crate::wire::{Malformed, Overflow, Reader, Writer};

/// The id of a session key: 2 opaque bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SessionKeyId(pub u16);

impl SessionKeyId {
    /// Its size on the wire, in bytes.
    pub const SIZE: u16 = 2;

    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.0)
    }
}

impl<'r> Answer<'r> for SessionKeyId {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, dialect);
        let id = reader.id()?;
        reader.finish()?;
        Ok(Self(id))
    }
}

impl fmt::Display for SessionKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session key {:04X}", self.0)
    }
}

/// What a session key belongs to: an open container, or the device itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeyHolder {
    /// The application.
    pub application: AppId,
    /// The container.
    pub container: ContainerId,
}

impl KeyHolder {
    /// The device itself: both ids are 0.
    pub const DEVICE: KeyHolder = KeyHolder { application: AppId(0), container: ContainerId(0) };

    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.application.0)?;
        writer.id(self.container.0)
    }

    /// Decodes it.
    pub fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { application: AppId(reader.id()?), container: ContainerId(reader.id()?) })
    }
}

impl fmt::Display for KeyHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::DEVICE {
            f.write_str("device")
        } else {
            write!(f, "{} {}", self.application, self.container)
        }
    }
}

/// A session key as every command names it that uses one: the three ids in front of its data.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeyHandle {
    /// What it belongs to.
    pub holder: KeyHolder,
    /// Which of the holder's keys.
    pub key: SessionKeyId,
}

impl KeyHandle {
    /// Its size on the wire, in bytes.
    pub const SIZE: usize = 6;

    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        self.holder.write(writer)?;
        self.key.write(writer)
    }

    /// Decodes it.
    pub fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { holder: KeyHolder::take(reader)?, key: SessionKeyId(reader.id()?) })
    }
}

impl fmt::Display for KeyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.holder, self.key)
    }
}

/// Makes a session key, and seals it for a public key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EccExportSessionKey {
    /// What it will belong to.
    pub holder: KeyHolder,
    /// For whom it is sealed.
    pub public_key: EccPublicKey,
    /// Its algorithm (GM/T 0006).
    pub algorithm: u32,
}

impl<'a> Command<'a> for EccExportSessionKey {
    const INS: Ins = Ins::EccExportSessionKey;
    const SHAPE: Shape = Shape { data: Length::Exactly(76), answer: Size::Variable, ..Shape::PLAIN };
    type Answer<'r> = ExportedSessionKey<'r>;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        self.holder.write(writer)?;
        self.public_key.write(writer)?;
        writer.constant(self.algorithm)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let holder = KeyHolder::take(&mut reader)?;
        let (public_key, algorithm) = (EccPublicKey::take(&mut reader)?, reader.constant()?);
        reader.finish()?;
        Ok(Self { holder, public_key, algorithm })
    }
}

impl fmt::Display for EccExportSessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} for {}", self.holder, Symmetric(self.algorithm), self.public_key)
    }
}

/// What ECCExportSessionKey answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExportedSessionKey<'r> {
    /// The key, sealed.
    pub sealed: CipherBlock<'r>,
    /// The key in the token.
    pub key: SessionKeyId,
}

impl ExportedSessionKey<'_> {
    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        let CipherBlock { point, hash, cipher } = &self.sealed;
        CiphertextAnswer::Exported(self.key).write(writer, point, hash, cipher.len(), |space| {
            space.copy_from_slice(cipher);
        })
    }
}

impl<'r> Answer<'r> for ExportedSessionKey<'r> {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, dialect);
        let exported = match dialect.exported_key {
            ExportedKeyForm::BlockFirst => {
                Self { sealed: CipherBlock::take(&mut reader)?, key: SessionKeyId(reader.id()?) }
            }
            ExportedKeyForm::HashFirst => {
                let (hash, cipher) = (reader.array()?, reader.sized()?);
                let key = SessionKeyId(reader.id()?);
                Self { sealed: CipherBlock { point: EccPublicKey::take(&mut reader)?, hash, cipher }, key }
            }
        };
        reader.finish()?;
        Ok(exported)
    }
}

impl fmt::Display for ExportedSessionKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.key, self.sealed)
    }
}

/// Seals a session key that is there for a public key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EccExportSessionKeyEx {
    /// The key.
    pub key: KeyHandle,
    /// For whom it is sealed.
    pub public_key: EccPublicKey,
}

impl<'a> Command<'a> for EccExportSessionKeyEx {
    const INS: Ins = Ins::EccExportSessionKeyEx;
    const SHAPE: Shape = Shape { data: Length::Exactly(74), answer: Size::Variable, ..Shape::PLAIN };
    type Answer<'r> = CipherBlock<'r>;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        self.key.write(writer)?;
        self.public_key.write(writer)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let (key, public_key) = (KeyHandle::take(&mut reader)?, EccPublicKey::take(&mut reader)?);
        reader.finish()?;
        Ok(Self { key, public_key })
    }
}

impl fmt::Display for EccExportSessionKeyEx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.key, self.public_key)
    }
}

/// Imports a session key that was sealed for the container's encryption key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ImportSessionKey<'a> {
    /// What it will belong to.
    pub holder: KeyHolder,
    /// Its algorithm (GM/T 0006).
    pub algorithm: u32,
    /// The key, sealed.
    pub sealed: CipherBlock<'a>,
}

impl<'a> Command<'a> for ImportSessionKey<'a> {
    const INS: Ins = Ins::ImportSessionKey;
    const SHAPE: Shape =
        Shape { data: Length::AtLeast(12), answer: Size::Fixed(SessionKeyId::SIZE), ..Shape::PLAIN };
    type Answer<'r> = SessionKeyId;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        self.holder.write(writer)?;
        writer.constant(self.algorithm)?;
        writer.length(self.sealed.size())?;
        self.sealed.write(writer)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let holder = KeyHolder::take(&mut reader)?;
        let (algorithm, length) = (reader.constant()?, reader.quantity()?);
        if usize::try_from(length) != Ok(reader.remaining()) {
            return Err(Status::WRONG_DATA);
        }
        let sealed = CipherBlock::take(&mut reader)?;
        reader.finish()?;
        Ok(Self { holder, algorithm, sealed })
    }
}

impl fmt::Display for ImportSessionKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.holder, Symmetric(self.algorithm), self.sealed)
    }
}

/// Sets a session key in clear (SKF_SetSymmKey).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ImportSymmKey<'a> {
    /// What it will belong to.
    pub holder: KeyHolder,
    /// Its algorithm (GM/T 0006).
    pub algorithm: u32,
    /// The key, as long as its algorithm wants it.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for ImportSymmKey<'a> {
    const INS: Ins = Ins::ImportSymmKey;
    const SHAPE: Shape =
        Shape { data: Length::AtLeast(10), answer: Size::Fixed(SessionKeyId::SIZE), ..Shape::PLAIN };
    type Answer<'r> = SessionKeyId;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        self.holder.write(writer)?;
        writer.constant(self.algorithm)?;
        writer.sized16(self.key)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let holder = KeyHolder::take(&mut reader)?;
        let (algorithm, key) = (reader.constant()?, reader.sized16()?);
        reader.finish()?;
        Ok(Self { holder, algorithm, key })
    }
}

impl fmt::Display for ImportSymmKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} key {REDACTED}", self.holder, Symmetric(self.algorithm))
    }
}

/// Destroys a session key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DestroySessionKey {
    /// The key.
    pub key: KeyHandle,
}

impl<'a> Command<'a> for DestroySessionKey {
    const INS: Ins = Ins::DestroySessionKey;
    const SHAPE: Shape = Shape { data: Length::Exactly(KeyHandle::SIZE), ..Shape::PLAIN };
    type Answer<'r> = Nothing;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        self.key.write(writer)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let key = KeyHandle::take(&mut reader)?;
        reader.finish()?;
        Ok(Self { key })
    }
}

impl fmt::Display for DestroySessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}
