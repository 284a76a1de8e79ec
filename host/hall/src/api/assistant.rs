//! What the assistant program asks of the hall on its own account: the time, and a certificate's standing.

use super::CertificateStanding;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The hall's time: what the assistant compares a computer's clock with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct HallTime {
    /// Now.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub now: Timestamp,
}

/// How an issued certificate stands. It is open to whoever has the certificate, and tells no more of its holder
/// than the certificate does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CertificateStatus {
    /// Serial number of the sign certificate.
    pub serial: String,
    /// 渠道.
    pub channel: String,
    /// Standing now.
    pub standing: CertificateStanding,
    /// Serial number of the key that it was issued for.
    pub device_serial: String,
    /// The application in the key that holds it (证书标签, R-14).
    pub application: String,
    /// The container that holds it.
    pub container: String,
}
