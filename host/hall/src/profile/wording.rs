//! Texts of messages.

use super::{ProfileError, rule};
use serde::Deserialize;

/// Texts of messages. `{code}`, `{name}`, `{reason}`, `{tracking}`, `{order}`, `{serial}` are filled in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// A code by SMS.
    pub code: String,
    /// The consent code, with the digest of the form in `{digest}`.
    pub consent: String,
    /// 解锁授权码.
    pub authorisation: String,
    /// Account and password.
    pub account: String,
    /// Review passed.
    pub passed: String,
    /// Review returned.
    pub returned: String,
    /// Review refused.
    pub refused: String,
    /// The certificate password, to a phone.
    pub password: String,
    /// The certificate password in the note of a remittance of `{amount}` yuan to the account of `{name}`.
    pub remittance: String,
    /// Key posted.
    pub posted: String,
    /// Invoice issued.
    pub invoice: String,
    /// Certificate revoked, with its number in `{serial}` and the reason in `{reason}`.
    pub revoked: String,
}

impl Wording {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        for (key, text) in [
            ("wording.code", &self.code),
            ("wording.consent", &self.consent),
            ("wording.authorisation", &self.authorisation),
            ("wording.password", &self.password),
            ("wording.remittance", &self.remittance),
            ("wording.account", &self.account),
        ] {
            rule(text.contains("{code}"), key, "lacks {code}")?;
        }
        Ok(())
    }
}
