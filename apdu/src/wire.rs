//! Bytes in and out of a data field: a reader and a writer that know the dialect's byte orders and never panic.

use crate::dialect::{ByteOrder, Dialect};
use crate::status::Status;

/// The buffer is too small for what was to be encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Overflow;

impl core::fmt::Display for Overflow {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the buffer is too small for the encoded data")
    }
}

impl core::error::Error for Overflow {}

/// The bytes do not follow the layout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the bytes do not follow the command's layout")
    }
}

impl core::error::Error for Malformed {}

/// A token answers data that do not follow the layout with `6A80`.
impl From<Malformed> for Status {
    fn from(_: Malformed) -> Self {
        Status::WRONG_DATA
    }
}

/// A token that cannot hold its own answer has a defect: `6F00`.
impl From<Overflow> for Status {
    fn from(_: Overflow) -> Self {
        Status::INTERNAL
    }
}

/// Takes a data field apart, front to back.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    dialect: &'a Dialect,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` in `dialect`.
    #[must_use]
    pub const fn new(bytes: &'a [u8], dialect: &'a Dialect) -> Self {
        Self { rest: bytes, dialect }
    }

    /// The dialect in which it reads.
    pub(crate) const fn dialect(&self) -> &'a Dialect {
        self.dialect
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Two opaque bytes: an application or container id.
    pub fn id(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    /// A 4-byte quantity: bit count, length, space.
    pub fn quantity(&mut self) -> Result<u32, Malformed> {
        let bytes = self.array()?;
        Ok(match self.dialect.quantity {
            ByteOrder::Big => u32::from_be_bytes(bytes),
            ByteOrder::Little => u32::from_le_bytes(bytes),
        })
    }

    /// A 2-byte quantity: a count.
    pub fn quantity16(&mut self) -> Result<u16, Malformed> {
        let bytes = self.array()?;
        Ok(match self.dialect.quantity {
            ByteOrder::Big => u16::from_be_bytes(bytes),
            ByteOrder::Little => u16::from_le_bytes(bytes),
        })
    }

    /// A 4-byte constant of GM/T 0006 or 0016.
    pub fn constant(&mut self) -> Result<u32, Malformed> {
        let bytes = self.array()?;
        Ok(match self.dialect.constant {
            ByteOrder::Big => u32::from_be_bytes(bytes),
            ByteOrder::Little => u32::from_le_bytes(bytes),
        })
    }

    /// A length of 4 bytes, then that many bytes.
    pub fn sized(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.quantity()?).map_err(|_| Malformed)?;
        self.take(length)
    }

    /// A length of 2 bytes, then that many bytes.
    pub fn sized16(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::from(self.quantity16()?);
        self.take(length)
    }

    /// All that is left.
    #[must_use]
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Bytes left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Nothing may be left.
    pub const fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

/// Puts a data field together, front to back.
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    length: usize,
    dialect: &'b Dialect,
}

impl<'b> Writer<'b> {
    /// Writes into `buffer` in `dialect`.
    #[must_use]
    pub const fn new(buffer: &'b mut [u8], dialect: &'b Dialect) -> Self {
        Self { buffer, length: 0, dialect }
    }

    /// The dialect in which it writes.
    pub(crate) const fn dialect(&self) -> &'b Dialect {
        self.dialect
    }

    /// Bytes as they are.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Overflow> {
        self.space(bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    /// The next `n` bytes, for the caller to fill.
    pub fn space(&mut self, n: usize) -> Result<&mut [u8], Overflow> {
        let end = self.length.checked_add(n).ok_or(Overflow)?;
        let space = self.buffer.get_mut(self.length..end).ok_or(Overflow)?;
        self.length = end;
        Ok(space)
    }

    /// One byte.
    pub fn byte(&mut self, byte: u8) -> Result<(), Overflow> {
        self.put(&[byte])
    }

    /// Two opaque bytes.
    pub fn id(&mut self, id: u16) -> Result<(), Overflow> {
        self.put(&id.to_be_bytes())
    }

    /// A 4-byte quantity.
    pub fn quantity(&mut self, value: u32) -> Result<(), Overflow> {
        self.put(&match self.dialect.quantity {
            ByteOrder::Big => value.to_be_bytes(),
            ByteOrder::Little => value.to_le_bytes(),
        })
    }

    /// A 2-byte quantity.
    pub fn quantity16(&mut self, value: u16) -> Result<(), Overflow> {
        self.put(&match self.dialect.quantity {
            ByteOrder::Big => value.to_be_bytes(),
            ByteOrder::Little => value.to_le_bytes(),
        })
    }

    /// A 4-byte constant.
    pub fn constant(&mut self, value: u32) -> Result<(), Overflow> {
        self.put(&match self.dialect.constant {
            ByteOrder::Big => value.to_be_bytes(),
            ByteOrder::Little => value.to_le_bytes(),
        })
    }

    /// A length of 4 bytes, then the bytes.
    pub fn sized(&mut self, bytes: &[u8]) -> Result<(), Overflow> {
        self.length(bytes.len())?;
        self.put(bytes)
    }

    /// A length of 4 bytes.
    pub fn length(&mut self, length: usize) -> Result<(), Overflow> {
        self.quantity(u32::try_from(length).map_err(|_| Overflow)?)
    }

    /// A length of 2 bytes, then the bytes.
    pub fn sized16(&mut self, bytes: &[u8]) -> Result<(), Overflow> {
        self.quantity16(u16::try_from(bytes.len()).map_err(|_| Overflow)?)?;
        self.put(bytes)
    }

    /// Text in a field of `width` bytes, zero padded. Longer text does not fit.
    pub fn padded(&mut self, text: &[u8], width: usize) -> Result<(), Overflow> {
        let zeros = width.checked_sub(text.len()).ok_or(Overflow)?;
        self.put(text)?;
        (0..zeros).try_for_each(|_| self.byte(0))
    }

    /// Bytes written.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing has been written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// The text of a zero-padded field: up to the first NUL.
#[must_use]
pub fn unpadded(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}
