//! Whether requests can be answered: the database is there, with all tables.

use std::fmt;

use store::{MigrateError, StoreError};

use crate::runtime::Runtime;

/// Why requests cannot be answered yet. Its text is for operators.
#[derive(Debug)]
pub enum NotReady {
    /// The database does not answer.
    Database(StoreError),
    /// Tables are missing.
    Migrations,
    /// The database answers, but does not say which tables it has.
    UnknownMigrations(MigrateError),
}

impl NotReady {
    /// The name of the check that failed.
    pub fn check(&self) -> &'static str {
        match self {
            Self::Database(_) => "database",
            Self::Migrations | Self::UnknownMigrations(_) => "migrations",
        }
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) => error.fmt(f),
            Self::UnknownMigrations(error) => error.fmt(f),
            Self::Migrations => f.write_str("Migrations have to be applied: run zelus migrate sql up -e --yes."),
        }
    }
}

/// Checks that the database answers, and that it has the tables that are needed unless `is_migrated` says that they were
/// seen before: they do not go away again.
///
/// # Errors
/// What is missing.
pub async fn ensure_ready(runtime: &Runtime, is_migrated: bool) -> Result<(), NotReady> {
    runtime.store.ping().await.map_err(NotReady::Database)?;
    if is_migrated {
        return Ok(());
    }
    match runtime.store.has_pending_migrations().await {
        Ok(false) => Ok(()),
        Ok(true) => Err(NotReady::Migrations),
        Err(error) => Err(NotReady::UnknownMigrations(error)),
    }
}
