//! Application commands (GM/T 0017-2012 clause 9.3).

use core::fmt;

use super::names::Text;
use super::{Answer, Command, Length, Names, Nothing, REDACTED, Shape, Size, ids, names};
use crate::dialect::{ApplicationNameWidth, Dialect};
use crate::envelope::Apdu;
use crate::ins::Ins;
use crate::pin::{MAX_PIN, Pin};
use crate::status::Status;
use crate::wire::{Malformed, Overflow, Reader, Writer, unpadded};

/// Longest application name, in bytes.
pub const MAX_APPLICATION_NAME: usize = 32;

/// Bytes of CreateApplication behind the name.
const BEHIND_NAME: usize = 16 + 4 + 16 + 4 + 4 + 1 + 1 + 2;

/// The id of an open application: 2 opaque bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AppId(pub u16);

impl AppId {
    /// As P1 and P2 of the commands that carry it there.
    pub(super) const fn p1p2(self) -> (u8, u8) {
        let [p1, p2] = self.0.to_be_bytes();
        (p1, p2)
    }

    /// The id in P1 and P2 of a command that carries it there.
    #[must_use]
    pub const fn of_header(apdu: &Apdu<'_>) -> AppId {
        AppId(u16::from_be_bytes([apdu.p1, apdu.p2]))
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "application {:04X}", self.0)
    }
}

/// Who may do something: the account bits of GM/T 0016, which may be combined.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rights(pub u32);

impl Rights {
    /// Nobody (SECURE_NEVER_ACCOUNT).
    pub const NEVER: Rights = Rights(0x00);
    /// Who proved the administrator PIN (SECURE_ADM_ACCOUNT).
    pub const ADMINISTRATOR: Rights = Rights(0x01);
    /// Who proved the user PIN (SECURE_USER_ACCOUNT).
    pub const USER: Rights = Rights(0x10);
    /// Anyone (SECURE_ANYONE_ACCOUNT).
    pub const ANYONE: Rights = Rights(0xFF);

    /// Whether all of `other` is among them.
    #[must_use]
    pub const fn include(self, other: Rights) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether GM/T 0016 defines them: nobody, administrator, user, either of them, anyone.
    #[must_use]
    pub const fn are_defined(self) -> bool {
        matches!(self.0, 0x00 | 0x01 | 0x10 | 0x11 | 0xFF)
    }
}

impl core::ops::BitOr for Rights {
    type Output = Rights;

    fn bitor(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x00 => f.write_str("nobody"),
            0x01 => f.write_str("the administrator"),
            0x10 => f.write_str("the user"),
            0x11 => f.write_str("the administrator or the user"),
            0xFF => f.write_str("anyone"),
            other => write!(f, "rights {other:08X}"),
        }
    }
}

/// Creates an application with its two PINs.
#[derive(Clone, Debug)]
pub struct CreateApplication<'a> {
    /// Its name, 1 to 32 bytes.
    pub name: &'a [u8],
    /// The administrator PIN, in clear as the standard has it.
    pub admin_pin: Pin,
    /// Tries of the administrator PIN.
    pub admin_retries: u32,
    /// The user PIN, in clear as the standard has it.
    pub user_pin: Pin,
    /// Tries of the user PIN.
    pub user_retries: u32,
    /// Who may create files.
    pub create_file: Rights,
    /// Most containers.
    pub max_containers: u8,
    /// Most certificates.
    pub max_certificates: u8,
    /// Most files.
    pub max_files: u16,
}

impl<'a> Command<'a> for CreateApplication<'a> {
    const INS: Ins = Ins::CreateApplication;
    const SHAPE: Shape = Shape {
        data: Length::OneOf(&[
            ApplicationNameWidth::Narrow.bytes() + BEHIND_NAME,
            ApplicationNameWidth::Wide.bytes() + BEHIND_NAME,
        ]),
        ..Shape::PLAIN
    };
    type Answer<'r> = Nothing;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        let width = writer.dialect().application_name.bytes();
        names::write_padded(writer, self.name, MAX_APPLICATION_NAME, width)?;
        writer.put(self.admin_pin.padded())?;
        writer.quantity(self.admin_retries)?;
        writer.put(self.user_pin.padded())?;
        writer.quantity(self.user_retries)?;
        writer.constant(self.create_file.0)?;
        writer.put(&[self.max_containers, self.max_certificates])?;
        writer.quantity16(self.max_files)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let pin = |reader: &mut Reader<'a>| {
            let field: [u8; MAX_PIN] = reader.array()?;
            Pin::from_padded(&field).map_err(|_| Malformed)
        };
        let width = apdu.data.len().checked_sub(BEHIND_NAME).ok_or(Malformed)?;
        let command = Self {
            name: names::checked(unpadded(reader.take(width)?), MAX_APPLICATION_NAME)?,
            admin_pin: pin(&mut reader)?,
            admin_retries: reader.quantity()?,
            user_pin: pin(&mut reader)?,
            user_retries: reader.quantity()?,
            create_file: Rights(reader.constant()?),
            max_containers: reader.byte()?,
            max_certificates: reader.byte()?,
            max_files: reader.quantity16()?,
        };
        reader.finish()?;
        Ok(command)
    }
}

impl fmt::Display for CreateApplication<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, admin, user) = (Text(self.name), self.admin_retries, self.user_retries);
        write!(f, "{name} administrator PIN {REDACTED} {admin} tries, user PIN {REDACTED} {user} tries")
    }
}

/// Asks for the names of all applications.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EnumApplication;

impl<'a> Command<'a> for EnumApplication {
    const INS: Ins = Ins::EnumApplication;
    const SHAPE: Shape = Shape { answer: Size::Variable, ..Shape::PLAIN };
    type Answer<'r> = Names<'r>;

    fn write(&self, _: &mut Writer<'_>) -> Result<(), Overflow> {
        Ok(())
    }

    fn read(_: &Apdu<'a>, _: &Dialect) -> Result<Self, Status> {
        Ok(Self)
    }
}

impl fmt::Display for EnumApplication {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

macro_rules! by_name {
    ($(#[$doc:meta])* $name:ident, $answer:ty, $size:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name<'a> {
            /// The application's name, 1 to 32 bytes.
            pub name: &'a [u8],
        }

        impl<'a> Command<'a> for $name<'a> {
            const INS: Ins = Ins::$name;
            const SHAPE: Shape = Shape { data: Length::AtLeast(0), answer: $size, ..Shape::PLAIN };
            type Answer<'r> = $answer;

            fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
                writer.put(self.name)
            }

            fn read(apdu: &Apdu<'a>, _: &Dialect) -> Result<Self, Status> {
                Ok(Self { name: names::checked(apdu.data, MAX_APPLICATION_NAME)? })
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Text(self.name).fmt(f)
            }
        }
    };
}

by_name! {
    /// Deletes an application with all that is in it.
    DeleteApplication, Nothing, Size::None
}

by_name! {
    /// Opens an application by its name.
    OpenApplication, ApplicationInfo, Size::Fixed(ApplicationInfo::SIZE)
}

/// What OpenApplication answers: limits of the application and its id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ApplicationInfo {
    /// Who may create files.
    pub create_file: Rights,
    /// Most containers; 0 where it is not stated.
    pub max_containers: u8,
    /// Most certificates; 0 where it is not stated.
    pub max_certificates: u8,
    /// Most files; 0 where it is not stated.
    pub max_files: u16,
    /// The id by which it is open.
    pub id: AppId,
}

impl ApplicationInfo {
    /// Its size on the wire, in bytes.
    pub const SIZE: u16 = 10;

    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.constant(self.create_file.0)?;
        writer.put(&[self.max_containers, self.max_certificates])?;
        writer.quantity16(self.max_files)?;
        writer.id(self.id.0)
    }
}

impl<'r> Answer<'r> for ApplicationInfo {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, dialect);
        let info = Self {
            create_file: Rights(reader.constant()?),
            max_containers: reader.byte()?,
            max_certificates: reader.byte()?,
            max_files: reader.quantity16()?,
            id: AppId(reader.id()?),
        };
        reader.finish()?;
        Ok(info)
    }
}

impl fmt::Display for ApplicationInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

ids::of_application! {
    /// Closes an application: its id ends, and those of its containers. Rights stay (GM/T 0063-2018 clause 8.2.3.5).
    CloseApplication, Nothing, Size::None
}
