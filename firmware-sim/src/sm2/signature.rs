//! Signatures (GB/T 32918.2).

use rand_core::CryptoRng;
use sm2::elliptic_curve::ops::{LinearCombination, Reduce};
use sm2::elliptic_curve::point::{AffineCoordinates, DecompressPoint};
use sm2::elliptic_curve::{Generate, Group, PrimeField};
use sm2::{AffinePoint, FieldBytes, NonZeroScalar, ProjectivePoint, Scalar};
use ukey_apdu::command::{EccPublicKey, EccSignature};
use zeroize::Zeroizing;

use super::{Sm2Error, inverse, point, scalar};
use crate::object::KeyPairRecord;

/// What of a private key a signature takes: (1 + d)⁻¹ alone.
pub(crate) struct SigningKey(Zeroizing<Scalar>);

impl SigningKey {
    /// Of a key pair, with which it is kept; an earlier firmware did not keep it.
    pub(crate) fn of(key: &KeyPairRecord) -> Result<Self, Sm2Error> {
        match &key.inverse {
            Some(inverse) => Ok(Self(Zeroizing::new(**scalar(inverse)?))),
            None => Self::from_private(&key.d),
        }
    }

    /// Of a private key, big-endian, `1..=n-2`.
    pub(crate) fn from_private(d: &[u8; 32]) -> Result<Self, Sm2Error> {
        inverse(&**scalar(d)?).map(Zeroizing::new).map(Self)
    }
}

/// Signs the digest e.
pub(crate) fn sign(key: &SigningKey, e: &[u8; 32], rng: &mut impl CryptoRng) -> EccSignature {
    let e = Scalar::reduce(&FieldBytes::from(*e));
    loop {
        // A3, A4
        let k = Zeroizing::new(NonZeroScalar::generate_from_rng(rng));
        let x1 = ProjectivePoint::mul_by_generator(&k).to_affine().x();
        // A5
        let r = e + Scalar::reduce(&x1);
        let sum = r + **k;
        if bool::from(r.is_zero() | sum.is_zero()) {
            continue;
        }
        // A6: (1 + d)⁻¹ · (k − r·d) = (1 + d)⁻¹ · (k + r) − r
        let s = *key.0 * sum - r;
        if bool::from(s.is_zero()) {
            continue;
        }
        return EccSignature { r: r.to_repr().into(), s: s.to_repr().into() };
    }
}

/// Verifies a signature of the digest e, in a time that tells about its public inputs.
pub(crate) fn verify(key: &EccPublicKey, e: &[u8; 32], signature: &EccSignature) -> Result<(), Sm2Error> {
    let key = ProjectivePoint::from(point(key)?);
    // B1, B2
    let (r, s) = (**scalar(&signature.r)?, **scalar(&signature.s)?);
    let e = Scalar::reduce(&FieldBytes::from(*e));
    // B5
    let t = r + s;
    if bool::from(t.is_zero()) {
        return Err(Sm2Error);
    }
    // B6
    let sum = ProjectivePoint::lincomb_vartime(&[(ProjectivePoint::GENERATOR, s), (key, t)]);
    // B7: R = r means that x1 is r − e, modulo n. A square root that finds the points of that x costs less than the
    // inversion that finds x1.
    let expected = AffinePoint::decompress(&(r - e).to_repr(), 0.into()).into_option();
    if expected.map(ProjectivePoint::from).is_some_and(|expected| sum == expected || sum == -expected) {
        return Ok(());
    }
    // The signature is wrong, or x1 is n or more, which happens once in 2^32 times.
    let is_right = !bool::from(sum.is_identity()) && r == e + Scalar::reduce(&sum.to_affine().x());
    if is_right { Ok(()) } else { Err(Sm2Error) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Script, bytes};
    use super::super::{digest, from_private, generate};
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;
    use sm2::dsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
    use sm2::dsa::{Signature, VerifyingKey};

    const ID: &str = "1234567812345678";

    fn rng(seed: u64) -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(seed)
    }

    fn verifying(key: &EccPublicKey) -> VerifyingKey {
        VerifyingKey::from_sec1_bytes(ID, &[[4].as_slice(), &key.x, &key.y].concat()).unwrap()
    }

    /// GB/T 32918.5-2017, annex A.2.
    mod annex {
        pub(super) const D: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
        pub(super) const X: &str = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020";
        pub(super) const Y: &str = "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
        pub(super) const E: &str = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640";
        pub(super) const K: &str = "59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21";
        pub(super) const R: &str = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3";
        pub(super) const S: &str = "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";
    }

    #[test]
    fn the_standards_example_comes_out() {
        let key = from_private(&bytes(annex::D)).unwrap();
        assert_eq!(key.public_key(), EccPublicKey { x: bytes(annex::X), y: bytes(annex::Y) });
        let e = digest(ID.as_bytes(), &key.public_key(), b"message digest").unwrap();
        assert_eq!(e, bytes(annex::E));
        let expected = EccSignature { r: bytes(annex::R), s: bytes(annex::S) };
        let mut without = key.clone();
        without.inverse = None;
        for key in [&key, &without] {
            let signing = SigningKey::of(key).unwrap();
            assert_eq!(sign(&signing, &e, &mut Script(vec![bytes(annex::K)])), expected);
        }
        assert_eq!(verify(&key.public_key(), &e, &expected), Ok(()));
    }

    #[test]
    fn the_standards_example_is_refused_when_anything_changes() {
        let key = EccPublicKey { x: bytes(annex::X), y: bytes(annex::Y) };
        let (e, signature) = (bytes(annex::E), EccSignature { r: bytes(annex::R), s: bytes(annex::S) });
        for byte in 0..32 {
            let spoil = |mut bytes: [u8; 32]| {
                bytes[byte] ^= 1;
                bytes
            };
            assert!(verify(&key, &spoil(e), &signature).is_err());
            assert!(verify(&key, &e, &EccSignature { r: spoil(signature.r), ..signature }).is_err());
            assert!(verify(&key, &e, &EccSignature { s: spoil(signature.s), ..signature }).is_err());
            assert!(
                verify(&EccPublicKey { x: spoil(key.x), ..key }, &e, &signature).is_err(),
                "off the curve"
            );
        }
        let other = generate(&mut rng(2)).public_key();
        assert!(verify(&other, &e, &signature).is_err());
    }

    #[test]
    fn numbers_out_of_range_are_no_signature() {
        let key = EccPublicKey { x: bytes(annex::X), y: bytes(annex::Y) };
        let order = bytes("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");
        for wrong in [[0; 32], order, [0xFF; 32]] {
            assert!(verify(&key, &[7; 32], &EccSignature { r: wrong, s: [1; 32] }).is_err());
            assert!(verify(&key, &[7; 32], &EccSignature { r: [1; 32], s: wrong }).is_err());
        }
        let r = **scalar(&[1; 32]).unwrap();
        assert!(
            verify(&key, &[7; 32], &EccSignature { r: [1; 32], s: (-r).to_repr().into() }).is_err(),
            "t = 0"
        );
    }

    /// s·G + t·P is the point at infinity where s = −t·d; an x of 0 must not be read into it.
    #[test]
    fn the_point_at_infinity_is_no_signature() {
        let d = **scalar(&[3; 32]).unwrap();
        let key = from_private(&[3; 32]).unwrap().public_key();
        let t = **scalar(&[5; 32]).unwrap();
        let s = -(t * d);
        let r = t - s;
        let signature = EccSignature { r: r.to_repr().into(), s: s.to_repr().into() };
        assert!(verify(&key, &r.to_repr().into(), &signature).is_err());
    }

    #[test]
    fn two_signatures_of_one_digest_differ() {
        let (key, mut rng) = (SigningKey::from_private(&[3; 32]).unwrap(), rng(1));
        assert_ne!(sign(&key, &[7; 32], &mut rng), sign(&key, &[7; 32], &mut rng));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn another_implementation_agrees(seed: u64, e: [u8; 32], other: [u8; 32]) {
            let key = generate(&mut rng(seed));
            let public = key.public_key();
            let signature = sign(&SigningKey::of(&key).unwrap(), &e, &mut rng(seed ^ 1));
            let theirs = Signature::from_slice(&signature.to_bytes()).unwrap();
            prop_assert!(verifying(&public).verify_prehash(&e, &theirs).is_ok());
            prop_assert!(verify(&public, &e, &signature).is_ok());
            prop_assert_eq!(verify(&public, &other, &signature).is_ok(), other == e);

            let secret = sm2::SecretKey::from_slice(&key.d).unwrap();
            let theirs = sm2::dsa::SigningKey::new(ID, &secret).unwrap().sign_prehash(&e).unwrap().to_bytes();
            let part = |from: usize| <[u8; 32]>::try_from(&theirs[from..from + 32]).unwrap();
            let theirs = EccSignature { r: part(0), s: part(32) };
            prop_assert!(verify(&public, &e, &theirs).is_ok());
            let swapped = EccSignature { r: theirs.s, s: theirs.r };
            prop_assert!(verify(&public, &e, &swapped).is_err());
        }

        #[test]
        fn a_wrong_signature_is_wrong_to_both(seed: u64, e: [u8; 32], r: [u8; 32], s: [u8; 32]) {
            let public = generate(&mut rng(seed)).public_key();
            let theirs = Signature::from_slice(&[r, s].concat());
            let theirs = theirs.is_ok_and(|theirs| verifying(&public).verify_prehash(&e, &theirs).is_ok());
            prop_assert_eq!(verify(&public, &e, &EccSignature { r, s }).is_ok(), theirs);
        }
    }
}
