//! The token as a Cortex-M image on a board that QEMU emulates.
//!
//! An [`Emulator`] is the key in one's hand: plugging it in starts QEMU, pulling it kills QEMU whatever it is doing, and
//! its flash is a file that outlives both. QEMU ends with the last handle.

mod board;
mod process;

use std::env;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sm3::{Digest, Sm3};
use tempfile::TempDir;
use ukey_apdu::Dialect;
use ukey_apdu::frame::{MIN_SEED, Measured};

pub use board::Board;
use process::Process;

use super::framed::{Framed, Limits, Seed};
use super::state::{self, BadState, io_error};
use super::{Hand, Link, LinkError, Place, sim};
use crate::target::Options;

/// The dialect of the image.
const DIALECT: Dialect = Dialect::GM2012;

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
    /// Whether it answered a command since it got power.
    used: bool,
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

    /// Takes the power away and gives it back.
    fn reset(&self, line: &mut Line) -> Result<(), LinkError> {
        if self.process().is_none() {
            return Err(LinkError::Removed);
        }
        line.framed.as_mut().ok_or(LinkError::Removed)?.restart(&self.seed(line.power_ups))?;
        line.power_ups += 1;
        line.used = false;
        Ok(())
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
        line.used = false;
        Ok(())
    }
}

impl Place for Emulator {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        let mut line = self.line();
        if line.linked {
            return Err(LinkError::Busy { place: format!("the UKey on {}", self.0.board), holder: None });
        }
        // What the link before has proved ends with it. One that is not plugged in has nothing to lose.
        if line.used && self.process().is_some() {
            self.reset(&mut line)?;
        }
        line.linked = true;
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
        line.used = true;
        let answer = line.framed.as_mut().ok_or(LinkError::Removed)?.exchange(command)?;
        line.unplug_after = line.unplug_after.map(|left| left.saturating_sub(1));
        Ok(answer)
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        let mut line = self.emulator.line();
        self.emulator.reset(&mut line)?;
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

/// Makes a flash with all bits set, for nobody else to read, unless the file is there.
fn blank_unless_there(path: &Path, size: u64) -> Result<(), LinkError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() && found.len() == size => return Ok(()),
        Ok(found) => {
            // What is no file has no length that says anything.
            let problem = if found.is_file() {
                BadState::Flash { expected: size, found: found.len() }
            } else {
                BadState::Foreign
            };
            return Err(LinkError::BadFile { path: path.to_owned(), problem });
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flash_is_made_and_what_is_none_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("flash");
        blank_unless_there(&file, 100).unwrap();
        assert_eq!(fs::read(&file).unwrap(), [0xFF; 100]);
        fs::write(&file, [1; 100]).unwrap();
        blank_unless_there(&file, 100).unwrap();
        let error = blank_unless_there(&file, 99).unwrap_err();
        let told = "it has 100 bytes, and the flash of the board 99";
        assert!(error.to_string().ends_with(told), "{error}");
        assert!(error.advice().unwrap().0.contains("one that is not there is made"), "{error}");
        assert_eq!(fs::read(&file).unwrap(), [1; 100]);
        for other in [folder.path(), Path::new("/dev/null")] {
            let error = blank_unless_there(other, 99).unwrap_err();
            let LinkError::BadFile { problem, .. } = &error else { panic!("{error}") };
            assert_eq!(*problem, BadState::Foreign);
        }
    }
}
