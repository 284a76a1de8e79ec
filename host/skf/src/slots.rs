//! Which slots there are: those of the configuration, and one for each token that runs on this machine. Those come and
//! go, and are looked up anew each time.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ukey_device::configured;
use ukey_device::running::control::State;
use ukey_device::running::{self, Instance, Running};
use ukey_device::{LinkError, Target};

use crate::event::{Event, Events};
use crate::sar::{Failure, Result, Sar};
use crate::slot::Slot;

/// Keys that came and went.
pub(crate) static EVENTS: Events = Events::new();

/// The slots, once the configuration was read; or what is wrong with it. Nobody waits for anything outside of this
/// process while it is locked.
static SLOTS: Mutex<Option<Result<Slots, String>>> = Mutex::new(None);

/// How long a process with tokens may take to say how they are. One that takes longer may be stopped, or busy: what was
/// known of its tokens is taken to be so still.
const PATIENCE: Duration = Duration::from_secs(1);

/// The same, for one that said nothing the last time.
const PATIENCE_WITH_THE_SILENT: Duration = Duration::from_millis(50);

struct Slots {
    configured: Vec<Arc<Slot>>,
    /// Those of running tokens, where they are looked for: what is one, and its slot.
    running: Option<Vec<(Identity, Arc<Slot>)>>,
    /// Whether it was looked for them before.
    looked: bool,
    /// Processes that said nothing the last time.
    silent: Vec<u32>,
    /// Looks and deeds so far: each has a number, by which it is told what came first.
    count: u64,
    /// When it was last looked, and when something was last done to a key by this process.
    last_look: u64,
    last_deed: u64,
}

/// A running token: its process, its serial number, where it is reached.
#[derive(Clone, PartialEq, Eq)]
struct Identity(u32, String, Target);

/// A running token that was looked for; whether it is plugged in, where its process said so.
type Seen = (Identity, Option<bool>);

impl Slots {
    /// What is wrong is told on standard error too, once: most callers show a person the code alone.
    #[allow(clippy::print_stderr, reason = "a person has to know which entry is wrong")]
    fn read() -> Result<Slots, String> {
        let devices = configured::devices().map_err(|mistake| {
            let text = format!("{mistake}; {}", mistake.advice().0);
            eprintln!("libukey_skf: no device: {text}\nlibukey_skf: {}", mistake.message_zh());
            text
        })?;
        let configured = devices.targets.into_iter().map(Slot::new).map(Arc::new).collect();
        let running = devices.running.then(Vec::new);
        let (looked, silent) = (false, Vec::new());
        Ok(Slots { configured, running, looked, silent, count: 0, last_look: 0, last_deed: 0 })
    }

    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Every slot that is known.
    fn known(&self) -> Vec<Arc<Slot>> {
        let running = self.running.iter().flatten().map(|(_, slot)| slot);
        self.configured.iter().chain(running).cloned().collect()
    }

    /// Takes what was seen by a look of that number for how it is: unless another that began later is done already. What
    /// was seen before this process did something itself is no news of it: `false`.
    fn take(&mut self, number: u64, seen: Vec<Seen>) -> bool {
        if self.running.is_some() && number < self.last_deed {
            return false;
        }
        let found = self.find(number, seen);
        let names = distinct(self.known().iter().map(|slot| slot.own_name()));
        self.known().iter().zip(names).for_each(|(slot, name)| slot.give_name(name));
        for (slot, is_plugged_in) in found {
            slot.is_seen(is_plugged_in, self.looked);
        }
        self.looked = true;
        true
    }

    /// The slots of the running tokens that were seen, and whether each is plugged in, where that was said.
    fn find(&mut self, number: u64, seen: Vec<Seen>) -> Vec<(Arc<Slot>, bool)> {
        let Some(known) = self.running.as_mut().filter(|_| number > self.last_look) else {
            return Vec::new();
        };
        self.last_look = number;
        self.silent = seen.iter().filter(|(_, is)| is.is_none()).map(|(identity, _)| identity.0).collect();
        let before = std::mem::take(known);
        let mut told = Vec::new();
        for (identity, is_plugged_in) in seen {
            let old = before.iter().find(|(known, _)| *known == identity).map(|(_, slot)| Arc::clone(slot));
            // Nobody knows of one that was silent from the first.
            let is_plugged_in = is_plugged_in.or_else(|| old.is_none().then_some(false));
            let slot = old.unwrap_or_else(|| Arc::new(Slot::running(identity.2.clone(), identity.1.clone())));
            told.extend(is_plugged_in.map(|is_plugged_in| (Arc::clone(&slot), is_plugged_in)));
            known.push((identity, slot));
        }
        let gone = before.iter().filter(|(old, _)| !known.iter().any(|(identity, _)| identity == old));
        gone.for_each(|(_, slot)| slot.is_seen(false, true));
        told
    }
}

/// The tokens that run on this machine.
fn look(silent: &[u32]) -> Result<Vec<Seen>, LinkError> {
    let instances = running::instances()?;
    Ok(thread::scope(|scope| {
        let ask = |instance| scope.spawn(move || tokens(instance, silent.contains(&instance.pid)));
        let asked: Vec<_> = instances.iter().map(ask).collect();
        asked.into_iter().flat_map(|asked| asked.join().unwrap_or_default()).collect()
    }))
}

/// The tokens of an instance that can be connected to, and whether each is plugged in. One that cannot be asked is
/// ending.
fn tokens(instance: &Instance, was_silent: bool) -> Vec<Seen> {
    let patience = if was_silent { PATIENCE_WITH_THE_SILENT } else { PATIENCE };
    let states = match instance.status_within(patience) {
        Ok(states) => Some(states),
        Err(error) if is_silence(&error) => None,
        Err(_) => return Vec::new(),
    };
    let is_plugged_in = |token: &Running| {
        let is_it = |state: &State| state.serial_number == token.serial_number && state.plugged_in;
        states.as_ref().map(|states| states.iter().any(is_it))
    };
    let identity = |token: &Running| {
        Some(Identity(instance.pid, token.serial_number.clone(), best(&token.targets)?.clone()))
    };
    instance.tokens.iter().filter_map(|token| Some((identity(token)?, is_plugged_in(token)))).collect()
}

/// Whether nobody answered in time.
fn is_silence(error: &LinkError) -> bool {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    matches!(error, LinkError::Io { source, .. } if matches!(source.kind(), TimedOut | WouldBlock))
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

/// The slots, which stay as they are meanwhile.
fn slots<T>(with: impl FnOnce(&mut Slots) -> T) -> Result<T> {
    let mut slots = SLOTS.lock().unwrap_or_else(PoisonError::into_inner);
    match slots.get_or_insert_with(Slots::read) {
        Ok(slots) => Ok(with(slots)),
        Err(text) => Err(Failure { sar: Sar::FAIL, text: Some(text.clone()) }),
    }
}

/// This process has done something to a key: what was seen before is old.
pub(crate) fn done() {
    // Without slots there is no key.
    let _ = slots(|slots| slots.last_deed = slots.next());
}

/// The slots of now, in the order of the configuration, the running ones behind it.
pub(crate) fn all() -> Result<Vec<Arc<Slot>>> {
    loop {
        let (number, configured, looks, silent) = slots(|slots| {
            (slots.next(), slots.configured.clone(), slots.running.is_some(), slots.silent.clone())
        })?;
        configured.iter().for_each(|slot| slot.look());
        let seen = if looks { look(&silent).map_err(ukey_device::Error::from)? } else { Vec::new() };
        if let Some(all) = slots(|slots| slots.take(number, seen).then(|| slots.known()))? {
            return Ok(all);
        }
    }
}

/// Whether slots can come and go.
pub(crate) fn come_and_go() -> Result<bool> {
    slots(|slots| slots.running.is_some())
}

/// Whether a process with tokens said nothing when it was last looked: nothing tells when it speaks again.
pub(crate) fn is_any_silent() -> bool {
    slots(|slots| !slots.silent.is_empty()).unwrap_or_default()
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
