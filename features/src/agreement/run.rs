//! All points, side by side.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use ukey_flows::FlowError;

use super::{
    flow_names,
    flows::{FLOWS, Flow},
    judge::{Difference, judge},
    point::{Interaction, Kind, Point, points},
    report::{Disagreement, FlowReport, Report},
    world::{Beginning, Broken},
};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// One flow; all without it.
    pub flow: Option<String>,
    /// Everything random follows from it.
    pub seed: u64,
    /// One point of the flow, by its number.
    pub point: Option<usize>,
    /// Every so manieth point only; 1 for all.
    pub every: usize,
    /// How many points run at once; without it, as many as there are processors.
    pub jobs: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self { flow: None, seed: 1, point: None, every: 1, jobs: None }
    }
}

/// Why nothing could be judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// There is no flow of that name.
    #[error("there is no flow {name}; there are {}", flow_names().collect::<Vec<_>>().join(", "))]
    NoFlow {
        /// The name.
        name: String,
    },
    /// The flow has no point of that number.
    #[error("there is no point {point}: the points of {flow} are 0 to {last}")]
    NoPoint {
        /// The flow.
        flow: &'static str,
        /// The number.
        point: usize,
        /// Its last point.
        last: usize,
    },
    /// The flow does not even go through without a fault.
    #[error("{flow} without a fault: {reason}")]
    Beginning {
        /// The flow.
        flow: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl RunError {
    /// What is wrong, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            Self::NoFlow { name } => {
                format!("没有流程{name}，可用的有{}", flow_names().collect::<Vec<_>>().join(", "))
            }
            Self::NoPoint { flow, point, last } => format!("流程{flow}没有第{point}点，可用0至{last}"),
            Self::Beginning { flow, .. } => format!("流程{flow}在没有故障时也未能完成"),
        }
    }
}

/// Runs the points that the options name.
///
/// # Errors
/// [`RunError`]; a disagreement is none.
pub fn run(options: &Options) -> Result<Report, RunError> {
    let named = |flow: &&Flow| options.flow.as_deref().is_none_or(|name| name == flow.name);
    let flows: Vec<&'static Flow> = FLOWS.iter().filter(named).collect();
    if flows.is_empty() {
        return Err(RunError::NoFlow { name: options.flow.clone().unwrap_or_default() });
    }
    let mut report = Report::new(options.seed);
    for flow in flows {
        report.flows.push(run_flow(flow, options)?);
    }
    Ok(report)
}

pub(super) fn run_flow(flow: &'static Flow, options: &Options) -> Result<FlowReport, RunError> {
    let broken = |reason: String| RunError::Beginning { flow: flow.name, reason };
    let beginning = Beginning::make(flow, options.seed).map_err(|error| broken(error.to_string()))?;
    let recorded = record(&beginning).map_err(|error| broken(error.to_string()))?;
    let points = points(&recorded);
    let chosen: Vec<usize> = match options.point {
        Some(point) if point < points.len() => vec![point],
        Some(point) => return Err(RunError::NoPoint { flow: flow.name, point, last: points.len() - 1 }),
        None => (0..points.len()).step_by(options.every.max(1)).collect(),
    };
    let jobs = options.jobs.or_else(|| thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let next = AtomicUsize::new(0);
    let disagreements = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, chosen.len().max(1)) {
            scope.spawn(|| {
                while let Some(&number) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let differences = fail_at(&beginning, &points[number]);
                    if !differences.is_empty() {
                        let disagreement =
                            Disagreement { point: number, fault: points[number].to_string(), differences };
                        disagreements.lock().unwrap_or_else(PoisonError::into_inner).push(disagreement);
                    }
                }
            });
        }
    });
    let mut disagreements = disagreements.into_inner().unwrap_or_else(PoisonError::into_inner);
    disagreements.sort_by_key(|disagreement| disagreement.point);
    let count = |kind| chosen.iter().filter(|&&number| points[number].kind == kind).count();
    Ok(FlowReport {
        flow: flow.name,
        interactions: recorded.len(),
        counts: Kind::ALL.map(|kind| (kind.name(), count(kind))).to_vec(),
        disagreements,
    })
}

/// The flow without a fault, which has to agree too: its interactions.
pub(super) fn record(beginning: &Beginning) -> Result<Vec<Interaction>, Broken> {
    let mut world = beginning.world(None)?;
    world.go_on()?;
    world.injector().name_exchanges(world.exchanges());
    let recorded = world.injector().run();
    if let Some(shared) = recorded.iter().find(|interaction| writes_shared(interaction)) {
        return Err(format!("{shared} writes into the key while others reach it").into());
    }
    let differences = judge(&mut world, &beginning.expected)?;
    if differences.is_empty() {
        return Ok(recorded);
    }
    Err(differences.iter().map(Difference::to_string).collect::<Vec<_>>().join("; ").into())
}

/// Whether an exchange changes the key while another program could come between.
pub(super) fn writes_shared(interaction: &Interaction) -> bool {
    matches!(interaction, Interaction::Exchange { operations: 1.., alone: false, .. })
}

/// One point: what does not agree in the end.
fn fail_at(beginning: &Beginning, point: &Point) -> Vec<String> {
    let tried = catch_unwind(AssertUnwindSafe(|| try_at(beginning, point)));
    match tried {
        Ok(Ok(differences)) => differences,
        Ok(Err(error)) => vec![format!("harness: {error}")],
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
            vec![format!("panic: {said}")]
        }
    }
}

pub(super) fn try_at(beginning: &Beginning, point: &Point) -> Result<Vec<String>, Broken> {
    let mut world = beginning.world(Some(point.clone()))?;
    let stopped = world.go_on();
    if let Some(complaint) = world.injector().complaint() {
        let how = stopped.err().map_or_else(|| "it came to its end".to_owned(), |error| error.to_string());
        return Ok(vec![format!("fault: {complaint} ({how})")]);
    }
    world.recover()?;
    if let Err(error) = world.go_on() {
        return Ok(vec![format!("resume: {}", told(&error))]);
    }
    Ok(judge(&mut world, &beginning.expected)?.iter().map(Difference::to_string).collect())
}

fn told(error: &FlowError) -> String {
    format!("the flow does not go on: {error} ({})", error.message_zh())
}
