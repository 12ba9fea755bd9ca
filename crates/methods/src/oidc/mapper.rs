//! From claims to an identity: the operator's Jsonnet snippet says what becomes of them (`mapper_url`).

use flow::{Context, Services, registration};
use mapper::{Input, MAX_SNIPPET, MapperError};
use model::flow::Registration;
use model::{AddressStatus, Channel, Cx, Flow, Identity, Problem, RawJson, json_pointer, normalise_address};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::provider::Provider;

/// What a snippet gives.
#[derive(Default)]
pub struct Mapped {
    traits: Map<String, Value>,
    metadata_public: Option<Value>,
    metadata_admin: Option<Value>,
    verified_addresses: Vec<VerifiedAddress>,
}

/// An address that the provider has verified.
#[derive(Deserialize)]
struct VerifiedAddress {
    #[serde(default)]
    value: String,
    via: Channel,
}

/// Runs the provider's snippet.
///
/// # Errors
/// 500 when it fails or gives something else than it should. The log says more.
pub async fn run(services: &Services, provider: &Provider, claims: &Value) -> Result<Mapped, Problem> {
    let address = &provider.config.mapper_url;
    let fetch = |url: String| async move { services.outbound.download(&url, MAX_SNIPPET).await };
    let failed = |error: MapperError| {
        let busy = matches!(error, MapperError::Busy);
        let log = format!("The mapper of the provider {} failed: {error}.", provider.config.id);
        if busy { Problem::unavailable(log) } else { Problem::internal(log) }
    };
    let snippet = services.mapper.load(address, fetch).await.map_err(failed)?;
    let variables = Map::from_iter([("claims".to_owned(), claims.clone())]);
    let text = services.mapper.evaluate(&snippet, Input::ExtVars(&variables)).await.map_err(failed)?;
    read(&text).map_err(|why| {
        let id = &provider.config.id;
        Problem::new(500).reason(why).log(format!("The mapper of the provider {id} gave something unexpected."))
    })
}

fn read(text: &str) -> Result<Mapped, &'static str> {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    let identity = &document["identity"];
    let Value::Object(traits) = &identity["traits"] else {
        return Err("The Jsonnet mapper gave no object as identity.traits.");
    };
    let metadata = |name: &str| match identity.get(name) {
        None => Ok(None),
        Some(value @ Value::Object(_)) => Ok(Some(value.clone())),
        Some(_) => Err("The Jsonnet mapper gave metadata that is no object."),
    };
    let verified_addresses = match identity.get("verified_addresses") {
        None => Vec::new(),
        Some(list) => Vec::deserialize(list)
            .map_err(|_| "The Jsonnet mapper gave no list of addresses as identity.verified_addresses.")?,
    };
    Ok(Mapped {
        traits: traits.clone(),
        metadata_public: metadata("metadata_public")?,
        metadata_admin: metadata("metadata_admin")?,
        verified_addresses,
    })
}

impl Mapped {
    /// The identity that this makes, with what the person typed laid over it, but for what the account is known by: whose
    /// address it is, the provider knows better. Kratos takes whatever is typed.
    pub fn candidate(&self, cx: Context<'_>, flow: &Flow<Registration>, typed: &Value) -> Identity {
        let mut traits = Value::Object(self.traits.clone());
        let schemas = cx.services.identities.schemas();
        let kept = schemas.known_by(flow.detail.identity_schema.as_deref(), &traits);
        lay_over(&mut traits, typed, "", &kept);
        let mut candidate = registration::candidate(cx, flow, RawJson::from_value(&traits));
        candidate.metadata_public = self.metadata_public.as_ref().map(RawJson::from_value);
        candidate.metadata_admin = self.metadata_admin.as_ref().map(RawJson::from_value);
        candidate
    }

    /// Marks the addresses that the provider has verified.
    pub fn mark_verified(&self, cx: &Cx, candidate: &mut Identity) {
        for address in &mut candidate.verifiable_addresses {
            let is_verified = self.verified_addresses.iter().any(|verified| {
                let value = match verified.via {
                    Channel::Email => normalise_address(&verified.value),
                    Channel::Sms => verified.value.clone(),
                };
                verified.via == address.via && value == address.value
            });
            if is_verified {
                address.verified = true;
                address.status = AddressStatus::Completed;
                address.verified_at = Some(cx.now());
            }
        }
    }
}

/// What was typed wins over what the provider says, but for fields that were left empty, and for those that are `kept` (JSON
/// pointers). `at` points to both values.
fn lay_over(below: &mut Value, above: &Value, at: &str, kept: &[String]) {
    let holds = |pointer: &String| pointer.strip_prefix(at).is_some_and(|rest| rest.starts_with('/'));
    match (below, above) {
        _ if kept.iter().any(|pointer| pointer == at) => {}
        (Value::Object(below), Value::Object(above)) => {
            for (name, value) in above {
                match below.get_mut(name) {
                    Some(present) => lay_over(present, value, &json_pointer::below(at, name), kept),
                    None => drop(below.insert(name.clone(), value.clone())),
                }
            }
        }
        (below, above) if !is_empty(above) && !kept.iter().any(holds) => *below = above.clone(),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_typed_wins_unless_it_is_empty() {
        let mut traits = json!({ "email": "a@b.c", "name": { "first": "A", "last": "B" }, "age": 7 });
        lay_over(&mut traits, &json!({ "email": "", "name": { "first": "C" }, "age": 8, "more": {} }), "", &[]);
        assert_eq!(traits, json!({ "email": "a@b.c", "name": { "first": "C", "last": "B" }, "age": 8, "more": {} }));
    }

    #[test]
    fn what_is_kept_is_not_typed_over() {
        let kept = ["/email".to_owned(), "/contact/phones".to_owned(), "/a~1b".to_owned()];
        let said = json!({ "email": "a@b.c", "email2": "x", "contact": { "phones": ["1"], "note": "n" }, "a/b": 1 });
        let mut traits = said.clone();
        let typed =
            json!({ "email": "v@b.c", "email2": "y", "contact": { "phones": ["1", "2"], "note": "m" }, "a/b": 2 });
        lay_over(&mut traits, &typed, "", &kept);
        let left = json!({ "email": "a@b.c", "email2": "y", "contact": { "phones": ["1"], "note": "m" }, "a/b": 1 });
        assert_eq!(traits, left);
        let mut traits = said.clone();
        lay_over(&mut traits, &json!({ "email": { "a": 1 }, "contact": "none" }), "", &kept);
        assert_eq!(traits, said);
    }

    #[test]
    fn only_objects_are_traits() {
        for text in ["", "{}", r#"{"identity":{"traits":[]}}"#, r#"{"identity":{"traits":{},"metadata_public":1}}"#] {
            assert!(read(text).is_err(), "{text}");
        }
        let mapped = read(r#"{"identity":{"traits":{"a":1},"verified_addresses":[{"via":"email","value":"A@b.c "}]}}"#);
        assert_eq!(mapped.map(|mapped| mapped.verified_addresses.len()), Ok(1));
    }
}
