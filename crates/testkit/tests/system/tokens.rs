//! Sessions as signed tokens.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Answer, Database, Peer, Reply, Server, Setup};

fn jwks(id: &str) -> Value {
    json!({ "keys": [{ "kty": "oct", "alg": "HS256", "kid": id, "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ" }] })
}

fn base64(text: &str) -> String {
    format!("base64://{}", BASE64_STANDARD.encode(text))
}

fn with(templates: &Value) -> Setup {
    Setup::with(&json!({ "session": { "whoami": { "tokenizer": { "templates": templates } } } }).to_string())
}

async fn whoami_as(server: &Server, token: &str, template: &str) -> Answer {
    server.ask("GET", &format!("/sessions/whoami?tokenize_as={template}")).token(token).send().await
}

/// The header and the claims of the token in an answer.
fn parts(answer: &Answer) -> (Value, Value) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    let parts: Vec<_> = body["tokenized"].as_str().expect("a token").split('.').collect();
    let decode =
        |part: &str| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).expect("Base64")).expect("JSON");
    (decode(parts[0]), decode(parts[1]))
}

#[tokio::test]
async fn a_token_says_whose_session_it_is() {
    for database in Database::each().await {
        let snippet = "local claims = std.extVar('claims'); local session = std.extVar('session');
            { claims: { email: session.identity.traits.email, sub: 'mallory', first: claims.sid, exp: claims.exp + 1 } }";
        let server = Server::of(&database, with(&json!({
            "plain": { "jwks_url": base64(&jwks("k1").to_string()) },
            "mapped": { "jwks_url": base64(&jwks("k2").to_string()), "ttl": "10m", "claims_mapper_url": base64(snippet) },
        })))
        .await;
        let token = server.native().sign_up("a@example.org").await;
        let answer = whoami_as(&server, &token, "plain").await;
        assert_eq!(answer.header("ory-session-cache-for"), "");
        let (header, claims) = parts(&answer);
        assert_eq!(header, json!({ "alg": "HS256", "kid": "k1", "typ": "JWT" }));
        let now = server.setup.clock.now().as_second();
        let session = answer.json();
        assert_eq!(claims["exp"], json!(now + 60));
        assert_eq!((&claims["iat"], &claims["nbf"]), (&json!(now), &json!(now)));
        assert_eq!((&claims["sub"], &claims["sid"]), (&session["identity"]["id"], &session["id"]));
        assert_eq!(claims["iss"], "http://127.0.0.1:4433/");
        let (_, again) = parts(&whoami_as(&server, &token, "plain").await);
        assert_ne!(claims["jti"], again["jti"]);

        let (_, mapped) = parts(&whoami_as(&server, &token, "mapped").await);
        assert_eq!((&mapped["email"], &mapped["first"]), (&json!("a@example.org"), &claims["sid"]));
        assert_eq!((&mapped["sub"], &mapped["exp"]), (&claims["sub"], &json!(now + 601)));
    }
}

#[tokio::test]
async fn what_cannot_be_a_token_is_an_error() {
    let database = Database::sqlite().await;
    let keys = base64(&jwks("k").to_string());
    let mapper = |snippet: &str| json!({ "jwks_url": keys, "claims_mapper_url": base64(snippet) });
    let server = Server::of(&database, with(&json!({
        "external": { "jwks_url": keys, "subject_source": "external_id" },
        "empty": { "jwks_url": base64(r#"{"keys":[]}"#) },
        "garbage": { "jwks_url": base64("nonsense") },
        "public": { "jwks_url": base64(r#"{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","x":"AA","y":"AA"}]}"#) },
        "absent": { "jwks_url": "file:///nonexistent/keys.json" },
        "failing": mapper("error 'no'"),
        "shapeless": mapper("{ claims: 1 }"),
    })))
    .await;
    let token = server.native().sign_up("a@example.org").await;
    let expected = [
        ("nothing", 400),
        ("external", 400),
        ("empty", 400),
        ("garbage", 400),
        ("public", 400),
        ("absent", 500),
        ("failing", 400),
        ("shapeless", 400),
    ];
    for (template, status) in expected {
        let answer = whoami_as(&server, &token, template).await;
        assert_eq!(answer.status, status, "{template}: {}", answer.body);
    }
    assert_eq!(whoami_as(&server, "ory_st_nobody", "external").await.status, 401);
}

#[tokio::test]
async fn keys_are_kept_for_an_hour() {
    let database = Database::sqlite().await;
    let peer = Peer::start().await;
    peer.reply_json("/keys", 200, &jwks("old"));
    let server = Server::of(&database, with(&json!({ "jwt": { "jwks_url": peer.url("/keys") } }))).await;
    let token = server.native().sign_up("a@example.org").await;
    assert_eq!(parts(&whoami_as(&server, &token, "jwt").await).0["kid"], "old");
    peer.reply("/keys", Reply::Status(404, String::new()));
    server.wait(SignedDuration::from_mins(59));
    assert_eq!(parts(&whoami_as(&server, &token, "jwt").await).0["kid"], "old");
    assert_eq!(peer.take("/keys").len(), 1);
    peer.reply_json("/keys", 200, &jwks("new"));
    server.wait(SignedDuration::from_mins(1));
    assert_eq!(parts(&whoami_as(&server, &token, "jwt").await).0["kid"], "new");
}
