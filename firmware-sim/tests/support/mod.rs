//! A minimal host for the tests: sends commands to a simulated token and decodes the answers.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of it")]

pub mod envelope;
pub mod fixture;
pub mod mutation;
pub mod walk;

use std::sync::LazyLock;

use ukey_apdu::command::*;
use ukey_apdu::envelope::{Apdu, Cla, Le};
use ukey_apdu::pin::{Challenge, DeviceKey, Pin, PinKey};
use ukey_apdu::{Dialect, Status};
use ukey_firmware::sim::SimPlatform;
use ukey_firmware::{MAX_ANSWER, Policy, Settings, Token};

/// The dialect of this copy of the tests: a module around it has its name (`dialects/main.rs`); without one, the usual.
pub static GM: LazyLock<Dialect> = LazyLock::new(|| {
    let named = |module: &str| Dialect::named(&module.replace('_', "-"));
    module_path!().split("::").find_map(named).unwrap_or_default()
});
pub const NAME: &[u8] = b"UKEY";
pub const USER: &str = "12345678";
pub const ADMIN: &str = "87654321";
pub const TRIES: u32 = 10;
pub const FACTORY_KEY: DeviceKey = DeviceKey(*b"1234567812345678");

/// A token with power, and the ids that are open.
#[derive(Clone)]
pub struct Host {
    pub token: Token<SimPlatform>,
    pub dialect: Dialect,
    pub application: AppId,
    pub container: ContainerId,
    /// Every envelope that was sent, as long as this is there.
    pub sent: Option<Vec<Vec<u8>>>,
}

pub fn pin(text: &str) -> Pin {
    Pin::new(text.as_bytes()).unwrap()
}

impl Host {
    /// A blank token.
    pub fn blank(seed: u8) -> Self {
        Self::on(SimPlatform::new([seed; 32]))
    }

    pub fn on(platform: SimPlatform) -> Self {
        Self::with(platform, Policy::default())
    }

    pub fn with(platform: SimPlatform, policy: Policy) -> Self {
        Self::start(platform, Settings { dialect: *GM, policy, ..Settings::default() })
    }

    /// A token that came up, speaking the dialect of these tests; nothing is open.
    pub fn of(token: Token<SimPlatform>) -> Self {
        Self { token, dialect: *GM, application: AppId(0), container: ContainerId(0), sent: None }
    }

    fn start(platform: SimPlatform, settings: Settings) -> Self {
        let dialect = settings.dialect;
        let token = Token::power_on(platform, settings).map_err(|(error, _)| error).unwrap();
        Self { dialect, ..Self::of(token) }
    }

    /// A blank token that speaks this dialect, whatever the tests speak.
    pub fn speaking(dialect: Dialect, seed: u8) -> Self {
        Self::start(SimPlatform::new([seed; 32]), Settings { dialect, ..Settings::default() })
    }

    /// A token with one application, opened.
    pub fn issued(seed: u8) -> Self {
        Self::blank(seed).issue()
    }

    /// Creates one application and opens it.
    pub fn issue(mut self) -> Self {
        self.authenticate().unwrap();
        self.create_application(NAME).unwrap();
        self.open().unwrap();
        self
    }

    /// A token with one application and a container with a sign key pair, both opened, the user logged in.
    pub fn provisioned(seed: u8) -> Self {
        Self::issued(seed).provision()
    }

    /// Logs the user in and makes a container with a sign key pair.
    pub fn provision(mut self) -> Self {
        self.verify(PinType::User, USER).unwrap();
        self.create_container(b"DEV").unwrap();
        self.generate().unwrap();
        self
    }

    pub fn raw(&mut self, command: &[u8]) -> (Vec<u8>, Status) {
        if let Some(sent) = &mut self.sent {
            sent.push(command.to_vec());
        }
        let mut answer = [0; MAX_ANSWER];
        let length = self.token.exchange(command, &mut answer);
        let (data, word) = answer[..length].split_last_chunk::<2>().unwrap();
        (data.to_vec(), Status(u16::from_be_bytes(*word)))
    }

    pub fn apdu(&mut self, apdu: Apdu<'_>) -> (Vec<u8>, Status) {
        let mut bytes = vec![0; apdu.data.len() + 16];
        let length = apdu.encode(&mut bytes).unwrap();
        self.raw(&bytes[..length])
    }

    /// Sends a command, in blocks where it is long, and joins the answer.
    pub fn send<'a, C: Command<'a>>(&mut self, command: &C) -> Result<Vec<u8>, Status> {
        let mut data = vec![0; 5000];
        let dialect = self.dialect;
        self.deliver(command.to_apdu(&dialect, &mut data).unwrap(), 512)
    }

    /// Sends a command in blocks of at most so many data bytes, and joins the answer.
    pub fn deliver(&mut self, apdu: Apdu<'_>, block: usize) -> Result<Vec<u8>, Status> {
        let blocks: Vec<_> = apdu.split(block).collect();
        let mut joined = Vec::new();
        let (last, first) = blocks.split_last().unwrap();
        loop {
            for block in first {
                let (_, status) = self.apdu(*block);
                if !status.is_ok() {
                    return Err(status);
                }
            }
            let (part, status) = self.apdu(*last);
            joined.extend(part);
            match status {
                Status::OK => return Ok(joined),
                Status::MORE_DATA => {}
                status => return Err(status),
            }
        }
    }

    pub fn challenge(&mut self) -> Challenge {
        self.send(&GenRandom { length: 8 }).unwrap().try_into().unwrap()
    }

    pub fn authenticate(&mut self) -> Result<(), Status> {
        let challenge = self.challenge();
        let cryptogram = FACTORY_KEY.cryptogram(&challenge);
        self.send(&DevAuth { algorithm: self.dialect.device_key_p2.byte(), cryptogram }).map(drop)
    }

    pub fn create_application(&mut self, name: &[u8]) -> Result<(), Status> {
        let command = CreateApplication {
            name,
            admin_pin: pin(ADMIN),
            admin_retries: TRIES,
            user_pin: pin(USER),
            user_retries: TRIES,
            create_file: Rights::USER,
            max_containers: 8,
            max_certificates: 16,
            max_files: 16,
        };
        self.send(&command).map(drop)
    }

    pub fn open(&mut self) -> Result<(), Status> {
        let answer = self.send(&OpenApplication { name: NAME })?;
        self.application = ApplicationInfo::read(&answer, &self.dialect).unwrap().id;
        Ok(())
    }

    pub fn verify(&mut self, pin_type: PinType, text: &str) -> Result<(), Status> {
        let challenge = self.challenge();
        let cryptogram = PinKey::derive(&self.dialect, &pin(text)).cryptogram(&self.dialect, &challenge);
        self.send(&VerifyPin { application: self.application, pin_type, cryptogram }).map(drop)
    }

    pub fn change(&mut self, pin_type: PinType, old: &str, new: &str) -> Result<(), Status> {
        let challenge = self.challenge();
        let header = [0x84, 0x16, 0, pin_type as u8];
        let sealed = PinKey::derive(&self.dialect, &pin(old)).seal(
            &self.dialect,
            &pin(new),
            &challenge,
            header,
            self.application.0.to_be_bytes(),
        );
        let application = self.application;
        self.send(&ChangePin { application, pin_type, new_pin: sealed.as_sealed() }).map(drop)
    }

    pub fn unblock(&mut self, admin: &str, new: &str) -> Result<(), Status> {
        let challenge = self.challenge();
        let sealed = PinKey::derive(&self.dialect, &pin(admin)).seal(
            &self.dialect,
            &pin(new),
            &challenge,
            [0x84, 0x1A, 0, 0],
            self.application.0.to_be_bytes(),
        );
        self.send(&UnblockPin { application: self.application, new_pin: sealed.as_sealed() }).map(drop)
    }

    pub fn pin_info(&mut self, pin_type: PinType) -> PinInfo {
        let answer = self.send(&GetPinInfo { application: self.application, pin_type }).unwrap();
        PinInfo::read(&answer, &self.dialect).unwrap()
    }

    pub fn create_container(&mut self, name: &[u8]) -> Result<(), Status> {
        let answer = self.send(&CreateContainer { application: self.application, name })?;
        self.container = ContainerId::read(&answer, &self.dialect).unwrap();
        Ok(())
    }

    pub fn open_container(&mut self, name: &[u8]) -> Result<(), Status> {
        let answer = self.send(&OpenContainer { application: self.application, name })?;
        self.container = ContainerId::read(&answer, &self.dialect).unwrap();
        Ok(())
    }

    pub fn generate(&mut self) -> Result<EccPublicKey, Status> {
        let (application, container) = (self.application, self.container);
        let answer = self.send(&GenEccKeyPair { application, container, bits: SM2_BITS })?;
        Ok(EccPublicKey::read(&answer, &self.dialect).unwrap())
    }

    pub fn public_key(&mut self, key_use: KeyUse) -> Result<EccPublicKey, Status> {
        let (application, container) = (self.application, self.container);
        let answer = self.send(&ExportPubKey { application, container, key_use })?;
        Ok(EccPublicKey::read(&answer, &self.dialect).unwrap())
    }

    pub fn sign(&mut self, digest: [u8; 32]) -> Result<EccSignature, Status> {
        let (application, container) = (self.application, self.container);
        let answer = self.send(&EccSignData { application, container, input: SignInput::Digest(digest) })?;
        Ok(EccSignature::read(&answer, &self.dialect).unwrap())
    }

    /// The open container as a holder of session keys.
    pub fn holder(&self) -> KeyHolder {
        KeyHolder { application: self.application, container: self.container }
    }

    pub fn set_symm_key(&mut self, holder: KeyHolder, key: &[u8]) -> Result<KeyHandle, Status> {
        self.set_symm_key_for(SGD_SM4_ECB, holder, key)
    }

    pub fn set_symm_key_for(
        &mut self,
        algorithm: u32,
        holder: KeyHolder,
        key: &[u8],
    ) -> Result<KeyHandle, Status> {
        let answer = self.send(&ImportSymmKey { holder, algorithm, key })?;
        Ok(KeyHandle { holder, key: SessionKeyId::read(&answer, &self.dialect).unwrap() })
    }

    pub fn destroy(&mut self, key: KeyHandle) -> Result<(), Status> {
        self.send(&DestroySessionKey { key }).map(drop)
    }

    pub fn import_certificate(&mut self, key_use: KeyUse, certificate: &[u8]) -> Result<(), Status> {
        let (application, container) = (self.application, self.container);
        self.send(&ImportCertificate { application, container, key_use, certificate }).map(drop)
    }

    pub fn certificate(&mut self, key_use: KeyUse) -> Result<Vec<u8>, Status> {
        let (application, container) = (self.application, self.container);
        let answer = self.send(&ExportCertificate { application, container, key_use })?;
        Ok(Certificate::read(&answer, &self.dialect).unwrap().0.to_vec())
    }

    pub fn create_file(&mut self, name: &[u8], size: u32, read: Rights, write: Rights) -> Result<(), Status> {
        let info = FileInfo { size, read, write };
        self.send(&CreateFile { application: self.application, name, info }).map(drop)
    }

    pub fn delete_file(&mut self, name: &[u8]) -> Result<(), Status> {
        self.send(&DeleteFile { application: self.application, name }).map(drop)
    }

    pub fn file_info(&mut self, name: &[u8]) -> Result<FileInfo, Status> {
        let answer = self.send(&GetFileInfo { application: self.application, name })?;
        Ok(FileInfo::read(&answer, &self.dialect).unwrap())
    }

    pub fn read_file(&mut self, name: &[u8], offset: u16, wanted: Le) -> Result<Vec<u8>, Status> {
        self.send(&ReadFile { application: self.application, name, offset, wanted })
    }

    /// The whole of a file, in parts.
    pub fn read_whole(&mut self, name: &[u8]) -> Result<Vec<u8>, Status> {
        let size = u16::try_from(self.file_info(name)?.size).unwrap();
        let parts = (0..size).step_by(2048).map(|offset| self.read_file(name, offset, Le::Exact(2048)));
        parts.collect::<Result<Vec<_>, _>>().map(|parts| parts.concat())
    }

    pub fn write_file(&mut self, name: &[u8], offset: u16, data: &[u8]) -> Result<(), Status> {
        let data = Data(data);
        self.send(&WriteFile { application: self.application, name, offset, data }).map(drop)
    }

    /// Writes the whole of a file, in parts as hosts send them.
    pub fn write_whole(&mut self, name: &[u8], data: &[u8]) -> Result<(), Status> {
        let parts = (0_u16..).step_by(480).zip(data.chunks(480));
        parts.into_iter().try_for_each(|(offset, part)| self.write_file(name, offset, part))
    }

    pub fn files(&mut self) -> Vec<Vec<u8>> {
        let application = self.application;
        self.names(&EnumFiles { application })
    }

    pub fn names<'a, C: Command<'a>>(&mut self, command: &C) -> Vec<Vec<u8>> {
        let answer = self.send(command).unwrap();
        Names::read(&answer, &self.dialect).unwrap().iter().map(<[u8]>::to_vec).collect()
    }

    /// Power off and on again; nothing is open any more.
    pub fn restart(self) -> Self {
        let mut platform = self.token.power_off();
        platform.flash.restore_power();
        Self::start(platform, Settings { dialect: self.dialect, ..Settings::default() })
    }

    pub fn image(&mut self) -> Vec<u8> {
        self.token.platform().flash.image().to_vec()
    }
}

/// A plain command with these data.
pub fn plain(ins: u8, p1: u8, p2: u8, data: &[u8]) -> Apdu<'_> {
    Apdu { cla: Cla::default(), ins, p1, p2, data, le: Le::Absent }
}
