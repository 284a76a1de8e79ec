//! Keys that come and go. Whoever waits sleeps until one does, or until the wait is cancelled.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use crate::abi::types::ULONG;

/// A key came or went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Event {
    /// The device's name.
    pub(crate) name: String,
    /// What happened: [`EVENT_INSERTED`](crate::abi::types::EVENT_INSERTED) or
    /// [`EVENT_REMOVED`](crate::abi::types::EVENT_REMOVED).
    pub(crate) kind: ULONG,
}

/// Events that are kept for the next wait, at most.
const KEPT: usize = 64;

/// Where keys come and go outside of this process.
pub(crate) trait Outside {
    /// It is readable when there is something to look at.
    fn bell(&self) -> BorrowedFd<'_>;

    /// Looks, and tells what has [happened](Events::happened). Answers how soon to look again though nothing rings.
    fn look(&mut self) -> Option<Duration>;
}

/// What happened so far.
pub(crate) struct Events {
    state: Mutex<State>,
}

struct State {
    /// The last events.
    kept: VecDeque<Event>,
    /// Events so far.
    count: u64,
    /// Those that a wait has told; `None` while nobody listens.
    told: Option<u64>,
    /// Waits cancelled so far.
    cancelled: u64,
    /// One for each wait: a byte wakes it.
    bells: Vec<Arc<UnixStream>>,
}

impl State {
    fn ring(&self) {
        for bell in &self.bells {
            // A bell that is full has rung.
            let _ = (&**bell).write(&[0]);
        }
    }
}

impl Events {
    /// None so far.
    pub(crate) const fn new() -> Events {
        let state = State { kept: VecDeque::new(), count: 0, told: None, cancelled: 0, bells: Vec::new() };
        Events { state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nothing is lost between two waits; before the first of either, nobody listens.
    pub(crate) fn listen(&self) {
        let mut state = self.state();
        let count = state.count;
        state.told.get_or_insert(count);
    }

    /// Tells those who wait; the next wait where nobody does.
    pub(crate) fn happened(&self, event: Event) {
        let mut state = self.state();
        state.kept.push_back(event);
        state.count += 1;
        if state.kept.len() > KEPT {
            state.kept.pop_front();
        }
        state.ring();
    }

    /// Ends every wait that is under way.
    pub(crate) fn cancel(&self) {
        let mut state = self.state();
        state.cancelled += 1;
        state.ring();
    }

    /// Waits for the next event, and hands it to `take`; what `take` refuses is told again by the next wait. Answers
    /// `None` where it was cancelled.
    ///
    /// # Errors
    /// Of the system.
    pub(crate) fn wait<T, E>(
        &self,
        mut outside: Option<&mut dyn Outside>,
        take: impl FnOnce(&Event) -> Result<T, E>,
    ) -> io::Result<Option<Result<T, E>>> {
        let (waits, rings) = UnixStream::pair()?;
        rings.set_nonblocking(true)?;
        let rings = Arc::new(rings);
        let (next, cancelled) = {
            let mut state = self.state();
            let count = state.count;
            state.bells.push(Arc::clone(&rings));
            (*state.told.get_or_insert(count), state.cancelled)
        };
        let slept = self.sleep(&waits, &mut outside, next, cancelled);
        let mut state = self.state();
        state.bells.retain(|bell| !Arc::ptr_eq(bell, &rings));
        slept?;
        if state.count == next {
            return Ok(None);
        }
        // The oldest that was not told; some may be lost where nobody waited for long.
        let first = state.count.saturating_sub(state.kept.len() as u64);
        let next = next.max(first);
        let event = state.kept.get(usize::try_from(next - first).unwrap_or_default()).cloned();
        let Some(taken) = event.map(|event| take(&event)) else { return Ok(None) };
        if taken.is_ok() {
            state.told = Some(state.told.unwrap_or_default().max(next + 1));
        }
        Ok(Some(taken))
    }

    /// Sleeps until there is an event behind the `next`, or another wait was cancelled.
    fn sleep(
        &self,
        bell: &UnixStream,
        outside: &mut Option<&mut dyn Outside>,
        next: u64,
        cancelled: u64,
    ) -> io::Result<()> {
        loop {
            // It is looked before anybody sleeps, so nothing is missed that came before the bell was hung up.
            let again = outside.as_mut().and_then(|outside| outside.look());
            let state = self.state();
            if state.count != next || state.cancelled != cancelled {
                return Ok(());
            }
            drop(state);
            let mut bells = vec![PollFd::new(bell, PollFlags::IN)];
            bells.extend(
                outside.as_ref().map(|outside| PollFd::from_borrowed_fd(outside.bell(), PollFlags::IN)),
            );
            let limit = again.and_then(|again| again.try_into().ok());
            match poll(&mut bells, limit.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The running tokens of this machine, where they are devices.
///
/// # Errors
/// What is wrong with the configuration; those of [`Instances::new`].
#[cfg(target_os = "linux")]
pub(crate) fn instances() -> crate::sar::Result<Option<Instances>> {
    let come_and_go = crate::slots::come_and_go()?;
    Ok(come_and_go.then(Instances::new).transpose().map_err(ukey_device::Error::from)?)
}

/// Nothing but inotify tells of them.
#[cfg(not(target_os = "linux"))]
pub(crate) fn instances() -> crate::sar::Result<Option<Instances>> {
    Ok(None)
}

#[cfg(not(target_os = "linux"))]
pub(crate) enum Instances {}

#[cfg(not(target_os = "linux"))]
impl Outside for Instances {
    fn bell(&self) -> BorrowedFd<'_> {
        match *self {}
    }

    fn look(&mut self) -> Option<Duration> {
        match *self {}
    }
}

/// Their news.
#[cfg(target_os = "linux")]
pub(crate) struct Instances {
    watch: ukey_device::running::Watch,
    /// When to look again.
    pauses: std::slice::Iter<'static, u64>,
}

/// Milliseconds after news in which it is looked again: a process that died is listed until the system has let go of
/// its files, and nothing tells of that. Nor does anything tell when a process that was stopped goes on.
#[cfg(target_os = "linux")]
const PAUSES: [u64; 3] = [10, 100, LONGEST_PAUSE];
#[cfg(target_os = "linux")]
const LONGEST_PAUSE: u64 = 1000;

#[cfg(target_os = "linux")]
impl Instances {
    /// From now on.
    ///
    /// # Errors
    /// Those of [`Watch::new`](ukey_device::running::Watch::new).
    pub(crate) fn new() -> Result<Instances, ukey_device::LinkError> {
        let watch = ukey_device::running::Watch::new(&ukey_device::running::Registry::of_this_user())?;
        Ok(Instances { watch, pauses: [].iter() })
    }
}

#[cfg(target_os = "linux")]
impl Outside for Instances {
    fn bell(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }

    fn look(&mut self) -> Option<Duration> {
        if self.watch.has_news() {
            self.pauses = PAUSES.iter();
        }
        // What cannot be looked at tells nothing; SKF_EnumDev says why.
        let _ = crate::slots::all();
        let pause = self.pauses.next();
        let pause = pause.or_else(|| crate::slots::is_any_silent().then_some(&LONGEST_PAUSE));
        pause.map(|pause| Duration::from_millis(*pause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, kind: ULONG) -> Event {
        Event { name: name.to_owned(), kind }
    }

    fn take(event: &Event) -> Result<Event, ()> {
        Ok(event.clone())
    }

    #[test]
    fn everyone_who_waits_is_told() {
        let events = Events::new();
        std::thread::scope(|scope| {
            let waiting: Vec<_> = (0..3).map(|_| scope.spawn(|| events.wait(None, take).unwrap())).collect();
            // Told again and again until each of them is, for they may begin to wait late.
            while waiting.iter().any(|thread| !thread.is_finished()) {
                events.happened(event("A", 1));
                std::thread::yield_now();
            }
            for thread in waiting {
                assert_eq!(thread.join().unwrap(), Some(Ok(event("A", 1))));
            }
        });
    }

    #[test]
    fn what_came_between_two_waits_is_told_in_order_and_what_is_refused_again() {
        let events = Events::new();
        events.happened(event("before", 1));
        events.listen();
        for name in ["A", "B"] {
            events.happened(event(name, 2));
        }
        assert_eq!(events.wait(None, |_| Err::<(), _>("too small")).unwrap(), Some(Err("too small")));
        assert_eq!(events.wait(None, take).unwrap(), Some(Ok(event("A", 2))));
        assert_eq!(events.wait(None, take).unwrap(), Some(Ok(event("B", 2))));
    }

    #[test]
    fn a_wait_can_be_cancelled() {
        let events = Events::new();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| events.wait(None, take).unwrap());
            while !waiting.is_finished() {
                events.cancel();
                std::thread::yield_now();
            }
            assert_eq!(waiting.join().unwrap(), None);
        });
    }
}
