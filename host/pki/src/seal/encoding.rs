//! The ASN.1 of seals and stamps: both layouts of SealInfo, and the raw members that signatures are checked over.
//!
//! v1 has a list of certificates and UTCTime, v4 and v5 a list told apart by certListType and GeneralizedTime; both
//! time types are read everywhere. A BOOLEAN that is written though it equals its default makes a re-encoding differ,
//! which is why nothing here is ever encoded again to be verified.

use der::{
    AnyRef, Decode, Encode, Reader, Sequence, SliceReader, Tag, TagNumber, Tagged,
    asn1::{Any, BitString, ContextSpecific, Ia5String, OctetString, OctetStringRef, PrintableString},
};
use jiff::Timestamp;
use x509_cert::{ext::Extension, time::Time};

use super::{CertificateDigest, Picture, SealExtension, SignerList, WHAT, period};
use crate::{Certificate, Error, Validity, oid, oid::ObjectIdentifier, time};

const HEADER_ID: &str = "ES";
const CERTIFICATES: u8 = 1;
const DIGESTS: u8 = 2;

/// How SealInfo is laid out; v5 is like v4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    V1,
    V4,
}

/// SES_SealInfo, decoded.
pub(super) struct Info {
    pub(super) header_version: u32,
    pub(super) vendor: String,
    pub(super) id: String,
    pub(super) kind: u32,
    pub(super) name: String,
    pub(super) signers: SignerList,
    pub(super) made: Timestamp,
    pub(super) period: Validity,
    pub(super) picture: Picture,
    pub(super) extensions: Vec<SealExtension>,
}

#[derive(Sequence)]
struct EncodedInfo {
    header: Header,
    id: Ia5String,
    property: Any,
    picture: EncodedPicture,
    // Without a tag here, with [0] in a stamp.
    #[asn1(optional = "true")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Sequence)]
struct Header {
    id: Ia5String,
    version: u32,
    vendor: Ia5String,
}

#[derive(Sequence)]
struct PropertyV1 {
    kind: u32,
    name: String,
    certificates: Vec<OctetString>,
    made: Time,
    start: Time,
    end: Time,
}

#[derive(Sequence)]
struct PropertyV4 {
    kind: u32,
    name: String,
    list_type: u8,
    // A CHOICE without tags: only `list_type` says what it is.
    list: Any,
    made: Time,
    start: Time,
    end: Time,
}

#[derive(Sequence)]
struct EncodedDigest {
    kind: PrintableString,
    value: OctetString,
}

#[derive(Sequence)]
struct EncodedPicture {
    kind: Ia5String,
    data: OctetString,
    width: u32,
    height: u32,
}

impl Info {
    pub(super) fn decode(layout: Layout, der: &[u8]) -> Result<Self, Error> {
        let malformed = Error::malformed(WHAT);
        let info = EncodedInfo::from_der(der).map_err(&malformed)?;
        if info.header.id.as_str() != HEADER_ID {
            return Err(Error::invalid(WHAT, "its header does not begin with ES"));
        }
        let property = match layout {
            Layout::V1 => {
                let read: PropertyV1 = info.property.decode_as().map_err(&malformed)?;
                PropertyV4 {
                    kind: read.kind,
                    name: read.name,
                    list_type: CERTIFICATES,
                    list: Any::encode_from(&read.certificates).map_err(&malformed)?,
                    made: read.made,
                    start: read.start,
                    end: read.end,
                }
            }
            Layout::V4 => info.property.decode_as().map_err(&malformed)?,
        };
        Ok(Self {
            header_version: info.header.version,
            vendor: info.header.vendor.as_str().to_owned(),
            id: info.id.as_str().to_owned(),
            kind: property.kind,
            name: property.name,
            signers: decode_list(property.list_type, &property.list)?,
            made: time::decode(property.made),
            period: period(property.start, property.end),
            picture: Picture::from_parts(
                info.picture.kind.as_str().to_owned(),
                info.picture.data.into_bytes().to_vec(),
                info.picture.width,
                info.picture.height,
            ),
            extensions: decode_extensions(info.extensions),
        })
    }

    /// SealInfo of v4 and v5, with GeneralizedTime.
    pub(super) fn encode(&self) -> der::Result<Vec<u8>> {
        let (list_type, list) = encode_list(&self.signers)?;
        let property = PropertyV4 {
            kind: self.kind,
            name: self.name.clone(),
            list_type,
            list,
            made: generalized(self.made)?,
            start: generalized(self.period.not_before())?,
            end: generalized(self.period.not_after())?,
        };
        EncodedInfo {
            header: Header {
                id: Ia5String::new(HEADER_ID)?,
                version: self.header_version,
                vendor: Ia5String::new(&self.vendor)?,
            },
            id: Ia5String::new(&self.id)?,
            property: Any::encode_from(&property)?,
            picture: EncodedPicture {
                kind: Ia5String::new(self.picture.kind())?,
                data: OctetString::new(self.picture.data())?,
                width: self.picture.width_mm(),
                height: self.picture.height_mm(),
            },
            extensions: encode_extensions(&self.extensions)?,
        }
        .to_der()
    }
}

/// The GeneralizedTime of v4 and v5.
pub(super) fn generalized(instant: Timestamp) -> der::Result<Time> {
    time::encode_generalized(instant).map_err(|_| der::ErrorKind::DateTime.into())
}

fn decode_list(list_type: u8, list: &Any) -> Result<SignerList, Error> {
    let malformed = Error::malformed(WHAT);
    match list_type {
        CERTIFICATES => {
            let list: Vec<OctetString> = list.decode_as().map_err(&malformed)?;
            list.iter()
                .map(|der| Certificate::from_der(der.as_bytes()))
                .collect::<Result<_, _>>()
                .map(SignerList::Certificates)
        }
        DIGESTS => {
            let list: Vec<EncodedDigest> = list.decode_as().map_err(&malformed)?;
            let digest = |digest: EncodedDigest| CertificateDigest {
                kind: digest.kind.as_str().to_owned(),
                value: digest.value.into_bytes().to_vec(),
            };
            Ok(SignerList::Digests(list.into_iter().map(digest).collect()))
        }
        other => Err(Error::invalid(WHAT, &format!("its certListType is {other}, not 1 or 2"))),
    }
}

fn encode_list(list: &SignerList) -> der::Result<(u8, Any)> {
    match list {
        SignerList::Certificates(list) => {
            let list: Vec<OctetString> =
                list.iter().map(|one| OctetString::new(one.der())).collect::<Result<_, _>>()?;
            Ok((CERTIFICATES, Any::encode_from(&list)?))
        }
        SignerList::Digests(list) => {
            let digest = |digest: &CertificateDigest| {
                let (kind, value) = (PrintableString::new(&digest.kind)?, OctetString::new(&*digest.value)?);
                Ok::<_, der::Error>(EncodedDigest { kind, value })
            };
            let list: Vec<EncodedDigest> = list.iter().map(digest).collect::<Result<_, _>>()?;
            Ok((DIGESTS, Any::encode_from(&list)?))
        }
    }
}

pub(super) fn decode_extensions(extensions: Option<Vec<Extension>>) -> Vec<SealExtension> {
    let extension = |extension: Extension| SealExtension {
        id: extension.extn_id,
        critical: extension.critical,
        value: extension.extn_value.into_bytes().to_vec(),
    };
    extensions.unwrap_or_default().into_iter().map(extension).collect()
}

/// `None` without any: an empty list is not written.
pub(super) fn encode_extensions(extensions: &[SealExtension]) -> der::Result<Option<Vec<Extension>>> {
    let extension = |extension: &SealExtension| {
        let extn_value = OctetString::new(&*extension.value)?;
        Ok(Extension { extn_id: extension.id, critical: extension.critical, extn_value })
    };
    let list: Vec<Extension> = extensions.iter().map(extension).collect::<der::Result<_>>()?;
    Ok((!list.is_empty()).then_some(list))
}

/// Who signed a seal or stamp: certificate, algorithm, signature, and a timestamp when there is one.
pub(super) struct Signing<'a> {
    pub(super) certificate_tlv: &'a [u8],
    pub(super) algorithm_tlv: &'a [u8],
    pub(super) certificate: Vec<u8>,
    pub(super) algorithm: ObjectIdentifier,
    pub(super) signature: Vec<u8>,
    pub(super) timestamp: Option<Vec<u8>>,
}

impl<'a> Signing<'a> {
    pub(super) fn decode(what: &'static str, parts: &[&'a [u8]]) -> Result<Self, Error> {
        let malformed = Error::malformed(what);
        let &[certificate_tlv, algorithm_tlv, signature, ref rest @ ..] = parts else {
            return Err(Error::invalid(what, "certificate, algorithm or signature is missing"));
        };
        let timestamp = match rest {
            [] => None,
            [token] => Some(decode_timestamp(token).map_err(&malformed)?),
            _ => return Err(Error::invalid(what, "it has too many members")),
        };
        let certificate = <&OctetStringRef>::from_der(certificate_tlv).map_err(&malformed)?;
        Ok(Self {
            certificate_tlv,
            algorithm_tlv,
            certificate: certificate.as_bytes().to_vec(),
            algorithm: ObjectIdentifier::from_der(algorithm_tlv).map_err(&malformed)?,
            signature: whole_bits(what, signature)?,
            timestamp,
        })
    }
}

/// Certificate and algorithm, as a maker or signer writes them before its signature.
pub(super) fn encode_signing(certificate: &Certificate) -> der::Result<[Vec<u8>; 2]> {
    Ok([OctetString::new(certificate.der())?.to_der()?, oid::SM2_WITH_SM3.to_der()?])
}

/// The bytes of a BIT STRING without unused bits.
pub(super) fn whole_bits(what: &'static str, tlv: &[u8]) -> Result<Vec<u8>, Error> {
    let bits = BitString::from_der(tlv).map_err(Error::malformed(what))?;
    let bytes = bits.as_bytes().ok_or_else(|| Error::invalid(what, "a bit string is not whole bytes"))?;
    Ok(bytes.to_vec())
}

/// As [`whole_bits`]; some v1 makers write an OCTET STRING in its place.
pub(super) fn whole_bits_or_octets(what: &'static str, tlv: &[u8]) -> Result<Vec<u8>, Error> {
    match <&OctetStringRef>::from_der(tlv) {
        Ok(octets) => Ok(octets.as_bytes().to_vec()),
        Err(_) => whole_bits(what, tlv),
    }
}

/// The BIT STRING in `[0]`.
fn decode_timestamp(tlv: &[u8]) -> der::Result<Vec<u8>> {
    let tagged = ContextSpecific::<BitString>::from_der(tlv)?;
    if tagged.tag_number != TagNumber(0) {
        return Err(tlv_tag_error(tlv));
    }
    tagged.value.as_bytes().map(<[u8]>::to_vec).ok_or_else(|| Tag::BitString.value_error().into())
}

fn tlv_tag_error(tlv: &[u8]) -> der::Error {
    AnyRef::from_der(tlv).map_or_else(|error| error, |any| any.tag().unexpected_error(None).into())
}

/// A seal or stamp of four or five members with this timestamp as the fifth.
pub(super) fn with_timestamp(der: &[u8], token: &[u8]) -> Vec<u8> {
    let encode = || {
        let bits = BitString::from_bytes(token)?.to_der()?;
        let tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
        let tagged = Any::new(tag, bits)?.to_der()?;
        let mut parts = members(der)?;
        parts.truncate(4);
        parts.push(&tagged);
        Ok::<_, der::Error>(sequence(&parts))
    };
    encode().expect("a document read before, and a token far below the limit of DER")
}

/// The members of a SEQUENCE as they came.
pub(super) fn members(der: &[u8]) -> der::Result<Vec<&[u8]>> {
    let mut reader = SliceReader::new(der)?;
    let members = reader.sequence(|inner| {
        let mut members = Vec::new();
        while !inner.is_finished() {
            members.push(inner.tlv_bytes()?);
        }
        Ok::<_, der::Error>(members)
    })?;
    reader.finish()?;
    Ok(members)
}

/// A SEQUENCE of members as they are.
pub(super) fn sequence(members: &[&[u8]]) -> Vec<u8> {
    let whole = Any::new(Tag::Sequence, members.concat()).and_then(|whole| whole.to_der());
    whole.expect("members far below the limit of DER")
}
