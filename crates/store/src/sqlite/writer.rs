//! The one thread that writes.
//!
//! Transactions are always begun as `IMMEDIATE` by one writer, so that none ever finds the database locked by another
//! of ours. Those that wait while one is being written join it and share its commit, and so its sync to disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::query;
use super::error::{commit_error, store_error};
use crate::error::{CommitError, StoreError};
use crate::row::Row;
use crate::statement::Dialect;
use crate::tx::Tx;
use crate::value::Value;

/// How many transactions may wait; beyond that callers are told to try again.
const QUEUE: usize = 4096;
/// How many transactions share one commit at most.
const GROUP: usize = 256;
/// How long nobody must have written before the write-ahead log is moved to the database file.
const PAUSE: Duration = Duration::from_millis(100);
/// How long another process that begins to write may have to wait before it can move the log to the database file.
const HOLD: Duration = Duration::from_secs(1);

pub(super) struct Writer {
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    /// How many commits there were.
    commits: Arc<AtomicU64>,
}

type Answer = Result<Vec<Vec<Row>>, CommitError>;

enum Job {
    Commit { nid: Option<Value>, tx: Tx, answer: oneshot::Sender<Answer> },
    Script { script: String, answer: oneshot::Sender<Result<(), StoreError>> },
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (queue, jobs) = sync_channel(QUEUE);
        let commits = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&commits);
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || write(&connection, &jobs, &count))
            .map_err(|error| StoreError::Unavailable(format!("no thread for writing: {error}")))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), commits })
    }

    pub(super) async fn commit(&self, nid: Option<Value>, tx: Tx) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Job::Commit { nid, tx, answer })?;
        answered.await.map_err(|_| stopped())?
    }

    pub(super) async fn run_script(&self, script: String) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Job::Script { script, answer })?;
        answered.await.map_err(|_| stopped())?
    }

    /// How many commits there were so far.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        self.queue.as_ref().ok_or_else(stopped)?.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Unavailable("too many writes are waiting".to_owned()),
            TrySendError::Disconnected(_) => stopped(),
        })
    }
}

impl Drop for Writer {
    /// Waits until everything that was accepted is written.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the writer has been reported by its own thread.
            let _ = thread.join();
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer has stopped".to_owned())
}

fn write(connection: &Connection, jobs: &Receiver<Job>, commits: &AtomicU64) {
    let mut version = data_version(connection);
    loop {
        let is_holding = !connection.is_autocommit();
        let job = jobs.recv_timeout(if is_holding { HOLD } else { PAUSE });
        if is_holding && let Err(error) = connection.execute_batch("COMMIT") {
            tracing::error!(%error, "A read could not be ended.");
        }
        match job {
            Ok(Job::Script { script, answer }) => {
                let _ = answer.send(run_script(connection, &script));
            }
            Ok(job @ Job::Commit { .. }) => write_group(connection, jobs, job),
            Err(RecvTimeoutError::Timeout) => {
                let before = std::mem::replace(&mut version, data_version(connection));
                if version == before {
                    checkpoint(connection);
                    hold_read_lock(connection);
                }
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
        commits.fetch_add(1, Ordering::Relaxed);
    }
}

/// A number that is another one whenever somebody else has written.
fn data_version(connection: &Connection) -> Option<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0)).ok()
}

/// Moves what is in the write-ahead log to the database file. Readers that find the log empty need not search it for each
/// page, and may read the file as it is mapped.
fn checkpoint(connection: &Connection) {
    // `PASSIVE` waits for nobody: what a reader still needs stays in the log until the next time.
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::debug!(%error, "The write-ahead log could not be moved to the database file yet.");
    }
}

/// Holds the lock that every read takes, until the next write here, or until others are found to write.
///
/// SQLite counts the holders of a lock within a process, and asks the operating system only for the first and the last. That
/// call is made under a mutex which all connections share, so that reads which come and go keep each other waiting; with
/// one that stays, they do not. What others write meanwhile is seen at once, since each read still looks at the log.
fn hold_read_lock(connection: &Connection) {
    let hold = || {
        connection.execute_batch("BEGIN")?;
        connection.query_row("SELECT count(*) FROM sqlite_schema WHERE rowid = 1", [], |_| Ok(()))
    };
    if let Err(error) = hold() {
        tracing::debug!(%error, "The lock for reading could not be held.");
    }
}

fn run_script(connection: &Connection, script: &str) -> Result<(), StoreError> {
    let outcome = connection.execute_batch(script).map_err(store_error);
    // A script that fails half-way leaves its transaction open.
    if outcome.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(store_error)?;
    }
    outcome
}

/// Writes `first` and whatever is waiting behind it, and commits all of it together.
fn write_group(connection: &Connection, jobs: &Receiver<Job>, first: Job) {
    let mut written: Vec<(oneshot::Sender<Answer>, Vec<Vec<Row>>)> = Vec::new();
    let mut script = None;
    let mut next = Some(first);
    while let Some(job) = next.take() {
        match job {
            Job::Script { .. } => {
                script = Some(job);
                break;
            }
            Job::Commit { nid, tx, answer } => match write_one(connection, written.is_empty(), nid.as_ref(), &tx) {
                Ok(rows) => written.push((answer, rows)),
                Err(error) => {
                    let locked = matches!(error, CommitError::Store(StoreError::Unavailable(_)));
                    let _ = answer.send(Err(error));
                    if locked && written.is_empty() {
                        // Whoever waits behind would wait for the same lock all over again.
                        refuse_waiting(jobs);
                    }
                }
            },
        }
        if written.len() < GROUP {
            next = jobs.try_recv().ok();
        }
    }
    if !written.is_empty() {
        finish(connection, written);
    }
    if let Some(Job::Script { script, answer }) = script {
        let _ = answer.send(run_script(connection, &script));
    }
}

/// Runs the statements of one transaction: as the outer transaction when it is the first, else within a savepoint.
fn write_one(connection: &Connection, first: bool, nid: Option<&Value>, tx: &Tx) -> Answer {
    let (begin, undo) = match first {
        true => ("BEGIN IMMEDIATE", "ROLLBACK"),
        false => ("SAVEPOINT one", "ROLLBACK TO one; RELEASE one"),
    };
    let run = |text| connection.execute_batch(text).map_err(commit_error);
    run(begin)?;
    let outcome = run_statements(connection, nid, tx)
        .and_then(|rows| if first { Ok(rows) } else { run("RELEASE one").map(|()| rows) });
    if outcome.is_err() && !connection.is_autocommit() {
        run(undo)?;
    }
    outcome
}

fn run_statements(connection: &Connection, nid: Option<&Value>, tx: &Tx) -> Answer {
    let mut answers = Vec::with_capacity(tx.operations.len());
    for operation in &tx.operations {
        let nid = nid.filter(|_| operation.statement.of_network);
        let text = operation.statement.text(Dialect::Sqlite);
        let mut statement = connection.prepare_cached(text).map_err(commit_error)?;
        let (changed, rows) = if statement.column_count() > 0 {
            let rows = query(&mut statement, nid, &operation.parameters).map_err(commit_error)?;
            (rows.len(), rows)
        } else {
            let parameters = rusqlite::params_from_iter(nid.into_iter().chain(&operation.parameters));
            (statement.execute(parameters).map_err(commit_error)?, Vec::new())
        };
        operation.check(changed)?;
        answers.push(rows);
    }
    Ok(answers)
}

/// Commits the group and tells everyone in it; if the commit fails, it fails for all of them.
fn finish(connection: &Connection, written: Vec<(oneshot::Sender<Answer>, Vec<Vec<Row>>)>) {
    match connection.execute_batch("COMMIT") {
        Ok(()) => written.into_iter().for_each(|(answer, rows)| {
            let _ = answer.send(Ok(rows));
        }),
        Err(error) => {
            let error = store_error(error);
            if !connection.is_autocommit()
                && let Err(error) = connection.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "A transaction could be neither committed nor rolled back.");
            }
            for (answer, _) in written {
                let _ = answer.send(Err(CommitError::Store(StoreError::Unavailable(error.to_string()))));
            }
        }
    }
}

fn refuse_waiting(jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.try_recv() {
        let error = || StoreError::Unavailable("another process holds the lock on the database".to_owned());
        match job {
            Job::Commit { answer, .. } => drop(answer.send(Err(CommitError::Store(error())))),
            Job::Script { answer, .. } => drop(answer.send(Err(error()))),
        }
    }
}
