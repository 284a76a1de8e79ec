//! A token behind a stream of bytes: frames ([`ukey_apdu::frame`]) over anything that reads and writes.
//!
//! Guarantees: a command is carried out once or not at all, however often it had to be sent; an answer is the one of
//! its command; nothing waits longer than its limits say. Once the token began anew, or fell silent, every exchange
//! answers [`LinkError::Removed`] until [`Framed::restart`].
//!
//! Refuses to know where the stream comes from.

use std::io::{self, Read, Write};
use std::time::Duration;

use ukey_apdu::frame::{
    Event, Frame, Kind, MAX_ANSWER, MAX_COMMAND, MIN_SEED, Measured, Ready, Reason, Receiver, VERSION,
};

use zeroize::Zeroizing;

use super::LinkError;

/// A stream whose reads end after a time.
pub trait Stream: Read + Write + Send {
    /// How long a read waits for a byte; then it fails with [`io::ErrorKind::WouldBlock`] or
    /// [`io::ErrorKind::TimedOut`].
    ///
    /// # Errors
    /// Of the system.
    fn limit_reads(&mut self, limit: Duration) -> io::Result<()>;
}

impl Stream for std::os::unix::net::UnixStream {
    fn limit_reads(&mut self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))
    }
}

/// How long a token may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Silence after which a frame is sent again.
    pub silence: Duration,
    /// How often a frame is sent at most.
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

/// What came, kept.
enum Came {
    Frame(Kind, u8, Vec<u8>),
    /// Something that is no frame.
    Bad,
    /// Nothing for as long as [`Limits::silence`].
    Silence,
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
        stream.limit_reads(limits.silence).map_err(|source| LinkError::Stream { source })?;
        Ok(Self {
            stream,
            limits,
            receiver: Box::default(),
            unread: Vec::new(),
            alive: false,
            start: 0,
            sequence: 0,
            max_command: MAX_COMMAND,
            measured: None,
        })
    }

    /// Waits for a token that is getting power, and gives it `seed`.
    ///
    /// # Errors
    /// [`LinkError::NoAnswer`], [`LinkError::NoStart`], [`LinkError::Framing`], [`LinkError::Removed`].
    pub fn start(&mut self, seed: &Seed) -> Result<(), LinkError> {
        for left in (0..self.limits.tries).rev() {
            self.alive = false;
            self.start = self.sequence.wrapping_add(1);
            self.sequence = self.start;
            let seed = Frame { kind: Kind::Seed, sequence: self.start, payload: seed };
            while let Came::Frame(kind, sequence, payload) = self.receive()? {
                match (kind, Reason::from_payload(&payload)) {
                    (Kind::Seed, _) => self.send(seed)?,
                    (Kind::Ready, _) if sequence == self.start => return self.ready(&payload),
                    (Kind::Refused, Some(reason @ Reason::NoStart)) => {
                        return Err(LinkError::NoStart { reason: reason.to_string() });
                    }
                    (Kind::Refused, Some(Reason::NotReady)) => {}
                    (Kind::Refused, _) => break,
                    (Kind::Measured, _) => self.measured = Measured::from_payload(&payload),
                    // Of before it lost its power.
                    _ => {}
                }
            }
            if left > 0 {
                self.send(Frame::plain(Kind::Reset, &[]))?;
            }
        }
        Err(LinkError::NoAnswer)
    }

    /// Takes the token's power and gives it back, as [`Framed::start`].
    ///
    /// # Errors
    /// Those of [`Framed::start`].
    pub fn restart(&mut self, seed: &Seed) -> Result<(), LinkError> {
        self.send(Frame::plain(Kind::Reset, &[]))?;
        self.start(seed)
    }

    fn ready(&mut self, payload: &[u8]) -> Result<(), LinkError> {
        let ready = Ready::from_payload(payload).ok_or(LinkError::NoAnswer)?;
        if ready.version != VERSION {
            return Err(LinkError::Framing { found: ready.version });
        }
        (self.alive, self.max_command) = (true, usize::from(ready.max_command));
        Ok(())
    }

    /// Sends one envelope; gives data and status word back.
    ///
    /// # Errors
    /// [`LinkError::Removed`] once the token lost its power; [`LinkError::NoAnswer`]; [`LinkError::TooLong`], and
    /// nothing was sent.
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
        for _ in 0..self.limits.tries {
            self.send(command)?;
            while let Came::Frame(kind, sequence, payload) = self.receive()? {
                let ours = sequence == command.sequence;
                match (kind, Reason::from_payload(&payload)) {
                    (Kind::Answer, _) if ours => return Ok(payload),
                    (Kind::Measured, _) if ours => self.measured = Measured::from_payload(&payload),
                    // Said twice.
                    (Kind::Ready, _) if sequence == self.start => {}
                    (Kind::Ready | Kind::Seed, _) => return Err(LinkError::Removed),
                    (Kind::Refused, Some(Reason::NotReady | Reason::OutOfSequence)) if ours => {
                        return Err(LinkError::Removed);
                    }
                    (Kind::Refused, Some(Reason::BadCheck | Reason::TooLong | Reason::UnknownKind)) => break,
                    // An answer that came twice.
                    _ => {}
                }
            }
        }
        Err(LinkError::NoAnswer)
    }

    /// What the last command, or the start, cost where the token measures.
    #[must_use]
    pub fn measured(&self) -> Option<Measured> {
        self.measured
    }

    fn send(&mut self, frame: Frame<'_>) -> Result<(), LinkError> {
        let overflow = LinkError::TooLong { bytes: frame.payload.len(), most: self.max_command };
        let bytes: Zeroizing<Vec<u8>> = Zeroizing::new(frame.encode().map_err(|_| overflow)?.collect());
        self.stream.write_all(&bytes).and_then(|()| self.stream.flush()).map_err(lost)
    }

    fn receive(&mut self) -> Result<Came, LinkError> {
        loop {
            while let Some(byte) = self.unread.pop() {
                match self.receiver.push(byte) {
                    Some(Event::Frame(Frame { kind, sequence, payload })) => {
                        let came = Came::Frame(kind, sequence, payload.to_vec());
                        self.receiver.wipe();
                        return Ok(came);
                    }
                    Some(Event::Bad(reason)) => {
                        tracing::debug!(%reason, "a bad frame from the token");
                        return Ok(Came::Bad);
                    }
                    None => {}
                }
            }
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(LinkError::Removed),
                Ok(count) => self.unread.extend(bytes.iter().take(count).rev()),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => return Ok(Came::Silence),
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(lost(error)),
                },
            }
        }
    }
}

/// A stream whose other end is gone is a key that is gone.
fn lost(source: io::Error) -> LinkError {
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

#[cfg(test)]
mod tests;
