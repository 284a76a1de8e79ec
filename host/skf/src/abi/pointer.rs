//! What C hands over: handles, texts, pointers in and out. This is the only file that follows a pointer.
//!
//! Nothing in Rust makes these values: they come as the parameters of functions that are unsafe to call, whose callers
//! promise what stands at each of those: a pointer is NULL, or points at as many of its type as the length beside it
//! says, and nobody else writes there meanwhile. The SAFETY notes below rest on that promise. Nothing needs to be
//! aligned.
#![allow(unsafe_code, reason = "the border: see above")]

use std::marker::PhantomData;

use super::types::{self, BYTE, CHAR, ULONG};
use crate::sar::{Result, Sar};

/// A number of the table of handles, in the width of a pointer. It is never followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Handle(pub(crate) usize);

/// Types that any bytes of their size are a value of.
///
/// # Safety
/// Just that: no padding, no forbidden values.
pub unsafe trait Plain: Copy {}

/// Declares integers and packed structures of them to be [`Plain`].
macro_rules! plain {
    ($($type:ty),+ $(,)?) => {
        $(
            // SAFETY: an integer, or a packed structure of integers, bytes and such structures: no padding, no
            // forbidden values.
            unsafe impl Plain for $type {}
        )+
    };
}

plain!(
    BYTE,
    ULONG,
    Handle,
    types::VERSION,
    types::DEVINFO,
    types::RSAPUBLICKEYBLOB,
    types::RSAPRIVATEKEYBLOB,
    types::ECCPUBLICKEYBLOB,
    types::ECCPRIVATEKEYBLOB,
    types::ECCCIPHERBLOB,
    types::ECCSIGNATUREBLOB,
    types::BLOCKCIPHERPARAM,
    types::ENVELOPEDKEYBLOB,
    types::FILEATTRIBUTE,
);

/// A text that comes in: a NUL ends it.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Text(*const CHAR);

/// Longest text that is looked at, in bytes.
const LONGEST_TEXT: usize = 1024;

impl Text {
    /// Its bytes without the NUL.
    pub(crate) fn bytes(&self) -> Result<&[u8]> {
        if self.0.is_null() {
            return Err(Sar::INVALIDPARAMERR.into());
        }
        for length in 0..=LONGEST_TEXT {
            // SAFETY: the caller's text reaches to its NUL, and no NUL was met so far.
            if unsafe { self.0.add(length).read() } == 0 {
                // SAFETY: so many bytes were just read.
                return Ok(unsafe { std::slice::from_raw_parts(self.0, length) });
            }
        }
        Err(Sar::NAMELENERR.into())
    }

    /// The text, in UTF-8.
    pub(crate) fn text(&self) -> Result<&str> {
        Ok(std::str::from_utf8(self.bytes()?).map_err(|_| Sar::INVALIDPARAMERR)?)
    }

    /// The name of an object: 1 to `longest` bytes.
    pub(crate) fn name(&self, longest: usize) -> Result<&str> {
        let name = self.text()?;
        if (1..=longest).contains(&name.len()) { Ok(name) } else { Err(Sar::NAMELENERR.into()) }
    }
}

/// A pointer to what comes in.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct In<T>(*const T);

impl<T: Plain> In<T> {
    /// What it points at.
    pub(crate) fn value(self) -> Result<T> {
        if self.0.is_null() {
            return Err(Sar::INVALIDPARAMERR.into());
        }
        // SAFETY: it is not NULL, so it points at a T; any bytes are one.
        Ok(unsafe { self.0.read_unaligned() })
    }

    /// What it points at, as bytes: `length` of them from its beginning. For structures that are longer than their
    /// type.
    pub(crate) fn bytes(&self, length: ULONG) -> Result<&[u8]> {
        if self.0.is_null() {
            return if length == 0 { Ok(&[]) } else { Err(Sar::INVALIDPARAMERR.into()) };
        }
        let length = usize::try_from(length).map_err(|_| Sar::INDATALENERR)?;
        if length > isize::MAX.unsigned_abs() {
            return Err(Sar::INDATALENERR.into());
        }
        // SAFETY: it is not NULL, and the caller says that so many bytes stand there.
        Ok(unsafe { std::slice::from_raw_parts(self.0.cast(), length) })
    }
}

/// A pointer to where a value goes; some bring one too.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Out<T>(*mut T);

/// The same, known not to be NULL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<T>(*mut T, PhantomData<T>);

impl<T: Plain> Out<T> {
    /// Refuses NULL: before anything else happens, so that nothing is lost with an answer that goes nowhere.
    pub(crate) fn place(self) -> Result<Place<T>> {
        if self.0.is_null() { Err(Sar::INVALIDPARAMERR.into()) } else { Ok(Place(self.0, PhantomData)) }
    }
}

impl<T: Plain> Place<T> {
    /// Writes the value.
    pub(crate) fn put(self, value: T) {
        // SAFETY: it is not NULL, so the caller has room for a T there.
        unsafe { self.0.write_unaligned(value) }
    }

    /// The value that it brings.
    fn value(self) -> T {
        // SAFETY: it is not NULL, so it points at a T; any bytes are one.
        unsafe { self.0.read_unaligned() }
    }

    /// Writes bytes there from its beginning. For structures that are longer than their type.
    pub(crate) fn put_bytes(self, bytes: &[u8]) {
        // SAFETY: it is not NULL, and the caller has room for the structure and all that belongs to it; `bytes` is
        // ours and cannot overlap it.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.0.cast::<u8>(), bytes.len()) }
    }
}

/// A buffer and its length, which go by the convention of GM/T 0016-2012 clause 6: with NULL for a buffer only the
/// length that is needed comes back; a buffer that is too small is told the length too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffer {
    bytes: *mut BYTE,
    length: Place<ULONG>,
}

impl Buffer {
    /// Of these parameters; without a length there is no buffer.
    pub(crate) fn new(bytes: Out<BYTE>, length: Out<ULONG>) -> Result<Buffer> {
        Ok(Buffer { bytes: bytes.0, length: length.place()? })
    }

    /// Whether `needed` bytes fit. If not, the needed length is told: to one who only asked for it, `false`.
    pub(crate) fn fits(self, needed: usize) -> Result<bool> {
        let needed = ULONG::try_from(needed).map_err(|_| Sar::FAIL)?;
        let room = self.length.value();
        if !self.bytes.is_null() && room >= needed {
            return Ok(true);
        }
        self.length.put(needed);
        if self.bytes.is_null() { Ok(false) } else { Err(Sar::BUFFER_TOO_SMALL.into()) }
    }

    /// Fills it, as [`Buffer::fits`] allows.
    pub(crate) fn fill(self, data: &[u8]) -> Result {
        if !self.fits(data.len())? {
            return Ok(());
        }
        // SAFETY: it is not NULL, and the caller has room for as many bytes as the length said, which was enough;
        // `data` is ours and cannot overlap it.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), self.bytes, data.len()) }
        self.length.put(ULONG::try_from(data.len()).map_err(|_| Sar::FAIL)?);
        Ok(())
    }

    /// Fills it with a list of names: each ends with NUL, the list with one more (an empty one has two).
    pub(crate) fn fill_names<'n>(self, names: impl IntoIterator<Item = &'n str>) -> Result {
        let mut list = Vec::new();
        for name in names {
            list.extend_from_slice(name.as_bytes());
            list.push(0);
        }
        if list.is_empty() {
            list.push(0);
        }
        list.push(0);
        self.fill(&list)
    }
}

/// `length` bytes of a buffer that has no length of its own to tell: random bytes.
pub(crate) fn fill_exactly(bytes: Out<BYTE>, data: &[u8]) -> Result {
    bytes.place()?.put_bytes(data);
    Ok(())
}
