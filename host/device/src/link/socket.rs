//! A token behind a socket: `tcp:HOST:PORT`, `unix:PATH`.

use std::fmt;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::framed::Limits;
use super::stream::{self, Opens};
use super::{Link, LinkError, Place};

/// How long a connection may take. That a name is looked up before is up to the system's resolver.
const CONNECTING: Duration = Duration::from_secs(5);

/// A token of this machine: it is simulated, and its answers have no way to go.
const LOCAL: Limits = Limits { silence: Duration::from_secs(5), tries: 3 };

/// A token behind a socket of some machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tcp {
    address: String,
    limits: Option<Limits>,
}

impl Tcp {
    /// The token at `HOST:PORT`.
    #[must_use]
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), limits: None }
    }

    /// With limits of one's own: by default 5 seconds for this machine, 10 for others.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits: Some(limits), ..self }
    }

    fn connected(&self) -> Result<TcpStream, LinkError> {
        let no_host = |source| {
            let host = self.address.rsplit_once(':').map_or(&*self.address, |(host, _)| host);
            LinkError::NoHost { host: host.to_owned(), source }
        };
        let mut error = io::ErrorKind::AddrNotAvailable.into();
        for address in self.address.to_socket_addrs().map_err(no_host)? {
            match TcpStream::connect_timeout(&address, CONNECTING) {
                Ok(stream) => return Ok(stream),
                Err(last) => error = last,
            }
        }
        Err(unreached(self.to_string(), error))
    }
}

/// Why nobody took a connection.
fn unreached(place: String, source: io::Error) -> LinkError {
    match source.kind() {
        io::ErrorKind::ConnectionRefused => LinkError::NothingListens { place },
        _ => LinkError::Unreachable { place, source },
    }
}

impl fmt::Display for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tcp:{}", self.address)
    }
}

impl Opens for Tcp {
    type Stream = TcpStream;

    fn open(&self) -> Result<(TcpStream, Limits), LinkError> {
        let stream = self.connected()?;
        let peer = || {
            // Each frame is one write, and waits for the other side's.
            stream.set_nodelay(true)?;
            Ok((stream.local_addr()?, stream.peer_addr()?))
        };
        let (here, there) = peer().map_err(|source| LinkError::Stream { source })?;
        if here == there {
            // A port of this machine from which connections are made can be connected to itself.
            return Err(LinkError::NothingListens { place: self.to_string() });
        }
        let usual = if there.ip().is_loopback() { LOCAL } else { Limits::default() };
        Ok((stream, self.limits.unwrap_or(usual)))
    }
}

impl Place for Tcp {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        stream::connect(self.clone())
    }
}

/// A token behind a socket of this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unix {
    path: PathBuf,
    limits: Limits,
}

impl Unix {
    /// The token at this socket.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), limits: LOCAL }
    }

    /// With limits of one's own: by default 5 seconds.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }
}

/// Connects to a socket of this machine, for no longer than this.
pub(crate) fn connected(path: &Path, limit: Duration) -> rustix::io::Result<UnixStream> {
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // It limits connecting too, where many others wait to be taken.
    set_socket_timeout(&socket, Timeout::Send, Some(limit))?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket.into())
}

impl fmt::Display for Unix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix:{}", self.path.display())
    }
}

impl Opens for Unix {
    type Stream = UnixStream;

    fn open(&self) -> Result<(UnixStream, Limits), LinkError> {
        let stream = connected(&self.path, CONNECTING).map_err(|error| match error {
            Errno::NOENT | Errno::NOTDIR => LinkError::NoSocket { path: self.path.clone() },
            Errno::ACCESS | Errno::PERM => LinkError::SocketDenied { path: self.path.clone() },
            error => unreached(self.to_string(), error.into()),
        })?;
        Ok((stream, self.limits))
    }
}

impl Place for Unix {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        stream::connect(self.clone())
    }
}
