//! Commands that lead further, as the model stands.

use ukey_apdu::command::{DigestAlgorithm, FileInfo, KeyUse, PinType, SM2_BITS};

use super::super::command::Command;
use super::super::specification::Model;
use super::super::words::*;

/// Commands that lead further.
pub fn next(model: &Model) -> Vec<Command> {
    let right = |secret| Proof { secret, fresh: true };
    let mut all = Vec::new();
    if !model.session.device {
        // Also when every application is there: the right to delete one.
        all.push(Command::DevAuth(right(model.durable.device_key), 2));
    } else {
        let new = 1 - model.durable.device_key.min(1);
        all.push(Command::ChangeDevAuthKey(right(model.durable.device_key), 2, new));
    }
    for name in 0..APPLICATIONS {
        let Some(application) = model.durable.applications.get(&name) else {
            all.push(Command::CreateApplication { name, tries: 3, user: 1 });
            continue;
        };
        let is_open = model.session.open.values().any(|(open, _)| *open == name);
        if !is_open {
            all.push(Command::OpenApplication(name));
            continue;
        }
        let [administrator, user] = &application.pins;
        if user.left == 0 && administrator.left > 0 {
            all.push(Command::UnblockPin(name, right(administrator.secret), 1));
        }
        if !model.session.users.contains(&name) {
            all.extend(vec![Command::VerifyPin(name, PinType::User, right(user.secret)); 3]);
            continue;
        }
        if model.session.device {
            all.push(Command::DeleteApplication(name));
        }
        all.push(Command::ChangePin(name, PinType::User, right(user.secret), 2));
        all.push(Command::ChangePin(name, PinType::Administrator, right(administrator.secret), 1));
        for (file, size) in [(0, 700), (1, 1100)] {
            if let Some(Some(found)) = application.files.get(&file) {
                let size = u16::try_from(found.content.len()).expect("a small number");
                all.push(Command::WriteFile(name, file, Extent { offset: 0, count: size }, 0xA5));
                all.push(Command::WriteFile(name, file, Extent { offset: size / 2, count: size / 3 }, 0x5A));
                all.extend(vec![Command::ReadFile(name, file, Extent { offset: 0, count: size }); 2]);
                all.extend([Command::DeleteFile(name, file), Command::GetFileInfo(name, file)]);
            } else {
                let (read, write) = (RIGHTS[1 - file], RIGHTS[1]);
                all.push(Command::CreateFile(name, file, FileInfo { size, read, write }));
            }
        }
        for container in 0..LONG_NAME {
            match (application.containers.get(&container), model.container(name, container)) {
                (None, _) => all.push(Command::CreateContainer(name, container)),
                (Some(_), Err(_)) => all.push(Command::OpenContainer(name, container)),
                (Some(content), Ok(_)) => {
                    all.push(Command::GenEccKeyPair(name, container, SM2_BITS));
                    if content.pairs[KeyUse::Sign as usize].is_some() {
                        all.push(Command::ImportEccKeyPair(name, container, Envelope::Right, 0x42));
                        all.push(Command::ImportCertificate(name, container, KeyUse::Sign, 2));
                        all.push(Command::ImportCertificate(name, container, KeyUse::Encrypt, 1));
                        all.extend(
                            [Input::Digest, Input::Message(0, 70)]
                                .map(|input| Command::EccSignData(name, container, input)),
                        );
                        all.push(Command::ExportCertificate(name, container, KeyUse::Sign));
                    }
                }
            }
        }
    }
    if all.is_empty() {
        all.push(Command::EnumApplication);
    }
    all
}

/// Commands about session keys and digests that lead further.
pub fn next_work(model: &Model) -> Vec<Command> {
    let free = (0..SESSION_KEYS).find(|key| !model.has_key(model.handle(*key)));
    let mut all = vec![Command::DigestInit(DigestAlgorithm::Sm3, Some(0)), Command::Digest(Part::Update, 70)];
    if let Some(key) = free {
        all.push(Command::ImportSymmKey(key, None, key % 2));
        for at in places().filter(|(application, name)| model.container(*application, *name).is_ok()) {
            all.push(Command::ImportSymmKey(key, Some(at), key % 2));
            all.push(Command::EccExportSessionKey(key, at, true, true));
            let can = model.key_pair(at, KeyUse::Encrypt).is_some();
            all.extend(can.then_some(Command::ImportSessionKey(key, at, key % 2, true)));
        }
    }
    for handle in (0..SESSION_KEYS).map(|key| model.handle(key)) {
        let holder = handle.holder.filter(|(application, name)| model.container(*application, *name).is_ok());
        if !model.has_key(handle) {
            // Its container may be a new one in the place of that which the key had.
            all.extend(holder.iter().flat_map(|_| vec![Command::DestroySessionKey(handle); 5]));
            continue;
        }
        all.extend(holder.map(|(application, name)| Command::DeleteContainer(application, name)));
        all.push(Command::EccExportSessionKeyEx(handle, true));
        for (purpose, mode) in [
            (Purpose::Encrypt, Mode::Cbc),
            (Purpose::Encrypt, Mode::Cfb),
            (Purpose::Decrypt, Mode::Cbc),
            (Purpose::Decrypt, Mode::Ofb),
            (Purpose::Mac, Mode::Mac),
        ] {
            match model.under_way(handle, purpose) {
                None => all.push(Command::Begin(handle, Work { purpose, mode, padded: false })),
                Some(0) => {
                    all.push(Command::Go(handle, purpose, Part::One, 48));
                    all.extend([5, 27, 32].map(|length| Command::Go(handle, purpose, Part::Update, length)));
                }
                Some(count) => {
                    all.push(Command::Go(handle, purpose, Part::Update, 32 - count % 16));
                    all.push(Command::Go(handle, purpose, Part::Final, (16 - count % 16) % 16));
                }
            }
        }
    }
    all
}

/// Commands of key agreements that lead further, and towards one.
pub fn next_agreement(model: &Model) -> Vec<Command> {
    let free = (0..SESSION_KEYS).find(|key| !model.has_key(model.handle(*key)));
    let mut all = Vec::new();
    for called in places() {
        let Ok(real) = model.container(called.0, called.1) else { continue };
        if model.key_pair(called, KeyUse::Encrypt).is_none() {
            let has_sign = model.key_pair(called, KeyUse::Sign).is_some();
            all.push(if has_sign {
                Command::ImportEccKeyPair(called.0, called.1, Envelope::Right, 0x42)
            } else {
                Command::GenEccKeyPair(called.0, called.1, SM2_BITS)
            });
            continue;
        }
        all.extend((0..AGREEMENTS).map(|agreement| Command::BeginAgreement(agreement, called, 1, true)));
        let Some(key) = free else { continue };
        all.extend(vec![Command::AnswerAgreement(key, called, 0, Peer::Right(1), true); 4]);
        let waits = |agreement: &usize| {
            let this = (model.agreement_handle(*agreement), real);
            model.session.agreements.iter().any(|other| (other.handle, other.container) == this)
        };
        let ends = |agreement| Command::EndAgreement(key, called, agreement, Peer::Right(0));
        all.extend((0..AGREEMENTS).filter(waits).flat_map(|agreement| vec![ends(agreement); 3]));
    }
    if all.is_empty() { next(model) } else { all }
}

/// All containers that commands speak of.
fn places() -> impl Iterator<Item = (Name, Name)> {
    (0..APPLICATIONS).flat_map(|name| (0..CONTAINERS).map(move |at| (name, at)))
}
