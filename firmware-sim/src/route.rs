//! Every command: what it needs, in the order in which tokens answer (application, container, right, contents), then
//! its handler.

use ukey_apdu::command::{self, AppId, Command, ContainerId, KeyHandle};
use ukey_apdu::dialect::Dialect;
use ukey_apdu::envelope::Apdu;
use ukey_apdu::ins::Ins;
use ukey_apdu::status::Status;
use ukey_apdu::wire::{Reader, Writer};

use crate::block_cipher::Purpose;
use crate::gate::{FilesRight, KeyHolder, KeyRight, OpenApplication, OpenContainer, UserRight};
use crate::platform::Platform;
use crate::session_key::SessionKey;
use crate::token::{Core, LifeCycle, Run};

/// Carries a command out; its answer goes to `out`. Never inlined: what the handlers have on the stack would stay on it
/// between commands.
#[inline(never)]
pub(crate) fn route<P: Platform>(
    run: &mut Run<'_, P>,
    apdu: &Apdu<'_>,
    dialect: &Dialect,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let ins = Ins::from_byte(apdu.ins).ok_or(Status::UNKNOWN_INS)?;
    command::shape(ins, dialect).ok_or(Status::UNSUPPORTED)?.check(apdu)?;
    run.check_phase(ins)?;
    let ids = Ids { apdu, dialect };
    match ins {
        Ins::SetLabel => run.set_label(Command::read(apdu, dialect)?),
        Ins::GetDevInfo => run.device_info(out),
        Ins::GenRandom => run.random(Command::read(apdu, dialect)?, out),
        Ins::DevAuth => run.authenticate_device(Command::read(apdu, dialect)?),
        Ins::ChangeDevAuthKey => {
            let right = run.core.session.device()?;
            run.change_device_key(right, Command::read(apdu, dialect)?)
        }
        Ins::GetPinInfo => {
            let application = ids.application(run)?;
            run.pin_info(application, Command::read(apdu, dialect)?, out)
        }
        Ins::VerifyPin => {
            let application = ids.application(run)?;
            run.verify_pin(application, Command::read(apdu, dialect)?)
        }
        Ins::ChangePin => {
            let application = ids.application(run)?;
            run.change_pin(application, Command::read(apdu, dialect)?)
        }
        Ins::UnblockPin => {
            let application = ids.application(run)?;
            run.unblock_pin(application, Command::read(apdu, dialect)?)
        }
        Ins::ClearSecureState => {
            let application = ids.application(run)?;
            run.core.session.clear_rights(application);
            Ok(())
        }
        Ins::CreateApplication => {
            let right = run.core.session.device()?;
            run.create_application(right, Command::read(apdu, dialect)?)
        }
        Ins::EnumApplication => run.enum_applications(out),
        Ins::DeleteApplication => {
            let right = run.core.session.device()?;
            run.delete_application(right, Command::read(apdu, dialect)?)
        }
        Ins::OpenApplication => run.open_application(Command::read(apdu, dialect)?, out),
        Ins::CloseApplication => {
            let application = ids.application(run)?;
            run.core.session.close_application(application.slot());
            Ok(())
        }
        Ins::CreateFile => {
            let right = ids.files(run)?;
            run.create_file(right, Command::read(apdu, dialect)?)
        }
        Ins::DeleteFile => {
            let right = ids.files(run)?;
            run.delete_file(right, Command::read(apdu, dialect)?)
        }
        Ins::EnumFiles => {
            let application = ids.application_of_header(run)?;
            run.enum_files(application, out)
        }
        Ins::GetFileInfo => {
            let application = ids.application_of_header(run)?;
            let command = command::GetFileInfo::read(apdu, dialect)?;
            let file = run.file(application, command.name)?;
            run.file_info(&run.core.session.reader(file)?, out)
        }
        Ins::ReadFile => {
            let application = ids.application(run)?;
            let command = command::ReadFile::read(apdu, dialect)?;
            let file = run.file(application, command.name)?;
            run.read_file(&run.core.session.reader(file)?, command, out)
        }
        Ins::WriteFile => {
            let application = ids.application(run)?;
            let command = command::WriteFile::read(apdu, dialect)?;
            let file = run.file(application, command.name)?;
            run.write_file(&run.core.session.writer(file)?, command)
        }
        Ins::CreateContainer => {
            let (application, user) = ids.user(run)?;
            run.create_container(application, user, Command::read(apdu, dialect)?, out)
        }
        Ins::OpenContainer => {
            let application = ids.application(run)?;
            run.open_container(application, Command::read(apdu, dialect)?, out)
        }
        Ins::CloseContainer => {
            let (application, container) = ids.container(run)?.slots();
            run.core.session.close_container(application, container);
            Ok(())
        }
        Ins::EnumContainer => {
            let application = ids.application(run)?;
            run.enum_containers(application, out)
        }
        Ins::DeleteContainer => {
            let (_, user) = ids.user(run)?;
            run.delete_container(user, Command::read(apdu, dialect)?)
        }
        Ins::GetContainerInfo => {
            let application = ids.application(run)?;
            run.container_info(application, Command::read(apdu, dialect)?, out)
        }
        Ins::ImportCertificate => {
            let (container, user) = ids.container_of_user(run)?;
            run.import_certificate(container, user, Command::read(apdu, dialect)?)
        }
        Ins::ExportCertificate => {
            let container = ids.container(run)?;
            run.export_certificate(container, Command::read(apdu, dialect)?, out)
        }
        Ins::GenEccKeyPair => {
            let (container, user) = ids.container_of_user(run)?;
            command::GenEccKeyPair::read(apdu, dialect)?;
            run.generate_key_pair(container, user, out)
        }
        Ins::ImportEccKeyPair => {
            let (container, user) = ids.container_of_user(run)?;
            let envelope_key = run.sign_key(container)?;
            let command = Command::read(apdu, dialect)?;
            let right = run.key_right(user);
            run.import_key_pair(container, right, &envelope_key, command)
        }
        Ins::EccSignData => {
            let (container, user) = ids.container_of_user(run)?;
            let key = run.sign_key(container)?;
            let command = Command::read(apdu, dialect)?;
            let right = run.key_right(user);
            run.sign_data(right, &key, command, out)
        }
        Ins::EccVerify => run.verify(&Command::read(apdu, dialect)?),
        Ins::ExtEccEncrypt => run.encrypt_external(&Command::read(apdu, dialect)?, out),
        Ins::ExtEccDecrypt => run.decrypt_external(&Command::read(apdu, dialect)?, out),
        Ins::ExtEccSign => run.sign_external(&Command::read(apdu, dialect)?, out),
        Ins::ExportPubKey => {
            let container = ids.container(run)?;
            run.export_public_key(container, Command::read(apdu, dialect)?, out)
        }
        Ins::GenerateAgreementDataWithEcc => {
            let (container, user) = ids.container_of_user(run)?;
            let key = run.encryption_key(container)?;
            run.begin_agreement(container, user, &key, &Command::read(apdu, dialect)?, out)
        }
        Ins::GenerateAgreementDataAndKeyWithEcc => {
            let (container, user) = ids.container_of_user(run)?;
            let key = run.encryption_key(container)?;
            let command = Command::read(apdu, dialect)?;
            let right = run.key_right(user);
            run.answer_agreement(container, right, &key, &command, out)
        }
        Ins::GenerateKeyWithEcc => {
            let (container, user) = ids.container_of_user(run)?;
            let key = run.encryption_key(container)?;
            let command = Command::read(apdu, dialect)?;
            let right = run.key_right(user);
            run.end_agreement(container, right, &key, &command, out)
        }
        Ins::EccExportSessionKey => {
            let (container, user) = ids.container_of_user(run)?;
            run.export_session_key(container, user, &Command::read(apdu, dialect)?, out)
        }
        Ins::EccExportSessionKeyEx => {
            let (_, user) = ids.container_of_user(run)?;
            let key = ids.session_key(run.core)?;
            key.export(user, &Command::read(apdu, dialect)?, &mut run.chance, out)
        }
        Ins::ImportSessionKey => {
            let (container, user) = ids.container_of_user(run)?;
            let key = run.encryption_key(container)?;
            let command = Command::read(apdu, dialect)?;
            let right = run.key_right(user);
            run.import_session_key(container, right, &key, &command, out)
        }
        Ins::ImportSymmKey => {
            let holder = ids.key_holder(run)?;
            run.import_symmetric_key(holder, Command::read(apdu, dialect)?, out)
        }
        Ins::EncryptInit => {
            let key = ids.session_key(run.core)?;
            key.begin(Purpose::Encrypt, &command::EncryptInit::read(apdu, dialect)?.parameters)
        }
        Ins::Encrypt => {
            let key = ids.session_key(run.core)?;
            key.whole(Purpose::Encrypt, command::Encrypt::read(apdu, dialect)?.data, out)
        }
        Ins::EncryptUpdate => {
            let key = ids.session_key(run.core)?;
            key.more(Purpose::Encrypt, command::EncryptUpdate::read(apdu, dialect)?.data, out)
        }
        Ins::EncryptFinal => {
            let key = ids.session_key(run.core)?;
            key.end(Purpose::Encrypt, command::EncryptFinal::read(apdu, dialect)?.data, out)
        }
        Ins::DecryptInit => {
            let key = ids.session_key(run.core)?;
            key.begin(Purpose::Decrypt, &command::DecryptInit::read(apdu, dialect)?.parameters)
        }
        Ins::Decrypt => {
            let key = ids.session_key(run.core)?;
            key.whole(Purpose::Decrypt, command::Decrypt::read(apdu, dialect)?.data, out)
        }
        Ins::DecryptUpdate => {
            let key = ids.session_key(run.core)?;
            key.more(Purpose::Decrypt, command::DecryptUpdate::read(apdu, dialect)?.data, out)
        }
        Ins::DecryptFinal => {
            let key = ids.session_key(run.core)?;
            key.end(Purpose::Decrypt, command::DecryptFinal::read(apdu, dialect)?.data, out)
        }
        Ins::MacInit => {
            let key = ids.session_key(run.core)?;
            key.begin(Purpose::Mac, &command::MacInit::read(apdu, dialect)?.parameters)
        }
        Ins::Mac => {
            let key = ids.session_key(run.core)?;
            key.whole(Purpose::Mac, command::Mac::read(apdu, dialect)?.data, out)
        }
        Ins::MacUpdate => {
            let key = ids.session_key(run.core)?;
            key.more(Purpose::Mac, command::MacUpdate::read(apdu, dialect)?.data, out)
        }
        Ins::MacFinal => {
            let key = ids.session_key(run.core)?;
            key.end(Purpose::Mac, command::MacFinal::read(apdu, dialect)?.data, out)
        }
        Ins::DigestInit => run.digest_init(Command::read(apdu, dialect)?),
        Ins::Digest => run.digest(Command::read(apdu, dialect)?, out),
        Ins::DigestUpdate => run.digest_update(Command::read(apdu, dialect)?),
        Ins::DigestFinal => run.digest_final(Command::read(apdu, dialect)?, out),
        Ins::DestroySessionKey => {
            let holder = ids.key_holder(run)?;
            run.core.session_keys.destroy(holder, command::DestroySessionKey::read(apdu, dialect)?.key.key)
        }
        _ => Err(Status::UNSUPPORTED),
    }
}

impl<P: Platform> Run<'_, P> {
    /// Where the policy is strict, the factory phase has few commands (GM/T 0016-2012 clause 8.1).
    fn check_phase(&self, ins: Ins) -> Result<(), Status> {
        let always = matches!(
            ins,
            Ins::GetDevInfo
                | Ins::EnumApplication
                | Ins::GenRandom
                | Ins::DevAuth
                | Ins::ChangeDevAuthKey
                | Ins::CreateApplication
        );
        let refused = self.core.settings.policy.strict_factory
            && !always
            && self.core.life_cycle() == LifeCycle::Factory;
        if refused { Err(Status::CONDITIONS_NOT_SATISFIED) } else { Ok(()) }
    }

    fn key_right(&mut self, user: UserRight) -> KeyRight {
        let only_one = self.core.settings.policy.one_use;
        self.core.session.key_right(user, only_one)
    }
}

/// The ids at the front of a command's data, or in its P1 and P2.
struct Ids<'a> {
    apdu: &'a Apdu<'a>,
    dialect: &'a Dialect,
}

impl Ids<'_> {
    fn application<P: Platform>(&self, run: &Run<'_, P>) -> Result<OpenApplication, Status> {
        let id = Reader::new(self.apdu.data, self.dialect).id()?;
        run.core.session.application(AppId(id))
    }

    fn application_of_header<P: Platform>(&self, run: &Run<'_, P>) -> Result<OpenApplication, Status> {
        run.core.session.application(AppId::of_header(self.apdu))
    }

    fn files<P: Platform>(&self, run: &mut Run<'_, P>) -> Result<FilesRight, Status> {
        let application = self.application_of_header(run)?;
        let record = run.application(application.slot())?.ok_or(Status::NO_SUCH_APPLICATION)?;
        run.core.session.files(application, &record)
    }

    fn container<P: Platform>(&self, run: &Run<'_, P>) -> Result<OpenContainer, Status> {
        let application = self.application(run)?;
        let mut reader = Reader::new(self.apdu.data, self.dialect);
        reader.id()?;
        run.core.session.container(application, ContainerId(reader.id()?))
    }

    fn key_holder<P: Platform>(&self, run: &Run<'_, P>) -> Result<KeyHolder, Status> {
        let holder = command::KeyHolder::take(&mut Reader::new(self.apdu.data, self.dialect))?;
        run.core.session.key_holder(holder)
    }

    fn session_key<'c>(&self, core: &'c mut Core) -> Result<&'c mut SessionKey, Status> {
        let key = KeyHandle::take(&mut Reader::new(self.apdu.data, self.dialect))?;
        let holder = core.session.key_holder(key.holder)?;
        core.session_keys.find(holder, key.key)
    }

    fn user<P: Platform>(&self, run: &Run<'_, P>) -> Result<(OpenApplication, UserRight), Status> {
        let application = self.application(run)?;
        Ok((application, run.core.session.user(application)?))
    }

    fn container_of_user<P: Platform>(&self, run: &Run<'_, P>) -> Result<(OpenContainer, UserRight), Status> {
        let container = self.container(run)?;
        Ok((container, run.core.session.user(self.application(run)?)?))
    }
}
