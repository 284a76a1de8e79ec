//! Suspended and revoked certificates (V-01, V-02, AMB-19, AMB-22).
//!
//! Guarantees: a revocation is for good, its first reason stays; a suspension belongs to one order and ends with it or
//! becomes a revocation; both certificates of a pair share their fate, and so does a pair that was issued in their place
//! and that no key has shown to hold; an order that would rewrite a revoked certificate ends.
//! Refuses to know: why an order asks for it.

pub(crate) mod list;
pub(crate) mod notice;

use crate::{
    api::{ProblemType, RevocationReason},
    order::{
        record::{read_word, word},
        rewrite,
    },
    problem::{Answer, refuse},
    turn::Turn,
};
use crate::sql;

impl Turn<'_> {
    /// Why a certificate is revoked or suspended; `None` for one that is neither.
    pub(crate) async fn revocation(&mut self, serial: &str) -> Answer<Option<RevocationReason>> {
        let row =
            sql::query("SELECT reason FROM revoked WHERE serial = $1").bind(serial).fetch_optional(self.db()).await?;
        row.map(|row| read_word(row.try_get("reason")?)).transpose()
    }

    /// Refuses a revoked or suspended certificate.
    pub(crate) async fn demand_not_revoked(&mut self, serial: &str) -> Answer<()> {
        match self.revocation(serial).await? {
            None => Ok(()),
            Some(RevocationReason::CertificateHold) => Err(refuse(ProblemType::CertificateSuspended)),
            Some(_) => Err(refuse(ProblemType::CertificateRevoked)),
        }
    }

    /// Revokes or, with [`RevocationReason::CertificateHold`], suspends a certificate for an order. One that is revoked
    /// stays as it is; a suspension becomes a revocation.
    pub(crate) async fn revoke(&mut self, serial: &str, reason: RevocationReason, order: &str) -> Answer<()> {
        for pair in self.sharing_fate(serial).await? {
            self.revoke_pair(&pair, reason, order).await?;
        }
        match reason {
            RevocationReason::CertificateHold => Ok(()),
            _ => rewrite::end(self, serial, order).await,
        }
    }

    /// A certificate, and those issued in its place that no key has shown to hold.
    async fn sharing_fate(&mut self, serial: &str) -> Answer<Vec<String>> {
        let rows = sql::query(
            "SELECT c.serial FROM certificates c JOIN orders o ON o.id = c.order_id \
             WHERE o.certificate_serial = $1 AND c.confirmed_at IS NULL ORDER BY c.serial",
        )
        .bind(serial)
        .fetch_all(self.db())
        .await?;
        let mut pairs = vec![serial.to_owned()];
        for row in rows {
            pairs.push(row.try_get("serial")?);
        }
        Ok(pairs)
    }

    async fn revoke_pair(&mut self, serial: &str, reason: RevocationReason, order: &str) -> Answer<()> {
        match self.revocation(serial).await? {
            None => {}
            Some(RevocationReason::CertificateHold) if reason != RevocationReason::CertificateHold => {}
            Some(_) => return Ok(()),
        }
        sql::query(
            "INSERT INTO revoked (serial, at, reason, order_id) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (serial) DO UPDATE SET at = excluded.at, reason = excluded.reason, \
             order_id = excluded.order_id, listed = NULL",
        )
        .bind(serial)
        .bind(self.now.as_second())
        .bind(word(reason)?)
        .bind(order)
        .execute(self.db())
        .await?;
        let actor = self.caller.actor();
        self.audit(&actor, &format!("certificate/{serial}"), "revoked", &word(reason)?).await
    }

    /// Ends the suspension that an order began, if there still is one.
    pub(crate) async fn release(&mut self, serial: &str, order: &str) -> Answer<()> {
        for pair in self.sharing_fate(serial).await? {
            self.release_pair(&pair, order).await?;
        }
        Ok(())
    }

    async fn release_pair(&mut self, serial: &str, order: &str) -> Answer<()> {
        let released = sql::query("DELETE FROM revoked WHERE serial = $1 AND order_id = $2 AND reason = $3")
            .bind(serial)
            .bind(order)
            .bind(word(RevocationReason::CertificateHold)?)
            .execute(self.db())
            .await?;
        if released == 0 {
            return Ok(());
        }
        let actor = self.caller.actor();
        self.audit(&actor, &format!("certificate/{serial}"), "released", "").await
    }

    /// Another certificate takes the place of this one, which is revoked.
    pub(crate) async fn replace(
        &mut self,
        serial: &str,
        new: &str,
        reason: RevocationReason,
        order: &str,
    ) -> Answer<()> {
        sql::query("UPDATE certificates SET replaced_by = $1 WHERE serial = $2")
            .bind(new)
            .bind(serial)
            .execute(self.db())
            .await?;
        self.revoke(serial, reason, order).await
    }
}
