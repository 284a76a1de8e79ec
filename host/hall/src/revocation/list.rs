//! The revocation list (RFC 5280 5), as the hall publishes it.
//!
//! Guarantees: there is always a list that has not run out; numbers grow by one; a list holds everything that is revoked
//! or suspended at its moment, and a change appears in the next list, `revoke.list_hours` later at the latest.

use crate::{
    api::RevocationReason,
    clock,
    order::record::{moment, read_word},
    problem::{Answer, Refusal},
    turn::Turn,
};
use crate::sql;
use ukey_pki::Revoked;

/// The present list, DER.
pub(crate) async fn present(turn: &mut Turn<'_>) -> Answer<Vec<u8>> {
    publish_due(turn).await?;
    let row = sql::query("SELECT der FROM revocation_lists ORDER BY number DESC LIMIT 1").fetch_one(turn.db()).await?;
    Ok(row.try_get("der")?)
}

/// Publishes the next list if the last one has run out, or there is none yet.
pub(crate) async fn publish_due(turn: &mut Turn<'_>) -> Answer<()> {
    let last = sql::query("SELECT number, next_update FROM revocation_lists ORDER BY number DESC LIMIT 1")
        .fetch_optional(turn.db())
        .await?;
    let number: i64 = match last {
        Some(row) if turn.now.as_second() < row.try_get("next_update")? => return Ok(()),
        Some(row) => row.try_get::<i64>("number")? + 1,
        None => 1,
    };
    let next = clock::after(turn.now, u64::from(turn.hall.profile().revoke.list_hours) * 3600);
    let entries = entries(turn).await?;
    let list = turn.hall.authority().revocation_list(number.unsigned_abs(), turn.now, next, entries)?;
    sql::query("INSERT INTO revocation_lists (number, this_update, next_update, der) VALUES ($1, $2, $3, $4)")
        .bind(number)
        .bind(turn.now.as_second())
        .bind(next.as_second())
        .bind(list.der())
        .execute(turn.db())
        .await?;
    sql::query("UPDATE revoked SET listed = $1 WHERE listed IS NULL").bind(number).execute(turn.db()).await?;
    turn.audit("hall", &format!("revocation-list/{number}"), "published", "").await
}

/// Both certificates of every revoked or suspended pair.
async fn entries(turn: &mut Turn<'_>) -> Answer<Vec<Revoked>> {
    let rows = sql::query(
        "SELECT r.serial, r.at, r.reason, c.encryption_serial FROM revoked r \
         LEFT JOIN certificates c ON c.serial = r.serial ORDER BY r.serial",
    )
    .fetch_all(turn.db())
    .await?;
    let mut entries = Vec::new();
    for row in rows {
        let reason = read_word::<RevocationReason>(row.try_get("reason")?)?;
        let encryption: Option<String> = row.try_get("encryption_serial")?;
        for serial in [Some(row.try_get::<String>("serial")?), encryption].into_iter().flatten() {
            entries.push(Revoked {
                serial: serial.parse().map_err(|_| Refusal::internal("a revoked serial number is none"))?,
                date: moment(row.try_get("at")?),
                reason: Some(coded(reason)),
            });
        }
    }
    Ok(entries)
}

fn coded(reason: RevocationReason) -> ukey_pki::RevocationReason {
    use ukey_pki::RevocationReason as Coded;
    match reason {
        RevocationReason::KeyCompromise => Coded::KeyCompromise,
        RevocationReason::AffiliationChanged => Coded::AffiliationChanged,
        RevocationReason::Superseded => Coded::Superseded,
        RevocationReason::CessationOfOperation => Coded::CessationOfOperation,
        RevocationReason::CertificateHold => Coded::CertificateHold,
    }
}
