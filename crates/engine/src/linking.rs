//! Two ways to one account: somebody signs up with a provider and an address that an account has already. They are asked to
//! sign in to that account as they did before, and what they brought along is added to it.

use flow::{Linking, LoginScene, Recognised};
use model::factors::LoginHints;
use model::flow::Registration;
use model::ui::{Attributes, InputType};
use model::{Flow, FlowClient, FlowName, Group, Identity, IdentityId, Message, Problem, message};
use store::Tx;
use url::Url;

use crate::answer::Answer;
use crate::login::form as login;
use crate::pending_link::PendingLink;
use crate::runtime::Engine;

/// Asks for a sign-in to the account that a sign-up with a provider met. `None` when there is no such account after all.
pub(crate) async fn offer(
    cx: Engine<'_>,
    mut flow: Flow<Registration>,
    candidate: &Identity,
    recognised: &Recognised,
) -> Result<Option<Answer>, Problem> {
    let Some((existing, duplicate_identifier)) = find(cx, candidate).await? else { return Ok(None) };
    let existing = cx.services.identities.get(existing).await?;
    let pending = PendingLink {
        kind: recognised.kind,
        config: recognised.link.clone(),
        duplicate_identifier: duplicate_identifier.clone(),
    };
    pending.keep_in(&mut flow.internal_context)?;
    let hints = cx.services.config.selfservice.registration_login_hints.then(|| LoginHints::of(&existing));
    let known_by = hints.as_ref().map(|hints| hints.providers.as_slice());
    let linking = Linking { provider: &recognised.provider, known_by };
    let mut login = login::new_in_place_of(cx, &flow, &LoginScene::Linking(&linking))?;
    let new_login_url = cx.services.ui_url(FlowName::Login);
    let asked = Asked { identifier: &duplicate_identifier, provider_label: &recognised.provider_label, hints };
    asked.on(&mut login, new_login_url.as_str());
    let mut tx = Tx::new();
    tx.insert_flow(&login);
    tx.move_token_exchange(flow.id.uuid(), login.id.uuid(), cx.now());
    cx.services.store.commit(tx).await?;
    tracing::info!(flow.id = %login.id, identity.id = %existing.id, "A sign-up met an account, to which it can be linked.");
    let page = match login.client {
        FlowClient::Browser => Url::parse(&cx.services.flow_page(&login)).ok(),
        FlowClient::Api => Some(cx.services.return_to_of(&flow)),
    };
    let mut page = page.unwrap_or(new_login_url);
    if login.client == FlowClient::Api {
        page.query_pairs_mut().append_pair("flow", &login.id.to_string());
    }
    page.query_pairs_mut().append_pair("no_org_ui", "true");
    Ok(Some(Answer::Replaced { flow: Box::new(login), page: page.into() }))
}

/// What is said to somebody whose identifier or address belongs to an account already: on servers that tell
/// (`login_hints`), also how its owner signs in.
///
/// # Errors
/// When the database fails.
pub(crate) async fn taken(cx: Engine<'_>, candidate: &Identity) -> Result<Message, Problem> {
    if !cx.services.config.selfservice.registration_login_hints {
        return Ok(message::duplicate_account());
    }
    let Some((owner, identifier)) = find(cx, candidate).await? else { return Ok(message::duplicate_account()) };
    let hints = LoginHints::of(&cx.services.identities.get(owner).await?);
    let credential_types: Vec<_> = hints.credential_types.iter().map(|kind| kind.as_str()).collect();
    Ok(message::duplicate_account_with_hints(&credential_types, &hints.providers, identifier.trim()))
}

/// Whose identifier or address the candidate wants, and which it is.
async fn find(cx: Engine<'_>, candidate: &Identity) -> Result<Option<(IdentityId, String)>, Problem> {
    for credential in candidate.credentials.values() {
        for identifier in &credential.identifiers {
            if let Some(found) = cx.services.store.find_by_identifier(credential.kind, identifier).await? {
                return Ok(Some((found.identity_id, identifier.clone())));
            }
        }
    }
    for address in &candidate.verifiable_addresses {
        if let Some((id, found)) = cx.services.store.find_verifiable_address(address.via, &address.value).await? {
            return Ok(Some((id, found.value)));
        }
    }
    for address in &candidate.recovery_addresses {
        if let Some((id, found)) = cx.services.store.find_recovery_address(address.via, &address.value).await? {
            return Ok(Some((id, found.value)));
        }
    }
    Ok(None)
}

/// What a person is asked for so that an account can be linked.
struct Asked<'a> {
    /// What the account here is known by.
    identifier: &'a str,
    /// The provider at which the other account is.
    provider_label: &'a str,
    /// How the owner signs in, for servers that tell.
    hints: Option<LoginHints>,
}

impl Asked<'_> {
    /// Turns a sign-in form into one that says why it is there, and asks for the account's owner only.
    fn on(self, login: &mut Flow<model::flow::Login>, new_login_url: &str) {
        if let Some(hints) = &self.hints {
            login.ui.nodes.retain(|node| {
                let is_of_method = node.group != Group::Default && node.meta.label.is_some();
                !is_of_method || hints.credential_types.iter().any(|kind| kind.as_str() == node.group.as_str())
            });
        }
        if let Some(node) = login.ui.node_mut("identifier") {
            if let Attributes::Input(input) = &mut node.attributes {
                input.kind = InputType::Hidden;
            }
            node.set_value(self.identifier.into());
        }
        let LoginHints { credential_types, providers } = self.hints.unwrap_or_default();
        let credential_types: Vec<_> = credential_types.iter().map(|kind| kind.as_str()).collect();
        let (identifier, provider) = (self.identifier, self.provider_label);
        login.ui.messages =
            vec![message::login_link(identifier, provider, new_login_url, &credential_types, &providers)];
    }
}
