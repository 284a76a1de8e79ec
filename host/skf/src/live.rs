//! A key in use: the one device that all handles of this process share, and what they have to agree on.
//!
//! One device, because commands that belong together (a challenge and its answer) stay together in it, and because many
//! ways to a key are one program's: a second connection would be refused, or would take the rights of the first.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ukey_device::{Device, DeviceKey};
use zeroize::Zeroizing;

use crate::open::Open;
use crate::turns::Turns;

/// A key in use.
pub(crate) struct Live {
    pub(crate) device: Device,
    pub(crate) turns: Turns,
    /// How often it lost its power; what was connected before is dead.
    power: AtomicU64,
    open: Mutex<OfPower<Open>>,
    authentication: Mutex<OfPower<Authentication>>,
}

/// What is forgotten with the power that it was learnt in.
#[derive(Default)]
struct OfPower<T> {
    power: u64,
    known: T,
}

/// What is known in the power of now.
pub(crate) struct Known<'l, T>(MutexGuard<'l, OfPower<T>>);

impl<T> Deref for Known<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.known
    }
}

impl<T> DerefMut for Known<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0.known
    }
}

/// What is known of the device authentication: SKF_ChangeDevAuthKey names the new key only.
#[derive(Default)]
pub(crate) struct Authentication {
    /// What the token will compare with: the front of the last random that was handed out.
    pub(crate) challenge: Zeroizing<[u8; 16]>,
    /// A handle of this process proved the key.
    pub(crate) is_proved: bool,
    /// The key that was proved, where the library knows it.
    pub(crate) key: Option<DeviceKey>,
}

impl Live {
    pub(crate) fn new(device: Device) -> Live {
        Live {
            device,
            turns: Turns::default(),
            power: AtomicU64::new(0),
            open: Mutex::default(),
            authentication: Mutex::default(),
        }
    }

    /// The number of its power: a handle of another number is dead.
    pub(crate) fn power(&self) -> u64 {
        self.power.load(Ordering::SeqCst)
    }

    /// It lost its power: nothing is open, proved or taken any longer, and every handle is dead.
    pub(crate) fn lost_power(&self) {
        self.power.fetch_add(1, Ordering::SeqCst);
        self.turns.reset();
    }

    /// It has no power any longer, and may get it again, or another key in its place: nothing that began before is under
    /// way when this returns.
    pub(crate) fn ends(&self) {
        self.lost_power();
        self.turns.wait_for_all();
    }

    fn known<'l, T: Default>(&self, of_power: &'l Mutex<OfPower<T>>) -> Known<'l, T> {
        let mut guard = of_power.lock().unwrap_or_else(PoisonError::into_inner);
        let power = self.power();
        if guard.power != power {
            *guard = OfPower { power, known: T::default() };
        }
        Known(guard)
    }

    /// What is open.
    pub(crate) fn open(&self) -> Known<'_, Open> {
        self.known(&self.open)
    }

    /// What is known of the device authentication.
    pub(crate) fn authentication(&self) -> Known<'_, Authentication> {
        self.known(&self.authentication)
    }

    /// Whether the key is still there and has power. One that is being used is not asked: its user is told soon enough.
    pub(crate) fn has_power(&self) -> bool {
        match self.device.simulator() {
            Some(simulator) => simulator.is_plugged_in(),
            None => self.turns.is_used() || self.device.info().map_or_else(|error| error.is_busy(), |_| true),
        }
    }
}
