//! PIN commands (GM/T 0017-2012 clauses 9.2.4 to 9.2.8).

use core::fmt;

use super::{Answer, AppId, Command, Length, Nothing, REDACTED, Shape, Size, Values, ids};
use crate::dialect::Dialect;
use crate::envelope::Apdu;
use crate::ins::Ins;
use crate::mac::{BLOCK, MAC_LENGTH};
use crate::pin::SealedPin;
use crate::status::Status;
use crate::wire::{Malformed, Overflow, Reader, Writer};

/// Whose PIN: P2 of the PIN commands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum PinType {
    /// The administrator's (0).
    Administrator = 0,
    /// The user's (1).
    User = 1,
}

impl PinType {
    const VALUES: Values = Values::Range(0, 1);

    const fn from_p2(p2: u8) -> PinType {
        if p2 == 0 { PinType::Administrator } else { PinType::User }
    }
}

impl fmt::Display for PinType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PinType::Administrator => "administrator PIN",
            PinType::User => "user PIN",
        })
    }
}

/// Asks for the retry count of a PIN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GetPinInfo {
    /// The application.
    pub application: AppId,
    /// Whose PIN.
    pub pin_type: PinType,
}

impl<'a> Command<'a> for GetPinInfo {
    const INS: Ins = Ins::GetPinInfo;
    const SHAPE: Shape =
        Shape { p2: PinType::VALUES, data: Length::Exactly(2), answer: Size::Fixed(3), ..Shape::PLAIN };
    type Answer<'r> = PinInfo;

    fn p1p2(&self) -> (u8, u8) {
        (0, self.pin_type as u8)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.application.0)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let application = AppId(reader.id()?);
        reader.finish()?;
        Ok(Self { application, pin_type: PinType::from_p2(apdu.p2) })
    }
}

impl fmt::Display for GetPinInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.application, self.pin_type)
    }
}

/// The retry count of a PIN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PinInfo {
    /// Tries after a success.
    pub max_retries: u8,
    /// Tries left.
    pub remaining: u8,
    /// Nobody has changed the PIN since the application was created.
    pub is_default: bool,
}

impl PinInfo {
    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.put(&[self.max_retries, self.remaining, u8::from(self.is_default)])
    }
}

impl Answer<'_> for PinInfo {
    fn read(bytes: &[u8], _: &Dialect) -> Result<Self, Malformed> {
        match *bytes {
            [max_retries, remaining, flag] => Ok(Self { max_retries, remaining, is_default: flag != 0 }),
            _ => Err(Malformed),
        }
    }
}

impl fmt::Display for PinInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = if self.is_default { ", the default PIN" } else { "" };
        write!(f, "{} of {} tries left{default}", self.remaining, self.max_retries)
    }
}

/// Proves a PIN over the token's challenge.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyPin {
    /// The application.
    pub application: AppId,
    /// Whose PIN.
    pub pin_type: PinType,
    /// The encrypted challenge.
    pub cryptogram: [u8; BLOCK],
}

impl<'a> Command<'a> for VerifyPin {
    const INS: Ins = Ins::VerifyPin;
    const SHAPE: Shape = Shape { p2: PinType::VALUES, data: Length::Exactly(2 + BLOCK), ..Shape::PLAIN };
    type Answer<'r> = Nothing;

    fn p1p2(&self) -> (u8, u8) {
        (0, self.pin_type as u8)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.id(self.application.0)?;
        writer.put(&self.cryptogram)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let application = AppId(reader.id()?);
        let cryptogram = reader.array()?;
        reader.finish()?;
        Ok(Self { application, pin_type: PinType::from_p2(apdu.p2), cryptogram })
    }
}

impl fmt::Display for VerifyPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {REDACTED}", self.application, self.pin_type)
    }
}

/// Lengths of a command that carries a sealed PIN.
const SEALED: Length = Length::OneOf(&[2 + BLOCK + MAC_LENGTH, 2 + 2 * BLOCK + MAC_LENGTH]);

fn write_sealed(writer: &mut Writer<'_>, application: AppId, sealed: SealedPin<'_>) -> Result<(), Overflow> {
    writer.id(application.0)?;
    writer.put(sealed.block)?;
    writer.put(&sealed.mac)
}

fn read_sealed<'a>(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<(AppId, SealedPin<'a>), Status> {
    let mut reader = Reader::new(apdu.data, dialect);
    let application = AppId(reader.id()?);
    let block = reader.take(reader.remaining().checked_sub(MAC_LENGTH).ok_or(Malformed)?)?;
    Ok((application, SealedPin { block, mac: reader.array()? }))
}

/// Replaces a PIN; the old one proves the right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChangePin<'a> {
    /// The application.
    pub application: AppId,
    /// Whose PIN.
    pub pin_type: PinType,
    /// The new PIN under the old PIN's key.
    pub new_pin: SealedPin<'a>,
}

impl<'a> Command<'a> for ChangePin<'a> {
    const INS: Ins = Ins::ChangePin;
    const SHAPE: Shape = Shape { p2: PinType::VALUES, data: SEALED, protected: true, ..Shape::PLAIN };
    type Answer<'r> = Nothing;

    fn p1p2(&self) -> (u8, u8) {
        (0, self.pin_type as u8)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        write_sealed(writer, self.application, self.new_pin)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let (application, new_pin) = read_sealed(apdu, dialect)?;
        Ok(Self { application, pin_type: PinType::from_p2(apdu.p2), new_pin })
    }
}

impl fmt::Display for ChangePin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {REDACTED}", self.application, self.pin_type)
    }
}

/// Sets a new user PIN and restores its tries; the administrator PIN proves the right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UnblockPin<'a> {
    /// The application.
    pub application: AppId,
    /// The new user PIN under the administrator PIN's key.
    pub new_pin: SealedPin<'a>,
}

impl<'a> Command<'a> for UnblockPin<'a> {
    const INS: Ins = Ins::UnblockPin;
    const SHAPE: Shape = Shape { data: SEALED, protected: true, ..Shape::PLAIN };
    type Answer<'r> = Nothing;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        write_sealed(writer, self.application, self.new_pin)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let (application, new_pin) = read_sealed(apdu, dialect)?;
        Ok(Self { application, new_pin })
    }
}

impl fmt::Display for UnblockPin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} new user PIN {REDACTED}", self.application)
    }
}

ids::of_application! {
    /// Drops every right held in an application.
    ClearSecureState, Nothing, Size::None
}
