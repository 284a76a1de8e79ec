//! The file that holds a simulated token between processes: a header and the content of the flash.
//!
//! Guarantees: what is not a sound file of this format is refused and not touched; one process at a time holds a
//! file; a save leaves the old content or the new, whatever happens to the process or the machine.
//!
//! | module | subject |
//! |---|---|
//! | `format` | the bytes of the file |
//! | `changes` | what changed since it was written: a file beside it, until the token is let go |
//! | `lock` | who holds it |

mod changes;
mod format;
mod lock;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use format::{BadState, Header};
pub(crate) use lock::Lock;
pub(super) use lock::lock;
pub use lock::wait_until_free;

use zeroize::Zeroizing;

use super::LinkError;
use changes::Changes;
use format::{checksum, decode, encode};
use lock::beside;

/// A state file that this process holds.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    header: Header,
    /// The flash as it was saved last.
    saved: Zeroizing<Vec<u8>>,
    changes: Changes,
    _lock: Lock,
}

impl StateFile {
    /// Opens a file and gives its flash.
    ///
    /// # Errors
    /// [`LinkError::NoFile`], [`LinkError::Busy`], [`LinkError::BadFile`], [`LinkError::Io`]; the file was not touched.
    pub fn open(path: &Path) -> Result<(StateFile, Vec<u8>), LinkError> {
        // A lock beside a file that is none of ours would be litter: look before locking, read again behind the lock.
        read(path)?;
        let path = fs::canonicalize(path).map_err(io_error("finding", path))?;
        let lock = lock(&path)?;
        let (header, flash, changes) = read_all(&path)?;
        let saved = Zeroizing::new(flash.clone());
        Ok((StateFile { path, header, saved, changes, _lock: lock }, flash))
    }

    /// Makes a file of this content.
    ///
    /// With `replace`, a state file of that name is replaced, also a damaged one; a foreign file never is.
    ///
    /// # Errors
    /// [`LinkError::Exists`], [`LinkError::Busy`], [`LinkError::BadFile`] for a foreign file, [`LinkError::Io`].
    pub fn create(path: &Path, header: Header, flash: &[u8], replace: bool) -> Result<StateFile, LinkError> {
        let replaceable = |path: &Path| match read(path) {
            Err(LinkError::NoFile { .. }) => Ok(()),
            Err(error @ (LinkError::BadFile { problem: BadState::Foreign, .. } | LinkError::Io { .. })) => {
                Err(error)
            }
            _ if replace => Ok(()),
            _ => Err(LinkError::Exists { path: path.to_owned() }),
        };
        replaceable(path)?;
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let lock = lock(&path)?;
        replaceable(&path)?;
        let (changes, synced) = write(&path, &header, flash)?;
        synced?;
        Ok(StateFile { path, header, saved: Zeroizing::new(flash.to_vec()), changes, _lock: lock })
    }

    /// What the file says about the token.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the flash, durably, before it returns: in the file itself, or beside it as what has changed.
    ///
    /// # Errors
    /// [`LinkError::Io`]; the file then holds the old content or the new.
    pub fn save(&mut self, flash: &[u8]) -> Result<(), LinkError> {
        let is_small = self.saved.len() == flash.len();
        if is_small && self.changes.add(&self.saved, flash).map_err(io_error("writing beside", &self.path))? {
            self.saved.copy_from_slice(flash);
            return Ok(());
        }
        let (changes, synced) = write(&self.path, &self.header, flash)?;
        // Whatever comes of the folder, from here on this is what the file holds.
        (self.changes, self.saved) = (changes, Zeroizing::new(flash.to_vec()));
        synced
    }
}

/// Who lets go of a file leaves it whole: it can be copied as one.
impl Drop for StateFile {
    fn drop(&mut self) {
        // Where that fails, nothing is lost: the changes count.
        if !self.changes.is_empty()
            && let Err(error) = write(&self.path, &self.header, &self.saved).and_then(|(_, synced)| synced)
        {
            tracing::warn!(%error, "changes of a token stay beside its file");
        }
    }
}

/// Writes a file as a whole; also says whether its folder has it for good.
fn write(path: &Path, header: &Header, flash: &[u8]) -> Result<(Changes, Result<(), LinkError>), LinkError> {
    let (new, bytes) = (beside(path, ".new"), encode(header, flash));
    write_durably(&new, &bytes).map_err(io_error("writing", &new))?;
    fs::rename(&new, path).map_err(io_error("replacing", path))?;
    let changes = Changes::none(path, checksum(&bytes));
    Ok((changes, sync_folder(path).map_err(io_error("saving the folder of", path))))
}

/// Reads and checks a file, and leaves it alone.
///
/// # Errors
/// [`LinkError::NoFile`], [`LinkError::BadFile`], [`LinkError::Io`].
pub fn read(path: &Path) -> Result<(Header, Vec<u8>), LinkError> {
    read_all(path).map(|(header, flash, _)| (header, flash))
}

fn read_all(path: &Path) -> Result<(Header, Vec<u8>, Changes), LinkError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(LinkError::NoFile { path: path.to_owned() });
        }
        result => result.map_err(io_error("reading", path))?,
    };
    let bad = |problem| LinkError::BadFile { path: path.to_owned(), problem };
    let (header, mut flash) = decode(&bytes).map_err(bad)?;
    let changes =
        Changes::read(path, checksum(&bytes), &mut flash).map_err(io_error("reading beside", path))?;
    Ok((header, flash, changes))
}

/// The file holds private keys: nobody else may read it.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A rename is durable once the folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

pub(crate) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LinkError {
    move |source| LinkError::Io { doing, path: path.to_owned(), source }
}
