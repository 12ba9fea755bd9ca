//! What a method has accepted, for the engine to go on with.

use guard::Attempt;
use model::{AuthenticationMethod, Identity, IdentityId};
use store::Tx;

use crate::form::Rejection;

/// A sign-in that a method has accepted.
pub struct LoginStep {
    /// The identity of whoever signs in.
    pub identity: IdentityId,
    /// What the session says of how they did.
    pub method: AuthenticationMethod,
    /// The try that this was. None is accepted that was not reserved before it was checked.
    pub attempt: Attempt,
    /// Written together with the session: a better password hash, a used code.
    pub writes: Tx,
    /// The address that the person has just shown to be theirs, by typing what was sent there.
    pub proved_address: Option<String>,
    /// What the form says when `writes` find that another submission has just used up the same code.
    pub when_spent: Option<Rejection>,
}

impl LoginStep {
    /// A sign-in that proves no address and uses nothing up.
    pub fn new(attempt: Attempt, identity: IdentityId, method: AuthenticationMethod, writes: Tx) -> Self {
        Self { attempt, identity, method, writes, proved_address: None, when_spent: None }
    }
}

/// A sign-up that a method has accepted: the identity that is to be made, complete with its credentials.
pub struct RegistrationStep {
    /// The identity that is to be made.
    pub candidate: Identity,
    /// What the session says of how its owner signed up.
    pub method: AuthenticationMethod,
    /// The try at whatever proves that an address or an account elsewhere is theirs.
    pub attempt: Attempt,
    /// Written together with the identity.
    pub writes: Tx,
}

/// A change that a method has accepted.
pub struct SettingsStep {
    /// The identity as it is to be.
    pub identity: Identity,
    /// Written together with the identity.
    pub writes: Tx,
    /// What the change proved about the person who made it: a second factor that was just set up, say.
    pub proved: Option<AuthenticationMethod>,
}
