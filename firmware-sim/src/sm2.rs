//! SM2 (GM/T 0003): key pairs, signatures, and the decryption that opens an enveloped key. Private keys are used in
//! constant time. The labels A1 to A7 and B1 to B6 are the standard's steps.

use rand_core::CryptoRng;
use sm2::elliptic_curve::ops::Reduce;
use sm2::elliptic_curve::point::AffineCoordinates;
use sm2::elliptic_curve::{Generate, Group, PrimeField};
use sm2::{AffinePoint, FieldBytes, NonZeroScalar, ProjectivePoint, Scalar};
use sm3::{Digest, Sm3};
use subtle::ConstantTimeEq;
use ukey_apdu::command::{CipherBlock, EccPublicKey, EccSignature};
use zeroize::Zeroizing;

use crate::object::KeyPairRecord;

/// Curve parameters a, b, Gx, Gy, which go into Z.
const CURVE: [&[u8; 32]; 4] = [
    b"\xFF\xFF\xFF\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFC",
    b"\x28\xE9\xFA\x9E\x9D\x9F\x5E\x34\x4D\x5A\x9E\x4B\xCF\x65\x09\xA7\xF3\x97\x89\xF5\x15\xAB\x8F\x92\xDD\xBC\xBD\x41\x4D\x94\x0E\x93",
    b"\x32\xC4\xAE\x2C\x1F\x19\x81\x19\x5F\x99\x04\x46\x6A\x39\xC9\x94\x8F\xE3\x0B\xBF\xF2\x66\x0B\xE1\x71\x5A\x45\x89\x33\x4C\x74\xC7",
    b"\xBC\x37\x36\xA2\xF4\xF6\x77\x9C\x59\xBD\xCE\xE3\x6B\x69\x21\x53\xD0\xA9\x87\x7C\xC6\x2A\x47\x40\x02\xDF\x32\xE5\x21\x39\xF0\xA0",
];

/// A private key is out of range, a point off the curve, or a ciphertext wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sm2Error;

/// Makes a key pair: d in `1..n-1`, P = \[d\]G.
pub(crate) fn generate(rng: &mut impl CryptoRng) -> KeyPairRecord {
    loop {
        let d = NonZeroScalar::generate_from_rng(rng);
        // d = n − 1 has no (1 + d)⁻¹ and cannot sign.
        if !bool::from((*d + Scalar::ONE).is_zero()) {
            return key_pair(&d);
        }
    }
}

/// The key pair of a private key, big-endian.
pub(crate) fn from_private(d: &[u8; 32]) -> Result<KeyPairRecord, Sm2Error> {
    scalar(d).map(|d| key_pair(&d))
}

fn key_pair(d: &NonZeroScalar) -> KeyPairRecord {
    let point = ProjectivePoint::mul_by_generator(d).to_affine();
    KeyPairRecord { d: d.to_repr().into(), x: point.x().into(), y: point.y().into() }
}

fn scalar(d: &[u8; 32]) -> Result<NonZeroScalar, Sm2Error> {
    NonZeroScalar::from_repr(FieldBytes::from(*d)).into_option().ok_or(Sm2Error)
}

/// Z: the digest of the signer's identity and public key; identities up to 8191 bytes.
pub(crate) fn z(id: &[u8], key: &KeyPairRecord) -> Result<[u8; 32], Sm2Error> {
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
pub(crate) fn digest(id: &[u8], key: &KeyPairRecord, message: &[u8]) -> Result<[u8; 32], Sm2Error> {
    let mut hash = Sm3::new();
    hash.update(z(id, key)?);
    hash.update(message);
    Ok(hash.finalize().into())
}

/// Signs the digest e.
pub(crate) fn sign(
    key: &KeyPairRecord,
    e: &[u8; 32],
    rng: &mut impl CryptoRng,
) -> Result<EccSignature, Sm2Error> {
    let d = scalar(&key.d)?;
    let e = Scalar::reduce(&FieldBytes::from(*e));
    let inverse = (*d + Scalar::ONE).invert().into_option().ok_or(Sm2Error)?;
    loop {
        // A3, A4
        let k = NonZeroScalar::generate_from_rng(rng);
        let x1 = ProjectivePoint::mul_by_generator(&k).to_affine().x();
        // A5
        let r = e + Scalar::reduce(&x1);
        if bool::from(r.is_zero() | (r + *k).is_zero()) {
            continue;
        }
        // A6
        let s = inverse * (*k - r * *d);
        if bool::from(s.is_zero()) {
            continue;
        }
        return Ok(EccSignature { r: r.to_repr().into(), s: s.to_repr().into() });
    }
}

/// Decrypts a ciphertext of up to `N` bytes into the front of the array.
pub(crate) fn decrypt<const N: usize>(
    key: &KeyPairRecord,
    cipher: &CipherBlock<'_>,
) -> Result<Zeroizing<[u8; N]>, Sm2Error> {
    if cipher.cipher.len() != N {
        return Err(Sm2Error);
    }
    // B1
    let c1 = point(&cipher.point)?;
    // B3; the cofactor is 1, so B2 is the check that C1 lies on the curve
    let shared = (ProjectivePoint::from(c1) * *scalar(&key.d)?).to_affine();
    let (x2, y2) =
        (Zeroizing::new(<[u8; 32]>::from(shared.x())), Zeroizing::new(<[u8; 32]>::from(shared.y())));
    // B4, B5
    let mut plain = Zeroizing::new([0; N]);
    for (counter, (out, block)) in (1_u32..).zip(plain.chunks_mut(32).zip(cipher.cipher.chunks(32))) {
        let mut hash = Sm3::new();
        hash.update(x2.as_slice());
        hash.update(y2.as_slice());
        hash.update(counter.to_be_bytes());
        let mask = Zeroizing::new(<[u8; 32]>::from(hash.finalize()));
        out.iter_mut().zip(block).zip(mask.iter()).for_each(|((out, byte), mask)| *out = byte ^ mask);
    }
    // B6
    let mut hash = Sm3::new();
    hash.update(x2.as_slice());
    hash.update(plain.as_slice());
    hash.update(y2.as_slice());
    let u: [u8; 32] = hash.finalize().into();
    if bool::from(u.ct_eq(&cipher.hash)) { Ok(plain) } else { Err(Sm2Error) }
}

/// A point on the curve.
fn point(key: &EccPublicKey) -> Result<AffinePoint, Sm2Error> {
    AffinePoint::from_coordinates(&FieldBytes::from(key.x), &FieldBytes::from(key.y))
        .into_option()
        .ok_or(Sm2Error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;
    use sm2::dsa::signature::hazmat::PrehashVerifier;
    use sm2::dsa::{Signature, VerifyingKey};

    const ID: &str = "1234567812345678";

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(1)
    }

    fn verifying(key: &KeyPairRecord) -> VerifyingKey {
        VerifyingKey::from_sec1_bytes(ID, &[[4].as_slice(), &key.x, &key.y].concat()).unwrap()
    }

    #[test]
    fn a_signature_is_accepted_by_another_implementation() {
        let key = generate(&mut rng());
        let e = digest(ID.as_bytes(), &key, b"message").unwrap();
        let signature = sign(&key, &e, &mut rng()).unwrap();
        let signature = Signature::from_slice(&signature.to_bytes()).unwrap();
        use sm2::dsa::signature::Verifier;
        verifying(&key).verify(b"message", &signature).unwrap();
        assert!(verifying(&key).verify(b"another", &signature).is_err());
        assert!(
            verifying(&generate(&mut ChaCha20Rng::seed_from_u64(2))).verify_prehash(&e, &signature).is_err()
        );
    }

    #[test]
    fn two_signatures_of_one_digest_differ() {
        let (key, mut rng) = (generate(&mut rng()), rng());
        assert_ne!(sign(&key, &[7; 32], &mut rng), sign(&key, &[7; 32], &mut rng));
    }

    #[test]
    fn what_another_implementation_encrypts_is_decrypted() {
        use sm2::pke::{EncryptingKey, Mode};
        let key = generate(&mut rng());
        let public = sm2::PublicKey::from_sec1_bytes(&[[4].as_slice(), &key.x, &key.y].concat()).unwrap();
        let sealed =
            EncryptingKey::new_with_mode(public, Mode::C1C3C2).encrypt(&mut rng(), &[9; 16]).unwrap();
        let part = |from: usize| -> [u8; 32] { sealed[from..from + 32].try_into().unwrap() };
        let mut block = CipherBlock {
            point: EccPublicKey { x: part(1), y: part(33) },
            hash: part(65),
            cipher: &sealed[97..],
        };
        assert_eq!(*decrypt::<16>(&key, &block).unwrap(), [9; 16]);
        assert_eq!(decrypt::<32>(&key, &block), Err(Sm2Error), "another length");
        block.hash[0] ^= 1;
        assert_eq!(decrypt::<16>(&key, &block), Err(Sm2Error));
        block.point.y[31] ^= 1;
        assert_eq!(decrypt::<16>(&key, &block), Err(Sm2Error), "a point off the curve");
    }

    #[test]
    fn a_private_key_out_of_range_is_refused() {
        assert!(from_private(&[0; 32]).is_err());
        assert!(from_private(&[0xFF; 32]).is_err());
        assert!(from_private(&[1; 32]).is_ok());
    }
}
