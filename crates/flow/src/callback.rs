//! Browsers that come back from elsewhere, such as a provider.

use model::flow::{Login, Registration, Settings};
use model::{Flow, FlowClient, FlowName, Identity, Problem, Session, SessionId, Uuid};
use store::TokenExchange;

use crate::BoxFuture;
use crate::context::Context;
use crate::provider::{Recognised, Unrecognised};
use crate::step::SettingsStep;

/// Which flow a browser left.
pub struct LeftFlow {
    /// The flow's id.
    pub id: Uuid,
    /// Its kind; any, where the browser left before that was noted.
    pub kind: Option<FlowName>,
}

/// The flow that a browser left, as it is found when the browser comes back.
pub enum ResumedFlow {
    /// A sign-in.
    Login(Flow<Login>),
    /// A sign-up.
    Registration(Flow<Registration>),
    /// A change of settings.
    Settings(Box<ResumedSettings>),
}

/// A settings flow, and whose it is.
pub struct ResumedSettings {
    /// The flow.
    pub flow: Flow<Settings>,
    /// The session under which it is filled in.
    pub session: Session,
    /// The identity whose settings they are.
    pub identity: Identity,
}

impl ResumedFlow {
    /// Who drives the flow.
    pub fn client(&self) -> FlowClient {
        match self {
            Self::Login(flow) => flow.client,
            Self::Registration(flow) => flow.client,
            Self::Settings(settings) => settings.flow.client,
        }
    }

    /// The flow's id.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Login(flow) => flow.id.uuid(),
            Self::Registration(flow) => flow.id.uuid(),
            Self::Settings(settings) => settings.flow.id.uuid(),
        }
    }
}

/// What a browser comes back with.
pub enum CallbackOutcome {
    /// Somebody who signs in or up.
    Recognised(Box<Recognised>),
    /// A change of the settings that the browser left.
    Changed(Box<SettingsStep>),
    /// Nothing that is accepted.
    Unrecognised(Unrecognised),
    /// Somebody who is signed in by now, because a button was pressed twice say.
    AlreadySignedIn(SessionId),
}

/// A browser that came back.
pub struct Callback {
    /// What the browser came back with.
    pub outcome: CallbackOutcome,
    /// The codes of the native app that waits for the session, if one does.
    pub exchange: Option<TokenExchange>,
}

/// Why a callback comes to nothing.
pub enum CallbackError {
    /// The browser is not the one that left. It is told so as browsers are, whoever drives the flow.
    NotBound(Problem),
    /// Whatever else cannot be said on a form.
    Failed(Problem),
}

impl From<Problem> for CallbackError {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

/// Receiving browsers that were sent elsewhere, to `/self-service/methods/{method}/callback`.
pub trait CallbackMethod: Send + Sync {
    /// Says which flow the browser left. `provider` is the last segment of the path, if there is one.
    ///
    /// # Errors
    /// When what it brings is not ours.
    fn left_flow(&self, cx: Context<'_>, provider: Option<&str>) -> Result<LeftFlow, Problem>;

    /// Looks at what the browser brings, and gives the flow back what was left behind.
    ///
    /// # Errors
    /// Whatever cannot be said on a form.
    fn come_back<'a>(
        &'a self,
        cx: Context<'a>,
        provider: Option<&'a str>,
        flow: &'a mut ResumedFlow,
    ) -> BoxFuture<'a, Result<Callback, CallbackError>>;
}
