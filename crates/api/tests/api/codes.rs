//! Verification and recovery, by codes and links.

use model::{Aal, Entropy, Id, Secret, SignedDuration};
use serde_json::{Value, json};
use store::{ProofKind, Tx, VerificationProof};

use crate::support::{Answer, CSRF_COOKIE, Server};

/// A schema whose address is verified and recovered by, and both methods.
const CONFIG: &str = "
identity:
  default_schema_id: person
  schemas: [{ id: person, url: 'base64://eyIkaWQiOiJwIiwicHJvcGVydGllcyI6eyJ0cmFpdHMiOnsidHlwZSI6Im9iamVjdCIsInByb3BlcnRpZXMiOnsiZW1haWwiOnsidHlwZSI6InN0cmluZyIsImZvcm1hdCI6ImVtYWlsIiwib3J5LnNoL2tyYXRvcyI6eyJjcmVkZW50aWFscyI6eyJwYXNzd29yZCI6eyJpZGVudGlmaWVyIjp0cnVlfX0sInZlcmlmaWNhdGlvbiI6eyJ2aWEiOiJlbWFpbCJ9LCJyZWNvdmVyeSI6eyJ2aWEiOiJlbWFpbCJ9fX19fX19' }]
feature_flags: { use_continue_with_transitions: true }
selfservice:
  methods: { code: { enabled: true }, link: { enabled: true } }
  flows:
    recovery: { enabled: true, ui_url: 'http://127.0.0.1:4455/recovery' }
    verification: { enabled: true, ui_url: 'http://127.0.0.1:4455/verification' }
    settings: { ui_url: 'http://127.0.0.1:4455/settings' }
";

async fn server() -> Server {
    Server::with(CONFIG).await
}

/// The ids of what a form says.
fn said(answer: &Answer) -> Vec<u64> {
    let messages = answer.json()["ui"]["messages"].as_array().cloned().unwrap_or_default();
    messages.iter().filter_map(|message| message["id"].as_u64()).collect()
}

fn names(answer: &Answer) -> Vec<String> {
    let nodes = answer.json()["ui"]["nodes"].as_array().cloned().unwrap_or_default();
    let name = |node: &Value| {
        let attributes = &node["attributes"];
        let kind = attributes["type"].as_str().unwrap_or("a").to_owned();
        format!("{}:{kind}", attributes["name"].as_str().or(attributes["id"].as_str()).unwrap_or_default())
    };
    nodes.iter().map(name).collect()
}

/// Opens a native flow and gives back its id.
async fn open(server: &Server, name: &str) -> String {
    let answer = server.ask("GET", &format!("/self-service/{name}/api")).accept_json().send().await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["id"].as_str().expect("an id").to_owned()
}

async fn submit(server: &Server, name: &str, flow: &str, body: Value) -> Answer {
    server.ask("POST", &format!("/self-service/{name}?flow={flow}")).accept_json().json(&body).send().await
}

/// Has an operator issue a recovery of this kind.
async fn issue(server: &Server, kind: &str, body: Value) -> Answer {
    server.ask_admin("POST", &format!("/admin/recovery/{kind}")).json(&body).send().await
}

fn flow_in(link: &str) -> String {
    let url = url::Url::parse(link).expect("an address");
    url.query_pairs().find(|(key, _)| key == "flow").expect("a flow").1.into_owned()
}

/// Keeps a code for the person's address, as if it had been sent for this flow.
async fn plant(server: &Server, kind: ProofKind, email: &str, flow: &str, secret: &str) {
    let site = server.app.site();
    let store = &site.runtime.store;
    let found = store.find_verifiable_address(model::Channel::Email, email).await.expect("a read");
    let (_, address) = found.expect("an address");
    let now = server.clock.now();
    let mut tx = Tx::new();
    let proof = VerificationProof {
        id: Entropy::seeded(99).uuid(),
        hmac: crypto::tokens::hmac_hex(&Secret::from("a-cookie-secret-that-is-long-enough"), secret),
        address_id: address.id,
        flow_id: flow.parse::<Id<_>>().expect("an id"),
        issued_at: now,
        expires_at: now + SignedDuration::from_hours(1),
        used_at: None,
    };
    tx.insert_verification_proof(kind, &proof);
    store.commit(tx).await.expect("a proof");
}

#[tokio::test]
async fn known_and_unknown_addresses_get_the_same_answer() {
    let server = server().await;
    server.sign_in("known@example.org").await;
    for (name, sent, first, nodes) in [
        (
            "recovery",
            1_060_003,
            3,
            ["csrf_token:hidden", "code:text", "method:hidden", "method:submit", "email:submit"].as_slice(),
        ),
        ("verification", 1_080_003, 2, ["method:hidden", "code:text", "method:submit", "email:submit"].as_slice()),
    ] {
        let mut answers = Vec::new();
        for email in ["known@example.org", "nobody@example.org"] {
            let flow = open(&server, name).await;
            let bad = submit(&server, name, &flow, json!({ "method": "code", "email": "nonsense" })).await;
            assert_eq!((bad.status, names(&bad).len()), (400, first), "{name}: {}", bad.body);
            let missing = submit(&server, name, &flow, json!({ "method": "code" })).await;
            assert_eq!(missing.status, 400, "{name}");
            let answer = submit(&server, name, &flow, json!({ "method": "code", "email": email })).await;
            assert_eq!((answer.status, said(&answer)), (200, vec![sent]), "{name}: {}", answer.body);
            assert_eq!(names(&answer), nodes, "{name}");
            answers.push(answer.body.replace(&flow, "FLOW").replace(email, "EMAIL"));
        }
        assert_eq!(answers[0], answers[1], "{name}");
    }
}

#[tokio::test]
async fn a_code_verifies_an_address_once() {
    let server = server().await;
    server.sign_in("a@example.org").await;
    let flow = open(&server, "verification").await;
    submit(&server, "verification", &flow, json!({ "method": "code", "email": "a@example.org" })).await;
    plant(&server, ProofKind::Code, "a@example.org", &flow, "424242").await;

    // A click fills in the form and proves nothing yet.
    let click = server.ask("GET", &format!("/self-service/verification?flow={flow}&code=424242")).send().await;
    assert_eq!(click.status, 303);
    assert!(click.header("location").starts_with("http://127.0.0.1:4455/verification?flow="));
    assert!(click.set_cookie(CSRF_COOKIE).is_some());

    let wrong = submit(&server, "verification", &flow, json!({ "method": "code", "code": "000000" })).await;
    assert_eq!((wrong.status, said(&wrong)), (200, vec![4_070_006]), "{}", wrong.body);
    let right = submit(&server, "verification", &flow, json!({ "code": "424242" })).await;
    assert_eq!((right.status, said(&right)), (200, vec![1_080_002]), "{}", right.body);
    assert_eq!(names(&right), ["csrf_token:hidden", "continue:a"]);
    assert_eq!(right.json()["ui"]["action"], "http://127.0.0.1:4455/welcome");
    let site = server.app.site();
    let found = site.runtime.store.find_verifiable_address(model::Channel::Email, "a@example.org").await;
    assert!(found.expect("a read").expect("an address").1.verified);

    let again = submit(&server, "verification", &flow, json!({ "code": "424242" })).await;
    assert_eq!((again.status, again.error_id().as_deref()), (410, Some("self_service_flow_replaced")));
    assert!(again.json()["use_flow_id"].is_string());
}

#[tokio::test]
async fn codes_cannot_be_guessed_forever() {
    let server = server().await;
    let who = server.sign_in("a@example.org").await;
    let flow = open(&server, "verification").await;
    submit(&server, "verification", &flow, json!({ "method": "code", "email": "a@example.org" })).await;
    plant(&server, ProofKind::Code, "a@example.org", &flow, "424242").await;
    let issued = issue(&server, "code", json!({ "identity_id": who.session.identity_id, "flow_type": "api" })).await;
    let (recovery, code) = (flow_in(issued.json()["recovery_link"].as_str().expect("a link")), issued.json());
    for _ in 0..5 {
        let wrong = submit(&server, "verification", &flow, json!({ "code": "none" })).await;
        assert_eq!(wrong.status, 200, "{}", wrong.body);
        let wrong = submit(&server, "recovery", &recovery, json!({ "code": "none" })).await;
        assert_eq!((wrong.status, said(&wrong)), (200, vec![4_060_006]), "{}", wrong.body);
    }
    let right = submit(&server, "verification", &flow, json!({ "code": "424242" })).await;
    assert_eq!(right.error_id().as_deref(), Some("self_service_flow_replaced"), "{}", right.body);
    let right = submit(&server, "recovery", &recovery, json!({ "code": code["recovery_code"] })).await;
    assert_eq!(right.status, 400, "{}", right.body);
    assert_eq!(right.json()["error"]["details"]["continue_with"][0]["action"], "show_recovery_ui");
}

#[tokio::test]
async fn a_code_of_an_operator_wins_back_access_once() {
    let server = server().await;
    let who = server.sign_in("a@example.org").await;
    let issued = issue(&server, "code", json!({ "identity_id": who.session.identity_id })).await;
    assert_eq!(issued.status, 201, "{}", issued.body);
    let link = issued.json()["recovery_link"].as_str().expect("a link").to_owned();
    assert!(link.starts_with("http://127.0.0.1:4455/recovery?flow="), "{link}");
    let code = issued.json()["recovery_code"].clone();
    let done = submit(&server, "recovery", &flow_in(&link), json!({ "method": "code", "code": code })).await;
    assert_eq!((done.status, &done.json()["state"]), (200, &json!("passed_challenge")), "{}", done.body);
    assert_eq!(done.json()["continue_with"][0]["action"], "show_settings_ui");
    assert!(done.set_cookie(CSRF_COOKIE).is_some());
    let last = done.headers.get_all("set-cookie").iter().next_back().expect("cookies");
    assert!(last.as_bytes().starts_with(b"ory_kratos_session="), "as Kratos orders them; plain maps keep the last one");
    let cookie = done.set_cookie("ory_kratos_session").expect("a session");
    let cookie = cookie.split(';').next().expect("a value").to_owned();
    let whoami = server.ask("GET", "/sessions/whoami").header("cookie", &cookie).send().await;
    assert_eq!(whoami.json()["authentication_methods"][0]["method"], "code_recovery", "{}", whoami.body);
    assert_eq!(whoami.json()["authenticator_assurance_level"], Aal::Aal1.as_str());
    assert_eq!(
        whoami.json()["identity"]["verifiable_addresses"][0]["verified"],
        false,
        "an operator proves no address"
    );
    // Other sessions stay, unless a hook ends them.
    assert!(server.is_alive(&who).await);

    let again = submit(&server, "recovery", &flow_in(&link), json!({ "method": "code", "code": code })).await;
    assert_eq!(again.status, 400, "{}", again.body);
    assert!(again.set_cookie("ory_kratos_session").is_none());
}

#[tokio::test]
async fn a_link_of_an_operator_wins_back_access_once_and_in_time() {
    let server = server().await;
    let who = server.sign_in("a@example.org").await;
    let mut links = Vec::new();
    for _ in 0..2 {
        let issued =
            issue(&server, "link", json!({ "identity_id": who.session.identity_id, "expires_in": "30m" })).await;
        assert_eq!(issued.status, 200, "{}", issued.body);
        let link = issued.json()["recovery_link"].as_str().expect("a link").to_owned();
        links.push(link.strip_prefix("http://127.0.0.1:4433").expect("the public address").to_owned());
    }
    let opened = server.ask("GET", &links[0]).send().await;
    assert_eq!(opened.status, 303, "{}", opened.body);
    assert!(opened.header("location").starts_with("http://127.0.0.1:4455/settings?flow="));
    assert!(opened.set_cookie("ory_kratos_session").is_some() && opened.set_cookie(CSRF_COOKIE).is_some());
    let again = server.ask("GET", &links[0]).send().await;
    assert!(again.header("location").starts_with("http://127.0.0.1:4455/recovery?flow="));
    assert!(again.set_cookie("ory_kratos_session").is_none());
    server.wait(1);
    let late = server.ask("GET", &links[1]).send().await;
    assert!(late.header("location").starts_with("http://127.0.0.1:4455/recovery?flow="), "{:?}", late.headers);
    assert!(late.set_cookie("ory_kratos_session").is_none());
}

#[tokio::test]
async fn operators_are_told_what_is_wrong() {
    let server = server().await;
    let who = server.sign_in("a@example.org").await;
    let nobody = json!({ "identity_id": "1f2f3f4f-0000-4000-8000-000000000000" });
    assert_eq!(issue(&server, "code", nobody.clone()).await.status, 404);
    assert_eq!(issue(&server, "link", nobody).await.status, 400);
    for wrong in ["soon", "0s", "-1h"] {
        let body = json!({ "identity_id": who.session.identity_id, "expires_in": wrong });
        assert_eq!(issue(&server, "code", body).await.status, 400, "{wrong}");
    }
    let body = json!({ "identity_id": who.session.identity_id, "flow_type": "carrier-pigeon" });
    assert_eq!(issue(&server, "code", body).await.status, 400);
}

#[tokio::test]
async fn a_form_of_a_native_app_is_not_for_browsers() {
    let server = server().await;
    let flow = open(&server, "recovery").await;
    let ask = server.ask("POST", &format!("/self-service/recovery?flow={flow}")).accept_json();
    let body = json!({ "method": "code", "email": "a@example.org" });
    let answer = ask.header("origin", "http://127.0.0.1:4455").json(&body).send().await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(answer.json()["error"]["details"]["continue_with"][0]["action"], "show_recovery_ui");

    // But for test suites that say so, as with Kratos.
    for (more, status) in [("dev: true", 200), ("dev: false", 400)] {
        let switch = [("DEV_DISABLE_API_FLOW_ENFORCEMENT", "true")];
        let lenient = Server::with_environment(&format!("{CONFIG}{more}\n"), &switch).await;
        let flow = open(&lenient, "recovery").await;
        let ask = lenient.ask("POST", &format!("/self-service/recovery?flow={flow}")).accept_json();
        let ask = ask.header("origin", "http://127.0.0.1:4455").header("cookie", "a=b");
        assert_eq!(ask.json(&body).send().await.status, status, "{more}");
    }

    // Nor one of a browser for another one.
    let opened = server.ask("GET", "/self-service/recovery/browser").accept_json().send().await;
    let flow = opened.json()["id"].as_str().expect("an id").to_owned();
    let answer = submit(&server, "recovery", &flow, body).await;
    assert_eq!(answer.error_id().as_deref(), Some("security_csrf_violation"), "{}", answer.body);
    let fetched = server.ask("GET", &format!("/self-service/recovery/flows?id={flow}")).send().await;
    assert_eq!(fetched.status, 403);
}
