//! Rules of unlocking (U).

use super::{ProfileError, rule};
use crate::api::{Lane, Paper};
use serde::Deserialize;

/// Rules of unlocking.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    /// Lanes.
    pub lanes: Vec<Lane>,
    /// Fee in fen, one for each of `channels`.
    pub fee_fen: Vec<u32>,
    /// Whether the user completes the phone number; else the code goes there at once.
    pub phone_completion: bool,
    /// Leading digits that are shown.
    pub shown_digits: u8,
    /// Wrong completions before the phone lane waits until the next day.
    pub phone_tries: u32,
    /// Whether the first unlock of a certificate needs an identity check.
    pub first_needs_identity: bool,
    /// How long a verification holds, minutes.
    pub verified_minutes: u64,
    /// Papers of a unit.
    pub unit_papers: Vec<Paper>,
    /// Papers of a person.
    pub person_papers: Vec<Paper>,
}

impl Unlock {
    /// `channels`: how many the profile has.
    pub(super) fn check(&self, channels: usize) -> Result<(), ProfileError> {
        rule(!self.lanes.is_empty(), "unlock.lanes", "names none")?;
        rule(self.fee_fen.len() == channels, "unlock.fee_fen", "does not have one fee for each of `channels`")?;
        let by_identity = self.lanes.contains(&Lane::Identity);
        rule(!self.first_needs_identity || by_identity, "unlock.first_needs_identity", "needs the lane `identity`")?;
        rule((1..=10).contains(&self.shown_digits), "unlock.shown_digits", "is not within 1 to 10")?;
        rule(self.phone_tries > 0, "unlock.phone_tries", "is zero")?;
        rule(self.verified_minutes > 0, "unlock.verified_minutes", "is zero")?;
        rule(!self.unit_papers.is_empty(), "unlock.unit_papers", "names none")?;
        rule(!self.person_papers.is_empty(), "unlock.person_papers", "names none")
    }
}
