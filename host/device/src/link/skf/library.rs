//! A vendor's library in this process: loaded once, called by a thread of its own, one call after the other.
//!
//! Guarantees: a function that does not come back is left behind with its thread and all that it was given, and the
//! library is not used again; nobody else waits for it. A library is never unloaded: many do not survive that.
//!
//! One whose constructor does not come back is told of too, but keeps the lock of the C library's loader: this process
//! loads nothing more, and does not end by itself.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::abi::functions::{Functions, Loaded};
use super::fault::{Fault, NotLoaded};

/// The libraries of this process, by their files.
static LIBRARIES: Mutex<BTreeMap<PathBuf, Arc<Library>>> = Mutex::new(BTreeMap::new());

/// The functions that nothing works without: a library that lacks one is not used.
pub const NEEDED: [&str; 6] = [
    "SKF_EnumDev",
    "SKF_ConnectDev",
    "SKF_DisConnectDev",
    "SKF_GetDevInfo",
    "SKF_OpenApplication",
    "SKF_VerifyPIN",
];

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something to do on the library's thread.
type Job = Box<dyn FnOnce(&Loaded) + Send>;

/// A loaded library.
pub(crate) struct Library {
    name: Arc<str>,
    jobs: Mutex<Sender<Job>>,
    progress: Arc<Progress>,
    /// Why it is not used any longer.
    given_up: OnceLock<Fault>,
}

/// The function that is under way, and since when.
#[derive(Default)]
pub(crate) struct Progress(Mutex<Option<(&'static str, Instant)>>);

/// As long as this lives, the function is under way.
pub(crate) struct UnderWay<'p>(&'p Progress);

impl Progress {
    pub(crate) fn begins(&self, function: &'static str) -> UnderWay<'_> {
        *held(&self.0) = Some((function, Instant::now()));
        UnderWay(self)
    }

    fn now(&self) -> Option<(&'static str, Instant)> {
        *held(&self.0)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        *held(&self.0.0) = None;
    }
}

impl Library {
    /// The library in a file, loaded now or before. Its constructors have as long as a function.
    pub(crate) fn open(file: &Path, limit: Duration) -> Result<Arc<Library>, Fault> {
        let file = located(file)?;
        let mut libraries = held(&LIBRARIES);
        if let Some(library) = libraries.get(&file) {
            return library
                .given_up
                .get()
                .map_or_else(|| Ok(Arc::clone(library)), |fault| Err(fault.clone()));
        }
        let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
        let (jobs, work) = channel();
        let library = Arc::new(Library {
            name: Arc::from(name.as_ref()),
            jobs: Mutex::new(jobs),
            progress: Arc::default(),
            given_up: OnceLock::new(),
        });
        let (loaded, is_loaded) = channel();
        let progress = Arc::clone(&library.progress);
        let path = file.clone();
        std::thread::spawn(move || serve(path.as_os_str(), &progress, &loaded, &work));
        let missing = library.wait(&is_loaded, limit);
        if missing.is_err() {
            // What hangs while it is loaded is not loaded again.
            libraries.insert(file.clone(), Arc::clone(&library));
        }
        let missing = missing?.map_err(|word| Fault::NotLoaded {
            library: file.display().to_string(),
            why: because(&file, word),
        })?;
        if !missing.is_empty() {
            return Err(Fault::NoLibrary { library: library.name.to_string(), functions: missing });
        }
        libraries.insert(file, Arc::clone(&library));
        Ok(library)
    }

    /// Its file name.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Does something with its functions, on its thread; each function may take so long.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        job: impl FnOnce(&Functions<'_>) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        if let Some(fault) = self.given_up.get() {
            return Err(fault.clone());
        }
        let (done, is_done) = channel();
        let (name, progress) = (Arc::clone(&self.name), Arc::clone(&self.progress));
        let job: Job = Box::new(move |loaded| {
            // Nobody waits for the answer of one that took too long.
            let _ = done.send(job(&Functions::new(loaded, &name, &progress)));
        });
        // A thread that has ended takes no job, and drops the sender of its answer.
        let _ = held(&self.jobs).send(job);
        self.wait(&is_done, limit)
    }

    /// Waits for an answer as long as functions come back in time.
    fn wait<T>(&self, answer: &Receiver<T>, limit: Duration) -> Result<T, Fault> {
        let mut left = limit;
        loop {
            let fault = match answer.recv_timeout(left) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Disconnected) => Fault::Ended { library: self.name.to_string() },
                Err(RecvTimeoutError::Timeout) => match self.progress.now() {
                    Some((function, since)) => match limit.checked_sub(since.elapsed()) {
                        Some(more) if !more.is_zero() => {
                            left = more;
                            continue;
                        }
                        _ => Fault::Silent { library: self.name.to_string(), function, limit },
                    },
                    None => {
                        left = limit;
                        continue;
                    }
                },
            };
            return Err(self.given_up.get_or_init(|| fault).clone());
        }
    }
}

/// The library's thread: loads it, says what it lacks, and does one job after the other.
fn serve(
    file: &OsStr,
    progress: &Progress,
    loaded: &Sender<Result<Vec<&'static str>, String>>,
    work: &Receiver<Job>,
) {
    let library = {
        let _under_way = progress.begins("dlopen");
        Loaded::load(file)
    };
    let library = match library {
        Ok(library) => library,
        Err(word) => {
            let _ = loaded.send(Err(word));
            return;
        }
    };
    let missing = NEEDED.into_iter().filter(|function| !library.has(function)).collect();
    let _ = loaded.send(Ok(missing));
    for job in work {
        job(&library);
    }
}

/// The file of a library; a bare name that is no file here is for the loader to find.
fn located(file: &Path) -> Result<PathBuf, Fault> {
    match file.canonicalize() {
        Ok(file) => Ok(file),
        Err(_) if file.parent() == Some(Path::new("")) => Ok(file.to_owned()),
        Err(_) => Err(Fault::NotLoaded { library: file.display().to_string(), why: NotLoaded::NoFile }),
    }
}

/// Why the loader refused, as far as its word and the file tell.
fn because(file: &Path, word: String) -> NotLoaded {
    const NOT_FOUND: &str = ": cannot open shared object file: No such file or directory";
    if let Some(found) = machine(file) {
        match found {
            Ok(found) if found == std::env::consts::ARCH => {}
            Ok(found) => return NotLoaded::Machine { found },
            Err(why) => return why,
        }
    }
    match word.strip_suffix(NOT_FOUND) {
        Some(name) if Path::new(name) == file => NotLoaded::NoFile,
        Some(name) => NotLoaded::Dependency { name: name.to_owned() },
        None => NotLoaded::Other(word),
    }
}

/// For which machine a file was made, by the name that Rust has for it; `None` where it cannot be read.
fn machine(file: &Path) -> Option<Result<String, NotLoaded>> {
    use object::Endianness;
    use object::elf::{FileHeader32, FileHeader64};
    use object::read::elf::FileHeader;

    let bytes = std::fs::read(file).ok()?;
    let number = FileHeader64::<Endianness>::parse(&*bytes)
        .and_then(|header| Ok((header.e_machine(header.endian()?), true)))
        .or_else(|_| {
            FileHeader32::<Endianness>::parse(&*bytes)
                .and_then(|header| Ok((header.e_machine(header.endian()?), false)))
        });
    let Ok((number, is_64)) = number else { return Some(Err(NotLoaded::NoLibrary)) };
    let name = match (number, is_64) {
        (object::elf::EM_X86_64, _) => "x86_64",
        (object::elf::EM_386, _) => "x86",
        (object::elf::EM_AARCH64, _) => "aarch64",
        (object::elf::EM_ARM, _) => "arm",
        (object::elf::EM_RISCV, true) => "riscv64",
        (object::elf::EM_LOONGARCH, true) => "loongarch64",
        (object::elf::EM_MIPS, true) => "mips64",
        (object::elf::EM_MIPS, false) => "mips",
        (object::elf::EM_PPC64, _) => "powerpc64",
        (other, _) => return Some(Ok(format!("machine {other}"))),
    };
    Some(Ok(name.to_owned()))
}
