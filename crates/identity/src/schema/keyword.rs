//! The `ory.sh/kratos` keyword: what a trait means to the server.

use model::{Channel, json_pointer};
use serde::Deserialize;
use serde_json::Value;

pub(super) const KEYWORD: &str = "ory.sh/kratos";

/// What a schema says about the value it describes, at any depth below `traits`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Keyword {
    pub credentials: CredentialKeywords,
    pub verification: Via,
    pub recovery: Via,
    /// Parsed, and of no effect, as in Kratos' open-source edition.
    organizations: Organizations,
    /// The `format` beside the keyword.
    #[serde(skip)]
    pub format: Option<String>,
}

/// Which credentials the value is for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CredentialKeywords {
    pub password: Identifier,
    pub webauthn: Identifier,
    pub passkey: DisplayName,
    pub totp: AccountName,
    pub code: Code,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Identifier {
    pub identifier: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DisplayName {
    pub display_name: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AccountName {
    pub account_name: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Code {
    pub identifier: bool,
    pub via: Option<Channel>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Via {
    pub via: Option<Channel>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Organizations {
    matcher: Option<Matcher>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Matcher {
    EmailDomain,
}

impl Keyword {
    /// Whether the value names the person when signing in, whatever the method.
    pub fn names_person(&self) -> bool {
        let CredentialKeywords { password, webauthn, passkey, totp, code } = &self.credentials;
        password.identifier || webauthn.identifier || passkey.display_name || totp.account_name || code.identifier
    }

    /// Whether an account is found by the value: by an identifier of its credentials, or an address of it.
    pub fn names_account(&self) -> bool {
        let CredentialKeywords { password, webauthn, code, .. } = &self.credentials;
        let is_address = self.verification.via.is_some() || self.recovery.via.is_some();
        password.identifier || webauthn.identifier || code.identifier || is_address
    }
}

/// Reads every keyword of a document, and puts in its place its index in the list. The validator passes unknown
/// keywords on as annotations of the values they describe, so a trait finds back to its keyword by that number.
pub(super) fn collect(schema: &mut Value, place: &str, keywords: &mut Vec<Keyword>) -> Result<(), (String, String)> {
    match schema {
        Value::Object(members) => {
            let format = members.get("format").and_then(Value::as_str).map(str::to_owned);
            if let Some(value) = members.get_mut(KEYWORD).filter(|value| value.is_object()) {
                let keyword = Keyword::deserialize(&*value)
                    .map_err(|error| (json_pointer::below(place, KEYWORD), error.to_string()))?;
                *value = keywords.len().into();
                keywords.push(Keyword { format, ..keyword });
            }
            for (name, member) in members.iter_mut() {
                // These hold data, not schemas.
                if !matches!(name.as_str(), "const" | "enum" | "default" | "examples") {
                    collect(member, &json_pointer::below(place, name), keywords)?;
                }
            }
            Ok(())
        }
        Value::Array(items) => items
            .iter_mut()
            .enumerate()
            .try_for_each(|(i, item)| collect(item, &json_pointer::below(place, &i.to_string()), keywords)),
        _ => Ok(()),
    }
}

/// Removes what stands beside a `$ref`, which has no meaning up to draft 7, and none in Kratos.
pub(super) fn drop_siblings_of_references(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("$ref").is_some_and(Value::is_string) {
                let kept = ["$ref", "$id", "id", "$schema", "definitions", "$defs"];
                members.retain(|name, _| kept.contains(&name.as_str()));
            }
            members.values_mut().for_each(drop_siblings_of_references);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_siblings_of_references),
        _ => {}
    }
}
