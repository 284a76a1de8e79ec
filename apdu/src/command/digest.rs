//! Digests (GM/T 0017-2012 clauses 9.6.35 to 9.6.38). They want no key, no application and no right.

use core::fmt;

use super::{Answer, Command, Data, EccPublicKey, Length, Nothing, Shape, Size, Values};
use crate::dialect::{Dialect, DigestForm};
use crate::envelope::Apdu;
use crate::ins::Ins;
use crate::status::Status;
use crate::wire::{Malformed, Overflow, Reader, Writer};

/// A digest algorithm, by its P2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum DigestAlgorithm {
    /// SM3 (1), GB/T 32905.
    Sm3 = 1,
    /// SHA-1 (2), FIPS 180-4.
    Sha1 = 2,
    /// SHA-256 (3), FIPS 180-4.
    Sha256 = 3,
}

impl DigestAlgorithm {
    /// All of them.
    pub const ALL: [DigestAlgorithm; 3] =
        [DigestAlgorithm::Sm3, DigestAlgorithm::Sha1, DigestAlgorithm::Sha256];

    /// Size of its digest, in bytes.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            DigestAlgorithm::Sha1 => 20,
            DigestAlgorithm::Sm3 | DigestAlgorithm::Sha256 => 32,
        }
    }

    const fn from_p2(p2: u8) -> Result<Self, Status> {
        match p2 {
            1 => Ok(DigestAlgorithm::Sm3),
            2 => Ok(DigestAlgorithm::Sha1),
            3 => Ok(DigestAlgorithm::Sha256),
            _ => Err(Status::UNSUPPORTED_DIGEST),
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DigestAlgorithm::Sm3 => "SM3",
            DigestAlgorithm::Sha1 => "SHA-1",
            DigestAlgorithm::Sha256 => "SHA-256",
        })
    }
}

/// Who signs: what SM2 puts in front of a message as Z (GM/T 0009).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signer<'a> {
    /// The signer's public key.
    pub public_key: EccPublicKey,
    /// The signer's identity, not empty.
    pub id: &'a [u8],
}

/// Begins a digest; one that was under way is forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DigestInit<'a> {
    /// The algorithm (P2).
    pub algorithm: DigestAlgorithm,
    /// With SM3 only: the digest will be that of an SM2 signature, SM3(Z ‖ message).
    pub signer: Option<Signer<'a>>,
}

impl<'a> Command<'a> for DigestInit<'a> {
    const INS: Ins = Ins::DigestInit;
    const SHAPE: Shape = Shape { p2: Values::Range(0, 0xFF), data: Length::AtLeast(0), ..Shape::PLAIN };
    type Answer<'r> = Nothing;

    fn p1p2(&self) -> (u8, u8) {
        (0, self.algorithm as u8)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        let Some(signer) = self.signer else {
            return Ok(());
        };
        signer.public_key.write(writer)?;
        writer.sized(signer.id)
    }

    fn read(apdu: &Apdu<'a>, dialect: &'a Dialect) -> Result<Self, Status> {
        let algorithm = DigestAlgorithm::from_p2(apdu.p2)?;
        if apdu.data.is_empty() {
            return Ok(Self { algorithm, signer: None });
        }
        let mut reader = Reader::new(apdu.data, dialect);
        let signer = Signer { public_key: EccPublicKey::take(&mut reader)?, id: reader.sized()? };
        reader.finish()?;
        if algorithm != DigestAlgorithm::Sm3 || signer.id.is_empty() {
            return Err(Status::WRONG_DATA);
        }
        Ok(Self { algorithm, signer: Some(signer) })
    }
}

impl fmt::Display for DigestInit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.algorithm.fmt(f)?;
        match self.signer {
            Some(signer) => write!(f, " for a signature with {}", signer.public_key),
            None => Ok(()),
        }
    }
}

/// What Digest and DigestFinal answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DigestValue<'r>(pub &'r [u8]);

impl DigestValue<'_> {
    /// Encodes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
        match writer.dialect().digest {
            DigestForm::Bare => writer.put(self.0),
            DigestForm::LengthPrefixed => writer.sized(self.0),
        }
    }
}

/// Some tokens put the length in front.
impl<'r> Answer<'r> for DigestValue<'r> {
    fn read(bytes: &'r [u8], dialect: &'r Dialect) -> Result<Self, Malformed> {
        let is_size = |length| DigestAlgorithm::ALL.iter().any(|algorithm| algorithm.size() == length);
        if is_size(bytes.len()) {
            return Ok(Self(bytes));
        }
        let mut reader = Reader::new(bytes, dialect);
        let value = reader.sized()?;
        reader.finish()?;
        if is_size(value.len()) { Ok(Self(value)) } else { Err(Malformed) }
    }
}

impl fmt::Display for DigestValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "digest of {} bytes", self.0.len())
    }
}

/// A step of a digest: a part of the message goes in.
macro_rules! step {
    ($(#[$doc:meta])* $name:ident, $answer:ty, $size:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name<'a> {
            /// The message, or a part of it.
            pub data: Data<'a>,
        }

        impl<'a> Command<'a> for $name<'a> {
            const INS: Ins = Ins::$name;
            const SHAPE: Shape = Shape { data: Length::AtLeast(0), answer: $size, ..Shape::PLAIN };
            type Answer<'r> = $answer;

            fn write(&self, writer: &mut Writer<'_>) -> Result<(), Overflow> {
                writer.put(self.data.0)
            }

            fn read(apdu: &Apdu<'a>, _: &'a Dialect) -> Result<Self, Status> {
                Ok(Self { data: Data(apdu.data) })
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.data.fmt(f)
            }
        }
    };
}

step! {
    /// Makes the digest of a message in one, and ends what DigestInit began.
    Digest, DigestValue<'r>, Size::Variable
}
step! {
    /// A part of the message, of any length.
    DigestUpdate, Nothing, Size::None
}
step! {
    /// Ends a digest, after the last data if there are any.
    DigestFinal, DigestValue<'r>, Size::Variable
}
