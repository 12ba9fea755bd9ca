//! What the method shows, and what it accepts, with no server around it.

use flow::{LoginMethod, LoginScene, SettingsMethod, Verdict};
use model::{CredentialType, Node, RawJson};
use serde_json::{Value, json};

use super::settings::{Action, confirm, regenerate};
use super::{LookupConfig, LookupSecret, Use};
use crate::second_factor;
use crate::testing::{cx, identity, input, login_flow, settings_flow};

/// As Kratos wrote it.
const KRATOS: &str = r#"{"recovery_codes":[{"code":"a2iqf6w0","used_at":null},{"code":"galdf2pf","used_at":"2026-11-20T07:44:37Z"},{"code":"9adfnlgx"},{"code":"old00000","used_at":"0001-01-01T00:00:00Z"}]}"#;

fn config(text: &str) -> LookupConfig {
    serde_json::from_str(text).expect("a configuration")
}

fn names(nodes: &[Node]) -> Vec<&str> {
    nodes.iter().map(Node::id).collect()
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

#[tokio::test]
async fn codes_are_made_then_confirmed_then_shown_or_given_up() {
    let (cx, runtime) = (cx(), crate::testing::runtime().await);
    let mut person = identity(&cx);
    let mut flow = settings_flow(&cx, &person);
    SettingsMethod::add_fields(&LookupSecret, &cx, &runtime, &person, &mut flow).expect("fields");
    assert_eq!(names(&flow.ui.nodes), ["csrf_token", "lookup_secret_regenerate"]);

    let Verdict::Rejected { rejections, .. } = confirm(&cx, &flow, person.clone()).expect("a verdict") else {
        panic!("there is nothing to confirm")
    };
    assert_eq!((rejections[0].field.as_str(), rejections[0].message.id), ("", 4000001));

    let made: Verdict<()> = regenerate(&cx, &mut flow).expect("a verdict");
    assert!(matches!(made, Verdict::NextStep { status: 200, .. }));
    assert_eq!(names(&flow.ui.nodes), ["csrf_token", "lookup_secret_codes", "lookup_secret_confirm"]);
    let pending = flow.internal_context["lookup_secret_regenerated"].clone();
    assert_eq!(pending[0]["used_at"], Value::Null);

    let Verdict::Accepted(step) = confirm(&cx, &flow, person).expect("a verdict") else { panic!("not confirmed") };
    assert_eq!(step.proved.expect("a proof").method, "lookup_secret");
    person = step.identity;
    let credential = &person.credentials[&CredentialType::LookupSecret];
    assert_eq!(credential.config.to_value(), json!({"recovery_codes": pending}));

    let mut flow = settings_flow(&cx, &person);
    SettingsMethod::add_fields(&LookupSecret, &cx, &runtime, &person, &mut flow).expect("fields");
    assert_eq!(names(&flow.ui.nodes), ["csrf_token", "lookup_secret_reveal", "lookup_secret_disable"]);
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

/// The same code, twice and by two requests at once, on a real database.
#[tokio::test]
async fn a_code_signs_in_once() {
    let (cx, runtime) = (cx(), crate::testing::runtime().await);
    let mut person = identity(&cx);
    let stored = RawJson::parse(KRATOS.replace("},{", "}, {")).expect("JSON");
    second_factor::set_up(&cx, &mut person, CredentialType::LookupSecret, stored);
    crate::testing::store(&cx, &runtime, &mut person).await;
    let mut flow = login_flow(&cx);
    let scene = LoginScene::SecondFactor { identity: &person };
    LoginMethod::add_fields(&LookupSecret, &cx, &runtime, &scene, &mut flow).expect("fields");
    assert_eq!(names(&flow.ui.nodes), ["csrf_token", "lookup_secret", "method"]);

    let session = crate::testing::session(&cx, &person);
    let attempt = |body: Value| {
        let (cx, runtime, session, input) = (&cx, &runtime, &session, input(body));
        async move { super::login::check(cx, runtime, Some(session), &input).await.expect("a verdict") }
    };
    let code = json!({"lookup_secret": "a2iqf6w0"});
    let (Verdict::Accepted(first), Verdict::Accepted(second)) =
        (attempt(code.clone()).await, attempt(code.clone()).await)
    else {
        panic!("the right code was rejected")
    };
    runtime.store.commit(first.writes).await.expect("the first request wins");
    assert!(matches!(runtime.store.commit(second.writes).await, Err(store::CommitError::Spent(_))));
    let refused = [
        (code, "", 4000012),
        (json!({"lookup_secret": "nonsense"}), "", 4000016),
        (json!({"lookup_secret": ""}), "", 4000016),
    ];
    for (body, field, id) in refused {
        let Verdict::Rejected { rejections, .. } = attempt(body).await else { panic!("accepted") };
        assert_eq!((rejections[0].field.as_str(), rejections[0].message.id), (field, id));
    }
    let rejections = LoginMethod::malformed(&LookupSecret, &login_flow(&cx), &input(json!({})));
    assert_eq!((rejections[0].field.as_str(), rejections[0].message.id), ("lookup_secret", 4000002));
}
