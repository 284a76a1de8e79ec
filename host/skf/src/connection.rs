//! A connected device. The key in it may be held by another process for now: then every command says so, and
//! SKF_LockDev waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ukey_device::{Device, LinkError};

use crate::live::Live;
use crate::sar::{Failure, Result, Sar};
use crate::slot::Slot;

/// How soon, and how often at least, SKF_LockDev looks again whether another process let go of a key. Nothing tells of
/// it: sockets, lines and readers say only that the key is taken. The lock of a state file could be waited for, but not
/// for a limited time, and who waited could not be told to stop; and that it was closed (inotify) is told of those who
/// merely looked too, so that two who wait would keep waking each other.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// What a device handle stands for.
pub(crate) struct Connection {
    pub(crate) slot: Arc<Slot>,
    /// Tells the handles of a device apart.
    number: u64,
    /// The key, and the number of its power.
    live: OnceLock<(Arc<Live>, u64)>,
    /// One thread at a time makes it live.
    making: Mutex<()>,
}

/// A function is at work on a device; nobody takes the device for another handle meanwhile.
pub(crate) struct Turn {
    live: Arc<Live>,
    number: u64,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.live.turns.end(self.number);
    }
}

impl Connection {
    /// Connects to the key of a slot. One that another process holds counts as connected.
    pub(crate) fn new(slot: Arc<Slot>) -> Result<Connection> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let connection = Connection { slot, number, live: OnceLock::new(), making: Mutex::default() };
        match connection.try_live() {
            Err(error) if !error.is_busy() => Err(error.into()),
            _ => Ok(connection),
        }
    }

    /// The key. Dead where it lost its power since.
    fn try_live(&self) -> Result<&Arc<Live>, ukey_device::Error> {
        let making = || self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let (live, power) = match self.live.get() {
            Some(live) => live,
            None => {
                let _making = making();
                match self.live.get() {
                    Some(live) => live,
                    None => {
                        let live = self.slot.connect()?;
                        let power = live.power();
                        self.live.get_or_init(|| (live, power))
                    }
                }
            }
        };
        if live.power() == *power { Ok(live) } else { Err(LinkError::Removed.into()) }
    }

    /// The key.
    pub(crate) fn live(&self) -> Result<&Arc<Live>> {
        Ok(self.try_live()?)
    }

    /// The device.
    pub(crate) fn device(&self) -> Result<&Device> {
        Ok(&self.live()?.device)
    }

    /// A function of this handle begins: refused while another handle has the device.
    pub(crate) fn begin(&self) -> Result<Turn> {
        let live = self.live()?;
        live.turns.begin(self.number).map_err(|_| self.taken(Sar::FAIL))?;
        let turn = Turn { live: Arc::clone(live), number: self.number };
        // The power may have ended between the two: from here on it is waited for this function before there is another.
        self.live()?;
        Ok(turn)
    }

    fn taken(&self, sar: Sar) -> Failure {
        let text =
            format!("{} is in use by another handle of this program, which locked it", self.slot.name());
        Failure { sar, text: Some(text) }
    }

    /// Takes the token for this handle alone; waits so long for others, in this process and beside it.
    pub(crate) fn lock(&self, wait: Duration) -> Result {
        let end = Instant::now().checked_add(wait);
        let left = || end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        let mut pause = FIRST_LOOK;
        loop {
            let error = match self.try_live() {
                Err(error) => error,
                Ok(live) => match live.turns.take(self.number, left()) {
                    Err(_) => return Err(self.taken(Sar::TIMEOUTERR)),
                    Ok(false) => return Ok(()),
                    Ok(true) => match live.device.lock(left()) {
                        Ok(()) => return Ok(()),
                        Err(error) => {
                            live.turns.let_go(self.number);
                            error
                        }
                    },
                },
            };
            if !error.is_busy() {
                return Err(self.failed(error));
            }
            let left = left();
            if left.is_zero() {
                return Err(Failure { sar: Sar::TIMEOUTERR, ..self.failed(error) });
            }
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Gives one taking back; nothing happens where nobody took it.
    pub(crate) fn unlock(&self) -> Result {
        let live = self.live()?;
        match live.turns.give_back(self.number) {
            Ok(true) => self.did(live.device.unlock()),
            Ok(false) => Ok(()),
            Err(_) => Err(self.taken(Sar::FAIL)),
        }
    }

    /// What came of a command.
    pub(crate) fn did<T>(&self, result: ukey_device::Result<T>) -> Result<T> {
        result.map_err(|error| self.failed(error))
    }

    /// What a failed command means; one that found the key gone tells those who wait for that.
    pub(crate) fn failed(&self, error: ukey_device::Error) -> Failure {
        if error.is_removed() && self.live.get().is_some_and(|(live, power)| live.power() == *power) {
            self.slot.found_gone();
        }
        error.into()
    }
}

/// A handle that goes gives back what it took.
impl Drop for Connection {
    fn drop(&mut self) {
        let Some((live, _)) = self.live.get() else { return };
        if live.turns.let_go(self.number) {
            // A key that is gone is nobody's.
            let _ = live.device.unlock();
        }
    }
}
