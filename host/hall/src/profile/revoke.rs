//! Rules of revocation and of the revocation list (V-01, V-02).

use super::{ProfileError, rule};
use crate::api::RevokeWay;
use serde::Deserialize;

/// Rules of revocation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// Ways to ask for it (AMB-22).
    pub ways: Vec<RevokeWay>,
    /// Hours between two revocation lists; a revocation appears in the next.
    pub list_hours: u32,
}

impl Revoke {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        rule(!self.ways.is_empty(), "revoke.ways", "names none")?;
        rule((1..=720).contains(&self.list_hours), "revoke.list_hours", "is not within 1 to 720")
    }
}
