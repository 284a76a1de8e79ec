//! Going through records that were written: what committed is applied, what did not is discarded.
//!
//! Records lie one behind the other, and where there is no record, there is none behind it in the page: only a header that
//! was being written when the power went, and then nothing. Anything else is damage, and is said, for what was lost may
//! have replaced what is still there. What a value holds is never looked at as a record.

use embedded_storage::nor_flash::MultiwriteNorFlash;

use super::super::StoreError;
use super::super::index::Entry;
use super::super::layout::{self, PageHeader, RecordHeader, RecordKind, page_size};
use super::{Log, Position};
use crate::object::ObjectId;

/// What going through the records found.
pub(super) struct Replayed {
    /// Behind the last record.
    end: Position,
    /// The page of the last commit.
    committed: Option<u32>,
    /// Whether all secrets that live no more are overwritten.
    pub(super) wiped: Wiped,
}

/// Whether a secret was overwritten. One that was not is no reason to read no further.
pub(super) type Wiped = Result<(), Unwiped>;

/// The flash takes no more: a secret is still there.
pub(super) struct Unwiped;

/// A transaction whose commit has not come yet.
#[derive(Clone, Copy)]
struct Begun {
    start: Position,
    number: u32,
    records: u16,
}

impl Log {
    /// Finds the log in the flash and brings it in order; says whether there is one. Where the flash takes no more to bring
    /// it in order, what is there is read, and nothing is written any more.
    pub(in super::super) fn find<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
    ) -> Result<bool, StoreError> {
        self.measure_flash(flash)?;
        let (mut lowest, mut newest) = (None, None);
        for page in 0..self.pages {
            if let Some(sequence) = self.sequence_at(flash, page)? {
                lowest = Some(lowest.unwrap_or(sequence).min(sequence));
                newest = newest.max(Some(sequence));
            }
        }
        let (Some(lowest), Some(newest)) = (lowest, newest) else {
            return Ok(false);
        };
        self.oldest = lowest;
        for page in lowest..newest {
            // Pages are freed from the oldest on, and given back from the newest on: a gap is a header that got lost.
            if newest - lowest >= self.pages || self.sequence_at(flash, page)? != Some(page) {
                return Err(StoreError::Damaged);
            }
        }
        self.end = Position { page: newest, offset: page_size::<F>() };
        let replayed = self.replay(flash, self.first())?;
        let given_back = self.give_back_behind(flash, replayed.committed.unwrap_or(lowest));
        self.failed = replayed.wiped.is_err() || given_back.is_err();
        if self.end.page == newest {
            // Behind the last record there must be nothing, else the rest of the page is given up.
            let last = Position { offset: replayed.end.offset.max(PageHeader::SIZE), ..self.end };
            let page = self.address::<F>(Position { page: newest, offset: 0 });
            if layout::is_erased(flash, page + last.offset, page + page_size::<F>())? {
                self.end = last;
            }
        }
        Ok(true)
    }

    /// Where the first record lies.
    const fn first(&self) -> Position {
        Position { page: self.oldest, offset: PageHeader::SIZE }
    }

    /// Applies all transactions from `from` to the end of the log.
    pub(super) fn replay<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        from: Position,
    ) -> Result<Replayed, StoreError> {
        let mut at = from;
        let mut committed = None;
        let mut begun: Option<Begun> = None;
        let mut wiped = Ok(());
        while let Some((place, header)) = self.next(flash, &mut at)? {
            self.transaction = self.transaction.max(header.transaction);
            let fresh = Begun { start: place, number: header.transaction, records: 0 };
            let mut under_way = *begun.get_or_insert(fresh);
            if under_way.number != header.transaction {
                wiped = wiped.and(self.discard(flash, under_way.start, place)?);
                under_way = fresh;
            }
            if header.kind == RecordKind::Commit {
                self.check_commit(&under_way, &header)?;
                wiped = wiped.and(self.apply(flash, under_way.start, place)?);
                self.committed = Some(header.transaction);
                committed = Some(place.page);
                begun = None;
            } else {
                under_way.records = under_way.records.saturating_add(1);
                begun = Some(under_way);
            }
        }
        if let Some(cut_off) = begun {
            wiped = wiped.and(self.discard(flash, cut_off.start, self.end)?);
        }
        Ok(Replayed { end: at, committed, wiped })
    }

    /// A transaction has the records that its commit counts, and follows the one that its commit names. The one that the
    /// log begins with may have had more, in a page that is free by now.
    fn check_commit(&self, transaction: &Begun, commit: &RecordHeader) -> Result<(), StoreError> {
        let (found, counted) = (transaction.records, commit.object);
        let begins_the_log = self.oldest > 0 && transaction.start == self.first();
        let whole = found == counted || (begins_the_log && found < counted);
        let follows = self.committed.is_none_or(|before| layout::low_half(before) == commit.fragment);
        // An earlier firmware did not count.
        if counted == 0 || (whole && follows) { Ok(()) } else { Err(StoreError::Damaged) }
    }

    /// The next record at or behind `at`, which is moved behind it.
    fn next<F: MultiwriteNorFlash>(
        &self,
        flash: &mut F,
        at: &mut Position,
    ) -> Result<Option<(Position, RecordHeader)>, StoreError> {
        loop {
            let limit = if at.page == self.end.page { self.end.offset } else { page_size::<F>() };
            let behind = at.offset + RecordHeader::SIZE;
            if behind <= limit {
                let mut bytes = [0; RecordHeader::SIZE as usize];
                flash.read(self.address::<F>(*at), &mut bytes).map_err(|_| StoreError::Flash)?;
                let header = RecordHeader::decode(&bytes).filter(|header| at.offset + header.size() <= limit);
                if let Some(header) = header {
                    let place = *at;
                    at.offset += header.size();
                    return Ok(Some((place, header)));
                }
                let page = self.address::<F>(Position { offset: 0, ..*at });
                let begun = bytes.iter().any(|&byte| byte != 0xFF);
                if begun && !layout::is_erased(flash, page + behind, page + limit)? {
                    return Err(StoreError::Damaged);
                }
            }
            if at.page == self.end.page {
                return Ok(None);
            }
            *at = Position { page: at.page.wrapping_add(1), offset: PageHeader::SIZE };
        }
    }

    /// What is replaced or removed is so in memory even where its secret cannot be overwritten, which is said at the end: a
    /// transaction that committed has happened as a whole.
    fn apply<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        from: Position,
        to: Position,
    ) -> Result<Wiped, StoreError> {
        let (mut at, mut wiped) = (from, Ok(()));
        while let Some((place, header)) = self.next(flash, &mut at)? {
            if place == to {
                break;
            }
            let object = ObjectId(header.object);
            match header.kind {
                RecordKind::Put | RecordKind::Move => {
                    let address = self.address::<F>(place);
                    let entry = Entry {
                        object,
                        fragment: header.fragment,
                        length: header.length,
                        address,
                        secret: header.secret,
                    };
                    let replaced = self.index.insert(entry).map_err(|_| StoreError::Full)?;
                    if let Some(old) = replaced.filter(|old| old.address != address) {
                        wiped = wiped.and(retire(flash, &old));
                    }
                    if header.kind == RecordKind::Put && header.fragment == 0 {
                        wiped = wiped.and(self.remove(flash, object, object, Some(address)));
                    }
                }
                RecordKind::Delete => {
                    wiped = wiped.and(self.remove(flash, object, ObjectId(header.fragment), None));
                }
                RecordKind::Commit => {}
            }
        }
        Ok(wiped)
    }

    fn remove<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        first: ObjectId,
        last: ObjectId,
        keep: Option<u32>,
    ) -> Wiped {
        let mut wiped = Ok(());
        while let Some(old) = self.index.remove_next(first, last, keep) {
            wiped = wiped.and(retire(flash, &old));
        }
        wiped
    }

    /// Overwrites the secrets of a transaction that never committed.
    fn discard<F: MultiwriteNorFlash>(
        &self,
        flash: &mut F,
        from: Position,
        to: Position,
    ) -> Result<Wiped, StoreError> {
        let (mut at, mut wiped) = (from, Ok(()));
        while let Some((place, header)) = self.next(flash, &mut at)? {
            if place == to {
                break;
            }
            let address = self.address::<F>(place);
            if header.secret && header.length > 0 && !self.index.lives_at(address) {
                wiped = wiped.and(wipe(flash, address, header.size()));
            }
        }
        Ok(wiped)
    }
}

/// Overwrites the value of a record that lives no more, if it is a secret.
fn retire<F: MultiwriteNorFlash>(flash: &mut F, old: &Entry) -> Wiped {
    if old.secret && old.length > 0 { wipe(flash, old.address, old.size()) } else { Ok(()) }
}

/// Overwrites the value of the record at `address`, which has `size` bytes with its header.
fn wipe<F: MultiwriteNorFlash>(flash: &mut F, address: u32, size: u32) -> Wiped {
    let value = size - RecordHeader::SIZE;
    layout::wipe(flash, address + RecordHeader::SIZE, value).map_err(|_| Unwiped)
}
