//! Links, sent to an address: to verify it, and to win back access by it.

mod recovery;
mod verification;

use flow::{Input, Method, RecoveryMethod, Request, VerificationMethod};

/// The link method.
pub struct Link;

impl Method for Link {
    fn name(&self) -> &'static str {
        "link"
    }

    fn verification(&self) -> Option<&dyn VerificationMethod> {
        Some(self)
    }

    fn recovery(&self) -> Option<&dyn RecoveryMethod> {
        Some(self)
    }
}

/// The token of a link that was opened; empty if none was.
fn token(request: &Request, input: &Input) -> String {
    let sent = input.text("token");
    if sent.is_empty() { request.query("token").unwrap_or_default() } else { sent }
}
