//! The device: what a token is before an application is open.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ukey_apdu::command::{
    ChangeDevAuthKey, Command, CreateApplication, DeleteApplication, DevAuth, DevInfo, EnumApplication,
    GetDevInfo, ImportSymmKey, KeyHandle, KeyHolder, Names, OpenApplication, SetLabel, Version,
};
use ukey_apdu::mac::{BLOCK, MAC_LENGTH};
use ukey_apdu::pin::DeviceKey;
use ukey_apdu::{Dialect, Ins};

use crate::application::Application;
use crate::error::{About, ErrorKind, Proves, Result};
use crate::link::sim::Simulator;
use crate::link::{Hand, Link, LinkError, Place, Secret};
use crate::probe::{self, Found};
use crate::session_key::SessionKey;
use crate::tally::Tally;
use crate::trace::{Connection, Recorder, Traced};
use crate::wire::Wire;

/// A connected token.
///
/// It may be shared: commands are carried out one after the other, and those that belong together (a challenge and
/// its answer) stay together. Applications and containers borrow it; their ids end with the token's power.
pub struct Device {
    wire: Mutex<Wire>,
    found: Option<Found>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("dialect", &self.wire().dialect().name).finish_non_exhaustive()
    }
}

impl Device {
    /// Connects to the token at a place, in the dialect that the place knows, else [`Dialect::GM2012`].
    ///
    /// # Errors
    /// [`ErrorKind::Link`](crate::ErrorKind::Link) where it cannot be reached; [`ErrorKind::BadAnswer`](crate::ErrorKind::BadAnswer) where it is no GM/T 0017 token.
    pub fn connect(place: &dyn Place) -> Result<Device> {
        let link = place.link()?;
        let dialect = link.dialect().unwrap_or_default();
        Self::new(link, dialect)
    }

    /// Takes a live link to a token that speaks `dialect`.
    ///
    /// # Errors
    /// As [`Device::connect`].
    pub fn new(link: Box<dyn Link>, dialect: Dialect) -> Result<Device> {
        let mut wire = Wire::new(link, dialect);
        wire.greet()?;
        Ok(Device { wire: Mutex::new(wire), found: None })
    }

    /// Connects to the token at a place and finds out which dialect it speaks, without harm: see
    /// [`probe`](crate::probe).
    ///
    /// # Errors
    /// As [`Device::connect`].
    pub fn probe(place: &dyn Place) -> Result<Device> {
        let mut wire = Wire::new(place.link()?, Dialect::default());
        let found = probe::find(&mut wire)?;
        wire.speak(found.dialect);
        wire.greet()?;
        Ok(Device { wire: Mutex::new(wire), found: Some(found) })
    }

    /// What [`Device::probe`] found; `None` where the dialect was told.
    #[must_use]
    pub fn found(&self) -> Option<&Found> {
        self.found.as_ref()
    }

    /// A wire that a panic left is as good as any: it changes only by whole exchanges.
    pub(crate) fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs commands that belong together, unless the ids they use are dead: of before the token lost power.
    pub(crate) fn in_session<T>(
        &self,
        session: u64,
        about: About,
        ins: Ins,
        run: impl FnOnce(&mut Wire, About) -> Result<T>,
    ) -> Result<T> {
        let mut wire = self.wire();
        if wire.session() != session {
            return Err(About { ins: Some(ins), ..about }.error(ErrorKind::Stale));
        }
        run(&mut wire, about)
    }

    /// The dialect that is spoken.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        *self.wire().dialect()
    }

    /// The device information.
    ///
    /// # Errors
    /// As every command: [`ErrorKind`](crate::ErrorKind).
    pub fn info(&self) -> Result<DeviceInfo> {
        self.wire().send(&GetDevInfo, About::default(), |info| DeviceInfo::from(info))
    }

    /// Gives the token a label of 1 to 32 bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) for another length.
    pub fn set_label(&self, label: &str) -> Result<()> {
        self.wire().send(&SetLabel { label: label.as_bytes() }, About::default(), drop)
    }

    /// Random bytes of the token; the first of them are its challenge ([`Device::authenticate_with`]). One that was
    /// fetched before is gone.
    ///
    /// # Errors
    /// As every command.
    pub fn random(&self, count: usize) -> Result<Vec<u8>> {
        self.wire().random(count)
    }

    /// Proves the device authentication key: the right to create and delete applications.
    ///
    /// # Errors
    /// [`ErrorKind::WrongDeviceKey`](crate::ErrorKind::WrongDeviceKey), [`ErrorKind::DeviceKeyLocked`](crate::ErrorKind::DeviceKeyLocked);
    /// [`ErrorKind::LastTry`](crate::ErrorKind::LastTry) on a key that is not ours ([`guard`](crate::guard)).
    pub fn authenticate(&self, key: &DeviceKey) -> Result<()> {
        let guarded = self.is_guarded();
        let about = About::default().proves(Proves::DeviceKey);
        let mut wire = self.wire();
        wire.guard.count_device_key(guarded)?;
        let Dialect { device_challenge, device_key_p2, .. } = *wire.dialect();
        let challenge = wire.random(usize::from(device_challenge.length()))?;
        let command = DevAuth { algorithm: device_key_p2.byte(), cryptogram: key.cryptogram(&challenge) };
        wire.send(&command, about, drop)
    }

    /// Proves the device authentication key by a cryptogram that its holder made over the first 16 bytes of the last
    /// [`Device::random`] (SKF_DevAuth): [`DeviceKey::cryptogram`].
    ///
    /// # Errors
    /// As [`Device::authenticate`]; [`ErrorKind::Refused`](crate::ErrorKind::Refused) (`6985`) without such a random.
    pub fn authenticate_with(&self, cryptogram: [u8; 16]) -> Result<()> {
        let guarded = self.is_guarded();
        let about = About::default().proves(Proves::DeviceKey);
        let mut wire = self.wire();
        wire.guard.count_device_key(guarded)?;
        let algorithm = wire.dialect().device_key_p2.byte();
        wire.send(&DevAuth { algorithm, cryptogram }, about, drop)
    }

    /// Replaces the device authentication key; the device must be authenticated with the old one.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`](crate::ErrorKind::NotLoggedIn) before [`Device::authenticate`]; [`ErrorKind::Refused`](crate::ErrorKind::Refused) (`6988`) for a wrong old key.
    pub fn change_device_key(&self, old: &DeviceKey, new: &DeviceKey) -> Result<()> {
        let mut wire = self.wire();
        wire.guard.keep(new)?;
        let algorithm = wire.dialect().device_key_p2.byte();
        let in_its_place = ChangeDevAuthKey { algorithm, encrypted_key: [0; BLOCK], mac: [0; MAC_LENGTH] };
        let secret = || Secret::ChangeDeviceKey { new: new.clone() };
        if let Some(done) = wire.in_clear(&in_its_place, &About::default(), secret) {
            return done;
        }
        let challenge = wire.challenge(About::default())?;
        let (encrypted_key, mac) = old.seal(wire.dialect(), new, &challenge, in_its_place.header());
        wire.send(&ChangeDevAuthKey { algorithm, encrypted_key, mac }, About::default(), drop)
    }

    /// Creates an application; the device must be authenticated.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`](crate::ErrorKind::NotLoggedIn), [`ErrorKind::ApplicationExists`](crate::ErrorKind::ApplicationExists), [`ErrorKind::NoSpace`](crate::ErrorKind::NoSpace).
    pub fn create_application(&self, application: &CreateApplication<'_>) -> Result<()> {
        let about = about(&String::from_utf8_lossy(application.name));
        self.wire().send(application, about, drop)
    }

    /// The names of all applications.
    ///
    /// # Errors
    /// As every command.
    pub fn applications(&self) -> Result<Vec<String>> {
        self.wire().send(&EnumApplication, About::default(), |names| texts(&names))
    }

    /// Deletes an application with all that is in it; the device must be authenticated.
    ///
    /// # Errors
    /// [`ErrorKind::NotLoggedIn`](crate::ErrorKind::NotLoggedIn), [`ErrorKind::NoSuchApplication`](crate::ErrorKind::NoSuchApplication).
    pub fn delete_application(&self, name: &str) -> Result<()> {
        self.wire().send(&DeleteApplication { name: name.as_bytes() }, about(name), drop)
    }

    /// Opens an application. Opening an open one gives the same id again, and one close closes it.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchApplication`](crate::ErrorKind::NoSuchApplication).
    pub fn open_application(&self, name: &str) -> Result<Application<'_>> {
        let mut wire = self.wire();
        let info = wire.send(&OpenApplication { name: name.as_bytes() }, about(name), |info| info)?;
        Ok(Application::new(self, wire.session(), name, info))
    }

    /// Sets a session key of the device itself in clear (SetSymmKey); wants no right.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for another algorithm, [`ErrorKind::NoSpace`](crate::ErrorKind::NoSpace); [`ErrorKind::Refused`](crate::ErrorKind::Refused) for
    /// a key of another length.
    pub fn set_symmetric_key(&self, algorithm: u32, key: &[u8]) -> Result<SessionKey<'_>> {
        let mut wire = self.wire();
        let holder = KeyHolder::DEVICE;
        let id = wire.send(&ImportSymmKey { holder, algorithm, key }, About::default(), |id| id)?;
        Ok(SessionKey::new(self, wire.session(), About::default(), KeyHandle { holder, key: id }))
    }

    /// Sends an envelope as it is, and gives the token's answer as it is, data and status word (SKF_Transmit). For
    /// tests of a token: ids that are opened and closed by it are not followed.
    ///
    /// # Errors
    /// [`ErrorKind::Link`](crate::ErrorKind::Link).
    pub fn transmit(&self, envelope: &[u8]) -> Result<Vec<u8>> {
        Ok(self.wire().transmit_raw(envelope)?)
    }

    /// Finds the token again after its power was lost, or takes its power away and gives it back. Everything that was
    /// open or proved is gone; handles from before are [`ErrorKind::Stale`](crate::ErrorKind::Stale).
    ///
    /// # Errors
    /// [`ErrorKind::Link`](crate::ErrorKind::Link) with [`LinkError::Removed`] while no token is plugged in.
    pub fn reconnect(&self) -> Result<()> {
        let mut wire = self.wire();
        wire.reset()?;
        wire.greet()
    }

    /// Lets go of the token for good, whoever keeps this device: another may connect to it. Every command and every
    /// [`Device::reconnect`] answers [`LinkError::Removed`] from now on.
    pub fn disconnect(&self) {
        self.wire().disconnect();
    }

    /// The key itself, where it is simulated in this process: its power can be cut inside a flash operation.
    #[must_use]
    pub fn simulator(&self) -> Option<Simulator> {
        self.wire().link().simulator()
    }

    /// The hand that pulls the key and plugs it in, where that is no person's: of a simulated or an emulated key, in
    /// this process or in another of this machine ([`running`](crate::running)), which proves that it is the key at this
    /// link.
    ///
    /// # Errors
    /// [`LinkError::ByHand`] for any other.
    pub fn hand(&self) -> Result<Arc<dyn Hand>> {
        Ok(self.wire().hand().ok_or(LinkError::ByHand)?)
    }

    /// Pulls a simulated or emulated key.
    ///
    /// # Errors
    /// [`LinkError::ByHand`] for any other.
    pub fn unplug(&self) -> Result<()> {
        self.hand()?.unplug();
        Ok(())
    }

    /// Plugs a simulated or emulated key in and finds it again, as [`Device::reconnect`].
    ///
    /// # Errors
    /// [`LinkError::ByHand`] for any other; [`LinkError::NoStart`] where the token refuses its flash, [`LinkError::NotDone`]
    /// where that is in another process.
    pub fn plug_in(&self) -> Result<()> {
        self.hand()?.plug_in()?;
        self.reconnect()
    }

    /// What was asked of the key over this device that costs something.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.wire().tally.clone()
    }

    /// What came from the token so far and was no frame ([`Link::bad_frames`]): how good the line is.
    #[must_use]
    pub fn bad_frames(&self) -> u32 {
        self.wire().link().bad_frames()
    }

    /// The last exchanges, oldest first, without secrets.
    #[must_use]
    pub fn trace(&self) -> Vec<Traced> {
        self.wire().trace.to_vec()
    }

    /// Traces what happens from now on with this device alone.
    pub fn record(&self, recorder: Recorder, target: &str) {
        let mut wire = self.wire();
        let connection = Connection::of(recorder, Some(target.to_owned()), wire.dialect());
        wire.recorded = Some(connection);
    }

    /// How many exchanges [`Device::trace`] keeps; 10 unless told otherwise.
    pub fn keep_trace(&self, exchanges: usize) {
        self.wire().trace.set_capacity(exchanges);
    }
}

fn about(application: &str) -> About {
    About { application: Some(application.to_owned()), ..About::default() }
}

/// The names of a list as texts; what is no UTF-8 is shown as such.
pub(crate) fn texts(names: &Names<'_>) -> Vec<String> {
    names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// What a token says about itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceInfo {
    /// Manufacturer.
    pub manufacturer: String,
    /// Issuer.
    pub issuer: String,
    /// Label.
    pub label: String,
    /// Serial number.
    pub serial_number: String,
    /// Version of the specification it follows.
    pub specification: Version,
    /// Hardware version.
    pub hardware: Version,
    /// Firmware version.
    pub firmware: Version,
    /// Symmetric algorithms, GM/T 0006 mask.
    pub symmetric: u32,
    /// Asymmetric algorithms, mask.
    pub asymmetric: u32,
    /// Digest algorithms, mask.
    pub digest: u32,
    /// Storage in bytes.
    pub total_space: u32,
    /// Free storage in bytes.
    pub free_space: u32,
    /// Most data bytes of one envelope.
    pub max_apdu_data: u16,
    /// Most containers in an application; 0 where it is not stated.
    pub max_containers: u8,
    /// Most files in an application; 0 where it is not stated.
    pub max_files: u16,
}

impl From<DevInfo<'_>> for DeviceInfo {
    fn from(info: DevInfo<'_>) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Self {
            manufacturer: text(info.manufacturer),
            issuer: text(info.issuer),
            label: text(info.label),
            serial_number: text(info.serial_number),
            specification: info.specification,
            hardware: info.hardware,
            firmware: info.firmware,
            symmetric: info.symmetric,
            asymmetric: info.asymmetric,
            digest: info.digest,
            total_space: info.total_space,
            free_space: info.free_space,
            max_apdu_data: info.max_apdu_data,
            max_containers: info.max_containers,
            max_files: info.max_files,
        }
    }
}
