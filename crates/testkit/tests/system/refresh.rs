//! Signing in again while signed in.

use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Database, PASSWORD, Server};

#[tokio::test]
async fn a_refresh_keeps_the_session_and_its_token() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let native = server.native();
        let token = native.sign_up("a@example.org").await;
        let before = server.whoami(&token).await;
        server.wait(SignedDuration::from_hours(2));
        let ask = server.ask("GET", "/self-service/login/api?refresh=true").token(&token);
        let form = testkit::Form::of(&ask.send().await);
        assert_eq!((&form.body["refresh"], form.messages()), (&json!(true), vec![1_010_003]));
        assert_eq!(form.field("identifier")["value"], "a@example.org");
        let body = json!({ "method": "password", "identifier": "a@example.org", "password": PASSWORD });
        let answer = server.ask("POST", form.action()).token(&token).json(&body).send().await;
        assert_eq!((answer.status, &answer.json()["session_token"]), (200, &json!(token)), "{}", answer.body);
        let after = server.whoami(&token).await;
        assert_eq!(after["id"], before["id"]);
        assert_eq!(after["authenticated_at"], "2026-11-21T12:00:00Z");
        assert_eq!(after["expires_at"], "2026-11-22T12:00:00Z");
        assert_eq!(after["authentication_methods"].as_array().map(Vec::len), Some(2));
        assert_eq!(database.count("sessions").await, 1);
    }
}

#[tokio::test]
async fn a_browser_stays_in_its_session_and_may_say_it_is_someone_else() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        server.import("b@example.org", PASSWORD).await;
        let mut browser = server.browser();
        let a = browser.sign_up("a@example.org").await;
        let (_, csrf) = browser.csrf_cookie();
        let csrf = csrf.to_owned();
        server.wait(SignedDuration::from_mins(1));

        let form = browser.open("login?refresh=true").await;
        let answer = browser.try_sign_in(&form, "a@example.org", PASSWORD).await;
        assert_eq!((answer.status, &answer.json()["session"]["id"]), (200, &a["id"]));
        assert_eq!(browser.csrf_cookie().1, csrf, "nobody else is signed in, so forms stay good");

        // Wrong passwords end nothing.
        let form = browser.open("login?refresh=true").await;
        assert_eq!(browser.try_sign_in(&form, "a@example.org", "not-the-passw0rd").await.status, 400);
        assert_eq!(browser.whoami().await["id"], a["id"]);

        let form = browser.open("login?refresh=true").await;
        let mut old = browser.clone();
        let answer = browser.try_sign_in(&form, "b@example.org", PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let b = browser.whoami().await;
        assert_eq!(b["identity"]["traits"]["email"], "b@example.org");
        assert_ne!(b["id"], a["id"]);
        assert_ne!(browser.csrf_cookie().1, csrf, "forms of the other person are worth nothing");
        let of_a =
            server.ask_admin("GET", &format!("/admin/sessions/{}", a["id"].as_str().expect("an id"))).send().await;
        assert_eq!(of_a.json()["authentication_methods"].as_array().map(Vec::len), Some(2), "A proved nothing more");
        assert_eq!(old.whoami().await["identity"]["traits"]["email"], "a@example.org");
    }
}

#[tokio::test]
async fn whoever_is_signed_in_is_sent_on() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let mut browser = server.browser();
        let (login, registration) = (browser.open("login").await, browser.open("registration").await);
        browser.sign_up("a@example.org").await;
        for flow in ["login", "registration"] {
            let path = format!("/self-service/{flow}/browser");
            let page = browser.visit(&format!("{path}?return_to=http://127.0.0.1:4455/deep")).await;
            assert_eq!((page.status, page.header("location")), (303, "http://127.0.0.1:4455/deep"), "{flow}");
            assert_eq!(browser.fetch(&path).await.error_id(), "session_already_available", "{flow}");
        }
        // Forms that were open in other tabs change nothing either.
        for form in [&login, &registration] {
            let body = json!({ "method": "password", "identifier": "a@example.org", "password": PASSWORD,
                "traits": { "email": "b@example.org" } });
            let answer = browser.submit(form, body).await;
            assert_eq!((answer.status, answer.cookies()), (400, vec![]), "{}", answer.body);
        }
        assert_eq!((database.count("sessions").await, database.count("identities").await), (1, 1));
        let no_factor = server.browser().fetch("/self-service/login/browser?aal=aal2").await;
        assert_eq!((no_factor.status, no_factor.error_id().as_str()), (401, "session_aal1_required"));
        assert_ne!(browser.whoami().await, Value::Null);
    }
}
