//! Round trips of five bytes through pcscd and vpcd: a token that is served, and a card that knows nothing but one answer,
//! in two readers of the same pcscd, asked by the same client.

use std::env;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use pcsc::{Card, Context, Protocols, Scope, ShareMode};
use ukey_device::link::pcsc::wait_for_card;
use ukey_device::{Options, Simulator};
use ukey_serve::{Key, vpcd};

/// A command that no token has, so that next to nothing is done about it: the way is what is measured.
const COMMAND: [u8; 5] = [0x80, 0xFF, 0, 0, 0];

/// How long pcscd may take to see a card: it looks about every 0.4 s.
const PATIENCE: Duration = Duration::from_secs(30);

/// What vpcd asks of a card in a message of one byte that it waits for: its answer to reset.
const ATR: [u8; 1] = [4];

/// A card in a reader, with its client.
#[allow(missing_debug_implementations, reason = "of the system")]
pub struct Round {
    card: Card,
}

impl Round {
    /// A served token in the first reader of `.ci/with-readers`; `None` where there are no readers.
    ///
    /// # Panics
    /// Where the card is not seen.
    #[must_use]
    pub fn of_a_token() -> Option<Self> {
        let address = reader(0)?;
        let key = Key::new(Simulator::fresh(&Options::default()).expect("a token"));
        thread::spawn(move || vpcd::Reader::new(&key, address).run());
        Some(Self::with("UKey Bay 0 00 00"))
    }

    /// The other card, in the second reader.
    ///
    /// # Panics
    /// Where the card is not seen.
    #[must_use]
    pub fn of_a_bare_card() -> Option<Self> {
        let address = reader(1)?;
        thread::spawn(move || bare(TcpStream::connect(address)?));
        Some(Self::with("UKey Bay 0 00 01"))
    }

    fn with(name: &str) -> Self {
        wait_for_card(name, true, PATIENCE).expect("a card");
        let context = Context::establish(Scope::User).expect("pcscd");
        let name = std::ffi::CString::new(name).expect("a name");
        let card = context.connect(&name, ShareMode::Shared, Protocols::ANY).expect("the card");
        Self { card }
    }

    /// One command, and its answer: two bytes.
    ///
    /// # Panics
    /// Where there is none.
    pub fn trip(&self) {
        let mut room = [0; 64];
        assert_eq!(self.card.transmit(&COMMAND, &mut room).expect("an answer").len(), 2);
    }
}

/// Where vpcd waits for the card of that reader.
fn reader(number: u16) -> Option<SocketAddr> {
    let base: u16 = env::var("UKEY_VPCD_BASE").ok()?.parse().ok()?;
    Some((Ipv4Addr::LOCALHOST, base + number).into())
}

/// A card that says yes to everything.
fn bare(mut stream: TcpStream) -> io::Result<()> {
    let mut message = Vec::new();
    loop {
        let mut length = [0; 2];
        // Linux forgets it with every read; without it, the reader's second packet waits for an acknowledgement.
        rustix::net::sockopt::set_tcp_quickack(&stream, true)?;
        stream.read_exact(&mut length)?;
        message.resize(usize::from(u16::from_be_bytes(length)), 0);
        rustix::net::sockopt::set_tcp_quickack(&stream, true)?;
        stream.read_exact(&mut message)?;
        match message.as_slice() {
            message if *message == ATR => stream.write_all(&[&[0, 16], &vpcd::ATR[..]].concat())?,
            // Power needs no answer.
            [_] => {}
            _ => stream.write_all(&[0, 2, 0x90, 0])?,
        }
    }
}
