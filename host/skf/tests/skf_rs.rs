//! The library as the crate `skf-rs` uses it, a client that was written without it.

mod common;

use std::sync::OnceLock;
use std::time::Duration;

use common::{PAIR, TOKENS};
use skf_rs::spec::algorithm::{SGD_SM2_1, SGD_SM4_CBC, SGD_SM4_ECB};
use skf_rs::{
    AppAttr, BlockCipherParameter, DeviceManager, Engine, EnvelopedKeyData, FILE_PERM_EVERYONE, FileAttr,
    LibLoader, PIN_TYPE_ADMIN, PIN_TYPE_USER, SkfApp, SkfDevice,
};

const KEY: &[u8; 16] = b"1234567812345678";

/// The library of this process, found as programs find it.
fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        common::library();
        Engine::new(LibLoader::of_library_file(common::path().to_str().unwrap()).unwrap())
    })
}

fn manager() -> Box<dyn DeviceManager + Send + Sync> {
    engine().device_manager().unwrap()
}

/// A token that no other test has.
fn device() -> Box<dyn SkfDevice> {
    let name = common::token();
    manager().connect(std::str::from_utf8(&name[..name.len() - 1]).unwrap()).unwrap()
}

fn plain() -> BlockCipherParameter {
    BlockCipherParameter::default()
}

/// SM4 by the device itself.
fn sm4(device: &dyn SkfDevice, data: &[u8], parameter: &BlockCipherParameter) -> Vec<u8> {
    let key = device.set_symmetric_key(SGD_SM4_ECB, KEY).unwrap();
    let cipher = device.block_cipher().unwrap();
    cipher.encrypt_init(key.as_ref(), parameter).unwrap();
    cipher.encrypt(key.as_ref(), data, data.len() + 16).unwrap()
}

/// What its helper does with SM1, with SM4: the challenge is filled up and padded, so 32 bytes come out.
fn authenticate(device: &dyn SkfDevice) {
    let mut challenge = device.gen_random(8).unwrap();
    challenge.resize(16, 0);
    let padded = BlockCipherParameter { padding_type: 1, ..plain() };
    let data = sm4(device, &challenge, &padded);
    assert_eq!(data.len(), 32);
    device.device_auth(&data).unwrap();
}

fn application(device: &dyn SkfDevice) -> Box<dyn SkfApp> {
    let attributes = AppAttr {
        admin_pin: "87654321".to_owned(),
        admin_pin_retry_count: 8,
        user_pin: "12345678".to_owned(),
        user_pin_retry_count: 8,
        create_file_rights: FILE_PERM_EVERYONE,
    };
    device.create_app("APP", &attributes).unwrap()
}

#[test]
fn devices_are_found_and_tell_who_they_are() {
    let names = manager().enumerate_device_name(true).unwrap();
    assert_eq!(names.len(), TOKENS);
    assert_eq!(manager().device_state(&names[0]).unwrap(), 1);
    assert_eq!(manager().device_state("xx").unwrap(), 2);
    assert!(manager().connect("xx").is_err());
    let device = device();
    let info = device.info().unwrap();
    assert_eq!((info.serial_number.as_str(), info.dev_auth_alg_id), (device.name(), SGD_SM4_ECB));
    device.set_label("张三").unwrap();
    assert_eq!(device.info().unwrap().label, "张三");
    assert!(device.set_label(&"x".repeat(32)).is_err());
    device.lock(Some(Duration::from_millis(100))).unwrap();
    device.lock(None).unwrap();
    device.unlock().unwrap();
    device.unlock().unwrap();
    assert_eq!(device.gen_random(8).unwrap().len(), 8);
    assert_eq!(device.transmit(&[0x80, 0x50, 0, 0, 0, 0, 4], 512).unwrap().len(), 6);
}

#[test]
fn applications_pins_and_files() {
    let device = device();
    // It reads the two NULs of an empty list as one empty name.
    assert_eq!(device.enumerate_app_name().unwrap(), [""]);
    let not_yet = device.create_app("APP", &AppAttr::default());
    assert!(not_yet.is_err(), "without authentication");
    assert!(device.device_auth(&[0; 16]).is_err());
    authenticate(device.as_ref());
    let app = application(device.as_ref());
    assert_eq!(device.enumerate_app_name().unwrap(), ["APP"]);

    let error = app.verify_pin(PIN_TYPE_USER, "00000000").unwrap_err();
    assert!(format!("{error:?}").contains("count: 7"), "{error:?}");
    app.verify_pin(PIN_TYPE_USER, "12345678").unwrap();
    app.change_pin(PIN_TYPE_USER, "12345678", "new-pin").unwrap();
    app.unblock_pin("87654321", "12345678").unwrap();
    let info = app.pin_info(PIN_TYPE_USER).unwrap();
    assert_eq!((info.max_retry_count, info.remain_retry_count, info.default_pin), (8, 8, false));
    assert!(app.pin_info(PIN_TYPE_ADMIN).unwrap().default_pin);

    let file = FileAttr::builder().file_name("F").file_size(32);
    app.create_file(&file.read_rights(FILE_PERM_EVERYONE).write_rights(FILE_PERM_EVERYONE).build()).unwrap();
    assert_eq!(app.get_file_info("F").unwrap().file_size, 32);
    app.write_file("F", 0, &[0x31; 32]).unwrap();
    assert_eq!(app.read_file("F", 0, 32).unwrap(), [0x31; 32]);
    assert!(app.read_file("G", 0, 32).is_err());
    assert_eq!(app.enumerate_file_name().unwrap(), ["F"]);
    app.delete_file("F").unwrap();
    device.delete_app("APP").unwrap();
    assert!(device.open_app("APP").is_err());
}

#[test]
fn containers_sign_and_share_session_keys() {
    let device = device();
    authenticate(device.as_ref());
    let app = application(device.as_ref());
    assert!(app.create_container("C").is_err(), "before the user PIN");
    app.verify_pin(PIN_TYPE_USER, "12345678").unwrap();
    let container = app.create_container("C").unwrap();
    let sign_key = container.ecc_gen_key_pair(SGD_SM2_1).unwrap();
    assert_eq!(container.get_type().unwrap(), 2);
    assert_eq!(container.ecc_export_public_key(true).unwrap().len(), 132);
    let signature = container.ecc_sign(&[7; 32]).unwrap();
    device.ecc_verify(&sign_key, &[7; 32], &signature).unwrap();
    assert!(device.ecc_verify(&sign_key, &[8; 32], &signature).is_err());
    assert!(container.export_certificate(true).is_err());
    container.import_certificate(true, &[0x30; 256]).unwrap();
    assert_eq!(container.export_certificate(true).unwrap(), [0x30; 256]);

    // The encryption pair: a pair from outside, enveloped for the sign key.
    let [d, x, y] = PAIR.map(|text| hex::decode(text).unwrap());
    let pair = skf_api::native::types::ECCPublicKeyBlob::new_256(&x, &y);
    let mut encrypted_pri_key = [0; 64];
    encrypted_pri_key[..32].copy_from_slice(&sm4(device.as_ref(), &d, &plain()));
    let envelope = EnvelopedKeyData {
        version: 1,
        sym_alg_id: SGD_SM4_ECB,
        bits: 256,
        encrypted_pri_key,
        pub_key: pair,
        ecc_cipher: device.ext_ecc_encrypt(&sign_key, KEY).unwrap(),
    };
    container.ecc_import_key_pair(&envelope).unwrap();

    // A session key goes out and comes back.
    let (mine, sealed) = container.sk_export(SGD_SM4_CBC, &pair).unwrap();
    let length = u32::try_from(sealed.cipher.len()).unwrap().to_ne_bytes();
    let bytes = [&sealed.ec_x[..], &sealed.ec_y, &sealed.hash, &length, &sealed.cipher].concat();
    let theirs = container.sk_import(SGD_SM4_CBC, &bytes).unwrap();
    let cipher = engine().block_cipher().unwrap();
    let parameter = BlockCipherParameter { iv: vec![3; 16], padding_type: 1, feed_bit_len: 0 };
    cipher.encrypt_init(mine.as_ref(), &parameter).unwrap();
    let first = cipher.encrypt_update(mine.as_ref(), &[1; 20], 32).unwrap();
    let last = cipher.encrypt_final(mine.as_ref(), 32).unwrap();
    assert_eq!((first.len(), last.len()), (16, 16));
    cipher.decrypt_init(theirs.as_ref(), &parameter).unwrap();
    assert_eq!(cipher.decrypt(theirs.as_ref(), &[first, last].concat(), 32).unwrap(), [1; 20]);
    assert!(container.sk_import(SGD_SM4_CBC, &bytes[..179]).is_err());

    // Two containers agree on one.
    let (temporary, agreement) = container.sk_gen_agreement_data(SGD_SM4_ECB, b"client").unwrap();
    let (answer, theirs) = container
        .sk_gen_agreement_data_and_key(SGD_SM4_ECB, &pair, &temporary, b"client", b"server")
        .unwrap();
    let mine = device.ecc_gen_session_key(agreement.as_ref(), &pair, &answer, b"server").unwrap();
    let by = |key: &dyn skf_rs::ManagedKey| {
        cipher.encrypt_init(key, &plain()).unwrap();
        cipher.encrypt(key, &[9; 16], 16).unwrap()
    };
    assert_eq!(by(mine.as_ref()), by(theirs.as_ref()));
    app.delete_container("C").unwrap();
    assert!(app.open_container("C").is_err());
}

#[test]
fn keys_from_outside() {
    let device = device();
    let [d, x, y] = PAIR.map(|text| hex::decode(text).unwrap());
    let public = skf_api::native::types::ECCPublicKeyBlob::new_256(&x, &y);
    let private = skf_api::native::types::ECCPrivateKeyBlob::new_256(&d);
    let cipher = device.ext_ecc_encrypt(&public, b"Hello World").unwrap();
    assert_eq!(device.ext_ecc_decrypt(&private, &cipher).unwrap(), b"Hello World");
    let signature = device.ext_ecc_sign(&private, &[5; 32]).unwrap();
    device.ext_ecc_verify(&public, &[5; 32], &signature).unwrap();
    assert!(device.ext_ecc_verify(&public, &[6; 32], &signature).is_err());
    assert!(device.ext_ecc_sign(&private, b"Hello World").is_err(), "a digest has 32 bytes");
}

#[test]
fn a_wait_for_a_key_can_be_cancelled() {
    let manager = engine().device_manager_arc().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| manager.wait_plug_event());
        while !waiting.is_finished() {
            manager.cancel_wait_plug_event().unwrap();
            std::thread::yield_now();
        }
        assert!(waiting.join().unwrap().unwrap().is_none());
    });
}
