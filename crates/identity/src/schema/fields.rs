//! The fields of forms, as a schema describes them.

use model::ui::{Group, InputType, Node};
use model::{Message, message};
use serde_json::{Map, Value};

use super::keyword::{KEYWORD, Keyword};
use super::patterns;
use super::sent::{ANY_INDEX, SentFields, Shape};

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
    pub(super) value: ValueType,
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
pub(super) enum ValueType {
    Text,
    Number,
    Bool,
    List,
    /// A list of objects or of lists, for which a form has no field of its own.
    Structures,
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

    /// Whether it takes several values.
    pub fn is_list(&self) -> bool {
        self.value == ValueType::List
    }

    /// Whether a form has a field for it, and not for what is in it.
    fn is_input(&self) -> bool {
        !matches!(self.value, ValueType::Object | ValueType::Structures)
            && !self.name.split('.').any(|name| name == ANY_INDEX)
    }
}

/// All fields of a schema, and what is made of what is sent to them.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// By their names.
    pub inputs: Vec<TraitField>,
    /// The dotted names of all traits, in the order in which the document has them.
    pub order: Vec<String>,
    traits: Shape,
    pub identifier_label: Option<Message>,
    /// The dotted name of the field that new passkeys are called by.
    pub passkey_name: Option<String>,
}

impl Fields {
    /// Reads a `schema` whose references are resolved and whose keywords are numbered, and the `document` as it was
    /// written.
    pub fn of(schema: &Value, document: &Value, keywords: &[Keyword]) -> Self {
        let mut described = Vec::new();
        walk(schema, "", false, keywords, &mut described);
        let traits = Shape::of_traits(&described);
        let mut inputs: Vec<_> = described.into_iter().filter(TraitField::is_input).collect();
        let mut persons = inputs.iter().filter(|field| field.names_person);
        let identifier_label = match (persons.next(), persons.next()) {
            (Some(TraitField { title: Some(title), name, .. }), None) => Some(message::schema_label(title, name)),
            _ => None,
        };
        let names_passkey = inputs.iter().find(|field| field.names_passkey);
        let passkey_name = names_passkey.or_else(|| inputs.iter().find(|field| field.identifies_keys));
        let passkey_name = passkey_name.map(|field| field.name.clone());
        inputs.sort_by(|a, b| a.name.cmp(&b.name));
        let mut order = Vec::new();
        list_in_order(document, "", &mut order);
        Self { inputs, order, traits, identifier_label, passkey_name }
    }

    /// Makes traits of what was sent, see [`super::Schemas::traits`].
    pub fn traits(&self, sent: &SentFields) -> Value {
        self.traits.traits(sent)
    }
}

/// Lists what a document names as properties of objects, in the order in which it stands there. What it says in another
/// way (behind a reference, or on conditions) has no place in it, and comes last in a form, as in Kratos.
fn list_in_order(schema: &Value, name: &str, order: &mut Vec<String>) {
    if schema.get("type").is_none_or(|kind| kind != "object") {
        order.push(name.to_owned());
        return;
    }
    for (key, sub) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let key = key.replace('.', "\\.");
        list_in_order(sub, &if name.is_empty() { key } else { format!("{name}.{key}") }, order);
    }
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
    if let Some(items @ Value::Object(_)) = members.get("items") {
        walk(items, &format!("{name}.{ANY_INDEX}"), false, keywords, found);
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
            Some("object" | "array") => ValueType::Structures,
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
        pattern: text(patterns::KEYWORD).map(str::to_owned),
        value,
        has_default: schema.contains_key("default"),
        names_person: keyword.is_some_and(Keyword::names_person),
        names_passkey: keyword.is_some_and(|keyword| keyword.credentials.passkey.display_name),
        identifies_keys: keyword.is_some_and(|keyword| keyword.credentials.webauthn.identifier),
    }
}
