//! SM2 outside the token, by the ready-made calls of crate `sm2`; key agreement by the formulas of GB/T 32918.3.

use sm2::dsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::elliptic_curve::PrimeField;
use sm2::elliptic_curve::sec1::ToSec1Point;
use sm2::{FieldBytes, ProjectivePoint, Scalar, SecretKey};
use sm3::{Digest, Sm3};
use ukey_apdu::command::{EccPublicKey, EccSignature, Party, SignInput};

use super::super::support::envelope::public_key;
use super::super::words::{IDENTITIES, Identity, Input, KeyBytes, Peer, Shown, message};

/// The private key of somebody outside the token.
pub const SOMEBODY: [u8; 32] = [9; 32];
/// And of somebody else.
pub const ANOTHER: [u8; 32] = [8; 32];
/// The other side of a key agreement: its private key and its temporary one.
const PEER: [[u8; 32]; 2] = [[0x21; 32], [0x31; 32]];
/// A point that is not on the curve.
pub const OFF_CURVE: EccPublicKey = EccPublicKey { x: [1; 32], y: [2; 32] };
/// The digest that is signed.
const DIGEST: [u8; 32] = [7; 32];

const IDENTITY_TEXTS: [&str; IDENTITIES] =
    ["1234567812345678", "张三", "33 bytes are too long for a party", ""];

/// The bytes of an identity.
pub fn identity(number: Identity) -> &'static [u8] {
    IDENTITY_TEXTS[number].as_bytes()
}

/// A number of 32 bytes, big-endian.
fn number(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// n, the order of the curve, less this.
pub fn order_less(by: u8) -> [u8; 32] {
    let mut order = number("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");
    order[31] -= by;
    order
}

// ---- signatures ----

/// The bytes of a message, as long as the input has one.
pub fn signed(input: Input) -> Vec<u8> {
    match input {
        Input::Digest => DIGEST.to_vec(),
        Input::Message(_, length) => message(length),
    }
}

/// What goes into the command; `bytes` are [`signed`].
pub fn sign_input(input: Input, bytes: &[u8]) -> SignInput<'_> {
    match input {
        Input::Digest => SignInput::Digest(bytes.try_into().unwrap()),
        Input::Message(signer, _) => SignInput::Message { id: identity(signer), message: bytes },
    }
}

fn signer_of(input: Input) -> &'static str {
    let Input::Message(signer, _) = input else { return "" };
    IDENTITY_TEXTS[signer]
}

/// Whether this key's signature of the input is right.
pub fn verifies(key: &EccPublicKey, input: Input, signature: &EccSignature) -> bool {
    let point = [[4].as_slice(), &key.x, &key.y].concat();
    let key = VerifyingKey::from_sec1_bytes(signer_of(input), &point).unwrap();
    let Ok(signature) = Signature::from_slice(&signature.to_bytes()) else { return false };
    match input {
        Input::Digest => key.verify_prehash(&DIGEST, &signature).is_ok(),
        Input::Message(..) => key.verify(&signed(input), &signature).is_ok(),
    }
}

/// Somebody's key and signature, in the form in which a verifier is shown them.
pub fn shown(input: Input, shown: Shown) -> (EccPublicKey, EccSignature) {
    let private = if shown == Shown::ByAnother { ANOTHER } else { SOMEBODY };
    let secret = SecretKey::from_slice(&private).unwrap();
    let signing = SigningKey::new(signer_of(input), &secret).unwrap();
    let mut bytes = signed(input);
    if shown == Shown::OfAnotherInput {
        match input {
            Input::Digest => bytes[0] ^= 1,
            Input::Message(..) => bytes.push(1),
        }
    }
    let signature = match input {
        Input::Digest => signing.sign_prehash(&bytes).unwrap(),
        Input::Message(..) => signing.sign(&bytes),
    };
    let bytes = signature.to_bytes();
    let half = |from: usize| bytes[from..from + 32].try_into().unwrap();
    let mut signature = EccSignature { r: half(0), s: half(32) };
    match shown {
        Shown::SpoiltR => signature.r[31] ^= 1,
        Shown::SpoiltS => signature.s[0] ^= 1,
        Shown::Zero => signature = EccSignature { r: [0; 32], s: [0; 32] },
        Shown::Right | Shown::OfAnotherInput | Shown::ByAnother | Shown::KeyOffCurve => {}
    }
    let key = if shown == Shown::KeyOffCurve { OFF_CURVE } else { public_key(&SOMEBODY) };
    (key, signature)
}

/// Z of a public key under an identity.
fn z(identity: &[u8], key: &EccPublicKey) -> [u8; 32] {
    const CURVE: [&str; 4] = [
        "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc",
        "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93",
        "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7",
        "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0",
    ];
    let bits = u16::try_from(8 * identity.len()).unwrap();
    let mut hash = Sm3::new().chain_update(bits.to_be_bytes()).chain_update(identity);
    CURVE.iter().for_each(|parameter| hash.update(number(parameter)));
    hash.chain_update(key.x).chain_update(key.y).finalize().into()
}

/// Z of somebody's public key.
pub fn z_of_somebody(signer: Identity) -> [u8; 32] {
    z(identity(signer), &public_key(&SOMEBODY))
}

// ---- key agreement ----

fn scalar(bytes: [u8; 32]) -> Scalar {
    Scalar::from_repr(FieldBytes::from(bytes)).unwrap()
}

fn point(key: &EccPublicKey) -> ProjectivePoint {
    let bytes = [[4].as_slice(), &key.x, &key.y].concat();
    sm2::PublicKey::from_sec1_bytes(&bytes).unwrap().to_projective()
}

/// 2^127 + (x mod 2^127).
fn reduced(key: &EccPublicKey) -> Scalar {
    let mut low = [0; 32];
    low[16..].copy_from_slice(&key.x[16..]);
    low[16] |= 0x80;
    scalar(low)
}

/// Private key and temporary private key of such a peer. Those that cancel each other: d = −x̄·r.
fn private_keys(peer: Peer) -> [Scalar; 2] {
    let [key, temporary] = PEER.map(scalar);
    if peer == Peer::Cancelling {
        [-(reduced(&public_key(&PEER[1])) * temporary), temporary]
    } else {
        [key, temporary]
    }
}

fn public(private: Scalar) -> EccPublicKey {
    public_key(&private.to_repr().into())
}

/// What such a peer lets the token know.
pub fn party(peer: Peer) -> Party<'static> {
    let [public_key, temporary_key] = private_keys(peer).map(public);
    let mut party = Party { public_key, temporary_key, id: identity(0) };
    match peer {
        Peer::Right(number) => party.id = identity(number),
        Peer::KeyOffCurve => party.public_key = OFF_CURVE,
        Peer::TemporaryOffCurve => party.temporary_key = OFF_CURVE,
        Peer::Cancelling => {}
    }
    party
}

/// The key that the right peer has in common with the token. `token` is what the token lets it know.
pub fn agreed(peer: Peer, token: &Party<'_>, token_begins: bool) -> KeyBytes {
    let own = party(peer);
    let [key, temporary] = private_keys(peer);
    let t = key + reduced(&own.temporary_key) * temporary;
    let shared = (point(&token.public_key) + point(&token.temporary_key) * reduced(&token.temporary_key)) * t;
    let shared = shared.to_affine().to_sec1_point(false);
    let mut parties = [z(token.id, &token.public_key), z(own.id, &own.public_key)];
    if !token_begins {
        parties.reverse();
    }
    let seed = Sm3::new().chain_update(&shared.as_bytes()[1..]).chain_update(parties.concat());
    seed.chain_update([0, 0, 0, 1]).finalize()[..16].try_into().unwrap()
}
