//! Sockets and serial lines without a sound token behind them: what is said, and that it is said in time.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType};
use serialport::{SerialPort, TTYPort};
use ukey_device::link::framed::Limits;
use ukey_device::link::serial::Line;
use ukey_device::link::socket::{Tcp, Unix};
use ukey_device::{Error, Link, LinkError, Options, Place, Target};

const SHORT: Limits = Limits { silence: Duration::from_millis(50), tries: 2 };

fn refusal(place: &dyn Place) -> LinkError {
    place.link().map(drop).unwrap_err()
}

/// What happened and what to do, in both languages, by way of the target's text.
fn told(target: &str) -> [String; 4] {
    let error = target.parse::<Target>().unwrap().connect(&Options::default()).unwrap_err();
    let advice = |advice: Option<&str>| advice.expect("advice").to_owned();
    [error.to_string(), advice(error.help()), error.message_zh(), advice(error.help_zh())]
}

#[test]
fn a_host_that_is_not_there_is_named() {
    let [error, help, chinese, _] = told("tcp:no such host:1");
    assert!(error.starts_with("there is no host no such host: "), "{error}");
    assert!(help.contains("127.0.0.1") && chinese.starts_with("找不到主机no such host："), "{chinese}");
}

#[test]
fn where_nothing_listens_one_can_be_started() {
    // A port that somebody has, and does not listen at.
    let bound = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&bound, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = SocketAddr::try_from(rustix::net::getsockname(&bound).unwrap()).unwrap();
    let [error, help, chinese, help_zh] = told(&format!("tcp:{address}"));
    assert_eq!(error, format!("nothing listens at tcp:{address}"));
    assert_eq!(chinese, format!("tcp:{address}处没有程序在监听"));
    assert!(help.contains("ukey sim start --tcp") && help_zh.contains("ukey sim start --tcp"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let target = format!("unix:{}", path.display());
    let [error, help, ..] = told(&target);
    assert_eq!(error, format!("there is no socket {}", path.display()));
    assert!(help.contains("ukey sim start --unix"));
    drop(UnixListener::bind(&path).unwrap());
    assert_eq!(told(&target)[0], format!("nothing listens at {target}"), "its server has ended");
    let long = format!("unix:/{}", "x".repeat(200));
    let error = long.parse::<Target>().unwrap().connect(&Options::default()).unwrap_err();
    assert!(error.to_string().starts_with(&format!("{long} cannot be reached: ")), "{error}");
}

#[test]
fn what_is_no_serial_line_is_not_written_to() {
    let [error, help, chinese, _] = told("serial:/dev/no-such-line");
    assert_eq!(error, "there is no serial line /dev/no-such-line");
    assert!(help.contains("ttyUSB") && chinese == "串口/dev/no-such-line不存在");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "text").unwrap();
    for path in [file.as_path(), folder.path(), Path::new("/dev/null")] {
        let error = refusal(&Line::new(path, 115_200));
        assert_eq!(error.to_string(), format!("{} is no serial line", path.display()));
    }
    assert_eq!(fs::read(&file).unwrap(), b"text");
    assert_eq!("serial:/dev/a@0".parse::<Target>().unwrap_err().to_string(), "\"0\" is no baud rate");
}

/// The two ends of a line, and the path of the second. A line that nobody has open is an error to the first.
fn line() -> (TTYPort, TTYPort, String) {
    let (master, slave) = TTYPort::pair().unwrap();
    let path = slave.name().unwrap();
    (master, slave, path)
}

#[test]
fn a_line_that_another_holds_is_refused_with_its_name() {
    let (_master, _slave, path) = line();
    let place = Line::new(Path::new(&path), 9600).with_limits(SHORT);
    let held = File::options().read(true).write(true).open(&path).unwrap();
    held.lock().unwrap();
    let error = refusal(&place);
    let LinkError::Busy { place: name, holder: Some(holder) } = &error else { panic!("{error}") };
    assert_eq!(*name, format!("serial:{path}"));
    assert!(holder.ends_with(&format!("(PID {})", std::process::id())), "{holder}");
    assert_eq!(error.to_string(), format!("serial:{path} is in use by {holder}"));
    assert_eq!(error.message_zh(), format!("serial:{path}正被{holder}占用"));
    assert!(Error::from(error).is_busy());
    drop(held);
    // Its holder gone, it is opened; nobody answers at the other end.
    assert!(matches!(refusal(&place), LinkError::NoAnswer));
}

#[test]
fn a_line_whose_other_end_is_closed_is_a_key_that_is_gone() {
    let (mut master, _slave, path) = line();
    let peer = thread::spawn(move || {
        // Until it is asked for its first word.
        master.set_timeout(Duration::from_secs(60)).unwrap();
        master.read_exact(&mut [0; 1]).unwrap();
        drop(master);
    });
    let error = refusal(&Line::new(Path::new(&path), 115_200));
    assert!(matches!(error, LinkError::Removed), "{error}");
    peer.join().unwrap();
}

/// Takes one connection and does this with it.
fn with_peer(
    peer: impl FnOnce(TcpStream) + Send + 'static,
    limits: Limits,
) -> Result<Box<dyn Link>, LinkError> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let peer = thread::spawn(move || peer(listener.accept().unwrap().0));
    let link = Tcp::new(&address).with_limits(limits).link();
    peer.join().unwrap();
    link
}

#[test]
fn one_that_says_nothing_does_not_answer() {
    let silent = |mut stream: TcpStream| _ = stream.read_to_end(&mut Vec::new());
    assert!(matches!(with_peer(silent, SHORT), Err(LinkError::NoAnswer)));
    // Nor one that says something for ever.
    let talks = |mut stream: TcpStream| while stream.write_all(b"still no frame ").is_ok() {};
    assert!(matches!(with_peer(talks, SHORT), Err(LinkError::NoAnswer)));
    // Nor one that never takes a connection.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let _listener = UnixListener::bind(&path).unwrap();
    assert!(matches!(refusal(&Unix::new(&path).with_limits(SHORT)), LinkError::NoAnswer));
}

#[test]
fn one_that_speaks_no_frames_is_told_from_one_that_is_silent() {
    let babbles = |mut stream: TcpStream| while stream.write_all(b"~no frame~").is_ok() {};
    let error = with_peer(babbles, Limits::default()).map(drop).unwrap_err();
    assert!(matches!(error, LinkError::Garbled { bad: 16.. }), "{error}");
    assert!(error.message_zh().starts_with("无法识别UKey发来的数据"), "{}", error.message_zh());
    assert!(Error::from(error).help().unwrap().contains("baud"));
}
