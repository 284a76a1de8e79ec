//! A running token whose process was replaced by another behind the same socket: no handle reaches that, and it is kept
//! from nobody.

mod common;

use std::fs;
use std::io::{BufReader, ErrorKind, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use common::*;
use ukey_device::running::control::{self, Answer};
use ukey_device::running::{Registry, Running};
use ukey_device::{Hand, Options, Simulator, Target};
use ukey_serve::Key;

const DEVICE_REMOVED: u32 = 0x0A00_0023;

/// Serves a token; tells of each connection when it begins and when it has ended.
fn serve(seed: u64, path: &Path) -> (Key, Receiver<UnixStream>, Receiver<()>) {
    let simulator = Simulator::fresh(&Options { seed: Some(seed), ..Options::default() }).unwrap();
    let (key, listener) = (Key::new(simulator), UnixListener::bind(path).unwrap());
    let ((begins, begun), (ends, ended)) = (channel(), channel());
    let served = key.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (key, ends, stream) = (served.clone(), ends.clone(), stream.unwrap());
            // Nobody may listen.
            let _ = begins.send(stream.try_clone().unwrap());
            thread::spawn(move || {
                ukey_serve::serve(&key, stream, "a client");
                let _ = ends.send(());
            });
        }
    });
    (key, begun, ended)
}

#[test]
fn another_token_behind_the_same_socket_is_not_held() {
    let folder = tempfile::tempdir().unwrap();
    // SAFETY: the only test of this program; nobody reads the environment yet.
    unsafe {
        std::env::set_var("UKEY_SKF_TARGETS", "");
        std::env::set_var("UKEY_RUNTIME_DIR", folder.path().join("run"));
    }
    let path = folder.path().join("token.unix");
    let (old, _, _) = serve(1, &path);
    let serial_number = old.simulator().serial_number();
    let name = [serial_number.as_bytes(), &[0]].concat();
    let (label, targets) = (String::new(), vec![Target::Unix(path.clone())]);
    let token = Running { serial_number, label, state: None, targets, readers: Vec::new() };
    let (_registered, listener) = Registry::of_this_user().register(vec![token]).unwrap();
    // It is said to be there, whatever becomes of it.
    let said = Answer::Status { tokens: vec![old.state()] };
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let _: Option<control::Request> = control::receive(&mut BufReader::new(&stream)).unwrap();
            control::send(&stream, &said).unwrap();
        }
    });
    let handle = connect(&name);

    old.unplug();
    fs::remove_file(&path).unwrap();
    let (new, begun, ended) = serve(2, &path);
    let mut none = 0_usize;
    // First by the device that the old handle keeps, then by one of its own.
    for _ in 0..2 {
        assert_eq!(skf!(SKF_ConnectDev(name.as_ptr(), &raw mut none)), DEVICE_REMOVED, "{}", last_error());
        let closed = begun.recv().unwrap().write_all(&[0]).map_err(|error| error.kind());
        assert_eq!(closed, Err(ErrorKind::BrokenPipe));
        ended.recv().unwrap();
        assert_eq!(new.state().holder, None);
    }
    let mut info = [0_u8; 294];
    assert_eq!(skf!(SKF_GetDevInfo(handle, info.as_mut_ptr())), DEVICE_REMOVED);
    assert_eq!(skf!(SKF_DisConnectDev(handle)), OK);
}
