//! Certification requests: PKCS#10 (RFC 2986) signed with SM2.
//!
//! Guarantees: a request is written by hand, with an empty attribute set, through any [`Sm2Signer`]; a read one keeps
//! its DER. Refuses to know who asks.

use std::fmt;

use der::{Decode, Encode, Sequence, asn1::Any};

use crate::{
    Error, Name, PublicKey, SignError, Sm2Signer,
    signed::{Kind, Signed, pem_to_der},
};

const KIND: Kind = Kind { what: "request", labels: &["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"] };

/// A certification request.
#[derive(Clone)]
pub struct Request {
    signed: Signed,
    subject: Name,
    public_key: PublicKey,
}

#[derive(Sequence)]
struct CertificationRequestInfo {
    version: u8,
    subject: Any,
    public_key: Any,
    // A SET OF; under an implicit tag it looks like a SEQUENCE OF, which takes the members in any order.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    attributes: Option<Vec<Any>>,
}

impl Request {
    /// Asks for a certificate for `subject` on the signer's key; signs once.
    ///
    /// # Errors
    /// [`SignError::Signer`] when the signer fails, [`SignError::WrongSignature`] when it gave a signature of another
    /// key.
    pub fn build<S: Sm2Signer>(subject: &Name, signer: S) -> Result<Self, SignError<S::Error>> {
        let public_key = signer.public_key();
        let part = CertificationRequestInfo {
            version: 0,
            subject: subject.encoded(),
            public_key: Any::from_der(&public_key.to_spki_der())?,
            attributes: Some(Vec::new()),
        };
        let der = Signed::sign(&part, signer)?;
        Ok(Self::from_der(&der).expect("a request just written is readable"))
    }

    /// Reads a DER request. Its signature is not checked yet: see [`Self::verify`].
    ///
    /// # Errors
    /// [`Error::Malformed`], or [`Error::Key`] when it is not about an SM2 key.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let malformed = Error::malformed(KIND.what);
        let signed = Signed::decode(&KIND, der)?;
        let part = CertificationRequestInfo::from_der(signed.signed_part()).map_err(&malformed)?;
        if part.version != 0 {
            return Err(Error::invalid(KIND.what, "the version is not 1"));
        }
        let public_key = PublicKey::from_spki_der(&part.public_key.to_der().map_err(&malformed)?)
            .map_err(|source| Error::Key { what: KIND.what, source })?;
        Ok(Self { subject: Name::decode(part.subject).map_err(&malformed)?, public_key, signed })
    }

    /// Reads a PEM request.
    ///
    /// # Errors
    /// [`Error::Pem`], or as [`Self::from_der`].
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        Self::from_der(&pem_to_der(&KIND, text)?)
    }

    /// Checks that whoever asks has the private key.
    ///
    /// # Errors
    /// [`Error::Signature`], or [`Error::Algorithm`] when it is not signed with SM2 and SM3.
    pub fn verify(&self) -> Result<(), Error> {
        self.signed.verify(&KIND, &self.public_key)
    }

    /// The name asked for.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The key to be certified.
    pub fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// The DER as it came.
    pub fn der(&self) -> &[u8] {
        self.signed.der()
    }

    /// PEM, with line feeds.
    pub fn to_pem(&self) -> String {
        self.signed.to_pem(&KIND)
    }
}

impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Request {}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("subject", &self.subject)
            .field("public_key", &self.public_key)
            .finish_non_exhaustive()
    }
}
