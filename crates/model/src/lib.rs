//! Zelus' vocabulary: identities, credentials, sessions, flows, their UI nodes and messages, and the rules about them
//! that need nothing but the data. Plain values and pure functions; nothing here waits, reads or writes.

mod clock;
mod entropy;
mod secret;

pub use clock::{Clock, ZERO_TIME};
pub use entropy::Entropy;
pub use jiff::{SignedDuration, Timestamp};
pub use secret::Secret;
pub use uuid::Uuid;
