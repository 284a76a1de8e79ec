//! Frames: envelopes and their answers over a stream of bytes, be it a UART, a serial line or a socket.
//!
//! A frame stands between two flags, `7E`; inside it a `7E` or `7D` is written as `7D` and the byte with bit 5 turned
//! (the octet stuffing of RFC 1662, section 4.2). Unstuffed, integers big-endian:
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 1 | [`Kind`] |
//! | 1 | 1 | sequence number |
//! | 2 | 2 | length of the payload |
//! | 4 | | payload |
//! | | 2 | check value over everything in front of it: CRC-16/IBM-SDLC, the FCS of RFC 1662 |
//!
//! Guarantees: a frame with any wrong, missing or additional bit is not delivered, up to what a check value of 16 bits
//! can tell. It is counted, once, as soon as it is known to be none: with its closing flag; with the first byte that is
//! more than any frame has that is taken; with its first byte where no flag stood in front of it. Whatever came before,
//! the next good frame is delivered: a flag always begins anew, and no byte of a payload looks like one.
//!
//! Refuses to know: time. How long a frame may take, and when it is sent again, is up to the caller.
//!
//! The conversation. A token that gets power asks for a [`Kind::Seed`], and is given one; it says [`Kind::Ready`] with
//! the sequence number of that frame, so that nobody takes the word of an earlier start for it. Each command has the next
//! number, 0 after 255; an answer has the number of its command. What got no answer is sent again unchanged, and is
//! carried out once: see [`turn`].

pub mod turn;

use core::fmt;
use core::iter::once;

use crc::{CRC_16_IBM_SDLC, Crc};

use zeroize::Zeroize;

use crate::wire::Overflow;

/// Begins and ends a frame.
pub const FLAG: u8 = 0x7E;
/// Stands before a stuffed byte.
const ESCAPE: u8 = 0x7D;
/// What is turned in a stuffed byte.
const TURNED: u8 = 0x20;
/// Bytes in front of the payload.
const HEADER: usize = 4;
/// Bytes of the check value.
const CHECK: usize = 2;

/// Version of the framing, as [`Ready`] says it. In version 1 a seed had 32 bytes.
pub const VERSION: u8 = 2;
/// Most bytes of a command's payload that every token takes: an envelope of 512 bytes of data.
pub const MAX_COMMAND: usize = 512 + crate::envelope::OVERHEAD;
/// Most bytes of an answer's payload: a block of 2048 bytes and the status word.
pub const MAX_ANSWER: usize = 2050;
/// Fewest bytes of a [`Kind::Seed`]: 32 that nobody can guess, then 16 that do not come again (entropy input and nonce of
/// SP 800-90A clause 8.6).
pub const MIN_SEED: usize = 48;

const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_SDLC);

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// From the token: it has power, and answers commands from now on. It has the number of the [`Kind::Seed`] that it
    /// was given. Payload: [`Ready`].
    Ready = 1,
    /// To the token: one envelope.
    Command = 2,
    /// From the token: answer data and status word of the command of the same sequence number.
    Answer = 3,
    /// To the token: lose the power and get it again. It begins anew with [`Kind::Seed`].
    Reset = 4,
    /// From the token: a frame was not taken. Payload: one byte, the [`Reason`]; of [`Reason::Busy`] the holder's name
    /// behind it.
    Refused = 5,
    /// From the token, empty: it got power, and asks for chance. To the token: at least [`MIN_SEED`] random bytes, which
    /// one that has chance of its own adds to it.
    Seed = 6,
    /// From the token, in front of an answer: what the command cost. Payload: [`Measured`].
    Measured = 7,
}

impl Kind {
    const fn from_byte(byte: u8) -> Option<Kind> {
        Some(match byte {
            1 => Kind::Ready,
            2 => Kind::Command,
            3 => Kind::Answer,
            4 => Kind::Reset,
            5 => Kind::Refused,
            6 => Kind::Seed,
            7 => Kind::Measured,
            _ => return None,
        })
    }
}

/// Why a frame was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Reason {
    /// Length, stuffing or check value do not fit, or no flag stood in front: send it again.
    BadCheck = 1,
    /// It is longer than any frame that the receiver takes, whatever length it says.
    TooLong = 2,
    /// Neither the number that comes next nor that of the last answer: begin anew with [`Kind::Reset`].
    OutOfSequence = 3,
    /// The token has not said [`Kind::Ready`].
    NotReady = 4,
    /// A kind that the receiver does not know.
    UnknownKind = 5,
    /// The token does not start: its flash holds no sound state, or does not answer.
    NoStart = 6,
    /// Another client has the token: [`Reason::holder`] says which. The line is closed, or may be asked again.
    Busy = 7,
    /// The key is not plugged in: what stands behind the line answers for it.
    Unplugged = 8,
}

impl Reason {
    /// The reason of a payload.
    #[must_use]
    pub const fn from_payload(payload: &[u8]) -> Option<Reason> {
        Some(match payload {
            [1] => Reason::BadCheck,
            [2] => Reason::TooLong,
            [3] => Reason::OutOfSequence,
            [4] => Reason::NotReady,
            [5] => Reason::UnknownKind,
            [6] => Reason::NoStart,
            [7, ..] => Reason::Busy,
            [8] => Reason::Unplugged,
            _ => return None,
        })
    }

    /// Who has the token, as a payload of [`Reason::Busy`] says: a text in UTF-8, perhaps empty.
    #[must_use]
    pub const fn holder(payload: &[u8]) -> Option<&str> {
        match payload {
            [7, holder @ ..] => match core::str::from_utf8(holder) {
                Ok(holder) => Some(holder),
                Err(_) => None,
            },
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::BadCheck => "the check value does not fit",
            Reason::TooLong => "the frame is too long",
            Reason::OutOfSequence => "the sequence number does not come next",
            Reason::NotReady => "the token is not ready yet",
            Reason::UnknownKind => "the kind of frame is not known",
            Reason::NoStart => "the token does not start: its flash holds no sound state, or does not answer",
            Reason::Busy => "another client has the token",
            Reason::Unplugged => "the key is not plugged in",
        })
    }
}

/// What a token says of itself once it has power.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ready {
    /// Its [`VERSION`] of the framing.
    pub version: u8,
    /// Most bytes of a command's payload that it takes.
    pub max_command: u16,
}

impl Ready {
    /// As a payload.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 3] {
        let [high, low] = self.max_command.to_be_bytes();
        [self.version, high, low]
    }

    /// Of a payload; what a later version adds is left out.
    #[must_use]
    pub fn from_payload(payload: &[u8]) -> Option<Ready> {
        let (&[version, high, low], _) = payload.split_first_chunk()?;
        Some(Ready { version, max_command: u16::from_be_bytes([high, low]) })
    }
}

/// What a command cost the token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Measured {
    /// Instructions.
    pub instructions: u64,
    /// Most bytes of stack in use at a time.
    pub peak_stack: u32,
}

impl Measured {
    /// As a payload.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 12] {
        let [a, b, c, d, e, f, g, h] = self.instructions.to_be_bytes();
        let [i, j, k, l] = self.peak_stack.to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }

    /// Of a payload.
    #[must_use]
    pub fn from_payload(payload: &[u8]) -> Option<Measured> {
        let (instructions, rest) = payload.split_first_chunk()?;
        let peak_stack = rest.try_into().ok()?;
        Some(Measured {
            instructions: u64::from_be_bytes(*instructions),
            peak_stack: u32::from_be_bytes(peak_stack),
        })
    }
}

/// A frame. Its `Debug` does not show the payload.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its sequence number.
    pub sequence: u8,
    /// What it carries.
    pub payload: &'a [u8],
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Frame { kind, sequence, payload } = self;
        write!(f, "Frame({kind:?} {sequence}, {} bytes)", payload.len())
    }
}

impl<'a> Frame<'a> {
    /// A frame outside the sequence.
    #[must_use]
    pub const fn plain(kind: Kind, payload: &'a [u8]) -> Self {
        Self { kind, sequence: 0, payload }
    }

    /// Its bytes on the stream, from flag to flag.
    ///
    /// # Errors
    /// [`Overflow`] where the payload exceeds 65,535 bytes.
    pub fn encode(&self) -> Result<impl Iterator<Item = u8> + use<'a>, Overflow> {
        let length = u16::try_from(self.payload.len()).map_err(|_| Overflow)?;
        let [high, low] = length.to_be_bytes();
        let header = [self.kind as u8, self.sequence, high, low];
        let check = check_value(&header, self.payload).to_be_bytes();
        let content = header.into_iter().chain(self.payload.iter().copied()).chain(check).flat_map(stuffed);
        Ok(once(FLAG).chain(content).chain(once(FLAG)))
    }
}

/// A byte of the content as it is written.
fn stuffed(byte: u8) -> impl Iterator<Item = u8> {
    let (escape, byte) = match byte {
        FLAG | ESCAPE => (Some(ESCAPE), byte ^ TURNED),
        _ => (None, byte),
    };
    escape.into_iter().chain(once(byte))
}

fn check_value(header: &[u8; HEADER], payload: &[u8]) -> u16 {
    let mut digest = CRC.digest();
    digest.update(header);
    digest.update(payload);
    digest.finalize()
}

/// What a receiver has found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// Something that is none, or none that this receiver takes.
    Bad(Reason),
}

/// Finds frames of up to `N` bytes of payload in a stream.
pub struct Receiver<const N: usize> {
    header: [u8; HEADER],
    payload: [u8; N],
    check: [u8; CHECK],
    /// Bytes since the flag, unstuffed.
    count: usize,
    escaped: bool,
    /// What was stuffed is none of the two bytes that are.
    broken: bool,
    /// It is known what the bytes up to the next flag are: nothing. So it is before the first flag.
    lost: bool,
    bad: u32,
}

impl<const N: usize> fmt::Debug for Receiver<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("count", &self.count).field("bad", &self.bad).finish_non_exhaustive()
    }
}

impl<const N: usize> Default for Receiver<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Receiver<N> {
    /// One that has received nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            header: [0; HEADER],
            payload: [0; N],
            check: [0; CHECK],
            count: 0,
            escaped: false,
            broken: false,
            lost: true,
            bad: 0,
        }
    }

    /// How many frames were bad so far.
    #[must_use]
    pub const fn bad_frames(&self) -> u32 {
        self.bad
    }

    /// Takes the next byte of the stream.
    pub fn push(&mut self, byte: u8) -> Option<Event<'_>> {
        if byte == FLAG {
            let count = core::mem::take(&mut self.count);
            let whole = !(core::mem::take(&mut self.escaped) | core::mem::take(&mut self.broken));
            let lost = core::mem::take(&mut self.lost);
            return ((count > 0 || !whole) && !lost).then(|| self.conclude(count, whole));
        }
        let place = self.count;
        if self.lost {
            self.count = place.saturating_add(1);
            // Said with the first of them, for perhaps no flag will ever come.
            return (place == 0).then(|| self.give_up(Reason::BadCheck));
        }
        let byte = match (core::mem::take(&mut self.escaped), byte) {
            (false, ESCAPE) => {
                self.escaped = true;
                return None;
            }
            (false, byte) => byte,
            (true, byte) => {
                let byte = byte ^ TURNED;
                self.broken |= !matches!(byte, FLAG | ESCAPE);
                byte
            }
        };
        self.count = place.saturating_add(1);
        if self.count > HEADER.saturating_add(N).saturating_add(CHECK) {
            return Some(self.give_up(Reason::TooLong));
        }
        if let Some(cell) = self.cell(place) {
            *cell = byte;
        }
        None
    }

    /// Overwrites the last payload: it may hold PINs and keys. To be called when it was dealt with.
    pub fn wipe(&mut self) {
        self.payload.zeroize();
    }

    /// Bytes of payload that the header promises.
    fn length(&self) -> usize {
        let [_, _, high, low] = self.header;
        usize::from(u16::from_be_bytes([high, low]))
    }

    /// Where the byte at this place of the content belongs; what is too long belongs nowhere.
    fn cell(&mut self, place: usize) -> Option<&mut u8> {
        let length = self.length();
        match place.checked_sub(HEADER) {
            None => self.header.get_mut(place),
            Some(_) if length > N => None,
            Some(place) => match place.checked_sub(length) {
                None => self.payload.get_mut(place),
                Some(place) => self.check.get_mut(place),
            },
        }
    }

    /// What stands between two flags, and is not too long.
    fn conclude(&mut self, count: usize, whole: bool) -> Event<'_> {
        let [kind, sequence, ..] = self.header;
        let length = self.length();
        let as_long_as_said = whole && count == HEADER.saturating_add(length).saturating_add(CHECK);
        let payload = self.payload.get(..length).filter(|_| as_long_as_said);
        let sound = |payload: &&[u8]| check_value(&self.header, payload).to_be_bytes() == self.check;
        let verdict = match (payload.filter(sound), Kind::from_byte(kind)) {
            (Some(payload), Some(kind)) => Ok(Frame { kind, sequence, payload }),
            (Some(_), None) => Err(Reason::UnknownKind),
            (None, _) => Err(Reason::BadCheck),
        };
        self.bad = self.bad.saturating_add(u32::from(verdict.is_err()));
        match verdict {
            Ok(frame) => Event::Frame(frame),
            Err(reason) => Event::Bad(reason),
        }
    }

    /// Counts what is known to be no frame before it ends.
    fn give_up(&mut self, reason: Reason) -> Event<'static> {
        self.lost = true;
        self.bad = self.bad.saturating_add(1);
        Event::Bad(reason)
    }
}

#[cfg(test)]
mod tests;
