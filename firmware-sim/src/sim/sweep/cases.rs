//! The commands that are cut: every one that changes something durable, in the forms that differ.

use ukey_apdu::command::{DeleteApplication, DeleteContainer, DeleteFile, KeyUse, PinType, Rights};
use ukey_apdu::ins::Ins;
use ukey_apdu::{Status, command};

use super::host::{CONTAINER, Host, NAME, Which};
use super::secrets::{ADMIN_PINS, BROUGHT, CONTENTS, SHORT_PIN, USER_PINS, WRONG_DEVICE_KEY, WRONG_PIN};

type Step = fn(&mut Host) -> Result<(), Status>;

/// A command in one form.
pub(super) struct Case {
    /// The command.
    pub(super) ins: Ins,
    /// Which form of it.
    pub(super) form: &'static str,
    /// What comes before it, after power on. Where this is refused, the state does not know the command.
    pub(super) ready: Step,
    /// The command itself, last of all that this sends.
    pub(super) act: Step,
}

/// The commands that change nothing durable: what they change is gone when the power is. Looking at a token uses some of
/// them, and looking must not write. That none of them touches the flash, the comparison with the model checks.
pub(super) const READS: &[Ins] = &[
    Ins::GetDevInfo,
    Ins::GetPinInfo,
    Ins::ClearSecureState,
    Ins::EnumApplication,
    Ins::OpenApplication,
    Ins::CloseApplication,
    Ins::EnumFiles,
    Ins::GetFileInfo,
    Ins::ReadFile,
    Ins::OpenContainer,
    Ins::CloseContainer,
    Ins::EnumContainer,
    Ins::GetContainerInfo,
    Ins::ExportCertificate,
    Ins::GenRandom,
    Ins::EccSignData,
    Ins::EccVerify,
    Ins::ExtEccEncrypt,
    Ins::ExtEccDecrypt,
    Ins::ExtEccSign,
    Ins::ExportPubKey,
    Ins::ImportSymmKey,
    Ins::DestroySessionKey,
    Ins::GenerateAgreementDataWithEcc,
    Ins::GenerateAgreementDataAndKeyWithEcc,
    Ins::GenerateKeyWithEcc,
    Ins::EccExportSessionKey,
    Ins::EccExportSessionKeyEx,
    Ins::ImportSessionKey,
    Ins::EncryptInit,
    Ins::Encrypt,
    Ins::EncryptUpdate,
    Ins::EncryptFinal,
    Ins::DecryptInit,
    Ins::Decrypt,
    Ins::DecryptUpdate,
    Ins::DecryptFinal,
    Ins::DigestInit,
    Ins::Digest,
    Ins::DigestUpdate,
    Ins::DigestFinal,
    Ins::MacInit,
    Ins::Mac,
    Ins::MacUpdate,
    Ins::MacFinal,
];

/// The commands of the table that have no case here, though they may change what is durable.
pub(super) fn not_covered() -> Vec<Ins> {
    let known = |ins: &Ins| READS.contains(ins) || CASES.iter().any(|case| case.ins == *ins);
    command::SPOKEN.iter().filter(|ins| !known(ins)).copied().collect()
}

fn nothing(_: &mut Host) -> Result<(), Status> {
    Ok(())
}

fn opened(host: &mut Host) -> Result<(), Status> {
    host.open()
}

fn user(host: &mut Host) -> Result<(), Status> {
    host.open()?;
    host.log_in()
}

fn user_in_container(host: &mut Host) -> Result<(), Status> {
    user(host)?;
    host.open_container(CONTAINER)
}

fn authenticated(host: &mut Host) -> Result<(), Status> {
    host.authenticate(host.device_key(Which::Held))
}

const fn case(ins: Ins, form: &'static str, ready: Step, act: Step) -> Case {
    Case { ins, form, ready, act }
}

/// Every command that changes something durable, in the forms that differ.
pub(super) const CASES: &[Case] = &[
    case(Ins::SetLabel, "", nothing, |host| host.label(b"another label")),
    case(Ins::DevAuth, "right", nothing, authenticated),
    case(Ins::DevAuth, "wrong", nothing, |host| host.authenticate(WRONG_DEVICE_KEY)),
    case(Ins::ChangeDevAuthKey, "", authenticated, |host| {
        host.change_device_key(host.device_key(Which::Held), &host.device_key(Which::Next))
    }),
    case(Ins::VerifyPin, "right", opened, Host::log_in),
    case(Ins::VerifyPin, "wrong", opened, |host| host.verify(PinType::User, WRONG_PIN)),
    case(Ins::VerifyPin, "administrator", opened, |host| {
        host.verify(PinType::Administrator, host.admin_pin(Which::Held))
    }),
    case(Ins::ChangePin, "user", opened, |host| {
        host.change(PinType::User, host.user_pin(Which::Held), host.user_pin(Which::Next))
    }),
    case(Ins::ChangePin, "wrong", opened, |host| {
        host.change(PinType::User, WRONG_PIN, host.user_pin(Which::Next))
    }),
    case(Ins::ChangePin, "too short", opened, |host| {
        host.change(PinType::User, host.user_pin(Which::Held), SHORT_PIN)
    }),
    case(Ins::ChangePin, "administrator", opened, |host| {
        host.change(PinType::Administrator, host.admin_pin(Which::Held), host.admin_pin(Which::Next))
    }),
    case(Ins::UnblockPin, "right", opened, |host| {
        host.unblock(host.admin_pin(Which::Held), host.user_pin(Which::Next))
    }),
    case(Ins::UnblockPin, "wrong", opened, |host| host.unblock(WRONG_PIN, host.user_pin(Which::Next))),
    case(Ins::UnblockPin, "too short", opened, |host| host.unblock(host.admin_pin(Which::Held), SHORT_PIN)),
    case(Ins::CreateApplication, "", authenticated, |host| {
        host.create_application(b"OTHER", ADMIN_PINS[0], USER_PINS[0])
    }),
    case(Ins::DeleteApplication, "", authenticated, |host| {
        host.send(&DeleteApplication { name: NAME }).map(drop)
    }),
    case(Ins::CreateFile, "", user, |host| host.create_file(b"NEW", 1300, Rights::USER)),
    case(Ins::DeleteFile, "", user, |host| {
        let application = host.application;
        host.send(&DeleteFile { application, name: b"SEAL" }).map(drop)
    }),
    case(Ins::WriteFile, "inside a piece", user, |host| {
        host.write_file(b"SEAL", 520, &CONTENTS[1].repeat(10))
    }),
    case(Ins::WriteFile, "a whole secret", user, |host| {
        host.write_file(b"SEAL", 0, &CONTENTS[1].repeat(187))
    }),
    case(Ins::WriteFile, "reserved pieces", user, |host| host.write_file(b"PUBLIC", 500, &[0xA5; 540])),
    case(Ins::CreateContainer, "", user, |host| host.create_container(b"NEW")),
    case(Ins::DeleteContainer, "", user, |host| {
        let application = host.application;
        host.send(&DeleteContainer { application, name: CONTAINER }).map(drop)
    }),
    case(Ins::ImportCertificate, "sign", user_in_container, |host| {
        host.import_certificate(KeyUse::Sign, &[0xA5; 1500])
    }),
    case(Ins::ImportCertificate, "encryption", user_in_container, |host| {
        host.import_certificate(KeyUse::Encrypt, &[0x5A; 400])
    }),
    case(Ins::GenEccKeyPair, "", user_in_container, |host| host.generate()),
    case(Ins::ImportEccKeyPair, "", user_in_container, |host| host.import_pair(&BROUGHT[1])),
];
