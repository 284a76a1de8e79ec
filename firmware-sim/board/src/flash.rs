//! NOR flash as the token wants it, over a chip.
//!
//! The token has the first [`STORE`] bytes of the chip; the page behind them holds the serial number.

mod memory;
mod spi;

use embedded_storage::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};

pub use memory::Memory;
pub use spi::Spi;

/// Bytes of the token's state.
pub const STORE: u32 = 512 * 1024;
/// Bytes of a page, the smallest thing that can be erased.
pub const PAGE: u32 = 4096;

/// A NOR chip: programming clears bits, erasing sets those of a page.
pub trait Chip {
    /// Reads from an address on.
    fn read(&mut self, address: u32, bytes: &mut [u8]);

    /// Clears the bits that are clear in `bytes`, from an address on.
    fn program(&mut self, address: u32, bytes: &[u8]);

    /// Sets all bits of the page that begins here.
    fn erase(&mut self, page: u32);
}

/// The token's part of a chip.
#[derive(Debug)]
pub struct Flash<C>(pub C);

impl<C> ErrorType for Flash<C> {
    type Error = NorFlashErrorKind;
}

impl<C: Chip> ReadNorFlash for Flash<C> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        check_read(self, offset, bytes.len())?;
        self.0.read(offset, bytes);
        Ok(())
    }

    fn capacity(&self) -> usize {
        STORE as usize
    }
}

impl<C: Chip> NorFlash for Flash<C> {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = PAGE as usize;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        check_erase(self, from, to)?;
        (from..to).step_by(Self::ERASE_SIZE).for_each(|page| self.0.erase(page));
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        check_write(self, offset, bytes.len())?;
        self.0.program(offset, bytes);
        Ok(())
    }
}

impl<C: Chip> MultiwriteNorFlash for Flash<C> {}
