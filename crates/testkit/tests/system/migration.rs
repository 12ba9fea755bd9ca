//! Passwords that still live in another system.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use testkit::{Database, PASSWORD, Peer, Reply, Server, Setup};

const EMAIL: &str = "alice@example.org";

async fn start(database: &Database, peer: &Peer, more: Value) -> Server {
    let mut request = json!({ "url": peer.url("/check"), "auth": { "type": "api_key",
        "config": { "name": "X-Key", "value": "of-zelus", "in": "header" } } });
    request.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
    let hook = json!({ "enabled": true, "config": request });
    let password = json!({ "config": { "migrate_hook": hook } });
    let server = Server::of(
        database,
        Setup::with(&json!({ "selfservice": { "methods": { "password": password } } }).to_string()),
    );
    let server = server.await;
    let body = json!({ "schema_id": "person", "traits": { "email": EMAIL },
        "credentials": { "password": { "config": { "use_password_migration_hook": true } } } });
    assert_eq!(server.ask_admin("POST", "/admin/identities").json(&body).send().await.status, 201);
    server
}

#[tokio::test]
async fn the_other_system_is_asked_until_a_password_is_right() {
    for database in Database::each().await {
        let peer = Peer::start().await;
        let server = start(&database, &peer, json!({})).await;
        let app = server.native();
        for (status, body) in [(403, json!({})), (200, json!({})), (200, json!({ "status": "no" }))] {
            peer.reply_json("/check", status, &body);
            let wrong = app.try_sign_in(EMAIL, PASSWORD).await;
            assert_eq!((wrong.status, &wrong.json()["ui"]["messages"][0]["id"]), (400, &json!(4_000_006)), "{body}");
        }
        peer.reply(
            "/check",
            Reply::Status(200, format!("{{\"status\":\"password_match\",\"x\":\"{}\"}}", "x".repeat(1024))),
        );
        assert_eq!(app.try_sign_in(EMAIL, PASSWORD).await.status, 400, "answers are bounded");
        peer.take("/check");

        peer.reply_json("/check", 200, &json!({ "status": "password_match" }));
        app.sign_in(EMAIL).await;
        let [asked] = peer.take("/check").try_into().expect("one request");
        assert_eq!(asked.json(), json!({ "identifier": EMAIL, "password": PASSWORD }));
        assert_eq!((asked.method.as_str(), asked.headers["x-key"].as_str()), ("POST", "of-zelus"));
        assert!(asked.headers.contains_key("ory-webhook-trigger-id"));

        // From now on it is known here, and nobody else is asked.
        assert_eq!(app.try_sign_in(EMAIL, "another-passw0rd").await.status, 400);
        app.sign_in(EMAIL).await;
        assert!(peer.take("/check").is_empty());
        let configs = database.texts("SELECT CAST(config AS text) FROM identity_credentials").await.concat();
        assert!(configs.contains("$2a$") && !configs.contains("use_password_migration_hook"), "{configs}");
    }
}

#[tokio::test]
async fn a_system_that_fails_signs_nobody_in() {
    let database = Database::sqlite().await;
    let peer = Peer::start().await;
    let server = start(&database, &peer, json!({})).await;
    peer.reply_json("/check", 404, &json!({ "status": "password_match" }));
    let failed = server.native().try_sign_in(EMAIL, PASSWORD).await;
    assert_eq!(failed.status, 502, "{}", failed.body);
    let off = server
        .another(&database, "selfservice: { methods: { password: { config: { migrate_hook: { enabled: false } } } } }");
    let failed = off.await.native().try_sign_in(EMAIL, PASSWORD).await;
    assert_eq!((failed.status, failed.error_id().as_str()), (500, "invalid_configuration"), "{}", failed.body);
}

#[tokio::test]
async fn a_snippet_makes_the_request() {
    let database = Database::sqlite().await;
    let peer = Peer::start().await;
    let snippet = "function(ctx) { user: ctx.identity.traits.email, secret: ctx.password, by: ctx.identifier, \
                   flow: ctx.flow.type, method: ctx.request_method }";
    let body = format!("base64://{}", BASE64_STANDARD.encode(snippet));
    let server = start(&database, &peer, json!({ "body": body, "emit_analytics_event": false })).await;
    peer.reply_json("/check", 200, &json!({ "status": "password_match" }));
    server.native().sign_in(EMAIL).await;
    let asked = peer.next("/check").await;
    let expected = json!({ "user": EMAIL, "secret": PASSWORD, "by": EMAIL, "flow": "api", "method": "POST" });
    assert_eq!(asked.json(), expected);
    assert!(!asked.headers.contains_key("ory-webhook-trigger-id"));
}
