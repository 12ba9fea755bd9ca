//! Environment variables as configuration: `SERVE_PUBLIC_PORT=4433` sets `serve.public.port`.
//!
//! Crates such as `figment` split names at underscores; the keys here have some in them, so the schema says where to
//! split.

use std::collections::HashMap;
use std::sync::LazyLock;

use model::go::parse_bool;
use serde_json::Value;

use crate::file::{Layer, Step};
use crate::finding::{Finding, SourceLocation};
use crate::{legacy, schema};

/// Elements of arrays that variables may address, `…_0_…` to `…_999_…`.
const MAX_INDEX: usize = 999;

/// The process' environment. Variables that are not UTF-8 are left out; no key of ours has such a name or value.
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The variables that name a known key, as one layer each, parents before children and elements in order. Variables
/// that name none are somebody else's and are left alone.
pub(crate) fn layers(
    environment: &[(String, String)],
    errors: &mut Vec<Finding>,
    warnings: &mut Vec<Finding>,
) -> Vec<Layer> {
    let mut found: Vec<(Vec<Step>, &str, Value)> = Vec::new();
    for (name, text) in environment {
        let Some((path, known)) = find(name) else { continue };
        let place = SourceLocation { source: name.clone(), line: None };
        if let Some(old) = &known.old {
            warnings.push(legacy::renamed(place.clone(), old, &key_of(&path)));
        }
        match typed(known.nodes, text) {
            Ok(Some(value)) => found.push((path, name, value)),
            Ok(None) => {}
            Err(expected) => errors.push(Finding::new(place, key_of(&path), format!("expected {expected}"))),
        }
    }
    found.sort_by(|(a, ..), (b, ..)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    found.into_iter().map(|(path, name, value)| Layer::at(name, path, value)).collect()
}

fn key_of(path: &[Step]) -> String {
    path.iter().map(Step::to_string).collect::<Vec<_>>().join(".")
}

/// A key that a variable may name.
struct Known {
    path: Vec<&'static str>,
    nodes: &'static [&'static Value],
    /// The spelling before Kratos renamed the key, when the variable uses that.
    old: Option<String>,
}

/// Known keys under the spelling that variables share: lower case, `_` for `.`, `-` and `_` alike, `#` for positions.
fn index() -> &'static HashMap<String, Known> {
    static INDEX: LazyLock<HashMap<String, Known>> = LazyLock::new(|| {
        let spelling = |key: &str| key.replace(['.', '-'], "_");
        let mut index = HashMap::new();
        for key in schema::known_keys() {
            let known = Known { path: key.path.clone(), nodes: &key.nodes, old: None };
            index.entry(spelling(&key.path.join("."))).or_insert(known);
        }
        for (old, new) in legacy::RENAMED {
            if let Some(key) = schema::known_keys().iter().find(|key| key.path.join(".") == *new) {
                let known = Known { path: key.path.clone(), nodes: &key.nodes, old: Some((*old).to_owned()) };
                index.entry(spelling(old)).or_insert(known);
            }
        }
        index
    });
    &INDEX
}

fn find(variable: &str) -> Option<(Vec<Step>, &'static Known)> {
    let mut positions = Vec::new();
    let words = variable.to_ascii_lowercase();
    let words = words.split('_').map(|word| match word.parse::<usize>() {
        Ok(position) if word.bytes().all(|byte| byte.is_ascii_digit()) => {
            positions.push(position);
            "#".to_owned()
        }
        _ => word.to_owned(),
    });
    let spelling = words.collect::<Vec<_>>().join("_");
    let known = index().get(&spelling)?;
    let mut positions = positions.into_iter();
    let path = known.path.iter().map(|name| match *name {
        "#" => positions.next().filter(|position| *position <= MAX_INDEX).map(Step::Index),
        name => Some(Step::Key(name)),
    });
    Some((path.collect::<Option<_>>()?, known))
}

/// The text as the type that the schema asks for. `None` for an empty variable where emptiness means nothing.
fn typed(nodes: &[&'static Value], text: &str) -> Result<Option<Value>, String> {
    let kind = schema::keyword_of(nodes, "type");
    let kind = kind.and_then(|kind| kind.as_str().or_else(|| kind[0].as_str())).unwrap_or("string");
    let free_text =
        kind == "string" && ["enum", "format", "pattern"].iter().all(|k| schema::keyword_of(nodes, k).is_none());
    if text.is_empty() && !free_text {
        return Ok(None);
    }
    let value = match kind {
        "string" => Value::from(text),
        "boolean" => Value::from(parse_bool(text).ok_or("true or false")?),
        "integer" => Value::from(text.parse::<i64>().map_err(|_| "a whole number")?),
        "number" => Value::from(text.parse::<f64>().map_err(|_| "a number")?),
        "array" => array(nodes, text)?,
        _ => match serde_json::from_str(text) {
            Ok(value @ Value::Object(_)) => value,
            _ => return Err("a JSON object".to_owned()),
        },
    };
    Ok(Some(value))
}

/// A JSON array, or, for arrays of text, a list with commas.
fn array(nodes: &[&'static Value], text: &str) -> Result<Value, String> {
    if let Ok(value @ Value::Array(_)) = serde_json::from_str(text) {
        return Ok(value);
    }
    let of_text = nodes
        .iter()
        .flat_map(|node| schema::items(node))
        .any(|item| schema::keyword(item, "type").is_some_and(|kind| kind == "string"));
    if of_text { Ok(comma_list(text)) } else { Err("a JSON array".to_owned()) }
}

/// Comma-separated values; an element in double quotes may hold commas, and a doubled quote stands for one.
fn comma_list(text: &str) -> Value {
    let mut elements = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let last = elements.len() - 1;
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                elements[last].push('"');
            }
            '"' if quoted || elements[last].is_empty() => quoted = !quoted,
            ',' if !quoted => elements.push(String::new()),
            character => elements[last].push(character),
        }
    }
    Value::from(elements)
}
