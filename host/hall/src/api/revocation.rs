//! Revocation (V-01), what is published of it (V-02), suspension (AMB-19).

use super::{Hex, IdentityWay};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why a certificate is on the revocation list (RFC 5280 5.3.1); the reasons that a holder's certificate can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum RevocationReason {
    /// 密钥泄露: the key may be in other hands.
    KeyCompromise,
    /// 信息变更: what the certificate says of its holder changed.
    AffiliationChanged,
    /// 已被替换: another certificate took its place.
    Superseded,
    /// 停止使用: it is no longer needed.
    CessationOfOperation,
    /// 暂停使用: suspended by the hall, and may come back (AMB-19).
    CertificateHold,
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::KeyCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::CertificateHold,
    ];

    /// The reason in Chinese, as shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::KeyCompromise => "密钥泄露",
            Self::AffiliationChanged => "信息变更",
            Self::Superseded => "已被替换",
            Self::CessationOfOperation => "停止使用",
            Self::CertificateHold => "暂停使用",
        }
    }
}

/// A way to ask for a revocation (AMB-22).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum RevokeWay {
    /// The certificate's own key signs the request.
    KeySignature,
    /// An identity check and a code to the phone on record.
    IdentityAndCode,
}

/// Asks for the revocation of a certificate, or takes up the order that is open for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RevocationRequest {
    /// Serial number of the sign certificate.
    pub serial: String,
    /// Why; not 暂停使用, which only the hall orders.
    pub reason: RevocationReason,
}

/// The key's signature over [`revoke_message`](super::revoke_message).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RevocationSignature {
    /// r and s, 32 bytes each, big-endian.
    pub signature: Hex,
}

/// 确认注销, asked for twice. The second time revokes for good.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RevocationConfirmation {
    /// False the first time, true the second, so that a click sent twice is not both.
    pub again: bool,
}

/// The revocation's part of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RevocationView {
    /// Why.
    pub reason: RevocationReason,
    /// The ways that are open now.
    pub ways: Vec<RevokeWay>,
    /// The identity ways for its subject.
    pub identity_ways: Vec<IdentityWay>,
    /// The nonce that the key signs, while that way is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Hex>,
    /// Whether it was confirmed the first time.
    pub confirmed: bool,
    /// Until when the verification holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<String>, format = DateTime))]
    pub verified_until: Option<Timestamp>,
}

/// One line of 注销公告.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RevocationNotice {
    /// Serial number of the sign certificate.
    pub serial: String,
    /// Whom it named, partly masked.
    pub name: String,
    /// When it was revoked.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// Why.
    pub reason: RevocationReason,
    /// Why, in Chinese.
    pub reason_zh: String,
}

/// A page of 注销公告: what the present revocation list tells, suspended certificates left out, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RevocationNotices {
    /// How many there are.
    pub total: u64,
    /// This page, from 1.
    pub page: u64,
    /// How many pages there are, at least 1.
    pub pages: u64,
    /// The lines.
    pub notices: Vec<RevocationNotice>,
}
