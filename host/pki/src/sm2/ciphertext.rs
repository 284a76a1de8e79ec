//! SM2 ciphertexts in the order C1 C3 C2 (GM/T 0003.4, GM/T 0009).

use std::fmt;

use ::sm2::pke::{DecryptingKey, EncryptingKey, Mode};
use der::{
    Decode, Encode, Sequence,
    asn1::{OctetStringRef, UintRef},
};
use rand_core::CryptoRng;
use sm3::Sm3;
use zeroize::Zeroizing;

use super::{Error, KeyPair, PublicKey};

/// An SM2 ciphertext in its parts, as tokens and GM/T 0009 carry it. Its point is on the curve.
#[derive(Clone, PartialEq, Eq)]
pub struct Ciphertext {
    point: PublicKey,
    hash: [u8; 32],
    cipher: Vec<u8>,
}

/// GM/T 0009 SM2Cipher.
#[derive(Sequence)]
struct Encoded<'a> {
    x: UintRef<'a>,
    y: UintRef<'a>,
    hash: &'a OctetStringRef,
    cipher: &'a OctetStringRef,
}

impl Ciphertext {
    /// Puts a ciphertext together from C1 (`x`, `y`), C3 (`hash`) and C2 (`cipher`).
    ///
    /// # Errors
    /// [`Error::CiphertextEncoding`] when C1 is not on the curve.
    pub fn from_parts(x: &[u8; 32], y: &[u8; 32], hash: [u8; 32], cipher: Vec<u8>) -> Result<Self, Error> {
        let point = PublicKey::from_coordinates(x, y).map_err(|_| Error::CiphertextEncoding)?;
        Ok(Self { point, hash, cipher })
    }

    /// X of C1, 32 bytes big-endian.
    pub fn x(&self) -> [u8; 32] {
        self.point.x()
    }

    /// Y of C1, 32 bytes big-endian.
    pub fn y(&self) -> [u8; 32] {
        self.point.y()
    }

    /// C3, the SM3 hash that proves the decryption.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// C2, as long as the plaintext.
    pub fn cipher(&self) -> &[u8] {
        &self.cipher
    }

    /// Reads 04 X Y C3 C2.
    ///
    /// # Errors
    /// [`Error::CiphertextEncoding`].
    pub fn from_raw(bytes: &[u8]) -> Result<Self, Error> {
        let (point, rest) = bytes.split_at_checked(65).ok_or(Error::CiphertextEncoding)?;
        let (hash, cipher) = rest.split_first_chunk().ok_or(Error::CiphertextEncoding)?;
        let point = PublicKey::from_sec1(point).map_err(|_| Error::CiphertextEncoding)?;
        Ok(Self { point, hash: *hash, cipher: cipher.to_vec() })
    }

    /// 04 X Y C3 C2.
    pub fn to_raw(&self) -> Vec<u8> {
        [&self.point.to_sec1()[..], &self.hash, &self.cipher].concat()
    }

    /// Reads the SEQUENCE of GM/T 0009: X, Y, HASH, CipherText.
    ///
    /// # Errors
    /// [`Error::CiphertextEncoding`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let encoded = Encoded::from_der(der).map_err(|_| Error::CiphertextEncoding)?;
        let hash = encoded.hash.as_bytes().try_into().map_err(|_| Error::CiphertextEncoding)?;
        let (x, y) = (coordinate(encoded.x)?, coordinate(encoded.y)?);
        Self::from_parts(&x, &y, hash, encoded.cipher.as_bytes().to_vec())
    }

    /// The SEQUENCE of GM/T 0009: X, Y, HASH, CipherText.
    pub fn to_der(&self) -> Vec<u8> {
        let (x, y) = (self.x(), self.y());
        let encode = || {
            Encoded {
                x: UintRef::new(&x)?,
                y: UintRef::new(&y)?,
                hash: OctetStringRef::new(&self.hash)?,
                cipher: OctetStringRef::new(&self.cipher)?,
            }
            .to_der()
        };
        encode().expect("lengths far below the limit of DER")
    }
}

fn coordinate(value: UintRef<'_>) -> Result<[u8; 32], Error> {
    let bytes = value.as_bytes();
    let start = 32_usize.checked_sub(bytes.len()).ok_or(Error::CiphertextEncoding)?;
    let mut coordinate = [0; 32];
    coordinate[start..].copy_from_slice(bytes);
    Ok(coordinate)
}

impl fmt::Debug for Ciphertext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ciphertext").field("length", &self.cipher.len()).finish_non_exhaustive()
    }
}

/// Encrypts for the holder of `recipient`.
///
/// # Errors
/// [`Error::EmptyPlaintext`].
pub fn encrypt(
    recipient: &PublicKey,
    plaintext: &[u8],
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Ciphertext, Error> {
    if plaintext.is_empty() {
        return Err(Error::EmptyPlaintext);
    }
    let cipher = EncryptingKey::new(recipient.inner())
        .encrypt_cipher::<_, Sm3>(&mut &mut *rng, plaintext)
        .map_err(|_| Error::PublicKey)?;
    let raw = cipher.to_vec(Mode::C1C3C2, false).map_err(|_| Error::CiphertextEncoding)?;
    Ciphertext::from_raw(&raw)
}

impl KeyPair {
    /// Decrypts what was encrypted for this pair.
    ///
    /// # Errors
    /// [`Error::Decrypt`] when C3 does not match or C2 is empty.
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Result<Zeroizing<Vec<u8>>, Error> {
        if ciphertext.cipher.is_empty() {
            return Err(Error::Decrypt);
        }
        let key = DecryptingKey::new(self.secret().clone());
        key.decrypt(&ciphertext.to_raw()).map(Zeroizing::new).map_err(|_| Error::Decrypt)
    }
}
