//! A process that serves keys: each on its ways, all of them listed among those that run on this machine, and at the
//! command of whoever asks the control socket.
//!
//! Guarantees: what was opened is closed again and its files are removed, when the server is stopped as well as when it
//! could not be started as a whole.

use std::io::{self, BufReader};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::PollFlags;
use ukey_device::running::control::{self, Answer, Request};
use ukey_device::running::{Registered, Registry, Running};
use ukey_device::{Hand, LinkError, Simulator};

use crate::error::ServeError;
use crate::key::{Insertion, Key, Watch};
use crate::line::{Woken, wait_for, wait_for_key};
use crate::way::{Open, Way};

/// How long who asks may take for a line.
const PATIENCE: Duration = Duration::from_secs(10);

/// A key that is to be served.
#[derive(Debug)]
pub struct Token {
    /// The key.
    pub simulator: Simulator,
    /// Its label.
    pub label: String,
    /// The file with its state, if there is one.
    pub state: Option<PathBuf>,
    /// Where it is to be reached.
    pub ways: Vec<Way>,
}

/// Keys that are served until this is dropped.
#[derive(Debug)]
pub struct Server {
    keys: Vec<Key>,
    running: Vec<Running>,
    threads: Vec<JoinHandle<()>>,
    /// Given up last: who waits for our end waits for it.
    _registered: Arc<Registered>,
}

impl Server {
    /// Serves keys. `asked_to_stop` is called when somebody asks for the end: whoever has the server drops it then.
    ///
    /// # Errors
    /// What could not be opened; nothing is served then.
    pub fn start(
        registry: &Registry,
        tokens: Vec<Token>,
        asked_to_stop: impl Fn() + Send + Sync + 'static,
    ) -> Result<Server, ServeError> {
        let mut keys = Vec::new();
        let mut running = Vec::new();
        let mut open: Vec<(Key, Box<dyn Open>)> = Vec::new();
        for Token { simulator, label, state, ways } in tokens {
            refuse_taken(registry, &ways)?;
            let key = Key::new(simulator);
            let ways = ways.iter().map(Way::open).collect::<Result<Vec<_>, _>>()?;
            for vpcd in ways.iter().filter_map(|way| way.reader()) {
                key.note_reader(vpcd, Insertion::Looking);
            }
            running.push(Running {
                serial_number: key.simulator().serial_number(),
                label,
                state,
                targets: ways.iter().filter_map(|way| way.target()).collect(),
                readers: ways
                    .iter()
                    .filter_map(|way| way.reader())
                    .map(|address| address.to_string())
                    .collect(),
            });
            open.extend(ways.into_iter().map(|way| (key.clone(), way)));
            keys.push(key);
        }
        let (registered, listener) = registry.register(running.clone())?;
        let registered = Arc::new(registered);
        let mut watched = Vec::new();
        for key in &keys {
            watched.push((key.clone(), key.watch()?));
        }
        // Should a thread fail to start, what did start ends with this.
        let mut server =
            Server { keys: keys.clone(), running, threads: Vec::new(), _registered: Arc::clone(&registered) };
        for (key, watch) in watched {
            let registered = Arc::clone(&registered);
            server.threads.push(thread::Builder::new().spawn(move || tell_of(&key, watch, &registered))?);
        }
        for (key, way) in open {
            server.threads.push(thread::Builder::new().spawn(move || way.serve(&key))?);
        }
        let answering = move || answer_all(&listener, &keys, &Arc::new(asked_to_stop));
        server.threads.push(thread::Builder::new().spawn(answering)?);
        Ok(server)
    }

    /// What is served, as others see it.
    #[must_use]
    pub fn running(&self) -> &[Running] {
        &self.running
    }

    /// Calls back once each smart card reader took its key, or is known not to have it; after this time at the latest,
    /// and at once when this is dropped. The keys say which: [`Key::state`].
    ///
    /// # Errors
    /// Of the system: no more threads.
    pub fn once_readers_looked(
        &mut self,
        limit: Duration,
        call: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let keys = self.keys.clone();
        let waiting = move || {
            Key::wait_for_readers(&keys, limit);
            call();
        };
        self.threads.push(thread::Builder::new().spawn(waiting)?);
        Ok(())
    }

    /// The keys, in the order in which they were given.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.keys.iter().for_each(Key::stop);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the server has panicked");
            }
        }
    }
}

/// A pseudo-terminal's name cannot be held: whoever runs and has it is asked.
fn refuse_taken(registry: &Registry, ways: &[Way]) -> Result<(), ServeError> {
    let running = registry.instances()?;
    let taken = running.iter().flat_map(|instance| &instance.tokens).flat_map(|token| &token.targets);
    let taken: Vec<String> = taken.map(ToString::to_string).collect();
    for way in ways {
        if let Way::Serial { path, .. } = way {
            let path = std::path::absolute(path)?;
            let target =
                ukey_device::Target::Serial { path: path.clone(), baud: ukey_device::target::DEFAULT_BAUD };
            if taken.contains(&target.to_string()) {
                return Err(ServeError::InUse { place: path.display().to_string() });
            }
        }
    }
    Ok(())
}

/// Tells those who watch the registry when the key is plugged in or pulled, until it is stopped.
fn tell_of(key: &Key, mut watch: Watch, registered: &Registered) {
    let mut tell = || -> io::Result<()> {
        loop {
            wait_for_key(&watch, None)?;
            if key.is_stopped() {
                return Ok(());
            }
            // What happens from here on wakes the next watch.
            watch = key.watch()?;
            registered.changed();
        }
    };
    if let Err(error) = tell() {
        tracing::error!(%error, "nobody is told any more when the key comes or goes");
    }
}

/// Answers whoever asks, until the keys are stopped.
fn answer_all(listener: &UnixListener, keys: &[Key], asked_to_stop: &Arc<impl Fn() + Send + Sync + 'static>) {
    let Some(first) = keys.first() else { return };
    let answer_next = || -> io::Result<()> {
        listener.set_nonblocking(true)?;
        while !first.is_stopped() {
            let watch = first.watch()?;
            while wait_for(listener, PollFlags::IN, &watch)? == Woken::Stream {
                // It may have gone away again.
                let Ok((stream, _)) = listener.accept() else { continue };
                let (keys, asked_to_stop) = (keys.to_vec(), Arc::clone(asked_to_stop));
                // One that says nothing keeps nobody waiting, not even the end.
                thread::Builder::new().spawn(move || answer(&stream, &keys, &*asked_to_stop))?;
            }
        }
        Ok(())
    };
    if let Err(error) = answer_next() {
        tracing::error!(%error, "the control socket is not served any more");
    }
}

/// Answers the requests of one connection.
fn answer(stream: &UnixStream, keys: &[Key], asked_to_stop: &impl Fn()) {
    let converse = || -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut requests = BufReader::new(stream);
        while let Some(request) = control::receive(&mut requests)? {
            control::send(stream, &carry_out(&request, keys))?;
            if request == Request::Stop {
                asked_to_stop();
            }
        }
        Ok(())
    };
    if let Err(error) = converse() {
        tracing::debug!(%error, "who asked was not understood, or went away");
    }
}

fn carry_out(request: &Request, keys: &[Key]) -> Answer {
    let of = |serial_number: &str, act: &dyn Fn(&Key) -> Result<(), LinkError>| {
        let Some(key) = keys.iter().find(|key| key.simulator().serial_number() == serial_number) else {
            return Answer::Failed { reason: format!("no UKey {serial_number} runs here") };
        };
        match act(key) {
            Ok(()) => Answer::Done,
            Err(error) => Answer::Failed { reason: error.in_full() },
        }
    };
    match request {
        Request::Status => Answer::Status { tokens: keys.iter().map(Key::state).collect() },
        Request::Plug { serial_number } => of(serial_number, &Hand::plug_in),
        Request::Unplug { serial_number } => of(serial_number, &|key| {
            key.unplug();
            Ok(())
        }),
        Request::UnplugAfter { serial_number, exchanges } => of(serial_number, &|key| {
            key.unplug_after(*exchanges);
            Ok(())
        }),
        Request::Heard { serial_number, application } => of(serial_number, &|key| {
            let unheard = || LinkError::NoStart { reason: "nobody asked for that application".to_owned() };
            if key.heard(application) { Ok(()) } else { Err(unheard()) }
        }),
        Request::Stop => Answer::Done,
    }
}
