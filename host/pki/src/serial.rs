//! Serial numbers of certificates.

use std::{fmt, str::FromStr};

use der::asn1::Int;
use rand_core::CryptoRng;

/// The serial number of a certificate: a positive integer, big-endian without leading zeros.
///
/// Shown as upper-case hexadecimal of whole bytes, and read from it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Vec<u8>);

/// The text is no serial number: not 1 to 32 bytes in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a serial number is 1 to 32 bytes in hexadecimal")]
pub struct ParseSerialError;

impl Serial {
    /// 16 random bytes; 126 bits are random, so that the number is positive and always 16 bytes long.
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut bytes = vec![0; 16];
        rng.fill_bytes(&mut bytes);
        bytes[0] = bytes[0] & 0x7F | 0x40;
        Self(bytes)
    }

    /// The number's bytes, big-endian without leading zeros.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Leniently: a negative number, which some authorities wrote by mistake, keeps its bytes.
    pub(crate) fn decode(value: &Int) -> Self {
        Self::strip(value.as_bytes())
    }

    pub(crate) fn encode(&self) -> der::Result<Int> {
        // A first byte above 7F would make the INTEGER negative.
        let padding: &[u8] = if self.0.first().is_some_and(|first| *first > 0x7F) { &[0] } else { &[] };
        Int::new(&[padding, &self.0].concat())
    }

    fn strip(bytes: &[u8]) -> Self {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(bytes.len().saturating_sub(1));
        Self(bytes[zeros..].to_vec())
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

impl FromStr for Serial {
    type Err = ParseSerialError;

    fn from_str(text: &str) -> Result<Self, ParseSerialError> {
        let digits: Vec<u8> = text
            .chars()
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()
            .ok_or(ParseSerialError)?;
        if digits.is_empty() || !digits.len().is_multiple_of(2) || digits.len() > 64 {
            return Err(ParseSerialError);
        }
        let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        Ok(Self::strip(&bytes))
    }
}
