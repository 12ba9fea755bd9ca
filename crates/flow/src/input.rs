//! What was sent to a flow: JSON, or a form.

use std::borrow::Cow;

use model::go::parse_bool;
use model::parse_json;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What was sent to a form.
pub enum Submission {
    /// It can be read.
    Readable(Input),
    /// It cannot: why, as is said on the form.
    Unreadable(String),
}

impl From<Result<Input, InputError>> for Submission {
    fn from(input: Result<Input, InputError>) -> Self {
        match input {
            Ok(input) => Self::Readable(input),
            Err(InputError(why)) => Self::Unreadable(why),
        }
    }
}

/// A submission that can be read, as nested values. Names such as `traits.email` are taken apart at the dots.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Input {
    fields: Map<String, Value>,
    /// Whether it came as a form, where every value is text and has to be typed by the schema.
    pub is_form: bool,
}

/// A body that cannot be read.
#[derive(Debug)]
pub struct InputError(pub String);

/// How deep values may be nested, by dots or otherwise. Every step of it is a step on the stack wherever values are
/// walked.
const MAX_DEPTH: usize = 64;
/// How many values a submission may have.
const MAX_VALUES: usize = 10_000;
/// How many bytes the names of a value and of all that it stands in may have together. Names are written out in full
/// for every value, so their length counts that often.
const MAX_NAME: usize = 2048;

/// The longest text that is read of the fields below, in bytes: many times what any of them can be.
const MAX_KEPT_TEXT: usize = 4 << 10;
/// Fields whose texts are kept with a flow, and shown again, or with a credential.
const KEPT_TEXTS: [&str; 8] = [
    "identifier",
    "password_identifier",
    "address",
    "email",
    "code",
    "recovery_address",
    "recovery_confirm_address",
    "webauthn_register_displayname",
];

impl Input {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// When it is not JSON, not an object, nested too deeply, too large in number or names, or names a member twice.
    pub fn from_json(body: &[u8]) -> Result<Self, InputError> {
        let value = parse_json(body).map_err(|error| InputError(error.to_string()))?;
        let Value::Object(members) = value else {
            return Err(InputError("The body has to be a JSON object.".to_owned()));
        };
        Self::from_members(members, false)
    }

    /// Takes the fields of a form. Of several of one name the last counts, as with a hidden field behind a checkbox.
    ///
    /// # Errors
    /// When they are too many, or their names are too long or have too many dots.
    pub fn from_form(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, InputError> {
        Self::from_members(pairs.into_iter().map(|(name, value)| (name, Value::String(value))), true)
    }

    fn from_members(members: impl IntoIterator<Item = (String, Value)>, is_form: bool) -> Result<Self, InputError> {
        let (mut fields, mut left) = (Map::new(), MAX_VALUES);
        for (name, value) in members {
            ensure_storable(&name)?;
            ensure_bounded(&value, name.split('.').count(), name.len(), &mut left)?;
            insert(&mut fields, &name, value);
        }
        for name in KEPT_TEXTS {
            if let Some(value) = fields.get_mut(name) {
                cut(value);
            }
        }
        Ok(Self { fields, is_form })
    }

    /// A member, whatever it is.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// A member as text: whatever else it is, it is taken as it is printed. Empty if it is missing.
    pub fn text(&self, name: &str) -> String {
        match self.fields.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(value) => value.to_string(),
        }
    }

    /// Whether a member says yes: `true` in JSON, or what a pressed button or a ticked box sends.
    pub fn flag(&self, name: &str) -> bool {
        let text = self.text(name);
        text == "on" || parse_bool(&text) == Some(true)
    }

    /// The method that the submission names.
    pub fn method(&self) -> String {
        self.text("method")
    }

    /// The traits, as they came.
    pub fn traits(&self) -> Value {
        self.fields.get("traits").cloned().unwrap_or_else(|| Value::Object(Map::new()))
    }

    /// What is to be handed to hooks. A form sends it as JSON text.
    pub fn transient_payload(&self) -> Option<Value> {
        match self.fields.get("transient_payload")? {
            Value::String(text) => serde_json::from_str(text).ok(),
            value => Some(value.clone()),
        }
    }
}

/// Cuts a text that is longer than any that somebody could mean: it is as wrong then as it was before, and a flow that
/// keeps it stays small.
fn cut(value: &mut Value) {
    let text = match &*value {
        Value::String(text) => Cow::from(text),
        other => Cow::from(other.to_string()),
    };
    if text.len() > MAX_KEPT_TEXT {
        let end = (0..=MAX_KEPT_TEXT).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
        *value = Value::String(text[..end].to_owned());
    }
}

/// Checks `value`, which stands `depth` names deep under names of `name` bytes. `left` is how many values may follow.
fn ensure_bounded(value: &Value, depth: usize, name: usize, left: &mut usize) -> Result<(), InputError> {
    let too = |what: &str| Err(InputError(format!("The form cannot be read: {what}.")));
    if depth > MAX_DEPTH {
        return too("it is nested too deeply");
    }
    if name > MAX_NAME {
        return too("the name of a field is too long");
    }
    let Some(rest) = left.checked_sub(1) else { return too("it has too many fields") };
    *left = rest;
    match value {
        Value::String(text) => ensure_storable(text),
        Value::Object(members) => members.iter().try_for_each(|(key, value)| {
            ensure_storable(key)?;
            // A name may have dots here too, where the fields of the form are named after it.
            ensure_bounded(value, depth + 1 + key.matches('.').count(), name + 1 + key.len(), left)
        }),
        Value::Array(items) => items.iter().try_for_each(|item| ensure_bounded(item, depth + 1, name + 8, left)),
        _ => Ok(()),
    }
}

/// PostgreSQL cannot keep the character NUL, and no keyboard has it.
fn ensure_storable(text: &str) -> Result<(), InputError> {
    if text.contains('\0') {
        return Err(InputError("The form cannot be read: a text holds the character NUL.".to_owned()));
    }
    Ok(())
}

/// Puts `value` at the place that a dotted name describes.
fn insert(fields: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        Some((head, rest)) if !head.is_empty() && !rest.is_empty() => {
            let below = fields.entry(head).or_insert_with(|| Value::Object(Map::new()));
            if !below.is_object() {
                *below = Value::Object(Map::new());
            }
            if let Value::Object(below) = below {
                insert(below, rest, value);
            }
        }
        _ => match (fields.get_mut(name), value) {
            // Nested and dotted spellings of one object may come together.
            (Some(Value::Object(present)), Value::Object(more)) => present.extend(more),
            (_, value) => drop(fields.insert(name.to_owned(), value)),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn dotted_and_nested_names_mean_the_same() {
        let dotted = Input::from_json(br#"{"traits.name.first":"A","traits":{"email":"e"}}"#).expect("an object");
        assert_eq!(dotted.traits(), json!({"name": {"first": "A"}, "email": "e"}));
        let form = [("traits.email", "e"), ("method", "password")].map(|(k, v)| (k.into(), v.into()));
        let form = Input::from_form(form).expect("a form");
        assert_eq!((form.traits(), form.method().as_str()), (json!({"email": "e"}), "password"));
    }

    #[test]
    fn whatever_comes_is_read_as_text_where_text_is_meant() {
        let input = Input::from_json(br#"{"password":5,"method":true,"x":null,"code":["a"]}"#).expect("an object");
        let texts = ["password", "method", "x", "code"].map(|name| input.text(name));
        assert_eq!(texts, ["5", "true", "", r#"["a"]"#]);
    }

    #[test]
    fn ambiguous_json_is_refused() {
        for body in ["{", "[]", "{\"a\":1,\"a\":2}", "{} {}", "", "{\"a\":NaN}", "null"] {
            assert!(Input::from_json(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn what_would_exhaust_the_stack_or_the_memory_is_refused() {
        let form = |name: String| Input::from_form([(name, "1".to_owned())]);
        assert!(form("a.".repeat(MAX_DEPTH - 1) + "b").is_ok());
        assert!(form("a.".repeat(MAX_DEPTH) + "b").is_err());
        assert!(form("a.".repeat(1_500_000) + "b").is_err());
        assert!(form("n".repeat(MAX_NAME + 1)).is_err());
        assert!(Input::from_form((0..=MAX_VALUES).map(|i| (i.to_string(), String::new()))).is_err());

        let json = |body: String| Input::from_json(body.as_bytes());
        let name = "n".repeat(MAX_NAME);
        assert!(json(format!(r#"{{"{}":1}}"#, "a.".repeat(1_500_000) + "b")).is_err());
        assert!(json(format!(r#"{{"traits":{{"{name}":[0]}}}}"#)).is_err());
        assert!(json(format!(r#"{{"traits":[{}0]}}"#, "0,".repeat(MAX_VALUES))).is_err());
        assert!(json(format!(r#"{{"traits":{}0{}}}"#, "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH))).is_err());
        assert!(json(format!(r#"{{"traits":[{}0]}}"#, "0,".repeat(MAX_VALUES - 10))).is_ok());
    }

    #[test]
    fn what_a_flow_keeps_is_cut() {
        let long = "é".repeat(4 << 20 >> 1);
        let input = Input::from_form([("identifier".to_owned(), long.clone()), ("password".to_owned(), long.clone())]);
        let input = input.expect("a form");
        assert_eq!((input.text("identifier").len(), input.text("password").len()), (4096, long.len()));
        let nested = Input::from_json(json!({ "identifier": [long], "code": ["a"] }).to_string().as_bytes());
        let nested = nested.expect("an object");
        assert!(nested.text("identifier").len() <= 4096);
        assert_eq!(nested.text("code"), r#"["a"]"#);
        let dotted = Input::from_form([("address.x".to_owned(), long)]).expect("a form");
        assert!(dotted.text("address").len() <= 4096);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Input::from_json(&body);
        }
    }
}
