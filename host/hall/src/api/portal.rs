//! The portal's pages as data, for the assistant (G), and the notices of an account (R-12, V-05).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the portal's pages say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PortalView {
    /// The menus of the home page (G-01, G-08).
    pub menus: Vec<PortalLink>,
    /// 自助服务 (N-27).
    pub services: Vec<ServiceEntry>,
    /// 下载中心 (G-04, L-08).
    pub downloads: Vec<Handout>,
    /// What is asked before the assistant is downloaded (G-05).
    pub assistant_warning: String,
    /// Name of the agreement (G-09).
    pub agreement: String,
    /// Its paragraphs.
    pub agreement_text: Vec<String>,
    /// Which browser to use (G-10, AMB-13).
    pub browser_advice: String,
    /// What to do about other authorities' controls (G-11).
    pub control_advice: String,
    /// The controls to install, in order (N-16).
    pub controls: Vec<String>,
    /// Links about e-invoices (I-07).
    pub invoice_links: Vec<PortalLink>,
    /// What is warned of before an e-invoice form is saved (I-05).
    pub invoice_warning: String,
}

/// One of the self-service entries (G-02, G-03).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ServiceEntry {
    /// Its name.
    pub title: String,
    /// What it offers first: for a service that needs the key, 下载并安装 and 打开证书助手.
    pub first: Vec<String>,
}

/// A file of the download centre.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Handout {
    /// Where it stands: 资料查看与下载, 示例图片查看, 驱动下载.
    pub section: String,
    /// Its title.
    pub title: String,
    /// Its path.
    pub path: String,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PortalLink {
    /// Its words.
    pub title: String,
    /// Where it leads.
    pub address: String,
}

/// 通知消息: a certificate runs out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct NoticeView {
    /// Serial number of the sign certificate.
    pub certificate_serial: String,
    /// The text, the same as of the SMS.
    pub text: String,
    /// When.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
}
