//! Message templates in Go's language: no source and no data make the interpreter panic or run on.

#![no_main]

use courier::gotemplate::{Escape, GoTemplates};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (source, value) = input;
    let data = serde_json::json!({ "To": value, "List": [1, value, null], "Map": { "a": -1.5, "b": { "c": value } } });
    let mut templates = GoTemplates::default();
    if templates.add("t", source).is_ok() {
        let _ = templates.render("t", &data, Escape::Html);
        let _ = templates.render("t", &data, Escape::None);
    }
});
