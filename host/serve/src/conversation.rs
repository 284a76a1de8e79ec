//! Frames between a stream and the key, as a board speaks them ([`ukey_apdu::frame`]).
//!
//! Guarantees: what a board does, this does, for [`Turn`] decides it for both: a command is carried out once, however
//! often its frame comes; what is spoilt, too long or out of sequence is answered with its reason, counted
//! ([`Key::state`]), and never carried out. A beginning is the token's power-on: after [`Kind::Reset`] nothing is open and
//! nothing proved. A client that takes no answers holds up nobody but itself. Who has sent no frame has nothing: the key
//! is a client's from its first frame on.
//!
//! The seed that the token asks for at its start is taken and not used: a simulated token has chance of its own.

use std::convert::Infallible;
use std::io;
use std::os::fd::AsFd;

use ukey_apdu::frame::turn::{Todo, Turn};
use ukey_apdu::frame::{Event, Frame, Kind, MAX_COMMAND, Ready, Reason, Receiver, VERSION};
use ukey_device::LinkError;
use zeroize::{Zeroize, Zeroizing};

use crate::key::{Hold, Key, Refusal, Watch};
use crate::line::{Line, Woken};

/// Why a conversation ended.
#[derive(Debug)]
pub enum Ended {
    /// The client closed the stream.
    Closed,
    /// Another client has the key; this one was told.
    Busy,
    /// The key was pulled, or is served no longer; the client was told.
    Unplugged,
    /// The stream failed.
    Failed(io::Error),
}

/// Whose line it is. Either way a client has the key from its first frame on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manner {
    /// A connection is one client: it is refused at once where another has the key, and ends when it loses the key.
    Connection,
    /// A line lasts: a client asks again when it was refused.
    Line,
}

/// Serves a connection until it ends: a socket's, or anything that can be waited for. The client, named in words, has
/// the key from its first frame on.
pub fn serve(key: &Key, stream: impl AsFd, client: &str) -> Ended {
    serve_guest(key, stream, client, &|_| {})
}

/// How far a connection has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    /// It was not refused: it is asked for its seed next.
    Asked,
    /// It has sent a frame.
    Heard,
}

/// As [`serve`]; also says, while it lasts, how far the connection has come.
pub(crate) fn serve_guest(key: &Key, stream: impl AsFd, client: &str, progress: &dyn Fn(Progress)) -> Ended {
    run(key, stream, client, Manner::Connection, progress).0
}

/// Serves a line until it is closed at the other end. Also says whether anything was said on it.
pub(crate) fn serve_line(key: &Key, stream: impl AsFd, client: &str) -> (Ended, bool) {
    run(key, stream, client, Manner::Line, &|_| {})
}

fn run(
    key: &Key,
    stream: impl AsFd,
    client: &str,
    manner: Manner,
    progress: &dyn Fn(Progress),
) -> (Ended, bool) {
    let begin = || {
        let (line, watch) = (Line::new(stream)?, key.watch()?);
        let (turn, answer) = (Turn::new(), Zeroizing::default());
        let (hold, spoken) = (None, false);
        Ok(Conversation { key, client, manner, progress, line, watch, hold, turn, answer, spoken })
    };
    match begin() {
        Ok(mut conversation) => {
            let Err(ended) = conversation.run();
            (ended, conversation.spoken)
        }
        Err(error) => (Ended::Failed(error), false),
    }
}

struct Conversation<'k, S> {
    key: &'k Key,
    client: &'k str,
    manner: Manner,
    progress: &'k dyn Fn(Progress),
    line: Line<S>,
    watch: Watch,
    hold: Option<Hold>,
    turn: Turn,
    /// The last one, in case it has to be said again.
    answer: Zeroizing<Vec<u8>>,
    /// Whether the client has said anything, a frame or not.
    spoken: bool,
}

impl<S: AsFd> Conversation<'_, S> {
    fn run(&mut self) -> Result<Infallible, Ended> {
        if self.manner == Manner::Connection {
            if let Err(refusal) = self.key.refusal() {
                return Err(self.turn_away(0, refusal)?);
            }
            (self.progress)(Progress::Asked);
            // It asks for its seed, without being asked, and has power once that is there.
            self.say(Kind::Seed, 0, &[])?;
        }
        let mut receiver = Box::new(Receiver::<MAX_COMMAND>::new());
        let mut bytes = Zeroizing::new([0; 4096]);
        loop {
            if self.line.wait(&self.watch).map_err(Ended::Failed)? == Woken::Key {
                self.key_changed()?;
                continue;
            }
            let count = match self.line.read(&mut *bytes) {
                Ok(0) => return Err(Ended::Closed),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(lost(error)),
            };
            for &byte in bytes.iter().take(count) {
                if let Some(event) = receiver.push(byte) {
                    self.take(event)?;
                    receiver.wipe();
                }
            }
        }
    }

    /// What the key's clients are told when it is not theirs any more.
    fn key_changed(&mut self) -> Result<(), Ended> {
        if self.key.is_stopped() {
            return Err(Ended::Unplugged);
        }
        self.watch = self.key.watch().map_err(Ended::Failed)?;
        let lost = match &self.hold {
            Some(hold) => !hold.is_alive(),
            None => self.manner == Manner::Connection && !self.key.simulator().is_plugged_in(),
        };
        if lost { self.lose_the_key(0) } else { Ok(()) }
    }

    /// The key was pulled while this client had it.
    fn lose_the_key(&mut self, sequence: u8) -> Result<(), Ended> {
        (self.hold, self.turn) = (None, Turn::new());
        self.answer.zeroize();
        self.refuse(sequence, Reason::Unplugged)?;
        match self.manner {
            Manner::Connection => Err(Ended::Unplugged),
            Manner::Line => Ok(()),
        }
    }

    /// Whether the client has the key now; if not, it is told why.
    fn take_the_key(&mut self, sequence: u8) -> Result<bool, Ended> {
        if self.hold.is_some() {
            return Ok(true);
        }
        let refusal = match self.key.hold(self.client) {
            Ok(hold) => {
                (self.hold, self.turn) = (Some(hold), Turn::new());
                return Ok(true);
            }
            Err(refusal) => refusal,
        };
        let ended = self.turn_away(sequence, refusal)?;
        match self.manner {
            Manner::Connection => Err(ended),
            Manner::Line => Ok(false),
        }
    }

    /// Tells the client why it does not get the key, and what that is for a connection.
    fn turn_away(&self, sequence: u8, refusal: Refusal) -> Result<Ended, Ended> {
        match refusal {
            Refusal::Busy(holder) => {
                let payload = [&[Reason::Busy as u8], holder.as_bytes()].concat();
                self.say(Kind::Refused, sequence, &payload).map(|()| Ended::Busy)
            }
            Refusal::Unplugged => self.refuse(sequence, Reason::Unplugged).map(|()| Ended::Unplugged),
        }
    }

    fn take(&mut self, event: Event<'_>) -> Result<(), Ended> {
        self.spoken |= matches!(event, Event::Bad(_));
        if let Event::Frame(frame) = event
            && is_clients(frame)
        {
            self.spoken = true;
            (self.progress)(Progress::Heard);
            if !self.take_the_key(frame.sequence)? {
                return Ok(());
            }
        }
        match self.turn.take(event) {
            Todo::Execute { sequence, command } => self.execute(sequence, command),
            Todo::Repeat { sequence } => self.say(Kind::Answer, sequence, &self.answer),
            Todo::Seed { sequence, .. } => self.start(sequence),
            Todo::Announce { sequence } => self.announce(sequence),
            Todo::Reset => {
                self.turn = Turn::new();
                self.say(Kind::Seed, 0, &[])
            }
            Todo::Refuse { sequence, reason } => {
                self.key.count_refused_frame();
                tracing::debug!(client = self.client, %reason, "a frame was not taken");
                self.refuse(sequence, reason)
            }
            Todo::Nothing => Ok(()),
        }
    }

    /// Power, at the moment at which the token can use it: from the reset to here it answers nothing.
    fn start(&mut self, sequence: u8) -> Result<(), Ended> {
        let Some(hold) = &mut self.hold else { return Ok(()) };
        match hold.power_on() {
            Ok(()) => {
                self.turn.ready(sequence);
                self.announce(sequence)
            }
            Err(error) => self.failed(sequence, &error),
        }
    }

    fn execute(&mut self, sequence: u8, command: &[u8]) -> Result<(), Ended> {
        let Some(hold) = &mut self.hold else { return Ok(()) };
        match hold.transmit(command) {
            Ok(answer) => {
                self.answer = Zeroizing::new(answer);
                self.say(Kind::Answer, sequence, &self.answer)
            }
            Err(error) => self.failed(sequence, &error),
        }
    }

    /// The token gave no answer, and will give none before it gets power again.
    fn failed(&mut self, sequence: u8, error: &LinkError) -> Result<(), Ended> {
        if matches!(error, LinkError::Removed | LinkError::Busy { .. }) {
            return self.lose_the_key(sequence);
        }
        tracing::error!(error = error.in_full(), client = self.client, "the token stands still");
        self.turn = Turn::new();
        self.refuse(sequence, Reason::NoStart)
    }

    fn announce(&self, sequence: u8) -> Result<(), Ended> {
        let max_command = u16::try_from(MAX_COMMAND).unwrap_or(u16::MAX);
        self.say(Kind::Ready, sequence, &Ready { version: VERSION, max_command }.to_bytes())
    }

    fn refuse(&self, sequence: u8, reason: Reason) -> Result<(), Ended> {
        self.say(Kind::Refused, sequence, &[reason as u8])
    }

    fn say(&self, kind: Kind, sequence: u8, payload: &[u8]) -> Result<(), Ended> {
        // No payload is as long as that: answers end where the token's do, and so do the names of holders.
        let Ok(bytes) = (Frame { kind, sequence, payload }).encode() else { return Ok(()) };
        let bytes: Zeroizing<Vec<u8>> = Zeroizing::new(bytes.collect());
        self.line.write_all(&bytes, &self.watch).map_err(lost)
    }
}

/// Whether a client says it: a line may bring the token's own words back.
fn is_clients(frame: Frame<'_>) -> bool {
    match frame.kind {
        Kind::Command | Kind::Reset => true,
        Kind::Seed => !frame.payload.is_empty(),
        _ => false,
    }
}

/// A stream whose other end is gone has ended; so has a pseudo-terminal that nobody has open.
fn lost(error: io::Error) -> Ended {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
            Ended::Closed
        }
        io::ErrorKind::ConnectionAborted => Ended::Unplugged,
        _ if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => Ended::Closed,
        _ => Ended::Failed(error),
    }
}
