//! Saying on a form what was wrong with it.

use model::{Message, Ui};

/// One thing that is wrong with a submission, said at the field it concerns.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// The name of the field, such as `traits.email`; empty for the form as a whole.
    pub field: String,
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

impl From<identity::TraitError> for Rejection {
    fn from(error: identity::TraitError) -> Self {
        Self::at(error.pointer, error.message)
    }
}

/// Replaces what the form said with `rejections`.
pub(crate) fn say(ui: &mut Ui, rejections: Vec<Rejection>) {
    ui.clear_messages();
    for Rejection { field, message } in rejections {
        ui.say(&field, message);
    }
}
