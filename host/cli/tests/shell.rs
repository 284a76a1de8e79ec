//! `ukey apdu shell` at a terminal: lines are edited and fetched back, and none of them that may hold a secret.

mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Stdio};

use common::Desk;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// What a line editor says when it is ready for a line: whatever is pasted is to be marked as such.
const READY: &str = "\x1b[?2004h";
const UP: &str = "\x1b[A";
const BACKSPACE: &str = "\x7f";

/// A shell at a terminal of our own.
struct Shell {
    terminal: File,
    child: Child,
}

impl Shell {
    fn start(desk: &Desk) -> Shell {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = rustix::fs::open(name.as_c_str(), flags, Mode::empty()).unwrap();
        let stream = || Stdio::from(theirs.try_clone().unwrap());
        let mut command = desk.command(&["apdu", "shell"], &[("TERM", "xterm")]);
        let child = command.stdin(stream()).stdout(stream()).stderr(stream()).spawn().unwrap();
        let mut shell = Shell { terminal: terminal.into(), child };
        shell.answer();
        shell
    }

    /// Types a line; gives what is shown until the next one may be typed.
    fn line(&mut self, keys: &str) -> String {
        self.terminal.write_all(format!("{keys}\r").as_bytes()).unwrap();
        self.answer()
    }

    /// What is shown until a line may be typed, or nobody is at the other end any more.
    fn answer(&mut self) -> String {
        let (mut shown, mut buffer) = (Vec::new(), [0; 1024]);
        loop {
            match self.terminal.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(length) => shown.extend_from_slice(&buffer[..length]),
            }
            if String::from_utf8_lossy(&shown).contains(READY) {
                break;
            }
        }
        String::from_utf8(shown).unwrap()
    }
}

#[test]
fn lines_are_edited_and_fetched_back_but_none_with_a_secret() {
    let desk = Desk::with_token();
    let mut shell = Shell::start(&desk);
    let answered = |shown: &str| shown.contains("GetDevInfo → 9000 success");
    let shown = shell.line(&format!("GetDevInfx{BACKSPACE}o=9000"));
    assert!(answered(&shown), "{shown}");
    let shown = shell.line(UP);
    assert!(answered(&shown), "fetched back: {shown}");
    let open = "OpenApplication:\"UKEY\"";
    assert!(shell.line(open).contains("→ 9000 success"));
    for secret in [
        "VerifyPin0001:1000\"0123456789ABCDEF\"",
        "80180001000012 1000 30313233343536373839414243444546",
        // What cannot be read may be meant for one that has a PIN.
        "VerifyPin0001:1000\"01234567",
        "VerifyPinn0001:1000\"01234567\"",
    ] {
        let refused = shell.line(secret);
        assert!(!refused.contains("9000"), "{refused}");
        let shown = shell.line(UP);
        assert!(shown.contains(open) && !shown.contains("VerifyPin") && !shown.contains("8018"), "{shown}");
    }
    // A wrong line without data is there to be mended.
    shell.line("GetDevInf");
    let shown = shell.line(&format!("{UP}o"));
    assert!(answered(&shown), "{shown}");
    shell.line("quit");
    assert!(shell.child.wait().unwrap().success());
    let left: Vec<_> =
        std::fs::read_dir(desk.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().starts_with("ukey.ukey")), "no history: {left:?}");
}
