//! The hall's books, read from its database file and not through the hall: the judge does not ask whom it judges.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use rusqlite::{Connection, Error, OpenFlags, Row};

/// The states that an order ends in.
const ENDS: [&str; 4] = ["received", "completed", "refused", "cancelled"];

/// What the hall has written down. Serial numbers, states and kinds are as the hall writes them.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    /// What SQLite finds wrong with the file, if anything.
    pub(super) damage: Vec<String>,
    pub(super) orders: Vec<OrderRow>,
    pub(super) history: Vec<HistoryRow>,
    pub(super) payments: Vec<PaymentRow>,
    pub(super) invoices: Vec<String>,
    /// Order and name of each secret that is still kept.
    pub(super) secrets: Vec<(String, String)>,
    pub(super) certificates: Vec<CertificateRow>,
    /// Serial number of each revoked or suspended sign certificate, and why.
    pub(super) revoked: BTreeMap<String, String>,
    pub(super) vault: Vec<VaultRow>,
    pub(super) seals: Vec<SealRow>,
}

#[derive(Clone, Debug)]
pub(super) struct OrderRow {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) state: String,
    pub(super) price_fen: i64,
    pub(super) open_key: Option<String>,
    pub(super) certificate_serial: Option<String>,
    pub(super) device_serial: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct HistoryRow {
    pub(super) order: String,
    pub(super) event: String,
    pub(super) from: Option<String>,
    pub(super) to: String,
}

#[derive(Clone, Debug)]
pub(super) struct PaymentRow {
    pub(super) order: String,
    pub(super) amount_fen: i64,
    pub(super) state: String,
}

#[derive(Clone, Debug)]
pub(super) struct CertificateRow {
    pub(super) serial: String,
    pub(super) encryption_serial: String,
    pub(super) order: String,
    pub(super) device_serial: String,
    pub(super) sign: Vec<u8>,
    pub(super) encryption: Vec<u8>,
    pub(super) unlocks: i64,
    pub(super) replaced_by: Option<String>,
    pub(super) confirmed: bool,
}

/// A key whose administrator PIN the vault holds.
#[derive(Clone, Debug)]
pub(super) struct VaultRow {
    pub(super) device_serial: String,
    pub(super) certificate_serial: String,
    pub(super) application: String,
    pub(super) container: String,
}

/// A seal that was made.
#[derive(Clone, Debug)]
pub(super) struct SealRow {
    pub(super) id: String,
    pub(super) device_serial: String,
    pub(super) status: String,
    pub(super) der: Vec<u8>,
}

impl Books {
    /// Reads the books of a hall that is closed.
    pub(super) fn read(database: &Path) -> Result<Self, Error> {
        let db = &Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mut books = Self::default();
        each(db, "PRAGMA integrity_check", |row| {
            let found: String = row.get(0)?;
            books.damage.extend(Some(found).filter(|found| found != "ok"));
            Ok(())
        })?;
        each(db, "PRAGMA foreign_key_check", |row| {
            let table: String = row.get(0)?;
            books.damage.push(format!("a row of {table} refers to nothing"));
            Ok(())
        })?;
        each(db, "SELECT * FROM orders ORDER BY created_at, id", |row| {
            books.orders.push(OrderRow {
                id: row.get("id")?,
                kind: row.get("kind")?,
                state: row.get("state")?,
                price_fen: row.get("price_fen")?,
                open_key: row.get("open_key")?,
                certificate_serial: row.get("certificate_serial")?,
                device_serial: row.get("device_serial")?,
            });
            Ok(())
        })?;
        each(db, "SELECT * FROM history ORDER BY order_id, place", |row| {
            books.history.push(HistoryRow {
                order: row.get("order_id")?,
                event: row.get("event")?,
                from: row.get("from_state")?,
                to: row.get("to_state")?,
            });
            Ok(())
        })?;
        each(db, "SELECT * FROM payments ORDER BY opened_at, id", |row| {
            books.payments.push(PaymentRow {
                order: row.get("order_id")?,
                amount_fen: row.get("amount_fen")?,
                state: row.get("state")?,
            });
            Ok(())
        })?;
        each(db, "SELECT order_id FROM invoices WHERE due_at IS NOT NULL", |row| {
            books.invoices.push(row.get("order_id")?);
            Ok(())
        })?;
        each(db, "SELECT order_id, name FROM secrets", |row| {
            books.secrets.push((row.get("order_id")?, row.get("name")?));
            Ok(())
        })?;
        each(db, "SELECT * FROM certificates ORDER BY not_before, serial", |row| {
            books.certificates.push(CertificateRow {
                serial: row.get("serial")?,
                encryption_serial: row.get("encryption_serial")?,
                order: row.get("order_id")?,
                device_serial: row.get("device_serial")?,
                sign: row.get("certificate")?,
                encryption: row.get("encryption_certificate")?,
                unlocks: row.get("unlocks")?,
                replaced_by: row.get("replaced_by")?,
                confirmed: row.get::<_, Option<i64>>("confirmed_at")?.is_some(),
            });
            Ok(())
        })?;
        each(db, "SELECT serial, reason FROM revoked", |row| {
            books.revoked.insert(row.get("serial")?, row.get("reason")?);
            Ok(())
        })?;
        each(db, "SELECT * FROM issued_keys", |row| {
            books.vault.push(VaultRow {
                device_serial: row.get("device_serial")?,
                certificate_serial: row.get("certificate_serial")?,
                application: row.get("application")?,
                container: row.get("container")?,
            });
            Ok(())
        })?;
        each(db, "SELECT * FROM seals ORDER BY made_at, id", |row| {
            books.seals.push(SealRow {
                id: row.get("id")?,
                device_serial: row.get("device_serial")?,
                status: row.get("status")?,
                der: row.get("der")?,
            });
            Ok(())
        })?;
        Ok(books)
    }

    /// The orders that nothing more can happen to.
    pub(super) fn ended(&self) -> BTreeSet<String> {
        let ended = |order: &&OrderRow| ENDS.contains(&order.state.as_str());
        self.orders.iter().filter(ended).map(|order| order.id.clone()).collect()
    }

    /// Whether a certificate is the one in force: neither revoked nor replaced.
    pub(super) fn is_current(&self, certificate: &CertificateRow) -> bool {
        certificate.replaced_by.is_none() && !self.revoked.contains_key(&certificate.serial)
    }
}

/// Asks, and reads each row while it is there.
fn each(
    db: &Connection,
    query: &str,
    mut read: impl FnMut(&Row<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = db.prepare(query)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        read(row)?;
    }
    Ok(())
}
