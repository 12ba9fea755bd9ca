//! SQLite: short indexed reads run where they are asked for, on one of several read-only connections; all writes go
//! through one thread, which commits what is waiting together.

mod compile_options;
mod reader;
mod row;
mod writer;

use std::cell::Cell;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::Uuid;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value as SqliteValue};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, ToSql, ffi};

use crate::error::{CommitError, StoreError};
use crate::statement::{Dialect, Statement};
use crate::tx::Tx;
use crate::value::{Row, Value, sqlite_time};
use reader::Reader;
pub use row::SqliteRow;
use writer::Writer;

/// Where a SQLite database is and how it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// The file; `None` is a database that lives as long as the process (`DSN=memory`).
    pub path: Option<PathBuf>,
    /// Whether to make the file when it is missing.
    pub create: bool,
    /// How long to wait for a lock that another process holds.
    pub busy_timeout: Duration,
}

/// Enough for the statements of all aggregates.
const STATEMENT_CACHE: usize = 256;

pub(crate) struct Sqlite {
    readers: Vec<Mutex<Reader>>,
    writer: Writer,
    /// Removed with the value, for a database that lives as long as the process.
    _scratch: Option<ScratchFile>,
}

impl Sqlite {
    /// Opens the database with `readers` connections for reading.
    pub(crate) fn open(options: &SqliteOptions, readers: usize) -> Result<Self, StoreError> {
        let scratch = options.path.is_none().then(ScratchFile::new);
        let path = options.path.clone().or_else(|| scratch.as_ref().map(|file| file.0.clone())).unwrap_or_default();
        let create = options.create || scratch.is_some();
        let writer = Writer::start(open_writer(&path, create, options.busy_timeout)?)?;
        let readers = (0..readers.max(1))
            .map(|_| Reader::open(&path, options.busy_timeout).map(Mutex::new))
            .collect::<Result<_, _>>()?;
        Ok(Self { readers, writer, _scratch: scratch })
    }

    /// Runs a read on a free connection, on the calling thread.
    pub(crate) fn fetch(
        &self,
        statement: &'static Statement,
        nid: Option<&Value>,
        parameters: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        self.fetch_text(statement.text(Dialect::Sqlite), nid, parameters)
    }

    /// As [`Sqlite::fetch`], for a statement put together at run time.
    pub(crate) fn fetch_text(
        &self,
        text: &str,
        nid: Option<&Value>,
        parameters: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let mut reader = self.reader();
        let connection = reader.connection(self.writer.commits()).map_err(store_error)?;
        let mut statement = connection.prepare_cached(text).map_err(store_error)?;
        query(&mut statement, nid, parameters).map_err(store_error)
    }

    /// Commits a transaction; gives back the rows of each of its statements.
    pub(crate) async fn commit(&self, nid: Option<Value>, tx: Tx) -> Result<Vec<Vec<Row>>, CommitError> {
        self.writer.commit(nid, tx).await
    }

    /// Runs a script of several statements, such as a migration, by itself.
    pub(crate) async fn run_script(&self, script: String) -> Result<(), StoreError> {
        self.writer.run_script(script).await
    }

    /// The reader that this thread used last, or else the first one that is free: what it works on is then in this
    /// processor's caches, and the fewer readers there are in use, the more of the file each has at hand.
    fn reader(&self) -> MutexGuard<'_, Reader> {
        thread_local! {
            static LAST: Cell<usize> = const { Cell::new(0) };
        }
        let last = LAST.get() % self.readers.len();
        let free = iter::once(last)
            .chain(0..self.readers.len())
            .find_map(|at| self.readers[at].try_lock().ok().inspect(|_| LAST.set(at)));
        free.unwrap_or_else(|| self.readers[last].lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A file that is removed when the process no longer needs it.
struct ScratchFile(PathBuf);

impl ScratchFile {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("zelus-{}-{}.sqlite", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let file = Self(path);
        file.remove();
        file
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = self.0.clone().into_os_string();
            name.push(suffix);
            // What is not there need not be removed, and nothing depends on it.
            let _ = std::fs::remove_file(name);
        }
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        self.remove();
    }
}

fn open_writer(path: &Path, create: bool, busy_timeout: Duration) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
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

/// Has each statement prepared once. Without the planner's stability guarantee, SQLite prepares a statement anew each time
/// a parameter is bound to another value, in search of a better plan; that took three fifths of the time of a whoami.
fn prepare_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn cannot_open(path: &Path, error: &rusqlite::Error) -> StoreError {
    StoreError::Unavailable(format!("{} cannot be opened: {error}", path.display()))
}

fn query(statement: &mut CachedStatement<'_>, nid: Option<&Value>, parameters: &[Value]) -> rusqlite::Result<Vec<Row>> {
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

/// What an error of the driver means for the caller.
fn store_error(error: rusqlite::Error) -> StoreError {
    let passing = [
        ErrorCode::DatabaseBusy,
        ErrorCode::DatabaseLocked,
        ErrorCode::DiskFull,
        ErrorCode::CannotOpen,
        ErrorCode::SystemIoFailure,
        ErrorCode::ReadOnly,
        ErrorCode::OutOfMemory,
        ErrorCode::FileLockingProtocolFailed,
    ];
    match error.sqlite_error_code() {
        Some(code) if passing.contains(&code) => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Internal(error.to_string()),
    }
}

fn commit_error(error: rusqlite::Error) -> CommitError {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    match extended {
        Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            // The driver's text ends with the columns: "UNIQUE constraint failed: table.column, …".
            let text = error.to_string();
            CommitError::Unique(text.rsplit("failed: ").next().unwrap_or_default().to_owned())
        }
        Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => CommitError::ForeignKey,
        _ => CommitError::Store(store_error(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;
    use std::sync::MutexGuard;
    use std::thread;
    use std::time::Duration;

    use super::reader::Reader;
    use super::{Sqlite, SqliteOptions};

    #[test]
    fn a_thread_goes_on_with_the_reader_that_it_used_last() {
        let options = SqliteOptions { path: None, create: true, busy_timeout: Duration::ZERO };
        let sqlite = Sqlite::open(&options, 3).expect("opens");
        let address = |reader: MutexGuard<'_, Reader>| ptr::from_ref(&*reader).addr();
        // A thread of its own has not used any.
        let work = || {
            let first = sqlite.reader();
            let second = address(sqlite.reader());
            assert_ne!(address(first), second);
            assert_eq!(address(sqlite.reader()), second);
        };
        thread::scope(|scope| scope.spawn(work).join()).expect("as expected");
    }
}
