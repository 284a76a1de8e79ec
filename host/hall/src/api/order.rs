//! Orders of every kind: state, history, what may be done next.

use super::{
    EnrolForm, Invoice, PaperView, Payment, ReissueView, RevocationView, RewriteView, SealChangeView, Secret,
    UnlockView,
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// What is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum OrderKind {
    /// 单位证书新办.
    EnrolUnit,
    /// 个人证书新办.
    EnrolPerson,
    /// 证书解锁.
    Unlock,
    /// 证书延期 (更新、续订), for a certificate in the key in hand.
    Renew,
    /// 证书修复: renewal of an expired certificate by the portal's ordered steps.
    Repair,
    /// 信息变更.
    Change,
    /// 丢失补办: a new key for a lost or damaged one.
    Reissue,
    /// 证书注销.
    Revoke,
    /// 签章变更.
    SealChange,
}

impl OrderKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::EnrolUnit,
        Self::EnrolPerson,
        Self::Unlock,
        Self::Renew,
        Self::Repair,
        Self::Change,
        Self::Reissue,
        Self::Revoke,
        Self::SealChange,
    ];

    /// The kind in Chinese, as shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::EnrolUnit => "单位证书新办",
            Self::EnrolPerson => "个人证书新办",
            Self::Unlock => "证书解锁",
            Self::Renew => "证书延期",
            Self::Repair => "证书修复",
            Self::Change => "信息变更",
            Self::Reissue => "证书补办",
            Self::Revoke => "证书注销",
            Self::SealChange => "签章变更",
        }
    }

    /// The service that it belongs to, as the payment centre's page is titled (G-07).
    pub fn service_zh(self) -> &'static str {
        match self {
            Self::EnrolUnit | Self::EnrolPerson => "数字证书在线新办",
            Self::Unlock => "数字证书在线解锁",
            Self::Renew => "数字证书在线延期",
            Self::Repair => "数字证书在线修复",
            Self::Change => "数字证书信息变更",
            Self::Reissue => "数字证书在线补办",
            Self::Revoke => "数字证书注销",
            Self::SealChange => "电子签章变更",
        }
    }

    /// Whether a key is made at the production desk and posted.
    pub fn makes_key(self) -> bool {
        matches!(self, Self::EnrolUnit | Self::EnrolPerson | Self::Reissue)
    }

    /// Whether new certificates are written into the key in hand.
    pub fn rewrites_key(self) -> bool {
        matches!(self, Self::Renew | Self::Repair | Self::Change)
    }
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum OrderState {
    /// 草稿: the form is filled, the identity not checked.
    Draft,
    /// 已核验: the identity check passed; to be confirmed or amended.
    Identified,
    /// 待上传资料: confirmed; papers wanted.
    Confirmed,
    /// 待签名验证: submitted; the handler's code is wanted.
    Submitted,
    /// 待支付.
    Unpaid,
    /// 待审核.
    InReview,
    /// 已退回: to be corrected and submitted again.
    Returned,
    /// 已拒绝: refused; what was paid goes back.
    Refused,
    /// 待制证: passed; a key is to be made.
    Passed,
    /// 制证中: a desk has taken a blank key.
    InProduction,
    /// 已签发: the certificates are issued.
    Issued,
    /// 已寄送.
    Posted,
    /// 已签收.
    Received,
    /// 待身份验证: the first unlock of this certificate.
    IdentityWanted,
    /// 待验证: SMS code, identity or papers.
    Verifying,
    /// 待输入授权码: the identity check passed; the authorisation code is wanted.
    Authorising,
    /// 待客服认证: papers sent in; the call centre is to approve the unlock code.
    PapersSubmitted,
    /// 客服已认证: approved; press 认证.
    PapersApproved,
    /// 客服未通过: refused; send papers again or take another lane.
    PapersRefused,
    /// 已验证: the key may be unlocked, initialised, or what was asked for done.
    Verified,
    /// 已初始化: the key says that it is ready to be written.
    Initialised,
    /// 待下载: nothing is left to pay or to review; the key in hand may be written.
    Ready,
    /// 已完成.
    Completed,
    /// 已取消.
    Cancelled,
}

impl OrderState {
    /// The state in Chinese, as shown.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Draft => "草稿",
            Self::Identified => "已核验",
            Self::Confirmed => "待上传资料",
            Self::Submitted => "待签名验证",
            Self::Unpaid => "待支付",
            Self::InReview => "待审核",
            Self::Returned => "已退回",
            Self::Refused => "已拒绝",
            Self::Passed => "待制证",
            Self::InProduction => "制证中",
            Self::Issued => "已签发",
            Self::Posted => "已寄送",
            Self::Received => "已签收",
            Self::IdentityWanted => "待身份验证",
            Self::Verifying => "待验证",
            Self::Authorising => "待输入授权码",
            Self::PapersSubmitted => "待客服认证",
            Self::PapersApproved => "客服已认证",
            Self::PapersRefused => "客服未通过",
            Self::Verified => "已验证",
            Self::Initialised => "已初始化",
            Self::Ready => "待下载",
            Self::Completed => "已完成",
            Self::Cancelled => "已取消",
        }
    }
}

/// Unit or person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum SubjectKind {
    /// 单位.
    Unit,
    /// 个人.
    Person,
}

/// Whom the certificate names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Subject {
    /// Unit or person.
    pub kind: SubjectKind,
    /// Credit code or identity number.
    pub number: String,
    /// Name.
    pub name: String,
}

/// An order as its owner or a desk sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Order {
    /// Order number.
    pub id: String,
    /// Kind.
    pub kind: OrderKind,
    /// State.
    pub state: OrderState,
    /// The state in Chinese.
    pub state_zh: String,
    /// Whom it is for.
    pub subject: Subject,
    /// 渠道 of the certificate.
    pub channel: String,
    /// What it costs.
    pub fee: Fee,
    /// When it was placed.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When it last changed.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub updated_at: Timestamp,
    /// The form, for an enrolment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<EnrolForm>,
    /// SM3 of the form, hexadecimal: what the consent code binds (AMB-08).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_digest: Option<String>,
    /// The unlock's own part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlock: Option<UnlockView>,
    /// The reissue's own part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reissue: Option<ReissueView>,
    /// The revocation's own part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<RevocationView>,
    /// The own part of an order that rewrites the key in hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<RewriteView>,
    /// The seal change's own part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<SealChangeView>,
    /// The papers that are wanted and those received.
    #[serde(default)]
    pub papers: Vec<PaperView>,
    /// The latest payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<Payment>,
    /// The invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<Invoice>,
    /// How the certificate password is obtained (密码获取方式).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_way: Option<PasswordWay>,
    /// The last day for the review's result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<String>, format = Date))]
    pub review_due: Option<Date>,
    /// Why it was returned or refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Serial number of the sign certificate that was issued or is to be unlocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_serial: Option<String>,
    /// Serial number of the sign certificate that takes its place, once issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_certificate_serial: Option<String>,
    /// The parcel with the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parcel: Option<Parcel>,
    /// Every change of state.
    pub history: Vec<HistoryRow>,
}

/// What an order costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Fee {
    /// The item line, e.g. 证书【示例科技有限公司】解锁费用.
    pub item: String,
    /// Price, fen.
    pub price_fen: u32,
    /// 优惠金额, fen.
    pub discount_fen: u32,
    /// 应付总额, fen.
    pub total_fen: u32,
}

/// One change of state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct HistoryRow {
    /// When.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// What happened.
    pub event: String,
    /// From which state; absent for the first row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<OrderState>,
    /// To which state.
    pub to: OrderState,
    /// By whom: `applicant`, `hall`, `payment provider`, or the desk's name.
    pub actor: String,
}

/// An order in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OrderSummary {
    /// Order number.
    pub id: String,
    /// Kind.
    pub kind: OrderKind,
    /// State.
    pub state: OrderState,
    /// The state in Chinese.
    pub state_zh: String,
    /// Whom it is for.
    pub subject: Subject,
    /// When it was placed.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
}

/// An order was placed or taken up again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Placed {
    /// Bearer token of this order.
    pub token: Secret,
    /// The order.
    pub order: Order,
}

/// How the certificate password is obtained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum PasswordWay {
    /// By SMS to this phone, masked.
    Sms {
        /// Masked number.
        phone: String,
    },
    /// In the note (附言) of the 1-cent remittance to this account, masked.
    RemittanceNote {
        /// Masked account number.
        account: String,
    },
}

/// A parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Parcel {
    /// The order.
    pub order: String,
    /// Tracking number.
    pub tracking: String,
    /// To whom.
    pub recipient: String,
    /// Where.
    pub address: String,
    /// When it was posted.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub posted_at: Timestamp,
}
