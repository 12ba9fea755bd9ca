//! Databases to test with: a SQLite file always, and a database of a PostgreSQL server when `ZELUS_TEST_POSTGRES` holds
//! the URL of one on which databases may be made.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use model::{Timestamp, Uuid};
use store::{Dialect, Dsn, Store};
use tempfile::TempDir;
use tokio_postgres::{NoTls, SimpleQueryMessage};

const NETWORK: Uuid = Uuid::from_u128(7);

/// The migrated database of one test, removed with the value.
pub struct Database {
    dsn: String,
    place: Place,
    /// For whatever a test keeps beside its database.
    folder: TempDir,
}

enum Place {
    Sqlite { file: PathBuf },
    Postgres { server: String, name: String },
}

impl Database {
    /// One of each kind.
    pub async fn each() -> Vec<Self> {
        let mut all = vec![Self::sqlite().await];
        all.extend(Self::postgres().await);
        all
    }

    /// A SQLite file.
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::sqlite_in(folder.path().to_owned(), folder).await
    }

    /// A SQLite file in a folder of the caller's choice, such as a small disk.
    pub async fn sqlite_in(place: PathBuf, folder: TempDir) -> Self {
        let file = place.join("zelus.sqlite");
        let dsn = format!("sqlite://{}?_busy_timeout=300", file.display());
        Self { dsn, place: Place::Sqlite { file }, folder }.migrated().await
    }

    /// A PostgreSQL database; `None`, and a line that says so, where there is no server.
    #[expect(clippy::disallowed_methods, reason = "where the server is differs from machine to machine")]
    #[expect(clippy::print_stderr, reason = "whoever runs the tests has to know what was not tested")]
    pub async fn postgres() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(server) = std::env::var("ZELUS_TEST_POSTGRES").ok().filter(|url| !url.is_empty()) else {
            eprintln!("ZELUS_TEST_POSTGRES is not set: tested with SQLite only");
            return None;
        };
        let name = format!("zelus_system_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        run_on_postgres(&server, &format!("CREATE DATABASE {name}")).await;
        let dsn = format!("{}?sslmode=disable&max_conns=6", with_database(&server, &name));
        let folder = tempfile::tempdir().expect("a folder");
        Some(Self { dsn, place: Place::Postgres { server, name }, folder }.migrated().await)
    }

    async fn migrated(self) -> Self {
        let now: Timestamp = "2026-11-21T07:44:37Z".parse().expect("a time");
        self.open().await.migrate_up(NETWORK, now, &mut |_| {}).await.expect("tables");
        self
    }

    /// A store of its own on this database, as another process would have.
    pub async fn open(&self) -> Store {
        Store::open(&Dsn::parse(&self.dsn).expect("a DSN")).await.expect("a database")
    }

    /// Where it is, as a configuration says it.
    pub fn dsn(&self) -> &str {
        &self.dsn
    }

    /// A folder that is removed with the database.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The dialect that it speaks.
    pub fn dialect(&self) -> Dialect {
        match self.place {
            Place::Sqlite { .. } => Dialect::Sqlite,
            Place::Postgres { .. } => Dialect::Postgres,
        }
    }

    /// What differs between the dialects.
    pub fn pick<T>(&self, sqlite: T, postgres: T) -> T {
        match self.dialect() {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        }
    }

    /// A connection to the SQLite file that is not the server's.
    pub fn connect(&self) -> rusqlite::Connection {
        let Place::Sqlite { file } = &self.place else { panic!("this is not SQLite") };
        rusqlite::Connection::open(file).expect("opens")
    }

    /// Runs SQL without the server, and gives back the first column of what it returns, as text.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        match &self.place {
            Place::Sqlite { .. } => {
                let connection = self.connect();
                let mut statement = connection.prepare(sql).expect(sql);
                let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect(sql);
                rows.collect::<Result<_, _>>().expect("rows of text")
            }
            Place::Postgres { server, name } => run_on_postgres(&with_database(server, name), sql).await,
        }
    }

    /// Runs SQL without the server.
    pub async fn run(&self, sql: &str) {
        match &self.place {
            Place::Sqlite { .. } => self.connect().execute_batch(sql).expect(sql),
            Place::Postgres { server, name } => drop(run_on_postgres(&with_database(server, name), sql).await),
        }
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> u64 {
        let count = self.texts(&format!("SELECT CAST(count(*) AS text) FROM {table}")).await;
        count[0].parse().expect("a number")
    }

    /// Makes every insert into a table fail.
    pub async fn refuse_inserts(&self, table: &str) {
        let sql = self.pick(
            format!(
                "CREATE TRIGGER refuse_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'refused'); END;"
            ),
            format!(
                "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                     'BEGIN RAISE EXCEPTION USING MESSAGE = ''refused''; END';
                 CREATE TRIGGER refuse_{table} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse();"
            ),
        );
        self.run(&sql).await;
    }

    /// Ends what [`Database::refuse_inserts`] began.
    pub async fn accept_inserts(&self, table: &str) {
        let on = self.pick(String::new(), format!(" ON {table}"));
        self.run(&format!("DROP TRIGGER refuse_{table}{on}")).await;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Place::Postgres { server, name } = &self.place else { return };
        let (server, name) = (server.clone(), name.clone());
        let remove = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(run_on_postgres(&server, &format!("DROP DATABASE {name} WITH (FORCE)")));
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

async fn run_on_postgres(url: &str, sql: &str) -> Vec<String> {
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
