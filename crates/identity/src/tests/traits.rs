//! What is wrong with traits, the fields of forms, and the typing of what forms send.

use model::ui::{Group, InputType};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::address::{is_email, is_hostname};

/// The faults of `traits` as (field, message id, context).
fn faults(schema: &Value, traits: Value) -> Vec<(String, u32, Value)> {
    let schemas = schemas(schema);
    let errors = schemas.default_schema().check(&json!({ "traits": traits }));
    errors.into_iter().map(|error| (error.pointer, error.message.id, Value::Object(error.message.context))).collect()
}

#[track_caller]
fn check(schema: &Value, traits: Value, expected: &[(&str, u32, Value)]) {
    let found = faults(schema, traits.clone());
    let expected: Vec<_> =
        expected.iter().map(|(field, id, context)| ((*field).to_owned(), *id, context.clone())).collect();
    assert_eq!(found, expected, "{traits}");
}

#[test]
fn faults_stand_at_their_fields_with_the_ids_and_contexts_of_kratos() {
    let schema = person();
    check(&schema, json!({ "email": "a@example.org" }), &[]);
    check(&schema, json!({}), &[("traits.email", 4000002, json!({ "property": "email" }))]);
    check(&schema, json!({ "email": "nobody" }), &[("traits.email", 4000040, json!({ "value": "nobody" }))]);
    let both = [
        ("traits.email", 4000040, json!({ "value": "a" })),
        ("traits.email", 4000003, json!({ "min_length": 3, "actual_length": 1 })),
    ];
    check(&schema, json!({ "email": "a" }), &both);
    let wrong = json!({ "allowed_types": ["string"], "actual_type": "number" });
    check(&schema, json!({ "email": 5 }), &[("traits.email", 4000026, wrong)]);
    let name = [
        ("traits.name.first", 4000017, json!({ "max_length": 5, "actual_length": 6 })),
        ("traits.name.first", 4000004, json!({ "pattern": "^[A-Z]" })),
    ];
    check(&schema, json!({ "email": "a@example.org", "name": { "first": "älteré" } }), &name);
    let age = [("traits.age", 4000018, json!({ "minimum": 0, "actual": -1 }))];
    check(&schema, json!({ "email": "a@example.org", "age": -1 }), &age);
    let unknown = faults(&schema, json!({ "email": "a@example.org", "b": 1, "c": 2 }));
    assert_eq!(unknown.len(), 1);
    assert_eq!((unknown[0].0.as_str(), unknown[0].1), ("traits", 4000001));
    let wrong = json!({ "allowed_types": ["object"], "actual_type": "string" });
    check(&schema, json!("x"), &[("traits", 4000026, wrong)]);
}

#[test]
fn every_keyword_has_its_message() {
    let one = |rule: Value| schema_of(json!({ "x": rule }));
    let table = [
        (json!({ "maximum": 5 }), json!(6), 4000020, json!({ "maximum": 5, "actual": 6 })),
        (json!({ "exclusiveMinimum": 5 }), json!(5), 4000019, json!({ "minimum": 5, "actual": 5 })),
        (json!({ "exclusiveMaximum": 5 }), json!(5), 4000021, json!({ "maximum": 5, "actual": 5 })),
        (json!({ "multipleOf": 5 }), json!(6), 4000022, json!({ "base": 5, "actual": 6 })),
        (json!({ "maxItems": 1 }), json!([1, 2]), 4000023, json!({ "max_items": 1, "actual_items": 2 })),
        (json!({ "minItems": 1 }), json!([]), 4000024, json!({ "min_items": 1, "actual_items": 0 })),
        (json!({ "uniqueItems": true }), json!([1, 2, 1]), 4000025, json!({ "index_a": 0, "index_b": 2 })),
        (json!({ "const": "a" }), json!("b"), 4000029, json!({ "expected": "\"a\"" })),
        (json!({ "const": { "a": 1 } }), json!("b"), 4000030, json!({})),
        (json!({ "format": "tel" }), json!("030"), 4000041, json!({ "value": "030" })),
        (
            json!({ "anyOf": [{ "type": "string" }] }),
            json!(1),
            4000026,
            json!({ "allowed_types": ["string"], "actual_type": "number" }),
        ),
    ];
    for (rule, value, id, context) in table {
        check(&one(rule), json!({ "x": value }), &[("traits.x", id, context)]);
    }
    for (rule, value) in [
        (json!({ "enum": ["a", "b"] }), json!("c")),
        (json!({ "format": "date" }), json!("yesterday")),
        (json!({ "not": {} }), json!(1)),
        (json!({ "maxProperties": 0 }), json!({ "a": 1 })),
    ] {
        let found = faults(&one(rule), json!({ "x": value }));
        assert_eq!((found.len(), found[0].0.as_str(), found[0].1), (1, "traits.x", 4000001));
    }
}

#[test]
fn references_are_followed_and_dots_in_names_are_told_apart() {
    let schema = json!({
        "definitions": { "mail": { "type": "string", "format": "email", "title": "Mail" } },
        "type": "object",
        "properties": { "traits": { "type": "object", "properties": { "a.b": { "$ref": "#/definitions/mail" } } } }
    });
    check(&schema, json!({ "a.b": "x" }), &[("traits.a\\.b", 4000040, json!({ "value": "x" }))]);
    assert_eq!(schemas(&schema).fields(None)[0].kind, InputType::Email);
}

#[test]
fn fields_are_as_the_schema_describes_them() {
    let schemas = schemas(&person());
    let fields = schemas.fields(None);
    let brief: Vec<_> = fields.iter().map(|field| (field.name.as_str(), field.kind, field.required)).collect();
    assert_eq!(
        brief,
        [
            ("traits.age", InputType::Number, false),
            ("traits.email", InputType::Email, true),
            ("traits.name.first", InputType::Text, false),
            ("traits.name.last", InputType::Text, false),
            ("traits.newsletter", InputType::Checkbox, false),
        ]
    );
    let node = serde_json::to_value(fields[1].node(Group::Default)).expect("JSON");
    let expected = json!({
        "type": "input", "group": "default", "messages": [],
        "attributes": {
            "name": "traits.email", "type": "email", "required": true, "autocomplete": "email", "disabled": false,
            "node_type": "input"
        },
        "meta": { "label": {
            "id": 1070002, "text": "E-Mail", "type": "info", "context": { "name": "traits.email", "title": "E-Mail" }
        } }
    });
    assert_eq!(node, expected);
    assert_eq!(schemas.identifier_label(None).id, 1070002);
}

#[test]
fn forms_are_ordered_as_the_document_is_written() {
    let written = ["traits.email", "traits.name.first", "traits.name.last", "traits.age", "traits.newsletter"];
    assert_eq!(schemas(&person()).names_in_order(None), written);
    // As in Kratos: what is said of a trait elsewhere moves it nowhere, and what is only said elsewhere has no place.
    let schema = json!({
        "definitions": { "city": { "type": "object", "properties": { "name": { "type": "string" } } } },
        "type": "object",
        "properties": { "traits": {
            "type": "object",
            "if": { "properties": { "c": { "const": "x" } } },
            "then": { "properties": { "z": { "type": "string" }, "d": { "type": "string" } } },
            "not": { "properties": { "b": { "const": "x" } } },
            "oneOf": [{ "properties": { "a": { "type": "string" } } }, { "properties": { "c": { "type": "string" } } }],
            "properties": {
                "c": { "type": "string" }, "b": { "type": "string" }, "a.b": { "type": "string" },
                "city": { "$ref": "#/definitions/city" }, "tags": { "type": "array" }, "any": {}
            }
        } }
    });
    let schemas = schemas(&schema);
    let written = ["traits.c", "traits.b", "traits.a\\.b", "traits.city", "traits.tags", "traits.any"];
    assert_eq!(schemas.names_in_order(None), written);
    let fields: Vec<_> = schemas.fields(None).iter().map(|field| field.name.as_str()).collect();
    let by_name =
        ["traits.a", "traits.a.b", "traits.b", "traits.c", "traits.city.name", "traits.d", "traits.tags", "traits.z"];
    assert_eq!(fields, by_name);
}

#[test]
fn two_names_for_a_person_make_a_general_label() {
    let named = json!({ "type": "string", "title": "A", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } });
    let one = schemas(&schema_of(json!({ "a": named })));
    assert_eq!(one.identifier_label(None).id, 1070002);
    let two = schemas(&schema_of(json!({ "a": named, "b": named })));
    assert_eq!(two.identifier_label(None).id, 1070004);
}

#[test]
fn addresses_are_told_from_other_text() {
    for good in ["a@example.org", " a@example.org", "\"a b\"@example.org", "ü@example.org", "a+b@x", "a@b.example.org."]
    {
        assert!(is_email(good), "{good}");
    }
    let long = format!("{}@example.org", "a".repeat(65));
    for bad in [
        "",
        "a",
        "@example.org",
        "a@",
        "a@b c",
        "a b@example.org",
        "a..b@example.org",
        ".a@b.c",
        "a@-b.c",
        long.as_str(),
    ] {
        assert!(!is_email(bad), "{bad}");
    }
    assert!(is_hostname(&format!("{}.org", "a".repeat(63))) && !is_hostname(&"a".repeat(64)));
}

/// Any JSON, not too deep.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z@. +0-9]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("email|name|first|age|newsletter|x", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_traits_are_accepted_or_explained(traits in any_json()) {
        let schemas = schemas(&person());
        let whole = sent::of(json!({ "traits": &traits }));
        let fields = sent::of(Value::Object(model::ui::flatten("traits", &traits).into_iter().collect()));
        for sent in [schemas.traits(None, &whole), schemas.traits(None, &fields), traits] {
            let document = json!({ "traits": sent });
            let schema = schemas.default_schema();
            if schema.check(&document).is_empty() {
                let cx = cx();
                let mut identity = identity(&cx, &document["traits"]);
                prop_assert!(crate::derive::apply(&cx, schema, &document, &mut identity).is_ok());
                prop_assert_eq!(identity.verifiable_addresses.len(), 1);
            }
        }
    }

    #[test]
    fn any_document_is_a_schema_or_refused(traits in any_json(), rules in any_json()) {
        for document in [rules.clone(), schema_of(json!({ "a": rules.clone() })), schema_of(rules)] {
            if let Ok(schemas) = load(&document) {
                let document = json!({ "traits": traits.clone() });
                if schemas.default_schema().check(&document).is_empty() {
                    schemas.default_schema().marked(&document);
                }
            }
        }
    }

    #[test]
    fn what_people_type_for_a_code_is_normalised_once(text in "\\PC{0,40}") {
        let once = crate::identifier_for_code(&text);
        prop_assert_eq!(crate::identifier_for_code(&once), once);
    }
}
