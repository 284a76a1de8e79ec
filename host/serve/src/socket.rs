//! A key behind sockets: each connection is a client.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf, absolute};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{Shutdown, shutdown, sockopt};
use ukey_device::Target;

use crate::conversation::{Ended, Progress, serve_guest};
use crate::error::ServeError;
use crate::key::Key;
use crate::line::{Woken, wait_for};
use crate::way::Open;

/// Silence after which the system asks whether a client's machine is still there.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a client that was refused may take to close its end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Most connections of a socket that were not refused and have sent no frame yet. They keep the key from nobody; when another one
/// comes, the oldest is closed.
const SILENT: usize = 16;

/// A TCP port.
pub(crate) struct TcpSocket {
    listener: TcpListener,
    target: Target,
}

impl TcpSocket {
    pub(crate) fn open(address: &str) -> Result<TcpSocket, ServeError> {
        let open = || {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let found = listener.local_addr()?;
            Ok((listener, found))
        };
        let (listener, found) = open().map_err(|source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ServeError::InUse { place: address.to_owned() },
            _ => ServeError::Listen { place: address.to_owned(), source },
        })?;
        // Whoever listens everywhere is found on this machine too.
        let found = match found {
            SocketAddr::V4(found) if found.ip().is_unspecified() => format!("127.0.0.1:{}", found.port()),
            SocketAddr::V6(found) if found.ip().is_unspecified() => format!("[::1]:{}", found.port()),
            found => found.to_string(),
        };
        Ok(TcpSocket { listener, target: Target::Tcp { address: found } })
    }
}

impl Open for TcpSocket {
    fn target(&self) -> Option<Target> {
        Some(self.target.clone())
    }

    fn serve(self: Box<Self>, key: &Key) {
        let accept = || {
            let (stream, peer) = self.listener.accept()?;
            settle(&stream)?;
            Ok((stream, format!("client at {peer}")))
        };
        serve_all(key, &self.listener, accept);
    }
}

/// A frame leaves at once; a client whose machine is gone does not keep the key for ever.
fn settle(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, SILENCE)?;
    sockopt::set_tcp_keepintvl(stream, SILENCE / 6)?;
    sockopt::set_tcp_keepcnt(stream, 3)?;
    Ok(())
}

/// A socket of this machine. Its file goes with it.
pub(crate) struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and number of its file.
    file: (u64, u64),
}

impl UnixSocket {
    pub(crate) fn open(path: &Path) -> Result<UnixSocket, ServeError> {
        let place = || path.display().to_string();
        let failed = |source| ServeError::Listen { place: place(), source };
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
            Ok(found) if !found.file_type().is_socket() => {
                return Err(ServeError::Exists { path: path.to_owned(), what: "socket" });
            }
            // What a dead process left takes no connection.
            Ok(_) => match UnixStream::connect(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    fs::remove_file(path).map_err(failed)?;
                }
                Err(error) => return Err(failed(error)),
                Ok(_) => return Err(ServeError::InUse { place: place() }),
            },
        }
        let open = || {
            let listener = UnixListener::bind(path)?;
            listener.set_nonblocking(true)?;
            let file = fs::symlink_metadata(path)?;
            Ok(UnixSocket { listener, path: absolute(path)?, file: (file.dev(), file.ino()) })
        };
        open().map_err(failed)
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let ours = |found: fs::Metadata| (found.dev(), found.ino()) == self.file;
        if fs::symlink_metadata(&self.path).is_ok_and(ours)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "a socket stays behind");
        }
    }
}

impl Open for UnixSocket {
    fn target(&self) -> Option<Target> {
        Some(Target::Unix(self.path.clone()))
    }

    fn serve(self: Box<Self>, key: &Key) {
        let accept = || {
            let (stream, _) = self.listener.accept()?;
            let client = peer(&stream);
            Ok((stream, client))
        };
        serve_all(key, &self.listener, accept);
    }
}

/// The process at the other end: `python3 (PID 4711)`.
fn peer(stream: &UnixStream) -> String {
    let Ok(process) = sockopt::socket_peercred(stream).map(|peer| peer.pid.as_raw_nonzero()) else {
        return "another process".to_owned();
    };
    match fs::read_to_string(format!("/proc/{process}/comm")) {
        Ok(name) => format!("{} (PID {process})", name.trim()),
        Err(_) => format!("process {process}"),
    }
}

/// A connection.
struct Guest<S> {
    stream: S,
    /// Whether it has sent a frame.
    heard: AtomicBool,
}

/// The connections that were asked for their seed and have sent no frame yet, the oldest first.
struct Silent<S>(Mutex<VecDeque<Weak<Guest<S>>>>);

impl<S: AsFd> Silent<S> {
    /// One more; the oldest of too many is closed.
    fn join(&self, guest: &Arc<Guest<S>>) {
        let mut silent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        silent.push_back(Arc::downgrade(guest));
        silent.retain(|guest| guest.upgrade().is_some_and(|guest| !guest.heard.load(Ordering::Relaxed)));
        if silent.len() > SILENT
            && let Some(oldest) = silent.pop_front().and_then(|guest| guest.upgrade())
        {
            // One that has just gone by itself needs no closing.
            let _ = shutdown(&oldest.stream, Shutdown::Both);
        }
    }
}

/// Takes clients until the key is stopped, and waits for them to end.
fn serve_all<S: AsFd + Send + Sync>(
    key: &Key,
    listener: &impl AsFd,
    accept: impl Fn() -> io::Result<(S, String)>,
) {
    let silent = &Silent(Mutex::default());
    thread::scope(|clients| {
        while !key.is_stopped() {
            let Ok(watch) =
                key.watch().inspect_err(|error| tracing::error!(%error, "nobody is served any more"))
            else {
                return;
            };
            if key.is_stopped() {
                return;
            }
            while matches!(wait_for(listener, PollFlags::IN, &watch), Ok(Woken::Stream)) {
                match accept() {
                    Ok((stream, client)) => {
                        let guest = Arc::new(Guest { stream, heard: AtomicBool::new(false) });
                        let served = thread::Builder::new().spawn_scoped(clients, move || {
                            let ended =
                                serve_guest(key, &guest.stream, &client, &|progress| match progress {
                                    Progress::Asked => silent.join(&guest),
                                    Progress::Heard => guest.heard.store(true, Ordering::Relaxed),
                                });
                            if let Ended::Busy = ended {
                                part_with(&guest.stream, key);
                            }
                        });
                        if let Err(error) = served {
                            tracing::warn!(%error, "a client was not served");
                        }
                    }
                    // It went away again.
                    Err(error) => tracing::debug!(%error, "a client was not taken"),
                }
            }
        }
    });
}

/// Closes a stream so that what was said last arrives: what the client has sent meanwhile would have it thrown away.
fn part_with(stream: &impl AsFd, key: &Key) {
    let until = Instant::now() + FAREWELL;
    let Ok(watch) = key.watch() else { return };
    if shutdown(stream, Shutdown::Write).is_err() {
        return;
    }
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        let mut waiting = [PollFd::new(stream, PollFlags::IN), PollFd::new(&watch, PollFlags::IN)];
        if !matches!(poll(&mut waiting, Some(&left)), Ok(1..)) || key.is_stopped() {
            return;
        }
        let mut bytes = [0; 1024];
        if !matches!(rustix::io::read(stream, &mut bytes), Ok(1..)) {
            return;
        }
    }
}
