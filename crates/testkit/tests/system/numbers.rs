//! Numbers of traits and metadata that 64 bits cannot hold, or that are written in another way than a computer would.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use testkit::{Answer, Database, Form, PASSWORD, Server, Setup};

const TRAITS: &str =
    r#""email":"ann@example.org","large":12345678901234567890123,"price":1.10,"low":-9223372036854775809"#;

/// People have an email address, and whatever else operators give them.
fn people() -> String {
    let email = json!({ "type": "string", "format": "email",
                        "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } });
    let schema = json!({ "$id": "people", "type": "object", "properties": { "traits": { "type": "object",
        "properties": { "email": email, "large": { "type": "integer" } } } } });
    let url = format!("base64://{}", BASE64_STANDARD.encode(schema.to_string()));
    json!({ "identity": { "default_schema_id": "person", "schemas": [{ "id": "person", "url": url }] } }).to_string()
}

/// PostgreSQL orders members and adds spaces, and keeps the digits.
#[track_caller]
fn check(answer: &Answer, status: u16, numbers: &[&str]) {
    assert_eq!(answer.status, status, "{}", answer.body);
    let text: String = answer.body.split_whitespace().collect();
    for number in numbers {
        assert!(text.contains(number), "{number}: {text}");
    }
}

async fn send(server: &Server, method: &str, path: &str, body: String) -> Answer {
    server.ask_admin(method, path).body("application/json", body).send().await
}

#[tokio::test]
async fn operators_read_numbers_as_they_wrote_them() {
    let kept = [r#""large":12345678901234567890123"#, r#""price":1.10"#, r#""low":-9223372036854775809"#];
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with(&people())).await;
        let password = json!({ "password": { "config": { "password": PASSWORD } } });
        let made = format!(
            r#"{{"schema_id":"person","traits":{{{TRAITS}}},"metadata_public":{{"m":[2.50]}},"metadata_admin":{{"n":7.10}},
                "credentials":{password}}}"#
        );
        let made = send(&server, "POST", "/admin/identities", made).await;
        let all: Vec<_> = kept.into_iter().chain([r#""m":[2.50]"#, r#""n":7.10"#]).collect();
        // The answer to a new identity has what was written; all others have what is stored.
        check(&made, 201, &all);
        let path = format!("/admin/identities/{}", made.json()["id"].as_str().expect("an id"));
        check(&server.ask_admin("GET", &path).send().await, 200, &all);
        check(&server.ask_admin("GET", "/admin/identities").send().await, 200, &all);

        // A patch of something else, within and without.
        let patch = r#"[{"op":"replace","path":"/state","value":"active"},
                        {"op":"add","path":"/traits/more","value":[0.10]},
                        {"op":"add","path":"/metadata_public/m/-","value":98765432109876543210}]"#;
        let all: Vec<_> =
            kept.into_iter().chain([r#""more":[0.10]"#, r#""m":[2.50,98765432109876543210]"#, r#""n":7.10"#]).collect();
        check(&send(&server, "PATCH", &path, patch.to_owned()).await, 200, &all);
        let read = server.ask_admin("GET", &path).send().await;
        check(&read, 200, &all);

        // Put back as it was read, by a program that keeps numbers itself.
        check(&send(&server, "PUT", &path, read.body.clone()).await, 200, &all);
        check(&server.ask_admin("GET", &path).send().await, 200, &all);

        // The person and their programs see them too.
        let mut browser = server.browser();
        browser.sign_in("ann@example.org").await;
        check(&browser.fetch("/sessions/whoami").await, 200, &kept);

        let batch = format!(
            r#"{{"identities":[{{"create":{{"schema_id":"person","traits":{{{}}}}}}}]}}"#,
            TRAITS.replace("ann@", "bob@")
        );
        check(&send(&server, "PATCH", "/admin/identities", batch).await, 200, &[]);
        let found = server.ask_admin("GET", "/admin/identities?credentials_identifier=bob@example.org").send().await;
        check(&found, 200, &kept);
    }
}

#[tokio::test]
async fn metadata_may_be_a_number_by_itself() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        for (n, metadata) in ["7", "7.5", "-1", "1e300", "true", "\"7\"", "[7]", "null"].into_iter().enumerate() {
            let body = format!(
                r#"{{"schema_id":"person","traits":{{"email":"p{n}@example.org"}},"metadata_public":{metadata},"metadata_admin":{metadata}}}"#
            );
            let made = send(&server, "POST", "/admin/identities", body).await;
            assert_eq!(made.status, 201, "{metadata}: {}", made.body);
            let path = format!("/admin/identities/{}", made.json()["id"].as_str().expect("an id"));
            let read = server.ask_admin("GET", &path).send().await;
            assert_eq!(read.status, 200, "{metadata}: {}", read.body);
            let expected: serde_json::Value = serde_json::from_str(metadata).expect("JSON");
            assert_eq!(read.json()["metadata_admin"], expected, "{metadata}");
        }
    }
}

#[tokio::test]
async fn what_people_and_hooks_send_as_json_is_kept() {
    let kept = [r#""large":12345678901234567890123"#, r#""price":1.10"#, r#""low":-9223372036854775809"#];
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with(&people())).await;
        let form = server.native().open("registration").await;
        let body = format!(r#"{{"method":"password","password":"{PASSWORD}","traits":{{{TRAITS}}}}}"#);
        let made = server.ask("POST", form.action()).accept_json().body("application/json", body).send().await;
        check(&made, 200, &kept);
        let all = server.ask_admin("GET", "/admin/identities").send().await;
        check(&all, 200, &kept);

        let token = server.native().sign_in("ann@example.org").await;
        let form = Form::of(&server.ask("GET", "/self-service/settings/api").token(&token).send().await);
        let changed = TRAITS.replace("1.10", "2.20");
        let body = format!(r#"{{"method":"profile","traits":{{{changed}}}}}"#);
        let saved = server.ask("POST", form.action()).token(&token).body("application/json", body).send().await;
        let now = [kept[0], r#""price":2.20"#, kept[2]];
        check(&saved, 200, &now);
        check(&server.ask_admin("GET", "/admin/identities").send().await, 200, &now);
    }
}
