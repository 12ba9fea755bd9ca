//! The schema: Kratos v26.2's in one step, and what Zelus adds to it.
//!
//! A fresh database gets Kratos' tables together with Kratos' whole list of migrations, so that Kratos starts on it as
//! on one of its own. A database that Kratos v26.2 migrated needs our own few tables besides. One that a newer Kratos
//! migrated is served as long as the columns that Zelus uses are still there.
//!
//! Migrators such as `refinery` keep a table of their own; here Kratos' has to be as Kratos leaves it.

mod catalogue;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;

use model::{Problem, Timestamp, Uuid};

use crate::Store;
use crate::error::{CommitError, StoreError};
use crate::statement::{Dialect, Statement};
use crate::time::sqlite_time;

/// The name of the step that makes Kratos' tables.
const SCHEMA: &str = "0001_schema";

/// Holds off a second migration of the same PostgreSQL database ("zelus" in ASCII).
const ADVISORY_LOCK: i64 = 0x7a_65_6c_75_73;

/// One step of the schema.
#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
    /// Whether requests cannot be served without it.
    needed: bool,
}

/// A step whose text stands in a file of its name for each dialect.
macro_rules! step {
    ($name:literal, needed: $needed:literal) => {
        Step {
            name: $name,
            sqlite: include_str!(concat!("../../../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../../../migrations/postgres/", $name, ".sql")),
            needed: $needed,
        }
    };
}

/// The steps, in the order in which they are taken: Kratos' schema, and then what Zelus adds to it. Names sort in this
/// order. What was released stays as it is: a change is another step.
static STEPS: &[Step] = &[
    step!("0001_schema", needed: true),
    // Only keeps the list of our own steps: nothing is amiss while it is missing.
    step!("0002_zelus", needed: false),
    // Without it nothing counts failed tries, which the server says.
    step!("0003_guard", needed: false),
    // Without it a session's token is worth nothing the moment another takes its place.
    step!("0004_superseded_tokens", needed: false),
    // Nodes that take no turns at cleaning up do it one beside another.
    step!("0005_leases", needed: false),
];

impl Step {
    fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}

/// What is known of Kratos' schema in one dialect.
struct Kratos {
    /// The versions that Kratos v26.2 writes to its `schema_migration`, one a line.
    versions: &'static str,
    /// The catalogue of a database that Kratos v26.2 migrated.
    catalogue: &'static str,
}

static KRATOS_ON_SQLITE: Kratos = Kratos {
    versions: include_str!("../../../../migrations/sqlite/kratos_versions.txt"),
    catalogue: include_str!("../../../../migrations/sqlite/catalogue.txt"),
};

static KRATOS_ON_POSTGRES: Kratos = Kratos {
    versions: include_str!("../../../../migrations/postgres/kratos_versions.txt"),
    catalogue: include_str!("../../../../migrations/postgres/catalogue.txt"),
};

static KRATOS_VERSIONS: Statement =
    Statement::of_no_network("migrations.kratos", "SELECT version FROM schema_migration");

static ZELUS_VERSIONS: Statement =
    Statement::of_no_network("migrations.zelus", "SELECT version FROM zelus_schema_migration");

/// A step of the schema and whether it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its name, such as `0001_schema`. Names sort in the order of the steps.
    pub name: &'static str,
    /// Whether it was taken.
    pub applied: bool,
    /// Whether requests cannot be served without it.
    pub needed: bool,
}

/// Why a database is not migrated, or cannot be served.
#[derive(Debug)]
pub enum MigrateError {
    /// It is not one that this version can serve. Says why, in one line for the operator.
    Refused(String),
    /// The database failed.
    Store(StoreError),
}

impl fmt::Display for MigrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => f.write_str(why),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for MigrateError {}

impl From<StoreError> for MigrateError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<CommitError> for MigrateError {
    fn from(error: CommitError) -> Self {
        Self::Store(match error {
            CommitError::Store(error) => error,
            other => StoreError::Internal(other.to_string()),
        })
    }
}

impl From<MigrateError> for Problem {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Store(error) => error.into(),
            refused @ MigrateError::Refused(_) => Self::internal(refused),
        }
    }
}

impl Store {
    /// The steps of the schema, and which of them were taken.
    ///
    /// # Errors
    /// When the database is one that cannot be served, or does not answer.
    pub async fn migration_status(&self) -> Result<Vec<Migration>, MigrateError> {
        self.status_of(STEPS).await
    }

    async fn status_of(&self, steps: &[Step]) -> Result<Vec<Migration>, MigrateError> {
        let kratos = self.kratos();
        let columns = catalogue::columns(self).await?;
        let has_table = |name: &str| columns.iter().any(|column| column.table == name);
        let schema = if has_table("schema_migration") {
            let applied = self.versions(&KRATOS_VERSIONS).await?;
            refuse_older(kratos, &applied)?;
            if has_unknown(kratos, &applied) {
                catalogue::refuse_changed(kratos.catalogue, &columns).map_err(MigrateError::Refused)?;
            }
            true
        } else {
            refuse_foreign(kratos, has_table)?;
            false
        };
        let own = match has_table("zelus_schema_migration") {
            true => self.versions(&ZELUS_VERSIONS).await?,
            false => HashSet::new(),
        };
        let status = |step: &Step| Migration {
            name: step.name,
            applied: if step.name == SCHEMA { schema } else { own.contains(step.name) },
            needed: step.needed,
        };
        Ok(steps.iter().map(status).collect())
    }

    /// Whether a step is missing without which requests cannot be served.
    ///
    /// # Errors
    /// As [`Store::migration_status`].
    pub async fn has_pending_migrations(&self) -> Result<bool, MigrateError> {
        Ok(self.migration_status().await?.iter().any(|step| step.needed && !step.applied))
    }

    /// Takes the steps that are missing, each in a transaction of its own, and gives the database its network. May run
    /// again, and in several processes at once. `progress` hears the name of each step before it is taken.
    ///
    /// # Errors
    /// When the database is one that cannot be served, or a step fails; the steps before it stay.
    pub async fn migrate_up(
        &self,
        network: Uuid,
        now: Timestamp,
        progress: &mut (dyn FnMut(&'static str) + Send),
    ) -> Result<(), MigrateError> {
        self.take(STEPS, now, progress).await?;
        Ok(self.ensure_network(network, now).await?)
    }

    /// Takes those of `steps` that are missing.
    async fn take(
        &self,
        steps: &[Step],
        now: Timestamp,
        progress: &mut (dyn FnMut(&'static str) + Send),
    ) -> Result<(), MigrateError> {
        for (at, step) in steps.iter().enumerate() {
            if self.status_of(steps).await?[at].applied {
                continue;
            }
            progress(step.name);
            let script = self.script(step, now);
            let begin = match self.dialect() {
                Dialect::Sqlite => "BEGIN IMMEDIATE;".to_owned(),
                Dialect::Postgres => {
                    format!("BEGIN; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock({ADVISORY_LOCK});")
                }
            };
            let taken = self.run_script(format!("{begin}\n{script}\nCOMMIT;")).await;
            // Someone else may have taken the step while we waited for the lock; then ours failed as a whole.
            if let Err(error) = taken
                && !self.status_of(steps).await?[at].applied
            {
                return Err(error.into());
            }
        }
        Ok(())
    }

    fn kratos(&self) -> &'static Kratos {
        match self.dialect() {
            Dialect::Sqlite => &KRATOS_ON_SQLITE,
            Dialect::Postgres => &KRATOS_ON_POSTGRES,
        }
    }

    /// The text of a step together with the note that it was taken.
    fn script(&self, step: &Step, now: Timestamp) -> String {
        let note = if step.name == SCHEMA {
            let versions: Vec<_> = self.kratos().versions.lines().map(|version| format!("('{version}', 0)")).collect();
            format!("INSERT INTO schema_migration (version, version_self) VALUES {};", versions.join(", "))
        } else {
            // PostgreSQL reads the same form of a time, and drops the offset, which is none.
            let (name, now) = (step.name, sqlite_time(now));
            format!("INSERT INTO zelus_schema_migration (version, applied_at) VALUES ('{name}', '{now}');")
        };
        format!("{}\n{note}", step.text(self.dialect()))
    }

    async fn versions(&self, statement: &'static Statement) -> Result<HashSet<String>, StoreError> {
        let rows = self.fetch_without_network(statement, &[]).await?;
        rows.iter().map(|row| row.columns().next()).collect()
    }
}

/// Versions have 20 digits today; databases of old have some with the first 14 of them, which count as well.
fn short(version: &str) -> &str {
    version.get(..14).unwrap_or(version)
}

fn refuse_older(kratos: &Kratos, applied: &HashSet<String>) -> Result<(), MigrateError> {
    let known = || kratos.versions.lines();
    let missing = known().filter(|version| !applied.contains(*version) && !applied.contains(short(version))).count();
    if missing == 0 {
        return Ok(());
    }
    Err(MigrateError::Refused(format!(
        "this database belongs to an older Kratos ({missing} of {} migrations are missing); take-over of older Kratos \
         databases comes later, so run `migrate sql` of Kratos v26.2 first",
        known().count()
    )))
}

fn has_unknown(kratos: &Kratos, applied: &HashSet<String>) -> bool {
    let known: HashSet<&str> = kratos.versions.lines().flat_map(|version| [version, short(version)]).collect();
    applied.iter().any(|version| !known.contains(version.as_str()))
}

/// A table of the same name that no Kratos made would be in the way.
fn refuse_foreign(kratos: &Kratos, has_table: impl Fn(&str) -> bool) -> Result<(), MigrateError> {
    match catalogue::tables(kratos.catalogue).into_iter().find(|name| has_table(name)) {
        None => Ok(()),
        Some(name) => Err(MigrateError::Refused(format!(
            "this database has a table `{name}` that Kratos' migrations did not make; use an empty database"
        ))),
    }
}
