//! The library as ctypes sees it, and what it must refuse: `tests/python/refuse.py`.

mod common;

use std::os::unix::net::UnixListener;
use std::process::Command;

use ukey_device::{Options, Simulator};
use ukey_serve::Key;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// Runs the client with these targets.
fn run(targets: &str, arguments: &[&str]) {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    if !common::component(&python, "--version", "Python 3.10 or newer (Debian: python3)") {
        return;
    }
    let mut command = Command::new(python);
    command.arg(format!("{FOLDER}/tests/python/refuse.py")).arg(common::path());
    command.arg(format!("{FOLDER}/include/ukey_skf.h")).args(arguments).env("UKEY_SKF_TARGETS", targets);
    let output = command.output().unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{:?} {out}{error}", output.status);
}

#[test]
fn every_function_refuses_what_it_must() {
    run("sim;sim", &[]);
}

#[test]
fn two_processes_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.ukey");
    Simulator::fresh(&Options::default()).unwrap().save_as(&file, false).unwrap();
    run(&format!("sim:{}", file.display()), &["lock"]);
}

#[test]
fn two_processes_take_turns_at_a_token_that_runs_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.unix");
    let listener = UnixListener::bind(&path).unwrap();
    let key = Key::new(Simulator::fresh(&Options::default()).unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let key = key.clone();
            std::thread::spawn(move || ukey_serve::serve(&key, stream.unwrap(), "a client"));
        }
    });
    run(&format!("unix:{}", path.display()), &["lock"]);
}
