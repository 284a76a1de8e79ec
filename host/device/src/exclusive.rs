//! The token for one program alone (LockDev, UnlockDev of GM/T 0016): while one device holds it, every command of any
//! other device of the same token is refused as [`LinkError::Busy`](crate::LinkError::Busy), and nothing of it reaches
//! the token: no try is spent, no right is lost (G-11).
//!
//! A token whose link cannot be shared is its program's own all the time: there, taking it always succeeds.

use std::time::Duration;

use crate::device::Device;
use crate::error::Result;

impl Device {
    /// Takes the token for this device alone, and waits so long for another to give it back (LockDev). Takings are
    /// counted: it is free again when [`Device::unlock`] was called as often. It also ends with this device, and with
    /// the token's power.
    ///
    /// Other threads that use this device wait meanwhile.
    ///
    /// # Errors
    /// [`LinkError::Busy`](crate::LinkError::Busy) where another still holds it ([`Error::is_busy`](crate::Error::is_busy));
    /// [`LinkError::Removed`](crate::LinkError::Removed).
    pub fn lock(&self, wait: Duration) -> Result<()> {
        Ok(self.wire().hold(wait)?)
    }

    /// Gives one taking of the token back (UnlockDev); nothing happens where it was not taken.
    ///
    /// # Errors
    /// As [`Device::lock`].
    pub fn unlock(&self) -> Result<()> {
        Ok(self.wire().release()?)
    }

    /// Takes the token as [`Device::lock`] does, until the value is dropped. Guards may be nested.
    ///
    /// # Errors
    /// As [`Device::lock`].
    pub fn exclusive(&self, wait: Duration) -> Result<Exclusive<'_>> {
        let mut wire = self.wire();
        wire.hold(wait)?;
        Ok(Exclusive { device: self, session: wire.session() })
    }
}

/// The token is this device's alone as long as this lives and the token keeps its power.
#[derive(Debug)]
#[must_use = "the token is given back when this is dropped"]
pub struct Exclusive<'d> {
    device: &'d Device,
    /// The token's power that it was taken in.
    session: u64,
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        let mut wire = self.device.wire();
        // What ended with the token's power is not given back a second time.
        if wire.session() == self.session {
            // A token that was pulled meanwhile holds nobody any more.
            let _ = wire.release();
        }
    }
}
