//! Which slots there are: those of the configuration, and one for each token that runs on this machine. Those come and
//! go, and are looked up anew each time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ukey_device::running::{self, Instance, Running};
use ukey_device::{LinkError, Target};

use crate::config;
use crate::event::{Event, Events};
use crate::sar::{Failure, Result, Sar};
use crate::slot::Slot;

/// Keys that came and went.
pub(crate) static EVENTS: Events = Events::new();

/// The slots, once the configuration was read; or what is wrong with it.
static SLOTS: Mutex<Option<Result<Slots, String>>> = Mutex::new(None);

struct Slots {
    configured: Vec<Arc<Slot>>,
    /// Those of running tokens, where they are looked for: what is one, and its slot.
    running: Option<Vec<(Identity, Arc<Slot>)>>,
    /// Whether it was looked for them before.
    looked: bool,
}

/// A running token: its process, its serial number, where it is reached.
#[derive(Clone, PartialEq, Eq)]
struct Identity(u32, String, Target);

impl Slots {
    fn read() -> Result<Slots, String> {
        let devices = config::devices()?;
        let configured = devices.targets.into_iter().map(Slot::new).map(Arc::new).collect();
        Ok(Slots { configured, running: devices.running.then(Vec::new), looked: false })
    }

    /// The slots of now.
    fn look(&mut self) -> Result<Vec<Arc<Slot>>, LinkError> {
        let Some(known) = &mut self.running else { return Ok(name(&self.configured, &[])) };
        let mut found: Vec<(Identity, Arc<Slot>, bool)> = Vec::new();
        for instance in running::instances()? {
            for (identity, is_plugged_in) in tokens(&instance) {
                let old =
                    known.iter().find(|(known, _)| *known == identity).map(|(_, slot)| Arc::clone(slot));
                let slot =
                    old.unwrap_or_else(|| Arc::new(Slot::running(identity.2.clone(), identity.1.clone())));
                found.push((identity, slot, is_plugged_in));
            }
        }
        let gone = known.iter().filter(|(known, _)| !found.iter().any(|(identity, ..)| identity == known));
        gone.for_each(|(_, slot)| slot.is_seen(false, true));
        *known = found.iter().map(|(identity, slot, _)| (identity.clone(), Arc::clone(slot))).collect();
        let slots: Vec<_> = known.iter().map(|(_, slot)| Arc::clone(slot)).collect();
        let all = name(&self.configured, &slots);
        for (_, slot, is_plugged_in) in found {
            slot.is_seen(is_plugged_in, self.looked);
        }
        self.looked = true;
        Ok(all)
    }
}

/// The tokens of an instance that can be connected to, and whether each is plugged in. One that does not answer is
/// ending.
fn tokens(instance: &Instance) -> Vec<(Identity, bool)> {
    let Ok(states) = instance.status() else { return Vec::new() };
    let is_plugged_in = |token: &Running| {
        states.iter().any(|state| state.serial_number == token.serial_number && state.plugged_in)
    };
    let identity = |token: &Running| {
        Some(Identity(instance.pid, token.serial_number.clone(), best(&token.targets)?.clone()))
    };
    instance.tokens.iter().filter_map(|token| Some((identity(token)?, is_plugged_in(token)))).collect()
}

/// The shortest way to a token of this machine.
fn best(targets: &[Target]) -> Option<&Target> {
    let rank = |target: &&Target| match target {
        Target::Unix(_) => Some(0),
        Target::Tcp { .. } => Some(1),
        Target::Serial { .. } => Some(2),
        _ => None,
    };
    targets.iter().filter(|target| rank(target).is_some()).min_by_key(rank)
}

/// Gives the devices their names.
fn name(configured: &[Arc<Slot>], running: &[Arc<Slot>]) -> Vec<Arc<Slot>> {
    let all: Vec<_> = configured.iter().chain(running).cloned().collect();
    let names = distinct(all.iter().map(|slot| slot.own_name()));
    all.iter().zip(names).for_each(|(slot, name)| slot.give_name(name));
    all
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

/// Nobody looks as long as this is held: what was just seen is not told over what was just done.
pub(crate) struct Still(MutexGuard<'static, Option<Result<Slots, String>>>);

/// Keeps everyone from looking.
pub(crate) fn still() -> Still {
    Still(SLOTS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The slots of now, in the order of the configuration, the running ones behind it.
pub(crate) fn all() -> Result<Vec<Arc<Slot>>> {
    let Still(mut slots) = still();
    match slots.get_or_insert_with(Slots::read) {
        Ok(slots) => Ok(slots.look().map_err(ukey_device::Error::from)?),
        Err(text) => Err(Failure { sar: Sar::FAIL, text: Some(text.clone()) }),
    }
}

/// Whether slots can come and go.
pub(crate) fn come_and_go() -> Result<bool> {
    all()?;
    Ok(matches!(&*still().0, Some(Ok(Slots { running: Some(_), .. }))))
}

/// The names of the devices; only of those that are plugged in, or of all.
pub(crate) fn names(only_present: bool) -> Result<Vec<String>> {
    let all = all()?.into_iter();
    Ok(all.filter(|slot| !only_present || slot.is_present()).map(|slot| slot.name()).collect())
}

/// The slot of a device by its name, or by its target as it was configured.
pub(crate) fn find(name: &str) -> Result<Option<Arc<Slot>>> {
    let all = all()?;
    let by_name = all.iter().find(|slot| slot.name() == name);
    Ok(by_name.or_else(|| all.iter().find(|slot| slot.is_at(name))).cloned())
}

/// Tells those who wait that a key came or went.
pub(crate) fn tell(name: String, kind: crate::abi::types::ULONG) {
    EVENTS.happened(Event { name, kind });
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

    #[test]
    fn the_shortest_way_is_taken() {
        let targets =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Target>>();
        let best = |texts: &[&str]| best(&targets(texts)).map(ToString::to_string);
        assert_eq!(best(&["serial:/dev/pts/1", "tcp:127.0.0.1:1", "unix:/u"]), Some("unix:/u".to_owned()));
        assert_eq!(best(&["serial:/dev/pts/1", "tcp:127.0.0.1:1"]), Some("tcp:127.0.0.1:1".to_owned()));
        assert_eq!(best(&["pcsc:Virtual PCD 00 00"]), None);
    }
}
