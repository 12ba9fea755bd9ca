//! A whole server, from its configuration to its listeners. This is the one place where it is put together: the program
//! runs what is assembled here, and tests ask it in process.
//!
//! ```text
//! Source ── load ──▶ Config ─┐
//!                            ├─ assemble ──▶ Runtime ──▶ Server ── edges ──▶ what tests ask
//! Shared (database, clock …) ┘                             └── run ──▶ Running: listeners, jobs, stop
//! ```

mod assembly;
mod janitor;
mod mail;
mod notices;
mod readiness;
mod reload;
mod retention;
mod running;
mod service;
mod shared;
mod source;

pub use assembly::{Edges, Server};
pub use janitor::CleanUp;
pub use notices::notices;
pub use retention::Retention;
pub use running::{CutOff, Running};
pub use service::Endpoint;
pub use shared::Shared;
pub use source::Source;
