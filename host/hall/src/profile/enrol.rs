//! Rules of enrolment (E, P).

use super::{EnrolShape, ProfileError, rule};
use crate::api::{IdentityWay, Paper};
use serde::Deserialize;

/// Rules of enrolment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// How a new certificate is applied for.
    #[serde(default)]
    pub shape: EnrolShape,
    /// Fee of a unit certificate, fen.
    pub unit_fee_fen: u32,
    /// Fee of a personal certificate, fen.
    pub person_fee_fen: u32,
    /// Validity, days.
    pub validity_days: u32,
    /// Working days of the review.
    pub review_working_days: u32,
    /// Identity ways of a unit.
    pub unit_identity: Vec<IdentityWay>,
    /// Identity ways of a person.
    pub person_identity: Vec<IdentityWay>,
    /// Papers of a unit.
    pub unit_papers: Vec<Paper>,
    /// Papers of a person.
    pub person_papers: Vec<Paper>,
    /// Failed identity checks a day for one unit or person.
    pub identity_tries: u32,
    /// Whether an order may be placed without an account.
    pub anonymous: bool,
}

impl Enrol {
    /// `has_wizard`: whether the profile has the table of the wizard.
    pub(super) fn check(&self, has_wizard: bool) -> Result<(), ProfileError> {
        let unit_way = |way: &IdentityWay| !matches!(way, IdentityWay::HolderPhone | IdentityWay::HolderBankCard);
        rule(!self.unit_identity.is_empty(), "enrol.unit_identity", "names none")?;
        rule(self.unit_identity.iter().all(unit_way), "enrol.unit_identity", "names a way for persons")?;
        rule(!self.person_identity.is_empty(), "enrol.person_identity", "names none")?;
        rule(!self.person_identity.iter().any(unit_way), "enrol.person_identity", "names a way for units")?;
        rule(self.identity_tries > 0, "enrol.identity_tries", "is zero")?;
        rule((1..=3660).contains(&self.validity_days), "enrol.validity_days", "is not within 1 to 3660")?;
        let by_wizard = self.shape == EnrolShape::Wizard;
        rule(has_wizard == by_wizard, "enrol.shape", "and the table `wizard` do not go together")
    }
}
