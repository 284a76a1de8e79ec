//! `qemu:BOARD`: the token as a Cortex-M image. Without QEMU or the image it is skipped with a word on what brings them;
//! with `CI=true` it fails.

use ukey_device::{Board, Device, Emulator, Hand, Result};

use super::{Second, Skipped, Way};
use crate::common::seeded;

/// A factory-new token on a board.
pub(crate) fn board() -> Result<Box<dyn Way>, Skipped> {
    let board = Board::Mps2An386;
    if let Err(error) = board.check() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{error}");
        let error = ukey_device::Error::from(error);
        return Err(Skipped(format!("{error}; {}", error.help().unwrap_or_default())));
    }
    Ok(Box::new(OnABoard(Emulator::start(board, None, &seeded(1)).unwrap())))
}

struct OnABoard(Emulator);

impl Way for OnABoard {
    fn connect(&self) -> Result<Device> {
        Device::connect(&self.0)
    }

    fn second(&self) -> Second {
        Second::Refused
    }

    /// It is in this process.
    fn holder(&self) -> Option<String> {
        None
    }

    fn restart(&self) -> Result<(), Skipped> {
        self.0.unplug();
        self.0.plug_in().unwrap();
        Ok(())
    }
}
