//! Any command, right or wrong.

use proptest::prelude::*;
use proptest::sample::select;
use ukey_apdu::command::{DigestAlgorithm, FileInfo, KeyUse, PinType, SM2_BITS};

use super::super::command::Command;
use super::super::manner::{Disturbance, Manner};
use super::super::specification::Model;
use super::super::words::*;

/// Instructions that are not carried out: none of the table, and all of RSA.
const FOREIGN: [u8; 10] = [0x99, 0x52, 0x54, 0x56, 0x58, 0x5A, 0x5C, 0x5E, 0x60, 0x62];

/// A manner, mostly the usual one.
pub fn any_manner() -> BoxedStrategy<Manner> {
    prop_oneof![
        40 => Just(Manner::Usual),
        2 => select(vec![1, 7, 16, 100, 496]).prop_map(Manner::Blocks),
        1 => Just(Manner::WithoutLe),
        2 => Just(Manner::SmallLe),
        1 => select(Disturbance::ALL.to_vec()).prop_map(Manner::Disturbed),
        2 => Just(Manner::Forgotten),
        1 => Just(Manner::OtherClass),
        1 => Just(Manner::UnknownClass),
        1 => Just(Manner::WrongP1),
        1 => Just(Manner::OneByteMore),
    ]
    .boxed()
}

fn any_input() -> BoxedStrategy<Input> {
    let message = (0..IDENTITIES, select(vec![0, 1, 64, 600]))
        .prop_map(|(signer, length)| Input::Message(signer, length));
    prop_oneof![Just(Input::Digest), message].boxed()
}

/// Commands with keys from outside.
pub fn any_external() -> BoxedStrategy<Command> {
    let length = || select(vec![0, 1, 16, 600, 3992, 3993]);
    let shown = prop_oneof![1 => Just(Shown::Right), 2 => select(Shown::ALL.to_vec())];
    let ciphertext = prop_oneof![1 => Just(Ciphertext::Right), 1 => select(Ciphertext::ALL.to_vec())];
    prop_oneof![
        (any_input(), shown).prop_map(|(input, shown)| Command::EccVerify(input, shown)),
        (proptest::bool::weighted(0.8), length())
            .prop_map(|(on_curve, length)| Command::ExtEccEncrypt(on_curve, length)),
        (ciphertext, select(vec![0, 1, 16, 600, 3900]))
            .prop_map(|(ciphertext, length)| Command::ExtEccDecrypt(ciphertext, length)),
        select(Private::ALL.to_vec()).prop_map(Command::ExtEccSign),
    ]
    .boxed()
}

/// Commands of key agreements, mostly in containers that can take part in one.
pub fn any_agreement(model: &Model) -> BoxedStrategy<Command> {
    let all = || (0..APPLICATIONS).flat_map(|name| (0..CONTAINERS).map(move |at| (name, at)));
    let ready: Vec<_> =
        all().filter(|(name, at)| model.key_pair((*name, *at), KeyUse::Encrypt).is_some()).collect();
    let ready = if ready.is_empty() { all().collect() } else { ready };
    let at = || prop_oneof![4 => select(ready.clone()), 1 => (0..APPLICATIONS, 0..CONTAINERS)];
    let identity = || prop_oneof![2 => 0..LONG_IDENTITY, 1 => 0..IDENTITIES];
    let peer = || {
        prop_oneof![
            3 => identity().prop_map(Peer::Right),
            1 => Just(Peer::KeyOffCurve),
            1 => Just(Peer::TemporaryOffCurve),
            1 => Just(Peer::Cancelling),
        ]
    };
    let sm4 = || proptest::bool::weighted(0.8);
    prop_oneof![
        (0..AGREEMENTS, at(), identity(), sm4())
            .prop_map(|(agreement, at, identity, sm4)| Command::BeginAgreement(agreement, at, identity, sm4)),
        (0..SESSION_KEYS, at(), identity(), peer(), sm4()).prop_map(|(key, at, identity, peer, sm4)| {
            Command::AnswerAgreement(key, at, identity, peer, sm4)
        }),
        (0..SESSION_KEYS, at(), 0..AGREEMENTS, peer())
            .prop_map(|(key, at, agreement, peer)| Command::EndAgreement(key, at, agreement, peer)),
    ]
    .boxed()
}

/// Commands about session keys and digests, right and wrong.
pub fn any_work(model: &Model) -> BoxedStrategy<Command> {
    let holder = || {
        prop_oneof![
            1 => Just(None),
            2 => (0..APPLICATIONS, 0..LONG_NAME).prop_map(Some),
        ]
    };
    let handles: Vec<_> = (0..SESSION_KEYS).map(|key| model.handle(key)).collect();
    let handle = || {
        let wrong = (0..SESSION_KEYS, holder()).prop_map(|(key, holder)| Handle { key, holder });
        prop_oneof![8 => select(handles.clone()), 1 => wrong]
    };
    let purpose = || select(Purpose::ALL.to_vec());
    let part = || select(Part::ALL.to_vec());
    let mostly = || proptest::bool::weighted(0.8);
    let on_curve = mostly;
    let length = || select(vec![0, 1, 15, 16, 17, 32, 33, 600]);
    let work = (purpose(), select(Mode::ALL.to_vec()), any::<bool>());
    let at = (0..APPLICATIONS, 0..LONG_NAME);
    prop_oneof![
        2 => (0..SESSION_KEYS, holder(), 0..VALUES)
            .prop_map(|(key, holder, value)| Command::ImportSymmKey(key, holder, value)),
        1 => (0..SESSION_KEYS, at.clone(), 0..VALUES, mostly())
            .prop_map(|(key, at, value, own)| Command::ImportSessionKey(key, at, value, own)),
        1 => (handle(), on_curve()).prop_map(|(handle, on_curve)| Command::EccExportSessionKeyEx(handle, on_curve)),
        1 => (0..SESSION_KEYS, at, on_curve(), mostly()).prop_map(|(key, at, on_curve, sm4)| {
            Command::EccExportSessionKey(key, at, on_curve, sm4)
        }),
        1 => handle().prop_map(Command::DestroySessionKey),
        4 => (handle(), work).prop_map(|(handle, (purpose, mode, padded))| {
            Command::Begin(handle, Work { purpose, mode, padded })
        }),
        8 => (handle(), purpose(), part(), length())
            .prop_map(|(handle, purpose, part, length)| Command::Go(handle, purpose, part, length)),
        1 => (select(DigestAlgorithm::ALL.to_vec()), proptest::option::of(0..IDENTITIES))
            .prop_map(|(algorithm, signer)| Command::DigestInit(algorithm, signer)),
        2 => (part(), length()).prop_map(|(part, length)| Command::Digest(part, length)),
    ]
    .boxed()
}

pub fn any_command(model: &Model) -> BoxedStrategy<Command> {
    let pin = || select(vec![PinType::Administrator, PinType::User]);
    let key_use = || select(KeyUse::ALL.to_vec());
    let proof =
        || (0..PINS, proptest::bool::weighted(0.9)).prop_map(|(secret, fresh)| Proof { secret, fresh });
    // Mostly right: ten wrong ones lock the token for ever.
    let right = model.durable.device_key;
    let device_proof = || {
        let secret = prop_oneof![6 => Just(right), 1 => 0..DEVICE_KEYS];
        (secret, proptest::bool::weighted(0.9)).prop_map(|(secret, fresh)| Proof { secret, fresh })
    };
    // Mostly what is open.
    let open: Vec<_> = (0..APPLICATIONS).filter(|name| model.application(*name).is_ok()).collect();
    let all: Vec<_> = (0..APPLICATIONS).flat_map(|name| (0..CONTAINERS).map(move |at| (name, at))).collect();
    let reachable: Vec<_> =
        all.iter().copied().filter(|(name, at)| model.container(*name, *at).is_ok()).collect();
    let or_all = |some: Vec<Name>| if some.is_empty() { (0..APPLICATIONS).collect() } else { some };
    let app = || prop_oneof![4 => select(or_all(open.clone())), 1 => 0..APPLICATIONS];
    let or_any = |some: Vec<(Name, Name)>| if some.is_empty() { all.clone() } else { some };
    let at = || prop_oneof![4 => select(or_any(reachable.clone())), 1 => (app(), 0..CONTAINERS)];
    let envelope = || prop_oneof![2 => Just(Envelope::Right), 3 => select(Envelope::ALL.to_vec())];
    let device = prop_oneof![
        (0..LABELS).prop_map(Command::SetLabel),
        Just(Command::GetDevInfo),
        select(vec![0, 1, 7, 8, 15, 16, 17, 300, 496, 497]).prop_map(Command::GenRandom),
        (device_proof(), 0..3_u8).prop_map(|(proof, algorithm)| Command::DevAuth(proof, algorithm)),
        (device_proof(), 0..3_u8, 0..NO_DEVICE_KEY)
            .prop_map(|(proof, algorithm, new)| Command::ChangeDevAuthKey(proof, algorithm, new)),
        select(FOREIGN.to_vec()).prop_map(Command::Foreign),
        Just(Command::TooLong),
    ];
    let application = prop_oneof![
        (app(), select(vec![0, 1, 3, 15, 16]), 0..PINS)
            .prop_map(|(name, tries, user)| Command::CreateApplication { name, tries, user }),
        app().prop_map(Command::OpenApplication),
        (0..APPLICATIONS).prop_map(Command::CloseApplication),
        (0..APPLICATIONS).prop_map(Command::DeleteApplication),
        Just(Command::EnumApplication),
    ];
    let access = prop_oneof![
        (app(), pin(), proof()).prop_map(|(name, pin, proof)| Command::VerifyPin(name, pin, proof)),
        (app(), pin(), proof(), 0..PINS)
            .prop_map(|(name, pin, proof, new)| Command::ChangePin(name, pin, proof, new)),
        (app(), proof(), 0..PINS).prop_map(|(name, proof, new)| Command::UnblockPin(name, proof, new)),
        (app(), pin()).prop_map(|(name, pin)| Command::GetPinInfo(name, pin)),
        (0..APPLICATIONS).prop_map(Command::ClearSecureState),
    ];
    let container = prop_oneof![
        at().prop_map(|(name, container)| Command::CreateContainer(name, container)),
        at().prop_map(|(name, container)| Command::OpenContainer(name, container)),
        at().prop_map(|(name, container)| Command::CloseContainer(name, container)),
        at().prop_map(|(name, container)| Command::DeleteContainer(name, container)),
        app().prop_map(Command::EnumContainer),
        at().prop_map(|(name, container)| Command::GetContainerInfo(name, container)),
    ];
    let extent = || {
        (select(vec![0, 1, 511, 512, 600, 699, 700, 0xFFFF]), select(vec![1, 2, 100, 600, 1100]))
            .prop_map(|(offset, count)| Extent { offset, count })
    };
    let info = || {
        (select(FILE_SIZES.to_vec()), select(RIGHTS.to_vec()), select(RIGHTS.to_vec()))
            .prop_map(|(size, read, write)| FileInfo { size, read, write })
    };
    let files = prop_oneof![
        3 => (app(), 0..FILES, info()).prop_map(|(name, file, info)| Command::CreateFile(name, file, info)),
        1 => (app(), 0..FILES).prop_map(|(name, file)| Command::DeleteFile(name, file)),
        1 => app().prop_map(Command::EnumFiles),
        1 => (app(), 0..FILES).prop_map(|(name, file)| Command::GetFileInfo(name, file)),
        3 => (app(), 0..FILES, extent()).prop_map(|(name, file, extent)| Command::ReadFile(name, file, extent)),
        3 => (app(), 0..FILES, extent(), any::<u8>())
            .prop_map(|(name, file, extent, byte)| Command::WriteFile(name, file, extent, byte)),
    ];
    let keys = prop_oneof![
        (at(), select(vec![SM2_BITS, SM2_BITS, 255]))
            .prop_map(|((name, container), bits)| Command::GenEccKeyPair(name, container, bits)),
        (at(), envelope(), 0x42..0x44_u8).prop_map(|((name, at), envelope, private)| {
            Command::ImportEccKeyPair(name, at, envelope, private)
        }),
        (at(), key_use(), 0..CERTIFICATES)
            .prop_map(|((name, at), key_use, number)| Command::ImportCertificate(name, at, key_use, number)),
        (at(), key_use()).prop_map(|((name, at), key_use)| Command::ExportCertificate(name, at, key_use)),
        (at(), any_input())
            .prop_map(|((name, container), input)| Command::EccSignData(name, container, input)),
        (at(), key_use()).prop_map(|((name, at), key_use)| Command::ExportPubKey(name, at, key_use)),
    ];
    prop_oneof![1 => device, 1 => application, 4 => access, 3 => container, 4 => files, 7 => keys].boxed()
}
