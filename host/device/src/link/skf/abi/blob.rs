//! The structures of keys, signatures and ciphertexts, and the words of a device: 256-bit numbers are right-aligned in
//! 64 bytes.

use ukey_apdu::command::{CipherBlock, EccPublicKey, EccSignature, EnvelopedKeyPair, SM2_BITS};

use super::types::{
    BYTE, ECCCIPHERBLOB, ECCPRIVATEKEYBLOB, ECCPUBLICKEYBLOB, ECCSIGNATUREBLOB, ENVELOPEDKEYBLOB, ULONG,
};

/// Bytes of an ECCCIPHERBLOB in front of its cipher.
pub const CIPHER_HEAD: usize = size_of::<ECCCIPHERBLOB>() - 1;
/// Bytes of an ENVELOPEDKEYBLOB in front of its ECCCIPHERBLOB.
const ENVELOPE_HEAD: usize = size_of::<ENVELOPEDKEYBLOB>() - size_of::<ECCCIPHERBLOB>();

/// A structure that is none of SM2's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadBlob {
    /// Another number of bits.
    #[error("a key of {bits} bits, where SM2 has 256")]
    Bits {
        /// How many.
        bits: ULONG,
    },
    /// A number that is not right-aligned in its field.
    #[error("a number of more than 256 bits")]
    Number,
    /// It ends too early.
    #[error("a structure that ends too early")]
    Short,
}

/// A number in its field.
fn field(number: &[u8; 32]) -> [BYTE; 64] {
    let mut field = [0; 64];
    field.iter_mut().skip(32).zip(number).for_each(|(cell, byte)| *cell = *byte);
    field
}

/// The number of a field; the front half is zeros.
fn number(field: &[BYTE]) -> Result<[u8; 32], BadBlob> {
    match field.split_first_chunk::<32>() {
        Some((front, number)) if front.iter().all(|byte| *byte == 0) => {
            number.try_into().map_err(|_| BadBlob::Short)
        }
        _ => Err(BadBlob::Number),
    }
}

fn bits(bits: ULONG) -> Result<(), BadBlob> {
    if bits == SM2_BITS { Ok(()) } else { Err(BadBlob::Bits { bits }) }
}

impl From<&EccPublicKey> for ECCPUBLICKEYBLOB {
    fn from(key: &EccPublicKey) -> Self {
        Self { BitLen: SM2_BITS, XCoordinate: field(&key.x), YCoordinate: field(&key.y) }
    }
}

impl ECCPUBLICKEYBLOB {
    /// The key.
    ///
    /// # Errors
    /// [`BadBlob`] where it is none.
    pub fn key(&self) -> Result<EccPublicKey, BadBlob> {
        bits(self.BitLen)?;
        Ok(EccPublicKey { x: number(&self.XCoordinate)?, y: number(&self.YCoordinate)? })
    }
}

impl ECCPRIVATEKEYBLOB {
    /// Of d.
    #[must_use]
    pub fn new(d: &[u8; 32]) -> Self {
        Self { BitLen: SM2_BITS, PrivateKey: field(d) }
    }

    /// d.
    ///
    /// # Errors
    /// [`BadBlob`] where it is none.
    pub fn key(&self) -> Result<[u8; 32], BadBlob> {
        bits(self.BitLen)?;
        number(&self.PrivateKey)
    }
}

impl From<&EccSignature> for ECCSIGNATUREBLOB {
    fn from(signature: &EccSignature) -> Self {
        Self { r: field(&signature.r), s: field(&signature.s) }
    }
}

impl ECCSIGNATUREBLOB {
    /// The signature.
    ///
    /// # Errors
    /// [`BadBlob`] where it is none.
    pub fn signature(&self) -> Result<EccSignature, BadBlob> {
        Ok(EccSignature { r: number(&self.r)?, s: number(&self.s)? })
    }
}

/// The ciphertext of an ECCCIPHERBLOB at the beginning of bytes.
///
/// # Errors
/// [`BadBlob`] where there is none.
pub fn cipher(bytes: &[u8]) -> Result<CipherBlock<'_>, BadBlob> {
    let take = |from: usize, length: usize| bytes.get(from..from + length).ok_or(BadBlob::Short);
    let point = EccPublicKey { x: number(take(0, 64)?)?, y: number(take(64, 64)?)? };
    let hash = take(128, 32)?.try_into().map_err(|_| BadBlob::Short)?;
    let length = ULONG::from_ne_bytes(take(160, 4)?.try_into().map_err(|_| BadBlob::Short)?);
    let length = usize::try_from(length).map_err(|_| BadBlob::Short)?;
    let cipher = bytes.get(CIPHER_HEAD..).and_then(|rest| rest.get(..length)).ok_or(BadBlob::Short)?;
    Ok(CipherBlock { point, hash, cipher })
}

/// The ECCCIPHERBLOB of a ciphertext, with all of its cipher.
#[must_use]
pub fn cipher_blob(block: &CipherBlock<'_>) -> Vec<u8> {
    let length = ULONG::try_from(block.cipher.len()).unwrap_or(ULONG::MAX);
    let (x, y) = (field(&block.point.x), field(&block.point.y));
    [&x[..], &y, &block.hash, &length.to_ne_bytes(), block.cipher].concat()
}

/// The ENVELOPEDKEYBLOB of a key pair on its way into a container, with all of its cipher; `None` for an encrypted
/// private key that has no place in it.
#[must_use]
pub fn envelope_blob(pair: &EnvelopedKeyPair<'_>) -> Option<Vec<u8>> {
    let mut encrypted: [BYTE; 64] = [0; 64];
    encrypted.get_mut(..pair.encrypted_private_key.len())?.copy_from_slice(pair.encrypted_private_key);
    let head = ENVELOPEDKEYBLOB {
        Version: pair.version,
        ulSymmAlgID: pair.algorithm,
        ulBits: SM2_BITS,
        cbEncryptedPriKey: encrypted,
        PubKey: ECCPUBLICKEYBLOB::from(&pair.public_key),
        ECCCipherBlob: ECCCIPHERBLOB {
            XCoordinate: [0; 64],
            YCoordinate: [0; 64],
            HASH: [0; 32],
            CipherLen: 0,
            Cipher: [0; 1],
        },
    };
    let mut bytes = head.to_bytes();
    bytes.truncate(ENVELOPE_HEAD);
    bytes.extend(cipher_blob(&pair.wrapped_key));
    Some(bytes)
}
