//! Everything random in the hall.
//!
//! Guarantees: with a seed the same draws give the same values, and a hall opened again on the same database goes on
//! where it stopped, so that no value comes twice; without a seed the operating system's generator is asked.

use rand_chacha::ChaCha20Rng;
use rand_core::{Infallible, Rng, SeedableRng, TryRng};

/// The hall's source of chance.
pub struct Chance(Source);

enum Source {
    Seeded(Box<ChaCha20Rng>),
    System,
}

impl Chance {
    /// A generator with a seed, or the operating system's.
    pub fn new(seed: Option<u64>) -> Self {
        Self(seed.map_or(Source::System, |seed| Source::Seeded(Box::new(ChaCha20Rng::seed_from_u64(seed)))))
    }

    /// How far a seeded generator has come; `None` for the system's.
    pub fn position(&self) -> Option<u128> {
        match &self.0 {
            Source::Seeded(rng) => Some(rng.get_word_pos()),
            Source::System => None,
        }
    }

    /// Goes on from there.
    pub fn go_on_from(&mut self, position: u128) {
        if let Source::Seeded(rng) = &mut self.0 {
            rng.set_word_pos(position);
        }
    }

    /// So many random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill_bytes(&mut bytes);
        bytes
    }

    /// So many random decimal digits.
    pub fn digits(&mut self, length: usize) -> String {
        self.text(b"0123456789", length)
    }

    /// Random letters and digits that cannot be mistaken for one another.
    pub fn letters(&mut self, length: usize) -> String {
        self.text(b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789", length)
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        // Bytes beyond the last whole multiple would favour the first letters.
        let limit = 256 / alphabet.len() * alphabet.len();
        core::iter::repeat_with(|| usize::from(self.bytes::<1>()[0]))
            .filter(|&byte| byte < limit)
            .map(|byte| alphabet[byte % alphabet.len()] as char)
            .take(length)
            .collect()
    }
}

impl TryRng for Chance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        match &mut self.0 {
            Source::Seeded(rng) => rng.fill_bytes(bytes),
            Source::System => getrandom::fill(bytes).expect("the operating system gives random bytes"),
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Chance {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_values_and_goes_on() {
        let mut first = Chance::new(Some(7));
        let mut second = Chance::new(Some(7));
        assert_eq!(first.digits(20), second.digits(20));
        let mut third = Chance::new(Some(7));
        third.go_on_from(first.position().unwrap());
        assert_eq!(first.letters(20), third.letters(20));
        assert_ne!(Chance::new(Some(7)).bytes::<16>(), Chance::new(Some(8)).bytes::<16>());
        assert_ne!(Chance::new(None).bytes::<16>(), Chance::new(None).bytes::<16>());
    }
}
