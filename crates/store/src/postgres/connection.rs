//! Connections that keep themselves alive.
//!
//! A [`Slot`] stands for one connection. A task of its own dials, drives the connection while it lives, and dials
//! again, with growing pauses, when it is lost; so a server may go away and come back without anyone noticing more
//! than errors in between. While the server is known to be away, callers are refused at once.
//!
//! Pools such as `deadpool-postgres` lend a connection to one caller at a time; here many follow one another on one.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::Client;

use super::error::{describe, is_refusal};
use super::options::PostgresOptions;
use super::tls::Tls;
use crate::error::StoreError;
use crate::statement::{Dialect, Statement};

/// The pauses between attempts to connect double from the first to the last of these.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(2);
/// How long a connection that has served its time may still finish what it is doing.
const RETIREMENT: Duration = Duration::from_secs(60);

/// Added to a statement's time limit, which the server keeps, before the connection itself is given up.
const GRACE: Duration = Duration::from_secs(2);
/// How often a connection is looked at for that.
const LOOK: Duration = Duration::from_secs(1);

/// One live connection and the statements prepared on it.
pub(super) struct Connection {
    pub client: Client,
    prepared: Mutex<HashMap<&'static str, tokio_postgres::Statement>>,
    /// How much work was begun, and how much of that has ended.
    begun: AtomicU64,
    ended: AtomicU64,
    is_condemned: AtomicBool,
    condemned: Notify,
}

/// Work under way on a connection, for as long as the value lives.
pub(super) struct Work<'a>(&'a Connection);

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Connection {
    fn new(client: Client) -> Self {
        Self {
            client,
            prepared: Mutex::default(),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            is_condemned: AtomicBool::new(false),
            condemned: Notify::new(),
        }
    }

    /// Says that answers are waited for. When none comes for too long, the connection is given up.
    pub(super) fn begin_work(&self) -> Work<'_> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Work(self)
    }

    /// Returns when work has been under way for `limit` without any of it ending. It is looked at from time to time, so
    /// that no statement has to set a timer.
    async fn falls_silent(&self, limit: Duration) {
        let (mut seen, mut since) = (0, Instant::now());
        loop {
            sleep(LOOK).await;
            // In this order, what ends in between counts as under way until the next look.
            let ended = self.ended.load(Ordering::Relaxed);
            let is_idle = self.begun.load(Ordering::Relaxed) == ended;
            if is_idle || ended != seen {
                (seen, since) = (ended, Instant::now());
            } else if since.elapsed() >= limit {
                return;
            }
        }
    }

    /// Prepares a statement, or finds it prepared.
    pub(super) async fn prepare(
        &self,
        statement: &'static Statement,
    ) -> Result<tokio_postgres::Statement, tokio_postgres::Error> {
        if let Some(prepared) = self.prepared().get(statement.name) {
            return Ok(prepared.clone());
        }
        let prepared = self.client.prepare(statement.text(Dialect::Postgres)).await?;
        self.prepared().insert(statement.name, prepared.clone());
        Ok(prepared)
    }

    /// Forgets what is prepared, after the tables changed or a connection pooler in between lost it.
    pub(super) fn forget_prepared(&self) {
        self.prepared().clear();
    }

    /// Closes the connection whatever it is doing; the server rolls back what was not committed. From now on nobody is
    /// given it, even before it is closed.
    pub(super) fn condemn(&self) {
        self.is_condemned.store(true, Ordering::Release);
        self.condemned.notify_one();
    }

    fn is_usable(&self) -> bool {
        !self.is_condemned.load(Ordering::Acquire) && !self.client.is_closed()
    }

    fn prepared(&self) -> MutexGuard<'_, HashMap<&'static str, tokio_postgres::Statement>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of a slot.
enum Link {
    /// Nothing is known yet, or the connection was lost a moment ago.
    Connecting,
    Up(Arc<Connection>),
    /// The last attempt to connect failed.
    Down(Setback),
}

/// Why an attempt to connect failed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Setback {
    reason: String,
    /// Whether the server turned us away, and will until somebody mends it.
    is_refusal: bool,
}

impl From<Setback> for StoreError {
    fn from(setback: Setback) -> Self {
        if setback.is_refusal { Self::Refused(setback.reason) } else { Self::Unavailable(setback.reason) }
    }
}

/// The place of one connection.
pub(super) struct Slot {
    link: watch::Receiver<Link>,
    /// The runtime that drives the connection.
    home: runtime::Id,
}

impl Slot {
    /// Starts the task that keeps the connection, on the runtime `home`; it ends with `tasks`.
    pub(super) fn keep(
        tasks: &mut JoinSet<()>,
        home: &Handle,
        dialer: Arc<Dialer>,
        lifetime: Option<Duration>,
    ) -> Self {
        let (sender, link) = watch::channel(Link::Connecting);
        tasks.spawn_on(keep(dialer, sender, lifetime), home);
        Self { link, home: home.id() }
    }

    /// Whether a runtime drives the connection: for callers on that, an answer wakes no other thread.
    pub(super) fn is_driven_by(&self, runtime: runtime::Id) -> bool {
        self.home == runtime
    }

    /// The connection, if it is up.
    pub(super) fn live(&self) -> Option<Arc<Connection>> {
        match &*self.link.borrow() {
            Link::Up(connection) if connection.is_usable() => Some(Arc::clone(connection)),
            _ => None,
        }
    }

    /// The connection; waits up to `patience` while it is being made.
    pub(super) async fn connection(&self, patience: Duration) -> Result<Arc<Connection>, StoreError> {
        let mut link = self.link.clone();
        let settled = |link: &Link| match link {
            Link::Connecting => false,
            Link::Up(connection) => connection.is_usable(),
            Link::Down(_) => true,
        };
        match timeout(patience, link.wait_for(settled)).await {
            Ok(Ok(link)) => match &*link {
                Link::Up(connection) => Ok(Arc::clone(connection)),
                Link::Down(setback) => Err(setback.clone().into()),
                Link::Connecting => Err(StoreError::Unavailable("the server is being connected to".to_owned())),
            },
            _ => Err(StoreError::Unavailable("the server has not answered yet".to_owned())),
        }
    }
}

/// Drives a connection; ends when it is lost or no longer needed.
type Driver = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>;

/// Makes connections.
pub(super) struct Dialer {
    config: tokio_postgres::Config,
    tls: Tls,
    setup: String,
    patience: Duration,
    /// How long a connection may leave everything unanswered.
    silence: Duration,
}

impl Dialer {
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, StoreError> {
        // Columns have no time zone and mean UTC, also where the server fills in the current time.
        let setup = format!(
            "SET timezone = 'UTC'; SET statement_timeout = {limit}; SET idle_in_transaction_session_timeout = {limit}",
            limit = options.statement_timeout.as_millis()
        );
        let tls = Tls::new(&options.tls).map_err(StoreError::Unavailable)?;
        let silence = options.statement_timeout + GRACE;
        Ok(Self { config: options.config.clone(), tls, setup, patience: options.connect_timeout, silence })
    }

    /// Connects and makes the session ready.
    pub(super) async fn dial(&self) -> Result<(Client, Driver), Setback> {
        let dial = async {
            let (client, connection) = self.config.connect(self.tls.clone()).await?;
            let mut driver: Driver = Box::pin(connection);
            tokio::select! {
                ready = client.batch_execute(&self.setup) => ready?,
                ended = &mut driver => ended?,
            }
            Ok((client, driver))
        };
        match timeout(self.patience, dial).await {
            Ok(dialled) => {
                dialled.map_err(|error| Setback { reason: describe(&error), is_refusal: is_refusal(&error) })
            }
            Err(_) => Err(Setback { reason: "the server does not answer".to_owned(), is_refusal: false }),
        }
    }
}

async fn keep(dialer: Arc<Dialer>, link: watch::Sender<Link>, lifetime: Option<Duration>) {
    let mut retiring = JoinSet::new();
    let mut pause = FIRST_PAUSE;
    loop {
        let (client, driver) = match dialer.dial().await {
            Ok(dialled) => dialled,
            Err(setback) => {
                if !matches!(&*link.borrow(), Link::Down(known) if *known == setback) {
                    tracing::warn!(setback.reason, "The database server cannot be reached.");
                }
                link.send_replace(Link::Down(setback));
                sleep(pause).await;
                pause = (pause * 2).min(LAST_PAUSE);
                continue;
            }
        };
        pause = FIRST_PAUSE;
        // A task of its own, so that nothing else is looked at for each statement.
        let mut driving = JoinSet::new();
        driving.spawn(driver);
        let connection = Arc::new(Connection::new(client));
        link.send_replace(Link::Up(Arc::clone(&connection)));
        let expiry = async {
            match lifetime {
                Some(lifetime) => sleep(lifetime).await,
                None => std::future::pending().await,
            }
        };
        let retired = tokio::select! {
            ended = driving.join_next() => {
                if let Some(Ok(Err(error))) = ended {
                    tracing::warn!(reason = describe(&error), "A connection to the database server was lost.");
                }
                false
            }
            () = connection.condemned.notified() => false,
            () = connection.falls_silent(dialer.silence) => {
                tracing::warn!("The database server does not answer; the connection is given up.");
                false
            }
            () = expiry => true,
        };
        link.send_replace(Link::Connecting);
        if retired {
            // It ends by itself as soon as the last caller lets go of it.
            retiring.spawn(async move { timeout(RETIREMENT, driving.join_next()).await.map(drop) });
        }
        while retiring.try_join_next().is_some() {}
    }
}
