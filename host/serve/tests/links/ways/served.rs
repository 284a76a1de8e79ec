//! `tcp:`, `unix:`, `serial:`: a token that another process serves, which is killed without a word.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use tempfile::TempDir;
use ukey_device::link::framed::Limits;
use ukey_device::link::serial::Line;
use ukey_device::link::socket::{Tcp, Unix};
use ukey_device::running::Registry;
use ukey_device::target::DEFAULT_BAUD;
use ukey_device::{Device, Options, Place, Result, Simulator, Target};
use ukey_serve::{Server, Token};

use super::{Disturbed, Second, Skipped, Way};
use crate::common::seeded;
use crate::proxy::Proxy;

/// The argument that makes this program the one that serves.
pub(crate) const SERVE: &str = "--serve";

/// Serves the token in a file at targets, says those, and goes on until its input ends or it is killed.
pub(crate) fn serve(mut arguments: impl Iterator<Item = String>) {
    let file = PathBuf::from(arguments.next().expect("a file"));
    let ways = arguments.map(|target| match target.parse().expect("a target") {
        Target::Tcp { address } => ukey_serve::Way::Tcp(address),
        Target::Unix(path) => ukey_serve::Way::Unix(path),
        Target::Serial { path, baud } => ukey_serve::Way::Serial { path, baud },
        other => panic!("{other} cannot be served"),
    });
    let simulator = Simulator::open(&file, &Options::default()).unwrap();
    let token = Token { simulator, label: String::new(), state: Some(file), ways: ways.collect() };
    let server = Server::start(&Registry::of_this_user(), vec![token], || ()).unwrap();
    let mut output = io::stdout().lock();
    for target in server.running().iter().flat_map(|token| &token.targets) {
        writeln!(output, "{target}").unwrap();
    }
    output.flush().unwrap();
    io::copy(&mut io::stdin(), &mut io::sink()).unwrap();
}

pub(crate) fn tcp() -> Result<Box<dyn Way>, Skipped> {
    Served::at(|_| "tcp:127.0.0.1:0".to_owned())
}

pub(crate) fn unix() -> Result<Box<dyn Way>, Skipped> {
    Served::at(|folder| format!("unix:{}", folder.join("key").display()))
}

pub(crate) fn serial() -> Result<Box<dyn Way>, Skipped> {
    Served::at(|folder| format!("serial:{}", folder.join("line").display()))
}

struct Served {
    folder: TempDir,
    /// The process that serves, and where it does: first the way that is looked at, then one for proxies.
    process: Mutex<(Child, Vec<Target>)>,
    /// Proxies so far.
    proxies: AtomicU64,
}

impl Served {
    fn at(target: impl Fn(&Path) -> String) -> Result<Box<dyn Way>, Skipped> {
        /// The hand finds a token by its serial number.
        static SEED: AtomicU64 = AtomicU64::new(1);
        let folder = tempfile::tempdir().unwrap();
        let simulator = Simulator::fresh(&seeded(SEED.fetch_add(1, Ordering::Relaxed))).unwrap();
        simulator.save_as(&folder.path().join("key.ukey"), false).unwrap();
        let for_proxies = format!("unix:{}", folder.path().join("for proxies").display());
        let process = Mutex::new(start(folder.path(), &[target(folder.path()), for_proxies]));
        Ok(Box::new(Served { folder, process, proxies: AtomicU64::new(0) }))
    }

    fn process(&self) -> MutexGuard<'_, (Child, Vec<Target>)> {
        self.process.lock().unwrap()
    }

    fn target(&self) -> Target {
        self.process().1[0].clone()
    }
}

/// Starts a process that serves the key in a folder, and waits until it does.
fn start(folder: &Path, targets: &[String]) -> (Child, Vec<Target>) {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .arg(SERVE)
        .arg(folder.join("key.ukey"))
        .args(targets)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(process.stdout.take().unwrap()).lines();
    let served: Vec<Target> = said.take(targets.len()).map(|line| line.unwrap().parse().unwrap()).collect();
    assert_eq!(served.len(), targets.len(), "it serves everything");
    (process, served)
}

fn kill(process: &mut Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

impl Drop for Served {
    fn drop(&mut self) {
        kill(&mut self.process().0);
    }
}

impl Way for Served {
    fn connect(&self) -> Result<Device> {
        self.target().connect(&Options::default())
    }

    fn second(&self) -> Second {
        Second::Refused
    }

    fn holder(&self) -> Option<String> {
        Some(match self.target() {
            Target::Tcp { .. } => "client at 127.0.0.1:".to_owned(),
            _ => format!("(PID {})", std::process::id()),
        })
    }

    fn restart(&self) -> Result<(), Skipped> {
        let mut process = self.process();
        kill(&mut process.0);
        let targets: Vec<_> = process.1.iter().map(Target::to_string).collect();
        *process = start(self.folder.path(), &targets);
        assert_eq!(process.1.iter().map(Target::to_string).collect::<Vec<_>>(), targets);
        Ok(())
    }

    fn disturbed(&self, limits: Limits) -> Result<Disturbed, Skipped> {
        let for_proxies = self.folder.path().join("for proxies");
        let token = move || UnixStream::connect(&for_proxies).unwrap();
        let (proxy, place): (Proxy, Box<dyn Place>) = match self.target() {
            Target::Tcp { .. } => {
                let (proxy, address) = Proxy::tcp(token);
                (proxy, Box::new(Tcp::new(&address).with_limits(limits)))
            }
            Target::Unix(_) => {
                let number = self.proxies.fetch_add(1, Ordering::Relaxed);
                let path = self.folder.path().join(format!("proxy {number}"));
                (Proxy::unix(&path, token), Box::new(Unix::new(&path).with_limits(limits)))
            }
            _ => {
                let (proxy, path) = Proxy::serial(token());
                (proxy, Box::new(Line::new(Path::new(&path), DEFAULT_BAUD).with_limits(limits)))
            }
        };
        Ok(Disturbed { proxy, connect: Box::new(move || Device::connect(&*place)) })
    }
}
