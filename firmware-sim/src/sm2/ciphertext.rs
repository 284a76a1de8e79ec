//! Public-key encryption (GB/T 32918.4), in the order C1, C3, C2.

use rand_core::CryptoRng;
use sm2::elliptic_curve::{BatchNormalize, Generate, Group};
use sm2::{AffinePoint, NonZeroScalar, ProjectivePoint};
use sm3::{Digest, Sm3};
use subtle::ConstantTimeEq;
use ukey_apdu::command::{CipherBlock, CiphertextAnswer, EccPublicKey};
use ukey_apdu::wire::{Overflow, Writer};
use zeroize::{Zeroize, Zeroizing};

use super::{Sm2Error, coordinates, derived, point, scalar};

/// What both sides compute and nobody else: the point (x2, y2).
struct Shared {
    x: Zeroizing<[u8; 32]>,
    y: Zeroizing<[u8; 32]>,
}

impl Shared {
    fn new(point: &AffinePoint) -> Self {
        let EccPublicKey { x, y } = coordinates(point);
        Self { x: Zeroizing::new(x), y: Zeroizing::new(y) }
    }

    /// t, 32 bytes at a time.
    fn masks(&self) -> impl Iterator<Item = Zeroizing<[u8; 32]>> {
        derived(Sm3::new().chain_update(self.x.as_slice()).chain_update(self.y.as_slice()))
    }

    /// `from` ⊕ t, of the same length.
    fn mask(&self, from: &[u8], out: &mut [u8]) {
        for ((out, from), mask) in out.chunks_mut(32).zip(from.chunks(32)).zip(self.masks()) {
            out.iter_mut().zip(from).zip(mask.iter()).for_each(|((out, byte), mask)| *out = byte ^ mask);
        }
    }

    /// C3.
    fn hash(&self, plain: &[u8]) -> [u8; 32] {
        let hash = Sm3::new().chain_update(self.x.as_slice()).chain_update(plain);
        hash.chain_update(self.y.as_slice()).finalize().into()
    }
}

/// A ciphertext whose C2 is made where it is wanted.
pub(crate) struct Ciphertext<'p> {
    point: EccPublicKey,
    hash: [u8; 32],
    shared: Shared,
    plain: &'p [u8],
}

impl Ciphertext<'_> {
    /// Puts it on the wire.
    pub(crate) fn write(&self, answer: CiphertextAnswer, out: &mut Writer<'_>) -> Result<(), Overflow> {
        let fill = |space: &mut [u8]| self.shared.mask(self.plain, space);
        answer.write(out, &self.point, &self.hash, self.plain.len(), fill)
    }
}

/// Encrypts one byte or more for a public key.
pub(crate) fn encrypt<'p>(
    key: &EccPublicKey,
    plain: &'p [u8],
    rng: &mut impl CryptoRng,
) -> Result<Ciphertext<'p>, Sm2Error> {
    let key = ProjectivePoint::from(point(key)?);
    if plain.is_empty() {
        return Err(Sm2Error);
    }
    loop {
        // A1, A2, A4: both points by one inversion; A3 is nothing but the check that the key lies on the curve
        let k = Zeroizing::new(NonZeroScalar::generate_from_rng(rng));
        let points = [ProjectivePoint::mul_by_generator(&k), key * **k];
        let [c1, shared] = ProjectivePoint::batch_normalize(&points);
        let shared = Shared::new(&shared);
        // A5: with all of t, or only its first 32 bytes, zero the plaintext would show
        let first = shared.masks().next();
        if first.is_none_or(|mask| mask.iter().take(plain.len()).fold(0, |all, byte| all | byte) == 0) {
            continue;
        }
        // A7
        return Ok(Ciphertext { point: coordinates(&c1), hash: shared.hash(plain), shared, plain });
    }
}

/// Decrypts a ciphertext into `out`, which is as long as its C2. Where that fails, `out` is zeros.
pub(crate) fn decrypt_into(d: &[u8; 32], cipher: &CipherBlock<'_>, out: &mut [u8]) -> Result<(), Sm2Error> {
    if cipher.cipher.len() != out.len() || out.is_empty() {
        return Err(Sm2Error);
    }
    // B1, B2
    let c1 = ProjectivePoint::from(point(&cipher.point)?);
    // B3
    let shared = Shared::new(&(c1 * **scalar(d)?).to_affine());
    // B4, B5
    shared.mask(cipher.cipher, out);
    // B6
    if bool::from(shared.hash(out).ct_eq(&cipher.hash)) {
        return Ok(());
    }
    out.zeroize();
    Err(Sm2Error)
}

/// Decrypts a ciphertext of exactly `N` bytes: a key.
pub(crate) fn decrypt<const N: usize>(
    d: &[u8; 32],
    cipher: &CipherBlock<'_>,
) -> Result<Zeroizing<[u8; N]>, Sm2Error> {
    let mut plain = Zeroizing::new([0; N]);
    decrypt_into(d, cipher, plain.as_mut_slice())?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Script, bytes};
    use super::super::{from_private, generate};
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;
    use sm2::pke::{DecryptingKey, EncryptingKey, Mode};
    use ukey_apdu::Dialect;

    /// C1 without its first byte, C3 and C2 in one.
    fn joined(ciphertext: &Ciphertext<'_>) -> Vec<u8> {
        let mut buffer = vec![0; 104 + ciphertext.plain.len()];
        let mut writer = Writer::new(&mut buffer, &Dialect::GM2012);
        ciphertext.write(CiphertextAnswer::Block, &mut writer).unwrap();
        assert_eq!(writer.len(), 104 + ciphertext.plain.len());
        [&buffer[4..100], &buffer[104..]].concat()
    }

    fn block(joined: &[u8]) -> CipherBlock<'_> {
        let part = |from: usize| -> [u8; 32] { joined[from..from + 32].try_into().unwrap() };
        CipherBlock { point: EccPublicKey { x: part(0), y: part(32) }, hash: part(64), cipher: &joined[96..] }
    }

    /// GB/T 32918.5-2017, annex C.2.
    const PLAIN: &[u8; 19] = b"encryption standard";
    const D: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
    const K: &str = "59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21";
    const SEALED: &str = "04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73\
        e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0\
        59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766\
        21886ca989ca9c7d58087307ca93092d651efa";

    #[test]
    fn the_standards_example_comes_out() {
        let key = from_private(&bytes(D)).unwrap();
        let sealed = encrypt(&key.public_key(), PLAIN, &mut Script(vec![bytes(K)])).unwrap();
        assert_eq!(hex::encode(joined(&sealed)), SEALED);
        assert_eq!(*decrypt::<19>(&key.d, &block(&joined(&sealed))).unwrap(), *PLAIN);
    }

    #[test]
    fn a_changed_ciphertext_gives_nothing_away() {
        let sealed: [u8; 115] = bytes(SEALED);
        for byte in 0..sealed.len() {
            let mut spoilt = sealed;
            spoilt[byte] ^= 1;
            let mut out = [0xAA; 19];
            assert_eq!(decrypt_into(&bytes(D), &block(&spoilt), &mut out), Err(Sm2Error));
            assert!(byte < 64 || out == [0; 19], "a plaintext that is not the sender's");
        }
        assert_eq!(decrypt::<19>(&[5; 32], &block(&sealed)), Err(Sm2Error), "another key");
        assert_eq!(decrypt::<16>(&bytes(D), &block(&sealed)), Err(Sm2Error), "another length");
        assert_eq!(decrypt::<0>(&bytes(D), &block(&sealed[..96])), Err(Sm2Error), "no length");
    }

    #[test]
    fn what_cannot_be_encrypted_is_refused() {
        let key = from_private(&bytes(D)).unwrap().public_key();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        assert!(encrypt(&key, b"", &mut rng).is_err());
        let off = EccPublicKey { x: key.y, y: key.x };
        assert!(encrypt(&off, PLAIN, &mut rng).is_err(), "a point off the curve");
    }

    /// One byte in 256 nonces would leave a plaintext of one byte as it is.
    #[test]
    fn a_mask_of_zeros_is_drawn_again() {
        let key = from_private(&bytes(D)).unwrap().public_key();
        let nonce = |n: u32| {
            let mut nonce = [0; 32];
            nonce[28..].copy_from_slice(&n.to_be_bytes());
            nonce
        };
        let mut again = 0;
        for n in 1..600 {
            let mut rng = Script(vec![nonce(n), nonce(1000)]);
            let sealed = encrypt(&key, &[7], &mut rng).unwrap();
            assert_ne!(joined(&sealed)[96], 7);
            again += u32::from(rng.0.is_empty());
        }
        assert!(again > 0, "none of them was");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn another_implementation_agrees(
            seed: u64, plain in proptest::collection::vec(any::<u8>(), 1..200),
        ) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let (key, other) = (generate(&mut rng), generate(&mut rng));
            let ours = joined(&encrypt(&key.public_key(), &plain, &mut rng).unwrap());
            let theirs = |key: &[u8; 32]| {
                let secret = sm2::SecretKey::from_slice(key).unwrap();
                DecryptingKey::new_with_mode(secret.to_nonzero_scalar(), Mode::C1C3C2)
            };
            let with_tag = [[4].as_slice(), &ours].concat();
            prop_assert_eq!(theirs(&key.d).decrypt(&with_tag).unwrap(), plain.clone());
            prop_assert!(theirs(&other.d).decrypt(&with_tag).is_err());

            let public = sm2::SecretKey::from_slice(&key.d).unwrap().public_key();
            let sealed = EncryptingKey::new_with_mode(public, Mode::C1C3C2).encrypt(&mut rng, &plain).unwrap();
            let mut out = vec![0; plain.len()];
            prop_assert_eq!(decrypt_into(&key.d, &block(&sealed[1..]), &mut out), Ok(()));
            prop_assert_eq!(&out, &plain);
            prop_assert!(decrypt_into(&other.d, &block(&sealed[1..]), &mut out).is_err());
        }
    }
}
