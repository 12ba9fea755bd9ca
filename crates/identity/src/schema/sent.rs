//! Traits as they are sent to forms, and what a schema makes of them.

use std::collections::BTreeMap;

use model::go::parse_bool;
use model::parse_json_text;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::fields::{TraitField, ValueType};

/// The name under which traits are sent, whole or, with a dot and the name of a trait behind it, one by one.
const TRAITS: &str = "traits";
/// What stands for any index in the dotted name of a field that is within a list.
pub(super) const ANY_INDEX: &str = "#";

/// What was sent to a form: every value under its dotted name, in the order in which they came. Only a form of HTML has
/// several of one name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SentFields(BTreeMap<String, Vec<Value>>);

impl SentFields {
    /// Adds a value.
    pub fn push(&mut self, name: String, value: Value) {
        self.0.entry(name).or_default().push(value);
    }

    /// Adds all values of `more`, behind those that are there.
    pub fn append(&mut self, more: Self) {
        for (name, values) in more.0 {
            self.0.entry(name).or_default().extend(values);
        }
    }

    /// All values of this name.
    pub fn all(&self, name: &str) -> &[Value] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// All values of this name, to be changed.
    pub fn all_mut(&mut self, name: &str) -> &mut [Value] {
        self.0.get_mut(name).map_or(&mut [], Vec::as_mut_slice)
    }

    /// The first value of this name, which counts where one text or number is asked for. Empty ones are as good as none.
    pub fn first(&self, name: &str) -> Option<&Value> {
        self.all(name).first().filter(|value| !is_empty(value))
    }

    /// The last value of this name, which counts for booleans: a hidden field stands in front of a checkbox.
    pub fn last(&self, name: &str) -> Option<&Value> {
        self.all(name).last().filter(|value| !is_empty(value))
    }

    /// The fields below `name`, without it and the dot, with their values.
    pub fn below<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a str, &'a [Value])> {
        let prefix = format!("{name}.");
        let from = self.0.range(prefix.clone()..);
        from.map_while(move |(name, values)| Some((name.strip_prefix(prefix.as_str())?, values.as_slice())))
    }

    /// The traits, if they were sent as one object and nothing of them on its own.
    pub fn whole_traits(&self) -> Option<&Value> {
        let whole = self.first(TRAITS).filter(|traits| traits.is_object());
        whole.filter(|_| self.below(TRAITS).next().is_none())
    }

    /// Whether there are any traits, and be they empty.
    pub fn has_traits(&self) -> bool {
        !self.all(TRAITS).is_empty() || self.below(TRAITS).next().is_some()
    }

    /// How many bytes the traits take, about as they would as JSON.
    pub fn size_of_traits(&self) -> u64 {
        let size = |values: &[Value]| values.iter().map(|value| value.to_string().len()).sum::<usize>();
        let name = |name: &str| name.rsplit('.').next().map_or(0, str::len);
        let fields = self.below(TRAITS).map(|(field, values)| name(field) + size(values));
        (size(self.all(TRAITS)) + fields.sum::<usize>()) as u64
    }

    /// The indices under which items of a list were sent, in their order. They say which comes first, and no more: nothing
    /// is as large as an index that somebody sends.
    fn indices(&self, list: &str) -> Vec<&str> {
        let first = |name: &'_ str| name.find('.').unwrap_or(name.len());
        let index = |name: &str| name.parse::<u64>().ok().filter(|_| !name.starts_with('+'));
        let names = self.below(list).map(|(name, _)| &name[..first(name)]);
        let mut found: Vec<(u64, &str)> = names.filter_map(|name| Some((index(name)?, name))).collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|(_, name)| name).collect()
    }
}

/// What a schema says of a value and of all within it: how what was sent becomes what is stored.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// `None` where the schema does not say, but may say something of what is within.
    kind: Option<ValueType>,
    required: bool,
    members: Vec<(String, Shape)>,
    /// Of a list.
    item: Option<Box<Shape>>,
}

impl Shape {
    /// The shape of the traits, of all that a schema describes.
    pub fn of_traits(described: &[TraitField]) -> Self {
        let mut traits = Self::default();
        for field in described {
            let mut segments = field.name.split('.');
            if segments.next() == Some(TRAITS) {
                let place = segments.fold(&mut traits, Self::within);
                (place.kind, place.required) = (Some(field.value), field.required);
            }
        }
        traits
    }

    fn within(&mut self, name: &str) -> &mut Self {
        if name == ANY_INDEX {
            return self.item.get_or_insert_default();
        }
        let at = self.members.iter().position(|(known, _)| known == name);
        let at = at.unwrap_or_else(|| {
            self.members.push((name.to_owned(), Self::default()));
            self.members.len() - 1
        });
        &mut self.members[at].1
    }

    /// Makes traits of what was sent, see [`super::Schemas::traits`].
    pub fn traits(&self, sent: &SentFields) -> Value {
        self.object(sent, TRAITS, None).unwrap_or_else(|| Value::Object(Map::new()))
    }

    /// The value of the field `name`; if none was sent, what was sent for it as part of a `whole`.
    fn value(&self, sent: &SentFields, name: &str, whole: Option<Value>) -> Option<Value> {
        match self.kind {
            Some(ValueType::Object) => self.object(sent, name, whole),
            None if !self.members.is_empty() => self.object(sent, name, whole),
            Some(ValueType::List | ValueType::Structures) => self.list(sent, name).or(whole),
            Some(ValueType::Bool) => self.single(sent.all(name).last()).or(whole),
            _ => self.single(sent.all(name).first()).or(whole),
        }
    }

    /// One value that stands for itself. What cannot be read stays text, so that validation says what is wrong with it;
    /// what was left empty is absent.
    fn single(&self, sent: Option<&Value>) -> Option<Value> {
        let sent = sent?;
        match self.kind {
            Some(ValueType::Number) if is_empty(sent) => self.required.then(|| Value::from(0)),
            Some(ValueType::Bool) if is_empty(sent) => self.required.then_some(Value::Bool(false)),
            _ if is_empty(sent) => None,
            Some(ValueType::Number) => Some(number(sent)),
            Some(ValueType::Bool) => Some(boolean(sent)),
            Some(ValueType::Text) => Some(Value::String(text(sent))),
            Some(ValueType::Object | ValueType::List | ValueType::Structures) => Some(document(sent)),
            Some(ValueType::Other) | None => Some(sent.clone()),
        }
    }

    /// An object, of what was sent for it as JSON and of the fields within it, which count more. Those that the schema
    /// demands are there even if nothing was sent, as in Kratos.
    fn object(&self, sent: &SentFields, name: &str, whole: Option<Value>) -> Option<Value> {
        let own = sent.first(name).map(document).or(whole);
        let mut members = match own {
            Some(Value::Object(members)) => members,
            None => Map::new(),
            // The schema says what is wrong with it.
            Some(other) => return Some(other),
        };
        for (key, shape) in &self.members {
            let present = members.get(key).cloned();
            if let Some(value) = shape.value(sent, &format!("{name}.{key}"), present) {
                members.insert(key.clone(), value);
            }
        }
        (self.kind.is_some() || !members.is_empty()).then_some(Value::Object(members))
    }

    /// A list, of the items that were sent under their indices and of all values of its own name. Rows that were left
    /// empty are none, and a list without any is absent.
    fn list(&self, sent: &SentFields, name: &str) -> Option<Value> {
        let any = Self { kind: Some(ValueType::Text), ..Self::default() };
        let shape = self.item.as_deref().unwrap_or(&any);
        let indexed = sent.indices(name).into_iter();
        let indexed = indexed.filter_map(|index| shape.value(sent, &format!("{name}.{index}"), None));
        let named = sent.all(name).iter().flat_map(|value| match value {
            Value::Array(items) => items.clone(),
            value => shape.single(Some(value)).into_iter().collect(),
        });
        let items: Vec<Value> = indexed.chain(named).filter(|item| !is_blank(item)).collect();
        (!items.is_empty()).then_some(Value::Array(items))
    }
}

/// Whether a value is as good as none: `null`, and a field that was left empty.
fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

/// Whether there is nothing in a row of a list.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().all(is_blank),
        value => is_empty(value),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value that a form sends as the text of its JSON.
fn document(value: &Value) -> Value {
    value.as_str().and_then(parse_json_text).unwrap_or_else(|| value.clone())
}

fn number(value: &Value) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    let whole = text.parse::<i64>().ok().map(Number::from);
    whole.or_else(|| Number::from_f64(text.parse().ok()?)).map_or_else(|| value.clone(), Value::Number)
}

fn boolean(value: &Value) -> Value {
    let flag = match text(value).as_str() {
        "on" => Some(true),
        "off" => Some(false),
        text => parse_bool(text),
    };
    flag.map_or_else(|| value.clone(), Value::Bool)
}
