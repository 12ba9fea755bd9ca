//! The fields of forms, as a schema describes them.

use model::go::parse_bool;
use model::ui::{Group, InputType, Node};
use model::{Message, message};
use serde_json::{Map, Number, Value};

use super::keyword::{KEYWORD, Keyword};

/// A trait that a person can fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraitField {
    /// The dotted name: `traits.name.first`.
    pub name: String,
    /// The type of the field in a form.
    pub kind: InputType,
    /// The label, from the schema.
    pub title: Option<String>,
    /// Whether it has to be filled in.
    pub required: bool,
    /// The HTML `autocomplete` hint.
    pub autocomplete: Option<&'static str>,
    /// The regular expression that the value has to match.
    pub pattern: Option<String>,
    value: ValueType,
    has_default: bool,
    /// Whether the value names the person when signing in.
    names_person: bool,
    /// Whether a new passkey is called by the value.
    names_passkey: bool,
    /// Whether the value is an identifier of security keys.
    identifies_keys: bool,
}

/// What a form's text becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueType {
    Text,
    Number,
    Bool,
    List,
    NumberList,
    BoolList,
    Object,
    /// Nothing that a form can send.
    Other,
}

impl TraitField {
    /// The node of this field, without a value.
    pub fn node(&self, group: Group) -> Node {
        let mut node = Node::input(&self.name, group, self.kind);
        if let Some(input) = node.as_input_mut() {
            input.required = self.required;
            input.autocomplete = self.autocomplete.map(str::to_owned);
            input.pattern.clone_from(&self.pattern);
        }
        match &self.title {
            Some(title) => node.with_label(message::schema_label(title, &self.name)),
            None => node,
        }
    }

    fn is_object(&self) -> bool {
        self.value == ValueType::Object
    }
}

/// All fields of a schema, and the objects that hold them.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// In the order of the document.
    pub inputs: Vec<TraitField>,
    /// The dotted names of objects, outer ones first.
    objects: Vec<String>,
    pub identifier_label: Option<Message>,
    /// The dotted name of the field that new passkeys are called by.
    pub passkey_name: Option<String>,
}

impl Fields {
    /// Reads a document whose references are resolved and whose keywords are numbered.
    pub fn of(schema: &Value, keywords: &[Keyword]) -> Self {
        let mut found = Vec::new();
        walk(schema, "", false, keywords, &mut found);
        let mut persons = found.iter().filter(|field| field.names_person);
        let identifier_label = match (persons.next(), persons.next()) {
            (Some(TraitField { title: Some(title), name, .. }), None) => Some(message::schema_label(title, name)),
            _ => None,
        };
        let names_passkey = found.iter().find(|field| field.names_passkey);
        let passkey_name = names_passkey.or_else(|| found.iter().find(|field| field.identifies_keys));
        let passkey_name = passkey_name.map(|field| field.name.clone());
        let (objects, inputs): (Vec<_>, Vec<_>) = found.into_iter().partition(TraitField::is_object);
        Self { inputs, objects: objects.into_iter().map(|field| field.name).collect(), identifier_label, passkey_name }
    }

    /// Makes traits of what was sent, see [`super::Schemas::traits`].
    pub fn traits(&self, sent: &Value, is_form: bool) -> Value {
        let mut traits = if is_form { self.typed(sent) } else { sent.clone() };
        for path in self.objects.iter().filter_map(|name| name.strip_prefix("traits.")) {
            add_missing_object(&mut traits, path);
        }
        traits
    }

    fn typed(&self, sent: &Value) -> Value {
        let mut traits = Value::Object(Map::new());
        for path in self.objects.iter().filter_map(|name| name.strip_prefix("traits.")) {
            if let Some(value) = lookup(sent, path).and_then(object) {
                insert(&mut traits, path, value);
            }
        }
        for field in &self.inputs {
            let Some(path) = field.name.strip_prefix("traits.") else { continue };
            if let Some(value) = lookup(sent, path).and_then(|sent| typed(field, sent)) {
                insert(&mut traits, path, value);
            }
        }
        traits
    }
}

fn lookup<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| value.get(name))
}

fn insert(into: &mut Value, path: &str, value: Value) {
    let Value::Object(members) = into else { return };
    match path.split_once('.') {
        Some((name, rest)) => insert(members.entry(name).or_insert_with(|| Value::Object(Map::new())), rest, value),
        None => drop(members.insert(path.to_owned(), value)),
    }
}

fn add_missing_object(into: &mut Value, path: &str) {
    if lookup(into, path).is_none() {
        insert(into, path, Value::Object(Map::new()));
    }
}

/// A value of a form as the schema wants it. What cannot be read stays text, so that validation says what is wrong
/// with it; fields left empty are absent.
fn typed(field: &TraitField, sent: &Value) -> Option<Value> {
    let texts = || match sent {
        Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    };
    let last = || match sent {
        Value::Array(items) => items.last().cloned(),
        other => Some(other.clone()),
    };
    match field.value {
        ValueType::Text | ValueType::Other => last().filter(|value| !is_empty(value)),
        ValueType::Number => match last() {
            Some(empty) if is_empty(&empty) => field.required.then(|| Value::from(0)),
            value => value.map(number),
        },
        ValueType::Bool => match last() {
            Some(empty) if is_empty(&empty) => field.required.then_some(Value::Bool(false)),
            value => value.map(boolean),
        },
        ValueType::List => Some(Value::Array(texts())),
        ValueType::NumberList => Some(texts().into_iter().map(number).collect()),
        ValueType::BoolList => Some(texts().into_iter().map(boolean).collect()),
        ValueType::Object => None,
    }
}

/// An object that a form sends as the text of its JSON, and not field by field.
fn object(sent: &Value) -> Option<Value> {
    let text = match sent {
        Value::Array(several) => several.first()?.as_str()?,
        one => one.as_str()?,
    };
    let whole = || serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    (!text.is_empty()).then(whole)
}

fn is_empty(value: &Value) -> bool {
    value.as_str().is_some_and(str::is_empty)
}

fn number(value: Value) -> Value {
    let Some(text) = value.as_str() else { return value };
    let whole = text.parse::<i64>().ok().map(Number::from);
    whole.or_else(|| Number::from_f64(text.parse().ok()?)).map_or(value, Value::Number)
}

fn boolean(value: Value) -> Value {
    let flag = value.as_str().and_then(|text| match text {
        "on" => Some(true),
        "off" => Some(false),
        text => parse_bool(text),
    });
    flag.map_or(value, Value::Bool)
}

/// Lists the schema at `name` and all below it. Of several descriptions of one name the last one without a default
/// before it counts, as in Kratos.
fn walk(schema: &Value, name: &str, required: bool, keywords: &[Keyword], found: &mut Vec<TraitField>) {
    let Value::Object(members) = schema else { return };
    let value = value_type(members);
    let has_default = members.contains_key("default");
    if !name.is_empty() && (value.is_some() || has_default) {
        let field = field(members, name, required, value.unwrap_or(ValueType::Other), keywords);
        match found.iter_mut().find(|known| known.name == name) {
            Some(known) if !known.has_default => *known = field,
            Some(_) => {}
            None => found.push(field),
        }
    }
    for keyword in ["not", "if", "then", "else"] {
        if let Some(sub) = members.get(keyword) {
            walk(sub, name, false, keywords, found);
        }
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        for sub in members.get(keyword).and_then(Value::as_array).into_iter().flatten() {
            walk(sub, name, false, keywords, found);
        }
    }
    let required = members.get("required").and_then(Value::as_array);
    for (key, sub) in members.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let required = required.is_some_and(|names| names.iter().any(|name| name == key));
        let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
        walk(sub, &name, required, keywords, found);
    }
}

/// What kind of value a schema describes; `None` when it does not say, or says several.
fn value_type(schema: &Map<String, Value>) -> Option<ValueType> {
    if let Some(constant) = schema.get("const") {
        return Some(match constant {
            Value::Number(_) => ValueType::Number,
            Value::String(_) => ValueType::Text,
            Value::Bool(_) => ValueType::Bool,
            _ => ValueType::Object,
        });
    }
    Some(match single_type(schema)? {
        "boolean" => ValueType::Bool,
        "number" | "integer" => ValueType::Number,
        "string" => ValueType::Text,
        "object" => ValueType::Object,
        "array" => match schema.get("items").and_then(Value::as_object).and_then(single_type) {
            Some("boolean") => ValueType::BoolList,
            Some("number" | "integer") => ValueType::NumberList,
            // A form has no field for a list of objects.
            Some("object" | "array") => return None,
            _ => ValueType::List,
        },
        _ => return None,
    })
}

fn single_type(schema: &Map<String, Value>) -> Option<&str> {
    match schema.get("type")? {
        Value::Array(types) if types.len() == 1 => types[0].as_str(),
        kind => kind.as_str(),
    }
}

fn field(
    schema: &Map<String, Value>,
    name: &str,
    required: bool,
    value: ValueType,
    keywords: &[Keyword],
) -> TraitField {
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    let by_value = match value {
        ValueType::Number => InputType::Number,
        ValueType::Bool => InputType::Checkbox,
        _ => InputType::Text,
    };
    let (kind, autocomplete) = match text("format") {
        Some("date-time") => (InputType::DatetimeLocal, None),
        Some("email") => (InputType::Email, Some("email")),
        Some("tel") => (InputType::Tel, Some("tel")),
        Some("date") => (InputType::Date, None),
        Some("uri") => (InputType::Url, Some("url")),
        Some("regex") => (InputType::Text, None),
        _ => (by_value, None),
    };
    let keyword = schema.get(KEYWORD).and_then(Value::as_u64).and_then(|index| keywords.get(index as usize));
    TraitField {
        name: name.to_owned(),
        kind,
        title: text("title").filter(|title| !title.is_empty()).map(str::to_owned),
        required,
        autocomplete,
        pattern: text("pattern").map(str::to_owned),
        value,
        has_default: schema.contains_key("default"),
        names_person: keyword.is_some_and(Keyword::names_person),
        names_passkey: keyword.is_some_and(|keyword| keyword.credentials.passkey.display_name),
        identifies_keys: keyword.is_some_and(|keyword| keyword.credentials.webauthn.identifier),
    }
}
