//! The configuration of web hooks, and what answers mean.

use proptest::prelude::*;
use serde_json::json;

use super::answer;
use super::settings::{BodyForm, Settings};

fn settings(more: serde_json::Value) -> Result<Settings, String> {
    let mut config = json!({ "url": "https://hooks.example.org/", "method": "POST" });
    config.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
    Settings::read(&config)
}

fn header(settings: &Settings, wanted: &str) -> Option<String> {
    let found = settings.headers.iter().find(|(name, _)| name == wanted);
    found.map(|(_, value)| value.expose().clone())
}

#[test]
fn credentials_become_headers() {
    let basic = settings(json!({ "auth": { "type": "basic_auth", "config": { "user": "u", "password": "p" } } }));
    assert_eq!(header(&basic.expect("settings"), "authorization").as_deref(), Some("Basic dTpw"));
    let key = |place: &str| json!({ "type": "api_key", "config": { "name": "K", "value": "v", "in": place } });
    let in_header = settings(json!({ "auth": key("header") })).expect("settings");
    assert_eq!(header(&in_header, "K").as_deref(), Some("v"));
    let in_cookie = settings(json!({ "auth": key("cookie"), "headers": { "Cookie": "a=b" } })).expect("settings");
    assert_eq!(header(&in_cookie, "cookie").as_deref(), Some("a=b; K=v"));
    assert!(settings(json!({ "auth": { "type": "magic", "config": {} } })).is_err());
}

#[test]
fn the_content_type_says_how_the_body_is_sent() {
    let form = |kind: &str| settings(json!({ "headers": { "Content-Type": kind } })).map(|settings| settings.form);
    assert_eq!(settings(json!({})).map(|settings| settings.form), Ok(BodyForm::Json));
    assert_eq!(form("application/x-www-form-urlencoded"), Ok(BodyForm::UrlEncoded));
    assert!(form("text/plain").is_err());
}

#[test]
fn pointers_name_fields() {
    let check = |pointer: &str, field: &str| {
        let message = json!({ "id": 1, "text": "no", "type": "error" });
        let body = json!({ "messages": [{ "instance_ptr": pointer, "messages": [message] }] }).to_string();
        let rejections = answer::rejections(body.as_bytes()).expect("a message");
        assert_eq!(rejections[0].field, field, "{pointer}");
    };
    check("#/traits/email", "traits.email");
    check("#/traits/a~1b~0c%20d", "traits.a/b~c d");
    check("#/traits/a.b", "traits.a\\.b");
    check("/traits/email", "");
    check("", "");
    check("#/%ff", "");
}

#[test]
fn changes_are_an_object() {
    let changes = |answer: serde_json::Value| answer::changes(answer.to_string().as_bytes());
    assert!(matches!(changes(json!({})), Ok(None)));
    assert!(matches!(changes(json!({ "identity": null })), Ok(None)));
    assert!(matches!(changes(json!({ "identity": { "traits": { "a": 1 } } })), Ok(Some(_))));
    // Lists would be taken for members in their order.
    for wrong in [json!([]), json!(["member", {}]), json!("x"), json!(1)] {
        assert!(changes(json!({ "identity": wrong })).is_err(), "{wrong}");
        assert!(changes(wrong).is_err());
    }
}

proptest! {
    #[test]
    fn any_answer_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = answer::rejections(&body);
        let _ = answer::changes(&body);
    }

    #[test]
    fn any_json_is_read_or_refused(id in any::<i64>(), text in ".*", pointer in ".*", kind in ".*") {
        let message = json!({ "id": id, "text": text, "type": kind, "context": [id] });
        let body = json!({ "messages": [{ "instance_ptr": pointer, "messages": [message] }] }).to_string();
        prop_assert!(answer::rejections(body.as_bytes()).is_ok());
    }
}
