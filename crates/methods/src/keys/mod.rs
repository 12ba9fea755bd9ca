//! What security keys (`webauthn`) and passkeys have in common: how they are stored, the questions that browsers are
//! asked, and the fields that carry these.

mod aaguid;
mod ceremony;
pub(crate) mod decoy;
mod nodes;
mod stored;
#[cfg(test)]
mod tests;

pub(crate) use ceremony::{Ceremony, Challenge, Site};
pub(crate) use nodes::{Trigger, hidden, passkey_trigger, registration_trigger, script, trigger};
pub(crate) use stored::{Bytes, Key, Keys};

use crypto::webauthn::{Creation, NewKey, WebAuthnError};
use flow::Rejection;
use model::{Credential, CredentialType, Cx, Flow, Id, Identity, Message, Problem, message};
use store::{FlowTable, Tx};

/// Gives an identity these keys. Identifiers follow from the traits, or are the caller's to add.
pub(crate) fn put(cx: &Cx, identity: &mut Identity, kind: CredentialType, keys: &Keys) -> Result<(), Problem> {
    let config = keys.to_json()?;
    let now = cx.now();
    let credential = identity.credentials.entry(kind).or_insert_with(|| Credential {
        id: Id::random(&cx.entropy),
        kind,
        identifiers: Vec::new(),
        config: config.clone(),
        version: 1,
        created_at: now,
        updated_at: now,
    });
    credential.config = config;
    credential.version = 1;
    Ok(())
}

/// Leaves an identity these keys, or none of this kind.
pub(crate) fn put_or_remove(identity: &mut Identity, kind: CredentialType, keys: &Keys) -> Result<(), Problem> {
    if keys.credentials.is_empty() {
        identity.credentials.remove(&kind);
    } else if let Some(credential) = identity.credentials.get_mut(&kind) {
        credential.config = keys.to_json()?;
    }
    Ok(())
}

/// Whether nobody could be found by a key of this kind: the schema marks no trait for it, or the trait is empty.
pub(crate) fn has_no_identifier(identity: &Identity, kind: CredentialType) -> bool {
    identity.credentials.get(&kind).is_none_or(|credential| credential.identifiers.is_empty())
}

/// What people know a key by.
pub(crate) fn display_name(key: &Key) -> &str {
    if key.display_name.is_empty() { "unnamed" } else { &key.display_name }
}

/// The question of a flow is answered: no other request may bring the answer again.
pub(crate) fn answered<K: FlowTable>(site: &Site, flow: &mut Flow<K>) -> Tx {
    let before = flow.internal_context.clone();
    site.forget(&mut flow.internal_context);
    let mut writes = Tx::new();
    writes.replace_flow_context(flow, &before);
    writes
}

/// As [`answered`], and notes what is new about the keys of `credential`.
pub(crate) fn spend<K: FlowTable>(
    cx: &Cx,
    site: &Site,
    flow: &mut Flow<K>,
    credential: &Credential,
    keys: &Keys,
) -> Result<Tx, Problem> {
    let mut writes = answered(site, flow);
    let config = keys.to_json()?;
    if config != credential.config {
        writes.note_credential_config(credential.id, &credential.config, &config, cx.now());
    }
    Ok(writes)
}

/// Said where a key cannot be removed. As in Kratos it stands at this field, whatever the kind of the key.
pub(crate) fn last_way_to_sign_in() -> Rejection {
    let reason = "This is your last way to sign in, so it has to stay. Please add another one first.";
    Rejection::at("webauthn_remove", message::generic(reason))
}

/// An answer that cannot be read: the words are for whoever builds the form.
pub(crate) fn unreadable(error: WebAuthnError) -> Message {
    message::generic(format!("The key cannot be used: {error}."))
}

/// The new key with which a browser answered `challenge`, or why it is not accepted.
pub(crate) fn created(site: &Site, challenge: &Challenge, answer: &str) -> Result<NewKey, Message> {
    let creation = Creation::parse(answer).map_err(unreadable)?;
    site.new_key(challenge, &creation).map_err(|error| {
        tracing::info!(%error, "A new key was not accepted.");
        unreadable(error)
    })
}

/// A key that is not accepted.
pub(crate) fn not_accepted(error: WebAuthnError) -> Message {
    tracing::info!(%error, "A key was not accepted.");
    message::key_refused(&error.to_string())
}

/// The form carries no question that could be answered, or not any more.
pub(crate) fn no_challenge() -> Message {
    message::generic("This form asks for no key any more. Please open a new one.")
}
