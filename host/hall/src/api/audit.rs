//! The audit log, for the desk that reads it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct AuditRow {
    /// Its place, from 1 without gaps.
    pub place: u64,
    /// When.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// By whom: `applicant`, `hall`, `payment provider`, or the desk's name.
    pub actor: String,
    /// What it is about: `order/…`, `account/…`, `certificate/…`, `revocation-list/…`.
    pub about: String,
    /// What happened.
    pub event: String,
    /// The states of an order, the reason of a revocation; may be empty.
    pub detail: String,
    /// SM3 over this row and the digest of the row before it, hexadecimal.
    pub digest: String,
}

/// Some rows of the log, the oldest first; empty after the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct AuditPage {
    /// The rows, 200 at the most.
    pub rows: Vec<AuditRow>,
}

/// Whether the log is as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct AuditVerification {
    /// How many rows there are.
    pub rows: u64,
    /// Whether every row is the one that was written, and none is missing.
    pub intact: bool,
    /// The place of the first row that was changed or is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<u64>,
}
