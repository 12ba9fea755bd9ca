//! Operators' programs send JSON Patch for identities: whatever comes is applied or refused, and some members never change.
#![no_main]

use identity::{Document, apply_patch};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|patch: &[u8]| {
    let Some(patch) = str::from_utf8(patch).ok().and_then(|text| Document::parse(text).ok()) else { return };
    let document = json!({
        "id": "01-23", "schema_id": "person", "state": "active", "external_id": null,
        "credentials": { "password": { "identifiers": ["a"] } },
        "traits": { "name": "Ann", "list": [1, [2], { "a/b": "~" }] },
        "metadata_public": null, "metadata_admin": { "a": null },
    });
    let before = document;
    let mut document = Document::from(&before);
    if apply_patch(&mut document, &patch).is_ok() {
        // What has been applied can be written, and read again.
        let text = document.to_string();
        assert!(text.len() < 1 << 24);
        let Ok(document) = serde_json::from_str::<Value>(&text) else { return };
        assert_eq!(document["id"], before["id"]);
        assert_eq!(document["credentials"], before["credentials"]);
        assert!(document.is_object());
    }
});
