//! Electronic seals (电子印章) and the stamps made with them (电子签章): GM/T 0031-2014 (v1), GB/T 38540-2020 (v4) and
//! GM/T 0031-2025 (v5).
//!
//! A [`Seal`] binds a picture to the certificates of those who may stamp with it, and is signed by a seal maker. A
//! [`Stamp`] holds the seal, the hash of a document and the signature of one of them. A certificate that is renewed is
//! another certificate: the seal does not list it until the seal is made again.
//!
//! Guarantees: v4 and v5 are written in strict DER, v1 is only read; every signature is checked over the bytes as they
//! came. A [`SealDraft`] and a [`StampDraft`] sign through [`crate::Sm2Signer`] and refuse to make what nobody would
//! believe; whom a verifier trusts they cannot know.
//!
//! Refuses to know: clocks (instants are arguments), revocation (see [`crate::Crl`]), timestamp tokens (kept as they
//! are, not judged), where a seal is kept, and how the hash of a document is built up beyond SM3.
//!
//! ```
//! use jiff::ToSpan;
//! use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//! use ukey_pki::seal::{Picture, Seal, SealDraft, SealKind, SealVersion, SignerList, StampDraft, Trust, data_hash};
//! use ukey_pki::{Authority, EndEntity, KeyPair, Name, Validity};
//!
//! let mut rng = ChaCha20Rng::from_seed([7; 32]);
//! let now: jiff::Timestamp = "2026-01-01T00:00:00+08:00".parse()?;
//! let life = Validity::new(now, now + (365 * 24).hours())?;
//! let name = |cn: &str| Name::builder().country("CN").common_name(cn).build();
//! let authority = Authority::root(&name("示例根")?, life, KeyPair::generate(&mut rng), &mut rng)?;
//! let maker_key = KeyPair::generate(&mut rng);
//! let unit = EndEntity::new(name("示例制章中心")?, life);
//! let maker = authority.issue_seal_maker(&unit, maker_key.public_key(), &mut rng)?;
//! let key = KeyPair::generate(&mut rng);
//! let certificate = authority.issue_sign(&EndEntity::new(name("张三")?, life), key.public_key(), &mut rng)?;
//!
//! # let gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;".to_vec();
//! let seal = SealDraft {
//!     id: "SEAL-0001".into(),
//!     vendor: "UKEY".into(),
//!     kind: SealKind::Person,
//!     name: "张三".into(),
//!     signers: SignerList::certificates([&certificate]),
//!     made: now,
//!     period: life,
//!     picture: Picture::new(gif, 20, 20)?,
//!     extensions: Vec::new(),
//! }
//! .make(SealVersion::V5, &maker, &maker_key)?;
//! let trusted = [authority.certificate().clone()];
//! seal.verify(&Trust::new(&trusted), now)?;
//!
//! let hash = data_hash(b"a document");
//! let draft = StampDraft { seal: &seal, data_hash: hash, time: now, property: "a.ofd".into(), extensions: Vec::new() };
//! let stamp = draft.make(&certificate, &key)?;
//! stamp.verify(&hash, &Trust::new(&trusted), now)?;
//! assert!(stamp.verify(&data_hash(b"another"), &Trust::new(&trusted), now).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod draft;
mod encoding;
mod error;
mod list;
mod picture;
mod rules;
mod stamp;
mod trust;

use std::fmt;

use jiff::Timestamp;
use sm3::{Digest, Sm3};

pub use draft::SealDraft;
pub use error::{MakeError, SealError, StampError};
pub use list::{CertificateDigest, SignerList};
pub use picture::{Picture, PictureError, PictureFacts, PictureFormat, Side};
pub use rules::{PictureRules, Transparency};
pub use stamp::{Stamp, StampDraft};
pub use trust::Trust;

use crate::{Certificate, Error, Validity, oid, signed::verify_part, time};
use encoding::{Layout, members};

pub use crate::oid::ObjectIdentifier;

const WHAT: &str = "electronic seal";

/// The edition a seal or stamp is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SealVersion {
    /// GM/T 0031-2014; read only. Its header carries whatever version number its maker wrote.
    V1,
    /// GB/T 38540-2020.
    V4,
    /// GM/T 0031-2025.
    V5,
}

/// Whose seal it is (the type in SES_ESPropertyInfo).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SealKind {
    /// A unit's seal, 1.
    Unit,
    /// A person's seal, 2.
    Person,
    /// A type the authority defined for itself.
    Other(u32),
}

/// One extension of a seal or stamp (ExtData): an identifier, whether a reader must understand it, a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealExtension {
    /// What it is.
    pub id: ObjectIdentifier,
    /// Whether whoever does not understand it must refuse the whole.
    pub critical: bool,
    /// Its value.
    pub value: Vec<u8>,
}

/// An electronic seal (SESeal): its DER as it came, and what is in it. Not believed until [`Self::verify`].
#[derive(Clone)]
pub struct Seal {
    der: Vec<u8>,
    version: SealVersion,
    header_version: u32,
    vendor: String,
    id: String,
    kind: SealKind,
    name: String,
    signers: SignerList,
    made: Timestamp,
    period: Validity,
    picture: Picture,
    extensions: Vec<SealExtension>,
    maker: Certificate,
    algorithm: ObjectIdentifier,
    /// What the signature covers: for v4 and v5 SealInfo, for v1 a SEQUENCE of SealInfo, certificate and algorithm.
    signed_part: Vec<u8>,
    signature: Vec<u8>,
    timestamp: Option<Vec<u8>>,
}

/// SM3 over a whole document: what a stamp holds as its data hash.
pub fn data_hash(data: &[u8]) -> [u8; 32] {
    Sm3::digest(data).into()
}

impl SealKind {
    /// The number in the seal.
    pub fn code(self) -> u32 {
        match self {
            Self::Unit => 1,
            Self::Person => 2,
            Self::Other(code) => code,
        }
    }

    /// The type with this number.
    pub fn from_code(code: u32) -> Self {
        match code {
            1 => Self::Unit,
            2 => Self::Person,
            code => Self::Other(code),
        }
    }
}

impl Seal {
    /// Reads a DER seal of any edition. Two members make it v1; four or five, with 4 or 5 in the header, v4 or v5.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let malformed = Error::malformed(WHAT);
        let parts = members(der).map_err(&malformed)?;
        let layout = if parts.len() == 2 { Layout::V1 } else { Layout::V4 };
        let info = encoding::Info::decode(layout, parts.first().copied().unwrap_or_default())?;
        let (version, signing) = match (layout, info.header_version, parts.as_slice()) {
            (Layout::V1, _, &[_, signing]) => {
                let signing = members(signing).map_err(&malformed)?;
                if signing.len() != 3 {
                    return Err(Error::invalid(WHAT, "its SignInfo does not have three members"));
                }
                (SealVersion::V1, signing)
            }
            (Layout::V4, 4, &[_, _, _, _]) => (SealVersion::V4, parts[1..].to_vec()),
            (Layout::V4, 5, &[_, _, _, _] | &[_, _, _, _, _]) => (SealVersion::V5, parts[1..].to_vec()),
            (layout, header, parts) => {
                let reason = format!("{layout:?}: {} members and header version {header}", parts.len());
                return Err(Error::invalid(WHAT, &reason));
            }
        };
        let signing = encoding::Signing::decode(WHAT, &signing)?;
        let signed_part = match layout {
            Layout::V1 => encoding::sequence(&[parts[0], signing.certificate_tlv, signing.algorithm_tlv]),
            Layout::V4 => parts[0].to_vec(),
        };
        Ok(Self {
            der: der.to_vec(),
            version,
            header_version: info.header_version,
            vendor: info.vendor,
            id: info.id,
            kind: SealKind::from_code(info.kind),
            name: info.name,
            signers: info.signers,
            made: info.made,
            period: info.period,
            picture: info.picture,
            extensions: info.extensions,
            maker: Certificate::from_der(&signing.certificate)?,
            algorithm: signing.algorithm,
            signed_part,
            signature: signing.signature,
            timestamp: signing.timestamp,
        })
    }

    /// The DER as it came.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The edition it is written in.
    pub fn version(&self) -> SealVersion {
        self.version
    }

    /// The version number in its header; only in v1 it can differ from the edition.
    pub fn header_version(&self) -> u32 {
        self.header_version
    }

    /// The identifier of the vendor (Vid) in its header.
    pub fn vendor(&self) -> &str {
        &self.vendor
    }

    /// Its own identifier (esID).
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whose seal it is.
    pub fn kind(&self) -> SealKind {
        self.kind
    }

    /// Its name, as a rule that of the unit or person.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who may stamp with it.
    pub fn signers(&self) -> &SignerList {
        &self.signers
    }

    /// Whether this very certificate may stamp with it. A renewed one is another certificate (Z-11).
    pub fn lists(&self, certificate: &Certificate) -> bool {
        self.signers.contains(certificate)
    }

    /// When it was made.
    pub fn made(&self) -> Timestamp {
        self.made
    }

    /// When it may be used, both ends included.
    pub fn period(&self) -> Validity {
        self.period
    }

    /// Its picture.
    pub fn picture(&self) -> &Picture {
        &self.picture
    }

    /// Its extensions (extDatas).
    pub fn extensions(&self) -> &[SealExtension] {
        &self.extensions
    }

    /// The certificate of its maker (制章者), as the seal carries it.
    pub fn maker(&self) -> &Certificate {
        &self.maker
    }

    /// The timestamp token of a v5 seal, as it came. No signature of the seal covers it.
    pub fn timestamp(&self) -> Option<&[u8]> {
        self.timestamp.as_deref()
    }

    /// The bytes the maker's signature covers.
    pub fn signed_part(&self) -> &[u8] {
        &self.signed_part
    }

    /// The same v5 seal with a timestamp token over it (GM/T 0031-2025); one that was there is replaced. `None` for the
    /// other editions, which have no place for it.
    pub fn with_timestamp(&self, token: &[u8]) -> Option<Self> {
        let der = (self.version == SealVersion::V5).then(|| encoding::with_timestamp(&self.der, token))?;
        Some(Self::from_der(&der).expect("a seal just written is readable"))
    }

    /// Checks the maker's signature and certificate, when a v5 seal was made (GM/T 0031-2025), the period, and that no
    /// critical extension is unknown (GB/T 38540, verification of seals), all at the instant `at`.
    ///
    /// # Errors
    /// [`SealError`], the first reason in the order above.
    pub fn verify(&self, trust: &Trust<'_>, at: Timestamp) -> Result<(), SealError> {
        self.verify_maker(trust, at)?;
        if self.version == SealVersion::V5 {
            self.check_made(at)?;
        }
        check_period(self.period, at)?;
        critical(&self.extensions).map_or(Ok(()), |id| Err(SealError::CriticalExtension(id)))
    }

    /// Checks the maker's signature, and that the maker's certificate is believed at the instant `at`. The seal's own
    /// period is not looked at.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn verify_maker(&self, trust: &Trust<'_>, at: Timestamp) -> Result<(), SealError> {
        if !is_sm2_with_sm3(self.algorithm) {
            return Err(SealError::Algorithm(self.algorithm));
        }
        let key = self.maker.public_key().map_err(SealError::MakerCertificate)?;
        verify_part(&self.signed_part, &key, &self.signature).map_err(SealError::Signature)?;
        trust.check_maker(&self.maker, at)
    }

    /// That it was not made later than `at`, and while its maker's certificate was valid.
    fn check_made(&self, at: Timestamp) -> Result<(), SealError> {
        if self.made.as_second() > at.as_second() {
            return Err(SealError::Future { made: self.made, at });
        }
        trust::check_maker_period(&self.maker, self.made)
    }
}

fn check_period(period: Validity, at: Timestamp) -> Result<(), SealError> {
    if at.as_second() < period.not_before().as_second() {
        return Err(SealError::NotYetValid { start: period.not_before(), at });
    }
    if !period.contains(at) {
        return Err(SealError::Expired { end: period.not_after(), at });
    }
    Ok(())
}

/// The first critical extension; none is known here.
fn critical(extensions: &[SealExtension]) -> Option<ObjectIdentifier> {
    extensions.iter().find(|extension| extension.critical).map(|extension| extension.id)
}

fn is_sm2_with_sm3(algorithm: ObjectIdentifier) -> bool {
    algorithm == oid::SM2_WITH_SM3 || algorithm == oid::SM2_WITH_SM3_MISSPELT
}

/// The period with these ends as they are, even exchanged.
fn period(start: x509_cert::time::Time, end: x509_cert::time::Time) -> Validity {
    Validity::decode(time::EncodedValidity::new(start, end))
}

impl PartialEq for Seal {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Seal {}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal")
            .field("version", &self.version)
            .field("id", &self.id)
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
