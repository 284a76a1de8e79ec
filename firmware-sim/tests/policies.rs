//! The policies of GM/T 0027, each in both positions: off is how a token is without it.

mod support;

use support::envelope::{Envelope, Sealed, public_key};
use support::*;
use ukey_apdu::Status;
use ukey_apdu::command::*;
use ukey_apdu::ins::Ins;
use ukey_apdu::pin::DeviceKey;
use ukey_firmware::Policy;
use ukey_firmware::sim::SimPlatform;

const REFUSED: Status = Status::SECURITY_NOT_SATISFIED;
const PRIVATE: [u8; 32] = [0x42; 32];
const OWN_KEY: DeviceKey = DeviceKey(*b"one of the owner");

fn blank(policy: Policy) -> Host {
    Host::with(SimPlatform::new([1; 32]), policy)
}

// ---- one PIN, one use ----

/// With both key pairs, and nobody logged in.
fn equipped(policy: Policy) -> Host {
    let mut host = blank(policy).issue().provision();
    let sign = host.public_key(KeyUse::Sign).unwrap();
    Envelope::new(sign, PRIVATE, false).import(&mut host).unwrap();
    let application = host.application;
    host.send(&ClearSecureState { application }).unwrap();
    host
}

/// One use of a private key.
type Use = Box<dyn Fn(&mut Host) -> Result<Vec<u8>, Status>>;

/// Every use of a container's private key.
fn uses(host: &mut Host) -> Vec<(&'static str, Use)> {
    let sign = host.public_key(KeyUse::Sign).unwrap();
    let begun = {
        host.verify(PinType::User, USER).unwrap();
        let (application, container, algorithm) = (host.application, host.container, SGD_SM4_ECB);
        let data = GenerateAgreementDataWithEcc { application, container, algorithm, id: b"A" };
        let answers: Vec<_> =
            (0..2).map(|_| AgreementData::read(&host.send(&data).unwrap(), &GM).unwrap().handle).collect();
        host.send(&ClearSecureState { application }).unwrap();
        answers
    };
    let party = || Party { public_key: public_key(&PRIVATE), temporary_key: public_key(&[7; 32]), id: b"B" };
    let handles = std::cell::RefCell::new(begun);
    vec![
        ("ECCSignData of a digest", Box::new(|host| host.sign([7; 32]).map(|_| Vec::new()))),
        (
            "ECCSignData of a message",
            Box::new(|host| {
                let (application, container) = (host.application, host.container);
                let input = SignInput::Message { id: b"1234567812345678", message: b"m" };
                host.send(&EccSignData { application, container, input })
            }),
        ),
        (
            "ImportECCKeyPair",
            Box::new(move |host| Envelope::new(sign, PRIVATE, false).import(host).map(|()| Vec::new())),
        ),
        (
            "ImportSessionKey",
            Box::new(|host| {
                let sealed = Sealed::new(&public_key(&PRIVATE), &[9; 16]);
                let (holder, algorithm, sealed) = (host.holder(), SGD_SM4_ECB, sealed.block());
                host.send(&ImportSessionKey { holder, algorithm, sealed })
            }),
        ),
        (
            "GenerateAgreementDataAndKeyWithECC",
            Box::new(move |host| {
                let (application, container, algorithm) = (host.application, host.container, SGD_SM4_ECB);
                let initiator = party();
                host.send(&GenerateAgreementDataAndKeyWithEcc {
                    application,
                    container,
                    algorithm,
                    initiator,
                    id: b"A",
                })
            }),
        ),
        (
            "GenerateKeyWithECC",
            Box::new(move |host| {
                let (application, container) = (host.application, host.container);
                let handle = *handles.borrow().last().unwrap();
                let done =
                    host.send(&GenerateKeyWithEcc { application, container, handle, responder: party() });
                // A handle works once.
                if done.is_ok() {
                    handles.borrow_mut().pop();
                }
                done
            }),
        ),
    ]
}

#[test]
fn each_use_of_a_private_key_takes_a_pin_where_the_policy_says_so() {
    for one_use in [false, true] {
        let mut host = equipped(Policy { one_use, ..Policy::default() });
        for (name, act) in uses(&mut host) {
            assert_eq!(act(&mut host), Err(REFUSED), "{name} without the PIN");
            host.verify(PinType::User, USER).unwrap();
            act(&mut host).unwrap_or_else(|status| panic!("{name}: {status}"));
            let again = host.sign([7; 32]);
            if one_use {
                assert_eq!(again, Err(REFUSED), "{name} used the PIN up");
            } else {
                assert!(again.is_ok(), "{name} {again:?}");
            }
            assert_eq!(host.pin_info(PinType::User).remaining, 10, "no try is spent by it");
            let application = host.application;
            host.send(&ClearSecureState { application }).unwrap();
        }
    }
}

#[test]
fn what_uses_no_private_key_takes_no_pin_more() {
    let mut host = equipped(Policy { one_use: true, ..Policy::default() });
    host.verify(PinType::User, USER).unwrap();
    host.create_file(b"F", 10, Rights::USER, Rights::USER).unwrap();
    host.write_file(b"F", 0, b"0123456789").unwrap();
    host.read_whole(b"F").unwrap();
    host.import_certificate(KeyUse::Sign, b"certificate").unwrap();
    let (application, container, algorithm) = (host.application, host.container, SGD_SM4_ECB);
    host.send(&GenerateAgreementDataWithEcc { application, container, algorithm, id: b"A" }).unwrap();
    let (holder, public_key) = (host.holder(), public_key(&PRIVATE));
    host.send(&EccExportSessionKey { holder, public_key, algorithm }).unwrap();
    host.create_container(b"NEW").unwrap();
    host.generate().unwrap();
    host.sign([7; 32]).unwrap();
    assert_eq!(host.sign([7; 32]), Err(REFUSED));
    assert_eq!(
        host.read_file(b"F", 0, ukey_apdu::envelope::Le::Exact(1)),
        Err(REFUSED),
        "the whole right is gone"
    );
}

#[test]
fn a_command_that_gets_no_key_uses_nothing_up_and_one_that_fails_with_it_does() {
    let mut host = equipped(Policy { one_use: true, ..Policy::default() });
    host.verify(PinType::User, USER).unwrap();
    host.create_container(b"EMPTY").unwrap();
    assert_eq!(host.sign([7; 32]), Err(Status::NO_KEY_PAIR));
    host.open_container(b"DEV").unwrap();
    let [a, b] = host.application.0.to_be_bytes();
    let [c, d] = host.container.0.to_be_bytes();
    let (_, status) = host.apdu(plain(0x74, 1, 0, &[a, b, c, d, 0, 0, 0, 0, b'm']));
    assert_eq!(status, Status::WRONG_DATA, "an empty ID");
    let mut wrong = Sealed::new(&public_key(&PRIVATE), &[9; 16]);
    wrong.hash[0] ^= 1;
    let (holder, algorithm, sealed) = (host.holder(), SGD_SM4_ECB, wrong.block());
    let import = host.send(&ImportSessionKey { holder, algorithm, sealed });
    assert_eq!(import, Err(Status::DECRYPTION_FAILED), "the key was used to find that out");
    assert_eq!(host.sign([7; 32]), Err(REFUSED));
}

#[test]
fn the_right_of_another_application_and_of_the_administrator_stay() {
    let mut host = equipped(Policy { one_use: true, ..Policy::default() });
    let first = host.application;
    host.authenticate().unwrap();
    host.create_application(b"OTHER").unwrap();
    let answer = host.send(&OpenApplication { name: b"OTHER" }).unwrap();
    host.application = ApplicationInfo::read(&answer, &GM).unwrap().id;
    host.verify(PinType::User, USER).unwrap();
    let other = std::mem::replace(&mut host.application, first);
    host.verify(PinType::Administrator, ADMIN).unwrap();
    host.verify(PinType::User, USER).unwrap();
    host.sign([7; 32]).unwrap();
    assert_eq!(host.sign([7; 32]), Err(REFUSED));
    host.create_application(b"THIRD").unwrap();
    host.application = other;
    host.create_container(b"C").unwrap();
}

// ---- PINs ----

fn create(host: &mut Host, admin: &str, user: &str, tries: [u32; 2]) -> Result<(), Status> {
    let command = CreateApplication {
        name: NAME,
        admin_pin: pin(admin),
        admin_retries: tries[0],
        user_pin: pin(user),
        user_retries: tries[1],
        create_file: Rights::USER,
        max_containers: 1,
        max_certificates: 1,
        max_files: 1,
    };
    host.send(&command).map(drop)
}

#[test]
fn pins_have_the_length_that_the_policy_asks_for() {
    let policies = [
        (Policy::default(), 6, 16),
        (Policy { min_pin: 8, max_pin: 12, ..Policy::default() }, 8, 12),
        (Policy { min_pin: 1, max_pin: 16, ..Policy::default() }, 1, 16),
        (Policy { min_pin: 7, max_pin: 7, ..Policy::default() }, 7, 7),
    ];
    let text = |length: usize| "0123456789abcdef"[..length].to_owned();
    for (policy, least, most) in policies {
        for length in 1..=16 {
            let (allowed, what) =
                ((least..=most).contains(&length), format!("{length} of {least} to {most}"));
            let expected = if allowed { Ok(()) } else { Err(Status::WRONG_DATA) };
            let mut host = blank(policy);
            host.authenticate().unwrap();
            let before = host.image();
            let good = text(least);
            for (admin, user) in [(text(length), good.clone()), (good.clone(), text(length))] {
                let mut host = blank(policy);
                host.authenticate().unwrap();
                assert_eq!(create(&mut host, &admin, &user, [10, 10]), expected, "{what}");
                assert_eq!(host.image() == before, !allowed, "{what}");
            }
            create(&mut host, &good, &good, [10, 10]).unwrap();
            host.open().unwrap();
            for pin_type in [PinType::User, PinType::Administrator] {
                assert_eq!(host.change(pin_type, &good, &text(length)), expected, "{what}");
                let now = if allowed { text(length) } else { good.clone() };
                host.verify(pin_type, &now).unwrap();
                assert_eq!(host.pin_info(pin_type).is_default, !allowed, "{what}");
            }
            let admin = if allowed { text(length) } else { good.clone() };
            assert_eq!(host.unblock(&admin, &text(length)), expected, "{what}");
            host.verify(PinType::User, &if allowed { text(length) } else { good.clone() }).unwrap();
        }
    }
}

#[test]
fn pins_have_at_most_the_tries_that_the_policy_allows() {
    for (policy, most) in
        [(Policy::default(), 15), (Policy { max_tries: 10, ..Policy::default() }, 10), (Policy::gm0027(), 10)]
    {
        let policy = Policy { changed_device_key: false, ..policy };
        for tries in [[most + 1, most], [most, most + 1], [0, most], [most, 0], [most, u32::MAX]] {
            let mut host = blank(policy);
            host.authenticate().unwrap();
            let before = host.image();
            assert_eq!(create(&mut host, ADMIN, USER, tries), Err(Status::WRONG_DATA), "{tries:?}");
            assert!(host.image() == before);
        }
        for tries in [[most, most], [1, most], [most, 1]] {
            let mut host = blank(policy);
            host.authenticate().unwrap();
            create(&mut host, ADMIN, USER, tries).unwrap();
            host.open().unwrap();
            assert_eq!(u32::from(host.pin_info(PinType::Administrator).max_retries), tries[0]);
            assert_eq!(u32::from(host.pin_info(PinType::User).max_retries), tries[1]);
        }
    }
}

// ---- the factory ----

fn change_device_key(host: &mut Host, old: DeviceKey, new: &DeviceKey) -> Result<(), Status> {
    let challenge = host.challenge();
    let (encrypted_key, mac) = old.seal(&GM, new, &challenge, [0x84, 0x12, 0, 2]);
    host.send(&ChangeDevAuthKey { algorithm: 2, encrypted_key, mac }).map(drop)
}

/// Commands that need no application: what they are answered with in the factory phase.
fn without_application(host: &mut Host) -> [(Ins, Result<(), Status>); 6] {
    let digest = DigestInit { algorithm: DigestAlgorithm::Sm3, signer: None };
    let external = ExtEccSign { private_key: [3; 32], digest: [7; 32] };
    [
        (Ins::SetLabel, host.send(&SetLabel { label: b"L" }).map(drop)),
        (Ins::OpenApplication, host.send(&OpenApplication { name: NAME }).map(drop)),
        (Ins::DigestInit, host.send(&digest).map(drop)),
        (Ins::ExtEccSign, host.send(&external).map(drop)),
        (Ins::ImportSymmKey, host.set_symm_key(KeyHolder::DEVICE, &[1; 16]).map(drop)),
        (Ins::DeleteApplication, {
            host.authenticate().unwrap();
            host.send(&DeleteApplication { name: b"NONE" }).map(drop)
        }),
    ]
}

#[test]
fn the_factory_phase_is_as_narrow_as_the_policy_says() {
    let strict = Policy { strict_factory: true, ..Policy::default() };
    let in_use = |host: &mut Host, opens: Result<(), Status>| {
        for (ins, answer) in without_application(host) {
            let expected = match ins {
                Ins::OpenApplication => opens,
                Ins::DeleteApplication => Err(Status::NO_SUCH_APPLICATION_NAME),
                _ => Ok(()),
            };
            assert_eq!(answer, expected, "{}", ins.name());
        }
    };
    in_use(&mut blank(Policy::default()), Err(Status::NO_SUCH_APPLICATION_NAME));
    let mut host = blank(strict);
    let before = host.image();
    for (ins, answer) in without_application(&mut host) {
        assert_eq!(answer, Err(Status::CONDITIONS_NOT_SATISFIED), "{}", ins.name());
    }
    let counters = host.image();
    assert!(before[2 * 4096..] == counters[2 * 4096..], "nothing but a try that succeeded");
    // What the clause leaves, and what it needs.
    host.send(&GetDevInfo).unwrap();
    assert_eq!(host.names(&EnumApplication), Vec::<Vec<u8>>::new());
    change_device_key(&mut host, FACTORY_KEY, &FACTORY_KEY).unwrap();
    assert_eq!(host.apdu(plain(0x54, 0, 0, &[])).1, Status::UNSUPPORTED, "what there never is");
    host.create_application(NAME).unwrap();
    in_use(&mut host, Ok(()));
    // Deleting the last application returns to the factory phase.
    host.send(&DeleteApplication { name: NAME }).unwrap();
    assert_eq!(host.send(&SetLabel { label: b"L" }), Err(Status::CONDITIONS_NOT_SATISFIED));
}

#[test]
fn an_application_is_made_behind_a_device_key_of_its_own_where_the_policy_says_so() {
    blank(Policy::default()).issue();
    let policy = Policy { changed_device_key: true, ..Policy::default() };
    let mut host = blank(policy);
    assert_eq!(host.create_application(NAME), Err(REFUSED), "the right comes first");
    host.authenticate().unwrap();
    let before = host.image();
    assert_eq!(host.create_application(NAME), Err(Status::CONDITIONS_NOT_SATISFIED));
    change_device_key(&mut host, FACTORY_KEY, &FACTORY_KEY).unwrap();
    assert_eq!(host.create_application(NAME), Err(Status::CONDITIONS_NOT_SATISFIED), "the same once more");
    assert!(host.image() != before, "the change itself was made");
    change_device_key(&mut host, FACTORY_KEY, &OWN_KEY).unwrap();
    host.create_application(NAME).unwrap();
    host.open().unwrap();
}

#[test]
fn all_that_gm_t_0027_asks_for_goes_together() {
    let mut host = blank(Policy::gm0027());
    assert_eq!(host.send(&SetLabel { label: b"L" }), Err(Status::CONDITIONS_NOT_SATISFIED));
    host.authenticate().unwrap();
    change_device_key(&mut host, FACTORY_KEY, &OWN_KEY).unwrap();
    host.create_application(NAME).unwrap();
    host.open().unwrap();
    let mut host = host.provision();
    host.sign([7; 32]).unwrap();
    assert_eq!(host.sign([7; 32]), Err(REFUSED));
}
