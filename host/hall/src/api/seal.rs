//! Electronic seals and stamps (Z, R-19 to R-21).

use super::{Hex, Order};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// 变更类型 (AMB-20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum SealChangeKind {
    /// 更换印模: another picture.
    Replace,
    /// 新增.
    Add,
    /// 删除.
    Delete,
    /// 换证重制: the same seal for the certificate that took the place of the one it lists (Z-11).
    Remake,
}

impl SealChangeKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Replace, Self::Add, Self::Delete, Self::Remake];

    /// The kind in Chinese, as shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Replace => "更换印模",
            Self::Add => "新增",
            Self::Delete => "删除",
            Self::Remake => "换证重制",
        }
    }

    /// Whether the holder sends a picture.
    pub fn wants_picture(self) -> bool {
        matches!(self, Self::Replace | Self::Add)
    }
}

/// 选择变更类型 (Z-03). Whoever asks is logged in by the key whose seals are to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct SealChangeRequest {
    /// What.
    pub change: SealChangeKind,
    /// Which seal (esID); absent for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
    /// Its name, at most 50 characters; absent: the name it has, or that of the unit or person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A seal in a key, as the hall knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct SealView {
    /// esID.
    pub id: String,
    /// Name.
    pub name: String,
    /// Serial number of the sign certificate it lists.
    pub certificate_serial: String,
    /// Whether that is still the key's certificate; else it must be made again (Z-11).
    pub current: bool,
    /// When it was made.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub made_at: Timestamp,
    /// Its last moment.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub not_after: Timestamp,
}

/// The seals of the key that is logged in, and the changes under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct SealsView {
    /// The seals in the key, oldest first.
    pub seals: Vec<SealView>,
    /// Orders that are not finished, oldest first.
    pub orders: Vec<Order>,
    /// Most seals in one key (N-21).
    pub most: u8,
}

/// The own part of a seal change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct SealChangeView {
    /// What.
    pub change: SealChangeKind,
    /// What, in Chinese.
    pub change_zh: String,
    /// The seal to be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
    /// The name of the seal.
    pub name: String,
    /// The key's serial number.
    pub device_serial: String,
    /// Whether it came by 采集印章 on the portal (Z-10).
    pub collected: bool,
}

/// What the key is to do: write this seal, drop that one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct SealAnswer {
    /// The seal to be written, SESeal in DER; absent when one is only dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Hex>,
    /// The seal to be dropped (esID), if the key holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

/// What the key holds now, signed by it: see [`seals_message`](super::seals_message).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct SealsWritten {
    /// SM3 of every seal that was read back, in the order of the key's directory; at most 16.
    pub seals: Vec<Hex>,
    /// r and s, 32 bytes each, big-endian.
    pub signature: Hex,
}

/// A business system asks whether somebody may stamp.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct StampingRequest {
    /// The sign certificate, DER.
    pub certificate: Hex,
}

/// The seals somebody may stamp with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct StampingRight {
    /// At least one.
    pub seals: Vec<SealView>,
    /// The business system's time, which a stamp takes for its own.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub now: Timestamp,
}

/// A business system has a stamp checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct StampCheck {
    /// SM3 of the document, 32 bytes.
    pub data_hash: Hex,
    /// SES_Signature, DER.
    pub stamp: Hex,
}

/// A stamp that is good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct StampVerdict {
    /// The seal (esID).
    pub seal: String,
    /// Its name.
    pub name: String,
    /// Whom the signer's certificate names.
    pub signer: String,
    /// Serial number of that certificate.
    pub certificate_serial: String,
    /// When the stamp says it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<String>, format = DateTime))]
    pub stamped_at: Option<Timestamp>,
}
