//! The scenarios as tests of `cargo test` and `cargo nextest`: one test each, named `zh::unlock::解锁:12`.
//!
//! The target is `UKEY_TARGET` (`sim` without it), the dialect `UKEY_DIALECT`, the seed `UKEY_SEED` (fresh without it, printed with a failure).

use std::{env, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Completion, Trial};

use super::{
    attempt::{Settings, run_case},
    execute::Stop,
    exit::Exit,
    loader::LoadError,
    options::RunOptions,
    report::{ScenarioStatus, console::failure, redact::Redactor},
    run::{RunError, settings, standing},
    scenario::{ScenarioWorld, Standing},
    steps::StepTable,
    suite::{Case, Suite},
};

/// The whole `main` of a test target with `harness = false`.
#[expect(clippy::print_stderr, reason = "this is the program's last word")]
pub fn main<W: ScenarioWorld>(suite: Result<Suite, LoadError>) -> ExitCode {
    let arguments = Arguments::from_args();
    let options = match options_from_environment() {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return Exit::Usage.into();
        }
    };
    match suite {
        Ok(suite) => conduct::<W>(arguments, &suite, &options),
        Err(error) => {
            let exit = error.exit();
            eprintln!("{:?}", miette::Report::new(error));
            exit.into()
        }
    }
}

/// Runs the trials. Nothing is asked of the target where they are only listed.
#[expect(clippy::print_stderr, reason = "this is the program's last word")]
fn conduct<W: ScenarioWorld>(mut arguments: Arguments, suite: &Suite, options: &RunOptions) -> ExitCode {
    let told = |error: RunError| {
        let exit = error.exit();
        eprintln!("{:?}", miette::Report::new(error));
        ExitCode::from(exit)
    };
    let standing = if arguments.list { Ok(Ok(Standing::fresh())) } else { standing::<W>(options) };
    let standing = match standing {
        Ok(standing) => standing,
        Err(error) => return told(error),
    };
    if standing.as_ref().is_ok_and(|standing| !standing.fresh) {
        arguments.test_threads = Some(1);
    }
    let trials = trials::<W>(suite, &settings(options, &standing));
    let list = arguments.list;
    let code = libtest_mimic::run(&arguments, trials).exit_code();
    match standing.map_or(Ok(()), |standing| if list { Ok(()) } else { W::end(options, &standing) }) {
        Ok(()) => code,
        Err(reason) => told(RunError::LeftBehind { target: options.target.clone(), reason }),
    }
}

/// The scenarios as trials. Those tagged `@hardware` are ignored unless asked for.
pub fn trials<W: ScenarioWorld>(suite: &Suite, settings: &Settings) -> Vec<Trial> {
    let steps = Arc::new(StepTable::<W>::collect());
    let trial = |case: &Arc<Case>| {
        let (case, steps, settings) = (Arc::clone(case), Arc::clone(&steps), settings.clone());
        let (name, ignored) = (trial_name(&case), case.has_tag("hardware"));
        let test = move || {
            let report = run_case::<W>(&case, &steps, &settings, &Stop::default());
            match report.status {
                ScenarioStatus::Passed | ScenarioStatus::Flaky => Ok(Completion::Completed),
                ScenarioStatus::Refused | ScenarioStatus::Skipped => {
                    Ok(Completion::ignored_with(report.message.unwrap_or_default()))
                }
                _ => Err(failure(&report).into()),
            }
        };
        Trial::ignorable_test(name, test).with_ignored_flag(ignored)
    };
    suite.cases().iter().map(trial).collect()
}

/// `features/zh/unlock.feature`, 解锁, 12 → `zh::unlock::解锁:12`.
fn trial_name(case: &Case) -> String {
    let path = case.feature().trim_start_matches("features/").trim_end_matches(".feature");
    let name = Redactor::of(case).mask(case.name());
    format!("{}::{name}:{}", path.replace('/', "::"), case.line())
}

fn options_from_environment() -> Result<RunOptions, String> {
    let mut options = RunOptions::default();
    if let Ok(target) = env::var("UKEY_TARGET") {
        options.target = target;
    }
    options.dialect = env::var("UKEY_DIALECT").ok();
    if let Ok(seed) = env::var("UKEY_SEED") {
        options.seed = Some(seed.parse().map_err(|_| format!("UKEY_SEED is not a number: {seed}"))?);
    }
    Ok(options)
}
