//! SQL: statements, rows, transactions.
//!
//! Guarantees: a statement is prepared once; a transaction that is not committed leaves nothing; one transaction at a
//! time.
//! Refuses to know: tables. Only this file names SQLite's library.
//!
//! What is asked is answered on the thread that asks, within microseconds. A thread of SQLite's own would cost two
//! switches for every statement and gain nothing, as turns come one after the other; the asking is asynchronous
//! nonetheless, so that a database on another machine has a place here.

use rusqlite::{CachedStatement, config::DbConfig, params_from_iter, types::Value};
use std::{
    ops::{Deref, DerefMut},
    path::Path,
    sync::{Arc, PoisonError},
};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

/// Statements that stay prepared: about as many as the hall has.
const PREPARED: usize = 256;

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database was closed.
    #[error("the database is closed")]
    Closed,
    /// A row has no column of this name, or one of another type.
    #[error("the column `{0}` is not as it should be")]
    Column(String),
    /// Its file cannot be made.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// SQLite refused.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl Error {
    /// Whether a row like this is there already.
    pub(crate) fn is_unique_violation(&self) -> bool {
        use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
        let Self::Sqlite(rusqlite::Error::SqliteFailure(failure, _)) = self else { return false };
        [SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE].contains(&failure.extended_code)
    }
}

/// The database. Clones are the same database.
#[derive(Clone)]
pub(crate) struct Database(Arc<Mutex<Option<Connection>>>);

impl Database {
    /// Opens a file, created if need be, or a database in memory, which lives as long as this.
    pub(crate) fn open(file: Option<&Path>) -> Result<Self, Error> {
        let connection = match file {
            Some(file) => rusqlite::Connection::open(file)?,
            None => rusqlite::Connection::open_in_memory()?,
        };
        connection.set_prepared_statement_cache_capacity(PREPARED);
        // A statement's plan does not depend on what is bound: else it is prepared again at every use.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "foreign_keys", "on")?;
        connection.pragma_update(None, "secure_delete", "on")?;
        if file.is_some() {
            connection.pragma_update(None, "journal_mode", "wal")?;
        }
        Ok(Self(Arc::new(Mutex::new(Some(Connection(connection.into()))))))
    }

    /// Takes the steps that this database has not taken, oldest first. It keeps in `user_version` how many it has.
    pub(crate) async fn migrate(&self, steps: &[&str]) -> Result<(), Error> {
        let begun = &mut self.begin().await?;
        let taken: u32 = begun.library().pragma_query_value(None, "user_version", |row| row.get(0))?;
        for (step, number) in steps.iter().zip(1..).skip(taken as usize) {
            begun.library().execute_batch(step)?;
            begun.library().pragma_update(None, "user_version", number)?;
        }
        begun.end("COMMIT")
    }

    /// The connection, between transactions: a statement stands as soon as it has run.
    pub(crate) async fn connection(&self) -> Result<Alone, Error> {
        OwnedMutexGuard::try_map(self.0.clone().lock_owned().await, Option::as_mut).map_err(|_| Error::Closed)
    }

    /// Begins a transaction, after those before it ended.
    pub(crate) async fn begin(&self) -> Result<Transaction, Error> {
        let mut connection = self.connection().await?;
        query("BEGIN").execute(&mut connection).await?;
        Ok(Transaction { connection, ended: false })
    }

    /// Closes the database: its files are at rest when this returns, and it answers no more.
    pub(crate) async fn close(&self) {
        drop(self.0.lock().await.take());
    }
}

/// The connection, and nobody else has it.
pub(crate) type Alone = OwnedMappedMutexGuard<Option<Connection>, Connection>;

/// What statements are run on. Never locked: SQLite's library is for one thread at a time, and `&mut` says so.
pub(crate) struct Connection(std::sync::Mutex<rusqlite::Connection>);

impl Connection {
    fn library(&mut self) -> &mut rusqlite::Connection {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is done whole or not at all. Dropped, it is not done.
pub(crate) struct Transaction {
    connection: Alone,
    ended: bool,
}

impl Transaction {
    /// What was written stands.
    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        self.end("COMMIT")
    }

    fn end(&mut self, how: &str) -> Result<(), Error> {
        self.library().prepare_cached(how)?.execute([])?;
        self.ended = true;
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.ended
            && let Err(error) = self.end("ROLLBACK")
        {
            tracing::error!(%error, "a transaction was not taken back");
        }
    }
}

/// A statement, its values to be bound: `$1` is the first.
pub(crate) fn query(statement: &str) -> Query<'_> {
    Query { statement, values: Vec::new() }
}

/// A statement and its values.
#[must_use]
pub(crate) struct Query<'a> {
    statement: &'a str,
    values: Vec<Value>,
}

impl Query<'_> {
    /// The next value.
    pub(crate) fn bind(mut self, value: impl Bind) -> Self {
        self.values.push(value.value());
        self
    }

    /// Runs it; the number of rows that it changed.
    pub(crate) async fn execute(self, db: &mut Connection) -> Result<usize, Error> {
        Ok(db.library().prepare_cached(self.statement)?.execute(params_from_iter(self.values))?)
    }

    /// Its first row; without one, an error.
    pub(crate) async fn fetch_one(self, db: &mut Connection) -> Result<Row, Error> {
        self.fetch_optional(db).await?.ok_or_else(|| rusqlite::Error::QueryReturnedNoRows.into())
    }

    /// Its first row, if there is one.
    pub(crate) async fn fetch_optional(self, db: &mut Connection) -> Result<Option<Row>, Error> {
        let statement = &mut db.library().prepare_cached(self.statement)?;
        let names = names(statement);
        let mut rows = statement.query(params_from_iter(self.values))?;
        Ok(rows.next()?.map(|row| Row::read(&names, row)).transpose()?)
    }

    /// All its rows.
    pub(crate) async fn fetch_all(self, db: &mut Connection) -> Result<Vec<Row>, Error> {
        let statement = &mut db.library().prepare_cached(self.statement)?;
        let names = names(statement);
        let rows = statement.query_map(params_from_iter(self.values), |row| Row::read(&names, row))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn names(statement: &CachedStatement<'_>) -> Arc<[String]> {
    statement.column_names().map(str::to_owned).collect()
}

/// A row of an answer.
pub(crate) struct Row {
    names: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    fn read(names: &Arc<[String]>, row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let values = (0..names.len()).map(|column| row.get(column)).collect::<Result<_, _>>()?;
        Ok(Self { names: names.clone(), values })
    }

    /// The value in the column of this name.
    pub(crate) fn try_get<'a, T: Column<'a>>(&'a self, name: &str) -> Result<T, Error> {
        let mut columns = self.names.iter().zip(&self.values);
        let value = columns.find_map(|(known, value)| (known == name).then_some(value));
        value.and_then(T::read).ok_or_else(|| Error::Column(name.into()))
    }
}

/// What a column is read as.
pub(crate) trait Column<'a>: Sized {
    /// Nothing for a value of another type.
    fn read(value: &'a Value) -> Option<Self>;
}

impl Column<'_> for i64 {
    fn read(value: &Value) -> Option<Self> {
        if let Value::Integer(number) = value { Some(*number) } else { None }
    }
}

impl<'a> Column<'a> for &'a str {
    fn read(value: &'a Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
}

impl Column<'_> for String {
    fn read(value: &Value) -> Option<Self> {
        <&str>::read(value).map(Into::into)
    }
}

impl Column<'_> for Vec<u8> {
    fn read(value: &Value) -> Option<Self> {
        if let Value::Blob(bytes) = value { Some(bytes.clone()) } else { None }
    }
}

impl<'a, T: Column<'a>> Column<'a> for Option<T> {
    fn read(value: &'a Value) -> Option<Self> {
        if matches!(value, Value::Null) { Some(None) } else { T::read(value).map(Some) }
    }
}

/// What a statement takes.
pub(crate) trait Bind {
    /// As SQLite stores it.
    fn value(self) -> Value;
}

macro_rules! bind {
    ($($Given:ty: $given:ident => $value:expr;)*) => {
        $(impl Bind for $Given {
            fn value(self) -> Value {
                let $given = self;
                Value::from($value)
            }
        })*
    };
}

bind! {
    i64: number => number;
    u32: number => number;
    bool: word => word;
    String: text => text;
    &String: text => text.clone();
    &str: text => text.to_owned();
    Vec<u8>: bytes => bytes;
    &Vec<u8>: bytes => bytes.clone();
    &[u8]: bytes => bytes.to_vec();
}

impl<T: Bind> Bind for Option<T> {
    fn value(self) -> Value {
        self.map_or(Value::Null, Bind::value)
    }
}

impl<'a, T> Bind for &'a Option<T>
where
    &'a T: Bind,
{
    fn value(self) -> Value {
        self.as_ref().map_or(Value::Null, Bind::value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    async fn names(database: &Database) -> Vec<String> {
        let rows = query("SELECT name FROM keys ORDER BY name")
            .fetch_all(&mut database.connection().await.unwrap())
            .await
            .unwrap();
        rows.iter().map(|row| row.try_get("name").unwrap()).collect()
    }

    async fn add(name: &str, db: &mut Connection) -> Result<usize, Error> {
        query("INSERT INTO keys (name, tries) VALUES ($1, $2)").bind(name).bind(None::<i64>).execute(db).await
    }

    async fn with_keys() -> Database {
        let database = Database::open(None).unwrap();
        database.migrate(&["CREATE TABLE keys (name TEXT PRIMARY KEY, tries BIGINT)"]).await.unwrap();
        database
    }

    #[test]
    fn what_is_committed_stands_and_what_is_dropped_leaves_nothing() {
        run(async {
            let database = with_keys().await;
            let mut dropped = database.begin().await.unwrap();
            add("A", &mut dropped).await.unwrap();
            drop(dropped);
            assert!(names(&database).await.is_empty());
            let mut kept = database.begin().await.unwrap();
            add("B", &mut kept).await.unwrap();
            kept.commit().await.unwrap();
            assert_eq!(names(&database).await, ["B"]);
        });
    }

    #[test]
    fn a_step_is_taken_once_and_one_that_fails_takes_back_those_before_it() {
        run(async {
            let database = with_keys().await;
            let first = "CREATE TABLE keys (name TEXT PRIMARY KEY, tries BIGINT)";
            let (second, wrong) = ("INSERT INTO keys (name) VALUES ('C')", "INSERT INTO nowhere VALUES (1)");
            database.migrate(&[first, second, wrong]).await.unwrap_err();
            assert!(names(&database).await.is_empty());
            database.migrate(&[first, second]).await.unwrap();
            database.migrate(&[first, second]).await.unwrap();
            assert_eq!(names(&database).await, ["C"]);
        });
    }

    #[test]
    fn a_second_of_the_same_name_is_told_from_other_failures() {
        run(async {
            let database = with_keys().await;
            let db = &mut *database.connection().await.unwrap();
            add("D", db).await.unwrap();
            assert!(add("D", db).await.unwrap_err().is_unique_violation());
            let nowhere = query("INSERT INTO nowhere VALUES (1)").execute(db).await.unwrap_err();
            assert!(!nowhere.is_unique_violation());
        });
    }

    #[test]
    fn a_column_is_read_as_what_it_is() {
        run(async {
            let database = with_keys().await;
            let db = &mut *database.connection().await.unwrap();
            let asked = query("SELECT * FROM keys");
            assert!(asked.fetch_optional(db).await.unwrap().is_none());
            assert!(query("SELECT * FROM keys").fetch_one(db).await.is_err());
            add("E", db).await.unwrap();
            let row = query("SELECT * FROM keys WHERE name = $1").bind("E").fetch_one(db).await.unwrap();
            assert_eq!(row.try_get::<&str>("name").unwrap(), "E");
            assert_eq!(row.try_get::<Option<i64>>("tries").unwrap(), None);
            assert!(matches!(row.try_get::<i64>("name"), Err(Error::Column(name)) if name == "name"));
            assert!(matches!(row.try_get::<i64>("tries"), Err(Error::Column(_))));
            assert!(matches!(row.try_get::<i64>("nothing"), Err(Error::Column(_))));
        });
    }

    #[test]
    fn a_closed_database_says_so() {
        run(async {
            let database = with_keys().await;
            database.close().await;
            assert!(matches!(database.begin().await.err(), Some(Error::Closed)));
        });
    }
}
