//! Codes that are sent and typed in.

use super::Secret;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A code, typed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CodeEntry {
    /// The code.
    pub code: Secret,
}

/// A code was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CodeSent {
    /// Where to, masked.
    pub sent_to: String,
    /// How many digits it has.
    pub length: u8,
    /// When it runs out.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
    /// Seconds until another may be asked for.
    pub retry_after: u64,
}
