//! Rules of the codes that are sent.

use super::{ProfileError, rule};
use serde::Deserialize;

/// Rules of the codes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codes {
    /// Codes by SMS: consent, query, unlock.
    pub sms: CodeRule,
    /// 解锁授权码.
    pub authorisation: CodeRule,
    /// 解锁码 that is read to the call centre.
    pub unlock: CodeRule,
}

/// Rule of one sort of code.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeRule {
    /// Digits.
    pub length: u8,
    /// Lifetime, seconds.
    pub lifetime_seconds: u64,
    /// Seconds before another may be asked for.
    pub resend_seconds: u64,
    /// Tries.
    pub tries: u32,
    /// Codes a day for one recipient.
    pub per_day: u32,
}

impl Codes {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        for (key, code) in [
            ("codes.sms", &self.sms),
            ("codes.authorisation", &self.authorisation),
            ("codes.unlock", &self.unlock),
        ] {
            rule((4..=10).contains(&code.length), key, "has a length that is not within 4 to 10")?;
            rule(code.lifetime_seconds > 0, key, "has no lifetime")?;
            rule((1..=20).contains(&code.tries), key, "has tries that are not within 1 to 20")?;
            rule(code.per_day > 0, key, "allows none a day")?;
        }
        Ok(())
    }
}
