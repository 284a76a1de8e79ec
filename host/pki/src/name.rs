//! Distinguished names.
//!
//! Guarantees: a built name has UTF8String values (PrintableString for C and serialNumber, as RFC 5280 demands) in the
//! order they were given; a read name keeps its DER, so that copying and comparing it never changes a byte. Refuses to
//! know what a CN means: authorities write numbers and separators into it.

use std::fmt;

use der::{
    Decode, Encode, Tag, Tagged,
    asn1::{Any, ObjectIdentifier, PrintableStringRef, SetOfVec},
};
use x509_cert::attr::AttributeTypeAndValue;

use crate::oid;

/// A distinguished name. Equal when the DER is.
#[derive(Clone, PartialEq, Eq)]
pub struct Name {
    encoded: Any,
    attributes: Vec<(ObjectIdentifier, String)>,
}

/// Why a name cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// No attribute at all.
    #[error("a name needs at least one attribute")]
    Empty,
    /// A value is empty or longer than the upper bound of RFC 5280, appendix A.
    #[error("{attribute} must have 1 to {most} characters, not {found}")]
    Length {
        /// The short name of the attribute.
        attribute: &'static str,
        /// The upper bound in characters.
        most: usize,
        /// The number of characters given.
        found: usize,
    },
    /// C or serialNumber holds characters beyond PrintableString.
    #[error("{attribute} takes only letters, digits, space and '()+,-./:=?")]
    Characters {
        /// The short name of the attribute.
        attribute: &'static str,
    },
}

/// Short name, identifier, upper bound in characters, PrintableString or not.
type Kind = (&'static str, ObjectIdentifier, usize, bool);

const KINDS: [Kind; 7] = [
    ("C", oid::COUNTRY, 2, true),
    ("ST", oid::STATE_OR_PROVINCE, 128, false),
    ("L", oid::LOCALITY, 128, false),
    ("O", oid::ORGANIZATION, 64, false),
    ("OU", oid::ORGANIZATIONAL_UNIT, 64, false),
    ("serialNumber", oid::SERIAL_NUMBER, 64, true),
    ("CN", oid::COMMON_NAME, 64, false),
];

fn kind(attribute: ObjectIdentifier) -> Option<Kind> {
    KINDS.into_iter().find(|(_, oid, ..)| *oid == attribute)
}

impl Name {
    /// Starts an empty name.
    pub fn builder() -> NameBuilder {
        NameBuilder { attributes: Vec::new() }
    }

    /// CN.
    pub fn common_name(&self) -> Option<&str> {
        self.first(oid::COMMON_NAME)
    }

    /// O.
    pub fn organization(&self) -> Option<&str> {
        self.first(oid::ORGANIZATION)
    }

    /// OU, the first when there are several.
    pub fn organizational_unit(&self) -> Option<&str> {
        self.first(oid::ORGANIZATIONAL_UNIT)
    }

    /// C.
    pub fn country(&self) -> Option<&str> {
        self.first(oid::COUNTRY)
    }

    /// serialNumber of the subject, not of its certificate.
    pub fn serial_number(&self) -> Option<&str> {
        self.first(oid::SERIAL_NUMBER)
    }

    /// The DER encoding as it came or was built.
    pub fn to_der(&self) -> Vec<u8> {
        self.encoded.to_der().expect("a name that was encoded before")
    }

    fn first(&self, attribute: ObjectIdentifier) -> Option<&str> {
        self.attributes.iter().find(|(oid, _)| *oid == attribute).map(|(_, value)| value.as_str())
    }

    pub(crate) fn encoded(&self) -> Any {
        self.encoded.clone()
    }

    /// Reads a name in any string types. Order inside a multi-valued RDN is not judged.
    pub(crate) fn decode(encoded: Any) -> der::Result<Self> {
        let mut attributes = Vec::new();
        let rdns = Vec::<Any>::from_der(&encoded.to_der()?)?;
        for rdn in rdns {
            rdn.tag().assert_eq(Tag::Set)?;
            // A SET has the contents of a SEQUENCE; reading it as one leaves the order alone.
            let members = Any::new(Tag::Sequence, rdn.value())?;
            for member in members.decode_as::<Vec<AttributeTypeAndValue>>()? {
                attributes.push((member.oid, text(&member.value)));
            }
        }
        Ok(Self { encoded, attributes })
    }
}

/// The text of a directory string of any type; what is not decodable is replaced, as this is for showing.
fn text(value: &Any) -> String {
    let bytes = value.value();
    match value.tag() {
        Tag::BmpString => {
            let units = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        // In practice Latin-1 when it is not plain ASCII.
        Tag::TeletexString => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// `C=CN, O=示例科技有限公司, CN=张三`: short names, in the order of the DER; identifiers stand for unknown attributes.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (attribute, value)) in self.attributes.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            match kind(*attribute) {
                Some((short, ..)) => write!(f, "{separator}{short}={value}")?,
                None => write!(f, "{separator}{attribute}={value}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

/// Collects the attributes of a [`Name`] in the order of the calls.
#[derive(Debug, Clone)]
#[must_use]
pub struct NameBuilder {
    attributes: Vec<(ObjectIdentifier, String)>,
}

impl NameBuilder {
    /// C, two letters.
    pub fn country(self, value: impl Into<String>) -> Self {
        self.push(oid::COUNTRY, value)
    }

    /// ST, at most 128 characters.
    pub fn state_or_province(self, value: impl Into<String>) -> Self {
        self.push(oid::STATE_OR_PROVINCE, value)
    }

    /// L, at most 128 characters.
    pub fn locality(self, value: impl Into<String>) -> Self {
        self.push(oid::LOCALITY, value)
    }

    /// O, at most 64 characters.
    pub fn organization(self, value: impl Into<String>) -> Self {
        self.push(oid::ORGANIZATION, value)
    }

    /// OU, at most 64 characters.
    pub fn organizational_unit(self, value: impl Into<String>) -> Self {
        self.push(oid::ORGANIZATIONAL_UNIT, value)
    }

    /// serialNumber, at most 64 printable characters.
    pub fn serial_number(self, value: impl Into<String>) -> Self {
        self.push(oid::SERIAL_NUMBER, value)
    }

    /// CN, at most 64 characters.
    pub fn common_name(self, value: impl Into<String>) -> Self {
        self.push(oid::COMMON_NAME, value)
    }

    fn push(mut self, attribute: ObjectIdentifier, value: impl Into<String>) -> Self {
        self.attributes.push((attribute, value.into()));
        self
    }

    /// The name.
    ///
    /// # Errors
    /// [`NameError`] when there is no attribute or a value breaks the bounds of its attribute.
    pub fn build(self) -> Result<Name, NameError> {
        if self.attributes.is_empty() {
            return Err(NameError::Empty);
        }
        let rdns =
            self.attributes.iter().map(|(oid, value)| rdn(*oid, value)).collect::<Result<Vec<_>, _>>()?;
        let encoded = Any::encode_from(&rdns).expect("values of bounded length");
        Ok(Name { encoded, attributes: self.attributes })
    }
}

fn rdn(attribute: ObjectIdentifier, value: &str) -> Result<SetOfVec<AttributeTypeAndValue>, NameError> {
    let (short, oid, most, printable) =
        kind(attribute).expect("the builder only pushes attributes of the table");
    let found = value.chars().count();
    if found == 0 || found > most || (oid == oid::COUNTRY && found != most) {
        return Err(NameError::Length { attribute: short, most, found });
    }
    let value = if printable {
        PrintableStringRef::new(value).map_err(|_| NameError::Characters { attribute: short })?;
        Any::new(Tag::PrintableString, value.as_bytes())
    } else {
        Any::new(Tag::Utf8String, value.as_bytes())
    };
    let value = value.expect("a value of bounded length");
    Ok(SetOfVec::from_iter([AttributeTypeAndValue { oid, value }]).expect("one member is in order"))
}
