//! The form of a flow, as data: whoever draws it needs to know nothing about methods.

mod node;
mod order;
#[cfg(test)]
mod tests;

pub use node::{
    AnchorAttributes, Attributes, DivisionAttributes, Group, ImageAttributes, InputAttributes, InputType, Meta, Node,
    NodeType, ScriptAttributes, TextAttributes,
};
pub use order::{LOGIN_GROUPS, NodeOrder, REGISTRATION_GROUPS, SETTINGS_GROUPS};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Message;
use crate::go::{empty_is_null, null_is_empty};

/// How many items of lists a form may be sent with: each is a node of its own where the form is shown again.
pub const MAX_ITEMS: usize = 1000;

/// The form of a flow: where it is sent, its fields, and what the person should read (Kratos' `ui`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ui {
    /// The address that the form is sent to.
    pub action: String,
    /// The HTTP method, `POST`.
    pub method: String,
    /// The elements, in their order.
    #[serde(default, serialize_with = "empty_is_null", deserialize_with = "null_is_empty")]
    pub nodes: Vec<Node>,
    /// The messages about the form as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub messages: Vec<Message>,
}

impl Ui {
    /// An empty form that is posted to `action`.
    pub fn new(action: String) -> Self {
        Self { action, method: "POST".to_owned(), nodes: Vec::new(), messages: Vec::new() }
    }

    /// The first node of that name.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id() == id)
    }

    /// The first node of that name, to be changed.
    pub fn node_mut(&mut self, id: &str) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.id() == id)
    }

    /// Puts `node` in the place of the one of its name, or at the end.
    pub fn upsert(&mut self, node: Node) {
        match self.nodes.iter_mut().find(|present| present.id() == node.id()) {
            Some(present) => *present = node,
            None => self.nodes.push(node),
        }
    }

    /// Removes the nodes of these names.
    pub fn remove(&mut self, ids: &[&str]) {
        self.nodes.retain(|node| !ids.contains(&node.id()));
    }

    /// Removes the node with this name, group and value: there may be several submit buttons named `method`.
    pub fn remove_button(&mut self, id: &str, group: Group, value: &str) {
        self.nodes.retain(|node| {
            !(node.id() == id && node.group == group && node.value().and_then(Value::as_str) == Some(value))
        });
    }

    /// Sets the hidden anti-CSRF field. Native flows carry it empty.
    pub fn set_csrf(&mut self, token: &str) {
        self.upsert(Node::csrf(token));
    }

    /// Drops what was said about the last submission.
    pub fn clear_messages(&mut self) {
        self.messages.clear();
        for node in &mut self.nodes {
            node.messages.clear();
        }
    }

    /// Says something: at the node named `id`, which is made if it is missing, or (with an empty `id`) about the whole.
    pub fn say(&mut self, id: &str, message: Message) {
        if id.trim().is_empty() {
            self.messages.push(message);
        } else if let Some(node) = self.node_mut(id) {
            node.messages.push(message);
        } else {
            let mut node = Node::input(id, Group::Default, InputType::Text);
            node.messages.push(message);
            self.nodes.push(node);
        }
    }

    /// Sets the value of a node that is there; others are left out.
    pub fn set_value(&mut self, id: &str, value: Value) {
        if let Some(node) = self.node_mut(id) {
            node.set_value(value);
        }
    }

    /// Shows the leaves of `values` under dotted names below `prefix` again, as far as there are nodes for them. Items of a
    /// list that has a node get their own ones beside it, as [`Ui::fill`] makes them: they are typed under the list's name,
    /// and would be lost. There are [`MAX_ITEMS`] of them at most.
    pub fn fill_again(&mut self, prefix: &str, values: &Value) {
        let mut left = MAX_ITEMS;
        self.empty_items(prefix);
        for (name, value) in flatten(prefix, values) {
            if let Some(list) = list_of(&name) {
                if left == 0 {
                    continue;
                }
                left -= 1;
                if self.node(&name).is_none()
                    && let Some(item) = self.node(list).map(|list| list.item(&name, value.clone()))
                {
                    self.nodes.push(item);
                }
            }
            self.set_value(&name, value);
        }
    }

    /// Empties the fields for items of lists: there may be fewer now.
    fn empty_items(&mut self, prefix: &str) {
        let is_item = |node: &&mut Node| list_of(node.id()).is_some() && node.id().starts_with(prefix);
        self.nodes.iter_mut().filter(is_item).for_each(|node| node.set_value(Value::Null));
    }

    /// Fills in the leaves of `values` under dotted names below `prefix`, making hidden-free text nodes for unknown ones.
    pub fn fill(&mut self, prefix: &str, values: &Value, group: Group) {
        self.empty_items(prefix);
        for (name, value) in flatten(prefix, values) {
            if let Some(node) = self.node_mut(&name) {
                node.set_value(value);
                node.group = group;
            } else {
                self.upsert(Node::input_for_value(&name, group, value));
            }
        }
    }
}

/// The name of the list that an item is of, or what is in it: `traits.emails` for `traits.emails.0`. `None` for all else.
pub fn list_of(name: &str) -> Option<&str> {
    let is_index = |segment: &str| !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    let (at, _) = name.match_indices('.').find(|(at, _)| name[at + 1..].split('.').next().is_some_and(is_index))?;
    Some(&name[..at])
}

/// The leaves of a JSON document under dotted names, `traits.name.first`, as forms name their fields.
pub fn flatten(prefix: &str, value: &Value) -> Vec<(String, Value)> {
    fn walk(name: &str, value: &Value, leaves: &mut Vec<(String, Value)>) {
        let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
        match value {
            Value::Object(members) => members.iter().for_each(|(key, value)| walk(&below(key), value, leaves)),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, value)| walk(&below(&i.to_string()), value, leaves));
            }
            leaf => leaves.push((name.to_owned(), leaf.clone())),
        }
    }
    let mut leaves = Vec::new();
    if value.is_object() {
        walk(prefix, value, &mut leaves);
    }
    leaves
}
