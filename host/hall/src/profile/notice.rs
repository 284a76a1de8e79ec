//! Rules of notices (R-12, V-05).

use super::{ProfileError, rule};
use serde::Deserialize;

/// Rules of notices.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Days before expiry at which the holder is told, from the most to the least.
    pub days_before: Vec<u32>,
    /// The text; `{name}`, `{serial}`, `{date}`, `{days}` are filled in.
    pub text: String,
}

impl Notice {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        rule(self.days_before.is_sorted_by(|one, other| one > other), "notice.days_before", "does not go down")?;
        rule(!self.text.trim().is_empty(), "notice.text", "is blank")
    }
}
