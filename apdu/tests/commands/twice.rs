//! Encoded then decoded, every command and answer is the same; decoding anything never panics.

use proptest::collection::vec;
use proptest::prelude::*;
use ukey_apdu::Dialect;
use ukey_apdu::command::*;
use ukey_apdu::describe::describe;
use ukey_apdu::envelope::{Apdu, Le};
use ukey_apdu::pin::{Challenge, Pin, PinKey};
use ukey_apdu::wire::Writer;

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
