//! In which order a submission is checked: its fields, then who sent it, then whether it may be done.

use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Answer, Database, Form, PASSWORD, Server};

/// What a submission came to: the status, the error's id, and the messages of the form.
fn outcome(answer: &Answer) -> (u16, String, Vec<u64>) {
    let form = answer.json();
    let messages = if form["ui"].is_object() { Form::of(answer).messages() } else { Vec::new() };
    (answer.status, answer.error_id(), messages)
}

const FORGED: (u16, &str) = (403, "security_csrf_violation");

#[tokio::test]
async fn fields_come_before_the_token() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let cases: [(&str, Value, u64); 8] = [
            ("login", json!({ "method": "password", "identifier": "a@example.org" }), 4_000_002),
            ("login", json!({ "method": "password", "password": PASSWORD }), 4_000_002),
            ("login", json!({ "method": "magic" }), 4_010_002),
            ("registration", json!({ "method": "password", "traits": { "email": "a@example.org" } }), 4_000_002),
            (
                "registration",
                json!({ "method": "password", "traits": { "email": "?" }, "password": PASSWORD }),
                4_000_040,
            ),
            ("registration", json!({ "method": "profile", "traits": {} }), 4_000_002),
            (
                "registration",
                json!({ "method": "profile", "screen": "?", "traits": { "email": "a@example.org" } }),
                4_000_001,
            ),
            (
                "registration",
                json!({ "method": "profile", "traits": { "email": "a@example.org" }, "transient_payload": [] }),
                4_000_026,
            ),
        ];
        for (flow, body, message) in cases {
            let mut browser = server.browser();
            let form = browser.open(flow).await;
            let answer = browser.send(server.ask("POST", form.action()).accept_json().json(&body)).await;
            assert_eq!(answer.status, 400, "{flow} {body}: {}", answer.body);
            assert!(outcome(&answer).2.contains(&message), "{flow} {body}: {:?}", outcome(&answer));
        }
        for (flow, body) in [
            ("login", json!({ "method": "password", "identifier": "a@example.org", "password": PASSWORD })),
            (
                "registration",
                json!({ "method": "password", "traits": { "email": "a@example.org" }, "password": PASSWORD }),
            ),
            ("registration", json!({ "method": "profile", "traits": { "email": "a@example.org" } })),
        ] {
            let mut browser = server.browser();
            let form = browser.open(flow).await;
            let answer = browser.send(server.ask("POST", form.action()).accept_json().json(&body)).await;
            assert_eq!((answer.status, answer.error_id().as_str()), FORGED, "{flow} {body}");
        }
    }
}

#[tokio::test]
async fn the_token_comes_before_the_age_of_a_sign_in() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let mut browser = server.browser();
        browser.sign_up("a@example.org").await;
        server.wait(SignedDuration::from_hours(2));
        let form = browser.open("settings").await;
        let complete = json!({ "method": "password", "password": "an-0ther-g00d-Pass!" });
        for (body, token, expected) in [
            (json!({ "method": "password" }), false, (400, "")),
            (json!({ "method": "password" }), true, (400, "")),
            (json!({ "method": "profile", "traits": { "email": "?" } }), false, (400, "")),
            (complete.clone(), false, FORGED),
            (complete, true, (403, "session_refresh_required")),
        ] {
            let answer = match token {
                true => browser.submit(&form, body.clone()).await,
                false => browser.send(server.ask("POST", form.action()).accept_json().json(&body)).await,
            };
            assert_eq!((answer.status, answer.error_id().as_str()), expected, "{body} {token}");
        }
    }
}

#[tokio::test]
async fn what_is_switched_off_is_not_there() {
    let off = "
selfservice:
  methods: { password: { enabled: true }, profile: { enabled: false }, totp: { enabled: false }, link: { enabled: false } }
  flows: { recovery: { enabled: true } }";
    for database in Database::each().await {
        let server = Server::of(&database, testkit::Setup::with(off)).await;
        let mut browser = server.browser();
        for (flow, body) in [
            ("login", json!({ "method": "passkey" })),
            ("login", json!({ "method": "webauthn" })),
            ("recovery", json!({ "method": "link", "email": "a@example.org" })),
        ] {
            let form = browser.open(flow).await;
            assert_eq!(
                outcome(&browser.submit(&form, body.clone()).await),
                (404, String::new(), vec![]),
                "{flow} {body}"
            );
        }
        browser.sign_up("a@example.org").await;
        let form = browser.open("settings").await;
        assert_eq!(form.field("traits.email"), &Value::Null, "there is no profile to change");
        for body in [
            json!({ "method": "profile", "traits": { "email": "b@example.org" } }),
            json!({ "method": "totp", "totp_code": "123456" }),
            json!({ "totp_unlink": true }),
            json!({ "lookup_secret_regenerate": true }),
        ] {
            assert_eq!(browser.submit(&form, body.clone()).await.status, 404, "{body}");
        }
        assert_eq!(browser.whoami().await["identity"]["traits"]["email"], "a@example.org");
    }
}
