//! The token's side of the conversation: what is to be done about what was received.
//!
//! Guarantees: a command is carried out once, however often its frame comes; a bad frame, one out of sequence, and any
//! that a token sends itself (an echo of the line) carries nothing out.

use super::{Event, Frame, Kind, MIN_SEED, Reason};

/// Where the conversation stands, as the token sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Turn {
    ready: bool,
    /// The sequence number that was carried out last.
    last: Option<u8>,
}

/// What the token has to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Todo<'a> {
    /// Carry out the command, and give its answer this number.
    Execute {
        /// The sequence number.
        sequence: u8,
        /// The envelope.
        command: &'a [u8],
    },
    /// Send the last answer again.
    Repeat {
        /// Its sequence number.
        sequence: u8,
    },
    /// Take these random bytes, get ready, and say so.
    Seed(&'a [u8]),
    /// Say [`Kind::Ready`] again: it was lost.
    Announce,
    /// Lose the power and get it again.
    Reset,
    /// Say why the frame was not taken.
    Refuse {
        /// The sequence number of the frame, as far as it is known.
        sequence: u8,
        /// Why.
        reason: Reason,
    },
    /// Nothing.
    Nothing,
}

impl core::fmt::Debug for Todo<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Todo::Execute { sequence, command } => write!(f, "Execute({sequence}, {} bytes)", command.len()),
            Todo::Repeat { sequence } => write!(f, "Repeat({sequence})"),
            Todo::Seed(seed) => write!(f, "Seed({} bytes)", seed.len()),
            Todo::Announce => f.write_str("Announce"),
            Todo::Reset => f.write_str("Reset"),
            Todo::Refuse { sequence, reason } => write!(f, "Refuse({sequence}, {reason:?})"),
            Todo::Nothing => f.write_str("Nothing"),
        }
    }
}

impl Turn {
    /// A token that is not ready: it waits for its seed.
    #[must_use]
    pub const fn new() -> Self {
        Self { ready: false, last: None }
    }

    /// The token has power, and says [`Kind::Ready`].
    pub fn ready(&mut self) {
        *self = Self { ready: true, last: None };
    }

    /// What is to be done about this.
    pub fn take<'a>(&mut self, event: Event<'a>) -> Todo<'a> {
        let frame = match event {
            Event::Bad(reason) => return Todo::Refuse { sequence: 0, reason },
            Event::Frame(frame) => frame,
        };
        let Frame { kind, sequence, payload } = frame;
        let refuse = |reason| Todo::Refuse { sequence, reason };
        match (kind, self.last) {
            (Kind::Reset, _) => Todo::Reset,
            (Kind::Command, _) if !self.ready => refuse(Reason::NotReady),
            (Kind::Command, Some(last)) if last == sequence => Todo::Repeat { sequence },
            (Kind::Command, last) if sequence == last.map_or(1, |last| last.wrapping_add(1)) => {
                self.last = Some(sequence);
                Todo::Execute { sequence, command: payload }
            }
            (Kind::Command, _) => refuse(Reason::OutOfSequence),
            // An empty one is an echo of the token's own.
            (Kind::Seed, _) if payload.is_empty() => Todo::Nothing,
            (Kind::Seed, None) if self.ready => Todo::Announce,
            (Kind::Seed, Some(_)) => refuse(Reason::OutOfSequence),
            (Kind::Seed, None) if payload.len() < MIN_SEED => refuse(Reason::NotReady),
            (Kind::Seed, None) => Todo::Seed(payload),
            (Kind::Ready | Kind::Answer | Kind::Refused | Kind::Measured, _) => Todo::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(sequence: u8) -> Event<'static> {
        Event::Frame(Frame { kind: Kind::Command, sequence, payload: b"c" })
    }

    fn plain(kind: Kind, payload: &[u8]) -> Event<'_> {
        Event::Frame(Frame::plain(kind, payload))
    }

    fn execute(sequence: u8) -> Todo<'static> {
        Todo::Execute { sequence, command: b"c" }
    }

    fn refuse(sequence: u8, reason: Reason) -> Todo<'static> {
        Todo::Refuse { sequence, reason }
    }

    #[test]
    fn nothing_is_carried_out_before_the_token_is_ready() {
        let mut turn = Turn::new();
        assert_eq!(turn.take(command(1)), refuse(1, Reason::NotReady));
        assert_eq!(turn.take(plain(Kind::Seed, &[7; 31])), refuse(0, Reason::NotReady), "too short a seed");
        assert_eq!(turn.take(plain(Kind::Seed, &[])), Todo::Nothing, "an echo");
        assert_eq!(turn.take(plain(Kind::Seed, &[7; 32])), Todo::Seed(&[7; 32]));
        turn.ready();
        assert_eq!(turn.take(plain(Kind::Seed, &[7; 32])), Todo::Announce, "Ready was lost");
        assert_eq!(turn.take(command(1)), execute(1));
        assert_eq!(turn.take(plain(Kind::Seed, &[7; 32])), refuse(0, Reason::OutOfSequence));
    }

    #[test]
    fn a_command_is_carried_out_once() {
        let mut turn = Turn::new();
        turn.ready();
        assert_eq!(turn.take(command(0)), refuse(0, Reason::OutOfSequence), "the first is 1");
        assert_eq!(turn.take(command(2)), refuse(2, Reason::OutOfSequence));
        for sequence in (1..=255).chain(0..=3) {
            assert_eq!(turn.take(command(sequence)), execute(sequence));
            assert_eq!(turn.take(command(sequence)), Todo::Repeat { sequence });
            assert_eq!(turn.take(Event::Bad(Reason::BadCheck)), refuse(0, Reason::BadCheck));
            assert_eq!(turn.take(command(sequence)), Todo::Repeat { sequence });
            for other in [sequence.wrapping_sub(1), sequence.wrapping_add(2)] {
                assert_eq!(turn.take(command(other)), refuse(other, Reason::OutOfSequence));
            }
        }
    }

    #[test]
    fn the_number_before_the_first_is_nobodys_answer() {
        let mut turn = Turn::new();
        turn.ready();
        turn.take(command(1));
        assert_eq!(turn.take(plain(Kind::Reset, &[])), Todo::Reset);
        turn.ready();
        assert_eq!(turn.take(command(0)), refuse(0, Reason::OutOfSequence));
        assert_eq!(turn.take(command(1)), execute(1), "not the answer from before");
    }

    #[test]
    fn what_a_token_says_itself_does_nothing() {
        let mut turn = Turn::new();
        turn.ready();
        for kind in [Kind::Ready, Kind::Answer, Kind::Refused, Kind::Measured] {
            assert_eq!(turn.take(plain(kind, b"x")), Todo::Nothing);
        }
    }
}
