//! An open application: its PINs and its containers. Its files are next door, in `file`.

use ukey_apdu::command::{
    AppId, ApplicationInfo, ChangePin, ClearSecureState, CloseApplication, Command, CreateContainer,
    DeleteContainer, EnumContainer, GetPinInfo, OpenContainer, PinInfo, PinType, UnblockPin, VerifyPin,
};
use ukey_apdu::dialect::text::Value;
use ukey_apdu::mac::{BLOCK, MAC_LENGTH};
use ukey_apdu::pin::{Challenge, Pin, PinKey, SealedPin, SealedPinBuf};
use ukey_apdu::{Dialect, Ins};

use crate::container::Container;
use crate::device::{Device, texts};
use crate::error::{About, ErrorKind, Proves, Result};
use crate::guard;
use crate::link::Secret;
use crate::wire::Wire;

/// What stands for a new PIN in the trace of a link that takes it in clear.
const NO_PIN: SealedPin<'_> = SealedPin { block: &[0; BLOCK], mac: [0; MAC_LENGTH] };

/// How an application wants a new PIN sealed, where tokens differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sealing {
    /// The switches of the dialect that decide it, with their values, as in dialect files.
    pub switches: [(&'static str, &'static str); Dialect::SEALING.len()],
    /// The application's id, which some MACs cover.
    pub application_id: [u8; 2],
}

/// An open application. It stays open until [`Application::close`] or the end of the token's power; dropping the handle
/// does nothing. Rights proved in it may outlast its being closed (GM/T 0063-2018 clause 8.2.3.5): end them with
/// [`Application::clear_secure_state`]. Clones are the same open application.
#[derive(Clone, Debug)]
pub struct Application<'d> {
    device: &'d Device,
    session: u64,
    name: String,
    info: ApplicationInfo,
}

impl<'d> Application<'d> {
    pub(crate) fn new(device: &'d Device, session: u64, name: &str, info: ApplicationInfo) -> Self {
        Self { device, session, name: name.to_owned(), info }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the token said when it was opened: its limits.
    #[must_use]
    pub fn info(&self) -> ApplicationInfo {
        self.info
    }

    /// The device it is in.
    #[must_use]
    pub fn device(&self) -> &'d Device {
        self.device
    }

    /// The time between two losses of power in which its id lives.
    pub(crate) fn session(&self) -> u64 {
        self.session
    }

    pub(crate) fn id(&self) -> AppId {
        self.info.id
    }

    pub(crate) fn about(&self) -> About {
        About { application: Some(self.name.clone()), ..About::default() }
    }

    /// Carries out a command of this application.
    pub(crate) fn send<'a, C: Command<'a>, T>(
        &self,
        command: &C,
        about: About,
        take: impl FnOnce(C::Answer<'_>) -> T,
    ) -> Result<T> {
        self.with(about, C::INS, |wire, about| wire.send(command, about, take))
    }

    /// Runs commands that belong together, unless the ids are dead.
    fn with<T>(&self, about: About, ins: Ins, run: impl FnOnce(&mut Wire, About) -> Result<T>) -> Result<T> {
        self.device.in_session(self.session, about, ins, run)
    }

    /// Runs the commands that prove a PIN, unless they could spend the last try of a key that is not ours.
    fn proving<T>(
        &self,
        ins: Ins,
        pin: PinType,
        run: impl FnOnce(&mut Wire, About) -> Result<T>,
    ) -> Result<T> {
        let guarded = self.device.is_guarded();
        self.with(self.about(), ins, |wire, about| {
            if !guarded {
                return run(wire, about.proves(Proves::Pin(pin)));
            }
            // Between looking at the tries and spending one, nobody else is to spend any.
            wire.hold(guard::TURN).map_err(|error| about.clone().error(ErrorKind::Link(error)))?;
            let proved = guard::count_pin(wire, &about, self.id(), pin)
                .and_then(|()| run(wire, about.proves(Proves::Pin(pin))));
            // What ended with the token's power needs no giving back.
            let _ = wire.release();
            proved
        })
    }

    /// The retry count of a PIN; costs no try.
    ///
    /// # Errors
    /// As every command: [`ErrorKind`](crate::ErrorKind).
    pub fn pin_info(&self, pin_type: PinType) -> Result<PinInfo> {
        self.send(&GetPinInfo { application: self.id(), pin_type }, self.about(), |info| info)
    }

    /// Proves a PIN and thereby gets its right in this application.
    ///
    /// # Errors
    /// [`ErrorKind::WrongPin`](crate::ErrorKind::WrongPin), [`ErrorKind::Locked`](crate::ErrorKind::Locked);
    /// [`ErrorKind::LastTry`](crate::ErrorKind::LastTry) on a key that is not ours ([`guard`]).
    pub fn verify_pin(&self, pin_type: PinType, pin: &Pin) -> Result<()> {
        self.proving(Ins::VerifyPin, pin_type, |wire, about| {
            let application = self.id();
            let in_its_place = VerifyPin { application, pin_type, cryptogram: [0; BLOCK] };
            let secret = || Secret::VerifyPin { application, pin_type, pin: pin.clone() };
            if let Some(done) = wire.in_clear(&in_its_place, &about, secret) {
                return done;
            }
            let challenge = wire.challenge(about.clone())?;
            let cryptogram = PinKey::derive(wire.dialect(), pin).cryptogram(wire.dialect(), &challenge);
            let command = VerifyPin { application: self.id(), pin_type, cryptogram };
            wire.send(&command, about, drop)
        })
    }

    /// Replaces a PIN; the old one proves the right.
    ///
    /// # Errors
    /// [`ErrorKind::WrongPin`](crate::ErrorKind::WrongPin) and [`ErrorKind::Locked`](crate::ErrorKind::Locked) for the old PIN; [`ErrorKind::Refused`](crate::ErrorKind::Refused) for a new one that is
    /// too short.
    pub fn change_pin(&self, pin_type: PinType, old: &Pin, new: &Pin) -> Result<()> {
        self.proving(Ins::ChangePin, pin_type, |wire, about| {
            let application = self.id();
            let in_its_place = ChangePin { application, pin_type, new_pin: NO_PIN };
            let secret = || Secret::ChangePin { application, pin_type, old: old.clone(), new: new.clone() };
            if let Some(done) = wire.in_clear(&in_its_place, &about, secret) {
                return done;
            }
            let challenge = wire.challenge(about.clone())?;
            let sealed = self.seal(wire, old, new, &challenge, in_its_place.header());
            let command = ChangePin { application: self.id(), pin_type, new_pin: sealed.as_sealed() };
            wire.send(&command, about, drop)
        })
    }

    /// Sets a new user PIN and restores its tries; the administrator PIN proves the right.
    ///
    /// # Errors
    /// [`ErrorKind::WrongPin`](crate::ErrorKind::WrongPin) and [`ErrorKind::Locked`](crate::ErrorKind::Locked) for the administrator PIN.
    pub fn unblock_pin(&self, admin: &Pin, new: &Pin) -> Result<()> {
        self.proving(Ins::UnblockPin, PinType::Administrator, |wire, about| {
            let application = self.id();
            let secret = || Secret::UnblockPin { application, admin: admin.clone(), new: new.clone() };
            if let Some(done) = self.unblock_in_clear(wire, &about, secret) {
                return done;
            }
            let challenge = wire.challenge(about.clone())?;
            let header = UnblockPin { application, new_pin: NO_PIN }.header();
            let sealed = self.seal(wire, admin, new, &challenge, header);
            self.unblock(wire, about, &sealed)
        })
    }

    /// Fetches the challenge of a remote unblocking: whoever holds the administrator PIN seals the new PIN over it
    /// ([`PinKey::seal`]). Any other random fetched from the token, and any authentication, ends it.
    ///
    /// # Errors
    /// As every command.
    pub fn challenge(&self) -> Result<Challenge> {
        self.with(self.about(), Ins::GenRandom, Wire::remote_challenge)
    }

    /// What a remote party has to know to seal a new PIN for this application.
    #[must_use]
    pub fn sealing(&self) -> Sealing {
        let dialect = self.device.dialect();
        let word = |switch| match dialect.get(switch) {
            Some(Value::Text(word)) => word,
            // Each of these switches chooses between words.
            _ => "",
        };
        Sealing {
            switches: Dialect::SEALING.map(|switch| (switch, word(switch))),
            application_id: self.id().0.to_be_bytes(),
        }
    }

    /// Sets a new user PIN that a remote party sealed over the last [`Application::challenge`].
    ///
    /// # Errors
    /// [`ErrorKind::WrongPin`](crate::ErrorKind::WrongPin) and [`ErrorKind::Locked`](crate::ErrorKind::Locked) where it was not sealed with the administrator PIN over that
    /// challenge; [`ErrorKind::Refused`](crate::ErrorKind::Refused) (`6985`) without a challenge.
    pub fn unblock_remote(&self, sealed: &SealedPinBuf) -> Result<()> {
        self.proving(Ins::UnblockPin, PinType::Administrator, |wire, about| {
            let secret = || Secret::UnblockRemote { application: self.id(), sealed: sealed.clone() };
            self.unblock_in_clear(wire, &about, secret).unwrap_or_else(|| self.unblock(wire, about, sealed))
        })
    }

    fn unblock_in_clear(
        &self,
        wire: &mut Wire,
        about: &About,
        secret: impl FnOnce() -> Secret,
    ) -> Option<Result<()>> {
        wire.in_clear(&UnblockPin { application: self.id(), new_pin: NO_PIN }, about, secret)
    }

    fn unblock(&self, wire: &mut Wire, about: About, sealed: &SealedPinBuf) -> Result<()> {
        let command = UnblockPin { application: self.id(), new_pin: sealed.as_sealed() };
        wire.send(&command, about, drop)
    }

    fn seal(
        &self,
        wire: &Wire,
        proof: &Pin,
        new: &Pin,
        challenge: &Challenge,
        header: [u8; 4],
    ) -> SealedPinBuf {
        let dialect = wire.dialect();
        PinKey::derive(dialect, proof).seal(dialect, new, challenge, header, self.id().0.to_be_bytes())
    }

    /// Drops every right held in this application.
    ///
    /// # Errors
    /// As every command.
    pub fn clear_secure_state(&self) -> Result<()> {
        self.send(&ClearSecureState { application: self.id() }, self.about(), drop)
    }

    /// The names of its containers.
    ///
    /// # Errors
    /// As every command.
    pub fn containers(&self) -> Result<Vec<String>> {
        self.send(&EnumContainer { application: self.id() }, self.about(), |names| texts(&names))
    }

    /// Creates a container and opens it; wants the user PIN.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`](crate::ErrorKind::NotLoggedIn), [`ErrorKind::ContainerExists`](crate::ErrorKind::ContainerExists), [`ErrorKind::NoSpace`](crate::ErrorKind::NoSpace).
    pub fn create_container(&self, name: &str) -> Result<Container<'d>> {
        let command = CreateContainer { application: self.id(), name: name.as_bytes() };
        let id = self.send(&command, self.about_container(name), |id| id)?;
        Ok(Container::new(self.clone(), name, id))
    }

    /// Opens a container.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchContainer`](crate::ErrorKind::NoSuchContainer).
    pub fn open_container(&self, name: &str) -> Result<Container<'d>> {
        let command = OpenContainer { application: self.id(), name: name.as_bytes() };
        let id = self.send(&command, self.about_container(name), |id| id)?;
        Ok(Container::new(self.clone(), name, id))
    }

    /// Deletes a container with its keys and certificates; wants the user PIN.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`](crate::ErrorKind::NotLoggedIn), [`ErrorKind::NoSuchContainer`](crate::ErrorKind::NoSuchContainer).
    pub fn delete_container(&self, name: &str) -> Result<()> {
        let command = DeleteContainer { application: self.id(), name: name.as_bytes() };
        self.send(&command, self.about_container(name), drop)
    }

    /// Closes the application: its id and those of its containers end. Rights end with
    /// [`Application::clear_secure_state`].
    ///
    /// # Errors
    /// As every command.
    pub fn close(self) -> Result<()> {
        self.send(&CloseApplication { application: self.id() }, self.about(), drop)
    }

    pub(crate) fn about_container(&self, name: &str) -> About {
        About { container: Some(name.to_owned()), ..self.about() }
    }
}
