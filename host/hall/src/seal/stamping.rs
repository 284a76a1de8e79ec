//! What a business system is told about a signer and a stamp.
//!
//! Guarantees: a signer is refused by the manuals' two messages: 证书未生效或者用户不存在 for a certificate that is
//! unknown, revoked, or too new for the business systems; 该用户没有分配印章权限 when no seal in use lists it (Z-11). A seal
//! made here runs out with the one certificate that it lists, so that the certificate's end is what is told.

use crate::sql;
use super::{MadeSeal, Status};
use crate::{
    account::certificate::Issued,
    api::{Hex, ProblemType, StampCheck, StampVerdict, StampingRequest, StampingRight},
    clock,
    problem::{Answer, Refusal, refuse, refuse_field},
    turn::Turn,
};
use jiff::Timestamp;
use ukey_pki::{
    Certificate,
    seal::{Stamp, StampError, Trust},
};

/// The seals that the holder of a certificate may stamp with.
pub(crate) async fn permission(turn: &mut Turn<'_>, told: &StampingRequest) -> Answer<StampingRight> {
    let certificate = Certificate::from_der(&told.certificate.0).map_err(|_| refuse(ProblemType::MalformedCertificate))?;
    let (signer, seals) = demand_signer(turn, &certificate).await?;
    Ok(StampingRight { seals: seals.iter().map(|seal| seal.view(&signer.serial)).collect(), now: turn.now })
}

/// Checks a stamp: its signer, its seal, its signature, its document.
pub(crate) async fn verify(turn: &mut Turn<'_>, told: &StampCheck) -> Answer<StampVerdict> {
    let hash = digest(&told.data_hash)?;
    let stamp = Stamp::from_der(&told.stamp.0).map_err(|error| invalid(&error))?;
    let (signer, _) = demand_signer(turn, stamp.signer()).await?;
    let seal = turn.seal(stamp.seal().id()).await?.filter(|seal| seal.der == stamp.seal().der());
    let seal = seal.ok_or_else(|| {
        refuse(ProblemType::StampInvalid).detail("The seal was not made here.", "印章不是本机构制作的")
    })?;
    let trusted = [turn.hall.authority().issuing_certificate().clone()];
    let makers = [turn.hall.seal_maker().certificate().clone()];
    stamp.verify(&hash, &Trust::new(&trusted).makers(&makers), turn.now).map_err(|error| match error {
        StampError::SignerNotInSeal(_) => refuse(ProblemType::NoSealPermission),
        StampError::Data => refuse(ProblemType::DocumentChanged),
        error => invalid(&error),
    })?;
    if seal.status != Status::Held {
        return Err(refuse(ProblemType::SealWithdrawn));
    }
    Ok(StampVerdict {
        seal: seal.id,
        name: seal.name,
        signer: signer.subject.name,
        certificate_serial: signer.serial,
        stamped_at: stamp.time(),
    })
}

/// Refuses a certificate that is not in effect, then one that no seal in use lists.
async fn demand_signer(turn: &mut Turn<'_>, certificate: &Certificate) -> Answer<(Issued, Vec<MadeSeal>)> {
    let unknown = || refuse(ProblemType::SignerUnknown);
    turn.hall.authority().demand_own(certificate).map_err(|_| unknown())?;
    let issued = turn.issued(&certificate.serial().to_string()).await?;
    let issued = issued.filter(|issued| issued.sign_der == certificate.der() && issued.confirmed_at.is_some());
    let issued = issued.ok_or_else(unknown)?;
    if turn.revocation(&issued.serial).await?.is_some() || turn.now < issued.not_before {
        return Err(unknown());
    }
    if let Some(known_at) = known_at(turn, &issued).await?.filter(|known_at| turn.now < *known_at) {
        let wait = u64::try_from(known_at.as_second() - turn.now.as_second()).unwrap_or_default();
        return Err(unknown().retry_after(wait));
    }
    if turn.now > issued.not_after {
        return Err(refuse(ProblemType::CertificateExpired));
    }
    let seals = turn.seals_listing(&issued.serial).await?;
    if seals.is_empty() { Err(refuse(ProblemType::NoSealPermission)) } else { Ok((issued, seals)) }
}

/// When the business systems know a certificate that took another's place (R-20, N-08).
async fn known_at(turn: &mut Turn<'_>, issued: &Issued) -> Answer<Option<Timestamp>> {
    let hours = turn.hall.profile().renew.propagation_hours;
    let old = sql::query("SELECT serial FROM certificates WHERE replaced_by = $1")
        .bind(&issued.serial)
        .fetch_optional(turn.db())
        .await?;
    let since = issued.confirmed_at.filter(|_| old.is_some());
    Ok(since.map(|since| clock::after(since, u64::from(hours).saturating_mul(3600))))
}

fn digest(hash: &Hex) -> Answer<[u8; 32]> {
    hash.0.as_slice().try_into().map_err(|_| refuse_field("data_hash", "not 32 bytes", "摘要应为32字节"))
}

fn invalid(error: &dyn core::fmt::Display) -> Refusal {
    refuse(ProblemType::StampInvalid).detail(format!("The stamp is not valid: {error}"), "签章无效")
}
