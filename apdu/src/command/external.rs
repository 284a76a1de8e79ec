//! SM2 with keys that come in the command (GM/T 0017-2012 clauses 9.6.15 and 9.6.18 to 9.6.20). They want no
//! application and no right. Numbers are 32 bytes, big-endian.

use core::fmt;

use super::{
    Answer, CipherBlock, Command, EccPublicKey, EccSignature, Length, Nothing, REDACTED, SM2_BITS, Shape,
    SignInput, Size, Values, ecc,
};
use crate::dialect::Dialect;
use crate::envelope::Apdu;
use crate::ins::Ins;
use crate::status::Status;
use crate::wire::{Malformed, Overflow, Reader, Writer};

/// Bytes that must not be seen: a plaintext.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Plaintext<'a>(pub &'a [u8]);

impl fmt::Display for Plaintext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl fmt::Debug for Plaintext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'r> Answer<'r> for Plaintext<'r> {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, dialect);
        let plaintext = Self(reader.sized()?);
        reader.finish()?;
        Ok(plaintext)
    }
}

/// A private key on the wire: bits, d.
fn private_key(reader: &mut Reader<'_>) -> Result<[u8; 32], Status> {
    if reader.quantity()? != SM2_BITS {
        return Err(Status::WRONG_DATA);
    }
    Ok(reader.array()?)
}

/// Verifies a signature with a public key from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EccVerify<'a> {
    /// The signer's public key.
    pub public_key: EccPublicKey,
    /// What was signed.
    pub input: SignInput<'a>,
    /// The signature.
    pub signature: EccSignature,
}

impl<'a> Command<'a> for EccVerify<'a> {
    const INS: Ins = Ins::EccVerify;
    const SHAPE: Shape = Shape { p1: Values::Range(1, 2), data: Length::AtLeast(136), ..Shape::PLAIN };
    type Answer<'r> = Nothing;

    fn p1p2(&self) -> (u8, u8) {
        self.input.p1p2()
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        self.public_key.write(writer)?;
        match self.input {
            SignInput::Message { id, message } => {
                writer.sized(id)?;
                writer.sized(message)?;
            }
            SignInput::Digest(digest) => writer.sized(&digest)?,
        }
        writer.put(&self.signature.r)?;
        writer.put(&self.signature.s)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let public_key = EccPublicKey::take(&mut reader)?;
        let input = if apdu.p1 == 1 {
            let (id, message) = (reader.sized()?, reader.sized()?);
            if id.is_empty() {
                return Err(Status::WRONG_DATA);
            }
            SignInput::Message { id, message }
        } else {
            SignInput::Digest(reader.sized()?.try_into().map_err(|_| Status::WRONG_DATA)?)
        };
        let signature = EccSignature { r: reader.array()?, s: reader.array()? };
        reader.finish()?;
        Ok(Self { public_key, input, signature })
    }
}

impl fmt::Display for EccVerify<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.public_key, self.input, self.signature)
    }
}

/// Encrypts for a public key from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExtEccEncrypt<'a> {
    /// The receiver's public key.
    pub public_key: EccPublicKey,
    /// What is encrypted, 1 byte or more.
    pub plaintext: Plaintext<'a>,
}

impl<'a> Command<'a> for ExtEccEncrypt<'a> {
    const INS: Ins = Ins::ExtEccEncrypt;
    const SHAPE: Shape = Shape { data: Length::AtLeast(72), answer: Size::Variable, ..Shape::PLAIN };
    type Answer<'r> = CipherBlock<'r>;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        self.public_key.write(writer)?;
        writer.sized(self.plaintext.0)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let (public_key, plaintext) = (EccPublicKey::take(&mut reader)?, Plaintext(reader.sized()?));
        reader.finish()?;
        if plaintext.0.is_empty() {
            return Err(Status::WRONG_DATA);
        }
        Ok(Self { public_key, plaintext })
    }
}

impl fmt::Display for ExtEccEncrypt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.public_key, self.plaintext)
    }
}

/// Decrypts with a private key from outside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ExtEccDecrypt<'a> {
    /// The private key.
    pub private_key: [u8; 32],
    /// What is decrypted, 1 byte or more.
    pub ciphertext: CipherBlock<'a>,
}

impl<'a> Command<'a> for ExtEccDecrypt<'a> {
    const INS: Ins = Ins::ExtEccDecrypt;
    const SHAPE: Shape = Shape { data: Length::AtLeast(136), answer: Size::Variable, ..Shape::PLAIN };
    type Answer<'r> = Plaintext<'r>;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.quantity(SM2_BITS)?;
        writer.put(&self.private_key)?;
        let CipherBlock { point, hash, cipher } = &self.ciphertext;
        writer.put(&point.x)?;
        writer.put(&point.y)?;
        writer.put(hash)?;
        writer.sized(cipher)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let private_key = private_key(&mut reader)?;
        let point = EccPublicKey { x: reader.array()?, y: reader.array()? };
        let ciphertext = CipherBlock { point, hash: reader.array()?, cipher: reader.sized()? };
        reader.finish()?;
        if ciphertext.cipher.is_empty() {
            return Err(Status::WRONG_DATA);
        }
        Ok(Self { private_key, ciphertext })
    }
}

impl fmt::Display for ExtEccDecrypt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "private key {REDACTED} {}", self.ciphertext)
    }
}

/// Signs a digest e with a private key from outside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ExtEccSign {
    /// The private key.
    pub private_key: [u8; 32],
    /// The digest e.
    pub digest: [u8; 32],
}

impl<'a> Command<'a> for ExtEccSign {
    const INS: Ins = Ins::ExtEccSign;
    const SHAPE: Shape =
        Shape { data: Length::AtLeast(40), answer: Size::Fixed(EccSignature::SIZE), ..Shape::PLAIN };
    type Answer<'r> = EccSignature;

    fn shape(dialect: &Dialect) -> Shape {
        Shape { answer: ecc::confirmed(dialect.external_signature), ..Self::SHAPE }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        writer.quantity(SM2_BITS)?;
        writer.put(&self.private_key)?;
        writer.sized(&self.digest)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let mut reader = Reader::new(apdu.data, dialect);
        let private_key = private_key(&mut reader)?;
        let digest = reader.sized()?.try_into().map_err(|_| Status::WRONG_DATA)?;
        reader.finish()?;
        Ok(Self { private_key, digest })
    }
}

impl fmt::Display for ExtEccSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "private key {REDACTED} digest")
    }
}
