//! Runs the scenarios of a suite, several at once, and hands out their reports in the order of the suite.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use tokio::sync::watch;

use super::{
    attempt::{Settings, run_case},
    report::{ScenarioReport, ScenarioStatus},
    scenario::ScenarioWorld,
    steps::StepTable,
    suite::Suite,
};

/// Asks a run to stop. No scenario is begun then, and those under way are cancelled where they wait; a step that
/// blocks its thread goes on to its end or its limit.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    /// Asks.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was asked.
    pub fn requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is asked.
    pub(crate) async fn wait(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|asked| *asked).await;
    }

    /// A stop that Ctrl-C asks for; the second Ctrl-C ends the process at once, with its exit code.
    pub fn on_ctrl_c() -> Self {
        let stop = Self::default();
        let asked = stop.clone();
        let listen = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                if tokio::signal::ctrl_c().await.is_ok() {
                    asked.request();
                }
                if tokio::signal::ctrl_c().await.is_ok() {
                    std::process::exit(super::Exit::Interrupted.code().into());
                }
            });
        };
        // Without this thread Ctrl-C ends the process as it does by default: nothing is lost but the summary.
        let _ = thread::Builder::new().name("ctrl-c".into()).spawn(listen);
        stop
    }
}

/// How a suite is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) jobs: usize,
    pub(crate) fail_fast: bool,
}

/// Runs all scenarios and returns one report for each, in the order of the suite; `finished` sees each that ran, in
/// the same order. With `fail_fast` those behind the first failure count as not run, even if they ran beside it.
pub(crate) fn execute<W: ScenarioWorld>(
    suite: &Suite,
    settings: &Settings,
    order: Order,
    stop: &Stop,
    mut finished: impl FnMut(&ScenarioReport),
) -> Vec<ScenarioReport> {
    let steps = Arc::new(StepTable::<W>::collect());
    let cases = suite.cases();
    let (next, halt) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut slots: Vec<Option<ScenarioReport>> = cases.iter().map(|_| None).collect();
    let (mut shown, mut closed) = (0, false);
    let last = |report: &ScenarioReport| {
        report.status == ScenarioStatus::Unreachable || (order.fail_fast && report.status.is_failure())
    };

    thread::scope(|scope| {
        let (results, inbox) = mpsc::channel();
        for _ in 0..order.jobs.min(cases.len()) {
            let results = results.clone();
            scope.spawn(|| {
                let results = results;
                while !stop.requested() && !halt.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { break };
                    let _ = results.send((index, run_case(case, &steps, settings, stop)));
                }
            });
        }
        drop(results);
        for (index, report) in inbox {
            if last(&report) {
                halt.store(true, Ordering::Relaxed);
            }
            slots[index] = Some(report);
            while !closed && let Some(Some(report)) = slots.get(shown) {
                finished(report);
                shown += 1;
                closed = last(report);
            }
        }
    });

    let mut reports = Vec::with_capacity(cases.len());
    for (index, (slot, case)) in slots.into_iter().zip(cases).enumerate() {
        let report = slot
            .filter(|_| !closed || index < shown)
            .unwrap_or_else(|| ScenarioReport::not_run(case, settings.again(0)));
        // An interruption may leave gaps; what ran behind one is shown now.
        if index >= shown && report.status != ScenarioStatus::NotRun {
            finished(&report);
        }
        reports.push(report);
    }
    reports
}
