//! Making room: the oldest pages are moved to the end and freed.

use embedded_storage::nor_flash::MultiwriteNorFlash;
use zeroize::Zeroizing;

use super::super::StoreError;
use super::super::layout::{self, FRAGMENT, PAGE_FILL, PageHeader, RecordHeader, RecordKind, page_size};
use super::{Log, Position, RESERVE, value};

impl Log {
    /// Frees pages until `bytes` can be appended with the reserve untouched.
    pub(super) fn make_room<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        bytes: u32,
    ) -> Result<(), StoreError> {
        let needed = bytes.div_ceil(PAGE_FILL) + RESERVE;
        for _ in 0..2 * self.pages {
            let used = self.end.page - self.oldest + 1;
            if self.pages - used >= needed {
                return Ok(());
            }
            self.free_oldest(flash)?;
        }
        Err(StoreError::Full)
    }

    /// Moves what lives in the oldest page, in one transaction, and frees the page.
    fn free_oldest<F: MultiwriteNorFlash>(&mut self, flash: &mut F) -> Result<(), StoreError> {
        if self.oldest == self.end.page {
            return Err(StoreError::Full);
        }
        let from = self.address::<F>(Position { page: self.oldest, offset: 0 });
        let to = from + page_size::<F>();
        if self.index.next_within(from, to).is_some() {
            self.transact(flash, |log, flash| log.move_all(flash, from, to))?;
        }
        layout::wipe(flash, from, PageHeader::SIZE)?;
        self.oldest = self.oldest.wrapping_add(1);
        Ok(())
    }

    /// Appends what lives between two addresses.
    fn move_all<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        from: u32,
        to: u32,
    ) -> Result<(), StoreError> {
        let mut behind = from;
        while let Some(entry) = self.index.next_within(behind, to) {
            let mut bytes = Zeroizing::new([0; FRAGMENT]);
            let space = bytes.get_mut(..usize::from(entry.length)).ok_or(StoreError::Damaged)?;
            // A value that does not match its check sum stays what it is.
            let check = value(flash, &entry, space)?;
            let header = RecordHeader {
                kind: RecordKind::Move,
                secret: entry.secret,
                length: entry.length,
                object: entry.object.0,
                fragment: entry.fragment,
                transaction: self.transaction,
            };
            self.append(flash, header, space, check)?;
            behind = entry.address + 1;
        }
        Ok(())
    }

    /// Gives back the pages behind this one, the newest first: nothing in them is committed.
    pub(super) fn give_back_behind<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        last: u32,
    ) -> Result<(), StoreError> {
        while self.end.page > last {
            let address = self.address::<F>(Position { page: self.end.page, offset: 0 });
            layout::wipe(flash, address, PageHeader::SIZE)?;
            // What was cut off began in the page before, or fitted no more in it: the rest of that is given up.
            self.end = Position { page: self.end.page - 1, offset: page_size::<F>() };
        }
        Ok(())
    }
}
