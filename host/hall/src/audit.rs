//! The audit log: every change of state of orders, payments, invoices, accounts, certificates, seals and revocation
//! lists.
//!
//! Guarantees: a row is written in the turn of the change, or the change does not stand; rows are only added; each
//! digest is SM3 over its row and the digest before it, and the last one is sealed by the hall's own key, so that a row
//! that was changed, taken out or cut off at the end is found.
//! Refuses to know: secrets. The names of what changed, only.

use crate::{
    api::{AuditPage, AuditRow, AuditVerification},
    order::record::moment,
    problem::Answer,
    rights::{Right, demand},
    store,
    turn::Turn,
    vault::sm3,
};
use crate::sql::{self, Row};

/// Rows of an answer.
const PAGE: i64 = 200;
const HEAD: &str = "audit-head";

/// The rows after a place.
pub(crate) async fn read(turn: &mut Turn<'_>, after: u64) -> Answer<AuditPage> {
    demand(&turn.caller, Right::ReadAudit)?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let rows = sql::query("SELECT * FROM audit WHERE place > $1 ORDER BY place LIMIT $2")
        .bind(after)
        .bind(PAGE)
        .fetch_all(turn.db())
        .await?;
    Ok(AuditPage { rows: rows.iter().map(row).collect::<Answer<_>>()? })
}

/// Goes through the whole chain.
pub(crate) async fn verify(turn: &mut Turn<'_>) -> Answer<AuditVerification> {
    demand(&turn.caller, Right::ReadAudit)?;
    let rows = sql::query("SELECT * FROM audit ORDER BY place").fetch_all(turn.db()).await?;
    let mut before = String::new();
    let mut place = 0;
    for read in &rows {
        let row = row(read)?;
        if row.place != place + 1 || row.digest != digest(&before, &row) {
            return Ok(AuditVerification { rows: rows.len() as u64, intact: false, broken_at: Some(place + 1) });
        }
        (place, before) = (row.place, row.digest);
    }
    // What was cut off at the end breaks no link: the seal of the last row tells.
    let head = store::meta(turn.db(), HEAD).await?;
    let intact = match head {
        Some(seal) => seal == turn.hall.vault().audit_seal(place, &before),
        None => place == 0,
    };
    Ok(AuditVerification { rows: rows.len() as u64, intact, broken_at: (!intact).then_some(place + 1) })
}

fn row(row: &Row) -> Answer<AuditRow> {
    Ok(AuditRow {
        place: row.try_get::<i64>("place")?.unsigned_abs(),
        at: moment(row.try_get("at")?),
        actor: row.try_get("actor")?,
        about: row.try_get("about")?,
        event: row.try_get("event")?,
        detail: row.try_get("detail")?,
        digest: row.try_get("digest")?,
    })
}

/// Each text with its length before it, so that no two rows give the same bytes.
fn digest(before: &str, row: &AuditRow) -> String {
    let texts = [row.actor.as_str(), &row.about, &row.event, &row.detail];
    let texts: String = texts.iter().map(|text| format!("{}:{text}\n", text.len())).collect();
    sm3(format!("{before}\n{}\n{}\n{texts}", row.place, row.at.as_second()).as_bytes())
}

impl Turn<'_> {
    /// Writes that something happened: who did it, what it is about (`order/…`, `account/…`, `certificate/…`), what.
    pub(crate) async fn audit(&mut self, actor: &str, about: &str, event: &str, detail: &str) -> Answer<()> {
        let last = sql::query("SELECT place, digest FROM audit ORDER BY place DESC LIMIT 1")
            .fetch_optional(self.db())
            .await?;
        let (place, before): (i64, String) = match last {
            Some(row) => (row.try_get("place")?, row.try_get("digest")?),
            None => (0, String::new()),
        };
        let mut row = AuditRow {
            place: place.unsigned_abs() + 1,
            at: self.now,
            actor: actor.into(),
            about: about.into(),
            event: event.into(),
            detail: detail.into(),
            digest: String::new(),
        };
        row.digest = digest(&before, &row);
        sql::query(
            "INSERT INTO audit (place, at, actor, about, event, detail, digest) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(place + 1)
        .bind(row.at.as_second())
        .bind(&row.actor)
        .bind(&row.about)
        .bind(&row.event)
        .bind(&row.detail)
        .bind(&row.digest)
        .execute(self.db())
        .await?;
        let seal = self.hall.vault().audit_seal(row.place, &row.digest);
        Ok(store::set_meta(self.db(), HEAD, &seal).await?)
    }
}
