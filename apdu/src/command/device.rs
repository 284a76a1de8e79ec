//! Device commands (GM/T 0017-2012 clauses 9.1, 9.2.2, 9.2.3) and GenRandom (9.6.2).

use core::fmt;

use super::names::Text;
use super::{Answer, Command, Length, Nothing, REDACTED, Shape, Size, Values, names};
use crate::dialect::Dialect;
use crate::envelope::{Apdu, Le};
use crate::ins::Ins;
use crate::mac::{BLOCK, MAC_LENGTH};
use crate::status::Status;
use crate::wire::{Malformed, Overflow, Reader, Writer, unpadded};

/// Longest label, in bytes.
pub const MAX_LABEL: usize = 32;

/// Highest P2 of a device authentication: the key's algorithm, 0 SM1, 1 SSF33, 2 SM4.
const ALGORITHMS: Values = Values::Range(0, 2);

/// Gives the device a label of 1 to 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SetLabel<'a> {
    /// The label, UTF-8.
    pub label: &'a [u8],
}

impl<'a> Command<'a> for SetLabel<'a> {
    const INS: Ins = Ins::SetLabel;
    const SHAPE: Shape = Shape { data: Length::AtLeast(0), ..Shape::PLAIN };
    type Answer<'r> = Nothing;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.put(self.label)
    }

    fn read(apdu: &Apdu<'a>, _: &Dialect) -> Result<Self, Status> {
        Ok(Self { label: names::checked(unpadded(apdu.data), MAX_LABEL)? })
    }
}

impl fmt::Display for SetLabel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "label {}", Text(self.label))
    }
}

/// Asks for the device information.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GetDevInfo;

impl<'a> Command<'a> for GetDevInfo {
    const INS: Ins = Ins::GetDevInfo;
    const SHAPE: Shape = Shape { answer: Size::Fixed(DevInfo::SIZE), ..Shape::PLAIN };
    type Answer<'r> = DevInfo<'r>;

    fn write(&self, _: &mut Writer<'_>) -> Result<(), Overflow> {
        Ok(())
    }

    fn read(_: &Apdu<'a>, _: &Dialect) -> Result<Self, Status> {
        Ok(Self)
    }
}

impl fmt::Display for GetDevInfo {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// A version as two numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version {
    /// Major.
    pub major: u8,
    /// Minor.
    pub minor: u8,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The device information on the wire: 288 bytes. It is not the DEVINFO of GM/T 0016.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DevInfo<'r> {
    /// Version of this structure.
    pub structure: Version,
    /// Version of the specification.
    pub specification: Version,
    /// Manufacturer, at most 64 bytes.
    pub manufacturer: &'r [u8],
    /// Issuer, at most 64 bytes.
    pub issuer: &'r [u8],
    /// Label, at most 32 bytes.
    pub label: &'r [u8],
    /// Serial number, at most 32 bytes.
    pub serial_number: &'r [u8],
    /// Hardware version.
    pub hardware: Version,
    /// Firmware version.
    pub firmware: Version,
    /// Symmetric algorithms, GM/T 0006 mask.
    pub symmetric: u32,
    /// Asymmetric algorithms, mask.
    pub asymmetric: u32,
    /// Digest algorithms, mask.
    pub digest: u32,
    /// Algorithm of the device authentication.
    pub device_auth: u32,
    /// Storage in bytes.
    pub total_space: u32,
    /// Free storage in bytes.
    pub free_space: u32,
    /// Most data bytes of one envelope.
    pub max_apdu_data: u16,
    /// Most containers in an application; 0 where it is not stated.
    pub max_containers: u8,
    /// Most certificates; 0 where it is not stated.
    pub max_certificates: u8,
    /// Most files; 0 where it is not stated.
    pub max_files: u16,
}

impl DevInfo<'_> {
    /// Its size on the wire, in bytes.
    pub const SIZE: u16 = 288;
    /// User authentication by PIN.
    const USER_AUTHENTICATION: u16 = 1;
    /// A token for the USB port.
    const DEVICE_TYPE: u16 = 2;
    /// Bytes at the end that mean nothing.
    const RESERVED: usize = 54;

    /// Encodes it.
    pub fn write(&self, w: &mut Writer<'_>) -> Result<(), Overflow> {
        let version = |w: &mut Writer<'_>, version: Version| w.put(&[version.major, version.minor]);
        version(w, self.structure)?;
        version(w, self.specification)?;
        w.padded(self.manufacturer, 64)?;
        w.padded(self.issuer, 64)?;
        w.padded(self.label, 32)?;
        w.padded(self.serial_number, 32)?;
        version(w, self.hardware)?;
        version(w, self.firmware)?;
        w.constant(self.symmetric)?;
        w.constant(self.asymmetric)?;
        w.constant(self.digest)?;
        w.constant(self.device_auth)?;
        w.quantity(self.total_space)?;
        w.quantity(self.free_space)?;
        w.quantity16(self.max_apdu_data)?;
        w.quantity16(Self::USER_AUTHENTICATION)?;
        w.quantity16(Self::DEVICE_TYPE)?;
        w.byte(self.max_containers)?;
        w.byte(self.max_certificates)?;
        w.quantity16(self.max_files)?;
        w.padded(&[], Self::RESERVED)
    }
}

impl<'r> Answer<'r> for DevInfo<'r> {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let mut r = Reader::new(bytes, dialect);
        let version = |r: &mut Reader<'r>| r.array().map(|[major, minor]| Version { major, minor });
        let info = Self {
            structure: version(&mut r)?,
            specification: version(&mut r)?,
            manufacturer: unpadded(r.take(64)?),
            issuer: unpadded(r.take(64)?),
            label: unpadded(r.take(32)?),
            serial_number: unpadded(r.take(32)?),
            hardware: version(&mut r)?,
            firmware: version(&mut r)?,
            symmetric: r.constant()?,
            asymmetric: r.constant()?,
            digest: r.constant()?,
            device_auth: r.constant()?,
            total_space: r.quantity()?,
            free_space: r.quantity()?,
            max_apdu_data: r.quantity16()?,
            max_containers: {
                r.take(4)?;
                r.byte()?
            },
            max_certificates: r.byte()?,
            max_files: r.quantity16()?,
        };
        r.take(Self::RESERVED)?;
        r.finish()?;
        Ok(info)
    }
}

impl fmt::Display for DevInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (label, serial) = (Text(self.label), Text(self.serial_number));
        write!(
            f,
            "label {label} serial number {serial} firmware {} free {} bytes",
            self.firmware, self.free_space
        )
    }
}

/// Proves knowledge of the device authentication key over the last random handed out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DevAuth {
    /// P2: 0 or 2 for an SM4 key.
    pub algorithm: u8,
    /// The encrypted challenge.
    pub cryptogram: [u8; BLOCK],
}

impl<'a> Command<'a> for DevAuth {
    const INS: Ins = Ins::DevAuth;
    const SHAPE: Shape = Shape { p2: ALGORITHMS, data: Length::Exactly(BLOCK), ..Shape::PLAIN };
    type Answer<'r> = Nothing;

    fn p1p2(&self) -> (u8, u8) {
        (0, self.algorithm)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.put(&self.cryptogram)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let cryptogram = reader.array()?;
        reader.finish()?;
        Ok(Self { algorithm: apdu.p2, cryptogram })
    }
}

impl fmt::Display for DevAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "algorithm {} cryptogram {REDACTED}", self.algorithm)
    }
}

/// Replaces the device authentication key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChangeDevAuthKey {
    /// P2: 0 or 2 for an SM4 key.
    pub algorithm: u8,
    /// The new key, encrypted under the old one.
    pub encrypted_key: [u8; BLOCK],
    /// MAC under the old key.
    pub mac: [u8; MAC_LENGTH],
}

impl<'a> Command<'a> for ChangeDevAuthKey {
    const INS: Ins = Ins::ChangeDevAuthKey;
    const SHAPE: Shape =
        Shape { p2: ALGORITHMS, data: Length::Exactly(BLOCK + MAC_LENGTH), protected: true, ..Shape::PLAIN };
    type Answer<'r> = Nothing;

    fn p1p2(&self) -> (u8, u8) {
        (0, self.algorithm)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.put(&self.encrypted_key)?;
        writer.put(&self.mac)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let command = Self { algorithm: apdu.p2, encrypted_key: reader.array()?, mac: reader.array()? };
        reader.finish()?;
        Ok(command)
    }
}

impl fmt::Display for ChangeDevAuthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "algorithm {} new key {REDACTED}", self.algorithm)
    }
}

/// Asks for random bytes, which are also the challenge of the next authentication.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GenRandom {
    /// How many bytes.
    pub length: u16,
}

impl<'a> Command<'a> for GenRandom {
    const INS: Ins = Ins::GenRandom;
    const SHAPE: Shape = Shape { answer: Size::AsAsked, ..Shape::PLAIN };
    type Answer<'r> = Random<'r>;

    fn le(&self, _: &Dialect) -> Le {
        if self.length == 0 { Le::Max } else { Le::Exact(self.length) }
    }

    fn write(&self, _: &mut Writer<'_>) -> Result<(), Overflow> {
        Ok(())
    }

    fn read(apdu: &Apdu<'a>, _: &Dialect) -> Result<Self, Status> {
        match apdu.le {
            Le::Exact(length) => Ok(Self { length }),
            Le::Absent | Le::Max => Err(Status::WRONG_LE),
        }
    }
}

impl fmt::Display for GenRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.length)
    }
}

/// Random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Random<'r>(pub &'r [u8]);

impl<'r> Answer<'r> for Random<'r> {
    fn read(bytes: &'r [u8], _: &Dialect) -> Result<Self, Malformed> {
        Ok(Self(bytes))
    }
}

impl fmt::Display for Random<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} random bytes", self.0.len())
    }
}
