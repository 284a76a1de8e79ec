//! `tcp:`, `unix:`, `serial:`: a token that is served.

use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use tempfile::TempDir;
use ukey_device::link::framed::Limits;
use ukey_device::link::serial::Line;
use ukey_device::link::socket::{Tcp, Unix};
use ukey_device::target::DEFAULT_BAUD;
use ukey_device::{Device, Hand, Options, Place, Result, Simulator, Target};
use ukey_serve::Key;

use super::{Disturbed, Second, Skipped, Way};
use crate::common::seeded;
use crate::proxy::Proxy;

struct Served {
    folder: TempDir,
    key: Key,
    target: Target,
}

fn name() -> String {
    format!("client (PID {})", std::process::id())
}

pub(crate) fn tcp() -> Result<Box<dyn Way>, Skipped> {
    let key = Key::new(Simulator::fresh(&seeded(1)).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::Tcp { address: listener.local_addr().unwrap().to_string() };
    let served = key.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (key, stream) = (served.clone(), stream.unwrap());
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || ukey_serve::serve(&key, stream, &name()));
        }
    });
    Ok(Box::new(Served { folder: tempfile::tempdir().unwrap(), key, target }))
}

pub(crate) fn unix() -> Result<Box<dyn Way>, Skipped> {
    let key = Key::new(Simulator::fresh(&seeded(1)).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let listener = UnixListener::bind(&path).unwrap();
    let served = key.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (key, stream) = (served.clone(), stream.unwrap());
            thread::spawn(move || ukey_serve::serve(&key, stream, &name()));
        }
    });
    Ok(Box::new(Served { folder, key, target: Target::Unix(path) }))
}

impl Way for Served {
    fn connect(&self) -> Result<Device> {
        self.target.connect(&Options::default())
    }

    fn hand(&self, _: &Device) -> Arc<dyn Hand> {
        Arc::new(self.key.clone())
    }

    fn second(&self) -> Second {
        Second::Refused
    }

    fn restart(&self) -> Result<(), Skipped> {
        Err("its server is not started again here".into())
    }

    fn disturbed(&self, limits: Limits) -> Result<Disturbed, Skipped> {
        let key = self.key.clone();
        let token = move || {
            let (near, far) = UnixStream::pair().unwrap();
            let key = key.clone();
            thread::spawn(move || ukey_serve::serve(&key, far, &name()));
            near
        };
        let (proxy, place): (Proxy, Box<dyn Place>) = match &self.target {
            Target::Tcp { .. } => {
                let (proxy, address) = Proxy::tcp(token);
                (proxy, Box::new(Tcp::new(&address).with_limits(limits)))
            }
            Target::Unix(_) => {
                let path = self.folder.path().join(format!("proxy{}", self.proxies()));
                (Proxy::unix(&path, token), Box::new(Unix::new(&path).with_limits(limits)))
            }
            _ => {
                let (proxy, path) = Proxy::serial(token());
                let path = PathBuf::from(path);
                (proxy, Box::new(Line::new(&path, DEFAULT_BAUD).with_limits(limits)))
            }
        };
        Ok(Disturbed { proxy, connect: Box::new(move || Device::connect(&*place)) })
    }
}

impl Served {
    /// How many sockets there are in the folder.
    fn proxies(&self) -> usize {
        std::fs::read_dir(self.folder.path()).unwrap().count()
    }
}
