//! The states in which tokens are swept, and the commands that are cut in them.

use ukey_apdu::command::{DeleteApplication, DeleteContainer, DeleteFile, KeyUse, PinType, Rights};
use ukey_apdu::ins::Ins;
use ukey_apdu::pin::DeviceKey;
use ukey_apdu::{Status, command};

use super::host::{CONTAINER, Host, NAME};
use super::seen::{ADMIN_PINS, BROUGHT, CONTENTS, DEVICE_KEYS, USER_PINS, WRONG_PIN};
use crate::sim::SimFlash;

type Step = fn(&mut Host) -> Result<(), Status>;

/// A state of a token.
pub(super) struct State {
    /// What it is, in a few words.
    pub(super) name: &'static str,
    /// Makes it of a blank token.
    pub(super) make: fn(&mut Host) -> Result<(), Status>,
    /// Afterwards commands are repeated until the next one has a consequence; the token stops in front of it.
    pub(super) brink: Option<Brink>,
}

impl State {
    /// Whether commands are cut several times in a row.
    pub(super) const fn repeats(&self) -> bool {
        self.brink.is_some()
    }
}

/// In front of what a token stops.
#[derive(Clone, Copy)]
pub(super) struct Brink {
    /// What is repeated; the number of the repetition makes it different each time.
    pub(super) again: fn(&mut Host, u32) -> Result<(), Status>,
    /// Grows when it has happened.
    pub(super) measure: fn(&mut Host) -> u32,
}

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
/// them, and looking must not write.
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

// ---- states ----

fn factory(host: &mut Host) -> Result<(), Status> {
    host.label(b"factory")
}

fn issued(host: &mut Host) -> Result<(), Status> {
    host.authenticate(DeviceKey(DEVICE_KEYS[0]))?;
    host.create_application(NAME, ADMIN_PINS[0], USER_PINS[0])?;
    host.open()
}

fn blocked(host: &mut Host) -> Result<(), Status> {
    issued(host)?;
    while host.verify(PinType::User, WRONG_PIN) != Err(Status::LOCKED) {}
    Ok(())
}

fn with_container(host: &mut Host) -> Result<(), Status> {
    issued(host)?;
    host.verify(PinType::User, USER_PINS[0])?;
    host.create_container(CONTAINER)
}

fn with_pair(host: &mut Host) -> Result<(), Status> {
    with_container(host)?;
    host.generate()
}

fn with_certificates(host: &mut Host) -> Result<(), Status> {
    with_pair(host)?;
    host.import_pair(&BROUGHT[0])?;
    host.import_certificate(KeyUse::Sign, &[0x5C; 700])?;
    host.import_certificate(KeyUse::Encrypt, &[0xEC; 900])
}

/// Everything, and one wrong try of every secret.
fn complete(host: &mut Host) -> Result<(), Status> {
    with_certificates(host)?;
    host.create_file(b"SEAL", 1500, Rights::USER)?;
    host.write_file(b"SEAL", 0, &CONTENTS[0].repeat(187))?;
    host.create_file(b"PUBLIC", 1200, Rights::ANYONE)?;
    let _ = host.verify(PinType::User, WRONG_PIN);
    let _ = host.verify(PinType::Administrator, WRONG_PIN);
    let _ = host.authenticate(DeviceKey([0; 16]));
    Ok(())
}

/// Complete, with a log that is nearly full and whose oldest pages are full of what lives.
fn crowded(host: &mut Host) -> Result<(), Status> {
    const NEARLY_ALL: usize = 121;
    with_certificates(host)?;
    host.create_file(b"LARGE", 12_000, Rights::USER)?;
    for offset in (0..10_752).step_by(3584) {
        host.write_file(b"LARGE", offset, &[0x1A; 3584])?;
    }
    host.create_file(b"SEAL", 1500, Rights::USER)?;
    host.write_file(b"SEAL", 0, &CONTENTS[0].repeat(187))?;
    host.create_file(b"PUBLIC", 1200, Rights::ANYONE)?;
    let mut number = 0_u32;
    while pages(host).len() < NEARLY_ALL {
        number += 1;
        host.import_certificate(KeyUse::Sign, &number.to_le_bytes().repeat(900))?;
    }
    Ok(())
}

/// Sequence numbers of the pages of the log. The format that this reads is frozen; see the head of `store`.
fn pages(host: &mut Host) -> Vec<u32> {
    let sequence = |page: &[u8]| {
        let page = page.strip_prefix(b"UKEY\x01\0\x01\0")?;
        page.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    };
    host.token.platform().flash.image().chunks(SimFlash::PAGE).filter_map(sequence).collect()
}

/// The states, the simplest first.
pub(super) const STATES: &[State] = &[
    State { name: "factory", make: factory, brink: None },
    State { name: "issued", make: issued, brink: None },
    State { name: "user PIN blocked", make: blocked, brink: None },
    State { name: "empty container", make: with_container, brink: None },
    State { name: "key pair", make: with_pair, brink: None },
    State { name: "key pairs and certificates", make: with_certificates, brink: None },
    State { name: "key pairs, certificates and files", make: complete, brink: None },
    State {
        name: "counters about to turn their page",
        make: complete,
        brink: Some(Brink {
            again: |host, _| host.verify(PinType::User, USER_PINS[0]),
            measure: |host| host.token.wear().counters,
        }),
    },
    State {
        name: "log about to free a page",
        make: crowded,
        brink: Some(Brink {
            again: |host, number| host.label(format!("label {number}").as_bytes()),
            measure: |host| pages(host).into_iter().min().unwrap_or_default(),
        }),
    },
];

// ---- cases ----

fn nothing(_: &mut Host) -> Result<(), Status> {
    Ok(())
}

fn opened(host: &mut Host) -> Result<(), Status> {
    host.open()
}

fn user(host: &mut Host) -> Result<(), Status> {
    host.open()?;
    host.verify(PinType::User, USER_PINS[0])
}

fn user_in_container(host: &mut Host) -> Result<(), Status> {
    user(host)?;
    host.open_container(CONTAINER)
}

fn authenticated(host: &mut Host) -> Result<(), Status> {
    host.authenticate(DeviceKey(DEVICE_KEYS[0]))
}

const fn case(ins: Ins, form: &'static str, ready: Step, act: Step) -> Case {
    Case { ins, form, ready, act }
}

/// Every command that changes something durable, in the forms that differ.
pub(super) const CASES: &[Case] = &[
    case(Ins::SetLabel, "", nothing, |host| host.label(b"another label")),
    case(Ins::DevAuth, "right", nothing, |host| host.authenticate(DeviceKey(DEVICE_KEYS[0]))),
    case(Ins::DevAuth, "wrong", nothing, |host| host.authenticate(DeviceKey([0; 16]))),
    case(Ins::ChangeDevAuthKey, "", authenticated, |host| {
        host.change_device_key(DeviceKey(DEVICE_KEYS[0]), &DeviceKey(DEVICE_KEYS[1]))
    }),
    case(Ins::VerifyPin, "right", opened, |host| host.verify(PinType::User, USER_PINS[0])),
    case(Ins::VerifyPin, "wrong", opened, |host| host.verify(PinType::User, WRONG_PIN)),
    case(Ins::VerifyPin, "administrator", opened, |host| host.verify(PinType::Administrator, ADMIN_PINS[0])),
    case(Ins::ChangePin, "user", opened, |host| host.change(PinType::User, USER_PINS[0], USER_PINS[1])),
    case(Ins::ChangePin, "wrong", opened, |host| host.change(PinType::User, WRONG_PIN, USER_PINS[1])),
    case(Ins::ChangePin, "administrator", opened, |host| {
        host.change(PinType::Administrator, ADMIN_PINS[0], ADMIN_PINS[1])
    }),
    case(Ins::UnblockPin, "right", opened, |host| host.unblock(ADMIN_PINS[0], USER_PINS[1])),
    case(Ins::UnblockPin, "wrong", opened, |host| host.unblock(WRONG_PIN, USER_PINS[1])),
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
