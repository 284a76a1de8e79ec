//! Our own link to a card in a reader.

use std::time::Duration;

use ukey_device::link::pcsc::{self, Sharing};
use ukey_device::{ErrorKind, Hand, LinkError, Options, PinType, Target};

use super::bays::Bays;
use super::{APPLICATION, Inserted, USER, a_pin_is_verified, pin};

fn kind(error: ukey_device::Error) -> LinkError {
    match error.kind() {
        ErrorKind::Link(LinkError::Removed) => LinkError::Removed,
        ErrorKind::Link(LinkError::Busy { place, holder }) => {
            LinkError::Busy { place: place.clone(), holder: holder.clone() }
        }
        kind => panic!("{kind:?}"),
    }
}

#[test]
fn a_session_lives_with_the_power() {
    let Some(bays) = Bays::take(1) else { return };
    let token = Inserted::into(&bays, 0, 1);
    let device = token.connect();
    assert_eq!(device.info().unwrap().serial_number, token.serial_number());
    a_pin_is_verified(&device);
    let application = device.open_application(APPLICATION).unwrap();
    application.verify_pin(PinType::User, &pin(USER)).unwrap();
    let container = application.create_container("A").unwrap();
    container.generate_key_pair().unwrap();
    container.sign_message(b"1234567812345678", b"to be signed").unwrap();
    assert_eq!(device.transmit(&[0x80, 0xEE, 0, 0]).unwrap(), [0x6D, 0x00]);

    device.reconnect().unwrap();
    assert!(matches!(container.info().unwrap_err().kind(), ErrorKind::Stale));
    let application = device.open_application(APPLICATION).unwrap();
    let container = application.open_container("A").unwrap();
    let error = container.sign_message(b"1234567812345678", b"to be signed").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotLoggedIn), "{error}");
}

#[test]
fn a_pulled_key_is_found_again() {
    let Some(bays) = Bays::take(1) else { return };
    let token = Inserted::into(&bays, 0, 1);
    let device = token.connect();
    for round in 0..3_u8 {
        match round {
            0 => token.key.unplug(),
            // In mid-command, and without a pause before it is back.
            _ => token.key.unplug_after(0),
        }
        let error = device.info().unwrap_err();
        assert!(error.is_removed(), "{round}: {error}");
        assert!(device.info().unwrap_err().is_removed(), "{round}: and stays so");
        if round == 1 {
            token.is_gone();
        }
        token.key.plug_in().unwrap();
        device.reconnect().unwrap();
        assert_eq!(device.info().unwrap().serial_number, token.serial_number());
        a_pin_is_verified(&device);
    }
}

#[test]
fn a_key_that_stays_away_is_removed() {
    let Some(bays) = Bays::take(1) else { return };
    let token = Inserted::into(&bays, 0, 1);
    let device = token.connect();
    token.key.unplug();
    token.is_gone();
    assert!(device.info().unwrap_err().is_removed());
    assert!(device.reconnect().unwrap_err().is_removed());
    assert!(token.target().connect(&Options::default()).unwrap_err().is_removed());
}

#[test]
fn two_programs_share_a_card_or_one_has_it() {
    let Some(bays) = Bays::take(1) else { return };
    let token = Inserted::into(&bays, 0, 1);
    let (first, second) = (token.connect(), token.connect());
    a_pin_is_verified(&first);
    second.info().unwrap();

    first.lock(Duration::ZERO).unwrap();
    first.lock(Duration::ZERO).unwrap();
    for refused in [second.info().unwrap_err(), second.lock(Duration::from_millis(50)).unwrap_err()] {
        let error = kind(refused);
        assert!(matches!(&error, LinkError::Busy { place, .. } if place.contains(&token.name)), "{error}");
    }
    assert!(second.reconnect().unwrap_err().is_busy(), "its power is not taken either");
    first.info().unwrap();
    first.unlock().unwrap();
    assert!(second.info().unwrap_err().is_busy(), "taken twice");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| second.lock(super::LIMIT));
        first.unlock().unwrap();
        waits.join().unwrap().unwrap();
    });
    assert!(first.info().unwrap_err().is_busy());
    second.unlock().unwrap();
    a_pin_is_verified(&first);

    // What ends with a link: its taking, and nothing of the other.
    second.lock(Duration::ZERO).unwrap();
    drop(second);
    let application = first.open_application(APPLICATION).unwrap();
    application.create_container("A").unwrap();

    let third = token.connect();
    third.reconnect().unwrap();
    assert!(first.info().unwrap_err().is_removed(), "another took its power");
    first.reconnect().unwrap();
}

/// Who comes next inherits nothing.
#[test]
fn what_was_proved_ends_with_the_last_program() {
    let Some(bays) = Bays::take(1) else { return };
    let token = Inserted::into(&bays, 0, 1);
    let device = token.connect();
    a_pin_is_verified(&device);
    drop(device);
    let application_is_open = |device: &ukey_device::Device| {
        let application = device.open_application(APPLICATION).unwrap();
        application.create_container("A").map(drop)
    };
    let device = token.connect();
    let error = application_is_open(&device).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotLoggedIn), "{error}");
    let sharing =
        |name: &str| pcsc::readers().unwrap().into_iter().find(|reader| reader.name == name).unwrap().sharing;
    assert_eq!(sharing(&token.name), Sharing::Shared);
    drop(device);
    assert_eq!(sharing(&token.name), Sharing::Free);
}

#[test]
fn what_a_reader_cannot_carry_is_not_sent() {
    let Some(bays) = Bays::take(1) else { return };
    let token = Inserted::into(&bays, 0, 1);
    let device = token.connect();
    a_pin_is_verified(&device);
    let error = device.transmit(&vec![0x80; 65_536]).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Link(LinkError::TooLong { bytes: 65_536, most: 65_535 })),
        "{error}"
    );
    let mut longest = vec![0; 65_535];
    longest[..7].copy_from_slice(&[0x80, 0x04, 0, 0, 0, 0xFF, 0xF8]);
    assert_eq!(device.transmit(&longest).unwrap(), [0x67, 0x00]);
    a_pin_is_verified(&device);
}

#[test]
fn a_reader_that_is_not_there_is_named_with_those_that_are() {
    let Some(_bays) = Bays::take(1) else { return };
    let connect = |reader: &str| {
        let target = Target::Pcsc { reader: reader.to_owned() };
        target.connect(&Options::default()).unwrap_err()
    };
    let error = connect("no such reader");
    let text = error.to_string();
    assert!(text.contains("no such reader") && text.contains("UKey Bay 7 00 01"), "{text}");
    assert!(error.message_zh().contains("UKey Bay 7 00 01") && error.help_zh().is_some());
    let error = connect("Bay 3");
    let text = error.to_string();
    assert!(text.contains("UKey Bay 3 00 00, UKey Bay 3 00 01"), "{text}");
}
