//! A process with tokens that is stopped hides none of the others, and is believed when it speaks, however late; and what
//! runs in another's place is another, and left to others.

mod common;

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;

use common::*;
use ukey_device::running::control::{self, Answer, Request};
use ukey_device::running::{Registry, Running};
use ukey_device::{Options, Simulator, Target};
use ukey_serve::Key;

const DEVICE_REMOVED: u32 = 0x0A00_0023;

fn running(serial_number: &str, target: Target) -> Running {
    let (serial_number, targets) = (serial_number.to_owned(), vec![target]);
    Running { serial_number, label: String::new(), state: None, targets, readers: Vec::new() }
}

fn fresh(seed: u64) -> Key {
    Key::new(Simulator::fresh(&Options { seed: Some(seed), ..Options::default() }).unwrap())
}

fn serve(key: &Key, path: &Path) -> Target {
    let (key, listener) = (key.clone(), UnixListener::bind(path).unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let key = key.clone();
            thread::spawn(move || ukey_serve::serve(&key, stream.unwrap(), "a client"));
        }
    });
    Target::Unix(path.to_owned())
}

/// Another process, as it is listed: its file is locked while it lives, and its socket is there whether it answers or
/// not.
fn process(folder: &Path, pid: u32, token: &Running) -> (File, UnixListener) {
    let path = folder.join(format!("{pid}.json"));
    let file = File::options().create_new(true).read(true).write(true).mode(0o600).open(&path).unwrap();
    file.lock().unwrap();
    let entry = serde_json::json!({ "version": 1, "pid": pid, "tokens": [token] });
    fs::write(&path, entry.to_string()).unwrap();
    (file, UnixListener::bind(folder.join(format!("{pid}.sock"))).unwrap())
}

fn devices(only_present: u32) -> Vec<String> {
    list(|bytes, size| skf!(SKF_EnumDev(only_present, bytes, size)))
}

#[test]
fn a_stopped_process_hides_none_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    // SAFETY: the only test of this program; nobody reads the environment yet.
    unsafe {
        std::env::set_var("UKEY_SKF_TARGETS", "");
        std::env::set_var("UKEY_RUNTIME_DIR", &run);
    }
    // One that answers, and says that it has two tokens: the second is not the one that is reached there.
    let (one, other) = (fresh(1), fresh(2));
    let number = one.simulator().serial_number();
    let (here, elsewhere) =
        (serve(&one, &folder.path().join("1.unix")), serve(&other, &folder.path().join("2.unix")));
    let tokens = vec![running(&number, here), running("ANOTHER", elsewhere)];
    let (registered, listener) = Registry::of_this_user().register(tokens).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let mut reader = std::io::BufReader::new(&stream);
            assert_eq!(control::receive::<Request>(&mut reader).unwrap(), Some(Request::Status));
            let state = one.state();
            let tokens = vec![state.clone(), control::State { serial_number: "ANOTHER".to_owned(), ..state }];
            control::send(&stream, &Answer::Status { tokens }).unwrap();
        }
    });
    // And one that is stopped: its token counts as it is listed.
    let (_entry, socket) = process(&run, 1, &running("STOPPED", Target::Unix(folder.path().join("3.unix"))));
    for _ in 0..3 {
        for only_present in [0, 1] {
            assert_eq!(devices(only_present), ["STOPPED", &number, "ANOTHER"]);
        }
    }
    let device = connect(format!("{number}\0").as_bytes());
    assert_eq!(skf!(SKF_DisConnectDev(device)), OK);
    let mut none = 0_usize;
    assert_eq!(skf!(SKF_ConnectDev(c"ANOTHER".as_ptr(), &raw mut none)), DEVICE_REMOVED);

    // It goes on, and answers the one question that is under way: whoever waits is told, though nothing rings.
    let (goes_on, asked_again) = (other.state(), registered);
    thread::spawn(move || {
        for (number, stream) in socket.incoming().enumerate() {
            let stream = stream.unwrap();
            control::receive::<Request>(&mut std::io::BufReader::new(&stream)).unwrap();
            if number > 0 {
                // It is asked again, so what it said was heard: a wait that is still under way will not be told.
                assert_eq!(skf!(SKF_CancelWaitForDevEvent()), OK);
            }
            let serial_number = "STOPPED".to_owned();
            let token = control::State { serial_number, plugged_in: false, ..goes_on.clone() };
            control::send(&stream, &Answer::Status { tokens: vec![token] }).unwrap();
            asked_again.changed();
        }
    });
    let (mut name, mut size, mut event) = ([0_u8; 64], 64_u32, 0_u32);
    assert_eq!(skf!(SKF_WaitForDevEvent(name.as_mut_ptr(), &raw mut size, &raw mut event)), OK);
    assert_eq!((event, &name[..size as usize]), (2, b"STOPPED\0".as_slice()));
    assert_eq!(devices(1), [&number, "ANOTHER"]);
    assert_eq!(devices(0), ["STOPPED", &number, "ANOTHER"]);
}
