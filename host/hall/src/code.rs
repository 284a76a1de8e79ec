//! One-time codes: consent, query, reissue, revocation, unlock, an account's phone, authorisation, the call centre's unlock code.
//!
//! Guarantees: a code is kept as a keyed digest; a wrong try is counted before it is told; a code is good once, for its
//! lifetime, for its tries; a new code ends the one before; the day's number is limited for each recipient.
//! Refuses to know: how a code travels.

use crate::{
    api::{CodeSent, ProblemType},
    checks, clock,
    problem::{Answer, refuse},
    profile::CodeRule,
    turn::Turn,
};
use jiff::Timestamp;
use crate::sql;
use subtle::ConstantTimeEq;

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// 签名验证 of an application.
    Consent,
    /// 订单查询.
    Query,
    /// 证件号码查询 of a reissue or revocation.
    Holder,
    /// 注销验证码.
    Revoke,
    /// 解锁验证码.
    Unlock,
    /// The new phone of an account.
    Phone,
    /// 获取短信验证 of an order that rewrites the key in hand.
    Rewrite,
    /// 解锁授权码.
    Authorisation,
    /// 解锁码 for the call centre.
    CallCentre,
}

impl Purpose {
    /// Its name in the database and as a message's topic.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Query => "query",
            Self::Holder => "holder",
            Self::Revoke => "revoke",
            Self::Unlock => "unlock",
            Self::Phone => "phone",
            Self::Rewrite => "rewrite",
            Self::Authorisation => "authorisation",
            Self::CallCentre => "call-centre",
        }
    }
}

/// A new code.
pub(crate) struct NewCode {
    /// The digits.
    pub code: String,
    /// When it runs out.
    pub expires_at: Timestamp,
    /// Its rule.
    pub rule: CodeRule,
}

impl NewCode {
    /// What is told about a code that was sent there.
    pub(crate) fn sent(&self, recipient: &str) -> CodeSent {
        CodeSent {
            sent_to: checks::masked(recipient),
            length: self.rule.length,
            expires_at: self.expires_at,
            retry_after: self.rule.resend_seconds,
        }
    }
}

impl Turn<'_> {
    /// The rule of codes for a purpose.
    pub(crate) fn code_rule(&self, purpose: Purpose) -> CodeRule {
        let codes = &self.hall.profile().codes;
        match purpose {
            Purpose::Consent
            | Purpose::Query
            | Purpose::Holder
            | Purpose::Revoke
            | Purpose::Unlock
            | Purpose::Phone
            | Purpose::Rewrite => codes.sms,
            Purpose::Authorisation => codes.authorisation,
            Purpose::CallCentre => codes.unlock,
        }
    }

    /// Makes a code for a purpose and scope (e.g. an order). `counted` is whose codes of a day are limited.
    pub(crate) async fn new_code(&mut self, purpose: Purpose, scope: &str, counted: &str) -> Answer<NewCode> {
        let rule = self.code_rule(purpose);
        let now = self.now;
        let before = sql::query("SELECT made_at FROM codes WHERE purpose = $1 AND scope = $2")
            .bind(purpose.name())
            .bind(scope)
            .fetch_optional(self.db())
            .await?;
        if let Some(row) = before {
            let made_at: i64 = row.try_get("made_at")?;
            let age = now.as_second().abs_diff(made_at);
            if age < rule.resend_seconds {
                return Err(refuse(ProblemType::CodeTooSoon).retry_after(rule.resend_seconds - age));
            }
        }
        let day = format!("codes/{}/{counted}", purpose.name());
        let sent = self.counter(&day).await?;
        if sent.count >= rule.per_day {
            return Err(refuse(ProblemType::CodeDailyLimit).retry_after(sent.seconds_left));
        }
        self.count(&day, clock::after(now, clock::until_tomorrow(now))).await?;
        let code = self.chance.digits(rule.length.into());
        let expires_at = clock::after(now, rule.lifetime_seconds);
        let digest = self.hall.vault().code_digest(purpose.name(), scope, &code);
        sql::query(
            "INSERT INTO codes (purpose, scope, digest, made_at, expires_at, tries_left, used) \
             VALUES ($1, $2, $3, $4, $5, $6, 0) \
             ON CONFLICT (purpose, scope) DO UPDATE SET digest = excluded.digest, made_at = excluded.made_at, \
             expires_at = excluded.expires_at, tries_left = excluded.tries_left, used = 0",
        )
        .bind(purpose.name())
        .bind(scope)
        .bind(digest)
        .bind(now.as_second())
        .bind(expires_at.as_second())
        .bind(i64::from(rule.tries))
        .execute(self.db())
        .await?;
        Ok(NewCode { code, expires_at, rule })
    }

    /// Checks a typed code. A right one is used up, unless `keep_usable`.
    pub(crate) async fn check_code(
        &mut self,
        purpose: Purpose,
        scope: &str,
        typed: &str,
        keep_usable: bool,
    ) -> Answer<()> {
        let row = sql::query(
            "SELECT digest, expires_at, tries_left, used FROM codes WHERE purpose = $1 AND scope = $2",
        )
        .bind(purpose.name())
        .bind(scope)
        .fetch_optional(self.db())
        .await?;
        let row = row.ok_or_else(|| refuse(ProblemType::CodeNotSent))?;
        let (expires_at, tries, used): (i64, i64, i64) =
            (row.try_get("expires_at")?, row.try_get("tries_left")?, row.try_get("used")?);
        if used != 0 {
            return Err(refuse(ProblemType::CodeUsed));
        }
        if tries <= 0 {
            return Err(refuse(ProblemType::CodeExhausted));
        }
        if self.now.as_second() >= expires_at {
            return Err(refuse(ProblemType::CodeExpired));
        }
        let digest: String = row.try_get("digest")?;
        let own = self.hall.vault().code_digest(purpose.name(), scope, typed);
        let right = bool::from(digest.as_bytes().ct_eq(own.as_bytes()));
        let (tries, used) = if right { (tries, i64::from(!keep_usable)) } else { (tries - 1, 0) };
        sql::query("UPDATE codes SET tries_left = $1, used = $2 WHERE purpose = $3 AND scope = $4")
            .bind(tries)
            .bind(used)
            .bind(purpose.name())
            .bind(scope)
            .execute(self.db())
            .await?;
        if right {
            return Ok(());
        }
        let left = tries.try_into().unwrap_or(0);
        Err(refuse(ProblemType::WrongCode)
            .tries_left(left)
            .detail(format!("Wrong code; {left} tries left."), format!("验证码错误，还可尝试{left}次。"))
            .keep())
    }

    /// The scope of the live code of this purpose that was read out, if it is the code of exactly one.
    pub(crate) async fn scope_of_code(&mut self, purpose: Purpose, typed: &str) -> Answer<Option<String>> {
        let rows = sql::query(
            "SELECT scope, digest FROM codes WHERE purpose = $1 AND used = 0 AND tries_left > 0 AND expires_at > $2 \
             ORDER BY scope",
        )
        .bind(purpose.name())
        .bind(self.now.as_second())
        .fetch_all(self.db())
        .await?;
        let mut found = Vec::new();
        for row in rows {
            let (scope, digest): (String, String) = (row.try_get("scope")?, row.try_get("digest")?);
            let own = self.hall.vault().code_digest(purpose.name(), &scope, typed);
            if bool::from(digest.as_bytes().ct_eq(own.as_bytes())) {
                found.push(scope);
            }
        }
        Ok(if found.len() == 1 { found.pop() } else { None })
    }
}
