//! What was seen of a machine: facts without a judgement, for [`findings`](super::findings) and tests that invent them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Text;

/// A machine as `ukey` sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// It installs packages with apt-get.
    pub(crate) debian: bool,
    /// systemd starts its services.
    pub(crate) systemd: bool,
    /// This process may do everything.
    pub(crate) root: bool,
    /// Groups of this process, by name.
    pub(crate) groups: Vec<String>,
    /// Programs that were found, and where.
    pub(crate) programs: BTreeMap<&'static str, PathBuf>,
    /// Targets that the Rust toolchain has a library for; `None` without a toolchain.
    pub(crate) rust_targets: Option<Vec<String>>,
    /// The images of the boards.
    pub(crate) images: Vec<Image>,
    /// Smart card readers.
    pub(crate) pcsc: Pcsc,
    /// Serial lines.
    pub(crate) lines: Vec<Line>,
    /// The folder of the tokens that run.
    pub(crate) runtime: Runtime,
    /// State files in the current folder.
    pub(crate) states: Vec<StateFile>,
    /// What stands beside state files, there or gone, and belongs to none.
    pub(crate) strays: Vec<StrayChanges>,
    /// The variables `UKEY_*`; no values of those that hold a secret.
    pub(crate) variables: Vec<(String, String)>,
    /// The file that names the devices of `libukey_skf`, where there is one.
    pub(crate) devices: Option<Devices>,
    /// A Chinese font in one of the usual places.
    pub(crate) font: bool,
    /// The SKF libraries that were asked about.
    pub(crate) libraries: Vec<Library>,
}

/// The image of a board.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) board: String,
    pub(crate) path: PathBuf,
    pub(crate) built: bool,
}

/// PC/SC on this machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pcsc {
    /// This program was built to speak it.
    pub(crate) built: bool,
    /// The socket that clients look for.
    pub(crate) socket: PathBuf,
    /// What is behind it.
    pub(crate) listener: Listener,
    /// The process of pcscd, if one runs.
    pub(crate) process: Option<u32>,
    /// polkit runs, which may refuse those who are not root.
    pub(crate) polkit: bool,
    /// The driver of the virtual reader.
    pub(crate) driver: Option<PathBuf>,
    /// Files of configuration that name a driver of virtual readers, with the driver and whether that is there.
    pub(crate) configured: Vec<(PathBuf, PathBuf, bool)>,
    /// What this program's client of PC/SC says: the readers.
    pub(crate) readers: Option<Result<Vec<Reader>, Text>>,
}

/// What is behind a socket.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Listener {
    /// There is no socket.
    #[default]
    Absent,
    /// Somebody listens.
    Answers,
    /// Nobody listens any more.
    Gone,
    /// This user may not connect.
    Denied,
    /// Anything else, in the system's word.
    Failed(String),
}

/// A smart card reader.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) name: String,
    /// A program has the card for itself.
    pub(crate) exclusive: bool,
    /// The card in it does not answer to power.
    pub(crate) mute: bool,
}

/// A serial line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) path: PathBuf,
    /// This user may read and write it.
    pub(crate) allowed: bool,
    /// The group that may.
    pub(crate) group: String,
    /// Who has it open.
    pub(crate) holder: Option<String>,
}

/// The folder of the tokens that run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runtime {
    pub(crate) path: PathBuf,
    pub(crate) folder: Folder,
}

/// How that folder is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Folder {
    /// It is made when it is needed.
    #[default]
    Absent,
    /// It is this user's alone.
    Own {
        /// Processes that run.
        alive: usize,
        /// What ended processes left.
        stale: usize,
    },
    /// It is this user's, and others may look into it or write.
    Open {
        /// Its permissions.
        mode: u32,
    },
    /// It is another user's, or no folder at all.
    Foreign,
    /// It cannot be looked into, in the system's word.
    Unreadable(String),
}

/// A file that should hold a simulated token.
#[derive(Clone, Debug)]
pub(crate) struct StateFile {
    pub(crate) path: PathBuf,
    /// The serial number in it, else what is wrong with it and what to do.
    pub(crate) content: Result<String, (Text, Option<Text>)>,
    /// Who holds it.
    pub(crate) holder: Option<String>,
}

/// Changes that a killed program left of another file than the one they are beside.
#[derive(Clone, Debug)]
pub(crate) struct StrayChanges {
    pub(crate) path: PathBuf,
    /// The file that they are beside.
    pub(crate) file: PathBuf,
    /// It is there.
    pub(crate) is_there: bool,
}

/// A file that should name the devices of `libukey_skf`.
#[derive(Clone, Debug)]
pub(crate) struct Devices {
    pub(crate) path: PathBuf,
    /// The targets in it, else what is wrong with it and what a right one is.
    pub(crate) content: Result<Vec<String>, (Text, Text)>,
    /// Nobody reads it: the environment names the devices.
    pub(crate) is_overruled: bool,
}

/// A file that should be an SKF library.
#[derive(Clone, Debug)]
pub(crate) struct Library {
    pub(crate) path: PathBuf,
    pub(crate) content: Content,
}

/// What is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Content {
    /// There is no such file.
    Absent,
    /// It cannot be read, in the system's word.
    Unreadable(String),
    /// It is no ELF file.
    NoLibrary,
    /// It is for another machine than this program.
    Foreign {
        /// Its machine.
        its: String,
        /// This program's.
        ours: String,
    },
    /// A library of this machine, and the functions that it exports.
    Exports(Vec<String>),
}
