//! Accounts that Kratos made, with whatever is odd about them: they sign in, change their password, and are switched off.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use testkit::{Database, Server, Setup};

const PASSWORD: &str = "the-old-Passw0rd";
const NEW: &str = "an-0ther-g00d-Pass!";
/// What they sign in with, in several spellings, and what stands in their traits.
const PEOPLE: [(&[&str], &[&str]); 3] = [
    (&["ΟΔΥΣΣΕΥΣ", "οδυσσευσ"], &["https://example.org/über-uns", "1.10"]),
    (&["İstanbul", "istanbul"], &["12345678901234567890123"]),
    (&["Ο’ΡΑΤΟΣ 7", "ο’ρατοσ 7"], &["-9223372036854775809"]),
];

/// A server on a database with Kratos' rows, in Kratos' network.
async fn server(database: &Database) -> Server {
    // Ours has made the tables, and a network that goes.
    drop(Server::start(database).await);
    database.run("DELETE FROM networks").await;
    let rows = database.pick(include_str!("kratos/sqlite.sql"), include_str!("kratos/postgres.sql"));
    for row in rows.lines().filter(|line| line.starts_with("INSERT")) {
        database.run(row).await;
    }
    let schema = BASE64_STANDARD.encode(include_str!("kratos/account.schema.json"));
    let schemas = json!([{ "id": "odd", "url": format!("base64://{schema}") }]);
    let config = json!({ "identity": { "default_schema_id": "odd", "schemas": schemas } });
    Server::of(database, Setup::with(&config.to_string())).await
}

#[tokio::test]
async fn accounts_of_kratos_go_on() {
    for database in Database::each().await {
        let server = server(&database).await;
        for (names, kept) in PEOPLE {
            for name in names {
                let answer = server.native().try_sign_in(name, PASSWORD).await;
                assert_eq!(answer.status, 200, "{name}: {}", answer.body);
            }
            let mut browser = server.browser();
            let form = browser.open("login").await;
            browser.try_sign_in(&form, names[0], PASSWORD).await;
            let id = browser.whoami().await["identity"]["id"].as_str().expect("an id").to_owned();
            let form = browser.open("settings").await;
            let changed = browser.submit(&form, json!({ "method": "password", "password": NEW })).await;
            assert_eq!(changed.status, 200, "{}: {}", names[0], changed.body);
            assert_eq!(server.native().try_sign_in(names[1], NEW).await.status, 200);

            let path = format!("/admin/identities/{id}");
            let off = json!([{ "op": "replace", "path": "/state", "value": "inactive" }]);
            let patched = server.ask_admin("PATCH", &path).json(&off).send().await;
            assert_eq!(patched.status, 200, "{}: {}", names[0], patched.body);
            assert_eq!(server.native().try_sign_in(names[0], NEW).await.status, 401);
            let on = server.ask_admin("GET", &path).send().await;
            let mut put: Value = on.json();
            put["state"] = "active".into();
            for text in kept {
                assert!(on.body.contains(text), "{text}: {}", on.body);
            }
            let traits = format!(
                "SELECT CAST(traits AS text) || CAST(metadata_public AS text) FROM identities WHERE id = '{id}'"
            );
            let stored = database.texts(&traits).await.concat();
            for text in kept.iter().chain(&["1.10", "12345678901234567890123"]) {
                assert!(stored.contains(text), "{text}: {stored}");
            }
            put["traits"] = Value::Null;
            assert_eq!(server.ask_admin("PUT", &path).json(&put).send().await.status, 400, "a name is required");
        }
    }
}
