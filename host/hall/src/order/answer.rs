//! What was answered to the certificate request of an order: once, whoever asks again.
//!
//! Guarantees: one answer for an order, the last one; it is found by the public key that it was for.
//! Refuses to know: who may ask, and whether another public key may take the place.

use crate::{
    api::{Hex, IssueAnswer},
    problem::Answer,
    turn::Turn,
    vault::sm3,
};
use crate::sql;
use ukey_pki::PublicKey;

/// An answer that was given.
pub(crate) struct Answered {
    public_key_sm3: String,
    /// The answer.
    pub answer: IssueAnswer,
}

impl Answered {
    /// Whether it was the answer to a request for this public key.
    pub(crate) fn is_for(&self, key: &PublicKey) -> bool {
        self.public_key_sm3 == digest(key)
    }
}

fn digest(key: &PublicKey) -> String {
    sm3(&key.to_sec1())
}

impl Turn<'_> {
    /// What was answered to an order's request, if anything was.
    pub(crate) async fn answered(&mut self, order: &str) -> Answer<Option<Answered>> {
        let row = sql::query("SELECT public_key_sm3, serial, response FROM issues WHERE order_id = $1")
            .bind(order)
            .fetch_optional(self.db())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let answer = IssueAnswer { serial: row.try_get("serial")?, response: Hex(row.try_get("response")?) };
        Ok(Some(Answered { public_key_sm3: row.try_get("public_key_sm3")?, answer }))
    }

    /// Keeps the answer to an order's request, in place of an earlier one.
    pub(crate) async fn keep_answer(&mut self, order: &str, key: &PublicKey, answer: &IssueAnswer) -> Answer<()> {
        sql::query(
            "INSERT INTO issues (order_id, public_key_sm3, serial, response) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (order_id) DO UPDATE SET public_key_sm3 = excluded.public_key_sm3, \
             serial = excluded.serial, response = excluded.response",
        )
        .bind(order)
        .bind(digest(key))
        .bind(&answer.serial)
        .bind(&answer.response.0)
        .execute(self.db())
        .await?;
        Ok(())
    }
}
