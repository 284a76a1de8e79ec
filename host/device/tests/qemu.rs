//! The token as a Cortex-M image, on each board: it is the same token, and its state outlives `kill -9`.
//!
//! Without QEMU or the images the tests are skipped with a line that says what brings them; with `CI=true` they fail.

mod common;

use common::{ADMIN, APPLICATION, FACTORY_KEY, USER, issue, log_in, pin, pull_inside, seeded};
use ukey_device::{Board, Device, Dialect, Emulator, ErrorKind, KeyUse, LinkError, Options, PinType, Target};

/// The boards that can be emulated here.
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
fn boards() -> Vec<Board> {
    let missing = |board: &Board| match board.check() {
        Ok(()) => true,
        Err(error) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{error}");
            let error = ukey_device::Error::from(error);
            eprintln!("skipped: {error}; {}", error.help().unwrap_or_default());
            false
        }
    };
    Board::ALL.into_iter().filter(missing).collect()
}

fn fresh(board: Board) -> Device {
    Target::Qemu { board, flash: None }.connect(&seeded(1)).unwrap()
}

fn tries_left(device: &Device) -> u8 {
    device.open_application(APPLICATION).unwrap().pin_info(PinType::User).unwrap().remaining
}

#[test]
fn it_provisions_signs_and_outlives_a_kill() {
    for board in boards() {
        let device = fresh(board);
        assert_eq!(device.applications().unwrap(), Vec::<String>::new(), "{board}: blank");
        issue(&device, USER, ADMIN);
        let number = device.info().unwrap().serial_number;
        let application = log_in(&device);
        let container = application.create_container("A").unwrap();
        let public_key = container.generate_key_pair().unwrap();
        let signature = container.sign_message(b"1234567812345678", b"to be signed").unwrap();
        assert_eq!(signature.to_bytes().len(), 64);
        let wrong = application.verify_pin(PinType::User, &pin("87654320")).unwrap_err();
        assert_eq!(wrong.tries_left(), Some(9), "{board}");

        device.unplug().unwrap();
        assert!(device.info().unwrap_err().is_removed(), "{board}");
        assert!(device.reconnect().unwrap_err().is_removed(), "{board}: until it is plugged in");
        device.plug_in().unwrap();
        assert!(matches!(container.info().unwrap_err().kind(), ErrorKind::Stale), "{board}");
        assert_eq!(device.info().unwrap().serial_number, number, "{board}");
        assert_eq!(tries_left(&device), 9, "{board}: the wrong try is still spent");
        let application = device.open_application(APPLICATION).unwrap();
        let container = application.open_container("A").unwrap();
        let error = container.sign_message(b"1234567812345678", b"to be signed").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotLoggedIn), "{board}: {error}");
        application.verify_pin(PinType::User, &pin(USER)).unwrap();
        assert_eq!(tries_left(&device), 10, "{board}");
        container.sign_message(b"1234567812345678", b"to be signed").unwrap();
        assert_eq!(container.public_key(KeyUse::Sign).unwrap(), public_key);
    }
}

#[test]
fn a_kill_inside_a_command_leaves_before_or_after() {
    for board in boards() {
        let device = fresh(board);
        issue(&device, USER, ADMIN);
        let hand = device.hand().unwrap();
        for round in 0..6_u32 {
            let name = format!("container {round}");
            let application = log_in(&device);
            let created = pull_inside(&*hand, round, || {
                let container = application.create_container(&name);
                container.and_then(|container| container.generate_key_pair()).is_ok()
            });
            hand.plug_in().unwrap();
            device.reconnect().unwrap();
            assert_eq!(tries_left(&device), 10, "{board}");
            let application = log_in(&device);
            let found = application.containers().unwrap().contains(&name);
            assert!(found || !created, "{board}: what was answered is there");
            if found {
                let container = application.open_container(&name).unwrap();
                let signed = container.sign_message(b"1234567812345678", b"to be signed");
                if let Err(error) = signed {
                    assert!(!created && matches!(error.kind(), ErrorKind::NoKeyPair), "{board}: {error}");
                }
            }
        }
    }
}

#[test]
fn its_flash_is_a_file_that_one_program_holds() {
    for board in boards() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("flash, of a key.bin");
        let target = Target::Qemu { board, flash: Some(file.clone()) };
        let number = {
            let device = target.connect(&Options::default()).unwrap();
            issue(&device, USER, ADMIN);
            let busy = target.connect(&Options::default()).unwrap_err();
            assert!(busy.is_busy(), "{board}: {busy}");
            device.info().unwrap().serial_number
        };
        let device = target.connect(&Options::default()).unwrap();
        assert_eq!(device.info().unwrap().serial_number, number, "{board}");
        assert_eq!(device.applications().unwrap(), [APPLICATION], "{board}");
        drop(device);

        // Not a state of a token: refused, and not touched.
        std::fs::write(&file, b"something else").unwrap();
        let error = target.connect(&Options::default()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Link(LinkError::BadFile { .. })), "{board}: {error}");
        assert_eq!(std::fs::read(&file).unwrap(), b"something else");
        let size = if board == Board::Mps2An386 { 16 } else { 4 } * 1024 * 1024;
        std::fs::write(&file, vec![b'x'; size]).unwrap();
        let error = target.connect(&Options::default()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Link(LinkError::NoStart { .. })), "{board}: {error}");
    }
}

#[test]
fn a_reset_takes_the_power_away() {
    for board in boards() {
        let device = fresh(board);
        device.authenticate(&FACTORY_KEY).unwrap();
        device.reconnect().unwrap();
        let error = device.delete_application("x").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotLoggedIn), "{board}: {error}");
        assert_ne!(device.random(32).unwrap(), device.random(32).unwrap());
    }
}

#[test]
fn another_dialect_is_not_spoken() {
    for board in boards() {
        let options = Options { dialect: Some(Dialect::GM3000.into()), ..seeded(1) };
        let error = Target::Qemu { board, flash: None }.connect(&options).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Link(LinkError::Dialect { .. })), "{board}: {error}");
    }
}

#[test]
fn a_firmware_that_is_not_what_its_digest_says_does_nothing() {
    for board in boards() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join(board.name());
        std::fs::copy(board.image(), &image).unwrap();
        ukey_device::image::seal(&image).unwrap();
        let sealed = std::fs::read(&image).unwrap();
        ukey_device::image::seal(&image).unwrap();
        assert!(std::fs::read(&image).unwrap() == sealed, "sealed twice it is the same");
        let names = |image: &std::path::Path| {
            let place = Emulator::of_image(board, image, &seeded(1)).unwrap();
            let device = Device::connect(&place).unwrap();
            device.info().unwrap();
            device.applications()
        };
        assert_eq!(names(&image).unwrap(), Vec::<String>::new(), "{board}");

        // A constant of the curve that goes into Z alone: nothing that the other parts of the self-test would notice.
        let mut changed = sealed.clone();
        let curve = *b"\x28\xE9\xFA\x9E\x9D\x9F\x5E\x34";
        let at =
            changed.windows(curve.len()).position(|window| window == curve).expect("the curve's parameter b");
        changed[at] ^= 1;
        std::fs::write(&image, &changed).unwrap();
        let error = names(&image).unwrap_err();
        assert_eq!(error.status().map(|status| status.0), Some(0x6400), "{board}: {error}");
    }
}
