//! The fields of the screen on which a code is entered, which signing in and signing up share.

use model::ui::InputType;
use model::{Group, Message, Node, Ui, message};

use super::NAME;
use crate::proof;

/// The button that asks for a code.
pub(super) fn send_button(label: Message) -> Node {
    Node::submit("method", Group::Code, NAME, label)
}

/// Adds the field for the code, the button that sends it, and the one that asks for another.
pub(super) fn add_code_fields(ui: &mut Ui, label: Message) {
    ui.nodes.push(Node::hidden("method", Group::Code, NAME));
    ui.nodes.push(Node::input("code", Group::Code, InputType::Text).required().with_label(label));
    ui.nodes.push(proof::continue_button(Group::Code, NAME));
    ui.nodes.push(Node::submit("resend", Group::Code, NAME, message::resend_code_label()));
}
