//! How many statements a request takes, held to `docs/reference/statements.md`.

use std::collections::BTreeMap;

use serde_json::json;
use testkit::{Database, PASSWORD, Server};

use crate::codes;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/statements.md");

/// What was counted, in the order of the page.
struct Count<'a> {
    server: &'a Server,
    rows: Vec<(&'static str, u64)>,
}

impl Count<'_> {
    async fn of<T>(&mut self, what: &'static str, request: impl Future<Output = T>) -> T {
        let before = self.server.store().statements_run();
        let answer = request.await;
        self.rows.push((what, self.server.store().statements_run() - before));
        answer
    }
}

#[tokio::test]
async fn requests_take_the_statements_that_are_written_down() {
    let page = std::fs::read_to_string(PAGE).expect("docs/reference/statements.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    let expected: BTreeMap<&str, u64> =
        rows.filter_map(|(what, count)| Some((what, count.trim().parse().ok()?))).collect();
    for database in Database::each().await {
        let counted = count(&database).await;
        let table: Vec<String> = counted.iter().map(|(what, count)| format!("| {what} | {count} |")).collect();
        let counted: BTreeMap<&str, u64> = counted.into_iter().collect();
        assert_eq!(counted, expected, "docs/reference/statements.md should say:\n{}\n", table.join("\n"));
    }
}

async fn count(database: &Database) -> Vec<(&'static str, u64)> {
    let server = Server::start(database).await;
    let identity = server.import("a@example.org", PASSWORD).await;
    let (mut browser, native) = (server.browser(), server.native());
    browser.sign_in("a@example.org").await;
    let token = native.sign_in("a@example.org").await;
    let other = server.whoami(&native.sign_in("a@example.org").await).await["id"].as_str().expect("an id").to_owned();
    // The first of these asks which tables there are.
    assert!(!server.accepts("ory_st_unknown").await);
    let mut counts = Count { server: &server, rows: Vec::new() };

    counts.of("whoami", browser.fetch("/sessions/whoami")).await;
    let twice = format!("ory_kratos_session={0}; ory_kratos_session={0}", browser.session_cookie());
    let ask = server.ask("GET", "/sessions/whoami").header("cookie", &twice);
    counts.of("whoami by several session cookies", ask.send()).await;
    counts.of("whoami by a token", server.accepts(&token)).await;
    counts.of("whoami of nobody", server.ask("GET", "/sessions/whoami").send()).await;
    counts.of("whoami by an unknown token", server.accepts("ory_st_unknown")).await;
    let list = server.ask("GET", "/sessions").token(&token).send();
    counts.of("listing one's other sessions", list).await;
    let revoke = server.ask("DELETE", &format!("/sessions/{other}")).token(&token).send();
    counts.of("ending another session", revoke).await;

    let url = counts.of("asking for a logout URL", browser.logout_url()).await;
    counts.of("logging out in a browser", browser.visit(&url)).await;
    counts.of("logging out natively", native.log_out(&token)).await;

    let form = counts.of("opening a sign-in form", browser.open("login")).await;
    let path = format!("/self-service/login/flows?id={}", form.id());
    counts.of("fetching a sign-in form", browser.fetch(&path)).await;
    counts.of("a wrong password", browser.try_sign_in(&form, "a@example.org", "not-the-passw0rd")).await;
    counts.of("signing in", browser.try_sign_in(&form, "a@example.org", PASSWORD)).await;
    let form = counts.of("opening a form to prove it anew", browser.open("login?refresh=true")).await;
    counts.of("proving it anew", browser.try_sign_in(&form, "a@example.org", PASSWORD)).await;

    let mut stranger = server.browser();
    let form = counts.of("opening a sign-up form", stranger.open("registration")).await;
    let traits = json!({ "email": "b@example.org" });
    let first = json!({ "method": "profile", "traits": traits });
    counts.of("the first sign-up screen", stranger.submit(&form, first)).await;
    let second = json!({ "method": "password", "traits": traits, "password": PASSWORD });
    let done = counts.of("signing up, with a code by mail", stranger.submit(&form, second)).await;
    assert_eq!(done.status, 200, "{}", done.body);

    let session = browser.whoami().await["id"].as_str().expect("an id").to_owned();
    let admin = |method, path: String| server.ask_admin(method, &path).send();
    counts.of("admin: extending a session", admin("PATCH", format!("/admin/sessions/{session}/extend"))).await;
    counts.of("admin: ending a session", admin("DELETE", format!("/admin/sessions/{session}"))).await;
    counts.of("admin: showing an identity", admin("GET", format!("/admin/identities/{identity}"))).await;
    counts.of("admin: listing identities", admin("GET", "/admin/identities".to_owned())).await;
    let list = counts.of("admin: listing messages", admin("GET", "/admin/courier/messages".to_owned())).await;
    let message = list.json()[0]["id"].as_str().expect("an id").to_owned();
    counts.of("admin: showing a message", admin("GET", format!("/admin/courier/messages/{message}"))).await;
    let courier = server.app.site().runtime.courier.clone();
    counts.of("courier: trying to deliver a message", courier.deliver_due()).await.expect("a round");
    counts.of("courier: nothing to do", courier.deliver_due()).await.expect("a round");
    counts.of("admin: deleting an identity", admin("DELETE", format!("/admin/identities/{identity}"))).await;
    counts.of("health: alive", server.ask("GET", "/health/alive").send()).await;
    server.ask("GET", "/health/ready").send().await;
    counts.of("health: ready", server.ask("GET", "/health/ready").send()).await;
    let mut rows = counts.rows;
    count_codes(database, &mut rows).await;
    rows
}

/// Codes, for somebody and for nobody: whoever counts, or measures, learns nothing.
async fn count_codes(database: &Database, rows: &mut Vec<(&'static str, u64)>) {
    const RECOVERY: &str = "selfservice: { flows: { recovery: { enabled: true, use: code } } }";
    let server = codes::server(database, &[codes::PASSWORDLESS, codes::MITIGATE, RECOVERY]).await;
    codes::sign_up(&server, database, json!({ "email": codes::EMAIL }), codes::EMAIL).await;
    let native = server.native();
    let mut counts = Count { server: &server, rows: Vec::new() };
    for flow in ["verification", "recovery"] {
        let names: [&'static str; 2] = match flow {
            "verification" => ["asking for a code to verify an address", "asking for a code to verify an unknown one"],
            _ => ["asking for a code to win back access", "asking for a code to win back unknown access"],
        };
        for (name, email) in names.into_iter().zip([codes::EMAIL, "no-one@example.org"]) {
            let form = native.open(flow).await;
            counts.of(name, native.submit(&form, json!({ "method": "code", "email": email }))).await;
        }
    }
    let ask = |email: &str| json!({ "method": "code", "identifier": email });
    let guess = |email: &str| json!({ "method": "code", "identifier": email, "code": "none" });
    server.wait(model::SignedDuration::from_secs(1));
    let form = native.open("login").await;
    counts.of("asking for a code to sign in", native.submit(&form, ask(codes::EMAIL))).await;
    counts.of("a wrong code", native.submit(&form, guess(codes::EMAIL))).await;
    let code = codes::code(&server, database, codes::EMAIL).await;
    let enter = json!({ "method": "code", "identifier": codes::EMAIL, "code": code });
    let done = counts.of("signing in with a code", native.submit(&form, enter)).await;
    assert_eq!(done.status, 200, "{}", done.body);
    let form = native.open("login").await;
    counts.of("asking for a code to sign in as nobody", native.submit(&form, ask("no-one@example.org"))).await;
    counts.of("a wrong code of nobody", native.submit(&form, guess("no-one@example.org"))).await;
    rows.append(&mut counts.rows);
}
