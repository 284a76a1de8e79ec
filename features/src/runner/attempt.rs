//! Runs one scenario, guarded: every way a step can end badly becomes a report, and no step holds up the run.
//!
//! A scenario has a thread of its own, watched from outside. A step that waits is cancelled at its limit; one that
//! blocks the thread is given up a moment later, and its thread (with the world) is left behind.

use std::{
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use cucumber::gherkin;
use futures::FutureExt;
use tokio::time::error::Elapsed;

use super::{
    execute::Stop,
    panics::{self, PanicNote, Sink},
    report::{Again, ScenarioReport, ScenarioStatus, StepReport, StepStatus},
    scenario::{Attachment, Fact, NotApplicable, PrepareError, ScenarioContext, ScenarioWorld},
    steps::{StepTable, Unmatched},
    suite::Case,
};

/// How much longer than the limit a step may block before its thread is left behind.
const GRACE: Duration = Duration::from_secs(1);

/// What all scenarios of a run have in common.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The target.
    pub target: String,
    /// The name of the dialect that was asked for.
    pub dialect: Option<String>,
    /// The seed of the run.
    pub seed: u64,
    /// How often a scenario that failed is tried again.
    pub retries: usize,
    /// How long a step may take, and the making of a world.
    pub step_limit: Duration,
    /// The device that may be changed destructively.
    pub device_serial: Option<String>,
    /// The file with the target's device authentication key.
    pub device_key_file: Option<PathBuf>,
    /// Why `@destructive` scenarios may not run, if they may not.
    pub refuse_destructive: Option<String>,
    /// Why the target is not reached, if it is not.
    pub unreachable: Option<String>,
    /// The device that was taken for this run, by its serial number.
    pub device: Option<String>,
    /// Whether to tell what each scenario costs its key.
    pub measure: bool,
}

/// What the scenario's thread tells the one that watches it.
enum Event {
    Prepared,
    Unprepared(PrepareError),
    Step(Box<StepReport>),
    Unfinished(String),
    Facts(Vec<Fact>),
    Stopped,
}

impl Settings {
    /// How a scenario is run again as it is run in this attempt (from 0): with the run's seed plus the attempt.
    pub(crate) fn again(&self, attempt: usize) -> Again {
        Again {
            seed: self.seed.wrapping_add(attempt as u64),
            target: self.target.clone(),
            dialect: self.dialect.clone(),
        }
    }
}

/// Runs one scenario to its end, whatever that is, and again from the start when it failed and retries are left.
///
/// It must not be called from inside an async runtime's worker: it blocks until the scenario has ended.
pub fn run_case<W: ScenarioWorld>(
    case: &Arc<Case>,
    steps: &Arc<StepTable<W>>,
    settings: &Settings,
    stop: &Stop,
) -> ScenarioReport {
    let mut earlier: Vec<ScenarioReport> = Vec::new();
    loop {
        let mut report = attempt(case, steps, settings, settings.again(earlier.len()), stop);
        match report.status {
            ScenarioStatus::Failed if earlier.len() < settings.retries && !report.is_undefined() => {
                earlier.push(report);
                continue;
            }
            ScenarioStatus::Passed if !earlier.is_empty() => report.status = ScenarioStatus::Flaky,
            // A retry that was interrupted takes nothing back.
            ScenarioStatus::NotRun => report = earlier.pop().unwrap_or(report),
            _ => {}
        }
        report.earlier = earlier;
        return report;
    }
}

/// Runs one scenario once.
fn attempt<W: ScenarioWorld>(
    case: &Arc<Case>,
    steps: &Arc<StepTable<W>>,
    settings: &Settings,
    again: Again,
    stop: &Stop,
) -> ScenarioReport {
    let seed = case.seed(again.seed);
    let mut report = ScenarioReport::not_run(case, again);
    if let Some(reason) = settings.refuse_destructive.as_ref().filter(|_| case.has_tag("destructive")) {
        report.close(case, ScenarioStatus::Refused, Some(reason.clone()));
        return report;
    }
    if let Some(reason) = &settings.unreachable {
        let error = PrepareError::Unreachable(reason.clone());
        report.close(case, ScenarioStatus::Unreachable, Some(error.to_string()));
        return report;
    }
    if case.steps().next().is_none() {
        report.close(case, ScenarioStatus::Failed, Some("the scenario has no steps".into()));
        return report;
    }

    let begun = Instant::now();
    let (events, inbox) = mpsc::channel();
    let sink = Sink::default();
    let scenario = Drive {
        case: Arc::clone(case),
        steps: Arc::clone(steps),
        limit: settings.step_limit,
        stop: stop.clone(),
        sink: sink.clone(),
        context: ScenarioContext {
            target: settings.target.clone(),
            dialect: settings.dialect.clone(),
            seed,
            feature: case.feature().to_owned(),
            scenario: case.name().to_owned(),
            line: case.line(),
            tags: case.tags().to_vec(),
            device_serial: settings.device_serial.clone(),
            device_key_file: settings.device_key_file.clone(),
            device: settings.device.clone(),
            measure: settings.measure,
        },
    };
    let thread = thread::Builder::new().name(case.place()).spawn(move || scenario.run(&events));
    match thread {
        Ok(thread) => watch(&mut report, case, settings.step_limit, &inbox, thread, &sink),
        Err(error) => {
            report.close(case, ScenarioStatus::Failed, Some(format!("no thread for the scenario: {error}")));
        }
    }
    report.duration = begun.elapsed();
    report
}

/// Gathers what the scenario's thread says until it falls silent.
fn watch(
    report: &mut ScenarioReport,
    case: &Case,
    limit: Duration,
    inbox: &mpsc::Receiver<Event>,
    thread: thread::JoinHandle<()>,
    sink: &Sink,
) {
    let (mut prepared, mut verdict) = (false, None);
    loop {
        match inbox.recv_timeout(limit.saturating_add(GRACE)) {
            Ok(Event::Prepared) => prepared = true,
            Ok(Event::Unprepared(error)) => {
                let status = match error {
                    PrepareError::NotApplicable(_) => ScenarioStatus::Skipped,
                    PrepareError::Unreachable(_) => ScenarioStatus::Unreachable,
                    PrepareError::Failed(_) => ScenarioStatus::Failed,
                };
                verdict = Some((status, Some(error.to_string())));
            }
            Ok(Event::Step(step)) => report.steps.push(*step),
            Ok(Event::Unfinished(reason)) => {
                let passed =
                    verdict.is_none() && report.steps.iter().all(|step| step.status == StepStatus::Passed);
                if passed {
                    verdict = Some((ScenarioStatus::Failed, Some(reason)));
                }
            }
            Ok(Event::Facts(facts)) => report.facts = facts,
            Ok(Event::Stopped) => verdict = Some((ScenarioStatus::NotRun, None)),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                // Nothing in the scenario's thread panics outside a step but the world's own hooks.
                if let Err(payload) = thread.join() {
                    let message = with_place(panics::message(&*payload), &mut sink.take());
                    let text = format!("the world panicked: {message}");
                    verdict = Some((ScenarioStatus::Failed, Some(text)));
                }
                break;
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let text = format!("{}; it blocks its thread, which was left behind", too_slow(limit));
                match case.steps().nth(report.steps.len()) {
                    Some((step, background)) if prepared => {
                        let failed =
                            StepReport::new(step, background).ended(StepStatus::Failed, limit, Some(text));
                        report.steps.push(failed);
                    }
                    _ => verdict = Some((ScenarioStatus::Failed, Some(format!("the world: {text}")))),
                }
                break;
            }
        }
    }
    let (status, message) = verdict.unwrap_or_else(|| {
        let passed = report.steps.iter().all(|step| step.status == StepStatus::Passed);
        (if passed { ScenarioStatus::Passed } else { ScenarioStatus::Failed }, None)
    });
    report.close(case, status, message);
}

fn too_slow(limit: Duration) -> String {
    format!("did not end within {limit:?}")
}

/// A scenario on its own thread.
struct Drive<W> {
    case: Arc<Case>,
    steps: Arc<StepTable<W>>,
    limit: Duration,
    stop: Stop,
    sink: Sink,
    context: ScenarioContext,
}

impl<W: ScenarioWorld> Drive<W> {
    fn run(self, events: &mpsc::Sender<Event>) {
        self.sink.adopt_thread();
        let sink = self.sink.clone();
        // Worker threads beside the scenario's own: what it serves goes on while a step blocks.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .on_thread_start(move || sink.adopt_thread())
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                let error = PrepareError::Failed(format!("no runtime: {error}"));
                return say(events, Event::Unprepared(error));
            }
        };
        runtime.block_on(self.drive(events));
        // Blocking work that outlives its step must not hold up the scenario.
        runtime.shutdown_background();
    }

    async fn drive(&self, events: &mpsc::Sender<Event>) {
        let Some(prepared) = self.limited(W::prepare(&self.context)).await else {
            return say(events, Event::Stopped);
        };
        let mut world = match prepared {
            Ok(Ok(world)) => world,
            Ok(Err(error)) => return say(events, Event::Unprepared(error)),
            Err(_) => return say(events, Event::Unprepared(PrepareError::Failed(too_slow(self.limit)))),
        };
        say(events, Event::Prepared);
        let mut steps = self.case.steps().peekable();
        while let Some((step, background)) = steps.next() {
            let last = steps.peek().is_none();
            let Some((report, not_applicable)) = self.step(&mut world, step, background, last).await else {
                return say(events, Event::Stopped);
            };
            let passed = report.status == StepStatus::Passed;
            say(events, Event::Step(Box::new(report)));
            if let Some(reason) = not_applicable {
                say(events, Event::Unprepared(PrepareError::NotApplicable(reason)));
            }
            if !passed {
                break;
            }
        }
        match self.limited(AssertUnwindSafe(world.finish()).catch_unwind()).await {
            Some(Ok(Ok(Ok(())))) => {}
            Some(Ok(Ok(Err(reason)))) => say(events, Event::Unfinished(reason)),
            Some(Ok(Err(payload))) => say(events, Event::Unfinished(panics::message(&*payload))),
            Some(Err(_)) => say(events, Event::Unfinished(format!("the end {}", too_slow(self.limit)))),
            // The end of the run puts back what this did not.
            None => {}
        }
        say(events, Event::Facts(world.facts()));
    }

    /// Waits for `work` as long as the limit allows; `None` when the run is to stop.
    async fn limited<T>(&self, work: impl Future<Output = T>) -> Option<Result<T, Elapsed>> {
        tokio::select! {
            biased;
            () = self.stop.wait() => None,
            ending = tokio::time::timeout(self.limit, work) => Some(ending),
        }
    }

    async fn step(
        &self,
        world: &mut W,
        step: &gherkin::Step,
        background: bool,
        last: bool,
    ) -> Option<(StepReport, Option<String>)> {
        let report = StepReport::new(step, background);
        let found = match self.steps.find(step) {
            Ok(found) => found,
            Err(Unmatched::Undefined(text)) => {
                return Some((report.ended(StepStatus::Undefined, Duration::ZERO, Some(text)), None));
            }
            Err(Unmatched::Ambiguous(text)) => {
                return Some((report.ended(StepStatus::Failed, Duration::ZERO, Some(text)), None));
            }
        };
        let begun = Instant::now();
        let call = AssertUnwindSafe(async { (found.function)(world, found.context).await }).catch_unwind();
        let ending = self.limited(call).await?;
        let elapsed = begun.elapsed();

        let mut panics = self.sink.take();
        let mut not_applicable = None;
        let (status, message) = match ending {
            Ok(Ok(())) => match world.after_step(step.ty, last) {
                Ok(()) => (StepStatus::Passed, None),
                Err(reason) => (StepStatus::Failed, Some(reason)),
            },
            Ok(Err(payload)) => match payload.downcast_ref::<NotApplicable>() {
                Some(NotApplicable(reason)) => {
                    not_applicable = Some(reason.clone());
                    panics.pop();
                    (StepStatus::Skipped, None)
                }
                None => (StepStatus::Failed, Some(with_place(panics::message(&*payload), &mut panics))),
            },
            Err(_) => (StepStatus::Failed, Some(too_slow(self.limit))),
        };
        let mut report = report.ended(status, elapsed, message);
        report.definition = found.place;
        report.attachments = world.take_attachments();
        if !panics.is_empty() {
            report.attachments.push(beside(&panics));
        }
        Some((report, not_applicable))
    }
}

/// Adds where a panic with this text happened, and takes it from the list.
fn with_place(message: String, panics: &mut Vec<PanicNote>) -> String {
    let own = panics.iter().rposition(|note| note.message == message).map(|index| panics.remove(index));
    own.map_or(message, |note| format!("{}\nat {}", note.message, note.place))
}

/// Panics of the scenario that are not the step's own, such as those of tasks it spawned.
fn beside(panics: &[PanicNote]) -> Attachment {
    let lines: Vec<_> = panics.iter().map(|note| format!("{}\nat {}", note.message, note.place)).collect();
    Attachment::plain("panics", lines.join("\n"))
}

/// Nobody listens any more once the thread was left behind.
fn say(events: &mpsc::Sender<Event>, event: Event) {
    let _ = events.send(event);
}
