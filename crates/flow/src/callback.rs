//! Browsers that come back from elsewhere, such as a provider.

use model::flow::{FlowKind, Login, Registration, Settings};
use model::{Flow, FlowClient, FlowName, Identity, Problem, Session, SessionId, Uuid};
use serde_json::{Map, Value};
use session::Via;
use store::{ContinuityContainer, TokenExchange};

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

/// Where native flows keep the traits that were typed before they left, for whoever comes back to confirm.
const TYPED: &str = "zelus_typed";

/// Keeps what was typed in a native flow, in the place of what was typed before. The browser that comes back is not the app
/// that left, and so has no cookie that leads to it.
pub fn keep_typed<K: FlowKind>(flow: &mut Flow<K>, typed: Option<&Value>) {
    match typed.filter(|_| flow.client == FlowClient::Api) {
        Some(typed) => flow.internal_context.insert(TYPED.to_owned(), typed.clone()),
        None => flow.internal_context.remove(TYPED),
    };
}

/// A settings flow, and whose it is.
pub struct ResumedSettings {
    /// The flow.
    pub flow: Flow<Settings>,
    /// The session under which it is filled in.
    pub session: Session,
    /// What that was found by.
    pub via: Via,
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

    /// What the flow keeps besides what it shows.
    pub fn internal_context(&self) -> &Map<String, Value> {
        match self {
            Self::Login(flow) => &flow.internal_context,
            Self::Registration(flow) => &flow.internal_context,
            Self::Settings(settings) => &settings.flow.internal_context,
        }
    }

    /// What [`keep_typed`] has kept.
    pub fn typed(&self) -> Option<&Value> {
        self.internal_context().get(TYPED)
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

/// What binds a callback to the flow that was left.
pub struct Bound {
    /// What the browser's cookie leads to, where that is what binds it.
    pub container: Option<ContinuityContainer>,
    /// The codes of the native app that waits for the session, if that is what binds it.
    pub exchange: Option<TokenExchange>,
    /// The provider's id in the configuration.
    pub provider: String,
    /// The provider as people are told of it.
    pub provider_label: String,
    /// Whether the provider says that somebody has signed in there.
    pub is_answered: bool,
    /// The traits that were typed in the app, once whoever comes back has confirmed them. `None` where nobody was asked.
    pub confirmed_traits: Option<Value>,
}

/// Receiving browsers that were sent elsewhere, to `/self-service/methods/{method}/callback`.
pub trait CallbackMethod: Send + Sync {
    /// Says which flow the browser left. `provider` is the last segment of the path, if there is one.
    ///
    /// # Errors
    /// When what it brings is not ours.
    fn left_flow(&self, cx: Context<'_>, provider: Option<&str>) -> Result<LeftFlow, Problem>;

    /// Checks that the browser that comes back is the one that left, or belongs to the app that waits. Nothing is used up.
    ///
    /// # Errors
    /// When it is another one.
    fn bind<'a>(
        &'a self,
        cx: Context<'a>,
        provider: Option<&'a str>,
        flow: &'a ResumedFlow,
    ) -> BoxFuture<'a, Result<Bound, Problem>>;

    /// Looks at what the browser brings, and gives the flow back what was left behind.
    ///
    /// # Errors
    /// Whatever cannot be said on a form.
    fn come_back<'a>(
        &'a self,
        cx: Context<'a>,
        provider: Option<&'a str>,
        flow: &'a mut ResumedFlow,
        bound: &'a Bound,
    ) -> BoxFuture<'a, Result<CallbackOutcome, Problem>>;
}
