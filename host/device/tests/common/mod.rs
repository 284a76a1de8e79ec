//! What the tests of a device share: PINs, and a token with an application.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod walk;

use ukey_device::{CreateApplication, Device, DeviceKey, Options, Pin, PinType, Rights, Simulator, Target};

pub(crate) const FACTORY_KEY: DeviceKey = DeviceKey(*b"1234567812345678");
pub(crate) const USER: &str = "12345678";
pub(crate) const ADMIN: &str = "87654321";
pub(crate) const APPLICATION: &str = "UKEY";

pub(crate) fn pin(text: &str) -> Pin {
    Pin::new(text.as_bytes()).unwrap()
}

pub(crate) fn seeded(seed: u64) -> Options {
    Options { seed: Some(seed), ..Options::default() }
}

/// Creates [`APPLICATION`] in a token.
pub(crate) fn issue(device: &Device, user: &str, admin: &str) {
    device.authenticate(&FACTORY_KEY).unwrap();
    device
        .create_application(&CreateApplication {
            name: APPLICATION.as_bytes(),
            admin_pin: pin(admin),
            admin_retries: 10,
            user_pin: pin(user),
            user_retries: 10,
            create_file: Rights::USER,
            max_containers: 8,
            max_certificates: 16,
            max_files: 8,
        })
        .unwrap();
}

/// A token with an application.
pub(crate) fn issued() -> Device {
    let device = Target::Sim.connect(&seeded(1)).unwrap();
    issue(&device, USER, ADMIN);
    device
}

/// A file with such a token, and the folder that holds it.
pub(crate) fn issued_file() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.ukey");
    let simulator = Simulator::fresh(&seeded(1)).unwrap();
    issue(&Device::connect(&simulator).unwrap(), USER, ADMIN);
    simulator.save_as(&file, false).unwrap();
    (folder, file)
}

/// Logs the user in.
pub(crate) fn log_in(device: &Device) -> ukey_device::Application<'_> {
    let application = device.open_application(APPLICATION).unwrap();
    application.verify_pin(PinType::User, &pin(USER)).unwrap();
    application
}
