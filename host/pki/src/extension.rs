//! The extensions of GM/T 0015 that certificates of this room carry: written strictly, read leniently.

use std::{fmt, ops::BitOr};

use der::{
    Decode, Encode, Sequence, Tag, TagNumber, Tagged,
    asn1::{Any, BitString, Ia5String, ObjectIdentifier, OctetString, PrintableStringRef},
};
use sha1::{Digest, Sha1};
use x509_cert::ext::{
    Extension,
    pkix::{
        AuthorityKeyIdentifier, CrlDistributionPoints,
        crl::dp::DistributionPoint,
        name::{DistributionPointName, GeneralName},
    },
};

use crate::{PublicKey, oid};

pub(crate) fn extension(
    extn_id: ObjectIdentifier,
    critical: bool,
    value: &impl Encode,
) -> der::Result<Extension> {
    Ok(Extension { extn_id, critical, extn_value: OctetString::new(value.to_der()?)? })
}

/// The value of the first extension with this identifier.
pub(crate) fn find(extensions: &[Extension], extn_id: ObjectIdentifier) -> Option<&[u8]> {
    extensions.iter().find(|extension| extension.extn_id == extn_id).map(|found| found.extn_value.as_bytes())
}

/// What a key may be used for (RFC 5280 4.2.1.3). Sets are joined with `|`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// digitalSignature.
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    /// nonRepudiation.
    pub const NON_REPUDIATION: Self = Self(1 << 1);
    /// keyEncipherment.
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// dataEncipherment.
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    /// keyAgreement.
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// keyCertSign.
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    /// cRLSign.
    pub const CRL_SIGN: Self = Self(1 << 6);

    /// What a sign certificate allows: digitalSignature and nonRepudiation.
    pub const SIGN: Self = Self(Self::DIGITAL_SIGNATURE.0 | Self::NON_REPUDIATION.0);
    /// What a seal maker's certificate allows: digitalSignature alone, which tells it from a sign certificate.
    pub const SEAL_MAKER: Self = Self::DIGITAL_SIGNATURE;
    /// What an encryption certificate allows: keyEncipherment, dataEncipherment and keyAgreement.
    pub const ENCRYPT: Self =
        Self(Self::KEY_ENCIPHERMENT.0 | Self::DATA_ENCIPHERMENT.0 | Self::KEY_AGREEMENT.0);
    /// What an authority's certificate allows: keyCertSign and cRLSign.
    pub const AUTHORITY: Self = Self(Self::KEY_CERT_SIGN.0 | Self::CRL_SIGN.0);

    const NAMES: [&'static str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];

    /// Whether every use in `other` is allowed.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any use in `other` is allowed.
    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// A named bit list: the first bit first, trailing zero bits left out (X.690 11.2.2).
    pub(crate) fn encode(self) -> der::Result<BitString> {
        let bytes: Vec<u8> = self.0.to_le_bytes().into_iter().map(u8::reverse_bits).collect();
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let unused = bytes[..used].last().map_or(0, |last| last.trailing_zeros());
        BitString::new(u8::try_from(unused).unwrap_or(0), &bytes[..used])
    }

    pub(crate) fn decode(der: &[u8]) -> der::Result<Self> {
        let bits = BitString::from_der(der)?;
        let used = bits.bits().take(Self::NAMES.len()).enumerate();
        Ok(used.filter(|(_, set)| *set).fold(Self::NONE, |usage, (index, _)| usage | Self(1 << index)))
    }
}

impl BitOr for KeyUsage {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().enumerate().filter(|(index, _)| self.0 >> index & 1 == 1);
        let names: Vec<&str> = names.map(|(_, name)| *name).collect();
        f.write_str(&names.join(", "))
    }
}

impl fmt::Debug for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyUsage({self})")
    }
}

/// Who a certificate is for, beyond its name: an extension of GM/T 0015, non-critical.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Identity {
    /// A unit's unified social credit code (统一社会信用代码), in the place of the organisation code.
    CreditCode(String),
    /// A person's identity card number (身份证号).
    IdCard(String),
}

impl Identity {
    pub(crate) fn encode(&self) -> der::Result<Extension> {
        match self {
            Self::CreditCode(code) => {
                extension(oid::ORGANISATION_CODE, false, &PrintableStringRef::new(code)?)
            }
            // A SET of optional members of which the card number is the first, tagged [0] IMPLICIT.
            Self::IdCard(number) => {
                let number = PrintableStringRef::new(number)?;
                let tag = Tag::ContextSpecific { constructed: false, number: TagNumber(0) };
                let member = Any::new(tag, number.as_bytes())?.to_der()?;
                extension(oid::PERSONAL_IDENTITY_CODE, false, &Any::new(Tag::Set, member)?)
            }
        }
    }

    /// Leniently: any string type, with or without the SET, [0] implicit or explicit. `None` when neither is there.
    pub(crate) fn find(extensions: &[Extension]) -> Option<Self> {
        let read = |oid| find(extensions, oid).and_then(|der| innermost_text(Any::from_der(der).ok()?));
        let unit = read(oid::ORGANISATION_CODE).map(Self::CreditCode);
        unit.or_else(|| read(oid::PERSONAL_IDENTITY_CODE).map(Self::IdCard))
    }
}

/// An identity number is personal data and does not show in logs.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreditCode(code) => write!(f, "CreditCode({code})"),
            Self::IdCard(_) => f.write_str("IdCard(..)"),
        }
    }
}

/// The text of the first string inside at most three constructed values.
fn innermost_text(mut value: Any) -> Option<String> {
    for _ in 0..3 {
        let constructed = match value.tag() {
            Tag::Set | Tag::Sequence => true,
            tag => tag.is_context_specific() && tag.is_constructed(),
        };
        if !constructed {
            break;
        }
        let mut reader = der::SliceReader::new(value.value()).ok()?;
        value = Any::decode(&mut reader).ok()?;
    }
    String::from_utf8(value.value().to_vec()).ok()
}

/// The identifier of a key: SHA-1 over 04 X Y (RFC 5280 4.2.1.2, method 1).
pub(crate) fn key_identifier(key: &PublicKey) -> [u8; 20] {
    Sha1::digest(key.to_sec1()).into()
}

pub(crate) fn subject_key_identifier(identifier: &[u8]) -> der::Result<Extension> {
    extension(oid::SUBJECT_KEY_IDENTIFIER, false, &OctetString::new(identifier)?)
}

pub(crate) fn find_subject_key_identifier(extensions: &[Extension]) -> Option<Vec<u8>> {
    let value = find(extensions, oid::SUBJECT_KEY_IDENTIFIER)?;
    OctetString::from_der(value).ok().map(|identifier| identifier.as_bytes().to_vec())
}

pub(crate) fn authority_key_identifier(identifier: &[u8]) -> der::Result<Extension> {
    let value = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(identifier)?),
        authority_cert_issuer: None,
        authority_cert_serial_number: None,
    };
    extension(oid::AUTHORITY_KEY_IDENTIFIER, false, &value)
}

pub(crate) fn find_authority_key_identifier(extensions: &[Extension]) -> Option<Vec<u8>> {
    let value = find(extensions, oid::AUTHORITY_KEY_IDENTIFIER)?;
    let identifier = AuthorityKeyIdentifier::from_der(value).ok()?.key_identifier?;
    Some(identifier.as_bytes().to_vec())
}

/// Basic constraints of a certificate, with the explicit FALSE that some authorities write.
#[derive(Default, Sequence)]
pub(crate) struct BasicConstraints {
    #[asn1(default = "Default::default")]
    pub(crate) ca: bool,
    #[asn1(optional = "true")]
    pub(crate) path_length: Option<u8>,
}

pub(crate) fn basic_constraints(path_length: Option<u8>) -> der::Result<Extension> {
    extension(oid::BASIC_CONSTRAINTS, true, &BasicConstraints { ca: true, path_length })
}

pub(crate) fn crl_distribution_point(address: &str) -> der::Result<Extension> {
    let name = GeneralName::UniformResourceIdentifier(Ia5String::new(address)?);
    let point = DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(vec![name])),
        reasons: None,
        crl_issuer: None,
    };
    extension(oid::CRL_DISTRIBUTION_POINTS, false, &CrlDistributionPoints(vec![point]))
}

pub(crate) fn find_crl_distribution_point(extensions: &[Extension]) -> Option<String> {
    let value = find(extensions, oid::CRL_DISTRIBUTION_POINTS)?;
    let points = CrlDistributionPoints::from_der(value).ok()?;
    points.0.into_iter().find_map(|point| match point.distribution_point? {
        DistributionPointName::FullName(names) => names.into_iter().find_map(|name| match name {
            GeneralName::UniformResourceIdentifier(address) => Some(address.to_string()),
            _ => None,
        }),
        DistributionPointName::NameRelativeToCRLIssuer(_) => None,
    })
}
