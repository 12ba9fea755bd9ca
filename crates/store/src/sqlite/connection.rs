//! How connections are set up, and what is bound to their statements.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use model::Uuid;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value as SqliteValue};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql};

use super::compile_options;
use super::error::cannot_open;
use super::row::SqliteRow;
use crate::error::StoreError;
use crate::row::Row;
use crate::time::sqlite_time;
use crate::value::Value;

/// Enough for the statements of all aggregates.
const STATEMENT_CACHE: usize = 256;

/// Opens the connection that writes.
pub(super) fn open_writer(path: &Path, create: bool, busy_timeout: Duration) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
        make_private(path);
    }
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(busy_timeout)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // An acknowledged logout must survive a power cut, which in WAL mode takes a sync at each commit. Commits
        // that wait at the same time share one. See docs/decisions.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        prepare_once(&connection)?;
        compile_options::check(&connection)?;
        Ok(connection)
    };
    open().map_err(|error| cannot_open(path, &error))
}

/// Makes the file, if it is missing, for its owner alone: it holds everybody's data. SQLite gives the permissions of the
/// database to the files that it makes beside it. A file that is there keeps its own.
fn make_private(path: &Path) {
    // What is in the way is said better by SQLite, which opens the file next.
    let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
}

/// Has each statement prepared once. Without the planner's stability guarantee, SQLite prepares a statement anew each time
/// a parameter is bound to another value, in search of a better plan; that took three fifths of the time of a whoami.
pub(super) fn prepare_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Runs a statement and copies the rows of its answer.
pub(super) fn query(
    statement: &mut CachedStatement<'_>,
    nid: Option<&Value>,
    parameters: &[Value],
) -> rusqlite::Result<Vec<Row>> {
    let columns = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(nid.into_iter().chain(parameters)))?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(Row::Sqlite(SqliteRow::copy(row, columns)?));
    }
    Ok(all)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(SqliteValue::Null),
            Self::Bool(value) => ToSqlOutput::Owned(SqliteValue::Integer((*value).into())),
            Self::Int(value) => ToSqlOutput::Owned(SqliteValue::Integer(*value)),
            Self::Text(text) | Self::Json(text) => ToSqlOutput::Borrowed(text.as_str().into()),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(bytes.as_slice().into()),
            Self::Uuid(uuid) => {
                let text = uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned();
                ToSqlOutput::Owned(SqliteValue::Text(text))
            }
            Self::Time(time) => ToSqlOutput::Owned(SqliteValue::Text(sqlite_time(*time))),
        })
    }
}
