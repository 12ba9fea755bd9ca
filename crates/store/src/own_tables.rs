//! Tables that Zelus adds to Kratos' schema. A database that only Kratos has migrated lacks them, and is served all the same.

use std::sync::PoisonError;

use crate::Store;
use crate::error::StoreError;
use crate::statement::Statement;

static EXISTS: Statement = Statement::of_no_network(
    "own_tables.exists",
    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?1",
)
.postgres(
    "SELECT COUNT(*) FROM pg_class
     WHERE relname = CAST(?1 AS text) AND relkind = 'r' AND relnamespace = current_schema()::regnamespace",
);

pub(crate) static STATEMENTS: &[&Statement] = &[&EXISTS];

/// A table of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnTable {
    /// Counters of failed tries.
    Guard,
    /// Tokens that others have taken the place of.
    SupersededTokens,
}

impl OwnTable {
    const fn name(self) -> &'static str {
        match self {
            Self::Guard => "zelus_guard",
            Self::SupersededTokens => "zelus_superseded_tokens",
        }
    }
}

impl Store {
    /// Whether a table of ours is there. It is looked for until it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_own_table(&self, table: OwnTable) -> Result<bool, StoreError> {
        let seen = self.own_tables_seen();
        if seen.lock().unwrap_or_else(PoisonError::into_inner).contains(&table) {
            return Ok(true);
        }
        let rows = self.fetch_without_network(&EXISTS, &[table.name().into()]).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.columns().next())?;
        if count > 0 {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(table);
        }
        Ok(count > 0)
    }
}
