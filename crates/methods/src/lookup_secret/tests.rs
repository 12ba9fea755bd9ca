//! What the method shows, and what it accepts, with no server around it.

use serde_json::{Value, json};

use super::settings::Action;
use super::{LookupConfig, Use};
use crate::testing::{cx, input};

/// As Kratos wrote it.
const KRATOS: &str = r#"{"recovery_codes":[{"code":"a2iqf6w0","used_at":null},{"code":"galdf2pf","used_at":"2026-11-20T07:44:37Z"},{"code":"9adfnlgx"},{"code":"old00000","used_at":"0001-01-01T00:00:00Z"}]}"#;

fn config(text: &str) -> LookupConfig {
    serde_json::from_str(text).expect("a configuration")
}

#[test]
fn a_code_is_good_once() {
    let now = cx().now();
    let mut codes = config(KRATOS);
    let expected = [
        ("a2iqf6w0", Use::Spent),
        ("a2iqf6w0", Use::AlreadyUsed),
        ("galdf2pf", Use::AlreadyUsed),
        ("9adfnlgx", Use::Spent),
        ("old00000", Use::Spent),
        ("A2IQF6W0", Use::Unknown),
        ("a2iqf6w", Use::Unknown),
        ("", Use::Unknown),
    ];
    for (code, outcome) in expected {
        assert_eq!(codes.spend(code, now), outcome, "{code}");
    }
    let written = codes.to_json().expect("JSON").to_value();
    assert_eq!(written["recovery_codes"][0], json!({"code": "a2iqf6w0", "used_at": "2026-11-21T07:44:37Z"}));
    assert_eq!(written["recovery_codes"][1]["used_at"], "2026-11-20T07:44:37Z");
    assert_eq!(config("{\"recovery_codes\":null}").spend("", now), Use::Unknown);
}

#[test]
fn there_are_twelve_codes_of_eight_characters() {
    let codes = LookupConfig::generate(&cx().entropy).recovery_codes;
    let all: std::collections::BTreeSet<_> = codes.iter().map(|code| code.code.clone()).collect();
    assert_eq!((codes.len(), all.len()), (12, 12));
    assert!(
        all.iter().all(|code| code.len() == 8 && code.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()))
    );
}

#[test]
fn the_list_says_which_codes_are_used() {
    let node = serde_json::to_value(config(KRATOS).node()).expect("JSON");
    assert_eq!((&node["type"], &node["group"]), (&json!("text"), &json!("lookup_secret")));
    assert_eq!(
        (&node["attributes"]["id"], &node["meta"]["label"]["id"]),
        (&json!("lookup_secret_codes"), &json!(1050010))
    );
    let text = &node["attributes"]["text"];
    let ids: Vec<&Value> =
        text["context"]["secrets"].as_array().expect("a list").iter().map(|said| &said["id"]).collect();
    assert_eq!(
        (&text["id"], ids),
        (&json!(1050015), vec![&json!(1050009), &json!(1050014), &json!(1050009), &json!(1050009)])
    );
    assert_eq!(
        text["context"]["secrets"][1]["context"],
        json!({"used_at": "2026-11-20T07:44:37Z", "used_at_unix": 1795160677})
    );
}

#[test]
fn one_submission_does_one_thing() {
    let field = |body| Action::of(&input(body)).map(|action| action as usize);
    assert_eq!(field(json!({"method": "lookup_secret"})), None);
    assert_eq!(field(json!({"lookup_secret_reveal": false})), None);
    assert_eq!(field(json!({"lookup_secret_reveal": "true"})), Some(Action::Reveal as usize));
    let both = json!({"lookup_secret_regenerate": true, "lookup_secret_confirm": true});
    assert_eq!(field(both), Some(Action::Confirm as usize));
}
