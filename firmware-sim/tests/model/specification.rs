//! The token as plain values: what each command answers and changes, with the checks in the order in which tokens make
//! them (application, container, right, key, contents).
//!
//! Knows no flash and no cryptography, and of bytes only those in files: names, PINs, labels, key pairs and certificates
//! are numbers. Session keys stand next door.

use std::collections::{BTreeMap, BTreeSet};

use ukey_apdu::Status;
use ukey_apdu::command::{
    ContainerInfo, ContainerType, DigestAlgorithm, FileInfo, KeyUse, PinInfo, PinType, Rights, SM2_BITS,
};

use super::session_keys::SessionKey;
use super::words::*;

/// Stands for the secret of a locked PIN, which nobody can see.
const HIDDEN: Secret = usize::MAX;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pin {
    pub secret: Secret,
    pub most: u8,
    pub left: u8,
    pub is_default: bool,
}

impl Pin {
    fn new(secret: Secret, most: u8, is_default: bool) -> Self {
        Self { secret, most, left: most, is_default }
    }

    fn attempt(&mut self, live: bool, secret: Secret) -> Result<(), Status> {
        if self.left == 0 {
            return Err(Status::LOCKED);
        }
        if !live {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        if secret != self.secret {
            self.left -= 1;
            return Err(Status::tries_left(self.left));
        }
        self.left = self.most;
        Ok(())
    }
}

/// By [`KeyUse`] as a number.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Container {
    pub pairs: [Option<Pair>; 2],
    pub certificates: [Option<Certificate>; 2],
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    pub read: Rights,
    pub write: Rights,
    pub content: Vec<u8>,
}

impl File {
    /// Where these bytes lie; a reader gets what there is of them.
    fn at(&self, extent: Extent) -> Result<std::ops::Range<usize>, Status> {
        let start = usize::from(extent.offset);
        let inside = start < self.content.len();
        inside.then(|| start..start + usize::from(extent.count)).ok_or(Status::WRONG_OFFSET)
    }
}

/// PINs by [`PinType`] as a number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Application {
    pub pins: [Pin; 2],
    pub containers: BTreeMap<Name, Container>,
    /// `None`: nobody can see what is in it.
    pub files: BTreeMap<Name, Option<File>>,
}

/// What outlives the power.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Durable {
    pub label: Option<usize>,
    pub device_tries: u8,
    pub applications: BTreeMap<Name, Application>,
}

impl Durable {
    /// As it can be seen: nobody can tell the secret of a locked PIN, nor read a file whose readers are locked out.
    pub fn visible(mut self) -> Self {
        for application in self.applications.values_mut() {
            let [administrator, user] = application.pins.each_ref().map(|pin| pin.left > 0);
            for file in application.files.values_mut() {
                file.take_if(|file| !may(file.read, administrator, user));
            }
        }
        let pins = self.applications.values_mut().flat_map(|application| &mut application.pins);
        pins.filter(|pin| pin.left == 0).for_each(|pin| pin.secret = HIDDEN);
        self
    }
}

/// Whether these rights are enough for somebody who is the administrator, or the user, or both.
fn may(rights: Rights, administrator: bool, user: bool) -> bool {
    rights.0 == 0xFF || administrator && rights.0 & 0x01 != 0 || user && rights.0 & 0x10 != 0
}

/// What ends with the power.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Session {
    pub challenge: bool,
    pub device: bool,
    /// Applications whose user PIN was proved.
    pub users: BTreeSet<Name>,
    /// Applications whose administrator PIN was proved.
    pub administrators: BTreeSet<Name>,
    /// What is open by which id: an application, and its containers.
    pub open: BTreeMap<Id, (Name, BTreeMap<Id, Name>)>,
    pub keys: BTreeMap<Id, SessionKey>,
    /// The digest under way, with all that has come.
    pub digest: Option<(DigestAlgorithm, Vec<u8>)>,
}

/// The last ids that the host was given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ids {
    pub applications: BTreeMap<Name, Id>,
    pub containers: BTreeMap<(Name, Name), Id>,
    /// And what the key belonged to.
    pub session_keys: BTreeMap<usize, (Holder, Id)>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Model {
    pub durable: Durable,
    pub session: Session,
    pub ids: Ids,
    pub made: u32,
    pub keys_given: u16,
}

impl Default for Model {
    fn default() -> Self {
        let durable = Durable { label: None, device_tries: DEVICE_TRIES, applications: BTreeMap::new() };
        Self { durable, session: Session::default(), ids: Ids::default(), made: 0, keys_given: 0 }
    }
}

impl Model {
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
        let _ = after.apply(command, 0);
        let (pin, device) = match *command {
            Command::VerifyPin(name, kind, _) | Command::ChangePin(name, kind, ..) => (Some((name, kind)), 0),
            Command::UnblockPin(name, ..) => (Some((name, PinType::Administrator)), 0),
            Command::DevAuth(_) => (None, 1),
            _ => (None, 0),
        };
        spent.durable.device_tries = spent.durable.device_tries.saturating_sub(device);
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

    fn open_container(&mut self, called: Name, name: Name, given: Id) {
        let id = self.application_id(called);
        let containers = &mut self.session.open.get_mut(&id).expect("it is open").1;
        let before = containers.insert(given, name);
        assert!(before.is_none_or(|before| before == name), "an id of two containers");
        self.ids.containers.insert((called, name), given);
    }

    // ---- commands ----

    /// Carries a command out. `given` is the id that the token gave, where it gives one.
    pub fn apply(&mut self, command: &Command, given: Id) -> Result<Answer, Status> {
        if let Command::DevAuth(proof)
        | Command::VerifyPin(_, _, proof)
        | Command::ChangePin(_, _, proof, _)
        | Command::UnblockPin(_, proof, _) = command
        {
            self.session.challenge |= proof.fresh;
        }
        match *command {
            Command::SetLabel(LONG_LABEL) => return Err(Status::WRONG_DATA),
            Command::SetLabel(label) => self.durable.label = Some(label),
            Command::ShortRandom => self.session.challenge = false,
            Command::DevAuth(proof) => {
                let live = std::mem::take(&mut self.session.challenge);
                let mut key = Pin::new(0, DEVICE_TRIES, false);
                key.left = self.durable.device_tries;
                let result = key.attempt(live, proof.secret);
                self.durable.device_tries = key.left;
                if result.is_ok() || result.is_err_and(|status| status.remaining().is_some()) {
                    self.session.device = result.is_ok();
                }
                result?;
            }
            Command::CreateApplication { name, tries, user } => {
                Self::right(self.session.device)?;
                let most = u8::try_from(tries).ok().filter(|tries| (1..=15).contains(tries));
                let most = most.ok_or(Status::WRONG_DATA)?;
                Self::long_enough(user)?;
                if self.durable.applications.contains_key(&name) {
                    return Err(Status::APPLICATION_EXISTS);
                }
                // The administrator PIN is always number 0.
                let pins = [Pin::new(0, most, true), Pin::new(user, most, true)];
                self.durable
                    .applications
                    .insert(name, Application { pins, containers: BTreeMap::new(), files: BTreeMap::new() });
            }
            Command::OpenApplication(name) => {
                let exists = self.durable.applications.contains_key(&name);
                exists.then_some(()).ok_or(Status::NO_SUCH_APPLICATION_NAME)?;
                let (open, _) = self.session.open.entry(given).or_insert((name, BTreeMap::new()));
                assert_eq!(*open, name, "an id of two applications");
                self.ids.applications.insert(name, given);
            }
            Command::CloseApplication(name) => {
                self.application(name)?;
                self.session.open.remove(&self.application_id(name));
            }
            Command::DeleteApplication(name) => {
                Self::right(self.session.device)?;
                self.durable.applications.remove(&name).ok_or(Status::NO_SUCH_APPLICATION_NAME)?;
                self.session.users.remove(&name);
                self.session.administrators.remove(&name);
                self.session.open.retain(|_, (open, _)| *open != name);
                self.session.keys.retain(|_, key| key.holder.is_none_or(|(of, _)| of != name));
            }
            Command::EnumApplication => {
                return Ok(Answer::Names(self.durable.applications.keys().copied().collect()));
            }
            Command::VerifyPin(name, kind, proof) => {
                let name = self.application(name)?;
                self.attempt(name, kind, proof)?;
                self.proved(kind).insert(name);
            }
            Command::ChangePin(name, kind, proof, new) => {
                let name = self.application(name)?;
                self.attempt(name, kind, proof)?;
                Self::long_enough(new)?;
                let pin = &mut self.application_mut(name).pins[kind as usize];
                *pin = Pin::new(new, pin.most, false);
            }
            Command::UnblockPin(name, proof, new) => {
                let name = self.application(name)?;
                self.attempt(name, PinType::Administrator, proof)?;
                Self::long_enough(new)?;
                let pin = &mut self.application_mut(name).pins[PinType::User as usize];
                *pin = Pin::new(new, pin.most, false);
                self.session.users.remove(&name);
            }
            Command::GetPinInfo(name, kind) => {
                let name = self.application(name)?;
                let Pin { most, left, is_default, .. } = self.application_mut(name).pins[kind as usize];
                return Ok(Answer::Pin(PinInfo { max_retries: most, remaining: left, is_default }));
            }
            Command::ClearSecureState(name) => {
                let name = self.application(name)?;
                self.session.users.remove(&name);
                self.session.administrators.remove(&name);
            }
            Command::CreateContainer(called, name) => {
                let application = self.application(called)?;
                self.user(application)?;
                Self::well_named(name)?;
                let containers = &mut self.application_mut(application).containers;
                if containers.contains_key(&name) {
                    return Err(Status::CONTAINER_EXISTS);
                }
                if containers.len() == MAX_CONTAINERS {
                    return Err(Status::NO_SPACE);
                }
                containers.insert(name, Container::default());
                self.open_container(called, name, given);
            }
            Command::OpenContainer(called, name) => {
                let application = self.application(called)?;
                self.existing(application, name)?;
                self.open_container(called, name, given);
            }
            Command::CloseContainer(application, name) => {
                self.container(application, name)?;
                let (id, container) =
                    (self.application_id(application), self.container_id(application, name));
                self.session.open.get_mut(&id).expect("it is open").1.remove(&container);
            }
            Command::DeleteContainer(application, name) => {
                let application = self.application(application)?;
                self.user(application)?;
                self.existing(application, name)?;
                self.application_mut(application).containers.remove(&name);
                self.session.keys.retain(|_, key| key.holder != Some((application, name)));
                for (open, containers) in self.session.open.values_mut() {
                    containers.retain(|_, container| *open != application || *container != name);
                }
            }
            Command::EnumContainer(name) => {
                let name = self.application(name)?;
                return Ok(Answer::Names(self.application_mut(name).containers.keys().copied().collect()));
            }
            Command::GetContainerInfo(application, name) => {
                let application = self.application(application)?;
                let Container { pairs, certificates } = self.existing(application, name)?.clone();
                let bits = pairs.map(|pair| pair.map_or(0, |_| SM2_BITS));
                let is_empty = bits == [0, 0];
                return Ok(Answer::Container(ContainerInfo {
                    container_type: if is_empty { ContainerType::Empty } else { ContainerType::Ecc },
                    sign_bits: bits[KeyUse::Sign as usize],
                    encrypt_bits: bits[KeyUse::Encrypt as usize],
                    sign_certificate: certificates[KeyUse::Sign as usize].is_some(),
                    encrypt_certificate: certificates[KeyUse::Encrypt as usize].is_some(),
                }));
            }
            Command::CreateFile(..)
            | Command::DeleteFile(..)
            | Command::EnumFiles(_)
            | Command::GetFileInfo(..)
            | Command::ReadFile(..)
            | Command::WriteFile(..) => return self.apply_to_files(command),
            Command::ImportSymmKey(..)
            | Command::ImportSessionKey(..)
            | Command::EccExportSessionKeyEx(_)
            | Command::DestroySessionKey(_)
            | Command::Begin(..)
            | Command::Go(..)
            | Command::DigestInit(_)
            | Command::Digest(..) => return self.apply_to_session_keys(command, given),
            _ => return self.apply_to_keys(command),
        }
        Ok(Answer::Nothing)
    }

    fn apply_to_files(&mut self, command: &Command) -> Result<Answer, Status> {
        match *command {
            Command::CreateFile(application, name, FileInfo { size, read, write }) => {
                let application = self.application(application)?;
                self.allowed(application, CREATE_FILE)?;
                let undefined = [read, write].contains(&RIGHTS[4]);
                if name == EMPTY_NAME || size == 0 || undefined {
                    return Err(Status::WRONG_DATA);
                }
                let files = &mut self.application_mut(application).files;
                if files.contains_key(&name) {
                    return Err(Status::FILE_EXISTS);
                }
                if size > 0xFFFF || files.len() == MAX_FILES {
                    return Err(Status::NO_SPACE);
                }
                let content = vec![0; usize::try_from(size).expect("a small number")];
                files.insert(name, Some(File { read, write, content }));
            }
            Command::DeleteFile(application, name) => {
                let application = self.application(application)?;
                self.allowed(application, CREATE_FILE)?;
                self.file(application, name)?;
                self.application_mut(application).files.remove(&name);
            }
            Command::EnumFiles(application) => {
                let application = self.application(application)?;
                return Ok(Answer::Names(self.application_mut(application).files.keys().copied().collect()));
            }
            Command::GetFileInfo(application, name) => {
                let application = self.application(application)?;
                let File { read, write, content } = self.file(application, name)?.clone();
                self.allowed(application, read)?;
                let size = u32::try_from(content.len()).expect("a small number");
                return Ok(Answer::File(FileInfo { size, read, write }));
            }
            Command::ReadFile(application, name, extent) => {
                let application = self.application(application)?;
                let file = self.file(application, name)?.clone();
                self.allowed(application, file.read)?;
                let bytes = file.at(extent)?;
                return Ok(Answer::Content(
                    file.content[bytes.start..bytes.end.min(file.content.len())].to_vec(),
                ));
            }
            Command::WriteFile(application, name, extent, byte) => {
                let application = self.application(application)?;
                let write = self.file(application, name)?.write;
                self.allowed(application, write)?;
                let file = self.file(application, name)?;
                let bytes = file.at(extent)?;
                file.content.get_mut(bytes).ok_or(Status::WRONG_OFFSET)?.fill(byte);
            }
            _ => unreachable!("a command about files"),
        }
        Ok(Answer::Nothing)
    }

    /// Commands about the content of an open container.
    fn apply_to_keys(&mut self, command: &Command) -> Result<Answer, Status> {
        let replace = |container: &mut Container, key_use: KeyUse, pair| {
            container.pairs[key_use as usize] = Some(pair);
            container.certificates[key_use as usize] = None;
        };
        match *command {
            Command::GenEccKeyPair(application, name) => {
                let at = self.container(application, name)?;
                self.user(at.0)?;
                self.made += 1;
                let pair = Pair::Made(self.made);
                replace(self.container_mut(at), KeyUse::Sign, pair);
                Ok(Answer::PublicKey(pair))
            }
            Command::ImportEccKeyPair(application, name, envelope, private) => {
                let at = self.container(application, name)?;
                self.user(at.0)?;
                self.container_mut(at).pairs[KeyUse::Sign as usize].ok_or(Status::NO_KEY_PAIR)?;
                match envelope {
                    Envelope::Right => {
                        replace(self.container_mut(at), KeyUse::Encrypt, Pair::Brought(private));
                        Ok(Answer::Nothing)
                    }
                    Envelope::ForAnotherKey => Err(Status::DECRYPTION_FAILED),
                    Envelope::OtherAlgorithm => Err(Status::UNSUPPORTED_KEY_ALGORITHM),
                    Envelope::OtherPublicKey => Err(Status::WRONG_DATA),
                }
            }
            Command::ImportCertificate(application, name, key_use, certificate) => {
                let at = self.container(application, name)?;
                self.user(at.0)?;
                // Of which key pair stands in the contents, so they come first here.
                if certificate == EMPTY_CERTIFICATE {
                    return Err(Status::WRONG_DATA);
                }
                self.container_mut(at).pairs[key_use as usize].ok_or(Status::NO_KEY_PAIR)?;
                let containers = self.application_mut(at.0).containers.values();
                let count = containers.flat_map(|container| &container.certificates).flatten().count();
                let cell = &mut self.container_mut(at).certificates[key_use as usize];
                if certificate == LONG_CERTIFICATE || (cell.is_none() && count >= MAX_CERTIFICATES) {
                    return Err(Status::NO_SPACE);
                }
                *cell = Some(certificate);
                Ok(Answer::Nothing)
            }
            Command::ExportCertificate(application, name, key_use) => {
                let at = self.container(application, name)?;
                let certificate = self.container_mut(at).certificates[key_use as usize];
                certificate.map(Answer::Certificate).ok_or(Status::NO_CERTIFICATE)
            }
            Command::EccSignData(application, name) => {
                let at = self.container(application, name)?;
                self.user(at.0)?;
                let pair = self.container_mut(at).pairs[KeyUse::Sign as usize];
                pair.map(Answer::Signature).ok_or(Status::NO_KEY_PAIR)
            }
            Command::ExportPubKey(application, name, key_use) => {
                let at = self.container(application, name)?;
                let pair = self.container_mut(at).pairs[key_use as usize];
                pair.map(Answer::PublicKey).ok_or(Status::NO_KEY_PAIR)
            }
            _ => unreachable!("a command about keys"),
        }
    }
}
