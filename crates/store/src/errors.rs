//! Errors that browsers are shown on the error page (`selfservice_errors`). A row can be read by whoever knows its id,
//! so nothing private may be in it.

use model::{RawJson, Timestamp, Uuid};

use crate::error::StoreError;
use crate::statement::Statement;
use crate::{Store, Tx};

static SELECT: Statement = Statement::new(
    "selfservice_errors.select",
    "SELECT errors, created_at, updated_at FROM selfservice_errors WHERE nid = ?1 AND id = ?2",
);

static INSERT: Statement = Statement::new(
    "selfservice_errors.insert",
    "INSERT INTO selfservice_errors (nid, id, errors, was_seen, csrf_token, created_at, updated_at)
     VALUES (?1, ?2, ?3, ?4, '', ?5, ?5)",
);

static MARK_SEEN: Statement = Statement::new(
    "selfservice_errors.mark_seen",
    "UPDATE selfservice_errors SET was_seen = ?3, seen_at = ?4 WHERE nid = ?1 AND id = ?2",
);

pub(crate) static STATEMENTS: &[&Statement] = &[&SELECT, &INSERT, &MARK_SEEN];

/// An error, kept until someone looks at it.
#[derive(Clone, Debug)]
pub struct StoredError {
    /// The identifier, which the address of the error page carries.
    pub id: Uuid,
    /// The inner object of the error envelope.
    pub error: RawJson,
    /// When it was kept.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Store {
    /// An error by its id; `None` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn error(&self, id: Uuid) -> Result<Option<StoredError>, StoreError> {
        let Some(row) = self.fetch_one(&SELECT, &[id.into()]).await? else { return Ok(None) };
        let mut columns = row.columns();
        Ok(Some(StoredError { id, error: columns.next()?, created_at: columns.next()?, updated_at: columns.next()? }))
    }
}

impl Tx {
    /// Keeps an error.
    pub fn insert_error(&mut self, error: &StoredError) {
        self.run(&INSERT, [error.id.into(), (&error.error).into(), false.into(), error.created_at.into()]);
    }

    /// Notes that an error was read.
    pub fn mark_error_seen(&mut self, id: Uuid, now: Timestamp) {
        self.run(&MARK_SEEN, [id.into(), true.into(), now.into()]);
    }
}
