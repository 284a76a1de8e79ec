//! Stamps (电子签章, SES_Signature): a seal, the hash of a document and when, signed by somebody the seal lists.
//!
//! Guarantees: v4 and v5 are written in strict DER in the edition of their seal, v1 is only read; the signature is
//! checked over the bytes as they came. Refuses to know the document: it takes its hash ([`super::data_hash`]).

use std::fmt;

use der::{
    Decode, Encode, Sequence,
    asn1::{BitString, Ia5String, Ia5StringRef},
};
use jiff::Timestamp;
use x509_cert::{ext::Extension, time::Time};

use super::{
    MakeError, ObjectIdentifier, Seal, SealExtension, SealVersion, StampError, Trust, check_period, critical,
    encoding,
    encoding::{members, whole_bits_or_octets},
    is_sm2_with_sm3, trust,
};
use crate::{
    Certificate, Error, Sm2Signer,
    signed::{sign_part, verify_part},
    time,
};

const WHAT: &str = "stamp";

/// A stamp: its DER as it came, and what is in it. Not believed until [`Self::verify`].
#[derive(Clone)]
pub struct Stamp {
    der: Vec<u8>,
    seal: Seal,
    time: Option<Timestamp>,
    time_info: Vec<u8>,
    data_hash: Vec<u8>,
    property: String,
    extensions: Vec<SealExtension>,
    signer: Certificate,
    algorithm: ObjectIdentifier,
    to_sign: Vec<u8>,
    signature: Vec<u8>,
    timestamp: Option<Vec<u8>>,
}

/// What a stamp will say.
#[derive(Debug, Clone)]
#[must_use]
pub struct StampDraft<'a> {
    /// The seal, whose edition the stamp takes.
    pub seal: &'a Seal,
    /// SM3 over the document ([`super::data_hash`]).
    pub data_hash: [u8; 32],
    /// When the stamp is made.
    pub time: Timestamp,
    /// What is stamped, ASCII; free text, in OFD the path of the signature's description.
    pub property: String,
    /// Its extensions, none critical: nobody would believe the stamp.
    pub extensions: Vec<SealExtension>,
}

/// What follows version and seal in toSign of v4 and v5.
#[derive(Sequence)]
struct ToSignTail {
    time: Time,
    data_hash: BitString,
    property: Ia5String,
    // With a tag here, without one in SealInfo.
    #[asn1(context_specific = "0", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

impl StampDraft<'_> {
    /// Makes the stamp, signed once. What would not verify is refused first: a certificate that the seal does not list
    /// or that is not for signing or not valid at that time, a seal that is not valid then, a critical extension,
    /// another key.
    ///
    /// # Errors
    /// [`MakeError`].
    pub fn make<S: Sm2Signer>(
        &self,
        certificate: &Certificate,
        signer: S,
    ) -> Result<Stamp, MakeError<S::Error>> {
        let version: u32 = match self.seal.version() {
            SealVersion::V1 => return Err(MakeError::Version(SealVersion::V1)),
            SealVersion::V4 => 4,
            SealVersion::V5 => 5,
        };
        if !self.property.is_ascii() {
            return Err(MakeError::Characters("property"));
        }
        self.check(certificate).map_err(MakeError::Stamp)?;
        let key =
            certificate.public_key().map_err(StampError::SignerCertificate).map_err(MakeError::Stamp)?;
        if key != signer.public_key() {
            return Err(MakeError::KeyMismatch);
        }
        let tail = ToSignTail {
            time: encoding::generalized(self.time)?,
            data_hash: BitString::from_bytes(&self.data_hash)?,
            property: Ia5String::new(&self.property)?,
            extensions: encoding::encode_extensions(&self.extensions)?,
        }
        .to_der()?;
        let version = version.to_der()?;
        let mut parts = vec![version.as_slice(), self.seal.der()];
        parts.extend(members(&tail)?);
        let to_sign = encoding::sequence(&parts);
        let signature = sign_part(&to_sign, signer)?;
        let [certificate, algorithm] = encoding::encode_signing(certificate)?;
        let der = encoding::sequence(&[&to_sign, &certificate, &algorithm, &signature]);
        Ok(Stamp::from_der(&der).expect("a stamp just written is readable"))
    }

    /// What [`Self::make`] would refuse for: the certificate in the seal, its usage, its period, the seal's period, the
    /// extensions.
    ///
    /// # Errors
    /// [`StampError`].
    pub fn check(&self, certificate: &Certificate) -> Result<(), StampError> {
        if !self.seal.lists(certificate) {
            return Err(StampError::SignerNotInSeal(certificate.subject().to_string()));
        }
        trust::check_signer_usage(certificate)?;
        trust::check_signer_period(certificate, self.time)?;
        check_period(self.seal.period(), self.time)?;
        critical(&self.extensions).map_or(Ok(()), |id| Err(StampError::CriticalExtension(id)))
    }
}

impl Stamp {
    /// Reads a DER stamp of any edition: two members are v1, four or five v4 or v5 as the seal in it.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let malformed = Error::malformed(WHAT);
        let parts = members(der).map_err(&malformed)?;
        let to_sign = parts.first().copied().unwrap_or_default();
        let body = members(to_sign).map_err(&malformed)?;
        let &[version, seal, ref rest @ ..] = body.as_slice() else {
            return Err(Error::invalid(WHAT, "version or seal is missing"));
        };
        let version = u32::from_der(version).map_err(&malformed)?;
        let seal = Seal::from_der(seal)?;
        let (tail, signing) = match (seal.version(), version, parts.as_slice(), rest) {
            (SealVersion::V1, _, &[_, signature], &[time, hash, property, certificate, algorithm]) => {
                (Tail::decode_v1(&[time, hash, property])?, vec![certificate, algorithm, signature])
            }
            (SealVersion::V4, 4, &[_, ref signing @ ..], tail)
            | (SealVersion::V5, 5, &[_, ref signing @ ..], tail) => {
                (Tail::decode_v4(&encoding::sequence(tail))?, signing.to_vec())
            }
            (edition, version, ..) => {
                let reason = format!("version {version} and its members do not fit a {edition:?} seal");
                return Err(Error::invalid(WHAT, &reason));
            }
        };
        let signing = encoding::Signing::decode(WHAT, &signing)?;
        Ok(Self {
            der: der.to_vec(),
            time: tail.time,
            time_info: tail.time_info,
            data_hash: tail.data_hash,
            property: tail.property,
            extensions: tail.extensions,
            signer: Certificate::from_der(&signing.certificate)?,
            algorithm: signing.algorithm,
            to_sign: to_sign.to_vec(),
            signature: signing.signature,
            timestamp: signing.timestamp,
            seal,
        })
    }

    /// The DER as it came.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The seal in it.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// When its maker says it was made; `None` when a v1 stamp carries something other than a time.
    pub fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// The time as it is in the stamp: the DER of a time, or in v1 the contents of timeInfo, which may be a timestamp
    /// token.
    pub fn time_info(&self) -> &[u8] {
        &self.time_info
    }

    /// The hash of what was stamped.
    pub fn data_hash(&self) -> &[u8] {
        &self.data_hash
    }

    /// What was stamped, in free words.
    pub fn property(&self) -> &str {
        &self.property
    }

    /// Its extensions (extDatas); v1 has none.
    pub fn extensions(&self) -> &[SealExtension] {
        &self.extensions
    }

    /// The certificate of who stamped.
    pub fn signer(&self) -> &Certificate {
        &self.signer
    }

    /// The timestamp token, as it came. It is over the signature, and no signature of the stamp covers it.
    pub fn timestamp(&self) -> Option<&[u8]> {
        self.timestamp.as_deref()
    }

    /// The bytes the signature covers (toSign).
    pub fn signed_part(&self) -> &[u8] {
        &self.to_sign
    }

    /// The same stamp with a timestamp token over it; one that was there is replaced. `None` for v1, which carries it
    /// in its time.
    pub fn with_timestamp(&self, token: &[u8]) -> Option<Self> {
        let der =
            (self.seal.version() != SealVersion::V1).then(|| encoding::with_timestamp(&self.der, token))?;
        Some(Self::from_der(&der).expect("a stamp just written is readable"))
    }

    /// Checks the signature, the seal, that the seal lists the signer, the signer's certificate, the stamp's time and
    /// the hash of the data (GB/T 38540, verification of stamps).
    ///
    /// Everything is judged at the instant `at`: now, or [`Self::time`] when the caller has a reason to believe it.
    /// The stamp's own time must lie in the seal's period too, and not after `at`.
    ///
    /// # Errors
    /// [`StampError`], the first reason in the order above.
    pub fn verify(&self, data_hash: &[u8; 32], trust: &Trust<'_>, at: Timestamp) -> Result<(), StampError> {
        if !is_sm2_with_sm3(self.algorithm) {
            return Err(StampError::Algorithm(self.algorithm));
        }
        let key = self.signer.public_key().map_err(StampError::SignerCertificate)?;
        verify_part(&self.to_sign, &key, &self.signature).map_err(StampError::Signature)?;
        self.seal.verify(trust, at)?;
        if !self.seal.lists(&self.signer) {
            return Err(StampError::SignerNotInSeal(self.signer.subject().to_string()));
        }
        trust.check_signer(&self.signer, at)?;
        self.check_time(at)?;
        if let Some(id) = critical(&self.extensions) {
            return Err(StampError::CriticalExtension(id));
        }
        if self.data_hash == data_hash { Ok(()) } else { Err(StampError::Data) }
    }

    fn check_time(&self, at: Timestamp) -> Result<(), StampError> {
        let Some(time) = self.time else { return Ok(()) };
        if time.as_second() > at.as_second() {
            return Err(StampError::Future { time, at });
        }
        check_period(self.seal.period(), time)?;
        trust::check_signer_period(&self.signer, time)
    }
}

/// What toSign says after version and seal.
struct Tail {
    time: Option<Timestamp>,
    time_info: Vec<u8>,
    data_hash: Vec<u8>,
    property: String,
    extensions: Vec<SealExtension>,
}

impl Tail {
    /// timeInfo holds the DER of a time, or a timestamp token.
    fn decode_v1(parts: &[&[u8]; 3]) -> Result<Self, Error> {
        let [time, hash, property] = parts;
        let time_info = whole_bits_or_octets(WHAT, time)?;
        let property = <Ia5StringRef<'_>>::from_der(property).map_err(Error::malformed(WHAT))?;
        Ok(Self {
            time: Time::from_der(&time_info).ok().map(time::decode),
            time_info,
            data_hash: whole_bits_or_octets(WHAT, hash)?,
            property: property.as_str().to_owned(),
            extensions: Vec::new(),
        })
    }

    fn decode_v4(der: &[u8]) -> Result<Self, Error> {
        let malformed = Error::malformed(WHAT);
        let tail = ToSignTail::from_der(der).map_err(&malformed)?;
        let hash = tail.data_hash.as_bytes();
        Ok(Self {
            time: Some(time::decode(tail.time)),
            time_info: tail.time.to_der().map_err(&malformed)?,
            data_hash: hash.ok_or_else(|| Error::invalid(WHAT, "the hash is not whole bytes"))?.to_vec(),
            property: tail.property.as_str().to_owned(),
            extensions: encoding::decode_extensions(tail.extensions),
        })
    }
}

impl PartialEq for Stamp {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Stamp {}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stamp")
            .field("seal", &self.seal)
            .field("time", &self.time)
            .field("property", &self.property)
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}
