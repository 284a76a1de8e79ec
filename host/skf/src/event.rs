//! Keys that come and go. Whoever waits sleeps until one does, or until the wait is cancelled.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

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

/// What happened so far.
pub(crate) struct Events {
    state: Mutex<State>,
    bell: Condvar,
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
}

impl Events {
    /// None so far.
    pub(crate) const fn new() -> Events {
        let state = State { kept: VecDeque::new(), count: 0, told: None, cancelled: 0 };
        Events { state: Mutex::new(state), bell: Condvar::new() }
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
        self.bell.notify_all();
    }

    /// Ends every wait that is under way.
    pub(crate) fn cancel(&self) {
        self.state().cancelled += 1;
        self.bell.notify_all();
    }

    /// Waits for the next event, and hands it to `take`; what `take` refuses is told again by the next wait. Answers
    /// `None` where it was cancelled.
    pub(crate) fn wait<T, E>(&self, take: impl FnOnce(&Event) -> Result<T, E>) -> Option<Result<T, E>> {
        let mut state = self.state();
        let count = state.count;
        let next = *state.told.get_or_insert(count);
        let cancelled = state.cancelled;
        let asleep = |state: &mut State| state.count == next && state.cancelled == cancelled;
        let mut state = self.bell.wait_while(state, asleep).unwrap_or_else(PoisonError::into_inner);
        if state.count == next {
            return None;
        }
        // The oldest that was not told; some may be lost where nobody waited for long.
        let first = state.count.saturating_sub(state.kept.len() as u64);
        let next = next.max(first);
        let event = state.kept.get(usize::try_from(next - first).unwrap_or_default())?.clone();
        let taken = take(&event);
        if taken.is_ok() {
            state.told = Some(state.told.unwrap_or_default().max(next + 1));
        }
        Some(taken)
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
            let waiting: Vec<_> = (0..3).map(|_| scope.spawn(|| events.wait(take))).collect();
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
        assert_eq!(events.wait(|_| Err::<(), _>("too small")), Some(Err("too small")));
        assert_eq!(events.wait(take), Some(Ok(event("A", 2))));
        assert_eq!(events.wait(take), Some(Ok(event("B", 2))));
    }

    #[test]
    fn a_wait_can_be_cancelled() {
        let events = Events::new();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| events.wait(take));
            while !waiting.is_finished() {
                events.cancel();
                std::thread::yield_now();
            }
            assert_eq!(waiting.join().unwrap(), None);
        });
    }
}
