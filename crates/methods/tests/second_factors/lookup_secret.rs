//! Backup codes.

use flow::{LoginScene, MethodOutcome};
use model::{CredentialType, RawJson};
use serde_json::{Value, json};

use crate::support::{Place, input, names};

/// As Kratos wrote it.
const KRATOS: &str = r#"{"recovery_codes":[{"code":"a2iqf6w0","used_at":null},{"code":"galdf2pf","used_at":"2026-11-20T07:44:37Z"},{"code":"9adfnlgx"},{"code":"old00000","used_at":"0001-01-01T00:00:00Z"}]}"#;

#[tokio::test]
async fn codes_are_made_then_confirmed_then_shown_or_given_up() {
    let mut place = Place::new().await;
    let mut flow = place.settings_flow();
    place.settings("lookup_secret").add_fields(place.context(), &place.person, &mut flow).expect("fields");
    assert_eq!(names(&flow.ui.nodes), ["csrf_token", "lookup_secret_regenerate"]);

    let confirm = json!({"lookup_secret_confirm": true});
    let MethodOutcome::Rejected { rejections, .. } = place.change("lookup_secret", &mut flow, confirm.clone()).await
    else {
        panic!("there is nothing to confirm")
    };
    assert_eq!((rejections[0].field.as_str(), rejections[0].message.id), ("", 4000001));

    let made = place.change("lookup_secret", &mut flow, json!({"lookup_secret_regenerate": true})).await;
    assert!(matches!(made, MethodOutcome::NextStep { status: 200, .. }));
    assert_eq!(names(&flow.ui.nodes), ["csrf_token", "lookup_secret_codes", "lookup_secret_confirm"]);
    let pending = flow.internal_context["lookup_secret_regenerated"].clone();
    assert_eq!(pending[0]["used_at"], Value::Null);

    let confirmed = place.change("lookup_secret", &mut flow, confirm).await;
    let MethodOutcome::Accepted(step) = confirmed else { panic!("not confirmed") };
    assert_eq!(step.proved.expect("a proof").method, "lookup_secret");
    place.person = step.identity;
    let credential = &place.person.credentials[&CredentialType::LookupSecret];
    assert_eq!(credential.config.to_value(), json!({"recovery_codes": pending}));

    let mut flow = place.settings_flow();
    place.settings("lookup_secret").add_fields(place.context(), &place.person, &mut flow).expect("fields");
    assert_eq!(names(&flow.ui.nodes), ["csrf_token", "lookup_secret_reveal", "lookup_secret_disable"]);
}

/// The same code, twice and by two requests at once, on a real database.
#[tokio::test]
async fn a_code_signs_in_once() {
    let mut place = Place::new().await;
    let stored = RawJson::parse(KRATOS.replace("},{", "}, {")).expect("JSON");
    place.set_up(CredentialType::LookupSecret, stored);
    place.store().await;
    let mut flow = place.login_flow();
    let (method, scene) =
        (place.login("lookup_secret"), LoginScene::SecondFactor { identity: &place.person, proved: &[] });
    method.add_fields(place.context(), &scene, &mut flow).expect("fields");
    assert_eq!(names(&flow.ui.nodes), ["csrf_token", "lookup_secret", "method"]);

    let attempt = async |body: Value| place.sign_in("lookup_secret", body).await;
    let code = json!({"lookup_secret": "a2iqf6w0"});
    let (MethodOutcome::Accepted(first), MethodOutcome::Accepted(second)) =
        (attempt(code.clone()).await, attempt(code.clone()).await)
    else {
        panic!("the right code was rejected")
    };
    let store = &place.runtime.store;
    store.commit(first.writes).await.expect("the first request wins");
    assert!(matches!(store.commit(second.writes).await, Err(store::CommitError::Spent(_))));
    let refused = [
        (code, "", 4000012),
        (json!({"lookup_secret": "nonsense"}), "", 4000016),
        (json!({"lookup_secret": ""}), "", 4000016),
    ];
    for (body, field, id) in refused {
        let MethodOutcome::Rejected { rejections, .. } = attempt(body).await else { panic!("accepted") };
        assert_eq!((rejections[0].field.as_str(), rejections[0].message.id), (field, id));
    }
    let rejections = method.malformed(&place.login_flow(), &input(json!({})));
    assert_eq!((rejections[0].field.as_str(), rejections[0].message.id), ("lookup_secret", 4000002));
}
