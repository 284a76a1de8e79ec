//! A place for a key: a target, with a key in it or not.
//!
//! A token that is made fresh (`sim`) has its power until the process ends. Any other has it while a device of this
//! process is connected to it: it is held meanwhile, and other processes find it in use. Looking at a slot takes no key
//! from anyone, and starts none.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ukey_device::link::state;
use ukey_device::{DeviceKey, LinkError, Options, Target};

use crate::abi::types::{EVENT_INSERTED, EVENT_REMOVED};
use crate::live::Live;
use crate::sar::{Result, Sar};
use crate::slots::{still, tell};

/// A place for a key.
pub(crate) struct Slot {
    target: Target,
    /// The device's name.
    name: Mutex<Option<String>>,
    key: Mutex<Key>,
    /// The device authentication key that this process set last.
    device_key: Mutex<Option<Box<DeviceKey>>>,
}

/// What is known of the key.
#[derive(Default)]
struct Key {
    /// The key, while someone has it.
    live: Weak<Live>,
    /// The same, where it has to stay: for good, or while it is pulled.
    kept: Option<Arc<Live>>,
    /// It was pulled by [`Slot::unplug`].
    is_pulled: bool,
    /// Whether it was there when that was last told or seen.
    is_there: Option<bool>,
    /// It is a running token, and was plugged in when it was looked for.
    runs: Option<bool>,
    /// The serial number, once it was read.
    serial_number: Option<String>,
}

impl Slot {
    pub(crate) fn new(target: Target) -> Slot {
        Slot { target, name: Mutex::default(), key: Mutex::default(), device_key: Mutex::default() }
    }

    /// Of a token that runs on this machine.
    pub(crate) fn running(target: Target, serial_number: String) -> Slot {
        let slot = Slot::new(target);
        slot.key().serial_number = Some(serial_number);
        slot
    }

    fn key(&self) -> MutexGuard<'_, Key> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The device authentication key that this process set last.
    pub(crate) fn device_key(&self) -> MutexGuard<'_, Option<Box<DeviceKey>>> {
        self.device_key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The device's name among others.
    pub(crate) fn name(&self) -> String {
        let name = self.name.lock().unwrap_or_else(PoisonError::into_inner).clone();
        name.unwrap_or_else(|| self.target.to_string())
    }

    /// Gives it that name.
    pub(crate) fn give_name(&self, name: String) {
        *self.name.lock().unwrap_or_else(PoisonError::into_inner) = Some(name);
    }

    /// Whether this is how its target was written.
    pub(crate) fn is_at(&self, target: &str) -> bool {
        self.target.to_string() == target
    }

    /// The key's serial number where it is known without connecting to it, else the target.
    pub(crate) fn own_name(&self) -> String {
        let mut key = self.key();
        if key.serial_number.is_none() {
            let number = match &self.target {
                Target::SimFile(path) => state::header(path).ok().map(|header| header.serial_number),
                Target::Sim => {
                    let simulator = self.connect_to(&mut key).ok().and_then(|live| live.device.simulator());
                    simulator.map(|simulator| simulator.serial_number())
                }
                _ => None,
            };
            key.serial_number = number.filter(|number| !number.is_empty());
        }
        key.serial_number.clone().unwrap_or_else(|| self.target.to_string())
    }

    /// Whether a key is plugged in, or can be started there.
    pub(crate) fn is_present(&self) -> bool {
        let mut key = self.key();
        if key.is_pulled {
            return false;
        }
        if let Some(is_plugged_in) = key.runs {
            return is_plugged_in;
        }
        if let Some(live) = key.live.upgrade()
            && live.has_power()
        {
            return true;
        }
        let is_there = |path: &PathBuf| path.exists();
        match &self.target {
            Target::SimFile(path) => state::header(path).is_ok(),
            Target::Qemu { board, .. } => board.check().is_ok(),
            Target::Unix(path) | Target::Serial { path, .. } => is_there(path),
            // Nothing short of connecting tells.
            _ => self.connect_to(&mut key).map_or_else(|error| error.is_busy(), |_| true),
        }
    }

    /// Connects to the key.
    pub(crate) fn connect(&self) -> Result<Arc<Live>, ukey_device::Error> {
        let mut key = self.key();
        let live = self.connect_to(&mut key)?;
        key.is_there = Some(true);
        Ok(live)
    }

    fn connect_to(&self, key: &mut Key) -> Result<Arc<Live>, ukey_device::Error> {
        if let Some(live) = key.live.upgrade() {
            if !key.is_pulled && live.has_power() {
                return Ok(live);
            }
            if key.is_pulled || live.device.simulator().is_some() {
                return Err(LinkError::Removed.into());
            }
            // It may be there again, or another in its place.
            if live.device.reconnect().is_ok() {
                live.lost_power();
                return Ok(live);
            }
        }
        let live = Arc::new(Live::new(self.target.connect(&Options::default())?));
        key.live = Arc::downgrade(&live);
        key.kept = self.target.is_fresh().then(|| Arc::clone(&live));
        Ok(live)
    }

    /// Pulls a key that is no person's to pull.
    pub(crate) fn unplug(&self) -> Result {
        let _still = still();
        // It has to have power to lose it; one that another process holds is out of reach.
        let live = self.connect()?;
        let name = self.name();
        let mut key = self.key();
        live.device.unplug()?;
        // It stays pulled, whoever lets go of it.
        (key.kept, key.is_pulled, key.is_there) = (Some(Arc::clone(&live)), true, Some(false));
        live.lost_power();
        tell(name, EVENT_REMOVED);
        Ok(())
    }

    /// Pulls it when so many more commands of the token were answered.
    pub(crate) fn unplug_after(&self, commands: u64) -> Result {
        let live = self.connect()?;
        live.device.hand()?.unplug_after(commands);
        // It stays pulled, whoever lets go of it.
        self.key().kept = Some(live);
        Ok(())
    }

    /// Plugs it in again.
    pub(crate) fn plug_in(&self) -> Result {
        let _still = still();
        let name = self.name();
        let mut key = self.key();
        let live = key.kept.clone().filter(|live| key.is_pulled || !live.has_power()).ok_or(Sar::FAIL)?;
        // One that was pulled inside a command told that command alone.
        let others_know = key.is_pulled;
        live.device.plug_in()?;
        (key.is_pulled, key.is_there) = (false, Some(true));
        if !self.target.is_fresh() {
            key.kept = None;
        }
        drop(key);
        if !others_know {
            live.lost_power();
        }
        tell(name, EVENT_INSERTED);
        Ok(())
    }

    /// A command found the key gone: those who wait are told, once.
    pub(crate) fn found_gone(&self) {
        let name = self.name();
        let mut key = self.key();
        if key.is_there != Some(false) && key.live.upgrade().is_none_or(|live| !live.has_power()) {
            key.is_there = Some(false);
            tell(name, EVENT_REMOVED);
        }
    }

    /// A running token was looked for, and was there or not. Those who wait are told what is new, save where it is the
    /// first look.
    pub(crate) fn is_seen(&self, is_there: bool, tells: bool) {
        let name = self.name();
        let mut key = self.key();
        key.runs = Some(is_there);
        if is_there {
            (key.is_pulled, key.kept) = (false, None);
        }
        let was_there = key.is_there.replace(is_there);
        if tells && was_there.unwrap_or_default() != is_there {
            tell(name, if is_there { EVENT_INSERTED } else { EVENT_REMOVED });
        }
    }
}
