//! Names with characters that nobody sees: nobody gets a new one, and whoever has one keeps it.

use serde_json::{Value, json};
use testkit::{Database, Form, PASSWORD, Server};

use crate::codes;

/// Somebody called `a\u{AD}nna`, from before such names were refused.
async fn from_before(server: &Server, database: &Database) -> String {
    let native = server.native();
    let form = native.open("registration").await;
    let traits = json!({ "email": "anna@example.org", "username": "a-nna" });
    let body = json!({ "method": "password", "traits": traits, "password": PASSWORD });
    let id = native.submit(&form, body).await.json()["identity"]["id"].as_str().expect("an id").to_owned();
    let name = "a\u{AD}nna";
    database
        .run(&format!("UPDATE identities SET traits = '{}'", json!({ "email": "anna@example.org", "username": name })))
        .await;
    database
        .run(&format!("UPDATE identity_credential_identifiers SET identifier = '{name}' WHERE identifier = 'a-nna'"))
        .await;
    id
}

#[tokio::test]
async fn nobody_gets_a_name_that_looks_like_another() {
    for database in Database::each().await {
        let server = codes::server(&database, &[]).await;
        let native = server.native();
        for (traits, expected) in [
            (json!({ "username": "a\u{200B}nna" }), 4_000_001),
            (json!({ "username": "anna\u{202E}" }), 4_000_001),
            (json!({ "email": "an\u{AD}na@example.org" }), 4_000_001),
            (json!({ "email": "anna@example.org." }), 4_000_040),
            (json!({ "phone": "+49 151 2345\u{2060}6789" }), 4_000_001),
        ] {
            let form = native.open("registration").await;
            let body = json!({ "method": "password", "traits": traits, "password": PASSWORD });
            let answer = native.submit(&form, body).await;
            assert_eq!(
                (answer.status, Form::of(&answer).messages()),
                (400, vec![expected]),
                "{traits}: {}",
                answer.body
            );
            let made =
                server.ask_admin("POST", "/admin/identities").json(&json!({ "schema_id": "person", "traits": traits }));
            assert_eq!(made.send().await.status, 400, "{traits}");
        }
        assert_eq!(database.count("identities").await, 0);
        for name in ["می\u{200C}خواهم", "Zoë", "क्\u{200D}ष"] {
            let form = native.open("registration").await;
            let body = json!({ "method": "password", "traits": { "username": name }, "password": PASSWORD });
            let answer = native.submit(&form, body).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn whoever_has_such_a_name_goes_on() {
    for database in Database::each().await {
        let server = codes::server(&database, &[]).await;
        let id = from_before(&server, &database).await;
        let mut browser = server.browser();
        browser.sign_in("a\u{AD}nna").await;
        let save = async |browser: &mut testkit::Browser, traits: Value| {
            let form = browser.open("settings").await;
            browser.submit(&form, json!({ "method": "profile", "traits": traits })).await.status
        };
        let name = "a\u{AD}nna";
        assert_eq!(save(&mut browser, json!({ "email": "other@example.org", "username": name })).await, 200);
        assert_eq!(save(&mut browser, json!({ "email": "other@example.org", "username": "b\u{AD}nna" })).await, 400);
        assert_eq!(save(&mut browser, json!({ "email": "other@example.org", "username": "banna" })).await, 200);
        assert_eq!(save(&mut browser, json!({ "email": "other@example.org", "username": name })).await, 400);
        let off = json!([{ "op": "replace", "path": "/state", "value": "inactive" }]);
        let path = format!("/admin/identities/{id}");
        assert_eq!(server.ask_admin("PATCH", &path).json(&off).send().await.status, 200);
    }
}
