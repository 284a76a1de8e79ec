//! The scenarios that a run would run, as text.

use super::{options::RunOptions, run::RunError, run::select, suite::Case};

/// One line per scenario that the options choose: `FILE:LINE`, name, tags.
///
/// # Errors
/// As [`run`](super::run), but for reports.
pub fn listing(options: &RunOptions) -> Result<String, RunError> {
    let line = |case: &Case| {
        let tags: String = case.tags().iter().map(|tag| format!(" @{tag}")).collect();
        format!("{} {}{tags}\n", case.place(), case.title())
    };
    Ok(select(options)?.suite.cases().iter().map(|case| line(case)).collect())
}
