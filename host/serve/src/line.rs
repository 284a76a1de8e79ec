//! A stream that can be waited for together with the key: neither reading nor writing outlasts it.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};

use crate::key::Watch;

/// What was waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Woken {
    /// The stream may be read or written, or has ended.
    Stream,
    /// The key changed.
    Key,
}

/// A stream that waits for nothing by itself.
pub(crate) struct Line<S>(S);

impl<S: AsFd> Line<S> {
    pub(crate) fn new(stream: S) -> io::Result<Self> {
        ioctl_fionbio(&stream, true)?;
        Ok(Self(stream))
    }

    pub(crate) fn stream(&self) -> &S {
        &self.0
    }

    /// Waits until there is something to read, or the key changes.
    pub(crate) fn wait(&self, watch: &Watch) -> io::Result<Woken> {
        wait_for(&self.0, PollFlags::IN, watch)
    }

    /// What there is; nothing at the end.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::io::read(&self.0, &mut *buffer) {
                Err(Errno::INTR) => {}
                result => return Ok(result?),
            }
        }
    }

    /// Writes everything, as far as the key stays as it is.
    pub(crate) fn write_all(&self, mut bytes: &[u8], watch: &Watch) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.0, bytes) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if wait_for(&self.0, PollFlags::OUT, watch)? == Woken::Key {
                        return Err(io::ErrorKind::ConnectionAborted.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Waits for one of two; a change of the key goes first.
pub(crate) fn wait_for(stream: impl AsFd, flags: PollFlags, watch: &Watch) -> io::Result<Woken> {
    let mut waiting = [PollFd::new(watch, PollFlags::IN), PollFd::new(&stream, flags)];
    loop {
        match poll(&mut waiting, None) {
            Err(Errno::INTR) => {}
            result => {
                result?;
                let [key, _] = waiting.map(|fd| !fd.revents().is_empty());
                return Ok(if key { Woken::Key } else { Woken::Stream });
            }
        }
    }
}

/// Waits for a change of the key, and no longer than this.
pub(crate) fn wait_for_key(watch: &Watch, limit: Option<Duration>) -> io::Result<()> {
    let limit = limit.map(Timespec::try_from).transpose().map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(watch, PollFlags::IN)], limit.as_ref()) {
        // The caller looks why it was woken.
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
