//! The hall as a whole.
//!
//! Guarantees: it opens whole or says why not; due jobs run whenever its clock moves.

use crate::{
    account::notice,
    chance::Chance,
    clock::Clock,
    config::Config,
    document::font::{FontSource, Typeface},
    gateway::{Gateways, simulated::World},
    http,
    issuing::Issuer,
    order::{invoice, payment},
    problem::{Answer, Refusal},
    profile::Profile,
    revocation::list,
    seal::maker::SealMaker,
    store,
    turn::Turn,
    vault::{DoesNotOpen, Vault},
};
use crate::sql::{self, Database};
use std::{future::Future, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// How often a hall on the computer's clock looks for due jobs.
const TICK: Duration = Duration::from_secs(30);

/// Why a hall does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database does not open or take its tables.
    #[error("the hall's database does not open: {0}")]
    Database(#[from] sql::Error),
    /// The database belongs to another master key.
    #[error("the hall's database was made with another master key")]
    WrongMasterKey,
    /// The database belongs to another CA profile: its authority, fees and orders are that profile's.
    #[error("the hall's database was made with the profile `{made}`, not `{given}`")]
    OtherProfile {
        /// The profile it was made with.
        made: String,
        /// The profile of this configuration.
        given: String,
    },
    /// The database holds something unreadable.
    #[error("the hall's database is damaged")]
    Damaged,
    /// The authority cannot be made, e.g. because of its name.
    #[error("the certificate authority cannot be made: {0}")]
    Authority(String),
    /// The font file that was named cannot be read, or is no Chinese font.
    #[error("the font {} cannot be used: {why}", file.display())]
    Font {
        /// The file.
        file: PathBuf,
        /// Why.
        why: std::io::Error,
    },
}

/// What a due job came to; a failure is for the log.
fn logged<T>(done: Answer<T>) -> Option<T> {
    done.inspect_err(|Refusal { problem, .. }| tracing::warn!(%problem, "a due job failed and will be tried again")).ok()
}

/// The online service hall. Clones are the same hall.
#[derive(Clone)]
pub struct Hall(Arc<Inner>);

struct Inner {
    config: Config,
    database: Database,
    vault: Vault,
    chance: Mutex<Chance>,
    issuer: Issuer,
    seal_maker: SealMaker,
    gateways: Gateways,
    world: Option<Arc<World>>,
    deliveries: Mutex<()>,
    font: Option<Typeface>,
}

impl Hall {
    /// Opens a hall whose outside services are simulated. It lives on the tokio runtime that opens it.
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        let world = Arc::new(World::default());
        Self::build(config, world.gateways(), Some(world)).await
    }

    /// Opens a hall with these outside services. It lives on the tokio runtime that opens it.
    pub async fn open_with(config: Config, gateways: Gateways) -> Result<Self, OpenError> {
        Self::build(config, gateways, None).await
    }

    async fn build(config: Config, gateways: Gateways, world: Option<Arc<World>>) -> Result<Self, OpenError> {
        let font = Typeface::open(&config.font).map_err(|why| {
            let FontSource::File(file) = config.font.clone() else { return OpenError::Damaged };
            OpenError::Font { file, why }
        })?;
        let vault = Vault::new(&config.master_key);
        let mut chance = Chance::new(config.seed);
        let database = store::open(&config.database).await?;
        let mut begun = database.begin().await?;
        if let Some(position) = store::meta(&mut begun, "chance").await? {
            chance.go_on_from(position.parse().map_err(|_| OpenError::Damaged)?);
        }
        match store::meta(&mut begun, "master-key").await? {
            Some(sealed) => {
                let sealed = hex::decode(sealed).map_err(|_| OpenError::Damaged)?;
                vault.open("master-key", &sealed).map_err(|DoesNotOpen| OpenError::WrongMasterKey)?;
            }
            None => {
                let sealed = hex::encode(vault.seal(&mut chance, "master-key", b"right"));
                store::set_meta(&mut begun, "master-key", &sealed).await?;
            }
        }
        let given = &config.profile.profile;
        match store::meta(&mut begun, "profile").await? {
            Some(made) if made == *given => {}
            Some(made) => return Err(OpenError::OtherProfile { made, given: given.clone() }),
            None => store::set_meta(&mut begun, "profile", given).await?,
        }
        // A virtual clock does not fall behind what the database has seen.
        if let Some(seen) = store::meta(&mut begun, "clock").await? {
            let seen = seen.parse().ok().and_then(|second| jiff::Timestamp::from_second(second).ok());
            config.clock.advance_to(seen.ok_or(OpenError::Damaged)?);
        }
        let now = config.clock.now();
        let issuer = Issuer::open(&mut begun, &vault, &mut chance, &config.profile, now).await?;
        let seal_maker = SealMaker::open(&mut begun, &vault, &mut chance, &issuer, &config.profile.name, now).await?;
        if let Some(position) = chance.position() {
            store::set_meta(&mut begun, "chance", &position.to_string()).await?;
        }
        begun.commit().await?;
        let (chance, deliveries) = (Mutex::new(chance), Mutex::new(()));
        let hall = Self(Arc::new(Inner {
            config,
            database,
            vault,
            chance,
            issuer,
            seal_maker,
            gateways,
            world,
            deliveries,
            font,
        }));
        // Whoever relies on certificates finds a list from the first moment on.
        hall.job(list::publish_due).await.map_err(|_| OpenError::Damaged)?;
        Ok(hall)
    }

    /// The hall's HTTP interface.
    pub fn router(&self) -> axum::Router {
        http::router(self.clone())
    }

    /// Serves on a listener until `shutdown` comes; runs due jobs meanwhile.
    pub async fn serve(
        &self,
        listener: tokio::net::TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let hall = self.clone();
        let jobs = tokio::spawn(async move {
            // A virtual clock runs its jobs when it is moved, and only then.
            if hall.clock().is_virtual() {
                return;
            }
            let mut tick = tokio::time::interval(TICK);
            loop {
                tick.tick().await;
                hall.run_due_jobs().await;
            }
        });
        let service = self.router().into_make_service_with_connect_info::<SocketAddr>();
        let served = axum::serve(listener, service).with_graceful_shutdown(shutdown).await;
        jobs.abort();
        served
    }

    /// Runs what is due: invoices, notices, the revocation list, messages that were not delivered. Each is a turn of its
    /// own: what fails is logged and stays due, and stops nothing else.
    pub async fn run_due_jobs(&self) {
        let invoices = self.job(invoice::due).await;
        for order in logged(invoices).unwrap_or_default() {
            logged(self.job(async |turn: &mut Turn<'_>| invoice::issue(turn, &order).await).await);
        }
        logged(self.job(notice::send_due).await);
        logged(self.job(list::publish_due).await);
        logged(self.deliver_due().await.map_err(Refusal::internal));
    }

    async fn job<T>(&self, work: impl AsyncFnOnce(&mut Turn<'_>) -> Answer<T>) -> Answer<T> {
        let mut turn = self.turn(None).await?;
        let done = work(&mut turn).await;
        turn.end(done).await
    }

    /// Closes the database: what waits for it ends first, and its files are at rest when this returns.
    pub async fn close(&self) {
        self.0.database.close().await;
    }

    /// What the hall was started with.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The CA profile.
    pub fn profile(&self) -> &Profile {
        &self.0.config.profile
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.0.config.clock
    }

    /// The certificate authority.
    pub fn authority(&self) -> &Issuer {
        &self.0.issuer
    }

    /// The unit that makes seals.
    pub(crate) fn seal_maker(&self) -> &SealMaker {
        &self.0.seal_maker
    }

    /// What the payment provider puts into `X-Signature` for this callback body.
    pub fn callback_signature(&self, body: &[u8]) -> String {
        payment::signature(self.0.vault.callback_key(), body)
    }

    pub(crate) fn database(&self) -> &Database {
        &self.0.database
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(crate) fn chance(&self) -> &Mutex<Chance> {
        &self.0.chance
    }

    /// Held by whoever delivers messages.
    pub(crate) fn deliveries(&self) -> &Mutex<()> {
        &self.0.deliveries
    }

    pub(crate) fn gateways(&self) -> &Gateways {
        &self.0.gateways
    }

    /// The font of the documents, if there is one.
    pub(crate) fn font(&self) -> Option<&Typeface> {
        self.0.font.as_ref()
    }

    /// The simulated world, in a simulated hall.
    pub(crate) fn world(&self) -> Option<&World> {
        self.0.world.as_deref()
    }
}

impl core::fmt::Debug for Hall {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Hall").field("profile", &self.profile().profile).finish_non_exhaustive()
    }
}
