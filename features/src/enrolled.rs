//! A key that a hall has enrolled for the unit of the scenarios: for whoever needs a key with real certificates and a
//! real seal in it.
//!
//! Guarantees: it is made as a scenario makes it, by the flows, over HTTP, against a hall of its own; certificates and
//! seal are read back from the key, and the hall has checked the stamp. It refuses to know where the key keeps its
//! state and what becomes of its PIN.

use jiff::{SignedDuration, Timestamp};
use ukey_device::{Device, Target};
use ukey_flows::{
    Client, FlowError,
    api::{RevocationReason, Secret},
    key::MyCertificate,
    production::FACTORY_DEVICE_KEY,
    seal,
};
use ukey_hall::Profile;
use ukey_pki::{
    Certificate, Crl,
    seal::{Seal, Stamp},
};

use crate::{
    office::Office,
    people::Holder,
    stage::{Stage, Waiting},
};

/// What the stamp of [`Enrolled`] is on.
const DOCUMENT: &str = "合同\n";

/// Within this time a hall publishes its next revocation list.
const LIST_DUE: SignedDuration = SignedDuration::from_hours(25);

/// What an enrolment gave, beside the key.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// The root of the authority.
    pub root: Certificate,
    /// The authority's certificate that issued those of the key.
    pub issuing: Certificate,
    /// The sign certificate in the key.
    pub sign: Certificate,
    /// The encryption certificate in the key.
    pub encryption: Certificate,
    /// The authority's revocation list, after the certificates of another key were revoked.
    pub crl: Crl,
    /// The seal in the key, which carries the certificate of its maker.
    pub seal: Seal,
    /// A stamp with that seal, made by the key.
    pub stamp: Stamp,
    /// The document that was stamped.
    pub document: String,
    /// The user PIN that the key was personalised with.
    pub initial_pin: Secret,
}

/// Why there is no enrolled key.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// There is no such profile.
    #[error("there is no CA profile {name}: {reason}")]
    Profile {
        /// The name that was given.
        name: String,
        /// What the hall says.
        reason: String,
    },
    /// The hall does not open.
    #[error("the hall does not open: {0}")]
    Hall(String),
    /// The hall or the key refused.
    #[error("{0} ({zh})", zh = .0.message_zh())]
    Flow(#[from] FlowError),
    /// Something is missing afterwards.
    #[error("the {0} is missing")]
    Missing(&'static str),
}

/// Enrols a blank key for the unit of the scenarios, in a hall of this built-in profile that opens and closes for it, has
/// a seal written into it and stamps with it. A second key, simulated, is enrolled for somebody else and revoked.
/// Everything random in the hall follows from the seed; its clock shows yesterday, and at last the present time.
///
/// It blocks, and must not be called from inside an async runtime.
///
/// # Errors
/// See [`EnrolError`]. The key may be half made then.
pub fn enrol(profile: &str, device: Device, seed: u64) -> Result<Enrolled, EnrolError> {
    Profile::built_in(profile)
        .map_err(|error| EnrolError::Profile { name: profile.to_owned(), reason: error.to_string() })?;
    let hall = |error: &dyn std::fmt::Display| EnrolError::Hall(error.to_string());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| hall(&error))?;
    let office = runtime.block_on(Office::open(profile, seed)).map_err(|error| hall(&error))?;
    let enrolled = make(office, device, seed);
    runtime.shutdown_background();
    enrolled
}

fn make(office: Office, device: Device, seed: u64) -> Result<Enrolled, EnrolError> {
    let client = office.client.clone();
    // A revocation is in the next day's list.
    advance_clock(&client, Timestamp::now() - LIST_DUE)?;
    let mut stage =
        Stage::new(seed, Target::Sim, None, Some(Waiting { device, blank_key: FACTORY_DEVICE_KEY }));
    stage.enter(office);
    let key = stage.enrolled_key(Holder::Unit, None)?;
    let initial_pin = stage.certificate_password().into();
    stage.gain_seal(None)?;
    stage.stamp(1, DOCUMENT)?;

    stage.enrolled_key(Holder::Zhang, None)?;
    stage.revoke(Holder::Zhang)?;
    advance_clock(&client, Timestamp::now())?;

    let mine = MyCertificate::read(&key)?;
    let held = seal::seals(&key)?.pop().ok_or(EnrolError::Missing("seal"))?;
    let mut chain = client.authority()?.chain.into_iter().map(|der| Certificate::from_der(&der.0));
    let mut next = |what| chain.next().ok_or(EnrolError::Missing(what));
    let issuing = next("issuing certificate")?.map_err(FlowError::from)?;
    let root = next("root certificate")?.map_err(FlowError::from)?;
    Ok(Enrolled {
        root,
        issuing,
        sign: mine.sign,
        encryption: mine.encryption.ok_or(EnrolError::Missing("encryption certificate"))?,
        crl: Crl::from_der(&client.crl()?).map_err(FlowError::from)?,
        seal: held.seal.map_err(FlowError::from)?,
        stamp: stage.stamp.ok_or(EnrolError::Missing("stamp"))?,
        document: DOCUMENT.to_owned(),
        initial_pin,
    })
}

fn advance_clock(client: &Client, to: Timestamp) -> Result<(), FlowError> {
    let ahead = to.duration_since(client.clock()?.now).as_secs();
    u64::try_from(ahead).map_or(Ok(()), |seconds| client.advance_clock(seconds).map(drop))
}

impl Stage {
    /// A revocation without the key, which every hall takes.
    fn revoke(&mut self, holder: Holder) -> Result<(), FlowError> {
        self.find_certificates(holder)?;
        self.begin_revocation_without_key(RevocationReason::KeyCompromise)?;
        let check = holder.check(holder.first_way());
        self.revoking().check_identity(&check)?;
        let code = self.code(holder.phone(), "revoke", 0);
        self.revoking().enter_code(&code)?;
        self.revoking().confirm()?;
        self.revoking().confirm_again()
    }
}
