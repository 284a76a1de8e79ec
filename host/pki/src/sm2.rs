//! SM2 (GM/T 0003) as certificates use it: keys, the digest with Z, signatures, ciphertexts, and the remote-signer seam.
//!
//! Guarantees: a [`PublicKey`] is a point on the curve; a secret never shows in `Debug` and is wiped when dropped.
//! Refuses to know: ASN.1 structures above a single signature, ciphertext or public key.

mod ciphertext;
mod key;
mod signature;

pub use ciphertext::{Ciphertext, encrypt};
pub use key::{KeyPair, PublicKey};
pub use signature::{DEFAULT_ID, Signature, Sm2Signer, digest, verify_digest, z_value};

/// What can be wrong with a key, a signature or a ciphertext.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The coordinates are no point of the SM2 curve, or its point at infinity.
    #[error("the public key is not a point of the SM2 curve")]
    PublicKey,
    /// The secret is zero or not below n - 1.
    #[error("the private key is outside 1 to n - 2")]
    PrivateKey,
    /// The key information is not `id-ecPublicKey` on the SM2 curve.
    #[error("the key is not an SM2 key")]
    NotSm2,
    /// The signature is no pair of integers from 1 to n - 1.
    #[error("the signature is not a pair of integers from 1 to n - 1")]
    SignatureEncoding,
    /// The signature was not made by this key over this digest.
    #[error("the signature does not belong to this key and digest")]
    Signature,
    /// The ciphertext is no GM/T 0009 ciphertext, or its point is not on the curve.
    #[error("the ciphertext is malformed")]
    CiphertextEncoding,
    /// C3 does not match: another key, or a changed ciphertext.
    #[error("the ciphertext does not belong to this key or was changed")]
    Decrypt,
    /// SM2 cannot encrypt nothing.
    #[error("there is nothing to encrypt")]
    EmptyPlaintext,
}
