//! The token as plain values: what each command answers and changes, with the checks in the order in which tokens make
//! them (application, container, right, key, contents).
//!
//! Knows no flash and no cryptography but that of session keys and digests, whose answers are one: names, PINs, labels,
//! key pairs and certificates are numbers.

mod access;
mod agreement;
mod application;
mod container;
mod device;
mod external;
mod file;
mod key_pair;
mod session_key;
mod space;
mod state;

use std::collections::BTreeSet;

use ukey_apdu::command::{KeyUse, PinType, Rights};
use ukey_apdu::{Dialect, Ins, Status};

use super::command::Command;
use super::manner::Manner;
use super::words::*;
use state::may;
pub use state::{Application, Container, Durable, File, HIDDEN, Ids, Pin, Session};

/// A token, and what its host remembers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Model {
    pub dialect: Dialect,
    pub durable: Durable,
    pub session: Session,
    pub ids: Ids,
    /// Key pairs, session keys and agreements that it made so far.
    pub made: u32,
    pub keys_given: u16,
    pub agreements_begun: u32,
}

impl Model {
    /// A blank one.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            durable: Durable::default(),
            session: Session::default(),
            ids: Ids::default(),
            made: 0,
            keys_given: 0,
            agreements_begun: 0,
        }
    }

    /// The id by which the host calls an application, open or not.
    pub fn application_id(&self, name: Name) -> Id {
        self.ids.applications.get(&name).copied().unwrap_or(0x0BAD)
    }

    /// The id by which the host calls a container, open or not.
    pub fn container_id(&self, application: Name, name: Name) -> Id {
        self.ids.containers.get(&(application, name)).copied().unwrap_or(0x0BAD)
    }

    /// The power goes and comes.
    pub fn restart(&mut self) {
        self.session = Session::default();
    }

    /// What the token may be after a cut of the power inside `command`: as before, as after, or as before with the try
    /// counted.
    pub fn after_cut(&self, command: &Command) -> Vec<Model> {
        let (mut spent, mut after) = (self.clone(), self.clone());
        let _ = after.apply(command, Given::default());
        let (pin, device) = match *command {
            Command::VerifyPin(name, kind, _) | Command::ChangePin(name, kind, ..) => (Some((name, kind)), 0),
            Command::UnblockPin(name, ..) => (Some((name, PinType::Administrator)), 0),
            Command::DevAuth(..) => (None, 1),
            _ => (None, 0),
        };
        let tries = &mut spent.durable.device_tries;
        *tries = tries.saturating_sub(device);
        if let Some((name, kind)) = pin
            && let Ok(name) = spent.application(name)
        {
            let pin = &mut spent.application_mut(name).pins[kind as usize];
            pin.left = pin.left.saturating_sub(1);
        }
        let mut all = vec![self.clone(), after, spent];
        all.iter_mut().for_each(Model::restart);
        all
    }

    // ---- gates ----

    /// The open application that the host's id means.
    pub fn application(&self, name: Name) -> Result<Name, Status> {
        let open = self.session.open.get(&self.application_id(name));
        open.map(|(name, _)| *name).ok_or(Status::NO_SUCH_APPLICATION)
    }

    /// The open application and container that the host's ids mean.
    pub fn container(&self, application: Name, name: Name) -> Result<(Name, Name), Status> {
        let real = self.application(application)?;
        let open = &self.session.open[&self.application_id(application)].1;
        let container = open.get(&self.container_id(application, name)).ok_or(Status::NO_SUCH_CONTAINER)?;
        Ok((real, *container))
    }

    /// The key pair of the open container that the host's ids mean.
    pub fn key_pair(&self, (application, name): (Name, Name), key_use: KeyUse) -> Option<Pair> {
        let (application, name) = self.container(application, name).ok()?;
        self.durable.applications[&application].containers[&name].pairs[key_use as usize]
    }

    fn right(held: bool) -> Result<(), Status> {
        held.then_some(()).ok_or(Status::SECURITY_NOT_SATISFIED)
    }

    pub(super) fn user(&self, application: Name) -> Result<(), Status> {
        Self::right(self.session.users.contains(&application))
    }

    fn allowed(&self, application: Name, rights: Rights) -> Result<(), Status> {
        let administrator = self.session.administrators.contains(&application);
        Self::right(may(rights, administrator, self.session.users.contains(&application)))
    }

    /// The file that a command names, which exists.
    fn file(&mut self, application: Name, name: Name) -> Result<&mut File, Status> {
        (name != EMPTY_NAME).then_some(()).ok_or(Status::WRONG_DATA)?;
        let file = self.application_mut(application).files.get_mut(&name).ok_or(Status::NO_SUCH_FILE)?;
        Ok(file.as_mut().expect("the model sees all"))
    }

    fn well_named(name: Name) -> Result<(), Status> {
        (name != LONG_NAME).then_some(()).ok_or(Status::WRONG_DATA)
    }

    fn long_enough(pin: Secret) -> Result<(), Status> {
        (pin != SHORT_PIN).then_some(()).ok_or(Status::WRONG_DATA)
    }

    fn application_mut(&mut self, name: Name) -> &mut Application {
        self.durable.applications.get_mut(&name).expect("an open application exists")
    }

    pub(super) fn container_mut(&mut self, (application, name): (Name, Name)) -> &mut Container {
        self.application_mut(application).containers.get_mut(&name).expect("an open container exists")
    }

    fn existing(&mut self, application: Name, name: Name) -> Result<&mut Container, Status> {
        Self::well_named(name)?;
        let containers = &mut self.application_mut(application).containers;
        containers.get_mut(&name).ok_or(Status::NO_SUCH_CONTAINER_NAME)
    }

    /// One try of a PIN; a wrong one ends the PIN's right.
    fn attempt(&mut self, application: Name, kind: PinType, proof: Proof) -> Result<(), Status> {
        let live = std::mem::take(&mut self.session.challenge);
        let result = self.application_mut(application).pins[kind as usize].attempt(live, proof.secret);
        let wrong = result.is_err_and(|status| status.remaining().is_some());
        if wrong {
            self.proved(kind).remove(&application);
        }
        result
    }

    /// Applications in which this PIN was proved.
    fn proved(&mut self, kind: PinType) -> &mut BTreeSet<Name> {
        match kind {
            PinType::User => &mut self.session.users,
            PinType::Administrator => &mut self.session.administrators,
        }
    }

    // ---- commands ----

    /// A command arrives. `given` is what the token chose, where it chooses.
    pub fn hear(&mut self, command: &Command, manner: Manner, given: Given) -> Result<Answer, Status> {
        match manner.refusal(command) {
            Some(status) => {
                // The host had asked for its challenge, which is still there.
                self.session.challenge |= command.proof().is_some_and(|proof| proof.fresh);
                Err(status)
            }
            None => self.apply(command, given),
        }
    }

    /// A command is carried out.
    pub fn apply(&mut self, command: &Command, given: Given) -> Result<Answer, Status> {
        self.session.challenge |= command.proof().is_some_and(|proof| proof.fresh);
        match command {
            Command::SetLabel(_)
            | Command::GetDevInfo
            | Command::GenRandom(_)
            | Command::DevAuth(..)
            | Command::ChangeDevAuthKey(..) => self.apply_to_device(command),
            Command::CreateApplication { .. }
            | Command::OpenApplication(_)
            | Command::CloseApplication(_)
            | Command::DeleteApplication(_)
            | Command::EnumApplication => self.apply_to_applications(command, given.id),
            Command::VerifyPin(..)
            | Command::ChangePin(..)
            | Command::UnblockPin(..)
            | Command::GetPinInfo(..)
            | Command::ClearSecureState(_) => self.apply_to_access(command),
            Command::CreateContainer(..)
            | Command::OpenContainer(..)
            | Command::CloseContainer(..)
            | Command::DeleteContainer(..)
            | Command::EnumContainer(_)
            | Command::GetContainerInfo(..)
            | Command::ImportCertificate(..)
            | Command::ExportCertificate(..) => self.apply_to_containers(command, given.id),
            Command::CreateFile(..)
            | Command::DeleteFile(..)
            | Command::EnumFiles(_)
            | Command::GetFileInfo(..)
            | Command::ReadFile(..)
            | Command::WriteFile(..) => self.apply_to_files(command),
            Command::GenEccKeyPair(..)
            | Command::ImportEccKeyPair(..)
            | Command::EccSignData(..)
            | Command::ExportPubKey(..) => self.apply_to_key_pairs(command),
            Command::EccVerify(..)
            | Command::ExtEccEncrypt(..)
            | Command::ExtEccDecrypt(..)
            | Command::ExtEccSign(_) => Self::apply_to_external_keys(command),
            Command::ImportSymmKey(..)
            | Command::ImportSessionKey(..)
            | Command::EccExportSessionKey(..)
            | Command::EccExportSessionKeyEx(..)
            | Command::DestroySessionKey(_)
            | Command::Begin(..)
            | Command::Go(..)
            | Command::DigestInit(..)
            | Command::Digest(..) => self.apply_to_session_keys(command, given),
            Command::BeginAgreement(..) | Command::AnswerAgreement(..) | Command::EndAgreement(..) => {
                self.apply_to_agreements(command, given)
            }
            // The table has no such instruction, or has it as one that is not carried out.
            Command::Foreign(ins) => {
                Err(Ins::from_byte(*ins).map_or(Status::UNKNOWN_INS, |_| Status::UNSUPPORTED))
            }
            Command::TooLong => Err(Status::WRONG_LENGTH),
        }
    }
}
