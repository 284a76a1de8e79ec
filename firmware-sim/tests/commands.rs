//! Each command does what it says, and refuses what it must: wrong secret, length, order, right, name.

pub(crate) mod support;

use proptest::prelude::*;
use sm2::dsa::signature::hazmat::PrehashVerifier;
use sm2::dsa::{Signature, VerifyingKey};
use support::envelope::Envelope;
use support::*;
use ukey_apdu::command::*;
use ukey_apdu::envelope::{Apdu, Cla, Le};
use ukey_apdu::pin::{DeviceKey, PinKey};
use ukey_apdu::{Ins, Status};
use ukey_firmware::sim::SimPlatform;
use ukey_firmware::{LifeCycle, Policy};

#[test]
fn a_blank_token_is_in_the_factory_phase_until_it_has_an_application() {
    let mut host = Host::blank(1);
    assert_eq!(host.token.life_cycle(), LifeCycle::Factory);
    assert!(host.names(&EnumApplication).is_empty());
    assert_eq!(host.create_application(NAME), Err(Status::SECURITY_NOT_SATISFIED), "needs the device right");
    host.authenticate().unwrap();
    host.create_application(NAME).unwrap();
    assert_eq!(host.token.life_cycle(), LifeCycle::Issued);
    assert_eq!(host.names(&EnumApplication), [NAME]);
    host.send(&DeleteApplication { name: NAME }).unwrap();
    assert_eq!(host.token.life_cycle(), LifeCycle::Factory);
    assert_eq!(host.open(), Err(Status::NO_SUCH_APPLICATION_NAME));
}

#[test]
fn device_information_tells_label_and_space() {
    let mut host = Host::blank(1);
    let read = |host: &mut Host| {
        let answer = host.send(&GetDevInfo).unwrap();
        let info = DevInfo::read(&answer, &GM).unwrap();
        (info.label.to_vec(), info.free_space, info.total_space, info.max_apdu_data)
    };
    let before = read(&mut host);
    assert_eq!((before.0.as_slice(), before.3), (b"UKEY".as_slice(), 512));
    host.send(&SetLabel { label: "测试锁".as_bytes() }).unwrap();
    let mut host = host.restart();
    let after = read(&mut host);
    assert_eq!(after.0, "测试锁".as_bytes());
    assert!(after.1 < after.2);
    assert_eq!(host.send(&SetLabel { label: &[b'x'; 33] }), Err(Status::WRONG_DATA));
}

#[test]
fn device_authentication_counts_and_locks() {
    let mut host = Host::blank(1);
    let wrong = |host: &mut Host| {
        host.challenge();
        host.send(&DevAuth { algorithm: 2, cryptogram: [0; 16] })
    };
    for left in (0..10).rev() {
        assert_eq!(wrong(&mut host), Err(Status::tries_left(left)));
    }
    assert_eq!(host.authenticate(), Err(Status::LOCKED));
    assert_eq!(host.restart().authenticate(), Err(Status::LOCKED));
}

#[test]
fn a_wrong_device_authentication_drops_the_right_and_a_success_restores_the_tries() {
    let mut host = Host::blank(1);
    host.authenticate().unwrap();
    host.challenge();
    assert_eq!(host.send(&DevAuth { algorithm: 2, cryptogram: [0; 16] }), Err(Status::tries_left(9)));
    assert_eq!(host.create_application(NAME), Err(Status::SECURITY_NOT_SATISFIED));
    host.authenticate().unwrap();
    host.challenge();
    assert_eq!(host.send(&DevAuth { algorithm: 2, cryptogram: [0; 16] }), Err(Status::tries_left(9)));
}

#[test]
fn the_device_key_is_changed_under_the_old_one() {
    let mut host = Host::blank(1);
    let new_key = DeviceKey([0x5A; 16]);
    let change = |host: &mut Host, spoil: u8| {
        let challenge = host.challenge();
        let (encrypted_key, mut mac) = FACTORY_KEY.seal(&GM, &new_key, &challenge, [0x84, 0x12, 0, 2]);
        mac[0] ^= spoil;
        host.send(&ChangeDevAuthKey { algorithm: 2, encrypted_key, mac }).map(drop)
    };
    assert_eq!(change(&mut host, 0), Err(Status::SECURITY_NOT_SATISFIED));
    host.authenticate().unwrap();
    assert_eq!(change(&mut host, 1), Err(GM.wrong_mac.status()));
    change(&mut host, 0).unwrap();
    let mut host = host.restart();
    assert_eq!(host.authenticate(), Err(Status::tries_left(9)), "the factory's key is no more");
    let cryptogram = new_key.cryptogram(&host.challenge());
    host.send(&DevAuth { algorithm: 0, cryptogram }).unwrap();
}

#[test]
fn ten_wrong_pins_lock_and_the_eleventh_right_one_is_too_late() {
    let mut host = Host::issued(1);
    for left in (0..10).rev() {
        assert_eq!(host.verify(PinType::User, "00000000"), Err(Status::tries_left(left)));
        assert_eq!(host.pin_info(PinType::User).remaining, left);
        host = host.restart();
        host.open().unwrap();
    }
    assert_eq!(host.verify(PinType::User, USER), Err(Status::LOCKED));
    assert_eq!(host.change(PinType::User, USER, "11112222"), Err(Status::LOCKED));
    assert_eq!(
        host.pin_info(PinType::Administrator).remaining,
        10,
        "the administrator's tries are their own"
    );
}

#[test]
fn the_last_try_with_the_right_pin_succeeds_and_restores_all() {
    let mut host = Host::issued(1);
    for _ in 0..9 {
        host.verify(PinType::User, "00000000").unwrap_err();
    }
    assert_eq!(host.pin_info(PinType::User).remaining, 1);
    host.verify(PinType::User, USER).unwrap();
    assert_eq!(host.pin_info(PinType::User).remaining, 10);
}

#[test]
fn a_pin_command_without_a_live_challenge_costs_no_try() {
    let mut host = Host::issued(1);
    let (application, pin_type) = (host.application, PinType::User);
    let challenge = host.challenge();
    let cryptogram = PinKey::derive(&GM, &pin(USER)).cryptogram(&GM, &challenge);
    let command = VerifyPin { application, pin_type, cryptogram };
    host.send(&command).unwrap();
    assert_eq!(host.send(&command), Err(Status::CONDITIONS_NOT_SATISFIED), "a replay");
    host.send(&GenRandom { length: 7 }).unwrap();
    assert_eq!(host.send(&command), Err(Status::CONDITIONS_NOT_SATISFIED), "7 bytes are no challenge");
    assert_eq!(host.pin_info(PinType::User).remaining, 10);
    host.challenge();
    assert_eq!(host.send(&command), Err(Status::tries_left(9)), "over another challenge it is a wrong PIN");
}

#[test]
fn a_changed_pin_replaces_the_old_one() {
    let mut host = Host::issued(1);
    assert!(host.pin_info(PinType::User).is_default);
    assert_eq!(host.change(PinType::User, "00000000", "11112222"), Err(Status::tries_left(9)));
    host.change(PinType::User, USER, "11112222").unwrap();
    let info = host.pin_info(PinType::User);
    assert_eq!((info.remaining, info.is_default), (10, false));
    assert_eq!(host.verify(PinType::User, USER), Err(Status::tries_left(9)));
    host.verify(PinType::User, "11112222").unwrap();
    host.change(PinType::User, "11112222", "sixteen-letters!").unwrap();
    host.verify(PinType::User, "sixteen-letters!").unwrap();
}

#[test]
fn a_new_pin_that_is_too_short_is_refused_and_costs_no_try() {
    let mut host = Host::issued(1);
    assert_eq!(host.change(PinType::User, USER, "12345"), Err(Status::WRONG_DATA));
    assert_eq!(host.unblock(ADMIN, "12345"), Err(Status::WRONG_DATA));
    assert_eq!(host.pin_info(PinType::User).remaining, 10);
    assert_eq!(host.pin_info(PinType::Administrator).remaining, 10);
    host.verify(PinType::User, USER).unwrap();
}

#[test]
fn a_locked_pin_is_unblocked_with_the_administrator_pin() {
    let mut host = Host::issued(1);
    for _ in 0..10 {
        host.verify(PinType::User, "00000000").unwrap_err();
    }
    assert_eq!(host.unblock("00000000", "11112222"), Err(Status::tries_left(9)));
    host.unblock(ADMIN, "11112222").unwrap();
    assert_eq!(host.pin_info(PinType::User).remaining, 10);
    assert_eq!(host.pin_info(PinType::Administrator).remaining, 10);
    assert_eq!(host.create_container(b"C"), Err(Status::SECURITY_NOT_SATISFIED), "unblocking logs nobody in");
    host.verify(PinType::User, "11112222").unwrap();
}

#[test]
fn unblocking_drops_the_right_of_the_user() {
    let mut host = Host::issued(1);
    host.verify(PinType::User, USER).unwrap();
    host.unblock(ADMIN, USER).unwrap();
    assert_eq!(host.create_container(b"C"), Err(Status::SECURITY_NOT_SATISFIED));
}

#[test]
fn an_administrator_pin_locks_too() {
    let mut host = Host::issued(1);
    for left in (0..10).rev() {
        assert_eq!(host.unblock("00000000", "11112222"), Err(Status::tries_left(left)));
    }
    assert_eq!(host.unblock(ADMIN, "11112222"), Err(Status::LOCKED));
}

#[test]
fn rights_end_with_the_power_clear_secure_state_and_a_wrong_pin_but_not_with_close() {
    let mut host = Host::provisioned(1);
    let application = host.application;
    host.send(&ClearSecureState { application }).unwrap();
    assert_eq!(host.sign([1; 32]), Err(Status::SECURITY_NOT_SATISFIED));
    host.verify(PinType::User, USER).unwrap();
    host.sign([1; 32]).unwrap();
    assert_eq!(host.verify(PinType::User, "00000000"), Err(Status::tries_left(9)));
    assert_eq!(host.sign([1; 32]), Err(Status::SECURITY_NOT_SATISFIED), "a wrong PIN drops the right");
    host.verify(PinType::User, USER).unwrap();
    host.send(&CloseApplication { application }).unwrap();
    assert_eq!(host.sign([1; 32]), Err(Status::NO_SUCH_APPLICATION));
    host.open().unwrap();
    assert_eq!(host.sign([1; 32]), Err(Status::NO_SUCH_CONTAINER));
    host.open_container(b"DEV").unwrap();
    host.sign([1; 32]).unwrap();
    let mut host = host.restart();
    assert_eq!(
        host.send(&GetPinInfo { application, pin_type: PinType::User }),
        Err(Status::NO_SUCH_APPLICATION)
    );
    host.open().unwrap();
    host.open_container(b"DEV").unwrap();
    assert_eq!(host.sign([1; 32]), Err(Status::SECURITY_NOT_SATISFIED));
}

#[test]
fn a_right_does_not_outlive_its_application() {
    let mut host = Host::provisioned(1);
    host.authenticate().unwrap();
    host.send(&DeleteApplication { name: NAME }).unwrap();
    host.create_application(NAME).unwrap();
    host.open().unwrap();
    assert_eq!(host.create_container(b"C"), Err(Status::SECURITY_NOT_SATISFIED));
}

#[test]
fn the_right_of_one_application_is_none_in_another() {
    let mut host = Host::provisioned(1);
    host.authenticate().unwrap();
    host.create_application(b"OTHER").unwrap();
    let answer = host.send(&OpenApplication { name: b"OTHER" }).unwrap();
    let other = ApplicationInfo::read(&answer, &GM).unwrap().id;
    assert_ne!(other, host.application);
    host.application = other;
    assert_eq!(host.create_container(b"C"), Err(Status::SECURITY_NOT_SATISFIED));
    assert_eq!(host.sign([1; 32]), Err(Status::NO_SUCH_CONTAINER), "nor is its container");
}

#[test]
fn strict_opening_is_a_policy() {
    let strict = Policy { strict_open: true, ..Policy::default() };
    let mut host = Host::with(SimPlatform::new([1; 32]), strict);
    host.authenticate().unwrap();
    host.create_application(NAME).unwrap();
    host.create_application(b"OTHER").unwrap();
    host.open().unwrap();
    assert_eq!(host.open(), Err(Status::APPLICATION_ALREADY_OPEN));
    assert_eq!(host.send(&OpenApplication { name: b"OTHER" }), Err(Status::OTHER_APPLICATION_OPEN));
    let mut lax = Host::issued(1);
    let first = lax.application;
    lax.open().unwrap();
    assert_eq!(lax.application, first);
}

#[test]
fn applications_and_containers_have_unique_names_and_a_limit() {
    let mut host = Host::issued(1);
    assert_eq!(host.create_application(NAME), Err(Status::APPLICATION_EXISTS));
    for number in 1..6 {
        host.create_application(format!("APP{number}").as_bytes()).unwrap();
    }
    assert_eq!(host.create_application(b"ONE TOO MANY"), Err(Status::NO_SPACE));
    host.verify(PinType::User, USER).unwrap();
    for number in 0..8 {
        host.create_container(format!("C{number}").as_bytes()).unwrap();
    }
    assert_eq!(host.create_container(b"C0"), Err(Status::CONTAINER_EXISTS));
    assert_eq!(host.create_container(b"C8"), Err(Status::NO_SPACE));
    let application = host.application;
    host.send(&DeleteContainer { application, name: b"C3" }).unwrap();
    assert_eq!(host.send(&DeleteContainer { application, name: b"C3" }), Err(Status::NO_SUCH_CONTAINER_NAME));
    host.create_container(b"C8").unwrap();
    assert_eq!(host.names(&EnumContainer { application }).len(), 8);
}

#[test]
fn a_key_pair_made_inside_signs() {
    let mut host = Host::provisioned(1);
    let key = host.public_key(KeyUse::Sign).unwrap();
    assert_eq!(host.public_key(KeyUse::Encrypt), Err(Status::NO_KEY_PAIR));
    let verifying =
        VerifyingKey::from_sec1_bytes("1234567812345678", &[[4].as_slice(), &key.x, &key.y].concat())
            .unwrap();
    let signature = host.sign([7; 32]).unwrap();
    verifying.verify_prehash(&[7; 32], &Signature::from_slice(&signature.to_bytes()).unwrap()).unwrap();

    use sm2::dsa::signature::Verifier;
    let (application, container) = (host.application, host.container);
    let input = SignInput::Message { id: b"1234567812345678", message: b"over the token's own Z" };
    let answer = host.send(&EccSignData { application, container, input }).unwrap();
    let signature = EccSignature::read(&answer, &GM).unwrap();
    let signature = Signature::from_slice(&signature.to_bytes()).unwrap();
    verifying.verify(b"over the token's own Z", &signature).unwrap();
    assert!(verifying.verify(b"another message", &signature).is_err());
}

#[test]
fn a_new_key_pair_takes_the_place_of_the_old_one_and_removes_its_certificate() {
    let mut host = Host::provisioned(1);
    let old = host.public_key(KeyUse::Sign).unwrap();
    host.import_certificate(KeyUse::Sign, b"certificate of the old key").unwrap();
    let new = host.generate().unwrap();
    assert_ne!(old, new);
    assert_eq!(host.public_key(KeyUse::Sign).unwrap(), new);
    assert_eq!(host.certificate(KeyUse::Sign), Err(Status::NO_CERTIFICATE));
}

#[test]
fn an_enveloped_encryption_key_pair_is_imported_in_both_forms() {
    for long in [false, true] {
        let mut host = Host::provisioned(1);
        let sealed = Envelope::new(host.public_key(KeyUse::Sign).unwrap(), [0x42; 32], long);
        sealed.import(&mut host).unwrap();
        assert_eq!(host.public_key(KeyUse::Encrypt).unwrap(), sealed.public);
        let image = host.image();
        assert!(image.windows(32).any(|window| window == sealed.private), "it is kept");
        let application = host.application;
        host.send(&DeleteContainer { application, name: b"DEV" }).unwrap();
        assert!(
            !host.image().windows(32).any(|window| window == sealed.private),
            "and it is gone when deleted"
        );
    }
}

#[test]
fn a_wrong_envelope_is_refused_and_changes_nothing() {
    let mut host = Host::provisioned(1);
    let sign_key = host.public_key(KeyUse::Sign).unwrap();
    let mut no_match = Envelope::new(sign_key, [0x42; 32], true);
    no_match.public.x[0] ^= 1;
    assert_eq!(no_match.import(&mut host), Err(Status::WRONG_DATA), "d·G is another point");
    let mut no_hash = Envelope::new(sign_key, [0x42; 32], true);
    no_hash.hash[0] ^= 1;
    assert_eq!(no_hash.import(&mut host), Err(Status::DECRYPTION_FAILED));
    let mut no_zeros = Envelope::new(sign_key, [0x42; 32], true);
    no_zeros.encrypted[0] ^= 1;
    assert_eq!(no_zeros.import(&mut host), Err(Status::WRONG_DATA));
    let mut no_length = Envelope::new(sign_key, [0x42; 32], true);
    no_length.encrypted.truncate(48);
    assert_eq!(no_length.import(&mut host), Err(Status::WRONG_DATA));
    assert_eq!(host.public_key(KeyUse::Encrypt), Err(Status::NO_KEY_PAIR));
    host.create_container(b"EMPTY").unwrap();
    assert_eq!(Envelope::new(sign_key, [0x42; 32], true).import(&mut host), Err(Status::NO_KEY_PAIR));
}

#[test]
fn a_certificate_longer_than_an_envelope_goes_in_by_chain_and_out_in_blocks() {
    let mut host = Host::provisioned(1);
    let certificate: Vec<u8> = (0..3000_u32).map(|n| n.to_le_bytes()[0]).collect();
    host.import_certificate(KeyUse::Sign, &certificate).unwrap();
    assert_eq!(host.certificate(KeyUse::Sign).unwrap(), certificate);
    host.import_certificate(KeyUse::Sign, b"a short one in its place").unwrap();
    assert_eq!(host.certificate(KeyUse::Sign).unwrap(), b"a short one in its place");
    assert_eq!(host.import_certificate(KeyUse::Sign, &[1; 4001]), Err(Status::NO_SPACE));
    assert_eq!(host.import_certificate(KeyUse::Encrypt, &certificate), Err(Status::NO_KEY_PAIR));
    let info = {
        let application = host.application;
        ContainerInfo::read(&host.send(&GetContainerInfo { application, name: b"DEV" }).unwrap(), &GM)
            .unwrap()
    };
    assert_eq!((info.container_type, info.sign_bits, info.encrypt_bits), (ContainerType::Ecc, 256, 0));
    assert_eq!((info.sign_certificate, info.encrypt_certificate), (true, false));
}

/// RSA is the only thing that a token does not have, and it says so before it looks at anything else.
#[test]
fn what_a_token_does_not_have_is_told_and_everything_else_is_there() {
    let mut host = Host::blank(1);
    let info = host.send(&GetDevInfo).unwrap();
    assert_eq!(DevInfo::read(&info, &GM).unwrap().asymmetric, 0x0002_0E00, "no SGD_RSA");
    for &ins in Ins::ALL {
        let shape = shape(ins, &GM);
        let data = match shape.map(|shape| shape.data) {
            Some(Length::Exactly(length) | Length::AtLeast(length)) => vec![0; length],
            Some(Length::OneOf(lengths)) => vec![0; lengths[0]],
            None => vec![],
        };
        let cla = Cla { protected: shape.is_some_and(|shape| shape.protected), chained: false };
        let p1 = shape.map_or(0, |shape| match shape.p1 {
            Values::Only(only) => only,
            Values::Range(low, _) => low,
        });
        let (_, status) = host.apdu(Apdu { cla, ..plain(ins as u8, p1, 0, &data) });
        assert_eq!(status == Status::UNSUPPORTED, why_not(ins).is_some(), "{} {status}", ins.name());
        assert_ne!(status, Status::UNKNOWN_INS, "{}", ins.name());
        assert!(shape.is_none() || status != Status::WRONG_LENGTH, "{} was not looked at", ins.name());
    }
    assert_eq!(host.apdu(plain(0x64, 0, 0, &[])).1, Status::UNKNOWN_INS);
}

#[test]
fn checks_come_in_the_documented_order() {
    let mut host = Host::provisioned(1);
    let ids = [host.application.0.to_be_bytes(), host.container.0.to_be_bytes()].concat();
    let sw = |host: &mut Host, apdu: Apdu<'_>| host.apdu(apdu).1;
    assert_eq!(host.raw(&[0x00, 0x74, 9, 9]).1, Status::UNKNOWN_CLA);
    assert_eq!(sw(&mut host, plain(0xFF, 0, 0, &[])), Status::UNKNOWN_INS);
    assert_eq!(sw(&mut host, plain(Ins::RsaSignData as u8, 0, 0, &[])), Status::UNSUPPORTED);
    assert_eq!(sw(&mut host, plain(0x70, 9, 9, &ids)), Status::WRONG_LENGTH, "length before parameters");
    let wrong_bits = [ids.as_slice(), &[0, 0, 2, 0]].concat();
    assert_eq!(sw(&mut host, plain(0x70, 9, 9, &wrong_bits)), Status::WRONG_P1P2);
    assert_eq!(sw(&mut host, plain(0x70, 0, 0, &wrong_bits)), Status::WRONG_DATA);
    let application = host.application;
    host.send(&ClearSecureState { application }).unwrap();
    assert_eq!(
        sw(&mut host, plain(0x70, 0, 0, &wrong_bits)),
        Status::SECURITY_NOT_SATISFIED,
        "right before contents"
    );
    let no_container = [&ids[..2], &[0x30, 0x09, 0, 0, 2, 0]].concat();
    assert_eq!(sw(&mut host, plain(0x70, 0, 0, &no_container)), Status::NO_SUCH_CONTAINER);
    let nothing = [0x10, 0x07, 0x30, 0x09, 0, 0, 2, 0];
    assert_eq!(sw(&mut host, plain(0x70, 0, 0, &nothing)), Status::NO_SUCH_APPLICATION);
    let protected = Apdu { cla: Cla { protected: true, chained: false }, ..plain(0x04, 0, 0, &[]) };
    assert_eq!(sw(&mut host, protected), Status::NO_SECURE_MESSAGING);
    assert_eq!(
        sw(&mut host, plain(0x16, 0, 1, &[0; 22])),
        Status::NO_SECURE_MESSAGING,
        "and none where one is due"
    );
    let le = Apdu { le: Le::Exact(9), ..plain(0x04, 0, 0, &[]) };
    assert_eq!(sw(&mut host, le), Status::WRONG_LE);
    assert_eq!(sw(&mut host, plain(0x50, 0, 0, &[])), Status::WRONG_LE, "how much random?");
}

#[test]
fn a_wrong_pin_takes_its_time_and_every_command_lights_the_led() {
    let mut host = Host::issued(1);
    host.verify(PinType::User, USER).unwrap();
    assert_eq!(host.token.platform().clock.nanoseconds, 0);
    host.verify(PinType::User, "00000000").unwrap_err();
    assert_eq!(host.token.platform().clock.nanoseconds, 100_000_000);
    let led = host.token.platform().led;
    assert!(led.flashes > 4 && !led.lit);
}

#[test]
fn counting_tries_hardly_wears_the_flash() {
    let mut host = Host::issued(1);
    let mut erases = Vec::new();
    for _ in 0..5 {
        let before = host.token.platform().flash.counts().erases;
        for _ in 0..1000 {
            host.verify(PinType::User, USER).unwrap();
        }
        erases.push(host.token.platform().flash.counts().erases - before);
    }
    // A counter page holds 624 tries of each PIN, and costs one erase when it is full.
    assert_eq!(erases, [1, 2, 1, 2, 2], "at most two in a thousand logins");
    host.verify(PinType::User, "00000000").unwrap_err();
    let mut host = host.restart();
    host.open().unwrap();
    assert_eq!(host.pin_info(PinType::User).remaining, 9);
}

#[test]
fn wrong_tries_survive_a_turn_of_the_counter_page() {
    let mut host = Host::issued(1);
    host.verify(PinType::Administrator, "00000000").unwrap_err();
    for _ in 0..2500 {
        host.verify(PinType::User, USER).unwrap();
    }
    assert!(host.token.wear().counters >= 1);
    assert_eq!(host.pin_info(PinType::Administrator).remaining, 9);
    assert_eq!(host.pin_info(PinType::User).remaining, 10);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_upset_the_token(
        ins in prop_oneof![any::<u8>(), proptest::sample::select(SPOKEN).prop_map(|ins| ins as u8)],
        cla in prop_oneof![Just(0x80_u8), Just(0x84), Just(0x90), any::<u8>()],
        p1 in 0_u8..3, p2 in 0_u8..3, data in proptest::collection::vec(any::<u8>(), 0..60), with_ids: bool,
        noise in proptest::collection::vec(any::<u8>(), 0..30),
    ) {
        let mut host = Host::provisioned(9);
        let ids = [host.application.0.to_be_bytes(), host.container.0.to_be_bytes()].concat();
        let data = if with_ids { [ids, data].concat() } else { data };
        let mut command = vec![cla, ins, p1, p2, 0, 0, data.len() as u8];
        command.extend(&data);
        for bytes in [command.as_slice(), &noise] {
            let counts = host.token.platform().flash.counts();
            let (_, status) = host.raw(bytes);
            let is_pin_try = status.remaining().is_some();
            if !status.is_ok() && !is_pin_try {
                prop_assert_eq!(host.token.platform().flash.counts(), counts, "{} changed something", status);
            }
        }
    }
}
