//! What has proved something once proves nothing a second time.

use std::collections::BTreeMap;

use crypto::TotpSecret;
use model::SignedDuration;
use serde_json::{Value, json};
use testkit::{Answer, Browser, Database, Form, PASSWORD, Server};

use crate::codes::{self, EMAIL};

const FLOWS: &str = "selfservice: { methods: { link: { enabled: true } }, flows: { recovery: { enabled: true } } }";
const BY_CODE: &str = "selfservice: { flows: { recovery: { use: code }, verification: { use: code } } }";
const BY_LINK: &str = "selfservice: { flows: { recovery: { use: link }, verification: { use: link } } }";
const SECOND_FACTORS: &str = "selfservice: { methods: { totp: { enabled: true }, lookup_secret: { enabled: true } } }";

/// A server with one person, who has a password.
async fn server(database: &Database, more: &[&str]) -> Server {
    let server = codes::server(database, &[&[FLOWS], more].concat()).await;
    let native = server.native();
    let form = native.open("registration").await;
    let body = json!({ "method": "password", "traits": { "email": EMAIL }, "password": PASSWORD });
    assert_eq!(native.submit(&form, body).await.status, 200);
    server.wait(SignedDuration::from_secs(1));
    server
}

/// A visitor with the anti-CSRF cookie of `browser` and nothing else: whoever has seen the form and what was sent.
fn onlooker(browser: &Browser) -> Browser {
    let mut other = browser.clone();
    other.jar.retain(|name, _| name.starts_with("csrf_token"));
    other
}

/// The link in the last message.
async fn link(server: &Server, database: &Database) -> String {
    let sql = format!(
        "SELECT body FROM courier_messages WHERE recipient = '{EMAIL}' AND body LIKE '%token=%' ORDER BY created_at DESC"
    );
    let body = database.texts(&sql).await.remove(0);
    server.wait(SignedDuration::from_secs(1));
    let start = body.find("http://127.0.0.1:4433/").unwrap_or_else(|| panic!("no link in {body}"));
    body[start..].split_whitespace().next().expect("a link").to_owned()
}

#[tokio::test]
async fn a_recovery_code_lets_one_person_in() {
    for database in Database::each().await {
        let server = server(&database, &[BY_CODE]).await;
        let mut owner = server.browser();
        let form = owner.open("recovery").await;
        owner.submit(&form, json!({ "method": "code", "email": EMAIL })).await;
        let sent = codes::code(&server, &database, EMAIL).await;
        let enter = json!({ "method": "code", "code": sent });
        let mut thief = onlooker(&owner);
        let done = owner.submit(&form, enter.clone()).await;
        assert_eq!(done.status, 422, "{}", done.body);
        assert!(owner.is_signed_in().await);

        assert_ne!(thief.submit(&form, enter.clone()).await.status, 422);
        assert!(!thief.is_signed_in().await);
        let mut other = server.browser();
        let another = other.open("recovery").await;
        other.submit(&another, json!({ "method": "code", "email": EMAIL })).await;
        let refused = other.submit(&another, enter).await;
        assert_eq!(Form::of(&refused).messages(), [4_060_006], "{}", refused.body);
        assert!(!other.is_signed_in().await);
    }
}

#[tokio::test]
async fn a_recovery_link_lets_one_person_in() {
    for database in Database::each().await {
        let server = server(&database, &[BY_LINK]).await;
        let mut owner = server.browser();
        let form = owner.open("recovery").await;
        owner.submit(&form, json!({ "method": "link", "email": EMAIL })).await;
        let link = link(&server, &database).await;
        let mut thief = onlooker(&owner);
        let done = owner.visit(&link).await;
        assert!(done.status == 303 && done.header("location").contains("/ui/settings?flow="), "{done:?}");
        assert!(owner.is_signed_in().await);
        for mut visitor in [thief.clone(), server.browser()] {
            let refused = visitor.visit(&link).await;
            assert!(!refused.header("location").contains("/settings"), "{refused:?}");
            assert!(!visitor.is_signed_in().await);
        }
        assert!(!thief.is_signed_in().await);
    }
}

#[tokio::test]
async fn a_proof_of_an_address_verifies_it_once() {
    for database in Database::each().await {
        let unverify = "UPDATE identity_verifiable_addresses SET verified = false, status = 'sent'";
        let is_verified = async || {
            let status = "SELECT status FROM identity_verifiable_addresses";
            database.texts(status).await.iter().all(|status| status.trim() == "completed")
        };
        let by_code = server(&database, &[BY_CODE]).await;
        let native = by_code.native();
        let form = native.open("verification").await;
        native.submit(&form, json!({ "method": "code", "email": EMAIL })).await;
        let enter = json!({ "method": "code", "code": codes::code(&by_code, &database, EMAIL).await });
        let send = |form: &Form| by_code.ask("POST", form.action()).accept_json().json(&enter).send();
        let done = send(&form).await;
        assert_eq!(done.status, 200, "{}", done.body);
        assert!(is_verified().await);
        // The address changes hands: nobody proves it by what proved it before.
        database.run(unverify).await;
        send(&form).await;
        let another = native.open("verification").await;
        native.submit(&another, json!({ "method": "code", "email": EMAIL })).await;
        let refused = send(&another).await;
        assert_eq!((&refused.json()["state"], Form::of(&refused).messages()), (&json!("sent_email"), vec![4_070_006]));
        assert!(!is_verified().await);

        let by_link = by_code.another(&database, BY_LINK).await;
        let mut browser = by_link.browser();
        let form = browser.open("verification").await;
        browser.submit(&form, json!({ "method": "link", "email": EMAIL })).await;
        let link = link(&by_link, &database).await;
        assert_eq!(browser.visit(&link).await.status, 303);
        assert!(is_verified().await);
        database.run(unverify).await;
        for mut visitor in [browser.clone(), by_link.browser()] {
            visitor.visit(&link).await;
            assert!(!is_verified().await);
        }
    }
}

/// Signs in, and opens the form for a second factor.
async fn at_the_second_step(server: &Server) -> (Browser, Form) {
    let mut browser = server.browser();
    let form = browser.open("login").await;
    browser.try_sign_in(&form, EMAIL, PASSWORD).await;
    let form = browser.open("login?aal=aal2").await;
    (browser, form)
}

/// Which level a browser has, as whoami says, which wants the highest that there is.
async fn level(browser: &mut Browser) -> Value {
    browser.whoami().await["authenticator_assurance_level"].clone()
}

/// Two browsers send what only one of them may use, at the same time; then a third does.
async fn counts_once(server: &Server, body: Value) {
    let ((mut one, first), (mut two, second)) = (at_the_second_step(server).await, at_the_second_step(server).await);
    let (left, right) = tokio::join!(one.submit(&first, body.clone()), two.submit(&second, body.clone()));
    let mut statuses = [left.status, right.status];
    statuses.sort_unstable();
    assert!(matches!(statuses, [200, 400 | 409]), "{} {}", left.body, right.body);
    let mut levels = [level(&mut one).await, level(&mut two).await].map(|level| level.to_string());
    levels.sort_unstable();
    assert_eq!(levels, ["\"aal2\"", "null"]);
    let (mut late, form) = at_the_second_step(server).await;
    assert_eq!(late.submit(&form, body).await.status, 400);
    assert_eq!(level(&mut late).await, Value::Null);
}

/// A text that a form shows.
fn shown(form: &Form, id: &str) -> Value {
    let nodes = form.body["ui"]["nodes"].as_array().expect("nodes");
    let node = nodes.iter().find(|node| node["attributes"]["id"] == id);
    node.unwrap_or_else(|| panic!("no {id}"))["attributes"]["text"]["context"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_of_an_authenticator_app_counts_once() {
    for database in Database::each().await {
        let server = server(&database, &[SECOND_FACTORS]).await;
        let mut owner = server.browser();
        owner.sign_in(EMAIL).await;
        let form = owner.open("settings").await;
        let secret = shown(&form, "totp_secret_key")["secret"].as_str().expect("a secret").to_owned();
        let secret = TotpSecret::from_base32(&secret).expect("base32");
        let code = || json!({ "method": "totp", "totp_code": secret.code_at(server.setup.clock.now()) });
        let linked = owner.submit(&form, code()).await;
        assert_eq!(linked.status, 200, "{}", linked.body);
        // The code that linked the app has been used.
        let (mut browser, form) = at_the_second_step(&server).await;
        assert_eq!(browser.submit(&form, code()).await.status, 400);
        server.wait(SignedDuration::from_secs(30));
        counts_once(&server, code()).await;
        server.wait(SignedDuration::from_secs(30));
        assert_eq!(browser.submit(&form, code()).await.status, 200, "the next one is good");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_code_counts_once() {
    for database in Database::each().await {
        let server = server(&database, &[SECOND_FACTORS]).await;
        let mut owner = server.browser();
        owner.sign_in(EMAIL).await;
        let form = owner.open("settings").await;
        let made: Answer = owner.submit(&form, json!({ "lookup_secret_regenerate": true })).await;
        let form = Form::of(&made);
        let secrets = shown(&form, "lookup_secret_codes")["secrets"].clone();
        let texts: Vec<String> = secrets.as_array().expect("codes").iter().filter_map(text_of).collect();
        let confirmed = owner.submit(&form, json!({ "lookup_secret_confirm": true })).await;
        assert_eq!(confirmed.status, 200, "{}", confirmed.body);
        let body = |n: usize| json!({ "method": "lookup_secret", "lookup_secret": texts[n] });
        counts_once(&server, body(0)).await;
        counts_once(&server, body(11)).await;
        let different: BTreeMap<&String, ()> = texts.iter().map(|text| (text, ())).collect();
        assert_eq!(different.len(), 12);
    }
}

fn text_of(message: &Value) -> Option<String> {
    message["context"]["secret"].as_str().or_else(|| message["text"].as_str()).map(str::to_owned)
}
