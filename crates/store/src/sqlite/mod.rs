//! SQLite: short indexed reads run where they are asked for, on one of several read-only connections; all writes go
//! through one thread, which commits what is waiting together.

mod compile_options;
mod connection;
mod error;
mod reader;
mod row;
mod writer;

use std::cell::Cell;
use std::iter;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{CommitError, StoreError};
use crate::row::Row;
use crate::statement::{Dialect, Statement};
use crate::tx::Tx;
use crate::value::Value;
use connection::{open_writer, query};
use error::store_error;
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

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::ptr;
    use std::sync::MutexGuard;
    use std::thread;
    use std::time::Duration;

    use super::reader::Reader;
    use super::{Sqlite, SqliteOptions};

    #[test]
    fn new_files_are_their_owners_alone_and_others_stay_as_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, before) in [("new.sqlite", None), ("old.sqlite", Some(0o644))] {
            let path = folder.path().join(name);
            if let Some(mode) = before {
                fs::write(&path, "").expect("a file");
                fs::set_permissions(&path, Permissions::from_mode(mode)).expect("permissions");
            }
            let options = SqliteOptions { path: Some(path.clone()), create: true, busy_timeout: Duration::ZERO };
            let sqlite = Sqlite::open(&options, 1).expect("opens");
            let made = sqlite.run_script("CREATE TABLE t (x)".to_owned());
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(made).expect("runs");
            for suffix in ["", "-wal", "-shm"] {
                let path = folder.path().join(format!("{name}{suffix}"));
                let mode = fs::metadata(&path).expect(suffix).permissions().mode() & 0o777;
                assert_eq!(mode, before.unwrap_or(0o600), "{name}{suffix}");
            }
        }
    }

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
