//! The frame loop: from power on to the loss of power.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sm3::{Digest, Sm3};
use ukey_apdu::frame::turn::{Todo, Turn};
use ukey_apdu::frame::{Frame, Kind, MAX_COMMAND, Ready, Reason, Receiver, VERSION};
use ukey_firmware::{Identity, MAX_ANSWER, Parts, Platform, PowerOnError, Settings, Token};

use crate::flash::{Chip, Flash};
use crate::uart::Uart;
use crate::{number, restart};

/// What the token runs on.
struct Board<C, L, D> {
    flash: Flash<C>,
    rng: ChaCha20Rng,
    led: L,
    delay: D,
}

impl<C: Chip, L: OutputPin, D: DelayNs> Platform for Board<C, L, D> {
    type Flash = Flash<C>;
    type Rng = ChaCha20Rng;
    type Led = L;
    type Delay = D;

    fn parts(&mut self) -> Parts<'_, Self> {
        Parts { flash: &mut self.flash, rng: &mut self.rng, led: &mut self.led, delay: &mut self.delay }
    }
}

/// Gives the token power and answers frames, for ever.
pub fn serve(mut uart: impl Uart, chip: impl Chip, led: impl OutputPin, delay: impl DelayNs) -> ! {
    let mut receiver = Receiver::<MAX_COMMAND>::new();
    let mut turn = Turn::new();

    // The board has no chance of its own: the host brings it.
    send(&mut uart, Frame::plain(Kind::Seed, &[]));
    let (start, rng) = loop {
        let Some(event) = receiver.push(uart.read()) else { continue };
        match turn.take(event) {
            Todo::Seed { sequence, seed } => {
                break (sequence, ChaCha20Rng::from_seed(Sm3::digest(seed).into()));
            }
            Todo::Reset => restart(),
            Todo::Refuse { sequence, reason } => refuse(&mut uart, sequence, reason),
            _ => {}
        }
    };

    let mut board = Board { flash: Flash(chip), rng, led, delay };
    let number = number::given(&mut board.flash.0, &mut board.rng);
    let number = core::str::from_utf8(&number).unwrap_or_default();
    let settings = Settings { identity: Identity::with_serial_number(number), ..Settings::default() };
    // Used where it is: each move would cost the stack a whole token more.
    match &mut power_on(board, settings) {
        Ok(token) => {
            turn.ready(start);
            announce(&mut uart, start);
            answer_commands(&mut uart, &mut receiver, &mut turn, token)
        }
        Err(_) => loop {
            refuse(&mut uart, 0, Reason::NoStart);
            let Some(event) = receiver.push(uart.read()) else { continue };
            if let Todo::Reset = turn.take(event) {
                restart();
            }
        },
    }
}

/// Apart, so that what it needs of the stack is given back.
#[inline(never)]
fn power_on<P: Platform>(platform: P, settings: Settings) -> Result<Token<P>, (PowerOnError, P)> {
    Token::power_on(platform, settings)
}

/// The frame loop of a token that has power.
#[inline(never)]
fn answer_commands<P: Platform>(
    uart: &mut impl Uart,
    receiver: &mut Receiver<MAX_COMMAND>,
    turn: &mut Turn,
    token: &mut Token<P>,
) -> ! {
    let mut answer = [0; MAX_ANSWER];
    let mut length = 0;
    loop {
        let Some(event) = receiver.push(uart.read()) else { continue };
        match turn.take(event) {
            Todo::Execute { sequence, command } => {
                length = token.exchange(command, &mut answer);
                answer_with(uart, sequence, answer.get(..length));
            }
            Todo::Repeat { sequence } => answer_with(uart, sequence, answer.get(..length)),
            Todo::Announce { sequence } => announce(uart, sequence),
            Todo::Refuse { sequence, reason } => refuse(uart, sequence, reason),
            Todo::Reset => restart(),
            Todo::Seed { .. } | Todo::Nothing => {}
        }
    }
}

fn announce(uart: &mut impl Uart, sequence: u8) {
    let max_command = u16::try_from(MAX_COMMAND).unwrap_or(u16::MAX);
    let ready = Ready { version: VERSION, max_command }.to_bytes();
    send(uart, Frame { kind: Kind::Ready, sequence, payload: &ready });
}

fn answer_with(uart: &mut impl Uart, sequence: u8, answer: Option<&[u8]>) {
    let payload = answer.unwrap_or_default();
    send(uart, Frame { kind: Kind::Answer, sequence, payload });
}

fn refuse(uart: &mut impl Uart, sequence: u8, reason: Reason) {
    send(uart, Frame { kind: Kind::Refused, sequence, payload: &[reason as u8] });
}

fn send(uart: &mut impl Uart, frame: Frame<'_>) {
    // A payload is never longer than an answer.
    if let Ok(bytes) = frame.encode() {
        bytes.for_each(|byte| uart.write(byte));
    }
}
