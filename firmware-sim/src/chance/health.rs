//! Tests of noise while it comes (SP 800-90B clause 4.4, and the balance of GM/T 0005).
//!
//! Each of them rejects a sound source once in 2^40 samples or windows at most. A source that is stuck, that goes back and
//! forth between few values, or that leans to 0 or to 1, is rejected within one window.

use super::Unsound;

/// Samples in which one value is counted.
const WINDOW: u16 = 512;

/// Samples whose bits are counted: two windows. This is also what is tested before any noise is used.
const BALANCED: u16 = 2 * WINDOW;

/// How far the 1 bits of [`BALANCED`] samples may be from half of them, which is 4096: more happens once in 2^40 times.
const DEVIATION: u16 = 323;

/// The same value in a row, and in a window of 512, that is too often: for a min-entropy of 1 to 8 bits a sample
/// (SP 800-90B clauses 4.4.1 and 4.4.2, false positives once in 2^40).
const CUT_OFFS: [(u16, u16); 8] =
    [(41, 336), (21, 201), (15, 123), (11, 78), (9, 51), (8, 35), (7, 26), (6, 19)];

/// The state of the tests. What has failed stays so.
#[derive(Clone, Debug)]
pub struct Health {
    /// Too often in a row, and too often in a window.
    cut_offs: (u16, u16),
    last: u8,
    /// How often `last` came in a row; 0 before the first sample.
    run: u16,
    /// The first of the window, and how often it came.
    first: u8,
    equal: u16,
    /// Samples of the balance under way, and their 1 bits.
    seen: u16,
    ones: u16,
    failure: Option<Unsound>,
}

impl Health {
    /// Samples that are tested before any noise is used (SP 800-90B clause 4.3 wants 1024 at least).
    pub const START_UP: u16 = BALANCED;

    /// Tests for noise of so many bits of min-entropy a sample, 1 to 8; what is less or more counts as that.
    #[must_use]
    pub fn new(bits_per_sample: u8) -> Self {
        let place = usize::from(bits_per_sample.clamp(1, 8)) - 1;
        let cut_offs = CUT_OFFS.get(place).copied().unwrap_or_default();
        Self { cut_offs, last: 0, run: 0, first: 0, equal: 0, seen: 0, ones: 0, failure: None }
    }

    /// Samples came, one a byte.
    pub fn feed(&mut self, samples: &[u8]) {
        for &sample in samples {
            if let Err(unsound) = self.sample(sample) {
                self.fail(unsound);
            }
        }
    }

    fn sample(&mut self, sample: u8) -> Result<(), Unsound> {
        let (too_long, too_many) = self.cut_offs;
        self.run = if self.run > 0 && sample == self.last { self.run.saturating_add(1) } else { 1 };
        self.last = sample;
        if self.run >= too_long {
            return Err(Unsound::Repetition);
        }
        if self.seen.is_multiple_of(WINDOW) {
            (self.first, self.equal) = (sample, 0);
        }
        self.equal += u16::from(sample == self.first);
        if self.equal >= too_many {
            return Err(Unsound::Proportion);
        }
        self.seen += 1;
        self.ones += u16::from(sample.count_ones().to_le_bytes()[0]);
        if self.seen == BALANCED {
            let deviation = self.ones.abs_diff(BALANCED * 4);
            (self.seen, self.ones) = (0, 0);
            if deviation > DEVIATION {
                return Err(Unsound::Balance);
            }
        }
        Ok(())
    }

    /// Something else is wrong with the noise. What failed first is remembered.
    pub fn fail(&mut self, unsound: Unsound) {
        self.failure.get_or_insert(unsound);
    }

    /// What has failed, if anything has.
    #[must_use]
    pub const fn failure(&self) -> Option<Unsound> {
        self.failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng, SeedableRng};

    /// False positives.
    const ALPHA: f64 = 1.0 / (1_u64 << 40) as f64;

    /// P(X ≥ k) of n trials, each with probability p.
    fn tail(n: u32, p: f64, k: u32) -> f64 {
        let mut term: f64 = (1..=n).map(|_| p.ln()).sum();
        let mut sum = 0.0;
        // From the smallest term: X = n, n − 1, …
        for x in (k..=n).rev() {
            sum += term.exp();
            term += (f64::from(x) / f64::from(n - x + 1)).ln() + (1.0 - p).ln() - p.ln();
        }
        sum
    }

    #[test]
    fn the_cut_offs_are_what_the_standard_computes() {
        for (bits, (run, window)) in (1_u32..).zip(CUT_OFFS) {
            assert_eq!(u32::from(run), 1 + 40_u32.div_ceil(bits), "4.4.1, {bits} bits");
            // 4.4.2: one more than the smallest k with P(X ≤ k) ≥ 1 − α.
            let (p, k) = (0.5_f64.powi(bits.cast_signed()), u32::from(window) - 1);
            assert!(tail(512, p, k + 1) <= ALPHA && tail(512, p, k) > ALPHA, "4.4.2, {bits} bits");
        }
        let (half, most) = (u32::from(BALANCED) * 4, u32::from(BALANCED) * 4 + u32::from(DEVIATION));
        assert_eq!(half, 4096);
        assert!(2.0 * tail(8192, 0.5, most + 1) <= ALPHA && 2.0 * tail(8192, 0.5, most) > ALPHA);
    }

    /// How many samples it takes to reject a source, and why.
    fn rejected(bits: u8, mut source: impl FnMut(usize) -> u8) -> Option<(usize, Unsound)> {
        let mut health = Health::new(bits);
        (0..4_000_000).find_map(|number| {
            health.feed(&[source(number)]);
            health.failure().map(|unsound| (number + 1, unsound))
        })
    }

    #[test]
    fn a_million_words_of_a_good_source_are_not_rejected() {
        for (seed, bits) in (0..).zip(1..=8) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            assert_eq!(rejected(bits, |_| rng.next_u32().to_le_bytes()[0]), None, "{bits} bits");
        }
    }

    #[test]
    fn a_stuck_source_is_rejected_at_its_cut_off() {
        for (bits, (run, _)) in (1_u8..).zip(CUT_OFFS) {
            for value in [0, 0x55, 0xFF] {
                assert_eq!(rejected(bits, |_| value), Some((run.into(), Unsound::Repetition)));
            }
        }
        let almost = |number: usize| if number % 6 == 5 { 0xF0 } else { 0x0F };
        assert_eq!(rejected(8, almost).unwrap().1, Unsound::Proportion, "five in a row may be");
    }

    #[test]
    fn a_source_that_goes_back_and_forth_is_rejected_within_a_window() {
        for bits in 2..=8 {
            let (samples, unsound) = rejected(bits, |number| [0x3A, 0xC5][number % 2]).unwrap();
            assert_eq!(unsound, Unsound::Proportion);
            assert!(samples <= usize::from(WINDOW), "{bits} bits: {samples}");
        }
        let of_three = rejected(8, |number| [0x0F, 0xF0, 0x33][number % 3]).unwrap();
        assert!(of_three.0 <= 3 * 19, "{of_three:?}");
    }

    /// Bits that are 1 with this probability.
    fn biased(p: f64, seed: u64) -> impl FnMut(usize) -> u8 {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let bound = (p * f64::from(u32::MAX)) as u32;
        move |_| (0..8).fold(0, |byte, _| byte << 1 | u8::from(rng.next_u32() < bound))
    }

    #[test]
    fn a_source_that_leans_is_rejected_within_a_window() {
        for (seed, p) in (0..).zip([0.6, 0.4, 0.58, 0.42, 0.75, 0.1].repeat(20)) {
            let (samples, unsound) = rejected(4, biased(p, seed)).unwrap();
            assert!(samples <= usize::from(Health::START_UP), "{p}: {samples}, {unsound}");
        }
        assert_eq!(rejected(8, biased(0.5, 1)), None);
    }

    #[test]
    fn a_failure_is_remembered_and_the_first_one_counts() {
        let mut health = Health::new(8);
        health.feed(&[7; 5]);
        assert_eq!(health.failure(), None);
        health.feed(&[7]);
        health.feed(b"any number of good samples");
        health.fail(Unsound::Silent);
        assert_eq!(health.failure(), Some(Unsound::Repetition));
    }
}
