//! SM2 public keys and software key pairs.

use std::fmt;

use ::sm2::elliptic_curve::{Generate, sec1::ToSec1Point};
use der::{Decode, Encode, asn1::BitStringRef};
use rand_core::CryptoRng;
use spki::{AlgorithmIdentifier, SubjectPublicKeyInfo};
use zeroize::Zeroizing;

use super::Error;
use crate::oid;

/// A point of the SM2 curve other than infinity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(::sm2::PublicKey);

impl PublicKey {
    /// The point with the affine coordinates `x` and `y`, each 32 bytes big-endian.
    ///
    /// # Errors
    /// [`Error::PublicKey`] when that is no point of the curve.
    pub fn from_coordinates(x: &[u8; 32], y: &[u8; 32]) -> Result<Self, Error> {
        let mut point = [4; 65];
        point[1..33].copy_from_slice(x);
        point[33..].copy_from_slice(y);
        Self::from_sec1(&point)
    }

    /// Reads 65 bytes 04 X Y, or 33 bytes of the compressed form.
    ///
    /// # Errors
    /// [`Error::PublicKey`] when that is no point of the curve.
    pub fn from_sec1(bytes: &[u8]) -> Result<Self, Error> {
        ::sm2::PublicKey::from_sec1_bytes(bytes).map(Self).map_err(|_| Error::PublicKey)
    }

    /// 04 X Y.
    pub fn to_sec1(&self) -> [u8; 65] {
        let point = self.0.as_affine().to_sec1_point(false);
        point.as_bytes().try_into().expect("an uncompressed point of a 256-bit curve has 65 bytes")
    }

    /// The affine coordinate X, 32 bytes big-endian.
    pub fn x(&self) -> [u8; 32] {
        self.to_sec1()[1..33].try_into().expect("32 bytes")
    }

    /// The affine coordinate Y, 32 bytes big-endian.
    pub fn y(&self) -> [u8; 32] {
        self.to_sec1()[33..].try_into().expect("32 bytes")
    }

    /// The DER `SubjectPublicKeyInfo` (RFC 5480 with the SM2 curve), 91 bytes.
    pub fn to_spki_der(&self) -> Vec<u8> {
        let point = self.to_sec1();
        SubjectPublicKeyInfo {
            algorithm: AlgorithmIdentifier { oid: oid::EC_PUBLIC_KEY, parameters: Some(oid::SM2) },
            subject_public_key: BitStringRef::from_bytes(&point).expect("a short bit string"),
        }
        .to_der()
        .expect("a structure of constant size")
    }

    /// Reads a DER `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`Error::NotSm2`] for another algorithm or curve or for bytes that are no such structure, [`Error::PublicKey`]
    /// when the point is not on the curve.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, Error> {
        let spki = SubjectPublicKeyInfo::<der::asn1::ObjectIdentifier, BitStringRef<'_>>::from_der(der)
            .map_err(|_| Error::NotSm2)?;
        if spki.algorithm.oid != oid::EC_PUBLIC_KEY || spki.algorithm.parameters != Some(oid::SM2) {
            return Err(Error::NotSm2);
        }
        Self::from_sec1(spki.subject_public_key.as_bytes().ok_or(Error::PublicKey)?)
    }

    pub(super) fn inner(&self) -> ::sm2::PublicKey {
        self.0
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(")?;
        self.to_sec1().iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
        f.write_str(")")
    }
}

/// A key pair held in software: the authority's own keys, encryption pairs before they are enveloped, and test persons.
///
/// `Debug` shows the public key only; the secret is wiped when the pair is dropped. What the arithmetic copies onto the
/// stack while it signs or decrypts is not wiped.
#[derive(Clone)]
pub struct KeyPair {
    secret: ::sm2::SecretKey,
    public: PublicKey,
}

impl KeyPair {
    /// A new pair out of `rng`.
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        loop {
            let secret = ::sm2::SecretKey::generate_from_rng(rng);
            // A try succeeds but for one secret in 2^256 (n - 1).
            if let Ok(pair) = Self::new(secret) {
                return pair;
            }
        }
    }

    /// The pair with the private key d, 32 bytes big-endian.
    ///
    /// # Errors
    /// [`Error::PrivateKey`] when d is not from 1 to n - 2.
    pub fn from_bytes(d: &[u8; 32]) -> Result<Self, Error> {
        Self::new(::sm2::SecretKey::from_slice(d).map_err(|_| Error::PrivateKey)?)
    }

    fn new(secret: ::sm2::SecretKey) -> Result<Self, Error> {
        // With d = n - 1 the signature would divide by 1 + d = 0 (GM/T 0003.1, 6.1).
        let plus_one = *secret.to_nonzero_scalar() + ::sm2::Scalar::ONE;
        if bool::from(::sm2::elliptic_curve::Field::is_zero(&plus_one)) {
            return Err(Error::PrivateKey);
        }
        let public = PublicKey(secret.public_key());
        Ok(Self { secret, public })
    }

    /// The private key d, 32 bytes big-endian, for storage under encryption.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.to_bytes().into())
    }

    /// The public key.
    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    pub(super) fn secret(&self) -> &::sm2::SecretKey {
        &self.secret
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("public", &self.public).finish_non_exhaustive()
    }
}
