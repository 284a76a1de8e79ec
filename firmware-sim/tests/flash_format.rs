//! The on-flash format, version 1, is frozen: today's firmware reads what an earlier one wrote. What is of another
//! version or foreign is refused.
//!
//! `fixtures/flash-v1.bin` is the used part of a provisioned token's flash; all behind it is erased.
//! `fixtures/flash-v1.sign-key` is the X of the sign public key in it, as the token told it. They were made once, by
//!
//! ```text
//! cargo test -p ukey-firmware --test flash_format -- --ignored make_the_fixture
//! ```
//!
//! which refuses to overwrite them. `fixtures/flash-v1-files.bin` is the same token after files were written to it, made
//! once by `make_the_fixture_with_files`; `fixtures/flash-v1-counted.bin` is that again, made by
//! `make_the_fixture_with_counts` since commits count the records of their transaction and name the one before. Tokens with this content are in use: a firmware that cannot read it needs a new version
//! of the format, a way from the old one, and a new fixture beside this one.

mod support;

use crc::{CRC_32_ISO_HDLC, Crc};
use sm2::dsa::signature::hazmat::PrehashVerifier;
use sm2::dsa::{Signature, VerifyingKey};
use support::envelope::{Envelope, public_key};
use support::fixture::*;
use support::*;
use ukey_apdu::Status;
use ukey_apdu::command::*;
use ukey_firmware::sim::SimFlash;
use ukey_firmware::{Policy, PowerOnError, SelfTest};

fn sign_certificate() -> Vec<u8> {
    (0..1500_u32).map(|n| n.to_le_bytes()[0]).collect()
}

fn wrong_device_authentication(host: &mut Host) -> Status {
    host.challenge();
    host.send(&DevAuth { algorithm: 2, cryptogram: [0; 16] }).unwrap_err()
}

/// Puts in what the fixture holds. Gives the sign public key.
fn provision() -> (Host, EccPublicKey) {
    let mut host = Host::blank(0x46);
    host.authenticate().unwrap();
    let challenge = host.challenge();
    let (encrypted_key, mac) = FACTORY_KEY.seal(&GM, &DEVICE_KEY, &challenge, [0x84, 0x12, 0, 2]);
    host.send(&ChangeDevAuthKey { algorithm: 2, encrypted_key, mac }).unwrap();
    host.send(&SetLabel { label: b"replaced later" }).unwrap();
    host.create_application(b"GONE").unwrap();
    host.create_application(NAME).unwrap();
    host.send(&DeleteApplication { name: b"GONE" }).unwrap();
    host.open().unwrap();
    host.verify(PinType::User, USER).unwrap();
    host.change(PinType::User, USER, NEW_USER).unwrap();
    host.create_container(b"GONE TOO").unwrap();
    host.generate().unwrap();
    host.import_certificate(KeyUse::Sign, &[9; 700]).unwrap();
    host.create_container(b"DEV").unwrap();
    host.generate().unwrap();
    let key = host.generate().unwrap();
    Envelope::new(key, BROUGHT, true).import(&mut host).unwrap();
    host.import_certificate(KeyUse::Encrypt, b"encryption certificate").unwrap();
    for first in 1..4 {
        // The log is to have more than one page.
        host.import_certificate(KeyUse::Sign, &[first; 1500]).unwrap();
    }
    host.import_certificate(KeyUse::Sign, &sign_certificate()).unwrap();
    let application = host.application;
    host.send(&DeleteContainer { application, name: b"GONE TOO" }).unwrap();
    host.create_container(b"EMPTY").unwrap();
    host.send(&SetLabel { label: LABEL.as_bytes() }).unwrap();
    let mut host = host.restart();
    host.open().unwrap();
    for _ in 0..2 {
        host.verify(PinType::User, USER).unwrap_err();
    }
    host.verify(PinType::User, NEW_USER).unwrap();
    for _ in 0..3 {
        host.verify(PinType::User, USER).unwrap_err();
    }
    host.unblock("wrong-pin", NEW_USER).unwrap_err();
    wrong_device_authentication(&mut host);
    (host, key)
}

#[test]
#[ignore = "makes the fixture, once"]
fn make_the_fixture() {
    for path in [path("bin"), path("sign-key")] {
        assert!(!path.exists(), "{} is frozen; see the head of this file", path.display());
    }
    let (mut host, key) = provision();
    std::fs::write(path("bin"), used(&host.image())).unwrap();
    std::fs::write(path("sign-key"), hex::encode(key.x) + "\n").unwrap();
}

/// What is not erased behind it.
fn used(image: &[u8]) -> &[u8] {
    &image[..image.iter().rposition(|&byte| byte != 0xFF).unwrap() + 1]
}

/// The first half of a file's content; the rest was never written.
fn seal() -> Vec<u8> {
    [(0..800_u32).map(|n| (n * 3).to_le_bytes()[0]).collect(), vec![0; 900]].concat()
}

/// Puts files into the token of the first fixture.
fn provision_files() -> Host {
    let mut host = Host::on(platform(flash(&fixture())));
    host.open().unwrap();
    host.verify(PinType::User, NEW_USER).unwrap();
    host.verify(PinType::Administrator, ADMIN).unwrap();
    host.create_file(b"GONE", 2000, Rights::USER, Rights::USER).unwrap();
    host.write_whole(b"GONE", &[7; 2000]).unwrap();
    host.create_file("印章".as_bytes(), 1700, Rights::USER, Rights::USER).unwrap();
    host.create_file(b"PUBLIC", 1, Rights::ANYONE, Rights::ADMINISTRATOR).unwrap();
    host.create_file(b"SHUT", 0xFFFF, Rights::NEVER, Rights::NEVER).unwrap();
    host.write_file("印章".as_bytes(), 0, &[0xEE; 1200]).unwrap();
    host.delete_file("印章".as_bytes()).unwrap();
    host.delete_file(b"GONE").unwrap();
    host.create_file("印章".as_bytes(), 1700, Rights::USER, Rights::USER).unwrap();
    host.write_file("印章".as_bytes(), 200, &[0xEE; 600]).unwrap();
    host.write_file("印章".as_bytes(), 0, &seal()[..800]).unwrap();
    host.write_file(b"PUBLIC", 0, b"!").unwrap();
    host
}

#[test]
#[ignore = "makes the fixture, once"]
fn make_the_fixture_with_files() {
    assert!(!files_path().exists(), "{} is frozen; see the head of this file", files_path().display());
    std::fs::write(files_path(), used(&provision_files().image())).unwrap();
}

#[test]
#[ignore = "makes the fixture, once"]
fn make_the_fixture_with_counts() {
    assert!(!counted_path().exists(), "{} is frozen; see the head of this file", counted_path().display());
    std::fs::write(counted_path(), used(&provision_files().image())).unwrap();
}

fn read_files(host: &mut Host) {
    host.open().unwrap();
    let mut names = host.files();
    names.sort();
    assert_eq!(names, [b"PUBLIC", b"SHUT".as_slice(), "印章".as_bytes()]);
    assert_eq!(host.read_whole(b"PUBLIC").unwrap(), b"!");
    assert_eq!(host.file_info("印章".as_bytes()), Err(Status::SECURITY_NOT_SATISFIED));
    host.verify(PinType::User, NEW_USER).unwrap();
    let info = FileInfo { size: 1700, read: Rights::USER, write: Rights::USER };
    assert_eq!(host.file_info("印章".as_bytes()), Ok(info));
    assert!(host.read_whole("印章".as_bytes()).unwrap() == seal());
    assert_eq!(host.file_info(b"SHUT"), Err(Status::SECURITY_NOT_SATISFIED));
    assert_eq!(host.write_file(b"PUBLIC", 0, b"?"), Err(Status::SECURITY_NOT_SATISFIED));
}

#[test]
fn version_1_with_files_is_read_and_written_on() {
    let mut host = Host::on(platform(flash(&fixture_with_files())));
    read_files(&mut host);
    host.open_container(b"DEV").unwrap();
    assert_eq!(host.certificate(KeyUse::Sign).unwrap(), sign_certificate());
    host.write_file("印章".as_bytes(), 1600, &[1; 100]).unwrap();
    let mut host = host.restart();
    host.open().unwrap();
    host.verify(PinType::User, NEW_USER).unwrap();
    let expected = [&seal()[..1600], &[1; 100]].concat();
    assert!(host.read_whole("印章".as_bytes()).unwrap() == expected);
}

#[test]
fn files_are_still_written_as_in_the_fixture() {
    assert!(used(&provision_files().image()) == fixture_with_counts());
    read_files(&mut Host::on(platform(flash(&fixture_with_counts()))));
}

#[test]
fn a_damaged_piece_of_a_file_is_not_read_as_anything() {
    let mut image = flash(&fixture_with_files());
    let at = image.windows(300).rposition(|window| window == &seal()[..300]).expect("it lies there as it is");
    image[at + 200] ^= 1;
    let lenient = Policy { self_test: SelfTest::LEAST, ..Policy::default() };
    let mut host = Host::with(platform(image), lenient);
    host.open().unwrap();
    host.verify(PinType::User, NEW_USER).unwrap();
    assert_eq!(host.read_whole("印章".as_bytes()), Err(Status::MEMORY_FAILURE));
    assert_eq!(host.read_whole(b"PUBLIC").unwrap(), b"!", "the others are as they were");
}

#[test]
fn version_1_is_read() {
    let mut host = Host::on(platform(flash(&fixture())));
    let answer = host.send(&GetDevInfo).unwrap();
    assert_eq!(DevInfo::read(&answer, &GM).unwrap().label, LABEL.as_bytes());
    assert_eq!(host.names(&EnumApplication), [NAME]);
    host.open().unwrap();
    let application = host.application;

    let user = host.pin_info(PinType::User);
    assert_eq!((user.max_retries, user.remaining, user.is_default), (10, 7, false));
    let administrator = host.pin_info(PinType::Administrator);
    assert_eq!((administrator.max_retries, administrator.remaining, administrator.is_default), (10, 9, true));

    assert_eq!(host.names(&EnumContainer { application }), [b"EMPTY".as_slice(), b"DEV"]);
    host.open_container(b"EMPTY").unwrap();
    assert_eq!(host.public_key(KeyUse::Sign), Err(Status::NO_KEY_PAIR));
    host.open_container(b"DEV").unwrap();
    let key = host.public_key(KeyUse::Sign).unwrap();
    let told = std::fs::read_to_string(path("sign-key")).unwrap();
    assert_eq!(hex::encode(key.x), told.trim_end());
    assert_eq!(host.public_key(KeyUse::Encrypt).unwrap(), public_key(&BROUGHT));
    assert_eq!(host.certificate(KeyUse::Sign).unwrap(), sign_certificate());
    assert_eq!(host.certificate(KeyUse::Encrypt).unwrap(), b"encryption certificate");

    assert_eq!(host.verify(PinType::User, USER), Err(Status::tries_left(6)), "the PIN before the change");
    host.verify(PinType::User, NEW_USER).unwrap();
    host.verify(PinType::Administrator, ADMIN).unwrap();
    let point = [[4].as_slice(), &key.x, &key.y].concat();
    let signature = Signature::from_slice(&host.sign([7; 32]).unwrap().to_bytes()).unwrap();
    VerifyingKey::from_sec1_bytes("", &point).unwrap().verify_prehash(&[7; 32], &signature).unwrap();

    assert_eq!(wrong_device_authentication(&mut host), Status::tries_left(8), "one try was counted before");
    let challenge = host.challenge();
    host.send(&DevAuth { algorithm: 2, cryptogram: DEVICE_KEY.cryptogram(&challenge) }).unwrap();
}

#[test]
fn version_1_is_written_on() {
    let mut host = Host::on(platform(flash(&fixture())));
    host.open().unwrap();
    host.verify(PinType::User, NEW_USER).unwrap();
    host.create_container(b"MORE").unwrap();
    let key = host.generate().unwrap();
    let mut host = host.restart();
    host.open().unwrap();
    host.open_container(b"MORE").unwrap();
    assert_eq!(host.public_key(KeyUse::Sign).unwrap(), key);
    host.open_container(b"DEV").unwrap();
    assert_eq!(host.certificate(KeyUse::Sign).unwrap(), sign_certificate());
}

/// Makes the header of a page say that it is of this version.
fn set_version(page: &mut [u8], version: u16) {
    page[4..6].copy_from_slice(&version.to_le_bytes());
    let check = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(&page[..12]);
    page[12..16].copy_from_slice(&check.to_le_bytes());
}

#[test]
fn another_version_is_refused_and_not_touched() {
    let used: Vec<_> = (0..fixture().len().div_ceil(PAGE))
        .filter(|page| fixture()[page * PAGE..].starts_with(b"UKEY"))
        .collect();
    assert!(used.len() >= 3, "counters and two pages of the log");
    for page in &used {
        let mut image = flash(&fixture());
        set_version(&mut image[page * PAGE..], 2);
        assert_eq!(refused(image), PowerOnError::Version(2), "page {page}");
    }
    let mut image = flash(&fixture());
    used.iter().for_each(|page| set_version(&mut image[page * PAGE..], 2));
    assert_eq!(refused(image), PowerOnError::Version(2));
    let mut image = flash(&fixture());
    used.iter().for_each(|page| set_version(&mut image[page * PAGE..], 1));
    assert_eq!(image, flash(&fixture()), "the header is where this test thinks");
}

#[test]
fn a_foreign_flash_is_refused_and_not_touched() {
    let boot_sector = [vec![0xEB; 510], vec![0x55, 0xAA]].concat();
    let far_away = [vec![0xFF; 300 * 1024], b"somebody's photographs".to_vec()].concat();
    for front in [boot_sector, far_away, b"only 16 bytes...".to_vec(), vec![0; SimFlash::SIZE]] {
        assert_eq!(refused(flash(&front)), PowerOnError::Foreign);
    }
}
