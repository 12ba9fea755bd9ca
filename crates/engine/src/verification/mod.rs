//! Verification: people prove that an address is their own.

mod complete;
pub(crate) mod for_others;
mod form;
mod submit;

pub use self::form::{OpenError, Outcome, fetch, open};
pub use self::submit::submit;
