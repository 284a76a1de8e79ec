//! Encryption and decryption with a session key (GM/T 0016-2012 clause 7.6).
//!
//! How much will come out is known before the token is asked: a caller who only wants to know it, or whose buffer is
//! too small, loses nothing.

use std::sync::MutexGuard;

use ukey_device::{CipherParameters, Padding};
use zeroize::Zeroizing;

use crate::abi::exports;
use crate::abi::pointer::{Buffer, In, Out};
use crate::abi::types::{BLOCKCIPHERPARAM, BYTE, HANDLE, ULONG};
use crate::sar::{Result, Sar};
use crate::session_key::SessionKey;

/// Bytes of a block.
const BLOCK: usize = 16;

exports! {
    /// Begins an encryption.
    fn SKF_EncryptInit(hKey: HANDLE, EncryptParam: BLOCKCIPHERPARAM) {
        let key = hKey.session_key()?;
        Direction::Encrypt.begin(&key, &EncryptParam)
    }

    /// Encrypts all in one, and ends what was begun.
    fn SKF_Encrypt(
        hKey: HANDLE,
        pbData: In<BYTE>,
        ulDataLen: ULONG,
        pbEncryptedData: Out<BYTE>,
        pulEncryptedLen: Out<ULONG>,
    ) {
        let key = hKey.session_key()?;
        Direction::Encrypt.all(&key, own(pbData.bytes(ulDataLen)?), Buffer::new(pbEncryptedData, pulEncryptedLen)?)
    }

    /// Encrypts a part; whole blocks come out.
    fn SKF_EncryptUpdate(
        hKey: HANDLE,
        pbData: In<BYTE>,
        ulDataLen: ULONG,
        pbEncryptedData: Out<BYTE>,
        pulEncryptedLen: Out<ULONG>,
    ) {
        let key = hKey.session_key()?;
        Direction::Encrypt.part(&key, own(pbData.bytes(ulDataLen)?), Buffer::new(pbEncryptedData, pulEncryptedLen)?)
    }

    /// Ends an encryption; the rest comes out.
    fn SKF_EncryptFinal(hKey: HANDLE, pbEncryptedData: Out<BYTE>, pulEncryptedDataLen: Out<ULONG>) {
        let key = hKey.session_key()?;
        Direction::Encrypt.end(&key, Buffer::new(pbEncryptedData, pulEncryptedDataLen)?)
    }

    /// Begins a decryption.
    fn SKF_DecryptInit(hKey: HANDLE, DecryptParam: BLOCKCIPHERPARAM) {
        let key = hKey.session_key()?;
        Direction::Decrypt.begin(&key, &DecryptParam)
    }

    /// Decrypts all in one, and ends what was begun.
    fn SKF_Decrypt(
        hKey: HANDLE,
        pbEncryptedData: In<BYTE>,
        ulEncryptedLen: ULONG,
        pbData: Out<BYTE>,
        pulDataLen: Out<ULONG>,
    ) {
        let key = hKey.session_key()?;
        Direction::Decrypt.all(&key, own(pbEncryptedData.bytes(ulEncryptedLen)?), Buffer::new(pbData, pulDataLen)?)
    }

    /// Decrypts a part; whole blocks come out, with padding all but the last.
    fn SKF_DecryptUpdate(
        hKey: HANDLE,
        pbEncryptedData: In<BYTE>,
        ulEncryptedLen: ULONG,
        pbData: Out<BYTE>,
        pulDataLen: Out<ULONG>,
    ) {
        let key = hKey.session_key()?;
        Direction::Decrypt.part(&key, own(pbEncryptedData.bytes(ulEncryptedLen)?), Buffer::new(pbData, pulDataLen)?)
    }

    /// Ends a decryption; the rest comes out.
    fn SKF_DecryptFinal(hKey: HANDLE, pbDecryptedData: Out<BYTE>, pulDecryptedDataLen: Out<ULONG>) {
        let key = hKey.session_key()?;
        Direction::Decrypt.end(&key, Buffer::new(pbDecryptedData, pulDecryptedDataLen)?)
    }
}

/// A copy of the input: callers may encrypt in place, and what comes out is then written over it.
fn own(data: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(data.to_vec())
}

/// The parameters of an operation, for a key of this algorithm.
pub(crate) fn parameters(algorithm: ULONG, given: &BLOCKCIPHERPARAM) -> Result<CipherParameters<'_>> {
    let length = usize::try_from(given.IVLen).map_err(|_| Sar::INVALIDPARAMERR)?;
    Ok(CipherParameters {
        algorithm: Some(algorithm),
        iv: given.IV.get(..length).ok_or(Sar::INVALIDPARAMERR)?,
        padding: match given.PaddingType {
            0 => Padding::None,
            1 => Padding::Pkcs5,
            _ => return Err(Sar::INVALIDPARAMERR.into()),
        },
        feedback_bits: given.FeedBitLen,
    })
}

/// An operation that was begun.
pub(crate) struct Operation {
    given: BLOCKCIPHERPARAM,
    /// Bytes that came and were not put out yet; `None` before any part.
    held: Option<usize>,
}

impl Operation {
    fn is_padded(&self) -> bool {
        self.given.PaddingType == 1
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Encrypt,
    Decrypt,
}

impl Direction {
    fn operation(self, key: &SessionKey) -> MutexGuard<'_, Option<Operation>> {
        match self {
            Direction::Encrypt => key.encryption(),
            Direction::Decrypt => key.decryption(),
        }
    }

    fn begin(self, key: &SessionKey, given: &BLOCKCIPHERPARAM) -> Result {
        let mut operation = self.operation(key);
        *operation = None;
        let parameters = parameters(key.algorithm, given)?;
        key.did(match self {
            Direction::Encrypt => key.get().encrypt_init(&parameters),
            Direction::Decrypt => key.get().decrypt_init(&parameters),
        })?;
        *operation = Some(Operation { given: *given, held: None });
        Ok(())
    }

    fn all(self, key: &SessionKey, data: Zeroizing<Vec<u8>>, out: Buffer) -> Result {
        let mut begun = self.operation(key);
        let operation =
            begun.as_mut().filter(|operation| operation.held.is_none()).ok_or(Sar::NOTINITIALIZEERR)?;
        // What padding adds is known, what it takes away is not.
        let is_padded = operation.is_padded();
        let most = if is_padded && self == Direction::Encrypt { padded(data.len()) } else { data.len() };
        let least = if is_padded && self == Direction::Decrypt { most.saturating_sub(BLOCK) } else { most };
        if !out.fits(least)? {
            return out.fits(most).map(drop);
        }
        let given = operation.given;
        // What the token refuses is under way there still, or it will say that it is not.
        let result = key.did(match self {
            Direction::Encrypt => key.get().encrypt(&data),
            Direction::Decrypt => key.get().decrypt(&data),
        })?;
        *begun = None;
        let filled = out.fill(&result);
        drop(begun);
        if filled.is_err() {
            // The caller comes again with a larger buffer: it stands where it stood.
            self.begin(key, &given)?;
        }
        filled
    }

    fn part(self, key: &SessionKey, data: Zeroizing<Vec<u8>>, out: Buffer) -> Result {
        let mut begun = self.operation(key);
        let operation = begun.as_mut().ok_or(Sar::NOTINITIALIZEERR)?;
        let total = operation.held.unwrap_or_default() + data.len();
        let comes = if operation.is_padded() && self == Direction::Decrypt {
            total.saturating_sub(1) / BLOCK * BLOCK
        } else {
            total / BLOCK * BLOCK
        };
        if !out.fits(comes)? {
            return Ok(());
        }
        let result = key.did(match self {
            Direction::Encrypt => key.get().encrypt_update(&data),
            Direction::Decrypt => key.get().decrypt_update(&data),
        })?;
        operation.held = Some(total.saturating_sub(result.len()));
        out.fill(&result)
    }

    fn end(self, key: &SessionKey, out: Buffer) -> Result {
        let mut begun = self.operation(key);
        let operation = begun.as_ref().ok_or(Sar::NOTINITIALIZEERR)?;
        let held = operation.held.unwrap_or_default();
        let most = if operation.is_padded() && self == Direction::Encrypt { padded(held) } else { held };
        // The last block cannot be decrypted twice: there has to be room for all of it, save its padding.
        let comes =
            if operation.is_padded() && self == Direction::Decrypt { held.saturating_sub(1) } else { most };
        if !out.fits(comes)? {
            return Ok(());
        }
        *begun = None;
        out.fill(&key.did(match self {
            Direction::Encrypt => key.get().encrypt_final(),
            Direction::Decrypt => key.get().decrypt_final(),
        })?)
    }
}

/// The length with padding.
const fn padded(length: usize) -> usize {
    (length / BLOCK + 1) * BLOCK
}
