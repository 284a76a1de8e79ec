//! The file that holds a simulated token between processes: a header and the content of the flash.
//!
//! Guarantees: what is not a sound file of this format is refused and not touched; one process at a time holds a
//! file; a save leaves the old content or the new, whatever happens to the process or the machine.
//!
//! The first save of a process writes the whole file, in its place; later ones write what changed into another beside it;
//! who lets go of the file, or opens one that a killed process left, makes it whole again. A copy of a file that nobody
//! holds, with the changes beside it where there are any, is the token; [`read`] is the way to one that needs no care.
//!
//! | module | subject |
//! |---|---|
//! | `format` | the bytes of the file |
//! | `changes` | what changed since the process that holds it wrote it: a file beside it |
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
use changes::{Beside, Changes};
use format::{Mark, checksum, decode, encode};
use lock::{beside, lock_to_read};

/// A state file that this process holds.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    header: Header,
    /// The flash as it was saved last.
    saved: Zeroizing<Vec<u8>>,
    /// Those since this process wrote the file as a whole; none before: a copy of what was there then may be about.
    changes: Option<Changes>,
    _lock: Lock,
}

impl StateFile {
    /// Opens a file and gives its flash. What a killed process left beside it is in it then.
    ///
    /// # Errors
    /// [`LinkError::NoFile`], [`LinkError::Busy`], [`LinkError::BadFile`], [`LinkError::Io`]; the file was not touched.
    pub fn open(path: &Path) -> Result<(StateFile, Vec<u8>), LinkError> {
        // A lock beside a file that is none of ours would be litter: look before locking, read again behind the lock.
        header(path)?;
        let path = fs::canonicalize(path).map_err(io_error("finding", path))?;
        let lock = lock(&path)?;
        let Content { header, flash, beside } = content(&path)?;
        let mut file =
            StateFile { path, header, saved: Zeroizing::new(flash.clone()), changes: None, _lock: lock };
        match beside {
            Beside::Nothing => {}
            Beside::Own => file.write(&flash)?,
            Beside::Stray => {
                let changes = changes::path(&file.path);
                tracing::warn!(changes = %changes.display(), "the changes beside a token are none of its own: left out");
            }
        }
        Ok((file, flash))
    }

    /// Makes a file of this content.
    ///
    /// With `replace`, a state file of that name is replaced, also a damaged one; a foreign file never is.
    ///
    /// # Errors
    /// [`LinkError::Exists`], [`LinkError::Busy`], [`LinkError::BadFile`] for a foreign file, [`LinkError::Io`].
    pub fn create(path: &Path, header: Header, flash: &[u8], replace: bool) -> Result<StateFile, LinkError> {
        let replaceable = |path: &Path| match self::header(path) {
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
        let changes = Some(write(&path, &header, flash)??);
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
        if let Some(changes) = &mut self.changes
            && self.saved.len() == flash.len()
            && changes.add(&self.saved, flash).map_err(io_error("writing beside", &self.path))?
        {
            self.saved.copy_from_slice(flash);
            return Ok(());
        }
        self.write(flash)
    }

    fn write(&mut self, flash: &[u8]) -> Result<(), LinkError> {
        let written = write(&self.path, &self.header, flash)?;
        // Whatever comes of the folder, from here on this is what the file holds.
        self.saved = Zeroizing::new(flash.to_vec());
        // Changes count on a file that is there for good.
        let (changes, done) =
            written.map_or_else(|error| (None, Err(error)), |changes| (Some(changes), Ok(())));
        self.changes = changes;
        done
    }
}

/// Who lets go of a file leaves it whole: it can be copied as one.
impl Drop for StateFile {
    fn drop(&mut self) {
        // Where that fails, nothing is lost: the changes count.
        if self.changes.as_ref().is_some_and(|changes| !changes.is_empty())
            && let Err(error) = write(&self.path, &self.header, &self.saved).and_then(|written| written)
        {
            tracing::warn!(%error, "changes of a token stay beside its file");
        }
    }
}

/// Writes a file as a whole; the inner error is that it is there, and perhaps not for good.
fn write(path: &Path, header: &Header, flash: &[u8]) -> Result<Result<Changes, LinkError>, LinkError> {
    let mut mark = Mark::default();
    getrandom::fill(&mut mark).map_err(|error| io_error("writing", path)(io::Error::other(error)))?;
    let (new, bytes) = (beside(path, ".new"), encode(header, flash, mark));
    write_durably(&new, &bytes).map_err(io_error("writing", &new))?;
    fs::rename(&new, path).map_err(io_error("replacing", path))?;
    // Until then the file before may come back, which is nothing without its changes.
    let synced = sync_folder(path).map_err(io_error("saving the folder of", path));
    Ok(synced.map(|()| Changes::begin(path, checksum(&bytes))))
}

/// Reads and checks a file with the changes beside it, and leaves both alone. It is held meanwhile.
///
/// # Errors
/// [`LinkError::NoFile`], [`LinkError::Busy`], [`LinkError::BadFile`], [`LinkError::Io`].
pub fn read(path: &Path) -> Result<(Header, Vec<u8>), LinkError> {
    header(path)?;
    let path = fs::canonicalize(path).map_err(io_error("finding", path))?;
    let _lock = lock_to_read(&path)?;
    content(&path).map(|content| (content.header, content.flash))
}

/// Checks a file, whoever holds it, and says what it says about the token.
///
/// # Errors
/// [`LinkError::NoFile`], [`LinkError::BadFile`], [`LinkError::Io`].
pub fn header(path: &Path) -> Result<Header, LinkError> {
    decoded(path, &bytes(path)?).map(|(header, _)| header)
}

/// The changes beside a file which are none of its own: of another writing of it, or without it. A damaged file has
/// none; beside one that somebody holds nothing can be told, and nobody can take it while it is looked at.
///
/// # Errors
/// [`LinkError::Io`].
pub fn stray_changes(path: &Path) -> Result<Option<PathBuf>, LinkError> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let changes = changes::path(&path);
    let are_stray = lock::unless_held(&path, || match content(&path) {
        Err(LinkError::NoFile { .. }) => Ok(changes.exists()),
        Err(LinkError::BadFile { .. }) => Ok(false),
        content => Ok(content?.beside == Beside::Stray),
    })?;
    Ok(are_stray.transpose()?.unwrap_or(false).then_some(changes))
}

/// What a file holds, with the changes beside it.
struct Content {
    header: Header,
    flash: Vec<u8>,
    beside: Beside,
}

fn content(path: &Path) -> Result<Content, LinkError> {
    let bytes = bytes(path)?;
    let (header, mut flash) = decoded(path, &bytes)?;
    let beside =
        changes::make(path, checksum(&bytes), &mut flash).map_err(io_error("reading beside", path))?;
    Ok(Content { header, flash, beside })
}

fn bytes(path: &Path) -> Result<Vec<u8>, LinkError> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(LinkError::NoFile { path: path.to_owned() })
        }
        result => result.map_err(io_error("reading", path)),
    }
}

fn decoded(path: &Path, bytes: &[u8]) -> Result<(Header, Vec<u8>), LinkError> {
    decode(bytes).map_err(|problem| LinkError::BadFile { path: path.to_owned(), problem })
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
