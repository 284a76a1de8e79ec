//! A key's SM2 signature over what the hall asked it to sign (GB/T 32918.2, the default identifier).
//!
//! Guarantees: nothing but r and s over this very message by this very key passes.
//! Refuses to know: what a message says; `api` makes them.

use crate::{
    api::{Hex, ProblemType},
    problem::{Answer, refuse, refuse_field},
};
use ukey_pki::{Certificate, PublicKey, Signature, sm2};

/// Checks r and s over a message, with the key of a certificate.
pub(crate) fn verify_signature(certificate: &Certificate, message: &[u8], signature: &Hex) -> Answer<()> {
    let key = certificate.public_key().map_err(|_| refuse(ProblemType::MalformedCertificate))?;
    verify_by(&key, message, signature)
}

/// Checks r and s over a message, with a public key.
pub(crate) fn verify_by(key: &PublicKey, message: &[u8], signature: &Hex) -> Answer<()> {
    let bytes: [u8; 64] =
        signature.0.as_slice().try_into().map_err(|_| refuse_field("signature", "not 64 bytes", "签名应为64字节"))?;
    let e = sm2::digest(key, sm2::DEFAULT_ID, message);
    sm2::verify_digest(key, &e, &Signature::from(bytes)).map_err(|_| refuse(ProblemType::BadSignature))
}
