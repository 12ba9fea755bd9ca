//! The database as the crate's users have it: one of two drivers, and what every statement passes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use model::{CredentialType, Uuid};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tracing::Instrument;

use crate::dsn::Dsn;
use crate::error::{CommitError, StoreError};
use crate::own_tables::OwnTable;
use crate::postgres::Postgres;
use crate::row::Row;
use crate::sqlite::Sqlite;
use crate::statement::{Dialect, Statement, number_parameters};
use crate::tx::Tx;
use crate::value::Value;

/// A database. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    driver: Driver,
    network: OnceCell<Network>,
    own_tables_seen: Mutex<Vec<OwnTable>>,
    statements_run: AtomicU64,
}

enum Driver {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// What has to be known of a database before its first statement: which network is ours, and how it numbers the
/// credential types (old installations differ).
pub(crate) struct Network {
    pub nid: Uuid,
    pub credential_types: Vec<(CredentialType, Uuid)>,
}

impl Store {
    /// Opens the database that `dsn` names. A PostgreSQL server need not be there yet; a SQLite file must be, unless
    /// the DSN says `mode=rwc`.
    ///
    /// # Errors
    /// When a SQLite file cannot be opened.
    pub async fn open(dsn: &Dsn) -> Result<Self, StoreError> {
        Self::open_on(dsn, &[Handle::current()]).await
    }

    /// As [`Store::open`], for callers on several `runtimes`, of which there is at least one. Connections to PostgreSQL
    /// are driven by these in turn, and each caller prefers those of its own.
    ///
    /// # Errors
    /// When a SQLite file cannot be opened.
    pub async fn open_on(dsn: &Dsn, runtimes: &[Handle]) -> Result<Self, StoreError> {
        let driver = match dsn {
            Dsn::Sqlite(options) => {
                // Nobody waits for one: those who serve connections are as many as there are processors, and so are
                // those who do everything else.
                let readers = 2 * std::thread::available_parallelism().map_or(2, usize::from) + 1;
                Driver::Sqlite(Sqlite::open(options, readers)?)
            }
            Dsn::Postgres(options) => Driver::Postgres(Postgres::open(options, runtimes).await?),
        };
        Ok(Self(Arc::new(Inner {
            driver,
            network: OnceCell::new(),
            own_tables_seen: Mutex::default(),
            statements_run: AtomicU64::new(0),
        })))
    }

    /// The dialect that the database speaks.
    pub fn dialect(&self) -> Dialect {
        match self.0.driver {
            Driver::Sqlite(_) => Dialect::Sqlite,
            Driver::Postgres(_) => Dialect::Postgres,
        }
    }

    /// How many statements this store has run so far. Beginnings and ends of transactions, and runs after a serialization
    /// failure, are not counted.
    pub fn statements_run(&self) -> u64 {
        self.0.statements_run.load(Ordering::Relaxed)
    }

    /// How many connections transactions and long reads may have at once, and how many of these are in use. `None` for
    /// SQLite, which has none.
    pub fn connections(&self) -> Option<(usize, usize)> {
        match &self.0.driver {
            Driver::Sqlite(_) => None,
            Driver::Postgres(postgres) => Some(postgres.connections()),
        }
    }

    /// Where the network is kept once it has been looked up.
    pub(crate) fn network_once(&self) -> &OnceCell<Network> {
        &self.0.network
    }

    /// The tables of ours that were there when they were looked for.
    pub(crate) fn own_tables_seen(&self) -> &Mutex<Vec<OwnTable>> {
        &self.0.own_tables_seen
    }

    fn count(&self, statements: usize) {
        self.0.statements_run.fetch_add(statements as u64, Ordering::Relaxed);
    }

    /// Writes a transaction. Nothing of it is written when this fails.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn commit(&self, tx: Tx) -> Result<(), CommitError> {
        if tx.is_empty() {
            return Ok(());
        }
        self.commit_rows(tx).await.map(drop)
    }

    /// As [`Store::commit`], giving back what `RETURNING` clauses returned, statement by statement.
    pub(crate) async fn commit_rows(&self, tx: Tx) -> Result<Vec<Vec<Row>>, CommitError> {
        let nid = Some(Value::Uuid(self.network().await?.nid));
        self.commit_on_driver(nid, tx).await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        static PING: Statement = Statement::of_no_network("ping", "SELECT 1");
        self.fetch_without_network(&PING, &[]).await.map(drop)
    }

    /// Runs a read.
    pub(crate) async fn fetch(
        &self,
        statement: &'static Statement,
        parameters: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let nid = Value::Uuid(self.network().await?.nid);
        self.count(1);
        match &self.0.driver {
            Driver::Sqlite(sqlite) => sqlite.fetch(statement, Some(&nid), parameters),
            // Boxed, since it is large, and what holds it is moved several times.
            Driver::Postgres(postgres) => Box::pin(postgres.fetch(statement, Some(&nid), parameters)).await,
        }
    }

    /// Runs a read that may take long. On PostgreSQL, nothing that is quick waits behind it.
    pub(crate) async fn fetch_apart(
        &self,
        statement: &'static Statement,
        parameters: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let Driver::Postgres(postgres) = &self.0.driver else { return self.fetch(statement, parameters).await };
        let nid = Value::Uuid(self.network().await?.nid);
        self.count(1);
        postgres.fetch_apart(statement, Some(&nid), parameters).await
    }

    /// Runs a read that gives one row or none.
    pub(crate) async fn fetch_one(
        &self,
        statement: &'static Statement,
        parameters: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(statement, parameters).await?.into_iter().next())
    }

    /// Runs a read put together at run time, written like a [`Statement`]: `?1` is the network.
    pub(crate) async fn fetch_text(&self, text: &str, parameters: &[Value]) -> Result<Vec<Row>, StoreError> {
        let nid = Value::Uuid(self.network().await?.nid);
        self.count(1);
        match &self.0.driver {
            Driver::Sqlite(sqlite) => sqlite.fetch_text(text, Some(&nid), parameters),
            Driver::Postgres(postgres) => postgres.fetch_text(&number_parameters(text), Some(&nid), parameters).await,
        }
    }

    pub(crate) async fn fetch_without_network(
        &self,
        statement: &'static Statement,
        parameters: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        self.count(1);
        match &self.0.driver {
            Driver::Sqlite(sqlite) => sqlite.fetch(statement, None, parameters),
            Driver::Postgres(postgres) => postgres.fetch(statement, None, parameters).await,
        }
    }

    pub(crate) async fn commit_without_network(&self, tx: Tx) -> Result<(), CommitError> {
        self.commit_on_driver(None, tx).await.map(drop)
    }

    /// Commits in a span, which is made where debug lines are logged alone.
    async fn commit_on_driver(&self, nid: Option<Value>, tx: Tx) -> Result<Vec<Vec<Row>>, CommitError> {
        let statements = tx.operations.len();
        self.count(statements);
        let span = tracing::debug_span!("commit", db.dialect = ?self.dialect(), db.statements = statements);
        match &self.0.driver {
            Driver::Sqlite(sqlite) => sqlite.commit(nid, tx).instrument(span).await,
            Driver::Postgres(postgres) => postgres.commit(nid, tx).instrument(span).await,
        }
    }

    /// Runs a script of several statements, such as a migration. It begins and ends its transactions itself.
    pub(crate) async fn run_script(&self, script: String) -> Result<(), StoreError> {
        match &self.0.driver {
            Driver::Sqlite(sqlite) => sqlite.run_script(script).await,
            Driver::Postgres(postgres) => postgres.run_script(&script).await,
        }
    }
}
