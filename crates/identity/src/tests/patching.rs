//! JSON Patch as Kratos' admin API takes it.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::Document;
use crate::patch::apply;

#[track_caller]
fn check(operations: Value, expected: Option<Value>) {
    let document = json!({ "id": 1, "traits": { "a": [1, 2], "b/c": 3 }, "metadata_public": null, "credentials": {} });
    let mut document = Document::from(&document);
    match (apply(&mut document, &(&operations).into()), expected) {
        (Ok(()), Some(expected)) => assert_eq!(document, Document::from(&expected), "{operations}"),
        (Err(_), None) => {}
        (result, _) => panic!("{operations}: {result:?}"),
    }
}

#[test]
fn operations_do_what_kratos_lets_them_do() {
    let with = |traits: Value, metadata: Value| {
        Some(json!({ "id": 1, "traits": traits, "metadata_public": metadata, "credentials": {} }))
    };
    let one = |op: &str, path: &str, value: Value| json!([{ "op": op, "path": path, "value": value }]);
    check(one("add", "/traits/d", json!(4)), with(json!({ "a": [1, 2], "b/c": 3, "d": 4 }), Value::Null));
    check(one("replace", "/traits/d", json!(4)), with(json!({ "a": [1, 2], "b/c": 3, "d": 4 }), Value::Null));
    check(one("replace", "/traits/a/0", json!(4)), with(json!({ "a": [4, 2], "b/c": 3 }), Value::Null));
    check(one("add", "/traits/a/1", json!(4)), with(json!({ "a": [1, 4, 2], "b/c": 3 }), Value::Null));
    check(one("add", "/traits/a/-", json!(4)), with(json!({ "a": [1, 2, 4], "b/c": 3 }), Value::Null));
    check(one("remove", "/traits/b~1c", json!(0)), with(json!({ "a": [1, 2] }), Value::Null));
    check(one("remove", "/traits/a/0", json!(0)), with(json!({ "a": [2], "b/c": 3 }), Value::Null));
    check(
        one("add", "/metadata_public/x/y", json!(1)),
        with(json!({ "a": [1, 2], "b/c": 3 }), json!({ "x": { "y": 1 } })),
    );
    check(one("add", "/metadata_public/x/-", json!(1)), with(json!({ "a": [1, 2], "b/c": 3 }), json!({ "x": [1] })));
    check(one("add", "/metadata_public", Value::Null), with(json!({ "a": [1, 2], "b/c": 3 }), Value::Null));
    check(json!([]), with(json!({ "a": [1, 2], "b/c": 3 }), Value::Null));
}

#[test]
fn operations_that_kratos_refuses_are_refused() {
    for path in [
        "/id",
        "/ID",
        "/stateChangedAt",
        "/credentials",
        "/Credentials",
        "/credentials/oidc/config",
        "/credentials/OIDC/config/providers/0",
    ] {
        for op in ["add", "replace", "remove"] {
            check(json!([{ "op": op, "path": path, "value": {} }]), None);
        }
    }
    for operations in [
        json!([{ "op": "test", "path": "/traits/a", "value": [1, 2] }]),
        json!([{ "op": "move", "from": "/traits/a", "path": "/traits/d" }]),
        json!([{ "op": "remove", "path": "/nothing" }]),
        json!([{ "op": "remove", "path": "/traits/a/2" }]),
        json!([{ "op": "replace", "path": "/traits/a/2", "value": 1 }]),
        json!([{ "op": "add", "path": "/traits/a/3", "value": 1 }]),
        json!([{ "op": "add", "path": "/traits/a/x", "value": 1 }]),
        json!([{ "op": "add", "path": "/traits/d" }]),
        json!([{ "op": "add", "path": "", "value": {} }]),
        json!([{ "op": "add", "path": "traits", "value": {} }]),
        json!({ "op": "add", "path": "/traits/d", "value": 1 }),
        json!("nonsense"),
    ] {
        check(operations, None);
    }
}

proptest! {
    #[test]
    fn no_patch_breaks_anything(path in "(/(id|traits|a|-|[0-9]{1,20}|~1|~)){0,4}", op in "add|replace|remove") {
        let mut document = Document::from(&json!({ "id": 1, "traits": { "a": [1] } }));
        let _ = apply(&mut document, &(&json!([{ "op": op, "path": path, "value": 1 }])).into());
        let Document::Object(members) = document else { panic!("an object") };
        prop_assert_eq!(members.get("id"), Some(&Document::Number("1".to_owned())));
    }
}
