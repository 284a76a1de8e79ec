//! SM2 with keys from outside: what the token does, crate `sm2` undoes, and the other way round; without an application,
//! without a right, and with every wrong input refused.

mod support;

use proptest::prelude::*;
use sm2::dsa::signature::Signer;
use sm2::dsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::pke::{DecryptingKey, EncryptingKey, Mode};
use support::envelope::public_key;
use support::*;
use ukey_apdu::Status;
use ukey_apdu::command::*;

const ID: &str = "1234567812345678";
const PRIVATE: [u8; 32] = [0x33; 32];

fn secret(private: &[u8; 32]) -> sm2::SecretKey {
    sm2::SecretKey::from_slice(private).unwrap()
}

fn part(bytes: &[u8], from: usize) -> [u8; 32] {
    bytes[from..from + 32].try_into().unwrap()
}

fn signature(signature: Signature) -> EccSignature {
    let bytes = signature.to_bytes();
    EccSignature { r: part(&bytes, 0), s: part(&bytes, 32) }
}

fn verify(host: &mut Host, input: SignInput<'_>, signature: EccSignature) -> Result<(), Status> {
    host.send(&EccVerify { public_key: public_key(&PRIVATE), input, signature }).map(drop)
}

fn decrypt(host: &mut Host, private_key: [u8; 32], ciphertext: CipherBlock<'_>) -> Result<Vec<u8>, Status> {
    let answer = host.send(&ExtEccDecrypt { private_key, ciphertext })?;
    Ok(Plaintext::read(&answer, &GM).unwrap().0.to_vec())
}

#[test]
fn a_signature_from_outside_is_verified_in_a_factory_token() {
    let mut host = Host::blank(1);
    let signer = SigningKey::new(ID, &secret(&PRIVATE)).unwrap();
    let by_digest = signature(signer.sign_prehash(&[7; 32]).unwrap());
    assert_eq!(verify(&mut host, SignInput::Digest([7; 32]), by_digest), Ok(()));
    assert_eq!(
        verify(&mut host, SignInput::Digest([8; 32]), by_digest),
        Err(Status::PUBLIC_KEY_OPERATION_FAILED)
    );

    let message = "张三".as_bytes();
    let by_message = signature(signer.sign(message));
    let input = |id, message| SignInput::Message { id, message };
    assert_eq!(verify(&mut host, input(ID.as_bytes(), message), by_message), Ok(()));
    for wrong in [input(b"another identity", message), input(ID.as_bytes(), b"another message")] {
        assert_eq!(verify(&mut host, wrong, by_message), Err(Status::PUBLIC_KEY_OPERATION_FAILED));
    }
}

#[test]
fn a_verification_that_is_badly_put_is_refused() {
    let mut host = Host::blank(1);
    let right = EccVerify {
        public_key: public_key(&PRIVATE),
        input: SignInput::Digest([7; 32]),
        signature: EccSignature { r: [1; 32], s: [2; 32] },
    };
    let mut data = [0; 256];
    let apdu = right.to_apdu(&GM, &mut data).unwrap();
    assert_eq!(host.apdu(apdu).1, Status::PUBLIC_KEY_OPERATION_FAILED);
    let mut spoilt = apdu.data.to_vec();
    spoilt[2] = 2;
    assert_eq!(host.apdu(plain(0x76, 2, 0, &spoilt)).1, Status::WRONG_DATA, "512 bits");
    assert_eq!(host.apdu(plain(0x76, 3, 0, apdu.data)).1, Status::WRONG_P1P2);
    assert_eq!(host.apdu(plain(0x76, 2, 1, apdu.data)).1, Status::WRONG_P1P2);
    assert_eq!(host.apdu(plain(0x76, 2, 0, &apdu.data[..135])).1, Status::WRONG_LENGTH);
    assert_eq!(host.apdu(plain(0x76, 2, 0, &apdu.data[..140])).1, Status::WRONG_DATA);
    let longer = [apdu.data, &[0]].concat();
    assert_eq!(host.apdu(plain(0x76, 2, 0, &longer)).1, Status::WRONG_DATA);
    let mut off = right;
    off.public_key.y[0] ^= 1;
    assert_eq!(host.send(&off), Err(Status::PUBLIC_KEY_OPERATION_FAILED), "a point off the curve");
    let empty = SignInput::Message { id: b"", message: b"m" };
    assert_eq!(verify(&mut host, empty, right.signature), Err(Status::WRONG_DATA), "no identity");
}

#[test]
fn external_signatures_are_accepted_outside() {
    let mut host = Host::blank(1);
    let answer = host.send(&ExtEccSign { private_key: PRIVATE, digest: [7; 32] }).unwrap();
    let signature = Signature::from_slice(&EccSignature::read(&answer, &GM).unwrap().to_bytes()).unwrap();
    let key = VerifyingKey::new(ID, secret(&PRIVATE).public_key()).unwrap();
    assert!(key.verify_prehash(&[7; 32], &signature).is_ok());
    assert!(key.verify_prehash(&[8; 32], &signature).is_err());
    for wrong in [[0; 32], [0xFF; 32]] {
        let command = ExtEccSign { private_key: wrong, digest: [7; 32] };
        assert_eq!(host.send(&command), Err(Status::WRONG_DATA), "a private key out of range");
    }
    let mut data = [0; 128];
    let command = ExtEccSign { private_key: PRIVATE, digest: [7; 32] };
    let apdu = command.to_apdu(&GM, &mut data).unwrap();
    assert_eq!(host.apdu(plain(0x7E, 0, 0, &apdu.data[..71])).1, Status::WRONG_DATA, "31 bytes of 32");
}

#[test]
fn what_cannot_be_decrypted_is_refused() {
    let mut host = Host::blank(1);
    let public = EncryptingKey::new_with_mode(secret(&PRIVATE).public_key(), Mode::C1C3C2);
    let mut rng = <rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::from_seed([3; 32]);
    let sealed = public.encrypt(&mut rng, b"S3cret").unwrap();
    let point = EccPublicKey { x: part(&sealed, 1), y: part(&sealed, 33) };
    let right = CipherBlock { point, hash: part(&sealed, 65), cipher: &sealed[97..] };
    assert_eq!(decrypt(&mut host, PRIVATE, right), Ok(b"S3cret".to_vec()));
    let wrong = Err(Status::DECRYPTION_FAILED);
    assert_eq!(decrypt(&mut host, [0x34; 32], right), wrong, "another key");
    assert_eq!(decrypt(&mut host, [0; 32], right), wrong, "no key");
    assert_eq!(decrypt(&mut host, PRIVATE, CipherBlock { hash: [0; 32], ..right }), wrong);
    assert_eq!(decrypt(&mut host, PRIVATE, CipherBlock { cipher: b"S3crey", ..right }), wrong);
    let off = EccPublicKey { x: point.y, y: point.x };
    assert_eq!(decrypt(&mut host, PRIVATE, CipherBlock { point: off, ..right }), wrong);
    assert_eq!(decrypt(&mut host, PRIVATE, CipherBlock { cipher: b"", ..right }), Err(Status::WRONG_DATA));
}

#[test]
fn encryption_has_limits() {
    let mut host = Host::blank(1);
    let mut encrypt = |public_key, plaintext: &[u8]| {
        host.send(&ExtEccEncrypt { public_key, plaintext: Plaintext(plaintext) }).map(|answer| answer.len())
    };
    let key = public_key(&PRIVATE);
    let beside = encrypt(key, &[7]).unwrap() - 1;
    assert_eq!(encrypt(key, &vec![7; 4096 - beside]), Ok(4096), "as long as an answer can be");
    assert_eq!(encrypt(key, &vec![7; 4097 - beside]), Err(Status::WRONG_LENGTH));
    assert_eq!(encrypt(key, &[]), Err(Status::WRONG_DATA));
    let off = EccPublicKey { x: key.y, y: key.x };
    assert_eq!(encrypt(off, &[7]), Err(Status::ENCRYPTION_FAILED), "a point off the curve");
}

/// Each carrying out has a nonce of its own: blocks of two of them would not fit together.
#[test]
fn the_blocks_of_a_long_answer_are_of_one_ciphertext() {
    let mut host = Host::blank(1);
    let text = [7; 430];
    let command = ExtEccEncrypt { public_key: public_key(&PRIVATE), plaintext: Plaintext(&text) };
    let mut data = [0; 2048];
    let answer = host.apdu(command.to_apdu(&GM, &mut data).unwrap());
    assert_eq!((answer.0.len(), answer.1), (496, Status::MORE_DATA));
    host.challenge();
    let first = host.send(&command).unwrap();
    assert_ne!(first[..496], answer.0, "another command came between: a new answer");
    let ciphertext = CipherBlock::read(&first, &GM).unwrap();
    assert_eq!(decrypt(&mut host, PRIVATE, ciphertext), Ok(text.to_vec()));
    assert_ne!(host.send(&command).unwrap(), first, "nor is a whole answer given twice");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_one_side_encrypts_the_other_decrypts(
        seed: [u8; 32], text in proptest::collection::vec(any::<u8>(), 1..900),
    ) {
        let mut host = Host::blank(1);
        let command = ExtEccEncrypt { public_key: public_key(&PRIVATE), plaintext: Plaintext(&text) };
        let answer = host.send(&command).unwrap();
        let CipherBlock { point, hash, cipher } = CipherBlock::read(&answer, &GM).unwrap();
        let sealed = [[4].as_slice(), &point.x, &point.y, &hash, cipher].concat();
        let theirs = DecryptingKey::new_with_mode(secret(&PRIVATE).to_nonzero_scalar(), Mode::C1C3C2);
        prop_assert_eq!(theirs.decrypt(&sealed).unwrap(), text.clone());

        let mut rng = <rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::from_seed(seed);
        let public = EncryptingKey::new_with_mode(secret(&PRIVATE).public_key(), Mode::C1C3C2);
        let sealed = public.encrypt(&mut rng, &text).unwrap();
        let point = EccPublicKey { x: part(&sealed, 1), y: part(&sealed, 33) };
        let ciphertext = CipherBlock { point, hash: part(&sealed, 65), cipher: &sealed[97..] };
        prop_assert_eq!(decrypt(&mut host, PRIVATE, ciphertext), Ok(text));
    }
}
