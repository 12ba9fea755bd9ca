//! Zelus' configuration: read from files and the environment, merged, checked against [our schema](SCHEMA), and handed
//! out as one immutable snapshot, [`Config`].
//!
//! ```text
//! files (-c, in order) ─┐
//! flags ────────────────┼─ upgrade old keys ─ merge ─ fill defaults ─ check ─ Config
//! environment ──────────┘
//! ```
//!
//! A file that starts Ory Kratos v26.2 starts Zelus unchanged. Nothing here reads the environment, the clock or the
//! network by itself, but for [`environment`] and [`Machine::this`], which the command line calls once.

mod check;
mod dev;
mod env;
mod file;
mod finding;
mod legacy;
mod load;
mod networks;
mod origins;
mod pending;
mod redact;
mod reference;
mod reload;
pub mod return_to;
mod schema;
mod section;
mod settings;
mod sources;
mod values;
mod watch;

#[cfg(test)]
mod tests;

pub use dev::{DEV_DATABASE, DevSecrets};
pub use env::environment;
pub use finding::{ConfigError, Finding, SourceLocation};
pub use load::{Loaded, Mode};
pub use networks::Networks;
pub use pending::NOT_USED_YET;
pub use reference::reference;
pub use reload::changed_restart_keys;
pub use return_to::{ReturnUrlError, ReturnUrls};
pub use schema::SCHEMA;
pub use settings::*;
pub use sources::{Machine, Sources};
pub use values::{BaseUrl, parse_size};
pub use watch::{Change, Watcher, watch};
