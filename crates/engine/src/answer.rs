//! Outcomes of signing in and up, before anyone encodes them.

use flow::Effects;
use model::flow::{FlowKind, Login, Registration};
use model::wire::ContinueWith;
use model::{Flow, FlowClient, FlowName, Identity, Problem, Session, Timestamp};
use serde_json::Value;
use url::Url;

/// The outcome of opening a flow.
pub enum Opened<K: FlowKind> {
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
pub struct Shown<K: FlowKind> {
    pub flow: Flow<K>,
    /// What an OAuth 2.0 server wants to know.
    pub oauth2_login_request: Option<Value>,
}

/// A flow of signing in or up as it is shown: a sign-in may become a sign-up, and the other way round.
pub enum ShownFlow {
    Login(Box<Shown<Login>>),
    Registration(Box<Shown<Registration>>),
}

impl ShownFlow {
    /// Who drives the flow.
    pub fn client(&self) -> FlowClient {
        match self {
            Self::Login(shown) => shown.flow.client,
            Self::Registration(shown) => shown.flow.client,
        }
    }

    /// What kind it is.
    pub fn name(&self) -> FlowName {
        match self {
            Self::Login(_) => FlowName::Login,
            Self::Registration(_) => FlowName::Registration,
        }
    }
}

impl From<Box<Shown<Login>>> for ShownFlow {
    fn from(shown: Box<Shown<Login>>) -> Self {
        Self::Login(shown)
    }
}

impl From<Box<Shown<Registration>>> for ShownFlow {
    fn from(shown: Box<Shown<Registration>>) -> Self {
        Self::Registration(shown)
    }
}

/// The outcome of a submission to sign in or up, or of coming back from a provider.
pub enum Answer {
    /// The form again, with what was wrong.
    Rejected(ShownFlow),
    /// The form's next step. `status` is what JSON clients get.
    NextStep { shown: ShownFlow, status: u16 },
    /// The flow was of no use since `expired_at`; `replacement` took its place.
    Expired { replacement: ShownFlow, expired_at: Timestamp },
    /// The browser has to go elsewhere.
    Navigate { to: String, effects: Box<Effects> },
    /// The caller is signed in already and is sent on, from a flow of this kind.
    AlreadySignedIn { flow: FlowName, return_to: Url },
    /// The browser that signed somebody in for a native app goes back to the app.
    HandBack { to: Url },
    /// A sign-in that was opened in this flow's place. `page` is where a browser sees it.
    Replaced { flow: Box<Flow<Login>>, page: String },
    /// The person is signed in, but an OAuth 2.0 server could not be told.
    NotTold { problem: Problem, effects: Box<Effects> },
    /// It worked.
    Done(Box<Done>),
}

/// What a completed flow leaves behind.
pub struct Done {
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
