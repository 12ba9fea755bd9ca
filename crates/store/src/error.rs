//! What can go wrong with a database.

use std::fmt;

use model::Problem;

/// A failure of the database itself; but for [`StoreError::Unstorable`] never the fault of the person's input.
#[derive(Debug)]
pub enum StoreError {
    /// Out of reach for now: locked, absent, full, restarting. The same call may succeed later.
    Unavailable(String),
    /// The server turns us away, and will until somebody mends it: a wrong password, or a database that it does not have.
    Refused(String),
    /// A row holds something that no version of Kratos or Zelus writes.
    Corrupt(String),
    /// A value that no row can hold: text with a NUL character, or longer than its column. The caller sent it.
    Unstorable(String),
    /// Anything else, which is a fault in Zelus.
    Internal(String),
}

impl StoreError {
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }

    /// Column `at`, counted from zero, holds a value of a type that it never has.
    pub(crate) fn wrong_type(at: usize) -> Self {
        Self::corrupt(format!("column {at} has an unexpected type"))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) | Self::Refused(why) => write!(f, "the database is not available: {why}"),
            Self::Corrupt(what) => write!(f, "the database holds an unreadable row: {what}"),
            Self::Unstorable(why) => write!(f, "the database cannot hold a value: {why}"),
            Self::Internal(what) => write!(f, "the database refused a statement: {what}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) | StoreError::Refused(_) => Self::unavailable(error),
            StoreError::Unstorable(_) => {
                Self::bad_request("A text is too long to be kept, or holds a character that cannot be kept.").log(error)
            }
            StoreError::Corrupt(_) | StoreError::Internal(_) => Self::internal(error),
        }
    }
}

/// Why a transaction was not committed. Nothing of it was written.
#[derive(Debug)]
pub enum CommitError {
    /// A row with the same unique value exists already. Names the index or the columns, as the database tells.
    Unique(String),
    /// A statement that had to change a row found none: it is gone, or someone else was faster. Names the statement.
    Stale(&'static str),
    /// A single-use thing was used before: a code or link, a credential whose data says what was used of it, a challenge
    /// that a flow kept. Names the statement that was to use it up.
    Spent(&'static str),
    /// A row that this one refers to is gone.
    ForeignKey,
    /// The database failed.
    Store(StoreError),
}

impl CommitError {
    /// Whether a single-use thing was used up by another request since it was read.
    pub fn is_spent(&self) -> bool {
        matches!(self, Self::Spent(_))
    }
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unique(what) => write!(f, "a unique value exists already: {what}"),
            Self::Stale(statement) | Self::Spent(statement) => write!(f, "nothing left to change for {statement}"),
            Self::ForeignKey => f.write_str("a row that this one refers to is gone"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CommitError {}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<CommitError> for Problem {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => error.into(),
            CommitError::Unique(_) => Self::conflict("Something with the same value exists already.").log(error),
            CommitError::Stale(_) | CommitError::Spent(_) | CommitError::ForeignKey => {
                Self::conflict("This was changed by someone else in the meantime. Please try again.").log(error)
            }
        }
    }
}
