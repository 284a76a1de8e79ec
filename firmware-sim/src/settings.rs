//! What is fixed for a token before it gets power: dialect, policies, identity.

use ukey_apdu::Dialect;

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

/// Choices that the standard leaves to the maker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Wrong device authentications until the key is locked for ever, at most 15.
    pub device_tries: u8,
    /// OpenApplication of an open application fails (`6A8A`), and of another while one is open (`6A90`).
    pub strict_open: bool,
    /// Shortest PIN that CreateApplication, ChangePin and UnblockPin accept, in bytes.
    pub min_pin: u8,
    /// Most session keys at a time, at most 8.
    pub session_keys: u8,
    /// Milliseconds that pass before a wrong PIN is answered.
    pub wrong_pin_delay_ms: u32,
    /// Most data bytes of an incoming envelope that the device information promises.
    pub max_apdu_data: u16,
    /// Most bytes of one answer block, at most [`MAX_ANSWER`](crate::MAX_ANSWER) less the status word.
    pub block: u16,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            device_tries: 10,
            strict_open: false,
            min_pin: 6,
            session_keys: 8,
            wrong_pin_delay_ms: 100,
            max_apdu_data: 512,
            block: 496,
        }
    }
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
