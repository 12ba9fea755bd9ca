//! Why a request is not answered that needs a session, or more of one.

use model::{Problem, problem};

use crate::Refusal;

/// Why a route that needs a session does not answer.
#[derive(Debug)]
pub enum Denied {
    /// Nobody is signed in.
    SignedOut(Refusal),
    /// The session does not reach far enough.
    SecondFactor(SecondFactorRequired),
    /// Something failed: the database, say.
    Failed(Problem),
}

/// The routes under `/sessions` tell of nobody by 401 without an id.
impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::SignedOut(refusal) => not_signed_in(&refusal),
            Denied::SecondFactor(required) => required.into(),
            Denied::Failed(problem) => problem,
        }
    }
}

impl From<Problem> for Denied {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

impl From<SecondFactorRequired> for Denied {
    fn from(required: SecondFactorRequired) -> Self {
        Self::SecondFactor(required)
    }
}

/// A session proves one factor where two are needed.
#[derive(Clone, Debug)]
pub struct SecondFactorRequired {
    /// Where the second factor is asked for.
    pub sign_in_url: String,
    /// The same, without what the URL that was asked for brought along.
    pub plain_sign_in_url: String,
}

/// 403 `session_aal2_required`, with the address of the sign-in page.
impl From<SecondFactorRequired> for Problem {
    fn from(required: SecondFactorRequired) -> Self {
        Self::forbidden("Your account has a second factor. Please confirm your sign-in with it.")
            .with_id(problem::id::AAL2_REQUIRED)
            .message("A second factor is needed to go on.")
            .detail("redirect_browser_to", required.plain_sign_in_url)
            .extra("redirect_browser_to", required.sign_in_url)
    }
}

/// A session was proved too long ago for a change of credentials.
#[derive(Clone, Debug)]
pub struct RefreshRequired {
    /// Where the person signs in again.
    pub sign_in_url: String,
}

/// 403 `session_refresh_required`, with the address of the sign-in page.
impl From<RefreshRequired> for Problem {
    fn from(required: RefreshRequired) -> Self {
        Self::forbidden("Your last sign-in is too long ago for this change. Please sign in again, then repeat it.")
            .with_id(problem::id::REFRESH_REQUIRED)
            .message("Please confirm that it is you.")
            .extra("redirect_browser_to", required.sign_in_url)
    }
}

/// 401 with the id that clients match on.
pub fn session_inactive(refusal: &Refusal) -> Problem {
    not_signed_in(refusal).with_id(problem::id::SESSION_INACTIVE)
}

/// 401 without an id: the routes under `/sessions`.
pub(crate) fn not_signed_in(refusal: &Refusal) -> Problem {
    Problem::unauthorized("You are not signed in, or your session is over. Please sign in and try again.").log(refusal)
}
