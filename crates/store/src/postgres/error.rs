//! What the errors of the driver mean.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::error::{CommitError, StoreError};

/// Whether the transaction may succeed if it runs again.
pub(super) fn is_serialization_failure(error: &Error) -> bool {
    matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
}

/// Whether a prepared statement is out of date: its tables changed, or a pooler gave us another session.
pub(super) fn is_stale_plan(error: &Error) -> bool {
    error.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::INVALID_SQL_STATEMENT_NAME
            || (*error.code() == SqlState::FEATURE_NOT_SUPPORTED && error.message().contains("cached plan"))
    })
}

/// Whether the server turned a connection away for a reason that does not pass by itself: a wrong password or user, a
/// database that does not exist, or one that this user may not connect to.
pub(super) fn is_refusal(error: &Error) -> bool {
    error.code().is_some_and(|code| {
        code.code().starts_with("28")
            || matches!(*code, SqlState::INVALID_CATALOG_NAME | SqlState::INSUFFICIENT_PRIVILEGE)
    })
}

/// What an error of the driver means for the caller.
pub(super) fn store_error(error: &Error) -> StoreError {
    // NUL in text, and `\u0000` in JSON; text beyond the width of a column, or of a page of an index.
    let unstorable = [
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        SqlState::UNTRANSLATABLE_CHARACTER,
        SqlState::STRING_DATA_RIGHT_TRUNCATION,
        SqlState::PROGRAM_LIMIT_EXCEEDED,
    ];
    if error.code().is_some_and(|code| unstorable.contains(code)) {
        return StoreError::Unstorable(describe(error));
    }
    let passing = error.code().is_none_or(|code| {
        let class = &code.code()[..2];
        // Connection lost, out of resources, stopped by an operator or a limit, system errors.
        matches!(class, "08" | "53" | "57" | "58")
            || matches!(
                *code,
                SqlState::T_R_SERIALIZATION_FAILURE
                    | SqlState::T_R_DEADLOCK_DETECTED
                    | SqlState::LOCK_NOT_AVAILABLE
                    | SqlState::READ_ONLY_SQL_TRANSACTION
                    | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
            )
    });
    // A value that does not fit its parameter never reaches the server, and is a fault of ours.
    let lost = error.is_closed() || error.as_db_error().is_some() || caused_by_io(error);
    if passing && lost { StoreError::Unavailable(describe(error)) } else { StoreError::Internal(describe(error)) }
}

fn caused_by_io(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}

/// What an error of the driver means for a transaction.
pub(super) fn commit_error(error: &Error) -> CommitError {
    match error.as_db_error() {
        Some(database) if *database.code() == SqlState::UNIQUE_VIOLATION => {
            CommitError::Unique(database.constraint().unwrap_or_default().to_owned())
        }
        Some(database) if *database.code() == SqlState::FOREIGN_KEY_VIOLATION => CommitError::ForeignKey,
        _ => CommitError::Store(store_error(error)),
    }
}

/// An error in one line: the server's own words without the row's values, which it keeps in the detail.
pub(super) fn describe(error: &Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(database), _) => format!("{} ({})", database.message(), database.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
