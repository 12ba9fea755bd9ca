//! Self-service flows: a form that a person is filling in.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::Id;
use crate::ui::Ui;
use crate::{Aal, AuthenticationMethod, IdentityId, SessionId, Timestamp, Uuid};

/// A flow of kind `K`: what all kinds have in common, and `detail` for the rest.
#[derive(Clone, Debug)]
pub struct Flow<K: FlowKind> {
    /// The identifier, which the address of the form carries as `flow`.
    pub id: Id<Flow<K>>,
    /// Who drives the flow.
    pub client: FlowClient,
    /// The URL that opened the flow, word for word; `return_to` is read from its query.
    pub request_url: String,
    /// When the flow was opened.
    pub issued_at: Timestamp,
    /// When the flow can no longer be submitted.
    pub expires_at: Timestamp,
    /// How far the flow has come.
    pub state: FlowState,
    /// The method used last.
    pub active: Option<String>,
    /// The form.
    pub ui: Ui,
    /// The anti-CSRF token of the browser that opened the flow, as in its cookie.
    pub csrf_token: String,
    /// What methods keep between two submissions. Unknown members are kept as they are.
    pub internal_context: Map<String, Value>,
    /// When the row was written.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// The members that only flows of this kind have.
    pub detail: K,
    /// Where to go afterwards, checked against the allow-list. Not stored: it follows from `request_url`.
    pub return_to: Option<String>,
    /// Handed to hooks; lives for one request.
    pub transient_payload: Option<Value>,
}

/// One of the five kinds of flow.
pub trait FlowKind: Clone + fmt::Debug + Send + Sync + 'static {
    /// The name in routes, configuration and messages.
    const NAME: FlowName;
}

/// The names of the kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlowName {
    /// Signing in.
    Login,
    /// Signing up.
    Registration,
    /// Changing one's own account.
    Settings,
    /// Winning back access.
    Recovery,
    /// Proving that an address is one's own.
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
    /// The level that the sign-in has to reach (`?aal=`).
    pub requested_aal: Aal,
    /// The challenge of the OAuth 2.0 server on whose behalf somebody signs in (`?login_challenge=`).
    pub oauth2_login_challenge: Option<String>,
    /// The organization that the person asked to sign in to.
    pub organization_id: Option<Uuid>,
    /// The identity schema asked for by `?identity_schema=`.
    pub identity_schema: Option<String>,
    /// The number of codes that were tried.
    pub submit_count: i32,
}

/// Signing up.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// The challenge of the OAuth 2.0 server on whose behalf somebody signs up (`?login_challenge=`).
    pub oauth2_login_challenge: Option<String>,
    /// The organization that the person asked to join.
    pub organization_id: Option<Uuid>,
    /// The identity schema asked for by `?identity_schema=`.
    pub identity_schema: Option<String>,
    /// The number of codes that were tried.
    pub submit_count: i32,
}

/// Changing one's own account.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The identity that is changed.
    pub identity_id: IdentityId,
}

/// Winning back access.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// The identity whose access is won back, once a code or link was good.
    pub recovered_identity_id: Option<IdentityId>,
    /// Set on flows that an administrator made.
    pub skip_csrf_check: bool,
    /// The number of codes that were tried.
    pub submit_count: i32,
}

/// Proving that an address is one's own.
#[derive(Clone, Debug, Default)]
pub struct Verification {
    /// The challenge of the OAuth 2.0 server on whose behalf the person was signing up.
    pub oauth2_login_challenge: Option<String>,
    /// The session that a completed verification signs in with.
    pub session_id: Option<SessionId>,
    /// The identity whose address is verified, where a sign-up or sign-in opened the flow.
    pub identity_id: Option<IdentityId>,
    /// The steps of the sign-in that opened the flow.
    pub authentication_methods: Vec<AuthenticationMethod>,
    /// The number of codes that were tried.
    pub submit_count: i32,
}

impl FlowKind for Login {
    const NAME: FlowName = FlowName::Login;
}

impl FlowKind for Registration {
    const NAME: FlowName = FlowName::Registration;
}

impl FlowKind for Settings {
    const NAME: FlowName = FlowName::Settings;
}

impl FlowKind for Recovery {
    const NAME: FlowName = FlowName::Recovery;
}

impl FlowKind for Verification {
    const NAME: FlowName = FlowName::Verification;
}

/// Who drives the flow: a browser (server-rendered or single-page) or a native app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowClient {
    /// A browser, with pages of a server or of a single-page app.
    Browser,
    /// A native app.
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
    /// Nothing was sent yet: a method has to be chosen.
    ChooseMethod,
    /// A code or link is on its way, by whatever channel.
    SentEmail,
    /// The code or link was good.
    PassedChallenge,
    /// The settings form, not saved yet.
    ShowForm,
    /// The settings were saved.
    Success,
    /// A recovery that waits for any address of the account.
    RecoveryAwaitingAddress,
    /// A recovery that waits for the choice of one of the account's addresses.
    RecoveryAwaitingAddressChoice,
    /// A recovery that waits for the chosen address to be typed in full.
    RecoveryConfirmingAddress,
    /// A recovery that waits for the code.
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
