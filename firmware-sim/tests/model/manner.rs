//! How a command travels: its envelopes, in one block or many, with this Le or that; and the ways that tokens refuse
//! before they look at ids and rights.

use ukey_apdu::Status;

use super::command::{Command, Size};

/// A way to send a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Manner {
    /// As hosts do: in blocks of 512 bytes.
    #[default]
    Usual,
    /// In blocks of so many bytes (CLA `90` and `94` on all but the last).
    Blocks(usize),
    /// No Le, though an answer is expected.
    WithoutLe,
    /// With [`SMALL_LE`]: wrong where the answer has one size, else the answer comes in small blocks.
    SmallLe,
    /// A chain is begun and disturbed, then the command comes whole.
    Disturbed(Disturbance),
    /// The first block of the answer is taken, then another command comes, then this one again.
    Forgotten,
    /// CLA `84` for `80`, and the other way round.
    OtherClass,
    /// A class of another standard.
    UnknownClass,
    /// P1 is none that the command knows.
    WrongP1,
    /// One byte of data too many for a command of one length.
    OneByteMore,
}

/// What comes in the middle of a chain, and drops it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disturbance {
    OtherCommand,
    UnknownClass,
    UnknownInstruction,
    Malformed,
}

impl Disturbance {
    pub const ALL: [Disturbance; 4] = [
        Disturbance::OtherCommand,
        Disturbance::UnknownClass,
        Disturbance::UnknownInstruction,
        Disturbance::Malformed,
    ];

    /// The envelope.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Disturbance::OtherCommand => &[0x80, 0x22, 0, 0],
            Disturbance::UnknownClass => &[0x00, 0xA4, 0, 0],
            Disturbance::UnknownInstruction => &[0x80, 0x99, 0, 0],
            Disturbance::Malformed => &[0x80, 0x22, 0, 0, 0, 0, 9, 1],
        }
    }

    /// What it gets.
    pub fn status(self) -> Status {
        match self {
            Disturbance::OtherCommand => Status::CONDITIONS_NOT_SATISFIED,
            Disturbance::UnknownClass => Status::UNKNOWN_CLA,
            Disturbance::UnknownInstruction => Status::UNKNOWN_INS,
            Disturbance::Malformed => Status::WRONG_LENGTH,
        }
    }
}

/// An Le that no answer of one size has.
pub const SMALL_LE: u16 = 100;
/// A P1 that no command knows.
pub const WRONG_P1: u8 = 0x7F;

impl Manner {
    /// This manner where it means something for the command, else the usual one.
    pub fn of(self, command: &Command) -> Self {
        let fits = match self {
            _ if command.ins().is_none() => false,
            Manner::WithoutLe | Manner::SmallLe => command.size() != Size::AsAsked,
            Manner::Forgotten => command.only_reads(),
            Manner::OneByteMore => command.has_fixed_length(),
            _ => true,
        };
        if fits { self } else { Manner::Usual }
    }

    /// What the token answers before it looks at anything; `None` where the command is carried out as usual.
    pub fn refusal(self, command: &Command) -> Option<Status> {
        match self.of(command) {
            Manner::OtherClass => Some(Status::NO_SECURE_MESSAGING),
            Manner::UnknownClass => Some(Status::UNKNOWN_CLA),
            Manner::OneByteMore => Some(Status::WRONG_LENGTH),
            Manner::WrongP1 | Manner::SmallLe if command.is_too_short() => Some(Status::WRONG_LENGTH),
            Manner::WrongP1 if command.has_id_in_header() => Some(Status::NO_SUCH_APPLICATION),
            Manner::WrongP1 => Some(Status::WRONG_P1P2),
            Manner::SmallLe if command.size() == Size::Fixed => Some(Status::WRONG_LE),
            _ => None,
        }
    }
}
