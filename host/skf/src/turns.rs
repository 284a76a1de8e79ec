//! Who may use a device: every handle, or the one that took it (SKF_LockDev).
//!
//! Guarantees: a device that was taken is used by no other handle, also not by a command that began before; takings are
//! counted, and only the handle that took can give back. This is the gate of every function that names a device or
//! something in it: nothing of another handle reaches the key meanwhile.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Another handle of this process has the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Taken;

/// The turns of a device's handles, which are told apart by a number.
#[derive(Default)]
pub(crate) struct Turns {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    /// The handle that has the device, and how often it took it.
    holder: Option<(u64, u32)>,
    /// Functions that are at work, by handle.
    at_work: BTreeMap<u64, usize>,
}

impl State {
    fn is_taken_from(&self, handle: u64) -> bool {
        self.holder.is_some_and(|(holder, _)| holder != handle)
    }

    fn others_work(&self, handle: u64) -> bool {
        self.at_work.keys().any(|other| *other != handle)
    }
}

impl Turns {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A function of a handle begins.
    pub(crate) fn begin(&self, handle: u64) -> Result<(), Taken> {
        let mut state = self.state();
        if state.is_taken_from(handle) {
            return Err(Taken);
        }
        *state.at_work.entry(handle).or_default() += 1;
        Ok(())
    }

    /// It has ended.
    pub(crate) fn end(&self, handle: u64) {
        let mut state = self.state();
        if let Some(count) = state.at_work.get_mut(&handle) {
            *count -= 1;
            if *count == 0 {
                state.at_work.remove(&handle);
                self.freed.notify_all();
            }
        }
    }

    /// Takes the device for a handle, once more; waits so long for others. Whether it was the first time.
    pub(crate) fn take(&self, handle: u64, wait: Duration) -> Result<bool, Taken> {
        let state = self.state();
        let busy = |state: &mut State| state.is_taken_from(handle) || state.others_work(handle);
        let waited = self.freed.wait_timeout_while(state, wait, busy);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if busy(&mut state) {
            return Err(Taken);
        }
        let times = state.holder.map_or(0, |(_, times)| times);
        state.holder = Some((handle, times + 1));
        Ok(times == 0)
    }

    /// Gives one taking back. Whether it was the last; nothing happens where nobody took it.
    pub(crate) fn give_back(&self, handle: u64) -> Result<bool, Taken> {
        let mut state = self.state();
        match state.holder {
            None => Ok(false),
            Some((holder, _)) if holder != handle => Err(Taken),
            Some((_, times)) => {
                state.holder = (times > 1).then_some((handle, times - 1));
                self.freed.notify_all();
                Ok(times <= 1)
            }
        }
    }

    /// Gives back all that a handle took. Whether it was anything.
    pub(crate) fn let_go(&self, handle: u64) -> bool {
        let mut state = self.state();
        let is_holder = state.holder.is_some_and(|(holder, _)| holder == handle);
        if is_holder {
            state.holder = None;
            self.freed.notify_all();
        }
        is_holder
    }

    /// The key lost its power: nobody has it any longer.
    pub(crate) fn reset(&self) {
        self.state().holder = None;
        self.freed.notify_all();
    }

    /// Waits until nobody is at work.
    pub(crate) fn wait_for_all(&self) {
        let waited = self.freed.wait_while(self.state(), |state| !state.at_work.is_empty());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether anyone has the device, or is at work.
    pub(crate) fn is_used(&self) -> bool {
        let state = self.state();
        state.holder.is_some() || !state.at_work.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn what_one_took_only_that_one_gives_back_and_as_often() {
        let turns = Turns::default();
        assert_eq!((turns.take(1, NOW), turns.take(1, NOW)), (Ok(true), Ok(false)));
        assert_eq!(
            (turns.begin(2), turns.take(2, NOW), turns.give_back(2)),
            (Err(Taken), Err(Taken), Err(Taken))
        );
        assert_eq!((turns.begin(1), turns.give_back(1), turns.begin(2)), (Ok(()), Ok(false), Err(Taken)));
        assert_eq!((turns.give_back(1), turns.give_back(1)), (Ok(true), Ok(false)));
        turns.end(1);
        assert_eq!(turns.begin(2), Ok(()));
    }

    #[test]
    fn a_command_under_way_is_waited_for() {
        let turns = Turns::default();
        assert_eq!(turns.begin(2), Ok(()));
        assert_eq!(turns.take(1, NOW), Err(Taken));
        std::thread::scope(|scope| {
            let taking = scope.spawn(|| turns.take(1, Duration::MAX));
            turns.end(2);
            assert_eq!(taking.join().unwrap(), Ok(true));
        });
        assert!(turns.let_go(1) && !turns.let_go(1) && !turns.is_used());
    }

    #[test]
    fn who_waits_for_all_waits_for_each() {
        let turns = Turns::default();
        turns.wait_for_all();
        assert_eq!((turns.begin(1), turns.begin(1), turns.begin(2)), (Ok(()), Ok(()), Ok(())));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                turns.wait_for_all();
                turns.is_used()
            });
            turns.end(1);
            turns.end(2);
            assert!(!waiting.is_finished(), "one of them is at work still");
            turns.end(1);
            assert!(!waiting.join().unwrap());
        });
    }

    #[test]
    fn power_that_goes_frees_the_device() {
        let turns = Turns::default();
        assert_eq!(turns.take(1, NOW), Ok(true));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| turns.take(2, Duration::MAX));
            turns.reset();
            assert_eq!(waiting.join().unwrap(), Ok(true));
        });
        assert_eq!(turns.give_back(1), Err(Taken));
    }
}
