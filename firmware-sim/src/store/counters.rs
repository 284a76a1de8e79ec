//! PIN counters: two logs each, side by side. An entry is two bits; counting clears them, nothing is erased.
//!
//! Entry `i` of the *tries* log is cleared before try `i` is compared; either bit counts. Entry `i` of the *successes*
//! log is cleared when it succeeded, which forgives it and every try before it; only both bits count. So the wrong tries
//! in a row are the entries of the tries log behind the last success, and neither a cut inside the word nor a single bit
//! that flips later gives a try back.
//!
//! A change of the PIN forgives too. That it happens with the change or not at all, the PIN's record carries a
//! [`Mark`]: up to which try, in which generation of the counters, all is forgiven.
//!
//! When a log is full, the counts move to the other page: the wrong tries in a row are written there, its header (with
//! the next generation) last, then the old page is erased. Until the header is whole, the old page counts.
//!
//! A page: the header described one level up, then for each counter its tries log and its successes log.

use embedded_storage::nor_flash::MultiwriteNorFlash;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::layout::{self, PageHeader, PageKind, page_size};
use crate::object::APPLICATIONS;

/// Counters: the device authentication key's, and two for each application.
pub(crate) const COUNTERS: usize = 1 + 2 * APPLICATIONS;

/// Bytes of one log: both logs of all counters fill a page of 4096 bytes.
const LOG: u32 = 156;

/// Tries that a log holds.
const TRIES: u16 = 4 * 156;

const FIRST_GENERATION: u32 = 1;

/// One counter, by its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Counter(pub(crate) u8);

/// Up to where tries were forgiven by a change of the PIN.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Mark {
    generation: u32,
    tries: u16,
}

/// The page that counts at present.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counters {
    page: u32,
    generation: u32,
}

impl Counters {
    /// Finds the counters. Nothing is touched.
    pub(super) fn find<F: MultiwriteNorFlash>(flash: &mut F) -> Result<Option<Self>, StoreError> {
        let mut found: Option<Self> = None;
        for page in 0..2 {
            if let Some(generation) = super::page_header(flash, page * page_size::<F>(), PageKind::Counters)?
            {
                let this = Self { page, generation };
                found = Some(found.filter(|other| other.generation > generation).unwrap_or(this));
            }
        }
        Ok(found)
    }

    /// Clears away what a cut left of the other page.
    pub(super) fn tidy<F: MultiwriteNorFlash>(&self, flash: &mut F) -> Result<(), StoreError> {
        layout::make_erased(flash, self.other_page::<F>()).map(drop)
    }

    /// Begins new counters: no tries.
    pub(super) fn format<F: MultiwriteNorFlash>(flash: &mut F) -> Result<Self, StoreError> {
        layout::make_erased(flash, 0)?;
        layout::program(flash, 0, &Self::first_header())?;
        Ok(Self { page: 0, generation: FIRST_GENERATION })
    }

    /// The header with which formatting begins.
    pub(super) fn first_header() -> [u8; PageHeader::SIZE as usize] {
        PageHeader::new(PageKind::Counters, FIRST_GENERATION).encode()
    }

    const fn other_page<F: MultiwriteNorFlash>(&self) -> u32 {
        (1 - self.page) * page_size::<F>()
    }

    /// Address of a counter's tries log; its successes log follows.
    fn address<F: MultiwriteNorFlash>(page: u32, counter: Counter) -> u32 {
        page * page_size::<F>() + PageHeader::SIZE + u32::from(counter.0) * 2 * LOG
    }

    fn log<F: MultiwriteNorFlash>(flash: &mut F, address: u32) -> Result<[u8; LOG as usize], StoreError> {
        let mut bits = [0; LOG as usize];
        flash.read(address, &mut bits).map_err(|_| StoreError::Flash)?;
        Ok(bits)
    }

    /// Tries that were counted in this generation.
    fn tries<F: MultiwriteNorFlash>(&self, flash: &mut F, counter: Counter) -> Result<u16, StoreError> {
        let bits = Self::log(flash, Self::address::<F>(self.page, counter))?;
        Ok(entries(&bits, Needs::EitherBit))
    }

    /// A mark that forgives every try so far.
    pub(crate) fn mark<F: MultiwriteNorFlash>(
        &self,
        flash: &mut F,
        counter: Counter,
    ) -> Result<Mark, StoreError> {
        Ok(Mark { generation: self.generation, tries: self.tries(flash, counter)? })
    }

    /// Wrong tries in a row.
    pub(crate) fn failures<F: MultiwriteNorFlash>(
        &self,
        flash: &mut F,
        counter: Counter,
        mark: Mark,
    ) -> Result<u16, StoreError> {
        let tries = self.tries(flash, counter)?;
        let successes = Self::log(flash, Self::address::<F>(self.page, counter) + LOG)?;
        let marked = if mark.generation == self.generation { mark.tries } else { 0 };
        Ok(tries.saturating_sub(entries(&successes, Needs::BothBits).max(marked)))
    }

    /// Whether the next try of this counter needs [`Counters::turn_page`] first.
    pub(crate) fn is_full<F: MultiwriteNorFlash>(
        &self,
        flash: &mut F,
        counter: Counter,
    ) -> Result<bool, StoreError> {
        Ok(self.tries(flash, counter)? >= TRIES)
    }

    /// Counts a try. It is durable when this returns.
    pub(crate) fn spend<F: MultiwriteNorFlash>(
        &self,
        flash: &mut F,
        counter: Counter,
    ) -> Result<(), StoreError> {
        let tries = self.tries(flash, counter)?;
        if tries >= TRIES {
            return Err(StoreError::Full);
        }
        clear_entry(flash, Self::address::<F>(self.page, counter), tries)
    }

    /// The last try succeeded: it and all before it are forgiven.
    pub(crate) fn succeed<F: MultiwriteNorFlash>(
        &self,
        flash: &mut F,
        counter: Counter,
    ) -> Result<(), StoreError> {
        match self.tries(flash, counter)?.checked_sub(1) {
            Some(last) => clear_entry(flash, Self::address::<F>(self.page, counter) + LOG, last),
            None => Ok(()),
        }
    }

    /// Moves on to the other page, where only these wrong tries are counted.
    pub(crate) fn turn_page<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        failures: [u16; COUNTERS],
    ) -> Result<(), StoreError> {
        let next = Self { page: 1 - self.page, generation: self.generation.wrapping_add(1) };
        layout::make_erased(flash, self.other_page::<F>())?;
        for (number, count) in (0_u8..).zip(failures) {
            for entry in 0..count {
                clear_entry(flash, Self::address::<F>(next.page, Counter(number)), entry)?;
            }
        }
        let header = PageHeader::new(PageKind::Counters, next.generation).encode();
        layout::program(flash, next.page * page_size::<F>(), &header)?;
        *self = next;
        layout::make_erased(flash, self.other_page::<F>()).map(|_| ())
    }

    /// Erases of each of the two pages, at most.
    pub(super) const fn laps(&self) -> u32 {
        self.generation / 2
    }
}

/// Clears entry `number` of the log at `address`.
fn clear_entry<F: MultiwriteNorFlash>(flash: &mut F, address: u32, number: u16) -> Result<(), StoreError> {
    let address = address + u32::from(number / 16) * 4;
    let mut word = [0; 4];
    flash.read(address, &mut word).map_err(|_| StoreError::Flash)?;
    let bits = u32::from_le_bytes(word) & !(0b11 << (2 * (number % 16)));
    layout::program(flash, address, &bits.to_le_bytes())
}

/// What makes an entry count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    EitherBit,
    BothBits,
}

/// One more than the number of the last entry that counts; 0 if none does.
fn entries(log: &[u8; LOG as usize], needs: Needs) -> u16 {
    let (words, _) = log.as_chunks::<4>();
    let counts = |word: &[u8; 4]| {
        let cleared = !u32::from_le_bytes(*word);
        match needs {
            Needs::EitherBit => cleared,
            Needs::BothBits => cleared & (cleared >> 1) & 0x5555_5555,
        }
    };
    let words = (0_u16..).zip(words.iter().map(counts));
    let last = words.filter(|(_, bits)| *bits != 0).last();
    last.map_or(0, |(index, bits)| index * 16 + u16::try_from((33 - bits.leading_zeros()) / 2).unwrap_or(16))
}
