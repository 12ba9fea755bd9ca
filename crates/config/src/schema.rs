//! Our JSON Schema document (draft 7), and walking along it.
//!
//! Beyond the standard's keywords it uses two annotations: `x-secret` marks values that are never shown (`true`) or of
//! which only the address part is shown (`"url"`), and `x-expected` says in words what a rule asks for.

use std::sync::LazyLock;

use model::json_pointer;
use serde_json::{Map, Value};

/// The schema of the whole configuration, as committed.
pub const SCHEMA: &str = include_str!("schema.json");

/// No key lies deeper; a guard for walks along a document that refers to its own definitions.
const MAX_DEPTH: usize = 16;

/// The parsed schema.
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(SCHEMA).expect("the committed schema is JSON"));
    &DOCUMENT
}

/// A definition of the schema by its name.
pub(crate) fn definition(name: &str) -> &'static Value {
    &document()["definitions"][name]
}

/// A JSON pointer as people write keys: `/serve/public/port` → `serve.public.port`.
pub(crate) fn dotted(pointer: &str) -> String {
    json_pointer::names(pointer).collect::<Vec<_>>().join(".")
}

/// The schema nodes that speak about the same value as `node`: itself, what it refers to, the parts it is made of, and
/// what holds under a condition.
fn parts(node: &'static Value) -> Vec<&'static Value> {
    parts_where(node, true)
}

fn parts_where(node: &'static Value, conditional: bool) -> Vec<&'static Value> {
    let mut found = vec![node];
    let mut next = 0;
    while let Some(node) = found.get(next).copied() {
        if let Some(name) = node["$ref"].as_str().and_then(|at| at.strip_prefix("#/definitions/")) {
            found.push(definition(name));
        }
        found.extend(node["allOf"].as_array().into_iter().flatten());
        found.extend(node.get("then").filter(|_| conditional));
        next += 1;
    }
    found
}

/// The schema nodes for `key` in an object that `node` describes; none when the key is unknown.
pub(crate) fn children(node: &'static Value, key: &str) -> Vec<&'static Value> {
    let named: Vec<_> = parts(node).into_iter().filter_map(|part| part["properties"].get(key)).collect();
    if !named.is_empty() {
        return named;
    }
    parts(node)
        .into_iter()
        .filter_map(|part| part.get("additionalProperties").filter(|free| free.is_object()))
        .collect()
}

/// The schema nodes for the elements of an array that `node` describes.
pub(crate) fn items(node: &'static Value) -> Vec<&'static Value> {
    parts(node).into_iter().filter_map(|part| part.get("items").filter(|items| items.is_object())).collect()
}

/// The schema nodes for the value at `at`.
pub(crate) fn nodes_at(at: &str) -> Vec<&'static Value> {
    let mut nodes = vec![document()];
    for step in json_pointer::names(at) {
        let position = step.bytes().all(|byte| byte.is_ascii_digit());
        nodes = nodes
            .into_iter()
            .flat_map(|node| {
                let keyed = children(node, &step);
                if keyed.is_empty() && position { items(node) } else { keyed }
            })
            .collect();
    }
    nodes
}

/// An annotation or keyword of whichever of these nodes has one.
pub(crate) fn keyword_of(nodes: &[&'static Value], name: &str) -> Option<&'static Value> {
    nodes.iter().find_map(|node| keyword(node, name))
}

/// An annotation or keyword of `node` or of what it refers to.
pub(crate) fn keyword(node: &'static Value, name: &str) -> Option<&'static Value> {
    parts(node).into_iter().find_map(|part| part.get(name))
}

/// The known keys of an object that `node` describes, in the schema's order.
pub(crate) fn properties(node: &'static Value) -> Vec<(&'static str, &'static Value)> {
    properties_where(node, true)
}

fn properties_where(node: &'static Value, conditional: bool) -> Vec<(&'static str, &'static Value)> {
    let maps = parts_where(node, conditional).into_iter().filter_map(|part| part["properties"].as_object());
    let mut known: Vec<(&str, &Value)> = Vec::new();
    for (name, child) in maps.flatten().filter(|(_, child)| child.is_object()) {
        if !known.iter().any(|(other, _)| other == name) {
            known.push((name, child));
        }
    }
    known
}

/// A key that the schema knows. `#` in the path stands for the position in an array.
pub(crate) struct KnownKey {
    pub path: Vec<&'static str>,
    /// What the schema says of it, which may stand in more than one place: the content of a hook's `config` is
    /// described under a condition.
    pub nodes: Vec<&'static Value>,
}

/// Every key of the schema, parents before children.
pub(crate) fn known_keys() -> &'static [KnownKey] {
    static KEYS: LazyLock<Vec<KnownKey>> = LazyLock::new(|| {
        let mut keys = Vec::new();
        collect_keys(&[document()], &mut Vec::new(), &mut keys);
        keys
    });
    &KEYS
}

fn collect_keys(nodes: &[&'static Value], path: &mut Vec<&'static str>, keys: &mut Vec<KnownKey>) {
    if path.len() > MAX_DEPTH {
        return;
    }
    let mut below: Vec<(&'static str, Vec<&'static Value>)> = Vec::new();
    for (name, _) in nodes.iter().flat_map(|node| properties(node)) {
        if !below.iter().any(|(known, _)| *known == name) {
            below.push((name, nodes.iter().flat_map(|node| children(node, name)).collect()));
        }
    }
    let elements: Vec<_> = nodes.iter().flat_map(|node| items(node)).collect();
    if !elements.is_empty() {
        below.push(("#", elements));
    }
    for (name, nodes) in below {
        path.push(name);
        keys.push(KnownKey { path: path.clone(), nodes: nodes.clone() });
        collect_keys(&nodes, path, keys);
        path.pop();
    }
}

/// Removes keys without a value (`courier:` alone on its line), which mean the same as absent keys, except where the
/// schema gives null a meaning or knows nothing about the content.
pub(crate) fn drop_nulls(value: &mut Value, node: &'static Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, child| {
                let Some(child_node) = children(node, key).first().copied() else { return true };
                drop_nulls(child, child_node);
                !child.is_null() || allows_null(child_node)
            });
        }
        Value::Array(elements) => {
            if let Some(item) = items(node).first().copied() {
                elements.iter_mut().for_each(|element| drop_nulls(element, item));
            }
        }
        _ => {}
    }
}

fn allows_null(node: &'static Value) -> bool {
    keyword(node, "type").is_some_and(|kind| kind.as_array().is_some_and(|kinds| kinds.iter().any(|k| k == "null")))
}

/// Puts the schema's defaults where nothing was set, in array elements too. Objects without any default stay absent, and
/// conditions are not looked at: the kinds of hooks and of proofs get theirs where they are read.
pub(crate) fn fill_defaults(value: &mut Value, node: &'static Value) {
    match value {
        Value::Object(map) => {
            for (name, child_node) in properties_where(node, false) {
                match map.get_mut(name) {
                    Some(child) => fill_defaults(child, child_node),
                    None => {
                        if let Some(child) = default_of(child_node) {
                            map.insert(name.to_owned(), child);
                        }
                    }
                }
            }
            let free = children(node, "\u{0}");
            if let Some(free) = free.first().copied() {
                let known = properties_where(node, false);
                map.iter_mut()
                    .filter(|(key, _)| !known.iter().any(|(name, _)| name == key))
                    .for_each(|(_, child)| fill_defaults(child, free));
            }
        }
        Value::Array(elements) => {
            if let Some(item) = items(node).first().copied() {
                elements.iter_mut().for_each(|element| fill_defaults(element, item));
            }
        }
        _ => {}
    }
}

fn default_of(node: &'static Value) -> Option<Value> {
    if let Some(default) = keyword(node, "default") {
        return Some(default.clone());
    }
    if properties_where(node, false).is_empty() {
        return None;
    }
    let mut object = Value::Object(Map::new());
    fill_defaults(&mut object, node);
    object.as_object().is_some_and(|map| !map.is_empty()).then_some(object)
}
