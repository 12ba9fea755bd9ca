//! One configuration file as a JSON tree that remembers its lines.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::Path;

use model::json_pointer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

use crate::finding::{Finding, SourceLocation};

/// Larger files are refused: a configuration is a few kilobytes, and parsing must stay cheap.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The values of one source, and where each stands in it.
#[derive(Debug)]
pub(crate) struct Layer {
    pub source: String,
    /// What the value belongs to: empty for a whole document.
    pub path: Vec<Step>,
    pub value: Value,
    /// JSON pointer of a value → its line, where the format tells lines.
    pub lines: BTreeMap<String, Option<u64>>,
}

/// One step of a path: a key, or a position in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Key(&'static str),
    Index(usize),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

impl Layer {
    /// A whole document without lines.
    pub fn document(source: impl Into<String>, value: Value) -> Self {
        Self::at(source, Vec::new(), value)
    }

    /// A value that belongs at `path`.
    pub fn at(source: impl Into<String>, path: Vec<Step>, value: Value) -> Self {
        let at = path.iter().fold(String::new(), |at, step| json_pointer::below(&at, &step.to_string()));
        let mut lines = BTreeMap::new();
        note_pointers(&value, &at, &mut lines);
        Self { source: source.into(), path, value, lines }
    }

    /// Where the value at `pointer` stands, if this source set it.
    pub fn place(&self, pointer: &str) -> Option<SourceLocation> {
        let line = self.lines.get(pointer)?;
        Some(SourceLocation { source: self.source.clone(), line: *line })
    }

    /// Whether this is a file, rather than a flag or a variable.
    pub fn is_file(&self) -> bool {
        self.path.is_empty() && !self.source.starts_with('-')
    }

    /// Merges this layer into `document`: objects key by key, anything else is replaced.
    pub fn apply(&self, document: &mut Value) {
        let mut target = document;
        for step in &self.path {
            target = match step {
                Step::Key(key) => object(target).entry(*key).or_insert(Value::Null),
                Step::Index(index) => {
                    let list = array(target);
                    // Elements that nobody set stay null, which the check reports.
                    list.resize(list.len().max(index + 1), Value::Null);
                    &mut list[*index]
                }
            };
        }
        merge(target, &self.value);
    }
}

fn merge(into: &mut Value, from: &Value) {
    match from {
        Value::Object(from) => {
            let into = object(into);
            for (key, child) in from {
                merge(into.entry(key).or_insert(Value::Null), child);
            }
        }
        from => *into = from.clone(),
    }
}

/// The object in `value`, which becomes one if it is something else.
fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was just made an object")
}

/// The array in `value`, which becomes one if it is something else.
fn array(value: &mut Value) -> &mut Vec<Value> {
    if !value.is_array() {
        *value = Value::Array(Vec::new());
    }
    value.as_array_mut().expect("it was just made an array")
}

fn note_pointers(value: &Value, at: &str, lines: &mut BTreeMap<String, Option<u64>>) {
    lines.insert(at.to_owned(), None);
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, child)| note_pointers(child, &json_pointer::below(at, key), lines))
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(i, child)| note_pointers(child, &json_pointer::below(at, &i.to_string()), lines));
        }
        _ => {}
    }
}

/// Reads a `.yaml`, `.yml`, `.json` or `.toml` file.
pub(crate) fn read(path: &Path) -> Result<Layer, Finding> {
    let source = path.display().to_string();
    let fail = |message: String| Finding::new(SourceLocation { source: source.clone(), line: None }, "", message);
    let file = std::fs::File::open(path).map_err(|error| fail(format!("cannot be opened: {error}")))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| fail(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(fail(format!("is larger than {} MiB", MAX_FILE_BYTES / 1024 / 1024)));
    }
    let text = String::from_utf8(bytes).map_err(|_| fail("is not UTF-8 text".to_owned()))?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    parse(&source, &extension.to_ascii_lowercase(), &text)
}

/// Parses the text of a file with this extension. An empty file holds nothing.
pub(crate) fn parse(source: &str, extension: &str, text: &str) -> Result<Layer, Finding> {
    let fail = |line: Option<u64>, message: String| {
        Finding::new(SourceLocation { source: source.to_owned(), line }, "", message)
    };
    let layer = match extension {
        "yaml" | "yml" => parse_yaml(source, text).map_err(|(line, message)| fail(line, message))?,
        "json" => {
            let value = serde_json::from_str(text)
                .map_err(|error| fail(Some(error.line() as u64), format!("is not valid JSON: {error}")))?;
            Layer::document(source, value)
        }
        "toml" => {
            let value: toml::Table = toml::from_str(text).map_err(|error| {
                let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count() as u64);
                fail(line, format!("is not valid TOML: {}", error.message()))
            })?;
            let value = serde_json::to_value(value).map_err(|error| fail(None, error.to_string()))?;
            Layer::document(source, value)
        }
        _ => return Err(fail(None, "has an unknown ending; expected .yaml, .yml, .json or .toml".to_owned())),
    };
    match layer.value {
        Value::Object(_) => Ok(layer),
        Value::Null => Ok(Layer { value: Value::Object(Map::new()), ..layer }),
        _ => Err(fail(None, "must hold keys and values at its top".to_owned())),
    }
}

fn parse_yaml(source: &str, text: &str) -> Result<Layer, (Option<u64>, String)> {
    let text = without_empty_documents(text);
    if text.lines().all(is_blank) {
        return Ok(Layer::document(source, Value::Null));
    }
    // As Kratos' parser has it: only true and false are booleans, a leading zero means octal, no key twice.
    let mut options = serde_saphyr::Options::default();
    options.strict_booleans = true;
    options.legacy_octal_numbers = true;
    options.duplicate_keys = serde_saphyr::options::DuplicateKeyPolicy::Error;
    options.with_snippet = false;
    let tree: Spanned<Node> = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map(|location| location.line());
        // The library's text goes on with advice to programmers.
        let text = error.to_string();
        let reason = text.lines().next().and_then(|first| first.split(", set ").next()).unwrap_or_default();
        (line, format!("is not valid YAML: {reason}"))
    })?;
    let mut lines = BTreeMap::new();
    let value = flatten(tree.value, tree.referenced.line(), String::new(), &mut lines);
    Ok(Layer { source: source.to_owned(), path: Vec::new(), value, lines })
}

/// Without empty documents at the end: many files end in `---`. At the start of a line that is never part of a text.
fn without_empty_documents(text: &str) -> &str {
    let (mut kept, mut end) = (text, text.len());
    for line in text.split_inclusive('\n').rev() {
        end -= line.len();
        let begins_document = line
            .strip_prefix("---")
            .is_some_and(|rest| is_blank(rest) && (rest.is_empty() || rest.starts_with(char::is_whitespace)));
        if begins_document {
            kept = &text[..end];
        } else if !is_blank(line) {
            break;
        }
    }
    kept
}

/// Whether a line of YAML holds nothing, or only a comment.
fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// A YAML node whose children know their lines.
enum Node {
    Leaf(Value),
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Node)>),
}

fn flatten(node: Node, line: u64, at: String, lines: &mut BTreeMap<String, Option<u64>>) -> Value {
    let value = match node {
        Node::Leaf(value) => value,
        Node::List(items) => items
            .into_iter()
            .enumerate()
            .map(|(i, item)| {
                flatten(item.value, item.referenced.line(), json_pointer::below(&at, &i.to_string()), lines)
            })
            .collect(),
        Node::Map(entries) => entries
            .into_iter()
            .map(|(key, child)| {
                let child = flatten(child, key.referenced.line(), json_pointer::below(&at, &key.value), lines);
                (key.value, child)
            })
            .collect(),
    };
    lines.insert(at, (line > 0).then_some(line));
    value
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON can express")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Node, D::Error> {
        Node::deserialize(from)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Bool(value)))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("numbers must be finite"))?;
        Ok(Node::Leaf(Value::Number(number)))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Node, E> {
        Ok(Node::Leaf(Value::String(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = from.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}
