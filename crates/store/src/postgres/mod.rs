//! PostgreSQL: reads share a few connections, on which they follow one another without waiting for answers; writes
//! take a connection of their own from a small pool, so that no read ever stands behind a lock or a disk.

mod connection;
mod error;
mod options;
mod pool;
mod tls;
mod value;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error};

use crate::error::{CommitError, StoreError};
use crate::row::Row;
use crate::statement::Statement;
use crate::tx::{Operation, Tx};
use crate::value::Value;
use connection::{Connection, Dialer, Slot};
use error::{commit_error, is_serialization_failure, is_stale_plan, store_error};
use pool::{Lease, Pool};

pub use options::PostgresOptions;
pub use tls::TlsCheck;
pub(crate) use value::{read_bool, read_bytes, read_int, read_text, read_time, read_uuid};

/// How often a transaction runs again after a serialization failure or a deadlock, and the first pause before it.
const RETRIES: u32 = 6;
const RETRY_PAUSE: Duration = Duration::from_millis(4);

/// A PostgreSQL database.
pub(crate) struct Postgres {
    shared: Vec<Slot>,
    next_shared: AtomicUsize,
    pool: Pool,
    dialer: Arc<Dialer>,
    wait_timeout: Duration,
    /// Keep the connections; they end with the value.
    _keepers: JoinSet<()>,
}

impl Postgres {
    /// Starts to connect. The server need not be there yet. Connections are driven by `runtimes`, in turn.
    ///
    /// # Errors
    /// When the certificates that the options name cannot be used.
    pub(crate) async fn open(options: &PostgresOptions, runtimes: &[Handle]) -> Result<Self, StoreError> {
        let dialer = Arc::new(Dialer::new(options)?);
        let mut keepers = JoinSet::new();
        let total = options.max_connections.max(2);
        let mut slots = (0..total).zip(runtimes.iter().cycle()).map(|(i, home)| {
            // Not all at once: their lifetimes are spread over a tenth.
            let lifetime = options.max_lifetime.map(|lifetime| lifetime.mul_f64(1.0 - 0.1 * i as f64 / total as f64));
            Slot::keep(&mut keepers, home, Arc::clone(&dialer), lifetime)
        });
        let shared: Vec<_> = slots.by_ref().take(runtimes.len().min(total / 2)).collect();
        let pool = Pool::new(slots.collect());
        Ok(Self {
            shared,
            next_shared: AtomicUsize::new(0),
            pool,
            dialer,
            wait_timeout: options.wait_timeout,
            _keepers: keepers,
        })
    }

    /// How many connections are for one caller at a time, and how many of them somebody has.
    pub(crate) fn connections(&self) -> (usize, usize) {
        self.pool.connections()
    }

    /// Runs a read on one of the shared connections.
    pub(crate) async fn fetch(
        &self,
        statement: &'static Statement,
        nid: Option<&Value>,
        parameters: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let connection = self.shared().await?;
        let nid = nid.filter(|_| statement.of_network);
        let parameters = bind(nid, parameters);
        let _work = connection.begin_work();
        let outcome = run_read(&connection, statement, &parameters).await;
        rows(&connection, outcome)
    }

    /// Runs a read that may take long, on a connection to itself, so that nobody stands behind it.
    pub(crate) async fn fetch_apart(
        &self,
        statement: &'static Statement,
        nid: Option<&Value>,
        parameters: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let mut lease = self.pool.lease(self.wait_timeout).await?;
        let parameters = bind(nid.filter(|_| statement.of_network), parameters);
        lease.clean = false;
        let _work = lease.connection.begin_work();
        let outcome = run_read(&lease.connection, statement, &parameters).await;
        lease.clean = true;
        rows(&lease.connection, outcome)
    }

    /// Runs a read put together at run time. It may take long, so it has a connection to itself.
    pub(crate) async fn fetch_text(
        &self,
        text: &str,
        nid: Option<&Value>,
        parameters: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let mut lease = self.pool.lease(self.wait_timeout).await?;
        let parameters = bind(nid, parameters);
        lease.clean = false;
        let _work = lease.connection.begin_work();
        let outcome = lease.connection.client.query(text, &parameters).await;
        lease.clean = true;
        rows(&lease.connection, outcome)
    }

    /// Commits a transaction; gives back the rows of each of its statements. It is sent in one go, followed by the
    /// commit once every statement changed what it had to; a single statement needs neither beginning nor end.
    pub(crate) async fn commit(&self, nid: Option<Value>, tx: Tx) -> Result<Vec<Vec<Row>>, CommitError> {
        let mut lease = self.pool.lease(self.wait_timeout).await?;
        let mut attempt = 0;
        loop {
            let failure = match self.try_commit(&mut lease, nid.as_ref(), &tx.operations).await {
                Ok(rows) => return Ok(rows),
                Err(failure) => failure,
            };
            let error = match failure {
                Failure::Error(error) => error,
                Failure::Commit(error) => return Err(error),
            };
            let again = is_serialization_failure(&error) || is_stale_plan(&error);
            if !again || attempt == RETRIES || !lease.clean {
                condemn_if_useless(&lease.connection, &error);
                return Err(commit_error(&error));
            }
            if is_stale_plan(&error) {
                lease.connection.forget_prepared();
            }
            sleep(RETRY_PAUSE * 2_u32.pow(attempt)).await;
            attempt += 1;
        }
    }

    /// Runs a script of several statements, such as a migration, on a connection of its own, which is closed after it.
    pub(crate) async fn run_script(&self, script: &str) -> Result<(), StoreError> {
        let (client, driver) = self.dialer.dial().await?;
        let outcome = tokio::select! {
            outcome = client.batch_execute(script) => outcome,
            ended = driver => ended,
        };
        outcome.map_err(|error| store_error(&error))
    }

    async fn try_commit(
        &self,
        lease: &mut Lease<'_>,
        nid: Option<&Value>,
        operations: &[Operation],
    ) -> Result<Vec<Vec<Row>>, Failure> {
        let connection = Arc::clone(&lease.connection);
        let _work = connection.begin_work();
        let mut prepared = Vec::with_capacity(operations.len());
        for operation in operations {
            prepared.push(connection.prepare(operation.statement).await?);
        }
        let parameters: Vec<_> = operations
            .iter()
            .map(|operation| bind(nid.filter(|_| operation.statement.of_network), &operation.parameters))
            .collect();
        let statements = prepared.iter().zip(&parameters).map(|(prepared, parameters)| {
            let run: Running<'_> = Box::pin(run(&connection.client, prepared, parameters));
            run
        });

        lease.clean = false;
        let alone = operations.len() == 1;
        let begin: Running<'_> = Box::pin(async {
            connection.client.batch_execute("BEGIN").await?;
            Ok((0, Vec::new()))
        });
        let all = (!alone).then_some(begin).into_iter().chain(statements).collect();
        let outcomes = in_order(all).await;
        // After the first error the others only say that the transaction has failed already.
        let outcome =
            outcomes.into_iter().collect::<Result<Vec<_>, Error>>().map_err(Failure::Error).and_then(|done| {
                let done = done.into_iter().skip(usize::from(!alone));
                done.zip(operations)
                    .map(|((changed, rows), operation)| expect_change(operation, changed, rows))
                    .collect()
            });
        if !alone {
            let end = if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" };
            match connection.client.batch_execute(end).await {
                // A rollback that fails leaves nothing behind but a useless connection.
                Err(error) if outcome.is_ok() => {
                    lease.clean = error.as_db_error().is_some();
                    return Err(error.into());
                }
                ended => lease.clean = ended.is_ok(),
            }
        } else {
            lease.clean = true;
        }
        outcome
    }

    /// One of the shared connections: that of the caller's runtime, or else in turn, preferring those that are up.
    async fn shared(&self) -> Result<Arc<Connection>, StoreError> {
        let here = Handle::current().id();
        if let Some(connection) = self.shared.iter().find(|slot| slot.is_driven_by(here)).and_then(Slot::live) {
            return Ok(connection);
        }
        let first = self.next_shared.fetch_add(1, Ordering::Relaxed);
        let nth = |i: usize| &self.shared[(first.wrapping_add(i)) % self.shared.len()];
        match (0..self.shared.len()).find_map(|i| nth(i).live()) {
            Some(connection) => Ok(connection),
            None => nth(0).connection(self.wait_timeout).await,
        }
    }
}

type Parameters<'a> = Vec<&'a (dyn ToSql + Sync)>;

fn bind<'a>(nid: Option<&'a Value>, parameters: &'a [Value]) -> Parameters<'a> {
    nid.into_iter().chain(parameters).map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// A statement under way: how many rows it changed or returned, and those it returned.
type Running<'a> = Pin<Box<dyn Future<Output = Result<(usize, Vec<tokio_postgres::Row>), Error>> + Send + 'a>>;

/// Runs a prepared read, and once more if what was prepared is out of date.
async fn run_read(
    connection: &Connection,
    statement: &'static Statement,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<tokio_postgres::Row>, Error> {
    let run = || async {
        let prepared = connection.prepare(statement).await?;
        connection.client.query(&prepared, parameters).await
    };
    match run().await {
        Err(error) if is_stale_plan(&error) => {
            connection.forget_prepared();
            run().await
        }
        outcome => outcome,
    }
}

async fn run(
    client: &Client,
    statement: &tokio_postgres::Statement,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<(usize, Vec<tokio_postgres::Row>), Error> {
    if statement.columns().is_empty() {
        let changed = client.execute(statement, parameters).await?;
        return Ok((usize::try_from(changed).unwrap_or(usize::MAX), Vec::new()));
    }
    let rows = client.query(statement, parameters).await?;
    Ok((rows.len(), rows))
}

/// Starts all in order, without waiting for one before starting the next, and waits for all. The driver sends a
/// statement when it is first polled, so that all of them leave together and arrive in order.
async fn in_order<T>(work: Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>) -> Vec<T> {
    let mut done: Vec<Option<T>> = work.iter().map(|_| None).collect();
    let mut work = work;
    std::future::poll_fn(|cx| {
        let mut waiting = false;
        for (work, done) in work.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            match work.as_mut().poll(cx) {
                Poll::Ready(value) => *done = Some(value),
                Poll::Pending => waiting = true,
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    done.into_iter().flatten().collect()
}

fn expect_change(operation: &Operation, changed: usize, rows: Vec<tokio_postgres::Row>) -> Result<Vec<Row>, Failure> {
    operation.check(changed).map_err(Failure::Commit)?;
    Ok(rows.into_iter().map(Row::Postgres).collect())
}

/// Why an attempt at a transaction failed.
enum Failure {
    Error(Error),
    Commit(CommitError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Commit(error.into())
    }
}

fn rows(connection: &Connection, outcome: Result<Vec<tokio_postgres::Row>, Error>) -> Result<Vec<Row>, StoreError> {
    outcome.map(|rows| rows.into_iter().map(Row::Postgres).collect()).map_err(|error| {
        condemn_if_useless(connection, &error);
        store_error(&error)
    })
}

/// After a fail-over the old server may still answer, but take no writes: look for the new one.
fn condemn_if_useless(connection: &Connection, error: &Error) {
    if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
        connection.condemn();
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Runtime;

    use super::*;
    use crate::Dsn;

    /// Nobody has to listen there.
    fn nowhere(max_connections: usize) -> PostgresOptions {
        let dsn = Dsn::parse(&format!("postgres://127.0.0.1:1/a?sslmode=disable&max_conns={max_connections}"));
        let Ok(Dsn::Postgres(options)) = dsn else { panic!("it is a DSN of PostgreSQL") };
        *options
    }

    #[test]
    fn each_runtime_has_connections_of_its_own() {
        let runtimes = [Runtime::new().expect("a runtime"), Runtime::new().expect("a runtime")];
        let handles = runtimes.each_ref().map(|runtime| runtime.handle().clone());
        let postgres = runtimes[0].block_on(Postgres::open(&nowhere(8), &handles)).expect("opens");
        for runtime in handles {
            let of_runtime = |slots: &[Slot]| slots.iter().filter(|slot| slot.is_driven_by(runtime.id())).count();
            assert_eq!((of_runtime(&postgres.shared), of_runtime(&postgres.pool.slots)), (1, 3));
        }
        assert_eq!((postgres.shared.len(), postgres.pool.slots.len()), (2, 6));
    }

    #[test]
    fn transactions_keep_half_of_the_connections() {
        let runtime = Runtime::new().expect("a runtime");
        let handles = vec![runtime.handle().clone(); 16];
        for (max_connections, reads) in [(2, 1), (6, 3), (20, 10), (40, 16)] {
            let postgres = runtime.block_on(Postgres::open(&nowhere(max_connections), &handles)).expect("opens");
            assert_eq!((postgres.shared.len(), postgres.pool.slots.len()), (reads, max_connections - reads));
        }
    }
}
