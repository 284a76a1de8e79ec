//! Rules of the query by two fields (V-03).

use super::{ProfileError, rule};
use serde::Deserialize;

/// Rules of the query by two fields.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Questions a day that find nothing, for one value of a field.
    pub misses_per_value: u32,
    /// Misses a day of one sort, for one address they come from: questions that find nothing, account names that are
    /// taken, identity checks that fail, keys that are not known. For a call-centre desk: codes that nobody has.
    pub misses_per_caller: u32,
}

impl Default for Query {
    fn default() -> Self {
        Self { misses_per_value: 10, misses_per_caller: 30 }
    }
}

impl Query {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        rule(self.misses_per_value > 0, "query.misses_per_value", "is zero")?;
        rule(self.misses_per_caller > 0, "query.misses_per_caller", "is zero")
    }
}
