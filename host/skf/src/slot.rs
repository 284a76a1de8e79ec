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
use crate::slots::{done, tell};

/// A place for a key.
///
/// What waits for a key takes `hand` before `way`; what is known of it (`key`) is never locked while anyone waits.
pub(crate) struct Slot {
    target: Target,
    /// The device's name.
    name: Mutex<Option<String>>,
    key: Mutex<Key>,
    /// Whoever pulls the key, or plugs it in.
    hand: Mutex<()>,
    /// Whoever is on the way to the key: one at a time.
    way: Mutex<()>,
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

impl Key {
    /// It is there, or is not. Those who wait are told what is new.
    fn is_there_now(&mut self, is_there: bool, name: &str) {
        if self.is_there.replace(is_there).unwrap_or_default() != is_there {
            tell(name.to_owned(), if is_there { EVENT_INSERTED } else { EVENT_REMOVED });
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slot {
    pub(crate) fn new(target: Target) -> Slot {
        let (name, key, device_key) = (Mutex::default(), Mutex::default(), Mutex::default());
        Slot { target, name, key, hand: Mutex::default(), way: Mutex::default(), device_key }
    }

    /// Of a token that runs on this machine.
    pub(crate) fn running(target: Target, serial_number: String) -> Slot {
        let slot = Slot::new(target);
        slot.key().serial_number = Some(serial_number);
        slot
    }

    fn key(&self) -> MutexGuard<'_, Key> {
        held(&self.key)
    }

    /// The device authentication key that this process set last.
    pub(crate) fn device_key(&self) -> MutexGuard<'_, Option<Box<DeviceKey>>> {
        held(&self.device_key)
    }

    /// The device's name among others.
    pub(crate) fn name(&self) -> String {
        let name = held(&self.name).clone();
        name.unwrap_or_else(|| self.target.to_string())
    }

    /// Gives it that name.
    pub(crate) fn give_name(&self, name: String) {
        *held(&self.name) = Some(name);
    }

    /// Whether this is how its target was written.
    pub(crate) fn is_at(&self, target: &str) -> bool {
        self.target.to_string() == target
    }

    /// Reads the key's serial number, where that can be done without connecting to it: another may be in its place.
    pub(crate) fn look(&self) {
        let number = match &self.target {
            Target::SimFile(path) => state::header(path).ok().map(|header| header.serial_number),
            Target::Sim if self.key().serial_number.is_none() => {
                let simulator = self.on_the_way().ok().and_then(|live| live.device.simulator());
                simulator.map(|simulator| simulator.serial_number())
            }
            _ => return,
        };
        if let Some(number) = number {
            self.key().serial_number = Some(number).filter(|number| !number.is_empty());
        }
    }

    /// The key's serial number where it is known without connecting to it, else the target.
    pub(crate) fn own_name(&self) -> String {
        let number = self.key().serial_number.clone();
        number.unwrap_or_else(|| self.target.to_string())
    }

    /// Whether a key is plugged in, or can be started there.
    pub(crate) fn is_present(&self) -> bool {
        let live = {
            let key = self.key();
            if key.is_pulled {
                return false;
            }
            if let Some(is_plugged_in) = key.runs {
                return is_plugged_in;
            }
            key.live.upgrade()
        };
        if live.is_some_and(|live| live.has_power()) {
            return true;
        }
        let is_there = |path: &PathBuf| path.exists();
        match &self.target {
            Target::SimFile(path) => state::header(path).is_ok(),
            Target::Qemu { board, .. } => board.check().is_ok(),
            Target::Unix(path) | Target::Serial { path, .. } => is_there(path),
            // Nothing short of connecting tells.
            _ => self.on_the_way().map_or_else(|error| error.is_busy(), |_| true),
        }
    }

    /// Connects to the key.
    pub(crate) fn connect(&self) -> Result<Arc<Live>, ukey_device::Error> {
        let live = self.on_the_way()?;
        let mut key = self.key();
        if !key.is_pulled {
            key.is_there = Some(true);
        }
        Ok(live)
    }

    fn on_the_way(&self) -> Result<Arc<Live>, ukey_device::Error> {
        let _way = held(&self.way);
        let (live, is_pulled) = {
            let key = self.key();
            (key.live.upgrade(), key.is_pulled)
        };
        if let Some(live) = live {
            if !is_pulled && live.has_power() {
                // One that is being used is not asked.
                return if live.turns.is_used() { Ok(live) } else { self.the_one(live) };
            }
            if is_pulled || live.device.simulator().is_some() {
                return Err(LinkError::Removed.into());
            }
            // It may be there again, or another in its place: no handle of before is to reach that.
            live.ends();
            if live.device.reconnect().is_ok() {
                return self.the_one(live);
            }
        }
        let live = self.the_one(Arc::new(Live::new(self.target.connect(&Options::default())?)))?;
        let mut key = self.key();
        key.live = Arc::downgrade(&live);
        key.kept = self.target.is_fresh().then(|| Arc::clone(&live));
        Ok(live)
    }

    /// Refuses another key where a token ran: that is another device, of another name, and is left to others.
    fn the_one(&self, live: Arc<Live>) -> Result<Arc<Live>, ukey_device::Error> {
        let number = {
            let key = self.key();
            key.runs.and(key.serial_number.clone())
        };
        match number {
            Some(number) if live.device.info()?.serial_number != number => {
                // Handles of before keep it, and would keep the other key with it.
                live.ends();
                live.device.disconnect();
                let mut key = self.key();
                (key.live, key.kept) = (Weak::new(), None);
                Err(LinkError::Removed.into())
            }
            _ => Ok(live),
        }
    }

    /// Pulls a key that is no person's to pull.
    pub(crate) fn unplug(&self) -> Result {
        let _hand = held(&self.hand);
        // It has to have power to lose it; one that another process holds is out of reach.
        let live = self.connect()?;
        live.device.unplug()?;
        done();
        let name = self.name();
        let mut key = self.key();
        // It stays pulled, whoever lets go of it.
        (key.kept, key.is_pulled) = (Some(Arc::clone(&live)), true);
        live.lost_power();
        key.is_there_now(false, &name);
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
        let _hand = held(&self.hand);
        let (kept, is_pulled) = {
            let key = self.key();
            (key.kept.clone(), key.is_pulled)
        };
        let live = kept.filter(|live| is_pulled || !live.has_power()).ok_or(Sar::FAIL)?;
        {
            let _way = held(&self.way);
            // One that was pulled inside a command told that command alone.
            self.key().is_there_now(false, &self.name());
            live.ends();
            live.device.plug_in()?;
        }
        done();
        let name = self.name();
        let mut key = self.key();
        key.is_pulled = false;
        if !self.target.is_fresh() {
            key.kept = None;
        }
        key.is_there_now(true, &name);
        Ok(())
    }

    /// A command found the key gone: those who wait are told, once.
    pub(crate) fn found_gone(&self) {
        let live = self.key().live.upgrade();
        let power = |live: &Option<Arc<Live>>| live.as_ref().map(|live| live.power());
        let power_of_then = power(&live);
        if live.as_ref().is_some_and(|live| live.has_power()) {
            return;
        }
        done();
        let name = self.name();
        let mut key = self.key();
        // Unless it is plugged in again meanwhile.
        if power(&live) == power_of_then {
            key.is_there_now(false, &name);
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
        if tells {
            key.is_there_now(is_there, &name);
        } else {
            key.is_there = Some(is_there);
        }
    }
}
