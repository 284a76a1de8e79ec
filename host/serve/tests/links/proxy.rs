//! Somebody between a client and its token who disturbs: loses, delays, doubles, spoils what passes, or cuts the line.
//!
//! What it does is bound to a command, not to a time: to the next one of an instruction that the client sends.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use serialport::{SerialPort, TTYPort};
use ukey_device::link::framed::Stream;

use ukey_apdu::Ins;
use ukey_apdu::frame::{Event, Frame, Kind, MAX_ANSWER, MAX_COMMAND, Reason, Receiver};

/// What happens to a command and its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    /// The command is lost, once.
    LoseCommand,
    /// A bit of the command is turned, once.
    SpoilCommand,
    /// The command comes to the token twice, and both answers pass.
    DoubleCommand,
    /// The answer is lost, once.
    LoseAnswer,
    /// A bit of the answer is turned, once.
    SpoilAnswer,
    /// The answer is held back until the client sends its command again.
    DelayAnswer,
    /// Every answer is held back until the client begins anew; then all of them come.
    DelayAnswersUntilReset,
    /// The answer comes, and once more in front of the next command's.
    RepeatAnswerLater,
    /// What is no frame comes to both sides, before and after.
    Noise,
    /// Instead of the command come frames that are longer than any that the token takes, once: a sound one, and one that
    /// lies about its length.
    LengthenCommand,
    /// The line is cut before the token gets the command.
    CutBeforeCommand,
    /// The line is cut when the token has answered, before the client has the answer.
    CutBeforeAnswer,
}

/// No frame, and the beginning of what could be one: broken stuffing, a wrong check value, a flag too many.
const NOISE: &[u8] =
    b"noise \x7E\x01\x02\x03\x7E\x7E\x7D\x7E\x02\x05\x00\x01\xFF\xFF\xFF\x7E\x7E\x03\x00\xFF";

/// What passed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Passed {
    /// Frames from the client.
    pub(crate) frames: u32,
    /// Commands from it that it had not sent before.
    pub(crate) commands: u32,
    /// Commands that it sent again.
    pub(crate) again: u32,
    /// How often the token said that a frame is too long.
    pub(crate) too_long: u32,
}

/// The one in between. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Proxy(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    plans: VecDeque<(Ins, Act)>,
    /// What happens to the command of this number and its answers.
    now: Option<(u8, Act)>,
    /// The last command's number.
    last: Option<u8>,
    held: Vec<Vec<u8>>,
    passed: Passed,
    /// The connections through it.
    connections: Vec<Weak<Between>>,
}

/// An end of a stream that is used from two threads.
trait End: Stream {
    fn other_handle(&self) -> Box<dyn End>;
    fn cut(&self) {}
}

impl End for TcpStream {
    fn other_handle(&self) -> Box<dyn End> {
        Box::new(self.try_clone().unwrap())
    }
    fn cut(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl End for UnixStream {
    fn other_handle(&self) -> Box<dyn End> {
        Box::new(self.try_clone().unwrap())
    }
    fn cut(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

/// The master's end of a pseudo-terminal: it is cut when every handle is dropped.
struct Master {
    tty: TTYPort,
    /// A line that nobody has open is an error to its master.
    slave: Arc<TTYPort>,
}

impl Read for Master {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.tty.read(bytes)
    }
}

impl Write for Master {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tty.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Master {
    fn limit(&mut self, limit: Duration) -> io::Result<()> {
        self.tty.set_timeout(limit).map_err(Into::into)
    }
}

impl End for Master {
    fn other_handle(&self) -> Box<dyn End> {
        Box::new(Self { tty: self.tty.try_clone_native().unwrap(), slave: self.slave.clone() })
    }
}

impl Proxy {
    fn new() -> Proxy {
        Proxy(Arc::default())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One at a TCP port. `token` gives a new stream to the token for each client.
    pub(crate) fn tcp(token: impl Fn() -> UnixStream + Send + 'static) -> (Proxy, String) {
        let proxy = Proxy::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let inner = proxy.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                client.set_nodelay(true).unwrap();
                inner.stand_between(client, token());
            }
        });
        (proxy, address)
    }

    /// One at a socket of this machine.
    pub(crate) fn unix(path: &Path, token: impl Fn() -> UnixStream + Send + 'static) -> Proxy {
        let proxy = Proxy::new();
        let listener = UnixListener::bind(path).unwrap();
        let inner = proxy.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                inner.stand_between(client.unwrap(), token());
            }
        });
        proxy
    }

    /// One at the other end of a serial line, and the line's path.
    pub(crate) fn serial(token: UnixStream) -> (Proxy, String) {
        let proxy = Proxy::new();
        let (mut tty, slave) = TTYPort::pair().unwrap();
        let path = slave.name().unwrap();
        // So that a thread that reads notices that the line was cut.
        tty.set_timeout(Duration::from_millis(20)).unwrap();
        proxy.stand_between(Master { tty, slave: Arc::new(slave) }, token);
        (proxy, path)
    }

    /// What happens to the next command of this instruction.
    pub(crate) fn plan(&self, ins: Ins, act: Act) {
        self.state().plans.push_back((ins, act));
    }

    /// Whether all that was planned has begun.
    pub(crate) fn is_done(&self) -> bool {
        self.state().plans.is_empty()
    }

    /// Cuts every line through it.
    pub(crate) fn end(&self) {
        let connections = std::mem::take(&mut self.state().connections);
        connections.iter().filter_map(Weak::upgrade).for_each(|between| between.cut());
    }

    /// What passed so far.
    pub(crate) fn passed(&self) -> Passed {
        self.state().passed
    }

    /// Lets pass what passes between the two, in two threads that end with either.
    fn stand_between(&self, client: impl End + 'static, token: UnixStream) {
        let between = Arc::new(Between {
            proxy: self.clone(),
            cut: AtomicBool::new(false),
            client: Mutex::new(client.other_handle()),
            token: Mutex::new(token.other_handle()),
        });
        self.state().connections.push(Arc::downgrade(&between));
        let other = between.clone();
        let mut from_client: Box<dyn End> = Box::new(client);
        let mut from_token: Box<dyn End> = Box::new(token);
        thread::spawn(move || between.pass::<MAX_ANSWER>(&mut *from_client, Between::take_from_client));
        thread::spawn(move || other.pass::<MAX_ANSWER>(&mut *from_token, Between::take_from_token));
    }
}

/// One client's connection through the proxy.
struct Between {
    proxy: Proxy,
    cut: AtomicBool,
    client: Mutex<Box<dyn End>>,
    token: Mutex<Box<dyn End>>,
}

impl Between {
    fn pass<const MOST: usize>(&self, from: &mut dyn End, take: fn(&Self, Frame<'_>)) {
        let mut receiver = Box::new(Receiver::<MOST>::new());
        let mut bytes = [0; 4096];
        while !self.cut.load(Ordering::SeqCst) {
            let count = match from.read(&mut bytes) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => continue,
                Err(_) => break,
            };
            for &byte in &bytes[..count] {
                if let Some(Event::Frame(frame)) = receiver.push(byte) {
                    take(self, frame);
                }
            }
        }
        self.cut();
    }

    fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        for end in [&self.client, &self.token] {
            end.lock().unwrap().cut();
        }
    }

    /// A side that is gone is noticed by whoever reads.
    fn send(to: &Mutex<Box<dyn End>>, bytes: &[u8]) {
        let _ = to.lock().unwrap().write_all(bytes);
    }

    fn take_from_client(&self, frame: Frame<'_>) {
        let mut state = self.proxy.state();
        let bytes = bytes_of(frame);
        let pass = || Self::send(&self.token, &bytes);
        state.passed.frames += 1;
        let new = state.last != Some(frame.sequence);
        match frame.kind {
            Kind::Command if new => {
                state.passed.commands += 1;
                state.last = Some(frame.sequence);
            }
            Kind::Command => state.passed.again += 1,
            Kind::Reset => {
                (state.now, state.last) = (None, None);
                self.deliver(&mut state);
                return pass();
            }
            _ => return pass(),
        }
        if new {
            self.deliver(&mut state);
            let ins = frame.payload.get(1).copied();
            let planned = state.plans.front().is_some_and(|(planned, _)| Some(*planned as u8) == ins);
            state.now = state.plans.pop_front_if(|_| planned).map(|(_, act)| (frame.sequence, act));
        }
        match state.now.map(|(_, act)| act) {
            Some(Act::LoseCommand) => state.now = None,
            Some(Act::SpoilCommand) => {
                state.now = None;
                Self::send(&self.token, &spoilt(bytes));
            }
            Some(Act::DoubleCommand) => {
                state.now = None;
                pass();
                pass();
            }
            Some(Act::DelayAnswer) if !new => {
                state.now = None;
                self.deliver(&mut state);
                pass();
            }
            Some(Act::Noise) if new => Self::send(&self.token, &[NOISE, &bytes, NOISE].concat()),
            Some(Act::LengthenCommand) => {
                state.now = None;
                let payload = &[frame.payload, &[0; MAX_COMMAND]].concat();
                let sound = bytes_of(Frame { payload, ..frame });
                let mut lies = sound.clone();
                lies[3] ^= 0x40;
                Self::send(&self.token, &[sound, lies].concat());
            }
            Some(Act::CutBeforeCommand) => self.cut(),
            _ => pass(),
        }
    }

    /// What was held back comes to the client.
    fn deliver(&self, state: &mut State) {
        for bytes in state.held.drain(..) {
            Self::send(&self.client, &bytes);
        }
    }

    fn take_from_token(&self, frame: Frame<'_>) {
        let mut state = self.proxy.state();
        let bytes = bytes_of(frame);
        if frame.kind == Kind::Refused && Reason::from_payload(frame.payload) == Some(Reason::TooLong) {
            state.passed.too_long += 1;
        }
        let act = match (frame.kind, state.now) {
            (Kind::Answer, Some((sequence, act))) if sequence == frame.sequence => Some(act),
            _ => None,
        };
        match act {
            Some(Act::LoseAnswer) => state.now = None,
            Some(Act::SpoilAnswer) => {
                state.now = None;
                Self::send(&self.client, &spoilt(bytes));
            }
            Some(Act::DelayAnswer | Act::DelayAnswersUntilReset) => state.held.push(bytes),
            Some(Act::RepeatAnswerLater) => {
                state.now = None;
                Self::send(&self.client, &bytes);
                state.held.push(bytes);
            }
            Some(Act::Noise) => {
                state.now = None;
                Self::send(&self.client, &[NOISE, &bytes, NOISE].concat());
            }
            Some(Act::CutBeforeAnswer) => self.cut(),
            _ => Self::send(&self.client, &bytes),
        }
    }
}

fn bytes_of(frame: Frame<'_>) -> Vec<u8> {
    frame.encode().unwrap().collect()
}

/// With a bit turned in its middle.
fn spoilt(mut bytes: Vec<u8>) -> Vec<u8> {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x04;
    bytes
}
