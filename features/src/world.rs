//! The world of one scenario: its own hall, its own keys, and who judges what happened.
//!
//! Guarantees: a step that tries something notes how it ended, and the very next step judges a failure, or the
//! scenario fails; what a 假如 tries must succeed; a failure is judged no more once something else was done; whatever
//! blocks runs off the scenario's thread; nothing secret is shown.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cucumber::gherkin::StepType;
use ukey_device::{DialectChoice, Options, Target, UnknownTarget};
use ukey_flows::FlowError;

use crate::{
    claim::{self, Claim, with_help},
    cost::{COST, Cost},
    office::Office,
    pdf,
    runner::{
        Attachment, EXCHANGES, Fact, PrepareError, RunOptions, ScenarioContext, ScenarioWorld, Standing,
        TargetError, blocking,
    },
    stage::{NO_HAND, NOT_SIMULATED, Stage},
};

/// The world of the built-in scenarios.
#[derive(cucumber::World)]
#[world(init = Self::never)]
pub struct UkeyWorld {
    seed: u64,
    stage: Arc<Mutex<Stage>>,
    /// Halls that were opened so far: each has its own seed.
    offices: u64,
    /// Whether other scenarios use the first key after this one.
    shared: bool,
    /// Whether what the scenario costs is to be told, and what it does.
    measure: bool,
    cost: Option<Cost>,
    /// How the last try ended, if it failed.
    failure: Option<FlowError>,
    verdict: Verdict,
    /// Whether the step that is under way tried something.
    tried: bool,
}

/// Whether the last failure was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    /// There is none, or it was.
    Clear,
    /// It happened in the step that is under way.
    New,
    /// It is for the present step to look at.
    Due,
}

impl fmt::Debug for UkeyWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UkeyWorld")
            .field("seed", &self.seed)
            .field("failure", &self.failure.as_ref().map(ToString::to_string))
            .finish_non_exhaustive()
    }
}

impl UkeyWorld {
    fn never() -> Result<Self, PrepareError> {
        Err(PrepareError::Failed("the runner prepares worlds".into()))
    }

    /// Opens a hall and enters it.
    pub(crate) async fn open_office(&mut self, profile: &str) {
        let office = Office::open(profile, self.seed.wrapping_add(self.offices)).await;
        self.offices += 1;
        self.stage().enter(office.unwrap_or_else(|error| panic!("the hall does not open: {error}")));
    }

    /// The stage, for looking at it.
    pub(crate) fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something on the stage that may block.
    pub(crate) async fn on_stage<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Stage) -> T + Send + 'static,
    ) -> T {
        let stage = Arc::clone(&self.stage);
        blocking(move || work(&mut stage.lock().unwrap_or_else(PoisonError::into_inner))).await
    }

    /// Tries something; how it ends is for the next step to judge.
    ///
    /// # Panics
    /// At the caller's place when the last failure was not judged: a second try would hide it.
    #[track_caller]
    pub(crate) fn attempt(
        &mut self,
        work: impl FnOnce(&mut Stage) -> Result<(), FlowError> + Send + 'static,
    ) -> impl Future<Output = ()> {
        if let (Verdict::Due, Some(error)) = (self.verdict, &self.failure) {
            panic!("{}", unjudged(error));
        }
        async move {
            self.tried = true;
            self.stage().shown.clear();
            let outcome = self.on_stage(work).await;
            self.failure = outcome.err();
            if let Some(error) = &self.failure {
                self.stage().shown = error.message_zh();
                self.verdict = Verdict::New;
            }
        }
    }

    /// Does something that a scenario takes for granted.
    pub(crate) async fn must<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Stage) -> Result<T, FlowError> + Send + 'static,
    ) -> T {
        let outcome = self.on_stage(work).await;
        outcome.unwrap_or_else(|error| panic!("{error}（{}）", error.message_zh()))
    }

    /// Judges that the last try succeeded, and tells what the screen says.
    #[track_caller]
    pub(crate) fn success(&mut self) -> String {
        if let Some(error) = &self.failure {
            panic!("本应成功，却失败了：{}（{error}）", error.message_zh());
        }
        self.stage().shown.clone()
    }

    /// Judges that the last try failed, and tells how.
    #[track_caller]
    pub(crate) fn failure(&mut self) -> &FlowError {
        self.verdict = Verdict::Clear;
        self.failure.as_ref().expect("本应失败，却成功了")
    }
}

impl ScenarioWorld for UkeyWorld {
    fn begin(options: &RunOptions) -> Result<Standing, TargetError> {
        claim::begin(options)
    }

    fn end(options: &RunOptions, standing: &Standing) -> Result<(), String> {
        claim::end(options, standing)
    }

    async fn prepare(context: &ScenarioContext) -> Result<Self, PrepareError> {
        let seed = context.seed_u64();
        let unreachable = |error: &ukey_device::Error| PrepareError::Unreachable(with_help(error));
        let target: Target = context.target.parse().map_err(|error: UnknownTarget| {
            PrepareError::Unreachable(format!("{error}\n{}", error.message_zh()))
        })?;
        let dialect = match context.dialect.as_deref() {
            None => None,
            Some(text) => match text.parse::<DialectChoice>() {
                Ok(dialect) => Some(dialect),
                Err(error) => {
                    return Err(PrepareError::Failed(format!("{error}\n{}", error.message_zh())));
                }
            },
        };
        if let Some(missing) = context.tags.iter().any(|tag| tag == "pdf").then(pdf::missing).flatten() {
            // Where everything is to be tried, the scenario fails instead.
            let everything = std::env::var("CI").as_deref() == Ok("true");
            let error = if everything { PrepareError::Failed } else { PrepareError::NotApplicable };
            return Err(error(missing.into()));
        }
        let in_process = matches!(target, Target::Sim | Target::SimFile(_));
        if context.has_tag("simulated") && !in_process {
            return Err(PrepareError::NotApplicable(NOT_SIMULATED.into()));
        }
        let waiting = match &target {
            // Fresh for each key: there is nothing to reach yet.
            Target::Sim => None,
            Target::Qemu { board, flash: None } => {
                board.check().map_err(|error| unreachable(&error.into()))?;
                None
            }
            _ if context.device.is_none() => {
                return Err(PrepareError::Failed("the run did not take its target".into()));
            }
            target => {
                let claim = Claim {
                    target: target.clone(),
                    options: Options { dialect, seed: Some(seed) },
                    named: context.device_serial.clone(),
                    device: context.device.clone(),
                    device_key_file: context.device_key_file.clone(),
                };
                let waiting = blocking(move || claim.blank()).await.map_err(|error| unreachable(&error))?;
                if context.has_tag("unplug") && waiting.device.hand().is_err() {
                    return Err(PrepareError::NotApplicable(NO_HAND.into()));
                }
                Some(waiting)
            }
        };
        let shared = waiting.is_some();
        let mut stage = Stage::new(seed, target, dialect, waiting);
        if context.measure {
            stage.keep_device_keys().map_err(|error| PrepareError::Failed(error.to_string()))?;
        }
        let (stage, measure, cost) = (Arc::new(Mutex::new(stage)), context.measure, None);
        Ok(Self {
            seed,
            stage,
            shared,
            measure,
            cost,
            offices: 0,
            failure: None,
            verdict: Verdict::Clear,
            tried: false,
        })
    }

    async fn finish(&mut self) -> Result<(), String> {
        if self.measure {
            // What the clearing away costs is a part of what the scenario costs.
            let measured = self.on_stage(Stage::measure).await;
            let measured =
                measured.map_err(|error| format!("the key cannot be made blank again: {error}"))?;
            self.cost = Some(measured);
        } else if self.shared {
            let cleared = self.on_stage(Stage::clear_first).await;
            cleared.map_err(|error| format!("the key cannot be made blank again: {error}"))?;
        }
        Ok(())
    }

    fn after_step(&mut self, kind: StepType, last: bool) -> Result<(), String> {
        let tried = std::mem::take(&mut self.tried);
        match (self.verdict, &self.failure) {
            (Verdict::New, Some(error)) if kind == StepType::Given => {
                Err(format!("假如没有成功：{}（{error}）", error.message_zh()))
            }
            (Verdict::Due, Some(error)) => Err(unjudged(error)),
            (Verdict::New, Some(error)) if last => Err(unjudged(error)),
            (Verdict::New, _) => {
                self.verdict = Verdict::Due;
                Ok(())
            }
            (Verdict::Clear, _) if kind != StepType::Then && !tried => {
                // What was tried before is over: neither its failure nor what the screen said is judged any more.
                self.failure = None;
                if let Ok(mut stage) = self.stage.try_lock() {
                    stage.shown.clear();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take_attachments(&mut self) -> Vec<Attachment> {
        // A step that was cut at its limit may hold the stage for ever.
        let Ok(mut stage) = self.stage.try_lock().or_else(|error| match error {
            std::sync::TryLockError::Poisoned(poisoned) => Ok(poisoned.into_inner()),
            blocked => Err(blocked),
        }) else {
            return Vec::new();
        };
        let (exchanges, history) = (stage.new_exchanges(), stage.new_history());
        let kept =
            [(EXCHANGES, exchanges), ("order", history)].into_iter().filter(|(_, lines)| !lines.is_empty());
        kept.map(|(name, lines)| Attachment::plain(name, lines.join("\n"))).collect()
    }

    fn facts(&self) -> Vec<Fact> {
        let certificates = self.stage.try_lock().map(|stage| stage.certificates.clone()).unwrap_or_default();
        let cost = self.cost.and_then(|cost| serde_json::to_string(&cost).ok());
        let cost = cost.map(|cost| Fact::new(COST, cost));
        certificates.into_iter().map(|serial| Fact::new("签名证书", serial)).chain(cost).collect()
    }
}

fn unjudged(error: &FlowError) -> String {
    format!("没有步骤判断这一失败：{}（{error}）", error.message_zh())
}
