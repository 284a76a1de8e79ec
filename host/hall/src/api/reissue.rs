//! Reissue of a lost or damaged key, and whoever has only the phone on record to show.

use super::{CertificateView, Paper, Secret};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// 办理说明 of a reissue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ReissueGuide {
    /// Fee of a unit, fen.
    pub unit_fee_fen: u32,
    /// Fee of a person, fen.
    pub person_fee_fen: u32,
    /// The account to which a unit remits the fee before it applies; absent where it pays online.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remittance_account: Option<String>,
    /// Working days of a unit's review.
    pub unit_review_working_days: u32,
    /// Working days of a person's review.
    pub person_review_working_days: u32,
    /// Papers of a unit.
    pub unit_papers: Vec<Paper>,
    /// Papers of a person.
    pub person_papers: Vec<Paper>,
    /// The agreements to accept.
    pub agreements: Vec<String>,
    /// The call centre.
    pub hotline: String,
    /// What to do when the phone on record is lost as well (AMB-18), English.
    pub phone_lost: String,
    /// The same in Chinese.
    pub phone_lost_zh: String,
}

/// The code of a certificate query was right: the certificates of that number, and a bearer token to have one of them
/// reissued or revoked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct HeldCertificates {
    /// The bearer token.
    pub token: Secret,
    /// When it runs out.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
    /// The certificates, the newest first.
    pub certificates: Vec<CertificateView>,
}

/// Why a key is reissued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum ReissueReason {
    /// 遗失: it may be in other hands.
    Lost,
    /// 损坏.
    Damaged,
}

impl ReissueReason {
    /// The reason in Chinese, as shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Lost => "遗失",
            Self::Damaged => "损坏",
        }
    }
}

/// 补办 of one certificate, or taking up the order that is open for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ReissueRequest {
    /// Serial number of the sign certificate.
    pub serial: String,
    /// Why.
    pub reason: ReissueReason,
    /// 我已阅读并同意.
    pub agreed: bool,
}

/// The reissue's part of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ReissueView {
    /// Why.
    pub reason: ReissueReason,
    /// The account to which the fee was to be remitted before; absent where it is paid online.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remittance_account: Option<String>,
    /// Whether the old certificate is suspended for this order (AMB-19).
    pub suspended: bool,
}
