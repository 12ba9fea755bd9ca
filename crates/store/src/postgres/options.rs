//! What the driver is told.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::tls::TlsCheck;

/// Where a PostgreSQL database is, and every size and time limit of the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresOptions {
    /// Hosts, user, password, database and settings of the session.
    pub(crate) config: tokio_postgres::Config,
    /// What is checked of the server's certificate.
    pub tls: TlsCheck,
    /// Connections in all (`max_conns`), at least two. One for each runtime, at most half, is shared by reads; each of the
    /// others runs one transaction at a time. By default twice the number of processors, and at least eight.
    pub max_connections: usize,
    /// How long a connection is used (`max_conn_lifetime`); for ever when `None`.
    pub max_lifetime: Option<Duration>,
    /// How long one attempt to connect may take.
    pub connect_timeout: Duration,
    /// How long a call waits for a free connection, or for one that is being made.
    pub wait_timeout: Duration,
    /// How long a statement may run, and how long a transaction may stand idle.
    pub statement_timeout: Duration,
}

impl PostgresOptions {
    /// The user and the password that the server is told.
    pub fn account(&self) -> (Option<&str>, Option<&[u8]>) {
        (self.config.get_user(), self.config.get_password())
    }

    pub(crate) fn new(
        mut config: tokio_postgres::Config,
        tls: TlsCheck,
        max_connections: Option<usize>,
        max_lifetime: Option<Duration>,
    ) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let connect_timeout = config.get_connect_timeout().copied().unwrap_or(Duration::from_secs(5));
        // A host that has vanished must not hold up its successor.
        config.connect_timeout(connect_timeout.div_f64(config.get_hosts().len().max(1) as f64));
        Self {
            config,
            tls,
            max_connections: max_connections.unwrap_or((2 * processors).max(8)).max(2),
            max_lifetime,
            connect_timeout,
            wait_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(30),
        }
    }
}
