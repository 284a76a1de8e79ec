//! A key behind a serial line: that of a device file, or a pseudo-terminal whose other end has a name.
//!
//! A line has one client at a time by its nature; it has the key from its first frame until it closes the line. A device
//! whose modem lines are not wired never tells that: its client has the key until the key is pulled.
//!
//! A pseudo-terminal's name is a link. Its text is spelled `/dev/./pts/N`, for nobody else spells it so: a link that a
//! dead process left is known by that, and replaced, while one that somebody else made is opened as the device that it
//! leads to. The pseudo-terminal is another one after each client: the last one may have taken it for itself
//! (`TIOCEXCL`), which would outlast it.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf, absolute};

use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    ControlModes, OptionalActions, QueueSelector, Termios, ioctl_tiocexcl, isatty, tcflush, tcgetattr,
    tcsetattr,
};
use ukey_device::Target;
use ukey_device::target::DEFAULT_BAUD;

use crate::conversation::{Ended, serve_line};
use crate::error::ServeError;
use crate::key::Key;
use crate::way::Open;

/// Where pseudo-terminals are.
const FOLDER: &str = "/dev/pts/";
/// The same, as only this program spells it.
const OUR_FOLDER: &str = "/dev/./pts/";

/// Either kind.
pub(crate) struct SerialLine;

impl SerialLine {
    /// Opens the line of a device, or makes a pseudo-terminal where there is no such file.
    pub(crate) fn open(path: &Path, baud: u32) -> Result<Box<dyn Open>, ServeError> {
        let failed = |source| ServeError::Line { path: path.to_owned(), source };
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
            Ok(_) if is_ours(path) => {}
            Ok(_) => return Ok(Box::new(DeviceLine::open(path, baud)?)),
        }
        let path = absolute(path).map_err(failed)?;
        let pty = Pty::open().and_then(|pty| pty.name(&path).map(|()| pty)).map_err(failed)?;
        Ok(Box::new(PtyLine { name: Name(path), pty }))
    }
}

/// Whether it is a link that this program made.
fn is_ours(path: &Path) -> bool {
    fs::read_link(path)
        .is_ok_and(|leads_to| leads_to.as_os_str().as_bytes().starts_with(OUR_FOLDER.as_bytes()))
}

/// Our end of a pseudo-terminal.
struct Pty {
    ours: OwnedFd,
    /// The file of the other end.
    theirs: PathBuf,
}

impl Pty {
    fn open() -> io::Result<Pty> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let theirs = ptsname(&ours, Vec::new())?;
        let theirs = theirs.to_str().map_err(io::Error::other)?;
        let number = theirs.strip_prefix(FOLDER).ok_or(io::ErrorKind::Unsupported)?;
        // Nobody echoes, nothing is edited; it is so for the other end.
        let mut settings = tcgetattr(&ours)?;
        settings.make_raw();
        tcsetattr(&ours, OptionalActions::Now, &settings)?;
        Ok(Pty { theirs: format!("{OUR_FOLDER}{number}").into(), ours })
    }

    /// Lets a name lead to it, at once and in one go.
    fn name(&self, path: &Path) -> io::Result<()> {
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        if is_ours(&new) {
            fs::remove_file(&new)?;
        }
        symlink(&self.theirs, &new)?;
        fs::rename(&new, path).inspect_err(|_| drop(fs::remove_file(&new)))
    }

    /// Whether nobody has the other end open any more.
    fn is_closed(&self) -> bool {
        let mut found = [PollFd::new(&self.ours, PollFlags::IN)];
        let at_once = Timespec::default();
        let closed = |found: &PollFd<'_>| found.revents().contains(PollFlags::HUP);
        matches!(poll(&mut found, Some(&at_once)), Ok(1)) && found.iter().all(closed)
    }
}

/// The name of a pseudo-terminal; it goes with it.
struct Name(PathBuf);

impl Drop for Name {
    fn drop(&mut self) {
        if is_ours(&self.0)
            && let Err(error) = fs::remove_file(&self.0)
        {
            tracing::warn!(%error, path = %self.0.display(), "the name of a serial line stays behind");
        }
    }
}

/// A pseudo-terminal.
struct PtyLine {
    name: Name,
    pty: Pty,
}

impl Open for PtyLine {
    fn target(&self) -> Option<Target> {
        Some(Target::Serial { path: self.name.0.clone(), baud: DEFAULT_BAUD })
    }

    fn serve(self: Box<Self>, key: &Key) {
        let PtyLine { name, mut pty } = *self;
        let client = format!("client of {}", name.0.display());
        let mut serve = || -> io::Result<()> {
            let mut door = Door::of(&pty)?;
            while door.wait(key)? {
                match serve_line(key, &pty.ours, &client) {
                    (Ended::Failed(error), _) => return Err(error),
                    (Ended::Closed, true) => {}
                    _ => continue,
                }
                let next = Pty::open()?;
                next.name(&name.0)?;
                // Somebody may have opened the last one while it had the name: then that is the next client.
                if pty.is_closed() {
                    pty = next;
                    door = Door::of(&pty)?;
                } else {
                    pty.name(&name.0)?;
                }
            }
            Ok(())
        };
        if let Err(error) = serve() {
            tracing::error!(%error, path = %name.0.display(), "the serial line is not served any more");
        }
    }
}

/// Waits for somebody to come. Once its other end was closed, a pseudo-terminal says so as long as nobody opens it: only
/// that it says something anew tells anything.
struct Door {
    epoll: OwnedFd,
}

const TERMINAL: u64 = 0;
const KEY: u64 = 1;

impl Door {
    fn of(pty: &Pty) -> io::Result<Door> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let news = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, &pty.ours, epoll::EventData::new_u64(TERMINAL), news)?;
        Ok(Door { epoll })
    }

    /// Whether somebody may be there; not once the key is stopped.
    fn wait(&self, key: &Key) -> io::Result<bool> {
        loop {
            let watch = key.watch()?;
            if key.is_stopped() {
                return Ok(false);
            }
            epoll::add(&self.epoll, &watch, epoll::EventData::new_u64(KEY), epoll::EventFlags::IN)?;
            let mut events = Vec::with_capacity(2);
            let waited = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None);
            epoll::delete(&self.epoll, &watch)?;
            match waited {
                Err(rustix::io::Errno::INTR) => {}
                waited => {
                    waited?;
                    if events.iter().any(|event| event.data.u64() == TERMINAL) {
                        return Ok(true);
                    }
                }
            }
        }
    }
}

/// The line of a device.
struct DeviceLine {
    device: File,
    path: PathBuf,
    baud: u32,
}

impl DeviceLine {
    fn open(path: &Path, baud: u32) -> Result<DeviceLine, ServeError> {
        let failed = |source| ServeError::Line { path: path.to_owned(), source };
        // Without waiting for a carrier.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let device = open(path, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
        if !isatty(&device) {
            return Err(ServeError::Exists { path: path.to_owned(), what: "serial line" });
        }
        let device = File::from(device);
        match device.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(ServeError::InUse { place: path.display().to_string() });
            }
            Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
        let configure = || -> rustix::io::Result<()> {
            ioctl_tiocexcl(&device)?;
            let mut settings = tcgetattr(&device)?;
            bare(&mut settings, baud)?;
            tcsetattr(&device, OptionalActions::Now, &settings)?;
            tcflush(&device, QueueSelector::IOFlush)
        };
        configure().map_err(|error| failed(error.into()))?;
        let path = absolute(path).map_err(failed)?;
        Ok(DeviceLine { device, path, baud })
    }
}

/// 8 data bits, no parity, 1 stop bit, no flow control, modem lines left alone.
fn bare(settings: &mut Termios, baud: u32) -> rustix::io::Result<()> {
    settings.make_raw();
    settings.control_modes.remove(ControlModes::CSTOPB | ControlModes::CRTSCTS);
    settings.control_modes.insert(ControlModes::CLOCAL | ControlModes::CREAD);
    settings.set_speed(baud)
}

impl Open for DeviceLine {
    fn target(&self) -> Option<Target> {
        Some(Target::Serial { path: self.path.clone(), baud: self.baud })
    }

    fn serve(self: Box<Self>, key: &Key) {
        let client = format!("client of {}", self.path.display());
        match serve_line(key, self.device.as_fd(), &client).0 {
            Ended::Failed(error) => {
                tracing::error!(%error, path = %self.path.display(), "the serial line is not served any more");
            }
            Ended::Closed => tracing::error!(path = %self.path.display(), "the serial line is gone"),
            Ended::Busy | Ended::Unplugged => {}
        }
        let _ = rustix::termios::ioctl_tiocnxcl(&self.device);
    }
}
