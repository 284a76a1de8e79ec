//! Memory that keeps the rules of NOR flash, and lasts where its emulator keeps it in a file.

use super::{Chip, PAGE};
use crate::register::Window;

/// A window of memory used as a chip.
#[derive(Debug)]
pub struct Memory(pub Window);

impl Chip for Memory {
    fn read(&mut self, address: u32, bytes: &mut [u8]) {
        for (offset, byte) in (address as usize..).zip(bytes) {
            *byte = self.0.read(offset);
        }
    }

    fn program(&mut self, address: u32, bytes: &[u8]) {
        for (offset, byte) in (address as usize..).zip(bytes) {
            self.0.write(offset, self.0.read(offset) & byte);
        }
    }

    fn erase(&mut self, page: u32) {
        for offset in page..page + PAGE {
            self.0.write(offset as usize, 0xFF);
        }
    }
}
