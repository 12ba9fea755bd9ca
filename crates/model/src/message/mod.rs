//! What people read on forms. Ids, types and contexts are those of Kratos, on which clients match; the words are ours.

mod guard;
mod login;
mod recovery;
mod registration;
mod settings;
#[cfg(test)]
mod tests;
mod ui_labels;
mod validation;
mod verification;

pub use guard::*;
pub use login::*;
pub use recovery::*;
pub use registration::*;
pub use settings::*;
pub use ui_labels::*;
pub use validation::*;
pub use verification::*;

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A sentence for a person, with a stable id for programs.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The id of Kratos' message of this meaning.
    pub id: u32,
    /// The sentence.
    pub text: Cow<'static, str>,
    /// The weight.
    #[serde(rename = "type")]
    pub kind: MessageType,
    /// The facts that the sentence was made of, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
}

/// The weight of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageType {
    /// A label, or news.
    Info,
    /// A fault of what was sent.
    Error,
    /// What was done.
    Success,
}

impl fmt::Debug for Message {
    /// Contexts hold addresses and secrets, which have no place in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} {:?})", self.id, self.kind)
    }
}

impl Message {
    /// A message of the catalogue.
    fn new<const N: usize>(
        id: u32,
        kind: MessageType,
        text: impl Into<Cow<'static, str>>,
        context: [(&str, Value); N],
    ) -> Self {
        Self {
            id,
            text: text.into(),
            kind,
            context: context.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }

    fn info(id: u32, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(id, MessageType::Info, text, [])
    }

    fn error(id: u32, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(id, MessageType::Error, text, [])
    }

    /// An error about a flow whose time was up at `expired_at`.
    fn expired(id: u32, text: &'static str, expired_at: Timestamp) -> Self {
        let context = [("expired_at", time(expired_at)), ("expired_at_unix", expired_at.as_second().into())];
        Self::new(id, MessageType::Error, text, context)
    }
}

/// A time as clients read it: RFC 3339, in UTC.
fn time(at: Timestamp) -> Value {
    at.to_string().into()
}

/// A list of strings.
fn strings(list: &[impl AsRef<str>]) -> Value {
    list.iter().map(AsRef::as_ref).collect()
}
