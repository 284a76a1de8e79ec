//! A token behind a stream of bytes: frames ([`ukey_apdu::frame`]) over anything that reads and writes.
//!
//! Guarantees: a command is carried out once or not at all, however often it had to be sent; an answer is the one of
//! its command; nothing waits longer than its limits say. What is no frame is counted, and carried on after. Once the
//! token began anew, or fell silent, every exchange answers [`LinkError::Removed`] until [`Framed::restart`].
//!
//! Refuses to know where the stream comes from.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use ukey_apdu::frame::{
    Event, Frame, Kind, MAX_ANSWER, MAX_COMMAND, MIN_SEED, Measured, Ready, Reason, Receiver, VERSION,
};

use zeroize::Zeroizing;

use super::{LinkError, holder};

/// A stream whose reads and writes end after a time.
pub trait Stream: Read + Write + Send {
    /// How long a read waits for a byte, and a write for room; then they fail with [`io::ErrorKind::WouldBlock`] or
    /// [`io::ErrorKind::TimedOut`].
    ///
    /// # Errors
    /// Of the system.
    fn limit(&mut self, limit: Duration) -> io::Result<()>;
}

impl Stream for UnixStream {
    fn limit(&mut self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))?;
        self.set_write_timeout(Some(limit))
    }
}

impl Stream for TcpStream {
    fn limit(&mut self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))?;
        self.set_write_timeout(Some(limit))
    }
}

/// How long a token may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// How long an answer may take before the frame is sent again.
    pub silence: Duration,
    /// How often a frame is sent to a token that is silent.
    pub tries: u32,
}

impl Default for Limits {
    /// A command of a token takes some seconds at most; an emulated one on a busy machine may need more.
    fn default() -> Self {
        Self { silence: Duration::from_secs(10), tries: 3 }
    }
}

/// Random bytes for a token that has none.
pub type Seed = [u8; MIN_SEED];

/// How often a frame is sent again at once because what came was no frame. On a line that spoils every third frame, one
/// exchange in forty million needs more.
const SPOILT: u32 = 16;

/// What came, kept.
enum Came {
    Frame(Kind, u8, Vec<u8>),
    /// Something that is no frame, and nothing behind it yet.
    Bad,
    /// No frame in time.
    Silence,
}

/// Why a frame is to be sent again.
enum Again {
    /// No answer in time.
    Silent,
    /// What came was no frame, or the token says so of what it got.
    Spoilt,
}

/// How often it may still be sent again.
struct Patience {
    silent: u32,
    spoilt: u32,
}

impl Patience {
    fn new(limits: Limits) -> Self {
        Self { silent: limits.tries, spoilt: SPOILT }
    }

    /// # Errors
    /// [`LinkError::NoAnswer`], [`LinkError::Garbled`]: not again.
    fn spend(&mut self, again: Again, bad: u32) -> Result<(), LinkError> {
        let (left, error) = match again {
            Again::Silent => (&mut self.silent, LinkError::NoAnswer),
            Again::Spoilt => (&mut self.spoilt, LinkError::Garbled { bad }),
        };
        *left = left.saturating_sub(1);
        if *left == 0 { Err(error) } else { Ok(()) }
    }
}

/// A live conversation over a stream.
pub struct Framed<S> {
    stream: S,
    limits: Limits,
    receiver: Box<Receiver<MAX_ANSWER>>,
    /// Read and not looked at yet, the next byte last.
    unread: Vec<u8>,
    /// Whether the token is the one that said it is ready.
    alive: bool,
    /// Whether the stream has ended.
    ended: bool,
    /// The number of the seed that the token started with.
    start: u8,
    /// Of the last command.
    sequence: u8,
    max_command: usize,
    measured: Option<Measured>,
}

impl<S: Stream> Framed<S> {
    /// The conversation over a stream, before its beginning.
    ///
    /// # Errors
    /// [`LinkError::Stream`].
    pub fn new(mut stream: S, limits: Limits) -> Result<Self, LinkError> {
        stream.limit(limits.silence).map_err(|source| LinkError::Stream { source })?;
        Ok(Self {
            stream,
            limits,
            receiver: Box::default(),
            unread: Vec::new(),
            alive: false,
            ended: false,
            start: 0,
            sequence: 0,
            max_command: MAX_COMMAND,
            measured: None,
        })
    }

    /// Waits for a token that is getting power, and gives it `seed`.
    ///
    /// # Errors
    /// [`LinkError::NoAnswer`], [`LinkError::Garbled`], [`LinkError::NoStart`], [`LinkError::Framing`],
    /// [`LinkError::Busy`], [`LinkError::Removed`].
    pub fn start(&mut self, seed: &Seed) -> Result<(), LinkError> {
        self.begin();
        self.start_as_begun(seed)
    }

    /// Takes the token's power and gives it back, as [`Framed::start`].
    ///
    /// # Errors
    /// Those of [`Framed::start`].
    pub fn restart(&mut self, seed: &Seed) -> Result<(), LinkError> {
        match self.begin_anew() {
            // It may have said why, and closed the line behind it.
            Err(LinkError::Removed) => self.try_to_start(seed).and(Err(LinkError::Removed)),
            Err(error) => Err(error),
            Ok(()) => self.start_as_begun(seed),
        }
    }

    /// Whatever was said before has another number.
    fn begin(&mut self) {
        self.alive = false;
        self.sequence = self.sequence.wrapping_add(1);
        self.start = self.sequence;
    }

    fn begin_anew(&mut self) -> Result<(), LinkError> {
        self.begin();
        self.send(Frame { kind: Kind::Reset, sequence: self.start, payload: &[] })
    }

    fn start_as_begun(&mut self, seed: &Seed) -> Result<(), LinkError> {
        let mut patience = Patience::new(self.limits);
        while let Some(again) = self.try_to_start(seed)? {
            patience.spend(again, self.bad_frames())?;
            self.begin_anew()?;
        }
        Ok(())
    }

    /// Answers the token's first words.
    fn try_to_start(&mut self, seed: &Seed) -> Result<Option<Again>, LinkError> {
        let seed = Frame { kind: Kind::Seed, sequence: self.start, payload: seed };
        let mut seeded = false;
        // Of before, unless the line is closed behind it.
        let mut refused = None;
        // Two answers of it, to the power and to the seed.
        let until = Instant::now() + 2 * self.limits.silence;
        loop {
            let (kind, sequence, payload) = match self.receive(until) {
                Ok(Came::Frame(kind, sequence, payload)) => (kind, sequence, payload),
                Ok(Came::Bad) => return Ok(Some(Again::Spoilt)),
                Ok(Came::Silence) => return refused.map_or(Ok(Some(Again::Silent)), Err),
                Err(error) => return Err(refused.unwrap_or(error)),
            };
            let ours = sequence == self.start;
            match (kind, Reason::from_payload(&payload)) {
                (Kind::Seed, _) => {
                    self.send(seed)?;
                    seeded = true;
                }
                (Kind::Ready, _) if seeded && ours => return self.ready(&payload).map(|()| None),
                (Kind::Refused, Some(reason)) if let Some(error) = final_word(reason, &payload) => {
                    if ours || reason == Reason::NoStart {
                        return Err(error);
                    }
                    refused = Some(error);
                }
                // It wants a longer seed.
                (Kind::Refused, Some(Reason::NotReady)) if seeded && ours => {
                    return Err(LinkError::Framing { found: None });
                }
                (Kind::Refused, Some(Reason::NotReady)) => {}
                (Kind::Refused, _) => return Ok(Some(Again::Spoilt)),
                (Kind::Measured, _) => self.measured = Measured::from_payload(&payload),
                // Of before it lost its power.
                _ => {}
            }
        }
    }

    fn ready(&mut self, payload: &[u8]) -> Result<(), LinkError> {
        let ready = Ready::from_payload(payload).ok_or(LinkError::NoAnswer)?;
        if ready.version != VERSION {
            return Err(LinkError::Framing { found: Some(ready.version) });
        }
        (self.alive, self.max_command) = (true, usize::from(ready.max_command));
        Ok(())
    }

    /// Sends one envelope; gives data and status word back.
    ///
    /// # Errors
    /// [`LinkError::Removed`] once the token lost its power; [`LinkError::NoAnswer`] and [`LinkError::Garbled`], and
    /// nobody knows whether it was carried out; [`LinkError::TooLong`], and nothing was sent.
    pub fn exchange(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        if !self.alive {
            return Err(LinkError::Removed);
        }
        let too_long = LinkError::TooLong { bytes: command.len(), most: self.max_command };
        if command.len() > self.max_command {
            return Err(too_long);
        }
        self.measured = None;
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        let answer = self.answer_to(Frame { kind: Kind::Command, sequence, payload: command });
        // Whether it was carried out is not known: nobody goes on as if it were.
        self.alive = answer.is_ok();
        answer
    }

    fn answer_to(&mut self, command: Frame<'_>) -> Result<Vec<u8>, LinkError> {
        let mut patience = Patience::new(self.limits);
        loop {
            self.send(command)?;
            let until = Instant::now() + self.limits.silence;
            let again = loop {
                let (kind, sequence, payload) = match self.receive(until)? {
                    Came::Frame(kind, sequence, payload) => (kind, sequence, payload),
                    Came::Bad => break Again::Spoilt,
                    Came::Silence => break Again::Silent,
                };
                let ours = sequence == command.sequence;
                match (kind, Reason::from_payload(&payload)) {
                    (Kind::Answer, _) if ours => return Ok(payload),
                    (Kind::Measured, _) if ours => self.measured = Measured::from_payload(&payload),
                    // Said twice.
                    (Kind::Ready, _) if sequence == self.start => {}
                    (Kind::Ready | Kind::Seed, _) => return Err(LinkError::Removed),
                    (Kind::Refused, Some(reason)) if let Some(error) = final_word(reason, &payload) => {
                        return Err(error);
                    }
                    (Kind::Refused, Some(Reason::NotReady | Reason::OutOfSequence)) if ours => {
                        return Err(LinkError::Removed);
                    }
                    (Kind::Refused, Some(Reason::BadCheck | Reason::TooLong | Reason::UnknownKind)) => {
                        break Again::Spoilt;
                    }
                    // An answer that came twice.
                    _ => {}
                }
            };
            patience.spend(again, self.bad_frames())?;
        }
    }

    /// Whether the stream has ended: nothing can come over it any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// What came from the token so far and was no frame.
    #[must_use]
    pub fn bad_frames(&self) -> u32 {
        self.receiver.bad_frames()
    }

    /// What the last command, or the start, cost where the token measures.
    #[must_use]
    pub fn measured(&self) -> Option<Measured> {
        self.measured
    }

    fn send(&mut self, frame: Frame<'_>) -> Result<(), LinkError> {
        let overflow = LinkError::TooLong { bytes: frame.payload.len(), most: self.max_command };
        let bytes: Zeroizing<Vec<u8>> = Zeroizing::new(frame.encode().map_err(|_| overflow)?.collect());
        self.stream.write_all(&bytes).and_then(|()| self.stream.flush()).map_err(|error| match error.kind() {
            // It takes nothing any more.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => LinkError::NoAnswer,
            _ => self.lost(error),
        })
    }

    /// The next frame. A read that has begun waits as long as [`Limits::silence`]; none begins after `until`.
    fn receive(&mut self, until: Instant) -> Result<Came, LinkError> {
        let mut bad = None;
        loop {
            while let Some(byte) = self.unread.pop() {
                match self.receiver.push(byte) {
                    Some(Event::Frame(Frame { kind, sequence, payload })) => {
                        let came = Came::Frame(kind, sequence, payload.to_vec());
                        self.receiver.wipe();
                        return Ok(came);
                    }
                    Some(Event::Bad(reason)) => bad = Some(reason),
                    None => {}
                }
            }
            if let Some(reason) = bad {
                tracing::warn!(%reason, count = self.bad_frames(), "a bad frame from the token");
                return Ok(Came::Bad);
            }
            if Instant::now() >= until {
                return Ok(Came::Silence);
            }
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(self.lost(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => self.unread.extend(bytes.iter().take(count).rev()),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => return Ok(Came::Silence),
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(self.lost(error)),
                },
            }
        }
    }

    /// A stream whose other end is gone is a key that is gone.
    fn lost(&mut self, source: io::Error) -> LinkError {
        self.ended = true;
        match source.kind() {
            io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::WriteZero => LinkError::Removed,
            _ => LinkError::Stream { source },
        }
    }
}

/// A refusal that stays one however often the frame is sent.
fn final_word(reason: Reason, payload: &[u8]) -> Option<LinkError> {
    Some(match reason {
        Reason::NoStart => LinkError::NoStart {
            reason: "its flash holds no sound state, or is not read or written".to_owned(),
        },
        Reason::Unplugged => LinkError::Removed,
        Reason::Busy => {
            let holder = Reason::holder(payload).map(holder::printable);
            LinkError::Busy { place: "the key".to_owned(), holder: holder.filter(|name| !name.is_empty()) }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
