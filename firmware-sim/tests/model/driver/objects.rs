//! Containers, certificates, files and key pairs.

use ukey_apdu::command::{Answer as _, Certificate, *};
use ukey_apdu::envelope::Le;

use super::super::command::Command as Spoken;
use super::super::reference::sm2;
use super::super::specification::Model;
use super::super::support::envelope;
use super::super::words::{Answer, *};
use super::{Answered, CONTAINER_NAMES, Driver, FILE_NAMES, certificate, number_of};

impl Driver {
    pub(super) fn send_to_objects(&mut self, model: &Model, command: &Spoken) -> Answered {
        let app = |name| AppId(model.application_id(name));
        let con = |application, name| ContainerId(model.container_id(application, name));
        let (dialect, none) = (self.dialect(), Given::default());
        match *command {
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
                let answer = self.say(&command)?;
                Ok((Answer::Container(ContainerInfo::read(&answer, &dialect).unwrap()), none))
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
                let answer = self.say(&command)?;
                Ok((Answer::File(FileInfo::read(&answer, &dialect).unwrap()), none))
            }
            Spoken::ReadFile(name, file, extent) => {
                let (application, offset, wanted) = (app(name), extent.offset, Le::Exact(extent.count));
                let command = ReadFile { application, name: FILE_NAMES[file], offset, wanted };
                Ok((Answer::Content(self.say(&command)?), none))
            }
            Spoken::WriteFile(name, file, extent, byte) => {
                let bytes = vec![byte; extent.count.into()];
                let (application, offset, data) = (app(name), extent.offset, Data(&bytes));
                self.nothing(&WriteFile { application, name: FILE_NAMES[file], offset, data })
            }
            Spoken::GenEccKeyPair(name, container, bits) => {
                let (application, container) = (app(name), con(name, container));
                self.key(&GenEccKeyPair { application, container, bits }, model)
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
                let answer = self.say(&ExportCertificate { application, container, key_use })?;
                let bytes = Certificate::read(&answer, &dialect).unwrap().0;
                let number = (0..CERTIFICATES).find(|number| certificate(*number) == bytes);
                Ok((Answer::Certificate(number.expect("a certificate that was given")), none))
            }
            Spoken::EccSignData(name, container, input) => {
                let (application, container) = (app(name), con(name, container));
                let bytes = sm2::signed(input);
                let signed = sm2::sign_input(input, &bytes);
                let answer = self.say(&EccSignData { application, container, input: signed })?;
                let signature = EccSignature::read(&answer, &dialect).unwrap();
                let mut pairs = self.keys.iter().filter(|(_, key)| sm2::verifies(key, input, &signature));
                Ok((Answer::Signature(*pairs.next().expect("a signature of a known key").0), none))
            }
            Spoken::ExportPubKey(name, container, key_use) => {
                let (application, container) = (app(name), con(name, container));
                self.key(&ExportPubKey { application, container, key_use }, model)
            }
            _ => unreachable!("a command about what an application holds"),
        }
    }

    fn envelope(
        &mut self,
        model: &Model,
        at: (Name, Name),
        kind: Envelope,
        private: u8,
    ) -> envelope::Envelope {
        let own = model.key_pair(at, KeyUse::Sign).filter(|_| kind != Envelope::ForAnotherKey);
        let own = own.map(|pair| self.keys[&pair]);
        let to = own.unwrap_or_else(|| envelope::public_key(&sm2::SOMEBODY));
        let number = private;
        let private = [private; 32];
        let long = kind != Envelope::Short;
        let mut made = envelope::Envelope::new(to, private, long);
        let with_key = |made: &mut envelope::Envelope, key: &[u8]| {
            let envelope::Sealed { point, hash, cipher } = envelope::Sealed::new(&to, key);
            (made.point, made.hash, made.cipher) = (point, hash, cipher);
        };
        match kind {
            Envelope::Right | Envelope::Short => _ = self.keys.insert(Pair::Brought(number), made.public),
            Envelope::ForAnotherKey => {}
            Envelope::OtherAlgorithm => made.algorithm = 0x101,
            Envelope::OtherPublicKey => made.public.y[31] ^= 1,
            Envelope::OtherVersion => made.version = 2,
            Envelope::OddLength => made.encrypted.truncate(48),
            Envelope::NoZeros => made.seal_private_key(&[[1; 32], private].concat()),
            Envelope::Zero => made.seal_private_key(&[0; 64]),
            Envelope::NoInverse => made.seal_private_key(&[[0; 32], sm2::order_less(1)].concat()),
            Envelope::SpoiltHash => made.hash[0] ^= 1,
            Envelope::OffCurve => made.point = sm2::OFF_CURVE,
            Envelope::ShortKey => with_key(&mut made, &[0x17; 15]),
        }
        made
    }

    fn opened<'a, C: Command<'a>>(&mut self, command: &C) -> Answered {
        let answer = self.say(command)?;
        let id = ContainerId::read(&answer, &self.dialect()).unwrap().0;
        Ok((Answer::Nothing, Given { id, ..Given::default() }))
    }

    pub(super) fn names<'a, C: Command<'a>>(&mut self, command: &C, names: &[&[u8]]) -> Answered {
        let (answer, dialect) = (self.say(command)?, self.dialect());
        let list = Names::read(&answer, &dialect).unwrap();
        Ok((Answer::Names(list.iter().map(|name| number_of(name, names)).collect()), Given::default()))
    }

    fn key<'a, C: Command<'a>>(&mut self, command: &C, model: &Model) -> Answered {
        let answer = self.say(command)?;
        let key = EccPublicKey::read(&answer, &self.dialect()).unwrap();
        Ok((Answer::PublicKey(self.pair(key, model)), Given::default()))
    }
}
