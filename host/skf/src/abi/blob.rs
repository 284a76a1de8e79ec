//! The structures of the interface and the words of a device: 256-bit numbers are right-aligned in 64 bytes.

use ukey_device::{CipherBlock, EccPublicKey, EccSignature, SealedKey};

use super::pointer::{In, Place};
use super::types::{BYTE, ECCCIPHERBLOB, ECCPRIVATEKEYBLOB, ECCPUBLICKEYBLOB, ECCSIGNATUREBLOB, ULONG};
use crate::sar::{Result, Sar};

/// Bits of SM2.
const BITS: ULONG = 256;
/// Bytes of an ECCCIPHERBLOB in front of its cipher.
pub(crate) const CIPHER_HEAD: usize = size_of::<ECCCIPHERBLOB>() - 1;
/// Longest cipher that is looked at, in bytes.
const LONGEST_CIPHER: ULONG = 0x1_0000;

/// A number in its field.
fn field(number: &[u8; 32]) -> [BYTE; 64] {
    let mut field = [0; 64];
    field[32..].copy_from_slice(number);
    field
}

/// The number of a field; the front half is zeros.
fn number(field: &[BYTE]) -> Result<[u8; 32]> {
    match field.split_first_chunk::<32>() {
        Some(([0, rest @ ..], number)) if rest.iter().all(|byte| *byte == 0) => {
            Ok(number.try_into().map_err(|_| Sar::INDATAERR)?)
        }
        _ => Err(Sar::INDATAERR.into()),
    }
}

impl From<&EccPublicKey> for ECCPUBLICKEYBLOB {
    fn from(key: &EccPublicKey) -> Self {
        Self { BitLen: BITS, XCoordinate: field(&key.x), YCoordinate: field(&key.y) }
    }
}

impl ECCPUBLICKEYBLOB {
    /// The key.
    pub(crate) fn key(&self) -> Result<EccPublicKey> {
        if self.BitLen != BITS {
            return Err(Sar::INDATAERR.into());
        }
        Ok(EccPublicKey { x: number(&self.XCoordinate)?, y: number(&self.YCoordinate)? })
    }

    /// As bytes.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        [&{ self.BitLen }.to_ne_bytes()[..], &self.XCoordinate, &self.YCoordinate].concat()
    }
}

impl ECCPRIVATEKEYBLOB {
    /// d.
    pub(crate) fn key(&self) -> Result<[u8; 32]> {
        if self.BitLen == BITS { number(&self.PrivateKey) } else { Err(Sar::INDATAERR.into()) }
    }
}

impl From<&EccSignature> for ECCSIGNATUREBLOB {
    fn from(signature: &EccSignature) -> Self {
        Self { r: field(&signature.r), s: field(&signature.s) }
    }
}

impl ECCSIGNATUREBLOB {
    /// The signature.
    pub(crate) fn signature(&self) -> Result<EccSignature> {
        Ok(EccSignature { r: number(&self.r)?, s: number(&self.s)? })
    }
}

/// A ciphertext at the beginning of bytes.
pub(crate) fn cipher(bytes: &[u8]) -> Result<CipherBlock<'_>> {
    let take = |from: usize, length: usize| bytes.get(from..from + length).ok_or(Sar::INDATALENERR);
    let point = EccPublicKey { x: number(take(0, 64)?)?, y: number(take(64, 64)?)? };
    let hash = take(128, 32)?.try_into().map_err(|_| Sar::INDATALENERR)?;
    let length = ULONG::from_ne_bytes(take(160, 4)?.try_into().map_err(|_| Sar::INDATALENERR)?);
    let length = usize::try_from(length).map_err(|_| Sar::INDATALENERR)?;
    let cipher = bytes.get(CIPHER_HEAD..).and_then(|rest| rest.get(..length)).ok_or(Sar::INDATALENERR)?;
    Ok(CipherBlock { point, hash, cipher })
}

/// The bytes of a structure that ends with an ECCCIPHERBLOB, with all of its cipher.
pub(crate) fn with_cipher<T: super::pointer::Plain>(
    pointer: &In<T>,
    cipher_length: impl FnOnce(&T) -> ULONG,
) -> Result<&[u8]> {
    let cipher_length = cipher_length(&pointer.value()?);
    if cipher_length > LONGEST_CIPHER {
        return Err(Sar::INDATALENERR.into());
    }
    let head = ULONG::try_from(size_of::<T>() - 1).map_err(|_| Sar::FAIL)?;
    pointer.bytes(head + cipher_length)
}

/// Writes a ciphertext; the caller has room for its head and as many bytes as were encrypted.
pub(crate) fn put_cipher(place: Place<ECCCIPHERBLOB>, sealed: &SealedKey) -> Result {
    let length = ULONG::try_from(sealed.cipher.len()).map_err(|_| Sar::FAIL)?;
    let (x, y) = (field(&sealed.point.x), field(&sealed.point.y));
    let parts = [&x[..], &y, &sealed.hash, &length.to_ne_bytes(), &sealed.cipher];
    place.put_bytes(&parts.concat());
    Ok(())
}
