//! What happened in a run, and the forms it is told in. Writers only read it; nothing here runs anything.

pub mod console;
mod head;
pub mod html;
pub mod json;
pub mod junit;
pub mod redact;

use std::{fmt::Display, time::Duration};

use cucumber::gherkin;

pub use head::CaseHead;
pub(crate) use head::{BackgroundHead, FeatureHead};
use redact::Redactor;

use super::{
    exit::Exit,
    scenario::{Attachment, EXCHANGES, Fact},
    shard::Shard,
    suite::Case,
};

/// A whole run, or several that were merged.
#[derive(Debug)]
pub struct RunReport {
    /// Which part of the suite it is.
    pub part: Part,
    /// When it began.
    pub started: jiff::Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// Whether the user stopped it.
    pub interrupted: bool,
    /// One for each scenario of the suite, in its order.
    pub scenarios: Vec<ScenarioReport>,
}

/// Which part of a suite a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What the suite is made of: equal for equal scenarios, in whatever order and folder they were found.
    pub suite: String,
    /// How many scenarios the suite has, after filtering and before it is split.
    pub scenarios: usize,
    /// Which shard of it was run; all of it without one.
    pub shard: Option<Shard>,
}

/// What a scenario needs besides itself to be run again the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// The seed of the run; of a retry, the seed that makes it the first attempt.
    pub seed: u64,
    /// The target.
    pub target: String,
    /// The name of the dialect that was asked for.
    pub dialect: Option<String>,
}

/// How many scenarios ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passed at the first attempt.
    pub passed: usize,
    /// Passed at a later attempt.
    pub flaky: usize,
    /// Failed, or without a reachable target.
    pub failed: usize,
    /// Refused: they would destroy what is on a key that is not ours.
    pub refused: usize,
    /// Not applicable to the target.
    pub skipped: usize,
    /// Never begun, or interrupted.
    pub not_run: usize,
}

impl Counts {
    /// All of them.
    pub fn total(&self) -> usize {
        self.passed + self.flaky + self.failed + self.refused + self.skipped + self.not_run
    }
}

impl RunReport {
    /// The counts over all scenarios.
    pub fn counts(&self) -> Counts {
        self.scenarios.iter().collect()
    }

    /// The seed that runs it again; several of merged runs.
    pub fn seed(&self) -> String {
        self.distinct(|again| Some(&again.seed))
    }

    /// The target; several of merged runs.
    pub fn target(&self) -> String {
        self.distinct(|again| Some(&again.target))
    }

    /// The name of the dialect that was asked for, if one was; several of merged runs.
    pub fn dialect(&self) -> Option<String> {
        Some(self.distinct(|again| again.dialect.as_ref())).filter(|names| !names.is_empty())
    }

    fn distinct<T: Display + PartialEq>(&self, of: impl Fn(&Again) -> Option<&T>) -> String {
        let mut values: Vec<&T> = Vec::new();
        for value in self.scenarios.iter().filter_map(|scenario| of(scenario.origin())) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// The scenarios by feature file, in order; what merged runs had different is kept apart.
    pub fn features(&self) -> impl Iterator<Item = &[ScenarioReport]> {
        self.scenarios.chunk_by(|one, other| {
            one.case.feature() == other.case.feature() && one.origin() == other.origin()
        })
    }

    /// The exit code that the run deserves.
    pub fn exit(&self) -> Exit {
        let counts = self.counts();
        match () {
            () if self.interrupted => Exit::Interrupted,
            () if self.scenarios.iter().any(|s| s.status == ScenarioStatus::Unreachable) => {
                Exit::TargetUnreachable
            }
            () if counts.failed > 0 => Exit::ScenarioFailed,
            () if counts.passed + counts.flaky == 0 => Exit::NothingMatched,
            () => Exit::AllPassed,
        }
    }
}

impl<'a> FromIterator<&'a ScenarioReport> for Counts {
    fn from_iter<I: IntoIterator<Item = &'a ScenarioReport>>(scenarios: I) -> Self {
        scenarios.into_iter().fold(Self::default(), |mut counts, scenario| {
            match scenario.status {
                ScenarioStatus::Passed => counts.passed += 1,
                ScenarioStatus::Flaky => counts.flaky += 1,
                ScenarioStatus::Failed | ScenarioStatus::Unreachable => counts.failed += 1,
                ScenarioStatus::Refused => counts.refused += 1,
                ScenarioStatus::Skipped => counts.skipped += 1,
                ScenarioStatus::NotRun => counts.not_run += 1,
            }
            counts
        })
    }
}

/// How a scenario ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScenarioStatus {
    /// All steps passed.
    Passed,
    /// All steps passed, but only when it was tried again.
    Flaky,
    /// A step failed or is undefined, or there was no world.
    Failed,
    /// The target could not be reached; no other scenario was begun.
    Unreachable,
    /// Refused because it destroys, and the target is somebody's key.
    Refused,
    /// Not applicable to the target.
    Skipped,
    /// Never begun, or interrupted.
    NotRun,
}

impl ScenarioStatus {
    /// Whether it counts as a failure.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Unreachable)
    }
}

/// One scenario of a run.
#[derive(Debug)]
pub struct ScenarioReport {
    /// Which.
    pub case: CaseHead,
    /// Its place in the suite, from 0, before the suite was split into shards.
    pub index: usize,
    /// How to run it again.
    pub again: Again,
    /// How it ended.
    pub status: ScenarioStatus,
    /// What is to be said that belongs to no step.
    pub message: Option<String>,
    /// Its steps, those that did not run included.
    pub steps: Vec<StepReport>,
    /// What the world had to tell.
    pub facts: Vec<Fact>,
    /// How long it took.
    pub duration: Duration,
    /// The attempts before this one, the first one first. All of them failed.
    pub earlier: Vec<ScenarioReport>,
}

impl ScenarioReport {
    /// A scenario that has not begun.
    pub(crate) fn not_run(case: &Case, again: Again) -> Self {
        Self {
            case: CaseHead::of(case),
            index: 0,
            again,
            status: ScenarioStatus::NotRun,
            message: None,
            steps: Vec::new(),
            facts: Vec::new(),
            duration: Duration::ZERO,
            earlier: Vec::new(),
        }
    }

    /// Sets the end, fills in the steps that never began, and masks PINs and passwords in all of it.
    pub(crate) fn close(&mut self, case: &Case, status: ScenarioStatus, message: Option<String>) {
        let rest = case.steps().skip(self.steps.len());
        self.steps.extend(rest.map(|(step, background)| StepReport::new(step, background)));
        (self.status, self.message) = (status, message);
        self.redact(&Redactor::of(case));
    }

    /// Every attempt, this one last.
    pub fn attempts(&self) -> impl Iterator<Item = &ScenarioReport> {
        self.earlier.iter().chain([self])
    }

    /// The attempt that failed first, if one did.
    pub fn first_failure(&self) -> Option<&ScenarioReport> {
        self.attempts().find(|attempt| attempt.status.is_failure())
    }

    /// What it has in common with the rest of its run.
    pub(crate) fn origin(&self) -> &Again {
        &self.earlier.first().unwrap_or(self).again
    }

    /// All text that a report may show goes through here, once.
    fn redact(&mut self, redactor: &Redactor) {
        let mask = |text: &mut String| *text = redactor.mask(text);
        self.message.iter_mut().for_each(mask);
        self.facts.iter_mut().for_each(|fact| mask(&mut fact.value));
        for step in &mut self.steps {
            mask(&mut step.text);
            step.table.iter_mut().flatten().flatten().for_each(mask);
            step.text_block.iter_mut().chain(&mut step.message).for_each(mask);
            step.attachments.iter_mut().for_each(|attachment| mask(&mut attachment.text));
        }
    }

    /// The step that failed, if one did.
    pub fn failed_step(&self) -> Option<&StepReport> {
        self.steps.iter().find(|step| matches!(step.status, StepStatus::Failed | StepStatus::Undefined))
    }

    /// Whether it failed for a step that has no definition: trying again changes nothing.
    pub(crate) fn is_undefined(&self) -> bool {
        self.failed_step().is_some_and(|step| step.status == StepStatus::Undefined)
    }

    /// The last `count` exchanges with the token, decoded, oldest first.
    pub fn last_exchanges(&self, count: usize) -> Vec<&str> {
        let attachments = self.steps.iter().flat_map(|step| &step.attachments);
        let lines: Vec<_> = attachments
            .filter(|attachment| attachment.name == EXCHANGES)
            .flat_map(|a| a.text.lines())
            .collect();
        lines[lines.len().saturating_sub(count)..].to_vec()
    }

    /// Why it failed: the step's message, or the scenario's.
    pub fn reason(&self) -> Option<&str> {
        self.failed_step().and_then(|step| step.message.as_deref()).or(self.message.as_deref())
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepStatus {
    /// It returned.
    Passed,
    /// It panicked, returned an error, took too long, or matches several definitions.
    Failed,
    /// It matches no definition.
    Undefined,
    /// It did not run.
    Skipped,
}

/// One step of a scenario.
#[derive(Debug)]
pub struct StepReport {
    /// Its keyword as written, such as `那么`.
    pub keyword: String,
    /// Its text.
    pub text: String,
    /// Its line in the feature file.
    pub line: usize,
    /// Whether it belongs to a background.
    pub background: bool,
    /// Its table, if it has one.
    pub table: Option<Vec<Vec<String>>>,
    /// Its text block, if it has one.
    pub text_block: Option<String>,
    /// How it ended.
    pub status: StepStatus,
    /// How long it took.
    pub duration: Duration,
    /// Why it failed: what the panic says and where it happened, with the expected and the obtained value as the
    /// assertion prints them.
    pub message: Option<String>,
    /// Where its definition is: `FILE:LINE:COLUMN`.
    pub definition: Option<String>,
    /// What the world collected while it ran.
    pub attachments: Vec<Attachment>,
}

impl StepReport {
    /// A step that has not run.
    pub(crate) fn new(step: &gherkin::Step, background: bool) -> Self {
        Self {
            keyword: step.keyword.trim().to_owned(),
            text: step.value.clone(),
            line: step.position.line,
            background,
            table: step.table.as_ref().map(|table| table.rows.clone()),
            text_block: step.docstring.clone(),
            status: StepStatus::Skipped,
            duration: Duration::ZERO,
            message: None,
            definition: None,
            attachments: Vec::new(),
        }
    }

    pub(crate) fn ended(self, status: StepStatus, duration: Duration, message: Option<String>) -> Self {
        Self { status, duration, message, ..self }
    }
}
