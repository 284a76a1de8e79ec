//! A token behind a serial line: `serial:PATH[@BAUD]`, be it a UART, an adapter on USB or a pseudo-terminal. 8 data
//! bits, no parity, 1 stop bit, no flow control; modem lines are left alone, a pseudo-terminal has none.
//!
//! Guarantees: one program at a time has the line. `TIOCEXCL` keeps out what does not ask for a lock, but not root;
//! the lock (flock) keeps out root too, and tells who holds it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;
use serialport::{ClearBuffer, SerialPort, TTYPort};
use ukey_apdu::frame::{MAX_ANSWER, MAX_COMMAND};

use super::framed::{Limits, Stream};
use super::stream::{self, Opens};
use super::{Link, LinkError, Place, holder};

/// A token behind a serial line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    path: PathBuf,
    baud: u32,
    limits: Limits,
}

impl Line {
    /// The token behind this device file, at so many bits per second.
    #[must_use]
    pub fn new(path: &Path, baud: u32) -> Self {
        Self { path: path.to_owned(), baud, limits: limits(baud) }
    }

    /// With limits of one's own: by default 10 seconds, and what the longest command and the longest answer take on the
    /// line.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    fn busy(&self) -> LinkError {
        LinkError::Busy { place: self.to_string(), holder: holder::of(&self.path) }
    }

    fn open_file(&self) -> io::Result<File> {
        let flags = OFlags::NOCTTY | OFlags::NONBLOCK;
        let open = OpenOptions::new().read(true).write(true).custom_flags(flags.bits().cast_signed()).clone();
        loop {
            // A pseudo-terminal's name may lead to another one after each client.
            let led_to = fs::read_link(&self.path).ok();
            match open.open(&self.path) {
                Err(_) if led_to != fs::read_link(&self.path).ok() => {}
                result => return result,
            }
        }
    }

    /// Looks whether the line may be had. Not left to [`TTYPort::open`]: where another has the lock, that one takes the
    /// other's `TIOCEXCL` away.
    fn check(&self) -> Result<File, LinkError> {
        let path = || self.path.clone();
        let file = self.open_file().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => LinkError::NoLine { path: path() },
            io::ErrorKind::PermissionDenied => LinkError::LineDenied { path: path() },
            io::ErrorKind::ResourceBusy => self.busy(),
            io::ErrorKind::IsADirectory => LinkError::NotALine { path: path() },
            // A device file without a device (ENXIO, ENODEV, EIO).
            _ => LinkError::Io { doing: "opening", path: path(), source },
        })?;
        if !file.is_terminal() {
            return Err(LinkError::NotALine { path: path() });
        }
        match file.try_lock().map_err(io::Error::from).and_then(|()| file.unlock()) {
            Ok(()) => Ok(file),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(self.busy()),
            Err(source) => Err(LinkError::Io { doing: "locking", path: path(), source }),
        }
    }
}

/// How long a token at the end of a line of so many bits per second may take.
fn limits(baud: u32) -> Limits {
    // Every byte stuffed, 10 bits each; flags, header and check value make no difference.
    let bits = u32::try_from((MAX_COMMAND + MAX_ANSWER) * 2 * 10).unwrap_or(u32::MAX);
    let Limits { silence, tries } = Limits::default();
    Limits { silence: silence + Duration::from_secs(bits.into()) / baud.max(1), tries }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "serial:{}", self.path.display())
    }
}

impl Opens for Line {
    type Stream = Tty;

    fn open(&self) -> Result<(Tty, Limits), LinkError> {
        // Open until it is open again: to the other end a line that is closed is a client that has gone.
        let _open = self.check()?;
        let builder = serialport::new(self.path.to_string_lossy(), self.baud).exclusive(true);
        let tty = TTYPort::open(&builder).map_err(|error| match error.kind() {
            // Another was quicker.
            serialport::ErrorKind::NoDevice => self.busy(),
            _ => LinkError::Stream { source: error.into() },
        })?;
        // What came for nobody. Where there is nothing to clear, nothing is lost.
        let _ = tty.clear(ClearBuffer::Input);
        Ok((Tty(tty), self.limits))
    }
}

impl Place for Line {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        stream::connect(self.clone())
    }
}

/// An open line.
pub(super) struct Tty(TTYPort);

/// A line that fails is one whose adapter was pulled, or whose other end was closed (EIO).
fn gone(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => error,
        _ => {
            tracing::debug!(%error, "the serial line is gone");
            io::Error::new(io::ErrorKind::BrokenPipe, error)
        }
    }
}

impl Read for Tty {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes).map_err(gone)
    }
}

impl Write for Tty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(gone)
    }

    /// The system sends what it was given; nothing is gained by waiting until it has.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Tty {
    fn limit(&mut self, limit: Duration) -> io::Result<()> {
        self.0.set_timeout(limit).map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_line_is_waited_for_longer() {
        let seconds = |baud| limits(baud).silence.as_secs();
        assert_eq!((seconds(115_200), seconds(9600), seconds(300)), (10, 15, 181));
        assert!(seconds(0) > 50_000, "no division by it");
    }
}
