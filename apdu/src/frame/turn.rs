//! The token's side of the conversation: what is to be done about what was received.
//!
//! Guarantees: a command is carried out once, however often its frame comes; a bad frame, one out of sequence, and any
//! that a token sends itself (an echo of the line) carries nothing out.

use super::{Event, Frame, Kind, MIN_SEED, Reason};

/// Where the conversation stands, as the token sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Turn {
    /// Since the token is ready: the number of its seed, then of the command that was carried out last.
    last: Option<u8>,
    /// Whether a command was carried out.
    executed: bool,
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
    /// Take these random bytes, get ready ([`Turn::ready`]), and say so with this number.
    Seed {
        /// The sequence number.
        sequence: u8,
        /// The random bytes.
        seed: &'a [u8],
    },
    /// Say [`Kind::Ready`] again: it was lost.
    Announce {
        /// The sequence number of the seed.
        sequence: u8,
    },
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
            Todo::Seed { sequence, seed } => write!(f, "Seed({sequence}, {} bytes)", seed.len()),
            Todo::Announce { sequence } => write!(f, "Announce({sequence})"),
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
        Self { last: None, executed: false }
    }

    /// The token took the seed of this number, and says [`Kind::Ready`].
    pub fn ready(&mut self, sequence: u8) {
        *self = Self { last: Some(sequence), executed: false };
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
            (Kind::Command, None) => refuse(Reason::NotReady),
            (Kind::Command, Some(last)) if last == sequence && self.executed => Todo::Repeat { sequence },
            (Kind::Command, Some(last)) if last.wrapping_add(1) == sequence => {
                (self.last, self.executed) = (Some(sequence), true);
                Todo::Execute { sequence, command: payload }
            }
            (Kind::Command, _) => refuse(Reason::OutOfSequence),
            // An echo of the token's own.
            (Kind::Seed, _) if payload.is_empty() => Todo::Nothing,
            (Kind::Seed, None) if payload.len() < MIN_SEED => refuse(Reason::NotReady),
            (Kind::Seed, None) => Todo::Seed { sequence, seed: payload },
            (Kind::Seed, Some(last)) if last == sequence && !self.executed => Todo::Announce { sequence },
            (Kind::Seed, _) => refuse(Reason::OutOfSequence),
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

    fn seed(sequence: u8, payload: &[u8]) -> Event<'_> {
        Event::Frame(Frame { kind: Kind::Seed, sequence, payload })
    }

    fn execute(sequence: u8) -> Todo<'static> {
        Todo::Execute { sequence, command: b"c" }
    }

    fn refuse(sequence: u8, reason: Reason) -> Todo<'static> {
        Todo::Refuse { sequence, reason }
    }

    fn ready(sequence: u8) -> Turn {
        let mut turn = Turn::new();
        turn.ready(sequence);
        turn
    }

    #[test]
    fn nothing_is_carried_out_before_the_token_is_ready() {
        let mut turn = Turn::new();
        assert_eq!(turn.take(command(1)), refuse(1, Reason::NotReady));
        assert_eq!(turn.take(seed(5, &[7; MIN_SEED - 1])), refuse(5, Reason::NotReady), "too short a seed");
        assert_eq!(turn.take(seed(5, &[])), Todo::Nothing, "an echo");
        assert_eq!(turn.take(seed(5, &[7; MIN_SEED])), Todo::Seed { sequence: 5, seed: &[7; MIN_SEED] });
        turn.ready(5);
        assert_eq!(turn.take(seed(5, &[7; MIN_SEED])), Todo::Announce { sequence: 5 }, "Ready was lost");
        assert_eq!(turn.take(seed(6, &[7; MIN_SEED])), refuse(6, Reason::OutOfSequence), "of another start");
        assert_eq!(turn.take(command(6)), execute(6));
        assert_eq!(turn.take(seed(6, &[7; MIN_SEED])), refuse(6, Reason::OutOfSequence));
    }

    #[test]
    fn a_command_is_carried_out_once() {
        let mut turn = ready(0);
        assert_eq!(turn.take(command(0)), refuse(0, Reason::OutOfSequence), "the first is the next");
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
    fn after_a_start_there_is_no_answer_from_before() {
        let mut turn = ready(0);
        turn.take(command(1));
        assert_eq!(turn.take(Event::Frame(Frame::plain(Kind::Reset, &[]))), Todo::Reset);
        turn.ready(1);
        assert_eq!(turn.take(command(1)), refuse(1, Reason::OutOfSequence));
        assert_eq!(turn.take(command(2)), execute(2));
    }

    #[test]
    fn what_a_token_says_itself_does_nothing() {
        let mut turn = ready(0);
        for kind in [Kind::Ready, Kind::Answer, Kind::Refused, Kind::Measured] {
            assert_eq!(turn.take(Event::Frame(Frame::plain(kind, b"x"))), Todo::Nothing);
        }
    }
}
