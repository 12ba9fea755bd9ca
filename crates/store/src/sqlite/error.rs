//! What the errors of the driver mean.

use std::path::Path;

use rusqlite::{ErrorCode, ffi};

use crate::error::{CommitError, StoreError};

/// A file that is not there, or is no database that can be used.
pub(super) fn cannot_open(path: &Path, error: &rusqlite::Error) -> StoreError {
    StoreError::Unavailable(format!("{} cannot be opened: {error}", path.display()))
}

/// What an error of the driver means for the caller.
pub(super) fn store_error(error: rusqlite::Error) -> StoreError {
    let passing = [
        ErrorCode::DatabaseBusy,
        ErrorCode::DatabaseLocked,
        ErrorCode::DiskFull,
        ErrorCode::CannotOpen,
        ErrorCode::SystemIoFailure,
        ErrorCode::ReadOnly,
        ErrorCode::OutOfMemory,
        ErrorCode::FileLockingProtocolFailed,
    ];
    match error.sqlite_error_code() {
        Some(code) if passing.contains(&code) => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Internal(error.to_string()),
    }
}

/// What an error of the driver means for a transaction.
pub(super) fn commit_error(error: rusqlite::Error) -> CommitError {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    match extended {
        Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            // The driver's text ends with the columns: "UNIQUE constraint failed: table.column, …".
            let text = error.to_string();
            CommitError::Unique(text.rsplit("failed: ").next().unwrap_or_default().to_owned())
        }
        Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => CommitError::ForeignKey,
        _ => CommitError::Store(store_error(error)),
    }
}
