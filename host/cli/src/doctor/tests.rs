use std::path::{Path, PathBuf};

use ukey_device::Target;
use ukey_device::link::skf::{CALLED, NEEDED};

use super::checks::RUST_TARGET;
use super::facts::{
    Content, Devices, Facts, Folder, Image, Library, Line, Listener, Pcsc, Reader, StateFile, StrayChanges,
};
use super::library::{FUNCTIONS, USES, content};
use super::{Finding, Reached, State, Text, findings, steps, variables};

/// A machine on which everything works.
fn whole() -> Facts {
    let found = |name| (name, PathBuf::from("/usr/bin").join(name));
    let driver = PathBuf::from("/usr/lib/pcsc/drivers/serial/libifdvpcd.so");
    Facts {
        debian: true,
        systemd: true,
        programs: ["qemu-system-arm", "pcscd", "pdftotext", "openssl"].into_iter().map(found).collect(),
        rust_targets: Some(vec!["x86_64-unknown-linux-gnu".to_owned(), RUST_TARGET.to_owned()]),
        images: vec![Image { board: "mps2-an386".to_owned(), path: "an386".into(), built: true }],
        groups: vec!["users".to_owned()],
        pcsc: Pcsc {
            built: true,
            socket: "/run/pcscd/pcscd.comm".into(),
            listener: Listener::Answers,
            driver: Some(driver.clone()),
            configured: vec![("/etc/reader.conf.d/vpcd".into(), driver, true)],
            readers: Some(Ok(vec![Reader { name: "Reader 0".to_owned(), exclusive: false, mute: false }])),
            ..Pcsc::default()
        },
        lines: vec![line(true, None)],
        font: true,
        libraries: vec![library(Content::Exports(FUNCTIONS.iter().map(ToString::to_string).collect()))],
        ..Facts::default()
    }
}

fn line(allowed: bool, holder: Option<&str>) -> Line {
    let holder = holder.map(str::to_owned);
    Line { path: "/dev/ttyUSB0".into(), allowed, group: "dialout".to_owned(), holder }
}

fn library(content: Content) -> Library {
    Library { path: "vendor.so".into(), content }
}

/// The finding of one part of a machine that differs from a whole one.
fn found(check: &str, change: impl FnOnce(&mut Facts)) -> Finding {
    let mut facts = whole();
    change(&mut facts);
    let all = findings(&facts);
    let mut of = all.iter().filter(|finding| finding.check == check);
    let finding = of.next().unwrap_or_else(|| panic!("{check} in {all:#?}")).clone();
    assert_eq!(of.next(), None, "one finding for each part");
    assert!(!finding.reason.en.is_empty() && !finding.reason.zh.is_empty());
    if matches!(finding.state, State::Missing | State::Broken) {
        assert!(finding.command.is_some() || finding.advice.is_some(), "something to do: {finding:?}");
    }
    finding
}

/// As [`found`]; the state, and the command.
fn judged(check: &str, change: impl FnOnce(&mut Facts)) -> (State, String) {
    let finding = found(check, change);
    (finding.state, finding.command.unwrap_or_default())
}

#[test]
fn a_whole_machine_has_no_fault() {
    for finding in findings(&whole()) {
        assert_eq!(finding.state, State::Ok, "{finding:?}");
        assert_eq!((&finding.command, &finding.advice), (&None, &None), "nothing is to be done: {finding:?}");
    }
}

#[test]
fn an_empty_machine_lacks_much_and_nothing_is_broken() {
    let all = findings(&Facts::default());
    let state = |check: &str| all.iter().find(|finding| finding.check == check).unwrap().state;
    for check in
        ["rust-target", "qemu", "pcsc-feature", "pcscd", "vpcd", "chinese-font", "poppler", "openssl"]
    {
        assert_eq!(state(check), State::Missing, "{check}");
    }
    assert_eq!((state("serial"), state("pcsc-permission")), (State::NotNeeded, State::NotNeeded));
    assert!(all.iter().all(|finding| finding.state != State::Broken), "{all:#?}");
}

#[test]
fn what_is_missing_is_brought_by_a_command() {
    let lacks = |program: &'static str| move |facts: &mut Facts| drop(facts.programs.remove(program));
    let missing = |command: &str| (State::Missing, command.to_owned());
    assert_eq!(judged("qemu", lacks("qemu-system-arm")), missing("sudo apt-get install qemu-system-arm"));
    assert_eq!(judged("poppler", lacks("pdftotext")), missing("sudo apt-get install poppler-utils"));
    assert_eq!(judged("openssl", lacks("openssl")), missing("sudo apt-get install openssl"));
    assert_eq!(
        judged("chinese-font", |facts| (facts.font, facts.root) = (false, true)),
        missing("apt-get install fonts-wqy-microhei")
    );
    assert_eq!(
        judged("rust-target", |facts| facts.rust_targets = Some(Vec::new())),
        missing("rustup target add thumbv7em-none-eabihf")
    );
    assert!(judged("rust-target", |facts| facts.rust_targets = None).1.contains("rustup.rs"));
    assert_eq!(
        judged("board-image:mps2-an386", |facts| facts.images[0].built = false),
        missing("ukey board build")
    );
    assert!(judged("pcsc-feature", |facts| facts.pcsc.built = false).1.ends_with("--features pcsc"));
    let elsewhere = judged("qemu", |facts| {
        facts.debian = false;
        facts.programs.clear();
    });
    assert!(elsewhere.1.contains("that Debian calls qemu-system-arm"), "{elsewhere:?}");
}

#[test]
fn why_pcscd_is_not_reached() {
    let listener = |listener: Listener| move |facts: &mut Facts| facts.pcsc.listener = listener;
    let stopped = found("pcscd", listener(Listener::Absent));
    assert_eq!(stopped.state, State::Broken);
    assert!(stopped.reason.en.contains("installed and not running"), "{stopped:?}");
    assert_eq!(stopped.command.as_deref(), Some("sudo systemctl start pcscd.socket"));
    let without_systemd = found("pcscd", |facts| {
        facts.pcsc.listener = Listener::Absent;
        (facts.systemd, facts.root) = (false, true);
    });
    assert_eq!(without_systemd.command.as_deref(), Some("pcscd"));
    assert_eq!(judged("pcscd", listener(Listener::Gone)).1, "sudo systemctl restart pcscd.socket pcscd");
    assert!(judged("pcscd", listener(Listener::Denied)).1.starts_with("sudo chmod"));
    let failed = found("pcscd", listener(Listener::Failed("the moon".to_owned())));
    assert!(failed.reason.en.contains("the moon") && failed.state == State::Broken);
    let of_a_container = found("pcscd", |facts| {
        facts.pcsc.listener = Listener::Absent;
        facts.pcsc.process = Some(7);
    });
    assert_eq!(of_a_container.command.as_deref(), Some("sudo systemctl start pcscd.socket"));
    let elsewhere = found("pcscd", |facts| {
        facts.pcsc.socket = "/elsewhere/pcscd.comm".into();
        facts.pcsc.listener = Listener::Absent;
        facts.pcsc.process = Some(17);
    });
    assert!(elsewhere.reason.en.contains("PID 17"), "{elsewhere:?}");
    let not_there = judged("pcscd", |facts| {
        facts.programs.remove("pcscd");
        facts.pcsc.listener = Listener::Absent;
    });
    assert_eq!(not_there, (State::Missing, "sudo apt-get install pcscd".to_owned()));
    // Whoever listens there is reached, wherever its program lies.
    assert_eq!(judged("pcscd", lacks_pcscd).0, State::Ok);
}

fn lacks_pcscd(facts: &mut Facts) {
    facts.programs.remove("pcscd");
}

#[test]
fn who_pcscd_lets_in_and_what_its_readers_do() {
    let refused = |polkit, root| {
        judged("pcsc-permission", move |facts: &mut Facts| {
            facts.pcsc.readers = Some(Err(Text::new("access denied", "拒绝访问")));
            (facts.pcsc.polkit, facts.root) = (polkit, root);
        })
    };
    assert!(refused(true, false).1.contains("polkit"));
    assert_eq!(refused(true, true), (State::Broken, "systemctl restart pcscd".to_owned()));
    assert_eq!(judged("pcsc-permission", |facts| facts.pcsc.readers = None).0, State::NotNeeded);
    let reader = |exclusive, mute| {
        found("reader:R", move |facts: &mut Facts| {
            facts.pcsc.readers = Some(Ok(vec![Reader { name: "R".to_owned(), exclusive, mute }]));
        })
    };
    assert_eq!(reader(false, false).state, State::Ok);
    assert!(reader(true, false).reason.en.contains("for itself"));
    assert!(reader(false, true).reason.en.contains("does not answer"));
}

#[test]
fn the_virtual_reader_is_half_installed() {
    let gone = found("vpcd", |facts| facts.pcsc.configured[0].2 = false);
    assert!(gone.state == State::Broken && gone.reason.en.contains("which is not there"), "{gone:?}");
    let nobody = judged("vpcd", |facts| facts.pcsc.configured.clear());
    assert_eq!(nobody, (State::Broken, "sudo apt-get install --reinstall vsmartcard-vpcd".to_owned()));
    let nothing = judged("vpcd", |facts| {
        facts.pcsc.configured.clear();
        facts.pcsc.driver = None;
    });
    assert_eq!(nothing, (State::Missing, "sudo apt-get install vsmartcard-vpcd".to_owned()));
    let twice = found("vpcd", |facts| {
        let mut second = facts.pcsc.configured[0].clone();
        second.0 = "/etc/reader.conf.d/second".into();
        facts.pcsc.configured.push(second);
    });
    assert!(twice.state == State::Broken && twice.reason.en.contains("pcscd hangs"), "{twice:?}");
}

#[test]
fn a_serial_line_belongs_to_a_group() {
    let check = "serial:/dev/ttyUSB0";
    let denied = judged(check, |facts| facts.lines = vec![line(false, None)]);
    assert_eq!(denied.0, State::Broken);
    assert!(denied.1.contains("usermod --append --groups dialout"), "{denied:?}");
    let member = judged(check, |facts| {
        facts.groups.push("dialout".to_owned());
        facts.lines = vec![line(false, None)];
    });
    assert_eq!(member, (State::Broken, "sudo chmod g+rw /dev/ttyUSB0".to_owned()));
    let busy = found(check, |facts| facts.lines = vec![line(true, Some("minicom (PID 4)"))]);
    assert!(busy.state == State::Ok && busy.reason.en.contains("minicom (PID 4)"), "{busy:?}");
}

#[test]
fn the_folder_of_running_tokens_is_this_users_alone() {
    let folder = |folder: Folder| {
        judged("runtime-folder", move |facts: &mut Facts| {
            facts.runtime.path = "/run/ukey".into();
            facts.runtime.folder = folder;
        })
    };
    assert_eq!(folder(Folder::Own { alive: 2, stale: 0 }).0, State::Ok);
    assert_eq!(folder(Folder::Own { alive: 0, stale: 3 }).0, State::Ok);
    assert_eq!(folder(Folder::Open { mode: 0o755 }), (State::Broken, "chmod 700 /run/ukey".to_owned()));
    assert!(folder(Folder::Foreign).1.starts_with("export UKEY_RUNTIME_DIR="));
    assert_eq!(folder(Folder::Unreadable("no".to_owned())).0, State::Broken);
}

#[test]
fn a_state_file_is_sound_or_held_or_damaged() {
    let file = |content, holder: Option<&str>| {
        let file = StateFile { path: "a.ukey".into(), content, holder: holder.map(str::to_owned) };
        found("state:a.ukey", |facts| facts.states = vec![file])
    };
    assert_eq!(file(Ok("0011".to_owned()), None).state, State::Ok);
    let held = file(Ok("0011".to_owned()), Some("ukey (PID 4)"));
    assert!(held.state == State::Ok && held.reason.en.contains("in use by ukey (PID 4)"), "{held:?}");
    let bad = (Text::new("it is damaged", "已损坏"), Some(Text::new("go back", "恢复备份")));
    assert_eq!(file(Err(bad), None).state, State::Broken);
}

#[test]
fn changes_without_their_file_are_named_with_the_command_that_removes_them() {
    for (is_there, says) in [(true, "nothing to do with a.ukey"), (false, "which is not there")] {
        let stray = StrayChanges { path: "a.ukey.changes".into(), file: "a.ukey".into(), is_there };
        let finding = found("changes:a.ukey", |facts| facts.strays = vec![stray]);
        assert!(finding.state == State::Broken && finding.reason.en.contains(says), "{finding:?}");
        assert_eq!(finding.command.as_deref(), Some("rm a.ukey.changes"));
    }
}

#[test]
fn an_skf_library_that_does_not_load_says_why() {
    let of = |content| found("library:vendor.so", |facts| facts.libraries = vec![library(content)]);
    assert_eq!(of(Content::Absent).state, State::Missing);
    assert_eq!(of(Content::Unreadable("no".to_owned())).command.as_deref(), Some("chmod a+r vendor.so"));
    assert!(of(Content::NoLibrary).reason.en.contains("is no library"));
    let (its, ours) = ("loong64".to_owned(), "amd64".to_owned());
    let foreign = of(Content::Foreign { its, ours });
    assert!(foreign.reason.en.contains("is for loong64, and this program is for amd64"), "{foreign:?}");
    let none = of(Content::Exports(vec!["main".to_owned()]));
    assert!(none.state == State::Broken && none.reason.en.contains("no SKF library"), "{none:?}");
    let with = |keep: &dyn Fn(&str) -> bool| {
        of(Content::Exports(FUNCTIONS.iter().filter(|name| keep(name)).map(ToString::to_string).collect()))
    };
    let some = with(&|name| !name.contains("RSA"));
    assert!(some.state == State::Ok && some.reason.en.contains("SKF_RSASignData"), "{some:?}");
    assert!(!some.reason.en.contains("SKF_ECCSignData"));

    let unusable = with(&|name| !["SKF_ConnectDev", "SKF_VerifyPIN", "SKF_ECCSignData"].contains(&name));
    assert_eq!(unusable.state, State::Broken);
    assert_eq!(
        unusable.reason.en,
        "vendor.so cannot be used at all: no key is reached without SKF_ConnectDev, SKF_VerifyPIN"
    );
    let hardly = with(&|name| NEEDED.contains(&name));
    assert_eq!(hardly.state, State::Partial);
    for text in
        ["lacks 65 of 71", "list applications, as `ukey info` does (no SKF_EnumApplication)", "sign with SM2"]
    {
        assert!(hardly.reason.en.contains(text), "{hardly:?}");
    }
    assert!(
        hardly.reason.zh.contains("列出应用（ukey info）（缺少SKF_EnumApplication）")
            && hardly.advice.is_some()
    );
    let unsigned = with(&|name| name != "SKF_ECCSignData");
    assert_eq!(
        unsigned.reason.en,
        "lacks 1 of 71 functions; with it one cannot sign with SM2 (no SKF_ECCSignData)"
    );
}

/// What is missing has a consequence, and one only.
#[test]
fn every_function_of_the_standard_that_is_called_is_there_for_something() {
    for function in CALLED.iter().filter(|function| FUNCTIONS.contains(function)) {
        let uses = USES.iter().filter(|(.., functions)| functions.contains(function)).count();
        assert_eq!(uses + usize::from(NEEDED.contains(function)), 1, "{function}");
    }
    for function in USES.iter().flat_map(|(.., functions)| functions.iter()).chain(&NEEDED) {
        assert!(CALLED.contains(function) && FUNCTIONS.contains(function), "{function}");
    }
}

#[test]
fn the_file_that_names_the_devices_of_the_library_is_judged() {
    let of = |content, is_overruled| {
        let devices = Devices { path: "skf.toml".into(), content, is_overruled };
        found("skf-devices:skf.toml", |facts| facts.devices = Some(devices))
    };
    let two = of(Ok(vec!["sim".to_owned(), "sim:a.ukey".to_owned()]), false);
    assert_eq!((two.state, two.reason.en.as_str()), (State::Ok, "sim, sim:a.ukey"));
    assert!(of(Ok(Vec::new()), false).reason.en.contains("that run on this machine"));
    let mistake = || Err((Text::new("entry 2 is none", "第2项有误"), Text::new("a right one", "正确写法")));
    assert_eq!(of(mistake(), false).state, State::Broken);
    let overruled = of(mistake(), true);
    assert!(overruled.state == State::NotNeeded && overruled.reason.en.starts_with("UKEY_SKF_TARGETS names"));
}

#[test]
fn a_file_is_told_from_a_library() {
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(content(b"a text", &own), Content::NoLibrary);
    assert!(matches!(content(&own, &own), Content::Exports(_)));
    // EM_LOONGARCH, in the place of this machine's number.
    let mut foreign = own.clone();
    foreign[18..20].copy_from_slice(&258_u16.to_le_bytes());
    let told = content(&foreign, &own);
    assert!(matches!(&told, Content::Foreign { its, .. } if its == "loong64"), "{told:?}");
}

#[test]
fn a_variable_makes_sense_or_is_named() {
    let fault = |name, value| variables::fault(name, value).map(|finding| finding.reason.en);
    for (name, value) in [
        ("UKEY_TARGET", "pcsc:Reader"),
        ("UKEY_SKF_TARGETS", "sim; sim:a.ukey"),
        ("UKEY_DIALECT", "auto"),
        ("UKEY_PIN", ""),
        ("UKEY_TEST_ANYTHING", "x"),
    ] {
        assert_eq!(fault(name, value), None, "{name}={value}");
    }
    assert!(fault("UKEY_TARGET", "usb").unwrap().contains("\"usb\" is no target"));
    let second = fault("UKEY_SKF_TARGETS", "sim;usb").unwrap();
    assert!(second.starts_with("UKEY_SKF_TARGETS: entry 2 of 2: \"usb\" is no target"), "{second}");
    let library = variables::fault("UKEY_SKF_TARGETS", "skf:libvendor.so").unwrap();
    assert!(library.reason.en.contains("let the program load libvendor.so itself"), "{library:?}");
    assert!(library.advice.unwrap().zh.contains("UKEY_SKF_TARGETS='sim:"));
    assert!(fault("UKEY_DIALECT", "elvish").unwrap().contains("elvish"));
    assert!(fault("UKEY_TARGETS", "sim").unwrap().contains("UKEY_TARGET may be meant"));
    let strange = fault("UKEY_SOMETHING_ELSE", "x").unwrap();
    assert!(!strange.contains("may be meant"), "{strange}");
    let told = variables::fault("UKEY_PINN", "12345678").unwrap();
    assert!(!format!("{told:?}").contains("12345678"), "no value is told of a name that may mean a PIN");
    assert_eq!(
        judged("variable:UKEY_X", |facts| facts.variables = vec![("UKEY_X".into(), String::new())]).1,
        "unset UKEY_X"
    );
}

/// Every name `"UKEY_…"` in the sources, but for those of tests, is one that the doctor knows.
#[test]
fn every_variable_of_the_sources_is_known() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders: Vec<_> = ["apdu", "host", "features", "benches"].map(|room| root.join(room)).into();
    let is_test = |path: &Path| path.ends_with("tests") || path.ends_with("tests.rs");
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if is_test(&path) || path.ends_with("target") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for piece in text.split('"').filter(|piece| piece.starts_with("UKEY_")) {
                    let is_name = piece.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_');
                    if is_name && piece != "UKEY_" {
                        seen += 1;
                        assert!(variables::holds(piece).is_some(), "{piece} in {}", path.display());
                    }
                }
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

fn reached() -> Reached {
    Reached::Token { serial_number: "0011".to_owned(), label: "mine".to_owned() }
}

fn steps_to(target: &str, facts: &Facts, reach: impl FnOnce() -> Reached) -> Vec<(String, State)> {
    let target: Target = target.parse().unwrap();
    let steps = steps(&target, facts, reach);
    steps.into_iter().map(|step| (step.check, step.state)).collect()
}

#[test]
fn the_way_to_a_target_is_walked_until_something_stands_in_it() {
    let names = |target: &str| {
        let steps = steps_to(target, &whole(), reached);
        assert!(steps.iter().all(|(_, state)| *state == State::Ok), "{steps:?}");
        steps.into_iter().map(|(check, _)| check).collect::<Vec<_>>()
    };
    assert_eq!(names("sim"), ["target:sim"]);
    assert_eq!(
        names("pcsc:Reader"),
        ["pcsc-feature", "pcscd", "pcsc-permission", "reader:Reader 0", "target:pcsc:Reader"]
    );
    assert_eq!(names("qemu:mps2-an386"), ["qemu", "board-image:mps2-an386", "target:qemu:mps2-an386"]);
    assert_eq!(names("skf:vendor.so"), ["library:vendor.so", "target:skf:vendor.so"]);
    assert_eq!(names("serial:/dev/ttyUSB0"), ["serial:/dev/ttyUSB0", "target:serial:/dev/ttyUSB0"]);
    assert_eq!(names("tcp:127.0.0.1:1"), ["runtime-folder", "target:tcp:127.0.0.1:1"]);

    let mut stopped = whole();
    stopped.pcsc.listener = Listener::Absent;
    let steps = steps_to("pcsc:Reader", &stopped, || panic!("there is no way"));
    assert_eq!(steps[1], ("pcscd".to_owned(), State::Broken));
    assert_eq!(steps.last().unwrap().1, State::NotNeeded, "{steps:?}");
}

#[test]
fn what_connecting_says_is_the_last_step() {
    let failed = || Reached::Failed { reason: Text::new("nothing listens", "无人监听"), advice: None };
    assert_eq!(steps_to("sim", &whole(), failed), [("target:sim".to_owned(), State::Broken)]);
    assert_eq!(steps_to("sim", &whole(), || Reached::TooLong)[0].1, State::Broken);
}
