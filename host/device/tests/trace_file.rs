//! Traces in files: what is in them, what never is, and what is said of a file that is none.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::walk::{CONTENT, MESSAGE, NEW, NEW_KEY, SYMMETRIC, pair, walk};
use common::{ADMIN, USER, issued, seeded};
use tempfile::TempDir;
use ukey_device::trace::whole::{Whole, join};
use ukey_device::trace::{Event, Filter, NoRecorder, Problem, Recorder, Recording, Secrets, Session, called};
use ukey_device::{Device, Dialect, Options, Target};

/// A walk in this dialect, recorded.
fn recorded(dialect: Dialect, secrets: Secrets) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("walk.trace");
    let options = Options { dialect: Some(dialect.into()), ..seeded(7) };
    let device = Target::Sim.connect(&options).unwrap();
    device.record(Recorder::open(&file, secrets).unwrap(), "sim");
    device.info().unwrap();
    walk(&device);
    (folder, file)
}

fn wholes(recording: &Recording) -> Vec<Whole> {
    join(recording.exchanges().map(|(_, exchange)| (&exchange.command, &exchange.answer)))
}

#[test]
fn every_command_and_answer_follows_its_layout_in_every_dialect() {
    for dialect in Dialect::BUILT_IN {
        let (_folder, file) = recorded(*dialect, Secrets::Kept);
        let recording = Recording::read(&file).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for whole in wholes(&recording) {
            let command = whole.command.as_ref().unwrap();
            let name = command.known().unwrap().name();
            assert!(command.fields(dialect).is_some(), "{} {name}", dialect.name);
            if whole.status.unwrap().is_ok() {
                assert!(whole.answer_fields(dialect).is_some(), "{} {name}: {}", dialect.name, whole.answer);
                seen.insert(name);
            }
        }
        assert!(seen.len() >= 50, "{}: {seen:?}", dialect.name);
    }
}

#[test]
fn no_secret_is_in_a_trace_and_every_one_is_in_a_trace_with_secrets() {
    for dialect in [Dialect::GM2012, Dialect::SYNOCHIP, Dialect::SUNYARD] {
        let (_folder, with) = recorded(dialect, Secrets::Kept);
        let (_other, without) = recorded(dialect, Secrets::Hidden);
        let with = Recording::read(&with).unwrap();
        let text = fs::read_to_string(&without).unwrap().to_lowercase();
        let mut searched = 0;
        for whole in wholes(&with) {
            let command = whole.command.as_ref().unwrap();
            let of_command =
                command.fields(&dialect).into_iter().flatten().map(|field| (field, &command.data));
            let of_answer =
                whole.answer_fields(&dialect).into_iter().flatten().map(|field| (field, &whole.answer));
            for (field, data) in of_command.chain(of_answer).filter(|(field, _)| field.kind.is_secret()) {
                let secret = data.part(field.at.clone());
                if secret.len() >= 4 {
                    searched += 1;
                    assert!(!text.contains(&secret.to_string()), "{} {}", whole.sent, field.name);
                }
            }
        }
        assert!(searched > 60, "{searched}");
        let known = [
            USER.as_bytes(),
            ADMIN.as_bytes(),
            NEW.as_bytes(),
            &NEW_KEY.0,
            CONTENT,
            MESSAGE,
            &SYMMETRIC,
            &pair().0,
        ];
        for secret in known {
            assert!(!text.contains(&hex::encode(secret)), "{}", String::from_utf8_lossy(secret));
            let readable = String::from_utf8_lossy(secret).to_lowercase();
            assert!(!text.contains(&readable), "{readable}");
        }
        let all: String = with.exchanges().map(|(_, exchange)| exchange.command.to_string()).collect();
        assert!(
            all.contains(&hex::encode(CONTENT)) && all.contains(&hex::encode(pair().0)),
            "it would be found"
        );
    }
}

#[test]
fn two_runs_differ_in_nothing_but_what_is_hidden() {
    let (_folder, with) = recorded(Dialect::GM2012, Secrets::Kept);
    let (_other, without) = recorded(Dialect::GM2012, Secrets::Hidden);
    let [with, without] = [with, without].map(|file| Recording::read(&file).unwrap());
    assert!(with.header.secrets && !without.header.secrets);
    let (mut pairs, mut hidden) = (0, 0);
    for ((_, shown), (_, redacted)) in with.exchanges().zip(without.exchanges()) {
        for (shown, redacted) in [(&shown.command, &redacted.command), (&shown.answer, &redacted.answer)] {
            assert_eq!(shown.len(), redacted.len());
            for at in 0..shown.len() {
                let is_hidden = redacted.hides(&(at..at + 1));
                hidden += usize::from(is_hidden);
                assert!(is_hidden || shown.as_slice()[at] == redacted.as_slice()[at]);
            }
        }
        assert_eq!(shown.says, redacted.says);
        pairs += 1;
    }
    assert_eq!(pairs, with.exchanges().count());
    assert!(hidden > 500, "{hidden}");
}

#[test]
fn secrets_are_their_owners_alone_and_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.trace");
    let recorder = Recorder::open(&file, Secrets::Kept).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    drop(recorder);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    Recorder::open(&file, Secrets::Kept).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "made so again");
    let before = fs::read(&file).unwrap();
    let error = Recorder::open(&file, Secrets::Hidden).unwrap_err();
    assert!(matches!(error, NoRecorder::Mixed { has: true, .. }), "{error}");
    assert_eq!(fs::read(&file).unwrap(), before);
    fs::write(&file, "my thesis\n").unwrap();
    let error = Recorder::open(&file, Secrets::Kept).unwrap_err();
    assert!(matches!(error, NoRecorder::Foreign { .. }), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"my thesis\n");
    assert!(matches!(Recorder::open(folder.path(), Secrets::Hidden).unwrap_err(), NoRecorder::Io { .. }));
}

#[test]
fn several_devices_in_one_file_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("two.trace");
    let recorder = Recorder::open(&file, Secrets::Hidden).unwrap();
    let (one, two) = (issued(), Target::Sim.connect(&seeded(2)).unwrap());
    one.record(recorder.clone(), "one");
    two.record(recorder, "two");
    one.info().unwrap();
    {
        let _called = called("SKF_GetDevInfo");
        two.info().unwrap();
    }
    one.unplug().unwrap();
    one.info().unwrap_err();
    one.plug_in().unwrap();
    let number = |device: &Device| device.info().unwrap().serial_number;
    let numbers = [number(&one), number(&two)];
    drop((one, two));
    let again = Recorder::open(&file, Secrets::Hidden).unwrap();
    let three = issued();
    three.record(again, "three");
    three.info().unwrap();

    let recording = Recording::read(&file).unwrap();
    let targets: Vec<_> = recording.connections.iter().map(|connected| connected.target.as_str()).collect();
    assert_eq!(targets, ["one", "two", "three"]);
    assert_eq!(recording.connections[0].serial_number.as_ref(), Some(&numbers[0]));
    assert_eq!(recording.connections[1].serial_number.as_ref(), Some(&numbers[1]));
    let of =
        |connection: usize| recording.exchanges().filter(move |(entry, _)| entry.connection == connection);
    assert_eq!([of(1).count(), of(2).count(), of(3).count()], [4, 2, 1]);
    assert_eq!(of(2).next().unwrap().1.called.as_deref(), Some("SKF_GetDevInfo"));
    assert_eq!(of(2).nth(1).unwrap().1.called, None);
    let removed = of(1).nth(1).unwrap().1;
    assert!(removed.status().is_none() && removed.error.is_some());
    let events: Vec<_> =
        recording.entries.iter().filter(|entry| entry.connection == 1).map(|entry| &entry.event).collect();
    assert!(events.iter().any(|event| matches!(event, Event::Removed)));
    assert!(events.iter().any(|event| matches!(event, Event::Reset)));
    assert!(matches!(events.last().unwrap(), Event::Disconnected));

    let failed = recording.table(&Filter { failed: true, ..Filter::default() });
    assert_eq!(failed.lines().count(), 2, "{failed}");
    assert!(failed.contains("the key has been removed"), "{failed}");
    let named = recording.table(&Filter { command: Some("GetPinInfo".to_owned()), ..Filter::default() });
    assert_eq!(named.lines().count(), 1, "{named}");
    let table = recording.table(&Filter::default());
    assert!(table.contains("[SKF_GetDevInfo]") && table.contains("connected to two"), "{table}");
}

#[test]
fn a_file_that_cannot_be_written_stops_nobody() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let error = Recorder::open(full, Secrets::Hidden).unwrap_err();
    assert!(matches!(error, NoRecorder::Io { .. }), "the header does not fit: {error}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &file,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    // A reader that goes away: every write fails from then on.
    let reader = std::thread::spawn({
        let file = file.clone();
        move || {
            std::io::BufRead::lines(std::io::BufReader::new(fs::File::open(file).unwrap()))
                .next()
                .unwrap()
                .unwrap()
        }
    });
    let recorder = Recorder::open(&file, Secrets::Hidden).unwrap();
    assert!(reader.join().unwrap().contains("ukey-trace"));
    let device = issued();
    device.record(recorder, "sim");
    device.info().unwrap();
    device.info().unwrap();
}

#[test]
fn what_is_no_trace_is_named_with_its_line() {
    let (_folder, file) = recorded(Dialect::GM2012, Secrets::Hidden);
    let sound = fs::read_to_string(&file).unwrap();
    let problem = |text: &str| Recording::parse(text.as_bytes()).map(drop).unwrap_err();
    assert!(Recording::parse(sound.as_bytes()).is_ok());
    let lines: Vec<&str> = sound.lines().collect();

    assert_eq!(problem(""), (1, Problem::NoHeader));
    assert_eq!(problem("{}\n"), (1, Problem::NoHeader));
    assert_eq!(problem("not a trace\n"), (1, Problem::NoHeader));
    let later = sound.replacen("\"version\":1", "\"version\":2", 1);
    assert_eq!(problem(&later), (1, Problem::Version { found: 2 }));
    let inside = format!("{}\n{}\nxyz\n{}\n", lines[0], lines[1], lines[2]);
    assert_eq!(problem(&inside), (3, Problem::NoJson));
    let half = format!("{}\n{}\n{}\n", lines[0], lines[1], &lines[2][..lines[2].len() - 20]);
    assert_eq!(problem(&half), (3, Problem::NoJson), "a line that was ended");
    assert_eq!(problem(&lines[0][..20]), (1, Problem::NoHeader), "nothing is left of it");
    let third = |from: &str, to: &str| {
        let changed = lines[2].replacen(from, to, 1);
        assert_ne!(changed, lines[2]);
        problem(&format!("{}\n{}\n{changed}\n", lines[0], lines[1]))
    };
    assert!(matches!(third("80040000", "8004000z"), (3, Problem::Bytes { field: "command", .. })));
    assert!(matches!(
        third("\"sequence\":1", "\"sequence\":\"one\""),
        (3, Problem::Field { field: "sequence", .. })
    ));
    assert!(matches!(third("\"connection\":1", "\"connection\":9"), (3, Problem::NoConnection)));
    let dialect = sound.replacen("gm2012", "latin", 1);
    assert!(matches!(problem(&dialect), (2, Problem::Dialect { .. })));
    let missing = Recording::read(Path::new("/no/such/file")).unwrap_err();
    assert_eq!(missing.line, 0);
    assert!(!missing.message_zh().is_empty());
    let unknown = format!("{}\n{}\n{}\n", lines[0], lines[1], lines[1].replacen("connected", "polished", 1));
    assert!(Recording::parse(unknown.as_bytes()).is_ok(), "events may be added");
}

#[test]
fn a_trace_that_was_cut_off_is_read_up_to_there() {
    let (_folder, file) = recorded(Dialect::GM2012, Secrets::Hidden);
    let sound = fs::read(&file).unwrap();
    let last = sound.iter().filter(|byte| **byte == b'\n').count();
    let whole = Recording::parse(&sound).unwrap();
    assert_eq!((whole.cut_off, whole.entries.last().unwrap().line), (None, last));
    // Where the last line that holds more than ASCII begins: it is cut inside of its characters, too.
    let lines: Vec<&[u8]> = sound.split_inclusive(|byte| *byte == b'\n').collect();
    let at = lines.iter().rposition(|line| !line.is_ascii()).unwrap();
    let before = lines[..at].concat();
    for length in 1..lines[at].len() - 1 {
        let cut = [&before, &lines[at][..length]].concat();
        let read = Recording::parse(&cut).unwrap();
        assert_eq!(read.cut_off, Some(at + 1), "{length} bytes of the line");
        assert!(read.entries.iter().all(|entry| entry.line <= at));
        assert_eq!(read.json(&Filter::default())["cut_off"], at + 1);
        let session = Session::read(&cut).unwrap();
        assert_eq!((session.cut_off, session.exchanges.len()), (Some(at + 1), read.exchanges().count()));
    }
    // Only its end is missing: the line is whole.
    let ended = Recording::parse(&sound[..sound.len() - 1]).unwrap();
    assert_eq!((ended.cut_off, ended.entries.len()), (None, whole.entries.len()));
}

#[test]
fn lines_of_hexadecimal_are_explained() {
    let text = "# a wrong PIN\n> 801800010000121000cf87862feb06659ed88a106109e742f0\n< 63c9\n80 04 00 00 00 00 00\n80500000000008 b12284f7e60fb45c9000\n";
    let session = Session::read(text).unwrap();
    let explained = session.explain(&Dialect::GM2012, Secrets::Hidden);
    assert_eq!(
        explained.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
        ["VerifyPin", "GetDevInfo", "GenRandom"]
    );
    let verify = explained[0].text();
    for part in ["application", "1000", "‹16 bytes›", "the user PIN", "63C9", "口令错误，剩余9次", "9.2.6"]
    {
        assert!(verify.contains(part), "{part}: {verify}");
    }
    assert!(!verify.contains("cf8786"), "{verify}");
    assert!(
        session.explain(&Dialect::GM2012, Secrets::Kept)[0]
            .text()
            .contains("cf87862feb06659ed88a106109e742f0")
    );
    assert!(explained[1].text().contains("no answer is known"));

    let wrong = |text: &str| Session::read(text).unwrap_err();
    assert_eq!(wrong("8004\nxy\n").line, 2);
    assert_eq!(wrong("< 9000\n").line, 1);
    assert_eq!(wrong("800400000000 9000 9000\n").line, 1);
    assert_eq!(wrong("{\"exchanges\": 3}\n").line, 1);
    assert_eq!(wrong("{\n\"exchanges\": \n").line, 3);
}

#[test]
fn a_captured_session_of_a_commercial_token_is_explained() {
    let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures/gm3000-session.json");
    let Ok(text) = fs::read_to_string(capture) else { return };
    let session = Session::read(&text).unwrap();
    assert_eq!(session.exchanges.len(), 18);
    let explained = session.explain(&Dialect::GM3000, Secrets::Hidden);
    let names: Vec<_> = explained.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(
        names.iter().filter(|name| **name == "ExportCertificate").count(),
        1,
        "two blocks are one: {names:?}"
    );
    let all: String = explained.iter().map(|one| one.text()).collect();
    for part in ["\"GM3000RSA\"", "anyone", "\"DefaultContainer\"", "-----BEGIN", "no command of GM/T 0017"] {
        let hex = hex::encode(part);
        assert!(all.contains(part) || all.contains(&hex), "{part}: {all}");
    }
}
