//! The simulated platform: NOR flash that tears, seeded chance, an LED, virtual time; the [`sweep`] that uses it;
//! and the [`bare`] arithmetic. For std hosts only.

pub mod bare;
mod flash;
pub mod sweep;

use core::convert::Infallible;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType, OutputPin};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

pub use flash::{Counts, SimFlash, SimFlashError, Tear};

use crate::platform::{Parts, Platform};

/// Everything a token needs, deterministic by its seed.
#[derive(Clone, Debug)]
pub struct SimPlatform {
    /// The flash.
    pub flash: SimFlash,
    /// Chance.
    pub rng: ChaCha20Rng,
    /// The LED.
    pub led: SimLed,
    /// Time.
    pub clock: SimClock,
}

impl SimPlatform {
    /// A blank one.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        Self::with_flash(seed, SimFlash::blank())
    }

    /// One whose flash holds `image`; an image of another size than [`SimFlash::SIZE`] is given back.
    pub fn with_image(seed: [u8; 32], image: Vec<u8>) -> Result<Self, Vec<u8>> {
        Ok(Self::with_flash(seed, SimFlash::from_image(image)?))
    }

    fn with_flash(seed: [u8; 32], flash: SimFlash) -> Self {
        Self { flash, rng: ChaCha20Rng::from_seed(seed), led: SimLed::default(), clock: SimClock::default() }
    }
}

impl Platform for SimPlatform {
    type Flash = SimFlash;
    type Rng = ChaCha20Rng;
    type Led = SimLed;
    type Delay = SimClock;

    fn parts(&mut self) -> Parts<'_, Self> {
        Parts { flash: &mut self.flash, rng: &mut self.rng, led: &mut self.led, delay: &mut self.clock }
    }
}

/// An LED that can be looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SimLed {
    /// Whether it is lit.
    pub lit: bool,
    /// How often it was lit: once per command.
    pub flashes: u64,
}

impl ErrorType for SimLed {
    type Error = Infallible;
}

impl OutputPin for SimLed {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.lit = false;
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.flashes += u64::from(!self.lit);
        self.lit = true;
        Ok(())
    }
}

/// Virtual time: it passes only when the token waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SimClock {
    /// Nanoseconds since power on.
    pub nanoseconds: u64,
}

impl DelayNs for SimClock {
    fn delay_ns(&mut self, ns: u32) {
        self.nanoseconds = self.nanoseconds.saturating_add(u64::from(ns));
    }
}
