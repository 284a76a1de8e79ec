//! Against a vpcd of the test's own: a listener that says what vpcd says.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use ukey_device::{Hand, Options, Simulator};

use super::*;

/// Long enough that only a fault lets it pass.
const LIMIT: Duration = Duration::from_secs(30);
/// GetDevInfo.
const INFO: [u8; 7] = [0x80, 0x04, 0, 0, 0, 0, 0];
/// A random of 8 bytes, which the token keeps as a challenge as long as it has power.
const RANDOM: [u8; 7] = [0x80, 0x50, 0, 0, 0, 0, 8];

/// vpcd.
struct Vpcd {
    listener: TcpListener,
    card: TcpStream,
}

/// A key in a reader, until this is dropped.
struct Inserted {
    key: Key,
    reader: Arc<Reader>,
    thread: Option<JoinHandle<()>>,
}

impl Inserted {
    fn at(address: SocketAddr, plugged_in: bool) -> Inserted {
        let key = Key::new(Simulator::fresh(&Options { seed: Some(1), ..Options::default() }).unwrap());
        if !plugged_in {
            key.unplug();
        }
        let reader = Arc::new(Reader::new(&key, address));
        let runs = reader.clone();
        Inserted { key, reader, thread: Some(thread::spawn(move || runs.run().unwrap())) }
    }
}

impl Drop for Inserted {
    fn drop(&mut self) {
        self.key.stop();
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Vpcd {
    fn with_card() -> (Vpcd, Inserted) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let inserted = Inserted::at(listener.local_addr().unwrap(), true);
        let card = accept(&listener);
        (Vpcd { listener, card }, inserted)
    }

    fn say(&mut self, message: &[u8]) {
        let length = u16::try_from(message.len()).unwrap().to_be_bytes();
        self.card.write_all(&length).unwrap();
        self.card.write_all(message).unwrap();
    }

    fn hear(&mut self) -> Vec<u8> {
        let mut length = [0; 2];
        self.card.read_exact(&mut length).unwrap();
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        self.card.read_exact(&mut message).unwrap();
        message
    }

    fn ask(&mut self, message: &[u8]) -> Vec<u8> {
        self.say(message);
        self.hear()
    }

    /// The card of a while later.
    fn next_card(&mut self) {
        self.card = accept(&self.listener);
    }

    /// Whether the card went, and said nothing before.
    fn card_is_gone(&mut self) -> bool {
        matches!(self.card.read(&mut [0; 1]), Ok(0) | Err(_))
    }

    fn serial_number(&mut self) -> Vec<u8> {
        self.say(&[1]);
        let answer = self.ask(&INFO);
        assert_eq!(answer.last_chunk(), Some(&[0x90, 0x00]));
        answer
    }
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (card, _) = listener.accept().unwrap();
    card.set_read_timeout(Some(LIMIT)).unwrap();
    card.set_nodelay(true).unwrap();
    card
}

#[test]
fn the_answer_to_reset_says_what_it_is() {
    let (mut vpcd, _token) = Vpcd::with_card();
    let atr = vpcd.ask(&[4]);
    assert_eq!(atr, ATR);
    assert_eq!(atr.windows(4).filter(|bytes| bytes == b"UKEY").count(), 1);
    // ISO/IEC 7816-3: with TCK, T0 and all behind it are 0 together; K counts the historical bytes.
    assert_eq!(atr[1..].iter().fold(0, |sum, byte| sum ^ byte), 0);
    assert_eq!(atr.len(), 10 + usize::from(atr[1] & 0x0F) + 1);
}

#[test]
fn commands_are_answered_while_there_is_power() {
    let (mut vpcd, token) = Vpcd::with_card();
    let answer = vpcd.serial_number();
    let number = token.key.simulator().serial_number();
    assert!(answer.windows(number.len()).any(|part| part == number.as_bytes()));
    assert_eq!(vpcd.ask(&[0x80, 0xEE, 0, 0]), [0x6D, 0x00], "as the token says it");

    vpcd.say(&[0]);
    vpcd.say(&INFO);
    assert!(vpcd.card_is_gone(), "a command without power");
    vpcd.next_card();
    assert_eq!(vpcd.ask(&[4]), ATR, "without power");
    assert_eq!(vpcd.serial_number(), answer);
}

/// A challenge ends with the power: what uses it then is refused before the key is looked at.
#[test]
fn on_off_and_reset_take_what_was_proved() {
    let (mut vpcd, token) = Vpcd::with_card();
    vpcd.say(&[1]);
    let authenticate = [&[0x80, 0x10, 0x00, 0x00, 0x00, 0x00, 0x10][..], &[0; 16]].concat();
    let mut last = Vec::new();
    for (message, name) in [(&[2][..], "reset"), (&[1], "on"), (&[0], "off")] {
        let random = vpcd.ask(&RANDOM);
        assert!(random.len() == 10 && random != last, "{name}: {random:02X?}");
        last = random;
        vpcd.say(message);
        vpcd.say(&[1]);
        assert_eq!(vpcd.ask(&authenticate), [0x69, 0x85], "{name}");
    }
    // And its failing twin: with a challenge the key is looked at, and is wrong.
    vpcd.ask(&RANDOM);
    assert_eq!(vpcd.ask(&authenticate)[0], 0x63);
    assert!(token.key.simulator().is_plugged_in());
}

#[test]
fn a_command_may_come_in_pieces_and_two_at_once() {
    let (mut vpcd, _token) = Vpcd::with_card();
    let whole = vpcd.serial_number();
    let message = [&[0, 7][..], &INFO].concat();
    for at in 1..message.len() {
        let (first, second) = message.split_at(at);
        vpcd.card.write_all(first).unwrap();
        vpcd.card.write_all(second).unwrap();
        assert_eq!(vpcd.hear(), whole, "{at} bytes first");
    }
    vpcd.card.write_all(&[&message[..], &message].concat()).unwrap();
    assert_eq!((vpcd.hear(), vpcd.hear()), (whole.clone(), whole));
}

#[test]
fn a_dropped_card_comes_back_blank() {
    let (mut vpcd, token) = Vpcd::with_card();
    let answer = vpcd.serial_number();
    for _ in 0..3 {
        vpcd.card.shutdown(std::net::Shutdown::Both).unwrap();
        vpcd.next_card();
        vpcd.say(&INFO);
        assert!(vpcd.card_is_gone(), "no power before the reader gives it");
        vpcd.next_card();
        assert_eq!(vpcd.serial_number(), answer);
        assert_eq!(token.reader.problem(), None);
    }
}

#[test]
fn a_reader_may_come_later() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let token = Inserted::at(address, true);
    assert_eq!(token.reader.address(), address);
    let listener = TcpListener::bind(address).unwrap();
    let card = accept(&listener);
    let mut vpcd = Vpcd { listener, card };
    assert_eq!(vpcd.ask(&[4]), ATR);
}

#[test]
fn a_pulled_key_leaves_its_reader_and_comes_back() {
    let (mut vpcd, token) = Vpcd::with_card();
    let answer = vpcd.serial_number();
    token.key.unplug();
    assert!(vpcd.card_is_gone());
    token.key.plug_in().unwrap();
    vpcd.next_card();
    assert_eq!(vpcd.serial_number(), answer);

    // So fast that nobody could look between.
    token.key.unplug();
    token.key.plug_in().unwrap();
    assert!(vpcd.card_is_gone());
    vpcd.next_card();
    assert_eq!(vpcd.serial_number(), answer);

    // In mid-command: nothing is answered.
    token.key.unplug_after(0);
    vpcd.say(&INFO);
    assert!(vpcd.card_is_gone());
    token.key.plug_in().unwrap();
    vpcd.next_card();
    assert_eq!(vpcd.serial_number(), answer);
}

#[test]
fn a_key_that_is_not_plugged_in_is_in_no_reader() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let token = Inserted::at(listener.local_addr().unwrap(), false);
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    listener.set_nonblocking(false).unwrap();
    token.key.plug_in().unwrap();
    accept(&listener);
}

#[test]
fn a_stopped_reader_is_empty() {
    let (mut vpcd, token) = Vpcd::with_card();
    drop(token);
    assert!(vpcd.card_is_gone());
    vpcd.listener.set_nonblocking(true).unwrap();
    assert_eq!(vpcd.listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "and stays so");
}

#[test]
fn garbage_ends_the_connection_and_reaches_nobody() {
    let (mut vpcd, token) = Vpcd::with_card();
    let answer = vpcd.serial_number();
    for garbage in [&[0, 0][..], &[0, 1, 3], &[0, 1, 0xFF]] {
        let before = token.key.simulator().flash_operations();
        vpcd.card.write_all(garbage).unwrap();
        assert!(vpcd.card_is_gone(), "{garbage:02X?}");
        assert_eq!(token.key.simulator().flash_operations(), before);
        vpcd.next_card();
        assert_eq!(vpcd.serial_number(), answer);
    }
}

/// The longest message that there is, and one that ends early.
#[test]
fn what_the_token_cannot_take_gets_its_status_word() {
    let (mut vpcd, _token) = Vpcd::with_card();
    let answer = vpcd.serial_number();
    let mut command = vec![0; 65_535];
    command[..7].copy_from_slice(&[0x80, 0x04, 0, 0, 0, 0xFF, 0xF8]);
    assert_eq!(vpcd.ask(&command), [0x67, 0x00]);
    assert_eq!(vpcd.ask(&[0x80, 0x04]), [0x67, 0x00], "shorter than a header");
    assert_eq!(vpcd.ask(&INFO), answer);

    vpcd.card.write_all(&[0xFF, 0xFF, 1, 2, 3]).unwrap();
    vpcd.card.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(vpcd.card_is_gone(), "nothing is made of a part");
    vpcd.next_card();
    assert_eq!(vpcd.serial_number(), answer);
}

/// A reader that did not notice that the key was away asks, and gives no power.
#[test]
fn a_key_that_came_back_unnoticed_is_taken_out_once_more() {
    let (mut vpcd, token) = Vpcd::with_card();
    for _ in 0..2 {
        for times in [2, 4, 8] {
            for _ in 0..times {
                assert_eq!(vpcd.ask(&[4]), ATR);
                // Of the key that it believes it has.
                vpcd.say(&[0]);
            }
            vpcd.say(&[4]);
            assert!(vpcd.card_is_gone());
            vpcd.next_card();
        }
        vpcd.serial_number();
        for _ in 0..30 {
            assert_eq!(vpcd.ask(&[4]), ATR);
        }
        token.key.unplug();
        token.key.plug_in().unwrap();
        vpcd.next_card();
    }
}

#[test]
fn one_client_at_a_time() {
    let (mut vpcd, token) = Vpcd::with_card();
    // Power alone is not a client: readers give it to look.
    vpcd.say(&[1]);
    assert_eq!(vpcd.ask(&[4]), ATR);
    let mut other = token.key.hold("another client").unwrap();
    other.power_on().unwrap();
    other.transmit(&RANDOM).unwrap();
    assert_eq!(vpcd.ask(&INFO), BUSY);
    // The other's challenge is still there: what is wrong is the key.
    let authenticate = [&[0x80, 0x10, 0x00, 0x00, 0x00, 0x00, 0x10][..], &[0; 16]].concat();
    assert_eq!(other.transmit(&authenticate).unwrap()[0], 0x63);
    other.transmit(&RANDOM).unwrap();
    drop(other);

    assert_eq!(vpcd.ask(&authenticate), [0x69, 0x85], "of the other's session nothing is left");
    let refused = token.key.hold("another client").unwrap_err();
    assert!(matches!(&refused, Refusal::Busy(holder) if holder.contains("smart card reader")), "{refused:?}");
    vpcd.say(&[0]);
    assert_eq!(vpcd.ask(&[4]), ATR);
    token.key.hold("another client").unwrap();
}
