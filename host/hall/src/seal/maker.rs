//! The unit that makes seals (制章者): a certificate of this authority with a key of its own.
//!
//! Guarantees: its key rests sealed in the database; a database from before there were seals gets one when it is opened.

use crate::{
    account::certificate::Issued,
    api::{Hex, SubjectKind},
    chance::Chance,
    hall::OpenError,
    issuing::Issuer,
    problem::{Answer, Refusal},
    profile::{Seal as Rules, SealListing},
    seal::{MadeSeal, Status},
    store,
    vault::Vault,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use crate::sql::Connection;
use ukey_pki::{
    Certificate, KeyPair, Validity,
    seal::{Picture, SealDraft, SealKind, SealVersion, SignerList},
};

const META: &str = "seal-maker";
const PLACE: &str = "authority/seal-maker";
/// The identifier of the vendor (Vid) in a seal's header.
const VENDOR: &str = "UKEY";

/// The maker of seals.
pub(crate) struct SealMaker {
    certificate: Certificate,
    key: KeyPair,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    certificate: Hex,
    key: Hex,
}

/// What a seal is made of.
pub(crate) struct NewSeal<'a> {
    /// The order.
    pub order: &'a str,
    /// esID.
    pub id: String,
    /// Its name.
    pub name: &'a str,
    /// The certificate it lists.
    pub holder: &'a Issued,
    /// Its picture.
    pub picture: Picture,
}

impl SealMaker {
    /// The maker of this database; made when there is none.
    pub(crate) async fn open(
        db: &mut Connection,
        vault: &Vault,
        chance: &mut Chance,
        issuer: &Issuer,
        name: &str,
        now: Timestamp,
    ) -> Result<Self, OpenError> {
        if let Some(stored) = store::meta(db, META).await? {
            let stored: Stored = serde_json::from_str(&stored).map_err(|_| OpenError::Damaged)?;
            return Self::restore(vault, &stored);
        }
        let key = KeyPair::generate(chance);
        let certificate = issuer
            .issue_seal_maker(chance, name, &key, now)
            .map_err(|error| OpenError::Authority(error.to_string()))?;
        let sealed = vault.seal(chance, PLACE, &key.to_bytes()[..]);
        let stored = Stored { certificate: certificate.der().into(), key: Hex(sealed) };
        let stored = serde_json::to_string(&stored).map_err(|_| OpenError::Damaged)?;
        store::set_meta(db, META, &stored).await?;
        Ok(Self { certificate, key })
    }

    fn restore(vault: &Vault, stored: &Stored) -> Result<Self, OpenError> {
        let key = vault.open(PLACE, &stored.key.0).map_err(|_| OpenError::WrongMasterKey)?;
        let key = key.as_slice().try_into().ok().and_then(|key| KeyPair::from_bytes(key).ok());
        let certificate = Certificate::from_der(&stored.certificate.0).ok();
        let (key, certificate) = key.zip(certificate).ok_or(OpenError::Damaged)?;
        let belongs = certificate.public_key().is_ok_and(|public| public == key.public_key());
        if belongs { Ok(Self { certificate, key }) } else { Err(OpenError::Damaged) }
    }

    /// Its certificate.
    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Makes a seal, valid from now until its holder's certificate runs out.
    pub(crate) fn make(&self, rules: &Rules, new: NewSeal<'_>, now: Timestamp) -> Answer<MadeSeal> {
        let certificate = new.holder.certificate()?;
        let draft = SealDraft {
            id: new.id,
            vendor: VENDOR.into(),
            kind: match new.holder.subject.kind {
                SubjectKind::Unit => SealKind::Unit,
                SubjectKind::Person => SealKind::Person,
            },
            name: new.name.into(),
            signers: match rules.listing {
                SealListing::Certificates => SignerList::certificates([&certificate]),
                SealListing::Digests => SignerList::digests([&certificate]),
            },
            made: now,
            period: Validity::new(now, new.holder.not_after).map_err(Refusal::internal)?,
            picture: new.picture,
            extensions: Vec::new(),
        };
        let version = if rules.version == 4 { SealVersion::V4 } else { SealVersion::V5 };
        let seal = draft.make(version, &self.certificate, &self.key).map_err(Refusal::internal)?;
        Ok(MadeSeal {
            id: draft.id,
            order: new.order.into(),
            device_serial: new.holder.device_serial.clone(),
            name: new.name.into(),
            certificate_serial: new.holder.serial.clone(),
            picture: draft.picture.data().to_vec(),
            der: seal.der().to_vec(),
            status: Status::Made,
            made_at: now,
            not_after: new.holder.not_after,
            replaced_by: None,
        })
    }
}
