//! Settings: what people change about their own account.

pub(crate) mod form;
mod resume;
pub(crate) mod save;
mod submit;

pub use self::form::{Outcome, Saved, Shown, SubmitError, fetch, open};
pub use self::submit::submit;
