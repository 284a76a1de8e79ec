//! Rules of payment and e-invoices (I).

use super::{ProfileError, rule};
use serde::Deserialize;

/// Rules of payment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// Ways.
    pub ways: Vec<String>,
    /// The banks that the way `bank` leads to (N-30).
    #[serde(default)]
    pub banks: Vec<String>,
    /// Agreements to accept.
    pub agreements: Vec<String>,
}

/// Rules of e-invoices.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invoice {
    /// Working days until it is issued.
    pub working_days: u32,
    /// Name of the seller.
    pub seller: String,
    /// Tax number of the seller.
    pub seller_tax_number: String,
}

impl Payment {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        rule(!self.ways.is_empty(), "payment.ways", "names none")?;
        let by_bank = self.ways.iter().any(|way| way == "bank");
        rule(by_bank != self.banks.is_empty(), "payment.banks", "and the way `bank` do not go together")
    }
}
