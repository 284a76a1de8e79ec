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
    /// Where the hall's own list, `/api/authority/crl`, is reached from outside; certificates name it. Without it they
    /// name none.
    #[serde(default)]
    pub list_address: Option<String>,
}

fn is_list_address(address: &str) -> bool {
    let web = address.starts_with("http://") || address.starts_with("https://");
    web && address.ends_with("/api/authority/crl") && address.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Revoke {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        rule(!self.ways.is_empty(), "revoke.ways", "names none")?;
        rule((1..=720).contains(&self.list_hours), "revoke.list_hours", "is not within 1 to 720")?;
        rule(
            self.list_address.as_deref().is_none_or(is_list_address),
            "revoke.list_address",
            "is not an HTTP address, in ASCII, that ends with /api/authority/crl",
        )
    }
}
