//! Looks at this machine, and changes nothing on it. Nothing here waits for long: what could is given a time limit.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::fs::Access;
use ukey_device::link::{holder, state};
use ukey_device::{Board, LinkError, Target, configured, running};

use super::facts::{
    Content, Devices, Facts, Folder, Image, Library, Line, Listener, Pcsc, Runtime, StateFile, StrayChanges,
};
use super::variables::{self, Holds};
use super::{Text, library};

/// Programs that some part asks for.
const PROGRAMS: [&str; 4] = ["qemu-system-arm", "pcscd", "pdftotext", "openssl"];

/// Where programs lie that are not in everybody's `PATH`.
const SYSTEM_FOLDERS: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/bin", "/usr/local/sbin"];

/// The socket of pcscd, unless `PCSCLITE_CSOCK_NAME` names another.
pub(super) const PCSCD_SOCKET: &str = "/run/pcscd/pcscd.comm";

/// The driver of the virtual reader, and folders of such drivers.
const VPCD: &str = "libifdvpcd";
const DRIVERS: [&str; 2] = ["/usr/lib/pcsc/drivers/serial", "/usr/local/lib/pcsc/drivers/serial"];

/// Files of configuration of readers.
const READERS: &str = "/etc/reader.conf.d";

/// Everything, with the parts of a target and the libraries that were named.
pub(crate) fn facts(target: Option<&Target>, libraries: &[PathBuf]) -> Facts {
    let groups = rustix::process::getgroups().unwrap_or_default();
    let groups = groups.into_iter().map(|group| group.as_raw()).chain([rustix::process::getgid().as_raw()]);
    let mut states = state_files();
    let (devices, named) = devices();
    states.extend(named);
    states.sort();
    states.dedup();
    let mut beside: Vec<_> = states.iter().cloned().chain(gone_state_files()).collect();
    beside.sort();
    beside.dedup();
    let mut lines = serial_lines();
    let mut libraries = libraries.to_vec();
    match target {
        Some(Target::SimFile(file)) => (states, beside) = (vec![file.clone()], vec![file.clone()]),
        Some(Target::Serial { path, .. }) if !lines.contains(path) => lines.push(path.clone()),
        Some(Target::Skf { library, .. }) => libraries = vec![library.clone()],
        _ => {}
    }
    let mut seen = virtual_reader();
    seen.pcsc.readers = readers(&seen.pcsc.listener);
    Facts {
        groups: groups.map(group_name).collect(),
        rust_targets: rust_targets(),
        images: Board::ALL.iter().map(|board| image(*board)).collect(),
        lines: lines.iter().filter_map(|path| line(path)).collect(),
        runtime: runtime(),
        states: states.iter().map(|path| state_file(path)).collect(),
        strays: beside.iter().filter_map(|path| stray_changes(path)).collect(),
        variables: variables(),
        devices,
        font: ukey_hall::usual_font_exists(),
        libraries: libraries
            .iter()
            .map(|path| Library { path: path.clone(), content: content(path) })
            .collect(),
        ..seen
    }
}

/// What [`virtual_reader_faults`](super::virtual_reader_faults) judges. Nothing else is looked at, and pcscd is not asked.
pub(crate) fn virtual_reader() -> Facts {
    Facts {
        debian: program("apt-get").is_some(),
        systemd: Path::new("/run/systemd/system").is_dir(),
        root: rustix::process::geteuid().is_root(),
        programs: PROGRAMS
            .into_iter()
            .filter_map(|name| Some((name, program(name)?)))
            .collect::<BTreeMap<_, _>>(),
        pcsc: pcsc(),
        ..Facts::default()
    }
}

/// Asks something that may hang; `None` where it does. What hangs is left behind.
pub(crate) fn in_time<T: Send + 'static>(
    limit: Duration,
    ask: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (answer, answered) = mpsc::channel();
    thread::spawn(move || answer.send(ask()));
    answered.recv_timeout(limit).ok()
}

/// The state files of the current folder.
pub(crate) fn state_files() -> Vec<PathBuf> {
    let mut files: Vec<_> = names().filter(|name| is_state(name)).collect();
    files.sort();
    files
}

/// Those of which only changes are left there.
fn gone_state_files() -> Vec<PathBuf> {
    let changes = names().filter(|name| name.extension().is_some_and(|end| end == "changes"));
    let files = changes.map(|name| name.with_extension(""));
    let mut files: Vec<_> = files.filter(|name| is_state(name) && !name.exists()).collect();
    files.sort();
    files
}

/// What is in the current folder.
fn names() -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(".").into_iter().flatten().flatten();
    entries.map(|entry| PathBuf::from(entry.file_name()))
}

fn is_state(name: &Path) -> bool {
    name.extension().is_some_and(|end| end == "ukey")
}

/// The serial lines of this machine.
pub(crate) fn serial_lines() -> Vec<PathBuf> {
    let ports = serialport::available_ports().unwrap_or_default();
    let mut lines: Vec<_> = ports.into_iter().map(|port| PathBuf::from(port.port_name)).collect();
    lines.sort();
    lines.dedup();
    lines
}

/// Who holds a state file: whoever has the lock beside it.
pub(crate) fn state_holder(path: &Path) -> Option<String> {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let free =
        File::open(&lock).is_ok_and(|file| !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)));
    if free { None } else { holder::of(Path::new(&lock)) }
}

/// What is known of a serial line; nothing is opened.
pub(crate) fn line(path: &Path) -> Option<Line> {
    let metadata = fs::metadata(path).ok()?;
    let allowed = rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK).is_ok();
    let holder = holder::of(path);
    Some(Line { path: path.to_owned(), allowed, group: group_name(metadata.gid()), holder })
}

fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(SYSTEM_FOLDERS.iter().map(PathBuf::from));
    folders
        .map(|folder| folder.join(name))
        .find(|path| rustix::fs::access(path, Access::EXEC_OK).is_ok() && path.is_file())
}

fn group_name(id: u32) -> String {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let named = groups.lines().find_map(|line| {
        let [name, _, number, ..] = line.split(':').collect::<Vec<_>>()[..] else { return None };
        (number.parse() == Ok(id)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| id.to_string())
}

fn rust_targets() -> Option<Vec<String>> {
    let rustc = std::process::Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    let sysroot = String::from_utf8(rustc.stdout).ok().filter(|_| rustc.status.success())?;
    let libraries = Path::new(sysroot.trim()).join("lib/rustlib");
    let entries = fs::read_dir(libraries).ok()?.flatten();
    Some(entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

fn image(board: Board) -> Image {
    let path = board.image();
    Image { board: board.to_string(), built: path.is_file(), path }
}

/// Without what pcscd says of its readers.
fn pcsc() -> Pcsc {
    let socket = env::var_os("PCSCLITE_CSOCK_NAME").map_or_else(|| PCSCD_SOCKET.into(), PathBuf::from);
    let listener = listener(&socket);
    Pcsc {
        built: cfg!(feature = "pcsc"),
        process: process("pcscd"),
        polkit: process("polkitd").is_some(),
        driver: drivers().find(|path| path.exists()),
        configured: configured(Path::new(READERS)),
        socket,
        listener,
        readers: None,
    }
}

/// What is behind a socket of this machine.
fn listener(socket: &Path) -> Listener {
    match UnixStream::connect(socket) {
        Ok(_) => Listener::Answers,
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound => Listener::Absent,
            io::ErrorKind::ConnectionRefused => Listener::Gone,
            io::ErrorKind::PermissionDenied => Listener::Denied,
            _ => Listener::Failed(error.to_string()),
        },
    }
}

/// The process of that name.
fn process(name: &str) -> Option<u32> {
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let process: u32 = entry.file_name().to_str()?.parse().ok()?;
        let found = fs::read_to_string(entry.path().join("comm")).ok()?;
        (found.trim() == name).then_some(process)
    })
}

fn drivers() -> impl Iterator<Item = PathBuf> {
    // Debian's later releases have them under the name of the machine.
    let machine = format!("/usr/lib/{}-linux-gnu/pcsc/drivers/serial", env::consts::ARCH);
    let folders = DRIVERS.iter().map(PathBuf::from).chain([PathBuf::from(machine)]);
    folders.map(|folder| folder.join(format!("{VPCD}.so")))
}

/// The lines `LIBPATH` of the files in a folder that name a driver of virtual readers.
fn configured(folder: &Path) -> Vec<(PathBuf, PathBuf, bool)> {
    let mut files: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    let drivers = |file: PathBuf| {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let named = text.lines().filter_map(|line| line.trim().strip_prefix("LIBPATH").map(str::trim));
        let named: Vec<PathBuf> = named.filter(|path| path.contains(VPCD)).map(PathBuf::from).collect();
        named
            .into_iter()
            .map(move |driver| (file.clone(), driver.clone(), driver.exists()))
            .collect::<Vec<_>>()
    };
    files.into_iter().flat_map(drivers).collect()
}

/// What this program's client of PC/SC says, where somebody listens.
#[cfg(feature = "pcsc")]
fn readers(listener: &Listener) -> Option<Result<Vec<super::facts::Reader>, Text>> {
    use ukey_device::link::pcsc::{self, CardState, Sharing};

    if *listener != Listener::Answers {
        return None;
    }
    let seen = in_time(Duration::from_secs(5), pcsc::readers);
    let Some(seen) = seen else { return Some(Err(Text::new("it hangs", "长时间无响应"))) };
    Some(seen.map_err(|error| Text::new(error.to_string(), error.message_zh())).map(|readers| {
        let reader = |reader: pcsc::ReaderState| super::facts::Reader {
            name: reader.name,
            exclusive: reader.sharing == Sharing::Exclusive,
            mute: reader.card == CardState::Mute,
        };
        readers.into_iter().map(reader).collect()
    }))
}

#[cfg(not(feature = "pcsc"))]
fn readers(_: &Listener) -> Option<Result<Vec<super::facts::Reader>, Text>> {
    None
}

fn runtime() -> Runtime {
    let path = running::folder();
    let folder = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Folder::Absent,
        Err(error) => Folder::Unreadable(error.to_string()),
        Ok(found) if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() => Folder::Foreign,
        Ok(found) if found.mode() & 0o077 != 0 => Folder::Open { mode: found.mode() & 0o777 },
        Ok(_) => entries(&path),
    };
    Runtime { path, folder }
}

fn entries(folder: &Path) -> Folder {
    let files = match fs::read_dir(folder) {
        Ok(files) => files.flatten().map(|entry| entry.path()),
        Err(error) => return Folder::Unreadable(error.to_string()),
    };
    let entries = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let (mut alive, mut stale) = (0, 0);
    for entry in entries {
        let locked = |file: File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        *if File::open(entry).is_ok_and(locked) { &mut alive } else { &mut stale } += 1;
    }
    Folder::Own { alive, stale }
}

fn state_file(path: &Path) -> StateFile {
    let content = state::header(path).map(|header| header.serial_number);
    let content = content.map_err(|error| told(&error));
    StateFile { path: path.to_owned(), content, holder: state_holder(path) }
}

/// Changes beside a state file that are none of its own, where that can be told.
fn stray_changes(file: &Path) -> Option<StrayChanges> {
    let path = state::stray_changes(file).ok().flatten()?;
    Some(StrayChanges { path, file: file.to_owned(), is_there: file.exists() })
}

/// The file that names the devices of `libukey_skf`; and the state files among them, or among those that the environment
/// names.
fn devices() -> (Option<Devices>, Vec<PathBuf>) {
    let state_files = |devices: &configured::Devices| {
        let files = devices.targets.iter().filter_map(|target| match target {
            Target::SimFile(path) => Some(path.clone()),
            _ => None,
        });
        files.collect::<Vec<_>>()
    };
    let states = configured::devices().map_or_else(|_| Vec::new(), |devices| state_files(&devices));
    let devices = configured::file().map(|path| {
        let content = configured::in_file(&path);
        let content = content.map(|devices| devices.targets.iter().map(ToString::to_string).collect());
        let content = content.map_err(|mistake| {
            let (en, zh) = mistake.advice();
            (Text::new(mistake.to_string(), mistake.message_zh()), Text::new(en, zh))
        });
        Devices { path, content, is_overruled: env::var_os(configured::TARGETS).is_some() }
    });
    (devices, states)
}

/// What happened, and what to do.
pub(crate) fn told(error: &LinkError) -> (Text, Option<Text>) {
    let advice = error.advice().map(|(en, zh)| Text::new(en, zh));
    (Text::new(error.to_string(), error.message_zh()), advice)
}

/// The variables of this project; nothing of those that hold a secret.
fn variables() -> Vec<(String, String)> {
    let all = env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value));
    let ours = all.filter(|(name, _)| name.starts_with("UKEY_"));
    let mut told: Vec<_> = ours
        .map(|(name, value)| {
            let shown =
                matches!(variables::holds(&name), Some(Holds::Target | Holds::Targets | Holds::Dialect));
            let value = if shown { value.to_string_lossy().into_owned() } else { String::new() };
            (name, value)
        })
        .collect();
    told.sort();
    told
}

fn content(path: &Path) -> Content {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Content::Absent,
        Err(error) => Content::Unreadable(error.to_string()),
        Ok(bytes) => {
            let ours = env::current_exe().and_then(fs::read).unwrap_or_default();
            library::content(&bytes, &ours)
        }
    }
}
