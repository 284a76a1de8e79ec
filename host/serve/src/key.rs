//! The key that is served. Clones are the same key.
//!
//! Guarantees: one [`Hold`] at a time, and a program in this process that has the key for itself
//! ([`Link::lock`]) is respected; whoever watches is woken when the key is plugged in, pulled, or served no longer.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, PipeReader, PipeWriter};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ukey_apdu::{Apdu, Ins};
use ukey_device::running::control::{self, State};
use ukey_device::{Hand, Link, LinkError, Place, Simulator};

/// How long a client that has ended may go unnoticed. One that follows it at once is not refused for that.
const ENDING: Duration = Duration::from_millis(500);

/// A simulated key that clients reach from outside.
#[derive(Clone)]
pub struct Key(Arc<Shared>);

struct Shared {
    simulator: Simulator,
    service: Mutex<Service>,
    /// Rung when the key may be free for another client, and when a reader took it or did not.
    changed: Condvar,
    refused_frames: AtomicU64,
}

/// Who is served.
#[derive(Default)]
struct Service {
    /// Which hold it is, and its client in words.
    holder: Option<(u64, String)>,
    /// Whoever waits for a change: closing the pipe wakes them.
    watchers: BTreeMap<u64, PipeWriter>,
    /// Number of the next hold or watch.
    next: u64,
    /// How often the key was pulled.
    pulls: u64,
    stopped: bool,
    /// The readers that it is to be in, by the address of their vpcd.
    readers: BTreeMap<SocketAddr, Insertion>,
    /// The name in the last OpenApplication.
    asked_for: Vec<u8>,
}

/// Whether a reader has the key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Insertion {
    /// It was put there, and the reader has not given it power yet.
    Looking,
    /// The reader gave it power.
    In,
    /// Why not.
    Out(String),
}

impl Insertion {
    /// Why the reader does not have it.
    fn problem(&self) -> Option<&str> {
        match self {
            Insertion::Looking => Some("the reader has not looked at the card yet; it may have another one"),
            Insertion::In => None,
            Insertion::Out(why) => Some(why),
        }
    }
}

impl Service {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// What was held has no power any more.
    fn pulled(&mut self) {
        self.pulls += 1;
        self.holder = None;
        self.watchers.clear();
    }
}

/// Why a client is not served.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Another one is: it is named in words.
    Busy(String),
    /// The key is not plugged in, or not served any more.
    Unplugged,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("simulator", &self.0.simulator).finish_non_exhaustive()
    }
}

impl Key {
    /// A key that nobody is served yet.
    #[must_use]
    pub fn new(simulator: Simulator) -> Key {
        let (service, changed, refused_frames) = (Mutex::default(), Condvar::new(), AtomicU64::new(0));
        Key(Arc::new(Shared { simulator, service, changed, refused_frames }))
    }

    /// The token itself. Pull it by the key, not here: clients would notice with their next command only.
    #[must_use]
    pub fn simulator(&self) -> &Simulator {
        &self.0.simulator
    }

    /// A lock that a panic left is as good as any: each change is whole.
    fn service(&self) -> MutexGuard<'_, Service> {
        self.0.service.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service, once nobody has the key. Waits a moment for a client that has ended and was not noticed yet.
    fn free(&self) -> Result<MutexGuard<'_, Service>, Refusal> {
        let held = |service: &mut Service| service.holder.is_some() && !service.stopped;
        let waited = self.0.changed.wait_timeout_while(self.service(), ENDING, held);
        let (service, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if service.stopped || !self.0.simulator.is_plugged_in() {
            return Err(Refusal::Unplugged);
        }
        match &service.holder {
            Some((_, holder)) => Err(Refusal::Busy(holder.clone())),
            None => Ok(service),
        }
    }

    /// Why a client that has not said anything yet need not begin: what [`Key::hold`] would say of other clients.
    pub(crate) fn refusal(&self) -> Result<(), Refusal> {
        self.free().map(drop)
    }

    /// Takes the key for a client, which is named in words. The token keeps the power that it has: [`Hold::power_on`].
    /// Waits a moment for a client that has ended and was not noticed yet.
    ///
    /// # Errors
    /// Why not.
    pub fn hold(&self, client: &str) -> Result<Hold, Refusal> {
        let mut service = self.free()?;
        let mut link = self.0.simulator.link().map_err(|_| Refusal::Unplugged)?;
        match link.lock(Duration::ZERO) {
            Ok(()) => {}
            Err(LinkError::Busy { .. }) => {
                return Err(Refusal::Busy(format!("process {}", std::process::id())));
            }
            Err(_) => return Err(Refusal::Unplugged),
        }
        let number = service.number();
        service.holder = Some((number, client.to_owned()));
        Ok(Hold { key: self.clone(), number, pulls: service.pulls, link })
    }

    /// Wakes its owner when the key is plugged in, pulled or served no longer, from now on and once.
    ///
    /// # Errors
    /// Of the system: no more pipes.
    pub fn watch(&self) -> io::Result<Watch> {
        let (reader, writer) = io::pipe()?;
        let mut service = self.service();
        let number = service.number();
        // Who watches what is stopped is woken at once.
        if !service.stopped {
            service.watchers.insert(number, writer);
        }
        Ok(Watch { key: self.clone(), number, reader })
    }

    /// Whether it is served no longer.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.service().stopped
    }

    /// Serves nobody any more, and wakes everybody who waits. The token keeps its power.
    pub fn stop(&self) {
        let mut service = self.service();
        service.stopped = true;
        service.pulled();
        self.0.changed.notify_all();
    }

    /// How often it was pulled, or that it is served no longer: whoever noted another number lost it since.
    pub(crate) fn pulls(&self) -> u64 {
        self.service().pulls
    }

    /// Counts a frame that was not taken.
    pub(crate) fn count_refused_frame(&self) {
        self.0.refused_frames.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes whether the reader with that vpcd has it; gives what was noted before.
    pub(crate) fn note_reader(&self, vpcd: SocketAddr, insertion: Insertion) -> Option<Insertion> {
        let before = self.service().readers.insert(vpcd, insertion);
        self.0.changed.notify_all();
        before
    }

    /// Whether the reader with that vpcd has it.
    pub(crate) fn reader(&self, vpcd: SocketAddr) -> Option<Insertion> {
        self.service().readers.get(&vpcd).cloned()
    }

    /// Waits until each reader of these keys took its key, or is known not to have it, and no longer than this; not for
    /// keys that are stopped.
    pub(crate) fn wait_for_readers(keys: &[Key], limit: Duration) {
        let until = Instant::now() + limit;
        let looking = |service: &mut Service| {
            !service.stopped && service.readers.values().any(|reader| *reader == Insertion::Looking)
        };
        for key in keys {
            let left = until.saturating_duration_since(Instant::now());
            let waited = key.0.changed.wait_timeout_while(key.service(), left, looking);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Whether its last OpenApplication was for the application of this name: who sent it has this very key.
    pub(crate) fn heard(&self, application: &str) -> bool {
        self.service().asked_for == application.as_bytes()
    }

    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> State {
        let service = self.service();
        let readers = service.readers.iter().map(|(vpcd, insertion)| control::Insertion {
            reader: vpcd.to_string(),
            problem: insertion.problem().map(str::to_owned),
        });
        State {
            serial_number: self.0.simulator.serial_number(),
            plugged_in: self.0.simulator.is_plugged_in(),
            holder: service.holder.as_ref().map(|(_, holder)| holder.clone()),
            refused_frames: self.0.refused_frames.load(Ordering::Relaxed),
            readers: readers.collect(),
        }
    }
}

impl Hand for Key {
    fn unplug(&self) {
        self.0.simulator.unplug();
        self.service().pulled();
        self.0.changed.notify_all();
    }

    fn unplug_after(&self, exchanges: u64) {
        self.0.simulator.unplug_after(exchanges);
    }

    fn plug_in(&self) -> Result<(), LinkError> {
        self.0.simulator.plug_in()?;
        self.service().watchers.clear();
        Ok(())
    }
}

/// The key is one client's, until this is dropped or the key is pulled.
pub struct Hold {
    key: Key,
    number: u64,
    /// How often the key had been pulled.
    pulls: u64,
    link: Box<dyn Link>,
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Hold {
    /// Whether the key was neither pulled nor stopped since.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.key.pulls() == self.pulls
    }

    /// Takes the token's power, if it has any, and gives it back.
    ///
    /// # Errors
    /// [`LinkError::Removed`] once it was pulled; [`LinkError::NoStart`]; [`LinkError::Io`] of its file.
    pub fn power_on(&mut self) -> Result<(), LinkError> {
        if !self.is_alive() {
            return Err(LinkError::Removed);
        }
        // The lock goes with the power.
        self.link.reset().and_then(|()| self.link.lock(Duration::ZERO))
    }

    /// Carries one envelope out.
    ///
    /// # Errors
    /// [`LinkError::Removed`] once it was pulled, or lost its power inside the command; [`LinkError::Io`] of its file.
    pub fn transmit(&mut self, envelope: &[u8]) -> Result<Vec<u8>, LinkError> {
        if let Ok(apdu) = Apdu::parse(envelope)
            && apdu.ins == Ins::OpenApplication as u8
        {
            self.key.service().asked_for = apdu.data.to_vec();
        }
        let answer = self.link.transmit(envelope);
        if matches!(answer, Err(LinkError::Removed)) && self.is_alive() {
            self.key.service().pulled();
            self.key.0.changed.notify_all();
        }
        answer
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut service = self.key.service();
        if service.holder.as_ref().is_some_and(|(number, _)| *number == self.number) {
            service.holder = None;
            // Before anybody else is let in: the link goes after this.
            drop(self.link.unlock());
            self.key.0.changed.notify_all();
        }
    }
}

/// Wakes its owner: its end of a pipe hangs up when the key is plugged in, pulled or served no longer.
#[derive(Debug)]
pub struct Watch {
    key: Key,
    number: u64,
    reader: PipeReader,
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.key.service().watchers.remove(&self.number);
    }
}
