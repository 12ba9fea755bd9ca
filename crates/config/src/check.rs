//! Checks a merged document against the schema, and puts what is wrong into words.

use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, ValidationError, Validator};
use model::go::{parse_bool, parse_duration};
use model::json_pointer;
use serde_json::Value;

use crate::finding::Finding;
use crate::networks::Networks;
use crate::origins::Origins;
use crate::schema::{self, dotted};
use crate::{redact, values};

/// Finds every error, and warns of unknown keys where Kratos lets them pass.
pub(crate) fn check(document: &Value, origins: &Origins, errors: &mut Vec<Finding>, warnings: &mut Vec<Finding>) {
    static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
        jsonschema::options()
            .with_draft(Draft::Draft7)
            .should_validate_formats(true)
            .with_format("go-duration", |text: &str| parse_duration(text).is_some())
            .with_format("byte-size", |text: &str| values::parse_size(text).is_some())
            .with_format("bool-text", |text: &str| text.is_empty() || parse_bool(text).is_some())
            .with_format("uri", is_uri)
            .with_format("uri-reference", is_uri_reference)
            .with_format("cors-origin", is_cors_origin)
            .with_format("email", is_email)
            .with_format("network", Networks::is_network)
            .build(schema::document())
            .expect("the committed schema is valid")
    });
    for error in VALIDATOR.iter_errors(document) {
        describe(&error, origins, errors);
    }
    errors.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| a.message.cmp(&b.message)));
    // A value of the wrong type also fails the rules about its content; one line says enough.
    let expected = |finding: &Finding| finding.message.starts_with("expected ");
    errors.dedup_by(|next, kept| next.key == kept.key && (next == kept || (expected(next) && expected(kept))));
    warn_of_unknown(document, schema::document(), "", origins, warnings);
}

/// An absolute address: a scheme, something after it, and nothing that no URL may hold.
fn is_uri(text: &str) -> bool {
    let scheme = text.split_once(':').filter(|(_, rest)| !rest.is_empty()).map(|(scheme, _)| scheme);
    is_uri_reference(text)
        && scheme.is_some_and(|scheme| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        })
}

fn is_uri_reference(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn is_cors_origin(text: &str) -> bool {
    text == "*" || (text.matches('*').count() <= 1 && is_uri(text))
}

fn is_email(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

fn describe(error: &ValidationError<'_>, origins: &Origins, errors: &mut Vec<Finding>) {
    let at = error.instance_path().as_str();
    let mut report = |at: &str, message: String| {
        errors.push(Finding::new(origins.place(at), dotted(at), message));
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for key in unexpected {
                let at_key = json_pointer::below(at, key);
                report(&at_key, format!("is not a known key{}", suggestion(key, &known_beside(at))));
            }
        }
        ValidationErrorKind::PropertyNames { error } => {
            let key = error.instance().as_str().unwrap_or_default().to_owned();
            report(&json_pointer::below(at, &key), "is not a known key".to_owned());
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            let at_key = json_pointer::below(at, key);
            errors.push(Finding::new(origins.place(at), dotted(&at_key), "is missing, and has no default"));
        }
        kind => {
            let expected = in_words(error).unwrap_or_else(|| expectation(kind));
            let found = if redact::is_secret(at) { String::new() } else { found(error.instance()) };
            report(at, format!("expected {expected}{found}"));
        }
    }
}

/// What the schema itself says is expected, beside the rule that failed.
fn in_words(error: &ValidationError<'_>) -> Option<String> {
    let path = error.schema_path().as_str();
    let (beside, _) = path.rsplit_once('/')?;
    let node = schema::document().pointer(beside)?;
    node["x-expected"].as_str().map(str::to_owned)
}

fn expectation(kind: &ValidationErrorKind) -> String {
    match kind {
        ValidationErrorKind::Type { kind } => type_name(kind),
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().into_iter().flatten().map(Value::to_string);
            format!("one of {}", options.collect::<Vec<_>>().join(", "))
        }
        ValidationErrorKind::Constant { expected_value } => expected_value.to_string(),
        ValidationErrorKind::Format { format } => match format.as_str() {
            "go-duration" => "a duration such as \"1h30m\"".to_owned(),
            "byte-size" => "a size such as \"128MB\"".to_owned(),
            "bool-text" => "true or false".to_owned(),
            "uri" => "an absolute address such as \"https://example.org/\" or \"file:///path\"".to_owned(),
            "uri-reference" => "an address".to_owned(),
            "cors-origin" => "an origin such as \"https://app.example.org\", with at most one *".to_owned(),
            "email" => "an e-mail address".to_owned(),
            "network" => "an address or a network such as \"10.0.0.0/8\"".to_owned(),
            other => format!("a {other}"),
        },
        ValidationErrorKind::Minimum { limit } => format!("{limit} or more"),
        ValidationErrorKind::Maximum { limit } => format!("{limit} or less"),
        ValidationErrorKind::MinLength { limit } => format!("at least {limit} characters"),
        ValidationErrorKind::MaxLength { limit } => format!("at most {limit} characters"),
        ValidationErrorKind::MinItems { limit } => format!("at least {limit} entries"),
        ValidationErrorKind::UniqueItems => "no entry twice".to_owned(),
        ValidationErrorKind::Pattern { pattern } => format!("text that matches {pattern}"),
        ValidationErrorKind::FalseSchema => "no such key here".to_owned(),
        other => format!("something else (rule {})", other.keyword()),
    }
}

fn type_name(kind: &TypeKind) -> String {
    let name = |kind: &str| match kind {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "keys and values",
        _ => "nothing",
    };
    match kind {
        TypeKind::Single(kind) => name(&kind.to_string()).to_owned(),
        TypeKind::Multiple(kinds) => kinds.iter().map(|kind| name(&kind.to_string())).collect::<Vec<_>>().join(" or "),
    }
}

/// The offending value, if it is short enough to help.
fn found(value: &Value) -> String {
    match value {
        Value::Null => ", found nothing".to_owned(),
        Value::Bool(_) | Value::Number(_) => format!(", found {value}"),
        Value::String(text) if text.chars().count() <= 60 => format!(", found {value}"),
        Value::String(_) => ", found a longer text".to_owned(),
        Value::Array(_) => ", found a list".to_owned(),
        Value::Object(_) => ", found keys and values".to_owned(),
    }
}

fn known_beside(at: &str) -> Vec<&'static str> {
    schema::nodes_at(at).into_iter().flat_map(schema::properties).map(|(name, _)| name).collect()
}

/// `; did you mean "…"?`, when a known key is spelled much alike.
fn suggestion(key: &str, known: &[&str]) -> String {
    let lower = key.to_ascii_lowercase();
    let near = known.iter().map(|name| (strsim::damerau_levenshtein(&lower, name), name));
    match near.min().filter(|(distance, name)| *distance <= 1 + name.len() / 4) {
        Some((_, name)) => format!("; did you mean \"{name}\"?"),
        None => String::new(),
    }
}

fn warn_of_unknown(value: &Value, node: &'static Value, at: &str, origins: &Origins, warnings: &mut Vec<Finding>) {
    match value {
        Value::Object(map) if !schema::properties(node).is_empty() => {
            for (key, child) in map {
                let at_key = json_pointer::below(at, key);
                match schema::children(node, key).first() {
                    Some(child_node) => warn_of_unknown(child, child_node, &at_key, origins, warnings),
                    None if at.is_empty() || schema::keyword(node, "additionalProperties").is_some() => {}
                    None if schema::keyword(node, "propertyNames").is_some() => {}
                    None => {
                        let message =
                            format!("is not a known key and is ignored{}", suggestion(key, &known_beside(at)));
                        warnings.push(Finding::new(origins.place(&at_key), dotted(&at_key), message));
                    }
                }
            }
        }
        Value::Object(map) => {
            for (key, child) in map {
                if let Some(child_node) = schema::children(node, key).first() {
                    warn_of_unknown(child, child_node, &json_pointer::below(at, key), origins, warnings);
                }
            }
        }
        Value::Array(elements) => {
            for (position, element) in elements.iter().enumerate() {
                if let Some(item) = schema::items(node).first() {
                    warn_of_unknown(element, item, &json_pointer::below(at, &position.to_string()), origins, warnings);
                }
            }
        }
        _ => {}
    }
}
