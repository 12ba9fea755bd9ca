//! Self-service flows: a form that a person is filling in.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::Id;
use crate::ui::Ui;
use crate::{Aal, AuthenticationMethod, IdentityId, SessionId, Timestamp, Uuid};

/// A flow of kind `K`: what all kinds have in common, and `detail` for the rest.
#[derive(Clone, Debug)]
pub struct Flow<K: Kind> {
    pub id: Id<Flow<K>>,
    pub client: FlowClient,
    /// The URL that opened the flow, word for word; `return_to` is read from its query.
    pub request_url: String,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub state: FlowState,
    /// The method used last.
    pub active: Option<String>,
    pub ui: Ui,
    /// The anti-CSRF token of the browser that opened the flow, as in its cookie.
    pub csrf_token: String,
    /// What methods keep between two submissions. Unknown members are kept as they are.
    pub internal_context: Map<String, Value>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub detail: K,
    /// Where to go afterwards, checked against the allow-list. Not stored: it follows from `request_url`.
    pub return_to: Option<String>,
    /// Handed to hooks; lives for one request.
    pub transient_payload: Option<Value>,
}

/// One of the five kinds of flow.
pub trait Kind: Clone + fmt::Debug + Send + Sync + 'static {
    /// The name in routes, configuration and messages.
    const NAME: FlowName;
}

/// The names of the kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlowName {
    Login,
    Registration,
    Settings,
    Recovery,
    Verification,
}

impl FlowName {
    /// The name in routes and configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Registration => "registration",
            Self::Settings => "settings",
            Self::Recovery => "recovery",
            Self::Verification => "verification",
        }
    }
}

/// Signing in, again or further.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// The person is signed in and proves it anew.
    pub refresh: bool,
    pub requested_aal: Aal,
    pub oauth2_login_challenge: Option<String>,
    pub organization_id: Option<Uuid>,
    /// The identity schema asked for by `?identity_schema=`.
    pub identity_schema: Option<String>,
    pub submit_count: i32,
}

/// Signing up.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    pub oauth2_login_challenge: Option<String>,
    pub organization_id: Option<Uuid>,
    pub identity_schema: Option<String>,
    pub submit_count: i32,
}

/// Changing one's own account.
#[derive(Clone, Debug)]
pub struct Settings {
    pub identity_id: IdentityId,
}

/// Winning back access.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    pub recovered_identity_id: Option<IdentityId>,
    /// Set on flows that an administrator made.
    pub skip_csrf_check: bool,
    pub submit_count: i32,
}

/// Proving that an address is one's own.
#[derive(Clone, Debug, Default)]
pub struct Verification {
    pub oauth2_login_challenge: Option<String>,
    pub session_id: Option<SessionId>,
    pub identity_id: Option<IdentityId>,
    pub authentication_methods: Vec<AuthenticationMethod>,
    pub submit_count: i32,
}

impl Kind for Login {
    const NAME: FlowName = FlowName::Login;
}

impl Kind for Registration {
    const NAME: FlowName = FlowName::Registration;
}

impl Kind for Settings {
    const NAME: FlowName = FlowName::Settings;
}

impl Kind for Recovery {
    const NAME: FlowName = FlowName::Recovery;
}

impl Kind for Verification {
    const NAME: FlowName = FlowName::Verification;
}

/// Who drives the flow: a browser (server-rendered or single-page) or a native app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowClient {
    Browser,
    Api,
}

impl FlowClient {
    /// The name on the wire (`type`) and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Api => "api",
        }
    }
}

/// How far a flow has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowState {
    ChooseMethod,
    SentEmail,
    PassedChallenge,
    ShowForm,
    Success,
    RecoveryAwaitingAddress,
    RecoveryAwaitingAddressChoice,
    RecoveryConfirmingAddress,
    RecoveryAwaitingCode,
}

impl FlowState {
    const ALL: [Self; 9] = [
        Self::ChooseMethod,
        Self::SentEmail,
        Self::PassedChallenge,
        Self::ShowForm,
        Self::Success,
        Self::RecoveryAwaitingAddress,
        Self::RecoveryAwaitingAddressChoice,
        Self::RecoveryConfirmingAddress,
        Self::RecoveryAwaitingCode,
    ];

    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChooseMethod => "choose_method",
            Self::SentEmail => "sent_email",
            Self::PassedChallenge => "passed_challenge",
            Self::ShowForm => "show_form",
            Self::Success => "success",
            Self::RecoveryAwaitingAddress => "recovery_awaiting_address",
            Self::RecoveryAwaitingAddressChoice => "recovery_awaiting_address_choice",
            Self::RecoveryConfirmingAddress => "recovery_confirming_address",
            Self::RecoveryAwaitingCode => "recovery_awaiting_code",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}
