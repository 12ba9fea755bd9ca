//! Functions of lists.

use serde_json::Value;

use super::error::TemplateError;
use super::limits::MAX_TEXT;
use super::value::{integer, is_true, shown};

type Outcome = Option<Result<Value, TemplateError>>;

/// Calls a function of lists, or of texts as lists of characters; `None` when the arguments do not fit.
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
        ("join", [separator, value]) => {
            let (separator, texts) = (shown(separator), texts(value));
            if separator.len().saturating_mul(texts.len()) > MAX_TEXT {
                return Some(Err(TemplateError::new("the text is too long")));
            }
            texts.join(&separator).into()
        }
        ("chunk", [size, Value::Array(items)]) => match usize::try_from(integer(size)?) {
            Ok(size @ 1..) => items.chunks(size).map(|chunk| Value::from(chunk.to_vec())).collect(),
            _ => return Some(Err(TemplateError::new("the size is not above zero"))),
        },
        _ => return None,
    }))
}

/// The parts of a text between separators: all of them, or, if `most` is not negative, that many, of which the last is
/// the rest. Without a separator, characters are parts.
pub fn split(separator: &str, most: i64, text: &str) -> Vec<Value> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if most == 0 {
        return Vec::new();
    }
    if !separator.is_empty() {
        return text.splitn(most, separator).map(Value::from).collect();
    }
    let cut = text.char_indices().nth(most - 1).map_or(text.len(), |(at, _)| at);
    let (characters, rest) = text.split_at(cut);
    let rest = Some(rest).filter(|rest| !rest.is_empty());
    characters.chars().map(|c| c.to_string().into()).chain(rest.map(Value::from)).collect()
}

/// A map of `_0`, `_1` …
pub fn numbered(items: Vec<Value>) -> Value {
    Value::Object(items.into_iter().enumerate().map(|(n, item)| (format!("_{n}"), item)).collect())
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
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(shown).collect(),
        Value::Null => Vec::new(),
        value => vec![shown(value)],
    }
}
