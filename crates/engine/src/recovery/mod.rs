//! Recovery: people who cannot sign in any more prove who they are, are signed in, and set a new credential.

mod complete;
mod form;
mod submit;

pub use self::form::{IssueError, Issued, Opened, Outcome, Recovered, already_signed_in, fetch, issue, open};
pub use self::submit::submit;
