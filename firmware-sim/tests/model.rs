//! The firmware does what the specification says: random commands with right and wrong secrets, restarts, and cuts of
//! the power at random flash operations, against a model that is plain values.
//!
//! Every status word and answer is predicted. After a cut the token is as before the command or as after it (a try may
//! have been counted), and the model goes on from there; so tries never rise without the right PIN.

#![allow(unreachable_pub, reason = "modules of a test")]

#[path = "model/ciphers.rs"]
mod ciphers;
#[path = "model/driver.rs"]
mod driver;
#[path = "model/session_keys.rs"]
mod session_keys;
#[path = "model/specification.rs"]
mod specification;
mod support;
#[path = "model/words.rs"]
mod words;

use driver::{Cut, Driver};
use proptest::prelude::*;
use proptest::sample::select;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use specification::*;
use ukey_apdu::command::{DigestAlgorithm, FileInfo, KeyUse, PinType};
use words::{Step as WorkStep, *};

#[derive(Clone, Debug)]
enum Step {
    Send(Command),
    SendAndCut(Command, Cut, Option<Cut>),
    Restart(Option<Cut>),
}

/// Makes the steps; the model that it goes along with is only to make them likely to get somewhere. Without cuts of the
/// power a session grows long, and with it what ends with the power.
struct Steps<const CUTS: bool>;

impl<const CUTS: bool> ReferenceStateMachine for Steps<CUTS> {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::default()).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Step> {
        let command = prop_oneof![
            4 => select(next(model)),
            4 => any_command(model),
            1 => select(next_work(model)),
            1 => any_work(model),
        ]
        .boxed();
        if !CUTS {
            return command.prop_map(Step::Send).boxed();
        }
        prop_oneof![
            40 => command.clone().prop_map(Step::Send),
            4 => (command, cut(40), proptest::option::weighted(0.3, cut(3)))
                .prop_map(|(command, cut, again)| Step::SendAndCut(command, cut, again)),
            1 => proptest::option::of(cut(3)).prop_map(Step::Restart),
        ]
        .boxed()
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        match step {
            Step::Send(command) => {
                let given = match *command {
                    Command::OpenApplication(name) => name,
                    Command::CreateContainer(_, name) | Command::OpenContainer(_, name) => name,
                    Command::ImportSymmKey(..) | Command::ImportSessionKey(..) => model.keys_given.into(),
                    _ => 0,
                };
                let _ = model.apply(command, 1 + u16::try_from(given).expect("a small number"));
            }
            Step::SendAndCut(..) | Step::Restart(_) => model.restart(),
        }
        model
    }
}

fn cut(operations: u64) -> impl Strategy<Value = Cut> {
    // Most commands take few operations, a long certificate takes many.
    let operation = prop_oneof![3 => 0..8_u64, 1 => 0..operations].prop_map(move |n| n.min(operations));
    (operation, any::<Option<u64>>()).prop_map(|(operation, tear)| Cut { operation, tear })
}

/// Commands that lead further.
fn next(model: &Model) -> Vec<Command> {
    let right = |secret| Proof { secret, fresh: true };
    let mut all = Vec::new();
    if !model.session.device {
        // Also when every application is there: the right to delete one.
        all.push(Command::DevAuth(right(0)));
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
                    all.push(Command::GenEccKeyPair(name, container));
                    if content.pairs[KeyUse::Sign as usize].is_some() {
                        all.push(Command::ImportEccKeyPair(name, container, Envelope::Right, 0x42));
                        all.push(Command::ImportCertificate(name, container, KeyUse::Sign, 2));
                        all.push(Command::ImportCertificate(name, container, KeyUse::Encrypt, 1));
                        all.extend(vec![Command::EccSignData(name, container); 2]);
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
fn next_work(model: &Model) -> Vec<Command> {
    let free = (0..SESSION_KEYS).find(|key| !model.has_key(model.handle(*key)));
    let mut all = vec![Command::DigestInit(DigestAlgorithm::Sm3), Command::Digest(WorkStep::Update, 70)];
    if let Some(key) = free {
        all.push(Command::ImportSymmKey(key, None, key % 2));
        for (application, name) in
            (0..APPLICATIONS).flat_map(|name| (0..CONTAINERS).map(move |at| (name, at)))
        {
            if let Ok(real) = model.container(application, name) {
                all.push(Command::ImportSymmKey(key, Some((application, name)), key % 2));
                let pairs = model.durable.applications[&real.0].containers[&real.1].pairs;
                if pairs[KeyUse::Encrypt as usize].is_some() {
                    all.push(Command::ImportSessionKey(key, (application, name), key % 2, true));
                }
            }
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
        all.push(Command::EccExportSessionKeyEx(handle));
        for (purpose, mode) in [
            (Purpose::Encrypt, Mode::Cbc),
            (Purpose::Encrypt, Mode::Cfb),
            (Purpose::Decrypt, Mode::Cbc),
            (Purpose::Decrypt, Mode::Ofb),
            (Purpose::Mac, Mode::Mac),
        ] {
            all.push(Command::Begin(handle, Work { purpose, mode, padded: false }));
            all.extend([5, 27, 32].map(|length| Command::Go(handle, purpose, WorkStep::Update, length)));
            all.push(Command::Go(handle, purpose, WorkStep::Final, 0));
            all.push(Command::Go(handle, purpose, WorkStep::One, 48));
        }
    }
    all
}

/// Commands about session keys and digests, right and wrong.
fn any_work(model: &Model) -> BoxedStrategy<Command> {
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
    let step = || select(WorkStep::ALL.to_vec());
    let length = || select(vec![0, 1, 15, 16, 17, 32, 33, 600]);
    let work = (purpose(), select(Mode::ALL.to_vec()), any::<bool>());
    let at = (0..APPLICATIONS, 0..LONG_NAME);
    prop_oneof![
        2 => (0..SESSION_KEYS, holder(), 0..VALUES)
            .prop_map(|(key, holder, value)| Command::ImportSymmKey(key, holder, value)),
        1 => (0..SESSION_KEYS, at, 0..VALUES, proptest::bool::weighted(0.8))
            .prop_map(|(key, at, value, own)| Command::ImportSessionKey(key, at, value, own)),
        1 => handle().prop_map(Command::EccExportSessionKeyEx),
        1 => handle().prop_map(Command::DestroySessionKey),
        4 => (handle(), work).prop_map(|(handle, (purpose, mode, padded))| {
            Command::Begin(handle, Work { purpose, mode, padded })
        }),
        8 => (handle(), purpose(), step(), length())
            .prop_map(|(handle, purpose, step, length)| Command::Go(handle, purpose, step, length)),
        1 => select(DigestAlgorithm::ALL.to_vec()).prop_map(Command::DigestInit),
        2 => (step(), length()).prop_map(|(step, length)| Command::Digest(step, length)),
    ]
    .boxed()
}

fn any_command(model: &Model) -> BoxedStrategy<Command> {
    let pin = || select(vec![PinType::Administrator, PinType::User]);
    let key_use = || select(KeyUse::ALL.to_vec());
    let proof =
        || (0..PINS, proptest::bool::weighted(0.9)).prop_map(|(secret, fresh)| Proof { secret, fresh });
    // Mostly what is open.
    let open: Vec<_> = (0..APPLICATIONS).filter(|name| model.application(*name).is_ok()).collect();
    let all: Vec<_> = (0..APPLICATIONS).flat_map(|name| (0..CONTAINERS).map(move |at| (name, at))).collect();
    let reachable: Vec<_> =
        all.iter().copied().filter(|(name, at)| model.container(*name, *at).is_ok()).collect();
    let or_all = |some: Vec<Name>| if some.is_empty() { (0..APPLICATIONS).collect() } else { some };
    let app = || prop_oneof![4 => select(or_all(open.clone())), 1 => 0..APPLICATIONS];
    let or_any = |some: Vec<(Name, Name)>| if some.is_empty() { all.clone() } else { some };
    let at = || prop_oneof![4 => select(or_any(reachable.clone())), 1 => (app(), 0..CONTAINERS)];
    let envelope = || {
        select(vec![
            Envelope::Right,
            Envelope::ForAnotherKey,
            Envelope::OtherAlgorithm,
            Envelope::OtherPublicKey,
        ])
    };
    let device = prop_oneof![
        (0..LABELS).prop_map(Command::SetLabel),
        Just(Command::ShortRandom),
        proof().prop_map(Command::DevAuth),
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
        at().prop_map(|(name, container)| Command::GenEccKeyPair(name, container)),
        (at(), envelope(), 0x42..0x44_u8).prop_map(|((name, at), envelope, private)| {
            Command::ImportEccKeyPair(name, at, envelope, private)
        }),
        (at(), key_use(), 0..CERTIFICATES)
            .prop_map(|((name, at), key_use, number)| Command::ImportCertificate(name, at, key_use, number)),
        (at(), key_use()).prop_map(|((name, at), key_use)| Command::ExportCertificate(name, at, key_use)),
        at().prop_map(|(name, container)| Command::EccSignData(name, container)),
        (at(), key_use()).prop_map(|((name, at), key_use)| Command::ExportPubKey(name, at, key_use)),
    ];
    prop_oneof![1 => device, 1 => application, 4 => access, 3 => container, 4 => files, 7 => keys].boxed()
}

/// The token under test, and the model that predicts it.
struct Firmware<const CUTS: bool> {
    driver: Driver,
    model: Model,
}

impl<const CUTS: bool> Firmware<CUTS> {
    fn check(&mut self, command: &Command, got: Result<(Answer, Id), ukey_apdu::Status>) {
        let given = got.as_ref().map_or(0, |(_, id)| *id);
        let expected = self.model.apply(command, given);
        assert_eq!(got.map(|(answer, _)| answer), expected, "{command:?}");
    }

    fn restart(self, cut: Option<Cut>, candidates: &[Model]) -> Self {
        let mut driver = self.driver.restart(cut);
        let seen = driver.look(candidates);
        let adopted = candidates.iter().find(|model| model.durable.clone().visible() == seen);
        let adopted = adopted.unwrap_or_else(|| panic!("{seen:#?}\nis none of\n{candidates:#?}"));
        Self { driver, model: adopted.clone() }
    }
}

impl<const CUTS: bool> StateMachineTest for Firmware<CUTS> {
    type SystemUnderTest = Self;
    type Reference = Steps<CUTS>;

    fn init_test(_: &Model) -> Self {
        Self { driver: Driver::new(), model: Model::default() }
    }

    fn apply(mut this: Self, _: &Model, step: Step) -> Self {
        match step {
            Step::Send(command) => {
                let got = this.driver.send(&this.model, &command);
                this.check(&command, got);
            }
            Step::SendAndCut(command, cut, again) => {
                this.driver.cut(cut);
                let got = this.driver.send(&this.model, &command);
                if this.driver.was_cut() {
                    let candidates = this.model.after_cut(&command);
                    return this.restart(again, &candidates);
                }
                this.check(&command, got);
            }
            Step::Restart(cut) => {
                this.model.restart();
                let expected = [this.model.clone()];
                return this.restart(cut, &expected);
            }
        }
        this
    }

    fn teardown(mut this: Self, _: Model) {
        this.model.restart();
        let expected = [this.model.clone()];
        this.restart(None, &expected);
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn the_firmware_is_as_the_model(sequential 80..200 => Firmware<true>);
}

prop_state_machine! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_long_session_is_as_the_model(sequential 150..300 => Firmware<false>);
}
