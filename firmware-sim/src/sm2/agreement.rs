//! Key agreement (GB/T 32918.3).

use sm2::elliptic_curve::Group;
use sm2::elliptic_curve::PrimeField;
use sm2::elliptic_curve::ops::MulVartime;
use sm2::{FieldBytes, ProjectivePoint, Scalar};
use sm3::{Digest, Sm3};
use ukey_apdu::command::{EccPublicKey, Party};
use zeroize::Zeroizing;

use super::{Sm2Error, coordinates, derived, point, scalar, z};
use crate::object::KeyPairRecord;

/// Which part one plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// A, who begins.
    Initiator,
    /// B, who answers.
    Responder,
}

/// One's own side of an agreement.
#[derive(Clone, Copy)]
pub(crate) struct Own<'k> {
    pub(crate) role: Role,
    pub(crate) key: &'k KeyPairRecord,
    pub(crate) temporary: &'k KeyPairRecord,
    pub(crate) id: &'k [u8],
}

/// Why there is no key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AgreementError {
    /// A point of the other side lies off the curve, or an identity is too long.
    Data,
    /// The keys of the other side cancel each other: anybody would know the key.
    Infinity,
}

impl From<Sm2Error> for AgreementError {
    fn from(_: Sm2Error) -> Self {
        AgreementError::Data
    }
}

/// What both sides have: the point U and the Z of initiator and responder.
pub(crate) struct Agreed {
    x: Zeroizing<[u8; 32]>,
    y: Zeroizing<[u8; 32]>,
    z: [[u8; 32]; 2],
}

impl Agreed {
    /// The key K.
    pub(crate) fn key<const N: usize>(&self) -> Zeroizing<[u8; N]> {
        let seed = Sm3::new().chain_update(self.x.as_slice()).chain_update(self.y.as_slice());
        let mut key = Zeroizing::new([0; N]);
        let blocks = derived(self.z.iter().fold(seed, Sm3::chain_update));
        key.chunks_mut(32).zip(blocks).for_each(|(out, block)| {
            out.iter_mut().zip(block.iter()).for_each(|(out, byte)| *out = *byte);
        });
        key
    }
}

/// Computes what both sides have.
pub(crate) fn agree(own: Own<'_>, peer: &Party<'_>) -> Result<Agreed, AgreementError> {
    // A6, B4: the points lie on the curve
    let (public, temporary) = (point(&peer.public_key)?, point(&peer.temporary_key)?);
    // A4, A5; B3
    let d = scalar(&own.key.d)?;
    let r = scalar(&own.temporary.d)?;
    let t = Zeroizing::new(**d + reduced(&own.temporary.x)? * **r);
    // A7, B5: all in the brackets is public
    let peer_sum = ProjectivePoint::from(public)
        + ProjectivePoint::from(temporary).mul_vartime(reduced(&peer.temporary_key.x)?);
    let shared = peer_sum * *t;
    if bool::from(shared.is_identity()) {
        return Err(AgreementError::Infinity);
    }
    let EccPublicKey { x, y } = coordinates(&shared.to_affine());
    let (mine, theirs) = (z(own.id, &own.key.public_key())?, z(peer.id, &peer.public_key)?);
    let z = match own.role {
        Role::Initiator => [mine, theirs],
        Role::Responder => [theirs, mine],
    };
    Ok(Agreed { x: Zeroizing::new(x), y: Zeroizing::new(y), z })
}

/// 2^w + (x & (2^w − 1)), w = 127, of the x of a temporary public key.
fn reduced(x: &[u8; 32]) -> Result<Scalar, Sm2Error> {
    let mut low = FieldBytes::from(*x);
    low.iter_mut().take(16).for_each(|byte| *byte = 0);
    low.iter_mut().skip(16).take(1).for_each(|byte| *byte |= 0x80);
    Scalar::from_repr(low).into_option().ok_or(Sm2Error)
}

#[cfg(test)]
mod tests {
    use super::super::tests::bytes;
    use super::super::{from_private, generate};
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    const ID: &[u8] = b"1234567812345678";

    /// GB/T 32918.5-2017, annex B.2: the private and the temporary private keys of A and B.
    const A: &str = "81eb26e941bb5af16df116495f90695272ae2cd63d6c4ae1678418be48230029";
    const B: &str = "785129917d45a9ea5437a59356b82338eaadda6ceb199088f14ae10defa229b5";
    const TEMPORARY_A: &str = "d4de15474db74d06491c440d305e012400990f3e390c7e87153c12db2ea60bb3";
    const TEMPORARY_B: &str = "7e07124814b309489125eaed101113164ebf0f3458c5bd88335c1f9d596243d6";
    const KEY: &str = "6c89347354de2484c60b4ab1fde4c6e5";
    const CONFIRMATION_A: &str = "18c7894b3816df16cf07b05c5ec0bef5d655d58f779cc1b400a4f3884644db88";
    const CONFIRMATION_B: &str = "d3a0fe15dee185ceae907a6b595cc32a266ed7b3367e9983a896dc32fa20f8eb";

    struct Side {
        role: Role,
        key: KeyPairRecord,
        temporary: KeyPairRecord,
    }

    impl Side {
        fn own(&self) -> Own<'_> {
            Own { role: self.role, key: &self.key, temporary: &self.temporary, id: ID }
        }

        fn party(&self) -> Party<'static> {
            Party { public_key: self.key.public_key(), temporary_key: self.temporary.public_key(), id: ID }
        }
    }

    fn sides() -> (Side, Side) {
        let side = |role, key: &str, temporary: &str| Side {
            role,
            key: from_private(&bytes(key)).unwrap(),
            temporary: from_private(&bytes(temporary)).unwrap(),
        };
        (side(Role::Initiator, A, TEMPORARY_A), side(Role::Responder, B, TEMPORARY_B))
    }

    /// The optional steps of the standard, by which each side shows that it has the key: S1 = SB by 2, SA = S2 by 3.
    fn confirmation(
        agreed: &Agreed,
        tag: u8,
        initiator: &EccPublicKey,
        responder: &EccPublicKey,
    ) -> [u8; 32] {
        let inner = Sm3::new().chain_update(agreed.x.as_slice());
        let inner = agreed.z.iter().fold(inner, Sm3::chain_update);
        let points = [initiator.x, initiator.y, responder.x, responder.y];
        let inner = points.iter().fold(inner, Sm3::chain_update).finalize();
        Sm3::new().chain_update([tag]).chain_update(agreed.y.as_slice()).chain_update(inner).finalize().into()
    }

    #[test]
    fn the_standards_example_comes_out_on_both_sides() {
        let (a, b) = sides();
        for agreed in [agree(a.own(), &b.party()), agree(b.own(), &a.party())] {
            let agreed = agreed.unwrap();
            assert_eq!(*agreed.key(), bytes::<16>(KEY));
            let points = (a.temporary.public_key(), b.temporary.public_key());
            assert_eq!(confirmation(&agreed, 2, &points.0, &points.1), bytes(CONFIRMATION_B));
            assert_eq!(confirmation(&agreed, 3, &points.0, &points.1), bytes(CONFIRMATION_A));
        }
    }

    #[test]
    fn sides_that_differ_in_anything_have_different_keys() {
        let (a, b) = sides();
        let other = generate(&mut ChaCha20Rng::seed_from_u64(1)).public_key();
        let key = |own, peer| *agree(own, &peer).unwrap().key::<16>();
        let right = bytes::<16>(KEY);
        assert_ne!(key(a.own(), Party { public_key: other, ..b.party() }), right);
        assert_ne!(key(a.own(), Party { temporary_key: other, ..b.party() }), right);
        assert_ne!(key(a.own(), Party { id: b"somebody else", ..b.party() }), right);
        assert_ne!(key(Own { id: b"somebody else", ..a.own() }, b.party()), right);
        assert_ne!(key(Own { role: Role::Responder, ..a.own() }, b.party()), right, "both in one role");
    }

    #[test]
    fn points_off_the_curve_are_refused() {
        let (a, b) = sides();
        let right = b.party();
        let off = |key: EccPublicKey| EccPublicKey { x: key.y, y: key.x };
        for wrong in [
            Party { public_key: off(right.public_key), ..right },
            Party { temporary_key: off(right.temporary_key), ..right },
        ] {
            assert_eq!(agree(a.own(), &wrong).err(), Some(AgreementError::Data));
        }
    }

    /// Who chooses the public key to cancel the temporary one would know the key without any private key.
    #[test]
    fn keys_that_cancel_each_other_are_refused() {
        let (a, b) = sides();
        let temporary = b.temporary.public_key();
        let product = ProjectivePoint::from(point(&temporary).unwrap()) * reduced(&temporary.x).unwrap();
        let public_key = coordinates(&(-product).to_affine());
        let wrong = Party { public_key, ..b.party() };
        assert_eq!(agree(a.own(), &wrong).err(), Some(AgreementError::Infinity));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn both_sides_have_the_same_key(seed: u64) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let mut side = |role| Side { role, key: generate(&mut rng), temporary: generate(&mut rng) };
            let (a, b) = (side(Role::Initiator), side(Role::Responder));
            let (one, other) = (agree(a.own(), &b.party()).unwrap(), agree(b.own(), &a.party()).unwrap());
            prop_assert_eq!(one.key::<48>(), other.key::<48>());
            prop_assert_ne!(one.key::<48>(), Zeroizing::new([0; 48]));
        }
    }
}
