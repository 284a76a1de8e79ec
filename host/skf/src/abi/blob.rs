//! Ciphertexts in and out: an ECCCIPHERBLOB is as long as its cipher makes it.

use ukey_device::SealedKey;
use ukey_device::link::skf::abi::blob::{BadBlob, cipher_blob};

pub(crate) use ukey_device::link::skf::abi::blob::cipher;

use super::pointer::{In, Place, Plain};
use super::types::{ECCCIPHERBLOB, ULONG};
use crate::sar::{Failure, Result, Sar};

/// Longest cipher that is looked at, in bytes.
const LONGEST_CIPHER: ULONG = 0x1_0000;

impl From<BadBlob> for Failure {
    fn from(bad: BadBlob) -> Self {
        match bad {
            BadBlob::Bits { .. } | BadBlob::Number => Sar::INDATAERR.into(),
            BadBlob::Short => Sar::INDATALENERR.into(),
        }
    }
}

/// The bytes of a structure that ends with an ECCCIPHERBLOB, with all of its cipher.
pub(crate) fn with_cipher<T: Plain>(
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
    place.put_bytes(&cipher_blob(&sealed.as_block()));
    Ok(())
}
