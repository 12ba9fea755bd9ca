//! A credential that waits for its owner to sign in: kept with a flow, and added once they have.

use flow::{Refused, ensure_same_browser};
use model::flow::Login;
use model::{CredentialType, Flow, FlowClient, Identity, Problem, Session};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::Tx;

use crate::question::Reply;
use crate::runtime::Engine;
use crate::sender::Sender;

/// Where a flow keeps it; Kratos' name.
const KEY: &str = "registration_duplicate_credentials";

/// A credential that waits for its owner to sign in, in Kratos' own form.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PendingLink {
    #[serde(rename = "CredentialsType")]
    pub kind: CredentialType,
    /// The `config` of the credential, with nothing in it but what is to be linked.
    #[serde(rename = "CredentialsConfig")]
    pub config: Value,
    /// What the existing account is known by.
    pub duplicate_identifier: String,
}

impl PendingLink {
    /// What a flow keeps, if anything.
    pub(crate) fn of(internal_context: &Map<String, Value>) -> Option<Self> {
        serde_json::from_value(internal_context.get(KEY)?.clone()).ok()
    }

    pub(crate) fn keep_in(&self, internal_context: &mut Map<String, Value>) -> Result<(), Problem> {
        internal_context.insert(KEY.to_owned(), serde_json::to_value(self).map_err(Problem::internal)?);
        Ok(())
    }

    /// The provider at which the account is that waits.
    pub(crate) fn provider(&self) -> &str {
        self.config["providers"][0]["provider"].as_str().unwrap_or_default()
    }

    /// Whether it is this account that was to be linked.
    pub(crate) fn is_of(&self, identity: &Identity) -> bool {
        let mut identifiers = identity.credentials.values().flat_map(|credential| &credential.identifiers);
        identifiers.any(|identifier| *identifier == self.duplicate_identifier)
    }
}

/// Checks that a sign-in for which a link waits is ended by the client that began it: whose account is to be linked is for the
/// owner of the other one to say.
///
/// A browser is told by the anti-CSRF cookie that the flow was made for. A native app is told by the flow's id, which it has
/// to send. No more than its address tells the browser that comes back from a provider for a native flow, and anybody can be
/// sent to that; the codes of an exchange prove who gets the session, and not whose browser it was. So its person is asked.
pub(crate) fn ensure_same_client(cx: Engine<'_>, flow: &Flow<Login>, sender: &Sender) -> Result<(), Refused> {
    match (flow.client, sender) {
        (FlowClient::Browser, _) => ensure_same_browser(cx.request, flow).map_err(Refused::Browser),
        (FlowClient::Api, Sender::Form) => Ok(()),
        (FlowClient::Api, Sender::Returning { .. }) if cx.reply.is_some_and(Reply::connects) => Ok(()),
        (FlowClient::Api, Sender::Returning { .. }) => Err(Refused::NotNative(
            "The two accounts cannot be connected by signing in with a provider in a browser. Please sign in here in another \
             way; or start again with this provider, and connect the other one in your settings."
                .to_owned(),
        )),
    }
}

/// Adds what was to be linked to the account that its owner has just signed in to.
pub(crate) fn complete(
    cx: Engine<'_>,
    pending: &PendingLink,
    identity: &mut Identity,
    session: &mut Session,
    tx: &mut Tx,
) -> Result<(), Problem> {
    let Some(method) = cx.runtime.find(pending.kind.as_str(), |method| method.provider()) else {
        return Err(Problem::internal("what is to be linked is of a method that is switched off"));
    };
    let before = identity.clone();
    let proved = method.link(*cx, identity, &pending.config)?;
    cx.services.identities.save(&cx, &before, identity, tx);
    cx.services.sessions.add_method(&cx, session, identity, proved);
    Ok(())
}
