//! What a client may send to a key that is served: over a pair of sockets, frame by frame.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use ukey_apdu::frame::{Event, FLAG, Frame, Kind, MAX_ANSWER, MAX_COMMAND, MIN_SEED, Reason, Receiver};
use ukey_apdu::{Ins, Status};
use ukey_device::{Hand, LinkError, Options, Place, Simulator};
use ukey_serve::{Ended, Key, Refusal};

/// GenRandom of 8 bytes: no two answers are alike.
const RANDOM: [u8; 7] = [0x80, Ins::GenRandom as u8, 0, 0, 0, 0, 8];
/// Long enough for any machine; what comes at all comes at once.
const LIMIT: Duration = Duration::from_secs(60);

fn key() -> Key {
    Key::new(Simulator::fresh(&Options { seed: Some(1), ..Options::default() }).unwrap())
}

/// A client's end of the stream.
struct Client {
    stream: UnixStream,
    receiver: Receiver<MAX_ANSWER>,
    unread: std::vec::IntoIter<u8>,
    served: JoinHandle<Ended>,
}

type Kept = (Kind, u8, Vec<u8>);

impl Client {
    /// Opens a conversation.
    fn new(key: &Key, name: &'static str) -> Client {
        let (stream, far) = UnixStream::pair().unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let key = key.clone();
        let served = thread::spawn(move || ukey_serve::serve(&key, far, name));
        Client { stream, receiver: Receiver::new(), unread: Vec::new().into_iter(), served }
    }

    /// One whose token is ready, with the number 1.
    fn ready(key: &Key, name: &'static str) -> Client {
        let mut client = Client::new(key, name);
        client.start(1);
        client
    }

    fn start(&mut self, sequence: u8) {
        assert_eq!(self.next().unwrap(), (Kind::Seed, 0, vec![]));
        self.say(Kind::Seed, sequence, &[7; MIN_SEED]);
        let (kind, number, _) = self.next().unwrap();
        assert_eq!((kind, number), (Kind::Ready, sequence));
    }

    fn say(&mut self, kind: Kind, sequence: u8, payload: &[u8]) {
        let bytes: Vec<u8> = Frame { kind, sequence, payload }.encode().unwrap().collect();
        self.stream.write_all(&bytes).unwrap();
    }

    /// The next frame; `None` when the stream has ended.
    fn next(&mut self) -> Option<Kept> {
        loop {
            for byte in self.unread.by_ref() {
                match self.receiver.push(byte) {
                    Some(Event::Frame(frame)) => {
                        return Some((frame.kind, frame.sequence, frame.payload.to_vec()));
                    }
                    Some(Event::Bad(reason)) => panic!("{reason}"),
                    None => {}
                }
            }
            let mut bytes = [0; 4096];
            let count = self.stream.read(&mut bytes).unwrap();
            if count == 0 {
                return None;
            }
            self.unread = Vec::from(&bytes[..count]).into_iter();
        }
    }

    fn command(&mut self, sequence: u8) -> Kept {
        self.say(Kind::Command, sequence, &RANDOM);
        self.next().unwrap()
    }

    /// The answer to GenRandom of that number.
    fn random(&mut self, sequence: u8) -> Vec<u8> {
        let (kind, number, answer) = self.command(sequence);
        assert_eq!((kind, number, answer.len()), (Kind::Answer, sequence, 10));
        assert!(answer.ends_with(&Status::OK.to_bytes()));
        answer
    }

    fn close(self) -> Ended {
        drop(self.stream);
        self.served.join().unwrap()
    }
}

fn refused(sequence: u8, reason: Reason) -> Kept {
    (Kind::Refused, sequence, vec![reason as u8])
}

#[test]
fn a_command_is_answered_and_one_that_comes_again_is_not_carried_out_again() {
    let key = key();
    let mut client = Client::ready(&key, "a client");
    let first = client.random(2);
    assert_eq!(client.random(2), first, "the same frame, the same answer");
    assert_ne!(client.random(3), first);
    assert_eq!(client.command(2), refused(2, Reason::OutOfSequence), "an older one is nobody's");
    assert_eq!(client.command(5), refused(5, Reason::OutOfSequence));
    // 256 further ones: the number begins again.
    for sequence in (4..=255).chain(0..=3) {
        client.random(sequence);
    }
    assert_eq!(key.state().refused_frames, 2);
    assert!(matches!(client.close(), Ended::Closed));
}

#[test]
fn nothing_is_carried_out_before_the_token_has_its_seed() {
    let key = key();
    let operations = key.simulator().flash_operations();
    let mut client = Client::new(&key, "a client");
    assert_eq!(client.next().unwrap(), (Kind::Seed, 0, vec![]));
    assert_eq!(client.command(1), refused(1, Reason::NotReady));
    client.say(Kind::Seed, 1, &[7; MIN_SEED - 1]);
    assert_eq!(client.next().unwrap(), refused(1, Reason::NotReady), "too short");
    assert_eq!((key.simulator().flash_operations(), key.state().refused_frames), (operations, 2));
    client.say(Kind::Seed, 1, &[7; MIN_SEED]);
    assert_eq!(client.next().unwrap().0, Kind::Ready);
    client.random(2);
}

#[test]
fn bad_frames_are_counted_and_never_carried_out_and_the_next_good_one_is() {
    let key = key();
    let mut client = Client::ready(&key, "a client");
    let good: Vec<u8> =
        Frame { kind: Kind::Command, sequence: 2, payload: &RANDOM }.encode().unwrap().collect();
    // One wrong bit anywhere between the flags.
    let mut bad = 0;
    for bit in 8..(good.len() - 1) * 8 {
        let mut wrong = good.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        if wrong[1..wrong.len() - 1].contains(&FLAG) {
            continue;
        }
        client.stream.write_all(&wrong).unwrap();
        let (kind, sequence, reason) = client.next().unwrap();
        assert_eq!((kind, sequence), (Kind::Refused, 0), "bit {bit}");
        assert_eq!(reason, [Reason::BadCheck as u8]);
        bad += 1;
        assert_eq!(key.state().refused_frames, bad);
    }
    client.say(Kind::Command, 2, &[0; MAX_COMMAND + 1]);
    assert_eq!(client.next().unwrap(), refused(0, Reason::TooLong));
    // Half a frame, and a whole one behind it.
    client.stream.write_all(&good[..good.len() / 2]).unwrap();
    client.stream.write_all(&good).unwrap();
    assert_eq!(client.next().unwrap(), refused(0, Reason::BadCheck));
    let (kind, sequence, _) = client.next().unwrap();
    assert_eq!((kind, sequence), (Kind::Answer, 2), "the first with that number that was carried out");
    assert_eq!(key.state().refused_frames, bad + 2);
}

#[test]
fn what_is_no_frame_at_all_is_counted_and_answered_once() {
    let key = key();
    let mut client = Client::new(&key, "a client");
    assert_eq!(client.next().unwrap(), (Kind::Seed, 0, vec![]));
    // No flag stands in front, and none comes.
    client.stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(client.next().unwrap(), refused(0, Reason::BadCheck));
    assert_eq!((key.state().refused_frames, key.state().holder), (1, None));
    client.say(Kind::Seed, 1, &[7; MIN_SEED]);
    assert_eq!(client.next().unwrap().0, Kind::Ready, "the next frame is as good as any");
    // Longer than any frame, whatever it says of its length; its end is not waited for.
    for count in 1..3_u64 {
        client.stream.write_all(&[FLAG]).unwrap();
        client.stream.write_all(&[b'A'; 5_000]).unwrap();
        assert_eq!(client.next().unwrap(), refused(0, Reason::TooLong));
        assert_eq!(key.state().refused_frames, 1 + count);
    }
    client.random(2);
}

#[test]
fn a_reset_is_a_power_on() {
    let key = key();
    let mut client = Client::ready(&key, "a client");
    client.random(2);
    // Another link notices that the power was away, and that the key is not its.
    let mut link = key.simulator().link().unwrap();
    assert!(matches!(link.transmit(&RANDOM), Err(LinkError::Busy { .. })));
    client.say(Kind::Reset, 0, &[]);
    client.start(9);
    assert!(matches!(link.transmit(&RANDOM), Err(LinkError::Removed)));
    assert_eq!(client.command(3), refused(3, Reason::OutOfSequence), "the number from before");
    client.random(10);
}

#[test]
fn a_second_client_is_told_who_has_the_key() {
    let key = key();
    let mut first = Client::ready(&key, "程序甲");
    assert_eq!(key.state().holder.as_deref(), Some("程序甲"));
    let mut second = Client::new(&key, "程序乙");
    let (kind, sequence, payload) = second.next().unwrap();
    assert_eq!((kind, sequence, Reason::holder(&payload)), (Kind::Refused, 0, Some("程序甲")));
    assert_eq!(second.next(), None);
    assert!(matches!(second.close(), Ended::Busy));
    first.random(2);
    assert!(matches!(first.close(), Ended::Closed));
    assert_eq!(key.state().holder, None);
    Client::ready(&key, "程序乙").random(2);
}

#[test]
fn a_program_in_this_process_that_has_the_key_is_respected_and_respects() {
    let key = key();
    let mut link = key.simulator().link().unwrap();
    link.lock(Duration::ZERO).unwrap();
    assert!(matches!(key.hold("a client"), Err(Refusal::Busy(holder)) if holder.contains("process")));
    link.unlock().unwrap();
    let mut client = Client::ready(&key, "a client");
    // The start took the power, and with it the link's token.
    assert!(matches!(link.reset(), Err(LinkError::Busy { .. })));
    client.random(2);
    client.close();
    link.reset().unwrap();
    link.transmit(&RANDOM).unwrap();
}

#[test]
fn who_pulls_the_key_ends_the_conversation_at_once() {
    let key = key();
    let mut client = Client::ready(&key, "a client");
    key.unplug();
    assert_eq!(client.next(), Some(refused(0, Reason::Unplugged)));
    assert_eq!(client.next(), None);
    assert!(matches!(client.close(), Ended::Unplugged));
    assert_eq!((key.state().plugged_in, key.state().holder), (false, None));

    let mut client = Client::new(&key, "a client");
    assert_eq!(client.next(), Some(refused(0, Reason::Unplugged)), "nobody is let in");
    assert_eq!(client.next(), None);
    key.plug_in().unwrap();
    Client::ready(&key, "a client").random(2);
}

#[test]
fn a_key_that_is_pulled_inside_a_command_answers_no_more() {
    let key = key();
    let mut client = Client::ready(&key, "a client");
    key.unplug_after(1);
    client.random(2);
    assert_eq!(client.command(3), refused(3, Reason::Unplugged));
    assert_eq!(client.next(), None);
    assert!(matches!(client.close(), Ended::Unplugged));
    assert!(!key.state().plugged_in);
}

#[test]
fn a_client_that_takes_no_answers_holds_up_nobody() {
    let key = key();
    let client = Client::ready(&key, "a client");
    // Until neither side can write: the token waits for room, and we have no more for it.
    client.stream.set_nonblocking(true).unwrap();
    let again: Vec<u8> =
        Frame { kind: Kind::Command, sequence: 2, payload: &RANDOM }.encode().unwrap().collect();
    let mut sent = 0;
    loop {
        match (&client.stream).write(&again) {
            Ok(written) => sent += written,
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                break;
            }
        }
    }
    assert!(sent > again.len());
    key.unplug();
    assert!(matches!(client.served.join().unwrap(), Ended::Unplugged));
}

#[test]
fn a_key_that_is_stopped_ends_everything() {
    let key = key();
    let mut client = Client::ready(&key, "a client");
    key.stop();
    assert_eq!(client.next(), None);
    assert!(matches!(client.close(), Ended::Unplugged));
    assert_eq!(key.hold("a client").unwrap_err(), Refusal::Unplugged);
    let late = key.watch().unwrap();
    let mut woken = [PollFd::from_borrowed_fd(late.as_fd(), PollFlags::IN)];
    assert_eq!(poll(&mut woken, None), Ok(1), "who comes too late does not wait");
}

#[test]
fn the_end_of_a_stream_in_a_frame_is_its_end() {
    let key = key();
    let mut client = Client::ready(&key, "a client");
    client.stream.write_all(&[FLAG, 2, 2, 0]).unwrap();
    client.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.next(), None);
    assert!(matches!(client.close(), Ended::Closed));
    assert_eq!(key.state().refused_frames, 0);
}
