//! What hooks are told, whatever flow they run around.

use model::flow::{Login, Recovery, Registration, Settings, Verification};
use model::wire::{FlowJson, FlowJsonParts, IdentityJson, SessionJson};
use model::{Flow, FlowClient, FlowName, Identity, Session};
use serde_json::{Value, json};

use crate::context::Context;

/// The moment at which a hook runs.
pub struct Scene<'a> {
    /// What the hook works with.
    pub cx: Context<'a>,
    /// The flow that it runs around.
    pub flow: AnyFlow<'a>,
    /// The session that a sign-in makes, or under which settings are changed.
    pub session: Option<&'a Session>,
}

impl Scene<'_> {
    /// What Jsonnet snippets are told (`ctx`), in the shape that Kratos tells them: `flow`, `request_headers`,
    /// `request_method`, `request_url` and `request_cookies`, and where they are known `identity` and `session`.
    pub fn context(&self, identity: Option<&Identity>) -> Value {
        let base = self.cx.services.public_url();
        let facts = &self.cx.request.facts;
        let mut context = json!({
            "flow": self.flow.to_json(base),
            "request_headers": facts.headers,
            "request_method": facts.method,
            "request_url": self.cx.request.url.as_str(),
            "request_cookies": facts.cookies,
        });
        if let Some(identity) = identity {
            context["identity"] = json!(IdentityJson::public(identity, base));
            if identity.state_changed_at.is_none() {
                // A snippet that names a member that is absent fails.
                context["identity"]["state_changed_at"] = Value::Null;
            }
        }
        if let Some(session) = self.session {
            context["session"] = json!(SessionJson::public(session, base, self.cx.now()));
        }
        context
    }
}

/// A flow of any kind.
#[derive(Clone, Copy)]
pub enum AnyFlow<'a> {
    /// A sign-in.
    Login(&'a Flow<Login>),
    /// A sign-up.
    Registration(&'a Flow<Registration>),
    /// A settings flow, and whose it is.
    Settings(&'a Flow<Settings>, &'a Identity),
    /// A recovery.
    Recovery(&'a Flow<Recovery>),
    /// A verification.
    Verification(&'a Flow<Verification>),
}

impl AnyFlow<'_> {
    /// Who drives the flow.
    pub fn client(self) -> FlowClient {
        match self {
            Self::Login(flow) => flow.client,
            Self::Registration(flow) => flow.client,
            Self::Settings(flow, _) => flow.client,
            Self::Recovery(flow) => flow.client,
            Self::Verification(flow) => flow.client,
        }
    }

    /// What kind it is.
    pub fn name(self) -> FlowName {
        match self {
            Self::Login(_) => FlowName::Login,
            Self::Registration(_) => FlowName::Registration,
            Self::Settings(..) => FlowName::Settings,
            Self::Recovery(_) => FlowName::Recovery,
            Self::Verification(_) => FlowName::Verification,
        }
    }

    /// The flow as the API prints it.
    pub fn to_json(self, public_base_url: &str) -> Value {
        let parts = FlowJsonParts::default();
        let json = match self {
            Self::Login(flow) => serde_json::to_value(FlowJson { flow, parts }),
            Self::Registration(flow) => serde_json::to_value(FlowJson { flow, parts }),
            Self::Settings(flow, identity) => {
                let identity = Some(IdentityJson::public(identity, public_base_url));
                serde_json::to_value(FlowJson { flow, parts: FlowJsonParts { identity, ..parts } })
            }
            Self::Recovery(flow) => serde_json::to_value(FlowJson { flow, parts }),
            Self::Verification(flow) => serde_json::to_value(FlowJson { flow, parts }),
        };
        json.expect("flows have text for keys")
    }
}
