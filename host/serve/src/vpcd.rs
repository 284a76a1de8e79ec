//! A simulated token as a card in a smart card reader: the client of vpcd, the virtual reader of the vsmartcard project,
//! which pcscd drives like any other.
//!
//! A message is a length of two bytes, high byte first, and so many bytes: one byte turns the power off (0), on
//! (1), resets (2) or asks for the ATR (4), more are a command. Only 4 and commands are answered.
//!
//! Guarantees: a key that is pulled leaves its reader at once, and one that is plugged in comes back; when the reader is
//! gone (pcscd ends, or drops its card) it is looked for again, waiting longer each time up to [`LONGEST_PAUSE`]; a
//! command reaches the token only while the reader gives it power; a message that is none ends the connection and
//! reaches nobody. Readers give power only to look what there is, and take it away when nobody uses the card: the key is
//! the reader's from the first command on ([`Key::hold`]), until the power goes.
//!
//! Refuses to know what the commands mean.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use ukey_device::{LinkError, Status};

use crate::key::{Hold, Insertion, Key, Refusal, Watch};
use crate::line::wait_for_key;

use line::Messages;

mod line;

/// Where vpcd waits for the card of its first reader; each further reader waits at the port behind.
pub const DEFAULT_PORT: u16 = 35_963;

/// The pause before a reader that is not there is looked for the second time.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause between two looks for a reader that is not there.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often a reader that has just found the key asks what it is, and gives it power then: pcscd once or twice.
const FIRST_DOUBT: u32 = 2;

/// The answer to reset (ISO/IEC 7816-3).
pub const ATR: [u8; 16] = atr();

const fn atr() -> [u8; 16] {
    let mut atr = [
        0x3B, // TS: direct convention
        0xD5, // T0: TA1, TC1 and TD1 follow; 5 historical bytes
        0x96, // TA1: 512 clock cycles and 1/32 of them a bit
        0xFF, // TC1: no extra guard time, the least for T=1
        0x81, // TD1: TD2 follows; T=1
        0xB1, // TD2: TA3, TB3 and TD3 follow; T=1
        0xFE, // TA3: blocks of up to 254 bytes
        0x45, // TB3: waits for a block 2^4, for a character 2^5
        0x1F, // TD3: TA4 follows; T=15: for the card as a whole
        0xC7, // TA4: the clock may stop in either state; 5 V, 3 V and 1.8 V
        b'U', b'K', b'E', b'Y', // historical bytes: proprietary, the name
        0x01, // and the version of these bytes
        0x00, // TCK: see below
    ];
    // TCK: with it, all bytes from T0 on are 0 together.
    let last = atr.len() - 1;
    let mut at = 1;
    while at < last {
        atr[last] ^= atr[at];
        at += 1;
    }
    atr
}

/// The answer to a command while another link holds the token.
const BUSY: [u8; 2] = Status::NOT_ALLOWED.to_bytes();

/// What a message of one byte asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Control {
    Off,
    On,
    Reset,
    Atr,
}

impl Control {
    fn of(byte: u8) -> Option<Control> {
        Some(match byte {
            0 => Control::Off,
            1 => Control::On,
            2 => Control::Reset,
            4 => Control::Atr,
            _ => return None,
        })
    }
}

/// A virtual reader that a key is to be in.
#[derive(Debug)]
pub struct Reader {
    key: Key,
    address: SocketAddr,
}

/// What the reader gives the key.
enum Power {
    Off,
    /// Nobody has sent a command yet.
    On,
    Used(Hold),
}

impl Reader {
    /// The reader whose vpcd waits at an address. It may come there later.
    #[must_use]
    pub fn new(key: &Key, address: SocketAddr) -> Reader {
        key.note_reader(address, Insertion::Looking);
        Reader { key: key.clone(), address }
    }

    /// Where the reader's vpcd waits.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the reader has the key, and gave it power.
    #[must_use]
    pub fn has_the_key(&self) -> bool {
        self.key.reader(self.address) == Some(Insertion::In)
    }

    /// Why the key is not in the reader, where that is known.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match self.key.reader(self.address) {
            Some(Insertion::Out(why)) => Some(why),
            _ => None,
        }
    }

    /// Keeps the key in the reader, until it is served no longer ([`Key::stop`]).
    ///
    /// # Errors
    /// Of the system: no more pipes.
    pub fn run(&self) -> io::Result<()> {
        let (mut pause, mut doubt) = (FIRST_PAUSE, FIRST_DOUBT);
        loop {
            let watch = self.key.watch()?;
            if self.key.is_stopped() {
                return Ok(());
            }
            let pulls = self.key.pulls();
            if !self.key.simulator().is_plugged_in() {
                self.key.note_reader(self.address, Insertion::Out(LinkError::Removed.to_string()));
                wait_for_key(&watch, None)?;
                continue;
            }
            let ended = Messages::connect(self.address, &watch).and_then(|line| {
                let Some(line) = line else { return Ok(()) };
                self.note(Insertion::Looking);
                pause = FIRST_PAUSE;
                let served = self.serve(line, watch, pulls, &mut doubt);
                // It has it no longer, whyever.
                self.note(Insertion::Looking);
                served
            });
            if let Err(error) = ended
                && self.key.pulls() == pulls
            {
                self.note(Insertion::Out(error.to_string()));
                wait_for_key(&self.key.watch()?, Some(pause))?;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }

    /// Says once that the reader has the key, or why not.
    fn note(&self, now: Insertion) {
        if self.key.note_reader(self.address, now.clone()).as_ref() == Some(&now) {
            return;
        }
        match now {
            Insertion::Looking => {}
            Insertion::In => tracing::info!(address = %self.address, "in its reader"),
            Insertion::Out(problem) => tracing::warn!(address = %self.address, problem, "not in its reader"),
        }
    }

    /// Answers the reader until the connection ends, or the key is pulled.
    ///
    /// A reader that finds a card gives it power at once. pcscd looks only now and then: it may take a key that came back
    /// fast for the one that went, and believe from then on that it has none. Where it only asks what is there, `doubt`
    /// times, the key is taken out so that it notices; the next time it may ask twice as often.
    fn serve(&self, mut line: Messages, mut watch: Watch, pulls: u64, doubt: &mut u32) -> io::Result<()> {
        let (mut power, mut asked) = (Power::Off, Some(0));
        loop {
            let Some(message) = line.receive(&watch)? else {
                watch = self.key.watch()?;
                if self.key.pulls() == pulls {
                    continue;
                }
                return Ok(());
            };
            let answer = match message.as_slice() {
                [] => return Err(bad("an empty message")),
                [byte] => match Control::of(*byte).ok_or_else(|| bad("a control byte that is none"))? {
                    Control::Atr => {
                        asked = asked.map(|times| times + 1);
                        if asked > Some(*doubt) {
                            *doubt = doubt.saturating_mul(2);
                            return Ok(());
                        }
                        ATR.to_vec()
                    }
                    control => {
                        if control != Control::Off {
                            (asked, *doubt) = (None, FIRST_DOUBT);
                            self.note(Insertion::In);
                        }
                        power = power.turned(control).map_err(io::Error::other)?;
                        continue;
                    }
                },
                command => self.carry_out(command, &mut power)?,
            };
            line.send(&answer, &watch)?;
        }
    }

    fn carry_out(&self, command: &[u8], power: &mut Power) -> io::Result<Vec<u8>> {
        if let Power::On = power {
            match self.key.hold(&format!("the smart card reader at {}", self.address)) {
                Ok(mut hold) => {
                    hold.power_on().map_err(io::Error::other)?;
                    *power = Power::Used(hold);
                }
                Err(Refusal::Busy(holder)) => {
                    tracing::warn!(address = %self.address, holder, "a command was refused: the key is in use");
                    return Ok(BUSY.to_vec());
                }
                Err(Refusal::Unplugged) => return Err(io::Error::other(LinkError::Removed)),
            }
        }
        match power {
            Power::Used(hold) => hold.transmit(command).map_err(io::Error::other),
            // The reader finds the card gone, and then one that it has to give power to.
            Power::Off | Power::On => Err(bad("a command without power")),
        }
    }
}

impl Power {
    /// What was open or proved goes with the power, not when it comes back.
    fn turned(mut self, control: Control) -> Result<Power, LinkError> {
        if let Power::Used(hold) = &mut self {
            hold.power_on()?;
        }
        Ok(match (control, self) {
            (Control::Off, _) => Power::Off,
            (_, used @ Power::Used(_)) => used,
            _ => Power::On,
        })
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("the reader sent {what}"))
}

#[cfg(test)]
mod tests;
