//! Signing in on two screens: the identifier first.

use serde_json::json;
use testkit::{Database, Form, PASSWORD, Server, Setup};

const STYLE: &str = "selfservice: { flows: { login: { style: identifier_first } } }";
const MITIGATE: &str = "security: { account_enumeration: { mitigate: true } }";

fn who(identifier: &str) -> serde_json::Value {
    json!({ "method": "identifier_first", "identifier": identifier })
}

#[tokio::test]
async fn the_second_screen_offers_what_the_account_has() {
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with(STYLE)).await;
        server.import("known@example.org", PASSWORD).await;
        let bare = json!({ "schema_id": "person", "traits": { "email": "bare@example.org" } });
        assert_eq!(server.ask_admin("POST", "/admin/identities").json(&bare).send().await.status, 201);
        let native = server.native();

        let form = native.open("login").await;
        assert_eq!(form.field("identifier")["type"], "text");
        assert!(form.field("password").is_null(), "nothing but the identifier is asked for");
        for nobody in ["no-one@example.org", "bare@example.org", ""] {
            let answer = native.submit(&form, who(nobody)).await;
            let again = Form::of(&answer);
            assert_eq!((answer.status, again.messages().contains(&4_000_037)), (400, true), "{nobody}");
            assert_eq!(again.field("identifier")["type"], "text", "it can be typed again");
        }
        // Twice, since people change their mind: each field is there once.
        for typed in [" KNOWN@example.org", "known@example.org"] {
            let answer = native.submit(&form, who(typed)).await;
            let second = Form::of(&answer);
            assert_eq!((answer.status, second.body["active"].as_str()), (400, Some("identifier_first")));
            assert_eq!(second.field("identifier")["type"], "hidden");
            let nodes = second.body["ui"]["nodes"].as_array().expect("nodes");
            assert_eq!(nodes.iter().filter(|node| node["attributes"]["name"] == "method").count(), 1);
        }
        let password = json!({ "method": "password", "identifier": "known@example.org", "password": PASSWORD });
        assert_eq!(native.submit(&form, password).await.status, 200);
    }
}

#[tokio::test]
async fn nobody_learns_from_the_second_screen_who_has_an_account() {
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with(STYLE).and(MITIGATE)).await;
        server.import("known@example.org", PASSWORD).await;
        let mut screens = Vec::new();
        for email in ["known@example.org", "no-one@example.org"] {
            let form = server.native().open("login").await;
            let answer = server.native().submit(&form, who(email)).await;
            let shown = Form::of(&answer);
            assert_eq!(answer.status, 400);
            screens.push(shown.without_chance().replace(email, "*"));
        }
        assert_eq!(screens[0], screens[1]);
    }
}

#[tokio::test]
async fn proving_it_anew_asks_for_no_identifier() {
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with(STYLE)).await;
        server.import("known@example.org", PASSWORD).await;
        let mut browser = server.browser();
        let form = browser.open("login").await;
        browser.submit(&form, who("known@example.org")).await;
        let answer = browser.try_sign_in(&form, "known@example.org", PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let form = browser.open("login?refresh=true").await;
        assert_eq!(form.field("identifier")["type"], "hidden");
        assert_eq!(form.field("password")["type"], "password");
    }
}
