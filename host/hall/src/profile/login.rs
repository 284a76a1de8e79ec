//! Rules of login (L).

use super::{ProfileError, rule};
use serde::Deserialize;

/// Rules of login.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Lifetime of a session, minutes.
    pub session_minutes: u64,
    /// Lifetime of an order's token, minutes.
    pub order_minutes: u64,
    /// Lifetime of a login challenge, seconds.
    pub challenge_seconds: u64,
    /// Wrong passwords in a row before an account waits.
    pub password_tries: u32,
    /// How long it waits, minutes.
    pub lock_minutes: u64,
}

impl Login {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        rule(self.session_minutes > 0, "login.session_minutes", "is zero")?;
        rule(self.order_minutes > 0, "login.order_minutes", "is zero")?;
        rule(self.challenge_seconds > 0, "login.challenge_seconds", "is zero")?;
        rule(self.password_tries > 0, "login.password_tries", "is zero")
    }
}
