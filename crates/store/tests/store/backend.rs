//! Databases to test with: a SQLite file always, and a database of a PostgreSQL server when `ZELUS_TEST_POSTGRES` holds
//! the URL of one on which databases may be made.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use model::{Timestamp, Uuid};
use store::{Dialect, Dsn, Store};
use tempfile::TempDir;
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// The network of every migrated test database.
pub const NETWORK: Uuid = Uuid::from_u128(7);

/// A time with a fraction that both dialects keep whole.
pub fn now() -> Timestamp {
    "2026-11-21T07:44:37.77Z".parse().expect("a time")
}

/// A database of one test, removed with the value.
pub struct Backend {
    pub store: Store,
    pub dsn: String,
    place: Place,
}

enum Place {
    Sqlite { file: PathBuf, _folder: TempDir },
    Postgres { server: String, name: String },
}

/// An empty database of each kind.
pub async fn empty() -> Vec<Backend> {
    let mut backends = vec![sqlite().await];
    if let Some(server) = postgres_server() {
        backends.push(postgres(server).await);
    }
    backends
}

/// A migrated database of each kind.
pub async fn migrated() -> Vec<Backend> {
    let backends = empty().await;
    for backend in &backends {
        backend.store.migrate_up(NETWORK, now(), &mut |_| {}).await.expect("migrates");
    }
    backends
}

/// The URL of the PostgreSQL server, or a line that says why half of a test is left out.
#[expect(clippy::disallowed_methods, reason = "where the server is differs from machine to machine")]
#[expect(clippy::print_stderr, reason = "whoever runs the tests has to know what was not tested")]
pub fn postgres_server() -> Option<String> {
    let server = std::env::var("ZELUS_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    if server.is_none() {
        eprintln!("ZELUS_TEST_POSTGRES is not set: tested with SQLite only");
    }
    server
}

/// An empty SQLite database.
pub async fn sqlite() -> Backend {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("zelus.sqlite");
    let dsn = format!("sqlite://{}", file.display());
    Backend { store: open(&dsn).await, dsn, place: Place::Sqlite { file, _folder: folder } }
}

/// An empty PostgreSQL database.
pub async fn postgres(server: String) -> Backend {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("zelus_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    postgres_texts(&server, &format!("CREATE DATABASE {name}")).await;
    let dsn = format!("{}?max_conns=4", with_database(&server, &name));
    Backend { store: open(&dsn).await, dsn, place: Place::Postgres { server, name } }
}

pub async fn open(dsn: &str) -> Store {
    Store::open(&Dsn::parse(dsn).expect("a DSN")).await.expect("opens")
}

impl Backend {
    /// Another store on the same database, as another process would have.
    pub async fn reopen(&self) -> Store {
        open(&self.dsn).await
    }

    /// Runs SQL without Zelus, and gives back the first column of its last answer as text.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        match &self.place {
            Place::Sqlite { file, .. } => {
                let connection = rusqlite::Connection::open(file).expect("opens");
                let mut statement = connection.prepare(sql).expect("prepares");
                let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("runs");
                rows.collect::<Result<_, _>>().expect("rows of text")
            }
            Place::Postgres { server, name } => postgres_texts(&with_database(server, name), sql).await,
        }
    }

    /// Runs SQL without Zelus. Foreign keys are not checked.
    pub async fn run(&self, sql: &str) {
        match &self.place {
            Place::Sqlite { file, .. } => {
                let connection = rusqlite::Connection::open(file).expect("opens");
                connection.pragma_update(None, "foreign_keys", false).expect("is set");
                connection.execute_batch(sql).expect(sql);
            }
            Place::Postgres { server, name } => drop(postgres_texts(&with_database(server, name), sql).await),
        }
    }

    /// The SQLite file.
    pub fn file(&self) -> &std::path::Path {
        match &self.place {
            Place::Sqlite { file, .. } => file,
            Place::Postgres { .. } => panic!("no file"),
        }
    }

    /// What differs between the dialects.
    pub fn pick<T>(&self, sqlite: T, postgres: T) -> T {
        match self.store.dialect() {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let Place::Postgres { server, name } = &self.place else { return };
        let (server, name) = (server.clone(), name.clone());
        let remove = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(postgres_texts(&server, &format!("DROP DATABASE {name} WITH (FORCE)")));
        };
        // The test's own runtime is busy with this very call.
        std::thread::spawn(remove).join().expect("the database is removed");
    }
}

fn with_database(server: &str, name: &str) -> String {
    let (base, _) = server.split_once('?').unwrap_or((server, ""));
    let scheme = base.find("://").map_or(0, |at| at + 3);
    let host = base[scheme..].find('/').map_or(base, |at| &base[..scheme + at]);
    format!("{host}/{name}")
}

async fn postgres_texts(url: &str, sql: &str) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connects");
    let answer = tokio::select! {
        answer = client.simple_query(sql) => answer.expect(sql),
        ended = connection => panic!("the connection ended: {ended:?}"),
    };
    let text = |message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    };
    answer.into_iter().filter_map(text).collect()
}
