//! Signing in again while signed in.

use crypto::TotpSecret;
use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Answer, Browser, Database, Form, PASSWORD, Server, Setup};

use crate::logout::give_totp;

#[tokio::test]
async fn a_refresh_keeps_the_session_and_its_token() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let native = server.native();
        let token = native.sign_up("a@example.org").await;
        let before = server.whoami(&token).await;
        server.wait(SignedDuration::from_hours(2));
        let ask = server.ask("GET", "/self-service/login/api?refresh=true").token(&token);
        let form = Form::of(&ask.send().await);
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

/// What a thief who has copied a browser's cookies still gets by them.
async fn is_left_with_nothing(thief: &mut Browser) {
    assert!(!thief.clone().is_signed_in().await);
    assert_eq!(thief.clone().fetch("/sessions").await.status, 401);
    assert_eq!(changes(thief).await, [401, 401, 401, 401]);
}

/// The statuses by which requests are answered that change something, or lead to that.
async fn changes(thief: &mut Browser) -> Vec<u16> {
    let mut statuses = Vec::new();
    for (method, path) in [
        ("GET", "/self-service/logout/browser"),
        ("GET", "/self-service/logout?token=ory_lo_guessed"),
        ("GET", "/self-service/settings/browser"),
        ("DELETE", "/sessions"),
    ] {
        let ask = thief.server.ask(method, path).accept_json();
        statuses.push(thief.clone().send(ask).await.status);
    }
    statuses
}

async fn refresh(browser: &mut Browser, email: &str) -> Answer {
    let form = browser.open("login?refresh=true").await;
    let answer = browser.try_sign_in(&form, email, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

#[tokio::test]
async fn whoever_has_copied_a_cookie_is_left_with_nothing_by_a_refresh() {
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with("feature_flags: { cacheable_sessions: true }")).await;
        let mut browser = server.browser();
        let before = browser.sign_up("a@example.org").await;
        let logout_url = browser.logout_url().await;
        let settings = browser.open("settings").await;
        let mut thief = browser.clone();
        server.wait(SignedDuration::from_mins(1));
        refresh(&mut browser, "a@example.org").await;

        // What was under way is answered, as before, and changes nothing.
        let seen = thief.fetch("/sessions/whoami").await;
        assert_eq!((seen.status, seen.cookies()), (200, vec![]), "{}", seen.body);
        assert!(!seen.headers.contains_key("ory-session-cache-for"), "nobody may keep this");
        let seen = seen.json();
        assert_eq!((&seen["id"], &seen["authenticated_at"]), (&before["id"], &before["authenticated_at"]));
        assert_eq!(seen["authentication_methods"].as_array().map(Vec::len), Some(1), "{seen}");
        assert_eq!(thief.clone().fetch("/sessions").await.status, 200);
        assert_eq!(changes(&mut thief).await, [401, 403, 401, 401]);
        server.wait(SignedDuration::from_secs(9));
        assert!(thief.clone().is_signed_in().await);
        server.wait(SignedDuration::from_secs(1));
        is_left_with_nothing(&mut thief).await;
        assert!(thief.clone().visit(&logout_url).await.header("location").contains("/error?id="));

        // The browser goes on with its session, its forms and its logout URL.
        let after = browser.whoami().await;
        assert_eq!((&after["id"], after["authentication_methods"].as_array().map(Vec::len)), (&before["id"], Some(2)));
        let changed = browser
            .submit(&settings, json!({ "method": "profile", "traits": { "email": "a@example.org", "name": "Ann" } }));
        assert_eq!(changed.await.status, 200);
        assert_eq!(browser.logout_url().await, logout_url);
        assert_eq!(browser.visit(&logout_url).await.header("location"), "http://127.0.0.1:4455/bye");
        assert!(!browser.is_signed_in().await);
        server.clean_up().await;
        assert_eq!(database.count("zelus_superseded_tokens").await, 0);
    }
}

#[tokio::test]
async fn a_token_of_before_the_second_factor_proves_one_factor_for_as_long_as_it_answers() {
    const TOTP: &str = "
selfservice: { methods: { totp: { enabled: true } } }
session: { whoami: { required_aal: aal1 } }";
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with(TOTP)).await;
        let identity = server.import("a@example.org", PASSWORD).await;
        give_totp(&database, &identity).await;
        let mut browser = server.browser();
        let form = browser.open("login").await;
        browser.try_sign_in(&form, "a@example.org", PASSWORD).await;
        let mut thief = browser.clone();
        let form = browser.open("login?aal=aal2").await;
        let secret = TotpSecret::from_base32("JBSWY3DPEHPK3PXP").expect("base32");
        let code = json!({ "method": "totp", "totp_code": secret.code_at(server.setup.clock.now()) });
        assert_eq!(browser.submit(&form, code).await.status, 200);
        assert_eq!(browser.whoami().await["authenticator_assurance_level"], "aal2");
        assert_eq!(thief.whoami().await["authenticator_assurance_level"], "aal1");
        server.wait(SignedDuration::from_secs(10));
        is_left_with_nothing(&mut thief).await;

        // A session that is over is so by any of its tokens.
        let mut thief = browser.clone();
        server.wait(SignedDuration::from_mins(1));
        refresh(&mut browser, "a@example.org").await;
        assert!(thief.is_signed_in().await);
        let url = browser.logout_url().await;
        browser.visit(&url).await;
        is_left_with_nothing(&mut thief).await;
    }
}

#[tokio::test]
async fn a_logout_that_is_under_way_ends_the_session() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let mut browser = server.browser();
        browser.sign_up("a@example.org").await;
        let logout_url = browser.logout_url().await;
        let mut other_window = browser.clone();
        refresh(&mut browser, "a@example.org").await;
        assert_eq!(other_window.visit(&logout_url).await.header("location"), "http://127.0.0.1:4455/bye");
        assert_eq!(other_window.session_cookie(), "");
        assert!(!browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn two_refreshes_at_once_leave_the_browser_signed_in() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let mut browser = server.browser();
        browser.sign_up("a@example.org").await;
        let form = browser.open("login?refresh=true").await;
        let (mut first, mut second) = (browser.clone(), browser.clone());
        let (one, other) = tokio::join!(
            first.try_sign_in(&form, "a@example.org", PASSWORD),
            second.try_sign_in(&form, "a@example.org", PASSWORD),
        );
        assert_eq!((one.status, other.status), (200, 200), "{} {}", one.body, other.body);
        server.wait(SignedDuration::from_secs(10));
        let good = [first.is_signed_in().await, second.is_signed_in().await];
        assert_eq!(good.iter().filter(|good| **good).count(), 1, "the one that was answered last");
        assert!(!browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn apps_get_another_token_where_they_are_set_to() {
    const ROTATES: &str = "zelus: { session: { rotate_native_tokens: true } }";
    const DEFAULTS: &str = "zelus: { defaults: zelus }";
    const KEEPS: &str = "zelus: { defaults: zelus, session: { rotate_native_tokens: false } }";
    for database in Database::each().await {
        for (more, rotates) in [("{}", false), (ROTATES, true), (DEFAULTS, true), (KEEPS, false)] {
            let server = Server::of(&database, Setup::with(more)).await;
            let email = format!("{}@example.org", more.len());
            server.import(&email, PASSWORD).await;
            let token = server.native().sign_in(&email).await;
            let form = server.ask("GET", "/self-service/login/api?refresh=true").token(&token).send().await;
            let body = json!({ "method": "password", "identifier": email, "password": PASSWORD });
            let answer = server.ask("POST", Form::of(&form).action()).token(&token).json(&body).send().await;
            let fresh = answer.json()["session_token"].as_str().expect("a token").to_owned();
            assert_eq!(fresh != token, rotates, "{more}");
            server.wait(SignedDuration::from_secs(10));
            assert!(server.accepts(&fresh).await);
            assert_eq!(server.accepts(&token).await, !rotates, "{more}");
            let ended = server.ask("DELETE", "/self-service/logout/api").json(&json!({ "session_token": token }));
            assert_eq!(ended.send().await.status, if rotates { 403 } else { 204 });
        }
    }
}

#[tokio::test]
async fn setting_up_a_second_factor_leaves_copies_of_the_cookie_behind() {
    let config = "selfservice: { methods: { totp: { enabled: true, config: { issuer: X } } } }
session: { whoami: { required_aal: aal1 } }
zelus: { session: { rotate_native_tokens: true } }";
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with(config)).await;
        let secret_of = |form: &Form| {
            let nodes = form.body["ui"]["nodes"].as_array().expect("nodes").clone();
            let node = nodes.into_iter().find(|node| node["attributes"]["id"] == "totp_secret_key").expect("a secret");
            let text = node["attributes"]["text"]["text"].as_str().expect("a text").replace(' ', "");
            TotpSecret::from_base32(&text).expect("base32")
        };
        let mut browser = server.browser();
        browser.sign_up("a@example.org").await;
        let logout = browser.logout_url().await;
        let mut thief = browser.clone();
        let form = browser.open("settings").await;
        let code = secret_of(&form).code_at(server.setup.clock.now());
        let saved = browser.submit(&form, json!({ "method": "totp", "totp_code": code })).await;
        assert_eq!(saved.status, 200, "{}", saved.body);
        let session = browser.whoami().await;
        assert_eq!(session["authenticator_assurance_level"], "aal2");
        assert_eq!(browser.logout_url().await, logout, "the logout link stays");
        // What was under way is answered as it stood before.
        assert_eq!(thief.whoami().await["authenticator_assurance_level"], "aal1");
        server.wait(SignedDuration::from_secs(11));
        assert!(!thief.is_signed_in().await && browser.is_signed_in().await);

        let native = server.native();
        let old = native.sign_up("b@example.org").await;
        let form = Form::of(&server.ask("GET", "/self-service/settings/api").token(&old).send().await);
        let code = secret_of(&form).code_at(server.setup.clock.now());
        let body = json!({ "method": "totp", "totp_code": code });
        let saved = server.ask("POST", form.action()).token(&old).json(&body).send().await;
        let next = &saved.json()["continue_with"][0];
        assert_eq!(next["action"], "set_ory_session_token", "{}", saved.body);
        let new = next["ory_session_token"].as_str().expect("a token").to_owned();
        server.wait(SignedDuration::from_secs(11));
        assert!(server.accepts(&new).await && !server.accepts(&old).await);
    }
}
