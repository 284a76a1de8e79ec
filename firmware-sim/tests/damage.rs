//! A flash with wrong bits, in a token that tests no records at power-on: what is damaged is refused or lost, but never
//! gives more tries or a wrong PIN away, and never brings back what was replaced. One wrong bit in a header is mended.

mod support;

use crc::{CRC_32_ISO_HDLC, Crc};
use proptest::prelude::*;
use support::fixture::*;
use support::*;
use ukey_apdu::Status;
use ukey_apdu::command::*;
use ukey_firmware::{Policy, PowerOnError, SelfTest, Settings, Token};

#[test]
fn a_log_that_cannot_be_found_is_not_begun_anew() {
    let mut image = Host::issued(1).image();
    // One wrong bit would be mended.
    image[2 * PAGE] ^= 3;
    assert_eq!(refused(image), PowerOnError::Damaged);
}

#[test]
fn a_token_that_lost_a_record_of_its_own_does_not_fall_back_to_the_factory() {
    let mut host = Host::blank(1);
    host.authenticate().unwrap();
    let challenge = host.challenge();
    let (encrypted_key, mac) = FACTORY_KEY.seal(&GM, &DEVICE_KEY, &challenge, [0x84, 0x12, 0, 2]);
    host.send(&ChangeDevAuthKey { algorithm: 2, encrypted_key, mac }).unwrap();
    let mut image = host.image();
    // The first record of the log: the label.
    image[2 * PAGE + 16] ^= 3;
    assert_eq!(refused(image), PowerOnError::Damaged);
}

/// Damage stops a token that finds it in its self-test: `self_test.rs`.
fn lenient() -> Settings {
    let policy = Policy { self_test: SelfTest::LEAST, ..Policy::default() };
    Settings { policy, ..Settings::default() }
}

/// A token with one damaged bit: whatever is lost, no try is won, and only the right secrets are right.
fn survives(image: &[u8], what: &str) {
    let start = || match Token::power_on(platform(image.to_vec()), lenient()) {
        Ok(token) => Some(Host::of(token)),
        Err(_) => None,
    };
    let Some(mut host) = start() else {
        return;
    };
    assert!(host.authenticate().is_err(), "{what}: the factory's device key is right again");
    if host.open().is_err() {
        return;
    }
    for (pin_type, tries) in [(PinType::User, 7), (PinType::Administrator, 9)] {
        let command = GetPinInfo { application: host.application, pin_type };
        if let Ok(answer) = host.send(&command) {
            let left = PinInfo::read(&answer, &GM).unwrap().remaining;
            assert!(left <= tries, "{what}: {left} tries of the {pin_type}");
        }
        for wrong in [USER, "00000000"] {
            let answer = host.verify(pin_type, wrong);
            assert!(answer.is_err(), "{what}: a wrong {pin_type}");
            let left = answer.unwrap_err().remaining();
            assert!(left.is_none_or(|left| left < tries), "{what}: {left:?} tries left of the {pin_type}");
        }
    }
    // Nor does anything else upset it.
    let Some(mut host) = start() else {
        return;
    };
    let _ = host.open();
    let _ = host.verify(PinType::User, NEW_USER);
    let _ = host.open_container(b"DEV");
    for key_use in KeyUse::ALL {
        let (_, _) = (host.public_key(key_use), host.certificate(key_use));
    }
    let _ = host.sign([7; 32]);
    let _ = host.generate();
    let _ = host.change(PinType::User, NEW_USER, USER);
    let _ = host.unblock(ADMIN, USER);
}

fn flip(position: usize, bit: u8) {
    let mut image = flash(&fixture());
    image[position] ^= 1 << bit;
    survives(&image, &format!("bit {bit} of byte {position}"));
}

#[test]
fn no_bit_of_a_counter_or_header_wins_a_try() {
    // Page 0 begins with the header and two logs of each counter, of which the first bytes are in use: the device's, and
    // the administrator's and the user's of two applications.
    const LOG: usize = 156;
    let logs = (0..10).flat_map(|log| (0..4).map(move |byte| 16 + LOG * log + byte));
    let in_use = logs.clone().filter(|&position| fixture()[position] != 0xFF).count();
    assert!(in_use >= 5, "{in_use} bytes of counters are in use");
    let headers = (0..fixture().len().div_ceil(PAGE)).flat_map(|page| page * PAGE..page * PAGE + 16);
    for position in headers.chain(logs) {
        (0..8).for_each(|bit| flip(position, bit));
    }
}

/// Where the records of the log lie, by their headers.
fn records(image: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    for page in (2 * PAGE..image.len()).step_by(PAGE).filter(|&page| image[page..].starts_with(b"UKEY")) {
        let mut at = page + 16;
        while let Some(header) = image.get(at..at + 16).filter(|header| header[0] != 0xFF) {
            found.push(at);
            let length = usize::from(u16::from_le_bytes([header[2], header[3]]));
            at += 16 + if length == 0 { 0 } else { length.next_multiple_of(4) + 4 };
        }
    }
    found
}

/// All that the fixtures with files hold: names and files, key pairs, certificates, label, PINs.
fn everything(image: &[u8]) -> Vec<Result<Vec<u8>, Status>> {
    let mut host = Host::with(platform(image.to_vec()), lenient().policy);
    let mut found = Vec::new();
    let answer = host.send(&GetDevInfo);
    found.push(answer.map(|answer| DevInfo::read(&answer, &GM).unwrap().label.to_vec()));
    found.push(host.open().map(|()| Vec::new()));
    found.push(host.verify(PinType::User, NEW_USER).map(|()| Vec::new()));
    found.push(host.verify(PinType::Administrator, ADMIN).map(|()| Vec::new()));
    found.extend([b"PUBLIC".as_slice(), "印章".as_bytes()].map(|name| host.read_whole(name)));
    found.push(host.open_container(b"DEV").map(|()| Vec::new()));
    found.extend(KeyUse::ALL.map(|key_use| host.public_key(key_use).map(|key| [key.x, key.y].concat())));
    found.extend(KeyUse::ALL.map(|key_use| host.certificate(key_use)));
    found
}

/// What is refused now, of all that was there.
fn lost(image: &[u8], before: &[Result<Vec<u8>, Status>], what: &str) -> usize {
    let now = everything(image);
    for (number, (before, now)) in before.iter().zip(&now).enumerate() {
        assert!(now == before || now.is_err(), "{what}: thing {number} is another");
        if let Err(status) = now {
            assert!(status.is_known() && *status != Status::INTERNAL, "{what}: thing {number}: {status}");
        }
    }
    now.iter().zip(before).filter(|(now, before)| now != before).count()
}

#[test]
fn one_wrong_bit_of_a_header_is_mended() {
    for front in [fixture_with_files(), fixture_with_counts()] {
        let image = flash(&front);
        let before = everything(&image);
        assert!(before.iter().all(Result::is_ok), "{before:?}");
        let headers = records(&image);
        assert!(headers.len() > 100, "{} records", headers.len());
        let pages = (0..image.len()).step_by(PAGE).filter(|&page| image[page..].starts_with(b"UKEY"));
        for (number, header) in pages.chain(headers).enumerate() {
            let (byte, bit) = (header + number % 16, number / 16 % 8);
            let mut image = image.clone();
            image[byte] ^= 1 << bit;
            assert_eq!(lost(&image, &before, &format!("bit {bit} of byte {byte}")), 0);
        }
    }
}

/// The bytes of a record with this value, sealed like the firmware's own.
fn forged(kind: u8, object: u16, value: &[u8]) -> Vec<u8> {
    let crc = Crc::<u32>::new(&CRC_32_ISO_HDLC);
    let mut bytes = vec![kind, 0];
    bytes.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
    bytes.extend([object.to_le_bytes(), [0, 0]].concat());
    bytes.extend(0x1000_u32.to_le_bytes());
    bytes.extend(crc.checksum(&bytes).to_le_bytes());
    if !value.is_empty() {
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0xFF);
        bytes.extend(crc.checksum(value).to_le_bytes());
    }
    bytes
}

#[test]
fn what_a_file_holds_is_never_taken_for_records() {
    const USER_PIN: u16 = 2;
    // The PIN with NULs behind it, 15 tries, not the default, no mark.
    let record = [&[b'0'; 8][..], &[0; 8], &[15, 0, 0, 0]].concat();
    let content = [forged(1, USER_PIN, &record), forged(4, 0, &[])].concat();
    let mut host = Host::issued(1);
    host.verify(PinType::User, USER).unwrap();
    host.create_file(b"F", 500, Rights::ANYONE, Rights::USER).unwrap();
    host.write_file(b"F", 0, &content).unwrap();
    let image = host.image();
    let at = image.windows(content.len()).position(|window| window == content).unwrap() - 16;
    assert!(records(&image).contains(&at), "the record of the piece lies here");
    for wrong in [0x01, 0x03] {
        let mut image = image.clone();
        image[at + 8] ^= wrong;
        match Token::power_on(platform(image), lenient()) {
            Ok(token) => {
                assert_eq!(wrong, 0x01, "one bit is mended");
                let mut host = Host::of(token);
                host.open().unwrap();
                assert_eq!(host.verify(PinType::User, "00000000"), Err(Status::tries_left(9)));
                host.verify(PinType::User, USER).unwrap();
            }
            Err((error, _)) => assert_eq!((wrong, error), (0x03, PowerOnError::Damaged)),
        }
    }
}

#[test]
fn a_record_that_got_lost_does_not_bring_back_the_one_before_it() {
    let image = flash(&fixture_with_counts());
    let headers = records(&image);
    // The very last record, a commit, cannot be told from one that was cut off.
    for header in headers.iter().rev().skip(1).take(80) {
        let mut image = image.clone();
        image[header + 5] ^= 0b101;
        assert_eq!(refused(image), PowerOnError::Damaged, "the record at {header}");
    }
}

#[test]
fn a_page_of_the_log_that_got_lost_is_damage() {
    let mut image = flash(&fixture_with_files());
    let pages: Vec<_> =
        (2 * PAGE..image.len()).step_by(PAGE).filter(|&page| image[page..].starts_with(b"UKEY")).collect();
    assert!(pages.len() >= 3, "{pages:?}");
    image[pages[pages.len() - 2]] ^= 3;
    assert_eq!(refused(image), PowerOnError::Damaged);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn one_damaged_bit_makes_at_most_its_own_object_unreadable(
        position in 0..fixture_with_files().len(),
        bit in 0..8_u8,
    ) {
        let image = flash(&fixture_with_files());
        let mut damaged = image.clone();
        damaged[position] ^= 1 << bit;
        let what = format!("bit {bit} of byte {position}");
        if records(&image).iter().any(|&at| (at..at + 16).contains(&position)) {
            prop_assert_eq!(lost(&damaged, &everything(&image), &what), 0);
        } else {
            lost(&damaged, &everything(&image), &what);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn one_damaged_bit_wins_nothing(position in 0..fixture().len(), bit in 0..8_u8) {
        flip(position, bit);
    }

    #[test]
    fn one_damaged_bit_of_a_record_wins_nothing(position in 2 * PAGE..fixture().len(), bit in 0..8_u8) {
        flip(position, bit);
    }
}
