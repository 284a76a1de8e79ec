//! SKF libraries that are of no use: what is said, that it names the function and its code, and that it is said in time.

mod maker;

use std::path::Path;
use std::time::Duration;

use maker::{compile, library};
use ukey_device::link::skf::Key;
use ukey_device::{
    Device, Error, ErrorKind, KeyUse, LinkError, Options, Pin, PinType, Result, SealedPinBuf, SignInput,
    Target,
};

fn connect(file: &Path) -> Result<Device> {
    Target::Skf { library: file.to_owned(), device: None }.connect(&Options::default())
}

/// What a library with this fault makes of something that a device is asked for.
fn with<T>(fault: &str, ask: impl FnOnce(&Device) -> T) -> Option<T> {
    let (_folder, file) = library(fault)?;
    Some(ask(&connect(&file).unwrap()))
}

fn refused(result: Result<impl Sized>) -> Error {
    result.map(drop).unwrap_err()
}

fn pin(text: &str) -> Pin {
    Pin::new(text.as_bytes()).unwrap()
}

/// Its own words, in front of what was asked.
fn says(error: &Error, text: &str) {
    assert_eq!(error.to_string(), text);
    assert!(!error.message_zh().is_empty() && error.help().is_some() && error.help_zh().is_some(), "{error}");
}

#[test]
fn a_sound_library_is_a_token() {
    let Some((_folder, file)) = library("NONE") else { return };
    let device = connect(&file).unwrap();
    assert_eq!(device.info().unwrap().serial_number, "0001");
    assert_eq!(device.applications().unwrap(), ["APP"]);
    assert_eq!(device.random(3).unwrap(), [4; 3]);
    let application = device.open_application("APP").unwrap();
    let error = application.verify_pin(PinType::User, &pin("87654321")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WrongPin { tries_left: 3, .. }), "{error}");
    says(
        &error,
        "application \"APP\": the user PIN is wrong, 3 tries left \
         (VerifyPin: SKF_VerifyPIN answered 0x0A000024 SAR_PIN_INCORRECT)",
    );
    assert_eq!(error.call().unwrap().function, "SKF_VerifyPIN");
    application.verify_pin(PinType::User, &pin("12345678")).unwrap();
    let container = application.open_container("CON").unwrap();
    assert_eq!(container.public_key(KeyUse::Sign).unwrap().x, [1; 32]);
    // Codes that say little: the lists say the rest.
    let error = refused(application.open_container("NO"));
    assert!(matches!(error.kind(), ErrorKind::NoSuchContainer), "{error}");
    let error = refused(device.open_application("NO"));
    assert!(matches!(error.kind(), ErrorKind::NoSuchApplication), "{error}");
    assert!(error.to_string().ends_with("SKF_OpenApplication answered 0x0A000001 SAR_FAIL)"), "{error}");
    // Twice the same: the library is one.
    let other = connect(&file).unwrap();
    device.lock(Duration::ZERO).unwrap();
    other.info().unwrap();
    assert!(device.hand().is_err_and(|error| error.to_string().contains("by hand")));
    let shown = format!("{:?}", device.trace());
    assert!(shown.contains("VerifyPin application 0001 user PIN ‹redacted›"), "{shown}");
}

#[test]
fn what_does_not_load_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let why = |file: &Path| refused(connect(file));
    let file = at("libno.so");
    says(&why(&file), &format!("{} does not load: there is no such file", file.display()));
    says(&why(Path::new("libno-such.so")), "libno-such.so does not load: there is no such file");
    std::fs::write(&file, "no library").unwrap();
    let canonical = |file: &Path| file.canonicalize().unwrap().display().to_string();
    says(&why(&file), &format!("{} does not load: it is no shared library", canonical(&file)));
    assert!(why(&file).message_zh().contains("不是动态库"));

    let Some((_folder, sound)) = library("NONE") else { return };
    let mut bytes = std::fs::read(sound).unwrap();
    let (machine, name) = if cfg!(target_arch = "aarch64") { (62_u16, "x86_64") } else { (183, "aarch64") };
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    std::fs::write(&file, bytes).unwrap();
    let ours = std::env::consts::ARCH;
    says(
        &why(&file),
        &format!("{} does not load: it was made for {name}, and this program for {ours}", canonical(&file)),
    );

    std::fs::write(at("empty.c"), "int needed(void) { return 0; }").unwrap();
    std::fs::write(at("needs.c"), "int needed(void); int it(void) { return needed(); }").unwrap();
    let path = |name: &str| at(name).display().to_string();
    compile(&[&path("empty.c")], &at("libneeded-elsewhere.so"));
    compile(&[&path("needs.c"), &path("libneeded-elsewhere.so")], &at("libneeds.so"));
    std::fs::remove_file(at("libneeded-elsewhere.so")).unwrap();
    let error = why(&at("libneeds.so"));
    let text = error.to_string();
    assert!(
        text.contains(" does not load: it needs ") && text.contains("libneeded-elsewhere.so, which"),
        "{text}"
    );
    assert!(error.help().unwrap().contains("ldd"), "{error}");
}

#[test]
fn a_library_without_what_nothing_works_without_is_none() {
    let Some((_folder, file)) = library("BARE") else { return };
    says(
        &refused(connect(&file)),
        "libmaker.so is no SKF library: it has no SKF_ConnectDev, SKF_DisConnectDev, SKF_GetDevInfo, \
         SKF_OpenApplication, SKF_VerifyPIN",
    );
}

#[test]
fn a_function_that_is_missing_fails_where_it_is_wanted() {
    with("NONE", |device| {
        let key = ukey_device::EccPublicKey { x: [1; 32], y: [2; 32] };
        let signature = ukey_device::EccSignature { r: [1; 32], s: [2; 32] };
        let error = refused(device.verify(&key, SignInput::Digest([0; 32]), &signature));
        assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error}");
        assert_eq!(
            error.to_string(),
            "the token does not support this (ECCVerify: libmaker.so has no SKF_ECCVerify)"
        );
        // Everything else goes on.
        device.info().unwrap();
        let application = device.open_application("APP").unwrap();
        let error = refused(application.files());
        assert!(error.to_string().ends_with("(EnumFiles: libmaker.so has no SKF_EnumFiles)"), "{error}");
    });
}

#[test]
fn devices_are_named_where_it_is_not_clear_which() {
    let Some((_folder, file)) = library("TWO_DEVICES") else { return };
    let error = refused(connect(&file));
    says(&error, "libmaker.so has several devices: ONE, TWO");
    assert!(error.help().unwrap().contains("#DEVICE"), "{error}");
    let named = |name: &str| Target::Skf { library: file.clone(), device: Some(name.to_owned()) };
    named("TWO").connect(&Options::default()).unwrap();
    let error = refused(named("SIX").connect(&Options::default()));
    says(&error, "libmaker.so has no device \"SIX\"; it has ONE, TWO");
    let out = refused(named("OUT").connect(&Options::default()));
    assert!(out.is_removed(), "the library knows it: {out}");
    let devices = Key::new(&file, None).devices().unwrap();
    let expected = [("ONE", true), ("TWO", true), ("OUT", false)];
    assert_eq!(devices, expected.map(|(name, is_there)| (name.to_owned(), is_there)));
    let Some((_folder, file)) = library("NO_DEVICE") else { return };
    says(&refused(connect(&file)), "libmaker.so has no device: no key of its maker is plugged in");
    let Some((_folder, file)) = library("CONNECTS_NOTHING") else { return };
    says(&refused(connect(&file)), "libmaker.so: SKF_ConnectDev answered 0x0A000001 SAR_FAIL: Failure.");
}

#[test]
fn sizes_and_names_that_cannot_be_are_told() {
    for (fault, what) in [
        ("ASKS_FOR_4_GB", "asks for a buffer of 4294967295 bytes, where 65536 are the most"),
        ("SAYS_MORE_THAN_IT_WAS_GIVEN", "says that it wrote 105 bytes into a buffer of 5"),
        ("NAMES_WITHOUT_AN_END", "gave a list of names without an end"),
    ] {
        with(fault, |device| {
            let error = refused(device.applications());
            let text = format!(
                "libmaker.so: SKF_EnumApplication answered 0x00000000 SAR_OK and {what} (EnumApplication)"
            );
            says(&error, &text);
            assert!(!error.is_unreachable(), "the token is there: {error}");
            assert!(error.message_zh().contains("SKF_EnumApplication"));
            device.info().unwrap();
        });
    }
    with("NAMES_WITH_ONE_END", |device| assert_eq!(device.applications().unwrap(), ["APP"]));
}

#[test]
fn what_is_written_behind_a_buffer_is_told_and_does_no_harm() {
    let text = |function: &str, command: &str| {
        format!(
            "libmaker.so: {function} wrote behind the buffer it was given (ULONG has 32 bits) ({command})"
        )
    };
    for fault in ["WRITES_MORE_THAN_IT_WAS_GIVEN", "LONG_ULONG"] {
        with(fault, |device| {
            says(&refused(device.applications()), &text("SKF_EnumApplication", "EnumApplication"));
        });
    }
    let Some((_folder, file)) = library("LONG_DEVINFO") else { return };
    says(&refused(connect(&file)), &text("SKF_GetDevInfo", "GetDevInfo"));
}

#[test]
fn keys_that_are_none_are_told() {
    for (fault, what) in [
        ("KEY_OF_0_BITS", "a key of 0 bits, where SM2 has 256"),
        ("KEY_OF_1024_BITS", "a key of 1024 bits, where SM2 has 256"),
        ("KEY_IN_THE_FRONT", "a number of more than 256 bits"),
        ("HALF_A_KEY", "a structure that ends too early"),
    ] {
        with(fault, |device| {
            let application = device.open_application("APP").unwrap();
            let container = application.open_container("CON").unwrap();
            let error = refused(container.public_key(KeyUse::Sign));
            let text = format!(
                "application \"APP\", container \"CON\": libmaker.so: SKF_ExportPublicKey answered 0x00000000 \
                 SAR_OK and gave {what} (ExportPubKey)"
            );
            says(&error, &text);
        });
    }
}

#[test]
fn a_function_that_does_not_come_back_is_left_behind() {
    let Some((_folder, file)) = library("HANGS") else { return };
    let key = Key::new(&file, None).within(Duration::from_millis(300));
    let device = Device::connect(&key).unwrap();
    let other = Device::connect(&key).unwrap();
    let text = "libmaker.so: SKF_EnumApplication did not return within 0.3 s; the library is not used again in this \
                process";
    says(&refused(device.applications()), &format!("{text} (EnumApplication)"));
    // Nobody waits for it a second time: neither this device, nor another, nor a new one.
    says(&refused(device.info()), &format!("{text} (GetDevInfo)"));
    says(&refused(other.info()), &format!("{text} (GetDevInfo)"));
    says(&refused(device.reconnect()), text);
    says(&refused(connect(&file)), text);
    assert!(refused(other.info()).help().unwrap().contains("button"));
}

#[test]
fn tries_that_are_not_told_are_asked_for() {
    with("TELLS_NO_TRIES", |device| {
        let application = device.open_application("APP").unwrap();
        let error = refused(application.verify_pin(PinType::User, &pin("87654321")));
        assert!(matches!(error.kind(), ErrorKind::WrongPin { tries_left: 2, .. }), "{error}");
        assert!(error.to_string().contains("SKF_VerifyPIN answered"), "{error}");
    });
    with("TELLS_4_BILLION_TRIES", |device| {
        let application = device.open_application("APP").unwrap();
        let error = refused(application.pin_info(PinType::User));
        assert!(error.to_string().contains("gave 4294967294 tries of 10"), "{error}");
    });
}

#[test]
fn a_code_that_says_nothing_is_looked_into() {
    with("A_CODE_OF_ITS_OWN", |device| {
        let error = refused(device.set_label("label"));
        let text = "the token refused (SetLabel: SKF_SetLabel answered 0x0B000001 of the vendor's own)";
        assert_eq!(error.to_string(), text);
        assert_eq!(error.message_zh(), "SKF_SetLabel：厂商自定义的错误码");
    });
    with("IS_PULLED", |device| {
        assert!(refused(device.set_label("label")).is_removed());
        assert!(refused(device.reconnect()).is_removed());
    });
    with("IS_LOCKED_BY_ANOTHER", |device| {
        let error = refused(device.set_label("label"));
        assert!(error.is_busy(), "{error}");
        assert!(
            error.to_string().starts_with("TOKEN of libmaker.so is in use by another program"),
            "{error}"
        );
        assert!(refused(device.lock(Duration::ZERO)).is_busy());
        assert!(refused(device.lock(Duration::from_millis(30))).is_busy());
    });
    // Where there is no lock, nobody shares the device.
    with("NO_LOCK", |device| device.lock(Duration::ZERO).unwrap());
}

#[test]
fn a_remote_unblocking_wants_a_library_that_takes_raw_commands() {
    for (fault, why) in [
        ("NONE", "libmaker.so has no SKF_Transmit"),
        ("NO_RAW_COMMANDS", "SKF_Transmit answered 0x0A000003 SAR_NOTSUPPORTYETERR"),
    ] {
        with(fault, |device| {
            let application = device.open_application("APP").unwrap();
            for error in [
                refused(application.challenge()),
                refused(application.unblock_remote(&SealedPinBuf::new(&[0; 16], [0; 4]).unwrap())),
            ] {
                assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error}");
                assert!(error.to_string().contains(why), "{error}");
            }
            // The same word by which everything else is refused.
            let raw = device.transmit(&[0x80, 0x04, 0, 0]).unwrap();
            assert_eq!(raw, [0x6A, 0x81]);
        });
    }
}

#[test]
fn a_library_error_is_matched_as_one() {
    let error = refused(connect(Path::new("/nowhere/libmaker.so")));
    assert!(
        matches!(error.kind(), ErrorKind::Link(LinkError::Library(_))) && error.is_unreachable(),
        "{error}"
    );
}
