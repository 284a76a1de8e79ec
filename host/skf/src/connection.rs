//! A connected device. The key in it may be held by another process for now: then every command says so, and
//! SKF_LockDev waits for it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ukey_device::Device;

use crate::sar::{Failure, Result, Sar};
use crate::slot::{Live, Slot};

/// What a device handle stands for.
pub(crate) struct Connection {
    pub(crate) slot: Arc<Slot>,
    live: OnceLock<Live>,
    /// One thread at a time makes it live.
    turn: Mutex<()>,
}

impl Connection {
    /// Connects to the key of a slot. One that another process holds counts as connected.
    pub(crate) fn new(slot: Arc<Slot>) -> Result<Connection> {
        let connection = Connection { slot, live: OnceLock::new(), turn: Mutex::default() };
        match connection.try_device() {
            Err(error) if !error.is_busy() => Err(error.into()),
            _ => Ok(connection),
        }
    }

    /// The device.
    pub(crate) fn device(&self) -> Result<&Device> {
        Ok(self.try_device()?)
    }

    fn try_device(&self) -> Result<&Device, ukey_device::Error> {
        self.live_by(|slot| slot.connect())
    }

    fn live_by(
        &self,
        connect: impl FnOnce(&Slot) -> Result<Live, ukey_device::Error>,
    ) -> Result<&Device, ukey_device::Error> {
        if let Some(live) = self.live.get() {
            return Ok(&live.device);
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let live = match self.live.get() {
            Some(live) => live,
            None => {
                let live = connect(&self.slot)?;
                self.live.get_or_init(|| live)
            }
        };
        Ok(&live.device)
    }

    /// Takes the token for this handle alone; waits so long for others, in this process and beside it.
    pub(crate) fn lock(&self, wait: Duration) -> Result {
        let end = Instant::now().checked_add(wait);
        let left = || end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        loop {
            let device = self.live_by(|slot| slot.connect_alone(left()));
            let Err(error) = device.and_then(|device| device.lock(left())) else { return Ok(()) };
            if !error.is_busy() {
                return Err(self.failed(error));
            }
            if left().is_zero() {
                return Err(Failure { sar: Sar::TIMEOUTERR, ..self.failed(error) });
            }
            self.slot.wait_for_others(left());
        }
    }

    /// What came of a command.
    pub(crate) fn did<T>(&self, result: ukey_device::Result<T>) -> Result<T> {
        result.map_err(|error| self.failed(error))
    }

    /// What a failed command means; one that found the key gone tells those who wait for that.
    pub(crate) fn failed(&self, error: ukey_device::Error) -> Failure {
        if error.is_removed() {
            self.slot.found_gone();
        }
        error.into()
    }
}
