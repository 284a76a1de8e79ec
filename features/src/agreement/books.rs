//! The hall's books, read from its database file and not through the hall: the judge does not ask whom it judges.

use std::path::Path;

use sqlx::{
    Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteRow},
};
use tokio::runtime::Builder;

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
    pub(super) revoked: Vec<String>,
    pub(super) vault: Vec<VaultRow>,
    pub(super) seals: Vec<SealRow>,
}

#[derive(Clone, Debug)]
pub(super) struct OrderRow {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) state: String,
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
    pub(super) fn read(database: &Path) -> Result<Self, sqlx::Error> {
        Builder::new_current_thread().enable_all().build().map_err(sqlx::Error::Io)?.block_on(async {
            let options = SqliteConnectOptions::new().filename(database);
            let mut db = SqliteConnection::connect_with(&options).await?;
            let books = Self::read_from(&mut db).await;
            db.close().await?;
            books
        })
    }

    async fn read_from(db: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let mut books = Self::default();
        for row in rows(db, "PRAGMA integrity_check").await? {
            let found: String = row.try_get(0)?;
            books.damage.extend(Some(found).filter(|found| found != "ok"));
        }
        for row in rows(db, "PRAGMA foreign_key_check").await? {
            let table: String = row.try_get(0)?;
            books.damage.push(format!("a row of {table} refers to nothing"));
        }
        for row in rows(db, "SELECT * FROM orders ORDER BY created_at, id").await? {
            books.orders.push(OrderRow {
                id: row.try_get("id")?,
                kind: row.try_get("kind")?,
                state: row.try_get("state")?,
                open_key: row.try_get("open_key")?,
                certificate_serial: row.try_get("certificate_serial")?,
                device_serial: row.try_get("device_serial")?,
            });
        }
        for row in rows(db, "SELECT * FROM history ORDER BY order_id, place").await? {
            books.history.push(HistoryRow {
                order: row.try_get("order_id")?,
                event: row.try_get("event")?,
                from: row.try_get("from_state")?,
                to: row.try_get("to_state")?,
            });
        }
        for row in rows(db, "SELECT * FROM payments ORDER BY opened_at, id").await? {
            books.payments.push(PaymentRow {
                order: row.try_get("order_id")?,
                amount_fen: row.try_get("amount_fen")?,
                state: row.try_get("state")?,
            });
        }
        for row in rows(db, "SELECT order_id FROM invoices WHERE due_at IS NOT NULL").await? {
            books.invoices.push(row.try_get("order_id")?);
        }
        for row in rows(db, "SELECT order_id, name FROM secrets").await? {
            books.secrets.push((row.try_get("order_id")?, row.try_get("name")?));
        }
        for row in rows(db, "SELECT * FROM certificates ORDER BY not_before, serial").await? {
            books.certificates.push(CertificateRow {
                serial: row.try_get("serial")?,
                encryption_serial: row.try_get("encryption_serial")?,
                order: row.try_get("order_id")?,
                device_serial: row.try_get("device_serial")?,
                sign: row.try_get("certificate")?,
                encryption: row.try_get("encryption_certificate")?,
                unlocks: row.try_get("unlocks")?,
                replaced_by: row.try_get("replaced_by")?,
                confirmed: row.try_get::<Option<i64>, _>("confirmed_at")?.is_some(),
            });
        }
        for row in rows(db, "SELECT serial FROM revoked ORDER BY serial").await? {
            books.revoked.push(row.try_get("serial")?);
        }
        for row in rows(db, "SELECT * FROM issued_keys").await? {
            books.vault.push(VaultRow {
                device_serial: row.try_get("device_serial")?,
                certificate_serial: row.try_get("certificate_serial")?,
                application: row.try_get("application")?,
                container: row.try_get("container")?,
            });
        }
        for row in rows(db, "SELECT * FROM seals ORDER BY made_at, id").await? {
            books.seals.push(SealRow {
                id: row.try_get("id")?,
                device_serial: row.try_get("device_serial")?,
                status: row.try_get("status")?,
                der: row.try_get("der")?,
            });
        }
        Ok(books)
    }

    /// Whether a seal is ordered to be made again, and that has not come to its end.
    pub(super) fn is_to_be_remade(&self, seal: &SealRow) -> bool {
        let open_key = format!("seal/remake/{}", seal.id);
        self.orders.iter().any(|order| order.open_key.as_ref() == Some(&open_key))
    }

    /// Whether a certificate is the one in force: neither revoked nor replaced.
    pub(super) fn is_current(&self, certificate: &CertificateRow) -> bool {
        certificate.replaced_by.is_none() && !self.revoked.contains(&certificate.serial)
    }
}

async fn rows(db: &mut SqliteConnection, query: &'static str) -> Result<Vec<SqliteRow>, sqlx::Error> {
    sqlx::query(query).fetch_all(db).await
}
