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

/// Where changes are kept until the file is let go.
fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".changes");
    name.into()
}

/// What a killed process leaves of a token that is in use: its file and the changes beside it, in a folder of its own.
fn killed(file: &Path) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("key.ukey");
    fs::copy(file, &left).unwrap();
    fs::copy(beside(file), beside(&left)).unwrap();
    (folder, left)
}

fn label(file: &Path) -> String {
    connect(file).unwrap().info().unwrap().label
}

/// Changes its label twice: once in the file, once beside it.
fn changed(file: &Path) -> Device {
    let device = connect(file).unwrap();
    device.set_label("one").unwrap();
    device.set_label("two").unwrap();
    assert!(beside(file).exists());
    device
}

#[test]
fn a_file_that_is_let_go_is_whole() {
    let (_folder, file) = issued_file();
    let device = changed(&file);
    let number = device.info().unwrap().serial_number;
    assert_eq!(state::header(&file).unwrap().serial_number, number);
    drop(device);
    assert!(!beside(&file).exists());
    assert_eq!(label(&file), "two");
}

/// What its holder writes next may make them its own, or has just begun.
#[test]
fn beside_a_file_that_is_held_no_changes_are_stray() {
    let (_folder, file) = issued_file();
    let device = changed(&file);
    let changes = fs::read(beside(&file)).unwrap();
    drop(device);
    fs::write(beside(&file), changes).unwrap();
    assert_eq!(state::stray_changes(&file).unwrap(), Some(beside(&file)));
    let device = connect(&file).unwrap();
    assert!(beside(&file).exists());
    assert_eq!(state::stray_changes(&file).unwrap(), None, "held");
    fs::rename(&file, file.with_extension("moved")).unwrap();
    assert_eq!(state::stray_changes(&file).unwrap(), None, "held, and not there for a moment");
    fs::rename(file.with_extension("moved"), &file).unwrap();
    drop(device);
    let copy = file.with_file_name("copy.ukey");
    fs::copy(&file, &copy).unwrap();
    fs::copy(beside(&file), beside(&copy)).unwrap();
    assert_eq!(state::stray_changes(&copy).unwrap(), Some(beside(&copy)), "nobody ever held it");
    assert!(!copy.with_file_name("copy.ukey.lock").exists(), "and looking made no lock");
}

/// It has the content that the changes began with, and they are not its own.
#[test]
fn what_a_killed_program_changed_is_not_made_in_a_copy_that_was_put_back() {
    let (folder, file) = issued_file();
    drop(changed(&file));
    let copy = folder.path().join("copy.ukey");
    fs::copy(&file, &copy).unwrap();
    let device = connect(&file).unwrap();
    device.set_label("three").unwrap();
    device.set_label("four").unwrap();
    let (_left, left) = killed(&file);
    fs::copy(&copy, &left).unwrap();
    assert_eq!(state::stray_changes(&left).unwrap(), Some(beside(&left)));
    assert_eq!(label(&left), "two");
    // Nor do they come back when it is changed in the same way as before.
    let again = connect(&left).unwrap();
    again.set_label("three").unwrap();
    assert_eq!(state::stray_changes(&left).unwrap(), None);
    drop(again);
    assert_eq!(label(&left), "three");
    // Two that began with the same content are told apart too.
    let (other, other_file) = issued_file();
    let twin = other.path().join("twin.ukey");
    fs::copy(&other_file, &twin).unwrap();
    let (device, same) = (changed(&other_file), changed(&twin));
    let (_left, left) = killed(&other_file);
    fs::copy(beside(&twin), beside(&left)).unwrap();
    assert_eq!(label(&left), "one");
    drop((device, same));
}

#[test]
fn what_a_killed_program_left_is_in_the_file_once_it_is_opened() {
    let (_folder, file) = issued_file();
    let _device = changed(&file);
    let (folder, left) = killed(&file);
    assert_eq!(state::stray_changes(&left).unwrap(), None, "they belong to it");
    let opened = connect(&left).unwrap();
    assert!(!beside(&left).exists());
    let copy = folder.path().join("copy.ukey");
    fs::copy(&left, &copy).unwrap();
    assert_eq!(label(&copy), "two");
    drop(opened);
    assert_eq!(label(&left), "two");
}

/// Opening writes the file anew, and removes the changes when that lasts.
#[test]
fn a_program_that_is_killed_while_it_opens_loses_nothing() {
    let (_folder, file) = issued_file();
    let device = changed(&file);
    let (folder, left) = killed(&file);
    let (old, changes) = (fs::read(&left).unwrap(), fs::read(beside(&left)).unwrap());
    drop(connect(&left).unwrap());
    let whole = fs::read(&left).unwrap();
    assert_ne!(whole, old);
    let new = folder.path().join("key.ukey.new");
    let steps = [0, 1, whole.len() / 2, whole.len() - 1, whole.len()].map(|cut| (&old, Some(cut)));
    for (at, part) in steps.into_iter().chain([(&whole, None)]) {
        fs::write(&left, at).unwrap();
        fs::write(beside(&left), &changes).unwrap();
        if let Some(cut) = part {
            fs::write(&new, &whole[..cut]).unwrap();
        }
        assert_eq!(label(&left), "two", "{part:?}");
        let again = changed(&left);
        let (_twice, twice) = killed(&left);
        assert_eq!(label(&twice), "two", "{part:?}");
        drop(again);
    }
    drop(device);
}

/// A file that an older program wrote, and changes of it that are bound to its content alone.
#[test]
fn what_an_older_program_left_is_read() {
    use sm3::{Digest, Sm3};
    let (_folder, file) = issued_file();
    let (header, flash) = state::read(&file).unwrap();
    let mut bytes = b"\x89UKEY\r\n\x1a\0\0\0\x01".to_vec();
    let texts =
        [("gm2012", 32), (&*header.serial_number, 32), (&header.manufacturer, 64), (&header.issuer, 64)];
    for (text, width) in texts {
        bytes.extend(text.bytes().chain(std::iter::repeat(0)).take(width));
    }
    bytes.extend(u32::try_from(flash.len()).unwrap().to_be_bytes());
    let checksum: [u8; 32] = Sm3::new().chain_update(&bytes).chain_update(&flash).finalize().into();
    let bytes = [&bytes[..], &checksum, &flash].concat();
    fs::write(&file, &bytes).unwrap();
    let before = label(&file);
    assert_eq!(fs::read(&file).unwrap(), bytes, "looking at it changes nothing");
    // The last byte of the flash, which says nothing.
    let content = [u32::try_from(flash.len() - 1).unwrap(), 1].map(u32::to_be_bytes).concat();
    let content = [&content[..], &[0]].concat();
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let record = Sm3::new().chain_update(checksum).chain_update(length).chain_update(&content).finalize();
    let changes = [&b"\x89UKCH\r\n\x1a"[..], &checksum, &length, &content, &record].concat();
    fs::write(beside(&file), changes).unwrap();
    let expected = [&flash[..flash.len() - 1], &[0]].concat();
    assert!(state::read(&file).unwrap().1 == expected);
    drop(StateFile::open(&file).unwrap());
    assert!(!beside(&file).exists() && state::read(&file).unwrap().1 == expected);
    fs::write(&file, &bytes).unwrap();
    drop(changed(&file));
    assert_ne!(label(&file), before);
}

/// What it holds may be older than the token by what stands beside it.
#[test]
fn a_file_in_use_is_not_read() {
    let (_folder, file) = issued_file();
    let device = changed(&file);
    let error = state::read(&file).unwrap_err();
    let holder = format!("(PID {})", std::process::id());
    assert!(matches!(error, LinkError::Busy { .. }) && error.to_string().contains(&holder), "{error}");
    assert_eq!(state::header(&file).unwrap().serial_number, device.info().unwrap().serial_number);
    let (_left, left) = killed(&file);
    let changes = fs::read(beside(&left)).unwrap();
    let (header, flash) = state::read(&left).unwrap();
    assert_eq!(fs::read(beside(&left)).unwrap(), changes, "reading changes nothing");
    let copy = left.with_file_name("copy.ukey");
    drop(StateFile::create(&copy, header, &flash, false).unwrap());
    assert_eq!(label(&copy), "two");
    drop(device);
    state::read(&file).unwrap();
    let none = left.with_file_name("none.ukey");
    assert!(matches!(state::read(&none).unwrap_err(), LinkError::NoFile { .. }));
    assert!(!left.with_file_name("none.ukey.lock").exists(), "no litter beside nothing");
}

#[test]
fn changes_without_a_file_are_told() {
    let (_folder, file) = issued_file();
    assert_eq!(state::stray_changes(&file).unwrap(), None);
    let _device = changed(&file);
    let (_left, left) = killed(&file);
    fs::remove_file(&left).unwrap();
    assert_eq!(state::stray_changes(&left).unwrap(), Some(beside(&left)));
    assert!(matches!(refusal(&left), LinkError::NoFile { .. }));
    // A token that is made there has nothing to do with them.
    let simulator = Simulator::fresh(&seeded(2)).unwrap();
    simulator.save_as(&left, false).unwrap();
    assert_eq!(state::stray_changes(&left).unwrap(), None);
    assert_eq!(connect(&left).unwrap().info().unwrap().serial_number, simulator.serial_number());
}

#[test]
fn a_pin_try_is_in_the_file_before_it_is_answered() {
    let (folder, file) = issued_file();
    let device = changed(&file);
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
    bytes[11] = 5;
    fs::write(&file, &bytes).unwrap();
    let error = refusal(&file);
    assert!(matches!(error, LinkError::BadFile { problem: BadState::Newer { found: 5 }, .. }), "{error}");
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
    let new = file.with_file_name("key.ukey.new");
    // The first save of a program is the whole file; later ones are beside it.
    for (saved_before, obstacle, left) in [(false, new, 9), (true, beside(&file), 8)] {
        let device = connect(&file).unwrap();
        if saved_before {
            device.set_label("saved").unwrap();
        }
        let before = fs::read(&file).unwrap();
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
        assert_eq!(application.pin_info(PinType::User).unwrap().remaining, left);
        drop(device);
        assert_ne!(fs::read(&file).unwrap(), before, "saved with the first answer");
    }
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
