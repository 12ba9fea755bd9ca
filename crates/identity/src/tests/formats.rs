//! Formats, compared with what Kratos' validator says of them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

/// What `go/formats.go` has recorded.
#[derive(Deserialize)]
struct Recording {
    formats: Vec<String>,
    texts: Vec<(String, String)>,
}

/// A schema with a trait of this format, in the words of each draft that Kratos knows.
fn drafts(format: &str) -> Vec<Schemas> {
    let with = |draft: &str| {
        let mut schema = schema_of(json!({ "x": { "type": "string", "format": format } }));
        schema["$schema"] = format!("http://json-schema.org/{draft}schema#").into();
        schemas(&schema)
    };
    ["draft-04/", "draft-06/", "draft-07/"].into_iter().map(with).collect()
}

#[test]
fn formats_take_what_they_take_in_kratos() {
    let Recording { formats, texts } = serde_json::from_str(include_str!("go/formats.json")).expect("a recording");
    let mut differences = Vec::new();
    for (i, format) in formats.iter().enumerate() {
        for schemas in drafts(format) {
            // Accounts that have an address with a dot at its end keep it; a new one is refused elsewhere.
            for (text, expected) in texts.iter().filter(|(text, _)| text != "a@example.org.") {
                let is_taken = schemas.complaints(None, &json!({ "x": text })).is_empty();
                if is_taken != (expected.as_bytes()[i] == b'1') {
                    differences.push((format, text, is_taken));
                }
            }
        }
    }
    assert!(texts.len() > 400 && differences.is_empty(), "{differences:#?}");
}

#[test]
fn formats_that_kratos_does_not_know_are_open() {
    for format in ["idn-email", "idn-hostname", "uuid", "duration", "colour"] {
        for schemas in drafts(format) {
            assert!(schemas.complaints(None, &json!({ "x": "any text" })).is_empty(), "{format}");
        }
    }
}

#[test]
fn a_page_with_letters_of_its_language_is_an_address() {
    let page = Value::from("https://example.org/über-uns");
    for format in ["uri", "uri-reference", "uriref", "iri", "iri-reference", "uri-template"] {
        for schemas in drafts(format) {
            assert!(schemas.complaints(None, &json!({ "x": page })).is_empty(), "{format}");
        }
    }
}
