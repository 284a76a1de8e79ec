//! Durable state in NOR flash.
//!
//! # Guarantees
//!
//! 1. [`Store::write`] takes a list of changes: after a power cut at any flash operation, all of them or none of them
//!    have happened.
//! 2. The value of a *secret* object that was replaced or deleted is overwritten with zeros, at the latest when the
//!    power comes back.
//! 3. A PIN try that was counted stays counted ([`counters`]); counting needs no erase.
//! 4. All pages wear alike: the log goes round the flash. [`Wear`] tells the laps.
//! 5. However often the power goes while a page is made free, no room is lost ([`log`] says why).
//! 6. One wrong bit in a header changes nothing, and one in a value makes that object unreadable. A header that is worse is
//!    said to be damage: a value that was replaced never comes back for it.
//!
//! # On flash (version 1)
//!
//! Pages are the flash's erase units. Pages 0 and 1 hold the PIN counters, one of them at a time; all others are the
//! *log*, a ring. A page begins with a header of 16 bytes (integers little-endian):
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 4 | `UKEY` |
//! | 4 | 2 | version of the format, 1 |
//! | 6 | 2 | 1 log, 2 counters |
//! | 8 | 4 | sequence number: position in the log; generation of the counters |
//! | 12 | 4 | CRC-32 of the 12 bytes before |
//!
//! The log page with sequence `s` lies at page `2 + s mod (pages − 2)`. Records follow the header, each aligned to
//! 4 bytes, none across a page border:
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 1 | 1 put, 2 move, 3 delete, 4 commit |
//! | 1 | 1 | bit 0: secret |
//! | 2 | 2 | length of the value |
//! | 4 | 2 | object; delete: the first object; commit: number of records of the transaction beside it, 0 if not counted |
//! | 6 | 2 | fragment, or part, of the object's value; delete: the last object, included; commit that counts: lower half of the number of the transaction that committed before |
//! | 8 | 4 | transaction |
//! | 12 | 4 | CRC-32 of the 12 bytes before |
//! | 16 | n | value, padded with `FF` to a multiple of 4; none for delete and commit |
//! | | 4 | CRC-32 of the value, if there is one |
//!
//! A transaction is the records with one number, and counts only if a commit with that number follows. The records
//! of a transaction that was cut off stay behind as garbage; a later transaction has another number. Pages that hold only
//! such garbage, at the end of the log, are given back at power-on: their headers are overwritten with zeros.
//! A value longer than 512 bytes is kept in fragments; writing fragment 0 forgets all others.
//! An object that changes piece by piece has *parts*: the fragments behind fragment 0, of which each is put alone. A part
//! put without a value is reserved: it takes the room of a whole one, so that it can be written at any time.
//! When pages run short, what lives in the oldest page is moved to the end of the log, and the page's header is
//! overwritten with zeros, which frees it. It is erased when it is needed again.
//!
//! # The flash must
//!
//! read single bytes, program words of 1, 2 or 4 bytes, clear further bits of a programmed word; and a cut of the power
//! inside an operation must touch nothing but the word or page that was being programmed or erased.

pub(crate) mod counters;
mod index;
mod layout;
mod log;

use embedded_storage::nor_flash::MultiwriteNorFlash;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ukey_apdu::Status;
use zeroize::Zeroizing;

use crate::object::ObjectId;
pub(crate) use counters::{Counters, Mark};
pub(crate) use layout::FRAGMENT;
use layout::{PageHeader, PageKind};
use log::Log;

/// Why the store could not do what was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StoreError {
    /// The flash refused an operation.
    Flash,
    /// There is no room.
    Full,
    /// A value does not match its check sum, or does not decode.
    Damaged,
    /// The flash holds something else.
    Foreign,
    /// The flash holds a newer or unknown version of the format.
    Version(u16),
}

impl From<StoreError> for Status {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Status::NO_SPACE,
            _ => Status::MEMORY_FAILURE,
        }
    }
}

/// How much the flash has been used up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wear {
    /// How often each page of the log has been erased, at most.
    pub log: u32,
    /// How often each counter page has been erased, at most.
    pub counters: u32,
}

/// One change of a transaction.
#[derive(Clone, Copy)]
pub(crate) enum Change<'a> {
    /// The object has this value now.
    Put {
        /// Which object.
        object: ObjectId,
        /// Its value.
        value: &'a [u8],
        /// Whether its value must not stay readable once it is replaced or deleted.
        secret: bool,
    },
    /// One part of the object has this value now, the others stay as they are.
    PutPart {
        /// Which object; it exists.
        object: ObjectId,
        /// Which part, from 1.
        part: u16,
        /// Its value, 1 to [`FRAGMENT`] bytes.
        value: &'a [u8],
        /// As with [`Change::Put`].
        secret: bool,
    },
    /// The object has these parts now, each with nothing in it and room for [`FRAGMENT`] bytes.
    Reserve {
        /// Which object; its first fragment is put before.
        object: ObjectId,
        /// The number of parts; the first is part 1.
        parts: u16,
    },
    /// These objects are gone, the last included.
    Delete {
        /// The first.
        first: ObjectId,
        /// The last.
        last: ObjectId,
    },
}

impl Change<'_> {
    /// Deletes one object.
    pub(crate) const fn delete(object: ObjectId) -> Self {
        Change::Delete { first: object, last: object }
    }
}

/// Most bytes of an encoded record; erasing a larger buffer would take longer than most commands.
const RECORD: usize = 160;

/// A value as it is written: `postcard`, in a buffer that is erased when dropped.
pub(crate) struct Encoded {
    bytes: Zeroizing<[u8; RECORD]>,
    length: usize,
}

impl Encoded {
    /// Encodes a record. All records of `object` fit.
    pub(crate) fn new<T: Serialize>(record: &T) -> Result<Self, StoreError> {
        let mut bytes = Zeroizing::new([0; RECORD]);
        let length = postcard::to_slice(record, bytes.as_mut_slice()).map_err(|_| StoreError::Full)?.len();
        Ok(Self { bytes, length })
    }

    /// Its bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// All durable state.
#[cfg_attr(feature = "sim", derive(Clone))]
#[derive(Debug)]
pub(crate) struct Store {
    log: Log,
    /// The PIN counters.
    pub(crate) counters: Counters,
}

impl Store {
    /// A store that has no power yet.
    pub(crate) fn new() -> Self {
        Self { log: Log::new(), counters: Counters::default() }
    }

    /// Finds the state in the flash, finishing what a power cut left open; formats a blank flash.
    ///
    /// A flash with anything else in it, or with another version of the format, is not touched.
    pub(crate) fn power_on<F: MultiwriteNorFlash>(&mut self, flash: &mut F) -> Result<(), StoreError> {
        const { assert!(F::READ_SIZE == 1 && 4 % F::WRITE_SIZE == 0 && F::ERASE_SIZE >= 4096) };
        let counters = Counters::find(flash)?;
        let found = self.log.find(flash)?;
        self.counters = match counters {
            Some(counters) if found => {
                // A page that cannot be erased now is found again when it is needed.
                let _ = counters.tidy(flash);
                counters
            }
            // A cut between the two steps of formatting.
            Some(counters) if is_blank(flash)? => counters,
            None if !found && is_blank(flash)? => Counters::format(flash)?,
            None if !found => return Err(StoreError::Foreign),
            _ => return Err(StoreError::Damaged),
        };
        if found { Ok(()) } else { self.log.format(flash) }
    }

    /// Makes all changes, or none.
    pub(crate) fn write<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        changes: &[Change<'_>],
    ) -> Result<(), StoreError> {
        self.log.write(flash, changes)
    }

    /// Whether nothing was ever kept here, as far as can be seen.
    pub(crate) fn is_new(&self) -> bool {
        self.log.is_new()
    }

    /// Whether the object exists.
    pub(crate) fn contains(&self, object: ObjectId) -> bool {
        self.log.contains(object)
    }

    /// Bytes of an object's value; `None` if there is no such object.
    pub(crate) fn length(&self, object: ObjectId) -> Option<usize> {
        self.log.length(object)
    }

    /// Reads an object's value into `out` and says how long it is; `None` if there is no such object.
    pub(crate) fn read<F: MultiwriteNorFlash>(
        &self,
        flash: &mut F,
        object: ObjectId,
        out: &mut [u8],
    ) -> Result<Option<usize>, StoreError> {
        self.log.read(flash, object, out)
    }

    /// Reads a part of an object into `out` and says how long it is: 0 for one that is only reserved; `None` if there
    /// is no such part.
    pub(crate) fn read_part<F: MultiwriteNorFlash>(
        &self,
        flash: &mut F,
        object: ObjectId,
        part: u16,
        out: &mut [u8; FRAGMENT],
    ) -> Result<Option<usize>, StoreError> {
        self.log.read_part(flash, object, part, out)
    }

    /// Reads a record, the first fragment of an object; `None` if there is no such object.
    pub(crate) fn record<F: MultiwriteNorFlash, T: DeserializeOwned>(
        &self,
        flash: &mut F,
        object: ObjectId,
    ) -> Result<Option<T>, StoreError> {
        let mut bytes = Zeroizing::new([0; RECORD]);
        let Some(length) = self.log.read_part(flash, object, 0, bytes.as_mut_slice())? else {
            return Ok(None);
        };
        let value = bytes.get(..length).ok_or(StoreError::Damaged)?;
        postcard::from_bytes(value).map(Some).map_err(|_| StoreError::Damaged)
    }

    /// As [`Store::record`], for those who look for one among many: a damaged one is none of those they look for.
    pub(crate) fn intact<F: MultiwriteNorFlash, T: DeserializeOwned>(
        &self,
        flash: &mut F,
        object: ObjectId,
    ) -> Result<Option<T>, StoreError> {
        match self.record(flash, object) {
            Err(StoreError::Damaged) => Ok(None),
            read => read,
        }
    }

    /// Whether every value matches its check sum.
    pub(crate) fn is_intact<F: MultiwriteNorFlash>(&self, flash: &mut F) -> Result<bool, StoreError> {
        self.log.is_intact(flash)
    }

    /// Bytes for values and their records, and how many of them are free.
    pub(crate) fn space(&self) -> (u32, u32) {
        self.log.space()
    }

    /// Laps so far.
    pub(crate) fn wear(&self) -> Wear {
        Wear { log: self.log.laps(), counters: self.counters.laps() }
    }
}

/// Nothing is programmed, but perhaps for the headers, or parts of them, that a cut-off formatting began with.
fn is_blank<F: MultiwriteNorFlash>(flash: &mut F) -> Result<bool, StoreError> {
    let capacity = u32::try_from(flash.capacity()).map_err(|_| StoreError::Foreign)?;
    let mut behind = 0;
    for (address, header) in [(0, Counters::first_header()), (Log::start::<F>(), Log::first_header())] {
        let mut found = [0; PageHeader::SIZE as usize];
        flash.read(address, &mut found).map_err(|_| StoreError::Flash)?;
        let begun = found.iter().zip(header).all(|(found, header)| found & header == header);
        if !begun || !layout::is_erased(flash, behind, address)? {
            return Ok(false);
        }
        behind = address + PageHeader::SIZE;
    }
    layout::is_erased(flash, behind, capacity)
}

/// Reads the header of the page at `address`: `None` for no header, an error for one of another version.
fn page_header<F: MultiwriteNorFlash>(
    flash: &mut F,
    address: u32,
    kind: PageKind,
) -> Result<Option<u32>, StoreError> {
    let mut bytes = [0; PageHeader::SIZE as usize];
    flash.read(address, &mut bytes).map_err(|_| StoreError::Flash)?;
    match PageHeader::decode(&bytes) {
        Some(header) if header.version != layout::VERSION => Err(StoreError::Version(header.version)),
        Some(header) if header.kind == kind as u16 => Ok(Some(header.sequence)),
        _ => Ok(None),
    }
}
