//! The databases that the server is measured on, filled and watched.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use super::postgres_program;
use super::process::{cpu_with_children_us, ended_children_us};
use super::results::PgbenchSample;
use crate::Result;
use crate::command::{command, run_quietly};
use crate::postgres::Postgres;

pub enum Database<'a> {
    /// A file.
    Sqlite(PathBuf),
    /// A database called `zelus`, and one for `pgbench`, in one cluster.
    Postgres(&'a Postgres),
}

/// A million rows of pgbench's, as many as fit in the server's memory.
const PGBENCH_SCALE: &str = "10";

impl<'a> Database<'a> {
    pub fn new(folder: &Path, cluster: Option<&'a Postgres>) -> Self {
        cluster.map_or_else(|| Self::Sqlite(folder.join("sqlite/zelus.sqlite")), Self::Postgres)
    }

    pub fn dsn(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}?_fk=true&mode=rwc", path.display()),
            Self::Postgres(cluster) => cluster.url("zelus"),
        }
    }

    /// Makes what has to be there before the server lays its tables.
    pub fn create(&self) -> Result {
        if let Self::Postgres(cluster) = self {
            for name in ["zelus", "pgbench"] {
                self.psql(cluster, "postgres", &format!("CREATE DATABASE {name}"))?;
            }
            let mut fill = postgres_program("pgbench")?;
            run_quietly(fill.args(["--initialize", "--quiet", "--scale", PGBENCH_SCALE, &cluster.url("pgbench")]))?;
        }
        Ok(())
    }

    /// The one value that a query gives.
    pub fn value(&self, query: &str) -> Result<String> {
        let said = match self {
            Self::Sqlite(path) => run_quietly(command("sqlite3").arg(path).arg(query))?,
            Self::Postgres(cluster) => self.psql(cluster, "zelus", query)?,
        };
        Ok(said.trim().to_owned())
    }

    /// Runs a script, and leaves the database as one that has been in use for a while.
    pub fn load(&self, script: &Path) -> Result {
        match self {
            Self::Sqlite(path) => {
                let mut load = command("sqlite3");
                load.args(["-bail", "-cmd", "PRAGMA synchronous = off"]).arg(path).stdin(File::open(script)?);
                run_quietly(&mut load)?;
            }
            Self::Postgres(cluster) => {
                let mut load = postgres_program("psql")?;
                load.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", &cluster.url("zelus"), "--file"]);
                run_quietly(load.arg(script))?;
                self.psql(cluster, "zelus", "VACUUM ANALYZE")?;
                self.psql(cluster, "zelus", "CHECKPOINT")?;
            }
        }
        Ok(())
    }

    /// CPU time that the database's own processes have used so far, in microseconds; SQLite has none.
    pub fn cpu_us(&self) -> Result<Option<f64>> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(cluster) => cpu_with_children_us(cluster.process_id()?).map(Some),
        }
    }

    /// How many statements PostgreSQL runs for what `request` asks of the server, once everything is prepared.
    pub fn statements_of(&self, request: impl Fn() -> Result) -> Result<Option<usize>> {
        let Self::Postgres(cluster) = self else { return Ok(None) };
        let log_statements = |which: &str| -> Result {
            self.psql(cluster, "postgres", &format!("ALTER SYSTEM SET log_statement = '{which}'"))?;
            self.psql(cluster, "postgres", "SELECT pg_reload_conf()")?;
            // The server's connections learn of it a moment later.
            sleep(Duration::from_millis(500));
            Ok(())
        };
        // Each of the server's connections has to have prepared the statement.
        (0..20).try_for_each(|_| request())?;
        log_statements("all")?;
        let before = fs::read_to_string(cluster.log())?.len();
        request()?;
        sleep(Duration::from_millis(200));
        let log = fs::read_to_string(cluster.log())?;
        log_statements("none")?;
        let ran = |line: &&str| line.contains("LOG:  execute") || line.contains("LOG:  statement");
        Ok(Some(log[before..].lines().filter(ran).count()))
    }

    /// What the simplest read costs here: one row by its key, by the driver that PostgreSQL brings.
    pub fn pgbench(&self, connections: u32, seconds: u32, is_first: bool) -> Result<Option<PgbenchSample>> {
        let Self::Postgres(cluster) = self else { return Ok(None) };
        let run = |seconds: u32| -> Result<String> {
            let (connections, seconds) = (connections.to_string(), seconds.to_string());
            let mut pgbench = postgres_program("pgbench")?;
            pgbench.args(["--select-only", "--protocol", "prepared", "--no-vacuum", "--jobs", "1"]);
            pgbench.args(["--client", &connections, "--time", &seconds, &cluster.url("pgbench")]);
            run_quietly(&mut pgbench)
        };
        if is_first {
            run(1)?;
        }
        let (client_before, database_before) = (ended_children_us()?, cpu_with_children_us(cluster.process_id()?)?);
        let said = run(seconds)?;
        let (client_after, database_after) = (ended_children_us()?, cpu_with_children_us(cluster.process_id()?)?);
        let number = |name: &str| -> Option<f64> {
            let value = said.lines().find_map(|line| line.strip_prefix(name))?;
            value.trim().split([' ', '/']).next()?.parse().ok()
        };
        let found = number("number of transactions actually processed:").zip(number("tps ="));
        let (transactions, per_second) = found.ok_or_else(|| format!("pgbench said something unexpected:\n{said}"))?;
        let each = |before: f64, after: f64| (after - before) / transactions;
        Ok(Some(PgbenchSample {
            per_second,
            client_cpu_us: each(client_before, client_after),
            database_cpu_us: each(database_before, database_after),
        }))
    }

    fn psql(&self, cluster: &Postgres, database: &str, query: &str) -> Result<String> {
        let mut psql = postgres_program("psql")?;
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]);
        run_quietly(psql.args([&cluster.url(database), "--command", query]))
    }
}
