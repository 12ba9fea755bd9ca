//! Lists in forms. A form has one field for a list, and one for each item that the list has; people get a row for each
//! item, in their order, and rows for more. Without a script, whoever needs more rows than there are sends the form, and
//! finds new ones. A row that is left empty, or emptied, is no item.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::Node;
use model::message;
use model::ui::{Attributes, InputType, Ui, list_of};

use super::nodes::{label, name_as_label};

/// How many rows there are at least, so that most lists are entered at once.
const ROWS: usize = 3;

/// The nodes of a form with those of `lists`, dotted names of fields, as rows. What has items is a list as well.
pub(super) fn in_rows(ui: &Ui, lists: &[&str]) -> Ui {
    let names: HashSet<&str> = ui.nodes.iter().map(Node::id).collect();
    let mut items: HashMap<&str, BTreeMap<u64, &Node>> = HashMap::new();
    let mut fields = Vec::new();
    for node in &ui.nodes {
        match place(node).filter(|(list, _)| names.contains(list)) {
            Some((list, index)) => drop(items.entry(list).or_default().insert(index, node)),
            None => fields.push(node),
        }
    }
    let mut nodes = Vec::new();
    for field in fields {
        match items.remove(field.id()) {
            None if !lists.contains(&field.id()) => nodes.push(field.clone()),
            items => nodes.extend(rows(field, items.unwrap_or_default().into_values())),
        }
    }
    Ui { nodes, action: ui.action.clone(), method: ui.method.clone(), messages: Vec::new() }
}

/// The list that a node is a whole item of, and its index there.
fn place(node: &Node) -> Option<(&str, u64)> {
    let list = list_of(node.id())?;
    let index = node.id()[list.len() + 1..].parse().ok()?;
    node.as_input().map(|_| (list, index))
}

/// The rows of a list: its items, and the field of the list itself as often as there is room for more. What is said of the
/// list stands at the last one.
fn rows<'a>(list: &Node, items: impl Iterator<Item = &'a Node>) -> Vec<Node> {
    let mut rows: Vec<Node> = items.cloned().collect();
    let is_hidden = list.as_input().is_some_and(|input| input.kind == InputType::Hidden);
    if is_hidden {
        rows.iter_mut().filter_map(Node::as_input_mut).for_each(|input| input.kind = InputType::Hidden);
        rows.push(list.clone());
        return rows;
    }
    let name = label(list).unwrap_or_else(|| name_as_label(list.id()));
    let has_items = rows.iter().any(|row| row.value().is_some());
    for number in rows.len() + 1..=ROWS.max(rows.len() + 1) {
        let mut row = list.clone();
        if let Attributes::Input(input) = &mut row.attributes {
            input.required &= number == 1 && !has_items;
        }
        rows.push(row);
    }
    let last = rows.len() - 1;
    for (at, row) in rows.iter_mut().enumerate() {
        if row.id() == list.id() && at < last {
            row.messages.clear();
        }
        row.group = list.group;
        row.meta.label = Some(message::plain_label(format!("{name} {}", at + 1)));
    }
    rows
}
