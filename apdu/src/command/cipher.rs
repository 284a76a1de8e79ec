//! Encryption, decryption and MAC with a session key (GM/T 0017-2012 clauses 9.6.27 to 9.6.34 and 9.6.39 to 9.6.42).

use core::fmt;

use super::algorithm::Symmetric;
use super::{Command, Data, KeyHandle, Length, Nothing, Shape, Size};
use crate::dialect::{CipherParametersForm, DecryptInitForm, Dialect};
use crate::envelope::Apdu;
use crate::ins::Ins;
use crate::mac::BLOCK;
use crate::status::Status;
use crate::wire::{Overflow, Reader, Writer};

/// Size of a MAC of MacFinal and Mac, in bytes: the last cipher block.
#[allow(clippy::cast_possible_truncation, reason = "16")]
const MAC_SIZE: u16 = BLOCK as u16;

/// Bytes of the IV in BLOCKCIPHERPARAM of GM/T 0016.
const STRUCTURE_IV: usize = 32;

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
    /// Cipher and mode (GM/T 0006); those that the key was made for, where the dialect leaves them out.
    pub algorithm: Option<u32>,
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
        Self { algorithm: Some(algorithm), iv, padding: Padding::None, feedback_bits: 0 }
    }

    /// The same with padding.
    #[must_use]
    pub const fn padded(self) -> Self {
        Self { padding: Padding::Pkcs5, ..self }
    }

    fn write(&self, writer: &mut Writer<'_>, named: DecryptInitForm) -> Result<(), Overflow> {
        if named == DecryptInitForm::Algorithm {
            // There is no algorithm 0: a token refuses it.
            writer.constant(self.algorithm.unwrap_or(0))?;
        }
        match writer.dialect().cipher_parameters {
            CipherParametersForm::Fields => writer.sized16(self.iv)?,
            CipherParametersForm::Structure => {
                writer.padded(self.iv, STRUCTURE_IV)?;
                writer.length(self.iv.len())?;
            }
        }
        writer.quantity(u32::from(self.padding as u8))?;
        writer.quantity(self.feedback_bits)
    }

    fn take(reader: &mut Reader<'a>, named: DecryptInitForm) -> Result<Self, Status> {
        let algorithm = match named {
            DecryptInitForm::Algorithm => Some(reader.constant()?),
            DecryptInitForm::KeysOwn => None,
        };
        let iv = match reader.dialect().cipher_parameters {
            CipherParametersForm::Fields => reader.sized16()?,
            CipherParametersForm::Structure => {
                let field = reader.take(STRUCTURE_IV)?;
                let length = usize::try_from(reader.quantity()?).map_err(|_| Status::WRONG_DATA)?;
                field.get(..length).ok_or(Status::WRONG_DATA)?
            }
        };
        let padding = Padding::from_value(reader.quantity()?)?;
        Ok(Self { algorithm, iv, padding, feedback_bits: reader.quantity()? })
    }
}

impl fmt::Display for CipherParameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let padding = if self.padding == Padding::Pkcs5 { ", padded" } else { "" };
        match self.algorithm {
            Some(algorithm) => Symmetric(algorithm).fmt(f)?,
            None => f.write_str("the key's algorithm")?,
        }
        write!(f, ", IV of {} bytes{padding}", self.iv.len())
    }
}

/// The beginning of an operation.
macro_rules! beginning {
    ($(#[$doc:meta])* $name:ident, $named:expr) => {
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

            fn shape(dialect: &Dialect) -> Shape {
                let named: fn(&Dialect) -> DecryptInitForm = $named;
                let algorithm = if named(dialect) == DecryptInitForm::Algorithm { 4 } else { 0 };
                let data = match dialect.cipher_parameters {
                    CipherParametersForm::Fields => Length::AtLeast(KeyHandle::SIZE + algorithm + 10),
                    CipherParametersForm::Structure => {
                        Length::Exactly(KeyHandle::SIZE + algorithm + STRUCTURE_IV + 12)
                    }
                };
                Shape { data, ..Self::SHAPE }
            }

            fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
                self.key.write(writer)?;
                let named: fn(&Dialect) -> DecryptInitForm = $named;
                self.parameters.write(writer, named(writer.dialect()))
            }

            fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
                let mut reader = Reader::new(apdu.data, dialect);
                let key = KeyHandle::take(&mut reader)?;
                let named: fn(&Dialect) -> DecryptInitForm = $named;
                let parameters = CipherParameters::take(&mut reader, named(dialect))?;
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
    EncryptInit, |_| DecryptInitForm::Algorithm
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
    DecryptInit, |dialect| dialect.decrypt_init
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
    MacInit, |_| DecryptInitForm::Algorithm
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
