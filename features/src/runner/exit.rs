//! The exit codes of a run, as documented for the program. They are part of its interface and never change meaning.

use std::process::ExitCode;

/// How a run ended, as the exit code of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every scenario that ran passed.
    AllPassed = 0,
    /// At least one scenario failed.
    ScenarioFailed = 1,
    /// The call or the configuration is wrong; also a path where nothing is.
    Usage = 2,
    /// A feature file does not parse.
    Unparsable = 3,
    /// No scenario matched, or none that matched could run against this target.
    NothingMatched = 4,
    /// The target cannot be reached.
    TargetUnreachable = 5,
    /// Stopped by the user (128 + SIGINT).
    Interrupted = 130,
}

impl Exit {
    /// The number the process exits with.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
