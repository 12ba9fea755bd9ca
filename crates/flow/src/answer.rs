//! Outcomes of flows, before anyone encodes them.

use crypto::CsrfToken;
use model::flow::{Kind, Login, Registration};
use model::wire::ContinueWith;
use model::{Flow, FlowClient, Id, Identity, Problem, Session, Timestamp};
use serde_json::Value;
use url::Url;

use crate::continuity::ContinuityCookie;
use crate::settings::Outcome;

/// The outcome of opening a flow.
pub enum Opened<K: Kind> {
    /// Here it is. The code is told once, to native clients that asked for it.
    Flow { shown: Box<Shown<K>>, session_token_exchange_code: Option<String> },
    /// The caller is signed in already. A browser goes on to `return_to`.
    AlreadySignedIn { return_to: Url },
    /// An OAuth 2.0 server was told who is signed in. A browser goes on at `to`.
    ToldWho { to: String },
    /// An OAuth 2.0 server wants a sign-in, for which there is a form at `to`.
    SignInInstead { to: String },
}

/// A flow as it is shown.
pub struct Shown<K: Kind> {
    pub flow: Flow<K>,
    /// What an OAuth 2.0 server wants to know.
    pub oauth2_login_request: Option<Value>,
}

/// The outcome of a submission.
pub enum Answer<K: Kind> {
    /// The form again, with what was wrong.
    Rejected(Box<Shown<K>>),
    /// The form's next step. `status` is what JSON clients get.
    NextStep { shown: Box<Shown<K>>, status: u16 },
    /// The flow was too old; `replacement` took its place.
    Expired { replacement: Box<Flow<K>>, expired_at: Timestamp },
    /// The browser has to go elsewhere.
    Navigate { to: String, effects: Box<Effects> },
    /// The caller is signed in already and is sent on.
    AlreadySignedIn { return_to: Url },
    /// The browser that signed somebody in for a native app goes back to the app.
    HandBack { to: Url },
    /// The form of a flow that was opened in this one's place. `page` is where a browser sees it.
    Replaced { flow: Box<Flow<K>>, page: String },
    /// Another flow has the answer: a sign-in that became a sign-up, say.
    Other(Box<AnyAnswer>),
    /// The person is signed in, but an OAuth 2.0 server could not be told.
    NotTold { problem: Problem, effects: Box<Effects> },
    /// It worked.
    Done(Box<Done<K>>),
}

/// The outcome of a flow of some kind.
pub enum AnyAnswer {
    Login(Answer<Login>),
    Registration(Answer<Registration>),
    Settings(Outcome),
}

/// What a completed flow leaves behind.
pub struct Done<K: Kind> {
    pub flow: Id<Flow<K>>,
    pub client: FlowClient,
    /// `None` where signing up does not sign in.
    pub session: Option<Session>,
    /// Shown by registration only.
    pub identity: Option<Identity>,
    /// Whether the session in the answer shows whose it is: not before the required level is reached.
    pub show_identity: bool,
    pub continue_with: Vec<ContinueWith>,
    /// Where a browser goes.
    pub redirect_to: String,
    pub effects: Effects,
}

/// What an answer does to the browser's cookies.
#[derive(Default)]
pub struct Effects {
    /// Sets the session cookie.
    pub sign_in: Option<Session>,
    /// Replaces the anti-CSRF cookie.
    pub csrf: Option<CsrfToken>,
    /// Say anew what the browser has left unfinished, one after the other; the last one counts.
    pub continuity: Vec<ContinuityCookie>,
}

/// A submission that failed in a way that no form can say.
pub struct SubmitError {
    pub problem: Problem,
    /// Whose flow it was, as far as that is known: a native app is told in JSON, whatever it says it accepts.
    pub client: Option<FlowClient>,
}

impl From<Problem> for SubmitError {
    fn from(problem: Problem) -> Self {
        Self { problem, client: None }
    }
}
