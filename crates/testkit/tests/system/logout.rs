//! Logging out, over the whole life of a session. What one request answers is tested in `crates/api/tests`.

use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Browser, Database, PASSWORD, Server, Setup};

use crate::endings::is_dead;

const NEW_SECRETS: &str = "secrets: { cookie: [the-second-cookie-secret-of-tests, the-first-cookie-secret-of-tests] }";

/// What may happen between asking for a logout URL and opening it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Between {
    Nothing,
    Refresh,
    Extend,
    NewCookie,
    Restart,
    NewSecrets,
    SecondNode,
    Everything,
}

const ALL: [Between; 8] = [
    Between::Nothing,
    Between::Refresh,
    Between::Extend,
    Between::NewCookie,
    Between::Restart,
    Between::NewSecrets,
    Between::SecondNode,
    Between::Everything,
];

/// Lets it happen; gives back the browser, where it goes on.
async fn pass(between: Between, database: &Database, mut browser: Browser, email: &str) -> Browser {
    let server = browser.server.clone();
    let (id, cookie) = (browser.whoami().await["id"].clone(), browser.session_cookie().to_owned());
    let is = |other| between == other || between == Between::Everything;
    if is(Between::Refresh) {
        server.wait(SignedDuration::from_mins(5));
        let form = browser.open("login?refresh=true").await;
        let answer = browser.try_sign_in(&form, email, PASSWORD).await;
        assert_eq!((answer.status, &answer.json()["session"]["id"]), (200, &id));
    }
    if is(Between::Extend) || is(Between::NewCookie) {
        server.wait(SignedDuration::from_hours(20));
        let path = format!("/admin/sessions/{}/extend", id.as_str().expect("an id"));
        let answer = server.ask_admin("PATCH", &path).send().await;
        assert!(answer.status < 300, "{}", answer.body);
    }
    if is(Between::NewCookie) {
        assert!(browser.is_signed_in().await);
        assert_ne!(browser.session_cookie(), cookie);
        server.wait(SignedDuration::from_hours(20));
    }
    match between {
        Between::Restart | Between::SecondNode => browser.at(&server.another(database, "").await),
        Between::NewSecrets | Between::Everything => browser.at(&server.another(database, NEW_SECRETS).await),
        _ => browser,
    }
}

#[tokio::test]
async fn a_logout_url_is_good_for_the_whole_life_of_its_session() {
    for database in Database::each().await {
        for (n, between) in ALL.into_iter().enumerate() {
            let server = Server::start(&database).await;
            let email = format!("p{n}@example.org");
            let mut browser = server.browser();
            browser.sign_up(&email).await;
            let url = browser.logout_url().await;
            let mut browser = pass(between, &database, browser, &email).await;
            let other = server.native().sign_in(&email).await;
            assert_eq!(browser.logout_url().await, url, "{between:?}: it stays the same");

            let mut thief = browser.clone().at(&server);
            let answer = browser.visit(&url).await;
            assert_eq!((answer.status, answer.header("location")), (303, "http://127.0.0.1:4455/bye"), "{between:?}");
            assert_eq!(browser.session_cookie(), "", "{between:?}");
            // At the same instant it is over on the first node too.
            assert!(!thief.is_signed_in().await, "{between:?}");
            assert_eq!(thief.fetch(&url).await.error_id(), "session_inactive", "{between:?}");
            assert!(server.accepts(&other).await, "{between:?}: it ends this session only");
        }
    }
}

#[tokio::test]
async fn a_native_app_logs_out_whatever_happened_before() {
    for database in Database::each().await {
        for (n, more) in ["", NEW_SECRETS, "secrets: { cookie: [quite-another-cookie-secret] }"].into_iter().enumerate()
        {
            let server = Server::start(&database).await;
            let email = format!("p{n}@example.org");
            let token = server.native().sign_up(&email).await;
            let other = server.native().sign_in(&email).await;
            let id = server.whoami(&token).await["id"].as_str().expect("an id").to_owned();
            server.wait(SignedDuration::from_hours(1));
            let extended = server.ask_admin("PATCH", &format!("/admin/sessions/{id}/extend")).send().await;
            assert!(extended.status < 300);
            let second = server.another(&database, more).await;
            assert_eq!(second.native().log_out(&token).await.status, 204);
            assert!(!server.accepts(&token).await && !second.accepts(&token).await);
            assert!(server.accepts(&other).await && second.accepts(&other).await);
        }
    }
}

#[tokio::test]
async fn a_single_page_app_logs_out() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let (mut one, mut two) = (server.browser(), server.browser());
        one.sign_up("a@example.org").await;
        two.sign_in("a@example.org").await;
        let url = one.logout_url().await;
        assert_ne!(url, two.logout_url().await);
        let (_, csrf) = one.csrf_cookie();
        let csrf = csrf.to_owned();
        let answer = one.fetch(&url).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
        assert_ne!(one.csrf_cookie().1, csrf, "forms of the person who left are worth nothing");
        assert!(!one.is_signed_in().await && two.is_signed_in().await);
        one.sign_in("a@example.org").await;
        assert_ne!(one.logout_url().await, url, "the next session has a URL of its own");
    }
}

#[tokio::test]
async fn the_session_of_the_token_ends_and_no_other() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        server.import("a@example.org", PASSWORD).await;
        server.import("b@example.org", PASSWORD).await;
        // Who is proved by what, and whose logout token is sent along.
        for (a_by, b_by) in [("cookie", "authorization"), ("cookie", "x-session-token"), ("x-session-token", "cookie")]
        {
            for ends_a in [true, false] {
                let (mut a, mut b) = (server.browser(), server.browser());
                a.sign_in("a@example.org").await;
                b.sign_in("b@example.org").await;
                let url = if ends_a { a.logout_url().await } else { b.logout_url().await };
                let (a_token, b_token) = (token(&database, &mut a).await, token(&database, &mut b).await);
                let credential = |by: &str, browser: &Browser, token: &str| match by {
                    "cookie" => format!("ory_kratos_session={}", browser.session_cookie()),
                    "authorization" => format!("Bearer {token}"),
                    _ => token.to_owned(),
                };
                let ask = server.ask("GET", &url).accept_json();
                let ask = ask.header(a_by, credential(a_by, &a, &a_token)).header(b_by, credential(b_by, &b, &b_token));
                let answer = ask.send().await;
                assert_eq!(answer.status, 204, "{a_by} {b_by} {ends_a}: {}", answer.body);
                assert_eq!((a.is_signed_in().await, b.is_signed_in().await), (!ends_a, ends_a), "{a_by} {b_by}");
            }
        }
    }
}

/// The session token behind a browser's cookie.
async fn token(database: &Database, browser: &mut Browser) -> String {
    let id = browser.whoami().await["id"].as_str().expect("an id").to_owned();
    database.texts(&format!("SELECT token FROM sessions WHERE id = '{id}'")).await.remove(0)
}

#[tokio::test]
async fn no_copy_of_anything_is_worth_something_afterwards() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let second = server.another(&database, "").await;
        for by in ["page", "script", "token"] {
            let mut browser = server.browser();
            let email = format!("{by}@example.org");
            let session = browser.sign_up(&email).await;
            let token = token(&database, &mut browser).await;
            let url = browser.logout_url().await;
            let thief = browser.clone();
            let status = match by {
                "page" => browser.visit(&url).await.status,
                "script" => browser.fetch(&url).await.status,
                _ => server.native().log_out(&token).await.status,
            };
            assert!(matches!(status, 204 | 303));
            for node in [&server, &second] {
                is_dead(node, &thief, &token, &url, &email, &session).await;
            }
        }
    }
}

#[tokio::test]
async fn an_express_app_may_send_the_bare_value_of_the_cookie() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let mut browser = server.browser();
        browser.sign_up("a@example.org").await;
        let bare = browser.session_cookie().to_owned();
        let whoami = || server.ask("GET", "/sessions/whoami").header("cookie", &bare).send();
        assert_eq!(whoami().await.status, 200);
        let made = server.ask("GET", "/self-service/logout/browser").header("cookie", &bare).send().await;
        let url = made.json()["logout_url"].as_str().expect("a URL").to_owned();
        assert_eq!(server.ask("GET", &url).header("cookie", &bare).accept_html().send().await.status, 303);
        assert_eq!(whoami().await.status, 401);
        assert!(!browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn someone_who_still_owes_a_second_factor_can_log_out() {
    for database in Database::each().await {
        let setup = Setup::with(
            "selfservice: { methods: { totp: { enabled: true } } }\nsession: { whoami: { required_aal: highest_available } }",
        );
        let server = Server::of(&database, setup).await;
        let identity = server.import("a@example.org", PASSWORD).await;
        give_totp(&database, &identity).await;
        let native = server.native();
        let form = native.open("login").await;
        let body = json!({ "method": "password", "identifier": "a@example.org", "password": PASSWORD });
        let token = native.submit(&form, body.clone()).await.json()["session_token"].as_str().expect("one").to_owned();
        let whoami = || server.ask("GET", "/sessions/whoami").token(&token).send();
        assert_eq!((whoami().await.status, whoami().await.error_id().as_str()), (403, "session_aal2_required"));
        assert_eq!(native.log_out(&token).await.status, 204);
        assert_eq!(whoami().await.status, 401);

        for accept in ["text/html", "application/json"] {
            let mut browser = server.browser();
            let form = browser.open("login").await;
            let answer = browser.submit(&form, body.clone()).await;
            assert_eq!(answer.error_id(), "browser_location_change_required", "{}", answer.body);
            assert_eq!(browser.fetch("/sessions/whoami").await.error_id(), "session_aal2_required");
            let url = browser.logout_url().await;
            let mut thief = browser.clone();
            let ask = server.ask("GET", &url).header("accept", accept);
            assert!(matches!(browser.send(ask).await.status, 204 | 303));
            assert_eq!(thief.fetch("/sessions/whoami").await.status, 401);
        }
    }
}

/// Gives an identity an authenticator app.
pub async fn give_totp(database: &Database, identity: &str) {
    let id = identity.replace(|c: char| c != '-', "0").replacen('0', "1", 1);
    database
        .run(&format!(
            "INSERT INTO identity_credentials
               (id, config, identity_credential_type_id, identity_id, created_at, updated_at, nid, version)
             SELECT '{id}', '{{\"totp_url\":\"otpauth://totp/x:x?secret=JBSWY3DPEHPK3PXP\"}}',
               (SELECT id FROM identity_credential_types WHERE name = 'totp'), i.id, i.created_at, i.updated_at, i.nid, 0
             FROM identities i WHERE i.id = '{identity}'"
        ))
        .await;
}

#[tokio::test]
async fn no_answer_about_logging_out_is_kept_by_a_cache() {
    let database = Database::sqlite().await;
    let cors = "serve: { public: { cors: { enabled: true, allowed_origins: ['http://127.0.0.1:4455'] } } }";
    for (more, vary) in [("", "Cookie"), (cors, "Origin, Cookie")] {
        let server = Server::of(&database, Setup::with(more)).await;
        let mut browser = server.browser();
        let email = format!("{}@example.org", more.len());
        browser.sign_up(&email).await;
        let url = browser.logout_url().await;
        let token = server.native().sign_in(&email).await;
        let long = format!("{{\"session_token\":\"{}\"}}", "x".repeat(6 << 20));
        let native = || server.ask("DELETE", "/self-service/logout/api");
        for (ask, status) in [
            (server.ask("GET", "/self-service/logout/browser"), 200),
            (server.ask("GET", "/self-service/logout/browser?return_to=https://evil.example").accept_json(), 400),
            (server.ask("GET", "/self-service/logout").accept_json(), 400),
            (server.ask("GET", "/self-service/logout?token=x").accept_json(), 403),
            (server.ask("GET", "/self-service/logout?token=x"), 303),
            (server.ask("GET", &url), 303),
            (server.ask("GET", &url).accept_json(), 401),
            (native().json(&json!({ "session_token": token })), 204),
            (native().json(&json!({ "session_token": "x" })), 403),
            (native().body("application/json", long), 413),
            (native().body("text/plain", "x"), 400),
            (server.ask("PUT", "/self-service/logout/api"), 405),
        ] {
            let mut copy = browser.clone();
            let answer = copy.send(ask).await;
            assert_eq!(answer.status, status, "{}", answer.body);
            let varies: Vec<_> =
                answer.headers.get_all("vary").iter().map(|value| value.to_str().expect("text")).collect();
            assert_eq!(varies.join(", "), vary, "{status}");
            assert!(answer.header("cache-control").contains("no-store"), "{status}");
        }
        assert_eq!(browser.whoami().await, Value::Null);
    }
}
