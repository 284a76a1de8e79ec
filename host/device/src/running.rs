//! Which simulated tokens run on this machine, and the hand that reaches them from another process.
//!
//! A process that serves tokens is an [`Instance`]. In the folder of this user alone there is one file `PID.json` for
//! each, which it holds locked while it lives, and its control socket `PID.sock` ([`control`]).
//!
//! Guarantees: what is listed is alive, for the system ends the lock with the process, however that ends; what a dead
//! one left behind is swept by whoever looks next. A folder that others could write to is refused.
//!
//! Refuses to know how a token is served, and whose client it has.
//!
//! The folder is that of `UKEY_RUNTIME_DIR`, else `$XDG_RUNTIME_DIR/ukey`, else `ukey-UID` in the folder for temporary
//! files; its mode is 0700. `PID.json`, version 1:
//!
//! ```json
//! { "version": 1, "pid": 4711, "tokens": [{ "serial_number": "…", "label": "…", "state": null,
//!   "targets": ["tcp:127.0.0.1:40001"], "reader": null }] }
//! ```

pub mod control;
pub(crate) mod proof;
#[cfg(target_os = "linux")]
mod watch;

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use crate::link::state::{Lock, io_error};
use crate::link::{Hand, LinkError};
use crate::target::Target;

#[cfg(target_os = "linux")]
pub use watch::Watch;

/// Version of the file, and of the words of [`control`].
pub const VERSION: u32 = 1;

/// A process of this user that serves tokens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instance {
    /// Its process.
    pub pid: u32,
    /// Its control socket.
    pub control: PathBuf,
    /// What it serves.
    pub tokens: Vec<Running>,
}

/// A token that is served.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Running {
    /// Its serial number.
    pub serial_number: String,
    /// Its label when it was started.
    pub label: String,
    /// The file with its state; `None` where it is in memory only.
    pub state: Option<PathBuf>,
    /// Where it is reached.
    pub targets: Vec<Target>,
    /// Where the virtual smart card readers listen that it is to be in: `HOST:PORT`.
    #[serde(default)]
    pub readers: Vec<String>,
}

/// What `PID.json` holds.
#[derive(Serialize, Deserialize)]
struct Entry {
    version: u32,
    pid: u32,
    tokens: Vec<Running>,
}

/// The folder of this user's instances. It need not be there.
#[must_use]
pub fn folder() -> PathBuf {
    let named = |name| env::var_os(name).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    named("UKEY_RUNTIME_DIR")
        .or_else(|| named("XDG_RUNTIME_DIR").map(|folder| folder.join("ukey")))
        .unwrap_or_else(|| env::temp_dir().join(format!("ukey-{}", geteuid().as_raw())))
}

/// Every instance of this user that is alive, in the order of their processes.
///
/// # Errors
/// [`LinkError::ForeignFolder`], [`LinkError::Io`].
pub fn instances() -> Result<Vec<Instance>, LinkError> {
    Registry::of_this_user().instances()
}

/// The hand that pulls and plugs the running token of that serial number; `None` where there is none, or more than one.
/// It says nothing of a key that is reached over a link: that one may have the same number
/// ([`Device::hand`](crate::Device::hand) proves it).
#[must_use]
pub fn hand(serial_number: &str) -> Option<Arc<dyn Hand>> {
    Registry::of_this_user().hand(serial_number)
}

/// A folder of instances.
#[derive(Clone, Debug)]
pub struct Registry {
    folder: PathBuf,
}

impl Registry {
    /// That of this user: [`folder`].
    #[must_use]
    pub fn of_this_user() -> Registry {
        Registry::at(folder())
    }

    /// One in any folder.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Registry {
        Registry { folder: folder.into() }
    }

    /// As [`instances`].
    ///
    /// # Errors
    /// As [`instances`].
    pub fn instances(&self) -> Result<Vec<Instance>, LinkError> {
        if !self.folder.try_exists().map_err(io_error("finding", &self.folder))? {
            return Ok(Vec::new());
        }
        let _guard = self.guard()?;
        let mut found = Vec::new();
        for file in fs::read_dir(&self.folder).map_err(io_error("reading", &self.folder))? {
            let file = file.map_err(io_error("reading", &self.folder))?.path();
            match file.extension().and_then(|extension| extension.to_str()) {
                Some("json") => found.extend(self.look_at(&file)?),
                // Of one that died before it was listed.
                Some("new") => sweep(&file).map(drop)?,
                _ => {}
            }
        }
        found.sort_by_key(|instance| instance.pid);
        Ok(found)
    }

    /// As [`hand`].
    #[must_use]
    pub fn hand(&self, serial_number: &str) -> Option<Arc<dyn Hand>> {
        Some(Arc::new(self.the_one_with(serial_number)?.hand(serial_number)))
    }

    /// The only instance that serves that token.
    fn the_one_with(&self, serial_number: &str) -> Option<Instance> {
        let mut serving = self.serving(serial_number);
        // Which of several is meant cannot be told.
        serving.pop().filter(|_| serving.is_empty())
    }

    /// The instances that serve a token of that number, and one only.
    fn serving(&self, serial_number: &str) -> Vec<Instance> {
        let instances = self
            .instances()
            .inspect_err(|error| tracing::warn!(%error, "running tokens cannot be listed"))
            .unwrap_or_default();
        let has_one = |instance: &Instance| {
            instance.tokens.iter().filter(|token| token.serial_number == serial_number).count() == 1
        };
        instances.into_iter().filter(has_one).collect()
    }

    /// Lists this process with what it serves, and opens its control socket, until the value is dropped.
    ///
    /// # Errors
    /// [`LinkError::ForeignFolder`], [`LinkError::Io`]; [`LinkError::Busy`] where this process is listed there already.
    pub fn register(&self, tokens: Vec<Running>) -> Result<(Registered, UnixListener), LinkError> {
        self.make_folder()?;
        let _guard = self.guard()?;
        let pid = process::id();
        let (file, control) = (self.file(pid, "json"), self.file(pid, "sock"));
        if self.look_at(&file)?.is_some() {
            return Err(LinkError::Busy { place: file.display().to_string(), holder: None });
        }
        remove(&control)?;
        let listener = UnixListener::bind(&control).map_err(io_error("listening at", &control))?;
        // It is locked before anybody sees it.
        let new = self.file(pid, "new");
        remove(&new)?;
        let write = || {
            let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new)?;
            file.lock()?;
            serde_json::to_writer(&mut file, &Entry { version: VERSION, pid, tokens })?;
            file.flush()?;
            Ok(file)
        };
        let lock = Lock(write().map_err(io_error("writing", &new))?);
        let registered = Registered { registry: self.clone(), file, control, entry: lock };
        fs::rename(&new, &registered.file).map_err(io_error("writing", &registered.file))?;
        Ok((registered, listener))
    }

    fn make_folder(&self) -> Result<(), LinkError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        made.map_err(io_error("making", &self.folder))
    }

    fn file(&self, pid: u32, extension: &str) -> PathBuf {
        self.folder.join(format!("{pid}.{extension}"))
    }

    /// One looks, or is listed, or goes, at a time. The folder is this user's alone as long as this is held.
    fn guard(&self) -> Result<Lock, LinkError> {
        let found = fs::symlink_metadata(&self.folder).map_err(io_error("finding", &self.folder))?;
        if !found.is_dir() || found.uid() != geteuid().as_raw() || found.mode() & 0o077 != 0 {
            return Err(LinkError::ForeignFolder { path: self.folder.clone() });
        }
        let name = self.folder.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&name);
        let file = file.and_then(|file| file.lock().map(|()| file)).map_err(io_error("locking", &name))?;
        Ok(Lock(file))
    }

    /// The instance of a file; what a dead one left is removed.
    fn look_at(&self, file: &Path) -> Result<Option<Instance>, LinkError> {
        let Some(held) = sweep(file)? else {
            remove(&file.with_extension("sock"))?;
            return Ok(None);
        };
        match serde_json::from_reader::<_, Entry>(io::BufReader::new(held)) {
            Ok(Entry { version: VERSION, pid, tokens }) => {
                Ok(Some(Instance { pid, control: self.file(pid, "sock"), tokens }))
            }
            Ok(Entry { version, .. }) => {
                tracing::warn!(version, file = %file.display(), "another version of this program serves tokens");
                Ok(None)
            }
            Err(error) => {
                tracing::warn!(%error, file = %file.display(), "what runs there cannot be read");
                Ok(None)
            }
        }
    }
}

/// The file, where a living process holds it; else it is removed.
fn sweep(path: &Path) -> Result<Option<File>, LinkError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(io_error("reading", path))?,
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(Some(file)),
        Err(TryLockError::Error(source)) => Err(io_error("locking", path)(source)),
        Ok(()) => {
            remove(path)?;
            drop(Lock(file));
            Ok(None)
        }
    }
}

fn remove(path: &Path) -> Result<(), LinkError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("removing", path)(error)),
        _ => Ok(()),
    }
}

/// This process is listed until this is dropped.
#[derive(Debug)]
pub struct Registered {
    registry: Registry,
    file: PathBuf,
    control: PathBuf,
    entry: Lock,
}

impl Registered {
    /// Its control socket.
    #[must_use]
    pub fn control(&self) -> &Path {
        &self.control
    }

    /// One of its tokens was plugged in, or pulled: whoever watches the registry ([`Watch`]) is told.
    pub fn changed(&self) {
        if let Err(error) = self.entry.0.set_modified(SystemTime::now()) {
            tracing::warn!(%error, "nobody is told that a token came or went");
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // What cannot be removed is swept by whoever looks next.
        let guard = self.registry.guard();
        let removed = remove(&self.file).and(remove(&self.control));
        if let Err(error) = guard.map(drop).and(removed) {
            tracing::warn!(%error, "an entry of a running token stays behind");
        }
    }
}

impl Instance {
    /// The hand for one of its tokens.
    #[must_use]
    pub fn hand(&self, serial_number: &str) -> impl Hand + use<> {
        control::RemoteHand::new(self.control.clone(), serial_number)
    }

    /// Pulls one of its tokens, and tells whether that was done, which a hand does not.
    ///
    /// # Errors
    /// As [`control::ask`].
    pub fn unplug(&self, serial_number: &str) -> Result<(), LinkError> {
        let request = control::Request::Unplug { serial_number: serial_number.to_owned() };
        control::ask(&self.control, &request).map(drop)
    }

    /// What its tokens are doing.
    ///
    /// # Errors
    /// As [`control::ask`].
    pub fn status(&self) -> Result<Vec<control::State>, LinkError> {
        self.status_within(control::PATIENCE)
    }

    /// As [`Instance::status`], for those who wait no longer than this.
    ///
    /// # Errors
    /// As [`control::ask`].
    pub fn status_within(&self, patience: Duration) -> Result<Vec<control::State>, LinkError> {
        control::status(&self.control, patience)
    }

    /// Whether that token was the last time asked to open the application of this name.
    fn heard(&self, serial_number: &str, application: &str) -> bool {
        let (serial_number, application) = (serial_number.to_owned(), application.to_owned());
        let request = control::Request::Heard { serial_number, application };
        let answer = control::ask(&self.control, &request);
        answer.inspect_err(|error| tracing::debug!(%error, "a running token was not asked")).is_ok()
    }

    /// Ends it, and waits until it is gone.
    ///
    /// # Errors
    /// As [`control::ask`]; it may be ending nevertheless.
    pub fn stop(&self) -> Result<(), LinkError> {
        let path = self.control.with_extension("json");
        let held = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => file.map_err(io_error("reading", &path))?,
        };
        control::ask(&self.control, &control::Request::Stop)?;
        held.lock().map_err(io_error("locking", &path))?;
        drop(Lock(held));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
