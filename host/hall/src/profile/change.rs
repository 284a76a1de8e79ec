//! Rules of information change (C).

use super::{ProfileError, rule};
use crate::api::Paper;
use serde::Deserialize;

/// Rules of information change.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Whether data in the certificate's name is reviewed; else the registry is asked (AMB-21).
    pub review: bool,
    /// Working days of the review.
    pub review_working_days: u32,
    /// Papers of a unit, when reviewed.
    pub unit_papers: Vec<Paper>,
    /// Papers of a person, when reviewed.
    pub person_papers: Vec<Paper>,
}

impl Change {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        let shown = !self.review || !(self.unit_papers.is_empty() || self.person_papers.is_empty());
        rule(shown, "change.unit_papers", "names none, nor does change.person_papers, but the change is reviewed")
    }
}
