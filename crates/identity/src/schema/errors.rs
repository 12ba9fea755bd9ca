//! What is wrong with traits, in the messages of forms.

use std::collections::HashMap;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use model::{Message, json_pointer, message};
use serde_json::Value;

use super::patterns;

/// Something that is wrong with the traits, said at the field it concerns.
#[derive(Clone, Debug, PartialEq)]
pub struct TraitError {
    /// The dotted name of the field, such as `traits.email`; a dot within a name is written `\.`. Empty for the whole.
    pub pointer: String,
    /// What is wrong.
    pub message: Message,
}

impl TraitError {
    pub(crate) fn new(pointer: &str, message: Message) -> Self {
        Self { pointer: dotted(pointer), message }
    }
}

/// `/traits/name/first` as `traits.name.first`.
pub(super) fn dotted(pointer: &str) -> String {
    json_pointer::names(pointer).map(|name| name.replace('.', "\\.")).collect::<Vec<_>>().join(".")
}

/// The faults that `errors` report, in Kratos' order, each once.
pub(super) fn translate<'a>(errors: impl Iterator<Item = ValidationError<'a>>) -> Vec<TraitError> {
    let mut leaves = Vec::new();
    errors.for_each(|error| flatten(error.to_owned(), &mut leaves));
    drop_followers_of_wrong_types(&mut leaves);
    sort(&mut leaves);
    let mut faults: Vec<TraitError> = Vec::new();
    for leaf in &leaves {
        let fault = fault(leaf);
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    faults
}

/// Takes apart errors that consist of others: people are told what is wrong with each alternative.
fn flatten(error: ValidationError<'static>, leaves: &mut Vec<ValidationError<'static>>) {
    match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context }
            if context.iter().any(|errors| !errors.is_empty()) =>
        {
            let parts = error.into_parts();
            if let Kind::AnyOf { context } | Kind::OneOfNotValid { context } = parts.kind {
                context.into_iter().flatten().for_each(|error| flatten(error, leaves));
            }
        }
        _ => leaves.push(error),
    }
}

/// A value of the wrong type breaks other rules of the same schema too, which nobody needs to know.
fn drop_followers_of_wrong_types(errors: &mut Vec<ValidationError<'static>>) {
    let place = |error: &ValidationError<'_>| {
        let schema = error.schema_path().as_str();
        let parent = schema.rsplit_once('/').map_or("", |(parent, _)| parent);
        (error.instance_path().as_str().to_owned(), parent.to_owned())
    };
    let wrong: Vec<_> = errors.iter().filter(|error| matches!(error.kind(), Kind::Type { .. })).map(place).collect();
    errors.retain(|error| matches!(error.kind(), Kind::Type { .. }) || !wrong.contains(&place(error)));
}

/// Keywords in the order in which Kratos looks at them.
const ORDER: [&str; 31] = [
    "type",
    "const",
    "enum",
    "format",
    "not",
    "allOf",
    "anyOf",
    "oneOf",
    "then",
    "else",
    "minProperties",
    "maxProperties",
    "required",
    "properties",
    "propertyNames",
    "patternProperties",
    "additionalProperties",
    "dependencies",
    "minItems",
    "maxItems",
    "uniqueItems",
    "items",
    "contains",
    "minLength",
    "maxLength",
    patterns::KEYWORD,
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "multipleOf",
];

/// Sorts by the place in the schema: keywords as in [`ORDER`], names as they come.
fn sort(errors: &mut [ValidationError<'static>]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut rank = |segment: &str| {
        let next = ORDER.len() + seen.len();
        let keyword = ORDER.iter().position(|keyword| *keyword == segment);
        keyword.unwrap_or_else(|| *seen.entry(segment.to_owned()).or_insert(next))
    };
    let keys = errors.iter().map(|error| error.schema_path().as_str().split('/').map(&mut rank).collect::<Vec<_>>());
    let keys: Vec<_> = keys.collect();
    let mut order: Vec<usize> = (0..errors.len()).collect();
    order.sort_by(|a, b| keys[*a].cmp(&keys[*b]));
    // Errors cannot be cloned, so the permutation is applied by swaps.
    for at in 0..order.len() {
        let mut from = order[at];
        while from < at {
            from = order[from];
        }
        errors.swap(at, from);
    }
}

fn fault(error: &ValidationError<'_>) -> TraitError {
    let at = error.instance_path().as_str();
    let value = error.instance();
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    let length = || value.as_str().map_or(0, |text| text.chars().count());
    let items = || value.as_array().map_or(0, Vec::len);
    let message = match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            return TraitError::new(&json_pointer::below(at, name), message::property_missing(name));
        }
        Kind::Type { kind } => message::wrong_type(&allowed_types(kind), type_name(value)),
        Kind::Format { format } => match (format.as_str(), value.as_str()) {
            // As in Kratos: what is missing is not quoted.
            ("email" | "tel", Some("")) => message::generic("This must not be empty."),
            ("email", Some(text)) => message::invalid_email(text),
            ("tel", Some(text)) => message::invalid_phone(text),
            _ => message::generic(format!("This does not have the form of a {format}.")),
        },
        Kind::MinLength { limit } => message::too_short(*limit as usize, length()),
        Kind::MaxLength { limit } => message::too_long(*limit as usize, length()),
        Kind::Custom { keyword, message: pattern } if keyword == patterns::KEYWORD => {
            message::pattern_mismatch(pattern)
        }
        Kind::Minimum { limit } => message::minimum(number(limit), number(value)),
        Kind::Maximum { limit } => message::maximum(number(limit), number(value)),
        Kind::ExclusiveMinimum { limit } => message::exclusive_minimum(number(limit), number(value)),
        Kind::ExclusiveMaximum { limit } => message::exclusive_maximum(number(limit), number(value)),
        Kind::MultipleOf { multiple_of } => message::multiple_of(*multiple_of, number(value)),
        Kind::MaxItems { limit } => message::max_items(*limit as usize, items()),
        Kind::MinItems { limit } => message::min_items(*limit as usize, items()),
        Kind::UniqueItems => {
            let (a, b) = equal_items(value);
            message::unique_items(a, b)
        }
        Kind::Constant { expected_value } => match &**expected_value {
            Value::Object(_) | Value::Array(_) => message::const_generic(),
            expected => message::const_mismatch(&expected.to_string()),
        },
        Kind::Enum { options } => message::generic(match options.as_array().map(|options| list(options)) {
            Some(options) => format!("Please choose one of {options}."),
            None => "Please choose another value.".to_owned(),
        }),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let names: Vec<_> = unexpected.iter().map(|name| Value::from(name.as_str())).collect();
            message::generic(format!("There is no place here for {}.", list(&names)))
        }
        Kind::MinProperties { limit } => message::generic(format!("This needs at least {limit} entries.")),
        Kind::MaxProperties { limit } => message::generic(format!("This may have at most {limit} entries.")),
        Kind::AdditionalItems { limit } => message::generic(format!("This may have at most {limit} entries.")),
        Kind::OneOfMultipleValid { .. } => {
            message::generic("This fits several alternatives, and only one is possible.")
        }
        _ => message::generic("This value is not allowed here."),
    };
    TraitError::new(at, message)
}

fn allowed_types(kind: &TypeKind) -> Vec<String> {
    match kind {
        TypeKind::Single(kind) => vec![kind.to_string()],
        TypeKind::Multiple(kinds) => kinds.iter().map(|kind: JsonType| kind.to_string()).collect(),
    }
}

/// JSON has one type of numbers.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The first two items that are the same.
fn equal_items(value: &Value) -> (usize, usize) {
    let items = value.as_array().map_or(&[][..], Vec::as_slice);
    let pair = |b: usize| items[..b].iter().position(|item| *item == items[b]).map(|a| (a, b));
    (1..items.len()).find_map(pair).unwrap_or_default()
}

fn list(values: &[Value]) -> String {
    values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")
}
