//! A key that is pulled, or whose power is cut: the link says so, and what was open before stays dead.

mod common;

use common::{APPLICATION, USER, issued, issued_file, log_in, pin, seeded};
use ukey_device::{Device, Dialect, ErrorKind, Link, LinkError, Options, PinType, Simulator, Target};

#[test]
fn a_pulled_key_answers_removed_and_its_handles_die() {
    let device = issued();
    let application = log_in(&device);
    let container = application.create_container("A").unwrap();
    device.unplug().unwrap();
    for error in [device.info().unwrap_err(), container.info().unwrap_err(), device.reconnect().unwrap_err()]
    {
        assert!(error.is_removed(), "{error}");
        assert_eq!(error.help_zh(), Some("请插入UKey后重试"));
    }
    // Plugged in behind the device's back: nothing works until it finds the key again.
    device.simulator().unwrap().plug_in().unwrap();
    assert!(device.info().unwrap_err().is_removed());
    device.reconnect().unwrap();
    device.info().unwrap();

    // Another application may have the old id now; a dead handle must not reach it.
    let reopened = device.open_application(APPLICATION).unwrap();
    for error in [application.containers().unwrap_err(), container.info().unwrap_err()] {
        assert!(matches!(error.kind(), ErrorKind::Stale), "{error}");
    }
    assert_eq!(reopened.containers().unwrap(), ["A"]);
    assert!(matches!(reopened.create_container("B").unwrap_err().kind(), ErrorKind::NotLoggedIn));
}

#[test]
fn a_key_can_be_pulled_inside_a_flow() {
    let device = issued();
    let application = log_in(&device);
    let simulator = device.simulator().unwrap();
    simulator.unplug_after(1);
    application.create_container("A").unwrap();
    assert!(application.create_container("B").unwrap_err().is_removed());
    assert!(!simulator.is_plugged_in());
    device.plug_in().unwrap();
    assert_eq!(log_in(&device).containers().unwrap(), ["A"]);
}

#[test]
fn a_cut_leaves_the_state_before_or_after() {
    for (n, seed) in (0..40).flat_map(|n| [(n, None), (n, Some(n * 3 + 1))]) {
        let device = issued();
        let application = log_in(&device);
        device.simulator().unwrap().cut_power_after(n, seed);
        let done = application.create_container("A");
        let cut = done.is_err();
        if let Err(error) = done {
            assert!(error.is_removed(), "{error}");
            assert!(device.info().unwrap_err().is_removed(), "until it is plugged in again");
        }
        device.plug_in().unwrap();
        let containers = log_in(&device).containers().unwrap();
        assert!(containers.is_empty() && cut || containers == ["A"], "cut at {n}: {containers:?}");
        if !cut {
            assert!(n > 0);
            return;
        }
    }
    panic!("40 flash operations do not create a container");
}

#[test]
fn a_torn_state_is_what_the_file_holds() {
    let (_folder, file) = issued_file();
    let target = Target::SimFile(file);
    {
        let device = target.connect(&seeded(1)).unwrap();
        let application = log_in(&device);
        device.simulator().unwrap().cut_power_after(1, Some(5));
        assert!(application.create_container("A").unwrap_err().is_removed());
    }
    let device = target.connect(&seeded(1)).unwrap();
    assert_eq!(log_in(&device).containers().unwrap(), Vec::<String>::new());
}

#[test]
fn a_reset_ends_what_was_proved() {
    let device = issued();
    device.open_application(APPLICATION).unwrap().verify_pin(PinType::User, &pin(USER)).unwrap();
    device.reconnect().unwrap();
    let error = device.open_application(APPLICATION).unwrap().create_container("A").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotLoggedIn), "{error}");
}

#[test]
fn another_link_notices_a_reset() {
    let simulator = Simulator::fresh(&seeded(1)).unwrap();
    let (one, two) = (Device::connect(&simulator).unwrap(), Device::connect(&simulator).unwrap());
    one.reconnect().unwrap();
    assert!(two.info().unwrap_err().is_removed());
    one.info().unwrap();
}

#[test]
fn a_real_key_is_pulled_by_hand() {
    struct Other(Box<dyn Link>);
    impl Link for Other {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
            self.0.transmit(command)
        }
        fn reset(&mut self) -> Result<(), LinkError> {
            self.0.reset()
        }
    }
    let simulator = Simulator::fresh(&Options::default()).unwrap();
    let link = ukey_device::Place::link(&simulator).unwrap();
    let device = Device::new(Box::new(Other(link)), Dialect::GM2012).unwrap();
    assert!(matches!(device.unplug().unwrap_err().kind(), ErrorKind::Link(LinkError::ByHand)));
    device.reconnect().unwrap();
}
