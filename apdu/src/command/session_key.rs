//! Session keys (GM/T 0017-2012 clauses 9.6.26 and 9.6.43): how they come, how they are named, how they go.

use core::fmt;

use super::algorithm::Symmetric;
use super::{Answer, AppId, Command, ContainerId, Length, Nothing, REDACTED, Shape, Size};
use crate::dialect::Dialect;
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
