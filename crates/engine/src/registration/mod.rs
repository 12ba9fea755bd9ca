//! Signing up: on two screens (traits first, then a credential), or on one.

pub(crate) mod complete;
pub(crate) mod form;
mod submit;

pub use self::form::{already_signed_in, fetch, open};
pub use self::submit::submit;
