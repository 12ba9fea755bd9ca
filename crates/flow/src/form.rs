//! Saying on a form what was wrong with it.

use model::{Message, Ui, message, parse_json_text};
use serde_json::Value;

use crate::input::Input;

/// One thing that is wrong with a submission, said at the field it concerns.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// The name of the field, such as `traits.email`; empty for the form as a whole.
    pub field: String,
    /// The message that the form shows.
    pub message: Message,
}

impl Rejection {
    /// About one field.
    pub fn at(field: impl Into<String>, message: Message) -> Self {
        Self { field: field.into(), message }
    }

    /// About the form as a whole.
    pub fn whole(message: Message) -> Self {
        Self::at("", message)
    }
}

impl From<Message> for Rejection {
    fn from(message: Message) -> Self {
        Self::whole(message)
    }
}

impl From<identity::TraitError> for Rejection {
    fn from(error: identity::TraitError) -> Self {
        Self::at(error.pointer, error.message)
    }
}

/// What is wrong with what is to be handed to hooks: it has to be an object, which a form sends as JSON text.
pub fn malformed_payload(input: &Input) -> Option<Rejection> {
    let payload = input.get("transient_payload")?;
    let message = match payload {
        Value::Object(_) => return None,
        Value::String(text) if parse_json_text(text).is_some_and(|payload| payload.is_object()) => return None,
        Value::String(_) => {
            return Some(Rejection::whole(message::generic("The field transient_payload is not an object in JSON.")));
        }
        Value::Null => message::wrong_type(&["object".to_owned()], "null"),
        Value::Bool(_) => message::wrong_type(&["object".to_owned()], "boolean"),
        Value::Number(_) => message::wrong_type(&["object".to_owned()], "number"),
        Value::Array(_) => message::wrong_type(&["object".to_owned()], "array"),
    };
    Some(Rejection::at("transient_payload", message))
}

/// Replaces what the form said with `rejections`.
pub fn say(ui: &mut Ui, rejections: Vec<Rejection>) {
    ui.clear_messages();
    for Rejection { field, message } in rejections {
        ui.say(&field, message);
    }
}
