//! Session keys come, belong to somebody, and go: in every way that the standard has, and refused in every other.

mod support;

use support::envelope::{self, Envelope, Sealed, public_key};
use support::*;
use ukey_apdu::command::{Answer as _, *};
use ukey_apdu::{Ins, Status};
use ukey_firmware::Policy;
use ukey_firmware::sim::SimPlatform;

const KEY: [u8; 16] = [0x4B; 16];

#[test]
fn a_key_in_clear_is_set_for_the_device_without_any_application() {
    let mut host = Host::blank(1);
    let key = host.set_symm_key(KeyHolder::DEVICE, &KEY).unwrap();
    host.destroy(key).unwrap();
    assert_eq!(host.destroy(key), Err(Status::NO_SYMMETRIC_KEY), "it is gone");
}

#[test]
fn a_key_of_another_length_or_algorithm_is_refused() {
    let mut host = Host::provisioned(1);
    for holder in [KeyHolder::DEVICE, host.holder()] {
        for length in [0, 8, 15, 17, 24, 32] {
            assert_eq!(host.set_symm_key(holder, &[1; 32][..length]), Err(Status::WRONG_DATA), "{length}");
        }
        for algorithm in [0, 0x101, 0x201, 0x400, 0x403, 0x801, SGD_SM3, 0x0002_0100] {
            let command = ImportSymmKey { holder, algorithm, key: &KEY };
            assert_eq!(host.send(&command), Err(Status::UNSUPPORTED_KEY_ALGORITHM), "{algorithm:X}");
        }
        for algorithm in [SGD_SM4_ECB, SGD_SM4_CBC, SGD_SM4_CFB, SGD_SM4_OFB] {
            host.send(&ImportSymmKey { holder, algorithm, key: &KEY }).unwrap();
        }
    }
    assert_eq!(
        host.set_symm_key(KeyHolder::DEVICE, &KEY),
        Err(Status::NO_SPACE),
        "the refused took no place"
    );
}

#[test]
fn there_is_room_for_eight_and_for_another_when_one_is_destroyed() {
    let mut host = Host::provisioned(1);
    let container = host.holder();
    let keys: Vec<_> = (0..8_u8)
        .map(|n| if n % 2 == 0 { container } else { KeyHolder::DEVICE })
        .map(|holder| host.set_symm_key(holder, &KEY).unwrap())
        .collect();
    assert_eq!(host.set_symm_key(container, &KEY), Err(Status::NO_SPACE));
    host.destroy(keys[2]).unwrap();
    let ninth = host.set_symm_key(container, &KEY).unwrap();
    assert!(!keys.contains(&ninth), "an id that somebody may still hold names nothing else");
    assert_eq!(host.destroy(keys[2]), Err(Status::NO_SYMMETRIC_KEY));

    let one = Policy { session_keys: 1, ..Policy::default() };
    let mut small = Host::with(SimPlatform::new([1; 32]), one);
    small.set_symm_key(KeyHolder::DEVICE, &KEY).unwrap();
    assert_eq!(small.set_symm_key(KeyHolder::DEVICE, &KEY), Err(Status::NO_SPACE), "how many is a policy");
}

#[test]
fn a_key_is_its_holders_alone() {
    let mut host = Host::provisioned(1);
    let mine = host.holder();
    let key = host.set_symm_key(mine, &KEY).unwrap();
    host.create_container(b"OTHER").unwrap();
    let other = host.holder();
    assert_eq!(host.destroy(KeyHandle { holder: other, ..key }), Err(Status::NO_SYMMETRIC_KEY));
    assert_eq!(host.destroy(KeyHandle { holder: KeyHolder::DEVICE, ..key }), Err(Status::NO_SYMMETRIC_KEY));
    let half = KeyHolder { container: ContainerId(0), ..mine };
    assert_eq!(host.destroy(KeyHandle { holder: half, ..key }), Err(Status::NO_SUCH_CONTAINER));
    let half = KeyHolder { application: AppId(0), ..mine };
    assert_eq!(host.destroy(KeyHandle { holder: half, ..key }), Err(Status::NO_SUCH_APPLICATION));
    host.destroy(key).unwrap();
}

#[test]
fn a_key_of_another_application_is_not_to_be_had() {
    let mut host = Host::provisioned(1);
    let key = host.set_symm_key(host.holder(), &KEY).unwrap();
    host.authenticate().unwrap();
    host.create_application(b"OTHER").unwrap();
    let answer = host.send(&OpenApplication { name: b"OTHER" }).unwrap();
    let first = host.application;
    host.application = ApplicationInfo::read(&answer, &GM).unwrap().id;
    assert_eq!(
        host.destroy(KeyHandle { holder: host.holder(), ..key }),
        Err(Status::NO_SUCH_CONTAINER),
        "the container's id is of the first application"
    );
    host.verify(PinType::User, USER).unwrap();
    host.create_container(b"DEV").unwrap();
    let there = KeyHandle { holder: host.holder(), ..key };
    assert_eq!(host.destroy(there), Err(Status::NO_SYMMETRIC_KEY), "nor does it have the key");
    host.application = first;
    host.destroy(key).unwrap();
}

#[test]
fn closing_and_clearing_leave_a_key_alive_but_a_closed_container_is_not_spoken_to() {
    let mut host = Host::provisioned(1);
    let key = host.set_symm_key(host.holder(), &KEY).unwrap();
    let (application, container) = (host.application, host.container);
    host.send(&ClearSecureState { application }).unwrap();
    host.send(&CloseContainer { application, container }).unwrap();
    assert_eq!(host.destroy(key), Err(Status::NO_SUCH_CONTAINER));
    host.send(&CloseApplication { application }).unwrap();
    assert_eq!(host.destroy(key), Err(Status::NO_SUCH_APPLICATION));
    host.open().unwrap();
    host.open_container(b"DEV").unwrap();
    host.destroy(KeyHandle { holder: host.holder(), ..key }).unwrap();
}

#[test]
fn keys_end_with_their_container_their_application_and_the_power() {
    let mut host = Host::provisioned(1);
    let device = host.set_symm_key(KeyHolder::DEVICE, &KEY).unwrap();
    let key = host.set_symm_key(host.holder(), &KEY).unwrap();
    let application = host.application;
    host.send(&DeleteContainer { application, name: b"DEV" }).unwrap();
    host.create_container(b"DEV").unwrap();
    let there = KeyHandle { holder: host.holder(), ..key };
    assert_eq!(
        host.destroy(there),
        Err(Status::NO_SYMMETRIC_KEY),
        "a new container of the same name and place"
    );

    let key = host.set_symm_key(host.holder(), &KEY).unwrap();
    host.authenticate().unwrap();
    host.send(&DeleteApplication { name: NAME }).unwrap();
    host.create_application(NAME).unwrap();
    host.open().unwrap();
    host.verify(PinType::User, USER).unwrap();
    host.create_container(b"DEV").unwrap();
    let there = KeyHandle { holder: host.holder(), ..key };
    assert_eq!(host.destroy(there), Err(Status::NO_SYMMETRIC_KEY), "a new application likewise");
    assert_eq!(host.set_symm_key(KeyHolder::DEVICE, &KEY).map(|key| key.key != device.key), Ok(true));

    let mut host = host.restart();
    assert_eq!(host.destroy(device), Err(Status::NO_SYMMETRIC_KEY), "the power went");
    assert!(!host.image().windows(16).any(|window| window == KEY), "no key was ever in flash");
}

/// Somebody outside the token, who has a key pair.
const OUTSIDE: [u8; 32] = [0x33; 32];
/// The encryption pair that a container gets.
const BROUGHT: [u8; 32] = [0x42; 32];

/// Encrypts a block in the token: two keys that give the same are the same.
fn try_key(host: &mut Host, key: KeyHandle) -> Vec<u8> {
    let parameters = CipherParameters::new(SGD_SM4_ECB, &[]);
    host.send(&EncryptInit { key, parameters }).unwrap();
    host.send(&Encrypt { key, data: Data(&[7; 16]) }).unwrap()
}

/// The same outside the token.
fn try_outside(key: &[u8]) -> Vec<u8> {
    ukey_apdu::mac::encrypt_block(key.try_into().unwrap(), [7; 16]).to_vec()
}

fn export(host: &mut Host, algorithm: u32, public_key: EccPublicKey) -> Result<(Vec<u8>, KeyHandle), Status> {
    let holder = host.holder();
    let answer = host.send(&EccExportSessionKey { holder, public_key, algorithm })?;
    let exported = ExportedSessionKey::read(&answer, &host.dialect).unwrap();
    let key = envelope::open(&OUTSIDE, &exported.sealed).unwrap_or_default();
    Ok((key, KeyHandle { holder, key: exported.key }))
}

fn export_again(host: &mut Host, key: KeyHandle, public_key: EccPublicKey) -> Result<Vec<u8>, Status> {
    let answer = host.send(&EccExportSessionKeyEx { key, public_key })?;
    Ok(envelope::open(&OUTSIDE, &CipherBlock::read(&answer, &host.dialect).unwrap()).unwrap())
}

fn import(host: &mut Host, algorithm: u32, sealed: CipherBlock<'_>) -> Result<KeyHandle, Status> {
    let holder = host.holder();
    let answer = host.send(&ImportSessionKey { holder, algorithm, sealed })?;
    Ok(KeyHandle { holder, key: SessionKeyId::read(&answer, &host.dialect).unwrap() })
}

/// A token whose container has both pairs.
fn with_pairs() -> Host {
    let mut host = Host::provisioned(1);
    Envelope::new(host.public_key(KeyUse::Sign).unwrap(), BROUGHT, false).import(&mut host).unwrap();
    host
}

#[test]
fn a_key_made_inside_is_opened_outside_and_is_the_same() {
    let mut host = Host::provisioned(1);
    for algorithm in [SGD_SM4_ECB, SGD_SM4_CBC, SGD_SM4_CFB, SGD_SM4_OFB, SGD_SM4_MAC] {
        let (outside, inside) = export(&mut host, algorithm, public_key(&OUTSIDE)).unwrap();
        assert_eq!(try_key(&mut host, inside), try_outside(&outside));
        host.destroy(inside).unwrap();
    }
}

#[test]
fn sixteen_keys_made_inside_all_differ() {
    let mut host = Host::provisioned(1);
    let keys: std::collections::BTreeSet<_> = (0..16)
        .map(|_| {
            let (outside, inside) = export(&mut host, SGD_SM4_CBC, public_key(&OUTSIDE)).unwrap();
            host.destroy(inside).unwrap();
            outside
        })
        .collect();
    assert_eq!(keys.len(), 16);
}

#[test]
fn a_key_from_outside_is_imported_and_exported_again_the_same() {
    let mut host = Host::provisioned(1);
    Envelope::new(host.public_key(KeyUse::Sign).unwrap(), BROUGHT, true).import(&mut host).unwrap();
    let sealed = Sealed::new(&public_key(&BROUGHT), &KEY);
    let key = import(&mut host, SGD_SM4_CBC, sealed.block()).unwrap();
    assert_eq!(try_key(&mut host, key), try_outside(&KEY));
    assert_eq!(export_again(&mut host, key, public_key(&OUTSIDE)).unwrap(), KEY);
    host.destroy(key).unwrap();
    let gone = export_again(&mut host, key, public_key(&OUTSIDE));
    assert_eq!(gone, Err(Status::NO_SYMMETRIC_KEY));
}

#[test]
fn a_key_from_one_token_opens_in_another() {
    let (mut sender, mut receiver) = (Host::provisioned(2), with_pairs());
    let to = receiver.public_key(KeyUse::Encrypt).unwrap();
    let holder = sender.holder();
    let command = EccExportSessionKey { holder, public_key: to, algorithm: SGD_SM4_CBC };
    let answer = sender.send(&command).unwrap();
    let exported = ExportedSessionKey::read(&answer, &GM).unwrap();
    let there = import(&mut receiver, SGD_SM4_CBC, exported.sealed).unwrap();
    let here = KeyHandle { holder, key: exported.key };
    assert_eq!(try_key(&mut sender, here), try_key(&mut receiver, there));
}

#[test]
fn export_and_import_want_application_container_and_right() {
    let mut host = with_pairs();
    let sealed = Sealed::new(&public_key(&BROUGHT), &KEY);
    let key = host.set_symm_key(host.holder(), &KEY).unwrap();
    let refused = |host: &mut Host, word| {
        assert_eq!(export(host, SGD_SM4_CBC, public_key(&OUTSIDE)).map(drop), Err(word));
        assert_eq!(export_again(host, key, public_key(&OUTSIDE)), Err(word));
        assert_eq!(import(host, SGD_SM4_CBC, sealed.block()), Err(word));
    };
    let (application, container) = (host.application, host.container);
    host.send(&ClearSecureState { application }).unwrap();
    refused(&mut host, Status::SECURITY_NOT_SATISFIED);
    host.send(&CloseContainer { application, container }).unwrap();
    refused(&mut host, Status::NO_SUCH_CONTAINER);
    host.send(&CloseApplication { application }).unwrap();
    refused(&mut host, Status::NO_SUCH_APPLICATION);
    host.open().unwrap();
    host.open_container(b"DEV").unwrap();
    host.verify(PinType::User, USER).unwrap();
    assert_eq!(export_again(&mut host, key, public_key(&OUTSIDE)).unwrap(), KEY);
    let device = host.set_symm_key(KeyHolder::DEVICE, &KEY).unwrap();
    let refused = export_again(&mut host, device, public_key(&OUTSIDE));
    assert_eq!(refused, Err(Status::NO_SUCH_APPLICATION), "nobody can have a right over the device's keys");
}

#[test]
fn an_export_that_is_badly_put_is_refused_and_takes_no_place() {
    let mut host = Host::provisioned(1);
    let mut off_curve = public_key(&OUTSIDE);
    off_curve.y[31] ^= 1;
    for _ in 0..9 {
        assert_eq!(export(&mut host, SGD_SM4_CBC, off_curve).map(drop), Err(Status::ENCRYPTION_FAILED));
        for algorithm in [0, 0x102, 0x403, 0x801, SGD_SM3] {
            let refused = export(&mut host, algorithm, public_key(&OUTSIDE)).map(drop);
            assert_eq!(refused, Err(Status::UNSUPPORTED_KEY_ALGORITHM), "{algorithm:X}");
        }
    }
    let key = host.set_symm_key(host.holder(), &KEY).unwrap();
    assert_eq!(export_again(&mut host, key, off_curve), Err(Status::ENCRYPTION_FAILED));
    let mut buffer = [0; 128];
    let holder = host.holder();
    let command = EccExportSessionKey { holder, public_key: public_key(&OUTSIDE), algorithm: SGD_SM4_CBC };
    let mut data = command.to_apdu(&GM, &mut buffer).unwrap().data.to_vec();
    let ins = Ins::EccExportSessionKey as u8;
    assert_eq!(host.apdu(plain(ins, 0, 0, &data[..75])).1, Status::WRONG_LENGTH);
    assert_eq!(host.apdu(plain(ins, 1, 0, &data)).1, Status::WRONG_P1P2);
    data[6] = 2;
    assert_eq!(host.apdu(plain(ins, 0, 0, &data)).1, Status::WRONG_DATA, "512 bits");
    (0..7).for_each(|_| _ = export(&mut host, SGD_SM4_CBC, public_key(&OUTSIDE)).unwrap());
    assert_eq!(export(&mut host, SGD_SM4_CBC, public_key(&OUTSIDE)).map(drop), Err(Status::NO_SPACE));
}

#[test]
fn an_import_that_is_badly_put_is_refused_and_takes_no_place() {
    let mut host = with_pairs();
    let key = public_key(&BROUGHT);
    for _ in 0..3 {
        let mut refuse = |sealed: &Sealed, word| {
            assert_eq!(import(&mut host, SGD_SM4_CBC, sealed.block()), Err(word));
        };
        let right = || Sealed::new(&key, &KEY);
        for spoil in [
            |sealed: &mut Sealed| sealed.point.x[0] ^= 1,
            |sealed: &mut Sealed| sealed.point.y[31] ^= 1,
            |sealed: &mut Sealed| sealed.hash[5] ^= 0x80,
            |sealed: &mut Sealed| sealed.cipher[15] ^= 1,
        ] {
            let mut sealed = right();
            spoil(&mut sealed);
            refuse(&sealed, Status::DECRYPTION_FAILED);
        }
        for length in [1, 8, 15, 17, 24, 32] {
            refuse(&Sealed::new(&key, &[1; 32][..length]), Status::WRONG_DATA);
        }
        refuse(&Sealed::new(&public_key(&OUTSIDE), &KEY), Status::DECRYPTION_FAILED);
        for algorithm in [0, 0x102, 0x403, 0x801] {
            let refused = import(&mut host, algorithm, right().block());
            assert_eq!(refused, Err(Status::UNSUPPORTED_KEY_ALGORITHM), "{algorithm:X}");
        }
    }
    let sign_key = host.public_key(KeyUse::Sign).unwrap();
    let refused = import(&mut host, SGD_SM4_CBC, Sealed::new(&sign_key, &KEY).block());
    assert_eq!(refused, Err(Status::DECRYPTION_FAILED), "sealed for the sign key");
    let sealed = Sealed::new(&key, &KEY);
    (0..8).for_each(|_| _ = import(&mut host, SGD_SM4_CBC, sealed.block()).unwrap());
    assert_eq!(import(&mut host, SGD_SM4_CBC, sealed.block()), Err(Status::NO_SPACE));
    let mut without = Host::provisioned(1);
    assert_eq!(import(&mut without, SGD_SM4_CBC, sealed.block()), Err(Status::NO_KEY_PAIR));
}

#[test]
fn an_import_whose_lengths_do_not_add_up_is_refused() {
    let mut host = with_pairs();
    let sealed = Sealed::new(&public_key(&BROUGHT), &KEY);
    let mut buffer = [0; 256];
    let command = ImportSessionKey { holder: host.holder(), algorithm: SGD_SM4_CBC, sealed: sealed.block() };
    let right = command.to_apdu(&GM, &mut buffer).unwrap().data.to_vec();
    let mut send = |data: &[u8]| host.apdu(plain(Ins::ImportSessionKey as u8, 0, 0, data)).1;
    assert_eq!(send(&right), Status::OK);
    for length in 0..right.len() {
        let expected = if length < 12 { Status::WRONG_LENGTH } else { Status::WRONG_DATA };
        assert_eq!(send(&right[..length]), expected, "{length}");
    }
    assert_eq!(send(&[right.as_slice(), &[0]].concat()), Status::WRONG_DATA);
}

#[test]
fn no_answer_and_no_flash_holds_a_key_in_clear() {
    let mut host = with_pairs();
    let key = import(&mut host, SGD_SM4_CBC, Sealed::new(&public_key(&BROUGHT), &KEY).block()).unwrap();
    let public_key = public_key(&OUTSIDE);
    let answer = host.send(&EccExportSessionKeyEx { key, public_key }).unwrap();
    assert!(!answer.windows(16).any(|window| window == KEY));
    assert!(!host.image().windows(16).any(|window| window == KEY));
}
