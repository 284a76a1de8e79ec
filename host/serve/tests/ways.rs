//! The ways to a key that is served: connections, pseudo-terminals, who is refused, and what is left behind.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use rustix::event::{PollFd, PollFlags};
use ukey_apdu::frame::{FLAG, Frame, Kind};
use ukey_device::running::control::{self, Request};
use ukey_device::running::{Registry, Watch};
use ukey_device::{Device, Hand, Options, Simulator, Target};
use ukey_serve::{ServeError, Server, Token, Way};

/// Servers of one folder, in which they are also listed.
struct Desk {
    folder: tempfile::TempDir,
    registry: Registry,
}

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::at(folder.path().join("running"));
        Desk { folder, registry }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self, ways: &[Way]) -> Result<Server, ServeError> {
        Server::start(&self.registry, vec![token(ways)], || {})
    }
}

fn token(ways: &[Way]) -> Token {
    Token {
        simulator: Simulator::fresh(&Options::default()).unwrap(),
        label: "标签".to_owned(),
        state: None,
        ways: ways.to_vec(),
    }
}

fn port() -> Way {
    Way::Tcp("127.0.0.1:0".to_owned())
}

fn line(path: &Path) -> Way {
    Way::Serial { path: path.to_owned(), baud: 115_200 }
}

fn connect(target: &Target) -> Device {
    target.connect(&Options::default()).unwrap()
}

/// The name of whoever has the key, by what a refused client is told.
fn refusal(target: &Target) -> String {
    let error = target.connect(&Options::default()).unwrap_err();
    assert!(error.is_busy(), "{error}");
    error.to_string()
}

/// Waits until the registry tells of an instance.
fn wait_for_news(watch: &mut Watch) {
    loop {
        rustix::event::poll(&mut [PollFd::new(watch, PollFlags::IN)], None).unwrap();
        if watch.has_news() {
            return;
        }
    }
}

#[test]
fn who_watches_the_registry_is_told_of_a_key_that_comes_or_goes() {
    let desk = Desk::new();
    let server = desk.start(&[port()]).unwrap();
    let [key] = server.keys() else { panic!("one key") };
    let mut watch = Watch::new(&desk.registry).unwrap();
    assert!(!watch.has_news());
    key.unplug();
    wait_for_news(&mut watch);
    key.plug_in().unwrap();
    wait_for_news(&mut watch);
    // Pulled in the middle of a client's work, too.
    let device = connect(&server.running()[0].targets[0]);
    key.unplug_after(0);
    assert!(device.random(8).unwrap_err().is_removed());
    wait_for_news(&mut watch);
}

#[test]
fn all_ways_lead_to_the_same_key_for_one_client_at_a_time() {
    let desk = Desk::new();
    let ways = [port(), Way::Unix(desk.path("socket")), line(&desk.path("line")), port()];
    let server = desk.start(&ways).unwrap();
    let running = &server.running()[0];
    assert_eq!(running.targets.len(), 4);
    for (at, target) in running.targets.iter().enumerate() {
        let device = connect(target);
        assert_eq!(device.info().unwrap().serial_number, running.serial_number, "{target}");
        let other = &running.targets[(at + 1) % running.targets.len()];
        let told = refusal(other);
        let expected = match target {
            Target::Serial { .. } => "client of",
            Target::Unix(_) => &format!("PID {}", std::process::id()),
            _ => "127.0.0.1:",
        };
        assert!(told.contains(expected), "{target}, {other}: {told}");
        device.random(8).unwrap();
    }
}

/// A connection to a port, once the token behind it has asked for its seed.
fn stranger(target: &Target) -> TcpStream {
    let Target::Tcp { address } = target else { panic!("{target}") };
    let mut stream = TcpStream::connect(address).unwrap();
    assert_eq!(frame(&mut stream), SEED);
    stream
}

/// The kind of the next frame, which is read whole; `None` at the end.
fn frame(stream: &mut TcpStream) -> Option<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < 2 || bytes.last() != Some(&FLAG) {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => bytes.extend(byte),
            _ => return None,
        }
    }
    Some(bytes[1])
}

const SEED: Option<u8> = Some(Kind::Seed as u8);
const REFUSED: Option<u8> = Some(Kind::Refused as u8);

#[test]
fn who_sends_no_frame_keeps_the_key_from_nobody() {
    let desk = Desk::new();
    let server = desk.start(&[port()]).unwrap();
    let target = &server.running()[0].targets[0];
    let state = || server.keys()[0].state();
    let (mut silent, mut noisy) = (stranger(target), stranger(target));
    noisy.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(frame(&mut noisy), REFUSED);
    assert_eq!((state().holder, state().refused_frames), (None, 1));
    let device = connect(target);
    device.random(8).unwrap();
    assert!(state().holder.is_some());
    // Now each of them says something: it is another's.
    let reset: Vec<u8> = Frame::plain(Kind::Reset, &[]).encode().unwrap().collect();
    for stranger in [&mut silent, &mut noisy] {
        stranger.write_all(&reset).unwrap();
        assert_eq!(frame(stranger), REFUSED);
        assert_eq!(frame(stranger), None, "and it is closed");
    }
    device.random(8).unwrap();
    drop(device);
    connect(target).random(8).unwrap();
}

#[test]
fn of_many_who_send_no_frame_the_oldest_goes() {
    let desk = Desk::new();
    let server = desk.start(&[port()]).unwrap();
    let target = &server.running()[0].targets[0];
    let mut strangers: Vec<TcpStream> = (0..17).map(|_| stranger(target)).collect();
    assert_eq!(frame(&mut strangers[0]), None, "it was closed");
    let reset: Vec<u8> = Frame::plain(Kind::Reset, &[]).encode().unwrap().collect();
    strangers[1].write_all(&reset).unwrap();
    assert_eq!(frame(&mut strangers[1]), SEED, "the next has the key now");
    // And keeps it, however many come.
    // And keeps it, however many come at once: each is told whose it is, and nobody goes for them.
    thread::scope(|scope| {
        let others: Vec<_> = (0..20).map(|_| scope.spawn(|| refusal(target))).collect();
        for other in others {
            let told = other.join().unwrap();
            assert!(told.contains(&strangers[1].local_addr().unwrap().to_string()), "{told}");
        }
    });
    for silent in &mut strangers[2..] {
        silent.write_all(&reset).unwrap();
        assert_eq!(frame(silent), REFUSED, "it is still there");
    }
    strangers[1].write_all(&reset).unwrap();
    assert_eq!(frame(&mut strangers[1]), SEED);
}

#[test]
fn who_waits_at_a_key_that_is_pulled_is_told() {
    let desk = Desk::new();
    let server = desk.start(&[port()]).unwrap();
    let mut silent = stranger(&server.running()[0].targets[0]);
    server.keys()[0].unplug();
    assert_eq!(frame(&mut silent), REFUSED);
    assert_eq!(frame(&mut silent), None);
}

#[test]
fn the_hand_in_the_registry_is_the_devices() {
    let desk = Desk::new();
    let server = desk.start(&[port()]).unwrap();
    let running = &server.running()[0];
    let device = connect(&running.targets[0]);
    let hand = desk.registry.hand(&running.serial_number).unwrap();
    hand.unplug();
    assert!(device.random(8).unwrap_err().is_removed());
    assert!(running.targets[0].connect(&Options::default()).unwrap_err().is_removed());
    let state = || desk.registry.instances().unwrap()[0].status().unwrap().remove(0);
    assert_eq!((state().plugged_in, state().holder), (false, None));
    hand.plug_in().unwrap();
    device.reconnect().unwrap();
    assert!(state().plugged_in && state().holder.is_some());
    hand.unplug_after(1);
    device.random(8).unwrap();
    assert!(device.random(8).unwrap_err().is_removed());
    assert!(desk.registry.hand("0000").is_none());
}

#[test]
fn a_running_token_says_what_it_heard_last() {
    let desk = Desk::new();
    let server = desk.start(&[port()]).unwrap();
    let running = &server.running()[0];
    let device = connect(&running.targets[0]);
    let instance = desk.registry.instances().unwrap().remove(0);
    let heard = |application: &str| {
        let (serial_number, application) = (running.serial_number.clone(), application.to_owned());
        control::ask(&instance.control, &Request::Heard { serial_number, application }).is_ok()
    };
    assert!(!heard("A") && !heard("0"));
    device.open_application("A").unwrap_err();
    assert!(heard("A") && !heard("B"));
    device.random(8).unwrap();
    assert!(heard("A"), "nothing else is heard");
    device.open_application("B").unwrap_err();
    assert!(heard("B") && !heard("A"));
}

#[test]
fn a_serial_line_survives_its_clients_and_the_pulling_of_the_key() {
    let desk = Desk::new();
    let server = desk.start(&[line(&desk.path("line"))]).unwrap();
    let target = &server.running()[0].targets[0];
    assert_eq!(*target, format!("serial:{}", desk.path("line").display()).parse().unwrap());
    for _ in 0..5 {
        connect(target).random(8).unwrap();
    }
    let device = connect(target);
    server.keys()[0].unplug();
    assert!(device.random(8).unwrap_err().is_removed());
    assert!(device.reconnect().unwrap_err().is_removed());
    server.keys()[0].plug_in().unwrap();
    device.reconnect().unwrap();
    device.random(8).unwrap();
    drop(device);
    drop(server);
    assert!(fs::symlink_metadata(desk.path("line")).is_err(), "the name is gone");
}

#[test]
fn what_is_stopped_leaves_nothing_behind() {
    let desk = Desk::new();
    let server = desk.start(&[port(), Way::Unix(desk.path("socket")), line(&desk.path("line"))]).unwrap();
    let target = server.running()[0].targets[0].clone();
    let device = connect(&target);
    drop(server);
    assert!(device.random(8).unwrap_err().is_removed());
    assert!(target.connect(&Options::default()).is_err());
    let left: Vec<_> =
        fs::read_dir(desk.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["running"]);
    assert_eq!(desk.registry.instances().unwrap(), []);
}

#[test]
fn what_others_have_is_refused_and_not_touched() {
    let desk = Desk::new();
    let (socket, letter) = (desk.path("socket"), desk.path("letter"));
    let _listener = UnixListener::bind(&socket).unwrap();
    fs::write(&letter, "a letter").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = Way::Tcp(listener.local_addr().unwrap().to_string());
    let start = |way: &Way| desk.start(&[port(), way.clone()]).unwrap_err();
    assert!(matches!(start(&Way::Unix(socket.clone())), ServeError::InUse { .. }));
    assert!(matches!(start(&Way::Unix(letter.clone())), ServeError::Exists { .. }));
    assert!(matches!(start(&line(&letter)), ServeError::Exists { .. } | ServeError::Line { .. }));
    assert!(matches!(start(&line(&desk.path("no/folder"))), ServeError::Line { .. }));
    assert!(matches!(start(&taken), ServeError::InUse { .. }));
    assert!(matches!(start(&Way::Tcp("192.0.2.1:0".into())), ServeError::Listen { .. }));
    assert_eq!(fs::read_to_string(letter).unwrap(), "a letter");
    assert!(socket.exists());
    assert_eq!(desk.registry.instances().unwrap(), []);
}

#[test]
fn what_a_dead_process_left_is_replaced() {
    let desk = Desk::new();
    let (socket, name) = (desk.path("socket"), desk.path("line"));
    drop(UnixListener::bind(&socket).unwrap());
    // The number may be somebody else's by now: ours is known by its spelling.
    symlink("/dev/./pts/0", &name).unwrap();
    symlink("/dev/./pts/4294967295", desk.path("line.new")).unwrap();
    let server = desk.start(&[Way::Unix(socket), line(&name)]).unwrap();
    for target in &server.running()[0].targets {
        connect(target).random(8).unwrap();
    }
}

#[test]
fn the_name_of_a_line_that_is_served_is_not_taken_away() {
    let desk = Desk::new();
    let server = desk.start(&[line(&desk.path("line"))]).unwrap();
    let again = Server::start(&desk.registry, vec![token(&[line(&desk.path("line"))])], || {});
    assert!(matches!(again, Err(ServeError::InUse { .. })));
    connect(&server.running()[0].targets[0]).random(8).unwrap();
}

#[test]
fn who_asks_for_the_end_is_heard_and_nonsense_is_not() {
    let desk = Desk::new();
    let (ask, asked) = mpsc::channel();
    let stop = move || ask.send(()).unwrap();
    let server = Server::start(&desk.registry, vec![token(&[port()]), token(&[port()])], stop).unwrap();
    let instance = desk.registry.instances().unwrap().remove(0);
    let unknown = Request::Plug { serial_number: "nobody".into() };
    assert!(control::ask(&instance.control, &unknown).unwrap_err().to_string().contains("nobody"));
    let mut stream = std::os::unix::net::UnixStream::connect(&instance.control).unwrap();
    Write::write_all(&mut stream, b"{\"verb\":\"burn\"}\n").unwrap();
    assert_eq!(Read::read(&mut stream, &mut [0; 16]).unwrap(), 0, "it hung up");
    assert!(asked.try_recv().is_err());
    let waiting = thread::spawn(move || instance.stop());
    asked.recv().unwrap();
    drop(server);
    waiting.join().unwrap().unwrap();
}

#[test]
fn a_real_line_is_served_too() {
    // A pseudo-terminal of somebody else's: we have the end that is called the terminal.
    let pair =
        rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
    rustix::pty::grantpt(&pair).unwrap();
    rustix::pty::unlockpt(&pair).unwrap();
    let name = rustix::pty::ptsname(&pair, Vec::new()).unwrap().into_string().unwrap();
    let desk = Desk::new();
    symlink(&name, desk.path("line")).unwrap();
    let server = desk.start(&[line(&desk.path("line"))]).unwrap();
    // What a client says at the other end: a reset.
    let reset = [0x7E, 4, 0, 0, 0, 0x8E, 0x32, 0x7E];
    rustix::io::write(&pair, &reset).unwrap();
    let mut answer = [0; 8];
    let mut have = 0;
    while have < answer.len() {
        have += rustix::io::read(&pair, &mut answer[have..]).unwrap();
    }
    assert_eq!((answer[0], answer[1]), (0x7E, 6), "it asks for its seed");
    let again =
        Server::start(&Registry::at(desk.path("other")), vec![token(&[line(&desk.path("line"))])], || {});
    assert!(again.is_err(), "the line is taken");
    drop(server);
    assert!(fs::symlink_metadata(desk.path("line")).is_ok(), "somebody else's name stays");
}
