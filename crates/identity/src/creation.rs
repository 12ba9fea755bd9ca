//! What becomes of identities that are to be created.

use model::{Identity, Problem};

/// What became of an identity that was to be created.
#[derive(Debug)]
pub enum Creation {
    /// It is stored.
    Created(Box<Identity>),
    /// It is none that could be stored: its schema is unknown, say, or its traits do not follow it. A 400.
    Invalid(Problem),
    /// Another identity has one of its identifiers, an address or its external id. A 409.
    Conflicting(Problem),
}
