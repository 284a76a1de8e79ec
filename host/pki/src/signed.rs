//! What certificates, requests and revocation lists share: a signed part, an algorithm, a signature, and PEM around it.
//!
//! Guarantees: the original DER is kept and the signature is checked over the signed part as it came. Refuses to know
//! what the signed part says.

use std::ops::Range;

use der::{
    AnyRef, Decode, Encode, Reader, Sequence, SliceReader,
    asn1::{BitString, BitStringRef},
    pem::{self, LineEnding},
};
use spki::{AlgorithmIdentifier, AlgorithmIdentifierOwned, AlgorithmIdentifierRef, ObjectIdentifier};

use crate::{
    Error, PublicKey, SignError, Signature, Sm2Signer, oid,
    sm2::{self, DEFAULT_ID, digest, verify_digest},
};

/// A kind of signed document.
pub(crate) struct Kind {
    /// How messages call it.
    pub(crate) what: &'static str,
    /// Its PEM label, and older labels that are read too.
    pub(crate) labels: &'static [&'static str],
}

/// SEQUENCE of the signed part, the algorithm and the signature, as it came.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    der: Vec<u8>,
    signed_part: Range<usize>,
    algorithm: ObjectIdentifier,
    signature: Vec<u8>,
}

#[derive(Sequence)]
struct Encoded<'a> {
    signed_part: AnyRef<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

/// SM2 with SM3, without parameters as GM/T 0015 writes it.
pub(crate) const ALGORITHM: AlgorithmIdentifierOwned =
    AlgorithmIdentifier { oid: oid::SM2_WITH_SM3, parameters: None };

impl Signed {
    pub(crate) fn decode(kind: &Kind, der: &[u8]) -> Result<Self, Error> {
        let encoded = Encoded::from_der(der).map_err(Error::malformed(kind.what))?;
        // Some authorities write an explicit NULL; anything else is not SM2 with SM3.
        if encoded.algorithm.parameters.is_some_and(|parameters| !parameters.is_null())
            && encoded.algorithm.oid == oid::SM2_WITH_SM3
        {
            return Err(Error::invalid(kind.what, "the signature algorithm has parameters"));
        }
        let locate = || {
            let mut reader = SliceReader::new(der)?;
            reader.sequence(|inner| {
                let start = usize::try_from(inner.offset())?;
                let length = inner.tlv_bytes()?.len();
                let _: AnyRef<'_> = inner.decode()?;
                let _: AnyRef<'_> = inner.decode()?;
                Ok::<_, der::Error>(start..start + length)
            })
        };
        let signature = encoded
            .signature
            .as_bytes()
            .ok_or_else(|| Error::invalid(kind.what, "the signature is not whole bytes"))?;
        Ok(Self {
            signed_part: locate().map_err(Error::malformed(kind.what))?,
            der: der.to_vec(),
            algorithm: encoded.algorithm.oid,
            signature: signature.to_vec(),
        })
    }

    /// Signs `part`, and believes the signer only after verifying what it gave.
    pub(crate) fn sign<S: Sm2Signer>(part: &impl Encode, signer: S) -> Result<Vec<u8>, SignError<S::Error>> {
        let part = part.to_der()?;
        let signature = sign_part(&part, signer)?;
        let algorithm = ALGORITHM.to_der()?;
        Ok(der::asn1::Any::new(der::Tag::Sequence, [part, algorithm, signature].concat())?.to_der()?)
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn signed_part(&self) -> &[u8] {
        &self.der[self.signed_part.clone()]
    }

    pub(crate) fn algorithm(&self) -> ObjectIdentifier {
        self.algorithm
    }

    pub(crate) fn verify(&self, kind: &Kind, key: &PublicKey) -> Result<(), Error> {
        let what = kind.what;
        if self.algorithm != oid::SM2_WITH_SM3 {
            return Err(Error::Algorithm { what, found: self.algorithm });
        }
        verify_part(self.signed_part(), key, &self.signature)
            .map_err(|source| Error::Signature { what, source })
    }

    pub(crate) fn to_pem(&self, kind: &Kind) -> String {
        pem::encode_string(kind.labels[0], LineEnding::LF, &self.der).expect("a label without odd characters")
    }
}

/// The BIT STRING with the signature over `part`, believed only after verifying what the signer gave.
pub(crate) fn sign_part<S: Sm2Signer>(part: &[u8], mut signer: S) -> Result<Vec<u8>, SignError<S::Error>> {
    let key = signer.public_key();
    let e = digest(&key, DEFAULT_ID, part);
    let signature = signer.sign_digest(&e).map_err(SignError::Signer)?;
    verify_digest(&key, &e, &signature).map_err(SignError::WrongSignature)?;
    let signature = signature.to_der().map_err(SignError::WrongSignature)?;
    Ok(BitString::from_bytes(&signature)?.to_der()?)
}

/// Checks a DER signature over `part` as it came.
pub(crate) fn verify_part(part: &[u8], key: &PublicKey, signature: &[u8]) -> Result<(), sm2::Error> {
    let e = digest(key, DEFAULT_ID, part);
    verify_digest(key, &e, &Signature::from_der(signature)?)
}

/// The DER inside a PEM text of this kind.
pub(crate) fn pem_to_der(kind: &Kind, text: &str) -> Result<Vec<u8>, Error> {
    let what = kind.what;
    let (label, der) =
        pem::decode_vec(text.as_bytes()).map_err(|error| Error::Pem { what, reason: error.to_string() })?;
    if !kind.labels.contains(&label) {
        return Err(Error::Pem { what, reason: format!("its label is {label}") });
    }
    Ok(der)
}
