//! Revocation lists, version 2 (RFC 5280 5).
//!
//! Guarantees: a list names its issuer's own key identifier and carries its number; a read list keeps its DER. One that
//! would be read wrongly (a delta list, a list of some certificates only) is not read. Refuses to know the time: whether
//! a list is still fresh is the reader's question, asked with [`Crl::is_current`].

use std::{collections::BTreeMap, fmt};

use der::{
    Decode, Enumerated, Sequence,
    asn1::{Any, Int, Uint},
};
use jiff::Timestamp;
use spki::AlgorithmIdentifierOwned;
use x509_cert::{ext::Extension, time::Time};

use crate::{
    Authority, Certificate, Error, IssueError, KeyUsage, Name, Serial, extension, oid,
    signed::{ALGORITHM, Kind, Signed, pem_to_der},
    time,
};

const KIND: Kind = Kind { what: "revocation list", labels: &["X509 CRL", "CRL"] };

/// Why a certificate was revoked (RFC 5280 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enumerated)]
#[repr(u8)]
pub enum RevocationReason {
    /// No reason given.
    Unspecified = 0,
    /// The private key may be known to others.
    KeyCompromise = 1,
    /// The authority's private key may be known to others.
    CaCompromise = 2,
    /// What the certificate says of its holder changed.
    AffiliationChanged = 3,
    /// Another certificate took its place.
    Superseded = 4,
    /// It is no longer needed.
    CessationOfOperation = 5,
    /// It is suspended, and may come back.
    CertificateHold = 6,
    /// It came back; stands in delta lists only, and does not revoke.
    RemoveFromCrl = 8,
    /// A right in the certificate was withdrawn.
    PrivilegeWithdrawn = 9,
    /// The attribute authority's key may be known to others.
    AaCompromise = 10,
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// The certificate's number.
    pub serial: Serial,
    /// Since when, in whole seconds.
    pub date: Timestamp,
    /// Why; `None` when the list does not say.
    pub reason: Option<RevocationReason>,
}

/// A revocation list.
#[derive(Clone)]
pub struct Crl {
    signed: Signed,
    issuer: Name,
    number: Option<u64>,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    revoked: BTreeMap<Serial, Revoked>,
    extensions: Vec<Extension>,
}

#[derive(Sequence)]
struct TbsCertList {
    #[asn1(optional = "true")]
    version: Option<u8>,
    signature: AlgorithmIdentifierOwned,
    issuer: Any,
    this_update: Time,
    #[asn1(optional = "true")]
    next_update: Option<Time>,
    #[asn1(optional = "true")]
    revoked: Option<Vec<Entry>>,
    #[asn1(context_specific = "0", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Sequence)]
struct Entry {
    serial: Int,
    date: Time,
    #[asn1(optional = "true")]
    extensions: Option<Vec<Extension>>,
}

impl Crl {
    /// A list of `authority`, valid from `this_update` to `next_update`. `number` grows from list to list. An entry
    /// with [`RevocationReason::RemoveFromCrl`] does not belong into a full list; leave such certificates out.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn build(
        authority: &Authority,
        number: u64,
        this_update: Timestamp,
        next_update: Timestamp,
        revoked: impl IntoIterator<Item = Revoked>,
    ) -> Result<Self, IssueError> {
        let entries =
            revoked.into_iter().map(|entry| Entry::encode(&entry)).collect::<Result<Vec<_>, _>>()?;
        let part = TbsCertList {
            version: Some(1),
            signature: ALGORITHM,
            issuer: authority.certificate().subject().encoded(),
            this_update: time::encode(this_update)?,
            next_update: Some(time::encode(next_update)?),
            // RFC 5280 5.1.2.6: absent when there is none.
            revoked: (!entries.is_empty()).then_some(entries),
            extensions: Some(vec![
                extension::authority_key_identifier(&authority.key_identifier())?,
                extension::extension(oid::CRL_NUMBER, false, &number)?,
            ]),
        };
        let der = Signed::sign(&part, authority.key())?;
        Ok(Self::from_der(&der).expect("a revocation list just written is readable"))
    }

    /// Reads a DER list, version 1 or 2.
    ///
    /// # Errors
    /// [`Error::Malformed`]; [`Error::CriticalExtension`] for one of the list or of an entry that is not known here,
    /// since such a list says nothing of any certificate (RFC 5280 5.2 and 5.3).
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let malformed = Error::malformed(KIND.what);
        let signed = Signed::decode(&KIND, der)?;
        let part = TbsCertList::from_der(signed.signed_part()).map_err(&malformed)?;
        if part.signature.oid != signed.algorithm() {
            return Err(Error::invalid(KIND.what, "the two signature algorithms differ"));
        }
        let extensions = part.extensions.unwrap_or_default();
        let entries = part.revoked.unwrap_or_default();
        check_critical(&extensions, &[oid::AUTHORITY_KEY_IDENTIFIER, oid::CRL_NUMBER])?;
        for entry in &entries {
            check_critical(entry.extensions.as_deref().unwrap_or_default(), &[oid::CRL_REASON])?;
        }
        let number = extension::find(&extensions, oid::CRL_NUMBER).map(Uint::from_der).transpose();
        let revoked = entries.iter().map(Entry::decode).collect::<der::Result<_>>();
        Ok(Self {
            issuer: Name::decode(part.issuer).map_err(&malformed)?,
            number: number.map_err(&malformed)?.and_then(|number| to_u64(&number)),
            this_update: time::decode(part.this_update),
            next_update: part.next_update.map(time::decode),
            revoked: revoked.map_err(&malformed)?,
            signed,
            extensions,
        })
    }

    /// Reads a PEM list.
    ///
    /// # Errors
    /// [`Error::Pem`], or as [`Self::from_der`].
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        Self::from_der(&pem_to_der(&KIND, text)?)
    }

    /// Checks that `issuer` issued this list: the name, the key identifier, its right to (cRLSign), and the signature.
    ///
    /// # Errors
    /// [`Error::Issuer`], [`Error::NotAnAuthority`], [`Error::Algorithm`], [`Error::Key`] or [`Error::Signature`].
    pub fn verify(&self, issuer: &Certificate) -> Result<(), Error> {
        let identifier = extension::find_authority_key_identifier(&self.extensions);
        issuer.verify_as_issuer(KIND.what, &self.issuer, identifier, KeyUsage::CRL_SIGN)?;
        self.signed.verify(&KIND, &issuer.public_key()?)
    }

    /// Whether the certificate with this number is revoked or on hold.
    pub fn contains(&self, serial: &Serial) -> bool {
        self.find(serial).is_some_and(|entry| entry.reason != Some(RevocationReason::RemoveFromCrl))
    }

    /// The entry of this number.
    pub fn find(&self, serial: &Serial) -> Option<&Revoked> {
        self.revoked.get(serial)
    }

    /// All entries, by number.
    pub fn revoked(&self) -> impl ExactSizeIterator<Item = &Revoked> {
        self.revoked.values()
    }

    /// Who issued it.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// Its number; `None` when it has none, or one beyond 64 bits.
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    /// When it was issued.
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// When the next is due at the latest.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.next_update
    }

    /// Whether `instant` is at or after its issue and before the next is due.
    pub fn is_current(&self, instant: Timestamp) -> bool {
        self.this_update <= instant && self.next_update.is_none_or(|next| instant < next)
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

impl Entry {
    fn encode(entry: &Revoked) -> Result<Self, IssueError> {
        // RFC 5280 5.3.1: no reason rather than "unspecified".
        let reason = entry.reason.filter(|reason| *reason != RevocationReason::Unspecified);
        let reason =
            reason.map(|reason| extension::extension(oid::CRL_REASON, false, &reason)).transpose()?;
        Ok(Self {
            serial: entry.serial.encode()?,
            date: time::encode(entry.date)?,
            extensions: reason.map(|reason| vec![reason]),
        })
    }

    fn decode(&self) -> der::Result<(Serial, Revoked)> {
        let serial = Serial::decode(&self.serial);
        let reason = extension::find(self.extensions.as_deref().unwrap_or_default(), oid::CRL_REASON);
        let reason = reason.map(RevocationReason::from_der).transpose()?;
        Ok((serial.clone(), Revoked { serial, date: time::decode(self.date), reason }))
    }
}

fn check_critical(extensions: &[Extension], known: &[oid::ObjectIdentifier]) -> Result<(), Error> {
    let unknown =
        extensions.iter().find(|extension| extension.critical && !known.contains(&extension.extn_id));
    let refuse = |unknown: &Extension| Error::CriticalExtension { what: KIND.what, found: unknown.extn_id };
    unknown.map_or(Ok(()), |unknown| Err(refuse(unknown)))
}

fn to_u64(number: &Uint) -> Option<u64> {
    let bytes = number.as_bytes();
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

impl PartialEq for Crl {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Crl {}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crl")
            .field("issuer", &self.issuer)
            .field("number", &self.number)
            .field("revoked", &self.revoked.len())
            .finish_non_exhaustive()
    }
}
