//! However a session ends, it is dead at that instant, on every route and every node.

use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Browser, Database, Form, PASSWORD, Server};

/// Checks that nothing which proved a session is of any use on any route.
pub async fn is_dead(server: &Server, thief: &Browser, token: &str, url: &str, email: &str, session: &Value) {
    let cookie = format!("ory_kratos_session={}", thief.session_cookie());
    let bearer = format!("Bearer {token}");
    let id = session["id"].as_str().expect("an id");
    for (name, value) in [("cookie", cookie.as_str()), ("x-session-token", token), ("authorization", &bearer)] {
        for (method, path) in [
            ("GET", "/sessions/whoami"),
            ("POST", "/sessions/whoami"),
            ("GET", "/sessions"),
            ("DELETE", "/sessions"),
            ("DELETE", "/sessions/1f2f3f4f-0000-4000-8000-000000000000"),
            ("GET", "/self-service/logout/browser"),
            ("GET", url),
            ("GET", "/self-service/login/browser?aal=aal2"),
            ("GET", "/self-service/login/api?aal=aal2"),
            ("GET", "/self-service/settings/browser"),
            ("GET", "/self-service/settings/api"),
        ] {
            let answer = server.ask(method, path).accept_json().header(name, value).send().await;
            assert!(matches!(answer.status, 401 | 404), "{method} {path} by {name}: {} {}", answer.status, answer.body);
        }
        // Whoever opens a form is nobody: it is no refresh, and nobody is told to be signed in already.
        for path in ["/self-service/login/browser?refresh=true", "/self-service/login/api?refresh=true"] {
            let answer = server.ask("GET", path).accept_json().header(name, value).send().await;
            assert_eq!((answer.status, &answer.json()["refresh"]), (200, &json!(false)), "{path} by {name}");
        }
        for path in ["/self-service/registration/browser", "/self-service/registration/api"] {
            let answer = server.ask("GET", path).accept_json().header(name, value).send().await;
            assert_eq!(answer.status, 200, "{path} by {name}");
        }
    }
    // A sign-in with these cookies is a new session, if it is one at all.
    let mut copy = thief.clone().at(server);
    let form = copy.open("login?refresh=true").await;
    let answer = copy.try_sign_in(&form, email, PASSWORD).await;
    if answer.status == 200 {
        assert_ne!(answer.json()["session"]["id"], session["id"]);
    }
    let extended = server.ask_admin("PATCH", &format!("/admin/sessions/{id}/extend")).send().await;
    assert!(extended.status < 500, "{}", extended.body);
    assert!(!server.accepts(token).await, "nothing of that brought it back");
}

/// The ways for a session to end besides logging out.
#[derive(Clone, Copy, Debug)]
enum End {
    RevokedByOperator,
    RemovedByOperator,
    RevokedFromAnother,
    AllOthersRevoked,
    Expired,
    IdentityDisabled,
    IdentityDeleted,
}

#[tokio::test]
async fn every_end_is_an_end_everywhere() {
    for database in Database::each().await {
        for (n, end) in [
            End::RevokedByOperator,
            End::RemovedByOperator,
            End::RevokedFromAnother,
            End::AllOthersRevoked,
            End::Expired,
            End::IdentityDisabled,
            End::IdentityDeleted,
        ]
        .into_iter()
        .enumerate()
        {
            let server = Server::start(&database).await;
            let second = server.another(&database, "").await;
            let email = format!("p{n}@example.org");
            let mut browser = server.browser();
            let session = browser.sign_up(&email).await;
            let other = server.native().sign_in(&email).await;
            let id = session["id"].as_str().expect("an id");
            let token = database.texts(&format!("SELECT token FROM sessions WHERE id = '{id}'")).await.remove(0);
            let url = browser.logout_url().await;
            // A form for proving it anew is open when the end comes.
            let form = browser.open("login?refresh=true").await;
            bring(end, &server, &session, &other).await;
            for node in [&second, &server] {
                is_dead(node, &browser, &token, &url, &email, &session).await;
            }
            late_refresh(end, &mut browser, &form, &email, &session).await;
            assert!(!server.accepts(&token).await, "{end:?}");
            // A native app that is told to sign out is out, whatever it was that ended its session.
            let logout = server.native().log_out(&token).await.status;
            assert!(matches!(logout, 204 | 403), "{end:?}: {logout}");
        }
    }
}

async fn bring(end: End, server: &Server, session: &Value, other: &str) {
    let id = session["id"].as_str().expect("an id");
    let identity = session["identity"]["id"].as_str().expect("an id");
    let admin = |method, path: String| server.ask_admin(method, &path);
    let answer = match end {
        End::RevokedByOperator => admin("DELETE", format!("/admin/sessions/{id}")).send().await,
        End::RemovedByOperator => admin("DELETE", format!("/admin/identities/{identity}/sessions")).send().await,
        End::RevokedFromAnother => server.ask("DELETE", &format!("/sessions/{id}")).token(other).send().await,
        End::AllOthersRevoked => server.ask("DELETE", "/sessions").token(other).send().await,
        End::Expired => {
            server.wait(SignedDuration::from_hours(24));
            return;
        }
        End::IdentityDisabled => {
            let body = json!([{ "op": "replace", "path": "/state", "value": "inactive" }]);
            admin("PATCH", format!("/admin/identities/{identity}")).json(&body).send().await
        }
        End::IdentityDeleted => admin("DELETE", format!("/admin/identities/{identity}")).send().await,
    };
    assert!(answer.status < 300, "{end:?}: {}", answer.body);
}

/// Sends the form that was open, with the right password.
async fn late_refresh(end: End, browser: &mut Browser, form: &Form, email: &str, session: &Value) {
    let form = match end {
        // By then the form is too old as well.
        End::Expired => &browser.open("login").await,
        _ => form,
    };
    let answer = browser.try_sign_in(form, email, PASSWORD).await;
    match end {
        End::IdentityDisabled => assert_eq!(answer.status, 401, "{end:?}: {}", answer.body),
        End::IdentityDeleted => assert_eq!(Form::of(&answer).messages(), [4_000_006]),
        _ => {
            assert_eq!(answer.status, 200, "{end:?}: {}", answer.body);
            assert_ne!(answer.json()["session"]["id"], session["id"], "{end:?}: it is another session");
        }
    }
}

#[tokio::test]
async fn a_session_lives_to_its_last_second() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let token = server.native().sign_up("a@example.org").await;
        server.wait(SignedDuration::from_hours(24) - SignedDuration::from_secs(1));
        assert!(server.accepts(&token).await);
        server.wait(SignedDuration::from_secs(1));
        assert!(!server.accepts(&token).await);
    }
}

#[tokio::test]
async fn a_secret_that_is_taken_away_takes_its_cookies_along() {
    let database = Database::sqlite().await;
    let server = Server::start(&database).await;
    let mut browser = server.browser();
    browser.sign_up("a@example.org").await;
    let url = browser.logout_url().await;
    let rotated = server.another(&database, "secrets: { cookie: [quite-another-cookie-secret] }").await;
    let mut moved = browser.clone().at(&rotated);
    assert!(!moved.is_signed_in().await);
    assert_eq!(moved.fetch(&url).await.status, 401);
    assert!(browser.is_signed_in().await, "the session itself goes on");
}
