//! What a token keeps, and what it forgets with the power.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ukey_apdu::Status;
use ukey_apdu::command::Rights;

use super::super::words::*;
use super::agreement::Agreement;
use super::session_key::{SessionKey, UnderWayDigest};

/// Bytes of a piece of a file: what is written at a time.
pub const PIECE: usize = 512;

/// Stands for the secret of a locked PIN, which nobody can see.
pub const HIDDEN: Secret = usize::MAX;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pin {
    pub secret: Secret,
    pub most: u8,
    pub left: u8,
    pub is_default: bool,
}

impl Pin {
    pub fn new(secret: Secret, most: u8, is_default: bool) -> Self {
        Self { secret, most, left: most, is_default }
    }

    pub fn attempt(&mut self, live: bool, secret: Secret) -> Result<(), Status> {
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
    /// Pieces that were written, of [`PIECE`] bytes each: nobody can see which.
    pub written: BTreeSet<usize>,
}

impl File {
    /// Where these bytes lie; a reader gets what there is of them.
    pub fn at(&self, extent: Extent) -> Result<std::ops::Range<usize>, Status> {
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
    pub device_key: Secret,
    pub device_tries: u8,
    pub applications: BTreeMap<Name, Application>,
}

impl Default for Durable {
    fn default() -> Self {
        Self { label: None, device_key: 0, device_tries: DEVICE_TRIES, applications: BTreeMap::new() }
    }
}

impl Durable {
    /// As it can be seen: nobody can tell the secret of a locked PIN, nor read a file whose readers are locked out.
    pub fn visible(mut self) -> Self {
        if self.device_tries == 0 {
            self.device_key = HIDDEN;
        }
        for application in self.applications.values_mut() {
            let [administrator, user] = application.pins.each_ref().map(|pin| pin.left > 0);
            for file in application.files.values_mut() {
                file.take_if(|file| !may(file.read, administrator, user));
                file.iter_mut().for_each(|file| file.written.clear());
            }
        }
        let pins = self.applications.values_mut().flat_map(|application| &mut application.pins);
        pins.filter(|pin| pin.left == 0).for_each(|pin| pin.secret = HIDDEN);
        self
    }
}

/// Whether these rights are enough for somebody who is the administrator, or the user, or both.
pub fn may(rights: Rights, administrator: bool, user: bool) -> bool {
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
    pub digest: Option<UnderWayDigest>,
    /// Agreements that wait for their responders, the oldest first.
    pub agreements: VecDeque<Agreement>,
}

/// The last ids that the host was given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ids {
    pub applications: BTreeMap<Name, Id>,
    pub containers: BTreeMap<(Name, Name), Id>,
    /// And what the key belonged to.
    pub session_keys: BTreeMap<usize, (Holder, Id)>,
    pub agreements: BTreeMap<usize, u32>,
}
