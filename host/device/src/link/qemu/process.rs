//! QEMU as a process, and the line to it.

use std::fs;
use std::io::{self, Read};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use super::Shared;
use crate::link::LinkError;
use crate::link::state::io_error;

/// How long QEMU may take to open its side of the line.
const START: Duration = Duration::from_secs(60);

pub(super) const QEMU: &str = "qemu-system-arm";

pub(super) fn no_emulator(error: io::Error) -> LinkError {
    match error.kind() {
        io::ErrorKind::NotFound => LinkError::NoEmulator,
        _ => LinkError::Emulator { reason: error.to_string() },
    }
}

/// QEMU, until this is dropped.
pub(super) struct Process {
    child: Child,
    /// Kept open: QEMU would fail on a warning that nobody takes.
    _errors: Option<ChildStderr>,
}

impl Process {
    /// Starts QEMU, and waits until it has opened the line.
    pub(super) fn start(emulator: &Shared) -> Result<(Process, UnixStream), LinkError> {
        let socket = emulator.folder.path().join("uart");
        let _ = fs::remove_file(&socket);
        // QEMU comes to us: there is nothing to try again until it is there.
        let listener = UnixListener::bind(&socket).map_err(io_error("listening at", &socket))?;
        let mut child = Command::new(QEMU)
            .args(emulator.board.arguments(&emulator.flash))
            .args(if emulator.counts { &["-icount", "shift=0"][..] } else { &[] })
            .arg("-kernel")
            .arg(&emulator.image)
            .args(["-display", "none", "-monitor", "none", "-serial"])
            .arg(format!("unix:{}", socket.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(no_emulator)?;
        let mut errors = child.stderr.take();
        let mut process = Process { child, _errors: None };
        let stream = accept(&listener, errors.as_mut())?;
        process._errors = errors;
        Ok((process, stream))
    }

    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already needs no kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for QEMU to open the line, or to end: then its standard error is closed.
fn accept(listener: &UnixListener, errors: Option<&mut ChildStderr>) -> Result<UnixStream, LinkError> {
    let failed = |reason: String| LinkError::Emulator { reason };
    let errors = errors.ok_or_else(|| failed("its messages cannot be read".to_owned()))?;
    let deadline = Instant::now() + START;
    let mut said = Vec::new();
    loop {
        let mut waiting = [PollFd::new(listener, PollFlags::IN), PollFd::new(&*errors, PollFlags::IN)];
        let left = deadline.saturating_duration_since(Instant::now());
        let left = left.try_into().map_err(|_| failed("the time cannot be measured".to_owned()))?;
        match poll(&mut waiting, Some(&left)) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(failed(error.to_string())),
            Ok(0) => {
                return Err(failed(format!("it did not open the line within {} seconds", START.as_secs())));
            }
            Ok(_) => {}
        }
        let [line, messages] = waiting.map(|fd| !fd.revents().is_empty());
        if line {
            return listener
                .accept()
                .map(|(stream, _)| stream)
                .map_err(|source| LinkError::Stream { source });
        }
        if messages {
            let mut bytes = [0; 1024];
            match errors.read(&mut bytes).map_err(|source| LinkError::Stream { source })? {
                0 => return Err(failed(String::from_utf8_lossy(&said).trim().to_owned())),
                count => said.extend(bytes.iter().take(count)),
            }
        }
    }
}
