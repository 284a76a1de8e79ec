//! Bytes that a command or an answer carries as they are.

use core::fmt;

use super::Answer;
use crate::dialect::Dialect;
use crate::wire::Malformed;

/// The content of a file, a message, a ciphertext. No trace tells it: who may not read it may see a trace.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Data<'r>(pub &'r [u8]);

impl<'r> Answer<'r> for Data<'r> {
    fn read(bytes: &'r [u8], _: &'r Dialect) -> Result<Self, Malformed> {
        Ok(Self(bytes))
    }
}

impl fmt::Display for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
