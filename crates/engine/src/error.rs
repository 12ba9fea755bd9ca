//! Why a form is not shown, and why a submission fails that no form can answer.

use flow::CsrfClues;
use model::problem::id;
use model::{FlowClient, Problem};
use session::SecondFactorRequired;

/// Why a form is not shown.
pub enum FetchError {
    /// There is no such flow.
    Unknown,
    /// Another browser opened it.
    AnotherBrowser(CsrfClues),
    /// It is a settings form, and nobody is signed in.
    SignedOut,
    /// It is a settings form of somebody else.
    SomebodyElses,
    /// It is a settings form, and the session does not reach far enough.
    SecondFactor(SecondFactorRequired),
    /// It is too old.
    TooOld(TooOld),
    /// Something else: flows of its kind are switched off, say.
    Failed(Problem),
}

/// A flow that is too old to be shown.
pub struct TooOld {
    /// The error, with status 410, as JSON clients get it.
    pub problem: Problem,
    /// Where a browser opens another one.
    pub open_anew_at: Option<String>,
}

impl From<FetchError> for Problem {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Unknown => Self::not_found(),
            FetchError::AnotherBrowser(clues) => clues.into(),
            FetchError::SignedOut => signed_out(),
            FetchError::SomebodyElses => somebody_elses(),
            FetchError::SecondFactor(required) => required.into(),
            FetchError::TooOld(TooOld { problem, .. }) | FetchError::Failed(problem) => problem,
        }
    }
}

impl From<Problem> for FetchError {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

/// 401 without an id: unlike when a form is opened, fetching and submitting one tell no more.
pub(crate) fn signed_out() -> Problem {
    Problem::unauthorized("Please sign in first: settings are those of the person who is signed in.")
}

/// 403: a form of another person.
pub(crate) fn somebody_elses() -> Problem {
    let reason = "This form was opened by somebody else. Please open one of your own.";
    Problem::forbidden(reason).with_id(id::IDENTITY_MISMATCH)
}

/// A submission that failed in a way that no form can say.
pub struct SubmitError {
    /// The error.
    pub problem: Problem,
    /// Whose flow it was, as far as that is known: a native app is told in JSON, whatever it says it accepts.
    pub client: Option<FlowClient>,
}

impl SubmitError {
    /// What failed in a flow of `client`.
    pub(crate) fn of(client: FlowClient) -> impl FnOnce(Problem) -> Self {
        move |problem| Self { problem, client: Some(client) }
    }
}

impl From<Problem> for SubmitError {
    fn from(problem: Problem) -> Self {
        Self { problem, client: None }
    }
}
