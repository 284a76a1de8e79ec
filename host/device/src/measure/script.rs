//! Every command of the table, in an order that reaches each.

use ukey_apdu::command::{
    CipherParameters, CreateApplication, DigestAlgorithm, EccPublicKey, EnvelopedKeyPair, FileInfo, KeyUse,
    Party, PinType, Rights, SGD_SM4_CBC, SGD_SM4_CFB, SGD_SM4_ECB, SGD_SM4_MAC, SGD_SM4_OFB, SignInput,
    Signer,
};
use ukey_apdu::pin::{DeviceKey, NotAPin, Pin};

use super::MeasureError;
use crate::application::Application;
use crate::container::Container;
use crate::device::Device;
use crate::session_key::SessionKey;

/// The identity that GM/T 0009 gives those who have none.
const ID: &[u8] = b"1234567812345678";
const FACTORY_KEY: DeviceKey = DeviceKey(*b"1234567812345678");
const NEW_KEY: DeviceKey = DeviceKey(*b"8765432187654321");
const ADMIN: &str = "87654321";
const USER: &str = "12345678";
const NEW_USER: &str = "23456789";

/// The data of a long command.
const LONG: [u8; 1024] = [0x5A; 1024];
/// What one envelope carries.
const SHORT: &[u8] = LONG.split_at(480).0;
/// The longest certificate.
const CERTIFICATE: [u8; 4000] = [0x30; 4000];
const DIGEST: [u8; 32] = [7; 32];
const IV: [u8; 16] = [3; 16];

/// The private key 1 and its public key, the base point of SM2 (GM/T 0003.5).
const PRIVATE: [u8; 32] = *b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01";
const PUBLIC: EccPublicKey = EccPublicKey {
    x: *b"\x32\xC4\xAE\x2C\x1F\x19\x81\x19\x5F\x99\x04\x46\x6A\x39\xC9\x94\x8F\xE3\x0B\xBF\xF2\x66\x0B\xE1\x71\x5A\x45\x89\x33\x4C\x74\xC7",
    y: *b"\xBC\x37\x36\xA2\xF4\xF6\x77\x9C\x59\xBD\xCE\xE3\x6B\x69\x21\x53\xD0\xA9\x87\x7C\xC6\x2A\x47\x40\x02\xDF\x32\xE5\x21\x39\xF0\xA0",
};

/// Says which form of a command comes now, where one command has several.
pub(super) type Form<'f> = &'f dyn Fn(&'static str);

/// Carries out every command, on a token as it leaves the factory.
pub(super) fn run(device: &Device, form: Form<'_>) -> Result<(), MeasureError> {
    issue(device)?;
    let application = device.open_application("UKEY")?;
    pins(&application)?;
    let container = key_pairs(device, &application, form)?;
    sm2(device, &container, form)?;
    agreements(&container)?;
    session_keys(device, &container, form)?;
    digests(device, form)?;
    files(&application, form)?;
    device.reconnect()?;
    end(device)
}

fn pin(text: &str) -> Result<Pin, NotAPin> {
    Pin::new(text.as_bytes())
}

fn issue(device: &Device) -> Result<(), MeasureError> {
    device.info()?;
    device.set_label("示例科技有限公司")?;
    device.random(128)?;
    device.authenticate(&FACTORY_KEY)?;
    device.change_device_key(&FACTORY_KEY, &NEW_KEY)?;
    device.authenticate(&NEW_KEY)?;
    device.create_application(&CreateApplication {
        name: b"UKEY",
        admin_pin: pin(ADMIN)?,
        admin_retries: 10,
        user_pin: pin(USER)?,
        user_retries: 10,
        create_file: Rights::USER,
        max_containers: 8,
        max_certificates: 16,
        max_files: 8,
    })?;
    device.applications()?;
    Ok(())
}

fn pins(application: &Application<'_>) -> Result<(), MeasureError> {
    application.pin_info(PinType::User)?;
    application.verify_pin(PinType::User, &pin(USER)?)?;
    application.change_pin(PinType::User, &pin(USER)?, &pin(NEW_USER)?)?;
    application.unblock_pin(&pin(ADMIN)?, &pin(USER)?)?;
    application.clear_secure_state()?;
    application.verify_pin(PinType::User, &pin(USER)?)?;
    Ok(())
}

/// A container with both key pairs and both certificates. The token plays the authority that brings the second pair: it
/// makes the symmetric key of the envelope and seals it for the first.
fn key_pairs<'d>(
    device: &'d Device,
    application: &Application<'d>,
    form: Form<'_>,
) -> Result<Container<'d>, MeasureError> {
    let container = application.create_container("DEV")?;
    let sign_key = container.generate_key_pair()?;
    let (sealed, symmetric) = container.export_session_key(SGD_SM4_ECB, &sign_key)?;
    symmetric.encrypt_init(&CipherParameters::new(SGD_SM4_ECB, &[]))?;
    form("32 bytes");
    let encrypted_private_key = &symmetric.encrypt(&PRIVATE)?;
    symmetric.destroy()?;
    container.import_key_pair(&EnvelopedKeyPair {
        version: 1,
        algorithm: SGD_SM4_ECB,
        encrypted_private_key,
        public_key: PUBLIC,
        wrapped_key: sealed.as_block(),
    })?;
    form("4000 bytes");
    for key_use in [KeyUse::Sign, KeyUse::Encrypt] {
        container.import_certificate(key_use, &CERTIFICATE)?;
        container.export_certificate(key_use)?;
        container.public_key(key_use)?;
    }
    container.info()?;
    application.containers()?;
    container.close()?;
    device.info()?;
    Ok(application.open_container("DEV")?)
}

fn sm2(device: &Device, container: &Container<'_>, form: Form<'_>) -> Result<(), MeasureError> {
    let public = container.public_key(KeyUse::Sign)?;
    form("digest");
    let signature = container.sign_digest(&DIGEST)?;
    device.verify(&public, SignInput::Digest(DIGEST), &signature)?;
    form("message, 1024 bytes");
    let signature = container.sign_message(ID, &LONG)?;
    device.verify(&public, SignInput::Message { id: ID, message: &LONG }, &signature)?;
    device.sign(&PRIVATE, &DIGEST)?;
    form("1024 bytes");
    let sealed = device.encrypt(&PUBLIC, &LONG)?;
    device.decrypt(&PRIVATE, &sealed.as_block())?;
    Ok(())
}

/// The container agrees with itself.
fn agreements(container: &Container<'_>) -> Result<(), MeasureError> {
    let begun = container.begin_agreement(SGD_SM4_CBC, ID)?;
    let initiator = Party { public_key: PUBLIC, temporary_key: *begun.temporary_key(), id: ID };
    let (temporary_key, theirs) = container.answer_agreement(SGD_SM4_CBC, &initiator, ID)?;
    let ours = begun.finish(&Party { public_key: PUBLIC, temporary_key, id: ID })?;
    theirs.destroy()?;
    ours.destroy()?;
    Ok(())
}

fn session_keys(device: &Device, container: &Container<'_>, form: Form<'_>) -> Result<(), MeasureError> {
    let (sealed, made) = container.export_session_key(SGD_SM4_CBC, &PUBLIC)?;
    made.export(&PUBLIC)?;
    made.destroy()?;
    container.import_session_key(SGD_SM4_CBC, &sealed.as_block())?.destroy()?;
    let key = device.set_symmetric_key(SGD_SM4_CBC, &[9; 16])?;
    for (name, algorithm) in [
        ("ECB, 480 bytes", SGD_SM4_ECB),
        ("CBC, 480 bytes", SGD_SM4_CBC),
        ("CFB, 480 bytes", SGD_SM4_CFB),
        ("OFB, 480 bytes", SGD_SM4_OFB),
    ] {
        form(name);
        let iv = if algorithm == SGD_SM4_ECB { &[][..] } else { &IV };
        mode(&key, &CipherParameters::new(algorithm, iv))?;
    }
    form("480 bytes");
    let parameters = CipherParameters::new(SGD_SM4_MAC, &IV);
    key.mac_init(&parameters)?;
    key.mac(SHORT)?;
    key.mac_init(&parameters)?;
    key.mac_update(SHORT)?;
    key.mac_final()?;
    key.destroy()?;
    Ok(())
}

fn mode(key: &SessionKey<'_>, parameters: &CipherParameters<'_>) -> Result<(), MeasureError> {
    key.encrypt_init(parameters)?;
    let sealed = key.encrypt(SHORT)?;
    key.decrypt_init(parameters)?;
    key.decrypt(&sealed)?;
    key.encrypt_init(parameters)?;
    key.encrypt_update(SHORT)?;
    key.encrypt_final()?;
    key.decrypt_init(parameters)?;
    key.decrypt_update(&sealed)?;
    key.decrypt_final()?;
    Ok(())
}

fn digests(device: &Device, form: Form<'_>) -> Result<(), MeasureError> {
    for (name, algorithm) in [
        ("SM3, 480 bytes", DigestAlgorithm::Sm3),
        ("SHA-1, 480 bytes", DigestAlgorithm::Sha1),
        ("SHA-256, 480 bytes", DigestAlgorithm::Sha256),
    ] {
        form(name);
        let signer = Signer { public_key: PUBLIC, id: ID };
        let signer = (algorithm == DigestAlgorithm::Sm3).then_some(signer);
        device.digest_init(algorithm, signer)?.digest(SHORT)?;
        let digest = device.digest_init(algorithm, None)?;
        digest.update(SHORT)?;
        digest.finish()?;
    }
    Ok(())
}

fn files(application: &Application<'_>, form: Form<'_>) -> Result<(), MeasureError> {
    let size = u32::try_from(LONG.len()).unwrap_or(u32::MAX);
    application.create_file("F", FileInfo { size, read: Rights::USER, write: Rights::USER })?;
    application.files()?;
    application.file_info("F")?;
    form("1024 bytes");
    application.write_file("F", 0, &LONG)?;
    application.read_file("F", 0, size)?;
    application.delete_file("F")?;
    Ok(())
}

fn end(device: &Device) -> Result<(), MeasureError> {
    let application = device.open_application("UKEY")?;
    application.verify_pin(PinType::User, &pin(USER)?)?;
    application.delete_container("DEV")?;
    application.close()?;
    device.authenticate(&NEW_KEY)?;
    device.delete_application("UKEY")?;
    Ok(())
}
