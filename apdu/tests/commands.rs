//! Every command and answer: encoded then decoded it is the same; decoding anything never panics; no secret is shown.

use proptest::collection::vec;
use proptest::prelude::*;
use ukey_apdu::command::*;
use ukey_apdu::describe::describe;
use ukey_apdu::envelope::{Apdu, Le};
use ukey_apdu::pin::{Challenge, Pin, PinKey};
use ukey_apdu::wire::Writer;
use ukey_apdu::{Dialect, Ins, Status};

/// Encodes the command, decodes it, encodes that again, and gives both encodings.
macro_rules! twice {
    ($type:ty, $command:expr, $dialect:expr) => {{
        let dialect = &$dialect;
        let (mut first, mut second) = ([0; 2048], [0; 2048]);
        let command: $type = $command;
        let once = command.to_apdu(dialect, &mut first).unwrap();
        prop_assert_eq!(<$type as Command>::shape(dialect).check(&once), Ok(()));
        let decoded = <$type>::read(&once, dialect).unwrap();
        let again = decoded.to_apdu(dialect, &mut second).unwrap();
        prop_assert_eq!(once, again);
    }};
}

/// Encodes the answer and decodes it to the same.
macro_rules! answer {
    ($type:ty, $answer:expr, $dialect:expr) => {{
        let dialect = $dialect;
        let mut buffer = [0; 2048];
        let mut writer = Writer::new(&mut buffer, &dialect);
        let answer: $type = $answer;
        answer.write(&mut writer).unwrap();
        let length = writer.len();
        prop_assert_eq!(<$type>::read(&buffer[..length], &dialect), Ok(answer));
    }};
}

fn dialect() -> impl Strategy<Value = Dialect> {
    proptest::sample::select(Dialect::BUILT_IN)
}

fn name(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(1_u8..=255, 1..=max)
}

fn pin() -> impl Strategy<Value = Pin> {
    "[ -~]{1,16}".prop_map(|text| Pin::new(text.as_bytes()).unwrap())
}

fn pin_type() -> impl Strategy<Value = PinType> {
    prop_oneof![Just(PinType::Administrator), Just(PinType::User)]
}

fn key_use() -> impl Strategy<Value = KeyUse> {
    prop_oneof![Just(KeyUse::Encrypt), Just(KeyUse::Sign)]
}

fn key_handle() -> impl Strategy<Value = KeyHandle> {
    any::<[u16; 3]>().prop_map(|[application, container, key]| KeyHandle {
        holder: KeyHolder { application: AppId(application), container: ContainerId(container) },
        key: SessionKeyId(key),
    })
}

proptest! {
    #[test]
    fn device_commands(d in dialect(), label in name(32), key: [u8; 16], mac: [u8; 4], algorithm in 0_u8..=2, length in 1_u16..) {
        twice!(SetLabel, SetLabel { label: &label }, d);
        twice!(GetDevInfo, GetDevInfo, d);
        twice!(DevAuth, DevAuth { algorithm, cryptogram: key }, d);
        twice!(ChangeDevAuthKey, ChangeDevAuthKey { algorithm, encrypted_key: key, mac }, d);
        twice!(GenRandom, GenRandom { length }, d);
    }

    #[test]
    fn pin_commands(
        d in dialect(), app: u16, pin_type in pin_type(), cryptogram: [u8; 16], old in pin(), new in pin(), challenge: Challenge,
    ) {
        let application = AppId(app);
        let sealed = PinKey::derive(&d, &old).seal(&d, &new, &challenge, [0x84, 0x16, 0, 0], app.to_be_bytes());
        twice!(GetPinInfo, GetPinInfo { application, pin_type }, d);
        twice!(VerifyPin, VerifyPin { application, pin_type, cryptogram }, d);
        twice!(ChangePin, ChangePin { application, pin_type, new_pin: sealed.as_sealed() }, d);
        twice!(UnblockPin, UnblockPin { application, new_pin: sealed.as_sealed() }, d);
        twice!(ClearSecureState, ClearSecureState { application }, d);
    }

    #[test]
    fn application_commands(
        d in dialect(), app: u16, n in name(32), admin in pin(), user in pin(), tries: [u32; 2], rights: u32, limits: (u8, u8, u16),
    ) {
        let (max_containers, max_certificates, max_files) = limits;
        let [admin_retries, user_retries] = tries;
        let create_file = Rights(rights);
        twice!(CreateApplication, CreateApplication {
            name: &n, admin_pin: admin, admin_retries, user_pin: user, user_retries, create_file,
            max_containers, max_certificates, max_files,
        }, d);
        twice!(EnumApplication, EnumApplication, d);
        twice!(DeleteApplication, DeleteApplication { name: &n }, d);
        twice!(OpenApplication, OpenApplication { name: &n }, d);
        twice!(CloseApplication, CloseApplication { application: AppId(app) }, d);
        answer!(ApplicationInfo, ApplicationInfo { create_file, max_containers, max_certificates, max_files, id: AppId(app) }, d);
    }

    #[test]
    fn container_commands(
        d in dialect(), app: u16, id: u16, n in name(64), key_use in key_use(), certificate in vec(any::<u8>(), 1..1500),
        bits: (u32, u32), there: (bool, bool),
    ) {
        let (application, container) = (AppId(app), ContainerId(id));
        twice!(CreateContainer, CreateContainer { application, name: &n }, d);
        twice!(OpenContainer, OpenContainer { application, name: &n }, d);
        twice!(CloseContainer, CloseContainer { application, container }, d);
        twice!(EnumContainer, EnumContainer { application }, d);
        twice!(DeleteContainer, DeleteContainer { application, name: &n }, d);
        twice!(GetContainerInfo, GetContainerInfo { application, name: &n }, d);
        twice!(ImportCertificate, ImportCertificate { application, container, key_use, certificate: &certificate }, d);
        twice!(ExportCertificate, ExportCertificate { application, container, key_use }, d);
        answer!(ContainerId, container, d);
        answer!(Certificate, Certificate(&certificate), d);
        answer!(ContainerInfo, ContainerInfo {
            container_type: ContainerType::Ecc, sign_bits: bits.0, encrypt_bits: bits.1,
            sign_certificate: there.0, encrypt_certificate: there.1,
        }, d);
    }

    #[test]
    fn file_commands(
        d in dialect(), app: u16, n in name(32), size: u32, rights: [u32; 2], offset: u16, wanted in 0_u16..,
        content in vec(any::<u8>(), 0..1500),
    ) {
        let application = AppId(app);
        let info = FileInfo { size, read: Rights(rights[0]), write: Rights(rights[1]) };
        let wanted = if wanted == 0 { Le::Max } else { Le::Exact(wanted) };
        twice!(CreateFile, CreateFile { application, name: &n, info }, d);
        twice!(DeleteFile, DeleteFile { application, name: &n }, d);
        twice!(EnumFiles, EnumFiles { application }, d);
        twice!(GetFileInfo, GetFileInfo { application, name: &n }, d);
        twice!(ReadFile, ReadFile { application, name: &n, offset, wanted }, d);
        twice!(WriteFile, WriteFile { application, name: &n, offset, data: Data(&content) }, d);
        answer!(FileInfo, info, d);
        prop_assert_eq!(Data::read(&content, &d), Ok(Data(&content)));
    }

    #[test]
    fn sm2_commands(
        d in dialect(), app: u16, id: u16, x: [u8; 32], y: [u8; 32], hash: [u8; 32], long: bool, key: [u8; 64],
        message in vec(any::<u8>(), 0..500), signer in name(40), key_use in key_use(), cipher in vec(any::<u8>(), 16..17),
    ) {
        let (application, container) = (AppId(app), ContainerId(id));
        let point = EccPublicKey { x, y };
        let key_pair = EnvelopedKeyPair {
            version: 1, algorithm: SGD_SM4_ECB, encrypted_private_key: if long { &key } else { &key[..32] },
            public_key: point, wrapped_key: CipherBlock { point, hash, cipher: &cipher },
        };
        twice!(GenEccKeyPair, GenEccKeyPair { application, container, bits: SM2_BITS }, d);
        twice!(ImportEccKeyPair, ImportEccKeyPair { application, container, key_pair }, d);
        twice!(EccSignData, EccSignData { application, container, input: SignInput::Digest(hash) }, d);
        twice!(EccSignData, EccSignData { application, container, input: SignInput::Message { id: &signer, message: &message } }, d);
        twice!(ExportPubKey, ExportPubKey { application, container, key_use }, d);
        answer!(EccPublicKey, point, d);
        answer!(EccSignature, EccSignature { r: x, s: y }, d);
    }

    #[test]
    fn session_key_commands(
        d in dialect(), key in key_handle(), algorithm: u32, bytes in vec(any::<u8>(), 0..40), x: [u8; 32], y: [u8; 32],
    ) {
        let (holder, public_key) = (key.holder, EccPublicKey { x, y });
        let sealed = CipherBlock { point: public_key, hash: x, cipher: &bytes };
        twice!(EccExportSessionKey, EccExportSessionKey { holder, public_key, algorithm }, d);
        twice!(EccExportSessionKeyEx, EccExportSessionKeyEx { key, public_key }, d);
        twice!(ImportSessionKey, ImportSessionKey { holder, algorithm, sealed }, d);
        twice!(ImportSymmKey, ImportSymmKey { holder, algorithm, key: &bytes }, d);
        twice!(DestroySessionKey, DestroySessionKey { key }, d);
        answer!(SessionKeyId, key.key, d);
        answer!(ExportedSessionKey, ExportedSessionKey { sealed, key: key.key }, d);
    }

    #[test]
    fn cipher_commands(
        d in dialect(), key in key_handle(), algorithm: u32, iv in vec(any::<u8>(), 0..=32), padded: bool, feedback_bits: u32,
        content in vec(any::<u8>(), 1..1500),
    ) {
        let parameters = CipherParameters { feedback_bits, ..CipherParameters::new(algorithm, &iv) };
        let parameters = if padded { parameters.padded() } else { parameters };
        let data = Data(&content);
        twice!(EncryptInit, EncryptInit { key, parameters }, d);
        twice!(Encrypt, Encrypt { key, data }, d);
        twice!(EncryptUpdate, EncryptUpdate { key, data }, d);
        twice!(EncryptFinal, EncryptFinal { key, data }, d);
        twice!(DecryptInit, DecryptInit { key, parameters }, d);
        twice!(Decrypt, Decrypt { key, data }, d);
        twice!(DecryptUpdate, DecryptUpdate { key, data }, d);
        twice!(DecryptFinal, DecryptFinal { key, data }, d);
        twice!(MacInit, MacInit { key, parameters }, d);
        twice!(Mac, Mac { key, data }, d);
        twice!(MacUpdate, MacUpdate { key, data }, d);
        twice!(MacFinal, MacFinal { key, data }, d);
    }

    #[test]
    fn digest_commands(
        d in dialect(), x: [u8; 32], y: [u8; 32], id in name(60), content in vec(any::<u8>(), 0..1500),
        algorithm in proptest::sample::select(DigestAlgorithm::ALL.to_vec()),
    ) {
        let (data, value) = (Data(&content), [x, y].concat());
        let signer = Some(Signer { public_key: EccPublicKey { x, y }, id: &id });
        twice!(DigestInit, DigestInit { algorithm, signer: None }, d);
        twice!(DigestInit, DigestInit { algorithm: DigestAlgorithm::Sm3, signer }, d);
        twice!(Digest, Digest { data }, d);
        twice!(DigestUpdate, DigestUpdate { data }, d);
        twice!(DigestFinal, DigestFinal { data }, d);
        let value = &value[..algorithm.size()];
        prop_assert_eq!(DigestValue::read(value, &d), Ok(DigestValue(value)));
        let mut buffer = [0; 64];
        let mut writer = Writer::new(&mut buffer, &d);
        writer.sized(value).unwrap();
        let length = writer.len();
        prop_assert_eq!(DigestValue::read(&buffer[..length], &d), Ok(DigestValue(value)), "with its length in front");
        prop_assert!(DigestValue::read(&buffer[..length - 1], &d).is_err());
    }

    #[test]
    fn external_sm2_commands(
        d in dialect(), x: [u8; 32], y: [u8; 32], digest: [u8; 32], message in vec(any::<u8>(), 0..500), signer in name(40),
        text in vec(any::<u8>(), 1..500),
    ) {
        let (public_key, signature) = (EccPublicKey { x, y }, EccSignature { r: y, s: x });
        let ciphertext = CipherBlock { point: public_key, hash: digest, cipher: &text };
        twice!(EccVerify, EccVerify { public_key, input: SignInput::Digest(digest), signature }, d);
        twice!(EccVerify, EccVerify { public_key, input: SignInput::Message { id: &signer, message: &message }, signature }, d);
        twice!(ExtEccEncrypt, ExtEccEncrypt { public_key, plaintext: Plaintext(&text) }, d);
        twice!(ExtEccDecrypt, ExtEccDecrypt { private_key: digest, ciphertext }, d);
        twice!(ExtEccSign, ExtEccSign { private_key: x, digest }, d);
        answer!(CipherBlock, ciphertext, d);
        let plain = [[4].as_slice(), &x, &y, &digest, &text].concat();
        prop_assert_eq!(CipherBlock::read(&plain, &d), Ok(ciphertext), "the form of GM/T 0003");
        prop_assert!(CipherBlock::read(&plain[..96], &d).is_err());
    }

    #[test]
    fn agreement_commands(
        d in dialect(), ids: [u16; 3], algorithm: u32, handle: u32, x: [u8; 32], y: [u8; 32], one in name(32), other in name(32),
    ) {
        let [app, container, key] = ids;
        let (application, container) = (AppId(app), ContainerId(container));
        let temporary_key = EccPublicKey { x: y, y: x };
        let party = Party { public_key: EccPublicKey { x, y }, temporary_key, id: &one };
        let (handle, key) = (AgreementHandle(handle), AgreedKeyId(SessionKeyId(key)));
        twice!(GenerateAgreementDataWithEcc, GenerateAgreementDataWithEcc { application, container, algorithm, id: &one }, d);
        twice!(GenerateAgreementDataAndKeyWithEcc, GenerateAgreementDataAndKeyWithEcc {
            application, container, algorithm, initiator: party, id: &other,
        }, d);
        twice!(GenerateKeyWithEcc, GenerateKeyWithEcc { application, container, handle, responder: party }, d);
        answer!(AgreementData, AgreementData { temporary_key, handle }, d);
        answer!(AgreedKey, AgreedKey { temporary_key, key }, d);
        answer!(AgreedKeyId, key, d);
        let [high, low] = ids[2].to_be_bytes();
        prop_assert_eq!(AgreedKeyId::read(&[high, low], &d), Ok(key), "the bare id");
        prop_assert_eq!(AgreedKeyId::read(&[high, low | 1, 0, 0], &d), Ok(AgreedKeyId(SessionKeyId(ids[2] | 1))));
        prop_assert!(AgreedKeyId::read(&[1, high, low, 1], &d).is_err());
    }

    #[test]
    fn decoding_and_describing_anything_never_panics(
        d in dialect(), ins in proptest::sample::select(SPOKEN), p1: u8, p2: u8, data in vec(any::<u8>(), 0..200),
        answer in vec(any::<u8>(), 0..320), noise in vec(any::<u8>(), 0..40),
    ) {
        let mut command = vec![0x80, ins as u8, p1, p2, 0, (data.len() >> 8) as u8, data.len() as u8];
        command.extend(&data);
        let _ = describe(&command, &answer, &d).to_string();
        command[0] = 0x84;
        let _ = describe(&command, &answer, &d).to_string();
        let _ = describe(&noise, &answer, &d).to_string();
        struct Decode<'a>(Apdu<'a>, &'a Dialect, &'a [u8]);
        impl<'a> Visitor<'a> for Decode<'a> {
            type Output = ();
            fn visit<C: Command<'a>>(self) {
                let _ = C::read(&self.0, self.1);
                let _ = C::Answer::read(self.2, self.1);
            }
        }
        if let Ok(apdu) = Apdu::parse(&command) {
            visit(ins, Decode(apdu, &d, &answer));
        }
    }
}

const GM: Dialect = Dialect::GM2012;

fn sent<'a, C: Command<'a>>(command: &C) -> Vec<u8> {
    let (mut data, mut bytes) = ([0; 2048], [0; 2060]);
    let length = command.to_apdu(&GM, &mut data).unwrap().encode(&mut bytes).unwrap();
    bytes[..length].to_vec()
}

#[test]
fn every_command_of_the_standard_is_spoken_or_it_is_said_why_not() {
    assert_eq!(Ins::ALL.len(), 70);
    for &ins in Ins::ALL {
        assert_ne!(SPOKEN.contains(&ins), why_not(ins).is_some(), "{}", ins.name());
    }
}

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
fn files_are_on_the_wire_as_the_standard_has_them() {
    let info = FileInfo { size: 0x1234, read: Rights::ANYONE, write: Rights::USER };
    let create = CreateFile { application: AppId(0x1002), name: b"SEAL", info };
    let bytes = hex::encode(sent(&create));
    assert!(
        bytes.starts_with("8030100200002c5345414c00") && bytes.ends_with("00001234000000ff00000010"),
        "{bytes}"
    );
    let mut data = [0; 64];
    let little = create.to_apdu(&Dialect::GM3000, &mut data).unwrap();
    assert!(
        hex::encode(little.data).ends_with("00001234ff00000010000000"),
        "rights are constants, sizes are not"
    );
    let read = ReadFile { application: AppId(0x1002), name: b"SEAL", offset: 0x0102, wanted: Le::Exact(496) };
    assert_eq!(hex::encode(sent(&read)), "8038000000000a1002010200045345414c01f0");
    let write = WriteFile { application: AppId(0x1002), name: b"SEAL", offset: 1, data: Data(b"xy") };
    assert_eq!(hex::encode(sent(&write)), "803a000000000e1002000100045345414c00027879");
    assert_eq!(hex::encode(sent(&EnumFiles { application: AppId(0x1002) })), "80341002000000");
    let info = GetFileInfo { application: AppId(0x1002), name: b"SEAL" };
    assert_eq!(hex::encode(sent(&info)), "803610020000045345414c000c");
    let delete = DeleteFile { application: AppId(0x1002), name: b"SEAL" };
    assert_eq!(hex::encode(sent(&delete)), "803210020000045345414c");
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
fn session_keys_are_on_the_wire_as_the_specification_has_them() {
    let holder = KeyHolder { application: AppId(0x1000), container: ContainerId(0x3001) };
    let key = KeyHandle { holder, key: SessionKeyId(0x5000) };
    let set = ImportSymmKey { holder: KeyHolder::DEVICE, algorithm: SGD_SM4_CBC, key: &[0xAB; 16] };
    let bytes = hex::encode(sent(&set));
    assert_eq!(
        bytes,
        format!("80a200000000 1a 00000000 00000402 0010{}0002", "ab".repeat(16)).replace(' ', "")
    );
    let mut data = [0; 64];
    let little = set.to_apdu(&Dialect::GM3000, &mut data).unwrap();
    assert!(hex::encode(little.data).starts_with("00000000020400000010ab"), "an algorithm is a constant");
    let parameters = CipherParameters::new(SGD_SM4_CBC, &[0x1F; 16]).padded();
    assert_eq!(
        hex::encode(sent(&EncryptInit { key, parameters })),
        format!("80a4000000002410003001500000000402 0010{}0000000100000000", "1f".repeat(16))
            .replace(' ', "")
    );
    assert_eq!(
        hex::encode(sent(&EncryptUpdate { key, data: Data(b"abc") })),
        "80a800000000091000300150006162630000"
    );
    assert_eq!(
        hex::encode(sent(&MacFinal { key, data: Data(b"") })),
        "80c200000000061000300150000010",
        "a MAC has 16 bytes"
    );
    assert_eq!(hex::encode(sent(&DestroySessionKey { key })), "80c40000000006100030015000");
    let init = DigestInit { algorithm: DigestAlgorithm::Sha256, signer: None };
    assert_eq!(hex::encode(sent(&init)), "80b40003");
    assert_eq!(hex::encode(sent(&Digest { data: Data(b"abc") })), "80b600000000036162630000");
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

#[test]
fn names_and_labels_have_limits() {
    let refuse = |ins: Ins, data: &[u8]| {
        struct Read<'a>(Apdu<'a>);
        impl<'a> Visitor<'a> for Read<'a> {
            type Output = Option<Status>;
            fn visit<C: Command<'a>>(self) -> Option<Status> {
                C::SHAPE.check(&self.0).and_then(|()| C::read(&self.0, &GM)).err()
            }
        }
        let mut bytes = vec![0x80, ins as u8, 0, 0, 0, (data.len() >> 8) as u8, data.len() as u8];
        bytes.extend(data);
        visit(ins, Read(Apdu::parse(&bytes).unwrap())).unwrap()
    };
    assert_eq!(refuse(Ins::OpenApplication, &[b'a'; 32]), None);
    assert_eq!(refuse(Ins::OpenApplication, &[b'a'; 33]), Some(Status::WRONG_DATA));
    assert_eq!(refuse(Ins::SetLabel, &[b'a'; 33]), Some(Status::WRONG_DATA));
    assert_eq!(refuse(Ins::CreateContainer, &[0x10, 0]), Some(Status::WRONG_DATA));
    assert_eq!(
        refuse(Ins::CreateContainer, &[[0x10; 2].as_slice(), &[b'c'; 65]].concat()),
        Some(Status::WRONG_DATA)
    );
    assert_eq!(refuse(Ins::DeleteFile, &[b'f'; 32]), None);
    assert_eq!(refuse(Ins::DeleteFile, &[b'f'; 33]), Some(Status::WRONG_DATA));
    assert_eq!(refuse(Ins::CreateFile, &[b'f'; 44]), None);
    assert_eq!(refuse(Ins::CreateFile, &[b'f'; 52]), Some(Status::WRONG_DATA), "40 bytes of name");
    assert_eq!(refuse(Ins::CreateFile, &[b'f'; 43]), Some(Status::WRONG_LENGTH));
    assert_eq!(refuse(Ins::ReadFile, &hex::decode("1000000000016600").unwrap()), Some(Status::WRONG_DATA));
    assert_eq!(refuse(Ins::WriteFile, &hex::decode("10000000000166000161").unwrap()), None);
    assert_eq!(
        refuse(Ins::WriteFile, &hex::decode("10000000000166000261").unwrap()),
        Some(Status::WRONG_DATA)
    );
    assert_eq!(refuse(Ins::CreateContainer, &[0x10]), Some(Status::WRONG_LENGTH));
    assert_eq!(
        refuse(Ins::ImportCertificate, &hex::decode("100030010100000003aabb").unwrap()),
        Some(Status::WRONG_DATA)
    );
    assert_eq!(
        refuse(Ins::EccSignData, &hex::decode("1000300100000000aabb").unwrap()),
        Some(Status::WRONG_P1P2)
    );
}

/// The commands whose layout differs, in every dialect: known bytes, so that no dialect changes unnoticed.
#[test]
fn the_layouts_that_differ_are_as_their_sources_have_them() {
    fn data<'a, C: Command<'a>>(dialect: &Dialect, command: &C) -> String {
        let mut buffer = [0; 512];
        hex::encode(command.to_apdu(dialect, &mut buffer).unwrap().data)
    }
    fn answer(dialect: &Dialect, write: impl FnOnce(&mut Writer<'_>)) -> String {
        let mut buffer = [0; 512];
        let mut writer = Writer::new(&mut buffer, dialect);
        write(&mut writer);
        let length = writer.len();
        hex::encode(&buffer[..length])
    }
    type Number = fn(u32) -> String;
    let key = EccPublicKey { x: [0xAA; 32], y: [0xBB; 32] };
    let (x, y, hash) = ("aa".repeat(32), "bb".repeat(32), "cc".repeat(32));
    let block = CipherBlock { point: key, hash: [0xCC; 32], cipher: b"12" };
    let handle = KeyHandle { holder: KeyHolder::DEVICE, key: SessionKeyId(0x5001) };
    let parameters = CipherParameters::new(SGD_SM4_CBC, &[0x1F; 16]).padded();
    let iv = "1f".repeat(16);
    for dialect in Dialect::BUILT_IN {
        let name = dialect.name.as_str();
        let little = matches!(name, "synochip" | "sunyard");
        let (quantity, constant): (Number, Number) = match name {
            "synochip" | "sunyard" => (|n| hex::encode(n.to_le_bytes()), |n| hex::encode(n.to_le_bytes())),
            "gm3000" => (|n| hex::encode(n.to_be_bytes()), |n| hex::encode(n.to_le_bytes())),
            _ => (|n| hex::encode(n.to_be_bytes()), |n| hex::encode(n.to_be_bytes())),
        };
        let (bits, cbc) = (quantity(256), constant(SGD_SM4_CBC));
        let iv_length = if little { "1000" } else { "0010" };
        let synochip = name == "synochip";
        let sealed = format!("{bits}{x}{y}{hash}{}3132", quantity(2));

        let init = if synochip {
            format!("000000005001{cbc}{iv}{}{}{}{}", "00".repeat(16), quantity(16), quantity(1), quantity(0))
        } else {
            format!("000000005001{cbc}{iv_length}{iv}{}{}", quantity(1), quantity(0))
        };
        assert_eq!(data(dialect, &EncryptInit { key: handle, parameters }), init, "{name}");
        assert_eq!(data(dialect, &MacInit { key: handle, parameters }), init, "{name}");
        let init = if name == "sunyard" { init.replace(&cbc, "") } else { init };
        assert_eq!(data(dialect, &DecryptInit { key: handle, parameters }), init, "{name}");

        let info = FileInfo { size: 1, read: Rights::ANYONE, write: Rights::USER };
        let width = match name {
            "synochip" => 48,
            "sunyard" => 40,
            _ => 32,
        };
        let file = format!("46{}{}{}{}", "00".repeat(width - 1), quantity(1), constant(0xFF), constant(0x10));
        assert_eq!(data(dialect, &CreateFile { application: AppId(1), name: b"F", info }), file, "{name}");

        let key_pair = EnvelopedKeyPair {
            version: 1,
            algorithm: SGD_SM4_ECB,
            encrypted_private_key: &[0xDD; 32],
            public_key: key,
            wrapped_key: block,
        };
        let (application, container) = (AppId(0x1000), ContainerId(0x3001));
        let head = format!("10003001{}{}", quantity(1), constant(SGD_SM4_ECB));
        let private = "dd".repeat(32);
        let pair = if synochip {
            format!("{head}{sealed}{bits}{x}{y}{}{}{private}", quantity(64), "00".repeat(32))
        } else {
            format!("{head}{bits}{}{private}{x}{y}{sealed}", quantity(32))
        };
        assert_eq!(data(dialect, &ImportEccKeyPair { application, container, key_pair }), pair, "{name}");

        let exported = ExportedSessionKey { sealed: block, key: SessionKeyId(0x5001) };
        let expected = if name == "sunyard" {
            format!("{hash}{}31325001{bits}{x}{y}", quantity(2))
        } else {
            format!("{sealed}5001")
        };
        assert_eq!(answer(dialect, |w| exported.write(w).unwrap()), expected, "{name}");

        let plain = answer(dialect, |w| {
            CiphertextAnswer::External
                .write(w, &key, &block.hash, 2, |c2| c2.copy_from_slice(b"12"))
                .unwrap();
        });
        assert_eq!(plain, if synochip { format!("04{x}{y}{hash}3132") } else { sealed }, "{name}");
        let numbers = if synochip { format!("{x}{y}") } else { format!("{bits}{x}{y}") };
        assert_eq!(answer(dialect, |w| key.write_generated(w).unwrap()), numbers, "{name}");
        let signature = EccSignature { r: key.x, s: key.y };
        assert_eq!(answer(dialect, |w| signature.write_external(w).unwrap()), numbers, "{name}");
        assert_eq!(answer(dialect, |w| signature.write(w).unwrap()), format!("{bits}{x}{y}"), "{name}");
        let digest = answer(dialect, |w| DigestValue(&[0xCC; 32]).write(w).unwrap());
        assert_eq!(digest, if synochip { format!("{}{hash}", quantity(32)) } else { hash.clone() }, "{name}");
        let agreed = answer(dialect, |w| AgreedKeyId(SessionKeyId(0x5001)).write(w).unwrap());
        assert_eq!(agreed, if little { "50010000" } else { "00005001" }, "{name}");

        let challenge = [0xb1, 0x22, 0x84, 0xf7, 0xe6, 0x0f, 0xb4, 0x5c];
        let verify = hex::encode(
            PinKey::derive(dialect, &Pin::new(b"12345678").unwrap()).cryptogram(dialect, &challenge),
        );
        let same_as_captured = verify == "cf87862feb06659ed88a106109e742f0";
        assert_eq!(same_as_captured, matches!(name, "gm2012" | "gm3000"), "{name} {verify}");
    }
}
