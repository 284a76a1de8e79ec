//! A simulated token in a file: it lasts, one process holds it, and what is not sound is refused and not touched.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{APPLICATION, USER, issued_file, log_in, pin, seeded};
use ukey_device::link::state::{self, BadState, StateFile};
use ukey_device::{Device, Dialect, ErrorKind, LinkError, Options, PinType, Simulator, Target};

fn connect(file: &Path) -> Result<Device, ukey_device::Error> {
    Target::SimFile(file.to_owned()).connect(&Options::default())
}

fn refusal(file: &Path) -> LinkError {
    match Simulator::open(file, &Options::default()) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

#[test]
fn a_token_lasts_between_connections() {
    let (_folder, file) = issued_file();
    let serial_number = {
        let device = connect(&file).unwrap();
        log_in(&device).create_container("A").unwrap().generate_key_pair().unwrap();
        device.info().unwrap().serial_number
    };
    let device = connect(&file).unwrap();
    assert_eq!(device.info().unwrap().serial_number, serial_number);
    let application = device.open_application(APPLICATION).unwrap();
    assert_eq!(application.containers().unwrap(), ["A"]);
    let error = application.create_container("B").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotLoggedIn), "rights do not last: {error}");
}

/// Else a recorded login were valid again, and two signatures of one nonce would give the private key away.
#[test]
fn the_same_seed_gives_other_random_numbers_once_the_token_has_changed() {
    let (_folder, file) = issued_file();
    let random = || Target::SimFile(file.clone()).connect(&seeded(1)).unwrap().random(32).unwrap();
    let first = random();
    assert_eq!(random(), first, "from the same state they are the same: a run can be repeated");
    connect(&file).unwrap().set_label("changed").unwrap();
    assert_ne!(random(), first);
}

/// The file is looked at while the token is still in use: a killed process would have left just that.
/// Where changes are kept until the file is let go.
fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".changes");
    name.into()
}

#[test]
fn a_file_that_is_let_go_is_whole() {
    let (folder, file) = issued_file();
    let device = connect(&file).unwrap();
    device.set_label("changed").unwrap();
    assert!(beside(&file).exists());
    assert_eq!(state::read(&file).unwrap().0.serial_number, device.info().unwrap().serial_number);
    drop(device);
    assert!(!beside(&file).exists());
    // Changes of another content are none.
    let copy = folder.path().join("copy.ukey");
    fs::copy(&file, &copy).unwrap();
    let device = connect(&copy).unwrap();
    device.set_label("changed again").unwrap();
    fs::copy(beside(&copy), beside(&file)).unwrap();
    assert_eq!(connect(&file).unwrap().info().unwrap().label, "changed again", "it had the same content");
    fs::copy(beside(&copy), beside(&file)).unwrap();
    drop(device);
    let device = connect(&file).unwrap();
    device.set_label("its own").unwrap();
    drop(device);
    assert_eq!(connect(&file).unwrap().info().unwrap().label, "its own");
}

#[test]
fn a_pin_try_is_in_the_file_before_it_is_answered() {
    let (folder, file) = issued_file();
    let device = connect(&file).unwrap();
    let application = device.open_application(APPLICATION).unwrap();
    for left in [9, 8, 7] {
        application.verify_pin(PinType::User, &pin("00000000")).unwrap_err();
        let copy = folder.path().join(format!("copy-{left}.ukey"));
        fs::copy(&file, &copy).unwrap();
        fs::copy(beside(&file), beside(&copy)).unwrap();
        let copy = connect(&copy).unwrap();
        let info = copy.open_application(APPLICATION).unwrap().pin_info(PinType::User).unwrap();
        assert_eq!(info.remaining, left);
    }
}

#[test]
fn one_holder_at_a_time() {
    let (_folder, file) = issued_file();
    let held = connect(&file).unwrap();
    let error = connect(&file).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Link(LinkError::Busy { .. })), "{error}");
    assert!(error.to_string().contains(" is in use by "), "{error}");
    // The lock outlives a replaced file.
    held.set_label("changed").unwrap();
    assert!(matches!(refusal(&file), LinkError::Busy { .. }));
    let overwrite = Simulator::fresh(&seeded(2)).unwrap().save_as(&file, true).unwrap_err();
    assert!(matches!(overwrite, LinkError::Busy { .. }), "{overwrite}");
    drop(held);
    assert_eq!(connect(&file).unwrap().info().unwrap().label, "changed");
}

/// This test starts itself again as the other process.
#[test]
fn another_process_is_kept_out_and_reads_what_was_written() {
    const ROLE: &str = "UKEY_TEST_STATE_FILE";
    if let Some(file) = std::env::var_os(ROLE) {
        let device = match connect(Path::new(&file)) {
            Err(error) if matches!(error.kind(), ErrorKind::Link(LinkError::Busy { .. })) => {
                std::process::exit(73)
            }
            device => device.unwrap(),
        };
        let application = device.open_application(APPLICATION).unwrap();
        application.verify_pin(PinType::User, &pin("00000000")).unwrap_err();
        std::process::exit(74);
    }
    let (_folder, file) = issued_file();
    let other = || {
        let test = "another_process_is_kept_out_and_reads_what_was_written";
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test]).env(ROLE, &file).output().unwrap().status.code()
    };
    let held = connect(&file).unwrap();
    assert_eq!(other(), Some(73));
    drop(held);
    assert_eq!(other(), Some(74));
    let device = connect(&file).unwrap();
    let info = device.open_application(APPLICATION).unwrap().pin_info(PinType::User).unwrap();
    assert_eq!(info.remaining, 9, "the other process spent a try");
}

#[test]
fn a_missing_file_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.ukey");
    assert!(matches!(refusal(&file), LinkError::NoFile { .. }));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let error = connect(&file).unwrap_err();
    assert!(error.help().unwrap().contains("ukey sim reset"));
}

#[test]
fn a_damaged_file_is_refused_and_not_touched() {
    let (_folder, file) = issued_file();
    let good = fs::read(&file).unwrap();
    let flip = |at: usize| {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        bad
    };
    // One byte of each field of the header, and of the flash; then lengths.
    let cases = [flip(0), flip(8), flip(12), flip(44), flip(76), flip(140), flip(205), flip(208), flip(5000)];
    let cut = [good[..good.len() - 1].to_vec(), good[..100].to_vec(), [&good[..], b"x"].concat(), vec![]];
    for bad in cases.into_iter().chain(cut) {
        fs::write(&file, &bad).unwrap();
        let error = refusal(&file);
        assert!(matches!(error, LinkError::BadFile { .. }), "{error}");
        assert!(error.to_string().contains("cannot be used"), "{error}");
        assert_eq!(fs::read(&file).unwrap(), bad);
    }
    fs::write(&file, &good).unwrap();
    connect(&file).unwrap();
}

#[test]
fn a_newer_file_is_refused_and_not_touched() {
    let (_folder, file) = issued_file();
    let mut bytes = fs::read(&file).unwrap();
    bytes[11] = 4;
    fs::write(&file, &bytes).unwrap();
    let error = refusal(&file);
    assert!(matches!(error, LinkError::BadFile { problem: BadState::Newer { found: 4 }, .. }), "{error}");
    assert_eq!(fs::read(&file).unwrap(), bytes);
}

#[test]
fn a_foreign_file_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("letter.txt");
    fs::write(&file, "a letter").unwrap();
    let simulator = Simulator::fresh(&seeded(1)).unwrap();
    let error = simulator.save_as(&file, true).unwrap_err();
    assert!(matches!(error, LinkError::BadFile { problem: BadState::Foreign, .. }), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "a letter");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no litter beside it");
}

#[test]
fn a_state_file_is_replaced_only_when_told() {
    let (_folder, file) = issued_file();
    let simulator = Simulator::fresh(&seeded(2)).unwrap();
    assert!(matches!(simulator.save_as(&file, false).unwrap_err(), LinkError::Exists { .. }));
    simulator.save_as(&file, true).unwrap();
    assert_eq!(connect(&file).unwrap().info().unwrap().serial_number, simulator.serial_number());
}

#[test]
fn a_file_keeps_its_dialect() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.ukey");
    let options = Options { dialect: Some(Dialect::GM3000.into()), ..seeded(1) };
    Simulator::fresh(&options).unwrap().save_as(&file, false).unwrap();
    assert_eq!(connect(&file).unwrap().dialect(), Dialect::GM3000);
    Simulator::open(&file, &options).unwrap();
    let asked = Options { dialect: Some(Dialect::GM2012.into()), ..Options::default() };
    assert!(matches!(Simulator::open(&file, &asked).unwrap_err(), LinkError::Dialect { .. }));
}

/// A flash that the token refuses, in a file that is sound: nothing is repaired behind anyone's back.
#[test]
fn a_flash_that_is_no_tokens_is_refused_and_not_touched() {
    let (folder, file) = issued_file();
    let (header, flash) = state::read(&file).unwrap();
    let make = |name: &str, flash: &[u8]| {
        let file = folder.path().join(name);
        drop(StateFile::create(&file, header.clone(), flash, false).unwrap());
        file
    };
    let foreign = make("foreign.ukey", &vec![0x5A; flash.len()]);
    let before = fs::read(&foreign).unwrap();
    let error = refusal(&foreign);
    assert!(matches!(error, LinkError::NoStart { .. }), "{error}");
    assert_eq!(fs::read(&foreign).unwrap(), before);
    let short = make("short.ukey", &flash[..1000]);
    let error = refusal(&short);
    assert!(matches!(error, LinkError::BadFile { problem: BadState::Header, .. }), "{error}");
}

/// Where the state cannot be saved, nobody learns whether a PIN was right; the try is spent all the same.
#[test]
fn without_a_save_there_is_no_answer() {
    let (_folder, file) = issued_file();
    let before = fs::read(&file).unwrap();
    let obstacle = beside(&file);
    let device = connect(&file).unwrap();
    let application = device.open_application(APPLICATION).unwrap();
    fs::create_dir(&obstacle).unwrap();
    // The second does not come to its PIN: its challenge waits for the save.
    for text in ["00000000", USER] {
        let error = application.verify_pin(PinType::User, &pin(text)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Link(LinkError::Io { .. })), "{error}");
        assert_eq!((error.tries_left(), error.status()), (None, None));
    }
    assert_eq!(fs::read(&file).unwrap(), before, "the old content is whole");
    fs::remove_dir(&obstacle).unwrap();
    assert_eq!(application.pin_info(PinType::User).unwrap().remaining, 9);
    drop(device);
    assert_ne!(fs::read(&file).unwrap(), before, "saved with the first answer");
}

#[test]
fn a_half_written_save_is_ignored() {
    let (_folder, file) = issued_file();
    fs::write(file.with_file_name("key.ukey.new"), "half").unwrap();
    let device = connect(&file).unwrap();
    device.set_label("changed").unwrap();
    drop(device);
    assert_eq!(connect(&file).unwrap().info().unwrap().label, "changed");
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, file) = issued_file();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let device = connect(&file).unwrap();
    device.open_application(APPLICATION).unwrap().verify_pin(PinType::User, &pin(USER)).unwrap();
    device.set_label("again").unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}
