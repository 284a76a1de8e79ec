//! A walk through the whole command set: one step after the other, from a blank token until it is blank again. Each step
//! says what it needs, so that it can be tried anywhere.

use ukey_apdu::command::*;
use ukey_apdu::envelope::Le;
use ukey_apdu::pin::DeviceKey;
use ukey_apdu::{Ins, Status};

use super::envelope::{Envelope, Sealed, public_key};
use super::*;

/// What a token is in the middle of, as bits.
pub type Facts = u32;

/// The device authentication key was proved.
pub const DEVICE: Facts = 1;
/// The application is there.
pub const APPLICATION: Facts = 1 << 1;
/// It is open.
pub const OPEN: Facts = 1 << 2;
/// The user is logged in.
pub const USER_RIGHT: Facts = 1 << 3;
/// The container is there.
pub const CONTAINER: Facts = 1 << 4;
/// It is open.
pub const INSIDE: Facts = 1 << 5;
/// It has a sign key pair.
pub const SIGN_PAIR: Facts = 1 << 6;
/// It has an encryption key pair.
pub const ENCRYPTION_PAIR: Facts = 1 << 7;
/// It has a certificate of the sign key pair.
pub const CERTIFICATE: Facts = 1 << 8;
/// A file is there.
pub const FILE: Facts = 1 << 9;
/// An agreement was begun.
pub const AGREEMENT: Facts = 1 << 10;
/// The session key that the steps use is there.
pub const KEY: Facts = 1 << 11;
/// An encryption is under way.
pub const ENCRYPTION: Facts = 1 << 12;
/// A decryption is.
pub const DECRYPTION: Facts = 1 << 13;
/// A MAC is.
pub const MAC: Facts = 1 << 14;
/// A digest is.
pub const DIGEST: Facts = 1 << 15;
/// The session key of the device itself is there.
pub const DEVICE_HELD: Facts = 1 << 16;
/// The user PIN was changed.
pub const NEW_PIN: Facts = 1 << 17;
/// The session key that was made inside is there.
pub const MADE: Facts = 1 << 18;
/// What is under way has got a part that is no whole block.
pub const PART: Facts = 1 << 19;

/// Of the encryption key pair that is imported.
pub const PRIVATE: [u8; 32] = [0x42; 32];
/// Of the other party of an agreement; its temporary one is the second.
const PEER: [[u8; 32]; 2] = [[0x43; 32], [0x44; 32]];
/// The user PIN that takes the place of the first.
pub const OTHER_PIN: &str = "next-user-pin";
/// The device authentication key that takes the place of the factory's.
pub const OTHER_KEY: DeviceKey = DeviceKey([0x5A; 16]);
const FILE_NAME: &[u8] = "印章".as_bytes();
/// Bytes of the file.
pub const FILE_SIZE: u16 = 600;
const ID: &[u8] = b"1234567812345678";

/// A token, and what was learnt on the way.
#[derive(Clone)]
pub struct Walk {
    pub host: Host,
    sign_key: EccPublicKey,
    signature: EccSignature,
    sealed: Vec<u8>,
    agreement: AgreementHandle,
    pub key: KeyHandle,
    device_key: KeyHandle,
}

/// A step: last of all that it sends is its command.
pub struct Step {
    pub ins: Ins,
    /// Which form of it.
    pub form: &'static str,
    /// Without these it is refused, with them it works.
    pub needs: Facts,
    /// What has come to be.
    pub gives: Facts,
    /// What has ended.
    pub ends: Facts,
    pub act: fn(&mut Walk) -> Result<(), Status>,
}

impl Step {
    pub fn name(&self) -> String {
        format!("{} {}", self.ins.name(), self.form)
    }
}

impl Walk {
    /// At the beginning, with a blank token.
    pub fn begin() -> Self {
        let point = EccPublicKey { x: [0; 32], y: [0; 32] };
        let key = KeyHandle { holder: KeyHolder::DEVICE, key: SessionKeyId(0) };
        Self {
            host: Host::blank(1),
            sign_key: point,
            signature: EccSignature { r: [0; 32], s: [0; 32] },
            sealed: Vec::new(),
            agreement: AgreementHandle(0),
            key,
            device_key: key,
        }
    }

    /// What this step sends, if it works.
    pub fn envelopes(&self, step: &Step) -> Result<Vec<Vec<u8>>, Status> {
        let mut walk = self.clone();
        walk.host.sent = Some(Vec::new());
        (step.act)(&mut walk)?;
        Ok(walk.host.sent.unwrap_or_default())
    }

    fn do_it<'a, C: Command<'a>>(&mut self, command: &C) -> Result<(), Status> {
        self.host.send(command).map(drop)
    }

    fn session_key(&mut self, answer: &[u8]) {
        let key = SessionKeyId::read(answer, &GM).unwrap();
        self.key = KeyHandle { holder: self.host.holder(), key };
    }

    fn parameters(&mut self, ins: Ins, algorithm: u32) -> Result<(), Status> {
        const IV: [u8; 16] = [9; 16];
        let key = self.key;
        let parameters = CipherParameters::new(algorithm, &IV);
        match ins {
            Ins::EncryptInit => self.do_it(&EncryptInit { key, parameters: parameters.padded() }),
            Ins::DecryptInit => self.do_it(&DecryptInit { key, parameters }),
            _ => self.do_it(&MacInit { key, parameters }),
        }
    }
}

fn cipher_block(bytes: &[u8]) -> CipherBlock<'_> {
    CipherBlock::read(bytes, &GM).unwrap()
}

fn peer() -> Party<'static> {
    Party { public_key: public_key(&PEER[0]), temporary_key: public_key(&PEER[1]), id: "张三".as_bytes() }
}

/// So long that a certificate comes in a chain of two.
const CERTIFICATE_LENGTH: usize = 560;

const fn step(
    ins: Ins,
    form: &'static str,
    [needs, gives, ends]: [Facts; 3],
    act: fn(&mut Walk) -> Result<(), Status>,
) -> Step {
    Step { ins, form, needs, gives, ends, act }
}

/// In an open application, and in its open container.
const APP: Facts = APPLICATION | OPEN;
const CON: Facts = APP | CONTAINER | INSIDE;
const USER_APP: Facts = APP | USER_RIGHT;
const USER_CON: Facts = CON | USER_RIGHT;

/// All steps.
pub const STEPS: &[Step] = &[
    // ---- the device ----
    step(Ins::SetLabel, "", [0, 0, 0], |w| w.do_it(&SetLabel { label: "张三的锁".as_bytes() })),
    step(Ins::GetDevInfo, "", [0, 0, 0], |w| w.do_it(&GetDevInfo)),
    step(Ins::GenRandom, "", [0, 0, 0], |w| w.do_it(&GenRandom { length: 16 })),
    step(Ins::DevAuth, "", [0, DEVICE, 0], |w| w.host.authenticate()),
    step(Ins::ChangeDevAuthKey, "", [DEVICE, 0, 0], |w| {
        let challenge = w.host.challenge();
        let (encrypted_key, mac) = FACTORY_KEY.seal(&GM, &OTHER_KEY, &challenge, [0x84, 0x12, 0, 2]);
        w.do_it(&ChangeDevAuthKey { algorithm: 2, encrypted_key, mac })
    }),
    // ---- the application ----
    step(Ins::EnumApplication, "empty", [0, 0, 0], |w| w.do_it(&EnumApplication)),
    step(Ins::CreateApplication, "", [DEVICE, APPLICATION, 0], |w| w.host.create_application(NAME)),
    step(Ins::EnumApplication, "", [0, 0, 0], |w| w.do_it(&EnumApplication)),
    step(Ins::OpenApplication, "", [APPLICATION, OPEN, 0], |w| w.host.open()),
    step(Ins::GetPinInfo, "", [APP, 0, 0], |w| {
        let application = w.host.application;
        w.do_it(&GetPinInfo { application, pin_type: PinType::User })
    }),
    step(Ins::VerifyPin, "user", [APP, USER_RIGHT, 0], |w| w.host.verify(PinType::User, USER)),
    step(Ins::VerifyPin, "administrator", [APP, 0, 0], |w| w.host.verify(PinType::Administrator, ADMIN)),
    // ---- the container ----
    step(Ins::CreateContainer, "", [USER_APP, CONTAINER | INSIDE, 0], |w| w.host.create_container(b"DEV")),
    step(Ins::CloseContainer, "", [CON, 0, INSIDE], |w| {
        let (application, container) = (w.host.application, w.host.container);
        w.do_it(&CloseContainer { application, container })
    }),
    step(Ins::OpenContainer, "", [APP | CONTAINER, INSIDE, 0], |w| w.host.open_container(b"DEV")),
    step(Ins::EnumContainer, "", [APP, 0, 0], |w| {
        let application = w.host.application;
        w.do_it(&EnumContainer { application })
    }),
    step(Ins::GenEccKeyPair, "", [USER_CON, SIGN_PAIR, 0], |w| {
        w.sign_key = w.host.generate()?;
        Ok(())
    }),
    step(Ins::GetContainerInfo, "", [APP | CONTAINER, 0, 0], |w| {
        let application = w.host.application;
        w.do_it(&GetContainerInfo { application, name: b"DEV" })
    }),
    step(Ins::ExportPubKey, "", [CON | SIGN_PAIR, 0, 0], |w| w.host.public_key(KeyUse::Sign).map(drop)),
    step(Ins::ImportCertificate, "in a chain", [USER_CON | SIGN_PAIR, CERTIFICATE, 0], |w| {
        w.host.import_certificate(KeyUse::Sign, &[0x5C; CERTIFICATE_LENGTH])
    }),
    step(Ins::ExportCertificate, "in blocks", [CON | CERTIFICATE, 0, 0], |w| {
        w.host.certificate(KeyUse::Sign).map(drop)
    }),
    step(Ins::ImportCertificate, "short", [USER_CON | SIGN_PAIR, 0, 0], |w| {
        w.host.import_certificate(KeyUse::Sign, b"not looked into")
    }),
    step(Ins::ImportEccKeyPair, "", [USER_CON | SIGN_PAIR, ENCRYPTION_PAIR, 0], |w| {
        Envelope::new(w.sign_key, PRIVATE, false).import(&mut w.host)
    }),
    // ---- signatures, keys of others ----
    step(Ins::EccSignData, "of a message", [USER_CON | SIGN_PAIR, 0, 0], |w| {
        let (application, container) = (w.host.application, w.host.container);
        let input = SignInput::Message { id: ID, message: b"a message" };
        w.do_it(&EccSignData { application, container, input })
    }),
    step(Ins::EccSignData, "of a digest", [USER_CON | SIGN_PAIR, 0, 0], |w| {
        w.signature = w.host.sign([7; 32])?;
        Ok(())
    }),
    step(Ins::EccVerify, "", [0, 0, 0], |w| {
        let input = SignInput::Digest([7; 32]);
        w.do_it(&EccVerify { public_key: w.sign_key, input, signature: w.signature })
    }),
    step(Ins::ExtEccEncrypt, "", [0, 0, 0], |w| {
        w.do_it(&ExtEccEncrypt { public_key: public_key(&PEER[0]), plaintext: Plaintext(b"in the clear") })
    }),
    step(Ins::ExtEccDecrypt, "", [0, 0, 0], |w| {
        let sealed = Sealed::new(&public_key(&PEER[0]), b"in the clear");
        w.do_it(&ExtEccDecrypt { private_key: PEER[0], ciphertext: sealed.block() })
    }),
    step(Ins::ExtEccSign, "", [0, 0, 0], |w| w.do_it(&ExtEccSign { private_key: PEER[0], digest: [7; 32] })),
    // ---- session keys ----
    step(Ins::GenerateAgreementDataWithEcc, "", [USER_CON | ENCRYPTION_PAIR, AGREEMENT, 0], |w| {
        let (application, container, algorithm) = (w.host.application, w.host.container, SGD_SM4_ECB);
        let answer =
            w.host.send(&GenerateAgreementDataWithEcc { application, container, algorithm, id: ID })?;
        w.agreement = AgreementData::read(&answer, &GM).unwrap().handle;
        Ok(())
    }),
    step(Ins::GenerateKeyWithEcc, "", [USER_CON | ENCRYPTION_PAIR | AGREEMENT, 0, AGREEMENT], |w| {
        let (application, container, handle) = (w.host.application, w.host.container, w.agreement);
        w.do_it(&GenerateKeyWithEcc { application, container, handle, responder: peer() })
    }),
    step(Ins::GenerateAgreementDataAndKeyWithEcc, "", [USER_CON | ENCRYPTION_PAIR, 0, 0], |w| {
        let (application, container, algorithm) = (w.host.application, w.host.container, SGD_SM4_ECB);
        let initiator = peer();
        w.do_it(&GenerateAgreementDataAndKeyWithEcc { application, container, algorithm, initiator, id: ID })
    }),
    step(Ins::EccExportSessionKey, "", [USER_CON, MADE, 0], |w| {
        let (holder, public_key) = (w.host.holder(), public_key(&PRIVATE));
        let command = EccExportSessionKey { holder, public_key, algorithm: SGD_SM4_CBC };
        let answer = w.host.send(&command)?;
        let exported = ExportedSessionKey::read(&answer, &GM).unwrap();
        w.key = KeyHandle { holder, key: exported.key };
        Ok(())
    }),
    step(Ins::EccExportSessionKeyEx, "", [USER_CON | MADE, 0, 0], |w| {
        let (key, public_key) = (w.key, public_key(&PRIVATE));
        w.sealed = w.host.send(&EccExportSessionKeyEx { key, public_key })?;
        Ok(())
    }),
    step(Ins::DestroySessionKey, "", [CON | MADE, 0, MADE], |w| w.host.destroy(w.key)),
    step(Ins::ImportSessionKey, "", [USER_CON | ENCRYPTION_PAIR, KEY, 0], |w| {
        let sealed = w.sealed.clone();
        let (holder, sealed) = (w.host.holder(), cipher_block(&sealed));
        let answer = w.host.send(&ImportSessionKey { holder, algorithm: SGD_SM4_CBC, sealed })?;
        w.session_key(&answer);
        Ok(())
    }),
    step(Ins::ImportSymmKey, "", [0, DEVICE_HELD, 0], |w| {
        w.device_key = w.host.set_symm_key(KeyHolder::DEVICE, &[0x4B; 16])?;
        Ok(())
    }),
    step(Ins::DestroySessionKey, "of the device", [DEVICE_HELD, 0, DEVICE_HELD], |w| {
        w.host.destroy(w.device_key)
    }),
    // ---- what is done with them ----
    step(Ins::EncryptInit, "", [CON | KEY, ENCRYPTION, 0], |w| w.parameters(Ins::EncryptInit, SGD_SM4_CBC)),
    step(Ins::Encrypt, "", [CON | KEY | ENCRYPTION, 0, ENCRYPTION], |w| {
        let key = w.key;
        w.do_it(&Encrypt { key, data: Data(b"all in one") })
    }),
    step(Ins::EncryptInit, "again", [CON | KEY, ENCRYPTION, 0], |w| {
        w.parameters(Ins::EncryptInit, SGD_SM4_ECB)
    }),
    step(Ins::EncryptUpdate, "", [CON | KEY | ENCRYPTION, 0, 0], |w| {
        let key = w.key;
        w.do_it(&EncryptUpdate { key, data: Data(b"a part of 20 letters") })
    }),
    step(Ins::EncryptFinal, "", [CON | KEY | ENCRYPTION, 0, ENCRYPTION], |w| {
        let key = w.key;
        w.do_it(&EncryptFinal { key, data: Data(b"and the rest") })
    }),
    step(Ins::DecryptInit, "", [CON | KEY, DECRYPTION, 0], |w| w.parameters(Ins::DecryptInit, SGD_SM4_CBC)),
    step(Ins::Decrypt, "", [CON | KEY | DECRYPTION, 0, DECRYPTION], |w| {
        let key = w.key;
        w.do_it(&Decrypt { key, data: Data(&[0xC1; 32]) })
    }),
    step(Ins::DecryptInit, "again", [CON | KEY, DECRYPTION, 0], |w| {
        w.parameters(Ins::DecryptInit, SGD_SM4_ECB)
    }),
    step(Ins::DecryptUpdate, "", [CON | KEY | DECRYPTION, PART, 0], |w| {
        let key = w.key;
        w.do_it(&DecryptUpdate { key, data: Data(&[0xC1; 20]) })
    }),
    step(Ins::DecryptFinal, "", [CON | KEY | DECRYPTION | PART, 0, DECRYPTION | PART], |w| {
        let key = w.key;
        w.do_it(&DecryptFinal { key, data: Data(&[0xC1; 12]) })
    }),
    step(Ins::MacInit, "", [CON | KEY, MAC, 0], |w| w.parameters(Ins::MacInit, SGD_SM4_MAC)),
    step(Ins::Mac, "", [CON | KEY | MAC, 0, MAC], |w| {
        let key = w.key;
        w.do_it(&Mac { key, data: Data(&[0xA5; 32]) })
    }),
    step(Ins::MacInit, "again", [CON | KEY, MAC, 0], |w| w.parameters(Ins::MacInit, SGD_SM4_CBC)),
    step(Ins::MacUpdate, "", [CON | KEY | MAC, PART, 0], |w| {
        let key = w.key;
        w.do_it(&MacUpdate { key, data: Data(&[0xA5; 20]) })
    }),
    step(Ins::MacFinal, "", [CON | KEY | MAC | PART, 0, MAC | PART], |w| {
        let key = w.key;
        w.do_it(&MacFinal { key, data: Data(&[0xA5; 12]) })
    }),
    step(Ins::DigestInit, "with a signer", [0, DIGEST, 0], |w| {
        let signer = Some(Signer { public_key: public_key(&PEER[0]), id: ID });
        w.do_it(&DigestInit { algorithm: DigestAlgorithm::Sm3, signer })
    }),
    step(Ins::Digest, "", [DIGEST, 0, DIGEST], |w| w.do_it(&Digest { data: Data(b"a message") })),
    step(Ins::DigestInit, "", [0, DIGEST, 0], |w| {
        w.do_it(&DigestInit { algorithm: DigestAlgorithm::Sha256, signer: None })
    }),
    step(Ins::DigestUpdate, "", [DIGEST, 0, 0], |w| w.do_it(&DigestUpdate { data: Data(b"a part") })),
    step(Ins::DigestFinal, "", [DIGEST, 0, DIGEST], |w| w.do_it(&DigestFinal { data: Data(b"") })),
    // ---- files ----
    step(Ins::CreateFile, "", [USER_APP, FILE, 0], |w| {
        w.host.create_file(FILE_NAME, u32::from(FILE_SIZE), Rights::USER, Rights::USER)
    }),
    step(Ins::WriteFile, "", [USER_APP | FILE, 0, 0], |w| w.host.write_file(FILE_NAME, 500, &[0xA5; 40])),
    step(Ins::ReadFile, "", [USER_APP | FILE, 0, 0], |w| {
        w.host.read_file(FILE_NAME, 480, Le::Exact(100)).map(drop)
    }),
    step(Ins::GetFileInfo, "", [USER_APP | FILE, 0, 0], |w| w.host.file_info(FILE_NAME).map(drop)),
    step(Ins::EnumFiles, "", [APP, 0, 0], |w| {
        let application = w.host.application;
        w.do_it(&EnumFiles { application })
    }),
    step(Ins::DeleteFile, "", [USER_APP | FILE, 0, FILE], |w| w.host.delete_file(FILE_NAME)),
    // ---- PINs, and the end of it ----
    step(Ins::ChangePin, "", [APP, NEW_PIN, 0], |w| w.host.change(PinType::User, USER, OTHER_PIN)),
    step(Ins::UnblockPin, "", [APP, 0, USER_RIGHT], |w| w.host.unblock(ADMIN, OTHER_PIN)),
    step(Ins::VerifyPin, "changed", [APP | NEW_PIN, USER_RIGHT, 0], |w| {
        w.host.verify(PinType::User, OTHER_PIN)
    }),
    step(Ins::DeleteContainer, "", [USER_APP | CONTAINER, 0, CONTAINER | INSIDE | SIGN_PAIR], |w| {
        let application = w.host.application;
        w.do_it(&DeleteContainer { application, name: b"DEV" })
    }),
    step(Ins::ClearSecureState, "", [APP, 0, USER_RIGHT], |w| {
        let application = w.host.application;
        w.do_it(&ClearSecureState { application })
    }),
    step(Ins::CloseApplication, "", [APP, 0, OPEN], |w| {
        let application = w.host.application;
        w.do_it(&CloseApplication { application })
    }),
    step(Ins::DeleteApplication, "", [DEVICE | APPLICATION, 0, APPLICATION], |w| {
        w.do_it(&DeleteApplication { name: NAME })
    }),
];

/// Before each step: the walk there, the facts, the step.
pub fn walk() -> Vec<(Walk, Facts, &'static Step)> {
    let (mut walk, mut facts) = (Walk::begin(), 0);
    let mut all = Vec::new();
    for step in STEPS {
        all.push((walk.clone(), facts, step));
        assert_eq!((step.act)(&mut walk), Ok(()), "{}", step.name());
        facts = (facts | step.gives) & !step.ends;
    }
    all
}
