//! The answer to a request in the double-certificate form (GM/T 0092 CSRResponse): sign certificates, and, when the
//! authority made the encryption pair, its enveloped key and certificates.
//!
//! Guarantees: an answer holds at least one sign certificate, and an enveloped key never comes without a certificate on
//! its public key. Refuses to know whether the certificates are to be believed.

use der::{
    Decode, Encode, Reader, SliceReader, Tag, TagNumber, Tagged,
    asn1::{Any, SetOfVec},
};

use crate::{Certificate, EnvelopedKey, Error};

const WHAT: &str = "response to a request";

/// An authority's answer to a [`crate::Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsrResponse {
    sign_certificates: Vec<Certificate>,
    enveloped_key: Option<EnvelopedKey>,
    encryption_certificates: Vec<Certificate>,
}

impl CsrResponse {
    /// An answer with a sign certificate alone.
    pub fn single(sign: Certificate) -> Self {
        Self { sign_certificates: vec![sign], enveloped_key: None, encryption_certificates: Vec::new() }
    }

    /// An answer with both certificates and the encryption pair.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] when the encryption certificate is on another key than the enveloped one.
    pub fn double(sign: Certificate, key: EnvelopedKey, encryption: Certificate) -> Result<Self, Error> {
        Self {
            sign_certificates: vec![sign],
            enveloped_key: Some(key),
            encryption_certificates: vec![encryption],
        }
        .checked()
    }

    /// The sign certificate; when there are several (a chain), the first that is no authority's.
    pub fn sign_certificate(&self) -> &Certificate {
        end_certificate(&self.sign_certificates).expect("checked when it was made: not empty")
    }

    /// All certificates in the place of the sign certificate.
    pub fn sign_certificates(&self) -> &[Certificate] {
        &self.sign_certificates
    }

    /// The encryption pair, for the key of the sign certificate.
    pub fn enveloped_key(&self) -> Option<&EnvelopedKey> {
        self.enveloped_key.as_ref()
    }

    /// The encryption certificate; when there are several (a chain), the first that is no authority's.
    pub fn encryption_certificate(&self) -> Option<&Certificate> {
        end_certificate(&self.encryption_certificates)
    }

    /// All certificates in the place of the encryption certificate.
    pub fn encryption_certificates(&self) -> &[Certificate] {
        &self.encryption_certificates
    }

    fn checked(self) -> Result<Self, Error> {
        if self.sign_certificates.is_empty() {
            return Err(Error::invalid(WHAT, "there is no sign certificate"));
        }
        if let Some(key) = &self.enveloped_key {
            let certificate = self
                .encryption_certificate()
                .ok_or_else(|| Error::invalid(WHAT, "there is a key, but no encryption certificate"))?;
            if certificate.public_key()? != key.public_key() {
                return Err(Error::KeyMismatch);
            }
        }
        Ok(self)
    }

    /// Reads a DER CSRResponse. The enveloped key is taken with `[0]` explicit or implicit, the encryption certificates
    /// with `[1]` implicit or explicit.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::KeyMismatch`], or what reading the parts gives.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let malformed = Error::malformed(WHAT);
        let parts = Vec::<Any>::from_der(der).map_err(&malformed)?;
        let mut parts = parts.iter().peekable();
        let signs = parts
            .next_if(|part| part.tag() == Tag::Set)
            .ok_or_else(|| Error::invalid(WHAT, "it does not begin with a set of certificates"))?;
        let sign_certificates = certificates(signs.value())?;
        let enveloped_key = parts
            .next_if(|part| part.tag() == context(0))
            .map(|part| enveloped_key(part.value()))
            .transpose()?;
        let encryption_certificates = parts
            .next_if(|part| part.tag() == context(1))
            .map(|part| certificates(part.value()))
            .transpose()?;
        if parts.next().is_some() {
            return Err(Error::invalid(WHAT, "there is more than a response holds"));
        }
        let encryption_certificates = encryption_certificates.unwrap_or_default();
        Self { sign_certificates, enveloped_key, encryption_certificates }.checked()
    }

    /// The DER CSRResponse, `[0]` explicit and `[1]` implicit.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it grows beyond what DER can count.
    pub fn to_der(&self) -> Result<Vec<u8>, Error> {
        let encode = || {
            let mut parts = vec![Any::new(Tag::Set, set(&self.sign_certificates)?)?];
            if let Some(key) = &self.enveloped_key {
                parts.push(Any::new(context(0), key.to_der())?);
            }
            if !self.encryption_certificates.is_empty() {
                parts.push(Any::new(context(1), set(&self.encryption_certificates)?)?);
            }
            parts.to_der()
        };
        encode().map_err(Error::malformed(WHAT))
    }
}

fn end_certificate(certificates: &[Certificate]) -> Option<&Certificate> {
    certificates.iter().find(|certificate| !certificate.is_authority()).or(certificates.first())
}

const fn context(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

/// The contents of a SET OF, in DER order.
fn set(certificates: &[Certificate]) -> der::Result<Vec<u8>> {
    let members = certificates.iter().map(|certificate| Any::from_der(certificate.der()));
    let members = SetOfVec::try_from(members.collect::<der::Result<Vec<_>>>()?)?;
    Ok(Any::encode_from(&members)?.value().to_vec())
}

fn certificates(contents: &[u8]) -> Result<Vec<Certificate>, Error> {
    let malformed = Error::malformed(WHAT);
    let mut found = members(contents).map_err(&malformed)?;
    // One level and no more: a chain of sets inside sets is no response.
    if let [inner] = found.as_slice()
        && inner.tag() == Tag::Set
    {
        found = members(inner.value()).map_err(&malformed)?;
    }
    found.iter().map(|member| Certificate::from_der(&member.to_der().map_err(&malformed)?)).collect()
}

fn members(contents: &[u8]) -> der::Result<Vec<Any>> {
    let mut reader = SliceReader::new(contents)?;
    let mut members = Vec::new();
    while !reader.is_finished() {
        members.push(Any::decode(&mut reader)?);
    }
    Ok(members)
}

fn enveloped_key(contents: &[u8]) -> Result<EnvelopedKey, Error> {
    match members(contents).map_err(Error::malformed(WHAT))?.as_slice() {
        [_] => EnvelopedKey::from_der(contents),
        _ => {
            let sequence = Any::new(Tag::Sequence, contents).and_then(|sequence| sequence.to_der());
            EnvelopedKey::from_der(&sequence.map_err(Error::malformed(WHAT))?)
        }
    }
}
