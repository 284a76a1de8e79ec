//! Tokens that run on this machine, as devices: they come and go, and belong to one program at a time.

mod common;

use std::io::BufReader;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::thread;

use common::*;
use ukey_device::running::control::{self, Answer, Request};
use ukey_device::running::{self, Registered, Registry, Running};
use ukey_device::{Device, Hand, Options, Simulator, Target};
use ukey_serve::Key;

const INSERTED: u32 = 1;
const REMOVED: u32 = 2;
const FAIL: u32 = 0x0A00_0001;
const TIMEOUT: u32 = 0x0A00_000F;
const DEVICE_REMOVED: u32 = 0x0A00_0023;
const FOR_EVER: u32 = 0xFFFF_FFFF;

/// A token that is served until its entry is dropped.
fn start(folder: &Path, seed: u64) -> (String, Target, Arc<Registered>) {
    let options = Options { seed: Some(seed), ..Options::default() };
    let key = Key::new(Simulator::fresh(&options).unwrap());
    let path = folder.join(format!("{seed}.unix"));
    let listener = UnixListener::bind(&path).unwrap();
    let served = key.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let key = served.clone();
            thread::spawn(move || ukey_serve::serve(&key, stream.unwrap(), "a client"));
        }
    });
    let (serial_number, target) = (key.simulator().serial_number(), Target::Unix(path));
    let token = Running {
        serial_number: serial_number.clone(),
        label: String::new(),
        state: None,
        targets: vec!["serial:/dev/nowhere".parse().unwrap(), target.clone()],
        readers: Vec::new(),
    };
    let (registered, control) = Registry::of_this_user().register(vec![token]).unwrap();
    let registered = Arc::new(registered);
    let entry = Arc::downgrade(&registered);
    thread::spawn(move || obey(&control, &key, &entry));
    (serial_number, target, registered)
}

fn obey(control: &UnixListener, key: &Key, entry: &Weak<Registered>) {
    for stream in control.incoming() {
        let stream = stream.unwrap();
        let answer = match control::receive(&mut BufReader::new(&stream)).unwrap() {
            Some(Request::Status) => Answer::Status { tokens: vec![key.state()] },
            Some(Request::Unplug { .. }) => {
                key.unplug();
                Answer::Done
            }
            Some(Request::Plug { .. }) => {
                key.plug_in().unwrap();
                Answer::Done
            }
            // There is no other key that a link could reach.
            Some(Request::Heard { .. }) => Answer::Done,
            _ => return,
        };
        if matches!(answer, Answer::Done)
            && let Some(entry) = entry.upgrade()
        {
            entry.changed();
        }
        control::send(&stream, &answer).unwrap();
    }
}

fn wait() -> (u32, u32, String) {
    let (mut name, mut size, mut event) = ([0_u8; 64], 64_u32, 9_u32);
    let code = skf!(SKF_WaitForDevEvent(name.as_mut_ptr(), &raw mut size, &raw mut event));
    (code, event, String::from_utf8(name[..size as usize - 1].to_vec()).unwrap())
}

/// Begins to wait, and tells what came once `happens` has happened.
fn waits_while(happens: impl FnOnce()) -> (u32, u32, String) {
    thread::scope(|scope| {
        let waiting = scope.spawn(wait);
        happens();
        waiting.join().unwrap()
    })
}

/// The token, as soon as it has noticed that its last client went.
fn first_free(target: &Target) -> Device {
    loop {
        match target.connect(&Options::default()) {
            Ok(device) => return device,
            Err(error) => assert!(error.is_busy(), "{error}"),
        }
    }
}

fn devices(only_present: u32) -> Vec<String> {
    list(|bytes, size| skf!(SKF_EnumDev(only_present, bytes, size)))
}

fn state(name: &[u8]) -> u32 {
    let mut state = 9;
    assert_eq!(skf!(SKF_GetDevState(name.as_ptr(), &raw mut state)), OK);
    state
}

fn info(device: usize) -> u32 {
    let mut info = [0_u8; 294];
    skf!(SKF_GetDevInfo(device, info.as_mut_ptr()))
}

#[test]
fn running_tokens_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    // SAFETY: the only test of this program; nobody reads the environment yet.
    unsafe {
        std::env::set_var("UKEY_SKF_TARGETS", "");
        std::env::set_var("UKEY_RUNTIME_DIR", folder.path().join("run"));
    }
    assert!(devices(0).is_empty());

    // One comes, before anyone waits and while someone does.
    let (serial, target, entry) = start(folder.path(), 1);
    let name = [serial.as_bytes(), &[0]].concat();
    assert_eq!(wait(), (OK, INSERTED, serial.clone()));
    assert_eq!((devices(1), state(&name)), (vec![serial.clone()], 1));

    // It is this process's as long as a device of it is connected.
    let device = connect(&name);
    authenticate(device);
    log_in(create_application(device));
    let other = target.connect(&Options::default()).unwrap_err();
    assert!(other.is_busy() && other.to_string().contains("a client"), "{other}");
    let second = connect(&name);
    assert_eq!((skf!(SKF_LockDev(second, 0_u32)), info(device), info(second)), (OK, FAIL, OK));
    assert_eq!((skf!(SKF_DisConnectDev(second)), info(device)), (OK, OK));

    // Pulled and plugged in from outside: those who wait are told once each, handles of before are dead.
    let hand = || running::hand(&serial).unwrap();
    assert_eq!(waits_while(|| hand().unplug()), (OK, REMOVED, serial.clone()));
    assert_eq!((info(device), state(&name)), (DEVICE_REMOVED, 0));
    assert_eq!((devices(1), devices(0)), (vec![], vec![serial.clone()]));
    let mut none = 0_usize;
    assert_eq!(skf!(SKF_ConnectDev(name.as_ptr(), &raw mut none)), DEVICE_REMOVED);
    assert_eq!(waits_while(|| hand().plug_in().unwrap()), (OK, INSERTED, serial.clone()));
    let again = connect(&name);
    assert_eq!((info(again), info(device)), (OK, DEVICE_REMOVED));
    // By our own hand.
    assert_eq!(
        waits_while(|| assert_eq!(skf!(UKEY_Unplug(name.as_ptr())), OK)),
        (OK, REMOVED, serial.clone())
    );
    assert_eq!((info(again), state(&name)), (DEVICE_REMOVED, 0));
    assert_eq!(
        waits_while(|| assert_eq!(skf!(UKEY_PlugIn(name.as_ptr())), OK)),
        (OK, INSERTED, serial.clone())
    );
    for device in [device, again] {
        assert_eq!(skf!(SKF_DisConnectDev(device)), OK);
    }

    // Another program has it: connected nevertheless, and SKF_LockDev waits.
    let other = first_free(&target);
    let device = connect(&name);
    assert_eq!(info(device), FAIL);
    assert!(last_error().contains("in use by a client"), "{}", last_error());
    assert_eq!(skf!(SKF_LockDev(device, 10_u32)), TIMEOUT);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| skf!(SKF_LockDev(device, FOR_EVER)));
        drop(other);
        assert_eq!(waiting.join().unwrap(), OK);
    });
    assert_eq!(info(device), OK);

    // It ends; nobody who waits is left behind.
    assert_eq!(waits_while(|| drop(entry)), (OK, REMOVED, serial));
    assert!(devices(0).is_empty());
    assert_eq!(state(&name), 2);
    thread::scope(|scope| {
        let waiting = scope.spawn(wait);
        while !waiting.is_finished() {
            assert_eq!(skf!(SKF_CancelWaitForDevEvent()), OK);
            thread::yield_now();
        }
        assert_eq!(waiting.join().unwrap(), (OK, 0, String::new()));
    });
}
