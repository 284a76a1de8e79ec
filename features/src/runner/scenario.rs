//! The contract between the runner and a world: what a scenario is given, and what it gives back.

use std::{fmt::Debug, panic::resume_unwind, path::PathBuf};

use cucumber::{codegen::WorldInventory, gherkin::StepType};

use super::options::RunOptions;

/// The name of the attachment that holds the exchanges with the token, decoded, one per line, secrets redacted.
/// A failure prints the last ten of them.
pub const EXCHANGES: &str = "exchanges";

/// What a scenario is told when its world is made.
#[derive(Debug, Clone)]
pub struct ScenarioContext {
    /// The target as the user wrote it, such as `sim` or `pcsc:READER`.
    pub target: String,
    /// The name of the dialect that the token is to be spoken to in, if one was asked for.
    pub dialect: Option<String>,
    /// The scenario's own seed; see [`scenario_seed`](super::scenario_seed).
    pub seed: [u8; 32],
    /// The path of the feature file, as shown.
    pub feature: String,
    /// The scenario's name, its placeholders filled in.
    pub scenario: String,
    /// The scenario's line; for a row of an outline, the row's line.
    pub line: usize,
    /// Tags of the scenario, its rule and its feature, without `@`.
    pub tags: Vec<String>,
    /// The serial number of the device that the user allows to be changed destructively, if any.
    pub device_serial: Option<String>,
    /// The file with the device authentication key of the target, where it is not the default.
    pub device_key_file: Option<PathBuf>,
    /// The serial number of the device that [`ScenarioWorld::begin`] took for this run: what is on it is this run's own.
    pub device: Option<String>,
    /// Whether what the scenario costs its key is to be told as a fact.
    pub measure: bool,
}

impl ScenarioContext {
    /// The first eight bytes of the seed, big-endian, for generators that take an integer.
    pub fn seed_u64(&self) -> u64 {
        self.seed.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
    }

    /// Whether the scenario, its rule or its feature carries the tag (given without `@`).
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }
}

/// A world that this runner can run scenarios over.
///
/// It is made by [`prepare`](Self::prepare). `cucumber::World::new` is never called; a derived `World` without
/// `Default` names a constructor that refuses, such as `#[world(init = Self::never)]` with
/// `fn never() -> Result<Self, PrepareError>`. A world is made and dropped on the
/// scenario's own thread, inside that scenario's multi-thread tokio runtime, so it need not be `Send` and may spawn
/// tasks; they end with the scenario. Steps that block (devices, synchronous HTTP) go through [`blocking`].
pub trait ScenarioWorld: cucumber::World + WorldInventory + Debug {
    /// Looks at the target before the first scenario, and takes it for this run. It may block.
    ///
    /// # Errors
    /// Why nothing is to run.
    fn begin(_options: &RunOptions) -> Result<Standing, TargetError> {
        Ok(Standing::fresh())
    }

    /// Leaves the target as [`begin`](Self::begin) found it; called after the last scenario of a run that began. It may
    /// block.
    ///
    /// # Errors
    /// What is left behind.
    fn end(_options: &RunOptions, _standing: &Standing) -> Result<(), String> {
        Ok(())
    }

    /// Makes the world of one scenario.
    ///
    /// # Errors
    /// See [`PrepareError`]: each variant has its own consequence for the run.
    fn prepare(context: &ScenarioContext) -> impl Future<Output = Result<Self, PrepareError>>;

    /// Called after each step that passed, with its kind and whether it was the scenario's last. Here a world refuses what
    /// must not pass in silence, such as a failure that nobody looked at.
    ///
    /// # Errors
    /// Why the step does not count as passed.
    fn after_step(&mut self, _kind: StepType, _last: bool) -> Result<(), String> {
        Ok(())
    }

    /// Takes what was collected since the last call; called after each step, whether it passed or not.
    fn take_attachments(&mut self) -> Vec<Attachment> {
        Vec::new()
    }

    /// Called once after the last step, whether it passed or not: here a world puts back what the scenario changed.
    ///
    /// # Errors
    /// Why that is not possible: a scenario that passed fails then.
    fn finish(&mut self) -> impl Future<Output = Result<(), String>> {
        async { Ok(()) }
    }

    /// What to print with the scenario, such as serial numbers of certificates; called once, after the last step.
    fn facts(&self) -> Vec<Fact> {
        Vec::new()
    }
}

/// What a run may do to its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether each scenario gets a target of its own; else one runs at a time.
    pub fresh: bool,
    /// The serial number of the one device, if it is one.
    pub device: Option<String>,
    /// Why `@destructive` scenarios may not run, if they may not.
    pub refuse_destructive: Option<String>,
}

impl Standing {
    /// Nothing can be harmed: each scenario gets a target of its own.
    #[must_use]
    pub fn fresh() -> Self {
        Self { fresh: true, device: None, refuse_destructive: None }
    }
}

/// Why nothing is to run against a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetError {
    /// It does not answer.
    Unreachable(String),
    /// It is not what the user meant, or not what a run needs.
    Refused {
        /// Why.
        message: String,
        /// What to do.
        help: String,
    },
}

/// A step finds out that the scenario makes no sense for this target: panicking with it
/// ([`std::panic::panic_any`]) skips the scenario. Tags that [`ScenarioWorld::prepare`] looks at tell it earlier.
#[derive(Debug, Clone)]
pub struct NotApplicable(pub String);

/// Why a scenario has no world.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PrepareError {
    /// The target does not answer: the run stops.
    #[error("the target cannot be reached: {0}")]
    Unreachable(String),
    /// The scenario makes no sense for this target: it is skipped, with this reason.
    #[error("not applicable: {0}")]
    NotApplicable(String),
    /// Anything else: the scenario fails.
    #[error("the world could not be prepared: {0}")]
    Failed(String),
}

/// Text kept with a step. It goes into every report, so it must hold no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// What it is, such as [`EXCHANGES`].
    pub name: String,
    /// Media type, such as `text/plain` or `application/json`.
    pub media_type: String,
    /// The text itself.
    pub text: String,
}

impl Attachment {
    /// Plain text.
    pub fn plain(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), media_type: "text/plain".into(), text: text.into() }
    }
}

/// One thing worth knowing about a scenario that ran, such as the serial number of a certificate it obtained.
/// It is printed on every run, so it must follow from the seed alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Fact {
    /// A fact.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// Runs blocking work off the scenario's thread, so that the step's time limit can cut it; a panic in it goes on in
/// the step with its message kept.
///
/// # Panics
/// When `work` does, or when called outside a step.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(payload) => resume_unwind(payload),
            Err(error) => panic!("{error}"),
        },
    }
}
