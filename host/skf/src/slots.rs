//! Which slots there are: those of the configuration, and one for each token that runs on this machine. Those come and
//! go, and are looked up anew each time.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ukey_device::configured;
use ukey_device::running::control::State;
use ukey_device::running::{self, Instance};
use ukey_device::{LinkError, Target};

use crate::event::{Event, Events};
use crate::sar::{Failure, Result, Sar};
use crate::slot::Slot;

/// Keys that came and went.
pub(crate) static EVENTS: Events = Events::new();

/// The slots, once the configuration was read; or what is wrong with it. Nobody waits for anything outside of this
/// process while it is locked.
static SLOTS: Mutex<Option<Result<Slots, String>>> = Mutex::new(None);

/// A process with tokens has answered, or will not.
static ANSWERED: Condvar = Condvar::new();

/// How long a look waits for a process with tokens to say how they are. One that takes longer may be stopped, or busy:
/// what was known of its tokens is taken to be so still, and what it says later is taken when it comes.
const PATIENCE: Duration = Duration::from_secs(1);

struct Slots {
    configured: Vec<Arc<Slot>>,
    /// Those of running tokens, where they are looked for: what is one, and its slot.
    running: Option<Vec<(Identity, Arc<Slot>)>>,
    /// Whether it was looked for them before.
    looked: bool,
    /// What each process with tokens was asked last.
    asked: BTreeMap<u32, Asked>,
    /// Looks, questions and deeds so far: each has a number, by which it is told what came first.
    count: u64,
    /// When it was last looked, and when something was last done to a key by this process.
    last_look: u64,
    last_deed: u64,
}

/// A running token: its process, its serial number, where it is reached.
#[derive(Clone, PartialEq, Eq)]
struct Identity(u32, String, Target);

/// How a process with tokens was asked how they are. One question at a time is under way to each.
struct Asked {
    number: u64,
    began: Instant,
    heard: Heard,
}

/// What a question brought.
enum Heard {
    /// It is under way.
    Nothing,
    /// How the tokens are.
    Said(Vec<State>),
    /// No answer, however patiently it was waited for; or one that is old already.
    Silence,
    /// The process cannot be asked: it is ending.
    Ends,
}

impl Asked {
    fn is_silent(&self) -> bool {
        matches!(self.heard, Heard::Nothing | Heard::Silence)
    }

    /// Whether a token is plugged in, where that was said.
    fn is_plugged_in(&self, serial_number: &str) -> Option<bool> {
        let Heard::Said(states) = &self.heard else { return None };
        Some(states.iter().any(|state| state.serial_number == serial_number && state.plugged_in))
    }
}

impl Slots {
    /// What is wrong is told on standard error too, once: most callers show a person the code alone.
    fn read() -> Result<Slots, String> {
        let devices = configured::devices().map_err(|mistake| {
            let text = format!("{mistake}; {}", mistake.advice().0);
            // It may be closed, or full.
            let _ = writeln!(
                io::stderr(),
                "libukey_skf: no device: {text}\nlibukey_skf: {}",
                mistake.message_zh()
            );
            text
        })?;
        let configured = devices.targets.into_iter().map(Slot::new).map(Arc::new).collect();
        let running = devices.running.then(Vec::new);
        let (looked, asked) = (false, BTreeMap::new());
        Ok(Slots { configured, running, looked, asked, count: 0, last_look: 0, last_deed: 0 })
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

    /// How long a look of that number has to wait for what an instance says. It is asked where that is to be: whoever
    /// asked before may have been told what is no more.
    fn wait_for(&mut self, number: u64, instance: &Instance) -> Duration {
        match self.asked.get(&instance.pid) {
            Some(asked) if matches!(asked.heard, Heard::Nothing) => {
                PATIENCE.saturating_sub(asked.began.elapsed())
            }
            Some(asked) if asked.number > number => Duration::ZERO,
            _ => {
                let (number, pid, instance) = (self.next(), instance.pid, instance.clone());
                let asks = move || answered(pid, number, ask(&instance));
                // With full patience, beside whoever looks.
                let heard = thread::Builder::new().spawn(asks).map_or(Heard::Silence, |_| Heard::Nothing);
                self.asked.insert(pid, Asked { number, began: Instant::now(), heard });
                PATIENCE
            }
        }
    }

    /// Takes the answer to a question of that number for how it is. What was said before this process did something
    /// itself is no news of it.
    fn hear(&mut self, pid: u32, number: u64, heard: Heard) {
        let Some(asked) = self.asked.get_mut(&pid).filter(|asked| asked.number == number) else { return };
        asked.heard = if number < self.last_deed { Heard::Silence } else { heard };
        for (identity, slot) in self.running.iter().flatten().filter(|(identity, _)| identity.0 == pid) {
            if let Some(is_plugged_in) = asked.is_plugged_in(&identity.1) {
                slot.is_seen(is_plugged_in, true);
            }
        }
    }

    /// Takes the instances that a look of that number found for those there are: unless another that began later is done
    /// already. What was seen before this process did something itself is no news of it: `false`.
    fn take(&mut self, number: u64, instances: &[Instance]) -> bool {
        if self.running.is_some() && number < self.last_deed {
            return false;
        }
        let new = self.find(number, instances);
        let names = distinct(self.known().iter().map(|slot| slot.own_name()));
        self.known().iter().zip(names).for_each(|(slot, name)| slot.give_name(name));
        for (slot, is_plugged_in) in new {
            slot.is_seen(is_plugged_in, self.looked);
        }
        self.looked = true;
        true
    }

    /// The new slots of the running tokens that were found, and whether each is plugged in: one of which nobody said
    /// anything yet is, as it is listed.
    fn find(&mut self, number: u64, instances: &[Instance]) -> Vec<(Arc<Slot>, bool)> {
        let Some(known) = self.running.as_mut().filter(|_| number > self.last_look) else {
            return Vec::new();
        };
        self.last_look = number;
        self.asked.retain(|pid, _| instances.iter().any(|instance| instance.pid == *pid));
        let before = std::mem::take(known);
        let mut new = Vec::new();
        for instance in instances {
            let asked = self.asked.get(&instance.pid);
            // One that cannot be asked is ending.
            if asked.is_some_and(|asked| matches!(asked.heard, Heard::Ends)) {
                continue;
            }
            for token in &instance.tokens {
                let Some(target) = best(&token.targets) else { continue };
                let identity = Identity(instance.pid, token.serial_number.clone(), target.clone());
                let old = before.iter().find(|(old, _)| *old == identity).map(|(_, slot)| Arc::clone(slot));
                let slot = old.unwrap_or_else(|| {
                    let slot = Arc::new(Slot::running(target.clone(), token.serial_number.clone()));
                    let said = asked.and_then(|asked| asked.is_plugged_in(&token.serial_number));
                    new.push((Arc::clone(&slot), said.unwrap_or(true)));
                    slot
                });
                known.push((identity, slot));
            }
        }
        let gone = before.iter().filter(|(old, _)| !known.iter().any(|(identity, _)| identity == old));
        gone.for_each(|(_, slot)| slot.is_seen(false, true));
        new
    }
}

fn ask(instance: &Instance) -> Heard {
    match instance.status() {
        Ok(states) => Heard::Said(states),
        Err(error) if is_silence(&error) => Heard::Silence,
        Err(_) => Heard::Ends,
    }
}

/// A process answered the question of that number, soon or late.
fn answered(pid: u32, number: u64, heard: Heard) {
    // Without slots nobody asked.
    let _ = slots(|slots| slots.hear(pid, number, heard));
    ANSWERED.notify_all();
}

/// Waits until each instance answered a question that was asked after a look of that number began, or was patiently
/// waited for.
fn listen_to(number: u64, instances: &[Instance]) {
    let mut slots = held();
    while let Some(Ok(known)) = slots.as_mut() {
        let waits = instances.iter().map(|instance| known.wait_for(number, instance));
        let longest = waits.max().unwrap_or_default();
        if longest.is_zero() {
            return;
        }
        slots = ANSWERED.wait_timeout(slots, longest).unwrap_or_else(PoisonError::into_inner).0;
    }
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

fn held() -> MutexGuard<'static, Option<Result<Slots, String>>> {
    SLOTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The slots, which stay as they are meanwhile.
fn slots<T>(with: impl FnOnce(&mut Slots) -> T) -> Result<T> {
    match held().get_or_insert_with(Slots::read) {
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
        let (number, configured, looks) =
            slots(|slots| (slots.next(), slots.configured.clone(), slots.running.is_some()))?;
        configured.iter().for_each(|slot| slot.look());
        let instances =
            if looks { running::instances().map_err(ukey_device::Error::from)? } else { Vec::new() };
        listen_to(number, &instances);
        if let Some(all) = slots(|slots| slots.take(number, &instances).then(|| slots.known()))? {
            return Ok(all);
        }
    }
}

/// Whether slots can come and go.
pub(crate) fn come_and_go() -> Result<bool> {
    slots(|slots| slots.running.is_some())
}

/// Whether a process with tokens says nothing: nothing tells of those who end so.
pub(crate) fn is_any_silent() -> bool {
    slots(|slots| slots.asked.values().any(Asked::is_silent)).unwrap_or_default()
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
