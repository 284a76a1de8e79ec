//! A token behind a stream that can be opened again: what sockets and serial lines have in common.
//!
//! Guarantees: to connect is to give the token power. It is asked for by [`Framed::restart`], so that nobody waits for a
//! token that said its first word long ago. A reset takes the power over the same stream, and over a new one where that
//! is gone.

use std::fmt::Display;

use ukey_apdu::frame::{MIN_SEED, Measured};

use super::framed::{Framed, Limits, Seed, Stream};
use super::{Link, LinkError};

/// What a stream to a token can be opened to. It shows itself as the target.
pub(super) trait Opens: Display + Send + 'static {
    /// The stream.
    type Stream: Stream;

    /// A new stream, and how long the token behind it may take.
    fn open(&self) -> Result<(Self::Stream, Limits), LinkError>;
}

/// A live link over a stream.
struct StreamLink<P: Opens> {
    place: P,
    framed: Option<Framed<P::Stream>>,
    /// Bad frames of the streams before this one.
    bad_before: u32,
}

/// A live link to the token at a place.
pub(super) fn connect<P: Opens>(place: P) -> Result<Box<dyn Link>, LinkError> {
    let mut link = StreamLink { place, framed: None, bad_before: 0 };
    link.open()?;
    Ok(Box::new(link))
}

/// What a token is given at a start. Always of the operating system: a token behind a stream may have no other chance,
/// and keeps its keys longer than anybody remembers a number.
fn seed() -> Result<Seed, LinkError> {
    let mut seed = [0; MIN_SEED];
    getrandom::fill(&mut seed).map_err(|error| LinkError::NoStart { reason: error.to_string() })?;
    Ok(seed)
}

impl<P: Opens> StreamLink<P> {
    fn open(&mut self) -> Result<(), LinkError> {
        self.close();
        let (stream, limits) = self.place.open()?;
        let framed = self.framed.insert(Framed::new(stream, limits)?);
        let started = framed.restart(&seed()?);
        started.map_err(|error| self.not_started(error))
    }

    /// Without a stream, nothing can be mistaken for the token.
    fn close(&mut self) {
        let bad = self.framed.take().map_or(0, |framed| framed.bad_frames());
        self.bad_before = self.bad_before.saturating_add(bad);
    }

    fn not_started(&mut self, error: LinkError) -> LinkError {
        self.close();
        match error {
            LinkError::Busy { holder, .. } => LinkError::Busy { place: self.place.to_string(), holder },
            error => error,
        }
    }
}

impl<P: Opens> Link for StreamLink<P> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.framed.as_mut().ok_or(LinkError::Removed)?.exchange(command)
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        if let Some(framed) = &mut self.framed {
            match framed.restart(&seed()?) {
                Ok(()) => return Ok(()),
                // The key is gone, or only this stream to it.
                Err(LinkError::Removed | LinkError::Stream { .. }) if framed.has_ended() => {}
                // It may be plugged in again at the same line.
                Err(LinkError::Removed) => return Err(LinkError::Removed),
                Err(error) => return Err(self.not_started(error)),
            }
        }
        self.open().map_err(|error| match error {
            // Where there was a key there is none.
            LinkError::NothingListens { .. } | LinkError::NoSocket { .. } | LinkError::NoLine { .. } => {
                LinkError::Removed
            }
            error => error,
        })
    }

    fn measured(&self) -> Option<Measured> {
        self.framed.as_ref().and_then(Framed::measured)
    }

    fn bad_frames(&self) -> u32 {
        self.bad_before.saturating_add(self.framed.as_ref().map_or(0, Framed::bad_frames))
    }
}
