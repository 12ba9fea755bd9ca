//! Signing up.

use serde_json::{Value, json};
use testkit::{Database, Form, PASSWORD, Server, Setup};

const ONE_SCREEN: &str = "selfservice: { flows: { registration: { style: unified } } }";

#[tokio::test]
async fn two_screens_lead_back_and_forth() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let mut browser = server.browser();
        let form = browser.open("registration").await;
        assert!(form.field("password").is_null(), "the password comes on the second screen");
        let traits = json!({ "email": "a@example.org", "name": "Ann", "age": 7, "newsletter": true });

        let wrong = browser
            .submit(&form, json!({ "method": "profile", "traits": { "email": "a@example.org", "name": "A" } }))
            .await;
        let wrong = Form::of(&wrong);
        assert_eq!((wrong.messages(), wrong.field("password")), (vec![4_000_003], &Value::Null));
        assert_eq!(wrong.field("traits.email")["value"], "a@example.org");

        let second = browser.submit(&form, json!({ "method": "profile", "traits": traits })).await;
        let second = Form::of(&second);
        assert_eq!(second.field("password")["type"], "password");
        assert_eq!(
            (&second.field("traits.email")["type"], &second.field("traits.name")["value"]),
            (&json!("hidden"), &json!("Ann"))
        );

        let first = Form::of(&browser.submit(&second, json!({ "screen": "previous", "traits": traits })).await);
        assert!(first.field("password").is_null());
        assert_eq!(
            (&first.field("traits.email")["type"], &first.field("traits.name")["value"]),
            (&json!("email"), &json!("Ann"))
        );

        let second = Form::of(&browser.submit(&first, json!({ "method": "profile", "traits": traits })).await);
        let body = json!({ "method": "password", "password": "short", "traits": traits });
        let short = Form::of(&browser.submit(&second, body).await);
        assert_eq!(short.messages(), [4_000_032]);
        assert!(!short.body.to_string().contains("\"short\""), "passwords do not come back");
        let body = json!({ "method": "password", "password": PASSWORD, "traits": traits });
        let done = browser.submit(&short, body).await;
        assert_eq!((done.status, &done.json()["identity"]["traits"]), (200, &traits), "{}", done.body);
        assert_eq!(browser.whoami().await["identity"]["traits"], traits);
    }
}

#[tokio::test]
async fn one_screen_asks_for_everything() {
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with(ONE_SCREEN)).await;
        let mut browser = server.browser();
        let form = browser.open("registration").await;
        assert_eq!(
            (&form.field("password")["type"], &form.field("traits.email")["type"]),
            (&json!("password"), &json!("email"))
        );
        let back = browser.submit(&form, json!({ "screen": "previous" })).await;
        assert_eq!(back.status, 400, "there is no other screen");
        let body = json!({ "method": "password", "password": PASSWORD, "traits": { "email": "nobody" } });
        let wrong = Form::of(&browser.submit(&form, body).await);
        assert_eq!(wrong.field("traits.email")["value"], "nobody");
        assert_eq!(wrong.messages().len(), 1);
        browser.sign_up("a@example.org").await;
    }
}

#[tokio::test]
async fn a_form_gives_text_the_types_of_the_schema() {
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with(ONE_SCREEN)).await;
        for (n, multipart) in [false, true].into_iter().enumerate() {
            let mut browser = server.browser();
            let form = browser.open("registration").await;
            let email = format!("p{n}@example.org");
            let fields = [
                ("method", "password"),
                ("password", PASSWORD),
                ("csrf_token", form.csrf_token()),
                ("traits.email", &email),
                ("traits.age", "42"),
                // A box that is ticked sends its own value after that of the hidden field before it.
                ("traits.newsletter", "false"),
                ("traits.newsletter", "true"),
            ];
            let ask = server.ask("POST", form.action()).accept_html();
            let ask = if multipart { ask.multipart(&fields) } else { ask.form(&fields) };
            assert_eq!(browser.send(ask).await.header("location"), "http://127.0.0.1:4455/welcome");
            let traits = json!({ "email": email, "age": 42, "newsletter": true });
            assert_eq!(browser.whoami().await["identity"]["traits"], traits);
        }
    }
}

#[tokio::test]
async fn signing_up_can_be_switched_off() {
    for database in Database::each().await {
        let open = Server::start(&database).await;
        let closed = open.another(&database, "selfservice: { flows: { registration: { enabled: false } } }").await;
        let form = open.native().open("registration").await;
        for path in ["/self-service/registration/api", "/self-service/registration/browser"] {
            let answer = closed.ask("GET", path).accept_json().send().await;
            assert_eq!((answer.status, answer.error_id().as_str()), (400, "self_service_flow_disabled"));
        }
        let path = format!("/self-service/registration/flows?id={}", form.id());
        let fetched = closed.ask("GET", &path).accept_json().send().await;
        assert_eq!((fetched.status, fetched.error_id().as_str()), (400, "self_service_flow_disabled"));
        assert!(
            closed
                .browser()
                .visit("/self-service/registration/browser")
                .await
                .header("location")
                .contains("/error?id=")
        );
        open.import("a@example.org", PASSWORD).await;
        assert!(closed.accepts(&closed.native().sign_in("a@example.org").await).await);
    }
}

#[tokio::test]
async fn an_account_comes_whole_or_not_at_all() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let tables = [
            "identities",
            "identity_credentials",
            "identity_credential_identifiers",
            "identity_verifiable_addresses",
            "sessions",
            "session_devices",
            "selfservice_verification_flows",
            "identity_verification_codes",
            "courier_messages",
        ];
        for refusing in tables {
            database.refuse_inserts(refusing).await;
            let answer = server.native().try_sign_up("a@example.org").await;
            assert_eq!(answer.status, 500, "{refusing}: {}", answer.body);
            assert!(!answer.body.contains("refused") && !answer.body.contains(refusing), "{}", answer.body);
            for table in tables {
                assert_eq!(database.count(table).await, 0, "{table} when {refusing} refuses");
            }
            database.accept_inserts(refusing).await;
        }
        // The same address is free, and everything comes at once.
        assert_eq!(server.native().try_sign_up("a@example.org").await.status, 200);
        for table in tables {
            assert!(database.count(table).await > 0, "{table}");
        }
    }
}

#[tokio::test]
async fn a_code_goes_out_with_the_account() {
    let hooks = "selfservice: { flows: { registration: { after: { password: { hooks: [{ hook: session }, { hook: show_verification_ui }] } } } } }";
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with(hooks)).await;
        let mut browser = server.browser();
        let form = browser.open("registration").await;
        let body = json!({ "method": "password", "password": PASSWORD, "traits": { "email": "a@example.org" } });
        let answer = browser.submit(&form, body).await.json();
        let next = answer["continue_with"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|item| item["action"] == "show_verification_ui");
        let flow = next.expect("the way to verify")["flow"]["id"].as_str().expect("an id").to_owned();
        let flows = database.texts("SELECT CAST(id AS text) FROM selfservice_verification_flows").await;
        assert_eq!(flows, std::slice::from_ref(&flow));
        let codes = "SELECT CAST(selfservice_verification_flow_id AS text) FROM identity_verification_codes";
        assert_eq!(database.texts(codes).await, [flow]);
        assert_eq!(database.texts("SELECT recipient FROM courier_messages").await, ["a@example.org"]);
        assert_eq!(database.texts("SELECT status FROM identity_verifiable_addresses").await, ["sent"]);
    }
}

#[tokio::test]
async fn whoever_has_an_account_is_told_how_to_sign_in_where_servers_tell() {
    for database in Database::each().await {
        let hints = "selfservice: { flows: { registration: { login_hints: true } } }";
        let server = Server::of(&database, Setup::with(ONE_SCREEN).and(hints)).await;
        let native = server.native();
        native.sign_up("a@example.org").await;
        let taken = native.try_sign_up(" A@example.org").await;
        assert_eq!((taken.status, Form::of(&taken).messages()), (400, vec![4_000_028]), "{}", taken.body);
        let expected = json!({
            "available_credential_types": ["password"], "available_oidc_providers": [],
            "credential_identifier_hint": "a@example.org",
        });
        let context = &taken.json()["ui"]["messages"][0]["context"];
        for name in ["available_credential_types", "available_oidc_providers", "credential_identifier_hint"] {
            assert_eq!(context[name], expected[name], "{context}");
        }
        let silent =
            server.another(&database, "selfservice: { flows: { registration: { login_hints: false } } }").await;
        let taken = silent.native().try_sign_up("a@example.org").await;
        assert_eq!((taken.status, Form::of(&taken).messages()), (400, vec![4_000_007]), "{}", taken.body);
    }
}
