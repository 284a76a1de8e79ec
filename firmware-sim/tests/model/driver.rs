//! Speaks to a simulated token in the words of the specification, and looks at what it keeps.

use std::collections::BTreeMap;

use sm2::dsa::signature::hazmat::PrehashVerifier;
use sm2::dsa::{Signature, VerifyingKey};
use ukey_apdu::command::{Answer as _, *};
use ukey_apdu::envelope::Le;
use ukey_apdu::pin::{Challenge, DeviceKey, PinKey, SealedPinBuf};
use ukey_apdu::{Ins, Status};
use ukey_firmware::Token;
use ukey_firmware::sim::{SimPlatform, Tear};

use super::ciphers;
use super::session_keys::bytes;
use super::specification::{Application, Container, Durable, File, Model, Pin};
use super::support::envelope::{self, public_key};
use super::support::{FACTORY_KEY, GM, Host, pin};
use super::words::{
    APPLICATIONS, Answer, CERTIFICATES, CONTAINERS, CREATE_FILE, Command as Spoken, DEVICE_TRIES, Envelope,
    FILES, Handle, Holder, Id, LABELS, LONG_NAME, MAX_CERTIFICATES, MAX_CONTAINERS, MAX_FILES, Mode, Name,
    PINS, Pair, Proof, Purpose, SHORT_VALUE, Secret, Step, VALUES, message,
};

const APPLICATION_NAMES: [&[u8]; APPLICATIONS] = [b"UKEY", b"OTHER"];
const CONTAINER_NAMES: [&[u8]; CONTAINERS] = [b"SIGN", b"SEAL", b"THIRD", &[b'x'; 65]];
const FILE_NAMES: [&[u8]; FILES] = [b"A", "印章".as_bytes(), b"third file", b""];
const PIN_TEXTS: [&str; PINS] = ["12345678", "87654321", "sixteen-letters!", "12345"];
const LABEL_TEXTS: [&str; LABELS] =
    ["测试锁", "32 bytes make the longest label.", "33 bytes make a label too long..."];
const CERTIFICATE_SIZES: [usize; CERTIFICATES] = [0, 300, 1500, 4001];
const DIGEST: [u8; 32] = [7; 32];
/// The private key of somebody outside the token.
const SOMEBODY: [u8; 32] = [9; 32];

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
    challenge: Challenge,
    keys: BTreeMap<Pair, EccPublicKey>,
}

fn certificate(number: usize) -> Vec<u8> {
    vec![u8::try_from(number).unwrap(); CERTIFICATE_SIZES[number]]
}

fn number_of(name: &[u8], names: &[&[u8]]) -> Name {
    names.iter().position(|known| *known == name).expect("a name that was given")
}

fn verifies(key: &EccPublicKey, signature: &EccSignature) -> bool {
    let point = [[4].as_slice(), &key.x, &key.y].concat();
    let signature = Signature::from_slice(&signature.to_bytes()).unwrap();
    VerifyingKey::from_sec1_bytes("", &point).unwrap().verify_prehash(&DIGEST, &signature).is_ok()
}

impl Driver {
    pub fn new() -> Self {
        Self { host: Host::blank(7), challenge: [0; 8], keys: BTreeMap::new() }
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
        PinKey::derive(&GM, &pin(PIN_TEXTS[proof.secret]))
    }

    fn refresh(&mut self, proof: Proof) {
        if proof.fresh {
            self.challenge = self.host.challenge();
        }
    }

    fn seal(&mut self, proof: Proof, new: Secret, ins: Ins, p2: u8) -> SealedPinBuf {
        let key = self.prove(proof);
        key.seal(&GM, &pin(PIN_TEXTS[new]), &self.challenge, [0x84, ins as u8, 0, p2], [0; 2])
    }

    fn envelope(
        &mut self,
        model: &Model,
        (application, name): (Name, Name),
        kind: Envelope,
        private: u8,
    ) -> envelope::Envelope {
        let open = model.container(application, name).ok();
        let container =
            open.map(|(application, name)| &model.durable.applications[&application].containers[&name]);
        let own = container.and_then(|container| container.pairs[KeyUse::Sign as usize]);
        let own = own.filter(|_| kind != Envelope::ForAnotherKey).map(|pair| self.keys[&pair]);
        let private = [private; 32];
        let mut made = envelope::Envelope::new(own.unwrap_or_else(|| public_key(&SOMEBODY)), private, true);
        match kind {
            Envelope::Right => _ = self.keys.insert(Pair::Brought(private[0]), made.public),
            Envelope::ForAnotherKey => {}
            Envelope::OtherAlgorithm => made.algorithm = 0x101,
            Envelope::OtherPublicKey => made.public.y[31] ^= 1,
        }
        made
    }

    fn nothing<'a, C: Command<'a>>(&mut self, command: &C) -> Result<(Answer, Id), Status> {
        let answer = self.host.send(command)?;
        assert!(answer.is_empty());
        Ok((Answer::Nothing, 0))
    }

    fn opened<'a, C: Command<'a>>(&mut self, command: &C) -> Result<(Answer, Id), Status> {
        let answer = self.host.send(command)?;
        Ok((Answer::Nothing, ContainerId::read(&answer, &GM).unwrap().0))
    }

    fn names<'a, C: Command<'a>>(&mut self, command: &C, names: &[&[u8]]) -> Result<(Answer, Id), Status> {
        let answer = self.host.send(command)?;
        let list = Names::read(&answer, &GM).unwrap();
        Ok((Answer::Names(list.iter().map(|name| number_of(name, names)).collect()), 0))
    }

    fn key<'a, C: Command<'a>>(&mut self, command: &C, model: &Model) -> Result<(Answer, Id), Status> {
        let answer = self.host.send(command)?;
        let key = EccPublicKey::read(&answer, &GM).unwrap();
        Ok((Answer::PublicKey(self.pair(key, model)), 0))
    }

    /// Sends a command with the ids that the model's host remembers. Gives the answer, and the id in it.
    pub fn send(&mut self, model: &Model, command: &Spoken) -> Result<(Answer, Id), Status> {
        let app = |name| AppId(model.application_id(name));
        let con = |application, name| ContainerId(model.container_id(application, name));
        match *command {
            Spoken::SetLabel(label) => self.nothing(&SetLabel { label: LABEL_TEXTS[label].as_bytes() }),
            Spoken::ShortRandom => {
                self.host.send(&GenRandom { length: 7 }).map(|random| assert_eq!(random.len(), 7))?;
                Ok((Answer::Nothing, 0))
            }
            Spoken::DevAuth(proof) => {
                self.refresh(proof);
                let key = if proof.secret == 0 { FACTORY_KEY } else { DeviceKey([0x55; 16]) };
                self.nothing(&DevAuth { algorithm: 2, cryptogram: key.cryptogram(&self.challenge) })
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
                let answer = self.host.send(&OpenApplication { name: APPLICATION_NAMES[name] })?;
                Ok((Answer::Nothing, ApplicationInfo::read(&answer, &GM).unwrap().id.0))
            }
            Spoken::CloseApplication(name) => self.nothing(&CloseApplication { application: app(name) }),
            Spoken::DeleteApplication(name) => {
                self.nothing(&DeleteApplication { name: APPLICATION_NAMES[name] })
            }
            Spoken::EnumApplication => self.names(&EnumApplication, &APPLICATION_NAMES),
            Spoken::VerifyPin(name, pin_type, proof) => {
                let cryptogram = self.prove(proof).cryptogram(&GM, &self.challenge);
                self.nothing(&VerifyPin { application: app(name), pin_type, cryptogram })
            }
            Spoken::ChangePin(name, pin_type, proof, new) => {
                let sealed = self.seal(proof, new, Ins::ChangePin, pin_type as u8);
                self.nothing(&ChangePin { application: app(name), pin_type, new_pin: sealed.as_sealed() })
            }
            Spoken::UnblockPin(name, proof, new) => {
                let sealed = self.seal(proof, new, Ins::UnblockPin, 0);
                self.nothing(&UnblockPin { application: app(name), new_pin: sealed.as_sealed() })
            }
            Spoken::GetPinInfo(name, pin_type) => {
                let answer = self.host.send(&GetPinInfo { application: app(name), pin_type })?;
                Ok((Answer::Pin(PinInfo::read(&answer, &GM).unwrap()), 0))
            }
            Spoken::ClearSecureState(name) => self.nothing(&ClearSecureState { application: app(name) }),
            Spoken::CreateContainer(name, container) => {
                self.opened(&CreateContainer { application: app(name), name: CONTAINER_NAMES[container] })
            }
            Spoken::OpenContainer(name, container) => {
                self.opened(&OpenContainer { application: app(name), name: CONTAINER_NAMES[container] })
            }
            Spoken::CloseContainer(name, container) => {
                self.nothing(&CloseContainer { application: app(name), container: con(name, container) })
            }
            Spoken::DeleteContainer(name, container) => {
                self.nothing(&DeleteContainer { application: app(name), name: CONTAINER_NAMES[container] })
            }
            Spoken::EnumContainer(name) => {
                self.names(&EnumContainer { application: app(name) }, &CONTAINER_NAMES)
            }
            Spoken::GetContainerInfo(name, container) => {
                let command = GetContainerInfo { application: app(name), name: CONTAINER_NAMES[container] };
                let answer = self.host.send(&command)?;
                Ok((Answer::Container(ContainerInfo::read(&answer, &GM).unwrap()), 0))
            }
            Spoken::CreateFile(name, file, info) => {
                self.nothing(&CreateFile { application: app(name), name: FILE_NAMES[file], info })
            }
            Spoken::DeleteFile(name, file) => {
                self.nothing(&DeleteFile { application: app(name), name: FILE_NAMES[file] })
            }
            Spoken::EnumFiles(name) => self.names(&EnumFiles { application: app(name) }, &FILE_NAMES),
            Spoken::GetFileInfo(name, file) => {
                let command = GetFileInfo { application: app(name), name: FILE_NAMES[file] };
                let answer = self.host.send(&command)?;
                Ok((Answer::File(FileInfo::read(&answer, &GM).unwrap()), 0))
            }
            Spoken::ReadFile(name, file, extent) => {
                let (application, offset, wanted) = (app(name), extent.offset, Le::Exact(extent.count));
                let command = ReadFile { application, name: FILE_NAMES[file], offset, wanted };
                Ok((Answer::Content(self.host.send(&command)?), 0))
            }
            Spoken::WriteFile(name, file, extent, byte) => {
                let bytes = vec![byte; extent.count.into()];
                let (application, offset, data) = (app(name), extent.offset, Data(&bytes));
                self.nothing(&WriteFile { application, name: FILE_NAMES[file], offset, data })
            }
            Spoken::GenEccKeyPair(name, container) => {
                let (application, container) = (app(name), con(name, container));
                self.key(&GenEccKeyPair { application, container, bits: SM2_BITS }, model)
            }
            Spoken::ImportEccKeyPair(name, at, envelope, private) => {
                let envelope = self.envelope(model, (name, at), envelope, private);
                let (application, container) = (app(name), con(name, at));
                self.nothing(&ImportEccKeyPair { application, container, key_pair: envelope.key_pair() })
            }
            Spoken::ImportCertificate(name, container, key_use, number) => {
                let (application, container) = (app(name), con(name, container));
                let certificate = &certificate(number);
                self.nothing(&ImportCertificate { application, container, key_use, certificate })
            }
            Spoken::ExportCertificate(name, container, key_use) => {
                let (application, container) = (app(name), con(name, container));
                let answer = self.host.send(&ExportCertificate { application, container, key_use })?;
                let bytes = Certificate::read(&answer, &GM).unwrap().0;
                let number = (0..CERTIFICATES).find(|number| certificate(*number) == bytes);
                Ok((Answer::Certificate(number.expect("a certificate that was given")), 0))
            }
            Spoken::EccSignData(name, container) => {
                let (application, container) = (app(name), con(name, container));
                let input = SignInput::Digest(DIGEST);
                let answer = self.host.send(&EccSignData { application, container, input })?;
                let signature = EccSignature::read(&answer, &GM).unwrap();
                let mut pairs = self.keys.iter().filter(|(_, key)| verifies(key, &signature));
                Ok((Answer::Signature(*pairs.next().expect("a signature of a known key").0), 0))
            }
            Spoken::ExportPubKey(name, container, key_use) => {
                let (application, container) = (app(name), con(name, container));
                self.key(&ExportPubKey { application, container, key_use }, model)
            }
            _ => self.send_to_session_keys(model, command),
        }
    }

    fn send_to_session_keys(&mut self, model: &Model, command: &Spoken) -> Result<(Answer, Id), Status> {
        let holder = |holder: Holder| match holder {
            None => KeyHolder::DEVICE,
            Some((application, name)) => KeyHolder {
                application: AppId(model.application_id(application)),
                container: ContainerId(model.container_id(application, name)),
            },
        };
        let handle = |handle: Handle| KeyHandle {
            holder: holder(handle.holder),
            key: SessionKeyId(model.key_id(handle.key)),
        };
        let value = |value| {
            let length = if value == SHORT_VALUE { 15 } else { 16 };
            bytes(value)[..length].to_vec()
        };
        match *command {
            Spoken::ImportSymmKey(_, of, number) => {
                let command =
                    ImportSymmKey { holder: holder(of), algorithm: SGD_SM4_CBC, key: &value(number) };
                self.new_key(&command)
            }
            Spoken::ImportSessionKey(_, at, number, for_own_pair) => {
                let open = model.container(at.0, at.1).ok();
                let container = open
                    .map(|(application, name)| &model.durable.applications[&application].containers[&name]);
                let pair = container.and_then(|container| container.pairs[KeyUse::Encrypt as usize]);
                let own = pair.filter(|_| for_own_pair).map(|pair| self.keys[&pair]);
                let to = own.unwrap_or_else(|| public_key(&SOMEBODY));
                let sealed = envelope::Sealed::new(&to, &value(number));
                let (holder, sealed) = (holder(Some(at)), sealed.block());
                self.new_key(&ImportSessionKey { holder, algorithm: SGD_SM4_ECB, sealed })
            }
            Spoken::EccExportSessionKeyEx(key) => {
                let command = EccExportSessionKeyEx { key: handle(key), public_key: public_key(&SOMEBODY) };
                let answer = self.host.send(&command)?;
                let sealed = CipherBlock::read(&answer, &GM).unwrap();
                let opened = envelope::open(&SOMEBODY, &sealed).expect("sealed for somebody");
                let number = (0..VALUES).find(|number| value(*number) == opened);
                Ok((Answer::SessionKey(number.expect("a key that was given")), 0))
            }
            Spoken::DestroySessionKey(key) => self.nothing(&DestroySessionKey { key: handle(key) }),
            Spoken::Begin(key, work) => {
                let key = handle(key);
                let algorithm = match work.mode {
                    Mode::Ecb => SGD_SM4_ECB,
                    Mode::Cbc => SGD_SM4_CBC,
                    Mode::Cfb => SGD_SM4_CFB,
                    Mode::Ofb => SGD_SM4_OFB,
                    Mode::Mac => SGD_SM4_MAC,
                };
                let parameters = CipherParameters::new(algorithm, &ciphers::IV);
                let parameters = if work.padded { parameters.padded() } else { parameters };
                match work.purpose {
                    Purpose::Encrypt => self.nothing(&EncryptInit { key, parameters }),
                    Purpose::Decrypt => self.nothing(&DecryptInit { key, parameters }),
                    Purpose::Mac => self.nothing(&MacInit { key, parameters }),
                }
            }
            Spoken::Go(key, purpose, step, length) => {
                let (key, message) = (handle(key), message(length));
                let (data, host) = (Data(&message), &mut self.host);
                let out = match (purpose, step) {
                    (Purpose::Encrypt, Step::One) => host.send(&Encrypt { key, data }),
                    (Purpose::Encrypt, Step::Update) => host.send(&EncryptUpdate { key, data }),
                    (Purpose::Encrypt, Step::Final) => host.send(&EncryptFinal { key, data }),
                    (Purpose::Decrypt, Step::One) => host.send(&Decrypt { key, data }),
                    (Purpose::Decrypt, Step::Update) => host.send(&DecryptUpdate { key, data }),
                    (Purpose::Decrypt, Step::Final) => host.send(&DecryptFinal { key, data }),
                    (Purpose::Mac, Step::One) => host.send(&Mac { key, data }),
                    (Purpose::Mac, Step::Update) => host.send(&MacUpdate { key, data }),
                    (Purpose::Mac, Step::Final) => host.send(&MacFinal { key, data }),
                };
                Ok((Answer::Content(out?), 0))
            }
            Spoken::DigestInit(algorithm) => self.nothing(&DigestInit { algorithm, signer: None }),
            Spoken::Digest(step, length) => {
                let message = message(length);
                let data = Data(&message);
                let out = match step {
                    Step::One => self.host.send(&Digest { data }),
                    Step::Update => self.host.send(&DigestUpdate { data }),
                    Step::Final => self.host.send(&DigestFinal { data }),
                };
                Ok((Answer::Content(out?), 0))
            }
            _ => unreachable!("a command about session keys"),
        }
    }

    fn new_key<'a, C: Command<'a>>(&mut self, command: &C) -> Result<(Answer, Id), Status> {
        let answer = self.host.send(command)?;
        Ok((Answer::Nothing, SessionKeyId::read(&answer, &GM).unwrap().0))
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
        let mut platform = self.host.token.power_off();
        platform.flash.restore_power();
        if let Some(cut) = cut {
            cut.set(&mut platform);
            platform = match Token::power_on(platform, Default::default()) {
                Ok(token) => token.power_off(),
                Err((_, platform)) => platform,
            };
            platform.flash.restore_power();
        }
        Self { host: Host::on(platform), ..self }
    }

    // ---- looking ----

    /// All that the token keeps, seen on copies of its flash: what the looking does stays there.
    ///
    /// The specification's guesses say which PIN to try first.
    pub fn look(&mut self, guesses: &[Model]) -> Durable {
        let image = self.host.image();
        let fresh = || Host::on(SimPlatform::with_image([5; 32], image.clone()).unwrap());
        let mut host = fresh();
        let label = DevInfo::read(&host.send(&GetDevInfo).unwrap(), &GM).unwrap().label.to_vec();
        let label = LABEL_TEXTS.iter().position(|text| text.as_bytes() == label);
        let device_tries = {
            host.challenge();
            let wrong = host.send(&DevAuth { algorithm: 2, cryptogram: [0; 16] }).unwrap_err();
            wrong.remaining().map_or(0, |left| left + 1)
        };
        assert!(device_tries <= DEVICE_TRIES);
        let mut applications = BTreeMap::new();
        for name in host.names(&EnumApplication) {
            let number = number_of(&name, &APPLICATION_NAMES);
            let open = |host: &mut Host| {
                let answer = host.send(&OpenApplication { name: &name }).unwrap();
                host.application = ApplicationInfo::read(&answer, &GM).unwrap().id;
            };
            open(&mut host);
            let pins = [PinType::Administrator, PinType::User].map(|pin_type| {
                let PinInfo { max_retries: most, remaining: left, is_default } = host.pin_info(pin_type);
                let guessed = guesses.iter().filter_map(|model| model.durable.applications.get(&number));
                let guessed = guessed.map(|application| application.pins[pin_type as usize].secret);
                let secret = guessed.chain(0..PINS).find(|secret| {
                    let mut host = fresh();
                    open(&mut host);
                    left > 0 && host.verify(pin_type, PIN_TEXTS[*secret]).is_ok()
                });
                Pin { secret: secret.unwrap_or(usize::MAX), most, left, is_default }
            });
            let containers = self.containers(&mut host, &guesses[0]);
            let mut host = fresh();
            open(&mut host);
            for pin_type in [PinType::Administrator, PinType::User] {
                if let Some(text) = PIN_TEXTS.get(pins[pin_type as usize].secret) {
                    host.verify(pin_type, text).unwrap();
                }
            }
            let files = host.files().into_iter().map(|name| {
                let file = host.file_info(&name).ok().map(|FileInfo { read, write, .. }| File {
                    read,
                    write,
                    content: host.read_whole(&name).unwrap(),
                });
                (number_of(&name, &FILE_NAMES), file)
            });
            let files = files.collect();
            applications.insert(number, Application { pins, containers, files });
        }
        Durable { label, device_tries, applications }
    }

    fn containers(&mut self, host: &mut Host, model: &Model) -> BTreeMap<Name, Container> {
        let application = host.application;
        let names = host.names(&EnumContainer { application });
        let look = |name: Vec<u8>| {
            host.open_container(&name).unwrap();
            let pairs =
                KeyUse::ALL.map(|key_use| host.public_key(key_use).ok().map(|key| self.pair(key, model)));
            let certificates = KeyUse::ALL.map(|key_use| {
                let bytes = host.certificate(key_use).ok()?;
                Some((0..CERTIFICATES).find(|number| certificate(*number) == bytes).expect("as it was given"))
            });
            let number = number_of(&name, &CONTAINER_NAMES);
            assert_ne!(number, LONG_NAME);
            (number, Container { pairs, certificates })
        };
        names.into_iter().map(look).collect()
    }
}
