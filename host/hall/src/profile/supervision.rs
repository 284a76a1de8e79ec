//! The supervising authorities (L-05, AMB-05).
//!
//! Guarantees: no authority's area is everything.

use super::{ProfileError, rule};
use crate::checks;
use serde::Deserialize;

/// A supervising authority that the CA knows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Its unified social credit code (GB 32100).
    pub number: String,
    /// The mobile number of its contact, as the CA learned it; the account's password goes there and nowhere else.
    pub phone: String,
}

impl Authority {
    /// Its area: the administrative division in its credit code (characters 3 to 8), as far as it is not `00`. Pairs of
    /// digits, the last `00`s standing for everything inside.
    pub fn area(&self) -> &str {
        let mut area = self.number.get(2..8).unwrap_or_default();
        while let Some(wider) = area.strip_suffix("00") {
            area = wider;
        }
        area
    }

    pub(super) fn check(&self) -> Result<(), ProfileError> {
        rule(checks::is_credit_code(&self.number), "authorities.number", "is no credit code (GB 32100)")?;
        rule(!self.area().is_empty(), "authorities.number", "names no area")?;
        rule(checks::is_mobile(&self.phone), "authorities.phone", "is no mobile number")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_holds_what_is_inside() {
        let area = |number: &str| Authority { number: number.into(), phone: String::new() }.area().to_owned();
        assert_eq!(area("11110000MB0000001X"), "11");
        assert_eq!(area("11110105MB0000001X"), "110105");
        assert_eq!(area("11000000MB0000001X"), "");
    }
}
