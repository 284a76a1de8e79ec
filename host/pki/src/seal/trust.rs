//! Whom a verifier of seals and stamps believes.

use jiff::Timestamp;

use super::{SealError, StampError};
use crate::{Certificate, Error, KeyUsage};

/// The authorities a verifier believes, and, when it knows them, the seal makers.
///
/// A certificate is believed when one of the authorities issued it; their own chains are the caller's to check, and so
/// is revocation. Every holder of a sign certificate can write something that looks like a seal, so a maker must either
/// be named by [`Self::makers`], or have the certificate of a seal maker: digitalSignature alone
/// ([`KeyUsage::SEAL_MAKER`]).
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Trust<'a> {
    authorities: &'a [Certificate],
    makers: Option<&'a [Certificate]>,
}

impl<'a> Trust<'a> {
    /// Believes certificates issued by these authorities.
    pub fn new(authorities: &'a [Certificate]) -> Self {
        Self { authorities, makers: None }
    }

    /// Believes seals of these makers only, whose certificates need digitalSignature and may have more.
    pub fn makers(self, makers: &'a [Certificate]) -> Self {
        Self { makers: Some(makers), ..self }
    }

    /// Whether one of the authorities issued it; otherwise what the authority with its issuer's name objects to.
    fn check_issued(&self, certificate: &Certificate) -> Result<(), Error> {
        let candidate = |authority: &Certificate| certificate.verify_issued_by(authority);
        let mut objection = None;
        for result in self.authorities.iter().map(candidate) {
            match result {
                Ok(()) => return Ok(()),
                Err(Error::Issuer { .. }) if objection.is_some() => {}
                Err(error) => objection = Some(error),
            }
        }
        Err(objection.unwrap_or_else(|| Error::Issuer {
            what: "certificate",
            issuer: certificate.issuer().to_string(),
            candidate: "any authority that is believed".into(),
        }))
    }

    pub(super) fn check_maker(&self, maker: &Certificate, at: Timestamp) -> Result<(), SealError> {
        let is_maker = match self.makers {
            Some(makers) => makers.contains(maker) && may_make_seals(maker),
            None => has_maker_profile(maker),
        };
        if !is_maker {
            return Err(SealError::NotAMaker(maker.subject().to_string()));
        }
        self.check_issued(maker).map_err(SealError::MakerCertificate)?;
        check_maker_period(maker, at)
    }

    pub(super) fn check_signer(&self, signer: &Certificate, at: Timestamp) -> Result<(), StampError> {
        check_signer_usage(signer)?;
        self.check_issued(signer).map_err(StampError::SignerCertificate)?;
        check_signer_period(signer, at)
    }
}

pub(super) fn check_signer_period(signer: &Certificate, at: Timestamp) -> Result<(), StampError> {
    let period = signer.validity();
    if period.contains(at) { Ok(()) } else { Err(StampError::SignerPeriod { period, at }) }
}

/// digitalSignature, and no authority: what every maker needs.
pub(super) fn may_make_seals(maker: &Certificate) -> bool {
    let usage = maker.key_usage();
    !maker.is_authority() && usage.is_some_and(|usage| usage.contains(KeyUsage::DIGITAL_SIGNATURE))
}

fn has_maker_profile(maker: &Certificate) -> bool {
    !maker.is_authority() && maker.key_usage() == Some(KeyUsage::SEAL_MAKER)
}

pub(super) fn check_maker_period(maker: &Certificate, at: Timestamp) -> Result<(), SealError> {
    let period = maker.validity();
    if at.as_second() < period.not_before().as_second() {
        return Err(SealError::MakerNotYetValid { start: period.not_before(), at });
    }
    if !period.contains(at) {
        return Err(SealError::MakerExpired { end: period.not_after(), at });
    }
    Ok(())
}

/// A certificate that does not say what it is for is taken, as some real ones do not.
pub(super) fn check_signer_usage(signer: &Certificate) -> Result<(), StampError> {
    let signs = |usage: KeyUsage| {
        usage.contains(KeyUsage::DIGITAL_SIGNATURE) || usage.contains(KeyUsage::NON_REPUDIATION)
    };
    if signer.is_authority() || !signer.key_usage().is_none_or(signs) {
        return Err(StampError::SignerUsage(signer.subject().to_string()));
    }
    Ok(())
}
