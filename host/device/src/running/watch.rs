//! News of the running tokens: whoever waits for one sleeps until an instance comes, goes, or says that it has changed
//! ([`Registered::changed`](super::Registered::changed)).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};

use super::Registry;
use crate::link::LinkError;
use crate::link::state::io_error;

/// The folder of instances, watched. It is readable while there is news.
#[derive(Debug)]
pub struct Watch(OwnedFd);

impl Watch {
    /// Of a registry, whose folder is made where there is none.
    ///
    /// # Errors
    /// [`LinkError::Io`].
    pub fn new(registry: &Registry) -> Result<Watch, LinkError> {
        registry.make_folder()?;
        let watch = || -> io::Result<OwnedFd> {
            let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            // An entry is moved to its name and removed again; it is closed by a process that dies.
            let flags = WatchFlags::MOVED_TO
                | WatchFlags::DELETE
                | WatchFlags::CLOSE_WRITE
                | WatchFlags::ATTRIB
                | WatchFlags::MODIFY;
            inotify::add_watch(&inotify, &registry.folder, flags | WatchFlags::ONLYDIR)?;
            Ok(inotify)
        };
        watch().map(Watch).map_err(io_error("watching", &registry.folder))
    }

    /// Takes the news; whether there was any of an instance. One that died may still be listed for a moment.
    #[must_use]
    pub fn has_news(&mut self) -> bool {
        let mut room = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.0, &mut room);
        let mut found = false;
        // Until there is nothing left to read.
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(|name| name.to_string_lossy());
            // Without a name it is not of an entry, but of the folder, or some were lost.
            found |= name.is_none_or(|name| Path::new(&*name).extension().is_some_and(|kind| kind == "json"));
        }
        found
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
