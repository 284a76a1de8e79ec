//! Unlocking a key (U-01 to U-34).

use super::{Hex, IdentityWay, Secret};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Opens or takes up the one open unlock order of a certificate. One of `certificate` and `serial` is needed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct UnlockRequest {
    /// The sign certificate, DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Hex>,
    /// Its serial number, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The key's serial number.
    pub device_serial: String,
}

/// A lane of verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Lane {
    /// Code to the phone on record (U-12, U-30).
    Sms,
    /// Identity check and authorisation code (U-31).
    Identity,
    /// Papers, unlock code, call centre (U-20 to U-25).
    Papers,
}

/// An unlock order's own part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct UnlockView {
    /// Serial number of the sign certificate.
    pub certificate_serial: String,
    /// The key's serial number.
    pub device_serial: String,
    /// How often this certificate was unlocked before.
    pub unlocked_before: u32,
    /// The lanes open now.
    pub lanes: Vec<Lane>,
    /// The ways of the identity lane.
    pub identity_ways: Vec<IdentityWay>,
    /// The phone on record: its shown digits, e.g. `1990000`, or masked, `138****5678`.
    pub phone: String,
    /// True when the rest of the number must be typed (U-12).
    pub phone_completion: bool,
    /// The code to read to the call centre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlock_code: Option<UnlockCode>,
    /// Until when the verification holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<String>, format = DateTime))]
    pub verified_until: Option<Timestamp>,
}

/// 解锁码.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct UnlockCode {
    /// Six digits.
    pub code: Secret,
    /// When it runs out.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
}

/// 获取短信验证码: with the whole number where the profile asks for completion.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PhoneEntry {
    /// The whole number, 11 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// The key's challenge.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CardChallenge {
    /// GenRandom's 8 bytes.
    pub challenge: Hex,
    /// How the key wants the new PIN sealed; without it, as GM/T 0017-2012 is commonly read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing: Option<Sealing>,
}

/// How a key wants a new PIN sealed, where keys differ.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Sealing {
    /// Switches of the key's dialect by their names in dialect files, such as `pin_key` with `padded-sha1`.
    pub switches: BTreeMap<String, String>,
    /// The id of the open application, 2 bytes: some keys have it under the MAC.
    pub application_id: Hex,
}

/// What UnblockPin needs, and the one-time user PIN it sets; change it at once, then confirm.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct UnblockAnswer {
    /// Name of the key's application.
    pub application: String,
    /// Name of the key's container.
    pub container: String,
    /// The new PIN, enciphered under the key made from the administrator PIN: 16 bytes.
    pub cryptogram: Hex,
    /// The MAC: 4 bytes.
    pub mac: Hex,
    /// The one-time user PIN, 10 digits.
    pub one_time_pin: Secret,
    /// Nonce of [`unlock_message`](super::unlock_message), 32 bytes.
    pub nonce: Hex,
}

/// Tells that the key works again: the sign key's signature over [`unlock_message`](super::unlock_message).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Confirmation {
    /// r and s, 32 bytes each, big-endian.
    pub signature: Hex,
}
