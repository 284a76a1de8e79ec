//! The ways to a key: where clients find it.

use std::net::SocketAddr;
use std::path::PathBuf;

use ukey_device::Target;

use crate::error::ServeError;
use crate::key::Key;
use crate::serial::SerialLine;
use crate::socket::{TcpSocket, UnixSocket};
use crate::vpcd::Reader;

/// A way that is to be opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Way {
    /// A TCP port, `HOST:PORT`; port 0 takes a free one.
    Tcp(String),
    /// A socket of this machine.
    Unix(PathBuf),
    /// A serial line: that of a device file, or a pseudo-terminal with this name.
    Serial {
        /// The device file, or the name.
        path: PathBuf,
        /// Bits per second of a device.
        baud: u32,
    },
    /// A virtual smart card reader whose vpcd waits at this address, or will.
    Vpcd(SocketAddr),
}

/// A way that is open: clients may come, and wait until [`Open::serve`].
pub(crate) trait Open: Send {
    /// Where clients find it, as far as that is known here.
    fn target(&self) -> Option<Target>;

    /// Where the vpcd of its reader waits, if it is put into one.
    fn reader(&self) -> Option<SocketAddr> {
        None
    }

    /// Serves clients until the key is stopped.
    fn serve(self: Box<Self>, key: &Key);
}

impl Way {
    /// Opens it.
    pub(crate) fn open(&self) -> Result<Box<dyn Open>, ServeError> {
        Ok(match self {
            Way::Tcp(address) => Box::new(TcpSocket::open(address)?),
            Way::Unix(path) => Box::new(UnixSocket::open(path)?),
            Way::Serial { path, baud } => SerialLine::open(path, *baud)?,
            Way::Vpcd(address) => Box::new(InReader(*address)),
        })
    }
}

/// A virtual smart card reader.
struct InReader(SocketAddr);

impl Open for InReader {
    /// Its name is pcscd's affair.
    fn target(&self) -> Option<Target> {
        None
    }

    fn reader(&self) -> Option<SocketAddr> {
        Some(self.0)
    }

    fn serve(self: Box<Self>, key: &Key) {
        if let Err(error) = Reader::new(key, self.0).run() {
            tracing::error!(%error, address = %self.0, "the smart card reader is not served any more");
        }
    }
}
