//! One call of a function of a vendor's library, for errors and traces.

use std::fmt;
use std::sync::Arc;

use super::sar::Sar;

/// A function of GM/T 0016 that a link called, and what it answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The library's file name.
    pub library: Arc<str>,
    /// The function: `SKF_VerifyPIN`.
    pub function: &'static str,
    /// What it answered; `None` where the library has no such function.
    pub sar: Option<Sar>,
}

/// `SKF_VerifyPIN answered 0x0A000024 SAR_PIN_INCORRECT`, or `libvendor.so has no SKF_ExtECCVerify`.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sar {
            Some(sar) => write!(f, "{} answered {sar}", self.function),
            None => write!(f, "{} has no {}", self.library, self.function),
        }
    }
}
