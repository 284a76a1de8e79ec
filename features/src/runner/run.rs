//! A run from its options to its exit code.

use std::{
    fs::{self, File},
    io::{self, BufWriter, IsTerminal, Write},
    path::PathBuf,
    time::Instant,
};

use unicode_width::UnicodeWidthStr;

use super::{
    attempt::Settings,
    execute::{Order, Stop, execute},
    exit::Exit,
    filter::{Filter, FilterError},
    loader::{LoadError, load},
    options::{ReportFile, ReportFormat, RunOptions},
    report::{
        RunReport,
        console::{Console, Style},
        html, json, junit,
    },
    scenario::{ScenarioWorld, Standing, TargetError},
    seed::fresh_seed,
    shard::{Selection, Shard},
    suite::Suite,
};

/// A run that took place.
#[derive(Debug)]
pub struct Outcome {
    /// What happened.
    pub report: RunReport,
    /// The exit code it deserves.
    pub exit: Exit,
}

/// Why a run did not take place, or could not be told.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RunError {
    /// The scenarios could not be loaded.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Load(#[from] LoadError),
    /// The filter cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Filter(#[from] FilterError),
    /// Nothing is left after filtering.
    #[error("no scenario matches")]
    #[diagnostic(help(
        "{found} scenario(s) were found before filtering by tags and name; `ukey test --list` shows them\n没有符合条件的场景；按标签和名称筛选前有{found}个，可用 ukey test --list 列出"
    ))]
    NothingMatched {
        /// How many there were before filtering.
        found: usize,
    },
    /// There are more shards than scenarios, and this one is left without.
    #[error("shard {shard} is empty: {scenarios} scenario(s) match")]
    #[diagnostic(help(
        "split them into no more shards than there are scenarios\n分片{shard}中没有场景，共{scenarios}个；分片数请勿超过场景数"
    ))]
    EmptyShard {
        /// The shard.
        shard: Shard,
        /// How many scenarios there are to split.
        scenarios: usize,
    },
    /// The target is not what the user meant, or not what a run needs. Nothing ran.
    #[error("{target}: {message}")]
    #[diagnostic(help("{help}"))]
    Target {
        /// The target.
        target: String,
        /// Why.
        message: String,
        /// What to do.
        help: String,
    },
    /// The run is over, and the target is not as it was before.
    #[error("{target} is not as it was before the run: {reason}")]
    #[diagnostic(help(
        "run again against the same key: what a run leaves behind, the next one clears away\n{target}未能恢复原状；请对同一把UKey再运行一次，遗留的内容会被清除"
    ))]
    LeftBehind {
        /// The target.
        target: String,
        /// What is left behind.
        reason: String,
    },
    /// A report file cannot be written.
    #[error("the report {} cannot be written", path.display())]
    #[diagnostic(help("name another file\n无法写入报告{}，请换一个文件", path.display()))]
    Report {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The standard output cannot be written.
    #[error("the output cannot be written")]
    #[diagnostic(help("look where the standard output leads\n无法写入标准输出，请检查其去向"))]
    Output(#[source] io::Error),
}

impl RunError {
    /// The exit code for it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Load(error) => error.exit(),
            Self::NothingMatched { .. } | Self::EmptyShard { .. } => Exit::NothingMatched,
            Self::LeftBehind { .. } => Exit::TargetUnreachable,
            Self::Filter(_) | Self::Target { .. } | Self::Report { .. } | Self::Output(_) => Exit::Usage,
        }
    }
}

/// Runs what the options ask for: results on standard output, progress on standard error if that is a terminal,
/// Ctrl-C as an interruption.
///
/// # Errors
/// When the run cannot begin, or a report cannot be written. A scenario that fails is not an error but an
/// [`Outcome`].
pub fn run<W: ScenarioWorld>(options: &RunOptions) -> Result<Outcome, RunError> {
    let out = io::stdout();
    let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    conduct::<W>(select(options)?, options, out, colour, io::stderr().is_terminal(), &Stop::on_ctrl_c())
}

/// Runs what the options ask for, with the text going to `out`, uncoloured, until `stop` is asked for.
///
/// # Errors
/// As [`run`].
pub fn run_to<W: ScenarioWorld>(
    options: &RunOptions,
    out: impl Write,
    stop: &Stop,
) -> Result<Outcome, RunError> {
    conduct::<W>(select(options)?, options, out, false, false, stop)
}

/// The scenarios that the options choose.
///
/// # Errors
/// As [`run`], but for reports.
pub fn chosen(options: &RunOptions) -> Result<Suite, RunError> {
    select(options).map(|selection| selection.suite)
}

/// The same, with their places in the whole suite.
pub(crate) fn select(options: &RunOptions) -> Result<Selection, RunError> {
    let filter = Filter::new(options.tags.as_deref(), options.name.as_deref())?;
    let suite = load(&options.paths)?;
    let found = suite.cases().len();
    let suite = suite.filtered(&filter);
    if suite.cases().is_empty() {
        return Err(RunError::NothingMatched { found });
    }
    let selection = Selection::of(suite, options.shard);
    match selection.part.shard {
        Some(shard) if selection.suite.cases().is_empty() => {
            Err(RunError::EmptyShard { shard, scenarios: selection.part.scenarios })
        }
        _ => Ok(selection),
    }
}

fn conduct<W: ScenarioWorld>(
    selection: Selection,
    options: &RunOptions,
    out: impl Write,
    colour: bool,
    progress: bool,
    stop: &Stop,
) -> Result<Outcome, RunError> {
    let Selection { suite, places, part } = selection;
    let files = ReportFiles::open(&options.reports)?;
    let style =
        Style { colour, durations: options.durations, github_annotations: options.github_annotations };
    let width = suite.cases().iter().map(|case| case.place().width()).max().unwrap_or(0);
    let mut console = Console::new(out, width, style);
    let standing = standing::<W>(options)?;
    let settings = settings(options, &standing);
    let jobs = standing.as_ref().map_or(1, |standing| options.effective_jobs(standing));
    let order = Order { jobs, fail_fast: options.fail_fast };
    let (started, begun) = (jiff::Timestamp::now(), Instant::now());
    let (mut told, mut done) = (Ok(()), 0);

    let mut scenarios = execute::<W>(&suite, &settings, order, stop, |report| {
        if told.is_ok() {
            told = console.scenario(report);
        }
        done += 1;
        if progress {
            // Progress is a courtesy: a standard error that cannot be written is no reason to stop.
            let _ =
                write!(io::stderr(), "\r\x1b[K[{done}/{}] {}\r", suite.cases().len(), report.case.place());
        }
    });
    if progress {
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
    let left = standing.as_ref().map_or(Ok(()), |standing| W::end(options, standing));
    for (scenario, index) in scenarios.iter_mut().zip(places) {
        scenario.index = index;
    }
    let (duration, interrupted) = (begun.elapsed(), stop.requested());
    let report = RunReport { part, started, duration, interrupted, scenarios };
    files.write(&report)?;
    told.and_then(|()| console.end(&report)).map_err(RunError::Output)?;
    left.map_err(|reason| RunError::LeftBehind { target: options.target.clone(), reason })?;
    let exit = report.exit();
    Ok(Outcome { report, exit })
}

/// What the run may do to its target, or why it is not reached: the first scenario tells that.
///
/// # Errors
/// [`RunError::Target`].
pub(crate) fn standing<W: ScenarioWorld>(options: &RunOptions) -> Result<Result<Standing, String>, RunError> {
    match W::begin(options) {
        Ok(standing) => Ok(Ok(standing)),
        Err(TargetError::Unreachable(reason)) => Ok(Err(reason)),
        Err(TargetError::Refused { message, help }) => {
            Err(RunError::Target { target: options.target.clone(), message, help })
        }
    }
}

/// What the scenarios of a run have in common.
pub(crate) fn settings(options: &RunOptions, standing: &Result<Standing, String>) -> Settings {
    Settings {
        target: options.target.clone(),
        dialect: options.dialect.clone(),
        seed: options.seed.unwrap_or_else(fresh_seed),
        retries: options.retries,
        step_limit: options.step_limit,
        device_serial: options.device_serial.clone().filter(|_| options.allow_destructive),
        device_key_file: options.device_key_file.clone(),
        refuse_destructive: standing.as_ref().ok().and_then(|standing| standing.refuse_destructive.clone()),
        unreachable: standing.as_ref().err().cloned(),
        device: standing.as_ref().ok().and_then(|standing| standing.device.clone()),
        measure: options.measure,
    }
}

/// The report files of a run. They are opened before it: a path that cannot be written is known at once, and no stale
/// report survives.
pub(crate) struct ReportFiles<'a>(Vec<(&'a ReportFile, File)>);

impl<'a> ReportFiles<'a> {
    pub(crate) fn open(files: &'a [ReportFile]) -> Result<Self, RunError> {
        let open = |file: &'a ReportFile| {
            let folder = file.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let opened = folder.map_or(Ok(()), fs::create_dir_all).and_then(|()| File::create(&file.path));
            let out = opened.map_err(|source| RunError::Report { path: file.path.clone(), source })?;
            Ok((file, out))
        };
        files.iter().map(open).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn write(self, report: &RunReport) -> Result<(), RunError> {
        self.0.into_iter().try_for_each(|(file, out)| {
            let mut out = BufWriter::new(out);
            let written = match file.format {
                ReportFormat::Junit => junit::write(report, &mut out),
                ReportFormat::Json => json::write(report, &mut out),
                ReportFormat::Html => html::write(report, &mut out),
            };
            written
                .and_then(|()| out.flush())
                .map_err(|source| RunError::Report { path: file.path.clone(), source })
        })
    }
}
