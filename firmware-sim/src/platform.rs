//! What the token runs on.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_storage::nor_flash::MultiwriteNorFlash;
use rand_core::TryCryptoRng;

/// Flash, chance, an LED and time, as traits of the embedded ecosystem.
///
/// The flash reads single bytes, writes words of 1, 2 or 4 bytes, and clears further bits of a written word (that is
/// what [`MultiwriteNorFlash`] promises): PIN counters and the erasure of secrets rest on it.
pub trait Platform {
    /// NOR flash that holds everything durable.
    type Flash: MultiwriteNorFlash;
    /// Cryptographic randomness: over raw noise a [`Drbg`](crate::chance::Drbg). It is asked for no bytes at power-on, so
    /// that it may test its noise; an error, then or later, stops the token.
    type Rng: TryCryptoRng;
    /// Lit while a command is carried out.
    type Led: OutputPin;
    /// Lets time pass: after a wrong PIN.
    type Delay: DelayNs;

    /// All of it at once.
    fn parts(&mut self) -> Parts<'_, Self>;

    /// The firmware's own image, which the self-test compares with its digest; `None` where nobody vouches for one.
    fn firmware(&self) -> Option<Firmware<'_>> {
        None
    }
}

/// An image and what vouches for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Firmware<'p> {
    /// All of it, but for the place where the digest is kept.
    pub image: &'p [u8],
    /// Its SM3 digest.
    pub digest: [u8; 32],
}

/// The parts of a platform, borrowed.
#[allow(missing_debug_implementations, reason = "hardware has no Debug")]
pub struct Parts<'p, P: Platform + ?Sized> {
    /// See [`Platform::Flash`].
    pub flash: &'p mut P::Flash,
    /// See [`Platform::Rng`].
    pub rng: &'p mut P::Rng,
    /// See [`Platform::Led`].
    pub led: &'p mut P::Led,
    /// See [`Platform::Delay`].
    pub delay: &'p mut P::Delay,
}
