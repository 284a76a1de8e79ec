//! What a trace says of an exchange; it never shows a secret.

use ukey_apdu::command::*;
use ukey_apdu::describe::describe;
use ukey_apdu::envelope::Le;
use ukey_apdu::pin::Pin;

use crate::{GM, sent};

#[test]
fn a_line_says_what_happened() {
    let verify = VerifyPin { application: AppId(0x1000), pin_type: PinType::User, cryptogram: [0xCF; 16] };
    assert_eq!(
        describe(&sent(&verify), &[0x63, 0xC9], &GM).to_string(),
        "VerifyPin application 1000 user PIN ‹redacted› → 63C9 verification failed, 9 tries left"
    );
    assert_eq!(
        describe(
            &sent(&OpenApplication { name: b"UKEY" }),
            &hex::decode("000000ff08100000100090 00".replace(' ', "")).unwrap(),
            &GM
        )
        .to_string(),
        "OpenApplication \"UKEY\" → 9000 success, application 1000"
    );
    assert_eq!(
        describe(&sent(&EnumApplication), b"A\0B\0\0\x90\0", &GM).to_string(),
        "EnumApplication → 9000 success, \"A\", \"B\""
    );
    assert_eq!(
        describe(&[0xC0, 0x52, 0, 0], &[0x6E, 0], &GM).to_string(),
        "not a GM/T 0017 command, 4 bytes → 6E00 unknown class"
    );
    assert_eq!(describe(&[0x80, 0x58, 0, 0], &[], &GM).to_string(), "RSASignData 0 bytes → no answer");
}

#[test]
fn a_file_is_described_without_its_content() {
    let write = WriteFile { application: AppId(0x1000), name: b"SEAL", offset: 480, data: Data(b"S3cret") };
    let line = describe(&sent(&write), &[0x69, 0x82], &GM).to_string();
    assert_eq!(
        line,
        "WriteFile application 1000 \"SEAL\" 6 bytes from 480 → 6982 security status not satisfied: log in first"
    );
    assert!(!format!("{write:?}").contains("S3cret") && !format!("{write:?}").contains("83, 51"));
    let read = ReadFile { application: AppId(0x1000), name: b"SEAL", offset: 0, wanted: Le::Max };
    let line = describe(&sent(&read), b"S3cret\x90\x00", &GM).to_string();
    assert_eq!(line, "ReadFile application 1000 \"SEAL\" from 0 → 9000 success, 6 bytes");
    let answer = hex::decode("00000bb8000000ff000000109000").unwrap();
    let info = GetFileInfo { application: AppId(0x1000), name: b"SEAL" };
    assert_eq!(
        describe(&sent(&info), &answer, &GM).to_string(),
        "GetFileInfo application 1000 \"SEAL\" → 9000 success, 3000 bytes, read by anyone, written by the user"
    );
}

#[test]
fn no_secret_is_ever_shown() {
    let secret = Pin::new(b"S3cretPin!").unwrap();
    let create = CreateApplication {
        name: b"UKEY",
        admin_pin: secret.clone(),
        admin_retries: 10,
        user_pin: secret.clone(),
        user_retries: 10,
        create_file: Rights::USER,
        max_containers: 8,
        max_certificates: 16,
        max_files: 16,
    };
    let mut cut_short = sent(&create);
    cut_short.pop();
    let good = describe(&sent(&create), &[0x90, 0], &GM).to_string();
    let bad = describe(&cut_short, &[0x67, 0], &GM).to_string();
    let hex_pin = hex::encode(secret.as_bytes());
    for line in [good, bad, format!("{create:?}")] {
        assert!(!line.contains("S3cretPin") && !line.to_lowercase().contains(&hex_pin), "{line}");
    }
}

#[test]
fn external_keys_and_plaintexts_are_not_shown() {
    let key = EccPublicKey { x: [1; 32], y: [2; 32] };
    let secret = *b"S3cret key of thirty-two bytes !";
    let sign =
        describe(&sent(&ExtEccSign { private_key: secret, digest: [3; 32] }), &[0x90, 0], &GM).to_string();
    assert_eq!(sign, "ExtECCSign private key ‹redacted› digest → 9000 success");
    let ciphertext = CipherBlock { point: key, hash: [3; 32], cipher: b"12345" };
    let answer = [&[0, 0, 0, 5], b"S3cre".as_slice(), &[0x90, 0]].concat();
    let decrypt =
        describe(&sent(&ExtEccDecrypt { private_key: secret, ciphertext }), &answer, &GM).to_string();
    assert_eq!(decrypt, "ExtECCDecrypt private key ‹redacted› ciphertext of 5 bytes → 9000 success, 5 bytes");
    let command = ExtEccEncrypt { public_key: key, plaintext: Plaintext(b"S3cret") };
    let encrypt = describe(&sent(&command), &[0x6A, 0x9A], &GM).to_string();
    assert_eq!(encrypt, "ExtECCEncrypt public key X=01010101… 6 bytes → 6A9A asymmetric encryption failed");
    assert!(!format!("{command:?}").contains("S3cret") && !format!("{command:?}").contains("83, 51"));
}

#[test]
fn session_keys_and_what_they_work_on_are_not_shown() {
    let secret = *b"S3cret of 16 by.";
    let holder = KeyHolder { application: AppId(0x1000), container: ContainerId(0x3001) };
    let key = KeyHandle { holder, key: SessionKeyId(0x5000) };
    let set = ImportSymmKey { holder: KeyHolder::DEVICE, algorithm: SGD_SM4_ECB, key: &secret };
    let line = describe(&sent(&set), &[0x50, 0, 0x90, 0], &GM).to_string();
    assert_eq!(line, "ImportSymmKey device SM4-ECB key ‹redacted› → 9000 success, session key 5000");
    let init = EncryptInit { key, parameters: CipherParameters::new(SGD_SM4_CBC, &[9; 16]).padded() };
    assert_eq!(
        describe(&sent(&init), &[0x6A, 0x8C], &GM).to_string(),
        "EncryptInit application 1000 container 3001 session key 5000 SM4-CBC, IV of 16 bytes, padded → 6A8C there is no such session key"
    );
    let decrypt = Decrypt { key, data: Data(&secret) };
    let line = describe(&sent(&decrypt), &[secret.as_slice(), &[0x90, 0]].concat(), &GM).to_string();
    assert_eq!(
        line,
        "Decrypt application 1000 container 3001 session key 5000 16 bytes → 9000 success, 16 bytes"
    );
    assert!(!format!("{decrypt:?}").contains("83, 51"), "nor by Debug");
    let signer = Some(Signer { public_key: EccPublicKey { x: [1; 32], y: [2; 32] }, id: b"id" });
    let init = DigestInit { algorithm: DigestAlgorithm::Sm3, signer };
    assert_eq!(
        describe(&sent(&init), &[0x90, 0], &GM).to_string(),
        "DigestInit SM3 for a signature with public key X=01010101… → 9000 success"
    );
}
