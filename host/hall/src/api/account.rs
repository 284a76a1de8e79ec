//! Accounts, login, the own certificates (flows L-01 to L-11, A-04).

use super::{Hex, Secret};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who an account or a certificate stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum AccountKind {
    /// 企业账户.
    Enterprise,
    /// 个人账户.
    Personal,
    /// 主管部门账号: reads, never orders.
    Authority,
}

/// Registration (L-03 to L-05). The password goes to the phone by SMS.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Registration {
    /// Kind of account.
    pub kind: AccountKind,
    /// Account name, 4 to 32 letters, digits, `_`, `-`.
    pub account: String,
    /// Name of the unit or person.
    pub name: String,
    /// Unified social credit code (GB 32100) or identity number (GB 11643).
    pub number: String,
    /// The contact's mobile number.
    pub phone: String,
}

/// An account was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Registered {
    /// Account name.
    pub account: String,
    /// Where the password was sent, masked.
    pub sent_to: String,
}

/// Login by account and password (L-02).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PasswordLogin {
    /// Account name.
    pub account: String,
    /// Account password.
    pub password: Secret,
}

/// A new account password (L-07).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PasswordChange {
    /// The present password.
    pub old: Secret,
    /// The new one, 8 to 64 characters.
    pub new: Secret,
}

/// New basic data of an account (L-07); what is absent stays. Kind and number are for ever.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct AccountChange {
    /// Name of the unit or person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The contact's mobile number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The code that came to that number, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Secret>,
}

/// A challenge to sign; usable once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LoginChallenge {
    /// The hall's name, part of the signed message.
    pub hall: String,
    /// The nonce, 32 bytes, part of the signed message.
    pub nonce: Hex,
    /// When it runs out.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
}

/// Login by certificate (L-01, L-11): the key signs [`login_message`](super::login_message).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CertificateLogin {
    /// The challenge's nonce.
    pub nonce: Hex,
    /// The sign certificate, DER.
    pub certificate: Hex,
    /// r and s, 32 bytes each, big-endian.
    pub signature: Hex,
}

/// A session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Session {
    /// The bearer token.
    pub token: Secret,
    /// When it runs out.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
    /// Who is logged in.
    pub me: Me,
}

/// How somebody logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum LoginWay {
    /// Account and password.
    Password,
    /// Certificate in a key.
    Certificate,
}

/// Who is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Me {
    /// How.
    pub way: LoginWay,
    /// Kind.
    pub kind: AccountKind,
    /// Account name, for a password login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Name of the unit or person.
    pub name: String,
    /// Credit code or identity number.
    pub number: String,
    /// The contact's mobile number, masked, for a password login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Serial number of the sign certificate, for a certificate login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_serial: Option<String>,
}

/// Standing of a certificate on the hall's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum CertificateStanding {
    /// Begins later.
    NotYetValid,
    /// Valid.
    Valid,
    /// Has run out.
    Expired,
    /// Was revoked.
    Revoked,
    /// Is suspended while its key is reissued.
    Suspended,
}

/// One issued pair of certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CertificateView {
    /// Serial number of the sign certificate, upper-case hexadecimal of whole bytes.
    pub serial: String,
    /// Serial number of the encryption certificate.
    pub encryption_serial: String,
    /// 证书所有者.
    pub name: String,
    /// 渠道.
    pub channel: String,
    /// Serial number of the key that holds it (介质).
    pub device_serial: String,
    /// First moment of validity.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub not_before: Timestamp,
    /// Last moment of validity.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub not_after: Timestamp,
    /// Standing now.
    pub standing: CertificateStanding,
    /// The sign certificate, DER.
    pub certificate: Hex,
    /// The encryption certificate, DER.
    pub encryption_certificate: Hex,
}
