//! What is fixed for a token before it gets power: dialect, policies, identity.

use ukey_apdu::Dialect;

use crate::policy::Policy;

/// What a token is started with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The dialect it speaks.
    pub dialect: Dialect,
    /// What the standard leaves open.
    pub policy: Policy,
    /// Who made it and its number.
    pub identity: Identity,
}

/// Texts of the device information that do not change in a token's life.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Manufacturer, at most 64 bytes.
    pub manufacturer: heapless::String<64>,
    /// Issuer, at most 64 bytes.
    pub issuer: heapless::String<64>,
    /// Serial number, at most 32 bytes.
    pub serial_number: heapless::String<32>,
}

impl Default for Identity {
    fn default() -> Self {
        let text = |text| heapless::String::try_from(text).unwrap_or_default();
        Self {
            manufacturer: text("ukey"),
            issuer: text("ukey"),
            serial_number: heapless::String::try_from("0000000000000000").unwrap_or_default(),
        }
    }
}

impl Identity {
    /// The default identity with another serial number; what exceeds 32 bytes is left out.
    #[must_use]
    pub fn with_serial_number(serial_number: &str) -> Self {
        let mut identity = Self { serial_number: heapless::String::new(), ..Self::default() };
        serial_number.chars().take_while(|&c| identity.serial_number.push(c).is_ok()).for_each(drop);
        identity
    }
}
