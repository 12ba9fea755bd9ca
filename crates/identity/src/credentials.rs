//! Stored credentials: bringing old forms up to date, and removing them one by one.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::{CredentialType, Identity, Problem, RawJson, factors};
use serde_json::{Map, Value, json};

/// Brings credentials that older versions of Kratos wrote into today's form. They are written back when the identity
/// is saved.
pub(crate) fn upgrade(identity: &mut Identity) {
    let user_handle = BASE64_STANDARD.encode(identity.id.uuid().as_bytes());
    for credential in identity.credentials.values_mut().filter(|credential| credential.version == 0) {
        match credential.kind {
            CredentialType::Webauthn => upgrade_webauthn(credential, &user_handle),
            CredentialType::Code => upgrade_code(credential),
            _ => {}
        }
    }
}

/// Version 0 had no user handle of its own, and no passwordless keys.
fn upgrade_webauthn(credential: &mut model::Credential, user_handle: &str) {
    let mut config = object(&credential.config);
    if config.get("user_handle").and_then(Value::as_str).unwrap_or_default().is_empty() {
        config.insert("user_handle".to_owned(), user_handle.into());
    }
    for key in config.get_mut("credentials").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(key) = key {
            key.entry("is_passwordless").or_insert(Value::Bool(false));
        }
    }
    credential.config = RawJson::from_value(&Value::Object(config));
    credential.version = 1;
}

/// Version 0 knew one kind of address for all identifiers.
fn upgrade_code(credential: &mut model::Credential) {
    let mut config = object(&credential.config);
    config.remove("used_at");
    let via = config.remove("address_type");
    let via = match via.as_ref().and_then(Value::as_str).map(str::trim) {
        Some(via) if via.eq_ignore_ascii_case("sms") => "sms",
        _ => "email",
    };
    let addresses = config.entry("addresses").or_insert_with(|| json!([]));
    if let Value::Array(addresses) = addresses {
        let identifiers = credential.identifiers.iter().filter(|identifier| !identifier.is_empty());
        addresses.extend(identifiers.map(|address| json!({ "channel": via, "address": address })));
    }
    credential.config = RawJson::from_value(&Value::Object(config));
    credential.version = 1;
}

fn object(config: &RawJson) -> Map<String, Value> {
    match config.to_value() {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Takes a credential from an identity, as `DELETE /admin/identities/{id}/credentials/{type}` does.
///
/// # Errors
/// 404 when the identity has no such credential; 400 when it may not be removed, or is the last way to sign in.
pub(crate) fn remove(
    identity: &mut Identity,
    kind: &str,
    identifier: Option<&str>,
    rules: &factors::FactorRules,
) -> Result<(), Problem> {
    let missing = || Problem::not_found().reason(format!("This identity has no {kind} credential."));
    let Some(kind) = CredentialType::parse(kind).filter(|kind| identity.credentials.contains_key(kind)) else {
        return Err(missing());
    };
    match kind {
        CredentialType::Totp | CredentialType::LookupSecret => {
            identity.credentials.remove(&kind);
            Ok(())
        }
        CredentialType::Webauthn => {
            remove_second_factor_keys(identity);
            Ok(())
        }
        CredentialType::Password | CredentialType::Oidc | CredentialType::Saml => {
            if factors::first_factors(&identity.credentials, rules) < 2 {
                return Err(Problem::bad_request("This is the last way to sign in, which has to stay."));
            }
            match kind {
                CredentialType::Password => {
                    if let Some(credential) = identity.credentials.get_mut(&kind) {
                        credential.config = RawJson::empty_object();
                    }
                    Ok(())
                }
                _ => remove_link(identity, kind, identifier.unwrap_or_default()),
            }
        }
        CredentialType::Code | CredentialType::Passkey => {
            Err(Problem::bad_request(format!("Credentials of type {} cannot be removed.", kind.as_str())))
        }
    }
}

/// Removes the keys that are second factors; passwordless ones stay.
fn remove_second_factor_keys(identity: &mut Identity) {
    let Some(credential) = identity.credentials.get_mut(&CredentialType::Webauthn) else { return };
    let mut config = object(&credential.config);
    let keys = config.get_mut("credentials").and_then(Value::as_array_mut);
    let stays = |key: &Value| key.get("is_passwordless").and_then(Value::as_bool).unwrap_or(false);
    let left = keys.map_or(0, |keys| {
        keys.retain(stays);
        keys.len()
    });
    credential.config = RawJson::from_value(&Value::Object(config));
    if left == 0 {
        identity.credentials.remove(&CredentialType::Webauthn);
    }
}

/// Removes the link to one account at one provider, `provider:subject`.
fn remove_link(identity: &mut Identity, kind: CredentialType, identifier: &str) -> Result<(), Problem> {
    if identifier.is_empty() {
        return Err(Problem::bad_request("Please say which one: ?identifier= and provider:subject."));
    }
    let Some(credential) = identity.credentials.get_mut(&kind) else { return Err(Problem::not_found()) };
    let mut config = object(&credential.config);
    let links = config.get_mut("providers").and_then(Value::as_array_mut);
    let mut identifiers = Vec::new();
    let mut found = false;
    if let Some(links) = links {
        links.retain(|link| {
            let text = |name: &str| link.get(name).and_then(Value::as_str).unwrap_or_default();
            let own = format!("{}:{}", text("provider"), text("subject"));
            let gone = own == identifier;
            found |= gone;
            if !gone {
                identifiers.push(own);
            }
            !gone
        });
    }
    if !found {
        return Err(Problem::not_found().reason("This identity is not linked to that account."));
    }
    credential.config = RawJson::from_value(&Value::Object(config));
    credential.identifiers = identifiers;
    Ok(())
}
