//! Values as Go sees them: their truth, their order, their kind, and how they print.

use std::cmp::Ordering;

use serde_json::Value;

use super::error::TemplateError;

/// Go's truth: not zero, not empty, not missing.
pub fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// A value as it is printed.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 1e21 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Object(_) => {
            let members = pairs(value.clone()).unwrap_or_default();
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{}:{}", shown(key), shown(value))).collect();
            format!("map[{}]", members.join(" "))
        }
    }
}

/// A whole number, out of a number, a text or a truth.
pub fn integer(value: &Value) -> Option<i64> {
    match value {
        #[expect(clippy::cast_possible_truncation, reason = "as Go cuts it, and never out of range")]
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|float| float as i64)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(value) => Some(i64::from(*value)),
        Value::Null => Some(0),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number, out of a number or a text.
pub fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The order of two values of the same kind. Lists and maps are equal or not, and have no order.
pub fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (a, b) => (a == b).then_some(Ordering::Equal),
    }
}

/// The name of a value's kind in Go.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}

/// The name of a value's type in Go. What it is made of is not known: lists and maps are of anything.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        value => kind(value),
    }
}

/// The items of a list with their numbers, or of a map with their names in order; `0` to `n - 1` for a number.
///
/// # Errors
/// When nothing can be counted there.
pub fn pairs(value: Value) -> Result<Vec<(Value, Value)>, TemplateError> {
    Ok(match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.into_iter().enumerate().map(|(n, item)| (n.into(), item)).collect(),
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> = members.into_iter().collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            members.into_iter().map(|(name, value)| (name.into(), value)).collect()
        }
        Value::Number(number) => {
            let count = number.as_i64().unwrap_or(0).min(100_000);
            (0..count).map(|n| (n.into(), n.into())).collect()
        }
        Value::Bool(_) | Value::String(_) => return Err(TemplateError::new("range needs a list, a map or a number")),
    })
}
