//! The configuration without its secrets, for dumps and support requests.

use serde_json::Value;

use crate::schema;

/// Stands where something is hidden.
const HIDDEN: &str = "…";

/// Whether the value at this JSON pointer, or anything in it, must not be shown.
pub(crate) fn is_secret(at: &str) -> bool {
    schema::nodes_at(at).into_iter().any(|node| schema::keyword(node, "x-secret").is_some())
}

/// A copy without secrets. Values that the schema does not know are hidden too, since nobody knows what they are.
pub(crate) fn redacted(value: &Value) -> Value {
    redacted_as(value, schema::document())
}

/// The same for a part that `node` describes.
pub(crate) fn redacted_as(value: &Value, node: &'static Value) -> Value {
    let mut copy = value.clone();
    hide(&mut copy, &[node]);
    copy
}

fn hide(value: &mut Value, nodes: &[&'static Value]) {
    if nodes.is_empty() {
        return hide_all(value);
    }
    match nodes.iter().find_map(|node| schema::keyword(node, "x-secret")) {
        Some(Value::Bool(true)) => return hide_all(value),
        Some(_) => {
            if let Value::String(text) = value {
                *text = hide_in_secret_url(text);
            }
            return;
        }
        None => {}
    }
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                let children: Vec<_> = nodes.iter().flat_map(|node| schema::children(node, key)).collect();
                hide(child, &children);
            }
        }
        Value::Array(elements) => {
            let items: Vec<_> = nodes.iter().flat_map(|node| schema::items(node)).collect();
            elements.iter_mut().for_each(|element| hide(element, &items));
        }
        Value::String(text) => *text = hide_userinfo(text),
        _ => {}
    }
}

fn hide_all(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(hide_all),
        Value::Array(elements) => elements.iter_mut().for_each(hide_all),
        Value::String(text) => *text = HIDDEN.to_owned(),
        Value::Number(_) => *value = Value::from(HIDDEN),
        Value::Bool(_) | Value::Null => {}
    }
}

/// A database or mail address: what stands before the last `@` may be a password with any characters in it, and so may
/// query values. Inline documents (`base64://`) are hidden whole.
fn hide_in_secret_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return if text == "memory" { text.to_owned() } else { HIDDEN.to_owned() };
    };
    if scheme == "base64" {
        return format!("{scheme}://{HIDDEN}");
    }
    let rest = match rest.rsplit_once('@') {
        Some((userinfo, host)) => {
            let user = userinfo.split(':').next().unwrap_or_default();
            format!("{user}:{HIDDEN}@{host}")
        }
        None => rest.to_owned(),
    };
    let Some((address, query)) = rest.split_once('?') else { return format!("{scheme}://{rest}") };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if ["pass", "secret", "key", "token"].iter().any(|word| name.to_lowercase().contains(word)) => {
            format!("{name}={HIDDEN}")
        }
        _ => pair.to_owned(),
    });
    format!("{scheme}://{address}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// Hides the password of any address that carries one.
fn hide_userinfo(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority_end].rsplit_once('@') {
        Some((userinfo, host)) if userinfo.contains(':') => {
            let user = userinfo.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:{HIDDEN}@{host}{}", &rest[authority_end..])
        }
        _ => text.to_owned(),
    }
}
