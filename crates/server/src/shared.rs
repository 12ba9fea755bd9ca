//! What outlives a reload.

use std::sync::Arc;

use config::{Config, MetricNames};
use crypto::{HashingPool, PoolLimits};
use mapper::Mapper;
use metrics::{Metrics, Names};
use model::{Clock, Cx, Entropy};
use store::{CommitError, Dsn, Store};
use tasks::Tasks;
use tokio::runtime::Handle;

/// How many more password hashes of a client may wait for each processor, a quarter of those of all; beyond that callers are
/// told to try again.
const HASHES_WAITING: usize = 64;

/// What is passed in to a server, and outlives a reload of its configuration. Clones share all of it.
#[derive(Clone)]
pub struct Shared {
    /// The database.
    pub store: Store,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where randomness comes from.
    pub entropy: Entropy,
    /// The budget for password hashes.
    pub hashing: HashingPool,
    /// Evaluates Jsonnet.
    pub mapper: Mapper,
    /// Work that goes on when a request has been answered.
    pub background: Tasks,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl Shared {
    /// Opens the database that the configuration names, for callers on these `runtimes`, of which there is at least one,
    /// and sets the budget for hashing: a hash at a time for each processor, within the memory that the configuration
    /// dedicates.
    ///
    /// # Errors
    /// When the DSN cannot be read, or a SQLite file cannot be opened. A PostgreSQL server need not be there yet.
    pub async fn open(config: &Config, runtimes: &[Handle], mapper: Mapper, cx: Cx) -> Result<Self, String> {
        let dsn = Dsn::parse(config.dsn.expose()).map_err(|error| error.to_string())?;
        let store = Store::open_on(&dsn, runtimes).await.map_err(|error| error.to_string())?;
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let memory_bytes = config.hashers.argon2.dedicated_memory;
        let hashing = HashingPool::new(PoolLimits { workers, memory_bytes, queue: HASHES_WAITING * workers });
        let Cx { clock, entropy } = cx;
        let (background, metrics) = (Tasks::default(), Self::metrics(config));
        Ok(Self { store, clock, entropy, hashing, mapper, background, metrics })
    }

    /// Metrics by the names that a configuration wants.
    pub fn metrics(config: &Config) -> Arc<Metrics> {
        Arc::new(Metrics::new(match config.zelus.metric_names {
            MetricNames::Zelus => Names::Zelus,
            MetricNames::Kratos => Names::Kratos,
        }))
    }

    /// Brings the tables up to date where that is expected of a server (in development, and in memory). Where it is not,
    /// what is missing is said by [`Running::announce`](crate::Running::announce).
    ///
    /// # Errors
    /// When the tables cannot be brought up to date.
    pub async fn prepare_database(&self, config: &Config) -> Result<(), String> {
        if config.dev || config.dsn.expose() == "memory" {
            let (id, now) = (self.entropy.uuid(), self.clock.now());
            let outcome = self.store.migrate_up(id, now, &mut |_| {}).await;
            return outcome.map_err(|error| error.to_string());
        }
        if matches!(self.store.has_pending_migrations().await, Ok(false))
            && let Err(error) = self.ensure_network().await
        {
            tracing::warn!(%error, "The database cannot be written yet.");
        }
        Ok(())
    }

    /// Makes the network that this process serves, if the database has none yet.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) async fn ensure_network(&self) -> Result<(), CommitError> {
        self.store.ensure_network(self.entropy.uuid(), self.clock.now()).await
    }
}
