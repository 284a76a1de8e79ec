//! Container and certificate commands (GM/T 0017-2012 clause 9.5).

use core::fmt;

use super::names::Text;
use super::{Answer, AppId, Command, Length, Names, Nothing, Shape, Size, Values, ids, names};
use crate::dialect::Dialect;
use crate::envelope::Apdu;
use crate::ins::Ins;
use crate::status::Status;
use crate::wire::{Malformed, Overflow, Reader, Writer};

/// Longest container name, in bytes.
pub const MAX_CONTAINER_NAME: usize = 64;

/// The id of an open container: 2 opaque bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ContainerId(pub u16);

impl ContainerId {
    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.0)
    }
}

impl<'r> Answer<'r> for ContainerId {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, dialect);
        let id = reader.id()?;
        reader.finish()?;
        Ok(Self(id))
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "container {:04X}", self.0)
    }
}

/// What a key pair or certificate is for: 0 encryption, 1 signature.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum KeyUse {
    /// Encryption (0).
    Encrypt = 0,
    /// Signature (1).
    Sign = 1,
}

impl KeyUse {
    /// Both.
    pub const ALL: [KeyUse; 2] = [KeyUse::Encrypt, KeyUse::Sign];
    pub(super) const VALUES: Values = Values::Range(0, 1);

    pub(super) const fn from_p1(p1: u8) -> KeyUse {
        if p1 == 0 { KeyUse::Encrypt } else { KeyUse::Sign }
    }
}

impl fmt::Display for KeyUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyUse::Encrypt => "encryption",
            KeyUse::Sign => "sign",
        })
    }
}

macro_rules! by_name {
    ($(#[$doc:meta])* $name:ident, $answer:ty, $size:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name<'a> {
            /// The application.
            pub application: AppId,
            /// The container's name, 1 to 64 bytes.
            pub name: &'a [u8],
        }

        impl<'a> Command<'a> for $name<'a> {
            const INS: Ins = Ins::$name;
            const SHAPE: Shape = Shape { data: Length::AtLeast(2), answer: $size, ..Shape::PLAIN };
            type Answer<'r> = $answer;

            fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
                writer.id(self.application.0)?;
                writer.put(self.name)
            }

            fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
                let mut reader = Reader::new(apdu.data, dialect);
                let application = AppId(reader.id()?);
                Ok(Self { application, name: names::checked(reader.rest(), MAX_CONTAINER_NAME)? })
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", self.application, Text(self.name))
            }
        }
    };
}

by_name! {
    /// Creates a container and opens it.
    CreateContainer, ContainerId, Size::Fixed(2)
}
by_name! {
    /// Opens a container by its name.
    OpenContainer, ContainerId, Size::Fixed(2)
}
by_name! {
    /// Deletes a container with its keys and certificates.
    DeleteContainer, Nothing, Size::None
}
by_name! {
    /// Asks what a container holds.
    GetContainerInfo, ContainerInfo, Size::Fixed(ContainerInfo::SIZE)
}

/// Closes a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CloseContainer {
    /// The application.
    pub application: AppId,
    /// The container.
    pub container: ContainerId,
}

impl<'a> Command<'a> for CloseContainer {
    const INS: Ins = Ins::CloseContainer;
    const SHAPE: Shape = Shape { data: Length::Exactly(4), ..Shape::PLAIN };
    type Answer<'r> = Nothing;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.application.0)?;
        writer.id(self.container.0)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let command = Self { application: AppId(reader.id()?), container: ContainerId(reader.id()?) };
        reader.finish()?;
        Ok(command)
    }
}

impl fmt::Display for CloseContainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.application, self.container)
    }
}

ids::of_application! {
    /// Asks for the names of an application's containers.
    EnumContainer, Names<'r>, Size::Variable
}

/// What kind of keys a container holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContainerType {
    /// None yet (0).
    Empty,
    /// RSA (1).
    Rsa,
    /// SM2 (2).
    Ecc,
    /// A value of no standard.
    Other(u8),
}

/// What GetContainerInfo answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ContainerInfo {
    /// Kind of keys.
    pub container_type: ContainerType,
    /// Bits of the sign key pair, 0 without one.
    pub sign_bits: u32,
    /// Bits of the encryption key pair, 0 without one.
    pub encrypt_bits: u32,
    /// There is a sign certificate.
    pub sign_certificate: bool,
    /// There is an encryption certificate.
    pub encrypt_certificate: bool,
}

impl ContainerInfo {
    /// Its size on the wire, in bytes.
    pub const SIZE: u16 = 11;

    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.byte(match self.container_type {
            ContainerType::Empty => 0,
            ContainerType::Rsa => 1,
            ContainerType::Ecc => 2,
            ContainerType::Other(value) => value,
        })?;
        writer.quantity(self.sign_bits)?;
        writer.quantity(self.encrypt_bits)?;
        writer.put(&[u8::from(self.sign_certificate), u8::from(self.encrypt_certificate)])
    }
}

impl<'r> Answer<'r> for ContainerInfo {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, dialect);
        let info = Self {
            container_type: match reader.byte()? {
                0 => ContainerType::Empty,
                1 => ContainerType::Rsa,
                2 => ContainerType::Ecc,
                value => ContainerType::Other(value),
            },
            sign_bits: reader.quantity()?,
            encrypt_bits: reader.quantity()?,
            sign_certificate: reader.byte()? != 0,
            encrypt_certificate: reader.byte()? != 0,
        };
        reader.finish()?;
        Ok(info)
    }
}

impl fmt::Display for ContainerInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificate = |there| if there { " and certificate" } else { "" };
        let (sign, encrypt) = (certificate(self.sign_certificate), certificate(self.encrypt_certificate));
        write!(f, "sign {} bits{sign}, encryption {} bits{encrypt}", self.sign_bits, self.encrypt_bits)
    }
}

/// Stores a certificate beside its key pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ImportCertificate<'a> {
    /// The application.
    pub application: AppId,
    /// The container.
    pub container: ContainerId,
    /// Of which key pair.
    pub key_use: KeyUse,
    /// The certificate as it will be given back. A token does not parse it.
    pub certificate: &'a [u8],
}

impl<'a> Command<'a> for ImportCertificate<'a> {
    const INS: Ins = Ins::ImportCertificate;
    const SHAPE: Shape = Shape { data: Length::AtLeast(9), ..Shape::PLAIN };
    type Answer<'r> = Nothing;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.application.0)?;
        writer.id(self.container.0)?;
        writer.byte(self.key_use as u8)?;
        writer.sized(self.certificate)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let command = Self {
            application: AppId(reader.id()?),
            container: ContainerId(reader.id()?),
            key_use: match reader.byte()? {
                0 => KeyUse::Encrypt,
                1 => KeyUse::Sign,
                _ => return Err(Status::WRONG_DATA),
            },
            certificate: reader.sized()?,
        };
        reader.finish()?;
        if command.certificate.is_empty() { Err(Status::WRONG_DATA) } else { Ok(command) }
    }
}

impl fmt::Display for ImportCertificate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (application, container) = (self.application, self.container);
        write!(f, "{application} {container} {} certificate, {} bytes", self.key_use, self.certificate.len())
    }
}

ids::of_key_use! {
    /// Asks for a certificate.
    ExportCertificate, Certificate<'r>, Size::Variable, "certificate"
}

/// A certificate as it was stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Certificate<'r>(pub &'r [u8]);

impl Certificate<'_> {
    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        Self::space(self.0.len(), writer)?.copy_from_slice(self.0);
        Ok(())
    }

    /// Encodes one of so many bytes, which the caller fills in.
    pub fn space<'w>(length: usize, writer: &'w mut Writer<'_>) -> Result<&'w mut [u8], Overflow> {
        writer.length(length)?;
        writer.space(length)
    }
}

impl<'r> Answer<'r> for Certificate<'r> {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, dialect);
        let certificate = reader.sized()?;
        reader.finish()?;
        Ok(Self(certificate))
    }
}

impl fmt::Display for Certificate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
