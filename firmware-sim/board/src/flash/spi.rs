//! An SPI NOR chip of the SST25 family behind an Aspeed flash controller (FMC) in user mode: whatever is written to the
//! window goes out, whatever is read from it comes in, while the chip is selected.
//!
//! Such a chip programs one byte at a time, and comes out of a loss of power with all its blocks protected.

use super::Chip;
use crate::register::{Register, Window};

const WRITE_STATUS: u8 = 0x01;
const PROGRAM_BYTE: u8 = 0x02;
const READ: u8 = 0x03;
const READ_STATUS: u8 = 0x05;
const WRITE_ENABLE: u8 = 0x06;
const ERASE_4K: u8 = 0x20;
/// Status: an operation is under way.
const BUSY: u8 = 1;

/// The chip at the first chip select.
#[derive(Debug)]
pub struct Spi {
    control: Register,
    window: Window,
}

impl Spi {
    /// Control: user mode, and the chip not selected.
    const USER_MODE: u32 = 0b011;
    const NOT_SELECTED: u32 = 0b100;
    /// Configuration: the chip may be written.
    const WRITABLE: u32 = 1 << 16;

    /// The controller whose registers begin here, and the window of its first chip.
    #[must_use]
    pub fn new(controller: Register, window: Window) -> Self {
        controller.modify(|configuration| configuration | Self::WRITABLE);
        let control = controller.offset(0x10);
        control.write(Self::USER_MODE | Self::NOT_SELECTED);
        let mut chip = Self { control, window };
        chip.change(&[WRITE_STATUS, 0]);
        chip
    }

    /// Sends a command while the chip is selected, and takes what comes back.
    fn command(&mut self, out: &[u8], back: &mut [u8]) {
        self.control.write(Self::USER_MODE);
        out.iter().for_each(|&byte| self.window.write(0, byte));
        back.iter_mut().for_each(|byte| *byte = self.window.read(0));
        self.control.write(Self::USER_MODE | Self::NOT_SELECTED);
    }

    /// Sends a command that changes something, and waits until it is done.
    fn change(&mut self, command: &[u8]) {
        self.command(&[WRITE_ENABLE], &mut []);
        self.command(command, &mut []);
        let mut status = [BUSY];
        while status[0] & BUSY != 0 {
            self.command(&[READ_STATUS], &mut status);
        }
    }
}

fn addressed(command: u8, address: u32) -> [u8; 4] {
    let [_, high, middle, low] = address.to_be_bytes();
    [command, high, middle, low]
}

impl Chip for Spi {
    fn read(&mut self, address: u32, bytes: &mut [u8]) {
        self.command(&addressed(READ, address), bytes);
    }

    fn program(&mut self, address: u32, bytes: &[u8]) {
        for (address, &byte) in (address..).zip(bytes) {
            // A byte of ones changes nothing.
            if byte != 0xFF {
                let [command, high, middle, low] = addressed(PROGRAM_BYTE, address);
                self.change(&[command, high, middle, low, byte]);
            }
        }
    }

    fn erase(&mut self, page: u32) {
        self.change(&addressed(ERASE_4K, page));
    }
}
