//! Every read and write of the database. SQL, drivers and dialects end here; nothing above names them.
//!
//! Reads are methods of [`Store`]. Writes are methods of [`Tx`], a list of statements that [`Store::commit`] runs
//! together or not at all. Each aggregate has one file, which begins with its statements.

mod codes;
mod continuity;
mod courier;
mod credentials;
mod dsn;
mod error;
mod errors;
mod flows;
mod guard;
mod identities;
mod leases;
mod migrate;
mod networks;
mod outdated;
mod own_tables;
mod postgres;
mod row;
mod sessions;
mod sign_codes;
mod sqlite;
mod statement;
mod store;
mod time;
mod tx;
mod value;

pub use codes::{ProofKind, RecoveryProof, VerificationProof};
pub use continuity::ContinuityContainer;
pub use courier::{ClaimTimes, CourierMessage, Dispatch, MessageFilter, MessagePosition, MessageStatus, QueuedMessage};
pub use dsn::{Dsn, DsnError};
pub use error::{CommitError, StoreError};
pub use errors::StoredError;
pub use flows::FlowTable;
pub use guard::{GuardKey, GuardRow, LAST_REST, MOST_FAILURES, Mark, Reserved, Rests, Try, WINDOW};
pub use identities::{FoundCredential, IdentityFilter, IdentityList, IdentityPage};
pub use migrate::{MigrateError, Migration};
pub use outdated::Outdated;
pub use own_tables::OwnTable;
pub use postgres::{PostgresOptions, TlsCheck};
pub use sessions::{
    EndedSession, Extension, SecondFactors, SessionFilter, SessionLookup, SessionPosition, SupersededToken,
    TokenExchange,
};
pub use sign_codes::{CodeTable, SentCode};
pub use sqlite::SqliteOptions;
pub use statement::{Dialect, Statement};
pub use store::Store;
pub use time::to_microseconds;
pub use tx::Tx;

/// Every statement that is not put together at run time: tests prepare each on every backend.
pub fn statements() -> impl Iterator<Item = &'static Statement> {
    let tables = [
        continuity::STATEMENTS,
        courier::STATEMENTS,
        courier::QUEUE,
        credentials::STATEMENTS,
        errors::STATEMENTS,
        guard::STATEMENTS,
        identities::STATEMENTS,
        identities::WRITES,
        leases::STATEMENTS,
        networks::STATEMENTS,
        own_tables::STATEMENTS,
        sessions::STATEMENTS,
    ];
    tables
        .into_iter()
        .flatten()
        .copied()
        .chain(codes::statements())
        .chain(sign_codes::statements())
        .chain(flows::statements())
        .chain(outdated::statements())
}
