//! Key agreement by SM2 (GM/T 0017-2012 clauses 9.6.21 to 9.6.23, GB/T 32918.3). The initiator asks its token for a
//! temporary public key, the responder's token makes its own and the key at once, then the initiator's makes the same
//! key. Both use the encryption key pairs of their containers.

use core::fmt;

use super::algorithm::Symmetric;
use super::names::Text;
use super::{Answer, AppId, Command, ContainerId, EccPublicKey, Length, SessionKeyId, Shape, Size};
use crate::dialect::{ByteOrder, Dialect, KeyIdWidth};
use crate::envelope::Apdu;
use crate::ins::Ins;
use crate::status::Status;
use crate::wire::{Malformed, Overflow, Reader, Writer};

/// Longest identity of a party, in bytes (GM/T 0016).
pub const MAX_PARTY_ID: usize = 32;

/// An identity: 1 to 32 bytes.
fn identity<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Status> {
    let id = reader.sized()?;
    if (1..=MAX_PARTY_ID).contains(&id.len()) { Ok(id) } else { Err(Status::WRONG_DATA) }
}

/// What one party lets the other know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Party<'a> {
    /// Its public key.
    pub public_key: EccPublicKey,
    /// Its temporary public key.
    pub temporary_key: EccPublicKey,
    /// Its identity, 1 to 32 bytes.
    pub id: &'a [u8],
}

impl<'a> Party<'a> {
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        self.public_key.write(writer)?;
        self.temporary_key.write(writer)?;
        writer.sized(self.id)
    }

    fn take(reader: &mut Reader<'a>) -> Result<Self, Status> {
        let (public_key, temporary_key) = (EccPublicKey::take(reader)?, EccPublicKey::take(reader)?);
        Ok(Self { public_key, temporary_key, id: identity(reader)? })
    }
}

impl fmt::Display for Party<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.public_key, Text(self.id))
    }
}

/// Begins an agreement as its initiator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GenerateAgreementDataWithEcc<'a> {
    /// The application.
    pub application: AppId,
    /// The container.
    pub container: ContainerId,
    /// Algorithm of the key that is agreed (GM/T 0006).
    pub algorithm: u32,
    /// The initiator's identity, 1 to 32 bytes.
    pub id: &'a [u8],
}

impl<'a> Command<'a> for GenerateAgreementDataWithEcc<'a> {
    const INS: Ins = Ins::GenerateAgreementDataWithEcc;
    const SHAPE: Shape =
        Shape { data: Length::AtLeast(12), answer: Size::Fixed(AgreementData::SIZE), ..Shape::PLAIN };
    type Answer<'r> = AgreementData;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.application.0)?;
        writer.id(self.container.0)?;
        writer.constant(self.algorithm)?;
        writer.sized(self.id)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let (application, container) = (AppId(reader.id()?), ContainerId(reader.id()?));
        let (algorithm, id) = (reader.constant()?, identity(&mut reader)?);
        reader.finish()?;
        Ok(Self { application, container, algorithm, id })
    }
}

impl fmt::Display for GenerateAgreementDataWithEcc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { application, container, algorithm, id } = self;
        write!(f, "{application} {container} {} {}", Symmetric(*algorithm), Text(id))
    }
}

/// Names an agreement that was begun: 4 opaque bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AgreementHandle(pub u32);

impl AgreementHandle {
    fn write(self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.put(&self.0.to_be_bytes())
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.array().map(u32::from_be_bytes).map(Self)
    }
}

impl fmt::Display for AgreementHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "agreement {:08X}", self.0)
    }
}

/// What the initiator tells the responder, and the name of what it waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AgreementData {
    /// The initiator's temporary public key.
    pub temporary_key: EccPublicKey,
    /// For GenerateKeyWithECC, once.
    pub handle: AgreementHandle,
}

impl AgreementData {
    /// Its size on the wire, in bytes.
    pub const SIZE: u16 = EccPublicKey::SIZE + 4;

    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        self.temporary_key.write(writer)?;
        self.handle.write(writer)
    }
}

impl<'r> Answer<'r> for AgreementData {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, dialect);
        let data = Self {
            temporary_key: EccPublicKey::take(&mut reader)?,
            handle: AgreementHandle::take(&mut reader)?,
        };
        reader.finish()?;
        Ok(data)
    }
}

impl fmt::Display for AgreementData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "temporary {} {}", self.temporary_key, self.handle)
    }
}

/// Answers an initiator, and makes the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GenerateAgreementDataAndKeyWithEcc<'a> {
    /// The application.
    pub application: AppId,
    /// The container.
    pub container: ContainerId,
    /// Algorithm of the key that is agreed (GM/T 0006).
    pub algorithm: u32,
    /// The initiator.
    pub initiator: Party<'a>,
    /// The responder's identity, 1 to 32 bytes.
    pub id: &'a [u8],
}

impl<'a> Command<'a> for GenerateAgreementDataAndKeyWithEcc<'a> {
    const INS: Ins = Ins::GenerateAgreementDataAndKeyWithEcc;
    const SHAPE: Shape =
        Shape { data: Length::AtLeast(152), answer: Size::Fixed(AgreedKey::SIZE), ..Shape::PLAIN };
    type Answer<'r> = AgreedKey;

    fn shape(dialect: &Dialect) -> Shape {
        Shape { answer: Size::Fixed(EccPublicKey::SIZE + AgreedKeyId::size(dialect)), ..Self::SHAPE }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.application.0)?;
        writer.id(self.container.0)?;
        writer.constant(self.algorithm)?;
        self.initiator.write(writer)?;
        writer.sized(self.id)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let (application, container) = (AppId(reader.id()?), ContainerId(reader.id()?));
        let algorithm = reader.constant()?;
        let (initiator, id) = (Party::take(&mut reader)?, identity(&mut reader)?);
        reader.finish()?;
        Ok(Self { application, container, algorithm, initiator, id })
    }
}

impl fmt::Display for GenerateAgreementDataAndKeyWithEcc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { application, container, algorithm, initiator, id } = self;
        write!(f, "{application} {container} {} initiator {initiator}, {}", Symmetric(*algorithm), Text(id))
    }
}

/// What the responder tells the initiator, and the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AgreedKey {
    /// The responder's temporary public key.
    pub temporary_key: EccPublicKey,
    /// The key that was agreed.
    pub key: AgreedKeyId,
}

impl AgreedKey {
    /// Its size on the wire, in bytes.
    pub const SIZE: u16 = EccPublicKey::SIZE + AgreedKeyId::SIZE;

    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        self.temporary_key.write(writer)?;
        self.key.write(writer)
    }
}

impl<'r> Answer<'r> for AgreedKey {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, dialect);
        let temporary_key = EccPublicKey::take(&mut reader)?;
        Ok(Self { temporary_key, key: AgreedKeyId::read(reader.rest(), dialect)? })
    }
}

impl fmt::Display for AgreedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "temporary {} {}", self.temporary_key, self.key)
    }
}

/// Ends an agreement as its initiator: makes the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GenerateKeyWithEcc<'a> {
    /// The application.
    pub application: AppId,
    /// The container in which it was begun.
    pub container: ContainerId,
    /// What was begun. It works once, whatever comes of it.
    pub handle: AgreementHandle,
    /// The responder.
    pub responder: Party<'a>,
}

impl<'a> Command<'a> for GenerateKeyWithEcc<'a> {
    const INS: Ins = Ins::GenerateKeyWithEcc;
    const SHAPE: Shape =
        Shape { data: Length::AtLeast(148), answer: Size::Fixed(AgreedKeyId::SIZE), ..Shape::PLAIN };
    type Answer<'r> = AgreedKeyId;

    fn shape(dialect: &Dialect) -> Shape {
        Shape { answer: Size::Fixed(AgreedKeyId::size(dialect)), ..Self::SHAPE }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.application.0)?;
        writer.id(self.container.0)?;
        self.handle.write(writer)?;
        self.responder.write(writer)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let (application, container) = (AppId(reader.id()?), ContainerId(reader.id()?));
        let (handle, responder) = (AgreementHandle::take(&mut reader)?, Party::take(&mut reader)?);
        reader.finish()?;
        Ok(Self { application, container, handle, responder })
    }
}

impl fmt::Display for GenerateKeyWithEcc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { application, container, handle, responder } = self;
        write!(f, "{application} {container} {handle} responder {responder}")
    }
}

/// The id of a key that was agreed: a quantity of 4 bytes of which only 2 count, or the bare 2. A host takes both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AgreedKeyId(pub SessionKeyId);

impl AgreedKeyId {
    /// Its usual size on the wire, in bytes.
    pub const SIZE: u16 = 4;

    /// Its size on the wire in a dialect, in bytes.
    const fn size(dialect: &Dialect) -> u16 {
        match dialect.agreed_key_id {
            KeyIdWidth::Two => SessionKeyId::SIZE,
            KeyIdWidth::Four => Self::SIZE,
        }
    }

    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        let Dialect { agreed_key_id, quantity, .. } = *writer.dialect();
        match (agreed_key_id, quantity) {
            (KeyIdWidth::Two, _) => self.0.write(writer),
            (KeyIdWidth::Four, ByteOrder::Big) => {
                writer.put(&[0, 0])?;
                self.0.write(writer)
            }
            (KeyIdWidth::Four, ByteOrder::Little) => {
                self.0.write(writer)?;
                writer.put(&[0, 0])
            }
        }
    }
}

impl<'r> Answer<'r> for AgreedKeyId {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let (front, behind) = (bytes.strip_prefix(&[0, 0]), bytes.strip_suffix(&[0, 0]));
        let id = if bytes.len() == 4 { front.or(behind).ok_or(Malformed)? } else { bytes };
        SessionKeyId::read(id, dialect).map(Self)
    }
}

impl fmt::Display for AgreedKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
