//! Chance: noise that is tested while it is used, and the generator that is seeded with it.
//!
//! Three seams, of which a platform takes one:
//!
//! - it has raw noise: it says how by [`Entropy`], and a [`Drbg`] over it is its
//!   [`Platform::Rng`](crate::Platform::Rng);
//! - it has none, and is brought a seed by somebody who has: [`Seeded`];
//! - it has a generator of its own: any `TryCryptoRng` will do, whose noise is then its own affair.
//!
//! Whichever it is, the token tests all that it draws (GM/T 0027-2014 clause 5.3.4, SP 800-90B clause 4.4), and a draw that
//! fails, or does not come, gives nothing: what was made of it is dropped inside `Chance::draw`, the only way to chance
//! that a handler has. A failure lasts until the power goes.
//!
//! Refuses to know: where noise comes from, and what random numbers are for.

mod drbg;
mod health;

pub use drbg::{Drbg, Seeded};
pub use health::Health;

use core::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use ukey_apdu::status::Status;

use crate::self_test;

/// Raw noise: bytes that nobody has worked on.
///
/// Its 0 and 1 bits must be balanced, which GM/T 0027-2014 clause 5.3.4 asks for before use: whose noise leans to one side
/// brings it into balance first (von Neumann's way: pairs of unlike bits), and states the entropy behind that.
pub trait Entropy {
    /// Least min-entropy of a sample of eight bits, 1 to 8 bits. The cut-offs of the tests and the number of samples that
    /// seed the generator follow from it; whoever states too much is not protected.
    const BITS_PER_SAMPLE: u8;

    /// Fills `samples`, one sample a byte, in the order in which they arose.
    ///
    /// # Errors
    /// [`Unsound::Silent`] where no noise comes.
    fn sample(&mut self, samples: &mut [u8]) -> Result<(), Unsound>;
}

/// Why chance is not to be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unsound {
    /// No noise comes.
    Silent,
    /// One value came too often in a row (SP 800-90B clause 4.4.1).
    Repetition,
    /// One value came too often in a window (SP 800-90B clause 4.4.2).
    Proportion,
    /// There are too many 0 bits, or too many 1 bits (GM/T 0005, GM/T 0027-2014 clause 5.3.4).
    Balance,
}

impl core::fmt::Display for Unsound {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Unsound::Silent => "no noise comes",
            Unsound::Repetition => "the noise repeats itself",
            Unsound::Proportion => "one value is too frequent in the noise",
            Unsound::Balance => "the 0 and 1 bits of the noise are out of balance",
        })
    }
}

impl core::error::Error for Unsound {}

impl From<Unsound> for Status {
    fn from(_: Unsound) -> Self {
        self_test::STOPPED
    }
}

/// What a token draws from: its platform's generator, and the test of what comes out of it.
pub(crate) struct Chance<'t, R> {
    rng: &'t mut R,
    health: &'t mut Health,
}

impl<'t, R: TryCryptoRng> Chance<'t, R> {
    pub(crate) const fn new(rng: &'t mut R, health: &'t mut Health) -> Self {
        Self { rng, health }
    }

    /// What `make` makes of random numbers; nothing where they are not to be trusted, now or since the power came.
    pub(crate) fn draw<T>(&mut self, make: impl FnOnce(&mut Tested<'_, R>) -> T) -> Result<T, Unsound> {
        let made = make(&mut Tested { rng: self.rng, health: self.health, filler: 0 });
        match self.health.failure() {
            None => Ok(made),
            Some(unsound) => Err(unsound),
        }
    }

    /// Lets the generator test its noise, if it has a start-up test, and takes nothing.
    pub(crate) fn start_up(&mut self) -> Result<(), Unsound> {
        self.draw(|rng| rng.take(&mut []))
    }
}

/// A generator each of whose bytes is tested. It lasts as long as one draw.
///
/// It never fails, for whoever makes something of it cannot either: when the test has failed, bytes go on coming that are
/// no chance at all. They are never the same, so that what draws again until a number suits comes to an end.
pub(crate) struct Tested<'c, R> {
    rng: &'c mut R,
    health: &'c mut Health,
    filler: u64,
}

impl<R: TryCryptoRng> Tested<'_, R> {
    fn take(&mut self, out: &mut [u8]) {
        if self.health.failure().is_none() {
            match self.rng.try_fill_bytes(out) {
                Ok(()) => self.health.feed(out),
                Err(_) => self.health.fail(Unsound::Silent),
            }
        }
        if self.health.failure().is_some() {
            for byte in out {
                self.filler = self.filler.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                [*byte, ..] = self.filler.to_be_bytes();
            }
        }
    }
}

impl<R: TryCryptoRng> TryRng for Tested<'_, R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.take(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.take(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.take(out);
        Ok(())
    }
}

impl<R: TryCryptoRng> TryCryptoRng for Tested<'_, R> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sm2;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng, SeedableRng};

    /// Sound for some bytes, then always the same, or silent.
    struct Failing {
        sound: usize,
        then: Option<u8>,
        rng: ChaCha20Rng,
    }

    impl Failing {
        fn after(sound: usize, then: Option<u8>) -> Self {
            Self { sound, then, rng: ChaCha20Rng::seed_from_u64(1) }
        }
    }

    impl TryRng for Failing {
        type Error = Unsound;
        fn try_next_u32(&mut self) -> Result<u32, Unsound> {
            let mut bytes = [0; 4];
            self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
        }
        fn try_next_u64(&mut self) -> Result<u64, Unsound> {
            let mut bytes = [0; 8];
            self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
        }
        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Unsound> {
            self.rng.fill_bytes(out);
            for byte in out {
                match (self.sound, self.then) {
                    (0, None) => return Err(Unsound::Silent),
                    (0, Some(then)) => *byte = then,
                    _ => self.sound -= 1,
                }
            }
            Ok(())
        }
    }

    impl TryCryptoRng for Failing {}

    #[test]
    fn the_bytes_are_those_of_the_generator() {
        let (mut rng, mut health) = (ChaCha20Rng::seed_from_u64(7), Health::new(8));
        let mut chance = Chance::new(&mut rng, &mut health);
        chance.start_up().unwrap();
        let mut bytes = [0; 40];
        chance.draw(|rng| rng.fill_bytes(&mut bytes)).unwrap();
        let mut same = [0; 40];
        ChaCha20Rng::seed_from_u64(7).fill_bytes(&mut same);
        assert_eq!(bytes, same);
    }

    /// A private key of nothing but FF is drawn again and again: that it ends is half of the test.
    #[test]
    fn a_generator_that_fails_in_the_middle_gives_nothing_and_never_again() {
        for then in [Some(0), Some(0xFF), None] {
            let (mut rng, mut health) = (Failing::after(40, then), Health::new(8));
            let mut chance = Chance::new(&mut rng, &mut health);
            assert!(chance.draw(|rng| sm2::generate(rng)).is_ok(), "the first 32 bytes are sound");
            let expected = if then.is_some() { Unsound::Repetition } else { Unsound::Silent };
            assert_eq!(chance.draw(|rng| sm2::generate(rng)).err(), Some(expected));
            rng.sound = usize::MAX;
            let mut chance = Chance::new(&mut rng, &mut health);
            assert_eq!(chance.draw(|rng| rng.next_u32()), Err(expected), "not even when it is sound again");
        }
    }

    #[test]
    fn words_are_tested_too() {
        let (mut rng, mut health) = (Failing::after(0, Some(0x55)), Health::new(8));
        let mut chance = Chance::new(&mut rng, &mut health);
        assert_eq!(chance.draw(|rng| rng.next_u32()), Ok(0x5555_5555), "four in a row may be");
        assert_eq!(chance.draw(|rng| rng.next_u64()), Err(Unsound::Repetition));
    }
}
