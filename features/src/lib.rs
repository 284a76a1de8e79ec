//! The flows of a certificate authority's service hall as Gherkin scenarios, and what runs them.
//!
//! The scenarios are the `.feature` files in `zh/` (the ones users read) and `en/` (a smoke set), compiled in.
//! [`runner`] runs them over any `World` that keeps its contract; [`run()`] runs them over [`UkeyWorld`].
//!
//! [`agreement`] lets every step of a flow fail once, and judges whether hall and token agree in the end.

pub mod agreement;
mod claim;
mod cost;
mod coverage;
mod dry_run;
mod enrolled;
mod judge;
mod office;
mod pdf;
mod people;
mod pictures;
#[cfg(test)]
mod secrets;
mod stage;
mod steps;
mod words;
mod world;

pub mod rows;
pub mod runner;

pub use coverage::{Coverage, coverage};
pub use dry_run::{DryRun, dry_run};
pub use enrolled::{EnrolError, Enrolled, enrol};
pub use world::UkeyWorld;

/// Runs what the options ask for, as [`runner::run`], over the world of the built-in scenarios.
///
/// # Errors
/// When the run cannot begin, or a report cannot be written. A scenario that fails is not an error but an
/// [`Outcome`](runner::Outcome).
pub fn run(options: &runner::RunOptions) -> Result<runner::Outcome, runner::RunError> {
    runner::run::<UkeyWorld>(options)
}
