//! Refusals (RFC 9457, `application/problem+json`).
//!
//! Guarantees: each kind of refusal has one stable name, one status, and words in English and Chinese.

use super::OrderState;
use serde::{Deserialize, Serialize};

macro_rules! problem_types {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $status:literal, $en:literal, $zh:literal;)*) => {
        /// The kind of a refusal: `urn:ukey:hall:` and a stable name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
        pub enum ProblemType {
            $($(#[doc = $doc])* #[serde(rename = $code)] $name,)*
        }

        impl ProblemType {
            /// Every kind, in the order of this list.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name, as in the member `type`.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// The HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// A short name in English.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $en),* }
            }

            /// A short name in Chinese.
            pub fn title_zh(self) -> &'static str {
                match self { $(Self::$name => $zh),* }
            }
        }
    };
}

problem_types! {
    /// The body is not the JSON that is expected here.
    MalformedBody = "urn:ukey:hall:malformed-body", 400, "Malformed body", "请求内容无法识别";
    /// A path or query parameter is not what is expected here.
    MalformedRequest = "urn:ukey:hall:malformed-request", 400, "Malformed request", "请求参数无法识别";
    /// Fields are missing or wrong; `fields` names them.
    InvalidFields = "urn:ukey:hall:invalid-fields", 422, "Invalid fields", "填写内容有误";
    /// The body is larger than the limit.
    TooLarge = "urn:ukey:hall:too-large", 413, "Too large", "内容超过大小限制";
    /// The content type is not what is expected here.
    UnsupportedMediaType = "urn:ukey:hall:unsupported-media-type", 415, "Unsupported media type", "不支持的内容类型";
    /// There is no such thing.
    NotFound = "urn:ukey:hall:not-found", 404, "Not found", "未找到";
    /// The path exists, the method does not.
    MethodNotAllowed = "urn:ukey:hall:method-not-allowed", 405, "Method not allowed", "不支持的请求方法";
    /// No bearer token, an unknown one, or one that has run out.
    Unauthorised = "urn:ukey:hall:unauthorised", 401, "Log in first", "请先登录";
    /// The bearer may not do this.
    Forbidden = "urn:ukey:hall:forbidden", 403, "Not allowed", "无权进行此操作";
    /// The order is in a state where this cannot be done; `state` tells which.
    WrongState = "urn:ukey:hall:wrong-state", 409, "Wrong state", "订单当前状态不允许此操作";
    /// Somebody else changed the same thing just now.
    Conflict = "urn:ukey:hall:conflict", 409, "Changed meanwhile", "数据已被更新，请重试";
    /// Another desk has decided.
    AlreadyDecided = "urn:ukey:hall:already-decided", 409, "Already decided", "该申请已被处理";
    /// Account or password are wrong.
    WrongCredentials = "urn:ukey:hall:wrong-credentials", 401, "Wrong account or password", "账号或密码错误";
    /// Too many attempts; `retry_after` tells the seconds to wait.
    TooManyAttempts = "urn:ukey:hall:too-many-attempts", 429, "Too many attempts", "操作过于频繁，请稍后再试";
    /// An account of that name exists.
    AccountExists = "urn:ukey:hall:account-exists", 409, "Account exists", "账号已存在";
    /// The account's subject has a valid certificate: log in with it (L-01).
    CertificateLoginRequired = "urn:ukey:hall:certificate-login-required", 403, "Log in with the certificate",
        "已办理证书的用户只能通过CA证书登录";
    /// The login challenge is unknown, used or too old.
    ChallengeExpired = "urn:ukey:hall:challenge-expired", 401, "Challenge expired", "登录请求已失效，请重新登录";
    /// The signature does not fit.
    BadSignature = "urn:ukey:hall:bad-signature", 403, "Wrong signature", "签名验证失败";
    /// The certificate cannot be read.
    MalformedCertificate = "urn:ukey:hall:malformed-certificate", 422, "Malformed certificate", "证书无法识别";
    /// The certificate is not one of this authority.
    UntrustedCertificate = "urn:ukey:hall:untrusted-certificate", 403, "Not a certificate of this authority",
        "不是本机构签发的证书";
    /// The certificate has run out.
    CertificateExpired = "urn:ukey:hall:certificate-expired", 403, "Certificate expired", "证书已过期";
    /// The certificate is not valid yet.
    CertificateNotYetValid = "urn:ukey:hall:certificate-not-yet-valid", 403, "Certificate not yet valid", "证书未生效";
    /// The certificate was revoked.
    CertificateRevoked = "urn:ukey:hall:certificate-revoked", 403, "Certificate revoked", "证书已注销";
    /// The certificate is suspended: its key was reported lost or damaged (AMB-19).
    CertificateSuspended = "urn:ukey:hall:certificate-suspended", 403, "Certificate suspended",
        "证书已暂停使用：正在补办";
    /// The certificate was issued, and the key has not shown that it holds it: go on with the order.
    CertificateUnconfirmed = "urn:ukey:hall:certificate-unconfirmed", 403, "Certificate not confirmed yet",
        "新证书尚未写入完成，请继续办理未完成的订单";
    /// The certificate runs out too late to be renewed now (R-01, N-09).
    RenewTooEarly = "urn:ukey:hall:renew-too-early", 409, "Too early to renew", "尚未到证书延期的办理时间";
    /// Another order about this certificate is open.
    OtherOrderOpen = "urn:ukey:hall:other-order-open", 409, "Another order is open", "该证书有未完成的订单";
    /// The registry knows other data (AMB-21).
    RegistryMismatch = "urn:ukey:hall:registry-mismatch", 422, "Not what the registry has",
        "与登记机关的信息不一致";
    /// The code is wrong; `tries_left` tells how many tries remain.
    WrongCode = "urn:ukey:hall:wrong-code", 422, "Wrong code", "验证码错误";
    /// The code has run out.
    CodeExpired = "urn:ukey:hall:code-expired", 410, "Code expired", "验证码已过期，请重新获取";
    /// The code was used.
    CodeUsed = "urn:ukey:hall:code-used", 410, "Code used", "验证码已使用，请重新获取";
    /// The tries of the code are used up.
    CodeExhausted = "urn:ukey:hall:code-exhausted", 410, "No tries left", "验证码错误次数过多，请重新获取";
    /// No code was asked for.
    CodeNotSent = "urn:ukey:hall:code-not-sent", 409, "No code was sent", "请先获取验证码";
    /// A code was sent just now; `retry_after` tells the seconds to wait.
    CodeTooSoon = "urn:ukey:hall:code-too-soon", 429, "Code asked for too soon", "验证码发送过于频繁";
    /// The day's codes are used up; `retry_after` tells the seconds to wait.
    CodeDailyLimit = "urn:ukey:hall:code-daily-limit", 429, "No more codes today", "今日验证码次数已达上限";
    /// The completed phone number is not the one on record; `tries_left` tells how many tries remain.
    WrongPhone = "urn:ukey:hall:wrong-phone", 422, "Wrong phone number", "手机号与办理证书时预留的不一致";
    /// The phone number was completed wrongly too often; `retry_after` tells the seconds to wait.
    PhoneLocked = "urn:ukey:hall:phone-locked", 429, "Phone number locked", "手机号错误次数过多";
    /// The identity check did not pass.
    IdentityFailed = "urn:ukey:hall:identity-failed", 422, "Identity check failed", "身份核验不通过";
    /// This way of checking identity is not offered here.
    IdentityWayUnavailable = "urn:ukey:hall:identity-way-unavailable", 422, "Identity way not offered",
        "不支持该身份核验方式";
    /// The first unlock of a certificate (U-33), or a renewal that is reviewed, needs an identity check.
    IdentityRequired = "urn:ukey:hall:identity-required", 403, "Identity check required",
        "首次解锁需要进行身份验证";
    /// This lane of unlocking is not offered here.
    LaneUnavailable = "urn:ukey:hall:lane-unavailable", 409, "Lane not offered", "不支持该解锁方式";
    /// This way of asking for a revocation is not offered here.
    RevokeWayUnavailable = "urn:ukey:hall:revoke-way-unavailable", 409, "Way not offered", "不支持该注销方式";
    /// A field that comes from the certificate cannot be changed here.
    FixedField = "urn:ukey:hall:fixed-field", 422, "Cannot be changed", "不支持修改";
    /// Fewer than two fields of a query were filled (V-03).
    QueryTooShort = "urn:ukey:hall:query-too-short", 422, "Fill at least two fields", "请至少填写两项查询内容";
    /// A paper is missing; `fields` names them.
    PaperMissing = "urn:ukey:hall:paper-missing", 422, "Papers missing", "资料未上传完整";
    /// The file is not a picture in a listed format.
    PaperFormat = "urn:ukey:hall:paper-format", 415, "Format not supported", "图片格式不支持";
    /// The file is empty.
    PaperEmpty = "urn:ukey:hall:paper-empty", 422, "Empty file", "文件为空";
    /// The file ends too early.
    PaperTruncated = "urn:ukey:hall:paper-truncated", 422, "Truncated file", "文件不完整";
    /// The picture breaks the rules of its format.
    PaperDamaged = "urn:ukey:hall:paper-damaged", 422, "Damaged file", "文件已损坏，请重新保存";
    /// The picture breaks a rule for pictures of seals.
    SealPicture = "urn:ukey:hall:seal-picture", 422, "Picture not fit for a seal", "印章图片不符合要求";
    /// The key holds as many seals as are allowed (N-21).
    SealLimit = "urn:ukey:hall:seal-limit", 409, "No more seals in this key", "UKey内的电子印章已达上限";
    /// Another change of this seal is open; `state` tells how it stands.
    SealChangeOpen = "urn:ukey:hall:seal-change-open", 409, "Another change is open", "该印章有未完成的变更，请先完成或取消";
    /// What was read back from the key is not what was to be written.
    SealNotWritten = "urn:ukey:hall:seal-not-written", 422, "The key does not hold the seals expected",
        "印章未正确写入UKey，请重新写入";
    /// The signer's certificate is unknown here, revoked, or not known to the business systems yet.
    SignerUnknown = "urn:ukey:hall:signer-unknown", 403, "Certificate not in effect or user unknown",
        "证书未生效或者用户不存在";
    /// No seal names the signer's certificate.
    NoSealPermission = "urn:ukey:hall:no-seal-permission", 403, "No permission to seal", "该用户没有分配印章权限";
    /// The seal was replaced or deleted.
    SealWithdrawn = "urn:ukey:hall:seal-withdrawn", 403, "Seal withdrawn", "印章已变更或删除";
    /// The stamp cannot be believed.
    StampInvalid = "urn:ukey:hall:stamp-invalid", 422, "Stamp not valid", "签章无效";
    /// The document is not the one that was stamped.
    DocumentChanged = "urn:ukey:hall:document-changed", 422, "Document changed", "文件在签章后被修改";
    /// The agreements were not accepted.
    AgreementRequired = "urn:ukey:hall:agreement-required", 422, "Agreement required", "请阅读并同意相关协议";
    /// The way of payment is not offered.
    PaymentWayUnavailable = "urn:ukey:hall:payment-way-unavailable", 422, "Way of payment not offered",
        "不支持该支付方式";
    /// The callback is not from the payment provider.
    ForgedCallback = "urn:ukey:hall:forged-callback", 401, "Callback not authentic", "回调验签失败";
    /// The callback names another amount than the payment.
    AmountMismatch = "urn:ukey:hall:amount-mismatch", 409, "Amount differs", "支付金额不一致";
    /// There is no invoice document yet.
    InvoiceNotIssued = "urn:ukey:hall:invoice-not-issued", 409, "Invoice not issued yet", "发票尚未开具";
    /// The computer of the hall has no Chinese font to make documents with.
    FontMissing = "urn:ukey:hall:font-missing", 503,
        "No Chinese font for documents", "服务厅缺少中文字体，无法生成文件";
    /// The call centre has not approved yet (U-22).
    NotYetApproved = "urn:ukey:hall:not-yet-approved", 409, "Not yet approved", "请先联系客服中心认证解锁码!";
    /// The call centre refused the papers.
    PapersRefused = "urn:ukey:hall:papers-refused", 403, "Papers refused", "资料审核未通过";
    /// The hall holds no administrator PIN for this key.
    KeyUnknown = "urn:ukey:hall:key-unknown", 404, "Key not issued here", "未找到该证书介质";
    /// The key's serial number is not the one on record.
    DeviceMismatch = "urn:ukey:hall:device-mismatch", 409, "Another key", "证书介质序列号不一致";
    /// The certificate request cannot be accepted.
    BadRequest = "urn:ukey:hall:bad-certificate-request", 422, "Certificate request refused", "证书请求无效";
    /// An outside service did not answer; try again.
    ProviderUnavailable = "urn:ukey:hall:provider-unavailable", 502, "Service not available", "外部服务暂不可用";
    /// The clock only goes forward.
    ClockBackwards = "urn:ukey:hall:clock-backwards", 409, "The clock cannot be moved so", "时钟不能这样调整";
    /// The hall itself failed.
    Internal = "urn:ukey:hall:internal", 500, "Internal failure", "系统内部错误";
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Which refusal.
    #[serde(rename = "type")]
    pub kind: ProblemType,
    /// HTTP status.
    pub status: u16,
    /// Short name, English.
    pub title: String,
    /// Short name, Chinese.
    pub title_zh: String,
    /// What happened and what to do, English.
    pub detail: String,
    /// What happened and what to do, Chinese.
    pub detail_zh: String,
    /// Tries that remain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u32>,
    /// Seconds to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The order's state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<OrderState>,
    /// The fields or papers at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldFault>,
}

impl Problem {
    /// A refusal whose detail is its title.
    pub fn new(kind: ProblemType) -> Self {
        Self {
            kind,
            status: kind.status(),
            title: kind.title().into(),
            title_zh: kind.title_zh().into(),
            detail: kind.title().into(),
            detail_zh: kind.title_zh().into(),
            tries_left: None,
            retry_after: None,
            state: None,
            fields: Vec::new(),
        }
    }
}

impl core::fmt::Display for Problem {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} ({})", self.detail, self.detail_zh)
    }
}

impl core::error::Error for Problem {}

/// A field at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct FieldFault {
    /// The field's name in the body.
    pub field: String,
    /// What is wrong, English.
    pub detail: String,
    /// What is wrong, Chinese.
    pub detail_zh: String,
}
