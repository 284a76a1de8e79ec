//! The database: opening it, its tables, a few single values.
//!
//! Guarantees: the tables are brought up to date at opening; a new database file is its owner's alone to read; a
//! database in memory lives as long as the hall.
//! Refuses to know: what is stored.

use sqlx::{
    Row, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use std::{
    fs::OpenOptions,
    io::{self, ErrorKind},
    path::Path,
    str::FromStr,
};

/// Opens the database and brings its tables up to date.
pub(crate) async fn open(url: &str) -> Result<SqlitePool, sqlx::Error> {
    let memory = url.contains(":memory:") || url.contains("mode=memory");
    let mut options = SqliteConnectOptions::from_str(url)?.create_if_missing(true).foreign_keys(true).pragma("secure_delete", "on");
    if !memory {
        create(options.get_filename())?;
        options = options.journal_mode(SqliteJournalMode::Wal);
    }
    // One connection: turns come one after the other, and a database in memory is its connection.
    let pool = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?;
    sqlx::migrate!().run(&pool).await.map_err(sqlx::Error::from)?;
    Ok(pool)
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
pub(crate) async fn meta(db: &mut SqliteConnection, name: &str) -> Result<Option<String>, sqlx::Error> {
    let row = sqlx::query("SELECT value FROM meta WHERE name = $1").bind(name).fetch_optional(db).await?;
    row.map(|row| row.try_get("value")).transpose()
}

/// Sets a single value.
pub(crate) async fn set_meta(db: &mut SqliteConnection, name: &str, value: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(db)
    .await?;
    Ok(())
}
