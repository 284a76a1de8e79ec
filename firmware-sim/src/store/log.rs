//! The ring of pages, its records and transactions. The format is described one level up.
//!
//! # Why it never runs into itself
//!
//! Writing needs free pages, and pages become free by writing: what lives in the oldest is moved to the end. So some pages
//! must stay free for moving, after every cut of the power too. [`RESERVE`] pages, counting as free the oldest ones in which
//! nothing lives, are free whenever no transaction is under way:
//!
//! - A transaction that puts and deletes begins only when the pages that it may open are free beside the reserve
//!   ([`room`]).
//! - Moving one page opens at most one. Records are moved in the order in which they lie; those that do not fit behind the
//!   end fitted one page before, so they fit one now, and in every page the place of a commit is kept free of other
//!   records. (A page that an earlier firmware filled to the last byte may open two: therefore the reserve is two.)
//! - A cut before the commit changes nothing: at power-on, pages at the end that hold nothing committed are given back, the
//!   newest first, after the secrets in them were overwritten. So no number of attempts that were cut off uses up a page.
//! - A cut behind the commit leaves an oldest page in which nothing lives; it takes no room to free it.
//!
//! A page is opened only in a place that is free ([`Log::open_page`]), whatever is wrong with the reasoning above. An
//! operation of the flash that fails without a cut is treated like one: nothing more is written until the power comes
//! back.
//!
//! # Why it ends
//!
//! What may live is limited so that, packed as badly as records can be, it leaves the reserve and the longest transaction
//! free ([`Log::space`]). Making room goes round the log at most twice: once over what dead records left half empty, and
//! from then on over pages that are packed.

mod replay;
mod room;

use embedded_storage::nor_flash::MultiwriteNorFlash;

use super::index::{Entry, Index};
use super::layout::{
    self, FRAGMENT, PAGE_FILL, PageHeader, PageKind, RecordHeader, RecordKind, claim, crc, page_size,
    record_size,
};
use super::{Change, StoreError};
use crate::object::ObjectId;

/// The first page of the log; before it lie the counters.
const FIRST_PAGE: u32 = 2;

/// Pages that are free whenever no transaction is under way, so that the oldest page can always be moved.
const RESERVE: u32 = 2;

/// Pages more than the living records fill at worst: two for the longest transaction, one for the commits of a lap.
const SLACK: u32 = 3;

/// A place in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Position {
    /// Sequence number of the page.
    page: u32,
    /// Offset in the page.
    offset: u32,
}

/// What a transaction asks for.
#[derive(Default)]
struct Growth {
    /// Bytes set aside for what it puts.
    claimed: u32,
    /// Bytes set aside for what it replaces.
    released: u32,
    /// Records that live beside those that live now.
    records: usize,
}

/// The log.
#[cfg_attr(feature = "sim", derive(Clone))]
#[derive(Debug)]
pub(super) struct Log {
    index: Index,
    pages: u32,
    /// Sequence number of the oldest page in use.
    oldest: u32,
    /// Where the next record goes; its page is the newest.
    end: Position,
    /// The last transaction number used.
    transaction: u32,
    /// The transaction that committed last.
    committed: Option<u32>,
    /// Records of the transaction under way.
    records: u16,
    /// A transaction failed half way, or what a power cut left could not be brought in order: the end is not as it should
    /// be, and nothing more is written.
    failed: bool,
}

impl Log {
    /// A log that has to be found, or formatted.
    pub(super) const fn new() -> Self {
        Self {
            index: Index::new(),
            pages: 0,
            oldest: 0,
            end: Position { page: 0, offset: PageHeader::SIZE },
            transaction: 0,
            committed: None,
            records: 0,
            failed: false,
        }
    }

    /// Learns how large the flash is.
    fn measure_flash<F: MultiwriteNorFlash>(&mut self, flash: &F) -> Result<(), StoreError> {
        let pages = u32::try_from(flash.capacity() / F::ERASE_SIZE).map_err(|_| StoreError::Foreign)?;
        let pages = pages.checked_sub(FIRST_PAGE).filter(|&pages| pages > RESERVE + SLACK);
        self.pages = pages.ok_or(StoreError::Full)?;
        Ok(())
    }

    /// Begins a new log.
    pub(super) fn format<F: MultiwriteNorFlash>(&mut self, flash: &mut F) -> Result<(), StoreError> {
        self.measure_flash(flash)?;
        self.open_page::<F>(flash, 0)
    }

    /// Address of the first page of a new log.
    pub(super) const fn start<F: MultiwriteNorFlash>() -> u32 {
        FIRST_PAGE * page_size::<F>()
    }

    /// The header of the first page of a new log.
    pub(super) fn first_header() -> [u8; PageHeader::SIZE as usize] {
        PageHeader::new(PageKind::Log, 0).encode()
    }

    /// The sequence number in the header of the page where `sequence` would lie, if it belongs there.
    fn sequence_at<F: MultiwriteNorFlash>(
        &self,
        flash: &mut F,
        sequence: u32,
    ) -> Result<Option<u32>, StoreError> {
        let address = self.address::<F>(Position { page: sequence, offset: 0 });
        let found = super::page_header(flash, address, PageKind::Log)?;
        Ok(found.filter(|found| found % self.pages == sequence % self.pages))
    }

    fn address<F: MultiwriteNorFlash>(&self, position: Position) -> u32 {
        (FIRST_PAGE + position.page % self.pages) * page_size::<F>() + position.offset
    }

    fn open_page<F: MultiwriteNorFlash>(&self, flash: &mut F, sequence: u32) -> Result<(), StoreError> {
        if sequence.wrapping_sub(self.oldest) >= self.pages {
            return Err(StoreError::Full);
        }
        let address = self.address::<F>(Position { page: sequence, offset: 0 });
        layout::make_erased(flash, address)?;
        layout::program(flash, address, &PageHeader::new(PageKind::Log, sequence).encode())
    }

    // ---- reading ----

    /// Whether nothing lives, and never more than one page was used.
    pub(super) fn is_new(&self) -> bool {
        self.end.page == 0 && self.index.bytes() == 0
    }

    pub(super) fn contains(&self, object: ObjectId) -> bool {
        !self.index.fragments(object).is_empty()
    }

    pub(super) fn length(&self, object: ObjectId) -> Option<usize> {
        let fragments = self.index.fragments(object);
        (!fragments.is_empty()).then(|| fragments.iter().map(|entry| usize::from(entry.length)).sum())
    }

    pub(super) fn read<F: MultiwriteNorFlash>(
        &self,
        flash: &mut F,
        object: ObjectId,
        out: &mut [u8],
    ) -> Result<Option<usize>, StoreError> {
        let fragments = self.index.fragments(object);
        if fragments.is_empty() {
            return Ok(None);
        }
        let mut filled = 0_usize;
        for (number, entry) in fragments.iter().enumerate() {
            if usize::from(entry.fragment) != number {
                return Err(StoreError::Damaged);
            }
            filled = filled.saturating_add(checked(flash, entry, out.get_mut(filled..).unwrap_or_default())?);
        }
        Ok(Some(filled))
    }

    pub(super) fn read_part<F: MultiwriteNorFlash>(
        &self,
        flash: &mut F,
        object: ObjectId,
        part: u16,
        out: &mut [u8],
    ) -> Result<Option<usize>, StoreError> {
        match self.index.fragment(object, part) {
            Some(entry) => checked(flash, entry, out).map(Some),
            None => Ok(None),
        }
    }

    /// Whether the value of every living record matches its check sum.
    pub(super) fn is_intact<F: MultiwriteNorFlash>(&self, flash: &mut F) -> Result<bool, StoreError> {
        for entry in self.index.entries() {
            let found = layout::crc_of(flash, entry.address + RecordHeader::SIZE, u32::from(entry.length))?;
            if found != stored_check(flash, entry)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Bytes for living records, and how many of them are free.
    pub(super) fn space(&self) -> (u32, u32) {
        let total = self.budget();
        (total, total.saturating_sub(self.index.bytes()))
    }

    pub(super) const fn laps(&self) -> u32 {
        self.end.page / self.pages
    }

    /// Bytes that may live, however badly they fill their pages.
    const fn budget(&self) -> u32 {
        (self.pages - RESERVE - SLACK) * PAGE_FILL
    }

    // ---- writing ----

    pub(super) fn write<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        changes: &[Change<'_>],
    ) -> Result<(), StoreError> {
        let mut bytes = RecordHeader::SIZE;
        let mut growth = Growth::default();
        for change in changes {
            bytes += self.measure(change, &mut growth)?;
        }
        let grown = self.index.bytes().saturating_add(growth.claimed).saturating_sub(growth.released);
        if (growth.claimed > growth.released && grown > self.budget()) || growth.records > self.index.room() {
            return Err(StoreError::Full);
        }
        self.make_room(flash, bytes)?;
        self.transact(flash, |log, flash| {
            changes.iter().try_for_each(|change| log.append_change(flash, change))
        })
    }

    /// A transaction of the records that `append` appends.
    fn transact<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        append: impl FnOnce(&mut Self, &mut F) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::Flash);
        }
        let start = self.end;
        self.transaction = self.transaction.wrapping_add(1);
        self.records = 0;
        let done = append(self, flash).and_then(|()| self.commit(flash, start));
        self.failed = done.is_err();
        done
    }

    /// Bytes that a change appends to the log; what it asks of the budget and the index is added to `growth`.
    fn measure(&self, change: &Change<'_>, growth: &mut Growth) -> Result<u32, StoreError> {
        let mut appended = 0;
        match *change {
            Change::Put { object, value, .. } => {
                let before = self.index.fragments(object);
                growth.released += before.iter().map(Entry::claim).sum::<u32>();
                let mut records = 0_usize;
                for fragment in value.chunks(FRAGMENT) {
                    let length = length_of(fragment)?;
                    growth.claimed += claim(length);
                    appended += record_size(length);
                    records += 1;
                }
                growth.records += records.saturating_sub(before.len());
            }
            Change::PutPart { object, part, value, .. } => {
                let length = length_of(value).ok().filter(|_| value.len() <= FRAGMENT && part > 0);
                let length = length.ok_or(StoreError::Full)?;
                match self.index.fragment(object, part) {
                    Some(before) => growth.released += before.claim(),
                    None => growth.records += 1,
                }
                growth.claimed += claim(length);
                appended += record_size(length);
            }
            Change::Reserve { parts, .. } => {
                growth.claimed += u32::from(parts) * claim(0);
                growth.records += usize::from(parts);
                appended += u32::from(parts) * record_size(0);
            }
            Change::Delete { .. } => appended += RecordHeader::SIZE,
        }
        Ok(appended)
    }

    fn append_change<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        change: &Change<'_>,
    ) -> Result<(), StoreError> {
        match *change {
            Change::Put { object, value, secret } => {
                for (number, fragment) in value.chunks(FRAGMENT).enumerate() {
                    let number = u16::try_from(number).map_err(|_| StoreError::Full)?;
                    self.append_put(flash, object, number, fragment, secret)?;
                }
                Ok(())
            }
            Change::PutPart { object, part, value, secret } => {
                self.append_put(flash, object, part, value, secret)
            }
            Change::Reserve { object, parts } => {
                (1..=parts).try_for_each(|part| self.append_put(flash, object, part, &[], false))
            }
            Change::Delete { first, last } => {
                let header = RecordHeader {
                    kind: RecordKind::Delete,
                    secret: false,
                    length: 0,
                    object: first.0,
                    fragment: last.0,
                    transaction: self.transaction,
                };
                self.append(flash, header, &[], 0)
            }
        }
    }

    fn append_put<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        object: ObjectId,
        fragment: u16,
        value: &[u8],
        secret: bool,
    ) -> Result<(), StoreError> {
        let header = RecordHeader {
            kind: RecordKind::Put,
            secret,
            length: length_of(value)?,
            object: object.0,
            fragment,
            transaction: self.transaction,
        };
        self.append(flash, header, value, crc(value))
    }

    fn commit<F: MultiwriteNorFlash>(&mut self, flash: &mut F, start: Position) -> Result<(), StoreError> {
        let header = RecordHeader {
            kind: RecordKind::Commit,
            secret: false,
            length: 0,
            object: self.records,
            fragment: layout::low_half(self.committed.unwrap_or_default()),
            transaction: self.transaction,
        };
        self.append(flash, header, &[], 0)?;
        self.replay(flash, start)?.wiped.map_err(|_| StoreError::Flash)
    }

    fn append<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        header: RecordHeader,
        value: &[u8],
        check: u32,
    ) -> Result<(), StoreError> {
        // Behind every other record there is the place of a commit.
        let kept = if header.kind == RecordKind::Commit { 0 } else { RecordHeader::SIZE };
        if self.end.offset + header.size() + kept > page_size::<F>() {
            let next = self.end.page.wrapping_add(1);
            self.open_page(flash, next)?;
            self.end = Position { page: next, offset: PageHeader::SIZE };
        }
        let address = self.address::<F>(self.end);
        layout::program(flash, address, &header.encode())?;
        if !value.is_empty() {
            let address = address + RecordHeader::SIZE;
            let (whole, rest) = value.split_at_checked(value.len() & !3).unwrap_or_default();
            if !whole.is_empty() {
                layout::program(flash, address, whole)?;
            }
            let address = address + u32::from(length_of(whole)?);
            let mut tail = [0xFF; 4];
            tail.iter_mut().zip(rest).for_each(|(cell, byte)| *cell = *byte);
            if rest.is_empty() {
                layout::program(flash, address, &check.to_le_bytes())?;
            } else {
                layout::program(flash, address, &tail)?;
                layout::program(flash, address + 4, &check.to_le_bytes())?;
            }
        }
        self.end.offset += header.size();
        self.records = self.records.wrapping_add(1);
        Ok(())
    }
}

/// Reads the value of a record to the front of `out`, and says how long it is; it must match its check sum.
fn checked<F: MultiwriteNorFlash>(flash: &mut F, entry: &Entry, out: &mut [u8]) -> Result<usize, StoreError> {
    let space = out.get_mut(..usize::from(entry.length)).ok_or(StoreError::Damaged)?;
    if value(flash, entry, space)? == crc(space) { Ok(space.len()) } else { Err(StoreError::Damaged) }
}

/// The check sum of a record's value, as it was stored.
fn stored_check<F: MultiwriteNorFlash>(flash: &mut F, entry: &Entry) -> Result<u32, StoreError> {
    if entry.length == 0 {
        // A reserved part: there is nothing behind its header.
        return Ok(crc(&[]));
    }
    let mut check = [0; 4];
    let address = entry.address + RecordHeader::SIZE + u32::from(entry.length).next_multiple_of(4);
    flash.read(address, &mut check).map_err(|_| StoreError::Flash)?;
    Ok(u32::from_le_bytes(check))
}

/// Reads the value of a record and gives its stored check sum.
fn value<F: MultiwriteNorFlash>(flash: &mut F, entry: &Entry, out: &mut [u8]) -> Result<u32, StoreError> {
    let address = entry.address + RecordHeader::SIZE;
    flash.read(address, out).map_err(|_| StoreError::Flash)?;
    stored_check(flash, entry)
}

fn length_of(fragment: &[u8]) -> Result<u16, StoreError> {
    u16::try_from(fragment.len()).map_err(|_| StoreError::Full)
}
