//! A minimal host: sends commands to a token and writes down what was said.

use ukey_apdu::command::{
    Answer as _, AppId, ApplicationInfo, Certificate, ChangeDevAuthKey, ChangePin, CipherBlock, Command,
    ContainerId, CreateApplication, CreateContainer, CreateFile, Data, DevAuth, EccPublicKey, EccSignData,
    EccSignature, EccVerify, EnvelopedKeyPair, ExportCertificate, ExportPubKey, ExtEccEncrypt, FileInfo,
    GenEccKeyPair, GenRandom, GetFileInfo, GetPinInfo, ImportCertificate, ImportEccKeyPair, KeyUse, Names,
    OpenApplication, OpenContainer, PinInfo, PinType, Plaintext, ReadFile, Rights, SGD_SM4_ECB, SM2_BITS,
    SetLabel, SignInput, UnblockPin, VerifyPin, WriteFile,
};
use ukey_apdu::envelope::Le;
use ukey_apdu::pin::{Challenge, DeviceKey, Pin, PinKey};
use ukey_apdu::{Dialect, Status, mac};

use super::secrets::{ADMIN_PINS, DEVICE_KEYS, ENVELOPE_KEY, USER_PINS};
use crate::sim::SimPlatform;
use crate::{MAX_ANSWER, Policy, SelfTest, Settings, Token};

const GM: Dialect = Dialect::GM2012;

/// The application that the states have.
pub(super) const NAME: &[u8] = b"UKEY";
/// The container in it.
pub(super) const CONTAINER: &[u8] = b"DEV";
/// Most files of it.
pub(super) const FILES: u16 = 8;
/// Tries of each PIN.
const TRIES: u32 = 6;

/// Which of each pair of secrets a token holds.
#[derive(Clone, Copy)]
pub(super) struct Held(usize);

impl Held {
    /// Those of the beginning.
    pub(super) const FIRST: Held = Held(0);
    /// Those that they are changed to.
    pub(super) const SECOND: Held = Held(1);

    const fn of<T: Copy>(self, pair: [T; 2], which: Which) -> T {
        let [first, second] = pair;
        match (self.0, which) {
            (0, Which::Held) | (1, Which::Next) => first,
            _ => second,
        }
    }
}

/// One of a pair of secrets.
#[derive(Clone, Copy)]
pub(super) enum Which {
    /// That which the token holds at the beginning of a command.
    Held,
    /// That which takes its place.
    Next,
}

/// A token with power, what is open in it, and what was said to it.
pub(super) struct Host {
    pub(super) token: Token<SimPlatform>,
    pub(super) application: AppId,
    pub(super) container: ContainerId,
    pub(super) held: Held,
    /// A line for every command, no secret in it.
    pub(super) script: Vec<String>,
}

type Done = Result<(), Status>;

impl Host {
    /// Gives a platform power. `Err` says why it does not come up.
    pub(super) fn on(platform: SimPlatform) -> Result<Self, String> {
        let token = Token::power_on(platform, settings());
        let token = token.map_err(|(error, _)| format!("it does not come up: {error}"))?;
        Ok(Self {
            token,
            application: AppId(0),
            container: ContainerId(0),
            held: Held::FIRST,
            script: Vec::new(),
        })
    }

    /// Program operations and erased pages so far.
    pub(super) fn operations(&mut self) -> u64 {
        let counts = self.token.platform().flash.counts();
        counts.writes + counts.erases
    }

    /// What is in the flash.
    pub(super) fn image(&mut self) -> Vec<u8> {
        self.token.platform().flash.image().to_vec()
    }

    /// Sends a command, in blocks where it is long, and joins the answer.
    pub(super) fn send<'a, C: Command<'a>>(&mut self, command: &C) -> Result<Vec<u8>, Status> {
        let mut data = vec![0; 5000];
        let apdu = command.to_apdu(&GM, &mut data).map_err(|_| Status::INTERNAL)?;
        let blocks: Vec<_> = apdu.split(512).collect();
        let mut joined = Vec::new();
        let mut status = Status::INTERNAL;
        for (number, block) in blocks.iter().enumerate() {
            let last = number + 1 == blocks.len();
            let mut bytes = vec![0; block.data.len() + 16];
            let length = block.encode(&mut bytes).map_err(|_| Status::INTERNAL)?;
            loop {
                let mut answer = [0; MAX_ANSWER];
                let answered = self.token.exchange(bytes.get(..length).unwrap_or_default(), &mut answer);
                let (part, word) =
                    answer.get(..answered).and_then(<[u8]>::split_last_chunk).ok_or(Status::INTERNAL)?;
                joined.extend_from_slice(part);
                status = Status(u16::from_be_bytes(*word));
                if status != Status::MORE_DATA {
                    break;
                }
            }
            if last || !status.is_ok() {
                self.script.push(format!("{} {command} → {status}", C::INS.name()));
                break;
            }
        }
        if status.is_ok() { Ok(joined) } else { Err(status) }
    }

    // ---- rights ----

    pub(super) fn user_pin(&self, which: Which) -> &'static str {
        self.held.of(USER_PINS, which)
    }

    pub(super) fn admin_pin(&self, which: Which) -> &'static str {
        self.held.of(ADMIN_PINS, which)
    }

    pub(super) fn device_key(&self, which: Which) -> DeviceKey {
        DeviceKey(self.held.of(DEVICE_KEYS, which))
    }

    /// The user proves the PIN.
    pub(super) fn log_in(&mut self) -> Done {
        self.verify(PinType::User, self.user_pin(Which::Held))
    }

    fn challenge(&mut self) -> Result<Challenge, Status> {
        self.send(&GenRandom { length: 8 })?.try_into().map_err(|_| Status::INTERNAL)
    }

    pub(super) fn authenticate(&mut self, key: DeviceKey) -> Done {
        let cryptogram = key.cryptogram(&self.challenge()?);
        self.send(&DevAuth { algorithm: 2, cryptogram }).map(drop)
    }

    pub(super) fn change_device_key(&mut self, key: DeviceKey, new: &DeviceKey) -> Done {
        let challenge = self.challenge()?;
        let (encrypted_key, mac) = key.seal(&GM, new, &challenge, [0x84, 0x12, 0, 2]);
        self.send(&ChangeDevAuthKey { algorithm: 2, encrypted_key, mac }).map(drop)
    }

    pub(super) fn verify(&mut self, pin_type: PinType, text: &str) -> Done {
        let challenge = self.challenge()?;
        let cryptogram = key_of(text)?.cryptogram(&GM, &challenge);
        self.send(&VerifyPin { application: self.application, pin_type, cryptogram }).map(drop)
    }

    pub(super) fn change(&mut self, pin_type: PinType, old: &str, new: &str) -> Done {
        let challenge = self.challenge()?;
        let header = [0x84, 0x16, 0, pin_type as u8];
        let sealed = key_of(old)?.seal(&GM, &pin(new)?, &challenge, header, [0; 2]);
        let application = self.application;
        self.send(&ChangePin { application, pin_type, new_pin: sealed.as_sealed() }).map(drop)
    }

    pub(super) fn unblock(&mut self, admin: &str, new: &str) -> Done {
        let challenge = self.challenge()?;
        let sealed = key_of(admin)?.seal(&GM, &pin(new)?, &challenge, [0x84, 0x1A, 0, 0], [0; 2]);
        self.send(&UnblockPin { application: self.application, new_pin: sealed.as_sealed() }).map(drop)
    }

    pub(super) fn pin_info(&mut self, pin_type: PinType) -> Result<PinInfo, Status> {
        let answer = self.send(&GetPinInfo { application: self.application, pin_type })?;
        PinInfo::read(&answer, &GM).map_err(|_| Status::INTERNAL)
    }

    // ---- objects ----

    pub(super) fn label(&mut self, label: &[u8]) -> Done {
        self.send(&SetLabel { label }).map(drop)
    }

    pub(super) fn create_application(&mut self, name: &[u8], admin: &str, user: &str) -> Done {
        let command = CreateApplication {
            name,
            admin_pin: pin(admin)?,
            admin_retries: TRIES,
            user_pin: pin(user)?,
            user_retries: TRIES,
            create_file: Rights::USER,
            max_containers: 16,
            max_certificates: 32,
            max_files: FILES,
        };
        self.send(&command).map(drop)
    }

    pub(super) fn open(&mut self) -> Done {
        self.open_named(NAME)
    }

    pub(super) fn open_named(&mut self, name: &[u8]) -> Done {
        let answer = self.send(&OpenApplication { name })?;
        self.application = ApplicationInfo::read(&answer, &GM).map_err(|_| Status::INTERNAL)?.id;
        Ok(())
    }

    pub(super) fn create_container(&mut self, name: &[u8]) -> Done {
        let answer = self.send(&CreateContainer { application: self.application, name })?;
        self.container = ContainerId::read(&answer, &GM).map_err(|_| Status::INTERNAL)?;
        Ok(())
    }

    pub(super) fn open_container(&mut self, name: &[u8]) -> Done {
        let answer = self.send(&OpenContainer { application: self.application, name })?;
        self.container = ContainerId::read(&answer, &GM).map_err(|_| Status::INTERNAL)?;
        Ok(())
    }

    pub(super) fn generate(&mut self) -> Done {
        let (application, container) = (self.application, self.container);
        self.send(&GenEccKeyPair { application, container, bits: SM2_BITS }).map(drop)
    }

    /// Brings the encryption pair of this private key, enveloped by the token itself for the container's sign key.
    pub(super) fn import_pair(&mut self, private: &[u8; 32]) -> Done {
        let (application, container) = (self.application, self.container);
        let public_key = crate::sm2::from_private(private).map_err(|_| Status::INTERNAL)?.public_key();
        let to = self.public_key(KeyUse::Sign)?;
        let wrapped = self.send(&ExtEccEncrypt { public_key: to, plaintext: Plaintext(&ENVELOPE_KEY) })?;
        let (blocks, _) = private.as_chunks::<16>();
        let encrypted: Vec<u8> =
            blocks.iter().flat_map(|block| mac::encrypt_block(&ENVELOPE_KEY, *block)).collect();
        let key_pair = EnvelopedKeyPair {
            version: 1,
            algorithm: SGD_SM4_ECB,
            encrypted_private_key: &encrypted,
            public_key,
            wrapped_key: CipherBlock::read(&wrapped, &GM).map_err(|_| Status::INTERNAL)?,
        };
        self.send(&ImportEccKeyPair { application, container, key_pair }).map(drop)
    }

    pub(super) fn public_key(&mut self, key_use: KeyUse) -> Result<EccPublicKey, Status> {
        let (application, container) = (self.application, self.container);
        let answer = self.send(&ExportPubKey { application, container, key_use })?;
        EccPublicKey::read(&answer, &GM).map_err(|_| Status::INTERNAL)
    }

    /// Whether what the container's sign pair signs is verified by its public key.
    pub(super) fn pair_belongs_together(&mut self, public_key: EccPublicKey) -> Done {
        let (application, container) = (self.application, self.container);
        let input = SignInput::Digest([7; 32]);
        let answer = self.send(&EccSignData { application, container, input })?;
        let signature = EccSignature::read(&answer, &GM).map_err(|_| Status::INTERNAL)?;
        self.send(&EccVerify { public_key, input, signature }).map(drop)
    }

    pub(super) fn import_certificate(&mut self, key_use: KeyUse, certificate: &[u8]) -> Done {
        let (application, container) = (self.application, self.container);
        self.send(&ImportCertificate { application, container, key_use, certificate }).map(drop)
    }

    pub(super) fn certificate(&mut self, key_use: KeyUse) -> Result<Vec<u8>, Status> {
        let (application, container) = (self.application, self.container);
        let answer = self.send(&ExportCertificate { application, container, key_use })?;
        Ok(Certificate::read(&answer, &GM).map_err(|_| Status::INTERNAL)?.0.to_vec())
    }

    pub(super) fn create_file(&mut self, name: &[u8], size: u32, read: Rights) -> Done {
        let info = FileInfo { size, read, write: Rights::USER };
        self.send(&CreateFile { application: self.application, name, info }).map(drop)
    }

    pub(super) fn write_file(&mut self, name: &[u8], offset: u16, data: &[u8]) -> Done {
        let data = Data(data);
        self.send(&WriteFile { application: self.application, name, offset, data }).map(drop)
    }

    /// The whole of a file.
    pub(super) fn read_file(&mut self, name: &[u8]) -> Result<Vec<u8>, Status> {
        let application = self.application;
        let info = self.send(&GetFileInfo { application, name })?;
        let size = FileInfo::read(&info, &GM).map_err(|_| Status::INTERNAL)?.size;
        let mut whole = Vec::new();
        while let Some(offset) = u16::try_from(whole.len()).ok().filter(|&offset| u32::from(offset) < size) {
            whole.extend(self.send(&ReadFile { application, name, offset, wanted: Le::Exact(2048) })?);
        }
        Ok(whole)
    }

    /// A list of names.
    pub(super) fn names<'a, C: Command<'a>>(&mut self, command: &C) -> Result<Vec<Vec<u8>>, Status> {
        let answer = self.send(command)?;
        let names = Names::read(&answer, &GM).map_err(|_| Status::INTERNAL)?;
        Ok(names.iter().map(<[u8]>::to_vec).collect())
    }
}

/// As a token comes, but that it answers in long blocks, and that no algorithm is tested at every power-on.
pub(super) fn settings() -> Settings {
    let policy =
        Policy { block: 2048, self_test: SelfTest { algorithms: false, records: true }, ..Policy::default() };
    Settings { policy, ..Settings::default() }
}

fn pin(text: &str) -> Result<Pin, Status> {
    Pin::new(text.as_bytes()).map_err(|_| Status::WRONG_DATA)
}

fn key_of(text: &str) -> Result<PinKey, Status> {
    Ok(PinKey::derive(&GM, &pin(text)?))
}
