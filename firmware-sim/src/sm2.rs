//! SM2 (GB/T 32918, GM/T 0003) over the public group operations of crate `sm2`.
//!
//! Guarantees: what depends on a private key, a nonce or a plaintext takes the same time for all their values; what is
//! public (verification) need not, and does not. A point that comes from outside lies on the curve or is refused; the
//! cofactor is 1, so that is all there is to check.
//!
//! Refuses to know: commands, rights, and where keys are kept. The labels A1, B3 and so on are the standard's steps.

mod agreement;
mod ciphertext;
mod signature;

pub(crate) use agreement::{Agreed, AgreementError, Own, Role, agree};
pub(crate) use ciphertext::{decrypt, decrypt_into, encrypt};
pub(crate) use signature::{SigningKey, sign, verify};

use rand_core::CryptoRng;
use sm2::elliptic_curve::point::AffineCoordinates;
use sm2::elliptic_curve::{Generate, Group, PrimeField};
use sm2::{AffinePoint, FieldBytes, NonZeroScalar, ProjectivePoint, Scalar};
use sm3::{Digest, Sm3};
use subtle::ConstantTimeEq;
use ukey_apdu::command::EccPublicKey;
use zeroize::Zeroizing;

use crate::object::KeyPairRecord;

/// Curve parameters a, b, Gx, Gy, which go into Z.
const CURVE: [&[u8; 32]; 4] = [
    b"\xFF\xFF\xFF\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFC",
    b"\x28\xE9\xFA\x9E\x9D\x9F\x5E\x34\x4D\x5A\x9E\x4B\xCF\x65\x09\xA7\xF3\x97\x89\xF5\x15\xAB\x8F\x92\xDD\xBC\xBD\x41\x4D\x94\x0E\x93",
    b"\x32\xC4\xAE\x2C\x1F\x19\x81\x19\x5F\x99\x04\x46\x6A\x39\xC9\x94\x8F\xE3\x0B\xBF\xF2\x66\x0B\xE1\x71\x5A\x45\x89\x33\x4C\x74\xC7",
    b"\xBC\x37\x36\xA2\xF4\xF6\x77\x9C\x59\xBD\xCE\xE3\x6B\x69\x21\x53\xD0\xA9\x87\x7C\xC6\x2A\x47\x40\x02\xDF\x32\xE5\x21\x39\xF0\xA0",
];

/// A private key is out of range, a point off the curve, or a ciphertext or a signature wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sm2Error;

/// Makes a key pair: d in `1..=n-2`, P = \[d\]G.
pub(crate) fn generate(rng: &mut impl CryptoRng) -> KeyPairRecord {
    loop {
        // d = n − 1, the one that cannot sign, is drawn again.
        if let Ok(pair) = key_pair(&Zeroizing::new(NonZeroScalar::generate_from_rng(rng))) {
            return pair;
        }
    }
}

/// The key pair of a private key, big-endian, `1..=n-2`.
pub(crate) fn from_private(d: &[u8; 32]) -> Result<KeyPairRecord, Sm2Error> {
    scalar(d).and_then(|d| key_pair(&d))
}

fn key_pair(d: &NonZeroScalar) -> Result<KeyPairRecord, Sm2Error> {
    let inverse = Zeroizing::new(inverse(d)?);
    let EccPublicKey { x, y } = coordinates(&ProjectivePoint::mul_by_generator(d).to_affine());
    Ok(KeyPairRecord { d: d.to_repr().into(), x, y, inverse: Some(inverse.to_repr().into()) })
}

/// (1 + d)⁻¹, which every signature takes and only the private key decides: so it is made once, with the key.
fn inverse(d: &Scalar) -> Result<Scalar, Sm2Error> {
    (*d + Scalar::ONE).invert().into_option().ok_or(Sm2Error)
}

/// Whether the public key of a pair, and what else is kept with it, is its private key's.
pub(crate) fn belongs_together(pair: &KeyPairRecord) -> bool {
    from_private(&pair.d).is_ok_and(|own| {
        let inverse =
            pair.inverse.is_none_or(|inverse| own.inverse.is_some_and(|own| own.ct_eq(&inverse).into()));
        own.public_key() == pair.public_key() && inverse
    })
}

fn scalar(bytes: &[u8; 32]) -> Result<Zeroizing<NonZeroScalar>, Sm2Error> {
    NonZeroScalar::from_repr(FieldBytes::from(*bytes)).into_option().map(Zeroizing::new).ok_or(Sm2Error)
}

/// A point on the curve.
fn point(key: &EccPublicKey) -> Result<AffinePoint, Sm2Error> {
    AffinePoint::from_coordinates(&FieldBytes::from(key.x), &FieldBytes::from(key.y))
        .into_option()
        .ok_or(Sm2Error)
}

fn coordinates(point: &AffinePoint) -> EccPublicKey {
    EccPublicKey { x: point.x().into(), y: point.y().into() }
}

/// Z: the digest of an identity and a public key; identities up to 8191 bytes.
pub(crate) fn z(id: &[u8], key: &EccPublicKey) -> Result<[u8; 32], Sm2Error> {
    let bits = u16::try_from(id.len()).ok().and_then(|length| length.checked_mul(8)).ok_or(Sm2Error)?;
    let mut hash = Sm3::new();
    hash.update(bits.to_be_bytes());
    hash.update(id);
    CURVE.iter().for_each(|parameter| hash.update(parameter));
    hash.update(key.x);
    hash.update(key.y);
    Ok(hash.finalize().into())
}

/// The digest e of a message under an identity: SM3(Z ‖ message).
pub(crate) fn digest(id: &[u8], key: &EccPublicKey, message: &[u8]) -> Result<[u8; 32], Sm2Error> {
    let mut hash = Sm3::new();
    hash.update(z(id, key)?);
    hash.update(message);
    Ok(hash.finalize().into())
}

/// The key derivation function, 32 bytes at a time, over what `seed` has taken in.
fn derived(seed: Sm3) -> impl Iterator<Item = Zeroizing<[u8; 32]>> {
    (1_u32..).map(move |counter| {
        let mut hash = seed.clone();
        hash.update(counter.to_be_bytes());
        Zeroizing::new(hash.finalize().into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// n − 1 and n − 2.
    const LAST: [&str; 2] = [
        "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54122",
        "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54121",
    ];

    pub(super) fn bytes<const N: usize>(hex_text: &str) -> [u8; N] {
        hex::decode(hex_text).unwrap().try_into().unwrap()
    }

    /// Hands out these numbers, one after the other: the nonces of a known answer.
    pub(super) struct Script(pub(super) Vec<[u8; 32]>);

    impl rand_core::TryRng for Script {
        type Error = core::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(u32::from_be_bytes(*self.0.remove(0).first_chunk().unwrap()))
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(u64::from_be_bytes(*self.0.remove(0).first_chunk().unwrap()))
        }
        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
            out.copy_from_slice(&self.0.remove(0));
            Ok(())
        }
    }

    impl rand_core::TryCryptoRng for Script {}

    #[test]
    fn a_private_key_out_of_range_is_refused() {
        assert!(from_private(&[0; 32]).is_err());
        assert!(from_private(&[0xFF; 32]).is_err());
        assert!(from_private(&bytes(LAST[0])).is_err(), "n - 1 has no inverse and cannot sign");
        assert!(from_private(&bytes(LAST[1])).is_ok());
        assert!(from_private(&[1; 32]).is_ok());
    }

    #[test]
    fn the_one_private_key_that_cannot_sign_is_drawn_again() {
        let mut rng = Script(vec![bytes(LAST[0]), [1; 32]]);
        assert_eq!(generate(&mut rng).d, [1; 32]);
    }

    #[test]
    fn an_identity_has_a_limit() {
        let key = from_private(&[1; 32]).unwrap().public_key();
        assert!(z(&[b'a'; 8191], &key).is_ok());
        assert_eq!(z(&[b'a'; 8192], &key), Err(Sm2Error), "its bits do not fit 16");
    }
}
