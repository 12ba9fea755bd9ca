//! Forms come as JSON or as browsers send them, from anyone: whatever comes is read or refused, within bounds, and both
//! ways of writing a form mean the same.

#![no_main]

use flow::Input;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use url::form_urlencoded;

fuzz_target!(|body: &[u8]| {
    if let Ok(input) = Input::from_json(body) {
        check(&input);
        // What two readers might understand differently is refused: the general reader agrees on all the rest.
        let plain: Value = serde_json::from_slice(body).expect("the general reader reads it too");
        if let Some(Value::String(method)) = plain.get("method") {
            assert_eq!(&input.method(), method);
        }
    }

    let pairs: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    if let Ok(form) = Input::from_form(pairs.iter().cloned()) {
        check(&form);
        // The same fields as members of a JSON object, the first of each name.
        let mut members = Map::new();
        for (name, value) in pairs {
            members.entry(name).or_insert(Value::String(value));
        }
        let text = Value::Object(members).to_string();
        if let Ok(json) = Input::from_json(text.as_bytes()) {
            assert_eq!(json.method(), form.method());
        }
    }
});

/// Nothing that was read upsets whoever looks at it, and nothing is nested beyond what the stack can take.
fn check(input: &Input) {
    for traits in [input.get("traits").cloned(), Some(Value::Object(input.object("traits")))].into_iter().flatten() {
        assert!(depth(&traits) <= 128);
        assert!(!holds_nul(&traits), "the character NUL came through");
    }
    for name in ["password", "identifier", "csrf_token", "screen"] {
        assert!(!input.text(name).contains('\0'));
    }
    let _ = input.transient_payload();
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::String(text) => text.contains('\0'),
        _ => false,
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
