//! A token on the simulated platform, ready for the commands that are measured.

use ukey_apdu::command::{
    Answer, AppId, ApplicationInfo, Command, ContainerId, CreateApplication, CreateContainer, DevAuth,
    EccSignData, GenEccKeyPair, GenRandom, GetPinInfo, OpenApplication, PinType, Rights, SM2_BITS, SignInput,
    VerifyPin,
};
use ukey_apdu::pin::{Challenge, DeviceKey, Pin, PinKey};
use ukey_apdu::{Dialect, Status};
use ukey_firmware::sim::SimPlatform;
use ukey_firmware::{MAX_ANSWER, Settings, Token};

const GM: Dialect = Dialect::GM2012;
const NAME: &[u8] = b"UKEY";
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
        this
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
