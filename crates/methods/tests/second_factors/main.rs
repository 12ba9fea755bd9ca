//! Methods that are a second factor, as the engine sees them: on a runtime that the `server` crate assembled.

mod lookup_secret;
mod support;
mod totp;
