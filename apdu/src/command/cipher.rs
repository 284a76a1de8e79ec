//! Encryption, decryption and MAC with a session key (GM/T 0017-2012 clauses 9.6.27 to 9.6.34 and 9.6.39 to 9.6.42).

use core::fmt;

use super::algorithm::Symmetric;
use super::{Command, Data, KeyHandle, Length, Nothing, Shape, Size};
use crate::dialect::Dialect;
use crate::envelope::Apdu;
use crate::ins::Ins;
use crate::mac::BLOCK;
use crate::status::Status;
use crate::wire::{Overflow, Reader, Writer};

/// Size of a MAC of MacFinal and Mac, in bytes: the last cipher block.
#[allow(clippy::cast_possible_truncation, reason = "16")]
const MAC_SIZE: u16 = BLOCK as u16;

/// What fills the last block of a plaintext.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Padding {
    /// Nothing (0).
    None = 0,
    /// As many bytes as are missing, each their number; a whole block where none is missing (1, PKCS#5).
    Pkcs5 = 1,
}

impl Padding {
    const fn from_value(value: u32) -> Result<Padding, Status> {
        match value {
            0 => Ok(Padding::None),
            1 => Ok(Padding::Pkcs5),
            _ => Err(Status::WRONG_DATA),
        }
    }
}

/// How a session key is used (BLOCKCIPHERPARAM of GM/T 0016, and the algorithm).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CipherParameters<'a> {
    /// Cipher and mode (GM/T 0006).
    pub algorithm: u32,
    /// The initialisation vector.
    pub iv: &'a [u8],
    /// What fills the last block.
    pub padding: Padding,
    /// Bits that are fed back in modes CFB and OFB; 0 stands for a whole block.
    pub feedback_bits: u32,
}

impl<'a> CipherParameters<'a> {
    /// No padding, whole blocks fed back.
    #[must_use]
    pub const fn new(algorithm: u32, iv: &'a [u8]) -> Self {
        Self { algorithm, iv, padding: Padding::None, feedback_bits: 0 }
    }

    /// The same with padding.
    #[must_use]
    pub const fn padded(self) -> Self {
        Self { padding: Padding::Pkcs5, ..self }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.constant(self.algorithm)?;
        writer.sized16(self.iv)?;
        writer.quantity(u32::from(self.padding as u8))?;
        writer.quantity(self.feedback_bits)
    }

    fn take(reader: &mut Reader<'a>) -> Result<Self, Status> {
        Ok(Self {
            algorithm: reader.constant()?,
            iv: reader.sized16()?,
            padding: Padding::from_value(reader.quantity()?)?,
            feedback_bits: reader.quantity()?,
        })
    }
}

impl fmt::Display for CipherParameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let padding = if self.padding == Padding::Pkcs5 { ", padded" } else { "" };
        write!(f, "{}, IV of {} bytes{padding}", Symmetric(self.algorithm), self.iv.len())
    }
}

/// The beginning of an operation.
macro_rules! beginning {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name<'a> {
            /// The key.
            pub key: KeyHandle,
            /// How it is used.
            pub parameters: CipherParameters<'a>,
        }

        impl<'a> Command<'a> for $name<'a> {
            const INS: Ins = Ins::$name;
            const SHAPE: Shape = Shape { data: Length::AtLeast(KeyHandle::SIZE + 14), ..Shape::PLAIN };
            type Answer<'r> = Nothing;

            fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
                self.key.write(writer)?;
                self.parameters.write(writer)
            }

            fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
                let mut reader = Reader::new(apdu.data, dialect);
                let key = KeyHandle::take(&mut reader)?;
                let parameters = CipherParameters::take(&mut reader)?;
                reader.finish()?;
                Ok(Self { key, parameters })
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", self.key, self.parameters)
            }
        }
    };
}

/// A step of an operation: data go in, data come out.
macro_rules! step {
    ($(#[$doc:meta])* $name:ident, $answer:ty, $size:expr, at least $least:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name<'a> {
            /// The key.
            pub key: KeyHandle,
            /// What goes in.
            pub data: Data<'a>,
        }

        impl<'a> Command<'a> for $name<'a> {
            const INS: Ins = Ins::$name;
            const SHAPE: Shape =
                Shape { data: Length::AtLeast(KeyHandle::SIZE + $least), answer: $size, ..Shape::PLAIN };
            type Answer<'r> = $answer;

            fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
                self.key.write(writer)?;
                writer.put(self.data.0)
            }

            fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
                let mut reader = Reader::new(apdu.data, dialect);
                Ok(Self { key: KeyHandle::take(&mut reader)?, data: Data(reader.rest()) })
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", self.key, self.data)
            }
        }
    };
}

beginning! {
    /// Begins an encryption; one that was under way with the key is forgotten.
    EncryptInit
}
step! {
    /// Encrypts all in one, and ends what EncryptInit began.
    Encrypt, Data<'r>, Size::Variable, at least 0
}
step! {
    /// Encrypts a part of any length; whole blocks come out.
    EncryptUpdate, Data<'r>, Size::Variable, at least 0
}
step! {
    /// Ends an encryption, after the last data if there are any; the rest comes out.
    EncryptFinal, Data<'r>, Size::Variable, at least 0
}
beginning! {
    /// Begins a decryption; one that was under way with the key is forgotten.
    DecryptInit
}
step! {
    /// Decrypts all in one, and ends what DecryptInit began.
    Decrypt, Data<'r>, Size::Variable, at least 0
}
step! {
    /// Decrypts a part of any length; whole blocks come out, with padding all but the last.
    DecryptUpdate, Data<'r>, Size::Variable, at least 0
}
step! {
    /// Ends a decryption, after the last data if there are any; the rest comes out, without its padding.
    DecryptFinal, Data<'r>, Size::Variable, at least 0
}
beginning! {
    /// Begins a MAC; one that was under way with the key is forgotten.
    MacInit
}
step! {
    /// Makes the MAC of a message in one, and ends what MacInit began.
    Mac, Data<'r>, Size::Fixed(MAC_SIZE), at least 1
}
step! {
    /// A part of the message, of any length.
    MacUpdate, Nothing, Size::None, at least 0
}
step! {
    /// Ends a MAC, after the last data if there are any. The message as a whole is a multiple of the block.
    MacFinal, Data<'r>, Size::Fixed(MAC_SIZE), at least 0
}
