//! Two codes to one mailbox are one factor, and nobody is asked for a factor that they cannot give.

use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Browser, Database, Form, PASSWORD, Server};

use crate::codes::{self, EMAIL};

const PHONE: &str = "+4915123456789";
const TWO_FACTORS: &str = "
session: { whoami: { required_aal: highest_available } }
selfservice:
  methods: { code: { mfa_enabled: true }, link: { enabled: true } }
  flows: { settings: { required_aal: highest_available }, recovery: { enabled: true } }";

/// Signs up, and then wins back access in another browser by what is sent to [`EMAIL`].
async fn recovered(server: &Server, database: &Database, traits: Value, by: &str) -> Browser {
    let native = server.native();
    let form = native.open("registration").await;
    let body = json!({ "method": "password", "traits": traits, "password": PASSWORD });
    assert_eq!(native.submit(&form, body).await.status, 200);
    server.wait(SignedDuration::from_secs(1));
    let mut browser = server.browser();
    let form = browser.open("recovery").await;
    browser.submit(&form, json!({ "method": by, "email": EMAIL })).await;
    if by == "code" {
        let code = codes::code(server, database, EMAIL).await;
        browser.submit(&form, json!({ "method": "code", "code": code })).await;
    } else {
        let sql = "SELECT body FROM courier_messages WHERE body LIKE '%recovery?%' ORDER BY created_at DESC";
        let body = database.texts(sql).await.remove(0);
        let start = body.find("http://127.0.0.1:4433/").unwrap_or_else(|| panic!("no link in {body}"));
        browser.visit(body[start..].split_whitespace().next().expect("a link")).await;
    }
    server.wait(SignedDuration::from_secs(1));
    browser
}

fn choices(form: &Form) -> Vec<&str> {
    let nodes = form.body["ui"]["nodes"].as_array().expect("nodes");
    let of_code = nodes.iter().filter(|node| node["group"] == "code");
    of_code.filter_map(|node| node["attributes"]["value"].as_str()).collect()
}

#[tokio::test]
async fn whoever_has_one_mailbox_alone_can_set_a_new_password() {
    for by in ["code", "link"] {
        for database in Database::each().await {
            let way = format!("selfservice: {{ flows: {{ recovery: {{ use: {by} }} }} }}");
            let server = codes::server(&database, &[TWO_FACTORS, &way]).await;
            let mut browser = recovered(&server, &database, json!({ "email": EMAIL }), by).await;
            let session = browser.whoami().await;
            assert_eq!(session["authenticator_assurance_level"], "aal1", "{by}: {session}");
            assert_eq!(session["authentication_methods"][0].get("address"), None, "clients are not told");
            // The mailbox proves nothing more.
            let form = browser.open("login?aal=aal2").await;
            assert_eq!(choices(&form), [""; 0], "{}", form.body);
            let asked = browser.submit(&form, json!({ "method": "code", "address": EMAIL })).await;
            assert_eq!((asked.status, Form::of(&asked).messages()), (400, vec![4_000_035]), "{}", asked.body);

            let form = browser.open("settings").await;
            let change = json!({ "method": "password", "password": "an0ther-g00d-Pass!" });
            let changed = browser.submit(&form, change).await;
            assert_eq!(changed.status, 200, "{}", changed.body);

            // With the password the mailbox is a second factor.
            let mut other = server.browser();
            let form = other.open("login").await;
            let signed_in = other.try_sign_in(&form, EMAIL, "an0ther-g00d-Pass!").await;
            assert_eq!(signed_in.status, 422, "{}", signed_in.body);
            assert_eq!(other.fetch("/sessions/whoami").await.error_id(), "session_aal2_required");
            let form = other.open("login?aal=aal2").await;
            let code = codes::code(&server, &database, EMAIL).await;
            let answer = other.submit(&form, json!({ "method": "code", "code": code })).await;
            assert_eq!(answer.json()["session"]["authenticator_assurance_level"], "aal2", "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn another_mailbox_is_another_factor() {
    for database in Database::each().await {
        let way = "selfservice: { flows: { recovery: { use: code } } }";
        let server = codes::server(&database, &[TWO_FACTORS, way]).await;
        let traits = json!({ "email": EMAIL, "phone": PHONE });
        let mut browser = recovered(&server, &database, traits, "code").await;
        assert_eq!(browser.fetch("/sessions/whoami").await.error_id(), "session_aal2_required");
        assert_ne!(browser.fetch("/self-service/settings/browser").await.status, 200);
        let form = browser.open("login?aal=aal2").await;
        let code = codes::code(&server, &database, PHONE).await;
        let answer = browser.submit(&form, json!({ "method": "code", "code": code })).await;
        assert_eq!(answer.json()["session"]["authenticator_assurance_level"], "aal2", "{}", answer.body);
        assert!(browser.is_signed_in().await);
    }
}
