//! X.509 version 3 certificates (GM/T 0015, RFC 5280).
//!
//! Guarantees: a [`Certificate`] keeps the DER it came from, and everything in it was readable. Real certificates
//! deviate from the profile in known ways, and those are read. Refuses to know the time and what is revoked: see
//! [`Validity::contains`] and [`crate::Crl`].

use std::fmt;

use der::{
    Decode, Encode, Sequence,
    asn1::{Any, BitString, Int},
};
use jiff::Timestamp;
use spki::AlgorithmIdentifierOwned;
use x509_cert::{Version, ext::Extension};

use crate::{
    Error, Identity, IssueError, KeyPair, KeyUsage, Name, PublicKey, Serial, Validity, extension, oid,
    signed::{ALGORITHM, Kind, Signed, pem_to_der},
    sm2,
    time::EncodedValidity,
};

pub(crate) const KIND: Kind = Kind { what: "certificate", labels: &["CERTIFICATE", "X509 CERTIFICATE"] };

/// A certificate: its DER as it came, and what is in it.
#[derive(Clone)]
pub struct Certificate {
    signed: Signed,
    serial: Serial,
    issuer: Name,
    validity: Validity,
    subject: Name,
    public_key: Result<PublicKey, sm2::Error>,
    extensions: Vec<Extension>,
    key_usage: Option<KeyUsage>,
    is_authority: bool,
    path_length: Option<u8>,
}

#[derive(Sequence)]
struct TbsCertificate {
    #[asn1(context_specific = "0", default = "Default::default")]
    version: Version,
    serial: Int,
    signature: AlgorithmIdentifierOwned,
    issuer: Any,
    validity: EncodedValidity,
    subject: Any,
    public_key: Any,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    issuer_unique_id: Option<BitString>,
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    subject_unique_id: Option<BitString>,
    #[asn1(context_specific = "3", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

/// What an authority fills into a certificate.
pub(crate) struct Contents<'a> {
    pub(crate) serial: Serial,
    pub(crate) issuer: &'a Name,
    pub(crate) validity: Validity,
    pub(crate) subject: &'a Name,
    pub(crate) public_key: PublicKey,
    pub(crate) extensions: Vec<Extension>,
}

impl Certificate {
    pub(crate) fn sign(contents: Contents<'_>, key: &KeyPair) -> Result<Self, IssueError> {
        let part = TbsCertificate {
            version: Version::V3,
            serial: contents.serial.encode()?,
            signature: ALGORITHM,
            issuer: contents.issuer.encoded(),
            validity: contents.validity.encode()?,
            subject: contents.subject.encoded(),
            public_key: Any::from_der(&contents.public_key.to_spki_der())?,
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: Some(contents.extensions),
        };
        let der = Signed::sign(&part, key)?;
        Ok(Self::from_der(&der).expect("a certificate just written is readable"))
    }

    /// Reads a DER certificate. One with another kind of key is read as well; only [`Self::public_key`] fails then.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let malformed = Error::malformed(KIND.what);
        let signed = Signed::decode(&KIND, der)?;
        let part = TbsCertificate::from_der(signed.signed_part()).map_err(&malformed)?;
        if part.signature.oid != signed.algorithm() {
            return Err(Error::invalid(KIND.what, "the two signature algorithms differ"));
        }
        let extensions = part.extensions.unwrap_or_default();
        let key_usage = extension::find(&extensions, oid::KEY_USAGE).map(KeyUsage::decode).transpose();
        let constraints = extension::find(&extensions, oid::BASIC_CONSTRAINTS)
            .map(extension::BasicConstraints::from_der)
            .transpose()
            .map_err(&malformed)?
            .unwrap_or_default();
        Ok(Self {
            serial: Serial::decode(&part.serial),
            issuer: Name::decode(part.issuer).map_err(&malformed)?,
            validity: Validity::decode(part.validity),
            subject: Name::decode(part.subject).map_err(&malformed)?,
            public_key: PublicKey::from_spki_der(&part.public_key.to_der().map_err(&malformed)?),
            key_usage: key_usage.map_err(&malformed)?,
            is_authority: constraints.ca,
            path_length: constraints.path_length,
            signed,
            extensions,
        })
    }

    /// Reads a PEM certificate.
    ///
    /// # Errors
    /// [`Error::Pem`] or [`Error::Malformed`].
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        Self::from_der(&pem_to_der(&KIND, text)?)
    }

    /// The DER as it came.
    pub fn der(&self) -> &[u8] {
        self.signed.der()
    }

    /// PEM, with line feeds.
    pub fn to_pem(&self) -> String {
        self.signed.to_pem(&KIND)
    }

    /// Whom it was issued to.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// Who issued it.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// Its number, unique under its issuer.
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// The period in which it is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The first instant at which it is valid.
    pub fn not_before(&self) -> Timestamp {
        self.validity.not_before()
    }

    /// The last instant at which it is valid.
    pub fn not_after(&self) -> Timestamp {
        self.validity.not_after()
    }

    /// The SM2 key it certifies.
    ///
    /// # Errors
    /// [`Error::Key`] when it certifies a key of another kind or a point outside the curve.
    pub fn public_key(&self) -> Result<PublicKey, Error> {
        self.public_key.map_err(|source| Error::Key { what: KIND.what, source })
    }

    /// What its key may be used for; `None` when it does not say.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.key_usage
    }

    /// Whether it may issue certificates, by its basic constraints.
    pub fn is_authority(&self) -> bool {
        self.is_authority
    }

    /// How many authorities may stand below this one before a holder; `None` when it does not say.
    pub fn path_length(&self) -> Option<u8> {
        self.path_length
    }

    /// The unit's or person's number in the extensions of GM/T 0015.
    pub fn identity(&self) -> Option<Identity> {
        Identity::find(&self.extensions)
    }

    /// Where its issuer publishes the revocation list.
    pub fn crl_address(&self) -> Option<String> {
        extension::find_crl_distribution_point(&self.extensions)
    }

    /// The identifier of its key; computed when it does not say.
    pub fn subject_key_identifier(&self) -> Option<Vec<u8>> {
        extension::find_subject_key_identifier(&self.extensions)
            .or_else(|| Some(extension::key_identifier(&self.public_key.ok()?).to_vec()))
    }

    /// The identifier of its issuer's key.
    pub fn authority_key_identifier(&self) -> Option<Vec<u8>> {
        extension::find_authority_key_identifier(&self.extensions)
    }

    /// Checks that `issuer` issued this: the names, the key identifiers, its right to issue, and the signature. A root
    /// verifies with itself. Times, revocation and extensions beyond these are not looked at.
    ///
    /// # Errors
    /// [`Error::Issuer`], [`Error::NotAnAuthority`], [`Error::Algorithm`], [`Error::Key`] or [`Error::Signature`].
    pub fn verify_issued_by(&self, issuer: &Self) -> Result<(), Error> {
        issuer.verify_as_issuer(
            KIND.what,
            &self.issuer,
            self.authority_key_identifier(),
            KeyUsage::KEY_CERT_SIGN,
        )?;
        // A certificate on itself does not count for the path (RFC 5280 4.2.1.9).
        if self.is_authority && issuer.path_length == Some(0) && self.subject != self.issuer {
            return Err(Error::NotAnAuthority(issuer.subject.to_string()));
        }
        self.signed.verify(&KIND, &issuer.public_key()?)
    }

    /// Whether this certificate is the one a document names as its issuer, and has the right `usage`.
    pub(crate) fn verify_as_issuer(
        &self,
        what: &'static str,
        name: &Name,
        key_identifier: Option<Vec<u8>>,
        usage: KeyUsage,
    ) -> Result<(), Error> {
        let own = extension::find_subject_key_identifier(&self.extensions);
        let other_key = matches!((&key_identifier, &own), (Some(wanted), Some(own)) if wanted != own);
        if *name != self.subject || other_key {
            let (issuer, candidate) = (name.to_string(), self.subject.to_string());
            return Err(Error::Issuer { what, issuer, candidate });
        }
        if !self.is_authority || self.key_usage.is_some_and(|allowed| !allowed.contains(usage)) {
            return Err(Error::NotAnAuthority(self.subject.to_string()));
        }
        Ok(())
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("serial", &self.serial)
            .field("subject", &self.subject)
            .field("issuer", &self.issuer)
            .field("key_usage", &self.key_usage)
            .finish_non_exhaustive()
    }
}
