//! Where the fault happens: the key's link and the hall's line, both counted by one [`Injector`].

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{extract::Request, middleware::Next, response::Response};
use ukey_device::{Device, Dialect, Hand, Link, LinkError, Place, Simulator};

use super::point::{Interaction, Kind, Point, request_name};
use crate::office::{Lost, carry};

/// Requests of the world outside, not of the flow: the phone in the person's hand, and time that passes.
const OUTSIDE: [&str; 2] = ["/_sim/outbox", "/_sim/clock"];

/// Bytes of a command that tell which one it is.
const HEADER: usize = 4;

/// Counts the interactions of a flow and brings one fault about. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Injector(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    run: Vec<Interaction>,
    /// What is to happen, and the seed of a torn word.
    planned: Option<(Point, u64)>,
    /// The interaction that met the fault instead of the planned one.
    strayed: Option<String>,
    /// The hall is dead.
    dead: bool,
}

impl Injector {
    /// Plans a fault; `tear` is the seed of a torn word.
    pub(super) fn planning(point: Point, tear: u64) -> Self {
        Self(Arc::new(Mutex::new(State { planned: Some((point, tear)), ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The interactions so far.
    pub(super) fn run(&self) -> Vec<Interaction> {
        self.state().run.clone()
    }

    /// What keeps the planned fault from having happened, if anything does.
    pub(super) fn complaint(&self) -> Option<String> {
        let state = self.state();
        if let Some(strayed) = &state.strayed {
            return Some(format!("the flow went another way than when it was recorded: {strayed}"));
        }
        state.planned.is_some().then(|| "the flow ended before the fault".to_owned())
    }

    /// Whether the hall was killed.
    pub(super) fn hall_is_dead(&self) -> bool {
        self.state().dead
    }

    /// Counts an interaction, and tells the fault that is planned for it.
    fn next(&self, interaction: Interaction) -> Option<(Point, u64)> {
        let mut state = self.state();
        let at = state.run.len();
        let planned = state.planned.take_if(|(point, _)| point.at == at);
        if let Some((point, _)) = &planned
            && !interaction.is(&point.interaction)
        {
            state.strayed = Some(format!("{interaction} instead of {}", point.interaction));
        }
        state.run.push(interaction);
        planned
    }

    /// Writes down what an exchange turned out to be.
    fn exchanged(&self, at: usize, spent: u64) {
        if let Some(Interaction::Exchange { operations, .. }) = self.state().run.get_mut(at) {
            *operations = spent;
        }
    }

    /// Names the exchanges of the run, in their order.
    pub(super) fn name_exchanges(&self, names: impl IntoIterator<Item = String>) {
        let mut names = names.into_iter();
        for interaction in &mut self.state().run {
            if let Interaction::Exchange { command, .. } = interaction {
                *command = names.next().unwrap_or_default();
            }
        }
    }
}

/// A key whose link is counted.
pub(super) struct Tapped<'a> {
    pub(super) simulator: &'a Simulator,
    pub(super) injector: &'a Injector,
}

impl Tapped<'_> {
    /// Connects to it, as an assistant that was just started.
    pub(super) fn connect(&self) -> ukey_device::Result<Device> {
        Device::connect(self)
    }
}

impl Place for Tapped<'_> {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        let (link, simulator) = (self.simulator.link()?, self.simulator.clone());
        Ok(Box::new(Tap { link, simulator, injector: self.injector.clone(), alone: false }))
    }
}

struct Tap {
    link: Box<dyn Link>,
    simulator: Simulator,
    injector: Injector,
    /// Whether the key was taken for this link alone.
    alone: bool,
}

impl Link for Tap {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let at = self.injector.state().run.len();
        let header = command.iter().copied().take(HEADER).collect();
        let fault = self.injector.next(Interaction::Exchange {
            header,
            command: String::new(),
            operations: 0,
            alone: self.alone,
        });
        let before = self.simulator.flash_operations();
        let mut deaf = false;
        if let Some((point, tear)) = fault {
            match (point.kind, point.operation) {
                (Kind::KeyPulled, _) => self.simulator.unplug(),
                (Kind::PowerCut, Some(operation)) => self.simulator.cut_power_after(operation, None),
                (Kind::TornWord, Some(operation)) => self.simulator.cut_power_after(operation, Some(tear)),
                (Kind::AnswerCutOff, _) => deaf = true,
                (kind, _) => {
                    let strayed = format!("an exchange with the key, where {} was planned", kind.name());
                    self.injector.state().strayed = Some(strayed);
                }
            }
            let answer = self.link.transmit(command);
            if deaf {
                self.simulator.unplug();
                return Err(LinkError::Removed);
            }
            if answer.is_ok() {
                self.injector.state().strayed = Some("an exchange that outlived its fault".to_owned());
            }
            return answer;
        }
        let answer = self.link.transmit(command);
        self.injector.exchanged(at, self.simulator.flash_operations() - before);
        answer
    }

    fn hand(&self) -> Option<Arc<dyn Hand>> {
        self.link.hand()
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.alone = false;
        self.link.reset()
    }

    fn lock(&mut self, wait: Duration) -> Result<(), LinkError> {
        self.link.lock(wait)?;
        self.alone = true;
        Ok(())
    }

    fn unlock(&mut self) -> Result<(), LinkError> {
        self.alone = false;
        self.link.unlock()
    }

    fn dialect(&self) -> Option<Dialect> {
        self.link.dialect()
    }

    fn simulator(&self) -> Option<Simulator> {
        Some(self.simulator.clone())
    }
}

/// The line to a hall whose database is in a file.
#[derive(Clone)]
pub(super) struct HallLine {
    pub(super) injector: Injector,
    /// The hall's database file.
    pub(super) database: Arc<PathBuf>,
    /// Where the database is found after the hall was killed.
    pub(super) remains: Arc<PathBuf>,
}

impl HallLine {
    /// Carries a request; kills the hall on the way if that is planned.
    pub(super) async fn carry(self, request: Request, next: Next) -> Response {
        let path = request.uri().path();
        if OUTSIDE.contains(&path) {
            return next.run(request).await;
        }
        if self.injector.hall_is_dead() {
            return carry(request, next, Some(Lost::Connection)).await;
        }
        let name = request_name(request.method().as_str(), path);
        let fault = self.injector.next(Interaction::Request(name));
        let (lost, killed) = match fault.map(|(point, _)| point.kind) {
            None => (None, false),
            Some(Kind::RequestLost) => (Some(Lost::Request), false),
            Some(Kind::AnswerLost) => (Some(Lost::Answer), false),
            Some(Kind::HallKilledBefore) => (Some(Lost::Connection), true),
            Some(Kind::HallKilledAfter) => (Some(Lost::Answer), true),
            Some(kind) => {
                let strayed = format!("a request to the hall, where {} was planned", kind.name());
                self.injector.state().strayed = Some(strayed);
                (Some(Lost::Request), false)
            }
        };
        let answer = carry(request, next, lost).await;
        if killed && let Err(error) = self.kill() {
            self.injector.state().strayed = Some(format!("the killed hall's files were not copied: {error}"));
        }
        answer
    }

    /// The hall as a process that dies here: what is in its files is all that is left, the log of what is not yet in
    /// the database file among it, and nothing of it answers again.
    fn kill(&self) -> io::Result<()> {
        self.injector.state().dead = true;
        copy_database(&self.database, &self.remains)
    }
}

/// Copies a database file and its write-ahead log, if there is one.
pub(super) fn copy_database(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    match fs::copy(wal(from), wal(to)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The write-ahead log beside a database file.
fn wal(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
