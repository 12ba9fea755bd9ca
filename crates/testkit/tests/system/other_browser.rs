//! Links and forms in a browser that did not open them: it is led to a form, and can fetch it.

use model::SignedDuration;
use serde_json::json;
use testkit::{Answer, Browser, Database, Form, PASSWORD, Server};

use crate::codes::{self, EMAIL};

const FLOWS: &str = "selfservice: { methods: { link: { enabled: true } }, flows: { recovery: { enabled: true } } }";
const BY_LINK: &str = "selfservice: { flows: { recovery: { use: link }, verification: { use: link } } }";

/// Fetches the form that an answer leads to, as the page there does.
async fn fetch(browser: &mut Browser, flow: &str, answer: &Answer) -> Answer {
    let location = answer.header("location");
    let (_, id) = location.split_once("?flow=").unwrap_or_else(|| panic!("led to {location}: {}", answer.body));
    browser.fetch(&format!("/self-service/{flow}/flows?id={id}")).await
}

/// A server with one person, who has a password.
async fn server(database: &Database) -> Server {
    let server = codes::server(database, &[FLOWS, BY_LINK]).await;
    let native = server.native();
    let form = native.open("registration").await;
    let body = json!({ "method": "password", "traits": { "email": EMAIL }, "password": PASSWORD });
    assert_eq!(native.submit(&form, body).await.status, 200);
    server.wait(SignedDuration::from_secs(1));
    server
}

#[tokio::test]
async fn a_verification_link_shows_its_success_in_any_browser() {
    for database in Database::each().await {
        let server = server(&database).await;
        let mut owner = server.browser();
        let form = owner.open("verification").await;
        owner.submit(&form, json!({ "method": "link", "email": EMAIL })).await;
        let sql = "SELECT body FROM courier_messages WHERE body LIKE '%token=%' ORDER BY created_at DESC";
        let body = database.texts(sql).await.remove(0);
        let start = body.find("http://127.0.0.1:4433/").unwrap_or_else(|| panic!("no link in {body}"));
        let link = body[start..].split_whitespace().next().expect("a link");

        let mut other = server.browser();
        let opened = other.visit(link).await;
        assert_eq!(opened.status, 303, "{}", opened.body);
        let shown = fetch(&mut other, "verification", &opened).await;
        assert_eq!((shown.status, Form::of(&shown).messages()), (200, vec![1_080_002]), "{}", shown.body);
        // It has become that browser's, and no other's.
        assert_eq!(fetch(&mut server.browser(), "verification", &opened).await.status, 403);
        assert_eq!(fetch(&mut owner, "verification", &opened).await.status, 403);

        // Whoever has the cookie keeps it.
        let before = other.jar.clone();
        let again = other.visit("/self-service/verification/browser").await;
        assert_eq!((again.status, &other.jar), (303, &before));
    }
}

#[tokio::test]
async fn the_form_in_the_place_of_one_that_is_too_old_belongs_to_who_sent_it() {
    for database in Database::each().await {
        let server = server(&database).await;
        for flow in ["login", "registration", "recovery", "verification"] {
            let mut opener = server.browser();
            let old = opener.open(flow).await;
            server.wait(SignedDuration::from_hours(3));
            for has_cookie in [false, true] {
                let mut sender = server.browser();
                if has_cookie {
                    sender.open(flow).await;
                }
                let before = sender.jar.clone();
                let ask = server.ask("POST", old.action()).accept_html().form(&[("method", "password")]);
                let answer = sender.send(ask).await;
                let shown = fetch(&mut sender, flow, &answer).await;
                assert_eq!(shown.status, 200, "{flow} {has_cookie}: {}", shown.body);
                // In verification Kratos replaces the cookie each time.
                assert!(!has_cookie || flow == "verification" || sender.jar == before, "{flow}: it stays");
                // Nobody who has not sent it can go on with it.
                assert_eq!(fetch(&mut server.browser(), flow, &answer).await.status, 403, "{flow}");
            }
            // A script is told by JSON, and can go on as well.
            let mut script = server.browser();
            let ask = server.ask("POST", old.action()).accept_json().json(&json!({ "method": "password" }));
            let answer = script.send(ask).await;
            let body = answer.json();
            let named = body["use_flow_id"].as_str().map(str::to_owned);
            let id = named.unwrap_or_else(|| answer.header("location").split("id=").nth(1).unwrap_or_default().into());
            let shown = script.fetch(&format!("/self-service/{flow}/flows?id={id}")).await;
            assert_eq!(shown.status, 200, "{flow}: {} {}", answer.body, shown.body);
        }
    }
}

#[tokio::test]
async fn apps_get_no_cookies() {
    for database in Database::each().await {
        let server = server(&database).await;
        for flow in ["login", "registration", "recovery"] {
            let old = server.native().open(flow).await;
            for _ in 0..2 {
                let ask = server.ask("POST", old.action()).accept_json().json(&json!({ "method": "password" }));
                let answer = ask.send().await;
                assert_eq!(answer.cookies(), [], "{flow}: {}", answer.body);
                server.wait(SignedDuration::from_hours(3));
            }
        }
    }
}
