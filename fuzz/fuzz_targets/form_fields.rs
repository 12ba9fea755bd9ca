//! Names of fields come from anyone, with dots, with indices and several times: what the schema makes of them is no deeper
//! than the schema and no larger than what was sent, and a form that is sent as it was shown changes nothing.

#![no_main]

use std::sync::LazyLock;

use config::{Identity, IdentitySchema};
use flow::Input;
use identity::{SchemaSource, Schemas};
use libfuzzer_sys::fuzz_target;
use model::ui::flatten;
use serde_json::{Value, json};
use url::form_urlencoded;

/// A schema with every kind of trait, in a file of its own.
static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    let text = json!({ "type": "string" });
    let home = json!({ "type": "object", "properties": {
        "street": text, "number": { "type": "integer" }, "keys": { "type": "array", "items": text } } });
    let traits = json!({
        "email": text, "age": { "type": "number" }, "tos": { "type": "boolean" }, "any": {},
        "name": { "type": "object", "properties": { "first": text } },
        "tags": { "type": "array", "items": text },
        "numbers": { "type": "array", "items": { "type": "number" } },
        "homes": { "type": "array", "items": home },
    });
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": traits } } });
    let file = std::env::temp_dir().join(format!("form-fields-{}.json", std::process::id()));
    std::fs::write(&file, schema.to_string()).expect("a file");
    let url = format!("file://{}", file.display());
    let one = IdentitySchema { id: "person".to_owned(), url, selfservice_selectable: true };
    let config = Identity { default_schema_id: "person".to_owned(), schemas: vec![one] };
    Schemas::load(&config, &SchemaSource::new()).expect("a schema")
});

fuzz_target!(|body: &[u8]| {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let Ok(form) = Input::from_form(pairs.iter().cloned()) else { return };
    let traits = SCHEMAS.traits(None, form.traits());
    // What stands in the place of an object as JSON is as deep as it was sent.
    if pairs.iter().any(|(_, value)| value.contains(['{', '['])) {
        return;
    }
    let leaves = flatten("traits", &traits);
    assert!(leaves.len() <= pairs.len() + 4, "more came out than was sent");
    assert!(leaves.iter().all(|(name, _)| name.matches('.').count() <= 5), "deeper than the schema");

    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let shown = leaves.into_iter().map(|(name, value)| (name, text(value)));
    // An item has a name of its own now, of which there may be one too many.
    let Ok(again) = Input::from_form(shown) else { return };
    assert_eq!(SCHEMAS.traits(None, again.traits()), traits);
});
