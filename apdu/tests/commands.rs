//! Every command and answer: encoded then decoded it is the same; decoding anything never panics; no secret is shown.

use proptest::collection::vec;
use proptest::prelude::*;
use ukey_apdu::command::*;
use ukey_apdu::describe::describe;
use ukey_apdu::envelope::Apdu;
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
        prop_assert_eq!(<$type as Command>::SHAPE.check(&once), Ok(()));
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
    assert_eq!(describe(&[0x80, 0xA4, 0, 0], &[], &GM).to_string(), "EncryptInit 0 bytes → no answer");
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
