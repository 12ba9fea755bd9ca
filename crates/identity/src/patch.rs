//! JSON Patch (RFC 6902) as Kratos' admin API takes it: `add`, `remove` and `replace`, where `replace` makes what is
//! missing.
//!
//! The crate `json-patch` refuses to replace what is missing, as the RFC asks.

use model::json_pointer;

use crate::document::Document;

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

struct Operation<'a> {
    op: &'a str,
    path: &'a str,
    /// A `null` is a value.
    value: Option<&'a Document>,
}

impl<'a> Operation<'a> {
    /// Members that mean nothing are ignored.
    fn of(operation: &'a Document) -> Option<Self> {
        let Document::Object(members) = operation else { return None };
        let text = |name: &str| members.get(name).and_then(Document::as_str);
        Some(Self { op: text("op")?, path: text("path")?, value: members.get("value") })
    }
}

fn operations(patch: &Document) -> Option<Vec<Operation<'_>>> {
    let Document::Array(operations) = patch else { return None };
    operations.iter().map(Operation::of).collect()
}

/// Applies the operations of `patch` to `document`, one after another.
///
/// # Errors
/// For the first operation that is malformed, not allowed, or leads nowhere. The document is in an unspecified state
/// then.
pub fn apply(document: &mut Document, patch: &Document) -> Result<(), PatchError> {
    let fail = |index, why: String| PatchError { index, why };
    let malformed = "this is no JSON Patch, a list of objects that have \"op\" and \"path\"";
    let operations = operations(patch).ok_or_else(|| fail(0, malformed.to_owned()))?;
    if operations.len() > MAX_OPERATIONS {
        return Err(fail(MAX_OPERATIONS, format!("there may be at most {MAX_OPERATIONS} operations")));
    }
    for (index, operation) in operations.into_iter().enumerate() {
        run(document, operation).map_err(|why| fail(index, why))?;
    }
    Ok(())
}

fn run(document: &mut Document, operation: Operation<'_>) -> Result<(), String> {
    let Operation { op, path, value } = operation;
    let names = split(path)?;
    if is_denied(&names) {
        return Err(format!("{path} cannot be changed this way"));
    }
    let value = || value.cloned().ok_or_else(|| "a value is missing".to_owned());
    match op {
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
fn add(document: &mut Document, names: &[String], value: Document) -> Result<(), String> {
    let Some((last, parents)) = names.split_last() else { return Err("the path is empty".to_owned()) };
    let mut at = document;
    for (i, name) in parents.iter().enumerate() {
        at = step_or_make(at, name, is_element(&names[i + 1]))?;
    }
    match at {
        Document::Object(members) => drop(members.insert(last.clone(), value)),
        Document::Array(items) if last == "-" => items.push(value),
        Document::Array(items) => {
            let place = last.parse().ok().filter(|place| *place <= items.len());
            items.insert(place.ok_or_else(|| nothing_at(last))?, value);
        }
        _ => return Err(nothing_at(last)),
    }
    Ok(())
}

fn step_or_make<'a>(at: &'a mut Document, name: &str, holds_elements: bool) -> Result<&'a mut Document, String> {
    let next = match at {
        Document::Object(members) => members.entry(name.to_owned()).or_insert(Document::NULL),
        Document::Array(items) => {
            name.parse().ok().and_then(|i: usize| items.get_mut(i)).ok_or_else(|| nothing_at(name))?
        }
        _ => return Err(nothing_at(name)),
    };
    if next.is_null() {
        *next = if holds_elements { Document::Array(Vec::new()) } else { Document::empty_object() };
    }
    Ok(next)
}

fn replace(document: &mut Document, names: &[String], value: Document) -> Result<(), String> {
    *find(document, names)? = value;
    Ok(())
}

fn remove(document: &mut Document, names: &[String]) -> Result<(), String> {
    let Some((last, parents)) = names.split_last() else { return Err("the path is empty".to_owned()) };
    match find(document, parents)? {
        Document::Object(members) => members.shift_remove(last).map(drop).ok_or_else(|| nothing_at(last)),
        Document::Array(items) => {
            let place = last.parse().ok().filter(|place| *place < items.len());
            items.remove(place.ok_or_else(|| nothing_at(last))?);
            Ok(())
        }
        _ => Err(nothing_at(last)),
    }
}

fn find<'a>(document: &'a mut Document, names: &[String]) -> Result<&'a mut Document, String> {
    names.iter().try_fold(document, |at, name| match at {
        Document::Object(members) => members.get_mut(name).ok_or_else(|| nothing_at(name)),
        Document::Array(items) => {
            name.parse().ok().and_then(|i: usize| items.get_mut(i)).ok_or_else(|| nothing_at(name))
        }
        _ => Err(nothing_at(name)),
    })
}

fn nothing_at(name: &str) -> String {
    format!("there is nothing at {name:?}")
}
