//! A token on the simulated platform, ready for the commands that are measured.

use sm2::SecretKey;
use sm2::elliptic_curve::sec1::ToSec1Point;
use ukey_apdu::command::{
    Answer, AppId, ApplicationInfo, CipherBlock, Command, ContainerId, CreateApplication, CreateContainer,
    DevAuth, EccPublicKey, EccSignData, EccSignature, EccVerify, ExtEccDecrypt, ExtEccEncrypt, ExtEccSign,
    GenEccKeyPair, GenRandom, GetPinInfo, OpenApplication, PinType, Plaintext, Rights, SM2_BITS, SignInput,
    VerifyPin,
};
use ukey_apdu::pin::{Challenge, DeviceKey, Pin, PinKey};
use ukey_apdu::{Dialect, Status};
use ukey_firmware::sim::SimPlatform;
use ukey_firmware::{MAX_ANSWER, Settings, Token};

const GM: Dialect = Dialect::GM2012;
const NAME: &[u8] = b"UKEY";
const PRIVATE: [u8; 32] = [0x33; 32];
const FACTORY_KEY: DeviceKey = DeviceKey(*b"1234567812345678");

/// A token with an open application, its user logged in, and an open container with a sign key pair. Commands were
/// encoded beforehand, so that the token's work alone is measured.
#[allow(missing_debug_implementations, reason = "a token has no Debug")]
pub struct BenchToken {
    token: Token<SimPlatform>,
    answer: [u8; MAX_ANSWER],
    pin: Pin,
    application: AppId,
    random: Vec<u8>,
    pin_info: Vec<u8>,
    sign: Vec<u8>,
    generate: Vec<u8>,
    verify: Vec<u8>,
    encrypt: Vec<u8>,
    decrypt: Vec<u8>,
}

impl BenchToken {
    /// Provisions one.
    #[must_use]
    pub fn new() -> Self {
        let Ok(token) = Token::power_on(SimPlatform::new([1; 32]), Settings::default()) else {
            unreachable!("a blank flash makes a token");
        };
        let pin = Pin::new(crate::PIN).expect("8 digits");
        let mut this = Self {
            token,
            answer: [0; MAX_ANSWER],
            application: AppId(0),
            random: encode(&GenRandom { length: 8 }),
            pin_info: Vec::new(),
            sign: Vec::new(),
            generate: Vec::new(),
            verify: Vec::new(),
            encrypt: Vec::new(),
            decrypt: Vec::new(),
            pin,
        };
        let cryptogram = FACTORY_KEY.cryptogram(&this.challenge());
        this.send(&DevAuth { algorithm: 2, cryptogram });
        this.send(&CreateApplication {
            name: NAME,
            admin_pin: this.pin.clone(),
            admin_retries: 10,
            user_pin: this.pin.clone(),
            user_retries: 10,
            create_file: Rights::USER,
            max_containers: 4,
            max_certificates: 8,
            max_files: 0,
        });
        let answer = this.send(&OpenApplication { name: NAME });
        let application = ApplicationInfo::read(&answer, &GM).expect("an application's information").id;
        this.application = application;
        this.verify_pin();
        let answer = this.send(&CreateContainer { application, name: b"BENCH" });
        let container = ContainerId::read(&answer, &GM).expect("a container's id");
        this.pin_info = encode(&GetPinInfo { application, pin_type: PinType::User });
        this.generate = encode(&GenEccKeyPair { application, container, bits: SM2_BITS });
        this.sign = encode(&EccSignData { application, container, input: SignInput::Digest(crate::DIGEST) });
        this.generate();
        this.prepare_external();
        this
    }

    /// The commands with keys from outside.
    fn prepare_external(&mut self) {
        let secret = SecretKey::from_slice(&PRIVATE).expect("a small number");
        let point = secret.public_key().to_sec1_point(false);
        let part = |from: usize| point.as_bytes()[from..from + 32].try_into().expect("32 bytes");
        let public_key = EccPublicKey { x: part(1), y: part(33) };
        let answer = self.send(&ExtEccSign { private_key: PRIVATE, digest: crate::DIGEST });
        let signature = EccSignature::read(&answer, &GM).expect("a signature");
        self.verify = encode(&EccVerify { public_key, input: SignInput::Digest(crate::DIGEST), signature });
        let encrypt = ExtEccEncrypt { public_key, plaintext: Plaintext(&crate::TEXT) };
        let answer = self.send(&encrypt);
        self.encrypt = encode(&encrypt);
        let ciphertext = CipherBlock::read(&answer, &GM).expect("a ciphertext");
        self.decrypt = encode(&ExtEccDecrypt { private_key: PRIVATE, ciphertext });
    }

    /// GenRandom, the host's cryptogram, VerifyPin: one login.
    pub fn verify_pin(&mut self) {
        let challenge = self.challenge();
        let cryptogram = PinKey::derive(&GM, &self.pin).cryptogram(&GM, &challenge);
        self.send(&VerifyPin { application: self.application, pin_type: PinType::User, cryptogram });
    }

    /// GetPinInfo: the round trip of a command that computes nothing.
    pub fn pin_info(&mut self) {
        exchange(&mut self.token, &mut self.answer, &self.pin_info);
    }

    /// ECCSignData over a digest.
    pub fn sign(&mut self) {
        exchange(&mut self.token, &mut self.answer, &self.sign);
    }

    /// GenECCKeyPair, which takes the place of the pair before.
    pub fn generate(&mut self) {
        exchange(&mut self.token, &mut self.answer, &self.generate);
    }

    /// ECCVerify of a digest.
    pub fn verify(&mut self) {
        exchange(&mut self.token, &mut self.answer, &self.verify);
    }

    /// ExtECCEncrypt of 32 bytes.
    pub fn encrypt(&mut self) {
        exchange(&mut self.token, &mut self.answer, &self.encrypt);
    }

    /// ExtECCDecrypt of 32 bytes.
    ///
    /// # Panics
    /// When they are not those that were encrypted.
    pub fn decrypt(&mut self) {
        let answer = exchange(&mut self.token, &mut self.answer, &self.decrypt);
        assert_eq!(answer.last_chunk(), Some(&crate::TEXT));
    }

    fn challenge(&mut self) -> Challenge {
        let answer = exchange(&mut self.token, &mut self.answer, &self.random);
        answer.try_into().expect("8 random bytes")
    }

    fn send<'a, C: Command<'a>>(&mut self, command: &C) -> Vec<u8> {
        exchange(&mut self.token, &mut self.answer, &encode(command)).to_vec()
    }
}

impl Default for BenchToken {
    fn default() -> Self {
        Self::new()
    }
}

/// The data of a successful answer; a figure of a failing command would be worth nothing.
fn exchange<'r>(
    token: &mut Token<SimPlatform>,
    answer: &'r mut [u8; MAX_ANSWER],
    command: &[u8],
) -> &'r [u8] {
    let length = token.exchange(command, answer);
    let (data, word) = answer[..length].split_last_chunk::<2>().expect("a status word");
    assert_eq!(Status(u16::from_be_bytes(*word)), Status::OK);
    data
}

fn encode<'a, C: Command<'a>>(command: &C) -> Vec<u8> {
    let (mut data, mut bytes) = ([0; 256], [0; 272]);
    let apdu = command.to_apdu(&GM, &mut data).expect("short data");
    let length = apdu.encode(&mut bytes).expect("a short command");
    bytes[..length].to_vec()
}
