//! Why a seal or a stamp is not believed, and why one is not made.

use jiff::Timestamp;
use thiserror::Error;

use super::{ObjectIdentifier, SealVersion};
use crate::{Error, SignError, Validity, sm2};

/// Why a seal is not believed (GB/T 38540, verification of seals).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SealError {
    /// It is signed with another algorithm than SM2 with SM3.
    #[error("the seal is signed with the algorithm {0}, which is not supported")]
    Algorithm(
        /// The algorithm found.
        ObjectIdentifier,
    ),
    /// The maker's key did not sign these bytes: the seal was changed.
    #[error("the signature of the seal does not verify: {0}")]
    Signature(#[source] sm2::Error),
    /// The maker's certificate was not issued by an authority that is believed, or holds no SM2 key.
    #[error("the certificate of the seal's maker is not believed: {0}")]
    MakerCertificate(#[source] Error),
    /// The maker's certificate is not valid yet.
    #[error("the certificate of the seal's maker is valid from {start} only, not at {at}")]
    MakerNotYetValid {
        /// Its first instant.
        start: Timestamp,
        /// The instant that was judged.
        at: Timestamp,
    },
    /// The maker's certificate is no longer valid.
    #[error("the certificate of the seal's maker expired at {end}, before {at}")]
    MakerExpired {
        /// Its last instant.
        end: Timestamp,
        /// The instant that was judged.
        at: Timestamp,
    },
    /// Whoever signed the seal is no seal maker, by key usage or because the verifier believes others.
    #[error("{0} may not make seals: its key usage or the list of makers forbids it")]
    NotAMaker(
        /// The subject of the certificate.
        String,
    ),
    /// A v5 seal says it was made after the instant that is judged.
    #[error("the seal was made at {made}, after {at}")]
    Future {
        /// When it says it was made.
        made: Timestamp,
        /// The instant that was judged.
        at: Timestamp,
    },
    /// The seal may not be used yet.
    #[error("the seal is valid from {start} only, not at {at}")]
    NotYetValid {
        /// Its first instant.
        start: Timestamp,
        /// The instant that was judged.
        at: Timestamp,
    },
    /// The seal may no longer be used.
    #[error("the seal expired at {end}, before {at}")]
    Expired {
        /// Its last instant.
        end: Timestamp,
        /// The instant that was judged.
        at: Timestamp,
    },
    /// It has a critical extension, of which none is known here.
    #[error("the seal has the critical extension {0}, which is not understood")]
    CriticalExtension(
        /// The identifier of the extension.
        ObjectIdentifier,
    ),
}

/// Why a stamp is not believed (GB/T 38540, verification of stamps).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StampError {
    /// It is signed with another algorithm than SM2 with SM3.
    #[error("the stamp is signed with the algorithm {0}, which is not supported")]
    Algorithm(
        /// The algorithm found.
        ObjectIdentifier,
    ),
    /// The signer's key did not sign these bytes: the stamp was changed.
    #[error("the signature of the stamp does not verify: {0}")]
    Signature(#[source] sm2::Error),
    /// Its seal is not believed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The seal does not list the signer's certificate; after a renewal the seal must be made again (Z-11).
    #[error("the seal does not list the certificate of {0}: it must be made again for this certificate")]
    SignerNotInSeal(
        /// The subject of the certificate.
        String,
    ),
    /// The signer's certificate was not issued by an authority that is believed, or holds no SM2 key.
    #[error("the certificate of the signer is not believed: {0}")]
    SignerCertificate(#[source] Error),
    /// The signer's certificate is not for signing.
    #[error("{0} may not stamp: its certificate is not for signing")]
    SignerUsage(
        /// The subject of the certificate.
        String,
    ),
    /// The signer's certificate is not valid yet or no longer.
    #[error("the certificate of the signer is valid from {} to {}, not at {at}", period.not_before(), period.not_after())]
    SignerPeriod {
        /// When it is valid.
        period: Validity,
        /// The instant that was judged.
        at: Timestamp,
    },
    /// The stamp says it was made after the instant that is judged.
    #[error("the stamp was made at {time}, after {at}")]
    Future {
        /// The stamp's time.
        time: Timestamp,
        /// The instant that was judged.
        at: Timestamp,
    },
    /// It has a critical extension, of which none is known here.
    #[error("the stamp has the critical extension {0}, which is not understood")]
    CriticalExtension(
        /// The identifier of the extension.
        ObjectIdentifier,
    ),
    /// The document was changed after it was stamped, or is another one.
    #[error("the data is not what was stamped: the hashes differ")]
    Data,
}

/// Why a seal or a stamp is not made. `E` is the error of the [`crate::Sm2Signer`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MakeError<E: std::error::Error + 'static> {
    /// The edition is only read.
    #[error("{0:?} is only read, not written")]
    Version(
        /// The edition.
        SealVersion,
    ),
    /// A field that must say something is empty.
    #[error("the {0} is missing")]
    Missing(
        /// Which.
        &'static str,
    ),
    /// An IA5String or PrintableString field holds other characters.
    #[error("the {0} holds characters that its field cannot carry")]
    Characters(
        /// Which.
        &'static str,
    ),
    /// The seal would not verify when it is made.
    #[error(transparent)]
    Seal(SealError),
    /// The stamp would not verify when it is made.
    #[error(transparent)]
    Stamp(StampError),
    /// The certificate is not that of the signer's key.
    #[error("the certificate does not belong to the key that signs")]
    KeyMismatch,
    /// The signer did not sign.
    #[error(transparent)]
    Sign(#[from] SignError<E>),
}

impl<E: std::error::Error + 'static> From<der::Error> for MakeError<E> {
    fn from(error: der::Error) -> Self {
        Self::Sign(SignError::Encode(error))
    }
}
