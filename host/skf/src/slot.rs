//! The devices: a slot for each target of the configuration, with a key in it or not.
//!
//! A token that is made fresh (`sim`) has its power until the process ends. Any other has it while a device of this
//! process is connected to it: it is held meanwhile, and other processes find it in use. Looking at a slot takes no key
//! from anyone, and starts none.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use ukey_device::link::state;
use ukey_device::{DeviceKey, LinkError, Options, Target};

use crate::abi::types::{EVENT_INSERTED, EVENT_REMOVED};
use crate::config;
use crate::event::{Event, Events};
use crate::live::Live;
use crate::sar::{Failure, Result, Sar};

/// The slots, or what is wrong with the configuration.
static SLOTS: OnceLock<Result<Vec<Arc<Slot>>, String>> = OnceLock::new();

/// Keys that came and went.
pub(crate) static EVENTS: Events = Events::new();

/// The slots of this process.
pub(crate) fn slots() -> Result<&'static [Arc<Slot>]> {
    let slots =
        SLOTS.get_or_init(|| Ok(config::targets()?.into_iter().map(Slot::new).map(Arc::new).collect()));
    match slots {
        Ok(slots) => Ok(slots),
        Err(text) => Err(Failure { sar: Sar::FAIL, text: Some(text.clone()) }),
    }
}

/// The slots with the names of their devices, in the order of the configuration.
fn named() -> Result<Vec<(String, &'static Arc<Slot>)>> {
    let slots = slots()?;
    let names = distinct(slots.iter().map(|slot| slot.own_name()));
    Ok(names.into_iter().zip(slots).collect())
}

/// The names of the devices, in the order of the configuration; only of those that are plugged in, or of all.
pub(crate) fn names(only_present: bool) -> Result<Vec<String>> {
    let all = named()?.into_iter();
    Ok(all.filter(|(_, slot)| !only_present || slot.is_present()).map(|(name, _)| name).collect())
}

/// Tells those of a name apart by a number: a copy of a state file has the serial number of the first.
fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for base in names {
        let numbered = (2..).map(|number| format!("{base}#{number}"));
        let free = std::iter::once(base.clone()).chain(numbered).find(|name| !all.contains(name));
        all.extend(free);
    }
    all
}

/// The slot of a device by its name, or by its target as it was configured.
pub(crate) fn find(name: &str) -> Result<Option<Arc<Slot>>> {
    let all = named()?;
    let by_name = all.iter().find(|(own, _)| own == name);
    let found = by_name.or_else(|| all.iter().find(|(_, slot)| slot.target.to_string() == name));
    Ok(found.map(|(_, slot)| Arc::clone(slot)))
}

/// A place for a key.
pub(crate) struct Slot {
    target: Target,
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
    /// It was found to be gone, and that was told.
    is_gone: bool,
    /// The serial number, once it was read.
    serial_number: Option<String>,
}

impl Slot {
    fn new(target: Target) -> Slot {
        Slot { target, key: Mutex::default(), device_key: Mutex::default() }
    }

    fn key(&self) -> MutexGuard<'_, Key> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The device authentication key that this process set last.
    pub(crate) fn device_key(&self) -> MutexGuard<'_, Option<Box<DeviceKey>>> {
        self.device_key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The device's name.
    pub(crate) fn name(&self) -> String {
        let all = named().unwrap_or_default();
        let own = all.into_iter().find(|(_, slot)| std::ptr::eq(&raw const ***slot, self));
        own.map_or_else(|| self.own_name(), |(name, _)| name)
    }

    /// The key's serial number where it is known without connecting to it, else the target.
    fn own_name(&self) -> String {
        let mut key = self.key();
        if key.serial_number.is_none() {
            let number = match &self.target {
                Target::SimFile(path) => state::read(path).ok().map(|(header, _)| header.serial_number),
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
        if let Some(live) = key.live.upgrade()
            && live.has_power()
        {
            return true;
        }
        let is_there = |path: &PathBuf| path.exists();
        match &self.target {
            Target::SimFile(path) => state::read(path).is_ok(),
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
        key.is_gone = false;
        Ok(live)
    }

    fn connect_to(&self, key: &mut Key) -> Result<Arc<Live>, ukey_device::Error> {
        if let Some(live) = key.live.upgrade() {
            if !key.is_pulled && live.has_power() {
                return Ok(live);
            }
            // Another cannot take the place of one that is in this process; of any other it may have.
            if key.is_pulled || live.device.simulator().is_some() {
                return Err(LinkError::Removed.into());
            }
        }
        let live = Arc::new(Live::new(self.target.connect(&Options::default())?));
        key.live = Arc::downgrade(&live);
        key.kept = self.target.is_fresh().then(|| Arc::clone(&live));
        Ok(live)
    }

    /// Pulls a key that is no person's to pull.
    pub(crate) fn unplug(&self) -> Result {
        // It has to have power to lose it; one that another process holds is out of reach.
        let live = self.connect()?;
        let name = self.name();
        let mut key = self.key();
        live.device.unplug()?;
        // It stays pulled, whoever lets go of it.
        (key.kept, key.is_pulled, key.is_gone) = (Some(Arc::clone(&live)), true, true);
        // A function that is at work may want to know more of the key than is told while this is held.
        drop(key);
        live.lost_power();
        EVENTS.happened(Event { name, kind: EVENT_REMOVED });
        Ok(())
    }

    /// Plugs it in again.
    pub(crate) fn plug_in(&self) -> Result {
        let name = self.name();
        let mut key = self.key();
        let live = key.kept.clone().filter(|_| key.is_pulled).ok_or(Sar::FAIL)?;
        live.device.plug_in()?;
        (key.is_pulled, key.is_gone) = (false, false);
        if !self.target.is_fresh() {
            key.kept = None;
        }
        EVENTS.happened(Event { name, kind: EVENT_INSERTED });
        Ok(())
    }

    /// A command found the key gone: those who wait are told, once.
    pub(crate) fn found_gone(&self) {
        let name = self.name();
        let mut key = self.key();
        if !key.is_gone && key.live.upgrade().is_none_or(|live| !live.has_power()) {
            key.is_gone = true;
            EVENTS.happened(Event { name, kind: EVENT_REMOVED });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_devices_have_one_name() {
        let names = |given: &[&str]| distinct(given.iter().map(|name| (*name).to_owned()));
        assert_eq!(names(&["A", "B", "A", "A"]), ["A", "B", "A#2", "A#3"]);
        assert_eq!(names(&["a#b", "a#b"]), ["a#b", "a#b#2"]);
        assert_eq!(names(&["A", "A#2", "A"]), ["A", "A#2", "A#3"]);
        assert_eq!(names(&["A", "A", "A#2"]), ["A", "A#2", "A#2#2"]);
    }
}
