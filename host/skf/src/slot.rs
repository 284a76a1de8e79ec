//! The devices of the configuration: a slot for each target, with a key in it or not.
//!
//! A token that is made fresh (`sim`) has its power until the process ends. One in a file has it while a device of this
//! process is connected to it: its file is held meanwhile, and other processes find it in use.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use ukey_device::link::state;
use ukey_device::{Device, DeviceKey, Options, Place, Simulator, Target};

use crate::abi::types::{EVENT_INSERTED, EVENT_REMOVED};
use crate::config;
use crate::event::{Event, Events};
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

/// The names of the devices, in the order of the configuration; only of those that are plugged in, or of all.
pub(crate) fn names(only_present: bool) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    let mut all: Vec<String> = Vec::new();
    for slot in slots()? {
        let base = slot.name();
        // Two of a name are told apart by a number: a copy of a state file has the serial number of the first.
        let taken = all.iter().filter(|name| name.split('#').next() == Some(&base)).count();
        let name = if taken == 0 { base } else { format!("{base}#{}", taken + 1) };
        all.push(name.clone());
        if !only_present || slot.is_present() {
            names.push(name);
        }
    }
    Ok(names)
}

/// The slot of a device by its name, or by its target as it was configured.
pub(crate) fn find(name: &str) -> Result<Option<Arc<Slot>>> {
    let names = names(false)?;
    let slots = slots()?;
    let by_name = names.iter().zip(slots).find(|(own, _)| *own == name).map(|(_, slot)| slot);
    Ok(by_name.or_else(|| slots.iter().find(|slot| slot.target.to_string() == name)).cloned())
}

/// A place for a key.
pub(crate) struct Slot {
    target: Target,
    key: Mutex<Key>,
    open: Mutex<Open>,
    authentication: Mutex<Authentication>,
}

/// What is known of the key.
#[derive(Default)]
struct Key {
    /// The simulated key, while someone has it.
    simulator: Weak<Simulator>,
    /// The same, where it has to stay: for good, or while it is pulled.
    kept: Option<Arc<Simulator>>,
    /// The device, while someone has it, where the key is no simulated one: such a way is one program's, so all
    /// handles share it.
    device: Weak<Device>,
    /// The same, where each connection would find another, blank key.
    kept_device: Option<Arc<Device>>,
    /// The serial number, once it was read.
    serial_number: Option<String>,
    /// It was found to be gone, and that was told.
    is_gone: bool,
}

/// What is known of the device authentication: SKF_ChangeDevAuthKey names the new key only.
#[derive(Default)]
pub(crate) struct Authentication {
    /// The last random that was handed out.
    pub(crate) random: Vec<u8>,
    /// A handle of this process proved the key.
    pub(crate) is_proved: bool,
    /// The key that was proved, where the library knows it.
    pub(crate) key: Option<DeviceKey>,
}

/// How many handles of this process have an application or a container open: the token itself counts none.
#[derive(Default)]
pub(crate) struct Open {
    applications: BTreeMap<String, usize>,
    containers: BTreeMap<(String, String), usize>,
}

/// A live device of a slot.
pub(crate) struct Live {
    /// The device; it goes before the key does.
    pub(crate) device: Arc<Device>,
    _key: Option<Arc<Simulator>>,
}

impl Slot {
    fn new(target: Target) -> Slot {
        Slot { target, key: Mutex::default(), open: Mutex::default(), authentication: Mutex::default() }
    }

    fn key(&self) -> MutexGuard<'_, Key> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts of what is open.
    pub(crate) fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of the device authentication.
    pub(crate) fn authentication(&self) -> MutexGuard<'_, Authentication> {
        self.authentication.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key's serial number, or the target where there is none to be read.
    pub(crate) fn name(&self) -> String {
        let mut key = self.key();
        if key.serial_number.is_none() {
            key.serial_number = self.read_serial_number(&mut key);
        }
        key.serial_number.clone().unwrap_or_else(|| self.target.to_string())
    }

    /// From the state file's header, without holding the file; else from the device.
    fn read_serial_number(&self, key: &mut Key) -> Option<String> {
        let number = match &self.target {
            Target::SimFile(path) => state::read(path).ok()?.0.serial_number,
            _ => self.connect_to(key).ok()?.device.info().ok()?.serial_number,
        };
        Some(number).filter(|number| !number.is_empty())
    }

    /// Whether a key is plugged in.
    pub(crate) fn is_present(&self) -> bool {
        let mut key = self.key();
        match (key.simulator.upgrade(), &self.target) {
            (Some(simulator), _) => simulator.is_plugged_in(),
            (None, Target::SimFile(path)) => state::read(path).is_ok(),
            (None, _) => self.connect_to(&mut key).is_ok(),
        }
    }

    /// Connects to the key.
    pub(crate) fn connect(&self) -> Result<Live, ukey_device::Error> {
        let mut key = self.key();
        let live = self.connect_to(&mut key)?;
        key.is_gone = false;
        Ok(live)
    }

    /// Connects to the key and takes it for this device alone; waits so long for another of this process.
    pub(crate) fn connect_alone(&self, wait: Duration) -> Result<Live, ukey_device::Error> {
        // Nobody else waits for the slot meanwhile.
        let simulator = self.key().simulator.upgrade();
        let Some(simulator) = simulator else { return self.connect() };
        let mut link = simulator.link()?;
        link.lock(wait)?;
        let dialect = link.dialect().unwrap_or_default();
        Ok(Live { device: Arc::new(Device::new(link, dialect)?), _key: Some(simulator) })
    }

    fn connect_to(&self, key: &mut Key) -> Result<Live, ukey_device::Error> {
        if let Some(simulator) = key.simulator.upgrade() {
            return Ok(Live { device: Arc::new(Device::connect(&*simulator)?), _key: Some(simulator) });
        }
        // One that was pulled meanwhile is looked for anew.
        if let Some(device) = key.device.upgrade().filter(|device| device.info().is_ok()) {
            return Ok(Live { device, _key: None });
        }
        let device = Arc::new(self.target.connect(&Options::default())?);
        let simulator = device.simulator().map(Arc::new);
        if let Some(simulator) = &simulator {
            key.simulator = Arc::downgrade(simulator);
            key.kept = (self.target == Target::Sim).then(|| Arc::clone(simulator));
        } else {
            key.device = Arc::downgrade(&device);
            key.kept_device = self.target.is_fresh().then(|| Arc::clone(&device));
        }
        Ok(Live { device, _key: simulator })
    }

    /// Waits until no other process holds the key's file; at most so long.
    pub(crate) fn wait_for_others(&self, wait: Duration) {
        let Target::SimFile(path) = self.target.clone() else { return };
        let (free, is_free) = std::sync::mpsc::channel();
        // The operating system has no wait for a lock with an end: a thread waits, and its news may come too late.
        std::thread::spawn(move || free.send(state::wait_until_free(&path).is_ok()));
        let _ = is_free.recv_timeout(wait);
    }

    /// Pulls a simulated key.
    pub(crate) fn unplug(&self) -> Result {
        // It has to have power to lose it; one that another process holds is out of reach.
        let live = self.connect();
        let name = self.name();
        let mut key = self.key();
        let Some(simulator) = key.simulator.upgrade() else {
            return Err(live.err().map_or(Sar::FAIL.into(), Failure::from));
        };
        if !simulator.is_plugged_in() {
            return Err(Sar::DEVICE_REMOVED.into());
        }
        simulator.unplug();
        // It stays pulled, whoever lets go of it.
        key.kept = Some(simulator);
        key.is_gone = true;
        EVENTS.happened(Event { name, kind: EVENT_REMOVED });
        Ok(())
    }

    /// Plugs a simulated key in again.
    pub(crate) fn plug_in(&self) -> Result {
        let name = self.name();
        let mut key = self.key();
        let simulator = key.simulator.upgrade().ok_or(Sar::FAIL)?;
        if simulator.is_plugged_in() {
            return Err(Sar::FAIL.into());
        }
        simulator.plug_in().map_err(ukey_device::Error::from)?;
        if self.target != Target::Sim {
            key.kept = None;
        }
        key.is_gone = false;
        drop(key);
        *self.open() = Open::default();
        *self.authentication() = Authentication::default();
        EVENTS.happened(Event { name, kind: EVENT_INSERTED });
        Ok(())
    }

    /// A command found the key gone: those who wait are told, once.
    pub(crate) fn found_gone(&self) {
        let name = self.name();
        let mut key = self.key();
        if !key.is_gone && key.simulator.upgrade().is_none_or(|simulator| !simulator.is_plugged_in()) {
            key.is_gone = true;
            EVENTS.happened(Event { name, kind: EVENT_REMOVED });
        }
    }
}

impl Open {
    /// One more handle of an application.
    pub(crate) fn application(&mut self, name: &str) {
        *self.applications.entry(name.to_owned()).or_default() += 1;
    }

    /// One more handle of a container.
    pub(crate) fn container(&mut self, application: &str, name: &str) {
        *self.containers.entry((application.to_owned(), name.to_owned())).or_default() += 1;
    }

    /// One handle less. Whether it was the last, so that the token is to close it.
    pub(crate) fn close_application(&mut self, name: &str) -> bool {
        let last = less(&mut self.applications, &name.to_owned());
        if last {
            self.containers.retain(|(application, _), _| application != name);
        }
        last
    }

    /// The same of a container.
    pub(crate) fn close_container(&mut self, application: &str, name: &str) -> bool {
        less(&mut self.containers, &(application.to_owned(), name.to_owned()))
    }

    /// The application is gone: there is nothing left to close.
    pub(crate) fn forget_application(&mut self, name: &str) {
        self.applications.remove(name);
        self.containers.retain(|(application, _), _| application != name);
    }

    /// The same of a container.
    pub(crate) fn forget_container(&mut self, application: &str, name: &str) {
        self.containers.remove(&(application.to_owned(), name.to_owned()));
    }
}

/// Counts one less; whether none is left.
fn less<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) -> bool {
    let Some(count) = counts.get_mut(key) else { return false };
    *count -= 1;
    let last = *count == 0;
    if last {
        counts.remove(key);
    }
    last
}
