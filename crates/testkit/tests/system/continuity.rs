//! Changes of settings that need a fresh sign-in, and are made once the browser comes back from it.

use model::SignedDuration;
use serde_json::json;
use testkit::{Answer, Browser, Database, Form, PASSWORD, Server};

const COOKIE: &str = "ory_kratos_continuity";
const NEW: &str = "an-0ther-g00d-Pass!";

/// Somebody who signed in too long ago to change a password, with the form open.
async fn signed_in_long_ago(server: &Server, email: &str) -> (Browser, Form) {
    let mut browser = server.browser();
    browser.sign_up(email).await;
    server.wait(SignedDuration::from_hours(2));
    let form = browser.open("settings").await;
    (browser, form)
}

/// Sends the form as a page does.
async fn send_page(browser: &mut Browser, form: &Form, fields: &[(&str, &str)]) -> Answer {
    let token = [("csrf_token", form.csrf_token())];
    let ask = browser.server.ask("POST", form.action()).accept_html().form(&[fields, &token].concat());
    browser.send(ask).await
}

async fn prove_it_anew(browser: &mut Browser, email: &str) {
    let form = browser.open("login?refresh=true").await;
    assert_eq!(browser.try_sign_in(&form, email, PASSWORD).await.status, 200);
}

async fn opens_with(server: &Server, email: &str, password: &str) -> bool {
    let mut browser = server.browser();
    let form = browser.open("login").await;
    browser.try_sign_in(&form, email, password).await.status == 200
}

#[tokio::test]
async fn a_new_password_is_set_after_signing_in_again() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let email = "a@example.org";
        let (mut browser, form) = signed_in_long_ago(&server, email).await;
        let sent = send_page(&mut browser, &form, &[("method", "password"), ("password", NEW)]).await;
        let page = sent.header("location").to_owned();
        let prefix = "http://127.0.0.1:4433/self-service/login/browser?refresh=true&return_to=";
        assert!(sent.status == 303 && page.starts_with(prefix), "{sent:?}");
        let line = sent.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
        let line = line.filter(|line| line.starts_with(COOKIE)).collect::<String>();
        assert!(
            line.contains("; Path=/; ") && line.ends_with("; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax")
                || line.ends_with("; Max-Age=2592000; HttpOnly; SameSite=Lax"),
            "{line}"
        );
        let kept = database.texts("SELECT CAST(payload AS text) FROM continuity_containers").await.concat();
        assert!(!kept.contains(NEW) && kept.contains(form.id()), "no password stands in the database: {kept}");
        assert_eq!(database.texts("SELECT name FROM continuity_containers").await, ["ory_kratos_settings_password"]);

        // Coming back without having signed in again leads there again, and nothing is lost.
        let early = browser.visit(form.action()).await;
        assert!(early.status == 303 && early.header("location").starts_with(prefix), "{early:?}");
        assert_eq!(database.count("continuity_containers").await, 1);

        prove_it_anew(&mut browser, email).await;
        let mut thief = browser.clone();
        thief.jar.remove(COOKIE);
        assert_eq!(thief.visit(form.action()).await.status, 303, "another browser is shown its form");
        assert!(opens_with(&server, email, PASSWORD).await, "and changes nothing");

        let mut copy = browser.clone();
        let back = browser.visit(form.action()).await;
        assert_eq!(
            (back.status, back.header("location")),
            (303, format!("http://127.0.0.1:4433/ui/settings?flow={}", form.id()).as_str())
        );
        assert!(opens_with(&server, email, NEW).await && !opens_with(&server, email, PASSWORD).await);
        assert_eq!(database.count("continuity_containers").await, 0);
        let shown = browser.fetch(&format!("/self-service/settings/flows?id={}", form.id())).await;
        assert_eq!((&shown.json()["state"], Form::of(&shown).messages()), (&json!("success"), vec![1_050_001]));

        // It is good once.
        copy.visit(form.action()).await;
        assert!(opens_with(&server, email, NEW).await);
    }
}

#[tokio::test]
async fn scripts_keep_it_too_and_native_apps_do_not() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let email = "a@example.org";
        let (mut browser, form) = signed_in_long_ago(&server, email).await;
        let sent = browser.submit(&form, json!({ "method": "profile", "traits": { "email": "b@example.org" } })).await;
        assert_eq!((sent.status, sent.error_id().as_str()), (403, "session_refresh_required"), "{}", sent.body);
        assert!(sent.json()["redirect_browser_to"].as_str().is_some_and(|url| url.contains("refresh=true")));
        assert!(browser.jar.contains_key(COOKIE));
        prove_it_anew(&mut browser, email).await;
        browser.visit(form.action()).await;
        assert_eq!(browser.whoami().await["identity"]["traits"]["email"], "b@example.org");

        let native = server.native();
        let token = native.sign_up("c@example.org").await;
        server.wait(SignedDuration::from_hours(2));
        let form = Form::of(&server.ask("GET", "/self-service/settings/api").token(&token).send().await);
        let body = json!({ "method": "password", "password": NEW });
        let sent = server.ask("POST", form.action()).token(&token).json(&body).send().await;
        assert_eq!((sent.status, sent.error_id().as_str(), sent.cookies()), (403, "session_refresh_required", vec![]));
        assert_eq!(database.count("continuity_containers").await, 0);
    }
}

#[tokio::test]
async fn the_way_back_is_ours_by_whatever_host_the_form_was_sent() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        for (n, method) in ["password", "profile"].into_iter().enumerate() {
            let email = format!("p{n}@example.org");
            let (mut browser, form) = signed_in_long_ago(&server, &email).await;
            let body = json!({ "method": method, "password": NEW, "traits": { "email": "b@example.org" } });
            let ask =
                form.ask(&server, body).set_header("host", "elsewhere.example").header("x-forwarded-proto", "https");
            let sent = browser.send(ask).await;
            assert_eq!((sent.status, sent.error_id().as_str()), (403, "session_refresh_required"), "{}", sent.body);
            let to = sent.json()["redirect_browser_to"].as_str().expect("an address").to_owned();
            let way_back = format!("http%3A%2F%2F127.0.0.1%3A4433%2Fself-service%2Fsettings%3Fflow%3D{}", form.id());
            assert!(to.ends_with(&format!("?refresh=true&return_to={way_back}")), "{to}");
            let path = to.trim_start_matches("http://127.0.0.1:4433");
            let opened = browser.visit(path).await;
            assert!(opened.header("location").contains("/login?flow="), "it is followed: {}", opened.body);
        }
    }
}

#[tokio::test]
async fn it_is_for_one_person_one_form_and_a_quarter_of_an_hour() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let email = "a@example.org";
        let fields = [("method", "password"), ("password", NEW)];

        let (mut browser, form) = signed_in_long_ago(&server, email).await;
        send_page(&mut browser, &form, &fields).await;
        server.import("b@example.org", PASSWORD).await;
        let other = browser.open("login?refresh=true").await;
        browser.try_sign_in(&other, "b@example.org", PASSWORD).await;
        let back = browser.visit(form.action()).await;
        assert_eq!(back.status, 303, "{back:?}");
        assert!(back.header("location").starts_with("http://127.0.0.1:4455/error?id="), "{back:?}");
        assert!(opens_with(&server, email, PASSWORD).await && opens_with(&server, "b@example.org", PASSWORD).await);

        // Opening another form is giving the first one up.
        let (mut browser, form) = signed_in_long_ago(&server, "c@example.org").await;
        send_page(&mut browser, &form, &fields).await;
        prove_it_anew(&mut browser, "c@example.org").await;
        browser.open("settings").await;
        browser.visit(form.action()).await;
        assert!(opens_with(&server, "c@example.org", PASSWORD).await);

        // A change belongs to its form.
        let (mut browser, form) = signed_in_long_ago(&server, "d@example.org").await;
        let second = browser.open("settings").await;
        send_page(&mut browser, &form, &fields).await;
        prove_it_anew(&mut browser, "d@example.org").await;
        browser.visit(second.action()).await;
        assert!(opens_with(&server, "d@example.org", PASSWORD).await);

        // What is sent now counts, not what was sent before.
        let third = ("password", "a-th1rd-g00d-Pass!");
        send_page(&mut browser, &form, &[("method", "password"), third]).await;
        assert!(opens_with(&server, "d@example.org", third.1).await);

        let (mut browser, form) = signed_in_long_ago(&server, "e@example.org").await;
        send_page(&mut browser, &form, &fields).await;
        prove_it_anew(&mut browser, "e@example.org").await;
        server.wait(SignedDuration::from_mins(15));
        browser.visit(form.action()).await;
        assert!(opens_with(&server, "e@example.org", PASSWORD).await);
    }
}
