//! The hall, the key and the person of one point, and the beginning that they are copied from.

use std::{
    cell::RefCell,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use ukey_device::{Device, Options, Pin, Simulator};
use ukey_flows::{
    Client, FlowError,
    api::{Decision, Payment, PaymentOutcome, ProblemType, QueryRequest, ReviewDecision, SubjectKind},
};
use ukey_hall::{Config, Hall, Profile};

use super::{
    books::Books,
    fault::{HallLine, Injector, Tapped, copy_database},
    flows::Flow,
    judge::Expected,
    point::Point,
};
use crate::{
    office::{Office, serve},
    people::Holder,
    stage::{Stage, typed},
};

/// A world that cannot be made: a defect of the harness, or of what comes before the flow.
pub(super) type Broken = Box<dyn std::error::Error + Send + Sync>;

/// Exchanges of a run that are named afterwards.
const TRACE: usize = 10_000;

/// How far the seed of a copied key is from that of the beginning.
const CHANCE: u64 = 1 << 32;

/// What the person knows by heart.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) holder: Holder,
    /// The PIN before the flow.
    pub(super) pin: String,
    /// The PIN that they will choose, where a flow asks for one.
    pub(super) new_pin: String,
    /// Serial number of the certificate that the flow is about, if there is one before it.
    pub(super) certificate: Option<String>,
    /// esID of the seal in the key, if there is one before it.
    pub(super) seal: Option<String>,
}

impl Person {
    /// Who holds the key in hand.
    pub(super) fn with_key(stage: &mut Stage, holder: Holder) -> Self {
        let certificate = stage.certificates.last().cloned();
        let seal = stage.held_seals().first().and_then(|held| held.id().map(str::to_owned));
        Self { holder, pin: stage.key().pin.clone(), new_pin: NEW_PIN.into(), certificate, seal }
    }

    /// What they type to be found by.
    pub(super) fn query(&self) -> QueryRequest {
        QueryRequest { kind: SubjectKind::Unit, number: self.holder.number().into() }
    }

    /// The serial number of that certificate.
    pub(super) fn certificate(&self) -> &str {
        self.certificate.as_deref().unwrap_or_default()
    }
}

/// The PIN that a person chooses in a flow.
const NEW_PIN: &str = "Xin-2027";

/// The state before a flow: the hall closed, the key in a drawer.
pub(super) struct Beginning {
    folder: TempDir,
    flow: &'static Flow,
    seed: u64,
    key: Simulator,
    pub(super) person: Person,
    pub(super) expected: Expected,
}

impl Beginning {
    /// Makes what comes before the flow.
    pub(super) fn make(flow: &'static Flow, seed: u64) -> Result<Self, Broken> {
        let folder = tempfile::tempdir()?;
        let service = Runtime::new()?;
        let hall = service.block_on(open(flow.profile, seed, &database(folder.path())))?;
        let office = service.block_on(Office::of(&hall))?;
        let mut stage = Stage::simulated(seed);
        stage.enter(office);
        let person = (flow.prepare)(&mut stage)?;
        let key = stage.device().simulator().ok_or("the key is not simulated")?;
        service.block_on(hall.close());
        service.shutdown_background();
        key.unplug();
        let ended = Books::read(&database(folder.path()))?.ended();
        let expected = Expected { ended, ..(flow.expect)(&person) };
        Ok(Self { folder, flow, seed, key, person, expected })
    }

    /// A world that begins here, with one fault in it if one is planned.
    pub(super) fn world(&self, fault: Option<Point>) -> Result<World, Broken> {
        let folder = tempfile::tempdir()?;
        copy_database(&database(self.folder.path()), &database(folder.path()))?;
        let tear = fault.as_ref().map_or(0, |point| {
            // Each torn operation tears in its own way.
            self.seed ^ ((point.at as u64) << 16) ^ (point.operation.unwrap_or_default() << 1) ^ 1
        });
        let injector = fault.map_or_else(Injector::default, |point| Injector::planning(point, tear));
        // Not the key's own seed again: its chance does not begin anew with the flow.
        let chance = Some(self.seed.wrapping_add(CHANCE));
        let key = self.key.twin(&Options { seed: chance, ..Options::default() })?;
        let (flow, seed) = (self.flow, self.seed);
        let service = Service::open(flow.profile, seed, &database(folder.path()), &injector)?;
        let device = Tapped { simulator: &key, injector: &injector }.connect();
        let person = self.person.clone();
        Ok(World {
            client: service.client.clone(),
            device,
            service,
            key,
            injector,
            person,
            read_out: RefCell::default(),
            folder,
            flow,
            seed,
        })
    }
}

fn database(folder: &Path) -> PathBuf {
    folder.join("hall.db")
}

fn remains(folder: &Path) -> PathBuf {
    folder.join("remains.db")
}

async fn open(profile: &str, seed: u64, database: &Path) -> Result<Hall, Broken> {
    let config = Config {
        database: format!("sqlite:{}", database.display()),
        ..Config::simulated(Profile::built_in(profile)?, seed)
    };
    Ok(Hall::open(config).await?)
}

/// A hall as a process: with its runtime it is gone.
struct Service {
    runtime: Runtime,
    hall: Hall,
    client: Client,
    database: PathBuf,
}

impl Service {
    fn open(profile: &str, seed: u64, database: &Path, injector: &Injector) -> Result<Self, Broken> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let hall = runtime.block_on(open(profile, seed, database))?;
        let line = HallLine {
            injector: injector.clone(),
            database: Arc::new(database.to_owned()),
            remains: Arc::new(remains(database.parent().unwrap_or(database))),
        };
        let carrier = move |request, next| line.clone().carry(request, next);
        let client = runtime.block_on(serve(&hall, carrier))?;
        Ok(Self { runtime, hall, client, database: database.to_owned() })
    }
}

/// The world of one point.
pub(super) struct World {
    service: Service,
    key: Simulator,
    injector: Injector,
    folder: TempDir,
    flow: &'static Flow,
    seed: u64,
    device: ukey_device::Result<Device>,
    pub(super) client: Client,
    pub(super) person: Person,
    /// The unlock code that the person has read out to the call centre last.
    pub(super) read_out: RefCell<Option<String>>,
}

impl World {
    /// The key, as the assistant that was started last has it.
    ///
    /// # Errors
    /// Those of connecting to it.
    pub(super) fn device(&self) -> Result<&Device, FlowError> {
        match &self.device {
            Ok(device) => Ok(device),
            Err(_) => Err(FlowError::Answer("the key was not reached", "没有连上UKey")),
        }
    }

    /// The key as it is in the hand.
    pub(super) fn key(&self) -> &Simulator {
        &self.key
    }

    /// What counts interactions here.
    pub(super) fn injector(&self) -> &Injector {
        &self.injector
    }

    /// Goes on with the flow, from the hall, the key and the person.
    pub(super) fn go_on(&mut self) -> Result<(), FlowError> {
        if let Ok(device) = &self.device {
            device.keep_trace(TRACE);
        } else {
            return Err(FlowError::Answer("the key was not reached", "没有连上UKey"));
        }
        (self.flow.go_on)(self)
    }

    /// The names of the exchanges with the key since the assistant was started.
    pub(super) fn exchanges(&self) -> Vec<String> {
        let trace = self.device.as_ref().map(Device::trace).unwrap_or_default();
        trace.into_iter().map(|traced| traced.line).collect()
    }

    /// After the fault: the key is plugged in, a killed hall is opened from what it left, the assistant is started
    /// again. Nothing is remembered.
    pub(super) fn recover(&mut self) -> Result<(), Broken> {
        if self.injector.hall_is_dead() {
            let database = remains(self.folder.path());
            let fresh = Injector::default();
            let service = Service::open(self.flow.profile, self.seed, &database, &fresh)?;
            std::mem::replace(&mut self.service, service).runtime.shutdown_background();
            self.injector = fresh;
        }
        self.key.plug_in()?;
        self.client = Client::new(self.service.client.address());
        self.device = Tapped { simulator: &self.key, injector: &self.injector }.connect();
        Ok(())
    }

    /// Where the hall's books are.
    #[cfg(test)]
    pub(super) fn database(&self) -> &Path {
        &self.service.database
    }

    /// Ends the hall's work and tells where its books are.
    pub(super) fn close_hall(&mut self) -> &Path {
        self.service.runtime.block_on(self.service.hall.close());
        &self.service.database
    }

    // ---- what the person does ----

    /// The code in the last message of a topic that came to this phone.
    pub(super) fn code(&self, recipient: &str, topic: &str) -> Result<String, FlowError> {
        let messages = self.client.outbox(Some(recipient))?;
        let last = messages.into_iter().rev().find(|message| message.topic == topic);
        last.and_then(|message| message.code)
            .ok_or(FlowError::Answer("the phone got no code", "手机没有收到验证码"))
    }

    /// Asks for a code, and asks again after the wait that the hall wants.
    pub(super) fn ask_for_code<T>(
        &self,
        mut ask: impl FnMut() -> Result<T, FlowError>,
    ) -> Result<T, FlowError> {
        match ask() {
            Err(FlowError::Hall(problem)) if problem.kind == ProblemType::CodeTooSoon => {
                self.client.advance_clock(problem.retry_after.unwrap_or_default())?;
                ask()
            }
            answer => answer,
        }
    }

    /// Pays on the page that was opened.
    pub(super) fn pay(&self, payment: &Payment) -> Result<(), FlowError> {
        self.client.at_payment_page(&payment.id, PaymentOutcome::Paid)
    }

    /// The review desk lets an order pass.
    pub(super) fn pass_review(&self, order: &str) -> Result<(), FlowError> {
        let decision = ReviewDecision { decision: Decision::Pass, reason: None };
        self.client.decide(&"desk-review".into(), order, &decision).map(drop)
    }

    /// The PIN that the person has chosen.
    pub(super) fn new_pin(&self) -> Pin {
        typed(&self.person.new_pin)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The folder goes with the world; what is still open in it does not matter.
        let _: io::Result<()> = fs::remove_dir_all(self.folder.path());
    }
}
