//! Hash_DRBG with SM3 (SP 800-90A clause 10.1.1; GM/T 0105-2021, the generator on a hash function).
//!
//! A request gives at most one hash value, which is what both standards compute alike, and moves the state on by a one-way
//! step: who sees the state does not know what was given before. Everything is overwritten when it is dropped.

use core::marker::PhantomData;

use rand_core::{TryCryptoRng, TryRng};
use sm3::{Digest, Sm3};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Entropy, Health, Unsound};

/// Bytes of V and C: seedlen is 440 bits for hash functions of 256 bits.
const SEED: usize = 55;

/// Most bytes of a request: one hash value.
const REQUEST: usize = 32;

/// Requests until new noise is taken in, which is 32 KiB. SP 800-90A would allow 2^48.
const REQUESTS: u32 = 1024;

/// Bits of entropy that the generator begins with: its strength of 256, and a nonce of 128 (SP 800-90A clause 8.6.7).
const FIRST: u16 = 384;
/// Bits of entropy that are taken in later.
const LATER: u16 = 256;

/// A generator of random numbers, seeded by noise that is tested.
///
/// Nothing happens before the first draw, even of no bytes: then 1024 samples are tested and thrown away
/// ([`Health::START_UP`]), and the generator is seeded by others. From then on all noise is tested as it comes, at every
/// reseeding. A failure lasts: every draw is an error until a new generator is made.
#[derive(Debug)]
pub struct Drbg<E> {
    noise: E,
    health: Health,
    state: State<Sm3>,
}

impl<E: Entropy> Drbg<E> {
    /// A generator over this noise, of which it takes nothing yet.
    #[must_use]
    pub fn new(noise: E) -> Self {
        const { assert!(E::BITS_PER_SAMPLE >= 1 && E::BITS_PER_SAMPLE <= 8) };
        Self { noise, health: Health::new(E::BITS_PER_SAMPLE), state: State::default() }
    }

    /// What is wrong with the noise, if something is.
    #[must_use]
    pub const fn failure(&self) -> Option<Unsound> {
        self.health.failure()
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), Unsound> {
        self.seed_where_due()?;
        for part in out.chunks_mut(REQUEST) {
            self.seed_where_due()?;
            self.state.generate(part);
        }
        Ok(())
    }

    fn seed_where_due(&mut self) -> Result<(), Unsound> {
        if let Some(unsound) = self.health.failure() {
            return Err(unsound);
        }
        let mut seed = Derivation::new();
        if self.state.requests == 0 {
            self.take_in(Health::START_UP, |_| ())?;
            self.take_in(samples::<E>(FIRST), |noise| seed.update(noise))?;
        } else if self.state.requests > REQUESTS {
            seed.update(&[1]);
            seed.update(&self.state.v);
            self.take_in(samples::<E>(LATER), |noise| seed.update(noise))?;
        } else {
            return Ok(());
        }
        self.state.seed(seed);
        Ok(())
    }

    /// So many samples, tested.
    fn take_in(&mut self, samples: u16, mut to: impl FnMut(&[u8])) -> Result<(), Unsound> {
        let mut left = usize::from(samples);
        while left > 0 {
            let mut bytes = Zeroizing::new([0; 32]);
            let part = bytes.get_mut(..left.min(32)).unwrap_or_default();
            if let Err(unsound) = self.noise.sample(part) {
                self.health.fail(unsound);
            }
            self.health.feed(part);
            if let Some(unsound) = self.health.failure() {
                // Nothing that such noise has touched is of use.
                self.state.zeroize();
                return Err(unsound);
            }
            to(part);
            left -= part.len();
        }
        Ok(())
    }
}

/// Samples that hold so many bits of entropy.
const fn samples<E: Entropy>(bits: u16) -> u16 {
    bits.div_ceil(E::BITS_PER_SAMPLE as u16)
}

/// What draws, by its `fill`.
macro_rules! draws {
    ($name:ty $(, $($bound:tt)+)?) => {
        impl$(<$($bound)+>)? TryRng for $name {
            type Error = Unsound;

            fn try_next_u32(&mut self) -> Result<u32, Unsound> {
                let mut bytes = [0; 4];
                self.fill(&mut bytes).map(|()| u32::from_le_bytes(bytes))
            }

            fn try_next_u64(&mut self) -> Result<u64, Unsound> {
                let mut bytes = [0; 8];
                self.fill(&mut bytes).map(|()| u64::from_le_bytes(bytes))
            }

            /// Where that fails, `out` is zeros.
            fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Unsound> {
                self.fill(out).inspect_err(|_| out.zeroize())
            }
        }

        impl$(<$($bound)+>)? TryCryptoRng for $name {}
    };
}

draws!(Drbg<E>, E: Entropy);
draws!(Seeded);

/// The same generator where the platform has no noise of its own: seeded once by somebody whom it trusts to have some, and
/// never again. Two of the same seed give the same bytes.
///
/// SP 800-90A allows that for 2^48 requests; after 2^32 - 2 of at most 32 bytes every draw is an error here. Nothing tests
/// the seed: whoever brings it vouches for it.
#[derive(Debug)]
pub struct Seeded(State<Sm3>);

impl Seeded {
    /// Instantiates it (clause 10.1.1.2): an entropy input of 256 bits, which is its strength, and a nonce that does not
    /// come again. Both are copied nowhere but into the state.
    #[must_use]
    pub fn new(entropy_input: &[u8; 32], nonce: &[u8; 16]) -> Self {
        let mut material = Derivation::new();
        material.update(entropy_input);
        material.update(nonce);
        let mut state = State::default();
        state.seed(material);
        Self(state)
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), Unsound> {
        for part in out.chunks_mut(REQUEST) {
            if self.0.requests == u32::MAX {
                return Err(Unsound::Silent);
            }
            self.0.generate(part);
        }
        Ok(())
    }
}

/// The working state; the hash function is a parameter so that published answers of another one can test it.
struct State<D> {
    v: [u8; SEED],
    c: [u8; SEED],
    /// reseed_counter: the number of the next request since the last seed, from 1; 0 before the first seed.
    requests: u32,
    hash: PhantomData<D>,
}

impl<D> Default for State<D> {
    fn default() -> Self {
        Self { v: [0; SEED], c: [0; SEED], requests: 0, hash: PhantomData }
    }
}

impl<D> core::fmt::Debug for State<D> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("State").field("requests", &self.requests).finish_non_exhaustive()
    }
}

impl<D> Zeroize for State<D> {
    fn zeroize(&mut self) {
        self.v.zeroize();
        self.c.zeroize();
        self.requests = 0;
    }
}

impl<D> Drop for State<D> {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl<D> ZeroizeOnDrop for State<D> {}

impl<D: Digest> State<D> {
    /// Clauses 10.1.1.2 and 10.1.1.3, of the seed material.
    fn seed(&mut self, material: Derivation<D>) {
        self.v = *material.finish();
        let mut constant = Derivation::<D>::new();
        constant.update(&[0]);
        constant.update(&self.v);
        self.c = *constant.finish();
        self.requests = 1;
    }

    /// Clause 10.1.1.4, of at most one hash value.
    fn generate(&mut self, out: &mut [u8]) {
        out.iter_mut().zip(D::digest(self.v)).for_each(|(cell, byte)| *cell = byte);
        let next = D::new().chain_update([3]).chain_update(self.v).finalize();
        add(&mut self.v, &next);
        let c = Zeroizing::new(self.c);
        add(&mut self.v, c.as_slice());
        add(&mut self.v, &self.requests.to_be_bytes());
        self.requests = self.requests.saturating_add(1);
    }
}

/// v + n mod 2^440, big-endian.
fn add(v: &mut [u8; SEED], n: &[u8]) {
    let mut carry = 0_u8;
    let n = n.iter().rev().copied().chain(core::iter::repeat(0));
    for (cell, byte) in v.iter_mut().rev().zip(n) {
        let sum = u16::from(*cell) + u16::from(byte) + u16::from(carry);
        [carry, *cell] = sum.to_be_bytes();
    }
}

/// Hash_df (clause 10.3.1) to 440 bits, of an input that comes in pieces: two hash values.
struct Derivation<D>([D; 2]);

impl<D: Digest> Derivation<D> {
    fn new() -> Self {
        const BITS: [u8; 4] = 440_u32.to_be_bytes();
        Self([1, 2].map(|counter: u8| D::new().chain_update([counter]).chain_update(BITS)))
    }

    fn update(&mut self, input: &[u8]) {
        self.0.iter_mut().for_each(|hash| hash.update(input));
    }

    fn finish(self) -> Zeroizing<[u8; SEED]> {
        let mut seed = Zeroizing::new([0; SEED]);
        let bytes = self.0.into_iter().flat_map(Digest::finalize);
        seed.iter_mut().zip(bytes).for_each(|(cell, byte)| *cell = byte);
        seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng, SeedableRng};
    use sha2::Sha256;

    fn seeded<D: Digest>(material: &[u8]) -> State<D> {
        let (mut seed, mut state) = (Derivation::new(), State::default());
        seed.update(material);
        state.seed(seed);
        state
    }

    fn next<D: Digest>(state: &mut State<D>) -> String {
        let mut out = [0; 32];
        state.generate(&mut out);
        hex::encode(out)
    }

    /// CAVP, Hash_DRBG, SHA-256, no prediction resistance, no reseeding, count 0: of the second request the first 32 of its
    /// 128 bytes.
    #[test]
    fn the_published_answer_for_sha_256_comes_out() {
        let entropy = "a65ad0f345db4e0effe875c3a2e71f42c7129d620ff5c119a9ef55f05185e0fb";
        let nonce = "8581f9317517276e06e9607ddbcbcc2e";
        let mut state = seeded::<Sha256>(&hex::decode([entropy, nonce].concat()).unwrap());
        next(&mut state);
        assert_eq!(next(&mut state), "d3e160c35b99f340b2628264d1751060e0045da383ff57a57d73a673d2b8d80d");
    }

    /// By thirty lines of Python over the SM3 of OpenSSL, which give the published answer above as well: V and C as
    /// numbers, Hash_df and the requests as the clauses say.
    #[test]
    fn the_answers_of_another_implementation_come_out_for_sm3() {
        let first: Vec<u8> = (0..48).collect();
        let mut state = seeded::<Sm3>(&first);
        for expected in [
            "b569718fc1f1f82a4c0acf90ff4ac10966e11e3750012597bb7ecfd357c962aa",
            "6a0b45b7f8fc88d63cce4ea82b79c3857e6a6804b069368fe4ee382ecfacdaf9",
            "0cd47bfc22401cc2380d3a36f852cdfe7d0f80064d92cd5aacfe873e62cb42bb",
        ] {
            assert_eq!(next(&mut state), expected);
        }
    }

    /// Noise that is these bytes behind the start-up test, and then the numbers of a seed.
    struct Scripted {
        script: Vec<u8>,
        start_up: u16,
        rng: ChaCha20Rng,
        taken: usize,
        silent: bool,
    }

    impl Scripted {
        fn new(script: &[u8]) -> Self {
            let rng = ChaCha20Rng::seed_from_u64(1);
            Self { script: script.to_vec(), start_up: Health::START_UP, rng, taken: 0, silent: false }
        }
    }

    impl Entropy for Scripted {
        const BITS_PER_SAMPLE: u8 = 8;

        fn sample(&mut self, samples: &mut [u8]) -> Result<(), Unsound> {
            if self.silent {
                return Err(Unsound::Silent);
            }
            self.taken += samples.len();
            for sample in samples {
                let [byte, ..] = self.rng.next_u32().to_le_bytes();
                let scripted = self.start_up == 0 && !self.script.is_empty();
                *sample = if scripted { self.script.remove(0) } else { byte };
                self.start_up = self.start_up.saturating_sub(1);
            }
            Ok(())
        }
    }

    fn draw(drbg: &mut Drbg<Scripted>, length: usize) -> Result<String, Unsound> {
        let mut out = vec![0; length];
        drbg.try_fill_bytes(&mut out).map(|()| hex::encode(out))
    }

    #[test]
    fn it_is_seeded_by_48_bytes_behind_the_start_up_test_and_reseeded_by_32() {
        let (first, later): (Vec<u8>, Vec<u8>) = ((0..48).collect(), (0xA0..0xC0).collect());
        let mut drbg = Drbg::new(Scripted::new(&[first.clone(), later].concat()));
        assert_eq!(drbg.noise.taken, 0, "nothing before the first draw");
        assert_eq!(draw(&mut drbg, 0), Ok(String::new()));
        assert_eq!(drbg.noise.taken, 1024 + 48);
        let mut same = seeded::<Sm3>(&first);
        for _ in 0..1024 {
            assert_eq!(draw(&mut drbg, 32).unwrap(), next(&mut same));
        }
        assert_eq!(drbg.noise.taken, 1024 + 48, "1024 requests by one seed");
        // By the Python above, after three requests only: the seed and the state both go in.
        let mut known = seeded::<Sm3>(&first);
        for state in [&mut known, &mut same] {
            if state.requests == 1 {
                (0..3).for_each(|_| drop(next(state)));
            }
            let mut seed = Derivation::new();
            seed.update(&[1]);
            seed.update(&state.v);
            (0xA0..0xC0_u8).for_each(|byte| seed.update(&[byte]));
            state.seed(seed);
        }
        assert_eq!(next(&mut known), "7e178f87a28decc76cac73d5476fd13f258dd728342920192d17f81776faef25");
        assert_eq!(next(&mut known), "5f22e53eeef013fdb7ee1092991c279e325e6beff03ad2fe15770e9d737ea201");
        assert_eq!(draw(&mut drbg, 32).unwrap(), next(&mut same));
        assert_eq!(drbg.noise.taken, 1024 + 48 + 32);
    }

    #[test]
    fn a_long_draw_is_many_requests_and_passes_the_boundary() {
        let mut drbg = Drbg::new(Scripted::new(&[]));
        draw(&mut drbg, 1023 * 32 + 1).unwrap();
        assert_eq!((drbg.noise.taken, drbg.state.requests), (1024 + 48, 1025));
        draw(&mut drbg, 33).unwrap();
        assert_eq!((drbg.noise.taken, drbg.state.requests), (1024 + 48 + 32, 3));
    }

    #[test]
    fn unsound_noise_gives_nothing_from_the_beginning_or_later() {
        let mut silent = Scripted::new(&[]);
        silent.silent = true;
        let mut drbg = Drbg::new(silent);
        assert_eq!(draw(&mut drbg, 0), Err(Unsound::Silent));
        drbg.noise.silent = false;
        assert_eq!(draw(&mut drbg, 1), Err(Unsound::Silent), "it lasts");

        let mut drbg = Drbg::new(Scripted::new(&[7; 6]));
        assert_eq!(draw(&mut drbg, 8), Err(Unsound::Repetition), "in the seed");

        let mut drbg = Drbg::new(Scripted::new(&[]));
        draw(&mut drbg, 1000 * 32).unwrap();
        drbg.noise.silent = true;
        let mut out = [1; 25 * 32];
        assert_eq!(drbg.try_fill_bytes(&mut out), Err(Unsound::Silent), "in the middle of a draw");
        assert_eq!(out, [0; 25 * 32], "nothing of it is given");
        assert_eq!(drbg.state.v, [0; SEED], "nor kept");
        assert_eq!((drbg.failure(), drbg.try_next_u32()), (Some(Unsound::Silent), Err(Unsound::Silent)));
    }

    #[test]
    fn one_that_is_seeded_once_gives_the_same_answers_until_its_requests_are_used_up() {
        let (entropy_input, nonce) =
            (core::array::from_fn(|at| at as u8), core::array::from_fn(|at| 32 + at as u8));
        let mut seeded_once = Seeded::new(&entropy_input, &nonce);
        let mut out = [0; 64];
        seeded_once.try_fill_bytes(&mut out).unwrap();
        assert_eq!(
            hex::encode(&out[..32]),
            "b569718fc1f1f82a4c0acf90ff4ac10966e11e3750012597bb7ecfd357c962aa"
        );
        assert_eq!(
            hex::encode(&out[32..]),
            "6a0b45b7f8fc88d63cce4ea82b79c3857e6a6804b069368fe4ee382ecfacdaf9"
        );
        assert_ne!(
            Seeded::new(&entropy_input, &[0; 16]).try_next_u64(),
            Seeded::new(&entropy_input, &nonce).try_next_u64()
        );
        seeded_once.0.requests = u32::MAX - 1;
        assert_eq!(
            seeded_once.try_fill_bytes(&mut out),
            Err(Unsound::Silent),
            "one request was left, two are needed"
        );
        assert_eq!(out, [0; 64]);
        assert_eq!(seeded_once.try_next_u32(), Err(Unsound::Silent));
    }

    #[test]
    fn the_state_is_never_shown() {
        let mut drbg = Drbg::new(Scripted::new(&[]));
        draw(&mut drbg, 1).unwrap();
        assert_eq!(format!("{:?}", drbg.state), "State { requests: 2, .. }");
    }

    #[test]
    fn carries_go_all_the_way_and_out_at_the_top() {
        let mut v = [0xFF; SEED];
        add(&mut v, &[2]);
        assert_eq!(v, core::array::from_fn(|at| u8::from(at == SEED - 1)));
    }
}
