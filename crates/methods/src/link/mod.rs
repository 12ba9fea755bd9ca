//! Links, sent to an address: to verify it, and to win back access by it.

mod recovery;
mod verification;

use flow::{Context, Input, InputClaims, Method, RecoveryMethod, VerificationMethod};

/// What is meant for this method.
pub const CLAIMS: InputClaims = InputClaims { recovery: |input| input.method() == "link", ..InputClaims::of("link") };

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
fn token(cx: Context<'_>, input: &Input) -> String {
    let sent = input.text("token");
    if sent.is_empty() { cx.request.query("token").unwrap_or_default() } else { sent }
}
