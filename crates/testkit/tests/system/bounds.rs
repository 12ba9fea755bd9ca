//! What people send is kept within bounds, however much of it they send.

use serde_json::{Value, json};
use testkit::{APP_URL, Answer, Database, Form, PASSWORD, Server, Setup};

use crate::codes;

const EMAIL: &str = "a@example.org";
/// Nearly as much as a body may have.
const HUGE: usize = 500_000;

/// The longest text of a column.
async fn longest(database: &Database, table: &str, column: &str) -> usize {
    let sql = format!("SELECT CAST({column} AS text) FROM {table}");
    database.texts(&sql).await.iter().map(String::len).max().unwrap_or_default()
}

async fn submit(server: &Server, flow: &str, body: Value) -> Answer {
    let form = server.native().open(flow).await;
    server.native().submit(&form, body).await
}

#[tokio::test]
async fn an_endless_identifier_is_wrong_and_forgotten() {
    const STYLES: [&str; 3] = [
        "{}",
        "{ selfservice: { flows: { login: { style: identifier_first } } } }",
        "{ selfservice: { methods: { code: { passwordless_enabled: true } } }, security: { account_enumeration: { mitigate: true } } }",
    ];
    for database in Database::each().await {
        let huge = "x".repeat(HUGE);
        for style in STYLES {
            let server = codes::server(&database, &[style]).await;
            for body in [
                json!({ "method": "password", "identifier": huge, "password": PASSWORD }),
                json!({ "method": "password", "password_identifier": huge, "password": PASSWORD }),
                json!({ "method": "password", "identifier": huge }),
                json!({ "method": "password", "identifier": [huge], "password": PASSWORD }),
                json!({ "method": "identifier_first", "identifier": huge }),
                json!({ "method": "code", "identifier": format!("{huge}@example.org") }),
                json!({ "method": "code", "address": format!("{huge}@example.org") }),
            ] {
                let answer = submit(&server, "login", body).await;
                assert_eq!(answer.status, 400, "{style}: {}", &answer.body[..200]);
                assert!(answer.body.len() < 20_000, "{style}: an answer of {} bytes", answer.body.len());
            }
            let wrong = server.native().try_sign_in(&huge, PASSWORD).await;
            assert_eq!(Form::of(&wrong).messages(), [4_000_006], "{style}");
        }
        assert!(longest(&database, "selfservice_login_flows", "ui").await < 20_000);
        assert!(longest(&database, "selfservice_login_flows", "internal_context").await < 20_000);
    }
}

#[tokio::test]
async fn a_flow_keeps_of_a_long_address_where_it_leads() {
    for database in Database::each().await {
        let server =
            Server::of(&database, Setup::with("selfservice: { flows: { recovery: { enabled: true } } }")).await;
        let x = "x".repeat(50_000);
        for flow in ["login", "registration", "verification", "recovery"] {
            let open = |query: String| server.ask("GET", &format!("/self-service/{flow}/api?{query}")).send();
            let to = format!("return_to={}", APP_URL.replace(':', "%3A").replace('/', "%2F"));
            let short = open(format!("{to}&x=y")).await;
            assert!(Form::of(&short).body["request_url"].as_str().expect("an address").ends_with("&x=y"), "{flow}");
            let long = open(format!("x={x}&{to}")).await;
            assert_eq!(long.status, 200, "{flow}: {}", long.body);
            let form = Form::of(&long);
            let kept = form.body["request_url"].as_str().expect("an address").to_owned();
            assert!(kept.ends_with(&format!("/self-service/{flow}/api?{to}")), "{kept}");
            assert_eq!(form.body["return_to"], APP_URL, "{flow}");
            let endless = open(format!("{to}%2F{x}")).await;
            assert_eq!(endless.status, 400, "{flow}: {}", endless.body);
            assert!(longest(&database, &format!("selfservice_{flow}_flows"), "request_url").await <= 8192);
        }
    }
}

#[tokio::test]
async fn traits_are_bounded_where_people_send_them_themselves() {
    let named = |email: &str, length: usize| json!({ "email": email, "name": "n".repeat(length) });
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let sign_up = |traits: Value| json!({ "method": "password", "traits": traits, "password": PASSWORD });
        for length in [70_000, HUGE] {
            let answer = submit(&server, "registration", sign_up(named(EMAIL, length))).await;
            assert_eq!((answer.status, Form::of(&answer).messages()), (400, vec![4_000_001]));
            assert!(answer.body.len() < 20_000, "an answer of {} bytes", answer.body.len());
        }
        let payload = json!({ "method": "password", "identifier": EMAIL, "password": PASSWORD,
            "transient_payload": { "x": "x".repeat(70_000) } });
        for flow in ["registration", "login", "verification"] {
            let answer = submit(&server, flow, payload.clone()).await;
            assert_eq!((answer.status, Form::of(&answer).messages()), (400, vec![4_000_001]), "{flow}");
        }
        assert!(longest(&database, "selfservice_registration_flows", "ui").await < 20_000);
        assert_eq!(submit(&server, "registration", sign_up(named(EMAIL, 60_000))).await.status, 200);
        let generous = server.another(&database, "zelus: { limits: { traits: 128KB } }").await;
        assert_eq!(submit(&generous, "registration", sign_up(named("b@example.org", 90_000))).await.status, 200);

        // Whoever has more already can go on with it.
        let token = server.native().sign_in("b@example.org").await;
        let save = async |length: usize| {
            let ask = server.ask("GET", "/self-service/settings/api").header("x-session-token", &token);
            let form = Form::of(&ask.send().await);
            let body = json!({ "method": "profile", "traits": named("b@example.org", length) });
            server.ask("POST", form.action()).header("x-session-token", &token).json(&body).send().await
        };
        for (length, status) in
            [(90_000, 200), (90_001, 400), (80_000, 200), (80_001, 400), (1_000, 200), (70_000, 400)]
        {
            let answer = save(length).await;
            assert_eq!(answer.status, status, "{length}: {}", &answer.body[..200]);
        }
    }
}

#[tokio::test]
async fn operators_may_write_a_mebibyte_of_traits() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let id = server.import(EMAIL, PASSWORD).await;
        let large = json!({ "email": EMAIL, "name": "n".repeat(1 << 20) });
        let new = json!({ "schema_id": "person", "traits": large });
        let put = json!({ "schema_id": "person", "state": "active", "traits": large });
        let patch = json!([{ "op": "replace", "path": "/traits", "value": large }]);
        let path = format!("/admin/identities/{id}");
        for answer in [
            server.ask_admin("POST", "/admin/identities").json(&new).send().await,
            server.ask_admin("PUT", &path).json(&put).send().await,
            server.ask_admin("PATCH", &path).json(&patch).send().await,
        ] {
            let reason = answer.json()["error"]["reason"].as_str().unwrap_or_default().to_owned();
            assert!(answer.status == 400 && reason.contains("1048576"), "{}: {reason}", answer.status);
        }
        let traits = json!({ "email": EMAIL, "name": "n".repeat(100_000) });
        let put = json!({ "schema_id": "person", "state": "active", "traits": traits });
        assert_eq!(server.ask_admin("PUT", &path).json(&put).send().await.status, 200);
    }
}
