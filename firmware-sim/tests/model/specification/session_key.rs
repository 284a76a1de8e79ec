//! The specification of session keys and digests: whose they are, what is under way with them.

use ukey_apdu::Status;
use ukey_apdu::command::{DigestAlgorithm, KeyUse};

use super::super::command::Command;
use super::super::reference::{ciphers, sm2};
use super::super::words::*;
use super::Model;

/// A session key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionKey {
    pub holder: Holder,
    pub bytes: KeyBytes,
    /// By [`Purpose`] as a number.
    pub works: [Option<UnderWay>; 3],
}

/// An operation, with all that has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnderWay {
    pub work: Work,
    pub data: Vec<u8>,
}

/// A digest, with all that has come: in front of the message there may be a signer's Z.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnderWayDigest {
    pub algorithm: DigestAlgorithm,
    pub z: Vec<u8>,
    pub data: Vec<u8>,
}

impl Model {
    /// The id by which the host calls a session key, there or not.
    pub fn key_id(&self, key: usize) -> Id {
        self.ids.session_keys.get(&key).map_or(0x0BAD, |(_, id)| *id)
    }

    /// What the host believes a session key belongs to.
    pub fn handle(&self, key: usize) -> Handle {
        Handle { key, holder: self.ids.session_keys.get(&key).and_then(|(holder, _)| *holder) }
    }

    /// Whether a command about this key would find it.
    pub fn has_key(&self, handle: Handle) -> bool {
        self.clone().session_key(handle).is_ok()
    }

    /// How many bytes have come of what is under way with a key.
    pub fn under_way(&self, handle: Handle, purpose: Purpose) -> Option<usize> {
        let key = self.session.keys.get(&self.key_id(handle.key))?;
        key.works[purpose as usize].as_ref().map(|under_way| under_way.data.len())
    }

    /// What is open, or always there, by the host's ids.
    fn holder(&self, holder: Holder) -> Result<Holder, Status> {
        holder.map(|(application, name)| self.container(application, name)).transpose()
    }

    fn session_key(&mut self, handle: Handle) -> Result<&mut SessionKey, Status> {
        let holder = self.holder(handle.holder)?;
        let id = self.key_id(handle.key);
        let key = self.session.keys.get_mut(&id).filter(|key| key.holder == holder);
        key.ok_or(Status::NO_SYMMETRIC_KEY)
    }

    pub(super) fn add(
        &mut self,
        key: usize,
        called: Holder,
        real: Holder,
        bytes: KeyBytes,
        given: Id,
    ) -> Result<Answer, Status> {
        if self.session.keys.len() == MOST_SESSION_KEYS {
            return Err(Status::NO_SPACE);
        }
        let works = [const { None }; 3];
        let before = self.session.keys.insert(given, SessionKey { holder: real, bytes, works });
        assert_eq!(before, None, "an id of two session keys");
        self.ids.session_keys.insert(key, (called, given));
        self.keys_given += 1;
        Ok(Answer::Nothing)
    }

    pub(super) fn apply_to_session_keys(
        &mut self,
        command: &Command,
        given: Given,
    ) -> Result<Answer, Status> {
        match *command {
            Command::ImportSymmKey(key, called, value) => {
                let real = self.holder(called)?;
                Self::usable(value)?;
                self.add(key, called, real, key_bytes(value), given.id)
            }
            Command::ImportSessionKey(key, at, value, for_own_pair) => {
                let real = self.container(at.0, at.1)?;
                self.user(real.0)?;
                self.container_mut(real).pairs[KeyUse::Encrypt as usize].ok_or(Status::NO_KEY_PAIR)?;
                Self::usable(value)?;
                for_own_pair.then_some(()).ok_or(Status::DECRYPTION_FAILED)?;
                self.add(key, Some(at), Some(real), key_bytes(value), given.id)
            }
            Command::EccExportSessionKey(key, at, on_curve, sm4) => {
                let real = self.container(at.0, at.1)?;
                self.user(real.0)?;
                sm4.then_some(()).ok_or(Status::UNSUPPORTED_KEY_ALGORITHM)?;
                on_curve.then_some(()).ok_or(Status::ENCRYPTION_FAILED)?;
                self.add(key, Some(at), Some(real), given.key, given.id)?;
                Ok(Answer::SessionKey(given.key))
            }
            Command::EccExportSessionKeyEx(handle, on_curve) => {
                // The device's own keys are nobody's to give away.
                let (application, name) = handle.holder.ok_or(Status::NO_SUCH_APPLICATION)?;
                let real = self.container(application, name)?;
                self.user(real.0)?;
                let bytes = self.session_key(handle)?.bytes;
                on_curve.then_some(Answer::SessionKey(bytes)).ok_or(Status::ENCRYPTION_FAILED)
            }
            Command::DestroySessionKey(handle) => {
                self.session_key(handle)?;
                self.session.keys.remove(&self.key_id(handle.key));
                Ok(Answer::Nothing)
            }
            Command::Begin(handle, work) => {
                let key = self.session_key(handle)?;
                let fits = match work.purpose {
                    Purpose::Mac => matches!(work.mode, Mode::Cbc | Mode::Mac),
                    _ => work.mode != Mode::Mac,
                };
                fits.then_some(()).ok_or(Status::UNSUPPORTED_KEY_ALGORITHM)?;
                let padded_mac = work.purpose == Purpose::Mac && work.padded;
                (!padded_mac).then_some(()).ok_or(Status::WRONG_DATA)?;
                key.works[work.purpose as usize] = Some(UnderWay { work, data: Vec::new() });
                Ok(Answer::Nothing)
            }
            Command::Go(handle, purpose, part, length) => {
                if command.is_too_short() {
                    return Err(Status::WRONG_LENGTH);
                }
                let key = self.session_key(handle)?;
                let value = key.bytes;
                let slot = &mut key.works[purpose as usize];
                let UnderWay { work, data } = slot.clone().ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
                if part == Part::One && !data.is_empty() {
                    return Err(Status::CONDITIONS_NOT_SATISFIED);
                }
                let before = ciphers::so_far(work, &value, &data).len();
                let data = [data, message(length)].concat();
                let out = if part == Part::Update {
                    let out = ciphers::so_far(work, &value, &data);
                    *slot = Some(UnderWay { work, data });
                    out
                } else {
                    let out = ciphers::whole(work, &value, &data)?;
                    *slot = None;
                    out
                };
                Ok(Answer::Content(out[before..].to_vec()))
            }
            Command::DigestInit(algorithm, signer) => {
                let fits =
                    signer.is_none_or(|signer| algorithm == DigestAlgorithm::Sm3 && signer != EMPTY_IDENTITY);
                fits.then_some(()).ok_or(Status::WRONG_DATA)?;
                let z = signer.map_or_else(Vec::new, |signer| sm2::z_of_somebody(signer).to_vec());
                self.session.digest = Some(UnderWayDigest { algorithm, z, data: Vec::new() });
                Ok(Answer::Nothing)
            }
            Command::Digest(part, length) => self.digest(part, length),
            _ => unreachable!("a command about session keys"),
        }
    }

    /// A value of an algorithm that the token knows, and as long as that wants it.
    fn usable(value: Value) -> Result<(), Status> {
        match value {
            FOREIGN_VALUE => Err(Status::UNSUPPORTED_KEY_ALGORITHM),
            SHORT_VALUE => Err(Status::WRONG_DATA),
            _ => Ok(()),
        }
    }

    fn digest(&mut self, part: Part, length: usize) -> Result<Answer, Status> {
        let under_way = self.session.digest.clone();
        let UnderWayDigest { algorithm, z, data } = under_way.ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        if part == Part::One && !data.is_empty() {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let data = [data, message(length)].concat();
        if part == Part::Update {
            self.session.digest = Some(UnderWayDigest { algorithm, z, data });
            return Ok(Answer::Content(Vec::new()));
        }
        self.session.digest = None;
        Ok(Answer::Content(ciphers::digest(algorithm, &[z, data].concat())))
    }
}
