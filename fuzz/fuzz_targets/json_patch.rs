//! Operators' programs send JSON Patch for identities: whatever comes is applied or refused, and some members never change.
#![no_main]

use identity::apply_patch;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|patch: &[u8]| {
    let Ok(patch) = serde_json::from_slice::<Value>(patch) else { return };
    let mut document = json!({
        "id": "01-23", "schema_id": "person", "state": "active", "external_id": null,
        "credentials": { "password": { "identifiers": ["a"] } },
        "traits": { "name": "Ann", "list": [1, [2], { "a/b": "~" }] },
        "metadata_public": null, "metadata_admin": { "a": null },
    });
    let before = document.clone();
    if apply_patch(&mut document, &patch).is_ok() {
        assert_eq!(document["id"], before["id"]);
        assert_eq!(document["credentials"], before["credentials"]);
        assert!(document.is_object());
        // What has been applied can be written, and read again.
        let text = document.to_string();
        assert!(text.len() < 1 << 24);
        assert!(serde_json::from_str::<Value>(&text).is_ok() || depth(&document) > 120);
    }
});

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
