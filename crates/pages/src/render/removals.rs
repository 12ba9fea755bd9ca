//! Buttons of the settings that take something away.
//!
//! Each stands in a form of its own, below what it belongs to: Enter in a field presses the first button of its form, and must
//! not remove anything.

use model::ui::InputType;
use model::{FlowName, Node};

/// The fields by which something is removed, whatever their value.
const REMOVING: [&str; 5] = ["webauthn_remove", "passkey_remove", "unlink", "totp_unlink", "lookup_secret_disable"];

/// Whether a button takes something away.
pub(super) fn removes(flow: FlowName, node: &Node) -> bool {
    let is_submit = node.as_input().is_some_and(|input| input.kind == InputType::Submit);
    flow == FlowName::Settings && is_submit && REMOVING.contains(&node.id())
}

/// The nodes of one method in the settings, form by form: what can be set, and then each thing that can be removed.
pub(super) fn apart(nodes: Vec<&Node>) -> Vec<Vec<&Node>> {
    let (removing, others): (Vec<&Node>, Vec<&Node>) =
        nodes.into_iter().partition(|node| removes(FlowName::Settings, node));
    let first = (!others.is_empty()).then_some(others);
    first.into_iter().chain(removing.into_iter().map(|node| vec![node])).collect()
}
