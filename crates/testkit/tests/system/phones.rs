//! People who have nothing but a phone number: a gateway that sends text messages reaches them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Answer, Database, Form, Gateway, Server, Setup};

const NUMBER: &str = "+4915123456789";

/// A server of people with phone numbers, whose text messages go to a gateway.
async fn server(database: &Database, gateway: &Gateway) -> Server {
    let phone = json!({ "type": "string", "format": "tel", "title": "Phone", "ory.sh/kratos": {
        "credentials": { "code": { "identifier": true, "via": "sms" } },
        "verification": { "via": "sms" }, "recovery": { "via": "sms" } } });
    let traits = json!({ "type": "object", "properties": { "phone": phone }, "required": ["phone"],
        "additionalProperties": false });
    let schema = json!({ "$id": "phones", "properties": { "traits": traits } }).to_string();
    let snippet = "function(ctx) { to: ctx.recipient, text: ctx.body, about: ctx.template_type }";
    let config = json!({
        "identity": {
            "default_schema_id": "person",
            "schemas": [{ "id": "person", "url": format!("base64://{}", BASE64_STANDARD.encode(schema)) }],
        },
        "courier": { "channels": [{ "id": "sms", "type": "http", "request_config": {
            "url": gateway.url("/sms"), "method": "POST", "headers": { "Content-Type": "application/json" },
            "body": format!("base64://{}", BASE64_STANDARD.encode(snippet)),
        } }] },
        "selfservice": {
            "methods": { "password": { "enabled": false }, "code": { "passwordless_enabled": true } },
            "flows": {
                "registration": { "style": "unified", "after": { "code": { "hooks": [{ "hook": "session" }] } } },
                "verification": { "enabled": true, "use": "code" },
            },
        },
    });
    Server::of(database, Setup::with(&config.to_string())).await
}

/// Sends what is due, and reads the one text message that comes of it: what it is about, and its code.
async fn text_message(server: &Server, gateway: &Gateway, to: &str) -> (String, String) {
    let before = gateway.requests().len();
    server.app.site().runtime.courier.deliver_due().await.expect("a round");
    let sent = gateway.requests().split_off(before);
    let [request] = sent.as_slice() else { panic!("{sent:?}") };
    let message = request.json();
    assert_eq!((request.path.as_str(), &message["to"]), ("/sms", &json!(to)), "{message}");
    let text = message["text"].as_str().expect("a text");
    assert!(text.chars().count() <= 160, "it fits into one message: {text}");
    let code = text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6);
    let code = code.unwrap_or_else(|| panic!("no code in {text}")).to_owned();
    server.wait(SignedDuration::from_secs(1));
    (message["about"].as_str().expect("a type").to_owned(), code)
}

fn messages(answer: &Answer) -> Vec<u64> {
    Form::of(answer).messages()
}

#[tokio::test]
async fn a_phone_number_is_all_that_somebody_needs() {
    for database in Database::each().await {
        let gateway = Gateway::start().await;
        let server = server(&database, &gateway).await;
        let mut browser = server.browser();
        let form = browser.open("registration").await;
        let traits = json!({ "phone": NUMBER });
        let asked = browser.submit(&form, json!({ "method": "code", "traits": traits })).await;
        assert_eq!(messages(&asked), [1_040_005], "{}", asked.body);
        let (about, code) = text_message(&server, &gateway, NUMBER).await;
        assert_eq!(about, "registration_code_valid");
        let wrong = json!({ "method": "code", "traits": traits, "code": "000000" });
        assert_eq!(messages(&browser.submit(&form, wrong).await), [4_040_003]);
        let enter = json!({ "method": "code", "traits": traits, "code": code });
        let done = browser.submit(&form, enter.clone()).await;
        assert_eq!(done.status, 200, "{}", done.body);
        let session = browser.whoami().await;
        let address = &session["identity"]["verifiable_addresses"][0];
        assert_eq!(
            (&address["via"], &address["value"], &address["verified"]),
            (&json!("sms"), &json!(NUMBER), &json!(true))
        );

        let native = server.native();
        let form = native.open("login").await;
        let asked = native.submit(&form, json!({ "method": "code", "identifier": "+4915123456789" })).await;
        assert_eq!(messages(&asked), [1_010_014], "{}", asked.body);
        let (about, code) = text_message(&server, &gateway, NUMBER).await;
        assert_eq!(about, "login_code_valid");
        let enter = json!({ "method": "code", "identifier": NUMBER, "code": code });
        let done = native.submit(&form, enter.clone()).await;
        assert_eq!(done.status, 200, "{}", done.body);
        assert_eq!(done.json()["session"]["identity"]["id"], session["identity"]["id"]);
        assert_eq!(native.submit(&form, enter).await.status, 400, "no code is good twice");
    }
}

#[tokio::test]
async fn signing_in_by_a_text_message_verifies_the_number() {
    for database in Database::each().await {
        let gateway = Gateway::start().await;
        let server = server(&database, &gateway).await;
        let body = json!({ "schema_id": "person", "traits": { "phone": NUMBER } });
        let made = server.ask_admin("POST", "/admin/identities").json(&body).send().await;
        assert_eq!(made.status, 201, "{}", made.body);
        let path = format!("/admin/identities/{}", made.json()["id"].as_str().expect("an id"));
        let verified = async || -> Value {
            server.ask_admin("GET", &path).send().await.json()["verifiable_addresses"][0]["verified"].clone()
        };
        assert_eq!(verified().await, false);
        let native = server.native();
        let form = native.open("login").await;
        native.submit(&form, json!({ "method": "code", "identifier": NUMBER })).await;
        let (_, code) = text_message(&server, &gateway, NUMBER).await;
        let enter = json!({ "method": "code", "identifier": NUMBER, "code": code });
        assert_eq!(native.submit(&form, enter).await.status, 200);
        assert_eq!(verified().await, true);

        let nobody = native.open("login").await;
        native.submit(&nobody, json!({ "method": "code", "identifier": "+4915123456780" })).await;
        let before = gateway.requests().len();
        server.app.site().runtime.courier.deliver_due().await.expect("a round");
        assert_eq!(gateway.requests().len(), before, "strangers are not written to");
    }
}
