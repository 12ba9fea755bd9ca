//! Accounts that their schema no longer fits, and identities that are written back as they were read.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Database, PASSWORD, Server};

use crate::codes::{self, EMAIL};
use crate::logout::give_totp;

const NEW: &str = "an-0ther-g00d-Pass!";
const FLOWS: &str = "selfservice: { flows: { recovery: { enabled: true, use: code } } }";

/// The schema of today: everybody says how old they are, and mail goes to one domain.
fn stricter() -> String {
    let email = json!({ "type": "string", "format": "email", "pattern": "@members[.]example$", "ory.sh/kratos": {
        "credentials": { "password": { "identifier": true } }, "recovery": { "via": "email" },
        "verification": { "via": "email" } } });
    let schema = json!({ "$id": "people", "type": "object", "properties": { "traits": { "type": "object",
        "properties": { "email": email, "age": { "type": "integer" } }, "required": ["email", "age"] } } });
    let url = format!("base64://{}", BASE64_STANDARD.encode(schema.to_string()));
    json!({ "identity": { "default_schema_id": "person", "schemas": [{ "id": "person", "url": url }] } }).to_string()
}

/// The schema of old is not there any more.
fn gone() -> String {
    stricter().replace("\"person\"", "\"member\"")
}

async fn is_active(server: &Server, path: &str, state: &str) -> bool {
    server.ask_admin("GET", path).send().await.json()["state"] == state
}

#[tokio::test]
async fn whoever_does_not_fit_any_more_is_helped() {
    for schema in [stricter(), gone()] {
        for database in Database::each().await {
            let old = codes::server(&database, &[FLOWS]).await;
            let made = json!({ "schema_id": "person", "traits": { "email": EMAIL },
                               "credentials": { "password": { "config": { "password": PASSWORD } } } });
            let made = old.ask_admin("POST", "/admin/identities").json(&made).send().await.json();
            let path = format!("/admin/identities/{}", made["id"].as_str().expect("an id"));
            let server = old.another(&database, &schema).await;

            let mut browser = server.browser();
            browser.sign_in(EMAIL).await;
            let form = browser.open("settings").await;
            let set = browser.submit(&form, json!({ "method": "password", "password": NEW })).await;
            assert_eq!(set.status, 200, "{}", set.body);
            // What is changed has to be valid.
            let traits = json!({ "email": "b@example.org" });
            let form = browser.open("settings").await;
            let refused = browser.submit(&form, json!({ "method": "profile", "traits": traits })).await;
            assert_eq!(refused.status, 400, "{}", refused.body);

            for state in ["inactive", "active"] {
                let patch = json!([{ "op": "replace", "path": "/state", "value": state }]);
                let patched = server.ask_admin("PATCH", &path).json(&patch).send().await;
                assert_eq!(patched.status, 200, "{}", patched.body);
                assert!(is_active(&server, &path, state).await);
            }
            let mut put = server.ask_admin("GET", &path).send().await.json();
            put["state"] = "inactive".into();
            put.as_object_mut().expect("an object").remove("schema_id");
            let replaced = server.ask_admin("PUT", &path).json(&put).send().await;
            assert_eq!(replaced.status, 200, "{}", replaced.body);
            assert!(is_active(&server, &path, "inactive").await);
            put["state"] = "active".into();
            assert_eq!(server.ask_admin("PUT", &path).json(&put).send().await.status, 200);
            put["traits"] = traits;
            assert_eq!(server.ask_admin("PUT", &path).json(&put).send().await.status, 400);

            // Identifiers and addresses are as they were: the person signs in, and wins back access.
            let mut other = server.browser();
            let form = other.open("login").await;
            assert_eq!(other.try_sign_in(&form, EMAIL, NEW).await.status, 200);
            server.wait(SignedDuration::from_secs(1));
            let mut lost = server.browser();
            let form = lost.open("recovery").await;
            lost.submit(&form, json!({ "method": "code", "email": EMAIL })).await;
            let code = codes::code(&server, &database, EMAIL).await;
            let done = lost.submit(&form, json!({ "method": "code", "code": code })).await;
            assert_eq!(done.status, 422, "{}", done.body);
            assert!(lost.is_signed_in().await);
            assert_eq!(server.ask_admin("DELETE", &path).send().await.status, 204);
        }
    }
}

#[tokio::test]
async fn an_identity_is_put_back_as_it_was_read() {
    let kinds = ["password", "oidc", "saml", "totp", "lookup_secret", "webauthn", "code", "passkey"];
    for database in Database::each().await {
        let totp = "selfservice: { methods: { totp: { enabled: true }, code: { passwordless_enabled: true } } }";
        let server = codes::server(&database, &[totp]).await;
        let link = |provider: &str| json!({ "config": { "providers": [{ "provider": provider, "subject": "s:1" }] } });
        let made = json!({ "schema_id": "person", "traits": { "email": EMAIL }, "metadata_admin": { "n": 1.10 },
                           "external_id": "e-1", "credentials": {
                               "password": { "config": { "password": PASSWORD } },
                               "oidc": link("p"), "saml": link("q") } });
        let made = server.ask_admin("POST", "/admin/identities").json(&made).send().await.json();
        let id = made["id"].as_str().expect("an id");
        give_totp(&database, id).await;
        let path = format!("/admin/identities/{id}");
        let with_all = format!("{path}?include_credential={}", kinds.join("&include_credential="));
        let mut before = server.ask_admin("GET", &with_all).send().await.json();
        for read_at in [&path, &with_all] {
            server.wait(SignedDuration::from_secs(1));
            let read = server.ask_admin("GET", read_at).send().await.json();
            let put = server.ask_admin("PUT", &path).json(&read).send().await;
            assert_eq!(put.status, 200, "{read_at}: {}", put.body);
            let mut after = server.ask_admin("GET", &with_all).send().await.json();
            for document in [&mut before, &mut after] {
                document["updated_at"] = Value::Null;
                document["credentials"]["password"]["updated_at"] = Value::Null;
            }
            assert_eq!(after, before, "{read_at}");
            assert_eq!(server.native().try_sign_in(EMAIL, PASSWORD).await.status, 200);
        }
        // What names a credential and says nothing of it is refused where it is new.
        let new = json!({ "schema_id": "person", "traits": {}, "credentials": { "totp": {} } });
        assert_eq!(server.ask_admin("POST", "/admin/identities").json(&new).send().await.status, 400);
        let mut empty = server.ask_admin("GET", &path).send().await.json();
        empty["credentials"]["password"]["config"] = json!({});
        assert_eq!(server.ask_admin("PUT", &path).json(&empty).send().await.status, 400);
    }
}
