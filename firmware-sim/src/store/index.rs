//! Where the living records are: in memory, sorted by object and fragment.

use super::layout::{claim, record_size};
use crate::object::ObjectId;

/// Most records that live at a time.
pub(super) const CAPACITY: usize = 512;

/// A living record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) object: ObjectId,
    pub(super) fragment: u16,
    pub(super) length: u16,
    /// Of the record's header.
    pub(super) address: u32,
    pub(super) secret: bool,
}

impl Entry {
    const fn key(&self) -> (ObjectId, u16) {
        (self.object, self.fragment)
    }

    /// Bytes that it takes in flash.
    pub(super) fn size(&self) -> u32 {
        record_size(self.length)
    }

    /// Bytes that are set aside for it.
    pub(super) fn claim(&self) -> u32 {
        claim(self.length)
    }
}

/// All living records.
#[cfg_attr(feature = "sim", derive(Clone))]
#[derive(Debug)]
pub(super) struct Index {
    entries: heapless::Vec<Entry, CAPACITY>,
}

impl Index {
    /// None lives.
    pub(super) const fn new() -> Self {
        Self { entries: heapless::Vec::new() }
    }

    /// The fragments of an object, in order.
    pub(super) fn fragments(&self, object: ObjectId) -> &[Entry] {
        let start = self.entries.partition_point(|entry| entry.object < object);
        let rest = self.entries.get(start..).unwrap_or_default();
        rest.get(..rest.partition_point(|entry| entry.object == object)).unwrap_or_default()
    }

    /// One fragment of an object.
    pub(super) fn fragment(&self, object: ObjectId, fragment: u16) -> Option<&Entry> {
        let at = self.entries.binary_search_by_key(&(object, fragment), Entry::key).ok()?;
        self.entries.get(at)
    }

    /// A record lives now. The one that it replaces is given back; `Err` when there is no place.
    pub(super) fn insert(&mut self, entry: Entry) -> Result<Option<Entry>, Entry> {
        match self.entries.binary_search_by_key(&entry.key(), Entry::key) {
            Ok(at) => Ok(self.entries.get_mut(at).map(|old| core::mem::replace(old, entry))),
            Err(at) => self.entries.insert(at, entry).map(|()| None),
        }
    }

    /// Removes and gives the first record in `first..=last` other than `keep`.
    pub(super) fn remove_next(
        &mut self,
        first: ObjectId,
        last: ObjectId,
        keep: Option<u32>,
    ) -> Option<Entry> {
        let inside = |entry: &Entry| (first..=last).contains(&entry.object) && Some(entry.address) != keep;
        let at = self.entries.iter().position(inside)?;
        Some(self.entries.remove(at))
    }

    /// The record with the lowest address in `from..to`.
    pub(super) fn next_within(&self, from: u32, to: u32) -> Option<Entry> {
        let inside = self.entries.iter().filter(|entry| (from..to).contains(&entry.address));
        inside.min_by_key(|entry| entry.address).copied()
    }

    /// All of them.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether a record lives at this address.
    pub(super) fn lives_at(&self, address: u32) -> bool {
        self.entries.iter().any(|entry| entry.address == address)
    }

    /// How many more records can live.
    pub(super) fn room(&self) -> usize {
        CAPACITY - self.entries.len()
    }

    /// Bytes of flash that are set aside for the living records.
    pub(super) fn bytes(&self) -> u32 {
        self.entries.iter().map(Entry::claim).sum()
    }
}
