//! What an SKF library needs beneath the words of a device: cryptograms made elsewhere, raw commands, a file to be free.

mod common;

use common::{FACTORY_KEY, issue, issued_file, seeded};
use ukey_device::link::state;
use ukey_device::{DeviceKey, ErrorKind, LinkError, Simulator, Target};

#[test]
fn a_cryptogram_made_elsewhere_authenticates_once() {
    let device = Target::Sim.connect(&seeded(1)).unwrap();
    let error = device.authenticate_with([0; 16]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused), "without a challenge: {error}");
    let challenge = device.random(16).unwrap();
    let wrong = DeviceKey([1; 16]).cryptogram(&challenge);
    assert_eq!(device.authenticate_with(wrong).unwrap_err().tries_left(), Some(9));
    let challenge = device.random(8).unwrap();
    let right = FACTORY_KEY.cryptogram(&challenge);
    device.authenticate_with(right).unwrap();
    assert!(device.authenticate_with(right).is_err(), "a challenge serves once");
    device
        .create_application(&ukey_device::CreateApplication {
            name: b"APP",
            admin_pin: common::pin(common::ADMIN),
            admin_retries: 3,
            user_pin: common::pin(common::USER),
            user_retries: 3,
            create_file: ukey_device::Rights::USER,
            max_containers: 1,
            max_certificates: 2,
            max_files: 1,
        })
        .unwrap();
}

#[test]
fn a_raw_command_comes_back_as_it_is_and_is_traced() {
    let device = Target::Sim.connect(&seeded(1)).unwrap();
    let answer = device.transmit(&[0x80, 0x50, 0, 0, 0, 0, 8]).unwrap();
    assert_eq!((answer.len(), &answer[8..]), (10, &[0x90, 0][..]));
    assert_eq!(device.transmit(&[0x80, 0xF0, 0, 0]).unwrap(), [0x6D, 0]);
    assert!(device.trace().len() >= 2);
    issue(&device, common::USER, common::ADMIN);
    device.unplug().unwrap();
    assert!(device.transmit(&[0x80, 0x50, 0, 0, 0, 0, 8]).unwrap_err().is_removed());
}

#[test]
fn one_can_wait_for_a_file_to_be_free() {
    let (_folder, file) = issued_file();
    state::wait_until_free(&file).unwrap();
    let held = Simulator::open(&file, &seeded(1)).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| state::wait_until_free(&file));
        assert!(matches!(Simulator::open(&file, &seeded(1)), Err(LinkError::Busy { .. })));
        drop(held);
        waiting.join().unwrap().unwrap();
    });
    Simulator::open(&file, &seeded(1)).unwrap();
    assert!(state::wait_until_free(&file.with_file_name("other")).is_err());
}
