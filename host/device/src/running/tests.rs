use std::io::BufReader;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::thread;

use super::control::{Answer, Request};
use super::*;

fn registry() -> (tempfile::TempDir, Registry) {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::at(folder.path().join("a/ukey"));
    (folder, registry)
}

fn token(serial_number: &str) -> Running {
    Running {
        serial_number: serial_number.to_owned(),
        label: "标签".to_owned(),
        state: Some("k.ukey".into()),
        targets: vec!["tcp:127.0.0.1:4711".parse().unwrap(), "serial:/dev/ttyS9@9600".parse().unwrap()],
        readers: Vec::new(),
    }
}

fn names(registry: &Registry) -> Vec<String> {
    let files = fs::read_dir(&registry.folder).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What a process that is no more has left.
fn leave_behind(registry: &Registry, pid: u32, text: &str) {
    for extension in ["json", "sock", "new"] {
        fs::write(registry.file(pid, extension), text).unwrap();
    }
}

#[test]
fn what_is_registered_is_listed_until_it_goes() {
    let (_folder, registry) = registry();
    assert_eq!(registry.instances().unwrap(), [], "there is no folder yet");
    assert!(!registry.folder.exists(), "and looking makes none");
    let (registered, _listener) = registry.register(vec![token("A"), token("B")]).unwrap();
    assert_eq!(fs::metadata(&registry.folder).unwrap().permissions().mode() & 0o777, 0o700);
    let pid = process::id();
    let control = registry.file(pid, "sock");
    assert_eq!(
        registry.instances().unwrap(),
        [Instance { pid, control: control.clone(), tokens: vec![token("A"), token("B")] }]
    );
    assert!(control.exists());
    assert!(matches!(registry.register(vec![]), Err(LinkError::Busy { .. })));
    assert_eq!(registry.instances().unwrap().len(), 1, "the refused one has spoilt nothing");
    drop(registered);
    assert_eq!(registry.instances().unwrap(), []);
    assert_eq!(names(&registry), ["lock"]);
}

#[test]
fn what_a_dead_process_left_is_swept() {
    let (_folder, registry) = registry();
    let (_registered, _listener) = registry.register(vec![token("A")]).unwrap();
    let entry = fs::read_to_string(registry.file(process::id(), "json")).unwrap();
    leave_behind(&registry, 1, &entry);
    leave_behind(&registry, 2, "half an ent");
    fs::write(registry.folder.join("letter"), "a letter").unwrap();
    assert_eq!(registry.instances().unwrap().len(), 1);
    let pid = process::id();
    assert_eq!(
        names(&registry),
        [format!("{pid}.json"), format!("{pid}.sock"), "letter".into(), "lock".into()]
    );
}

#[test]
fn what_a_dead_process_of_our_number_left_is_in_nobodys_way() {
    let (_folder, registry) = registry();
    DirBuilder::new().recursive(true).mode(0o700).create(&registry.folder).unwrap();
    leave_behind(&registry, process::id(), "{}");
    let (_registered, _listener) = registry.register(vec![token("A")]).unwrap();
    assert_eq!(registry.instances().unwrap().len(), 1);
}

#[test]
fn a_folder_of_others_is_refused() {
    let (folder, registry) = registry();
    let shared = folder.path().join("shared");
    fs::create_dir(&shared).unwrap();
    for mode in [0o770, 0o701, 0o755] {
        fs::set_permissions(&shared, fs::Permissions::from_mode(mode)).unwrap();
        let registry = Registry::at(&shared);
        assert!(matches!(registry.instances(), Err(LinkError::ForeignFolder { .. })), "{mode:o}");
        assert!(matches!(registry.register(vec![]), Err(LinkError::ForeignFolder { .. })), "{mode:o}");
        assert!(registry.hand("A").is_none());
    }
    let (_registered, _listener) = registry.register(vec![]).unwrap();
    let linked = folder.path().join("linked");
    symlink(&registry.folder, &linked).unwrap();
    assert!(matches!(Registry::at(linked).instances(), Err(LinkError::ForeignFolder { .. })), "a link");
    // Another owner's: only root can make one.
    if geteuid().is_root() {
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::chown(&shared, Some(1), None).unwrap();
        assert!(matches!(Registry::at(&shared).instances(), Err(LinkError::ForeignFolder { .. })));
    }
}

#[test]
fn an_entry_of_another_version_is_left_alone() {
    let (_folder, registry) = registry();
    let (_registered, _listener) = registry.register(vec![token("A")]).unwrap();
    let file = registry.file(process::id(), "json");
    let newer = fs::read_to_string(&file).unwrap().replace("\"version\":1", "\"version\":2");
    fs::write(&file, newer).unwrap();
    assert_eq!(registry.instances().unwrap(), []);
    assert!(file.exists());
}

/// Answers `count` requests, and gives them back.
fn instance(
    listener: UnixListener,
    count: usize,
    answer: fn(&Request) -> Answer,
) -> thread::JoinHandle<Vec<Request>> {
    thread::spawn(move || {
        let serve = |_| {
            let (stream, _) = listener.accept().unwrap();
            let request = control::receive(&mut BufReader::new(&stream)).unwrap().unwrap();
            control::send(&stream, &answer(&request)).unwrap();
            request
        };
        (0..count).map(serve).collect()
    })
}

#[test]
fn the_hand_reaches_the_one_token_of_its_number() {
    let (_folder, registry) = registry();
    let (_registered, listener) = registry.register(vec![token("A"), token("B"), token("B")]).unwrap();
    assert!(registry.hand("C").is_none());
    assert!(registry.hand("B").is_none(), "two have that number");
    let answered = instance(listener, 4, |request| match request {
        Request::Plug { .. } => Answer::Failed { reason: "the flash is damaged".to_owned() },
        _ => Answer::Done,
    });
    let hand = registry.hand("A").unwrap();
    hand.unplug();
    hand.unplug_after(3);
    let error = hand.plug_in().unwrap_err();
    assert!(matches!(&error, LinkError::NotDone { reason } if reason == "the flash is damaged"), "{error}");
    let (advice, advice_zh) = error.advice().unwrap();
    assert!(!advice.contains("reset") && !advice_zh.contains("reset"), "nobody knows of the state: {advice}");
    assert!(registry.instances().unwrap()[0].status().is_err(), "no status");
    let serial_number = || "A".to_owned();
    assert_eq!(
        answered.join().unwrap(),
        [
            Request::Unplug { serial_number: serial_number() },
            Request::UnplugAfter { serial_number: serial_number(), exchanges: 3 },
            Request::Plug { serial_number: serial_number() },
            Request::Status,
        ]
    );
}

/// One that takes nobody: those who want to be taken stand in a queue that is full.
#[test]
fn an_instance_that_is_stopped_is_waited_for_as_long_as_was_said() {
    let (_folder, registry) = registry();
    let (_registered, listener) = registry.register(vec![token("A")]).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let instance = &registry.instances().unwrap()[0];
    for _ in 0..3 {
        let error = instance.status_within(Duration::from_millis(20)).unwrap_err();
        let LinkError::Io { source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.kind(), io::ErrorKind::WouldBlock, "{source}");
    }
}

/// The words are frozen: other programs speak them.
#[test]
fn the_words_are_as_documented() {
    let mut line = Vec::new();
    control::send(&mut line, &Request::UnplugAfter { serial_number: "A".into(), exchanges: 3 }).unwrap();
    assert_eq!(line, b"{\"verb\":\"unplug_after\",\"serial_number\":\"A\",\"exchanges\":3}\n");
    line.clear();
    let heard = Request::Heard { serial_number: "A".into(), application: "B".into() };
    control::send(&mut line, &heard).unwrap();
    assert_eq!(line, b"{\"verb\":\"heard\",\"serial_number\":\"A\",\"application\":\"B\"}\n");
    line.clear();
    control::send(&mut line, &Answer::Done).unwrap();
    assert_eq!(line, b"{\"answer\":\"done\"}\n");
    let mut garbage = &b"{\"verb\":\"burn\"}\n{\"verb\":\"stop\"}\n"[..];
    assert!(control::receive::<Request>(&mut garbage).is_err());
    assert_eq!(control::receive::<Request>(&mut garbage).unwrap(), Some(Request::Stop));
    assert_eq!(control::receive::<Request>(&mut garbage).unwrap(), None);
    let (near, far) = UnixStream::pair().unwrap();
    drop(far);
    assert!(control::receive::<Request>(&mut BufReader::new(near)).unwrap().is_none());
}

#[cfg(target_os = "linux")]
#[test]
fn who_watches_is_told_of_instances_and_of_nothing_else() {
    let (_folder, registry) = registry();
    let mut watch = Watch::new(&registry).unwrap();
    assert!(!watch.has_news());
    let (registered, listener) = registry.register(vec![token("A")]).unwrap();
    assert!(watch.has_news());
    assert_eq!(registry.instances().unwrap().len(), 1);
    drop(listener);
    assert!(!watch.has_news(), "looking is no news");
    registered.changed();
    assert!(watch.has_news() && !watch.has_news());
    drop(registered);
    assert!(watch.has_news());
    // One that dies closes its entry, and no more.
    let file = File::create(registry.file(1, "json")).unwrap();
    assert!(!watch.has_news());
    drop(file);
    assert!(watch.has_news());
    assert!(matches!(Watch::new(&Registry::at("/dev/null/x")), Err(LinkError::Io { .. })));
}
