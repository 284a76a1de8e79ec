//! Files through the host's eyes: in parts of any size, with typed errors, and whole or plainly not whole when the key
//! is pulled or its power is cut in the middle.

mod common;

use common::{ADMIN, APPLICATION, USER, issued, issued_file, log_in, pin, seeded};
use ukey_device::{Application, ErrorKind, FileInfo, PinType, Rights, Status, Target};

const SEAL: &str = "示例科技有限公司.seal";

fn of_user(size: u32) -> FileInfo {
    FileInfo { size, read: Rights::ANYONE, write: Rights::USER }
}

/// Bytes none of which is zero, other ones for each seed.
fn content(size: usize, seed: u8) -> Vec<u8> {
    (0..size).map(|n| ((n * 7 + n / 251) as u8).wrapping_add(seed) | 1).collect()
}

fn kind<T: std::fmt::Debug>(result: ukey_device::Result<T>) -> String {
    let error = result.unwrap_err();
    assert!(!error.message_zh().is_empty());
    format!("{:?}", error.kind())
}

#[test]
fn files_come_and_go() {
    let device = issued();
    let application = log_in(&device);
    assert_eq!(application.files().unwrap(), Vec::<String>::new());
    application.create_file(SEAL, of_user(3000)).unwrap();
    application.create_file("b", of_user(1)).unwrap();
    assert_eq!(application.files().unwrap(), [SEAL, "b"]);
    assert_eq!(application.file_info(SEAL).unwrap(), of_user(3000));
    assert_eq!(application.read_whole_file(SEAL).unwrap(), [0; 3000], "a new file is zeros");

    let error = application.create_file(SEAL, of_user(1)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::FileExists), "{error}");
    assert_eq!((error.file(), error.application()), (Some(SEAL), Some(APPLICATION)));
    assert_eq!(error.message_zh(), format!("应用“UKEY”文件“{SEAL}”：文件已存在"));
    application.delete_file("b").unwrap();
    assert_eq!(application.files().unwrap(), [SEAL]);
    assert_eq!(kind(application.delete_file("b")), "NoSuchFile");
    assert_eq!(kind(application.file_info("b")), "NoSuchFile");
    assert_eq!(kind(application.read_file("b", 0, 1)), "NoSuchFile");
    assert_eq!(kind(application.write_file("b", 0, b"x")), "NoSuchFile");
    assert_eq!(kind(application.create_file("", of_user(1))), "Refused");
    assert_eq!(kind(application.create_file(&"x".repeat(33), of_user(1))), "TooLong", "no field holds it");
    assert_eq!(kind(application.create_file("b", of_user(0))), "Refused");
    assert_eq!(kind(application.create_file("b", of_user(70_000))), "NoSpace");
}

#[test]
fn seals_of_any_size_are_read_as_they_were_written() {
    let device = issued();
    let application = log_in(&device);
    for (number, size) in [1, 496, 497, 3 * 1024, 10_000, 48 * 1024].into_iter().enumerate() {
        let (name, data) = (format!("seal {number}"), content(size, number as u8));
        application.create_file(&name, of_user(size as u32)).unwrap();
        application.write_file(&name, 0, &data).unwrap();
    }
    device.reconnect().unwrap();
    let application = device.open_application(APPLICATION).unwrap();
    for (number, size) in [1, 496, 497, 3 * 1024, 10_000, 48 * 1024].into_iter().enumerate() {
        let name = format!("seal {number}");
        assert!(application.read_whole_file(&name).unwrap() == content(size, number as u8), "{size} bytes");
    }
}

#[test]
fn parts_are_read_and_written_where_they_lie() {
    let device = issued();
    let application = log_in(&device);
    application.create_file("f", of_user(2000)).unwrap();
    let mut expected = vec![0; 2000];
    for (seed, (offset, size)) in
        [(0, 1), (1999, 1), (500, 1200), (511, 2), (0, 2000), (992, 496)].into_iter().enumerate()
    {
        let data = content(size, seed as u8);
        application.write_file("f", offset as u32, &data).unwrap();
        expected[offset..offset + size].copy_from_slice(&data);
        assert!(application.read_whole_file("f").unwrap() == expected, "{size} bytes at {offset}");
    }
    assert_eq!(application.read_file("f", 100, 900).unwrap(), expected[100..1000]);
    assert_eq!(application.read_file("f", 1500, 5000).unwrap(), expected[1500..], "what there is");
    assert!(application.read_file("f", 0, 0).unwrap().is_empty());

    assert_eq!(kind(application.read_file("f", 2000, 1)), "BeyondFile");
    assert_eq!(kind(application.read_file("f", 70_000, 1)), "BeyondFile");
    assert_eq!(kind(application.write_file("f", 70_000, b"x")), "BeyondFile");
    assert_eq!(kind(application.write_file("f", 2000, b"")), "BeyondFile");
    let error = application.write_file("f", 1, &[9; 2000]).unwrap_err();
    assert_eq!((error.status(), error.command()), (Some(Status::WRONG_OFFSET), Some("WriteFile")));
    assert!(application.read_whole_file("f").unwrap() == expected, "nothing of it was written");
    application.write_file("f", 1999, b"").unwrap();
}

#[test]
fn each_file_says_who_may_use_it() {
    let device = issued();
    let application = log_in(&device);
    let info = FileInfo { size: 10, read: Rights::ADMINISTRATOR, write: Rights::USER };
    application.create_file("f", info).unwrap();
    application
        .create_file("nobody's", FileInfo { size: 1, read: Rights::NEVER, write: Rights::NEVER })
        .unwrap();
    application.write_file("f", 0, b"0123456789").unwrap();
    let error = application.read_file("f", 0, 10).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotLoggedIn), "{error}");
    assert!(error.help().unwrap().contains("administrator"), "{error}");
    assert_eq!(kind(application.file_info("f")), "NotLoggedIn");
    application.verify_pin(PinType::Administrator, &pin(ADMIN)).unwrap();
    assert_eq!(application.read_whole_file("f").unwrap(), b"0123456789");
    assert_eq!(kind(application.read_file("nobody's", 0, 1)), "NotLoggedIn");
    assert_eq!(kind(application.write_file("nobody's", 0, b"x")), "NotLoggedIn");
    application.clear_secure_state().unwrap();
    assert_eq!(kind(application.write_file("f", 0, b"x")), "NotLoggedIn");
    assert_eq!(kind(application.create_file("g", of_user(1))), "NotLoggedIn");
    assert_eq!(kind(application.delete_file("f")), "NotLoggedIn");
    assert_eq!(application.files().unwrap(), ["f", "nobody's"], "names are for anyone");
}

#[test]
fn no_content_of_a_file_is_in_the_trace() {
    let device = issued();
    device.keep_trace(1000);
    let application = log_in(&device);
    application.create_file("f", of_user(20)).unwrap();
    application.write_file("f", 0, b"a secret of 20 bytes").unwrap();
    application.read_whole_file("f").unwrap();
    let trace = device.trace();
    assert!(trace.iter().any(|traced| {
        traced.line.starts_with("WriteFile application") && traced.line.contains("\"f\" 20 bytes from 0")
    }));
    assert!(trace.iter().any(|traced| {
        traced.line.starts_with("ReadFile application")
            && traced.line.contains("\"f\" 20 bytes from 0 → 9000 success, 20 bytes")
    }));
    for traced in trace {
        let shown = format!("{} {} {}", traced.line, traced.command, traced.answer);
        assert!(!shown.contains("secret") && !shown.contains(&hex("secret")), "{shown}");
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// What is in the file is the old content up to some place, and the new behind it.
fn partly(found: &[u8], old: &[u8], new: &[u8]) -> bool {
    (0..=old.len()).any(|at| found[..at] == old[..at] && found[at..] == new[at..])
}

fn rewrite(application: &Application<'_>, new: &[u8]) -> ukey_device::Result<()> {
    application.write_file(SEAL, 0, new)
}

#[test]
fn a_key_pulled_in_the_middle_keeps_old_or_new_in_every_place() {
    let (old, new) = (content(3000, 1), content(3000, 2));
    for commands in 0.. {
        let device = issued();
        let application = log_in(&device);
        application.create_file(SEAL, of_user(3000)).unwrap();
        rewrite(&application, &old).unwrap();
        device.hand().unwrap().unplug_after(commands);
        let done = rewrite(&application, &new);
        if done.is_ok() {
            assert!(commands > 5, "{commands} commands");
            return;
        }
        assert!(done.unwrap_err().is_removed());
        device.plug_in().unwrap();
        assert!(matches!(application.files().unwrap_err().kind(), ErrorKind::Stale));
        let application = log_in(&device);
        let found = application.read_whole_file(SEAL).unwrap();
        assert!(partly(&found, &old, &new), "pulled after {commands} commands");
        assert_eq!(found[..10], old[..10], "the head is written last");
        rewrite(&application, &new).unwrap();
        assert!(application.read_whole_file(SEAL).unwrap() == new, "and it is written again");
    }
}

#[test]
fn a_cut_in_the_middle_keeps_old_or_new_in_every_place() {
    let (_folder, file) = issued_file();
    let (old, new) = (content(1300, 1), content(1300, 2));
    {
        let device = Target::SimFile(file.clone()).connect(&seeded(1)).unwrap();
        let application = log_in(&device);
        application.create_file(SEAL, of_user(1300)).unwrap();
        rewrite(&application, &old).unwrap();
    }
    let image = std::fs::read(&file).unwrap();
    for operation in 0.. {
        std::fs::write(&file, &image).unwrap();
        let target = Target::SimFile(file.clone());
        let done = {
            let device = target.connect(&seeded(1)).unwrap();
            let application = log_in(&device);
            device.simulator().unwrap().cut_power_after(operation, Some(operation));
            rewrite(&application, &new)
        };
        let device = target.connect(&seeded(1)).unwrap();
        let found = device.open_application(APPLICATION).unwrap().read_whole_file(SEAL).unwrap();
        if done.is_ok() {
            assert!(found == new && operation > 10, "{operation} operations");
            return;
        }
        assert!(partly(&found, &old, &new), "cut at operation {operation}");
    }
}

#[test]
fn a_full_token_says_so_and_keeps_all_it_has() {
    let device = issued();
    let application = log_in(&device);
    let data = content(48 * 1024, 3);
    let mut files = Vec::new();
    let error = loop {
        let name = format!("file {}", files.len());
        match application.create_file(&name, of_user(48 * 1024)) {
            Ok(()) => application.write_file(&name, 0, &data).unwrap(),
            Err(error) => break error,
        }
        files.push(name);
    };
    assert!(matches!(error.kind(), ErrorKind::NoSpace), "{error}");
    assert!(error.help_zh().unwrap().contains("文件"));
    assert!(files.len() >= 4, "{} files of 48 KiB", files.len());
    assert_eq!(application.files().unwrap(), files);
    for name in &files {
        assert!(application.read_whole_file(name).unwrap() == data, "{name}");
    }
    application.change_pin(PinType::User, &pin(USER), &pin("24681357")).unwrap();
    device.set_label("full").unwrap();
    application.delete_file(&files[0]).unwrap();
    application.create_file("again", of_user(48 * 1024)).unwrap();
}
