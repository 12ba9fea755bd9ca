//! What was sent to a flow: JSON, or a form.

use std::borrow::Cow;

use identity::{Document, SentFields};
use model::go::parse_bool;
use model::ui::{MAX_ITEMS, list_of};
use model::{RawJson, parse_json, parse_json_text};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
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

/// A submission that can be read. JSON is read as a form is: a member of its object is a field, whose name may be a dotted
/// one (`traits.email`), and a field that is left empty is absent. Of several fields of one name the first counts for texts
/// and numbers, the last for booleans, and all for lists.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Input {
    fields: SentFields,
    /// The traits as JSON, digit by digit, where they were sent whole and hold numbers that 64 bits would change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exact_traits: Option<String>,
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
        let mut input = Self::from_members(members)?;
        input.exact_traits = input.fields.whole_traits().and_then(|traits| exact_traits(body, traits));
        Ok(input)
    }

    /// Takes the fields of a form.
    ///
    /// # Errors
    /// When they are too many, or their names are too long or have too many dots.
    pub fn from_form(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, InputError> {
        Self::from_members(pairs.into_iter().map(|(name, value)| (name, Value::String(value))))
    }

    fn from_members(members: impl IntoIterator<Item = (String, Value)>) -> Result<Self, InputError> {
        let (mut fields, mut left, mut items) = (SentFields::default(), MAX_VALUES, 0);
        for (name, value) in members {
            ensure_storable(&name)?;
            ensure_bounded(&value, name.split('.').count(), name.len(), &mut left)?;
            items += usize::from(list_of(&name).is_some() || !fields.all(&name).is_empty());
            if items > MAX_ITEMS {
                return Err(too("a list has too many items"));
            }
            fields.push(name, value);
        }
        for name in KEPT_TEXTS {
            fields.all_mut(name).iter_mut().for_each(cut);
        }
        Ok(Self { fields, exact_traits: None })
    }

    /// These fields, and behind them those of `more`.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.fields.append(more.fields);
        self
    }

    /// A field, whatever it is.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.first(name)
    }

    /// A field as text: whatever else it is, it is taken as it is printed. Empty if it is missing.
    pub fn text(&self, name: &str) -> String {
        self.get(name).map(printed).unwrap_or_default()
    }

    /// Whether a field says yes: `true` in JSON, or what a pressed button or a ticked box sends.
    pub fn flag(&self, name: &str) -> bool {
        let text = self.fields.last(name).map(printed).unwrap_or_default();
        text == "on" || parse_bool(&text) == Some(true)
    }

    /// The members of an object: sent as JSON, as the text of JSON, or as fields of their own with dotted names, which count
    /// more.
    pub fn object(&self, name: &str) -> Map<String, Value> {
        let mut members = match self.get(name) {
            Some(Value::Object(members)) => members.clone(),
            Some(Value::String(text)) => match parse_json_text(text) {
                Some(Value::Object(members)) => members,
                _ => Map::new(),
            },
            _ => Map::new(),
        };
        let fields =
            self.fields.below(name).filter_map(|(key, values)| Some((key.to_owned(), values.first()?.clone())));
        members.extend(fields);
        members
    }

    /// The method that the submission names.
    pub fn method(&self) -> String {
        self.text("method")
    }

    /// The traits, as they came, among all other fields: a schema makes values of them.
    pub fn traits(&self) -> &SentFields {
        &self.fields
    }

    /// What a schema has made of the traits, as it is stored: digit by digit as it was sent, if it was sent whole and the schema
    /// has changed nothing.
    pub fn as_sent(&self, traits: &Value) -> RawJson {
        let exact = self.exact_traits.clone().and_then(|exact| RawJson::parse(exact).ok());
        exact.filter(|exact| exact.to_value() == *traits).unwrap_or_else(|| RawJson::from_value(traits))
    }

    /// Whether there are any traits, and be they empty.
    pub fn has_traits(&self) -> bool {
        self.fields.has_traits()
    }

    /// What is to be handed to hooks. A form sends it as JSON text.
    pub fn transient_payload(&self) -> Option<Value> {
        match self.get("transient_payload")? {
            Value::String(text) => parse_json_text(text),
            value => Some(value.clone()),
        }
    }
}

/// The member `traits` of a body, if its numbers are not what `traits` has made of them.
fn exact_traits(body: &[u8], traits: &Value) -> Option<String> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        traits: &'a RawValue,
    }
    let body: Body<'_> = serde_json::from_slice(body).ok()?;
    let exact = Document::parse(body.traits.get()).ok()?;
    (exact != Document::from(traits)).then(|| exact.to_string())
}

fn printed(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
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
    if depth > MAX_DEPTH {
        return Err(too("it is nested too deeply"));
    }
    if name > MAX_NAME {
        return Err(too("the name of a field is too long"));
    }
    let Some(rest) = left.checked_sub(1) else { return Err(too("it has too many fields")) };
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

fn too(what: &str) -> InputError {
    InputError(format!("The form cannot be read: {what}."))
}

/// PostgreSQL cannot keep the character NUL, and no keyboard has it.
fn ensure_storable(text: &str) -> Result<(), InputError> {
    if text.contains('\0') {
        return Err(InputError("The form cannot be read: a text holds the character NUL.".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn form(fields: &[(&str, &str)]) -> Input {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Input::from_form(fields).expect("a form")
    }

    #[test]
    fn of_several_fields_of_one_name_the_first_counts_and_the_last_for_booleans() {
        let twice =
            form(&[("key", "{…}"), ("key", ""), ("method", "a"), ("method", "b"), ("box", "false"), ("box", "true")]);
        assert_eq!((twice.text("key"), twice.method(), twice.flag("box")), ("{…}".to_owned(), "a".to_owned(), true));
        let other = form(&[("key", ""), ("key", "{…}"), ("box", "true"), ("box", "false"), ("on", "true"), ("on", "")]);
        assert_eq!((other.text("key"), other.flag("box"), other.flag("on")), (String::new(), false, false));
        assert!(other.get("key").is_none());
    }

    #[test]
    fn what_was_sent_in_two_places_counts_in_their_order() {
        let both = form(&[("code", "1"), ("a", "")]).and(form(&[("code", "2"), ("a", "b"), ("c", "d")]));
        assert_eq!(["code", "a", "c"].map(|name| both.text(name)), ["1", "", "d"]);
    }

    #[test]
    fn what_is_left_empty_is_absent_however_it_was_sent() {
        let json = Input::from_json(br#"{"method":"","transient_payload":null,"code":0}"#).expect("an object");
        assert_eq!((json.get("method"), json.transient_payload(), json.text("code").as_str()), (None, None, "0"));
        assert_eq!(form(&[("transient_payload", "")]).transient_payload(), None);
        assert!(form(&[("traits.name", "")]).has_traits() && form(&[("traits", "{}")]).has_traits());
        assert!(!form(&[("trait", "a"), ("traitsx", "b"), ("a.traits.b", "c")]).has_traits());
    }

    #[test]
    fn numbers_stay_as_they_are_sent_where_the_traits_are_sent_whole() {
        let sent = |body: &str| {
            let input = Input::from_json(body.as_bytes()).expect("an object");
            let made = input.get("traits").cloned().unwrap_or_default();
            input.as_sent(&made).as_str().to_owned()
        };
        let traits = r#"{"n":12345678901234567890123,"a":[1.10,1e2,{"b":-0.0}]}"#;
        assert_eq!(sent(&format!(r#"{{"method":"password","traits":{traits}}}"#)), traits);
        assert_eq!(sent(r#"{"traits":{"n": 1, "t": "\u00e9"}}"#), r#"{"n":1,"t":"é"}"#);
        // With something of it sent on its own, or changed by the schema, it is what was made of it.
        let input = Input::from_json(format!(r#"{{"traits":{traits},"traits.x":"y"}}"#).as_bytes()).expect("an object");
        assert_eq!(input.as_sent(&json!({ "n": 1.5 })).as_str(), r#"{"n":1.5}"#);
        let input = Input::from_json(format!(r#"{{"traits":{traits}}}"#).as_bytes()).expect("an object");
        assert_eq!(input.as_sent(&json!({ "n": 2 })).as_str(), r#"{"n":2}"#);
        // What waits for a fresh sign-in keeps it.
        let kept: Input = serde_json::from_str(&serde_json::to_string(&input).expect("JSON")).expect("the same");
        assert_eq!(kept.exact_traits.as_deref(), Some(traits));
    }

    #[test]
    fn an_object_may_be_sent_whole_or_field_by_field() {
        let whole = json!({ "upstream_parameters": { "login_hint": "a" } }).to_string();
        let whole = Input::from_json(whole.as_bytes()).expect("an object");
        let text = form(&[("upstream_parameters", r#"{"login_hint":"a"}"#)]);
        let fields = form(&[("upstream_parameters.login_hint", "a"), ("upstream_parameters.login_hint", "b")]);
        for input in [whole, text, fields] {
            assert_eq!(Value::Object(input.object("upstream_parameters")), json!({ "login_hint": "a" }));
        }
        assert!(form(&[("x", "[1]")]).object("x").is_empty());
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

        let items = |names: Vec<String>| Input::from_form(names.into_iter().map(|name| (name, String::new())));
        assert!(items(vec!["a".to_owned(); MAX_ITEMS + 1]).is_ok());
        assert!(items(vec!["a".to_owned(); MAX_ITEMS + 2]).is_err());
        assert!(items((0..=MAX_ITEMS).map(|i| format!("a.{i}.b")).collect()).is_err());
        assert!(items(vec!["a.4000000000".to_owned(), "a.18446744073709551616".to_owned()]).is_ok());

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
        let twice = Input::from_form([("code".to_owned(), long.clone()), ("code".to_owned(), long)]).expect("a form");
        assert!(twice.fields.all("code").iter().all(|value| value.as_str().is_some_and(|text| text.len() <= 4096)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Input::from_json(&body);
        }
    }
}
