//! What a service answers that has a say.

use std::borrow::Cow;

use flow::Rejection;
use identity::{Document, IdentityChanges};
use model::Message;
use model::message::MessageType;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::call::Fault;

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    messages: Vec<AtField>,
}

/// What is wrong with one field.
#[derive(Deserialize)]
struct AtField {
    #[serde(default)]
    instance_ptr: String,
    #[serde(default)]
    messages: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    id: i64,
    #[serde(default)]
    text: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    context: Value,
}

/// The messages of an answer with status 400 or more.
///
/// # Errors
/// When there are none.
pub fn rejections(body: &[u8]) -> Result<Vec<Rejection>, Fault> {
    let refusal: Refusal = read(object(body)?)?;
    if refusal.messages.is_empty() {
        return Err(Fault::Failed("the answer says no without a message".to_owned()));
    }
    let fields = refusal.messages.into_iter().flat_map(|AtField { instance_ptr, messages }| {
        let field = field_name(&instance_ptr).unwrap_or_default();
        messages.into_iter().map(move |detail| Rejection::at(field.clone(), detail.into()))
    });
    Ok(fields.collect())
}

/// The changes to the identity in an answer with status 200, if it makes any.
///
/// # Errors
/// When it is not what it should be.
pub fn changes(body: &[u8]) -> Result<Option<IdentityChanges>, Fault> {
    match object(body)?.remove("identity") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(_)) => exact_changes(body).map(Some),
        Some(_) => Err(Fault::Failed("the identity in the answer is no JSON object".to_owned())),
    }
}

/// The changes with their numbers as they are written, out of an answer that has some.
fn exact_changes(body: &[u8]) -> Result<IdentityChanges, Fault> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        identity: &'a RawValue,
    }
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| unexpected())?;
    let identity = Document::parse(answer.identity.get()).map_err(|_| unexpected())?;
    serde_json::from_str(&identity.to_string()).map_err(|_| unexpected())
}

fn unexpected() -> Fault {
    Fault::Failed("the answer does not have the expected form".to_owned())
}

/// The members of an answer. The words of the parser may quote personal data, so that only the place is passed on.
fn object(body: &[u8]) -> Result<Map<String, Value>, Fault> {
    serde_json::from_slice(body).map_err(|error| {
        Fault::Failed(format!("the answer cannot be read at line {}, column {}", error.line(), error.column()))
    })
}

/// Reads what is known to be an object: a list of values would pass for the members of a struct, in their order.
fn read<T: DeserializeOwned>(members: Map<String, Value>) -> Result<T, Fault> {
    serde_json::from_value(Value::Object(members)).map_err(|_| unexpected())
}

impl From<Detail> for Message {
    fn from(detail: Detail) -> Self {
        Self {
            id: u32::try_from(detail.id).unwrap_or_default(),
            text: Cow::Owned(detail.text),
            kind: if detail.kind == "error" { MessageType::Error } else { MessageType::Info },
            context: match detail.context {
                Value::Object(context) => context,
                _ => Map::new(),
            },
        }
    }
}

/// The name of the field that a JSON pointer as a URI fragment (RFC 6901 §6) points to: `#/traits/email` is
/// `traits.email`. Others are about the form as a whole.
fn field_name(pointer: &str) -> Option<String> {
    let segments = pointer.strip_prefix("#/")?.split('/').map(|segment| {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        let decoded = percent_decode_str(&segment).decode_utf8().ok()?;
        Some(decoded.replace('.', "\\."))
    });
    segments.collect::<Option<Vec<_>>>().map(|segments| segments.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_as_they_are_answered() {
        let traits = r#"{"n":12345678901234567890123,"m":[1.10]}"#;
        let body = format!(r#"{{"identity": {{"traits": {traits}, "metadata_public": 7.10}}}}"#);
        let changes = changes(body.as_bytes()).unwrap_or_default().unwrap_or_default();
        assert_eq!(changes.traits.map(|traits| traits.as_str().to_owned()).as_deref(), Some(traits));
        assert_eq!(changes.metadata_public.map(|json| json.as_str().to_owned()).as_deref(), Some("7.10"));
    }
}
