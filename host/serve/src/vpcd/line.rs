//! The line to a virtual reader: messages with their length, over TCP.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use zeroize::Zeroizing;

use crate::key::Watch;
use crate::line::{Line, Woken, wait_for};

/// A connection to a virtual reader.
pub(super) struct Messages {
    line: Line<TcpStream>,
    /// Read and not looked at yet.
    unread: Zeroizing<Vec<u8>>,
}

impl Messages {
    /// Connects, and waits as long as the reader has another card: it takes one after the other. Nothing where the key
    /// changed before.
    pub(super) fn connect(address: SocketAddr, watch: &Watch) -> io::Result<Option<Messages>> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) => {}
            Err(Errno::INPROGRESS) => {
                if wait_for(&socket, PollFlags::OUT, watch)? == Woken::Key {
                    return Ok(None);
                }
                sockopt::socket_error(&socket)??;
            }
            Err(error) => return Err(error.into()),
        }
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        Ok(Some(Messages { line: Line::new(stream)?, unread: Zeroizing::default() }))
    }

    /// The next message; nothing where the key changed before.
    ///
    /// # Errors
    /// [`ErrorKind::UnexpectedEof`] where the reader ended the connection, and what the system says.
    pub(super) fn receive(&mut self, watch: &Watch) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        loop {
            if let Some((length, rest)) = self.unread.split_first_chunk()
                && let Some(message) = rest.get(..usize::from(u16::from_be_bytes(*length)))
            {
                let message = Zeroizing::new(message.to_vec());
                let read = length.len() + message.len();
                self.unread = Zeroizing::new(self.unread.split_off(read));
                return Ok(Some(message));
            }
            // vpcd sends length and bytes apart, and its system sends the second when the first is acknowledged. Ours
            // would keep that back for 40 ms, and forgets with each answer that it should not.
            #[cfg(target_os = "linux")]
            sockopt::set_tcp_quickack(self.line.stream(), true)?;
            let mut bytes = Zeroizing::new([0; 4096]);
            match self.line.read(&mut *bytes) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.unread.extend_from_slice(bytes.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.line.wait(watch)? == Woken::Key {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] where it is longer than a length can say; else what the system says.
    pub(super) fn send(&mut self, message: &[u8], watch: &Watch) -> io::Result<()> {
        let length = u16::try_from(message.len()).map_err(|_| ErrorKind::InvalidData)?;
        let bytes = Zeroizing::new([&length.to_be_bytes(), message].concat());
        self.line.write_all(&bytes, watch)
    }
}
