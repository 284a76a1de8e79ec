//! Bearer tokens: sessions, orders' tokens, desks' tokens.
//!
//! Guarantees: only the SM3 of a token is kept; a token that has run out is unknown; a session
//! by certificate ends when that certificate is suspended or revoked.

use crate::{
    api::{ProblemType, Secret},
    clock,
    problem::{Answer, refuse},
    rights::Caller,
    turn::Turn,
    vault::sm3,
};
use jiff::Timestamp;
use crate::sql;
use subtle::ConstantTimeEq;

impl Turn<'_> {
    /// Who bears a token.
    pub(crate) async fn bearer(&mut self, token: &str) -> Answer<Caller> {
        let digest = sm3(token.as_bytes());
        self.token = Some(digest.clone());
        let same = |other: &Secret| digest.as_bytes().ct_eq(sm3(other.reveal().as_bytes()).as_bytes()).into();
        if let Some(desk) = self.hall.config().desks.iter().find(|desk| same(&desk.token)) {
            return Ok(Caller::Desk { name: desk.name.clone(), role: desk.role });
        }
        let row = sql::query("SELECT holder FROM tokens WHERE digest = $1 AND expires_at > $2")
            .bind(digest)
            .bind(self.now.as_second())
            .fetch_optional(self.db())
            .await?;
        let row = row.ok_or_else(|| refuse(ProblemType::Unauthorised))?;
        let holder = serde_json::from_str(row.try_get("holder")?)?;
        // A session ends with its certificate: whoever found the key goes no further.
        if let Caller::Certificate { serial, .. } = &holder {
            self.demand_not_revoked(serial).await?;
        }
        Ok(holder)
    }

    /// Gives a new token to a caller, for so many minutes.
    pub(crate) async fn grant(&mut self, holder: &Caller, minutes: u64) -> Answer<(Secret, Timestamp)> {
        let token = hex::encode(self.chance.bytes::<32>());
        let expires_at = clock::after(self.now, minutes.saturating_mul(60));
        sql::query("DELETE FROM tokens WHERE expires_at <= $1")
            .bind(self.now.as_second())
            .execute(self.db())
            .await?;
        sql::query("INSERT INTO tokens (digest, holder, expires_at) VALUES ($1, $2, $3)")
            .bind(sm3(token.as_bytes()))
            .bind(serde_json::to_string(holder)?)
            .bind(expires_at.as_second())
            .execute(self.db())
            .await?;
        Ok((Secret(token), expires_at))
    }

    /// Gives a new token for an order.
    pub(crate) async fn grant_order(&mut self, id: &str) -> Answer<Secret> {
        let minutes = self.hall.profile().login.order_minutes;
        Ok(self.grant(&Caller::Order { id: id.into(), newcomer: false }, minutes).await?.0)
    }

    /// Gives a new token for an order to somebody who takes it up with nothing to show. From here on this turn is theirs.
    pub(crate) async fn grant_newcomer(&mut self, id: &str) -> Answer<Secret> {
        let minutes = self.hall.profile().login.order_minutes;
        self.caller = Caller::Order { id: id.into(), newcomer: true };
        Ok(self.grant(&self.caller.clone(), minutes).await?.0)
    }

    /// Whoever bears this turn's token was verified: a newcomer no more.
    pub(crate) async fn known_from_now_on(&mut self) -> Answer<()> {
        let (Caller::Order { id, newcomer: true }, Some(token)) = (self.caller.clone(), self.token.clone()) else {
            return Ok(());
        };
        self.caller = Caller::Order { id, newcomer: false };
        sql::query("UPDATE tokens SET holder = $1 WHERE digest = $2")
            .bind(serde_json::to_string(&self.caller)?)
            .bind(token)
            .execute(self.db())
            .await?;
        Ok(())
    }

    /// Takes a token back.
    pub(crate) async fn revoke_token(&mut self, token: &str) -> Answer<()> {
        sql::query("DELETE FROM tokens WHERE digest = $1")
            .bind(sm3(token.as_bytes()))
            .execute(self.db())
            .await?;
        Ok(())
    }
}
