//! NOR flash in memory, with the worst manners that real flash is allowed to have.
//!
//! Programming only clears bits, erasing only sets whole pages; a cut of the power inside an operation leaves any
//! subset of the changed bits changed, and nothing works until the power is back.

use embedded_storage::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase,
    check_read, check_write,
};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What a cut does to the operation it hits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tear {
    /// The operation does not happen.
    Clean,
    /// Any subset of its changes happens, chosen by this seed: whole words up to some place, single bits inside one.
    Torn(u64),
}

/// Why an operation failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SimFlashError {
    /// There is no power.
    NoPower,
    /// Address or length is out of range or not aligned.
    Access(NorFlashErrorKind),
    /// A program operation wanted to set a bit: a defect of the caller.
    BitSet,
    /// It is worn out: it can be read, and nothing else.
    WornOut,
}

impl NorFlashError for SimFlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            SimFlashError::Access(kind) => *kind,
            SimFlashError::NoPower | SimFlashError::BitSet | SimFlashError::WornOut => {
                NorFlashErrorKind::Other
            }
        }
    }
}

/// Operations so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Program operations.
    pub writes: u64,
    /// Erased pages.
    pub erases: u64,
}

/// The flash.
#[derive(Clone)]
pub struct SimFlash {
    image: Vec<u8>,
    counts: Counts,
    cut: Option<(u64, Tear)>,
    /// Operations until it is worn out.
    lasts: Option<u64>,
    powered: bool,
}

impl core::fmt::Debug for SimFlash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SimFlash")
            .field("counts", &self.counts)
            .field("powered", &self.powered)
            .finish_non_exhaustive()
    }
}

impl SimFlash {
    /// Bytes.
    pub const SIZE: usize = 512 * 1024;
    /// Bytes of a page, the smallest thing that can be erased.
    pub const PAGE: usize = 4096;

    /// A blank one: all bits set.
    #[must_use]
    pub fn blank() -> Self {
        Self {
            image: vec![0xFF; Self::SIZE],
            counts: Counts::default(),
            cut: None,
            lasts: None,
            powered: true,
        }
    }

    /// One with this content; content of another size is given back.
    pub fn from_image(image: Vec<u8>) -> Result<Self, Vec<u8>> {
        if image.len() == Self::SIZE { Ok(Self { image, ..Self::blank() }) } else { Err(image) }
    }

    /// The content.
    #[must_use]
    pub fn image(&self) -> &[u8] {
        &self.image
    }

    /// Operations so far; they tell whether the content can have changed.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Cuts the power at the `n`-th program or erase operation from now (0 is the next).
    pub fn cut_power_after(&mut self, n: u64, tear: Tear) {
        self.cut = Some((n, tear));
    }

    /// So many program and erase operations more, then it is worn out: each fails and changes nothing, while it can still be
    /// read. `None` makes it sound.
    pub fn wear_out_after(&mut self, n: Option<u64>) {
        self.lasts = n;
    }

    /// Whether there is power.
    #[must_use]
    pub const fn has_power(&self) -> bool {
        self.powered
    }

    /// Brings the power back, and forgets a cut that has not happened.
    pub fn restore_power(&mut self) {
        self.powered = true;
        self.cut = None;
    }

    /// Whether this operation is the one that the cut hits.
    fn strike(&mut self) -> Result<Option<Tear>, SimFlashError> {
        if !self.powered {
            return Err(SimFlashError::NoPower);
        }
        match &mut self.lasts {
            Some(0) => return Err(SimFlashError::WornOut),
            Some(n) => *n -= 1,
            None => {}
        }
        match self.cut.take() {
            Some((0, tear)) => {
                self.powered = false;
                Ok(Some(tear))
            }
            Some((n, tear)) => {
                self.cut = Some((n - 1, tear));
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// Carries out `old → new` for each byte, as far as the tear lets it.
    fn apply(
        &mut self,
        offset: u32,
        changes: impl ExactSizeIterator<Item = u8>,
    ) -> Result<(), SimFlashError> {
        let struck = self.strike()?;
        let length = changes.len();
        let start =
            usize::try_from(offset).map_err(|_| SimFlashError::Access(NorFlashErrorKind::OutOfBounds))?;
        let cells = self.image.iter_mut().skip(start).zip(changes);
        match struck {
            None => cells.for_each(|(cell, new)| *cell = new),
            Some(Tear::Clean) => {}
            Some(Tear::Torn(seed)) => {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                let words = u64::try_from(length.div_ceil(4)).unwrap_or(u64::MAX);
                // An interrupted erase leaves its whole page undefined; a program operation at most one word.
                let (whole, mixed) = if length == Self::PAGE {
                    (0, length)
                } else {
                    (usize::try_from(rng.next_u64() % words.max(1)).unwrap_or(0) * 4, 4)
                };
                for (index, (cell, new)) in cells.enumerate().take(whole + mixed) {
                    let [mask, ..] = rng.next_u32().to_le_bytes();
                    *cell = if index < whole { new } else { (*cell & !mask) | (new & mask) };
                }
            }
        }
        if struck.is_some() { Err(SimFlashError::NoPower) } else { Ok(()) }
    }
}

impl ErrorType for SimFlash {
    type Error = SimFlashError;
}

impl ReadNorFlash for SimFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), SimFlashError> {
        if !self.powered {
            return Err(SimFlashError::NoPower);
        }
        check_read(self, offset, bytes.len()).map_err(SimFlashError::Access)?;
        let start =
            usize::try_from(offset).map_err(|_| SimFlashError::Access(NorFlashErrorKind::OutOfBounds))?;
        let from = self.image.get(start..).unwrap_or_default();
        bytes.iter_mut().zip(from).for_each(|(byte, cell)| *byte = *cell);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.image.len()
    }
}

impl NorFlash for SimFlash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = Self::PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), SimFlashError> {
        check_erase(self, from, to).map_err(SimFlashError::Access)?;
        let page = u32::try_from(Self::PAGE).unwrap_or(u32::MAX);
        let mut address = from;
        while address < to {
            self.apply(address, core::iter::repeat_n(0xFF, Self::PAGE))?;
            self.counts.erases += 1;
            address = address.saturating_add(page);
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), SimFlashError> {
        check_write(self, offset, bytes.len()).map_err(SimFlashError::Access)?;
        let start =
            usize::try_from(offset).map_err(|_| SimFlashError::Access(NorFlashErrorKind::OutOfBounds))?;
        let old = self.image.get(start..).unwrap_or_default();
        if old.iter().zip(bytes).any(|(old, new)| !old & new != 0) {
            return Err(SimFlashError::BitSet);
        }
        self.counts.writes += 1;
        self.apply(offset, bytes.iter().copied())
    }
}

impl MultiwriteNorFlash for SimFlash {}

#[cfg(test)]
mod tests {
    use super::*;

    fn torn(seed: u64) -> Vec<u8> {
        let mut flash = SimFlash::blank();
        flash.cut_power_after(0, Tear::Torn(seed));
        assert_eq!(flash.write(0, &[0; 64]), Err(SimFlashError::NoPower));
        assert_eq!(flash.read(0, &mut [0]), Err(SimFlashError::NoPower));
        flash.restore_power();
        flash.image()[..64].to_vec()
    }

    #[test]
    fn a_torn_write_leaves_a_subset_of_its_changes() {
        let results: Vec<_> = (0..64).map(torn).collect();
        assert!(
            results.iter().any(|image| image.iter().any(|&byte| byte != 0 && byte != 0xFF)),
            "inside a word"
        );
        assert!(results.iter().any(|image| image != &results[0]));
        assert_eq!(torn(7), torn(7));
    }

    #[test]
    fn a_clean_cut_changes_nothing() {
        let mut flash = SimFlash::blank();
        flash.cut_power_after(1, Tear::Clean);
        assert_eq!(flash.write(0, &[1; 4]), Ok(()));
        assert_eq!(flash.write(4, &[1; 4]), Err(SimFlashError::NoPower));
        assert_eq!(flash.image()[..8], [1, 1, 1, 1, 0xFF, 0xFF, 0xFF, 0xFF]);
    }

    #[test]
    fn a_worn_out_flash_can_be_read() {
        let mut flash = SimFlash::blank();
        flash.wear_out_after(Some(1));
        flash.write(0, &[1; 4]).unwrap();
        assert_eq!(flash.write(4, &[1; 4]), Err(SimFlashError::WornOut));
        assert_eq!(flash.erase(0, 4096), Err(SimFlashError::WornOut));
        let mut bytes = [0; 5];
        flash.read(0, &mut bytes).unwrap();
        assert_eq!(bytes, [1, 1, 1, 1, 0xFF]);
        flash.wear_out_after(None);
        flash.write(4, &[1; 4]).unwrap();
    }

    #[test]
    fn bits_are_only_cleared_until_a_page_is_erased() {
        let mut flash = SimFlash::blank();
        flash.write(0, &[0xF0; 4]).unwrap();
        flash.write(0, &[0x30; 4]).unwrap();
        assert_eq!(flash.write(0, &[0x31; 4]), Err(SimFlashError::BitSet));
        flash.erase(0, 4096).unwrap();
        assert_eq!(flash.write(0, &[0x31; 4]), Ok(()));
    }
}
