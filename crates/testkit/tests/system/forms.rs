//! What holds for all forms: their age, whose they are, and where they lead.

use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Answer, Browser, Database, Form, PASSWORD, Server};

const FLOWS: [&str; 2] = ["login", "registration"];

/// What completes a form: signing in or up as this person.
fn filled(email: &str) -> Value {
    json!({ "method": "password", "identifier": email, "traits": { "email": email }, "password": PASSWORD })
}

/// An address for which the flow works: an account that is there, or one that is not yet.
async fn suitable(server: &Server, flow: &str, name: &str) -> String {
    let email = format!("{name}-{flow}@example.org");
    if flow == "login" {
        server.import(&email, PASSWORD).await;
    }
    email
}

/// Where a browser goes that sends a form as browsers do.
async fn send_page(browser: &mut Browser, form: &Form, fields: &[(&str, &str)]) -> Answer {
    let token = [("csrf_token", form.csrf_token())];
    let ask = browser.server.ask("POST", form.action()).accept_html().form(&[fields, &token].concat());
    browser.send(ask).await
}

#[tokio::test]
async fn a_form_that_is_too_old_is_replaced() {
    for database in Database::each().await {
        for flow in FLOWS {
            let server = Server::start(&database).await;
            let email = suitable(&server, flow, "old").await;
            let mut browser = server.browser();
            let form = browser.open(&format!("{flow}?return_to=http://127.0.0.1:4455/deep")).await;
            server.wait(SignedDuration::from_mins(10));

            let fetched = browser.fetch(&format!("/self-service/{flow}/flows?id={}", form.id())).await;
            assert_eq!((fetched.status, fetched.error_id().as_str()), (410, "self_service_flow_expired"));
            let again = fetched.json()["error"]["details"]["redirect_to"].as_str().expect("an address").to_owned();
            assert!(again.contains("return_to=http%3A%2F%2F127.0.0.1%3A4455%2Fdeep"), "{again}");

            let sent = browser.submit(&form, filled(&email)).await;
            assert_eq!((sent.status, sent.error_id().as_str()), (410, "self_service_flow_expired"), "{}", sent.body);
            let next = sent.json()["use_flow_id"].as_str().expect("an id").to_owned();
            let next = Form::of(&browser.fetch(&format!("/self-service/{flow}/flows?id={next}")).await);
            let expected = if flow == "login" { 4_010_001 } else { 4_040_001 };
            assert_eq!(next.messages(), [expected]);
            assert_eq!(next.body["return_to"], "http://127.0.0.1:4455/deep");

            let page = send_page(&mut browser, &form, &[("method", "password")]).await;
            let prefix = format!("http://127.0.0.1:4455/{flow}?flow=");
            assert!(page.status == 303 && page.header("location").starts_with(&prefix), "{page:?}");

            assert_eq!(browser.submit(&next, filled(&email)).await.status, 200);

            let native = server.native();
            let form = native.open(flow).await;
            server.wait(SignedDuration::from_mins(10));
            let sent = native.submit(&form, filled("native@example.org")).await;
            assert_eq!((sent.status, sent.json()["use_flow_id"].is_string()), (410, true));
        }
    }
}

#[tokio::test]
async fn a_form_belongs_to_the_browser_that_opened_it() {
    for database in Database::each().await {
        for flow in FLOWS {
            let server = Server::start(&database).await;
            let email = suitable(&server, flow, "mine").await;
            let (mut mine, mut other) = (server.browser(), server.browser());
            let form = mine.open(flow).await;
            let own = other.open(flow).await;
            let path = format!("/self-service/{flow}/flows?id={}", form.id());
            for stranger in [&mut other, &mut server.browser()] {
                let fetched = stranger.fetch(&path).await;
                assert_eq!((fetched.status, fetched.error_id().as_str()), (403, "security_csrf_violation"), "{flow}");
                let sent = stranger.submit(&form, filled(&email)).await;
                assert_eq!((sent.status, sent.error_id().as_str()), (403, "security_csrf_violation"), "{flow}");
                assert!(!sent.headers.contains_key("set-cookie"));
            }
            for token in ["", "x", own.csrf_token(), &own.csrf_token()[..40]] {
                let mut body = filled(&email);
                body["csrf_token"] = token.into();
                let ask = server.ask("POST", form.action()).accept_json().json(&body);
                assert_eq!(mine.send(ask).await.error_id(), "security_csrf_violation", "{flow} {token}");
            }
            // None of that has used the form up.
            assert_eq!(mine.fetch(&path).await.status, 200);
            assert_eq!(mine.submit(&form, filled(&email)).await.status, 200);
        }
    }
}

#[tokio::test]
async fn forms_from_before_a_sign_in_are_worth_nothing_after_it() {
    for database in Database::each().await {
        for flow in FLOWS {
            let server = Server::start(&database).await;
            let email = suitable(&server, flow, "rotated").await;
            let mut browser = server.browser();
            let (planted, form) = (browser.open("login").await, browser.open(flow).await);
            let before = browser.csrf_cookie().1.to_owned();
            assert_eq!(browser.submit(&form, filled(&email)).await.status, 200);
            assert_ne!(browser.csrf_cookie().1, before);
            let url = browser.logout_url().await;
            assert_eq!(browser.fetch(&url).await.status, 204);
            let sent = browser.submit(&planted, filled(&email)).await;
            assert_eq!((sent.status, sent.error_id().as_str()), (403, "security_csrf_violation"));
        }
    }
}

#[tokio::test]
async fn return_to_is_checked_first_and_kept_through_mistakes() {
    for database in Database::each().await {
        for flow in FLOWS {
            let server = Server::start(&database).await;
            let email = suitable(&server, flow, "back").await;
            let mut browser = server.browser();
            for bad in [
                "https://evil.example/",
                "//evil.example",
                "javascript:alert(1)",
                "http://127.0.0.1:4455@evil.example/",
            ] {
                let path = format!("/self-service/{flow}/browser?return_to={bad}");
                let refused = browser.fetch(&path).await;
                assert_eq!(refused.status, 400, "{flow} {bad}: {}", refused.body);
                let page = browser.visit(&path).await;
                assert!(page.header("location").starts_with("http://127.0.0.1:4455/error?id="), "{page:?}");
                let native = server.ask("GET", &format!("/self-service/{flow}/api?return_to={bad}")).send().await;
                assert_eq!(native.status, 400);
            }
            let form = browser.open(&format!("{flow}?return_to=http://127.0.0.1:4455/deep?x=1")).await;
            let fields: Vec<(&str, &str)> =
                vec![("method", "password"), ("identifier", &email), ("traits.email", &email), ("password", "short")];
            let mistake = send_page(&mut browser, &form, &fields).await;
            let location = mistake.header("location");
            assert_eq!(location, format!("http://127.0.0.1:4455/{flow}?flow={}", form.id()), "{flow}");
            let form = Form::of(&browser.fetch(&format!("/self-service/{flow}/flows?id={}", form.id())).await);
            assert_eq!(form.body["return_to"], "http://127.0.0.1:4455/deep?x=1");
            assert_eq!(form.messages().len(), 1);
            let fields: Vec<_> = fields
                .into_iter()
                .map(|(name, value)| (name, if name == "password" { PASSWORD } else { value }))
                .collect();
            let done = send_page(&mut browser, &form, &fields).await;
            assert_eq!((done.status, done.header("location")), (303, "http://127.0.0.1:4455/deep?x=1"), "{flow}");
            assert!(browser.is_signed_in().await);
        }
    }
}

#[tokio::test]
async fn browsers_cannot_send_forms_of_native_apps() {
    for database in Database::each().await {
        for flow in FLOWS {
            let server = Server::start(&database).await;
            let email = suitable(&server, flow, "native").await;
            let form = server.native().open(flow).await;
            for (name, value) in
                [("cookie", "a=b"), ("cookie", "__cfx=1; session=2"), ("origin", "http://127.0.0.1:4455")]
            {
                let ask = server.ask("POST", form.action()).json(&filled(&email)).header(name, value);
                let answer = ask.send().await;
                assert_eq!((answer.status, Form::of(&answer).messages()), (400, vec![4_000_001]), "{name}: {value}");
                assert!(!answer.body.contains("session_token"));
            }
            assert_eq!(database.count("sessions").await, if flow == "login" { 0 } else { 1 });
            // What a proxy adds by itself is no browser.
            let ask = server.ask("POST", form.action()).json(&filled(&email)).header("cookie", "__cf_bm=1");
            assert_eq!(ask.send().await.status, 200);
        }
    }
}

#[tokio::test]
async fn forms_come_in_every_encoding() {
    for database in Database::each().await {
        for flow in FLOWS {
            let server = Server::start(&database).await;
            for encoding in ["form", "multipart", "json", "json as a page"] {
                let email = suitable(&server, flow, &encoding.replace(' ', "-")).await;
                let mut browser = server.browser();
                let form = browser.open(flow).await;
                let fields = [
                    ("method", "password"),
                    ("identifier", &email),
                    ("traits.email", &email),
                    ("password", PASSWORD),
                    ("csrf_token", form.csrf_token()),
                ];
                let ask = server.ask("POST", form.action());
                let ask = match encoding {
                    "form" => ask.accept_html().form(&fields),
                    "multipart" => ask.accept_html().multipart(&fields),
                    "json" => form.ask(&server, filled(&email)),
                    _ => {
                        let mut body = filled(&email);
                        body["csrf_token"] = form.csrf_token().into();
                        ask.accept_html().body("application/json; charset=utf-8", body.to_string())
                    }
                };
                let answer = browser.send(ask).await;
                let expected = if encoding == "json" { 200 } else { 303 };
                assert_eq!(answer.status, expected, "{flow} as {encoding}: {}", answer.body);
                assert_eq!(browser.whoami().await["identity"]["traits"]["email"], email);
            }
        }
    }
}
