//! Flows.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::flow::{FlowKind, Login, Recovery, Registration, Settings, Verification};
use crate::{Flow, Id, Uuid};

use super::IdentityJson;

/// A flow as the API prints it.
pub struct FlowJson<'a, K: FlowKind> {
    /// The flow.
    pub flow: &'a Flow<K>,
    /// What this answer adds to it.
    pub parts: FlowJsonParts<'a>,
}

/// What the answer to one request adds to the stored flow.
#[derive(Default)]
pub struct FlowJsonParts<'a> {
    /// Told once, to a native client that asked for it.
    pub session_token_exchange_code: Option<&'a str>,
    /// The login request of an OAuth2 provider.
    pub oauth2_login_request: Option<&'a serde_json::Value>,
    /// What to do next.
    pub continue_with: &'a [ContinueWith],
    /// Whose settings these are.
    pub identity: Option<IdentityJson<'a>>,
}

/// Writes the members that only one kind of flow has.
pub trait Members: FlowKind {
    /// Writes them to `map`, after `ui`.
    ///
    /// # Errors
    /// When `map` cannot be written to.
    fn members<M: SerializeMap>(flow: &Flow<Self>, parts: &FlowJsonParts<'_>, map: &mut M) -> Result<(), M::Error>;
}

impl<K: Members> Serialize for FlowJson<'_, K> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let flow = self.flow;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("id", &flow.id)?;
        map.serialize_entry("type", &flow.client)?;
        map.serialize_entry("expires_at", &flow.expires_at)?;
        map.serialize_entry("issued_at", &flow.issued_at)?;
        map.serialize_entry("request_url", &flow.request_url)?;
        if let Some(return_to) = &flow.return_to {
            map.serialize_entry("return_to", return_to)?;
        }
        if let Some(active) = flow.active.as_deref().filter(|active| !active.is_empty()) {
            map.serialize_entry("active", active)?;
        }
        map.serialize_entry("ui", &flow.ui)?;
        map.serialize_entry("state", &flow.state)?;
        K::members(flow, &self.parts, &mut map)?;
        if let Some(payload) = &flow.transient_payload {
            map.serialize_entry("transient_payload", payload)?;
        }
        map.end()
    }
}

fn sign_in_members<M: SerializeMap>(
    map: &mut M,
    organization_id: Option<Uuid>,
    challenge: Option<&String>,
    schema: Option<&String>,
    parts: &FlowJsonParts<'_>,
) -> Result<(), M::Error> {
    map.serialize_entry("organization_id", &organization_id)?;
    if let Some(challenge) = challenge {
        map.serialize_entry("oauth2_login_challenge", challenge)?;
    }
    if let Some(request) = parts.oauth2_login_request {
        map.serialize_entry("oauth2_login_request", request)?;
    }
    if let Some(code) = parts.session_token_exchange_code {
        map.serialize_entry("session_token_exchange_code", code)?;
    }
    if let Some(schema) = schema {
        map.serialize_entry("identity_schema", schema)?;
    }
    Ok(())
}

impl Members for Login {
    fn members<M: SerializeMap>(flow: &Flow<Self>, parts: &FlowJsonParts<'_>, map: &mut M) -> Result<(), M::Error> {
        let login = &flow.detail;
        map.serialize_entry("created_at", &flow.created_at)?;
        map.serialize_entry("updated_at", &flow.updated_at)?;
        map.serialize_entry("refresh", &login.refresh)?;
        map.serialize_entry("requested_aal", &login.requested_aal)?;
        let (challenge, schema) = (login.oauth2_login_challenge.as_ref(), login.identity_schema.as_ref());
        sign_in_members(map, login.organization_id, challenge, schema, parts)
    }
}

impl Members for Registration {
    fn members<M: SerializeMap>(flow: &Flow<Self>, parts: &FlowJsonParts<'_>, map: &mut M) -> Result<(), M::Error> {
        let registration = &flow.detail;
        let (challenge, schema) = (registration.oauth2_login_challenge.as_ref(), registration.identity_schema.as_ref());
        sign_in_members(map, registration.organization_id, challenge, schema, parts)
    }
}

impl Members for Settings {
    fn members<M: SerializeMap>(_: &Flow<Self>, parts: &FlowJsonParts<'_>, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("identity", &parts.identity)?;
        continue_with(map, parts)
    }
}

impl Members for Recovery {
    fn members<M: SerializeMap>(_: &Flow<Self>, parts: &FlowJsonParts<'_>, map: &mut M) -> Result<(), M::Error> {
        continue_with(map, parts)
    }
}

impl Members for Verification {
    fn members<M: SerializeMap>(_: &Flow<Self>, _: &FlowJsonParts<'_>, _: &mut M) -> Result<(), M::Error> {
        Ok(())
    }
}

fn continue_with<M: SerializeMap>(map: &mut M, parts: &FlowJsonParts<'_>) -> Result<(), M::Error> {
    if parts.continue_with.is_empty() {
        return Ok(());
    }
    map.serialize_entry("continue_with", parts.continue_with)
}

/// What a client should do after a flow (Kratos' `continue_with`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum ContinueWith {
    /// Keep this token: it proves the session.
    SetOrySessionToken {
        /// The session's token.
        ory_session_token: String,
    },
    /// Show the form of this flow, to verify an address.
    ShowVerificationUi {
        /// The verification flow.
        flow: ContinueWithFlow,
    },
    /// Show the form of this flow, to change the account.
    ShowSettingsUi {
        /// The settings flow.
        flow: ContinueWithFlow,
    },
    /// Show the form of this flow, to win back access.
    ShowRecoveryUi {
        /// The recovery flow.
        flow: ContinueWithFlow,
    },
    /// Send the browser on.
    RedirectBrowserTo {
        /// Where to, as a whole address.
        redirect_browser_to: String,
    },
}

/// The flow to show next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContinueWithFlow {
    /// The identifier of the flow.
    pub id: Uuid,
    /// The address that is to be verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verifiable_address: Option<String>,
    /// For browsers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl ContinueWithFlow {
    /// A verification flow for an address.
    pub fn verification(id: Id<Flow<Verification>>, address: String, url: Option<String>) -> Self {
        Self { id: id.uuid(), verifiable_address: Some(address), url }
    }
}
