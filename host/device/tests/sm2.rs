//! SM2 with the caller's keys, and key agreement, through the host's eyes: what succeeds, and its failing twin.

mod common;

use common::{ADMIN, USER, fresh, issue, issued, log_in};
use ukey_device::{
    CipherBlock, CipherParameters, Container, Device, EccPublicKey, EccSignature, EnvelopedKeyPair,
    ErrorKind, KeyUse, Party, SGD_SM4_ECB, SignInput, Status,
};

const ID: &[u8] = b"1234567812345678";

fn number(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// Private and public keys: of the examples of GB/T 32918.5-2017, and 1 with the base point.
fn pairs() -> [([u8; 32], EccPublicKey); 2] {
    let mut one = [0; 32];
    one[31] = 1;
    let base = EccPublicKey {
        x: number("32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"),
        y: number("bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"),
    };
    let example = EccPublicKey {
        x: number("09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"),
        y: number("ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"),
    };
    [(number("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"), example), (one, base)]
}

#[test]
fn the_standards_signature_is_verified_and_every_other_is_not() {
    let device = fresh(1);
    let [(private, public), (_, other)] = pairs();
    let signature = EccSignature {
        r: number("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"),
        s: number("b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"),
    };
    let message = |message| SignInput::Message { id: ID, message };
    assert!(device.verify(&public, message(b"message digest"), &signature).unwrap());
    assert!(!device.verify(&public, message(b"another"), &signature).unwrap());
    assert!(!device.verify(&other, message(b"message digest"), &signature).unwrap());
    let no_identity = SignInput::Message { id: b"", message: b"message digest" };
    let error = device.verify(&public, no_identity, &signature).unwrap_err();
    assert_eq!((error.command(), error.status()), (Some("ECCVerify"), Some(Status::WRONG_DATA)));

    let signature = device.sign(&private, &[7; 32]).unwrap();
    assert!(device.verify(&public, SignInput::Digest([7; 32]), &signature).unwrap());
    assert!(!device.verify(&public, SignInput::Digest([8; 32]), &signature).unwrap());
    let error = device.sign(&[0; 32], &[7; 32]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused), "{error}");
}

#[test]
fn what_is_encrypted_is_decrypted_with_its_key_alone() {
    let device = fresh(1);
    let [(private, public), (other, _)] = pairs();
    device.keep_trace(200);
    let long = [7; 3000];
    for plain in [b"x".as_slice(), "张三".as_bytes(), &long] {
        let sealed = device.encrypt(&public, plain).unwrap();
        assert_eq!(*device.decrypt(&private, &sealed.as_block()).unwrap(), plain);
        let error = device.decrypt(&other, &sealed.as_block()).unwrap_err();
        assert_eq!(error.status(), Some(Status::DECRYPTION_FAILED), "{error}");
        let spoilt = CipherBlock { hash: [0; 32], ..sealed.as_block() };
        assert!(device.decrypt(&private, &spoilt).is_err());
    }
    let off = EccPublicKey { x: public.y, y: public.x };
    assert_eq!(device.encrypt(&off, b"x").unwrap_err().status(), Some(Status::ENCRYPTION_FAILED));
    assert!(device.encrypt(&public, b"").is_err());
    assert!(device.encrypt(&public, &[7; 4000]).is_err(), "longer than the token has room for");
    for traced in device.trace() {
        let shown = format!("{traced:?}");
        assert!(!shown.contains(&hex::encode(private)) && !shown.contains("070707"), "{shown}");
    }
}

/// A container with an encryption key pair, brought as an authority would.
fn ready<'d>(device: &'d Device, pair: &([u8; 32], EccPublicKey)) -> Container<'d> {
    let container = log_in(device).create_container("DEV").unwrap();
    let sign = container.generate_key_pair().unwrap();
    let symmetric = device.set_symmetric_key(SGD_SM4_ECB, &[0x17; 16]).unwrap();
    symmetric.encrypt_init(&CipherParameters::new(SGD_SM4_ECB, &[])).unwrap();
    let encrypted_private_key = symmetric.encrypt(&pair.0).unwrap();
    let wrapped = device.encrypt(&sign, &[0x17; 16]).unwrap();
    let key_pair = EnvelopedKeyPair {
        version: 1,
        algorithm: SGD_SM4_ECB,
        encrypted_private_key: &encrypted_private_key,
        public_key: pair.1,
        wrapped_key: wrapped.as_block(),
    };
    container.import_key_pair(&key_pair).unwrap();
    container
}

#[test]
fn two_tokens_agree_on_a_key() {
    let (one, two) = (issued(), fresh(2));
    issue(&two, USER, ADMIN);
    let pairs = pairs();
    let (a, b) = (ready(&one, &pairs[0]), ready(&two, &pairs[1]));
    let party = |side: usize, temporary_key, id| Party { public_key: pairs[side].1, temporary_key, id };
    let parameters = CipherParameters::new(SGD_SM4_ECB, &[]);

    let begun = a.begin_agreement(SGD_SM4_ECB, b"a").unwrap();
    let initiator = party(0, *begun.temporary_key(), b"a");
    let (temporary, key_of_b) = b.answer_agreement(SGD_SM4_ECB, &initiator, b"b").unwrap();
    let key_of_a = begun.finish(&party(1, temporary, b"b")).unwrap();
    key_of_a.encrypt_init(&parameters).unwrap();
    key_of_b.decrypt_init(&parameters).unwrap();
    let sealed = key_of_a.encrypt(b"sixteen bytes ok").unwrap();
    assert_eq!(key_of_b.decrypt(&sealed).unwrap(), b"sixteen bytes ok");

    let begun = a.begin_agreement(SGD_SM4_ECB, b"a").unwrap();
    let initiator = party(0, *begun.temporary_key(), b"a");
    let (temporary, key_of_b) = b.answer_agreement(SGD_SM4_ECB, &initiator, b"b").unwrap();
    let key_of_a = begun.finish(&party(1, temporary, b"somebody else")).unwrap();
    key_of_a.encrypt_init(&parameters).unwrap();
    key_of_b.decrypt_init(&parameters).unwrap();
    let sealed = key_of_a.encrypt(b"sixteen bytes ok").unwrap();
    assert_ne!(key_of_b.decrypt(&sealed).unwrap(), b"sixteen bytes ok");
}

#[test]
fn an_agreement_wants_the_pin_an_encryption_pair_and_true_points() {
    let device = issued();
    let pairs = pairs();
    let container = ready(&device, &pairs[0]);
    let off = EccPublicKey { x: [1; 32], y: [2; 32] };
    let wrong = Party { public_key: pairs[1].1, temporary_key: off, id: b"b" };
    let error = container.begin_agreement(SGD_SM4_ECB, b"a").unwrap().finish(&wrong).unwrap_err();
    assert_eq!(error.status(), Some(Status::AGREEMENT_DATA_FAILED), "{error}");
    assert!(container.answer_agreement(SGD_SM4_ECB, &wrong, b"a").is_err());
    let error = container.begin_agreement(0x101, b"a").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error}");

    let empty = container.application().create_container("EMPTY").unwrap();
    empty.generate_key_pair().unwrap();
    let error = empty.begin_agreement(SGD_SM4_ECB, b"a").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoKeyPair), "{error}");
    assert!(empty.public_key(KeyUse::Sign).is_ok());

    let begun = container.begin_agreement(SGD_SM4_ECB, b"a").unwrap();
    container.application().clear_secure_state().unwrap();
    let right = Party { public_key: pairs[1].1, temporary_key: pairs[1].1, id: b"b" };
    let error = begun.finish(&right).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotLoggedIn), "{error}");
}
