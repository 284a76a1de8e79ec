//! The specification of session keys and digests: whose they are, what is under way with them.

use ukey_apdu::Status;
use ukey_apdu::command::{DigestAlgorithm, KeyUse};

use super::ciphers;
use super::specification::Model;
use super::words::*;

/// A session key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionKey {
    pub holder: Holder,
    pub value: Value,
    /// By [`Purpose`] as a number.
    pub works: [Option<UnderWay>; 3],
}

/// An operation, with all that has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnderWay {
    pub work: Work,
    pub data: Vec<u8>,
}

/// The bytes of a value.
pub fn bytes(value: Value) -> [u8; 16] {
    [0x40 + u8::try_from(value).expect("a small number"); 16]
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

    fn add(
        &mut self,
        key: usize,
        called: Holder,
        real: Holder,
        value: Value,
        given: Id,
    ) -> Result<Answer, Status> {
        if self.session.keys.len() == MOST_SESSION_KEYS {
            return Err(Status::NO_SPACE);
        }
        let works = [const { None }; 3];
        let before = self.session.keys.insert(given, SessionKey { holder: real, value, works });
        assert_eq!(before, None, "an id of two session keys");
        self.ids.session_keys.insert(key, (called, given));
        self.keys_given += 1;
        Ok(Answer::Nothing)
    }

    pub(super) fn apply_to_session_keys(&mut self, command: &Command, given: Id) -> Result<Answer, Status> {
        match *command {
            Command::ImportSymmKey(key, called, value) => {
                let real = self.holder(called)?;
                (value != SHORT_VALUE).then_some(()).ok_or(Status::WRONG_DATA)?;
                self.add(key, called, real, value, given)
            }
            Command::ImportSessionKey(key, at, value, for_own_pair) => {
                let real = self.container(at.0, at.1)?;
                self.user(real.0)?;
                self.container_mut(real).pairs[KeyUse::Encrypt as usize].ok_or(Status::NO_KEY_PAIR)?;
                (value != SHORT_VALUE).then_some(()).ok_or(Status::WRONG_DATA)?;
                for_own_pair.then_some(()).ok_or(Status::DECRYPTION_FAILED)?;
                self.add(key, Some(at), Some(real), value, given)
            }
            Command::EccExportSessionKeyEx(handle) => {
                // The device's own keys are nobody's to give away.
                let (application, name) = handle.holder.ok_or(Status::NO_SUCH_APPLICATION)?;
                let real = self.container(application, name)?;
                self.user(real.0)?;
                self.session_key(handle).map(|key| Answer::SessionKey(key.value))
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
            Command::Go(handle, purpose, step, length) => {
                if (purpose, step, length) == (Purpose::Mac, Step::One, 0) {
                    return Err(Status::WRONG_LENGTH);
                }
                let key = self.session_key(handle)?;
                let value = bytes(key.value);
                let slot = &mut key.works[purpose as usize];
                let UnderWay { work, data } = slot.clone().ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
                if step == Step::One && !data.is_empty() {
                    return Err(Status::CONDITIONS_NOT_SATISFIED);
                }
                let before = ciphers::so_far(work, &value, &data).len();
                let data = [data, message(length)].concat();
                let out = if step == Step::Update {
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
            Command::DigestInit(algorithm) => {
                self.session.digest = Some((algorithm, Vec::new()));
                Ok(Answer::Nothing)
            }
            Command::Digest(step, length) => self.digest(step, length),
            _ => unreachable!("a command about session keys"),
        }
    }

    fn digest(&mut self, step: Step, length: usize) -> Result<Answer, Status> {
        let under_way: Option<(DigestAlgorithm, Vec<u8>)> = self.session.digest.clone();
        let (algorithm, data) = under_way.ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        if step == Step::One && !data.is_empty() {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let data = [data, message(length)].concat();
        if step == Step::Update {
            self.session.digest = Some((algorithm, data));
            return Ok(Answer::Content(Vec::new()));
        }
        self.session.digest = None;
        Ok(Answer::Content(ciphers::digest(algorithm, &data)))
    }
}
