//! What an account is known by: where a schema puts identifiers, and addresses to verify and to recover by.

use model::json_pointer;
use serde_json::Value;

use super::errors::dotted;
use super::keyword::{KEYWORD, Keyword};
use super::{Schema, document_of};
use crate::address::text_of;
use crate::derive;

/// A place in a document that holds identifiers or addresses.
#[derive(Debug)]
pub(super) struct Place {
    /// A JSON pointer, `/traits/email`. Lists, and objects with names that the schema does not give, are one place each.
    pointer: String,
    /// The number of the keyword that says so.
    keyword: usize,
}

/// Lists the places of a schema whose references are resolved and whose keywords are numbered.
pub(super) fn places(schema: &Value, keywords: &[Keyword]) -> Vec<Place> {
    let mut found = Vec::new();
    walk(schema, "", false, keywords, &mut found);
    found
}

/// Keywords for items and members that have no names of their own.
const NAMELESS: [&str; 6] =
    ["items", "additionalItems", "contains", "prefixItems", "additionalProperties", "patternProperties"];

/// Lists the places at `pointer` and below it, or all as this one where it is one place (`is_one`).
fn walk(schema: &Value, pointer: &str, is_one: bool, keywords: &[Keyword], found: &mut Vec<Place>) {
    match schema {
        Value::Object(members) => {
            let index = members.get(KEYWORD).and_then(Value::as_u64).map(|index| index as usize);
            if let Some(keyword) = index.filter(|index| keywords.get(*index).is_some_and(Keyword::names_account)) {
                found.push(Place { pointer: pointer.to_owned(), keyword });
            }
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("properties", Value::Object(properties)) => {
                        for (name, sub) in properties {
                            let below = json_pointer::below(pointer, name);
                            walk(sub, if is_one { pointer } else { &below }, is_one, keywords, found);
                        }
                    }
                    // These hold data, or what has been put where it is referred to.
                    ("const" | "enum" | "default" | "examples" | "definitions" | "$defs", _) => {}
                    (name, _) => walk(member, pointer, is_one || NAMELESS.contains(&name), keywords, found),
                }
            }
        }
        Value::Array(alternatives) => alternatives.iter().for_each(|sub| walk(sub, pointer, is_one, keywords, found)),
        _ => {}
    }
}

impl Schema {
    /// Of these traits, what the account would be known by and nothing is to be said against; see
    /// [`super::Schemas::known_by`].
    pub(super) fn known_by(&self, traits: &Value) -> Vec<String> {
        let document = document_of(traits);
        let complaints = self.check(&document);
        let is_accepted = |place: &&Place| {
            let name = dotted(&place.pointer);
            let is_here =
                |at: &str| at.strip_prefix(&*name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            let Some(value) = document.pointer(&place.pointer).filter(|value| !is_missing(value)) else { return false };
            is_fit(&self.keywords[place.keyword], value) && !complaints.iter().any(|fault| is_here(&fault.pointer))
        };
        let accepted = self.places.iter().filter(is_accepted);
        let below_traits = accepted.filter_map(|place| place.pointer.strip_prefix("/traits"));
        below_traits.filter(|pointer| !pointer.is_empty()).map(str::to_owned).collect()
    }
}

/// Whether nothing is said by a value, that somebody could still say.
fn is_missing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_missing),
        Value::Object(members) => members.values().all(is_missing),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether a value is fit for what the schema wants it for, as far as a value or a list of values goes.
fn is_fit(keyword: &Keyword, value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(|item| is_fit(keyword, item)),
        value => text_of(value).is_none_or(|text| derive::check_value(keyword, &text).is_ok()),
    }
}
