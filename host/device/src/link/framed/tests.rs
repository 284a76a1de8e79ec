//! Against a peer in this process: the token itself, behind a line that spoils bytes. There is no clock: a peer that
//! has nothing to say is silent at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use ukey_apdu::frame::turn::{Todo, Turn};
use ukey_apdu::{Ins, Status};

use super::*;
use crate::link::sim::Simulator;
use crate::link::{Link, Place};
use crate::target::Options;

const SEED: Seed = [7; MIN_SEED];

/// What the line does to a byte.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Lost,
    Bit(u8),
}

/// One direction of the line: which of its bytes is spoilt, counted from now.
#[derive(Default)]
struct Wire {
    passed: usize,
    fault: Option<(usize, Fault)>,
}

impl Wire {
    fn pass(&mut self, byte: u8) -> Option<u8> {
        self.passed += 1;
        match self.fault {
            Some((at, fault)) if at == self.passed - 1 => match fault {
                Fault::Lost => None,
                Fault::Bit(bit) => Some(byte ^ 1 << bit),
            },
            _ => Some(byte),
        }
    }

    fn spoil(&mut self, at: usize, fault: Fault) {
        *self = Wire { passed: 0, fault: Some((at, fault)) };
    }
}

/// The token's end of the line.
struct Peer {
    token: Box<dyn Link>,
    receiver: Receiver<MAX_COMMAND>,
    turn: Turn,
    answer: Vec<u8>,
    to_token: Wire,
    from_token: Wire,
    out: VecDeque<u8>,
    executed: usize,
    closed: bool,
    version: u8,
    /// Bytes of chance that it wants.
    min_seed: usize,
}

impl Peer {
    /// A token that gets power.
    fn new() -> Self {
        let simulator = Simulator::fresh(&Options { seed: Some(1), ..Options::default() }).unwrap();
        let mut peer = Self {
            token: simulator.link().unwrap(),
            receiver: Receiver::new(),
            turn: Turn::new(),
            answer: Vec::new(),
            to_token: Wire::default(),
            from_token: Wire::default(),
            out: VecDeque::new(),
            executed: 0,
            closed: false,
            version: VERSION,
            min_seed: MIN_SEED,
        };
        peer.say(Kind::Seed, 0, &[]);
        peer
    }

    fn say(&mut self, kind: Kind, sequence: u8, payload: &[u8]) {
        for byte in (Frame { kind, sequence, payload }).encode().unwrap() {
            self.out.extend(self.from_token.pass(byte));
        }
    }

    fn hear(&mut self, byte: u8) {
        let Some(byte) = self.to_token.pass(byte) else { return };
        let Some(event) = self.receiver.push(byte) else { return };
        match self.turn.take(event) {
            Todo::Execute { sequence, command } => {
                self.executed += 1;
                self.answer = self.token.transmit(command).unwrap();
                self.say(Kind::Measured, sequence, &Measured { instructions: 9, peak_stack: 8 }.to_bytes());
                self.say(Kind::Answer, sequence, &self.answer.clone());
            }
            Todo::Repeat { sequence } => self.say(Kind::Answer, sequence, &self.answer.clone()),
            Todo::Seed { sequence, seed } if seed.len() < self.min_seed => {
                self.say(Kind::Refused, sequence, &[Reason::NotReady as u8]);
            }
            Todo::Seed { sequence, .. } => {
                self.turn.ready(sequence);
                self.announce(sequence);
            }
            Todo::Announce { sequence } => self.announce(sequence),
            Todo::Reset => {
                self.token.reset().unwrap();
                self.turn = Turn::new();
                self.say(Kind::Seed, 0, &[]);
            }
            Todo::Refuse { sequence, reason } => self.say(Kind::Refused, sequence, &[reason as u8]),
            Todo::Nothing => {}
        }
    }

    fn announce(&mut self, sequence: u8) {
        let ready = Ready { version: self.version, max_command: MAX_COMMAND as u16 };
        self.say(Kind::Ready, sequence, &ready.to_bytes());
    }
}

#[derive(Clone)]
struct Line(Arc<Mutex<Peer>>);

impl Line {
    fn new() -> (Line, Framed<Line>) {
        let line = Line(Arc::new(Mutex::new(Peer::new())));
        (line.clone(), Framed::new(line, Limits::default()).unwrap())
    }

    /// A token that is ready.
    fn ready() -> (Line, Framed<Line>) {
        let (line, mut framed) = Line::new();
        framed.start(&SEED).unwrap();
        (line, framed)
    }

    fn peer(&self) -> MutexGuard<'_, Peer> {
        self.0.lock().unwrap()
    }
}

impl Read for Line {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut peer = self.peer();
        match (peer.out.read(bytes)?, peer.closed) {
            (0, false) => Err(io::ErrorKind::WouldBlock.into()),
            (count, _) => Ok(count),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut peer = self.peer();
        if peer.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        bytes.iter().for_each(|&byte| peer.hear(byte));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Line {
    fn limit(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

/// GenRandom of 8 bytes: no two answers are alike.
const RANDOM: [u8; 7] = [0x80, Ins::GenRandom as u8, 0, 0, 0, 0, 8];

fn random(framed: &mut Framed<Line>) -> Vec<u8> {
    let answer = framed.exchange(&RANDOM).unwrap();
    assert_eq!((answer.len(), &answer[8..]), (10, &Status::OK.to_bytes()[..]));
    answer
}

#[test]
fn a_sound_line_carries_commands_and_their_answers() {
    let (line, mut framed) = Line::ready();
    for _ in 0..600 {
        assert_ne!(random(&mut framed), random(&mut framed));
    }
    assert_eq!(framed.measured(), Some(Measured { instructions: 9, peak_stack: 8 }));
    assert_eq!(line.peer().executed, 1200);
}

/// Every byte of the frame, of its answer, and of a longer one behind it.
fn faults() -> impl Iterator<Item = (usize, Fault)> {
    let kinds = [Fault::Lost, Fault::Bit(0), Fault::Bit(1), Fault::Bit(4), Fault::Bit(7)];
    (0..60).flat_map(move |at| kinds.into_iter().map(move |fault| (at, fault)))
}

#[test]
fn a_spoilt_command_is_sent_again_and_carried_out_once() {
    for (at, fault) in faults() {
        let (line, mut framed) = Line::ready();
        let before = random(&mut framed);
        line.peer().to_token.spoil(at, fault);
        let answers = [before, random(&mut framed), random(&mut framed), random(&mut framed)];
        assert_eq!(line.peer().executed, 4, "{fault:?} at {at}");
        for (index, answer) in answers.iter().enumerate() {
            assert!(!answers[..index].contains(answer), "{fault:?} at {at}");
        }
    }
}

#[test]
fn a_spoilt_answer_is_given_again_and_is_the_same() {
    let (_line, mut undisturbed) = Line::ready();
    let expected: Vec<_> = (0..3).map(|_| random(&mut undisturbed)).collect();
    for (at, fault) in faults() {
        let (line, mut framed) = Line::ready();
        line.peer().from_token.spoil(at, fault);
        let answers: Vec<_> = (0..3).map(|_| random(&mut framed)).collect();
        assert_eq!(answers, expected, "{fault:?} at {at}");
        assert_eq!(line.peer().executed, 3, "{fault:?} at {at}");
    }
}

#[test]
fn a_spoilt_beginning_begins_again() {
    for (at, fault) in faults() {
        for to_token in [true, false] {
            let (line, mut framed) = Line::new();
            framed.start(&SEED).unwrap();
            let spoilt = |peer: &mut Peer| {
                if to_token { peer.to_token.spoil(at, fault) } else { peer.from_token.spoil(at, fault) }
            };
            spoilt(&mut line.peer());
            framed.restart(&SEED).unwrap();
            random(&mut framed);
        }
    }
}

#[test]
fn noise_on_the_line_is_no_answer() {
    let (line, mut framed) = Line::ready();
    line.peer().out.extend([0x7E, 1, 2, 3, 0x7E, 0x7D, 0x7E, 0xFF]);
    random(&mut framed);
    random(&mut framed);
    assert_eq!(line.peer().executed, 2);
}

#[test]
fn a_token_that_began_anew_is_noticed() {
    let (line, mut framed) = Line::ready();
    random(&mut framed);
    {
        let mut peer = line.peer();
        peer.turn = Turn::new();
        peer.say(Kind::Seed, 0, &[]);
    }
    for _ in 0..2 {
        assert!(matches!(framed.exchange(&RANDOM), Err(LinkError::Removed)), "until it is started again");
    }
    framed.restart(&SEED).unwrap();
    random(&mut framed);
    assert_eq!(line.peer().executed, 2);

    // Also where what it said was lost, and where someone else started it.
    line.peer().turn = Turn::new();
    assert!(matches!(framed.exchange(&RANDOM), Err(LinkError::Removed)));
    framed.restart(&SEED).unwrap();
    line.peer().turn.ready(200);
    assert!(matches!(framed.exchange(&RANDOM), Err(LinkError::Removed)));
}

#[test]
fn a_token_that_is_gone_is_removed_and_one_that_is_silent_does_not_answer() {
    let (line, mut framed) = Line::ready();
    line.peer().to_token.spoil(usize::MAX, Fault::Lost);
    line.peer().receiver = Receiver::new();
    random(&mut framed);
    line.peer().closed = true;
    assert!(matches!(framed.exchange(&RANDOM), Err(LinkError::Removed)));
    assert!(matches!(framed.restart(&SEED), Err(LinkError::Removed)));

    struct Silent;
    impl Read for Silent {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::TimedOut.into())
        }
    }
    impl Write for Silent {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Stream for Silent {
        fn limit(&mut self, _: Duration) -> io::Result<()> {
            Ok(())
        }
    }
    let mut silent = Framed::new(Silent, Limits::default()).unwrap();
    assert!(matches!(silent.start(&SEED), Err(LinkError::NoAnswer)));
    silent.alive = true;
    assert!(matches!(silent.exchange(&RANDOM), Err(LinkError::NoAnswer)));
    assert!(matches!(silent.exchange(&RANDOM), Err(LinkError::Removed)), "nobody knows what it did");
}

#[test]
fn what_is_too_long_is_not_sent() {
    let (line, mut framed) = Line::ready();
    let error = framed.exchange(&[0x80; MAX_COMMAND + 1]).unwrap_err();
    assert!(matches!(error, LinkError::TooLong { bytes: 522, most: 521 }), "{error}");
    assert_eq!(framed.exchange(&[0x80; MAX_COMMAND]).unwrap().len(), 2, "the longest is answered");
    assert_eq!(line.peer().executed, 1);
}

#[test]
fn another_version_of_the_framing_is_named() {
    let (line, mut framed) = Line::new();
    line.peer().version = VERSION - 1;
    assert!(matches!(framed.start(&SEED), Err(LinkError::Framing { found: Some(1) })));
    assert!(matches!(framed.exchange(&RANDOM), Err(LinkError::Removed)));
}

#[test]
fn a_token_that_wants_a_longer_seed_is_one_of_another_version() {
    let (line, mut framed) = Line::new();
    line.peer().min_seed = MIN_SEED + 1;
    let error = framed.start(&SEED).unwrap_err();
    assert!(matches!(error, LinkError::Framing { found: None }), "{error}");
    assert_eq!(
        error.to_string(),
        "the key speaks another version of the framing, and this program version 2"
    );
}

#[test]
fn a_token_that_another_has_says_who() {
    let (line, mut framed) = Line::ready();
    for (name, said) in [("ukey (PID 1)", Some("ukey (PID 1)")), ("\x1B[2J", Some("[2J")), ("", None)] {
        let payload = [&[Reason::Busy as u8], name.as_bytes()].concat();
        line.peer().out.clear();
        line.peer().say(Kind::Refused, 0, &payload);
        let Err(LinkError::Busy { holder, .. }) = framed.start(&SEED) else { panic!("not busy") };
        assert_eq!(holder.as_deref(), said);
    }
    // Its word is heard also where it closed the line behind it.
    line.peer().out.clear();
    line.peer().say(Kind::Refused, 0, &[Reason::Busy as u8]);
    line.peer().closed = true;
    assert!(matches!(framed.restart(&SEED), Err(LinkError::Busy { holder: None, .. })));
    assert!(matches!(framed.restart(&SEED), Err(LinkError::Removed)));
    assert_eq!(line.peer().executed, 0);
}

#[test]
fn a_token_that_is_not_plugged_in_is_removed() {
    let (line, mut framed) = Line::ready();
    random(&mut framed);
    line.peer().say(Kind::Refused, 0, &[Reason::Unplugged as u8]);
    assert!(matches!(framed.exchange(&RANDOM), Err(LinkError::Removed)));
    line.peer().out.clear();
    line.peer().say(Kind::Refused, 0, &[Reason::Unplugged as u8]);
    assert!(matches!(framed.start(&SEED), Err(LinkError::Removed)));
    // What was said before it was plugged in again is no answer to the reset.
    line.peer().say(Kind::Refused, 0, &[Reason::Unplugged as u8]);
    framed.restart(&SEED).unwrap();
    random(&mut framed);
}

#[test]
fn a_token_that_does_not_start_says_so() {
    let (line, mut framed) = Line::new();
    line.peer().out.clear();
    line.peer().say(Kind::Refused, 0, &[Reason::NoStart as u8]);
    assert!(matches!(framed.start(&SEED), Err(LinkError::NoStart { .. })));
}
