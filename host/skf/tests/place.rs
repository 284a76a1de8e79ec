//! A place and the keys in it: what was connected to one key never reaches another, and a name is its own key's.

mod common;

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use common::*;
use ukey_device::{Hand, Options, Simulator};
use ukey_serve::Key;

const DEVICE_REMOVED: u32 = 0x0A00_0023;

/// A socket and a state file, which the library is told of before it is loaded.
fn places() -> (PathBuf, PathBuf) {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let (socket, file) = (folder.path().join("key.unix"), folder.path().join("key.ukey"));
        let targets = format!("unix:{};sim:{}", socket.display(), file.display());
        // SAFETY: every test comes here first, and none reads the environment itself.
        unsafe { std::env::set_var("UKEY_SKF_TARGETS", targets) };
        folder
    });
    (folder.path().join("key.unix"), folder.path().join("key.ukey"))
}

fn key(seed: u64) -> Simulator {
    Simulator::fresh(&Options { seed: Some(seed), ..Options::default() }).unwrap()
}

/// Serves a key. Each connection but the first is told of, and served when it may be.
fn serve(key: &Key, socket: &Path) -> (Receiver<()>, Sender<()>) {
    let listener = UnixListener::bind(socket).unwrap();
    let ((comes, come), (may, go)) = (channel(), channel());
    let key = key.clone();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            if number > 0 {
                comes.send(()).unwrap();
                go.recv().unwrap();
            }
            let key = key.clone();
            thread::spawn(move || ukey_serve::serve(&key, stream.unwrap(), "a client"));
        }
    });
    (come, may)
}

fn info(device: usize) -> u32 {
    let mut info = [0_u8; 294];
    skf!(SKF_GetDevInfo(device, info.as_mut_ptr()))
}

#[test]
fn a_handle_ends_before_the_next_key_has_power() {
    let (socket, _) = places();
    let key = Key::new(key(1));
    let (come, may) = serve(&key, &socket);
    let name = format!("unix:{}\0", socket.display()).into_bytes();
    let old = connect(&name);
    assert_eq!(info(old), OK);
    key.unplug();
    key.plug_in().unwrap();
    let new = thread::scope(|scope| {
        let connecting = scope.spawn(|| connect(&name));
        // The library asks for the key's power, and does not have it yet.
        come.recv().unwrap();
        assert_eq!(info(old), DEVICE_REMOVED, "{}", last_error());
        may.send(()).unwrap();
        connecting.join().unwrap()
    });
    assert_eq!((info(new), info(old)), (OK, DEVICE_REMOVED));
    assert!(come.try_recv().is_err(), "it was connected to once");
}

#[test]
fn another_key_in_a_file_has_its_own_name() {
    let (_, file) = places();
    let names = || list(|bytes, size| skf!(SKF_EnumDev(0_u32, bytes, size)));
    let serial_numbers = [1, 2].map(|seed| {
        let key = key(seed);
        key.save_as(&file, true).unwrap();
        drop(key);
        let name = names().pop().unwrap();
        let device = connect(&[name.as_bytes(), &[0]].concat());
        let mut info = [0_u8; 294];
        assert_eq!(skf!(SKF_GetDevInfo(device, info.as_mut_ptr())), OK);
        assert_eq!(skf!(SKF_DisConnectDev(device)), OK);
        let number: Vec<u8> = info[162..194].iter().copied().take_while(|byte| *byte != 0).collect();
        assert_eq!(name.as_bytes(), number);
        name
    });
    assert_ne!(serial_numbers[0], serial_numbers[1]);
}
