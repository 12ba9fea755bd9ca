//! The engine: opens, fetches and completes self-service flows, the same way for every method.
//!
//! A submission passes named stages: (1) decode, CSRF, flow and expiry checks; (2) the method's `verify`, with no
//! transaction open; (3) the candidate identity and its before-persist hooks; (4) validation of what they left;
//! (5) writes, one transaction; (6) after-persist hooks; (7) the answer. Outcomes are data; the web crates encode them for
//! browsers, single-page apps and native apps. Methods and hooks are known by the traits of [`flow`] alone.

mod answer;
pub mod callback;
pub mod confirmation;
pub mod confirmed;
mod error;
pub mod error_page;
mod events;
mod expiry;
mod lifecycle;
mod linking;
pub mod login;
mod oauth2;
mod pending_link;
pub mod question;
mod readiness;
mod recognised;
pub mod recovery;
pub mod registration;
mod runtime;
mod sender;
pub mod settings;
mod stage;
mod submission;
pub mod verification;

pub use answer::{Answer, Done, Opened, Shown, ShownFlow};
pub use error::{FetchError, SubmitError, TooOld};
pub use expiry::expired_on_submit;
pub use readiness::{NotReady, ensure_ready};
pub use runtime::{Engine, Runtime};
