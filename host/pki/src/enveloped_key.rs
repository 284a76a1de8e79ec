//! The enveloped key (GM/T 0009 SM2EnvelopedKey): how an encryption pair made by the authority reaches a token.
//!
//! A random symmetric key encrypts the private key in ECB without padding; the holder's sign key encrypts the symmetric
//! key. Guarantees: what [`EnvelopedKey::seal`] writes opens only with the sign key, and [`EnvelopedKey::open`] gives a
//! private key only when it belongs to the public key beside it. Refuses to know how a token lays the parts out.

use std::fmt;

use cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use der::{
    Decode, Encode, Sequence,
    asn1::{AnyRef, BitStringRef},
};
use rand_core::CryptoRng;
use sm4::Sm4;
use spki::{AlgorithmIdentifierRef, ObjectIdentifier};
use zeroize::Zeroizing;

use crate::{
    Error, KeyPair, PublicKey, oid,
    sm2::{self, Ciphertext},
};

const WHAT: &str = "enveloped key";
const BLOCK: usize = 16;

/// How the private key lies in the plaintext. Tokens differ in which they take, and without the symmetric key only the
/// shorter can be made of the longer, so the authority chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PrivateKeyForm {
    /// d, 32 bytes (GM/T 0009).
    #[default]
    Bytes32,
    /// 32 zero bytes, then d: the right-aligned 64-byte field of GM/T 0016 ENVELOPEDKEYBLOB.
    Bytes64,
}

/// The cipher over the private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SymmetricAlgorithm {
    /// SM4 in ECB mode; also what SM4 without a mode means here.
    Sm4Ecb,
    /// SM1 in ECB mode; only tokens have it.
    Sm1Ecb,
}

impl SymmetricAlgorithm {
    /// Its number in GM/T 0006, as GM/T 0016 and GM/T 0017 use it: SGD_SM4_ECB, SGD_SM1_ECB.
    pub const fn sgd(self) -> u32 {
        match self {
            Self::Sm4Ecb => 0x0000_0401,
            Self::Sm1Ecb => 0x0000_0101,
        }
    }

    fn read(oid: ObjectIdentifier) -> Option<Self> {
        [
            (oid::SM4, Self::Sm4Ecb),
            (oid::SM4_ECB, Self::Sm4Ecb),
            (oid::SM1, Self::Sm1Ecb),
            (oid::SM1_ECB, Self::Sm1Ecb),
        ]
        .into_iter()
        .find_map(|(known, algorithm)| (known == oid).then_some(algorithm))
    }

    fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sm4Ecb => oid::SM4_ECB,
            Self::Sm1Ecb => oid::SM1_ECB,
        }
    }
}

/// Why an enveloped key does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Only tokens have this cipher.
    #[error("the private key is encrypted with {0:?}, which only tokens have")]
    Algorithm(SymmetricAlgorithm),
    /// The symmetric key was encrypted for another sign key, or changed.
    #[error("the envelope was not made for this sign key, or was changed")]
    OtherRecipient,
    /// The symmetric key does not have 16 bytes.
    #[error("the symmetric key has {0} bytes instead of 16")]
    SymmetricKeyLength(usize),
    /// The private key inside is not that of the public key beside it.
    #[error("the private key in the envelope does not belong to its public key")]
    PairMismatch,
}

/// An encryption key pair under way to the token that holds a sign key.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvelopedKey {
    algorithm: SymmetricAlgorithm,
    symmetric_key: Ciphertext,
    public_key: PublicKey,
    encrypted_private_key: Vec<u8>,
}

#[derive(Sequence)]
struct Encoded<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    symmetric_key: AnyRef<'a>,
    public_key: BitStringRef<'a>,
    encrypted_private_key: BitStringRef<'a>,
}

impl EnvelopedKey {
    /// Seals `pair` for the holder of `recipient` (a sign key), with SM4 in ECB mode.
    pub fn seal(
        pair: &KeyPair,
        recipient: &PublicKey,
        form: PrivateKeyForm,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Self {
        let mut symmetric_key = Zeroizing::new([0; BLOCK]);
        rng.fill_bytes(&mut *symmetric_key);
        let mut blocks = Zeroizing::new(match form {
            PrivateKeyForm::Bytes32 => Vec::with_capacity(32),
            PrivateKeyForm::Bytes64 => {
                let mut zeros = Vec::with_capacity(64);
                zeros.resize(32, 0);
                zeros
            }
        });
        blocks.extend_from_slice(&*pair.to_bytes());
        let cipher = Sm4::new(&Array(*symmetric_key));
        for block in Array::slice_as_chunks_mut(&mut blocks).0 {
            cipher.encrypt_block(block);
        }
        Self {
            algorithm: SymmetricAlgorithm::Sm4Ecb,
            symmetric_key: sm2::encrypt(recipient, &*symmetric_key, rng)
                .expect("16 bytes for a key on the curve"),
            public_key: pair.public_key(),
            encrypted_private_key: blocks.to_vec(),
        }
    }

    /// Opens the envelope with the sign key in software, and checks that the two halves of the pair belong together.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, recipient: &KeyPair) -> Result<KeyPair, OpenError> {
        if self.algorithm != SymmetricAlgorithm::Sm4Ecb {
            return Err(OpenError::Algorithm(self.algorithm));
        }
        let symmetric_key = recipient.decrypt(&self.symmetric_key).map_err(|_| OpenError::OtherRecipient)?;
        let key = <&[u8; BLOCK]>::try_from(symmetric_key.as_slice())
            .map_err(|_| OpenError::SymmetricKeyLength(symmetric_key.len()))?;
        let cipher = Sm4::new(&Array(*key));
        let mut blocks = Zeroizing::new(self.encrypted_private_key.clone());
        for block in Array::slice_as_chunks_mut(&mut blocks).0 {
            cipher.decrypt_block(block);
        }
        let (padding, d) = blocks.split_last_chunk().ok_or(OpenError::PairMismatch)?;
        let pair = KeyPair::from_bytes(d).map_err(|_| OpenError::PairMismatch)?;
        if padding.iter().any(|byte| *byte != 0) || pair.public_key() != self.public_key {
            return Err(OpenError::PairMismatch);
        }
        Ok(pair)
    }

    /// The cipher over the private key.
    pub fn algorithm(&self) -> SymmetricAlgorithm {
        self.algorithm
    }

    /// The symmetric key, encrypted for the sign key: X, Y, C3 (hash) and C2 (cipher).
    pub fn symmetric_key(&self) -> &Ciphertext {
        &self.symmetric_key
    }

    /// The public key of the encryption pair.
    pub fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// The form in which the authority sealed the private key.
    pub fn form(&self) -> PrivateKeyForm {
        match self.encrypted_private_key.len() {
            64 => PrivateKeyForm::Bytes64,
            _ => PrivateKeyForm::Bytes32,
        }
    }

    /// The encrypted private key in the form a token wants. The short form can be cut out of the long one, as ECB
    /// encrypts each block alone; the long one cannot be made of the short one without the symmetric key, then `None`.
    pub fn encrypted_private_key(&self, form: PrivateKeyForm) -> Option<&[u8]> {
        let bytes = self.encrypted_private_key.as_slice();
        match form {
            PrivateKeyForm::Bytes32 => bytes.last_chunk::<32>().map(<[u8; 32]>::as_slice),
            PrivateKeyForm::Bytes64 => (bytes.len() == 64).then_some(bytes),
        }
    }

    /// Reads a DER SM2EnvelopedKey.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Algorithm`] or [`Error::Key`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let malformed = Error::malformed(WHAT);
        let invalid = |reason| Error::invalid(WHAT, reason);
        let encoded = Encoded::from_der(der).map_err(&malformed)?;
        let found = encoded.algorithm.oid;
        let algorithm = SymmetricAlgorithm::read(found).ok_or(Error::Algorithm { what: WHAT, found })?;
        let symmetric_key = encoded.symmetric_key.to_der().map_err(&malformed)?;
        let symmetric_key =
            Ciphertext::from_der(&symmetric_key).map_err(|source| Error::Key { what: WHAT, source })?;
        let point =
            encoded.public_key.as_bytes().ok_or_else(|| invalid("the public key is not whole bytes"))?;
        let public_key = PublicKey::from_sec1(point).map_err(|source| Error::Key { what: WHAT, source })?;
        let encrypted_private_key = encoded
            .encrypted_private_key
            .as_bytes()
            .filter(|bytes| matches!(bytes.len(), 32 | 64))
            .ok_or_else(|| invalid("the encrypted private key has neither 32 nor 64 bytes"))?
            .to_vec();
        Ok(Self { algorithm, symmetric_key, public_key, encrypted_private_key })
    }

    /// The DER SM2EnvelopedKey.
    pub fn to_der(&self) -> Vec<u8> {
        let (symmetric_key, point) = (self.symmetric_key.to_der(), self.public_key.to_sec1());
        let encode = || {
            Encoded {
                algorithm: AlgorithmIdentifierRef { oid: self.algorithm.oid(), parameters: None },
                symmetric_key: AnyRef::try_from(symmetric_key.as_slice())?,
                public_key: BitStringRef::from_bytes(&point)?,
                encrypted_private_key: BitStringRef::from_bytes(&self.encrypted_private_key)?,
            }
            .to_der()
        };
        encode().expect("parts of bounded length")
    }
}

impl fmt::Debug for EnvelopedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvelopedKey")
            .field("algorithm", &self.algorithm)
            .field("form", &self.form())
            .field("public_key", &self.public_key)
            .finish_non_exhaustive()
    }
}
