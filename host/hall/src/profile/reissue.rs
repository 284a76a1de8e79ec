//! Rules of the reissue of a lost key (X).

use super::{ProfileError, rule};
use crate::api::Paper;
use serde::Deserialize;

/// Rules of the reissue of a lost key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reissue {
    /// Whether a unit remits the fee before it applies and shows the proof; else it pays online.
    pub unit_prepaid: bool,
    /// The account a unit remits to, as 办理说明 names it.
    pub remittance_account: String,
    /// Fee of a unit, fen.
    pub unit_fee_fen: u32,
    /// Fee of a person, fen.
    pub person_fee_fen: u32,
    /// Working days of a unit's review (N-07).
    pub unit_review_working_days: u32,
    /// Working days of a person's review.
    pub person_review_working_days: u32,
    /// Papers of a unit.
    pub unit_papers: Vec<Paper>,
    /// Papers of a person.
    pub person_papers: Vec<Paper>,
}

impl Reissue {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        let proof = self.unit_papers.contains(&Paper::PaymentProof);
        rule(!self.unit_prepaid || proof, "reissue.unit_papers", "lacks `payment-proof`, but units pay first")?;
        rule(!self.unit_papers.is_empty(), "reissue.unit_papers", "names none")?;
        rule(!self.person_papers.is_empty(), "reissue.person_papers", "names none")
    }
}
