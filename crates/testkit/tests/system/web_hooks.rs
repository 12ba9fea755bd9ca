//! Web hooks: what they are told, what they may do, and what they cannot do to anybody else.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use testkit::{Database, Form, Peer, Reply, Server, Setup};
use tokio::task::JoinSet;

/// A hook that sends its whole context to `path`, with more of its configuration in `more`.
fn hook(peer: &Peer, path: &str, more: Value) -> Value {
    hook_with(peer, path, "function(ctx) ctx", more)
}

fn hook_with(peer: &Peer, path: &str, snippet: &str, more: Value) -> Value {
    let body = format!("base64://{}", BASE64_STANDARD.encode(snippet));
    let mut config = json!({ "url": peer.url(path), "method": "POST", "body": body });
    config.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
    json!({ "hook": "web_hook", "config": config })
}

fn after(flow: &str, method: &str, hooks: Value) -> Setup {
    let after = json!({ method: { "hooks": hooks } });
    Setup::with(&json!({ "selfservice": { "flows": { flow: { "after": after } } } }).to_string())
}

fn parsing() -> Value {
    json!({ "response": { "parse": true } })
}

fn refusal(pointer: &str) -> Value {
    let message = json!({ "id": 77, "text": "not today", "type": "error", "context": { "why": 1 } });
    json!({ "messages": [{ "instance_ptr": pointer, "messages": [message] }] })
}

#[tokio::test]
async fn a_hook_changes_who_signs_up() {
    for database in Database::each().await {
        let peer = Peer::start().await;
        let hooks = json!([hook(&peer, "/before", parsing()), { "hook": "session" }]);
        let server = Server::of(&database, after("registration", "password", hooks)).await;
        let address = json!({ "value": "b@example.org", "via": "email", "verified": true, "status": "completed" });
        let identity = json!({ "traits": { "email": "b@example.org", "name": "Bea" }, "metadata_public": { "plan": "a" },
            "metadata_admin": { "risk": 1 }, "external_id": "crm-1", "verifiable_addresses": [address] });
        peer.reply_json("/before", 200, &json!({ "identity": identity }));
        let answer = server.native().try_sign_up("a@example.org").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let made = &answer.json()["identity"];
        assert_eq!(made["traits"], json!({ "email": "b@example.org", "name": "Bea" }));
        assert_eq!(made["verifiable_addresses"][0]["verified"], true);
        assert_eq!(made["external_id"], "crm-1");
        let admin = format!("/admin/identities/{}", made["id"].as_str().expect("an id"));
        assert_eq!(server.ask_admin("GET", &admin).send().await.json()["metadata_admin"], json!({ "risk": 1 }));
        assert_eq!(server.native().try_sign_in("a@example.org", testkit::PASSWORD).await.status, 400);
        server.native().sign_in("b@example.org").await;
    }
}

#[tokio::test]
async fn a_hook_that_says_no_leaves_nothing_behind() {
    for database in Database::each().await {
        let peer = Peer::start().await;
        let hooks = json!([hook(&peer, "/before", parsing()), { "hook": "session" }]);
        let server = Server::of(&database, after("registration", "password", hooks)).await;
        peer.reply_json("/before", 403, &refusal("#/traits/email"));
        let answer = server.native().try_sign_up("a@example.org").await;
        assert_eq!((answer.status, Form::of(&answer).messages()), (400, vec![77]), "{}", answer.body);
        assert!(answer.body.contains(r#""context":{"why":1}"#), "{}", answer.body);
        // Answers that make no sense are the service's fault, and stop the sign-up just as well.
        for (status, body) in [(200, json!([])), (200, json!({ "identity": { "traits": 5 } })), (400, json!({}))] {
            peer.reply_json("/before", status, &body);
            let answer = server.native().try_sign_up("a@example.org").await;
            assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!(500)), "{body}: {}", answer.body);
        }
        assert_eq!(server.ask_admin("GET", "/admin/identities").send().await.json(), json!([]));
    }
}

#[tokio::test]
async fn a_hook_that_only_listens_keeps_no_account_from_being_made() {
    for database in Database::each().await {
        let peer = Peer::start().await;
        let hooks = json!([{ "hook": "session" }, hook(&peer, "/after", json!({}))]);
        let server = Server::of(&database, after("registration", "password", hooks)).await;
        peer.reply_json("/after", 404, &json!({}));
        assert_eq!(server.native().try_sign_up("a@example.org").await.status, 502);
        server.native().sign_in("a@example.org").await;
    }
}

#[tokio::test]
async fn hooks_are_told_what_kratos_tells_them_and_no_more() {
    let database = Database::sqlite().await;
    let peer = Peer::start().await;
    let auth = json!({ "type": "basic_auth", "config": { "user": "u", "password": "p" } });
    let more = json!({ "method": "PUT", "can_interrupt": true, "auth": auth, "headers": { "X-From": "zelus" } });
    let server = Server::of(&database, after("login", "password", json!([hook(&peer, "/login", more)]))).await;
    server.native().sign_up("a@example.org").await;
    let form = server.native().open("login").await;
    let body = json!({ "method": "password", "identifier": "a@example.org", "password": testkit::PASSWORD,
        "transient_payload": { "campaign": 7 } });
    let ask = form.ask(&server, body).header("user-agent", "Mozilla").header("x-secret", "s");
    assert_eq!(ask.send().await.status, 200);
    let request = peer.next("/login").await;
    assert_eq!((request.method.as_str(), request.headers["x-from"].as_str()), ("PUT", "zelus"));
    assert_eq!(request.headers["authorization"], "Basic dTpw");
    assert!(
        request.headers.contains_key("ory-webhook-trigger-id")
            && request.headers.contains_key("ory-webhook-request-id")
    );
    let ctx = request.json();
    assert_eq!(ctx["identity"]["traits"]["email"], "a@example.org");
    assert_eq!(ctx["flow"]["transient_payload"], json!({ "campaign": 7 }));
    assert_eq!(ctx["request_headers"]["User-Agent"], json!(["Mozilla"]));
    assert_eq!((&ctx["request_method"], &ctx["request_cookies"]), (&json!("POST"), &json!({})));
    assert_eq!(ctx["session"]["authenticator_assurance_level"], "aal1");
    assert!(!request.body.contains("X-Secret") && !request.body.contains(testkit::PASSWORD));
    assert!(!request.body.contains("hashed_password") && !request.body.contains("ory_st_"));
}

#[tokio::test]
async fn a_snippet_calls_the_request_off() {
    let database = Database::sqlite().await;
    let peer = Peer::start().await;
    let snippet = "function(ctx) error 'cancel'";
    let hooks = json!([hook_with(&peer, "/login", snippet, json!({ "can_interrupt": true }))]);
    let server = Server::of(&database, after("login", "password", hooks)).await;
    server.native().sign_up("a@example.org").await;
    server.native().sign_in("a@example.org").await;
    assert!(peer.take("/login").is_empty());
}

#[tokio::test]
async fn a_service_that_never_answers_delays_nobody_where_it_is_ignored() {
    for database in Database::each().await {
        let peer = Peer::start().await;
        let hooks = json!([hook(&peer, "/login", json!({ "response": { "ignore": true } }))]);
        let server = Server::of(&database, after("login", "password", hooks)).await;
        server.native().sign_up("a@example.org").await;
        peer.reply("/login", Reply::Silence);
        let started = Instant::now();
        server.native().sign_in("a@example.org").await;
        assert!(started.elapsed() < Duration::from_secs(5));
        peer.next("/login").await;
    }
}

#[tokio::test]
async fn a_service_that_never_answers_delays_nobody_else() {
    for database in Database::each().await {
        let peer = Peer::start().await;
        let hooks = json!([hook(&peer, "/before", parsing()), { "hook": "session" }]);
        let server = Server::of(&database, after("registration", "password", hooks)).await;
        server.import("b@example.org", testkit::PASSWORD).await;
        peer.reply("/before", Reply::Silence);
        // More than there are connections to the database, so that none can be held meanwhile.
        let mut stuck = JoinSet::new();
        for n in 0..24 {
            let app = server.native();
            stuck.spawn(async move { app.try_sign_up(&format!("p{n}@example.org")).await });
        }
        let other = async {
            let mut arrived = 0;
            while arrived < 24 {
                arrived += peer.take("/before").len();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            server.native().sign_in("b@example.org").await
        };
        tokio::select! {
            answer = stuck.join_next() => panic!("{answer:?}"),
            token = other => assert!(server.accepts(&token).await),
        }
    }
}

#[tokio::test]
async fn an_endless_answer_is_read_no_further_than_needed() {
    let database = Database::sqlite().await;
    let peer = Peer::start().await;
    let hooks = json!([hook(&peer, "/before", parsing()), hook(&peer, "/after", json!({})), { "hook": "session" }]);
    let server = Server::of(&database, after("registration", "password", hooks)).await;
    peer.reply("/after", Reply::Bytes(100 << 20));
    assert_eq!(server.native().try_sign_up("a@example.org").await.status, 200);
    peer.reply("/before", Reply::Bytes(100 << 20));
    assert_eq!(server.native().try_sign_up("b@example.org").await.json()["error"]["code"], 500);
    server.native().sign_in("a@example.org").await;
}

#[tokio::test]
async fn hooks_stay_away_from_internal_networks_where_that_is_asked_for() {
    let database = Database::sqlite().await;
    let peer = Peer::start().await;
    let hooks = json!([hook(&peer, "/login", json!({ "can_interrupt": true }))]);
    let setup = after("login", "password", hooks).and("clients: { http: { disallow_private_ip_ranges: true } }");
    let server = Server::of(&database, setup).await;
    server.native().sign_up("a@example.org").await;
    assert_eq!(server.native().try_sign_in("a@example.org", testkit::PASSWORD).await.json()["error"]["code"], 500);
    assert!(peer.take("/login").is_empty());
}

#[tokio::test]
async fn a_hook_keeps_a_form_from_being_opened() {
    for database in Database::each().await {
        let peer = Peer::start().await;
        let before = json!({ "hooks": [hook(&peer, "/open", json!({}))] });
        let flows = json!({ "login": { "before": before }, "registration": { "before": before } });
        let setup = Setup::with(&json!({ "selfservice": { "flows": flows } }).to_string());
        let server = Server::of(&database, setup).await;
        for flow in ["login", "registration"] {
            server.native().open(flow).await;
            assert_eq!(peer.next("/open").await.json()["flow"]["type"], "api");
            peer.reply_json("/open", 403, &json!({}));
            let answer = server.ask("GET", &format!("/self-service/{flow}/api")).send().await;
            assert_eq!(answer.status, 502, "{}", answer.body);
            peer.reply_json("/open", 200, &json!({}));
            peer.take("/open");
        }
    }
}

#[tokio::test]
async fn what_stands_before_a_hook_that_stops_a_sign_in_is_not_done() {
    for database in Database::each().await {
        let hooks = json!([{ "hook": "revoke_active_sessions" }, { "hook": "require_verified_address" }]);
        let server = Server::of(&database, after("login", "password", hooks)).await;
        let token = server.native().sign_up("a@example.org").await;
        let answer = server.native().try_sign_in("a@example.org", testkit::PASSWORD).await;
        assert_eq!(answer.error_id(), "session_verified_address_required", "{}", answer.body);
        assert!(server.accepts(&token).await, "the session from before is still good");
    }
}

#[tokio::test]
async fn a_browser_that_has_to_verify_first_can_do_so() {
    for database in Database::each().await {
        let server =
            Server::of(&database, after("login", "password", json!([{ "hook": "require_verified_address" }]))).await;
        server.native().sign_up("a@example.org").await;
        let mut browser = server.browser();
        let form = browser.open("login").await;
        let fields = [("method", "password"), ("identifier", "a@example.org"), ("password", testkit::PASSWORD)];
        let fields = [&fields[..], &[("csrf_token", form.csrf_token())]].concat();
        let answer = browser.send(server.ask("POST", form.action()).accept_html().form(&fields)).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let (_, flow) = answer.header("location").split_once("flow=").expect("a flow");
        let flow = browser.fetch(&format!("/self-service/verification/flows?id={flow}")).await;
        assert_eq!((flow.status, &flow.json()["state"]), (200, &json!("sent_email")), "{}", flow.body);
        assert!(!browser.is_signed_in().await);
    }
}
