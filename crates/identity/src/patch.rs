//! JSON Patch (RFC 6902) as Kratos' admin API takes it: `add`, `remove` and `replace`, where `replace` makes what is
//! missing.
//!
//! The crate `json-patch` refuses to replace what is missing, as the RFC asks.

use model::json_pointer;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Why a patch was not applied. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("operation {index}: {why}")]
pub struct PatchError {
    /// The operation that failed, counted from 0.
    pub index: usize,
    /// What is wrong with it.
    pub why: String,
}

/// How many operations a patch may have.
const MAX_OPERATIONS: usize = 1000;

#[derive(Deserialize)]
struct Operation {
    op: String,
    path: String,
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
}

/// A `null` is a value.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// Applies the operations of `patch` to `document`, one after another.
///
/// # Errors
/// For the first operation that is malformed, not allowed, or leads nowhere. The document is in an unspecified state
/// then.
pub fn apply(document: &mut Value, patch: &Value) -> Result<(), PatchError> {
    let fail = |index, why: String| PatchError { index, why };
    let operations: Vec<Operation> =
        Vec::deserialize(patch).map_err(|error| fail(0, format!("this is no JSON Patch: {error}")))?;
    if operations.len() > MAX_OPERATIONS {
        return Err(fail(MAX_OPERATIONS, format!("there may be at most {MAX_OPERATIONS} operations")));
    }
    for (index, operation) in operations.into_iter().enumerate() {
        run(document, operation).map_err(|why| fail(index, why))?;
    }
    Ok(())
}

fn run(document: &mut Value, operation: Operation) -> Result<(), String> {
    let Operation { op, path, value } = operation;
    let names = split(&path)?;
    if is_denied(&names) {
        return Err(format!("{path} cannot be changed this way"));
    }
    let value = || value.ok_or_else(|| "a value is missing".to_owned());
    match op.as_str() {
        "add" => add(document, &names, value()?),
        "replace" if names.last().is_some_and(|name| is_element(name)) => replace(document, &names, value()?),
        "replace" => add(document, &names, value()?),
        "remove" => remove(document, &names),
        _ => Err(format!("{op:?} is not supported; use add, replace or remove")),
    }
}

/// What stays with other routes, or never changes.
fn is_denied(names: &[String]) -> bool {
    let names: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    matches!(names.as_slice(), ["id" | "statechangedat" | "credentials"] | ["credentials", "oidc", _, ..])
}

/// The reference tokens of a JSON pointer (RFC 6901).
fn split(path: &str) -> Result<Vec<String>, String> {
    match path.strip_prefix('/') {
        Some(_) => Ok(json_pointer::names(path).collect()),
        None => Err(format!("the path {path:?} has to begin with a slash")),
    }
}

/// Whether a name can only be meant for a place in an array.
fn is_element(name: &str) -> bool {
    name == "-" || name.parse::<usize>().is_ok()
}

/// Puts `value` at a place; objects and arrays on the way to it are made.
fn add(document: &mut Value, names: &[String], value: Value) -> Result<(), String> {
    let Some((last, parents)) = names.split_last() else { return Err("the path is empty".to_owned()) };
    let mut at = document;
    for (i, name) in parents.iter().enumerate() {
        at = step_or_make(at, name, is_element(&names[i + 1]))?;
    }
    match at {
        Value::Object(members) => drop(members.insert(last.clone(), value)),
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            let place = last.parse().ok().filter(|place| *place <= items.len());
            items.insert(place.ok_or_else(|| nothing_at(last))?, value);
        }
        _ => return Err(nothing_at(last)),
    }
    Ok(())
}

fn step_or_make<'a>(at: &'a mut Value, name: &str, holds_elements: bool) -> Result<&'a mut Value, String> {
    let next = match at {
        Value::Object(members) => members.entry(name).or_insert(Value::Null),
        Value::Array(items) => {
            name.parse().ok().and_then(|i: usize| items.get_mut(i)).ok_or_else(|| nothing_at(name))?
        }
        _ => return Err(nothing_at(name)),
    };
    if next.is_null() {
        *next = if holds_elements { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
    }
    Ok(next)
}

fn replace(document: &mut Value, names: &[String], value: Value) -> Result<(), String> {
    *find(document, names)? = value;
    Ok(())
}

fn remove(document: &mut Value, names: &[String]) -> Result<(), String> {
    let Some((last, parents)) = names.split_last() else { return Err("the path is empty".to_owned()) };
    match find(document, parents)? {
        Value::Object(members) => members.shift_remove(last).map(drop).ok_or_else(|| nothing_at(last)),
        Value::Array(items) => {
            let place = last.parse().ok().filter(|place| *place < items.len());
            items.remove(place.ok_or_else(|| nothing_at(last))?);
            Ok(())
        }
        _ => Err(nothing_at(last)),
    }
}

fn find<'a>(document: &'a mut Value, names: &[String]) -> Result<&'a mut Value, String> {
    names.iter().try_fold(document, |at, name| match at {
        Value::Object(members) => members.get_mut(name).ok_or_else(|| nothing_at(name)),
        Value::Array(items) => name.parse().ok().and_then(|i: usize| items.get_mut(i)).ok_or_else(|| nothing_at(name)),
        _ => Err(nothing_at(name)),
    })
}

fn nothing_at(name: &str) -> String {
    format!("there is nothing at {name:?}")
}
