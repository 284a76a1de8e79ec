//! Who may stamp with a seal: the list of certificates, or of their hashes (SES_CertList of GB/T 38540).
//!
//! Refuses to know whether a listed certificate is valid.

use sm3::{Digest, Sm3};

use crate::Certificate;

/// The signers a seal lists. The encoding of the two forms differs only by certListType.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignerList {
    /// certListType 1: the certificates themselves; the only form of v1.
    Certificates(Vec<Certificate>),
    /// certListType 2: hashes of certificates.
    Digests(Vec<CertificateDigest>),
}

/// The hash of one certificate (CertDigestObj).
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateDigest {
    /// Which hash, in the words of the maker; we write `SM3`. The standard leaves the text open, so it is not judged.
    pub kind: String,
    /// The hash over the DER certificate.
    pub value: Vec<u8>,
}

impl CertificateDigest {
    /// SM3 over the certificate.
    pub fn of(certificate: &Certificate) -> Self {
        Self { kind: "SM3".into(), value: Sm3::digest(certificate.der()).to_vec() }
    }
}

impl SignerList {
    /// A list of these certificates.
    pub fn certificates<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> Self {
        Self::Certificates(certificates.into_iter().cloned().collect())
    }

    /// A list of the SM3 hashes of these certificates: shorter, and it gives no names away.
    pub fn digests<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> Self {
        Self::Digests(certificates.into_iter().map(CertificateDigest::of).collect())
    }

    /// Whether this very certificate is in the list.
    pub fn contains(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Certificates(list) => list.contains(certificate),
            Self::Digests(list) => {
                let own = CertificateDigest::of(certificate);
                list.iter().any(|digest| digest.value == own.value)
            }
        }
    }

    /// How many signers there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Certificates(list) => list.len(),
            Self::Digests(list) => list.len(),
        }
    }

    /// Whether nobody may stamp.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Debug for CertificateDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}(", self.kind)?;
        self.value.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
        f.write_str(")")
    }
}
