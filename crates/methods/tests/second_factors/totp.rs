//! Authenticator apps.

use crypto::TotpSecret;
use flow::{LoginScene, MethodOutcome};
use model::{CredentialType, Node, RawJson, SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{Place, input, names};

/// As Kratos wrote it.
const KRATOS_URI: &str = "otpauth://totp/Wirecheck:totp.a@example.org?algorithm=SHA1&digits=6&issuer=Wirecheck&period=30&secret=GM4OEQQXFDU4AS3A23LGKMKKP27AXEF6";

fn json_of(node: &Node) -> Value {
    serde_json::to_value(node).expect("JSON")
}

/// The code that an authenticator app shows that has scanned this key URI.
fn code_of(uri: &str, now: Timestamp) -> String {
    let (_, secret) = uri.rsplit_once("secret=").expect("a secret");
    TotpSecret::from_base32(secret).expect("base32").code_at(now)
}

#[tokio::test]
async fn a_second_factor_is_asked_for_where_there_is_one() {
    let mut place = Place::new().await;
    let mut flow = place.login_flow();
    let scene = LoginScene::SecondFactor { identity: &place.person, proved: &[] };
    place.login("totp").add_fields(place.context(), &scene, &mut flow).expect("no fields");
    place.login("totp").add_fields(place.context(), &LoginScene::FirstFactor, &mut flow).expect("no fields");
    assert!(flow.ui.nodes.is_empty());

    place.set_up(CredentialType::Totp, RawJson::from_value(&json!({"totp_url": KRATOS_URI, "zelus_last_step": 1})));
    let scene = LoginScene::SecondFactor { identity: &place.person, proved: &[] };
    place.login("totp").add_fields(place.context(), &scene, &mut flow).expect("fields");
    assert_eq!(names(&flow.ui.nodes), ["csrf_token", "totp_code", "method"]);
    assert_eq!(json_of(&flow.ui.nodes[1])["attributes"]["value"], "");
    place.login("totp").keep_input(&mut flow, &input(json!({"totp_code": "123456"})));
    assert!(json_of(&flow.ui.nodes[1])["attributes"].get("value").is_none());
}

#[tokio::test]
async fn settings_offer_to_link_and_then_to_unlink() {
    let mut place = Place::new().await;
    let mut flow = place.settings_flow();
    place.settings("totp").add_fields(place.context(), &place.person, &mut flow).expect("fields");
    assert_eq!(names(&flow.ui.nodes), ["csrf_token", "totp_secret_key", "totp_qr", "totp_code", "method"]);
    let uri = flow.internal_context["totp_url"].as_str().expect("a key URI").to_owned();
    assert!(uri.starts_with("otpauth://totp/id.example.org:a%40example.org?"), "{uri}");

    let code = code_of(&uri, place.cx.now());
    for (body, id) in
        [(json!({}), 4000002), (json!({"totp_code": "000000"}), 4000008), (json!({"totp_code": 7}), 4000008)]
    {
        let MethodOutcome::Rejected { rejections, .. } = place.change("totp", &mut flow, body).await else {
            panic!("a wrong code was accepted")
        };
        assert_eq!((rejections[0].field.as_str(), rejections[0].message.id), ("totp_code", id));
    }
    let accepted = place.change("totp", &mut flow, json!({"totp_code": code})).await;
    let MethodOutcome::Accepted(step) = accepted else { panic!("the right code was rejected") };
    assert_eq!(step.proved.expect("a proof").method, "totp");
    let credential = &step.identity.credentials[&CredentialType::Totp];
    assert_eq!(credential.identifiers, [place.person.id.to_string()]);
    let config = credential.config.to_value();
    assert_eq!((&config["totp_url"], config["zelus_last_step"].is_u64()), (&json!(uri), true));

    place.person = step.identity;
    let mut flow = place.settings_flow();
    place.settings("totp").add_fields(place.context(), &place.person, &mut flow).expect("fields");
    assert_eq!(names(&flow.ui.nodes), ["csrf_token", "totp_unlink"]);
    assert!(flow.internal_context.is_empty());
}

/// The same code, twice and by two requests at once, on a real database.
#[tokio::test]
async fn a_code_signs_in_once() {
    let mut place = Place::new().await;
    place.set_up(CredentialType::Totp, RawJson::from_value(&json!({"totp_url": KRATOS_URI})));
    place.store().await;
    let code = code_of(KRATOS_URI, place.cx.now());
    let attempt = async |code: &str| place.sign_in("totp", json!({"totp_code": code})).await;
    assert!(matches!(attempt("000000").await, MethodOutcome::Rejected { .. }));
    let (MethodOutcome::Accepted(first), MethodOutcome::Accepted(second)) =
        (attempt(&code).await, attempt(&code).await)
    else {
        panic!("the right code was rejected")
    };
    let store = &place.runtime.store;
    store.commit(first.writes).await.expect("the first request wins");
    assert!(matches!(store.commit(second.writes).await, Err(store::CommitError::Spent(_))));
    assert!(matches!(attempt(&code).await, MethodOutcome::Rejected { .. }));

    let later = place.cx.now() + SignedDuration::from_secs(30);
    let MethodOutcome::Accepted(next) = attempt(&code_of(KRATOS_URI, later)).await else {
        panic!("the next code is new")
    };
    store.commit(next.writes).await.expect("written");
    for (body, id) in [(json!({}), 4000002), (json!({"totp_code": "12345"}), 4000003)] {
        let rejections = place.login("totp").malformed(&place.login_flow(), &input(body));
        assert_eq!((rejections[0].field.as_str(), rejections[0].message.id), ("totp_code", id));
    }
}
