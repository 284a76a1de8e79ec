//! Memory that a vendor's library writes into: with slack behind it, so that one that writes too much is found out, and
//! does no harm.

use zeroize::Zeroizing;

use super::types::{BYTE, ULONG};

/// Bytes behind a room that nobody may write. More than any structure is longer than another edition's.
const SLACK: usize = 1024;
/// What they hold.
const CANARY: BYTE = 0xC5;
/// The same, in the width of a length.
const CANARIES: ULONG = ULONG::from_ne_bytes([CANARY; 4]);

/// Where an answer goes, and how long it is.
#[derive(Debug)]
pub(crate) struct Room {
    bytes: Zeroizing<Vec<BYTE>>,
    size: usize,
    /// The length, and words behind it: a library whose ULONG has 64 bits writes there.
    length: [ULONG; 4],
    asks: bool,
}

/// An answer that cannot be one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Garbage {
    #[error("asks for a buffer of {asked} bytes, where {most} are the most")]
    Needs { asked: ULONG, most: usize },
    #[error("says that it wrote {written} bytes into a buffer of {size}")]
    Length { written: ULONG, size: usize },
}

impl Room {
    /// Room for so many bytes.
    pub(crate) fn new(size: usize) -> Room {
        let mut bytes = vec![0; size];
        bytes.resize(size + SLACK, CANARY);
        let length = ULONG::try_from(size).unwrap_or(ULONG::MAX);
        Room {
            bytes: Zeroizing::new(bytes),
            size,
            length: [length, CANARIES, CANARIES, CANARIES],
            asks: false,
        }
    }

    /// No room: only the length that is needed is asked for.
    pub(crate) fn question() -> Room {
        Room { asks: true, ..Room::new(0) }
    }

    /// Where the library writes; NULL where only the length is asked for.
    pub(super) fn pointer(&mut self) -> *mut BYTE {
        if self.asks { std::ptr::null_mut() } else { self.bytes.as_mut_ptr() }
    }

    /// Where it says how much.
    pub(super) fn length_pointer(&mut self) -> *mut ULONG {
        self.length.as_mut_ptr()
    }

    /// Whether something was written behind the room.
    pub(super) fn is_overrun(&self) -> bool {
        let slack = self.bytes.get(self.size..).unwrap_or_default();
        let [_, behind @ ..] = &self.length;
        slack.iter().any(|byte| *byte != CANARY) || behind.iter().any(|word| *word != CANARIES)
    }

    /// The length that a question was answered with.
    pub(crate) fn needed(&self, most: usize) -> Result<usize, Garbage> {
        let [asked, ..] = self.length;
        usize::try_from(asked).ok().filter(|needed| *needed <= most).ok_or(Garbage::Needs { asked, most })
    }

    /// What was written, as long as was said.
    pub(crate) fn filled(&self) -> Result<&[BYTE], Garbage> {
        let [written, ..] = self.length;
        let length = usize::try_from(written).ok().filter(|length| *length <= self.size);
        length.and_then(|length| self.bytes.get(..length)).ok_or(Garbage::Length { written, size: self.size })
    }

    /// All of it.
    pub(crate) fn whole(&self) -> &[BYTE] {
        self.bytes.get(..self.size).unwrap_or_default()
    }

    /// The number at its beginning.
    pub(crate) fn number(&self) -> ULONG {
        self.whole().first_chunk().map_or(0, |bytes| ULONG::from_ne_bytes(*bytes))
    }

    /// The handle at its beginning.
    pub(crate) fn handle(&self) -> usize {
        self.whole().first_chunk().map_or(0, |bytes| usize::from_ne_bytes(*bytes))
    }

    /// Room for a number, with this in it.
    pub(crate) fn of_number(number: ULONG) -> Room {
        let mut room = Room::new(size_of::<ULONG>());
        room.bytes.iter_mut().zip(number.to_ne_bytes()).for_each(|(cell, byte)| *cell = byte);
        room
    }

    /// Room for a handle.
    pub(crate) fn of_handle() -> Room {
        Room::new(size_of::<usize>())
    }
}

/// Bytes that a library reads, with zeros behind them: for one that reads more than it may. They are erased.
pub(super) struct Input(Zeroizing<Vec<BYTE>>);

impl Input {
    pub(super) fn new(bytes: &[BYTE]) -> Input {
        let mut copy = Zeroizing::new(Vec::with_capacity(bytes.len() + SLACK));
        copy.extend_from_slice(bytes);
        copy.resize(bytes.len() + SLACK, 0);
        Input(copy)
    }

    pub(super) fn pointer(&self) -> *const BYTE {
        self.0.as_ptr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(size: usize, length: ULONG) -> Room {
        let mut room = Room::new(size);
        room.length[0] = length;
        room
    }

    #[test]
    fn a_length_that_cannot_be_is_found_out() {
        let mut question = Room::question();
        question.length[0] = ULONG::MAX;
        let asked = question.needed(65_536).unwrap_err();
        assert_eq!(asked.to_string(), "asks for a buffer of 4294967295 bytes, where 65536 are the most");
        assert_eq!(with(0, 65_536).needed(65_536), Ok(65_536));
        assert_eq!(with(8, 3).filled(), Ok(&[0; 3][..]));
        let said = with(8, 9).filled().unwrap_err();
        assert_eq!(said.to_string(), "says that it wrote 9 bytes into a buffer of 8");
    }

    #[test]
    fn what_is_written_behind_it_is_found_out() {
        let mut room = Room::new(8);
        room.bytes.iter_mut().take(8).for_each(|byte| *byte = 0xFF);
        assert!(!room.is_overrun());
        room.bytes[8] = 0;
        assert!(room.is_overrun());
        // A library whose ULONG has 64 bits.
        let mut room = Room::new(8);
        room.length[1] = 0;
        assert!(room.is_overrun());
    }
}
