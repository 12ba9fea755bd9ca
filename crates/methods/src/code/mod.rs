//! Codes of six digits, sent to an address: to verify it, and to win back access by it.

mod recovery;
mod verification;

use flow::{Method, RecoveryMethod, VerificationMethod};
use model::Secret;

/// The code method.
pub struct Code;

/// How many digits a code has.
const LENGTH: usize = 6;

fn new_code(entropy: &model::Entropy) -> Secret {
    crypto::tokens::numeric_code(entropy, LENGTH)
}

impl Method for Code {
    fn name(&self) -> &'static str {
        "code"
    }

    fn verification(&self) -> Option<&dyn VerificationMethod> {
        Some(self)
    }

    fn recovery(&self) -> Option<&dyn RecoveryMethod> {
        Some(self)
    }
}
