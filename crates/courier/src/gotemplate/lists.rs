//! Functions of lists and maps.

use serde_json::{Map, Value};

use super::error::TemplateError;
use super::value::{integer, is_true, shown};

type Outcome = Option<Result<Value, TemplateError>>;

/// Calls a function of lists, maps, or texts as lists of characters; `None` when the arguments do not fit.
pub fn call(name: &str, arguments: &[Value]) -> Outcome {
    Some(Ok(match (name, arguments) {
        ("len", [Value::String(text)]) => text.len().into(),
        ("len", [Value::Array(items)]) => items.len().into(),
        ("len", [Value::Object(members)]) => members.len().into(),
        ("index", [value, path @ ..]) => return Some(index(value, path)),
        ("slice", [Value::Array(items), bounds @ ..]) => {
            range(bounds, items.len()).and_then(|range| items.get(range)).map(|items| items.to_vec().into())?
        }
        ("slice", [Value::String(text), bounds @ ..]) => {
            range(bounds, text.len()).and_then(|range| text.get(range)).map(Value::from)?
        }
        ("list", items) => items.to_vec().into(),
        ("first", [Value::Array(items)]) => items.first().cloned().unwrap_or_default(),
        ("last", [Value::Array(items)]) => items.last().cloned().unwrap_or_default(),
        ("rest", [Value::Array(items)]) => items.iter().skip(1).cloned().collect(),
        ("initial", [Value::Array(items)]) => items[..items.len().saturating_sub(1)].to_vec().into(),
        ("reverse", [Value::Array(items)]) => items.iter().rev().cloned().collect(),
        ("append", [Value::Array(items), item]) => items.iter().chain([item]).cloned().collect(),
        ("prepend", [Value::Array(items), item]) => [item].into_iter().chain(items).cloned().collect(),
        ("concat", lists) => lists.iter().filter_map(Value::as_array).flatten().cloned().collect(),
        ("compact", [Value::Array(items)]) => items.iter().filter(|item| is_true(item)).cloned().collect(),
        ("without", [Value::Array(items), dropped @ ..]) => {
            items.iter().filter(|item| !dropped.contains(item)).cloned().collect()
        }
        ("has", [item, Value::Array(items)]) => items.contains(item).into(),
        ("has", [_, Value::Null]) => false.into(),
        ("uniq", [Value::Array(items)]) => {
            let mut unique: Vec<Value> = Vec::new();
            for item in items {
                if !unique.contains(item) {
                    unique.push(item.clone());
                }
            }
            unique.into()
        }
        ("sortAlpha", [value]) => {
            let mut texts = texts(value);
            texts.sort();
            texts.into()
        }
        ("toStrings", [value]) => texts(value).into(),
        ("join", [separator, value]) => texts(value).join(&shown(separator)).into(),
        ("dict", pairs) if pairs.len() % 2 == 0 => {
            let pairs = pairs.chunks(2).map(|pair| (shown(&pair[0]), pair[1].clone()));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        ("get", [value, key]) => value.get(shown(key)).cloned().unwrap_or_else(|| "".into()),
        ("hasKey", [value, key]) => value.get(shown(key)).is_some().into(),
        ("keys", maps) => maps.iter().filter_map(Value::as_object).flat_map(Map::keys).cloned().collect(),
        ("values", [Value::Object(members)]) => members.values().cloned().collect(),
        ("pluck", [key, maps @ ..]) => maps.iter().filter_map(|map| map.get(shown(key))).cloned().collect(),
        _ => return None,
    }))
}

/// Sprig's `split`, which gives a map of `_0`, `_1` …, or `splitList`.
pub fn split(as_map: bool, separator: &str, text: &str) -> Value {
    let parts = text.split(separator).map(Value::from);
    match as_map {
        true => Value::Object(parts.enumerate().map(|(n, part)| (format!("_{n}"), part)).collect()),
        false => parts.collect(),
    }
}

fn index(value: &Value, path: &[Value]) -> Result<Value, TemplateError> {
    let mut found = value.clone();
    for key in path {
        found = match &found {
            Value::Array(items) => {
                let item = integer(key).and_then(|n| items.get(usize::try_from(n).ok()?));
                item.cloned().ok_or_else(|| TemplateError::new("the list is shorter"))?
            }
            Value::Object(members) => members.get(&shown(key)).cloned().unwrap_or_default(),
            Value::Null => Value::Null,
            _ => return Err(TemplateError::new("this is neither a list nor a map")),
        };
    }
    Ok(found)
}

fn range(bounds: &[Value], length: usize) -> Option<std::ops::Range<usize>> {
    let bound = |at: usize, otherwise| match bounds.get(at) {
        Some(bound) => usize::try_from(integer(bound)?).ok(),
        None => Some(otherwise),
    };
    Some(bound(0, 0)?..bound(1, length)?)
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(shown).collect(),
        Value::Null => Vec::new(),
        value => vec![shown(value)],
    }
}
