//! SM2 signatures: the digest with Z, signing through [`Sm2Signer`], verifying.

use std::fmt;

use ::sm2::dsa::{
    SigningKey, VerifyingKey,
    signature::hazmat::{PrehashSigner, PrehashVerifier},
};
use sm3::{Digest, Sm3};

use super::{Error, KeyPair, PublicKey};

/// The distinguishing identifier of certificates, requests and revocation lists (GM/T 0009, last clause).
pub const DEFAULT_ID: &[u8] = b"1234567812345678";

/// a, b and the base point of the curve (GM/T 0003.5), as hashed into Z.
#[rustfmt::skip]
const CURVE: [u128; 8] = [
    0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF, // a
    0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFC,
    0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7, // b
    0xF39789F5_15AB8F92_DDBCBD41_4D940E93,
    0x32C4AE2C_1F198119_5F990446_6A39C994, // xG
    0x8FE30BBF_F2660BE1_715A4589_334C74C7,
    0xBC3736A2_F4F6779C_59BDCEE3_6B692153, // yG
    0xD0A9877C_C62A4740_02DF32E5_2139F0A0,
];

/// Z, the hash of the signer's identifier, the curve and the public key (GM/T 0003.2, 5.5).
///
/// # Panics
/// When `id` is longer than 8191 bytes: its length in bits must fit 16 bits.
pub fn z_value(public_key: &PublicKey, id: &[u8]) -> [u8; 32] {
    let bits = u16::try_from(id.len() * 8).expect("an identifier of at most 8191 bytes");
    let mut hash = Sm3::new_with_prefix(bits.to_be_bytes());
    hash.update(id);
    CURVE.iter().for_each(|word| hash.update(word.to_be_bytes()));
    hash.update(&public_key.to_sec1()[1..]);
    hash.finalize().into()
}

/// e = SM3(Z | message), what an SM2 signature signs (GM/T 0003.2, 6.1 steps A1 and A2).
///
/// # Panics
/// When `id` is longer than 8191 bytes.
pub fn digest(public_key: &PublicKey, id: &[u8], message: &[u8]) -> [u8; 32] {
    Sm3::new_with_prefix(z_value(public_key, id)).chain_update(message).finalize().into()
}

/// Checks a signature over the digest e.
///
/// # Errors
/// [`Error::SignatureEncoding`] when r or s is out of range, [`Error::Signature`] when it does not belong to the key
/// and digest.
pub fn verify_digest(public_key: &PublicKey, e: &[u8; 32], signature: &Signature) -> Result<(), Error> {
    let inner = signature.inner()?;
    // The identifier is not used: the digest already holds Z.
    let key = VerifyingKey::new("", public_key.inner()).map_err(|_| Error::PublicKey)?;
    key.verify_prehash(e, &inner).map_err(|_| Error::Signature)
}

/// An SM2 signature as a token gives it: r then s, 32 bytes each, big-endian. Not known to be in range or right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Takes r then s, 32 bytes each, big-endian.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// r then s, 32 bytes each, big-endian.
    pub const fn to_bytes(&self) -> [u8; 64] {
        self.0
    }

    /// Reads the SEQUENCE of two INTEGERs (GM/T 0009).
    ///
    /// # Errors
    /// [`Error::SignatureEncoding`] when it is anything else or out of range.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let inner = ::sm2::dsa::Signature::from_der(der).map_err(|_| Error::SignatureEncoding)?;
        Ok(Self(inner.to_bytes().into()))
    }

    /// The SEQUENCE of two INTEGERs (GM/T 0009).
    ///
    /// # Errors
    /// [`Error::SignatureEncoding`] when r or s is out of range.
    pub fn to_der(&self) -> Result<Vec<u8>, Error> {
        Ok(self.inner()?.to_der().as_ref().to_vec())
    }

    fn inner(&self) -> Result<::sm2::dsa::Signature, Error> {
        ::sm2::dsa::Signature::from_slice(&self.0).map_err(|_| Error::SignatureEncoding)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
        f.write_str(")")
    }
}

impl From<[u8; 64]> for Signature {
    fn from(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }
}

/// Whoever can sign a digest: a [`KeyPair`] in software, or a token that never gives its key away.
///
/// Functions take a signer by value; a reference is one too, so they are called with `&key_pair` or `&mut token`.
pub trait Sm2Signer {
    /// Why signing can fail.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The public key of the pair that signs.
    fn public_key(&self) -> PublicKey;

    /// Signs the digest e (with Z already in it).
    ///
    /// # Errors
    /// Whatever keeps this signer from signing.
    fn sign_digest(&mut self, e: &[u8; 32]) -> Result<Signature, Self::Error>;
}

impl<S: Sm2Signer + ?Sized> Sm2Signer for &mut S {
    type Error = S::Error;

    fn public_key(&self) -> PublicKey {
        (**self).public_key()
    }

    fn sign_digest(&mut self, e: &[u8; 32]) -> Result<Signature, Self::Error> {
        (**self).sign_digest(e)
    }
}

/// Deterministic: k comes from RFC 6979 with SM3, so a seeded run repeats itself.
impl Sm2Signer for &KeyPair {
    type Error = Error;

    fn public_key(&self) -> PublicKey {
        KeyPair::public_key(self)
    }

    fn sign_digest(&mut self, e: &[u8; 32]) -> Result<Signature, Error> {
        KeyPair::sign_digest(self, e)
    }
}

impl KeyPair {
    /// Signs the digest e (with Z already in it). Deterministic: k comes from RFC 6979 with SM3.
    ///
    /// # Errors
    /// [`Error::Signature`] for the digest, one in about 2^256, whose k gives r = 0, r + k = n or s = 0.
    pub fn sign_digest(&self, e: &[u8; 32]) -> Result<Signature, Error> {
        let key = SigningKey::new("", self.secret()).map_err(|_| Error::PrivateKey)?;
        let signature: ::sm2::dsa::Signature = key.sign_prehash(e).map_err(|_| Error::Signature)?;
        Ok(Signature(signature.to_bytes().into()))
    }
}
