//! How large what functions make may be.

use serde_json::Value;

/// The longest text that a function makes, in bytes.
pub const MAX_TEXT: usize = 1 << 20;
/// About the largest value of any kind that a function makes, in bytes.
pub const MAX_SIZE: usize = MAX_TEXT + OWN_SIZE;
/// About what a value takes beside the texts in it.
const OWN_SIZE: usize = 32;

/// About how much memory a value takes; it is not counted further than it has to be for saying that it is too much.
pub fn size(value: &Value) -> usize {
    let members: &mut dyn Iterator<Item = usize> = match value {
        Value::String(text) => return OWN_SIZE + text.len(),
        Value::Array(items) => &mut items.iter().map(size),
        Value::Object(members) => &mut members.iter().map(|(name, member)| OWN_SIZE + name.len() + size(member)),
        Value::Null | Value::Bool(_) | Value::Number(_) => return OWN_SIZE,
    };
    let mut sum = OWN_SIZE;
    while sum <= MAX_SIZE
        && let Some(size) = members.next()
    {
        sum += size;
    }
    sum
}
