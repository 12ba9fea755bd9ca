//! JSON whose numbers stay as they are written.

use proptest::prelude::*;
use serde_json::Value;

use super::traits::any_json;
use super::*;
use crate::Document;

#[test]
fn numbers_and_the_order_of_members_stay_as_they_are_written() {
    let text = r#"{"z":[12345678901234567890123,1.10,-9223372036854775809],"a":{"e":1e2,"E":1E+2,"0":-0.0},"n":null,"t":"1.10"}"#;
    assert_eq!(Document::parse(text).expect("JSON").to_string(), text);
    let spaced = " { \"a\" : [ 1.10 ,\n2 ] , \"b\\u00e4\" : \"\\u00e4\" } ";
    assert_eq!(Document::parse(spaced).expect("JSON").to_string(), r#"{"a":[1.10,2],"bä":"ä"}"#);
}

#[test]
fn what_is_no_json_or_too_deep_is_refused() {
    for text in ["", "{", "1.", "01", "+1", "NaN", "{} {}", "[1,]", "\"\\ud800\"", "nul"] {
        assert!(Document::parse(text).is_err(), "{text}");
    }
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(Document::parse(&nested(120)).is_ok() && Document::parse(&nested(1 << 16)).is_err());
}

#[tokio::test]
async fn a_patch_leaves_other_numbers_alone() {
    let cx = cx();
    let identities = identities(&cx).await;
    let traits = r#"{"email":"a@example.org","age":12345678901234567890123}"#;
    let body = format!(r#"{{"schema_id":"person","traits":{traits},"metadata_public":{{"a":[1.10,2e0]}}}}"#);
    let body: crate::CreateIdentity = serde_json::from_str(&body).expect("a body");
    let created = identities.create(&cx, body).await.expect("an identity");
    let patch = r#"[{"op":"replace","path":"/traits/newsletter","value":true},
                    {"op":"add","path":"/metadata_public/a/0","value":-9223372036854775809}]"#;
    let patch = Document::parse(patch).expect("a patch");
    let patched = identities.patch(&cx, created.id, &patch).await.expect("an identity");
    let expected = r#"{"email":"a@example.org","age":12345678901234567890123,"newsletter":true}"#;
    assert_eq!(patched.traits.as_str(), expected);
    let metadata = patched.metadata_public.as_ref().map(RawJson::as_str);
    assert_eq!(metadata, Some(r#"{"a":[-9223372036854775809,1.10,2e0]}"#));
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(value in any_json()) {
        let text = value.to_string();
        let document = Document::parse(&text).expect("JSON");
        prop_assert_eq!(&document, &Document::from(&value));
        prop_assert_eq!(document.to_string(), text);
    }

    #[test]
    fn any_text_is_read_as_json_is(text in "[\\[\\]{}\":,0-9.eE+ an-]{0,20}") {
        let value = serde_json::from_str::<Value>(&text);
        match Document::parse(&text) {
            Ok(document) => {
                let again = serde_json::from_str::<Value>(&document.to_string()).ok();
                prop_assert_eq!(again, value.ok());
            }
            Err(_) => prop_assert!(value.is_err()),
        }
    }
}
