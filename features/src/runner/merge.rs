//! Makes one report of the JSON reports of several runs, such as the shards of a suite.
//!
//! Guarantees: what is merged is one run of one suite, complete and without repetition, unless it was asked not to
//! look; the totals and the exit code are those that one run would have had. It refuses to run anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use unicode_width::UnicodeWidthStr;

use super::{
    exit::Exit,
    options::ReportFile,
    report::{
        Again, Part, RunReport,
        console::{Console, Style},
        json,
    },
    run::{Outcome, ReportFiles, RunError},
};

/// What is to be merged, and where to.
#[derive(Debug, Clone, Default)]
pub struct MergeOptions {
    /// The JSON reports.
    pub files: Vec<PathBuf>,
    /// Let reports of different seeds, targets, dialects or suites, and of some shards only, be one.
    pub mixed: bool,
    /// Print how long each scenario took.
    pub durations: bool,
    /// Print failures also as GitHub annotations.
    pub github_annotations: bool,
    /// Files to write reports to.
    pub reports: Vec<ReportFile>,
}

/// Why reports are not one.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum MergeError {
    /// A report cannot be read.
    #[error("{} cannot be read", path.display())]
    #[diagnostic(help("name a file that you may read\n无法读取{}，请指定有权读取的文件", path.display()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file that is no report of ours.
    #[error("{} is no JSON report of ukey test: {reason}", path.display())]
    #[diagnostic(help(
        "such a report is written by ukey test --report-json FILE\n{}不是 ukey test 的JSON报告；报告由 ukey test --report-json 文件 生成",
        path.display()
    ))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Reports that differ in what one run has once.
    #[error("the reports are of different {what}: {} has {one}, {} has {other}", path.display(), other_path.display())]
    #[diagnostic(help(
        "merge the shards of one run, all with the same --seed; --mixed merges what differs\n{}与{}不属于同一次运行；请合并 --seed 相同的各分片，或加 --mixed",
        path.display(),
        other_path.display()
    ))]
    Different {
        /// What differs.
        what: &'static str,
        /// The first report.
        path: PathBuf,
        /// What it has.
        one: String,
        /// Another report.
        other_path: PathBuf,
        /// What that has.
        other: String,
    },
    /// Two reports tell of one scenario.
    #[error("{place} is in {} and in {}", path.display(), other_path.display())]
    #[diagnostic(help(
        "give the report of each shard once\n{place}在两份报告中都有；每个分片的报告请只给一次"
    ))]
    Duplicate {
        /// The scenario.
        place: String,
        /// The first report.
        path: PathBuf,
        /// Another report, or the same one again.
        other_path: PathBuf,
    },
    /// The reports of some shards are missing.
    #[error("the report of shard {} is missing", .0.join(", "))]
    #[diagnostic(help(
        "its run may have been lost; run it again, or merge what there is with --mixed\n缺少分片{}的报告；请重新运行该分片，或加 --mixed 只合并已有的",
        .0.join("、")
    ))]
    Missing(Vec<String>),
    /// The merged report cannot be told.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Output(#[from] RunError),
}

impl MergeError {
    /// The exit code for it.
    pub fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// Merges reports: the text of one run on standard output, and the reports that are asked for.
///
/// # Errors
/// See [`MergeError`]. A scenario that failed is not an error but an [`Outcome`].
pub fn merge(options: &MergeOptions) -> Result<Outcome, MergeError> {
    let out = io::stdout();
    let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tell(options, out, colour)
}

/// Merges reports, with the text going to `out`, uncoloured.
///
/// # Errors
/// As [`merge`].
pub fn merge_to(options: &MergeOptions, out: impl Write) -> Result<Outcome, MergeError> {
    tell(options, out, false)
}

fn tell(options: &MergeOptions, out: impl Write, colour: bool) -> Result<Outcome, MergeError> {
    let report = one(read(&options.files)?, options.mixed)?;
    ReportFiles::open(&options.reports)?.write(&report)?;
    let style =
        Style { colour, durations: options.durations, github_annotations: options.github_annotations };
    let width = report.scenarios.iter().map(|scenario| scenario.case.place().width()).max().unwrap_or(0);
    let mut console = Console::new(out, width, style);
    let told = report.scenarios.iter().try_for_each(|scenario| console.scenario(scenario));
    told.and_then(|()| console.end(&report)).map_err(RunError::Output)?;
    let exit = report.exit();
    Ok(Outcome { report, exit })
}

/// A report, and the file it was read from.
struct Source {
    path: PathBuf,
    report: RunReport,
}

fn read(files: &[PathBuf]) -> Result<Vec<Source>, MergeError> {
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path)
            .map_err(|source| MergeError::Unreadable { path: path.clone(), source })?;
        let report =
            json::read(&text).map_err(|reason| MergeError::Foreign { path: path.clone(), reason })?;
        Ok(Source { path: path.clone(), report })
    };
    files.iter().map(read).collect()
}

fn one(sources: Vec<Source>, mixed: bool) -> Result<RunReport, MergeError> {
    if !mixed {
        alike(&sources)?;
    }
    once(&sources)?;
    if !mixed {
        complete(&sources)?;
    }
    let ended = |report: &RunReport| report.started.checked_add(report.duration).unwrap_or(report.started);
    let started = sources.iter().map(|source| source.report.started).min().unwrap_or_default();
    let end = sources.iter().map(|source| ended(&source.report)).max().unwrap_or(started);
    let interrupted = sources.iter().any(|source| source.report.interrupted);
    let mut suites: Vec<_> = sources
        .iter()
        .map(|Source { report: RunReport { part, .. }, .. }| (part.suite.clone(), part.scenarios))
        .collect();
    suites.sort();
    suites.dedup();
    let part = Part {
        suite: suites.iter().map(|(suite, _)| suite.as_str()).collect::<Vec<_>>().join("+"),
        scenarios: suites.iter().map(|(_, scenarios)| scenarios).sum(),
        shard: None,
    };
    let mut scenarios: Vec<_> = sources.into_iter().flat_map(|source| source.report.scenarios).collect();
    // What belongs together stands together: as in one run where there was one, else run by run.
    scenarios.sort_by(|one, other| {
        let key = |again: &Again| (again.target.clone(), again.dialect.clone(), again.seed);
        key(one.origin()).cmp(&key(other.origin())).then(one.index.cmp(&other.index))
    });
    let duration = end.duration_since(started).unsigned_abs();
    Ok(RunReport { part, started, duration, interrupted, scenarios })
}

/// No scenario is told twice.
fn once(sources: &[Source]) -> Result<(), MergeError> {
    let mut seen = BTreeMap::new();
    for Source { path, report } in sources {
        for scenario in &report.scenarios {
            let again = scenario.origin();
            let place = scenario.case.place();
            let key = (place.clone(), &again.target, &again.dialect, again.seed);
            if let Some(first) = seen.insert(key, path) {
                return Err(MergeError::Duplicate { place, path: first.clone(), other_path: path.clone() });
            }
        }
    }
    Ok(())
}

/// What a run has once is the same in all of them.
fn alike(sources: &[Source]) -> Result<(), MergeError> {
    type Of = fn(&RunReport) -> String;
    let same: [(&'static str, Of); 5] = [
        ("suites", |run| format!("{} scenario(s), {}", run.part.scenarios, run.part.suite)),
        ("seeds", RunReport::seed),
        ("targets", RunReport::target),
        ("dialects", |run| run.dialect().unwrap_or_else(|| "none".into())),
        ("splits", |run| match run.part.shard {
            Some(shard) => format!("{} shard(s)", shard.of()),
            None => "no shards".into(),
        }),
    ];
    let Some((first, rest)) = sources.split_first() else { return Ok(()) };
    for (what, of) in same {
        let one = of(&first.report);
        if let Some(source) = rest.iter().find(|source| of(&source.report) != one) {
            return Err(MergeError::Different {
                what,
                one,
                path: first.path.clone(),
                other: of(&source.report),
                other_path: source.path.clone(),
            });
        }
    }
    Ok(())
}

/// Each shard is there; one that got no scenario has no report.
fn complete(sources: &[Source]) -> Result<(), MergeError> {
    let given: BTreeSet<_> =
        sources.iter().filter_map(|source| source.report.part.shard).map(|shard| shard.number()).collect();
    let Some(part) = sources.first().map(|source| &source.report.part) else { return Ok(()) };
    let Some(shard) = part.shard else { return Ok(()) };
    let wanted = 1..=shard.of().min(part.scenarios);
    let missing: Vec<_> = wanted
        .filter(|number| !given.contains(number))
        .map(|number| format!("{number}/{}", shard.of()))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(MergeError::Missing(missing)) }
}
