//! Payment and e-invoice (I-01 to I-07, I-10).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// 提交并支付.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PaymentRequest {
    /// One of the profile's ways, e.g. `alipay`, `wechat`, `bank`.
    pub way: String,
    /// 我已阅读并同意: the agreements of the profile are accepted.
    pub agreed: bool,
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum PaymentState {
    /// Waits for the payer.
    Open,
    /// Paid.
    Paid,
    /// Cancelled or failed; another may be opened.
    Cancelled,
    /// Paid and given back.
    Refunded,
    /// Remitted beforehand for nothing, and to be given back by the authority's own hand.
    Owed,
}

/// A payment at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Payment {
    /// Name of the payment.
    pub id: String,
    /// The order.
    pub order: String,
    /// The way.
    pub way: String,
    /// Amount, fen.
    pub amount_fen: u32,
    /// State.
    pub state: PaymentState,
    /// The provider's page.
    pub page: String,
    /// When it was opened.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub opened_at: Timestamp,
    /// When it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<String>, format = DateTime))]
    pub paid_at: Option<Timestamp>,
}

/// What the payment provider tells, with its HMAC-SM3 of the body in the header `X-Signature` (hexadecimal).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PaymentCallback {
    /// Name of the payment.
    pub payment: String,
    /// What happened.
    pub outcome: PaymentOutcome,
    /// Amount, fen.
    pub amount_fen: u32,
    /// The provider's reference.
    pub reference: String,
}

/// What happened at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum PaymentOutcome {
    /// Paid.
    Paid,
    /// Left or failed.
    Cancelled,
}

/// 电子发票信息 (I-03, I-04).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct InvoiceForm {
    /// 开票名称.
    pub title: String,
    /// 开票税号; a person gives the identity number.
    pub tax_number: String,
    /// 收票人手机.
    pub phone: String,
    /// 收票人邮箱.
    pub email: String,
    /// 开户行名称及账号.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank: Option<String>,
    /// 单位地址及电话.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// An e-invoice: the saved form, and the document once issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Invoice {
    /// The form.
    pub form: InvoiceForm,
    /// True until the order is paid.
    pub editable: bool,
    /// When it will be issued at the latest; known once paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<String>, format = DateTime))]
    pub due_at: Option<Timestamp>,
    /// The invoice number, once issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// When it was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<String>, format = DateTime))]
    pub issued_at: Option<Timestamp>,
}
