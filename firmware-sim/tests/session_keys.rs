//! Session keys come, belong to somebody, and go: in every way that the standard has, and refused in every other.

mod support;

use support::*;
use ukey_apdu::Status;
use ukey_apdu::command::*;
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
