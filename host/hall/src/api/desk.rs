//! The desks behind the hall: review, call centre, production (E-11, E-12, U-23).

use super::{Hex, OrderKind, OrderState, Secret, Subject};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a reviewer decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Decision {
    /// 通过.
    Pass,
    /// 退回: correct and submit again.
    Return,
    /// 拒绝: with refund.
    Refuse,
}

/// A reviewer's decision.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ReviewDecision {
    /// What.
    pub decision: Decision,
    /// Why; needed unless passed, at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The call centre's decision about an unlock code that was read out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CallDecision {
    /// The code, as read out by the user.
    pub code: Secret,
    /// True: approved.
    pub approve: bool,
    /// Why not; needed when refused, at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A key to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ProductionJob {
    /// The order.
    pub order: String,
    /// Its kind.
    pub kind: OrderKind,
    /// Its state.
    pub state: OrderState,
    /// Whom it is for.
    pub subject: Subject,
    /// The blank key that was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_serial: Option<String>,
    /// Tracking number, once posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<String>,
    /// When it was passed.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub since: Timestamp,
}

/// A blank key is taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ProductionStart {
    /// The blank key's serial number.
    pub device_serial: String,
}

/// What the blank key is to be filled with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Personalisation {
    /// The key's serial number.
    pub device_serial: String,
    /// Name of the application.
    pub application: String,
    /// Name of the container.
    pub container: String,
    /// Administrator PIN.
    pub admin_pin: Secret,
    /// Tries of the administrator PIN.
    pub admin_tries: u8,
    /// Initial user PIN, the certificate password.
    pub user_pin: Secret,
    /// Tries of the user PIN.
    pub user_tries: u8,
    /// New device authentication key: 16 bytes, hexadecimal.
    pub device_key: Secret,
    /// Common name for the certificate request (the hall sets the subject itself).
    pub common_name: String,
}

/// A certificate request of the key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct IssueRequest {
    /// The key's serial number.
    pub device_serial: String,
    /// PKCS#10, DER.
    pub request: Hex,
}

/// What was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct IssueAnswer {
    /// Serial number of the sign certificate.
    pub serial: String,
    /// CSRResponse of GM/T 0092, DER: sign certificate, SM2EnvelopedKey, encryption certificate.
    pub response: Hex,
}

/// The key is made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ProductionFinish {
    /// The key's serial number.
    pub device_serial: String,
}
