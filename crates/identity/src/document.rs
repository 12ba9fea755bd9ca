//! JSON whose numbers stay as they are written: `12345678901234567890123`, `1.10`.
//!
//! `serde_json` reads numbers into 64 bits. Its feature `arbitrary_precision` keeps them, but for all of the workspace, and
//! changes what other crates make of their numbers; so the text of each is taken out by [`RawValue`].

use std::fmt;

use indexmap::IndexMap;
use model::RawJson;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// How deeply values may be nested, as where bodies are read.
const MAX_DEPTH: usize = 128;

/// A JSON value whose numbers are kept as text.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// `null`, `true`, `false` or a text.
    Plain(Value),
    /// A number, as it is written.
    Number(String),
    /// A list.
    Array(Vec<Document>),
    /// An object; which member comes first makes no difference.
    Object(IndexMap<String, Document>),
}

impl Document {
    /// `null`
    pub const NULL: Self = Self::Plain(Value::Null);

    /// Reads a JSON value; of several members of one name the last counts.
    ///
    /// # Errors
    /// When it is not JSON, or nested more than 128 deep.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        Self::read(text, MAX_DEPTH)
    }

    fn read(text: &str, depth: usize) -> Result<Self, serde_json::Error> {
        let text = text.trim_start();
        let within = |raw: &RawValue| match depth.checked_sub(1) {
            Some(depth) => Self::read(raw.get(), depth),
            None => Err(serde_json::Error::custom("too many values within each other")),
        };
        Ok(match text.bytes().next() {
            Some(b'{') => {
                let Members(members) = serde_json::from_str(text)?;
                let members = members.into_iter().map(|(name, value)| Ok((name, within(value)?)));
                Self::Object(members.collect::<Result<_, serde_json::Error>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                Self::Array(items.into_iter().map(within).collect::<Result<_, _>>()?)
            }
            Some(b'-' | b'0'..=b'9') => {
                let number: &RawValue = serde_json::from_str(text)?;
                Self::Number(number.get().to_owned())
            }
            _ => Self::Plain(serde_json::from_str(text)?),
        })
    }

    /// An object without members.
    pub fn empty_object() -> Self {
        Self::Object(IndexMap::new())
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        *self == Self::NULL
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Plain(Value::String(text)) => Some(text),
            _ => None,
        }
    }
}

/// The members of an object, in their order, as text.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        from.deserialize_map(Object)
    }
}

impl From<&Value> for Document {
    fn from(value: &Value) -> Self {
        match value {
            Value::Number(number) => Self::Number(number.to_string()),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(members) => members_of(members),
            plain => Self::Plain(plain.clone()),
        }
    }
}

fn members_of(members: &Map<String, Value>) -> Document {
    Document::Object(members.iter().map(|(name, value)| (name.clone(), value.into())).collect())
}

/// The JSON, without spaces.
impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(value) => value.fmt(f),
            Self::Number(number) => f.write_str(number),
            Self::Array(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (i, (name, value)) in members.iter().enumerate() {
                    let name = serde_json::to_string(name).map_err(|_| fmt::Error)?;
                    write!(f, "{}{name}:{value}", if i == 0 { "" } else { "," })?;
                }
                f.write_str("}")
            }
        }
    }
}

/// The same JSON without spaces and needless escapes; its numbers stay as they are.
pub(crate) fn compact(json: &RawJson) -> RawJson {
    let compacted = Document::parse(json.as_str()).and_then(|document| RawJson::parse(document.to_string()));
    compacted.unwrap_or_else(|_| json.clone())
}
