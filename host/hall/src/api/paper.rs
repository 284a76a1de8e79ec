//! Papers (材料) that orders may need.

use serde::{Deserialize, Serialize};

/// A paper that an order may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Paper {
    /// 营业执照 (copy with company seal).
    BusinessLicence,
    /// 经办人证照复印件 (company seal and date).
    HandlerIdentity,
    /// 持有人身份证复印件 (signature and date).
    HolderIdentity,
    /// 法人授权委托及诚信承诺书.
    Authorisation,
    /// 付款凭证 of a remittance.
    PaymentProof,
    /// The application form that the hall made, signed or stamped: a PDF or a picture (E-22).
    SignedApplication,
    /// 承诺视频, MP4 (E-23, AMB-11).
    CommitmentVideo,
    /// 印章图片 (Z-10).
    SealPicture,
}

impl Paper {
    /// The paper in Chinese, as shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::BusinessLicence => "营业执照",
            Self::HandlerIdentity => "经办人证照复印件",
            Self::HolderIdentity => "持有人身份证复印件",
            Self::Authorisation => "法人授权委托及诚信承诺书",
            Self::PaymentProof => "付款凭证",
            Self::SignedApplication => "签章后的申请表",
            Self::CommitmentVideo => "承诺视频",
            Self::SealPicture => "印章图片",
        }
    }
}

/// A paper: wanted, maybe received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PaperView {
    /// Which.
    pub paper: Paper,
    /// What was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<PaperReceipt>,
}

/// A received paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PaperReceipt {
    /// Which.
    pub paper: Paper,
    /// `image/jpeg`, `image/bmp`, `image/gif` or `image/png`, found in the content.
    pub format: String,
    /// Size in bytes.
    pub size: u64,
    /// SM3 of the file, hexadecimal.
    pub sm3: String,
}
