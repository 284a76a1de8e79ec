//! What the tests of a device share: PINs, and a token with an application.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod walk;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread;

use ukey_device::link::skf::Key;
use ukey_device::{
    CreateApplication, Device, DeviceKey, Hand, Options, Pin, PinType, Rights, Simulator, Target,
};

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

/// A factory-new token. The tests that take theirs here are those of `ukey-skf` too, where it is behind the library.
pub(crate) fn fresh(seed: u64) -> Device {
    let target = if BEHIND_LIBRARY { behind_library() } else { Target::Sim };
    target.connect(&seeded(seed)).unwrap()
}

/// Whether these are the tests of `ukey-skf`.
pub(crate) const BEHIND_LIBRARY: bool = matches!(env!("CARGO_PKG_NAME").as_bytes(), b"ukey-skf");

/// How many tokens the library has: more than there are tests, each of which takes the next.
const TOKENS: usize = 64;

/// The library, where cargo built it beside these tests.
pub(crate) fn library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        // SAFETY: nobody here reads the environment but through the standard library, which locks it; the library does
        // when it is loaded, which is later.
        unsafe { std::env::set_var("UKEY_SKF_TARGETS", vec!["sim"; TOKENS].join(";")) };
        let test = std::env::current_exe().unwrap();
        let mut beside = test.ancestors().skip(1).take(2).map(|folder| folder.join("libukey_skf.so"));
        beside.find(|path| path.exists())
    });
    library.as_deref()
}

/// A token behind the library, one that nobody took yet.
pub(crate) fn behind_library() -> Target {
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    let library = library().expect("cargo builds the library beside its tests");
    // Whether it is plugged in or not, each has its place in the list.
    let mut devices = Key::new(library, None).devices().unwrap().into_iter().map(|(name, _)| name);
    let device = devices.nth(TAKEN.fetch_add(1, Ordering::SeqCst));
    Target::Skf { library: library.to_owned(), device: Some(device.expect("there are tokens enough")) }
}

/// A token with an application.
pub(crate) fn issued() -> Device {
    let device = fresh(1);
    issue(&device, USER, ADMIN);
    device
}

/// A file with such a token, and the folder that holds it.
pub(crate) fn issued_file() -> (tempfile::TempDir, PathBuf) {
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

/// Pulls the key while a command is under way, in each round within another stretch of it; gives what came of the command.
pub(crate) fn pull_inside<T>(hand: &dyn Hand, round: u32, command: impl FnOnce() -> T) -> T {
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let puller = scope.spawn(move || {
            told.recv().unwrap();
            (0..round * 100_000).for_each(|step| _ = std::hint::black_box(step));
            hand.unplug();
        });
        tell.send(()).unwrap();
        let done = command();
        puller.join().unwrap();
        done
    })
}
