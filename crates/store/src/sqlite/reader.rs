//! Connections that read.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::connection::prepare_once;
use super::error::cannot_open;
use crate::error::StoreError;

/// How much of the file may be mapped into memory, in bytes: the most that SQLite agrees to. Pages beyond are read as
/// without a mapping.
const MAP_SIZE: i64 = 0x7fff_0000;
/// Reads between two commits from which on a mapping pays.
const QUIET: u32 = 500;

/// A connection that reads, which maps the file into memory while nobody writes.
///
/// With a mapping, a whoami takes two thirds of the time that it takes without. But SQLite drops the mapping whenever
/// someone has committed, and every page that is read then is a page fault, which costs more than reading it would. See
/// `docs/decisions/0001-database-drivers-and-durability.md`.
pub(super) struct Reader {
    connection: Connection,
    is_mapped: bool,
    /// The number of commits when it last read.
    commits: u64,
    /// How often it has read since.
    reads: u32,
}

impl Reader {
    pub(super) fn open(path: &Path, busy_timeout: Duration) -> Result<Self, StoreError> {
        // A read-only connection could not make the shared-memory file of the write-ahead log; `query_only` is as strict.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(busy_timeout)?;
            connection.pragma_update(None, "query_only", true)?;
            prepare_once(&connection)?;
            Ok(Self { connection, is_mapped: false, commits: 0, reads: 0 })
        };
        open().map_err(|error| cannot_open(path, &error))
    }

    /// The connection, for one read. `commits` counts those of this process; a count that lags behind costs time only.
    pub(super) fn connection(&mut self, commits: u64) -> rusqlite::Result<&Connection> {
        if commits != self.commits {
            let was_quiet = self.reads >= QUIET;
            (self.commits, self.reads) = (commits, 0);
            if self.is_mapped && !was_quiet {
                self.map(false)?;
            }
        } else if self.reads < QUIET {
            self.reads += 1;
            if self.reads == QUIET && !self.is_mapped {
                self.map(true)?;
            }
        }
        Ok(&self.connection)
    }

    fn map(&mut self, is_mapped: bool) -> rusqlite::Result<()> {
        self.is_mapped = is_mapped;
        self.connection.pragma_update(None, "mmap_size", if is_mapped { MAP_SIZE } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::{QUIET, Reader};

    #[test]
    fn maps_the_file_while_nobody_writes() {
        let mut reader = Reader::open(Path::new(":memory:"), Duration::ZERO).expect("opens");
        let mut read = |times: u32, commits: u64| {
            for _ in 0..times {
                reader.connection(commits).expect("reads");
            }
            reader.is_mapped
        };
        assert!(!read(QUIET - 1, 0));
        assert!(read(1, 0));
        assert!(read(1, 1), "a commit after a long silence");
        assert!(!read(1, 2), "a commit soon after another");
        assert!(!read(QUIET - 1, 3));
        assert!(read(2, 3));
    }
}
