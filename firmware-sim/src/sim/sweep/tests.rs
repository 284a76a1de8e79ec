//! The sweep finds what it is there to find: tokens that do wrong in every way that it promises to notice.

use ukey_apdu::Ins;
use ukey_apdu::command::{KeyUse, PinType};
use zeroize::Zeroizing;

use super::host::{CONTAINER, Host};
use super::secrets::{CONTENTS, DEVICE_KEYS, USER_PINS};
use super::seen::platform;
use super::{Faults, Options, Report, sweep};
use crate::object::{AppSlot, ContainerSlot, ObjectId};
use crate::sim::{SimFlash, SimPlatform, Tear};
use crate::store::{Change, Encoded, Store};

/// What goes wrong with a flash.
type Fault = fn(&mut Vec<u8>);

/// What is found in a token that does this to its flash while it comes up behind a cut.
fn found(ins: Ins, flash: Fault) -> Report {
    sweep_of(ins, &Faults { flash, ..Faults::NONE })
}

fn sweep_of(ins: Ins, faults: &Faults) -> Report {
    let options = Options { command: Some(ins), torn: 0, every: 50, ..Options::default() };
    let report = sweep(&options, faults).unwrap();
    assert!(report.cuts() > 0);
    report
}

/// What was found first.
fn first(report: &Report) -> &str {
    &report.violations.first().expect("a violation").what
}

/// Writes a record past all handlers.
fn smuggle(image: &mut Vec<u8>, object: ObjectId, value: &[u8]) {
    let mut flash = SimFlash::from_image(std::mem::take(image)).unwrap();
    let mut store = Store::new();
    store.power_on(&mut flash).unwrap();
    store.write(&mut flash, &[Change::Put { object, value, secret: true }]).unwrap();
    *image = flash.image().to_vec();
}

/// The token's host does something more.
fn more(image: &mut Vec<u8>, act: fn(&mut Host)) {
    let mut host = Host::on(platform(1, image).unwrap()).unwrap();
    act(&mut host);
    *image = host.image();
}

/// Bytes into the last page, where nothing lies.
fn plant(image: &mut [u8], secret: &[u8]) {
    let at = image.len() - 2000;
    image[at..at + secret.len()].copy_from_slice(secret);
}

#[test]
fn without_a_fault_nothing_is_found() {
    assert_eq!(sweep_of(Ins::GenEccKeyPair, &Faults::NONE).violations, []);
}

#[test]
fn a_state_between_before_and_after_is_found() {
    let report = found(Ins::CreateContainer, |image| more(image, |host| host.label(b"between").unwrap()));
    assert_eq!(first(&report), "it is neither as before nor as after");
}

#[test]
fn a_retry_count_that_rises_is_found() {
    let report = found(Ins::VerifyPin, |image| {
        more(image, |host| {
            // In the states with wrong tries behind them this forgives them.
            let _ = host.open().and_then(|()| host.log_in());
        });
    });
    assert!(first(&report).contains("tries are left, of "), "{}", first(&report));
}

#[test]
fn more_tries_lost_than_cuts_are_found() {
    let report = found(Ins::VerifyPin, |image| {
        more(image, |host| {
            let _ = host.open();
            let _ = [host.verify(PinType::User, "wrong-1"), host.verify(PinType::User, "wrong-2")];
        });
    });
    assert!(first(&report).contains("tries are left, of "), "{}", first(&report));
}

#[test]
fn a_private_key_that_does_not_belong_to_its_public_key_is_found() {
    let report = found(Ins::GenEccKeyPair, |image| {
        let mut pair = crate::sm2::from_private(&[0x77; 32]).unwrap();
        pair.inverse = crate::sm2::from_private(&[0x78; 32]).unwrap().inverse;
        let object = ObjectId::key_pair(AppSlot(0), ContainerSlot(1), KeyUse::Sign);
        smuggle(image, object, Encoded::new(&pair).unwrap().as_bytes());
    });
    // The token has found it too: at the first use of the pair it stops.
    assert!(first(&report).starts_with("it cannot be read: 6400"), "{}", first(&report));
}

#[test]
fn every_secret_that_is_left_behind_is_found() {
    let left: [(Ins, Fault, &str); 6] = [
        (Ins::ChangePin, |image| plant(image, USER_PINS[1].as_bytes()), "a PIN"),
        (Ins::ChangeDevAuthKey, |image| plant(image, &DEVICE_KEYS[1]), "a device authentication key"),
        (Ins::ImportEccKeyPair, |image| plant(image, &[0x43; 32]), "a private key"),
        (
            Ins::ImportEccKeyPair,
            |image| {
                let inverse = crate::sm2::from_private(&[0x43; 32]).unwrap().inverse;
                plant(image, &Zeroizing::new(inverse.unwrap())[..]);
            },
            "what a private key signs with",
        ),
        (Ins::ImportEccKeyPair, |image| plant(image, &[0x17; 16]), "the key of an envelope"),
        (Ins::WriteFile, |image| plant(image, &CONTENTS[1]), "a secret file's content"),
    ];
    for (ins, fault, what) in left {
        let report = found(ins, fault);
        assert_eq!(first(&report), format!("{what} lies in the flash, though the token does not hold it"));
    }
}

#[test]
fn room_that_is_lost_is_found() {
    // An object that nobody can reach, and nobody can delete.
    let report = found(Ins::CreateContainer, |image| smuggle(image, ObjectId(0xF00F), &[0x5A; 400]));
    assert_eq!(first(&report), "it is neither as before nor as after");
}

#[test]
fn a_token_that_refuses_the_next_command_is_found() {
    let platform = |platform: &mut SimPlatform| platform.flash.cut_power_after(0, Tear::Clean);
    let report = sweep_of(Ins::CreateContainer, &Faults { platform, ..Faults::NONE });
    assert_eq!(first(&report), "the next command is refused: 6581 writing the memory failed");
}

#[test]
fn a_token_that_does_not_come_up_is_found() {
    let report = found(Ins::SetLabel, |image| image.fill(0));
    assert!(first(&report).starts_with("it does not come up"), "{}", first(&report));
}

/// What people read: the shortest script, from the simplest state on, and how to see it again.
#[test]
fn a_violation_prints_its_script_and_its_seed() {
    let fault = |image: &mut Vec<u8>| {
        more(image, |host| {
            let opened = host.open().and_then(|()| host.log_in());
            if opened.is_ok() && host.open_container(CONTAINER).is_ok() {
                host.label(b"never asked for").unwrap();
            }
        });
    };
    let options = Options { command: Some(Ins::GenEccKeyPair), torn: 0, every: 1, seed: 7 };
    let report = sweep(&options, &Faults { flash: fault, ..Faults::NONE }).unwrap();
    let text = report.to_text();
    let first = text.split("\n\n").nth(1).unwrap();
    assert_eq!(
        first,
        "violation: GenECCKeyPair, state \"empty container\": it is neither as before nor as after
    a token in the state: empty container
    OpenApplication \"UKEY\" → 9000 success
    GenRandom 8 bytes → 9000 success
    VerifyPin application 1000 user PIN ‹redacted› → 9000 success
    OpenContainer application 1000 \"DEV\" → 9000 success
    GenECCKeyPair application 1000 container 3001 256 bits → 6581 writing the memory failed
    the power is cut at flash operation 0 of this, Clean
  again: ukey sweep --command GenECCKeyPair --seed 7"
    );
}
