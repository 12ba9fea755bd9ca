//! Outcomes of signing in and up, before anyone encodes them.

use flow::Effects;
use model::flow::{FlowKind, Login, Registration};
use model::wire::ContinueWith;
use model::{Flow, FlowClient, FlowName, Identity, Problem, Session, Timestamp};
use serde_json::Value;
use url::Url;

use crate::confirmation::Asked;

/// The outcome of opening a flow.
pub enum Opened<K: FlowKind> {
    /// Here it is.
    Flow {
        /// The form.
        shown: Box<Shown<K>>,
        /// The code with which a native app gets the session later. It is told once, to those that asked for it.
        session_token_exchange_code: Option<String>,
    },
    /// The caller is signed in already.
    AlreadySignedIn {
        /// Where a browser goes.
        return_to: Url,
    },
    /// An OAuth 2.0 server was told who is signed in.
    ToldWho {
        /// Where a browser goes on: at that server.
        to: String,
    },
    /// An OAuth 2.0 server wants a sign-in rather than a sign-up.
    SignInInstead {
        /// Where a form for it is opened.
        to: String,
    },
}

/// A flow as it is shown.
pub struct Shown<K: FlowKind> {
    /// The flow, as it is stored.
    pub flow: Flow<K>,
    /// What an OAuth 2.0 server wants to know.
    pub oauth2_login_request: Option<Value>,
}

/// A flow of signing in or up as it is shown: a sign-in may become a sign-up, and the other way round.
pub enum ShownFlow {
    /// A sign-in form.
    Login(Box<Shown<Login>>),
    /// A sign-up form.
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
    /// The form's next step.
    NextStep {
        /// The form.
        shown: ShownFlow,
        /// The HTTP status that JSON clients get.
        status: u16,
    },
    /// The flow was too old.
    Expired {
        /// The flow that took its place.
        replacement: ShownFlow,
        /// The time since when the old one was of no use.
        expired_at: Timestamp,
    },
    /// The browser has to go elsewhere.
    Navigate {
        /// Where it goes.
        to: String,
        /// The cookies that change with the answer.
        effects: Box<Effects>,
    },
    /// The person has to be asked first.
    Confirm(Asked),
    /// The caller is signed in already and is sent on.
    AlreadySignedIn {
        /// The kind of the flow.
        flow: FlowName,
        /// Where a browser goes.
        return_to: Url,
    },
    /// The browser that signed somebody in for a native app goes back to the app.
    HandBack {
        /// The app's address, with the code for the session unless somebody was signed in already.
        to: Url,
    },
    /// A sign-in was opened in this flow's place.
    Replaced {
        /// The sign-in.
        flow: Box<Flow<Login>>,
        /// The page on which a browser sees it.
        page: String,
    },
    /// The person is signed in, but an OAuth 2.0 server could not be told.
    NotTold {
        /// Why not.
        problem: Problem,
        /// The cookies that change with the answer.
        effects: Box<Effects>,
    },
    /// It worked.
    Done(Box<Done>),
}

/// What a completed flow leaves behind.
pub struct Done {
    /// Who drove the flow.
    pub client: FlowClient,
    /// `None` where signing up does not sign in.
    pub session: Option<Session>,
    /// Shown by registration only.
    pub identity: Option<Identity>,
    /// Whether the session in the answer shows whose it is: not before the required level is reached.
    pub show_identity: bool,
    /// What an app does next, in this order.
    pub continue_with: Vec<ContinueWith>,
    /// Where a browser goes.
    pub redirect_to: String,
    /// The cookies that change with the answer.
    pub effects: Effects,
}
