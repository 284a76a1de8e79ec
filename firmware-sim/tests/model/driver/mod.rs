//! Speaks to a simulated token in the words of the specification, and looks at what it keeps.

mod external;
mod look;
mod objects;
mod session_keys;
mod wire;

use std::collections::BTreeMap;

use ukey_apdu::command::{Answer as _, *};
use ukey_apdu::envelope::Apdu;
use ukey_apdu::pin::{DeviceKey, PinKey, SealedPinBuf};
use ukey_apdu::{Dialect, Ins, Status};
use ukey_firmware::sim::{SimPlatform, Tear};
use ukey_firmware::{Policy, SelfTest, Settings, Token};

use super::command::Command as Spoken;
use super::manner::Manner;
use super::specification::Model;
use super::support::{FACTORY_KEY, Host, pin};
use super::words::{Answer, *};

const APPLICATION_NAMES: [&[u8]; APPLICATIONS] = [b"UKEY", b"OTHER"];
const CONTAINER_NAMES: [&[u8]; CONTAINERS] = [b"SIGN", b"SEAL", b"THIRD", &[b'x'; 65]];
const FILE_NAMES: [&[u8]; FILES] = [b"A", "印章".as_bytes(), b"third file", b""];
const PIN_TEXTS: [&str; PINS] = ["12345678", "87654321", "sixteen-letters!", "12345"];
/// By the numbers of the specification; the last is the factory's.
const LABEL_TEXTS: [&str; LABELS + 1] =
    ["测试锁", "32 bytes make the longest label.", "33 bytes make a label too long...", "", "UKEY"];
const KEYS: [DeviceKey; DEVICE_KEYS] = [FACTORY_KEY, DeviceKey([0xD1; 16]), DeviceKey([0x55; 16])];

type Answered = Result<(Answer, Given), Status>;

/// Where the power is cut.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub operation: u64,
    pub tear: Option<u64>,
}

impl Cut {
    fn set(self, platform: &mut SimPlatform) {
        platform.flash.cut_power_after(self.operation, self.tear.map_or(Tear::Clean, Tear::Torn));
    }
}

pub struct Driver {
    host: Host,
    /// The random bytes that the token gave last, as far as they are a challenge.
    challenge: Vec<u8>,
    /// How the next command is sent.
    manner: Manner,
    keys: BTreeMap<Pair, EccPublicKey>,
    /// Temporary public keys of the agreements that were begun, by their handles.
    begun: BTreeMap<u32, EccPublicKey>,
}

fn certificate(number: usize) -> Vec<u8> {
    vec![u8::try_from(number).unwrap(); CERTIFICATE_SIZES[number]]
}

fn number_of(name: &[u8], names: &[&[u8]]) -> Name {
    names.iter().position(|known| *known == name).expect("a name that was given")
}

/// Gives a platform power, speaking this dialect.
fn power_on(platform: SimPlatform, dialect: Dialect) -> Host {
    let token = Token::power_on(platform, settings(dialect)).map_err(|(error, _)| error).unwrap();
    Host { dialect, ..Host::of(token) }
}

fn settings(dialect: Dialect) -> Settings {
    // It comes up tens of thousands of times.
    let self_test = SelfTest { algorithms: false, ..SelfTest::ALL };
    Settings { dialect, policy: Policy { self_test, ..Policy::default() }, ..Settings::default() }
}

impl Driver {
    pub fn new(dialect: Dialect) -> Self {
        Self {
            host: power_on(SimPlatform::new([7; 32]), dialect),
            challenge: vec![0; 8],
            manner: Manner::Usual,
            keys: BTreeMap::new(),
            begun: BTreeMap::new(),
        }
    }

    fn dialect(&self) -> Dialect {
        self.host.dialect
    }

    /// The pair of a public key: one that is known, or the next one that the token makes.
    fn pair(&mut self, key: EccPublicKey, model: &Model) -> Pair {
        if let Some((pair, _)) = self.keys.iter().find(|(_, known)| **known == key) {
            return *pair;
        }
        let pair = Pair::Made(model.made + 1);
        assert_eq!(self.keys.insert(pair, key), None, "a key pair that nobody made");
        pair
    }

    fn prove(&mut self, proof: Proof) -> PinKey {
        self.refresh(proof);
        PinKey::derive(&self.dialect(), &pin(PIN_TEXTS[proof.secret]))
    }

    fn refresh(&mut self, proof: Proof) {
        if proof.fresh {
            self.challenge = self.host.challenge().to_vec();
        }
    }

    fn pin_challenge(&self) -> [u8; 8] {
        *self.challenge.first_chunk().expect("8 bytes or more")
    }

    fn seal(&mut self, proof: Proof, new: Secret, ins: Ins, p2: u8, application: AppId) -> SealedPinBuf {
        let key = self.prove(proof);
        let (challenge, header) = (self.pin_challenge(), [0x84, ins as u8, 0, p2]);
        key.seal(&self.dialect(), &pin(PIN_TEXTS[new]), &challenge, header, application.0.to_be_bytes())
    }

    fn nothing<'a, C: Command<'a>>(&mut self, command: &C) -> Answered {
        let answer = self.say(command)?;
        assert!(answer.is_empty());
        Ok((Answer::Nothing, Given::default()))
    }

    /// Sends a command in this manner, with the ids that the model's host remembers. Gives the answer, and what the
    /// token chose.
    pub fn send(&mut self, model: &Model, command: &Spoken, manner: Manner) -> Answered {
        self.manner = manner.of(command);
        let app = |name| AppId(model.application_id(name));
        let dialect = self.dialect();
        match *command {
            Spoken::SetLabel(label) => self.nothing(&SetLabel { label: LABEL_TEXTS[label].as_bytes() }),
            Spoken::GetDevInfo => {
                let answer = self.say(&GetDevInfo)?;
                Ok((device_info(&answer, &dialect), Given::default()))
            }
            Spoken::GenRandom(length) => {
                let random = self.say(&GenRandom { length })?;
                assert!(random.len() < 8 || random != self.challenge, "the same random bytes again");
                let length = random.len();
                if length >= 8 {
                    self.challenge = random;
                }
                Ok((Answer::Random(length), Given::default()))
            }
            Spoken::DevAuth(proof, algorithm) => {
                self.refresh(proof);
                let cryptogram = KEYS[proof.secret].cryptogram(&self.challenge);
                self.nothing(&DevAuth { algorithm, cryptogram })
            }
            Spoken::ChangeDevAuthKey(proof, algorithm, new) => {
                self.refresh(proof);
                let (header, challenge) = ([0x84, 0x12, 0, algorithm], self.pin_challenge());
                let (encrypted_key, mac) = KEYS[proof.secret].seal(&dialect, &KEYS[new], &challenge, header);
                self.nothing(&ChangeDevAuthKey { algorithm, encrypted_key, mac })
            }
            Spoken::CreateApplication { name, tries, user } => self.nothing(&CreateApplication {
                name: APPLICATION_NAMES[name],
                admin_pin: pin(PIN_TEXTS[0]),
                admin_retries: tries,
                user_pin: pin(PIN_TEXTS[user]),
                user_retries: tries,
                create_file: CREATE_FILE,
                max_containers: u8::try_from(MAX_CONTAINERS).unwrap(),
                max_certificates: u8::try_from(MAX_CERTIFICATES).unwrap(),
                max_files: u16::try_from(MAX_FILES).unwrap(),
            }),
            Spoken::OpenApplication(name) => {
                let answer = self.say(&OpenApplication { name: APPLICATION_NAMES[name] })?;
                let id = ApplicationInfo::read(&answer, &dialect).unwrap().id.0;
                Ok((Answer::Nothing, Given { id, ..Given::default() }))
            }
            Spoken::CloseApplication(name) => self.nothing(&CloseApplication { application: app(name) }),
            Spoken::DeleteApplication(name) => {
                self.nothing(&DeleteApplication { name: APPLICATION_NAMES[name] })
            }
            Spoken::EnumApplication => self.names(&EnumApplication, &APPLICATION_NAMES),
            Spoken::VerifyPin(name, pin_type, proof) => {
                let key = self.prove(proof);
                let cryptogram = key.cryptogram(&dialect, &self.pin_challenge());
                self.nothing(&VerifyPin { application: app(name), pin_type, cryptogram })
            }
            Spoken::ChangePin(name, pin_type, proof, new) => {
                let sealed = self.seal(proof, new, Ins::ChangePin, pin_type as u8, app(name));
                self.nothing(&ChangePin { application: app(name), pin_type, new_pin: sealed.as_sealed() })
            }
            Spoken::UnblockPin(name, proof, new) => {
                let sealed = self.seal(proof, new, Ins::UnblockPin, 0, app(name));
                self.nothing(&UnblockPin { application: app(name), new_pin: sealed.as_sealed() })
            }
            Spoken::GetPinInfo(name, pin_type) => {
                let answer = self.say(&GetPinInfo { application: app(name), pin_type })?;
                Ok((Answer::Pin(PinInfo::read(&answer, &dialect).unwrap()), Given::default()))
            }
            Spoken::ClearSecureState(name) => self.nothing(&ClearSecureState { application: app(name) }),
            Spoken::Foreign(ins) => {
                let (data, status) = self.host.apdu(Apdu { ins, ..super::support::plain(0, 0, 0, &[]) });
                assert!(data.is_empty());
                Err(status)
            }
            Spoken::TooLong => self.too_long(),
            Spoken::EccVerify(..)
            | Spoken::ExtEccEncrypt(..)
            | Spoken::ExtEccDecrypt(..)
            | Spoken::ExtEccSign(_) => self.send_to_external_keys(command),
            Spoken::ImportSymmKey(..)
            | Spoken::ImportSessionKey(..)
            | Spoken::EccExportSessionKey(..)
            | Spoken::EccExportSessionKeyEx(..)
            | Spoken::DestroySessionKey(_)
            | Spoken::BeginAgreement(..)
            | Spoken::AnswerAgreement(..)
            | Spoken::EndAgreement(..)
            | Spoken::Begin(..)
            | Spoken::Go(..)
            | Spoken::DigestInit(..)
            | Spoken::Digest(..) => self.send_to_session_keys(model, command),
            _ => self.send_to_objects(model, command),
        }
    }

    /// Program and erase operations so far: where there was none, the flash is the same byte for byte.
    pub fn flash_operations(&mut self) -> (u64, u64) {
        let counts = self.host.token.platform().flash.counts();
        (counts.writes, counts.erases)
    }

    // ---- power ----

    pub fn cut(&mut self, cut: Cut) {
        cut.set(self.host.token.platform());
    }

    /// Whether the cut that was set has happened; if not, it will not.
    pub fn was_cut(&mut self) -> bool {
        let flash = &mut self.host.token.platform().flash;
        let was_cut = !flash.has_power();
        if !was_cut {
            flash.restore_power();
        }
        was_cut
    }

    /// Power off and on, with one more cut while the token comes up.
    pub fn restart(self, cut: Option<Cut>) -> Self {
        let dialect = self.dialect();
        let mut platform = self.host.token.power_off();
        platform.flash.restore_power();
        if let Some(cut) = cut {
            cut.set(&mut platform);
            platform = match Token::power_on(platform, settings(dialect)) {
                Ok(token) => token.power_off(),
                Err((_, platform)) => platform,
            };
            platform.flash.restore_power();
        }
        Self { host: power_on(platform, dialect), ..self }
    }
}

/// All that stands in the device information but label and free space is what the token is.
fn device_info(answer: &[u8], dialect: &Dialect) -> Answer {
    let info = DevInfo::read(answer, dialect).unwrap();
    let one = Version { major: 1, minor: 0 };
    let expected = DevInfo {
        structure: one,
        specification: one,
        manufacturer: b"ukey",
        issuer: b"ukey",
        serial_number: b"0000000000000000",
        hardware: Version { major: 0, minor: 1 },
        firmware: Version { major: 0, minor: 1 },
        // SM4 in ECB, CBC, CFB, OFB and MAC; SM2 signature, agreement and encryption; SM3, SHA-1 and SHA-256.
        symmetric: 0x0000_0401 | 0x0402 | 0x0404 | 0x0408 | 0x0410,
        asymmetric: 0x0002_0200 | 0x0002_0400 | 0x0002_0800,
        digest: 1 | 2 | 4,
        device_auth: 0x0401,
        total_space: super::specification::Durable::SPACE,
        max_apdu_data: 512,
        max_containers: 16,
        max_certificates: 32,
        max_files: 120,
        ..info
    };
    assert_eq!(info, expected);
    let label = LABEL_TEXTS.iter().position(|text| text.as_bytes() == info.label);
    Answer::Device(label.expect("a label that was given"), info.free_space)
}
