//! A key in use: the one device that all handles of this process share, and what they have to agree on.
//!
//! One device, because commands that belong together (a challenge and its answer) stay together in it, and because many
//! ways to a key are one program's: a second connection would be refused, or would take the rights of the first.

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
    /// How often it got power again; what was connected before is dead.
    power: AtomicU64,
    open: Mutex<Open>,
    authentication: Mutex<Authentication>,
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
        *self.open() = Open::default();
        *self.authentication() = Authentication::default();
        self.turns.reset();
    }

    /// What is open.
    pub(crate) fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of the device authentication.
    pub(crate) fn authentication(&self) -> MutexGuard<'_, Authentication> {
        self.authentication.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the key is still there and has power. One that is being used is not asked: it is told soon enough.
    pub(crate) fn has_power(&self) -> bool {
        match self.device.simulator() {
            Some(simulator) => simulator.is_plugged_in(),
            None => self.turns.is_used() || self.device.info().is_ok(),
        }
    }
}
