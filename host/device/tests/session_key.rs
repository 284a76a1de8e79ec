//! Session keys and digests as a program uses them: what comes out, and what is said where it cannot.

mod common;

use common::{BEHIND_LIBRARY, fresh, issued, log_in};
use ukey_device::{
    CipherParameters, Container, Device, DigestAlgorithm, EccPublicKey, EnvelopedKeyPair, Error, ErrorKind,
    KeyUse, SGD_SM4_CBC, SGD_SM4_CFB, SGD_SM4_ECB, SGD_SM4_MAC, SGD_SM4_OFB, SessionKey, Signer, Status,
};

const KEY: [u8; 16] =
    [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10];
const IV: [u8; 16] = [7; 16];
const CBC: CipherParameters<'static> = CipherParameters::new(SGD_SM4_CBC, &IV);

fn factory() -> Device {
    fresh(1)
}

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// A key pair of GB/T 32918.5-2017 annex A.
fn standard_pair() -> (Vec<u8>, EccPublicKey) {
    let x = hex("09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020");
    let y = hex("ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13");
    let d = hex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8");
    (d, EccPublicKey { x: x.try_into().unwrap(), y: y.try_into().unwrap() })
}

/// Gives a container an encryption pair. The token itself plays the authority: it makes the symmetric key of the
/// envelope, seals it for the sign pair, and encrypts the private key with it.
fn bring_encryption_pair(container: &Container<'_>) {
    let sign_key = container.generate_key_pair().unwrap();
    let (d, public_key) = standard_pair();
    let (sealed, symmetric) = container.export_session_key(SGD_SM4_ECB, &sign_key).unwrap();
    symmetric.encrypt_init(&CipherParameters::new(SGD_SM4_ECB, &[])).unwrap();
    let encrypted_private_key = &symmetric.encrypt(&d).unwrap();
    symmetric.destroy().unwrap();
    let (version, algorithm, wrapped_key) = (1, SGD_SM4_ECB, sealed.as_block());
    container
        .import_key_pair(&EnvelopedKeyPair {
            version,
            algorithm,
            encrypted_private_key,
            public_key,
            wrapped_key,
        })
        .unwrap();
}

fn encrypt(key: &SessionKey<'_>, parameters: &CipherParameters<'_>, data: &[u8]) -> Vec<u8> {
    key.encrypt_init(parameters).unwrap();
    key.encrypt(data).unwrap()
}

fn decrypt(key: &SessionKey<'_>, parameters: &CipherParameters<'_>, data: &[u8]) -> Vec<u8> {
    key.decrypt_init(parameters).unwrap();
    key.decrypt(data).unwrap()
}

fn is_kind(error: &Error, expected: fn(&ErrorKind) -> bool, status: Status) {
    assert!(expected(error.kind()), "{error}");
    assert_eq!(error.status(), Some(status), "{error}");
    assert!(!error.message_zh().is_empty() && error.help().is_some() && error.help_zh().is_some(), "{error}");
}

#[test]
fn a_key_set_in_clear_gives_the_standards_example() {
    let device = factory();
    let key = device.set_symmetric_key(SGD_SM4_ECB, &KEY).unwrap();
    let ecb = CipherParameters::new(SGD_SM4_ECB, &[]);
    assert_eq!(encrypt(&key, &ecb, &KEY), hex("681edf34d206965e86b3e94f536e4246"));
    assert_eq!(decrypt(&key, &ecb, &hex("681edf34d206965e86b3e94f536e4246")), KEY);
    let shown: String = device.trace().iter().map(|traced| format!("{traced:?}\n")).collect();
    assert!(shown.contains("ImportSymmKey device SM4-ECB key ‹redacted›"), "{shown}");
    assert!(!shown.contains(&hex::encode(KEY)) && !shown.contains("681edf34"), "{shown}");
}

#[test]
fn data_of_any_length_go_through() {
    let device = factory();
    for algorithm in [SGD_SM4_ECB, SGD_SM4_CBC, SGD_SM4_CFB, SGD_SM4_OFB] {
        let key = device.set_symmetric_key(algorithm, &KEY).unwrap();
        let padded = CipherParameters::new(algorithm, &IV).padded();
        for length in [0, 1, 16, 495, 496, 497, 10_000] {
            let data: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let sealed = encrypt(&key, &padded, &data);
            assert_eq!(sealed.len(), (length / 16 + 1) * 16);
            assert_eq!(decrypt(&key, &padded, &sealed), data);
            key.encrypt_init(&padded).unwrap();
            let cut = length / 3;
            let mut joined = key.encrypt_update(&data[..cut]).unwrap();
            joined.extend(key.encrypt_update(&data[cut..]).unwrap());
            joined.extend(key.encrypt_final().unwrap());
            assert_eq!(joined, sealed, "{algorithm:X} {length}");
            key.decrypt_init(&padded).unwrap();
            let mut joined = key.decrypt_update(&sealed[..cut]).unwrap();
            joined.extend(key.decrypt_update(&sealed[cut..]).unwrap());
            joined.extend(key.decrypt_final().unwrap());
            assert_eq!(joined, data, "{algorithm:X} {length}");
        }
    }
}

#[test]
fn a_key_serves_any_mode_of_its_cipher() {
    let device = factory();
    let key = device.set_symmetric_key(SGD_SM4_ECB, &KEY).unwrap();
    let begun = key.encrypt_init(&CBC);
    if BEHIND_LIBRARY {
        // SKF_EncryptInit names no mode: it is that of the key.
        let error = begun.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error}");
    } else {
        begun.unwrap();
        let sealed = key.encrypt(&KEY).unwrap();
        let cbc = device.set_symmetric_key(SGD_SM4_CBC, &KEY).unwrap();
        assert_eq!(decrypt(&cbc, &CBC, &sealed), KEY);
    }
}

#[test]
fn a_mac_is_the_last_block_of_an_encryption() {
    let device = factory();
    let key = device.set_symmetric_key(SGD_SM4_MAC, &KEY).unwrap();
    let cbc = device.set_symmetric_key(SGD_SM4_CBC, &KEY).unwrap();
    for length in [16, 496, 512, 8000] {
        let data = vec![0x5A; length];
        let sealed = encrypt(&cbc, &CBC, &data);
        key.mac_init(&CipherParameters::new(SGD_SM4_MAC, &IV)).unwrap();
        let mac = key.mac(&data).unwrap();
        assert_eq!(mac, sealed[length - 16..]);
        key.mac_init(&CBC).unwrap();
        data.chunks(7).for_each(|part| key.mac_update(part).unwrap());
        assert_eq!(key.mac_final().unwrap(), mac);
    }
    key.mac_init(&CBC).unwrap();
    for data in [&[1; 15][..], &[1; 501], &[]] {
        let error = key.mac(data).unwrap_err();
        is_kind(&error, |kind| matches!(kind, ErrorKind::WrongLength), Status::WRONG_LENGTH);
        key.mac_init(&CBC).unwrap();
    }
}

#[test]
fn what_is_out_of_order_says_so() {
    let device = factory();
    let key = device.set_symmetric_key(SGD_SM4_CBC, &KEY).unwrap();
    let not_begun = |error: Error| {
        is_kind(&error, |kind| matches!(kind, ErrorKind::NotBegun), Status::CONDITIONS_NOT_SATISFIED);
        assert_eq!(error.message_zh(), "运算尚未初始化");
    };
    not_begun(key.encrypt(&KEY).unwrap_err());
    not_begun(key.encrypt_update(b"").unwrap_err());
    not_begun(key.encrypt_final().unwrap_err());
    key.encrypt_init(&CBC).unwrap();
    not_begun(key.decrypt(&KEY).unwrap_err());
    not_begun(key.decrypt_update(&KEY).unwrap_err());
    not_begun(key.decrypt_final().unwrap_err());
    not_begun(key.mac(&KEY).unwrap_err());
    not_begun(key.mac_update(&KEY).unwrap_err());
    not_begun(key.mac_final().unwrap_err());
    let error = key.encrypt(&KEY[..15]).unwrap_err();
    is_kind(&error, |kind| matches!(kind, ErrorKind::WrongLength), Status::WRONG_LENGTH);
    key.encrypt(&KEY).unwrap();
    not_begun(key.encrypt(&KEY).unwrap_err());
}

#[test]
fn parameters_that_do_not_fit_are_refused() {
    let device = factory();
    let error = device.set_symmetric_key(0x101, &KEY).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error}");
    let error = device.set_symmetric_key(SGD_SM4_CBC, &KEY[..15]).unwrap_err();
    assert_eq!(
        (error.status(), error.command()),
        (Some(Status::WRONG_DATA), Some("ImportSymmKey")),
        "{error}"
    );
    let key = device.set_symmetric_key(SGD_SM4_CBC, &KEY).unwrap();
    let error = key.encrypt_init(&CipherParameters::new(SGD_SM4_CBC, &IV[..8])).unwrap_err();
    assert_eq!(error.status(), Some(Status::WRONG_DATA), "{error}");
    let error = key.mac_init(&CipherParameters::new(SGD_SM4_OFB, &IV)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error}");
}

#[test]
fn a_key_ends_when_it_is_destroyed_and_with_the_power() {
    let device = factory();
    let key = device.set_symmetric_key(SGD_SM4_CBC, &KEY).unwrap();
    let same = key.clone();
    key.destroy().unwrap();
    let error = same.encrypt_init(&CBC).unwrap_err();
    is_kind(&error, |kind| matches!(kind, ErrorKind::NoSuchKey), Status::NO_SYMMETRIC_KEY);
    let error = same.destroy().unwrap_err();
    is_kind(&error, |kind| matches!(kind, ErrorKind::NoSuchKey), Status::NO_SYMMETRIC_KEY);
    let key = device.set_symmetric_key(SGD_SM4_CBC, &KEY).unwrap();
    device.reconnect().unwrap();
    let again = device.set_symmetric_key(SGD_SM4_CBC, &[9; 16]).unwrap();
    let error = key.encrypt_init(&CBC).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Stale), "its id may be another key's now: {error}");
    again.encrypt_init(&CBC).unwrap();
}

#[test]
fn a_full_token_says_what_to_destroy() {
    let device = factory();
    let keys: Vec<_> = (0..8).map(|_| device.set_symmetric_key(SGD_SM4_CBC, &KEY).unwrap()).collect();
    let error = device.set_symmetric_key(SGD_SM4_CBC, &KEY).unwrap_err();
    is_kind(&error, |kind| matches!(kind, ErrorKind::NoSpace), Status::NO_SPACE);
    assert!(error.help().unwrap().contains("session keys"), "{error}");
    keys.into_iter().next().unwrap().destroy().unwrap();
    device.set_symmetric_key(SGD_SM4_CBC, &KEY).unwrap();
}

#[test]
fn a_key_travels_sealed_from_one_token_to_another() {
    let (here, there) = (issued(), issued());
    let receiver = log_in(&there).create_container("收").unwrap();
    bring_encryption_pair(&receiver);
    let to = receiver.public_key(KeyUse::Encrypt).unwrap();
    assert_eq!(to, standard_pair().1);

    let sender = log_in(&here).create_container("发").unwrap();
    let (sealed, mine) = sender.export_session_key(SGD_SM4_CBC, &to).unwrap();
    let theirs = receiver.import_session_key(SGD_SM4_CBC, &sealed.as_block()).unwrap();
    let text = "示例科技有限公司".as_bytes();
    let secret = encrypt(&mine, &CBC.padded(), text);
    assert_eq!(decrypt(&theirs, &CBC.padded(), &secret), text);

    let again = mine.export(&to).unwrap();
    assert_ne!(again, sealed, "an encryption is random");
    let same = receiver.import_session_key(SGD_SM4_CBC, &again.as_block()).unwrap();
    assert_eq!(decrypt(&same, &CBC.padded(), &secret), text);

    let mut spoilt = sealed.clone();
    spoilt.hash[0] ^= 1;
    let error = receiver.import_session_key(SGD_SM4_CBC, &spoilt.as_block()).unwrap_err();
    assert_eq!(error.status(), Some(Status::DECRYPTION_FAILED), "{error}");
    let error = sender.import_session_key(SGD_SM4_CBC, &sealed.as_block()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoKeyPair), "{error}");
    assert_eq!(error.container(), Some("发"));
}

#[test]
fn making_and_importing_a_key_wants_the_pin_and_using_it_does_not() {
    let device = issued();
    let application = log_in(&device);
    let container = application.create_container("A").unwrap();
    bring_encryption_pair(&container);
    let to = container.public_key(KeyUse::Encrypt).unwrap();
    let (sealed, key) = container.export_session_key(SGD_SM4_CBC, &to).unwrap();
    application.clear_secure_state().unwrap();
    for error in [
        container.export_session_key(SGD_SM4_CBC, &to).unwrap_err(),
        container.import_session_key(SGD_SM4_CBC, &sealed.as_block()).unwrap_err(),
        key.export(&to).unwrap_err(),
    ] {
        is_kind(&error, |kind| matches!(kind, ErrorKind::NotLoggedIn), Status::SECURITY_NOT_SATISFIED);
    }
    encrypt(&key, &CBC, &KEY);
    let off_curve = EccPublicKey { x: [1; 32], y: [1; 32] };
    let error = log_in(&device).open_container("A").unwrap().export_session_key(SGD_SM4_CBC, &off_curve);
    assert_eq!(error.unwrap_err().status(), Some(Status::ENCRYPTION_FAILED));
}

#[test]
fn digests_in_one_and_in_parts() {
    let device = factory();
    let known = [
        (DigestAlgorithm::Sm3, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (DigestAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (DigestAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ];
    for (algorithm, expected) in known {
        let digest = device.digest_init(algorithm, None).unwrap();
        assert_eq!(digest.digest(b"abc").unwrap(), hex(expected));
        let digest = device.digest_init(algorithm, None).unwrap();
        b"abc".iter().for_each(|byte| digest.update(&[*byte]).unwrap());
        assert_eq!(digest.finish().unwrap(), hex(expected));
        let long = vec![b'a'; 20_000];
        let whole = device.digest_init(algorithm, None).unwrap().digest(&long).unwrap();
        let digest = device.digest_init(algorithm, None).unwrap();
        long.chunks(777).for_each(|part| digest.update(part).unwrap());
        assert_eq!(digest.finish().unwrap(), whole);
    }
    let signer = Signer { public_key: standard_pair().1, id: b"1234567812345678" };
    let digest = device.digest_init(DigestAlgorithm::Sm3, Some(signer)).unwrap();
    let e = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640";
    assert_eq!(digest.digest(b"message digest").unwrap(), hex(e), "GB/T 32918.5-2017 annex A.2");
    let error = device.digest_init(DigestAlgorithm::Sha256, Some(signer)).unwrap_err();
    assert_eq!(error.status(), Some(Status::WRONG_DATA), "{error}");
}

#[test]
fn a_digest_is_over_when_it_has_ended_another_has_begun_or_the_power_went() {
    let device = factory();
    let begin = || device.digest_init(DigestAlgorithm::Sm3, None).unwrap();
    let digest = begin();
    digest.digest(b"abc").unwrap();
    let not_begun = |error: Error| {
        is_kind(&error, |kind| matches!(kind, ErrorKind::NotBegun), Status::CONDITIONS_NOT_SATISFIED);
    };
    not_begun(digest.digest(b"abc").unwrap_err());
    not_begun(digest.update(b"abc").unwrap_err());
    not_begun(digest.finish().unwrap_err());
    let first = begin();
    let second = begin();
    let error = first.update(b"abc").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Replaced), "{error}");
    assert_eq!(error.message_zh(), "已开始另一次摘要运算");
    second.digest(b"abc").unwrap();
    let before = begin();
    device.reconnect().unwrap();
    assert!(matches!(before.finish().unwrap_err().kind(), ErrorKind::Stale));
}
