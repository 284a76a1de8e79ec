//! The way to a token. A [`Place`] can be connected to; a [`Link`] is live.
//!
//! A link carries envelopes and knows nothing of their meaning. Once the token lost its power (pulled, cut, reset by
//! someone else) every transmission answers [`LinkError::Removed`] until [`Link::reset`] finds the token again: what
//! was open or proved before is gone, and nobody goes on without noticing.

mod error;
pub mod framed;
pub mod holder;
#[cfg(feature = "pcsc")]
pub mod pcsc;
pub mod qemu;
mod secrets;
pub mod serial;
pub mod sim;
pub mod skf;
pub mod socket;
pub mod state;
mod stream;

use std::sync::Arc;
use std::time::Duration;

pub use error::LinkError;
pub use secrets::{Secret, Secrets};
use sim::Simulator;
use skf::Call;
use ukey_apdu::Dialect;
use ukey_apdu::frame::Measured;

/// Somewhere a token can be reached.
pub trait Place {
    /// A live link to the token there.
    ///
    /// # Errors
    /// Why it cannot be reached.
    fn link(&self) -> Result<Box<dyn Link>, LinkError>;
}

/// A live link to a token.
pub trait Link: Send {
    /// Sends one envelope; gives data and status word back.
    ///
    /// # Errors
    /// [`LinkError::Removed`] once the token lost its power, until [`Link::reset`].
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError>;

    /// Sends an envelope to the token itself, as it is: by links that make something else of envelopes
    /// (SKF_Transmit).
    ///
    /// # Errors
    /// As [`Link::transmit`].
    fn transmit_raw(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.transmit(command)
    }

    /// The part that takes PINs and keys in clear, of a link that does; it is asked before an envelope is made of them.
    fn secrets(&mut self) -> Option<&mut dyn Secrets> {
        None
    }

    /// Takes the token's power away and gives it back; also finds a token that was plugged in again.
    ///
    /// # Errors
    /// [`LinkError::Removed`] while no token is plugged in.
    fn reset(&mut self) -> Result<(), LinkError>;

    /// Takes the token for this link alone: every other link answers [`LinkError::Busy`] from now on, until
    /// [`Link::unlock`], until this link ends, or until the token loses its power. Waits so long for another link to
    /// give it back.
    ///
    /// A link that nobody can share has nothing to take: the default.
    ///
    /// # Errors
    /// [`LinkError::Busy`] where another link still holds it; [`LinkError::Removed`].
    fn lock(&mut self, wait: Duration) -> Result<(), LinkError> {
        let _ = wait;
        Ok(())
    }

    /// Gives the token back to every link; nothing happens where it was not taken.
    ///
    /// # Errors
    /// [`LinkError::Busy`] where another link holds it.
    fn unlock(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    /// The dialect of the token, where the place knows it.
    fn dialect(&self) -> Option<Dialect> {
        None
    }

    /// The function of a vendor's library that decided about the last transmission, and what it answered; `None` over
    /// links that carry envelopes.
    fn last_call(&self) -> Option<Call> {
        None
    }

    /// What the last command, or the start, cost where the token measures.
    fn measured(&self) -> Option<Measured> {
        None
    }

    /// What came over this link so far and was no frame. None of it was taken for an answer.
    fn bad_frames(&self) -> u32 {
        0
    }

    /// The hand that can pull the token and plug it in, where it is not a person's.
    fn hand(&self) -> Option<Arc<dyn Hand>> {
        None
    }

    /// The token itself, where it is simulated in this process: its power can be cut inside a flash operation.
    fn simulator(&self) -> Option<Simulator> {
        None
    }
}

/// What can be done to a key without asking it.
pub trait Hand: Send + Sync {
    /// Pulls it: its power is gone at once, whatever it is doing, and its links answer [`LinkError::Removed`] from now
    /// on.
    fn unplug(&self);

    /// Pulls it when so many more envelopes were answered (0: before the next), unless it gets new power before.
    fn unplug_after(&self, exchanges: u64);

    /// Plugs it in; its links find it again by [`Link::reset`]. Nothing happens where it is plugged in already.
    ///
    /// # Errors
    /// Why it does not start.
    fn plug_in(&self) -> Result<(), LinkError>;
}
