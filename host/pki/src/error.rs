//! What can go wrong with the documents of this room: reading and verifying, building, issuing.
//!
//! Keys and ciphertexts have their own [`crate::sm2::Error`], names their
//! [`crate::NameError`], times their [`TimeError`].

use der::asn1::ObjectIdentifier;
use thiserror::Error;

use crate::{TimeError, sm2};

/// Why a certificate, request, revocation list or envelope cannot be read or is not believed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not what they should be.
    #[error("the {what} is malformed: {reason}")]
    Malformed {
        /// The kind of document.
        what: &'static str,
        /// Where and how.
        reason: String,
    },
    /// The text is no PEM, or PEM of something else.
    #[error("this is not a {what} in PEM: {reason}")]
    Pem {
        /// The kind of document wanted.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// The document uses an algorithm other than those of the SM2 family.
    #[error("the {what} uses the algorithm {found}, which is not supported")]
    Algorithm {
        /// The kind of document.
        what: &'static str,
        /// The algorithm found.
        found: ObjectIdentifier,
    },
    /// It has a critical extension that is not understood here.
    #[error("the {what} has the critical extension {found}, which is not understood")]
    CriticalExtension {
        /// The kind of document.
        what: &'static str,
        /// The identifier of the extension.
        found: ObjectIdentifier,
    },
    /// The public key in the document is no SM2 key.
    #[error("the {what} holds no usable SM2 key: {source}")]
    Key {
        /// The kind of document.
        what: &'static str,
        /// Why not.
        source: sm2::Error,
    },
    /// The signature does not verify with the key that should have made it.
    #[error("the signature of the {what} does not verify: {source}")]
    Signature {
        /// The kind of document.
        what: &'static str,
        /// Why not.
        source: sm2::Error,
    },
    /// The document names another issuer than the certificate given, or another key of it.
    #[error("the {what} was issued by {issuer}, not by {candidate}")]
    Issuer {
        /// The kind of document.
        what: &'static str,
        /// The issuer in the document.
        issuer: String,
        /// The subject of the certificate that was tried.
        candidate: String,
    },
    /// The certificate that should be the issuer's may not issue.
    #[error("{0} is not an authority for this: its basic constraints, path length or key usage forbid it")]
    NotAnAuthority(
        /// Its subject.
        String,
    ),
    /// The public key of a certificate is not that of the key pair.
    #[error("the certificate does not belong to the key pair")]
    KeyMismatch,
}

impl Error {
    pub(crate) fn malformed(what: &'static str) -> impl Fn(der::Error) -> Self {
        move |error| Self::Malformed { what, reason: error.to_string() }
    }

    pub(crate) fn invalid(what: &'static str, reason: &str) -> Self {
        Self::Malformed { what, reason: reason.to_owned() }
    }
}

/// Why a document was not signed. `E` is the error of the [`crate::Sm2Signer`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignError<E: std::error::Error + 'static> {
    /// The signer gave no signature.
    #[error("signing failed: {0}")]
    Signer(#[source] E),
    /// The signer gave a signature that does not belong to its own public key.
    #[error("the signer's signature does not verify with its public key: {0}")]
    WrongSignature(#[source] sm2::Error),
    /// A part cannot be encoded.
    #[error("the document cannot be encoded: {0}")]
    Encode(#[from] der::Error),
}

/// Why an authority did not issue.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IssueError {
    /// Its key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError<sm2::Error>),
    /// A value holds characters that its field cannot carry.
    #[error("the document cannot be encoded: {0}")]
    Encode(#[from] der::Error),
    /// A time cannot be written into the document.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// Its path length is 0: it may certify holders, not authorities.
    #[error("{0} may not certify another authority: its path length is 0")]
    PathLength(
        /// Its subject.
        String,
    ),
}
