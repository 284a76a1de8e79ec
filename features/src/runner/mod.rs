//! Finds, chooses, runs and reports scenarios.
//!
//! It guarantees: each scenario has its own world, thread, async runtime and seed, so neither order nor parallelism
//! changes what it does; a step without a definition fails; a step that does not end within its limit fails, also
//! one that blocks its thread; nothing a scenario prints or panics is lost. It refuses to know what a world is made
//! of: tokens and halls are the business of whoever implements [`ScenarioWorld`].
//!
//! Steps are written with the attributes of [`cucumber`] and found in its inventory; the run loop and the reports
//! are our own.

mod attempt;
mod execute;
mod exit;
mod filter;
mod listing;
mod loader;
mod merge;
mod options;
mod panics;
mod parse;
mod run;
mod scenario;
mod seed;
mod shard;
mod steps;
mod suite;

pub mod libtest;
pub mod report;

pub use attempt::{Settings, run_case};
pub use execute::Stop;
pub use exit::Exit;
pub use filter::{Filter, FilterError};
pub use listing::listing;
pub use loader::{LoadError, built_in, from_text, load};
pub use merge::{MergeError, MergeOptions, merge, merge_to};
pub use options::{ReportFile, ReportFormat, RunOptions};
pub use parse::ParseFault;
pub use run::{Outcome, RunError, chosen, run, run_to};
pub use scenario::{
    Attachment, EXCHANGES, Fact, NotApplicable, PrepareError, ScenarioContext, ScenarioWorld, Standing,
    TargetError, blocking,
};
pub use seed::{fresh_seed, scenario_seed};
pub use shard::{Shard, ShardError};
pub use steps::{StepDefinition, StepTable};
pub use suite::{Case, Suite};
