//! The frame loop: from power on to the loss of power.

use core::mem::MaybeUninit;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use ukey_apdu::frame::turn::{Todo, Turn};
use ukey_apdu::frame::{Frame, Kind, MAX_COMMAND, Measured, Ready, Reason, Receiver, VERSION};
use ukey_firmware::chance::Seeded;
use ukey_firmware::{Firmware, Identity, MAX_ANSWER, Parts, Platform, Settings, Token};

use crate::clock::Clock;
use crate::flash::{Chip, Flash};
#[cfg(feature = "measure")]
use crate::measure::{Meter, NoDelay};
use crate::uart::Uart;
use crate::{image, number, restart};

/// What the token runs on.
struct Board<C, L, D> {
    flash: Flash<C>,
    rng: Seeded,
    led: L,
    delay: D,
}

impl<C: Chip, L: OutputPin, D: DelayNs> Platform for Board<C, L, D> {
    type Flash = Flash<C>;
    type Rng = Seeded;
    type Led = L;
    type Delay = D;

    fn parts(&mut self) -> Parts<'_, Self> {
        Parts { flash: &mut self.flash, rng: &mut self.rng, led: &mut self.led, delay: &mut self.delay }
    }

    fn firmware(&self) -> Option<Firmware<'_>> {
        image::firmware()
    }
}

/// Gives the token power and answers frames, for ever.
pub fn serve(mut uart: impl Uart, chip: impl Chip, led: impl OutputPin, clock: Clock) -> ! {
    #[cfg(not(feature = "measure"))]
    let (mut meter, delay) = (Unmeasured, clock);
    #[cfg(feature = "measure")]
    let (mut meter, delay) = (Meter::new(clock), NoDelay);
    let mut receiver = Receiver::<MAX_COMMAND>::new();
    let mut turn = Turn::new();

    // The board has no noise of its own: the host brings what the generator is seeded with, at every start.
    send(&mut uart, Frame::plain(Kind::Seed, &[]));
    let (start, rng) = loop {
        let Some(event) = receiver.push(uart.read()) else { continue };
        match turn.take(event) {
            Todo::Seed { sequence, seed } => {
                // The rest of a longer one is not needed.
                if let Some((entropy_input, rest)) = seed.split_first_chunk()
                    && let Some(nonce) = rest.first_chunk()
                {
                    break (sequence, Seeded::new(entropy_input, nonce));
                }
            }
            Todo::Reset => restart(),
            Todo::Refuse { sequence, reason } => refuse(&mut uart, sequence, reason),
            _ => {}
        }
    };

    receiver.wipe();
    let mut board = Board { flash: Flash(chip), rng, led, delay };
    let number = number::given(&mut board.flash.0, &mut board.rng);
    let number = core::str::from_utf8(&number).unwrap_or_default();
    let settings = Settings { identity: Identity::with_serial_number(number), ..Settings::default() };
    let mut place = MaybeUninit::uninit();
    let (cost, started) = meter.cost(|| Token::power_on_in(&mut place, board, settings));
    let token = match started {
        Ok(token) => token,
        Err(_) => {
            refuse(&mut uart, 0, Reason::NoStart);
            loop {
                let Some(event) = receiver.push(uart.read()) else { continue };
                if let Todo::Reset = turn.take(event) {
                    restart();
                }
                refuse(&mut uart, 0, Reason::NoStart);
            }
        }
    };

    turn.ready(start);
    tell(&mut uart, start, cost);
    announce(&mut uart, start);
    let mut answer = [0; MAX_ANSWER];
    let mut length = 0;
    loop {
        let Some(event) = receiver.push(uart.read()) else { continue };
        match turn.take(event) {
            Todo::Execute { sequence, command } => {
                let cost;
                (cost, length) = meter.cost(|| token.exchange(command, &mut answer));
                receiver.wipe();
                tell(&mut uart, sequence, cost);
                answer_with(&mut uart, sequence, answer.get(..length));
            }
            Todo::Repeat { sequence } => answer_with(&mut uart, sequence, answer.get(..length)),
            Todo::Announce { sequence } => announce(&mut uart, sequence),
            Todo::Refuse { sequence, reason } => refuse(&mut uart, sequence, reason),
            Todo::Reset => restart(),
            Todo::Seed { .. } | Todo::Nothing => {}
        }
    }
}

/// Costs nothing, and says so.
#[cfg(not(feature = "measure"))]
struct Unmeasured;

#[cfg(not(feature = "measure"))]
impl Unmeasured {
    fn cost<T>(&mut self, work: impl FnOnce() -> T) -> (Option<Measured>, T) {
        (None, work())
    }
}

/// Says what a command cost, in front of its answer.
fn tell(uart: &mut impl Uart, sequence: u8, cost: Option<Measured>) {
    if let Some(cost) = cost {
        send(uart, Frame { kind: Kind::Measured, sequence, payload: &cost.to_bytes() });
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
