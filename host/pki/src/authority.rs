//! The certificate authority: a root, issuing authorities under it, end certificates in the double form of GM/T 0015
//! (one to sign, one to encrypt), and certificates of seal makers.
//!
//! Guarantees: serial numbers are 16 random bytes; KeyUsage is critical; end certificates have no BasicConstraints.
//! Refuses to know who may have a certificate, and what it issued: the hall keeps that.

use rand_core::CryptoRng;
use x509_cert::ext::Extension;

use crate::{
    Certificate, Error, Identity, IssueError, KeyPair, KeyUsage, Name, PublicKey, Serial, Validity,
    certificate::Contents, extension, oid,
};

/// An authority: its key pair and its certificate.
#[derive(Debug, Clone)]
pub struct Authority {
    key: KeyPair,
    certificate: Certificate,
}

/// What an end certificate says about its holder, alike in both certificates of a pair.
#[derive(Debug, Clone)]
#[must_use]
pub struct EndEntity {
    subject: Name,
    validity: Validity,
    identity: Option<Identity>,
    crl_address: Option<String>,
}

/// Which certificate of the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// The sign certificate: digitalSignature and nonRepudiation.
    Sign,
    /// The encryption certificate: keyEncipherment, dataEncipherment and keyAgreement.
    Encrypt,
}

impl KeyPurpose {
    /// The key usage of such a certificate.
    pub fn key_usage(self) -> KeyUsage {
        match self {
            Self::Sign => KeyUsage::SIGN,
            Self::Encrypt => KeyUsage::ENCRYPT,
        }
    }
}

impl EndEntity {
    /// A holder with this name, for this period.
    pub fn new(subject: Name, validity: Validity) -> Self {
        Self { subject, validity, identity: None, crl_address: None }
    }

    /// Adds the number of the unit or person, printable characters only.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Adds the address at which the revocation list is published, ASCII only.
    pub fn crl_address(mut self, address: impl Into<String>) -> Self {
        self.crl_address = Some(address.into());
        self
    }
}

impl Authority {
    /// A self-signed root.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn root(
        subject: &Name,
        validity: Validity,
        key: KeyPair,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, IssueError> {
        let public_key = key.public_key();
        let identifier = extension::key_identifier(&public_key);
        let extensions = authority_extensions(&identifier, &identifier, None)?;
        let serial = Serial::generate(rng);
        let contents = Contents { serial, issuer: subject, validity, subject, public_key, extensions };
        let certificate = Certificate::sign(contents, &key)?;
        Ok(Self { key, certificate })
    }

    /// An authority under this one, which issues end certificates only (path length 0).
    ///
    /// # Errors
    /// [`IssueError::PathLength`] when this one has path length 0 itself.
    pub fn issuing(
        &self,
        subject: &Name,
        validity: Validity,
        key: KeyPair,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, IssueError> {
        if self.certificate.path_length() == Some(0) {
            return Err(IssueError::PathLength(self.certificate.subject().to_string()));
        }
        let public_key = key.public_key();
        let own = extension::key_identifier(&public_key);
        let extensions = authority_extensions(&own, &self.key_identifier(), Some(0))?;
        let certificate = self.certify(Serial::generate(rng), subject, validity, public_key, extensions)?;
        Ok(Self { key, certificate })
    }

    /// An authority from its stored parts.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] when they do not belong together, [`Error::NotAnAuthority`] when the certificate may not
    /// issue, [`Error::Key`] when it holds no SM2 key.
    pub fn from_parts(key: KeyPair, certificate: Certificate) -> Result<Self, Error> {
        if certificate.public_key()? != key.public_key() {
            return Err(Error::KeyMismatch);
        }
        let usage = certificate.key_usage();
        if !certificate.is_authority() || usage.is_some_and(|usage| !usage.contains(KeyUsage::KEY_CERT_SIGN))
        {
            return Err(Error::NotAnAuthority(certificate.subject().to_string()));
        }
        Ok(Self { key, certificate })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its key pair.
    pub fn key(&self) -> &KeyPair {
        &self.key
    }

    /// Issues one certificate of the pair. The key's possession must have been proved ([`crate::Request::verify`]) or
    /// the key made here.
    ///
    /// # Errors
    /// [`IssueError::Encode`] when the identity or the address holds characters that its field cannot carry.
    pub fn issue(
        &self,
        holder: &EndEntity,
        purpose: KeyPurpose,
        public_key: PublicKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Certificate, IssueError> {
        self.issue_for(holder, purpose.key_usage(), public_key, rng)
    }

    /// Issues the certificate of a unit that makes electronic seals (制章者): critical KeyUsage with digitalSignature
    /// alone, see [`crate::seal`].
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub fn issue_seal_maker(
        &self,
        unit: &EndEntity,
        public_key: PublicKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Certificate, IssueError> {
        self.issue_for(unit, KeyUsage::SEAL_MAKER, public_key, rng)
    }

    fn issue_for(
        &self,
        holder: &EndEntity,
        usage: KeyUsage,
        public_key: PublicKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Certificate, IssueError> {
        let mut extensions = vec![
            extension::authority_key_identifier(&self.key_identifier())?,
            extension::subject_key_identifier(&extension::key_identifier(&public_key))?,
            extension::extension(oid::KEY_USAGE, true, &usage.encode()?)?,
        ];
        extensions.extend(holder.crl_address.as_deref().map(extension::crl_distribution_point).transpose()?);
        extensions.extend(holder.identity.as_ref().map(Identity::encode).transpose()?);
        self.certify(Serial::generate(rng), &holder.subject, holder.validity, public_key, extensions)
    }

    /// Issues the sign certificate.
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub fn issue_sign(
        &self,
        holder: &EndEntity,
        public_key: PublicKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Certificate, IssueError> {
        self.issue(holder, KeyPurpose::Sign, public_key, rng)
    }

    /// Issues the encryption certificate.
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub fn issue_encrypt(
        &self,
        holder: &EndEntity,
        public_key: PublicKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Certificate, IssueError> {
        self.issue(holder, KeyPurpose::Encrypt, public_key, rng)
    }

    fn certify(
        &self,
        serial: Serial,
        subject: &Name,
        validity: Validity,
        public_key: PublicKey,
        extensions: Vec<Extension>,
    ) -> Result<Certificate, IssueError> {
        let issuer = self.certificate.subject();
        Certificate::sign(Contents { serial, issuer, validity, subject, public_key, extensions }, &self.key)
    }

    /// The identifier that what it issues names: the one in its certificate.
    pub(crate) fn key_identifier(&self) -> Vec<u8> {
        let computed = || extension::key_identifier(&self.key.public_key()).to_vec();
        self.certificate.subject_key_identifier().unwrap_or_else(computed)
    }
}

fn authority_extensions(own: &[u8], issuer: &[u8], path_length: Option<u8>) -> der::Result<Vec<Extension>> {
    Ok(vec![
        extension::authority_key_identifier(issuer)?,
        extension::subject_key_identifier(own)?,
        extension::basic_constraints(path_length)?,
        extension::extension(oid::KEY_USAGE, true, &KeyUsage::AUTHORITY.encode()?)?,
    ])
}
