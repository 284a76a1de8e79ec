//! `ukey sim start`, `ls`, `stop`, `plug`, `unplug`: the program as a developer starts it, from outside.

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdout, Stdio};

use common::Desk;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{AddressFamily, SocketType};
use serde_json::Value;
use ukey_device::{CreateApplication, DeviceKey, Pin, Rights, Target};

/// A running `ukey sim start`, killed when it is dropped.
struct Started {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Started {
    /// Starts it, without waiting for anything.
    fn new(desk: &Desk, arguments: &[&str]) -> Started {
        let arguments = [&["sim", "start", "--format", "json"], arguments].concat();
        let mut child =
            desk.command(&arguments, &[]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Started { child, out }
    }

    /// What is said of the next token that is ready.
    fn ready(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&ready["version"], &ready["pid"]), (&1.into(), &self.child.id().into()));
        ready
    }

    fn signal(&self, signal: &str) {
        let kill = std::process::Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// Waits for its end: the exit code, or none where a signal ended it.
    fn ended(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // One that has ended already needs no kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listed(desk: &Desk) -> Vec<Value> {
    let json = desk.run(&["sim", "ls", "--format", "json"], &[]).succeeds().json();
    assert_eq!(json["version"], 1);
    json["tokens"].as_array().unwrap().clone()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

fn target(ready: &Value) -> &str {
    ready["targets"][0].as_str().unwrap()
}

#[test]
fn a_developers_token_is_there_with_one_command() {
    let desk = Desk::new();
    let mut started = Started::new(&desk, &[]);
    let ready = started.ready();
    assert!(target(&ready).starts_with("tcp:127.0.0.1:") && !target(&ready).ends_with(":0"), "{ready}");
    assert_eq!((text(&ready, "label"), &ready["state"]), ("UKEY developer", &Value::Null));
    let info = desk.run(&["info", "--target", target(&ready), "--format", "json"], &[]).succeeds().json();
    assert_eq!(info["serial_number"], ready["serial_number"]);
    let pin = [("UKEY_PIN", "12345678")];
    desk.run(&["pin", "verify", "--target", target(&ready)], &pin).succeeds();

    let row = &listed(&desk)[0];
    for name in ["pid", "serial_number", "label", "targets"] {
        assert_eq!(row[name], ready[name], "{name}");
    }
    assert_eq!((&row["plugged_in"], &row["holder"]), (&true.into(), &Value::Null));
    let table = desk.run(&["sim", "ls"], &[]).succeeds().out;
    assert!(table.contains(text(&ready, "serial_number")) && table.contains(target(&ready)), "{table}");

    started.signal("-TERM");
    assert_eq!(started.ended(), Some(0));
    assert_eq!(listed(&desk), [] as [Value; 0]);
    desk.run(&["info", "--target", target(&ready)], &[]).fails(5);
    desk.run(&["sim", "unplug"], &[]).fails(2).says("no simulated token runs").says("ukey sim start");
}

/// What a key without an application is told to do is done.
#[test]
fn a_token_that_runs_is_made_a_developers_over_its_link() {
    let pin = [("UKEY_PIN", "12345678")];
    for (policy, tries) in [
        (&[][..], 10),
        (&["--policy", "gm0027"], 10),
        (&["--policy", "gm0027", "--policy", "max-tries=5"], 5),
    ] {
        let desk = Desk::new();
        let mut started = Started::new(&desk, &[&["--factory"], policy].concat());
        let ready = started.ready();
        let at = ["--target", target(&ready)];
        let run = |arguments: &[&str]| desk.run(&[arguments, &at].concat(), &pin);
        run(&["pin", "verify"])
            .fails(2)
            .says("no application")
            .says("`ukey sim reset`, of the same --target");
        let out = run(&["sim", "reset"]).succeeds().out;
        assert!(
            out.contains(text(&ready, "serial_number"))
                && out.contains(&format!("user PIN           12345678, {tries} tries")),
            "{out}"
        );
        run(&["pin", "verify"]).succeeds();
        run(&["sim", "reset"]).fails(2).says("holds the token").says("--yes");
        run(&["pin", "verify"]).succeeds();
        run(&["sim", "reset", "--yes"]).succeeds();
        run(&["pin", "verify"]).succeeds();
        run(&["sim", "reset", "--yes", "--policy", "one-use=on"]).fails(2).says("policies of its own");
        run(&["sim", "reset", "--yes", "--factory"]).succeeds();
        assert!(run(&["info"]).succeeds().out.contains("none: a factory token"));
    }
}

/// An application with PINs of another length than the developer's: its name.
fn application(target: &Target, long: bool) -> &'static str {
    let device = target.connect(&ukey_device::Options::default()).unwrap();
    let factory_key = ukey_flows::production::FACTORY_DEVICE_KEY;
    device.authenticate(&factory_key).unwrap();
    if long {
        device.change_device_key(&factory_key, &DeviceKey(*b"8765432187654321")).unwrap();
    }
    let pin = |text: &[u8]| Pin::new(text).unwrap();
    let [admin_pin, user_pin] =
        if long { [pin(b"987654321"), pin(b"123456789")] } else { [pin(b"7654321"), pin(b"1234567")] };
    let application = CreateApplication {
        name: b"OWN",
        admin_pin,
        admin_retries: 3,
        user_pin,
        user_retries: 3,
        create_file: Rights::USER,
        max_containers: 1,
        max_certificates: 1,
        max_files: 1,
    };
    device.create_application(&application).unwrap();
    "OWN"
}

/// What does not suit the developer's PINs is found before anything is lost.
#[test]
fn a_token_that_takes_no_developers_pin_keeps_what_it_has() {
    for limits in [["min-pin=9", "changed-device-key=on"], ["max-pin=7", "max-tries=3"]] {
        let desk = Desk::new();
        let policy = ["--factory", "--policy", limits[0], "--policy", limits[1]];
        let mut started = Started::new(&desk, &policy);
        let ready = started.ready();
        let run = |arguments: &[&str]| desk.run(&[arguments, &["--target", target(&ready)]].concat(), &[]);
        run(&["sim", "reset"]).fails(2).says("8 characters").says("nothing was changed").says("--factory");
        assert!(run(&["info"]).succeeds().out.contains("none: a factory token"));
        let own = application(&target(&ready).parse().unwrap(), limits[0] == "min-pin=9");
        run(&["sim", "reset", "--yes"]).fails(2).says("8 characters").says("nothing was changed");
        assert!(run(&["info"]).succeeds().out.contains(own));
    }
}

/// Nobody of this machine holds it in the hand, as far as this program can tell.
#[test]
fn a_real_key_is_no_developers() {
    let desk = Desk::new();
    let mut started = Started::new(&desk, &[]);
    let ready = started.ready();
    let arguments = ["sim", "reset", "--yes", "--target", target(&ready)];
    let mut command = desk.command(&arguments, &[]);
    let refused = command.env("UKEY_RUNTIME_DIR", desk.path("elsewhere")).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && said.contains("was not touched"), "{said}");
    desk.run(&["pin", "verify", "--target", target(&ready)], &[("UKEY_PIN", "12345678")]).succeeds();
}

/// A token of this machine that has its number, and a client of its own, does not make it ours.
#[test]
fn a_key_with_the_number_of_a_token_that_runs_here_is_not_erased() {
    let (desk, others) = (Desk::new(), Desk::new());
    let numbered = ["--serial-number", "K"];
    let (mut real, mut twin) = (Started::new(&others, &numbered), Started::new(&desk, &numbered));
    let (real, twin) = (real.ready(), twin.ready());
    assert_eq!((text(&real, "serial_number"), text(&twin, "serial_number")), ("K", "K"));
    let at_twin: Target = target(&twin).parse().unwrap();
    let client = at_twin.connect(&ukey_device::Options::default()).unwrap();
    assert_ne!(listed(&desk)[0]["holder"], Value::Null, "in use");
    let reset = ["sim", "reset", "--yes", "--target"];
    desk.run(&[&reset[..], &[target(&real)]].concat(), &[]).fails(2).says("was not touched");
    others.run(&["pin", "verify", "--target", target(&real)], &[("UKEY_PIN", "12345678")]).succeeds();
    drop(client);
    desk.run(&[&reset[..], &[target(&twin)]].concat(), &[]).succeeds();
}

#[test]
fn a_token_in_a_file_keeps_what_its_clients_do() {
    let desk = Desk::with_token();
    let start = || Started::new(&desk, &["--state", "ukey.ukey", "--unix", "socket", "--label", "柜台一号"]);
    let mut started = start();
    let ready = started.ready();
    assert_eq!(text(&ready, "label"), "柜台一号");
    assert_eq!(text(&ready, "state"), desk.path("ukey.ukey").canonicalize().unwrap().to_str().unwrap());
    let verify = ["pin", "verify", "--target", target(&ready)];
    let wrong = [("UKEY_PIN", "00000000")];
    desk.run(&verify, &wrong).fails(1).says("9 tries left");
    desk.run(&["info"], &[]).fails(5).says("in use");
    started.signal("-KILL");
    assert_eq!(started.ended(), None);

    // What a dead process left is in nobody's way, and the try is spent.
    assert!(desk.path("socket").exists());
    assert_eq!(listed(&desk), [] as [Value; 0]);
    let mut started = start();
    assert_eq!(target(&started.ready()), target(&ready));
    desk.run(&verify, &wrong).fails(1).says("8 tries left");
    started.signal("-INT");
    assert_eq!(started.ended(), Some(0));
    assert!(!desk.path("socket").exists());
    desk.run(&["info"], &[]).succeeds();
}

/// Its state is sound: nobody is to lose it for that.
#[test]
fn a_file_that_cannot_be_written_is_told_by_its_process_and_no_reason_to_reset() {
    let desk = Desk::new();
    fs::create_dir(desk.path("gone")).unwrap();
    desk.run(&["sim", "reset", "--state", "gone/k.ukey"], &[]).succeeds();
    let log = desk.path("log");
    let arguments = ["sim", "start", "--format", "json", "--state", "gone/k.ukey"];
    let mut command = desk.command(&arguments, &[]);
    let log_file = fs::File::create(&log).unwrap();
    let mut child = command.stdout(Stdio::piped()).stderr(log_file).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut started = Started { child, out };
    let ready = started.ready();
    fs::rename(desk.path("gone"), desk.path("elsewhere")).unwrap();
    let wrong = [("UKEY_PIN", "00000000")];
    let refused = desk.run(&["pin", "verify", "--target", target(&ready)], &wrong).fails(5);
    let place = |what: &str| refused.talk.find(what).unwrap_or_else(|| panic!("{what}: {}", refused.talk));
    assert!(place("sim start") < place("sim reset"), "{}", refused.talk);
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.contains("No such file or directory"), "{said}");

    desk.run(&["sim", "unplug"], &[]).succeeds();
    let plug = desk.run(&["sim", "plug"], &[]).fails(5).says("No such file or directory");
    assert!(!plug.talk.contains("sim reset"), "{}", plug.talk);

    // Once its place is back, the token is, with all it had.
    fs::rename(desk.path("elsewhere"), desk.path("gone")).unwrap();
    desk.run(&["sim", "plug"], &[]).succeeds();
    desk.run(&["pin", "verify", "--target", target(&ready)], &[("UKEY_PIN", "12345678")]).succeeds();
}

#[test]
fn several_tokens_run_in_several_processes() {
    let desk = Desk::new();
    let two = [
        "--count",
        "2",
        "--factory",
        "--serial-number",
        "K",
        "--unix",
        "s",
        "--serial",
        "line",
        "--seed",
        "5",
    ];
    let mut first = Started::new(&desk, &two);
    let tokens = [first.ready(), first.ready()];
    assert_eq!(tokens.each_ref().map(|token| text(token, "serial_number")), ["K-1", "K-2"]);
    let mut second = Started::new(&desk, &["--factory", "--seed", "6"]);
    let third = second.ready();

    for token in tokens.iter().chain([&third]) {
        for target in token["targets"].as_array().unwrap() {
            let target = target.as_str().unwrap();
            let info = desk.run(&["info", "--target", target, "--format", "json"], &[]).succeeds().json();
            assert_eq!(info["serial_number"], token["serial_number"], "{target}");
        }
    }
    let names = |tokens: &[Value]| {
        let mut names: Vec<_> = tokens.iter().map(|token| text(token, "serial_number").to_owned()).collect();
        names.sort();
        names
    };
    let all = [&tokens[..], std::slice::from_ref(&third)].concat();
    assert_eq!(names(&listed(&desk)), names(&all));

    // Nobody guesses which one is meant.
    let ambiguous = desk.run(&["sim", "unplug"], &[]).fails(2).says("3 simulated tokens run");
    assert!(names(&all).iter().all(|name| ambiguous.talk.contains(name)), "{}", ambiguous.talk);
    desk.run(&["sim", "stop"], &[]).fails(2).says("name one of them");
    desk.run(&["sim", "unplug", "K-3"], &[]).fails(2).says("K-3");
    desk.run(&["sim", "stop", "K-2"], &[]).succeeds();
    assert_eq!(first.ended(), Some(0), "both of its tokens go with it");
    for left in ["s-1", "s-2", "line-1", "line-2"] {
        assert!(fs::symlink_metadata(desk.path(left)).is_err(), "{left}");
    }
    assert_eq!(names(&listed(&desk)), names(&[third]));
    desk.run(&["sim", "stop"], &[]).succeeds();
    assert_eq!(second.ended(), Some(0));
    desk.run(&["sim", "stop", "--all"], &[]).succeeds();
}

#[test]
fn a_pulled_key_is_gone_until_it_is_plugged_in() {
    let desk = Desk::new();
    let mut started = Started::new(&desk, &["--factory", "--serial", "line"]);
    let ready = started.ready();
    let info = ["info", "--target", target(&ready)];
    desk.run(&info, &[]).succeeds();
    desk.run(&["sim", "unplug"], &[]).succeeds();
    desk.run(&info, &[]).fails(5).says("the key has been removed").says("请插入UKey");
    assert_eq!(listed(&desk)[0]["plugged_in"], false);
    desk.run(&["sim", "plug", text(&ready, "serial_number")], &[]).succeeds();
    desk.run(&info, &[]).succeeds();
    desk.run(&["sim", "plug"], &[]).succeeds();
    assert_eq!(listed(&desk)[0]["plugged_in"], true);
}

#[test]
fn what_cannot_be_started_says_why_and_leaves_nothing() {
    let desk = Desk::with_token();
    let start = |arguments: &[&str]| desk.run(&[&["sim", "start"], arguments].concat(), &[]);
    start(&["--state", "none.ukey"]).fails(5).says("none.ukey").says("ukey sim reset");
    start(&["--state", "ukey.ukey", "--factory"]).fails(2).says("holds a token already");
    fs::write(desk.path("letter"), "a letter").unwrap();
    start(&["--unix", "letter", "--tcp"]).fails(2).says("letter exists").says("已存在");
    start(&["--tcp", "nobody"]).fails(2).says("the port is missing").says("缺少端口");
    start(&["--tcp", "127.0.0.1:99999"]).fails(2).says("\"99999\" is no port").says("“99999”不是端口");
    start(&["--vpcd", ":1"]).fails(2).says("the host is missing").says("缺少主机");
    start(&["--count", "17", "--vpcd"]).fails(2).says("16 readers at most").says("最多支持16个读卡器");
    start(&["--count", "257"]).fails(2).says("256 tokens at most").says("一个进程最多运行256个UKey");
    start(&["--count", "18446744073709551615", "--vpcd", "--vpcd"]).fails(2).says("16 readers");
    start(&["--serial-number", "张三"]).fails(2).says("printable");
    start(&["--label", ""]).fails(2).says("32 bytes");
    assert_eq!(listed(&desk), [] as [Value; 0]);
    let mut started =
        Started::new(&desk, &["--state", "new.ukey", "--create", "--serial-number", "N", "--factory"]);
    let ready = started.ready();
    assert_eq!(text(&ready, "serial_number"), "N");
    start(&["--state", "new.ukey"]).fails(5).says("in use");
}

/// Of this machine, and nobody listens there.
const NOBODYS: &str = "127.0.0.1:1";

/// The port of a reader that is not there yet: it is ours, and refuses whoever connects.
fn port() -> (OwnedFd, SocketAddr) {
    let port = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&port, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = rustix::net::getsockname(&port).unwrap();
    (port, address.try_into().unwrap())
}

/// The card that the program puts into the reader; fails where the program ends instead.
fn card(reader: &TcpListener, started: &Started) -> TcpStream {
    let output = started.out.get_ref();
    // Nothing is asked of its output: only its end is told.
    let mut waiting = [PollFd::new(reader, PollFlags::IN), PollFd::new(output, PollFlags::empty())];
    poll(&mut waiting, None).unwrap();
    assert!(waiting[0].revents().contains(PollFlags::IN), "it ended");
    reader.accept().unwrap().0
}

#[test]
fn a_token_that_no_reader_takes_says_so_and_what_is_missing() {
    let desk = Desk::new();
    let address = NOBODYS;
    // What has nothing to do with it is not looked at.
    let looked = desk.path("looked");
    let (programs, path) = (desk.path("programs"), std::env::var("PATH").unwrap());
    fs::create_dir(&programs).unwrap();
    fs::write(programs.join("rustc"), format!("#!/bin/sh\n: > '{}'\n", looked.display())).unwrap();
    fs::set_permissions(programs.join("rustc"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = [("PATH", &*format!("{}:{path}", programs.display()))];
    let mut command = desk.command(&["sim", "start", "--factory", "--vpcd", address, "--tcp"], &path);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("ready ") && line.contains(" tcp:"), "{line}");
    assert!(line.contains(&format!(" not-in-reader:{address}")), "{line}");
    let row = &listed(&desk)[0]["readers"][0];
    assert_eq!((&row["in_reader"], text(row, "reader")), (&false.into(), address));
    assert!(!text(row, "problem").is_empty(), "{row}");
    let ls = desk.run(&["sim", "ls"], &path).succeeds();
    assert!(ls.out.contains(&format!("reader at {address} (not in it)")), "{}", ls.out);
    ls.says("is not in the smart card reader at 127.0.0.1:1: ").says("未插入").says("goes in by itself");
    // It is a token nevertheless.
    desk.run(&["info", "--target", line.split(' ').find(|word| word.starts_with("tcp:")).unwrap()], &[])
        .succeeds();
    let mut advice = String::new();
    while !advice.contains("自动插入") {
        assert_ne!(said.read_line(&mut advice).unwrap(), 0, "{advice}");
    }
    assert!(advice.contains("is not in the smart card reader") && advice.contains("未插入"), "{advice}");
    assert!(advice.contains("vpcd"), "{advice}");
    desk.run(&["sim", "stop"], &[]).succeeds();
    assert!(child.wait().unwrap().success());
    assert!(!looked.exists(), "it asked for the Rust toolchain");
}

/// vpcd comes when the token runs already: then it goes in.
#[test]
fn a_token_goes_into_a_reader_that_comes_later() {
    let desk = Desk::new();
    let (port, address) = port();
    let mut started = Started::new(&desk, &["--factory", "--vpcd", &address.to_string()]);
    let ready = started.ready();
    let is_in = |row: &Value| row["readers"][0]["in_reader"].as_bool().unwrap();
    assert!(!is_in(&ready) && ready["targets"] == Value::Array(vec![]), "{ready}");
    rustix::net::listen(&port, 1).unwrap();
    let mut card = card(&port.into(), &started);
    // Connected to is not taken: whoever listens there may be anybody.
    assert!(!is_in(&listed(&desk)[0]));
    card.write_all(&[0, 1, 1, 0, 1, 4]).unwrap();
    card.read_exact(&mut [0; 18]).unwrap();
    let row = &listed(&desk)[0];
    assert!(is_in(row) && row["readers"][0]["problem"].is_null(), "{row}");
    let ls = desk.run(&["sim", "ls"], &[]).succeeds();
    assert!(!ls.out.contains("not in it") && !ls.talk.contains("smart card reader"), "{ls:?}");
}

/// A reader that is there takes the card before the token is ready; of one that is not, nobody else is blamed.
#[test]
fn a_token_is_ready_once_its_reader_took_it() {
    let desk = Desk::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut started = Started::new(&desk, &["--factory", "--vpcd", &address, "--vpcd", NOBODYS]);
    let mut card = card(&listener, &started);
    card.write_all(&[0, 1, 1]).unwrap();
    let ready = started.ready();
    for row in [&ready, &listed(&desk)[0]] {
        let [good, bad] = &row["readers"].as_array().unwrap()[..] else { panic!("{row}") };
        assert_eq!((text(good, "reader"), &good["in_reader"]), (&*address, &true.into()), "{row}");
        assert_eq!(good["problem"], Value::Null, "{row}");
        assert_eq!((text(bad, "reader"), &bad["in_reader"]), (NOBODYS, &false.into()), "{row}");
    }
    let ls = desk.run(&["sim", "ls"], &[]).succeeds();
    let places = format!("reader at {address} reader at {NOBODYS} (not in it)");
    assert!(ls.out.contains(&places), "{}", ls.out);
    assert!(!ls.talk.contains(&address), "{}", ls.talk);
    ls.says(NOBODYS);
}

#[test]
fn who_waits_for_a_reader_ends_when_told_to() {
    let desk = Desk::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    for told in ["-INT", "-TERM", "stop"] {
        let mut started = Started::new(&desk, &["--factory", "--vpcd", &address]);
        // It never gets power.
        let _card = card(&listener, &started);
        match told {
            "stop" => drop(desk.run(&["sim", "stop"], &[]).succeeds()),
            signal => started.signal(signal),
        }
        assert_eq!(started.ended(), Some(0), "{told}");
        let mut said = String::new();
        started.out.read_to_string(&mut said).unwrap();
        assert_eq!(said, "", "{told}: it did not wait for the reader any longer");
    }
}

#[test]
fn a_folder_of_others_is_refused() {
    let desk = Desk::new();
    let folder = desk.path("running");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    desk.run(&["sim", "ls"], &[]).fails(5).says("not a folder of this user alone").says("chmod 700");
    desk.run(&["sim", "start", "--factory"], &[]).fails(5).says("UKEY_RUNTIME_DIR");
}

/// What it would not serve is refused, when it is typed; what the environment says is for the other commands.
#[test]
fn a_target_that_it_does_not_serve_is_refused() {
    let desk = Desk::new();
    let refused = desk.run(&["sim", "start", "--target", "tcp:127.0.0.1:9"], &[]).fails(2);
    assert!(refused.talk.contains("serves tokens in memory and in files"), "{}", refused.talk);
    let socket = format!("unix:{}", desk.path("elsewhere.sock").display());
    let mut child = desk.command(&["sim", "start", "--format", "json"], &[("UKEY_TARGET", &socket)]);
    let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(serde_json::from_str::<Value>(&line).is_ok(), "{line}");
}
