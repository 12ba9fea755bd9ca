//! JSON that every reader understands alike. `serde_json` takes the last of several members of one name, others the first.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A body that is no JSON, or JSON that two readers might understand differently. Its text says what is wrong, and where.
#[derive(Debug)]
pub struct InvalidJson(serde_json::Error);

impl fmt::Display for InvalidJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The body is not valid JSON: {}.", self.0)
    }
}

impl std::error::Error for InvalidJson {}

impl From<serde_json::Error> for InvalidJson {
    fn from(error: serde_json::Error) -> Self {
        Self(error)
    }
}

/// Reads one JSON value, refusing what two readers might understand differently: a member named twice, text after the
/// end. Nesting is limited to 128 levels by the reader.
///
/// # Errors
/// See [`InvalidJson`].
pub fn parse_json(body: &[u8]) -> Result<Value, InvalidJson> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = Strict.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// As [`parse_json`], of what stands in the field of a form. `None` for what is refused, and for a text in it with the
/// character NUL, which PostgreSQL cannot keep.
pub fn parse_json_text(text: &str) -> Option<Value> {
    fn holds_nul(value: &Value) -> bool {
        match value {
            Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
            Value::Array(items) => items.iter().any(holds_nul),
            Value::String(text) => text.contains('\0'),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    parse_json(text.as_bytes()).ok().filter(|value| !holds_nul(value))
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Strict)?;
            if object.contains_key(&name) {
                return Err(de::Error::custom(format_args!("the member {name:?} stands here twice")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ambiguous_json_is_refused() {
        let deep = "[".repeat(3000) + &"]".repeat(3000);
        for body in ["{", "{\"a\":1,\"a\":2}", "[{\"a\":1,\"a\":1}]", "{} {}", "", "{\"a\":NaN}", &deep] {
            assert!(parse_json(body.as_bytes()).is_err(), "{}", &body[..body.len().min(20)]);
        }
        let error = parse_json(b"{\"a\":1,\"a\":2}").expect_err("ambiguous").to_string();
        assert_eq!(error, "The body is not valid JSON: the member \"a\" stands here twice at line 1 column 13.");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_as_serde_reads_them_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = parse_json(&body) {
                prop_assert_eq!(serde_json::from_slice::<Value>(&body).ok(), Some(value));
            }
        }
    }
}
