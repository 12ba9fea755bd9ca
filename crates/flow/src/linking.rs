//! Two ways to one account: somebody signs up with a provider and an address that an account has already. They are asked to
//! sign in to that account as they did before, and what they brought along is added to it.

use model::flow::Registration;
use model::ui::Attributes;
use model::{CredentialType, Cx, Flow, FlowClient, Group, Identity, IdentityId, Problem, Session, message};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::Tx;
use url::Url;

use crate::answer::Answer;
use crate::request::Request;
use crate::runtime::Runtime;
use crate::{AnyAnswer, login};

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

    fn keep_in(&self, internal_context: &mut Map<String, Value>) -> Result<(), Problem> {
        internal_context.insert(KEY.to_owned(), serde_json::to_value(self).map_err(Problem::internal)?);
        Ok(())
    }

    /// Whether it is this account that was to be linked.
    pub(crate) fn is_of(&self, identity: &Identity) -> bool {
        let mut identifiers = identity.credentials.values().flat_map(|credential| &credential.identifiers);
        identifiers.any(|identifier| *identifier == self.duplicate_identifier)
    }
}

/// Adds what was to be linked to the account that its owner has just signed in to.
pub(crate) fn complete(
    cx: &Cx,
    runtime: &Runtime,
    pending: &PendingLink,
    identity: &mut Identity,
    session: &mut Session,
    tx: &mut Tx,
) -> Result<(), Problem> {
    let mut methods = runtime.methods.iter().filter(|method| method.name() == pending.kind.as_str());
    let Some(method) = methods.find_map(|method| method.linking()) else {
        return Err(Problem::internal("what is to be linked is of a method that is switched off"));
    };
    let before = identity.clone();
    let proved = method.link(cx, identity, &pending.config)?;
    runtime.identities.save(cx, &before, identity, tx);
    runtime.sessions.add_method(cx, session, identity, proved);
    Ok(())
}

/// A sign-up that met an existing account.
pub(crate) struct Conflict<'a> {
    pub candidate: &'a Identity,
    /// The credential that was to be made, and nothing else of its type.
    pub kind: CredentialType,
    pub config: Value,
    /// The button that led here is of no use on the form.
    pub provider_id: &'a str,
    pub provider_label: &'a str,
}

/// Asks for a sign-in to the account that `conflict` met. `None` when there is no such account after all.
pub(crate) async fn offer(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Registration>,
    conflict: Conflict<'_>,
) -> Result<Option<AnyAnswer>, Problem> {
    let Some((existing, duplicate_identifier)) = find(runtime, conflict.candidate).await? else { return Ok(None) };
    let existing = runtime.identities.get(existing).await?;
    let pending = PendingLink {
        kind: conflict.kind,
        config: conflict.config.clone(),
        duplicate_identifier: duplicate_identifier.clone(),
    };
    pending.keep_in(&mut flow.internal_context)?;
    let mut login = login::new_in_place_of(cx, runtime, request, &flow)?;
    let hints = runtime.config.selfservice.registration_login_hints.then(|| Hints::of(&existing));
    let new_login_url = runtime.ui_url(model::FlowName::Login);
    ask(&mut login, &conflict, &duplicate_identifier, new_login_url.as_str(), hints.as_ref());
    let mut tx = Tx::new();
    tx.insert_flow(&login);
    tx.move_token_exchange(flow.id.uuid(), login.id.uuid(), cx.now());
    runtime.store.commit(tx).await?;
    tracing::info!(flow.id = %login.id, identity.id = %existing.id, "A sign-up met an account, to which it can be linked.");
    let page = match login.client {
        FlowClient::Browser => Url::parse(&runtime.flow_page(&login)).ok(),
        FlowClient::Api => Some(runtime.return_to_of(&flow)),
    };
    let mut page = page.unwrap_or(new_login_url);
    if login.client == FlowClient::Api {
        page.query_pairs_mut().append_pair("flow", &login.id.to_string());
    }
    page.query_pairs_mut().append_pair("no_org_ui", "true");
    Ok(Some(AnyAnswer::Login(Answer::Replaced { flow: Box::new(login), page: page.into() })))
}

/// Whose identifier or address the candidate wants, and which it is.
async fn find(runtime: &Runtime, candidate: &Identity) -> Result<Option<(IdentityId, String)>, Problem> {
    for credential in candidate.credentials.values() {
        for identifier in &credential.identifiers {
            if let Some(found) = runtime.store.find_by_identifier(credential.kind, identifier).await? {
                return Ok(Some((found.identity_id, identifier.clone())));
            }
        }
    }
    for address in &candidate.verifiable_addresses {
        if let Some((id, found)) = runtime.store.find_verifiable_address(address.via, &address.value).await? {
            return Ok(Some((id, found.value)));
        }
    }
    for address in &candidate.recovery_addresses {
        if let Some((id, found)) = runtime.store.find_recovery_address(address.via, &address.value).await? {
            return Ok(Some((id, found.value)));
        }
    }
    Ok(None)
}

/// How the owner of an account signs in, for servers that tell (`login_hints`).
struct Hints {
    credential_types: Vec<&'static str>,
    providers: Vec<String>,
}

impl Hints {
    fn of(identity: &Identity) -> Self {
        let texts = |config: &Value, list: &str, member: &str| -> Vec<String> {
            let items = config[list].as_array().into_iter().flatten();
            items.filter_map(|item| item[member].as_str().map(str::to_owned)).collect()
        };
        let mut hints = Self { credential_types: Vec::new(), providers: Vec::new() };
        // In the order of their names, as Kratos gives them.
        let mut credentials: Vec<_> = identity.credentials.values().collect();
        credentials.sort_by_key(|credential| credential.kind.as_str());
        for credential in credentials {
            let config = credential.config.to_value();
            let passwordless = || {
                let mut keys = config["credentials"].as_array().into_iter().flatten();
                keys.any(|key| key["is_passwordless"] == true)
            };
            let is_usable = match credential.kind {
                CredentialType::Password => config["hashed_password"].as_str().is_some_and(|hash| !hash.is_empty()),
                CredentialType::Code => true,
                CredentialType::Oidc => {
                    hints.providers = texts(&config, "providers", "provider");
                    true
                }
                CredentialType::Webauthn | CredentialType::Passkey => passwordless(),
                CredentialType::Totp | CredentialType::LookupSecret | CredentialType::Saml => false,
            };
            if is_usable {
                hints.credential_types.push(credential.kind.as_str());
            }
        }
        hints
    }
}

/// Turns a sign-in form into one that links.
fn ask(
    login: &mut Flow<model::flow::Login>,
    conflict: &Conflict<'_>,
    identifier: &str,
    new_login_url: &str,
    hints: Option<&Hints>,
) {
    login.ui.nodes.retain_mut(|node| {
        let group = node.group;
        let Some(label) = node.meta.label.as_mut().filter(|_| group != Group::Default) else { return true };
        let context = |name: &str| label.context.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let provider_id = context("provider_id");
        let is_other_way = group != Group::Oidc
            || provider_id != conflict.provider_id && hints.is_none_or(|hints| hints.providers.contains(&provider_id));
        if !is_other_way {
            return false;
        }
        match label.id {
            1010001 => *label = message::login_and_link(),
            1010002 => *label = message::login_with_provider_and_link(&context("provider")),
            _ => {}
        }
        hints.is_none_or(|hints| hints.credential_types.contains(&group.as_str()))
    });
    if let Some(node) = login.ui.node_mut("identifier") {
        if let Attributes::Input(input) = &mut node.attributes {
            input.kind = model::ui::InputType::Hidden;
        }
        node.set_value(identifier.into());
    }
    let nothing = Hints { credential_types: Vec::new(), providers: Vec::new() };
    let Hints { credential_types, providers } = hints.unwrap_or(&nothing);
    login.ui.messages =
        vec![message::login_link(identifier, conflict.provider_label, new_login_url, credential_types, providers)];
}
