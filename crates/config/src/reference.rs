//! The configuration reference, made from the schema: `docs/reference/configuration.md`.

use std::fmt::Write;

use serde_json::Value;

use crate::schema::{definition, document, items, keyword, properties};

/// Parts that occur in many places and have a table of their own.
const SHARED: [(&str, &str); 5] = [
    ("hooks", "Hooks"),
    ("web_hook", "The hook web_hook"),
    ("http_request", "Requests that Zelus sends"),
    ("http_auth", "Proofs of requests"),
    ("oidc_provider", "OpenID Connect providers"),
];

/// The whole page, in Markdown.
pub fn reference() -> String {
    let mut page = String::from(INTRODUCTION);
    let (simple, sections): (Vec<_>, Vec<_>) =
        properties(document()).into_iter().partition(|(_, node)| properties(node).is_empty());
    page.push_str("\n## Top level\n\n");
    table(&mut page, &simple.into_iter().map(|(name, node)| (name.to_owned(), node)).collect::<Vec<_>>());
    for (name, node) in sections {
        let _ = write!(page, "\n## {name}\n\n{}\n\n", description(node));
        let mut rows = Vec::new();
        collect(name, node, &mut rows);
        table(&mut page, &rows);
    }
    for (name, title) in SHARED {
        let _ = write!(page, "\n## {title}\n\n");
        if name == "hooks" {
            page.push_str(HOOKS);
            continue;
        }
        let _ = write!(page, "{}\n\n", description(definition(name)));
        let mut rows = Vec::new();
        for (key, node) in properties(definition(name)) {
            collect_row(key.to_owned(), node, &mut rows);
        }
        table(&mut page, &rows);
    }
    page
}

type Row = (String, &'static Value);

fn collect(at: &str, node: &'static Value, rows: &mut Vec<Row>) {
    for (name, child) in properties(node) {
        collect_row(format!("{at}.{name}"), child, rows);
    }
}

/// A row for a leaf, for a shared part, or rows for what is below.
fn collect_row(key: String, node: &'static Value, rows: &mut Vec<Row>) {
    let free = keyword(node, "additionalProperties").filter(|free| free["properties"].is_object());
    let elements = items(node).into_iter().find(|item| !properties(item).is_empty());
    if shared(node).is_some() || items(node).into_iter().any(|item| shared(item).is_some()) {
        rows.push((key, node));
    } else if let Some(free) = free {
        collect(&format!("{key}.<name>"), free, rows);
    } else if let Some(element) = elements {
        rows.push((key.clone(), node));
        collect(&format!("{key}[]"), element, rows);
    } else if properties(node).is_empty() {
        rows.push((key, node));
    } else {
        collect(&key, node, rows);
    }
}

/// The title of the shared part that a node refers to.
fn shared(node: &'static Value) -> Option<&'static str> {
    let target = node["$ref"].as_str().or_else(|| node["allOf"][0]["$ref"].as_str())?;
    let name = target.strip_prefix("#/definitions/")?;
    let name = if name.starts_with("hooks_") { "hooks" } else { name };
    SHARED.iter().find(|(shared, _)| *shared == name).map(|(_, title)| *title)
}

fn table(page: &mut String, rows: &[Row]) {
    page.push_str("| Key | Type | Default | Meaning |\n|---|---|---|---|\n");
    for (key, node) in rows {
        let default = keyword(node, "default").map(|default| format!("`{default}`")).unwrap_or_default();
        let _ = writeln!(page, "| `{key}` | {} | {default} | {} |", kind(node), meaning(node));
    }
}

/// The type in words, with its choices and bounds.
fn kind(node: &'static Value) -> String {
    if let Some(title) = shared(node) {
        return link(title);
    }
    if let Some(names) = keyword(node, "enum").and_then(Value::as_array) {
        return names.iter().map(|name| format!("`{name}`").replace('"', "")).collect::<Vec<_>>().join(", ");
    }
    let word = match keyword(node, "format").and_then(Value::as_str) {
        Some("go-duration") => "duration",
        Some("byte-size") => "size",
        Some("bool-text") => "true or false",
        Some("uri") => "address",
        Some("uri-reference") => "address, may be relative",
        Some("email") => "e-mail address",
        Some("network") => "address or network",
        _ => match keyword(node, "type").map(|kind| kind.as_str().or_else(|| kind[0].as_str()).unwrap_or_default()) {
            Some("boolean") => "true or false",
            Some("integer") => "whole number",
            Some("number") => "number",
            Some("array") => return list_kind(node),
            Some("object") => "map",
            Some("string") => "text",
            _ => "anything",
        },
    };
    let bound =
        |name: &str, word: &str| keyword(node, name).map(|bound| format!(", {word} {bound}")).unwrap_or_default();
    format!("{word}{}{}", bound("minimum", "from"), bound("maximum", "to"))
}

fn list_kind(node: &'static Value) -> String {
    match items(node).first() {
        Some(item) if shared(item).is_some() => format!("list of {}", kind(item)),
        Some(item) if properties(item).is_empty() => format!("list of {}", kind(item)),
        _ => "list".to_owned(),
    }
}

fn meaning(node: &'static Value) -> String {
    let secret =
        keyword(node, "x-secret").or_else(|| items(node).into_iter().find_map(|item| keyword(item, "x-secret")));
    let secret = if secret.is_some() { " Hidden in dumps." } else { "" };
    format!("{}{secret}", description(node)).replace('|', "\\|")
}

fn description(node: &'static Value) -> &'static str {
    keyword(node, "description").and_then(Value::as_str).unwrap_or_default()
}

fn link(title: &str) -> String {
    format!("[{title}](#{})", title.to_lowercase().replace(' ', "-"))
}

const INTRODUCTION: &str = "\
# Configuration

This page is made from the schema, `crates/config/src/schema.json`: \
`cargo run -p config --example reference > docs/reference/configuration.md`.

Files are given with `-c`, as often as needed, in YAML, JSON or TOML. Later files win: maps are merged, lists are \
replaced. The environment wins over files: `serve.public.port` is `SERVE_PUBLIC_PORT`, an element of a list is \
`…_0_…`, lists of text may be written with commas, other lists and maps as JSON. Unknown keys are errors.

A running server takes up changes of these files, and of identity schemas and message templates that are files \
(`file://`, and the folder `courier.template_override_path`), at once: replace them as a whole. One that cannot be used is \
read once more when it has been still for half a second. On SIGHUP it reads everything anew at once, what stands behind \
`https://` included; only when its terminal has hung up does SIGHUP stop it. What cannot be used is logged, \
and the last good configuration stays. Keys that need a restart are named in the log.

A duration is a chain of numbers with the units `ns`, `us`, `ms`, `s`, `m` and `h`: `1h30m`. A size is a number with \
`B`, `KB`, `MB`, `GB` …, in powers of 1024. Relative addresses are read against `serve.public.base_url`.
";

const HOOKS: &str = "\
Hooks run in the order of the list, but `session` always runs last. Each entry is `{ hook: NAME }`, and for `web_hook` \
also has a `config`, described below. Which names are allowed depends on where the list stands:

| Where | Names |
|---|---|
| `…before.hooks` | `web_hook` |
| `login.after.hooks`, `login.after.<method>.hooks` | `revoke_active_sessions`, `require_verified_address`, `web_hook`, `verification`, `show_verification_ui` |
| `login.after.oidc.hooks` | `revoke_active_sessions`, `require_verified_address`, `web_hook` |
| `registration.after.<method>.hooks` | `session`, `web_hook`, `show_verification_ui` |
| `registration.after.hooks`, `settings.after.hooks`, `verification.after.hooks` | `web_hook` |
| `settings.after.<method>.hooks`, `recovery.after.hooks` | `web_hook`, `revoke_active_sessions` |
| `settings.after.profile.hooks` | `web_hook`, `show_verification_ui` |

`b2b_sso` and `organization` are accepted everywhere but in settings and recovery methods, and ignored. A method's own \
list replaces the list of its flow.
";
