//! A token under watch. After each answer holds:
//!
//! - it ends with a status word of the table, and none that means a defect or a broken flash;
//! - a command that was refused changed nothing durable; a PIN command may have spent a try;
//! - no secret of the token is in it;
//!
//! and at the end the token comes up again.

use std::sync::OnceLock;

use ukey_apdu::command::{
    Answer as _, AppId, ChangeDevAuthKey, ChangePin, CipherBlock, Command, ContainerId, CreateApplication,
    DevAuth, EccPublicKey, EnvelopedKeyPair, ExportPubKey, ExtEccEncrypt, GenRandom, ImportEccKeyPair,
    ImportSessionKey, KeyHolder, KeyUse, PinType, Plaintext, Rights, SGD_SM4_ECB, UnblockPin, VerifyPin,
};
use ukey_apdu::pin::{Challenge, DeviceKey, Pin, PinKey};
use ukey_apdu::{Apdu, Dialect, Ins, Status, mac};
use ukey_firmware::sim::{Counts, SimFlash, SimPlatform};
use ukey_firmware::{MAX_ANSWER, Policy, SelfTest, Settings, Token};

use crate::script::{Step, steps};
use crate::support::envelope::{Envelope, public_key};
use crate::support::{ADMIN, FACTORY_KEY, Host, NAME, USER};

const GM: Dialect = Dialect::GM2012;
const APPLICATIONS: usize = 8;
/// Bytes of the flash that count tries.
const COUNTERS: usize = 2 * SimFlash::PAGE;

/// The secrets of the provisioned token: nobody tells them to the fuzzer, so no answer can have them by chance.
const USER_PIN: &str = "Kq7#vR2!xZ9$mW4&";
const ADMIN_PIN: &str = "Tb3@pL8^dG6*nC1~";
const PRIVATE: [u8; 32] = *b"\x2f\x91\xc4\x07\xe8\x5a\x3d\xb6\x70\x1e\xf9\x84\x4b\xd2\x63\x0c\
                             \xa7\x38\xee\x15\x9c\x42\xdb\x86\x51\xfd\x2a\x67\xb0\x0e\xc3\x79";
const SESSION_KEY: [u8; 16] = *b"\x8d\x13\xf6\x4e\xa9\x72\x05\xcb\x3e\xd8\x61\x97\x2c\xfa\x50\xb4";

/// A token, and what the harness knows of it.
#[derive(Clone)]
pub struct Watch {
    token: Option<Token<SimPlatform>>,
    /// The flash, and the operations until then.
    flash: Vec<u8>,
    counts: Counts,
    /// For each slot: administrator PIN, user PIN.
    pins: [[Pin; 2]; APPLICATIONS],
    device_key: DeviceKey,
    secrets: Vec<Vec<u8>>,
    last: Vec<u8>,
}

impl Watch {
    /// A blank token.
    pub fn blank() -> Self {
        static BLANK: OnceLock<Watch> = OnceLock::new();
        BLANK.get_or_init(|| Self::of(Host::blank(1), [ADMIN, USER], Vec::new())).clone()
    }

    /// A token with an application, a container, both key pairs and certificates, a file, a session key; everything is
    /// open, the user logged in.
    pub fn provisioned() -> Self {
        static PROVISIONED: OnceLock<Watch> = OnceLock::new();
        PROVISIONED.get_or_init(Self::provision).clone()
    }

    fn provision() -> Self {
        let mut host = Host::blank(1);
        let pin = |text: &str| Pin::new(text.as_bytes()).unwrap();
        host.authenticate().unwrap();
        let command = CreateApplication {
            name: NAME,
            admin_pin: pin(ADMIN_PIN),
            admin_retries: 10,
            user_pin: pin(USER_PIN),
            user_retries: 10,
            create_file: Rights::USER,
            max_containers: 8,
            max_certificates: 16,
            max_files: 16,
        };
        host.send(&command).unwrap();
        host.open().unwrap();
        host.verify(PinType::User, USER_PIN).unwrap();
        host.create_container(b"DEV").unwrap();
        let sign = host.generate().unwrap();
        let image = host.image();
        // Where the pair lies, the private key lies in front of the public one.
        let at = image.windows(32).position(|window| window == sign.x).unwrap();
        let own: [u8; 32] = image[at - 32..at].try_into().unwrap();
        assert_eq!(public_key(&own), sign);
        Envelope::new(sign, PRIVATE, false).import(&mut host).unwrap();
        host.import_certificate(KeyUse::Sign, &[0x5C; 700]).unwrap();
        host.import_certificate(KeyUse::Encrypt, &[0xEC; 300]).unwrap();
        host.create_file(b"SEAL", 1500, Rights::USER, Rights::USER).unwrap();
        host.write_file(b"SEAL", 0, &[0x5E; 400]).unwrap();
        host.set_symm_key(host.holder(), &SESSION_KEY).unwrap();
        let pins = [ADMIN_PIN, USER_PIN];
        let mut secrets: Vec<Vec<u8>> = pins.iter().map(|pin| pin.as_bytes().to_vec()).collect();
        secrets.extend([own.to_vec(), PRIVATE.to_vec(), SESSION_KEY.to_vec()]);
        Self::of(host, pins, secrets)
    }

    fn of(mut host: Host, pins: [&str; 2], secrets: Vec<Vec<u8>>) -> Self {
        let (flash, counts) = (host.image(), host.token.platform().flash.counts());
        let pin = |number: usize| Pin::new(pins[number].as_bytes()).unwrap();
        let pins = std::array::from_fn(|_| [pin(0), pin(1)]);
        let token = Some(host.token);
        Self { token, flash, counts, pins, device_key: FACTORY_KEY, secrets, last: Vec::new() }
    }

    /// Goes through a script, and through a power cycle at its end.
    pub fn run(mut self, script: &[u8]) {
        for step in steps(script).take(64) {
            self.step(step);
        }
        self.power_cycle();
    }

    /// Sends an envelope and looks at the answer.
    ///
    /// # Panics
    /// Where something does not hold.
    pub fn exchange(&mut self, envelope: &[u8]) -> (Vec<u8>, Status) {
        let Some(token) = &mut self.token else { unreachable!("it has power between the steps") };
        self.last.clear();
        self.last.extend(envelope);
        let mut answer = [0; MAX_ANSWER];
        let length = token.exchange(envelope, &mut answer);
        let (data, word) = answer[..length].split_last_chunk::<2>().expect("an answer has 2 bytes or more");
        let status = Status(u16::from_be_bytes(*word));
        let ins = envelope.get(1).copied().and_then(Ins::from_byte);
        assert!(status.is_known(), "{ins:?} → {status}");
        let is_defect =
            [Status::INTERNAL, Status::MEMORY_FAILURE, Status::MEMORY_UNCHANGED].contains(&status);
        assert!(!is_defect, "{ins:?} → {status}, and nothing is wrong with the flash");
        assert!(
            data.is_empty() || status.is_ok() || status == Status::MORE_DATA,
            "{ins:?} → {status} and data"
        );
        for (number, secret) in self.secrets.iter().enumerate() {
            let inside = data.windows(secret.len()).any(|window| window == secret);
            assert!(!inside, "{ins:?} gives secret {number} away");
        }
        let flash = &token.platform().flash;
        if flash.counts() != self.counts {
            let refused = !status.is_ok() && status != Status::MORE_DATA;
            // A new PIN that is too short: the old one was right, its try is forgiven.
            let try_spent = status.remaining().is_some()
                || status == Status::WRONG_DATA && matches!(ins, Some(Ins::ChangePin | Ins::UnblockPin));
            if refused {
                let from = if try_spent { COUNTERS } else { 0 };
                assert!(flash.image()[from..] == self.flash[from..], "{ins:?} → {status} changed the flash");
            }
            self.counts = flash.counts();
            self.flash.copy_from_slice(flash.image());
        }
        (data.to_vec(), status)
    }

    /// Sends a command, one byte of its data spoilt if wanted.
    fn send<'a, C: Command<'a>>(&mut self, command: &C, how: How) -> Result<Vec<u8>, Status> {
        let mut buffer = [0; 1024];
        let apdu = command.to_apdu(&GM, &mut buffer).expect("the harness' own commands are short");
        let mut data = apdu.data.to_vec();
        if how.spoil && !data.is_empty() {
            let at = usize::from(how.place) % data.len();
            data[at] = how.byte;
        }
        let mut envelope = [0; 1100];
        let length = Apdu { data: &data, ..apdu }.encode(&mut envelope).expect("there is room");
        match self.exchange(&envelope[..length]) {
            (answer, Status::OK) => Ok(answer),
            (_, status) => Err(status),
        }
    }

    fn challenge(&mut self) -> Option<Challenge> {
        self.send(&GenRandom { length: 8 }, How::WELL).ok()?.try_into().ok()
    }

    fn pin_key(&self, how: How, pin_type: PinType) -> PinKey {
        let right = &self.pins[how.slot][pin_type as usize];
        let wrong = Pin::new(b"a wrong one").expect("a PIN");
        PinKey::derive(&GM, if how.wrong { &wrong } else { right })
    }

    fn step(&mut self, step: Step<'_>) {
        // What is refused on the way ends the step.
        let _ = match step {
            Step::Envelope(envelope) => {
                self.exchange(envelope);
                Some(())
            }
            Step::Chain(size, envelope) => {
                self.chain(size, envelope);
                Some(())
            }
            Step::Again => {
                let last = self.last.clone();
                self.exchange(&last);
                Some(())
            }
            Step::VerifyPin(content) => self.verify_pin(How::take(content).0),
            Step::ChangePin(content) => self.change_pin(How::take(content)),
            Step::UnblockPin(content) => self.unblock_pin(How::take(content)),
            Step::DevAuth(content) => self.dev_auth(How::take(content).0),
            Step::ChangeDevAuthKey(content) => self.change_device_key(How::take(content)),
            Step::ImportKeyPair(content) => self.import_key_pair(How::take(content)),
            Step::ImportSessionKey(content) => self.import_session_key(How::take(content)),
            Step::PowerCycle => {
                self.power_cycle();
                Some(())
            }
        };
    }

    fn chain(&mut self, size: u8, envelope: &[u8]) {
        let Ok(apdu) = Apdu::parse(envelope) else { return };
        let mut buffer = [0; 300];
        for block in apdu.split(usize::from(size)).take(40) {
            let length = block.encode(&mut buffer).expect("a block has 255 bytes at most");
            self.exchange(&buffer[..length]);
        }
    }

    fn verify_pin(&mut self, how: How) -> Option<()> {
        let pin_type = how.pin_type();
        let cryptogram = self.pin_key(how, pin_type).cryptogram(&GM, &self.challenge()?);
        let command = VerifyPin { application: how.application(), pin_type, cryptogram };
        self.send(&command, how).ok().map(drop)
    }

    fn change_pin(&mut self, (how, new): (How, &[u8])) -> Option<()> {
        let pin_type = how.pin_type();
        let new = Pin::new(new.get(..16).unwrap_or(new)).ok()?;
        let header = [0x84, Ins::ChangePin as u8, 0, pin_type as u8];
        let sealed = self.pin_key(how, pin_type).seal(&GM, &new, &self.challenge()?, header, [0; 2]);
        let application = how.application();
        let command = ChangePin { application, pin_type, new_pin: sealed.as_sealed() };
        self.send(&command, how).ok()?;
        self.pins[how.slot][pin_type as usize] = new;
        Some(())
    }

    fn unblock_pin(&mut self, (how, new): (How, &[u8])) -> Option<()> {
        let new = Pin::new(new.get(..16).unwrap_or(new)).ok()?;
        let header = [0x84, Ins::UnblockPin as u8, 0, 0];
        let key = self.pin_key(how, PinType::Administrator);
        let sealed = key.seal(&GM, &new, &self.challenge()?, header, [0; 2]);
        let application = how.application();
        self.send(&UnblockPin { application, new_pin: sealed.as_sealed() }, how).ok()?;
        self.pins[how.slot][PinType::User as usize] = new;
        Some(())
    }

    fn device_key(&self, how: How) -> DeviceKey {
        if how.wrong { DeviceKey([0; 16]) } else { self.device_key.clone() }
    }

    fn dev_auth(&mut self, how: How) -> Option<()> {
        let cryptogram = self.device_key(how).cryptogram(&self.challenge()?);
        self.send(&DevAuth { algorithm: 2, cryptogram }, how).ok().map(drop)
    }

    fn change_device_key(&mut self, (how, new): (How, &[u8])) -> Option<()> {
        let new = DeviceKey(*new.first_chunk()?);
        let header = [0x84, Ins::ChangeDevAuthKey as u8, 0, 2];
        let (encrypted_key, mac) = self.device_key(how).seal(&GM, &new, &self.challenge()?, header);
        self.send(&ChangeDevAuthKey { algorithm: 2, encrypted_key, mac }, how).ok()?;
        self.device_key = new;
        Some(())
    }

    fn public_key(&mut self, how: How, key_use: KeyUse) -> Option<EccPublicKey> {
        let KeyHolder { application, container } = how.holder();
        let answer = self.send(&ExportPubKey { application, container, key_use }, How::WELL).ok()?;
        EccPublicKey::read(&answer, &GM).ok()
    }

    fn seal(&mut self, public_key: EccPublicKey, plain: &[u8]) -> Option<Vec<u8>> {
        self.send(&ExtEccEncrypt { public_key, plaintext: Plaintext(plain) }, How::WELL).ok()
    }

    fn import_key_pair(&mut self, (how, private): (How, &[u8])) -> Option<()> {
        const SYMMETRIC: [u8; 16] = [0x17; 16];
        let private: [u8; 32] = *private.first_chunk()?;
        sm2::SecretKey::from_slice(&private).ok()?;
        let to = self.public_key(how, KeyUse::Sign)?;
        let wrapped = self.seal(to, &SYMMETRIC)?;
        let (blocks, _) = private.as_chunks::<16>();
        let encrypted: Vec<u8> =
            blocks.iter().flat_map(|block| mac::encrypt_block(&SYMMETRIC, *block)).collect();
        let key_pair = EnvelopedKeyPair {
            version: 1,
            algorithm: SGD_SM4_ECB,
            encrypted_private_key: &encrypted,
            public_key: public_key(&private),
            wrapped_key: CipherBlock::read(&wrapped, &GM).ok()?,
        };
        let KeyHolder { application, container } = how.holder();
        self.send(&ImportEccKeyPair { application, container, key_pair }, how).ok().map(drop)
    }

    fn import_session_key(&mut self, (how, key): (How, &[u8])) -> Option<()> {
        let to = self.public_key(how, KeyUse::Encrypt)?;
        let sealed = self.seal(to, key.get(..16).unwrap_or(key))?;
        let sealed = CipherBlock::read(&sealed, &GM).ok()?;
        let command = ImportSessionKey { holder: how.holder(), algorithm: SGD_SM4_ECB, sealed };
        self.send(&command, how).ok().map(drop)
    }

    fn power_cycle(&mut self) {
        let Some(token) = self.token.take() else { return };
        // That the algorithms are right is not found out anew for each script; that the records are, is.
        let self_test = SelfTest { algorithms: false, records: true };
        let settings = Settings { policy: Policy { self_test, ..Policy::default() }, ..Settings::default() };
        match Token::power_on(token.power_off(), settings) {
            Ok(token) => self.token = Some(token),
            Err((error, _)) => panic!("it does not come up again: {error}"),
        }
        assert!(self.challenge().is_some(), "it came up and does not work");
    }
}

/// How a step is done.
#[derive(Clone, Copy, Default)]
struct How {
    user: bool,
    wrong: bool,
    spoil: bool,
    slot: usize,
    place: u8,
    byte: u8,
}

impl How {
    const WELL: How = How { user: true, wrong: false, spoil: false, slot: 0, place: 0, byte: 0 };

    fn take(content: &[u8]) -> (How, &[u8]) {
        let Some((&[how, place, byte], rest)) = content.split_first_chunk() else {
            return (How::WELL, &[]);
        };
        let bit = |bit: u8| how & 1 << bit != 0;
        let slot = usize::from(how >> 4) % APPLICATIONS;
        (How { user: bit(0), wrong: bit(1), spoil: bit(2), slot, place, byte }, rest)
    }

    fn pin_type(self) -> PinType {
        if self.user { PinType::User } else { PinType::Administrator }
    }

    fn application(self) -> AppId {
        AppId(0x1000 + self.slot as u16)
    }

    /// The first container of the application.
    fn holder(self) -> KeyHolder {
        KeyHolder { application: self.application(), container: ContainerId(0x3001) }
    }
}
