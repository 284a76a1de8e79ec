//! Going through records that were written: what committed is applied, what did not is discarded.

use embedded_storage::nor_flash::MultiwriteNorFlash;

use super::super::StoreError;
use super::super::index::Entry;
use super::super::layout::{self, PageHeader, RecordHeader, RecordKind, page_size};
use super::{Log, Position};
use crate::object::ObjectId;

impl Log {
    /// Applies all transactions from `from` to the end of the log. Gives the place behind the last good record.
    pub(super) fn replay<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        from: Position,
    ) -> Result<Position, StoreError> {
        let mut at = from;
        let mut begun: Option<(Position, u32)> = None;
        while let Some((place, header)) = self.next(flash, &mut at)? {
            self.transaction = self.transaction.max(header.transaction);
            let (start, transaction) = *begun.get_or_insert((place, header.transaction));
            if transaction != header.transaction {
                self.discard(flash, start, place)?;
                begun = Some((place, header.transaction));
            }
            if header.kind == RecordKind::Commit {
                let (start, _) = begun.take().unwrap_or((place, header.transaction));
                self.apply(flash, start, place)?;
            }
        }
        if let Some((start, _)) = begun {
            self.discard(flash, start, self.end)?;
        }
        Ok(at)
    }

    /// The next record at or behind `at`, which is moved behind it. What is no record is stepped over.
    fn next<F: MultiwriteNorFlash>(
        &self,
        flash: &mut F,
        at: &mut Position,
    ) -> Result<Option<(Position, RecordHeader)>, StoreError> {
        let mut look = *at;
        loop {
            let limit = if look.page == self.end.page { self.end.offset } else { page_size::<F>() };
            if look.offset + RecordHeader::SIZE > limit {
                if look.page == self.end.page {
                    return Ok(None);
                }
                look = Position { page: look.page.wrapping_add(1), offset: PageHeader::SIZE };
                *at = look;
                continue;
            }
            let mut bytes = [0; RecordHeader::SIZE as usize];
            flash.read(self.address::<F>(look), &mut bytes).map_err(|_| StoreError::Flash)?;
            if let Some(header) = RecordHeader::decode(&bytes)
                && look.offset + header.size() <= limit
            {
                let place = look;
                *at = Position { offset: look.offset + header.size(), ..look };
                return Ok(Some((place, header)));
            }
            look.offset += 4;
        }
    }

    fn apply<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        from: Position,
        to: Position,
    ) -> Result<(), StoreError> {
        let mut at = from;
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
                        retire(flash, &old)?;
                    }
                    if header.kind == RecordKind::Put && header.fragment == 0 {
                        self.remove(flash, object, object, Some(address))?;
                    }
                }
                RecordKind::Delete => self.remove(flash, object, ObjectId(header.fragment), None)?,
                RecordKind::Commit => {}
            }
        }
        Ok(())
    }

    fn remove<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        first: ObjectId,
        last: ObjectId,
        keep: Option<u32>,
    ) -> Result<(), StoreError> {
        while let Some(old) = self.index.remove_next(first, last, keep) {
            retire(flash, &old)?;
        }
        Ok(())
    }

    /// Overwrites the secrets of a transaction that never committed.
    fn discard<F: MultiwriteNorFlash>(
        &self,
        flash: &mut F,
        from: Position,
        to: Position,
    ) -> Result<(), StoreError> {
        let mut at = from;
        while let Some((place, header)) = self.next(flash, &mut at)? {
            if place == to {
                break;
            }
            let address = self.address::<F>(place);
            if header.secret && header.length > 0 && !self.index.lives_at(address) {
                layout::wipe(flash, address + RecordHeader::SIZE, header.size() - RecordHeader::SIZE)?;
            }
        }
        Ok(())
    }
}

/// Overwrites the value of a record that lives no more, if it is a secret.
fn retire<F: MultiwriteNorFlash>(flash: &mut F, old: &Entry) -> Result<(), StoreError> {
    if old.secret && old.length > 0 {
        layout::wipe(flash, old.address + RecordHeader::SIZE, old.size() - RecordHeader::SIZE)?;
    }
    Ok(())
}
