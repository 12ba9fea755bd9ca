//! Every read and write of the database. SQL, drivers and dialects end here; nothing above names them.
//!
//! Reads are methods of [`Store`]. Writes are methods of [`Tx`], a list of statements that [`Store::commit`] runs
//! together or not at all. Each aggregate has one file, which begins with its statements.

mod codes;
mod continuity;
mod courier;
mod credentials;
mod dsn;
mod error;
mod errors;
mod flows;
mod identities;
mod migrate;
mod networks;
mod postgres;
mod sessions;
mod sign_codes;
mod sqlite;
mod statement;
mod tx;
mod value;

pub use codes::{ProofKind, RecoveryProof, VerificationProof};
pub use continuity::ContinuityContainer;
pub use courier::{ClaimTimes, CourierMessage, Dispatch, MessageFilter, MessagePosition, MessageStatus, QueuedMessage};
pub use dsn::{Dsn, DsnError};
pub use error::{CommitError, StoreError};
pub use errors::StoredError;
pub use flows::FlowTable;
pub use identities::{FoundCredential, IdentityFilter, IdentityList, IdentityPage};
pub use migrate::{MigrateError, Migration};
pub use postgres::{PostgresOptions, TlsCheck};
pub use sessions::{
    EndedSession, Extension, SecondFactors, SessionFilter, SessionLookup, SessionPosition, TokenExchange,
};
pub use sign_codes::{CodeTable, SentCode};
pub use sqlite::SqliteOptions;
pub use statement::{Dialect, Statement};
pub use tx::Tx;
pub use value::to_microseconds;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::{CredentialType, Uuid};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

use postgres::Postgres;
use sqlite::Sqlite;
use value::{Row, Value};

/// A database. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    driver: Driver,
    network: OnceCell<Network>,
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

/// Every statement that is not put together at run time: tests prepare each on every backend.
pub fn statements() -> impl Iterator<Item = &'static Statement> {
    let tables = [
        continuity::STATEMENTS,
        courier::STATEMENTS,
        courier::QUEUE,
        credentials::STATEMENTS,
        errors::STATEMENTS,
        identities::STATEMENTS,
        identities::WRITES,
        networks::STATEMENTS,
        sessions::STATEMENTS,
    ];
    tables
        .into_iter()
        .flatten()
        .copied()
        .chain(codes::statements())
        .chain(sign_codes::statements())
        .chain(flows::statements())
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
        Ok(Self(Arc::new(Inner { driver, network: OnceCell::new(), statements_run: AtomicU64::new(0) })))
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
        self.count(tx.operations.len());
        match &self.0.driver {
            Driver::Sqlite(sqlite) => sqlite.commit(nid, tx).await,
            Driver::Postgres(postgres) => postgres.commit(nid, tx).await,
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        static PING: Statement = Statement::of_no_network("ping", "SELECT 1");
        self.fetch_without_network(&PING, &[]).await.map(drop)
    }

    /// The network of this process and the numbering of credential types, looked up once.
    pub(crate) async fn network(&self) -> Result<&Network, StoreError> {
        match self.0.network.get() {
            Some(network) => Ok(network),
            // Boxed, since it happens once, and every read would have room for it.
            None => Box::pin(self.0.network.get_or_try_init(|| networks::load(self))).await,
        }
    }

    /// The id of a credential type in this database.
    pub(crate) async fn credential_type_id(&self, kind: CredentialType) -> Result<Uuid, StoreError> {
        let types = &self.network().await?.credential_types;
        let found = types.iter().find(|(name, _)| *name == kind).map(|(_, id)| *id);
        found.ok_or_else(|| StoreError::Corrupt(format!("there is no credential type {}", kind.as_str())))
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
            Driver::Postgres(postgres) => {
                postgres.fetch_text(&statement::number_parameters(text), Some(&nid), parameters).await
            }
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
        self.count(tx.operations.len());
        match &self.0.driver {
            Driver::Sqlite(sqlite) => sqlite.commit(None, tx).await.map(drop),
            Driver::Postgres(postgres) => postgres.commit(None, tx).await.map(drop),
        }
    }
}
