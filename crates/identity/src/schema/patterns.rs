//! `pattern` and `patternProperties`, whose expressions are Go's.
//!
//! The validator reads ECMAScript's, already where it checks the schema itself. So `pattern` gets another name ahead of it,
//! under which it is a keyword of ours, and the names in `patternProperties` are written in words that mean the same to both.

use jsonschema::{Keyword, ValidationError};
use model::json_pointer;
use serde_json::{Map, Value};

use crate::re2::{self, Pattern};

/// What `pattern` is called in a prepared document.
pub(super) const KEYWORD: &str = "zelus-pattern";

/// Gives all patterns of a schema their other name or words.
///
/// # Errors
/// The place of one that is no regular expression, and why.
pub(super) fn prepare(schema: &mut Value, place: &str) -> Result<(), (String, String)> {
    let members = match schema {
        Value::Object(members) => members,
        Value::Array(schemas) => {
            let mut schemas = schemas.iter_mut().enumerate();
            return schemas.try_for_each(|(i, schema)| prepare(schema, &json_pointer::below(place, &i.to_string())));
        }
        _ => return Ok(()),
    };
    members.remove(KEYWORD);
    if let Some(Value::String(pattern)) = members.get("pattern") {
        re2::check(pattern).map_err(|error| (json_pointer::below(place, "pattern"), error.to_string()))?;
        let pattern = members.remove("pattern").unwrap_or_default();
        members.insert(KEYWORD.to_owned(), pattern);
    }
    if let Some(Value::Object(patterns)) = members.get_mut("patternProperties") {
        *patterns = portable(std::mem::take(patterns), &json_pointer::below(place, "patternProperties"))?;
    }
    for (name, member) in members.iter_mut() {
        let place = json_pointer::below(place, name);
        match (name.as_str(), member) {
            // These hold data, not schemas.
            ("const" | "enum" | "default" | "examples", _) => {}
            // These hold schemas by names that people choose.
            ("properties" | "patternProperties" | "definitions" | "$defs" | "dependencies", Value::Object(schemas)) => {
                let mut schemas = schemas.iter_mut();
                schemas.try_for_each(|(name, schema)| prepare(schema, &json_pointer::below(&place, name)))?;
            }
            (_, member) => prepare(member, &place)?,
        }
    }
    Ok(())
}

/// Two names that come to the same words are both asked for.
fn portable(patterns: Map<String, Value>, place: &str) -> Result<Map<String, Value>, (String, String)> {
    let mut rewritten = Map::new();
    for (pattern, schema) in patterns {
        let text =
            re2::portable(&pattern).map_err(|error| (json_pointer::below(place, &pattern), error.to_string()))?;
        let schema = match rewritten.remove(&text) {
            Some(other) => serde_json::json!({ "allOf": [other, schema] }),
            None => schema,
        };
        rewritten.insert(text, schema);
    }
    Ok(rewritten)
}

/// `pattern` for the validator.
struct Matches {
    pattern: String,
    compiled: Pattern,
}

/// Makes a validator of a pattern.
///
/// # Errors
/// When it is no regular expression, or one that is too large.
pub(super) fn keyword<'a>(pattern: &Value) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    let pattern = pattern.as_str().unwrap_or_default().to_owned();
    let compiled = Pattern::new(&pattern).map_err(|error| ValidationError::schema(error.to_string()))?;
    Ok(Box::new(Matches { pattern, compiled }))
}

impl<'i> Keyword<'i> for Matches {
    /// The error's message is the pattern.
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        match self.is_valid(instance) {
            true => Ok(()),
            false => Err(ValidationError::custom(&self.pattern)),
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        instance.as_str().is_none_or(|text| self.compiled.is_match(text))
    }
}
