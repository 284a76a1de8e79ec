//! The token as a Cortex-M image on a board that QEMU emulates.
//!
//! An [`Emulator`] is the key in one's hand: plugging it in starts QEMU, pulling it kills QEMU whatever it is doing, and
//! its flash is a file that outlives both. QEMU ends with the last handle.

use std::env;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use sm3::{Digest, Sm3};
use tempfile::TempDir;
use ukey_apdu::Dialect;
use ukey_apdu::frame::{MIN_SEED, Measured};

use super::framed::{Framed, Limits, Seed};
use super::state::{self, BadState, io_error};
use super::{Hand, Link, LinkError, Place, sim};
use crate::target::Options;

/// The dialect of the image.
const DIALECT: Dialect = Dialect::GM2012;

/// How long QEMU may take to open its side of the line.
const START: Duration = Duration::from_secs(60);

/// A board that the token is built for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Board {
    /// ARM MPS2 with a Cortex-M4F; memory as NOR flash.
    #[default]
    Mps2An386,
    /// Aspeed AST1030 with a Cortex-M4F; an SPI NOR chip.
    Ast1030Evb,
}

impl Board {
    /// All boards.
    pub const ALL: [Board; 2] = [Board::Mps2An386, Board::Ast1030Evb];

    /// Its name, as QEMU has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Board::Mps2An386 => "mps2-an386",
            Board::Ast1030Evb => "ast1030-evb",
        }
    }

    /// The board of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Board> {
        Self::ALL.into_iter().find(|board| board.name() == name)
    }

    pub(crate) fn names() -> String {
        Self::ALL.map(Board::name).join(", ")
    }

    /// Bytes of the file that is its flash: those of the PSRAM, of the chip.
    const fn flash_size(self) -> u64 {
        match self {
            Board::Mps2An386 => 16 * 1024 * 1024,
            Board::Ast1030Evb => 4 * 1024 * 1024,
        }
    }

    /// What tells QEMU of the board and its flash.
    fn arguments(self, flash: &Path) -> Vec<String> {
        // A comma would end the path.
        let flash = flash.to_string_lossy().replace(',', ",,");
        let arguments = match self {
            Board::Mps2An386 => [
                "-machine".to_owned(),
                "mps2-an386,memory-backend=ram".to_owned(),
                "-object".to_owned(),
                format!("memory-backend-file,id=ram,size=16M,mem-path={flash},share=on"),
            ],
            Board::Ast1030Evb => [
                "-machine".to_owned(),
                "ast1030-evb".to_owned(),
                "-drive".to_owned(),
                format!("file={flash},if=mtd,format=raw"),
            ],
        };
        arguments.into()
    }

    /// The image, where it should be: in `UKEY_BOARD_IMAGE_DIR`, else where cargo builds it.
    #[must_use]
    pub fn image(self) -> PathBuf {
        let built = |target: PathBuf| target.join("thumbv7em-none-eabihf/release");
        let folder = env::var_os("UKEY_BOARD_IMAGE_DIR").map(PathBuf::from).unwrap_or_else(|| {
            let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../firmware-sim/board/target");
            built(env::var_os("CARGO_TARGET_DIR").map_or(sources, PathBuf::from))
        });
        folder.join(self.name())
    }

    /// The image that says what each command costs, where it should be: beside the folder of [`Board::image`].
    #[must_use]
    pub fn measuring_image(self) -> PathBuf {
        let image = self.image();
        let beside = image.parent().and_then(Path::parent).map(|folders| folders.join("measure"));
        beside.unwrap_or_default().join(self.name())
    }

    /// Whether everything is there to emulate it.
    ///
    /// # Errors
    /// [`LinkError::NoImage`], [`LinkError::NoEmulator`].
    pub fn check(self) -> Result<(), LinkError> {
        let path = self.image();
        if !path.is_file() {
            return Err(LinkError::NoImage { board: self.name(), path });
        }
        let version =
            Command::new(QEMU).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.map(drop).map_err(no_emulator)
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const QEMU: &str = "qemu-system-arm";

fn no_emulator(error: io::Error) -> LinkError {
    match error.kind() {
        io::ErrorKind::NotFound => LinkError::NoEmulator,
        _ => LinkError::Emulator { reason: error.to_string() },
    }
}

/// An emulated key. Clones are the same key.
#[derive(Clone)]
pub struct Emulator(Arc<Shared>);

struct Shared {
    board: Board,
    image: PathBuf,
    /// Whether QEMU counts instructions.
    counts: bool,
    flash: PathBuf,
    /// Where the line is, and the flash if nobody named one.
    folder: TempDir,
    _lock: Option<state::Lock>,
    seed: [u8; 32],
    /// Apart from the line, so that it can be killed while a command is under way.
    process: Mutex<Option<Process>>,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    framed: Option<Framed<UnixStream>>,
    /// How often it got power: a link that saw less lost its token.
    power_ups: u64,
    /// Exchanges until it is pulled.
    unplug_after: Option<u64>,
    linked: bool,
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("board", &self.0.board).field("flash", &self.0.flash).finish()
    }
}

impl Emulator {
    /// The key on a board, plugged in: a factory-new one, or the one whose flash is in this file. A file that is not
    /// there is made.
    ///
    /// # Errors
    /// [`LinkError::NoImage`], [`LinkError::NoEmulator`], [`LinkError::Emulator`], [`LinkError::Dialect`],
    /// [`LinkError::NoStart`]; [`LinkError::Busy`] and [`LinkError::BadFile`] for the file, which was not touched then.
    pub fn start(board: Board, flash: Option<&Path>, options: &Options) -> Result<Emulator, LinkError> {
        Self::with_image(board, board.image(), false, flash, options)
    }

    /// A factory-new key that says what each command costs ([`Link::measured`]): QEMU gives each of its instructions one
    /// nanosecond, so that the board can count them.
    ///
    /// # Errors
    /// Those of [`Emulator::start`].
    pub fn measuring(board: Board, options: &Options) -> Result<Emulator, LinkError> {
        Self::with_image(board, board.measuring_image(), true, None, options)
    }

    /// A factory-new key of this image, wherever it is.
    ///
    /// # Errors
    /// Those of [`Emulator::start`].
    pub fn of_image(board: Board, image: &Path, options: &Options) -> Result<Emulator, LinkError> {
        Self::with_image(board, image.to_owned(), false, None, options)
    }

    fn with_image(
        board: Board,
        image: PathBuf,
        counts: bool,
        flash: Option<&Path>,
        options: &Options,
    ) -> Result<Emulator, LinkError> {
        let asked = options.dialect.and_then(crate::DialectChoice::dialect);
        if let Some(asked) = asked.filter(|asked| *asked != DIALECT) {
            return Err(LinkError::Dialect { speaks: DIALECT.name, asked: asked.name });
        }
        if !image.is_file() {
            return Err(LinkError::NoImage { board: board.name(), path: image });
        }
        let folder = tempfile::Builder::new()
            .prefix("ukey-")
            .tempdir()
            .map_err(io_error("making", &env::temp_dir()))?;
        let (flash, lock) = match flash {
            None => (folder.path().join("flash"), None),
            Some(flash) => {
                // However it is spelt, it is one file with one lock.
                let flash = fs::canonicalize(flash).unwrap_or_else(|_| flash.to_owned());
                let lock = state::lock(&flash)?;
                (flash, Some(lock))
            }
        };
        blank_unless_there(&flash, board.flash_size())?;
        let seed = match lock {
            None => sim::seed(options)?,
            Some(_) => sim::seed_over(options, &fs::read(&flash).map_err(io_error("reading", &flash))?)?,
        };
        let emulator = Emulator(Arc::new(Shared {
            board,
            image,
            counts,
            flash,
            folder,
            _lock: lock,
            seed,
            process: Mutex::default(),
            line: Mutex::default(),
        }));
        emulator.plug_in()?;
        Ok(emulator)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.0.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the token is given at its `n`-th start: another one each time. The entropy input and the nonce are two hash
    /// values of the 256 random bits that this key was made with.
    fn seed(&self, n: u64) -> Seed {
        let part = |what: &[u8]| {
            let hash = Sm3::new().chain_update(what).chain_update(self.0.seed);
            hash.chain_update(n.to_be_bytes()).finalize()
        };
        let bytes = part(b"power up").into_iter().chain(part(b"nonce of power up"));
        let mut seed = [0; MIN_SEED];
        seed.iter_mut().zip(bytes).for_each(|(cell, byte)| *cell = byte);
        seed
    }
}

impl Hand for Emulator {
    fn unplug(&self) {
        // Its end closes the line: whoever waits for an answer notices.
        drop(self.process().take());
    }

    fn unplug_after(&self, exchanges: u64) {
        self.line().unplug_after = Some(exchanges);
    }

    fn plug_in(&self) -> Result<(), LinkError> {
        let mut line = self.line();
        if self.process().as_mut().is_some_and(Process::is_running) {
            return Ok(());
        }
        (line.framed, line.unplug_after) = (None, None);
        let (process, stream) = Process::start(&self.0)?;
        *self.process() = Some(process);
        let mut framed = Framed::new(stream, Limits::default())?;
        let started = framed.start(&self.seed(line.power_ups));
        if let Err(error) = started {
            self.unplug();
            return Err(error);
        }
        line.framed = Some(framed);
        line.power_ups += 1;
        Ok(())
    }
}

impl Place for Emulator {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        let mut line = self.line();
        if std::mem::replace(&mut line.linked, true) {
            return Err(LinkError::Busy { place: format!("the UKey on {}", self.0.board), holder: None });
        }
        Ok(Box::new(EmulatorLink { emulator: self.clone(), power_up: line.power_ups }))
    }
}

/// The one link to an emulated key.
struct EmulatorLink {
    emulator: Emulator,
    power_up: u64,
}

impl Link for EmulatorLink {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let mut line = self.emulator.line();
        if line.power_ups != self.power_up {
            return Err(LinkError::Removed);
        }
        if line.unplug_after == Some(0) {
            self.emulator.unplug();
        }
        let answer = line.framed.as_mut().ok_or(LinkError::Removed)?.exchange(command)?;
        line.unplug_after = line.unplug_after.map(|left| left.saturating_sub(1));
        Ok(answer)
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        let mut line = self.emulator.line();
        if self.emulator.process().is_none() {
            return Err(LinkError::Removed);
        }
        let seed = self.emulator.seed(line.power_ups);
        line.framed.as_mut().ok_or(LinkError::Removed)?.restart(&seed)?;
        line.power_ups += 1;
        self.power_up = line.power_ups;
        Ok(())
    }

    fn dialect(&self) -> Option<Dialect> {
        Some(DIALECT)
    }

    fn measured(&self) -> Option<Measured> {
        self.emulator.line().framed.as_ref().and_then(Framed::measured)
    }

    fn hand(&self) -> Option<Arc<dyn Hand>> {
        Some(Arc::new(self.emulator.clone()))
    }
}

impl Drop for EmulatorLink {
    fn drop(&mut self) {
        self.emulator.line().linked = false;
    }
}

/// QEMU, until this is dropped.
struct Process {
    child: Child,
    /// Kept open: QEMU would fail on a warning that nobody takes.
    _errors: Option<ChildStderr>,
}

impl Process {
    /// Starts QEMU, and waits until it has opened the line.
    fn start(emulator: &Shared) -> Result<(Process, UnixStream), LinkError> {
        let socket = emulator.folder.path().join("uart");
        let _ = fs::remove_file(&socket);
        // QEMU comes to us: there is nothing to try again until it is there.
        let listener = UnixListener::bind(&socket).map_err(io_error("listening at", &socket))?;
        let mut child = Command::new(QEMU)
            .args(emulator.board.arguments(&emulator.flash))
            .args(if emulator.counts { &["-icount", "shift=0"][..] } else { &[] })
            .arg("-kernel")
            .arg(&emulator.image)
            .args(["-display", "none", "-monitor", "none", "-serial"])
            .arg(format!("unix:{}", socket.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(no_emulator)?;
        let mut errors = child.stderr.take();
        let mut process = Process { child, _errors: None };
        let stream = accept(&listener, errors.as_mut())?;
        process._errors = errors;
        Ok((process, stream))
    }

    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already needs no kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for QEMU to open the line, or to end: then its standard error is closed.
fn accept(listener: &UnixListener, errors: Option<&mut ChildStderr>) -> Result<UnixStream, LinkError> {
    let failed = |reason: String| LinkError::Emulator { reason };
    let errors = errors.ok_or_else(|| failed("its messages cannot be read".to_owned()))?;
    let deadline = Instant::now() + START;
    let mut said = Vec::new();
    loop {
        let mut waiting = [PollFd::new(listener, PollFlags::IN), PollFd::new(&*errors, PollFlags::IN)];
        let left = deadline.saturating_duration_since(Instant::now());
        let left = left.try_into().map_err(|_| failed("the time cannot be measured".to_owned()))?;
        match poll(&mut waiting, Some(&left)) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(failed(error.to_string())),
            Ok(0) => {
                return Err(failed(format!("it did not open the line within {} seconds", START.as_secs())));
            }
            Ok(_) => {}
        }
        let [line, messages] = waiting.map(|fd| !fd.revents().is_empty());
        if line {
            return listener
                .accept()
                .map(|(stream, _)| stream)
                .map_err(|source| LinkError::Stream { source });
        }
        if messages {
            let mut bytes = [0; 1024];
            match errors.read(&mut bytes).map_err(|source| LinkError::Stream { source })? {
                0 => return Err(failed(String::from_utf8_lossy(&said).trim().to_owned())),
                count => said.extend(bytes.iter().take(count)),
            }
        }
    }
}

/// Makes a flash with all bits set, for nobody else to read, unless the file is there.
fn blank_unless_there(path: &Path, size: u64) -> Result<(), LinkError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() && found.len() == size => return Ok(()),
        Ok(_) => return Err(LinkError::BadFile { path: path.to_owned(), problem: BadState::Foreign }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_error("finding", path)(error)),
    }
    let create = || -> io::Result<File> {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
        io::copy(&mut io::repeat(0xFF).take(size), &mut file)?;
        file.flush()?;
        Ok(file)
    };
    create().map(drop).map_err(io_error("writing", path))
}
