//! Empty lists, which Go's `encoding/json` writes as `null` where nobody has made them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Reads a list, of which `null` is the empty one.
///
/// # Errors
/// When there is something else than a list of `T`.
pub fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(from).map(Option::unwrap_or_default)
}

/// Writes an empty list as `null`, where clients may have come to expect it.
///
/// # Errors
/// When `to` cannot be written to.
pub fn empty_is_null<S: Serializer, T: Serialize>(list: &[T], to: S) -> Result<S::Ok, S::Error> {
    if list.is_empty() { to.serialize_none() } else { list.serialize(to) }
}
