//! Headers of pages and records as bytes, check sums, and the raw operations on flash.

use crc::{CRC_32_ISO_HDLC, Crc};
use embedded_storage::nor_flash::MultiwriteNorFlash;
use zeroize::Zeroizing;

use super::StoreError;

/// Version of the on-flash format.
pub(super) const VERSION: u16 = 1;

/// Most bytes of a value in one record.
pub(crate) const FRAGMENT: usize = 512;

/// Most bytes of a record in flash.
#[allow(clippy::cast_possible_truncation, reason = "512")]
pub(super) const MAX_RECORD: u32 = RecordHeader::SIZE + FRAGMENT as u32 + 4;

const MAGIC: [u8; 4] = *b"UKEY";
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// The check sum of the format.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// The check sum of `length` bytes of flash.
pub(super) fn crc_of<F: MultiwriteNorFlash>(
    flash: &mut F,
    address: u32,
    length: u32,
) -> Result<u32, StoreError> {
    let mut digest = CRC.digest();
    let mut bytes = Zeroizing::new([0; 64]);
    let mut done = 0;
    while done < length {
        let part = bytes.get_mut(..(length - done).min(64) as usize).unwrap_or_default();
        flash.read(address + done, part).map_err(|_| StoreError::Flash)?;
        digest.update(part);
        done += 64;
    }
    Ok(digest.finalize())
}

/// What a page is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub(super) enum PageKind {
    Log = 1,
    Counters = 2,
}

/// The first 16 bytes of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PageHeader {
    pub(super) version: u16,
    pub(super) kind: u16,
    pub(super) sequence: u32,
}

impl PageHeader {
    pub(super) const SIZE: u32 = 16;

    pub(super) fn new(kind: PageKind, sequence: u32) -> Self {
        Self { version: VERSION, kind: kind as u16, sequence }
    }

    pub(super) fn encode(&self) -> [u8; 16] {
        let [a, b, c, d] = MAGIC;
        let [v0, v1] = self.version.to_le_bytes();
        let [k0, k1] = self.kind.to_le_bytes();
        let [s0, s1, s2, s3] = self.sequence.to_le_bytes();
        sealed([a, b, c, d, v0, v1, k0, k1, s0, s1, s2, s3])
    }

    pub(super) fn decode(bytes: &[u8; 16]) -> Option<Self> {
        let [a, b, c, d, v0, v1, k0, k1, s0, s1, s2, s3] = opened(bytes)?;
        ([a, b, c, d] == MAGIC).then_some(Self {
            version: u16::from_le_bytes([v0, v1]),
            kind: u16::from_le_bytes([k0, k1]),
            sequence: u32::from_le_bytes([s0, s1, s2, s3]),
        })
    }
}

/// What a record does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum RecordKind {
    Put = 1,
    Move = 2,
    Delete = 3,
    Commit = 4,
}

/// The first 16 bytes of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RecordHeader {
    pub(super) kind: RecordKind,
    pub(super) secret: bool,
    pub(super) length: u16,
    /// Delete: the first object. Commit: how many records the transaction has beside it; 0 where nobody counted.
    pub(super) object: u16,
    /// Delete: the last object. Commit that counts: [`low_half`] of the transaction that committed before.
    pub(super) fragment: u16,
    pub(super) transaction: u32,
}

impl RecordHeader {
    pub(super) const SIZE: u32 = 16;

    /// Bytes of the whole record in flash.
    pub(super) fn size(&self) -> u32 {
        record_size(self.length)
    }

    pub(super) fn encode(&self) -> [u8; 16] {
        let [l0, l1] = self.length.to_le_bytes();
        let [o0, o1] = self.object.to_le_bytes();
        let [f0, f1] = self.fragment.to_le_bytes();
        let [t0, t1, t2, t3] = self.transaction.to_le_bytes();
        sealed([self.kind as u8, u8::from(self.secret), l0, l1, o0, o1, f0, f1, t0, t1, t2, t3])
    }

    pub(super) fn decode(bytes: &[u8; 16]) -> Option<Self> {
        let [kind, flags, l0, l1, o0, o1, f0, f1, t0, t1, t2, t3] = opened(bytes)?;
        Some(Self {
            kind: match kind {
                1 => RecordKind::Put,
                2 => RecordKind::Move,
                3 => RecordKind::Delete,
                4 => RecordKind::Commit,
                _ => return None,
            },
            secret: flags & 1 != 0,
            length: u16::from_le_bytes([l0, l1]),
            object: u16::from_le_bytes([o0, o1]),
            fragment: u16::from_le_bytes([f0, f1]),
            transaction: u32::from_le_bytes([t0, t1, t2, t3]),
        })
    }
}

/// The lower 16 bits of a transaction's number.
pub(super) fn low_half(transaction: u32) -> u16 {
    let [low, high, ..] = transaction.to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// Bytes that surely go into a page, in records of any size: behind them the longest may not fit, and where a commit has
/// its place there is nothing else. Pages have 4096 bytes or more.
pub(super) const PAGE_FILL: u32 = 4096 - PageHeader::SIZE - RecordHeader::SIZE - MAX_RECORD;

/// Bytes of a record with a value of `length` bytes.
pub(super) fn record_size(length: u16) -> u32 {
    match length {
        0 => RecordHeader::SIZE,
        n => RecordHeader::SIZE + u32::from(n).next_multiple_of(4) + 4,
    }
}

/// Bytes that are set aside for a record with a value of `length` bytes.
///
/// A reserved part has room for a whole one. Small records count in units, so that another PIN or label always fits in
/// the place of the old one, however full the token is.
pub(super) fn claim(length: u16) -> u32 {
    const UNIT: u32 = 64;
    match length {
        0 => MAX_RECORD,
        n => record_size(n).next_multiple_of(UNIT).min(MAX_RECORD),
    }
}

fn sealed(content: [u8; 12]) -> [u8; 16] {
    let mut bytes = [0; 16];
    let check = crc(&content).to_le_bytes();
    bytes.iter_mut().zip(content.iter().chain(&check)).for_each(|(cell, byte)| *cell = *byte);
    bytes
}

/// What is sealed in a header; one wrong bit is mended.
///
/// Over so few bits any two sealed contents differ in seven or more, so a wrong bit has one explanation. A header that
/// was being written when the power went, and lacks one bit, counts as written: it was the last thing to happen.
fn opened(bytes: &[u8; 16]) -> Option<[u8; 12]> {
    let content = |bytes: u128| {
        let bytes = bytes.to_le_bytes();
        let (content, check) = bytes.split_first_chunk::<12>()?;
        (crc(content).to_le_bytes() == check).then_some(*content)
    };
    let bytes = u128::from_le_bytes(*bytes);
    if bytes == 0 || bytes == u128::MAX {
        return None;
    }
    content(bytes).or_else(|| (0..u128::BITS).find_map(|bit| content(bytes ^ (1 << bit))))
}

/// Whether everything in `from..to` is erased.
pub(super) fn is_erased<F: MultiwriteNorFlash>(
    flash: &mut F,
    from: u32,
    to: u32,
) -> Result<bool, StoreError> {
    let mut at = from;
    while at < to {
        let mut bytes = [0; 64];
        let length = (to - at).min(64);
        let part = bytes.get_mut(..length as usize).unwrap_or_default();
        flash.read(at, part).map_err(|_| StoreError::Flash)?;
        if part.iter().any(|&byte| byte != 0xFF) {
            return Ok(false);
        }
        at += length;
    }
    Ok(true)
}

/// Erases the page at `address` unless it is erased already; says whether it had to.
pub(super) fn make_erased<F: MultiwriteNorFlash>(flash: &mut F, address: u32) -> Result<bool, StoreError> {
    let end = address.saturating_add(page_size::<F>());
    if is_erased(flash, address, end)? {
        return Ok(false);
    }
    flash.erase(address, end).map_err(|_| StoreError::Flash)?;
    Ok(true)
}

/// Programs bytes whose length is a multiple of 4.
pub(super) fn program<F: MultiwriteNorFlash>(
    flash: &mut F,
    address: u32,
    bytes: &[u8],
) -> Result<(), StoreError> {
    flash.write(address, bytes).map_err(|_| StoreError::Flash)
}

/// Overwrites `length` bytes with zeros, a multiple of 4, unless they are zeros already.
pub(super) fn wipe<F: MultiwriteNorFlash>(
    flash: &mut F,
    address: u32,
    length: u32,
) -> Result<(), StoreError> {
    let mut done = 0;
    while done < length {
        let mut bytes = [0; 64];
        let part = bytes.get_mut(..(length - done).min(64) as usize).unwrap_or_default();
        flash.read(address + done, part).map_err(|_| StoreError::Flash)?;
        if part.iter().any(|&byte| byte != 0) {
            part.fill(0);
            program(flash, address + done, part)?;
        }
        done += 64;
    }
    Ok(())
}

/// Bytes of a page.
pub(super) const fn page_size<F: MultiwriteNorFlash>() -> u32 {
    let size = F::ERASE_SIZE;
    #[allow(clippy::cast_possible_truncation, reason = "an erase unit has far less than 4 GiB")]
    {
        size as u32
    }
}
