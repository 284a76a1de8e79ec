//! The trace names every exchange and holds no PIN and no key, in text or in hexadecimal.

mod common;

use common::{ADMIN, APPLICATION, FACTORY_KEY, USER, issue, issued, log_in, pin, seeded};
use proptest::prelude::*;
use ukey_device::{DeviceKey, PinType, Target};

#[test]
fn every_exchange_has_its_line() {
    let device = issued();
    log_in(&device);
    let trace = device.trace();
    let last = trace.last().unwrap();
    assert!(last.line.starts_with("VerifyPin") && last.line.contains("9000"), "{last}");
    assert_eq!(last.command, "801800010000121000 ‹16 bytes›");
    let numbers: Vec<_> = trace.iter().map(|traced| traced.sequence).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{numbers:?}");
}

#[test]
fn only_the_last_ten_are_kept() {
    let device = issued();
    for _ in 0..12 {
        device.info().unwrap();
    }
    assert_eq!(device.trace().len(), 10);
    device.keep_trace(3);
    assert_eq!(device.trace().len(), 3);
}

#[test]
fn an_exchange_without_an_answer_is_traced_too() {
    let device = issued();
    device.unplug().unwrap();
    device.info().unwrap_err();
    let trace = device.trace();
    assert!(trace.last().unwrap().line.ends_with("no answer"), "{}", trace.last().unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_secret_is_in_a_trace_or_an_error(
        user in "[ -~]{8,16}", admin in "[ -~]{8,16}", new in "[ -~]{8,16}", device_key: [u8; 16],
    ) {
        prop_assume!(![USER, ADMIN, APPLICATION].contains(&user.as_str()));
        let device = Target::Sim.connect(&seeded(1)).unwrap();
        device.keep_trace(1000);
        issue(&device, &user, &admin);
        let device_key = DeviceKey(device_key);
        device.change_device_key(&FACTORY_KEY, &device_key).unwrap();
        device.authenticate(&device_key).unwrap();
        let application = device.open_application(APPLICATION).unwrap();
        let mut shown = String::new();
        application.verify_pin(PinType::User, &pin(&user)).unwrap();
        application.change_pin(PinType::User, &pin(&user), &pin(&new)).unwrap();
        application.unblock_pin(&pin(&admin), &pin(&user)).unwrap();
        if let Err(error) = application.verify_pin(PinType::User, &pin(&new)) {
            shown += &format!("{error} {error:?} {}", error.message_zh());
        }
        for traced in device.trace() {
            shown += &format!("{traced} {traced:?}\n");
        }
        shown += &format!("{device:?} {application:?}");
        let shown = shown.to_lowercase();
        for secret in [user.as_bytes(), admin.as_bytes(), new.as_bytes(), &device_key.0] {
            prop_assert!(!shown.contains(&hex::encode(secret)));
            if let Ok(text) = std::str::from_utf8(secret) {
                prop_assert!(!shown.contains(&text.to_lowercase()), "{text:?} in {shown}");
            }
        }
    }
}
