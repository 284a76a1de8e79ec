//! What a key is filled with.

use super::{ProfileError, rule};
use crate::api::PinRule;
use serde::Deserialize;

/// What a key is filled with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Name of the application.
    pub application: String,
    /// Name of the container.
    pub container: String,
    /// Tries of the administrator PIN.
    pub admin_tries: u8,
    /// Digits of the initial user PIN.
    pub initial_pin_length: u8,
}

impl Key {
    pub(super) fn check(&self, pin: &PinRule) -> Result<(), ProfileError> {
        rule((1..=15).contains(&self.admin_tries), "key.admin_tries", "is not within 1 to 15")?;
        rule((1..=32).contains(&self.application.len()), "key.application", "is not 1 to 32 bytes long")?;
        rule((1..=64).contains(&self.container.len()), "key.container", "is not 1 to 64 bytes long")?;
        let allowed = (pin.min..=pin.max).contains(&self.initial_pin_length);
        rule(allowed, "key.initial_pin_length", "does not keep the rule for PINs")
    }
}
