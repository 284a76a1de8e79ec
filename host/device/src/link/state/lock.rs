//! One process at a time holds a state file.
//!
//! The lock is a file beside it, `FILE.lock`: the state file itself is replaced at each save, a lock on it would not
//! last. It is never removed, for two processes could then lock two files of that name.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::io_error;
use crate::link::{LinkError, holder};

/// A lock that is held.
#[derive(Debug)]
pub(crate) struct Lock(pub(crate) File);

/// Closing the file is not enough: a process that is being started may have a copy of it for a moment.
impl Drop for Lock {
    fn drop(&mut self) {
        // A lock that cannot be given back goes when the process ends.
        let _ = self.0.unlock();
    }
}

/// Waits until no other program holds a file. Another may take it before the caller does.
///
/// # Errors
/// [`LinkError::Io`].
pub fn wait_until_free(path: &Path) -> Result<(), LinkError> {
    let path = fs::canonicalize(path).map_err(io_error("finding", path))?;
    let (file, name) = lock_file(&path)?;
    file.lock().map_err(io_error("locking", &name))?;
    drop(Lock(file));
    Ok(())
}

fn lock_file(path: &Path) -> Result<(File, PathBuf), LinkError> {
    let name = beside(path, ".lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&name);
    // One that is there can be locked all the same.
    let file =
        file.or_else(|error| if is_refusal(&error) { File::open(&name).or(Err(error)) } else { Err(error) });
    Ok((file.map_err(io_error("locking", &name))?, name))
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// Holds the lock beside a file that is only read. Where there is none, and none can be made, nobody holds the file.
pub(super) fn lock_to_read(path: &Path) -> Result<Option<Lock>, LinkError> {
    match lock(path) {
        Err(LinkError::Io { source, .. }) if is_refusal(&source) && !beside(path, ".lock").exists() => {
            Ok(None)
        }
        held => held.map(Some),
    }
}

/// What is read of a file while nobody holds it; `None` where somebody does. Makes no lock where there is none.
pub(super) fn unless_held<T>(path: &Path, read: impl FnOnce() -> T) -> Result<Option<T>, LinkError> {
    let name = beside(path, ".lock");
    let lock = match File::open(&name) {
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => Some(Lock(file)),
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(io_error("locking", &name)(source)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(io_error("locking", &name)(source)),
    };
    let found = read();
    // Who has made one meanwhile held the file.
    Ok((lock.is_some() || !name.exists()).then_some(found))
}

/// Holds the lock beside a file.
pub(in crate::link) fn lock(path: &Path) -> Result<Lock, LinkError> {
    let (file, name) = lock_file(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => {
            Err(LinkError::Busy { place: path.display().to_string(), holder: holder::of(&name) })
        }
        Err(TryLockError::Error(source)) => Err(io_error("locking", &name)(source)),
    }
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
