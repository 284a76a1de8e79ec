//! The database: opening it, its tables, a few single values.
//!
//! Guarantees: the tables are brought up to date at opening; a new database file is its owner's alone to read; a
//! database in memory lives as long as the hall.
//! Refuses to know: what is stored.

use crate::sql::{self, Connection, Database};
use std::{
    fs::OpenOptions,
    io::{self, ErrorKind},
    path::Path,
};

/// The steps that bring the tables up to date, oldest first. None changes once it is out.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_hall.sql"),
    include_str!("../migrations/0002_replacement.sql"),
    include_str!("../migrations/0003_confirmed.sql"),
    include_str!("../migrations/0004_revocation.sql"),
    include_str!("../migrations/0005_seals.sql"),
    include_str!("../migrations/0006_notices.sql"),
];

/// Opens the database and brings its tables up to date.
pub(crate) async fn open(url: &str) -> Result<Database, sql::Error> {
    let file = url.strip_prefix("sqlite:").unwrap_or(url);
    let file = (file != ":memory:").then_some(Path::new(file));
    if let Some(file) = file {
        create(file)?;
    }
    let database = Database::open(file)?;
    database.migrate(MIGRATIONS).await?;
    Ok(database)
}

/// Creates the file of a new database. SQLite would let everybody read it; the files beside it take its mode.
fn create(file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A single value by name.
pub(crate) async fn meta(db: &mut Connection, name: &str) -> Result<Option<String>, sql::Error> {
    let row = sql::query("SELECT value FROM meta WHERE name = $1").bind(name).fetch_optional(db).await?;
    row.map(|row| row.try_get("value")).transpose()
}

/// Sets a single value.
pub(crate) async fn set_meta(db: &mut Connection, name: &str, value: &str) -> Result<(), sql::Error> {
    sql::query(
        "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(db)
    .await?;
    Ok(())
}
