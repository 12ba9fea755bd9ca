//! Signing in: for the first time, again (`refresh`), or further (`aal=aal2`).

pub(crate) mod complete;
pub(crate) mod form;
mod submit;

pub use self::form::{already_signed_in, fetch, open};
pub use self::submit::submit;
