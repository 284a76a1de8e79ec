//! Real keys are precious.
//!
//! A key is *ours* exactly if a program holds it in its hand ([`Device::hand`]): nobody's real key can be pulled by a
//! program. A serial number makes no key ours, for a running token may copy it: what runs in another process has to prove
//! that it is the key behind the link ([`running::control::Request::Heard`]), and anew whenever the key got its power, for
//! another one may be in its place. Until a key said who it is, it is not ours, and nothing is allowed of it.
//!
//! On any other, tries are counted before they are spent and the last one never is: VerifyPin, ChangePin and UnblockPin
//! look at GetPinInfo first; of the device authentication key, whose tries no command tells, the last refusal says how
//! many are left, and before one the first wrong try may be the last. [`ErrorKind::LastTry`] refuses, and nothing was
//! sent. Who names the key by its serial number may have it otherwise ([`Device::allow_destructive`]). Commands of
//! [`Device::transmit`] are the caller's own: [`Ins::cost`](ukey_apdu::Ins::cost) tells what they may cost.
//!
//! A program that changes the device authentication key and is killed would leave a key that nobody can initialise
//! any more. With [`Device::keep_device_keys`] each new one is in a file before it is in the token, and
//! [`Device::make_blank`] puts the old one back, also after another program was killed.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ukey_apdu::Status;
use ukey_apdu::command::{AppId, GetPinInfo, PinType};
use ukey_apdu::pin::DeviceKey;
use zeroize::Zeroizing;

use crate::device::Device;
use crate::error::{About, Error, ErrorKind, Result};
use crate::link::LinkError;
#[cfg(doc)]
use crate::running;
use crate::tally::UNCOUNTED;
use crate::wire::Wire;

/// The file beside the kept device keys that says how many tries the last refusal left.
fn tries(kept: &Path) -> PathBuf {
    let mut file = kept.as_os_str().to_owned();
    file.push(".tries");
    file.into()
}

fn removed(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// How long another program may take to give a key back, whose tries are to be counted.
pub(crate) const TURN: Duration = Duration::from_secs(5);

/// What is known for the protection of one key.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    /// Whether it said who it is since it got its power.
    greeted: bool,
    /// Whether a program holds it in its hand, once that is known.
    ours: Option<bool>,
    /// The key was named by its serial number, for what cannot be undone.
    allowed: bool,
    /// Tries that the last refusal of the device key left; none after a success.
    device_key_left: Option<u8>,
    /// Where new device keys are kept before they are set.
    kept: Option<PathBuf>,
}

impl Guard {
    /// The key loses its power: another one may get it.
    pub(crate) fn lose_sight(&mut self) {
        (self.greeted, self.ours) = (false, None);
    }

    /// The key said who it is: whether it is another one than before.
    pub(crate) fn greeted(&mut self, is_another: bool) {
        if is_another {
            let kept = self.kept.take();
            *self = Guard { kept, ..Guard::default() };
        }
        (self.greeted, self.ours) = (true, None);
    }

    /// Whether the key said who it is since it got its power.
    pub(crate) fn is_greeted(&self) -> bool {
        self.greeted
    }

    /// Refuses the last try of the device key.
    pub(crate) fn count_device_key(&self, guarded: bool) -> Result<()> {
        match self.device_key_left {
            Some(0 | 1) if guarded => Err(About::default().error(ErrorKind::LastTry { pin: None })),
            _ => Ok(()),
        }
    }

    /// Learns from an authentication, whoever sent it, how many tries are left; `status` is none where its answer was lost.
    pub(crate) fn device_key_tried(&mut self, status: Option<Status>) -> Result<(), LinkError> {
        let is_proved = status.is_some_and(Status::is_ok);
        self.device_key_left = match status {
            _ if is_proved => None,
            Some(Status::LOCKED) => Some(0),
            // Nobody says how many are left: the next may be the last.
            Some(UNCOUNTED) => Some(1),
            // It may have cost one.
            status => match status.and_then(Status::remaining) {
                Some(left) => Some(left),
                None => self.device_key_left.map(|left| left.saturating_sub(1)),
            },
        };
        if let Some(file) = self.kept.as_deref().map(tries) {
            // The next program is to know it too: no command tells it.
            let told = match self.device_key_left {
                Some(left) => fs::write(&file, format!("{left}\n")),
                None => removed(&file),
            };
            if let Err(source) = told
                && !is_proved
            {
                return Err(io_error("writing", &file, source));
            }
        }
        Ok(())
    }

    /// Keeps a device key that is about to be set.
    pub(crate) fn keep(&self, key: &DeviceKey) -> Result<(), LinkError> {
        let Some(file) = &self.kept else { return Ok(()) };
        let line = Zeroizing::new(hex::encode(key.0) + "\n");
        append(file, line.as_bytes()).map_err(|source| io_error("writing", file, source))
    }
}

/// Refuses a command that could spend the last try of a PIN; costs none itself.
pub(crate) fn count_pin(wire: &mut Wire, about: &About, application: AppId, pin_type: PinType) -> Result<()> {
    let info = wire.send(&GetPinInfo { application, pin_type }, about.clone(), |info| info)?;
    match info.remaining {
        1 => Err(about.clone().error(ErrorKind::LastTry { pin: Some(pin_type) })),
        _ => Ok(()),
    }
}

impl Device {
    /// Whether the key is ours: simulated or emulated by a program that can pull it. A key that cannot be asked counts as
    /// somebody's.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        let mut wire = self.wire();
        if let Some(ours) = wire.guard.ours {
            return ours;
        }
        // A hand that was found before the key lost its power plugs it in, and says nothing of the one that is there now.
        let is_known = wire.guard.greeted || wire.link().hand().is_some();
        let ours = is_known && wire.hand().is_some();
        wire.guard.ours = Some(ours);
        ours
    }

    /// Whether it is to be spared: it is not ours, and nobody named it ([`Device::allow_destructive`]). To be asked anew
    /// for each command: another key may be in its place.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        let is_allowed = {
            let wire = self.wire();
            wire.guard.greeted && wire.guard.allowed
        };
        !is_allowed && !self.is_ours()
    }

    /// Allows on this device what cannot be undone, the last try too: its owner named it by its serial number.
    ///
    /// # Errors
    /// [`ErrorKind::AnotherKey`] where the key has another one.
    pub fn allow_destructive(&self, serial_number: &str) -> Result<()> {
        let found = self.info()?.serial_number;
        if found != serial_number {
            return Err(About::default().error(ErrorKind::AnotherKey { found }));
        }
        self.wire().guard.allowed = true;
        Ok(())
    }

    /// The error that says which key this is, where another one is meant.
    #[must_use]
    pub fn is_another_key(&self) -> Error {
        let found = self.wire().serial_number().to_owned();
        About::default().error(ErrorKind::AnotherKey { found })
    }

    /// Keeps each device authentication key that this device sets in a file before it is set. Only its owner reads the
    /// file, and [`Device::make_blank`] removes it. Beside it, in `FILE.tries`, is how many tries of the device key its
    /// last refusal left: whoever keeps keys in the same file spares the last one too.
    pub fn keep_device_keys(&self, file: &Path) {
        let mut wire = self.wire();
        let left = fs::read_to_string(tries(file)).ok().and_then(|text| text.trim().parse().ok());
        wire.guard.device_key_left = wire.guard.device_key_left.or(left);
        wire.guard.kept = Some(file.to_owned());
    }

    /// Whether one of the kept device keys is the key's own: a run that set it was interrupted. Costs a try of the
    /// device key where none is; nothing where none was kept.
    ///
    /// # Errors
    /// As [`Device::authenticate`], but for a wrong key; [`LinkError::Io`] where the file cannot be read.
    pub fn holds_kept_device_key(&self) -> Result<bool> {
        for key in self.kept_device_keys()?.iter().rev() {
            match self.authenticate(key) {
                Ok(()) => return Ok(true),
                Err(error) if matches!(error.kind(), ErrorKind::WrongDeviceKey { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Makes the key blank: deletes every application, and puts its own device authentication key back where a kept one
    /// replaced it.
    ///
    /// # Errors
    /// [`ErrorKind::WrongDeviceKey`] where the key has neither its own nor a kept one; nothing was deleted.
    pub fn make_blank(&self, own: &DeviceKey) -> Result<()> {
        let kept = self.kept_device_keys()?;
        let mut held = None;
        for key in kept.iter().rev() {
            match self.authenticate(key) {
                Ok(()) => {
                    held = Some(key);
                    break;
                }
                Err(error) if matches!(error.kind(), ErrorKind::WrongDeviceKey { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if held.is_none() {
            self.authenticate(own)?;
        }
        for application in self.applications()? {
            self.delete_application(&application)?;
        }
        if let Some(held) = held.filter(|held| held.0 != own.0) {
            self.change_device_key(held, own)?;
        }
        let kept = self.wire().guard.kept.clone();
        match kept.map(|file| (fs::remove_file(&file), file)) {
            Some((Err(source), file)) if source.kind() != io::ErrorKind::NotFound => {
                Err(io_error("removing", &file, source).into())
            }
            _ => Ok(()),
        }
    }

    fn kept_device_keys(&self) -> Result<Vec<DeviceKey>> {
        let Some(file) = self.wire().guard.kept.clone() else { return Ok(Vec::new()) };
        let text = match fs::read_to_string(&file).map(Zeroizing::new) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(|source| io_error("reading", &file, source))?,
        };
        Ok(text.lines().filter_map(device_key).collect())
    }
}

/// A device authentication key as people write it: 16 ASCII characters, or 32 hexadecimal digits.
#[must_use]
pub fn device_key(text: &str) -> Option<DeviceKey> {
    let text = text.trim_end();
    if let Ok(key) = text.as_bytes().try_into() {
        return text.is_ascii().then_some(DeviceKey(key));
    }
    let mut key = Zeroizing::new([0; 16]);
    hex::decode_to_slice(text, key.as_mut_slice()).ok()?;
    Some(DeviceKey(*key))
}

fn append(file: &Path, line: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(file)?;
    opened.write_all(line)?;
    opened.sync_all()
}

fn io_error(doing: &'static str, path: &Path, source: io::Error) -> LinkError {
    LinkError::Io { doing, path: path.to_owned(), source }
}
