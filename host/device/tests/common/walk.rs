//! A session that uses nearly every command once: above all those that carry a secret.

use ukey_device::FileInfo;
use ukey_device::{
    CipherParameters, Device, DeviceKey, DigestAlgorithm, EccPublicKey, EnvelopedKeyPair, KeyUse, Party,
    PinType, Rights, SGD_SM4_CBC, SGD_SM4_ECB, SGD_SM4_MAC, SignInput, Signer,
};

use super::{ADMIN, APPLICATION, FACTORY_KEY, USER, issue, pin};

/// The device key that a walk sets.
pub(crate) const NEW_KEY: DeviceKey = DeviceKey(*b"a key of our own");
/// The user PIN that a walk sets.
pub(crate) const NEW: &str = "24681357";
/// The identity of every signer.
pub(crate) const ID: &[u8] = b"zhangsan@example";
/// What is written to a file.
pub(crate) const CONTENT: &[u8] =
    b"what nobody is to read in a trace, long enough to be found there if it were";
/// What is signed and encrypted.
pub(crate) const MESSAGE: &[u8] = b"a contract between two parties, and nobody else's business at all";
/// A symmetric key in clear.
pub(crate) const SYMMETRIC: [u8; 16] =
    [0x17, 0x2A, 3, 0x44, 0x5B, 6, 0x77, 8, 0x99, 0xA, 0xBB, 0xC, 0xDD, 0xE, 0xFF, 1];

/// A key pair of GB/T 32918.5-2017 annex A.
pub(crate) fn pair() -> ([u8; 32], EccPublicKey) {
    let number = |text: &str| hex::decode(text).unwrap().try_into().unwrap();
    let x = number("09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020");
    let y = number("ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13");
    (number("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"), EccPublicKey { x, y })
}

/// Issues a factory token, and walks.
pub(crate) fn walk(device: &Device) {
    device.set_label("traced").unwrap();
    issue(device, USER, ADMIN);
    device.change_device_key(&FACTORY_KEY, &NEW_KEY).unwrap();
    device.authenticate(&NEW_KEY).unwrap();
    device.random(40).unwrap();
    pins(device);
    files(device);
    keys(device);
    outside(device);
    let application = device.open_application(APPLICATION).unwrap();
    application.delete_container("DEV").unwrap();
    application.clear_secure_state().unwrap();
    application.close().unwrap();
    device.delete_application("NONE").unwrap_err();
}

fn pins(device: &Device) {
    let application = device.open_application(APPLICATION).unwrap();
    application.verify_pin(PinType::User, &pin("87654320")).unwrap_err();
    application.verify_pin(PinType::User, &pin(USER)).unwrap();
    application.change_pin(PinType::User, &pin(USER), &pin(NEW)).unwrap();
    application.verify_pin(PinType::User, &pin(NEW)).unwrap();
    application.unblock_pin(&pin(ADMIN), &pin(NEW)).unwrap();
    application.verify_pin(PinType::Administrator, &pin(ADMIN)).unwrap();
    application.pin_info(PinType::User).unwrap();
    application.verify_pin(PinType::User, &pin(NEW)).unwrap();
}

fn files(device: &Device) {
    let application = device.open_application(APPLICATION).unwrap();
    let info = FileInfo { size: 200, read: Rights::USER, write: Rights::USER };
    application.create_file("notes", info).unwrap();
    application.write_file("notes", 3, CONTENT).unwrap();
    assert_eq!(application.read_file("notes", 3, 75).unwrap(), CONTENT);
    application.file_info("notes").unwrap();
    application.files().unwrap();
    application.delete_file("notes").unwrap();
}

fn keys(device: &Device) {
    let application = device.open_application(APPLICATION).unwrap();
    let container = application.create_container("DEV").unwrap();
    let sign_key = container.generate_key_pair().unwrap();
    let signature = container.sign_message(ID, MESSAGE).unwrap();
    let input = SignInput::Message { id: ID, message: MESSAGE };
    assert!(device.verify(&sign_key, input, &signature).unwrap());
    let digest =
        device.digest_init(DigestAlgorithm::Sm3, Some(Signer { public_key: sign_key, id: ID })).unwrap();
    let digest: [u8; 32] = digest.digest(MESSAGE).unwrap().try_into().unwrap();
    let signature = container.sign_digest(&digest).unwrap();
    assert!(device.verify(&sign_key, SignInput::Digest(digest), &signature).unwrap());
    container.import_certificate(KeyUse::Sign, &[0x30; 700]).unwrap();
    assert_eq!(container.export_certificate(KeyUse::Sign).unwrap().unwrap().len(), 700);
    assert_eq!(container.public_key(KeyUse::Sign).unwrap(), sign_key);

    let symmetric = device.set_symmetric_key(SGD_SM4_ECB, &SYMMETRIC).unwrap();
    symmetric.encrypt_init(&CipherParameters::new(SGD_SM4_ECB, &[])).unwrap();
    let encrypted_private_key = symmetric.encrypt(&pair().0).unwrap();
    symmetric.destroy().unwrap();
    let wrapped = device.encrypt(&sign_key, &SYMMETRIC).unwrap();
    let key_pair = EnvelopedKeyPair {
        version: 1,
        algorithm: SGD_SM4_ECB,
        encrypted_private_key: &encrypted_private_key,
        public_key: pair().1,
        wrapped_key: wrapped.as_block(),
    };
    container.import_key_pair(&key_pair).unwrap();
    let encryption_key = container.public_key(KeyUse::Encrypt).unwrap();

    let (sealed, key) = container.export_session_key(SGD_SM4_CBC, &encryption_key).unwrap();
    let parameters = CipherParameters::new(SGD_SM4_CBC, &[7; 16]).padded();
    key.encrypt_init(&parameters).unwrap();
    let encrypted = key.encrypt(MESSAGE).unwrap();
    let twin = container.import_session_key(SGD_SM4_CBC, &sealed.as_block()).unwrap();
    twin.decrypt_init(&parameters).unwrap();
    assert_eq!(twin.decrypt(&encrypted).unwrap(), MESSAGE);
    twin.export(&encryption_key).unwrap();
    key.mac_init(&CipherParameters::new(SGD_SM4_MAC, &[0; 16])).unwrap();
    key.mac(&MESSAGE[..64]).unwrap();
    key.destroy().unwrap();

    let begun = container.begin_agreement(SGD_SM4_ECB, b"a").unwrap();
    let other = Party { public_key: encryption_key, temporary_key: pair().1, id: b"b" };
    begun.finish(&other).unwrap().destroy().unwrap();
    let (_, agreed) = container.answer_agreement(SGD_SM4_ECB, &other, b"a").unwrap();
    agreed.destroy().unwrap();
    container.info().unwrap();
    container.close().unwrap();
    let container = application.open_container("DEV").unwrap();
    application.containers().unwrap();
    container.close().unwrap();
}

/// With keys from outside.
fn outside(device: &Device) {
    let (private_key, public_key) = pair();
    let sealed = device.encrypt(&public_key, MESSAGE).unwrap();
    assert_eq!(*device.decrypt(&private_key, &sealed.as_block()).unwrap(), MESSAGE);
    device.sign(&private_key, &[0x5A; 32]).unwrap();
}
