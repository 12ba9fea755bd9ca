//! Who is signed in, and what they may do with their sessions.

use serde_json::{Value, json};

use crate::support::{Server, SignedIn};

#[tokio::test]
async fn whoami_answers_by_every_method_and_credential() {
    let server = Server::start().await;
    let who = server.sign_in("a@example.org").await;
    let bearer = format!("bearer {}", who.token);
    for (name, value) in [("x-session-token", who.token.as_str()), ("authorization", &bearer), ("cookie", &who.cookie)]
    {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"] {
            let answer = server.ask(method, "/sessions/whoami").header(name, value).send().await;
            assert_eq!(answer.status, 200, "{method} by {name}");
            let session = answer.json();
            assert_eq!(session["id"], Value::from(who.session.id.to_string()));
            assert_eq!(session["identity"]["traits"], json!({ "email": "a@example.org" }));
            assert_eq!(
                answer.header("x-kratos-authenticated-identity-id"),
                session["identity"]["id"].as_str().expect("an id")
            );
            assert!(!answer.body.contains(&who.token) && !answer.body.contains(&who.logout_token));
        }
    }
}

#[tokio::test]
async fn the_header_counts_alone() {
    let server = Server::start().await;
    let who = server.sign_in("a@example.org").await;
    let answer =
        server.ask("GET", "/sessions/whoami").cookie(&who).header("x-session-token", "ory_st_wrong").send().await;
    assert_eq!((answer.status, answer.error_id()), (401, None));
}

#[tokio::test]
async fn caches_are_told_how_long_an_answer_is_good() {
    let more = "feature_flags: { cacheable_sessions: true, cacheable_sessions_max_age: 10m }";
    let server = Server::with(more).await;
    let who = server.sign_in("a@example.org").await;
    let cached = |answer: &crate::support::Answer| answer.header("ory-session-cache-for").to_owned();
    assert_eq!(cached(&server.ask("GET", "/sessions/whoami").cookie(&who).send().await), "600");
    assert_eq!(cached(&server.ask("GET", "/sessions/whoami").send().await), "60");
    assert_eq!(cached(&server.ask("GET", "/sessions/whoami").header("x-session-token", "x").send().await), "");
    let plain = Server::start().await;
    assert_eq!(cached(&plain.ask("GET", "/sessions/whoami").send().await), "");
}

#[tokio::test]
async fn a_browser_learns_of_a_session_that_lasts_longer() {
    let server = Server::start().await;
    let who = server.sign_in("a@example.org").await;
    let whoami = || server.ask("GET", "/sessions/whoami").cookie(&who).send();
    assert_eq!(whoami().await.set_cookie("ory_kratos_session"), None);
    server.wait(1);
    let extend = server.ask_admin("PATCH", &format!("/sessions/{}/extend", who.session.id)).send().await;
    assert_eq!(extend.status, 200);
    let cookie = whoami().await.set_cookie("ory_kratos_session").expect("a new cookie");
    assert!(
        cookie
            .contains("; Path=/; Expires=Sun, 22 Nov 2026 11:00:00 GMT; Max-Age=86400; HttpOnly; Secure; SameSite=Lax"),
        "{cookie}"
    );
}

#[tokio::test]
async fn unknown_token_templates_are_refused() {
    let server = Server::start().await;
    let who = server.sign_in("a@example.org").await;
    let path = "/sessions/whoami?tokenize_as=none";
    assert_eq!(server.ask("GET", path).cookie(&who).send().await.status, 400);
    assert_eq!(server.ask("GET", path).send().await.status, 401);
}

#[tokio::test]
async fn people_see_and_end_their_other_sessions() {
    let server = Server::start().await;
    let one = server.sign_in("a@example.org").await;
    let identity = one.session.identity.clone().expect("an identity");
    let (two, three) = (server.sign_in_again(&identity).await, server.sign_in_again(&identity).await);
    let stranger = server.sign_in("b@example.org").await;
    let me = |method: &str, path: &str| server.ask(method, path).header("x-session-token", &one.token);

    let list = me("GET", "/sessions").send().await;
    assert_eq!((list.status, list.header("x-total-count")), (200, "2"));
    assert!(list.header("link").starts_with("</sessions?page=0&page_size=2&page_token="), "{}", list.header("link"));
    assert_eq!(list.json().as_array().map(Vec::len), Some(2));

    let id = |who: &SignedIn| format!("/sessions/{}", who.session.id);
    assert_eq!(me("DELETE", &id(&two)).send().await.status, 204);
    assert!(!server.is_alive(&two).await);
    assert_eq!(me("DELETE", &id(&stranger)).send().await.status, 204, "without a word");
    assert!(server.is_alive(&stranger).await);
    assert_eq!(me("DELETE", &id(&one)).send().await.status, 400, "the current one");
    assert_eq!(me("DELETE", "/sessions/nope").send().await.status, 400);
    let others = me("DELETE", "/sessions").send().await;
    assert_eq!((others.status, others.json()), (200, json!({ "count": 2 })));
    assert!(server.is_alive(&one).await && !server.is_alive(&three).await && server.is_alive(&stranger).await);

    for (method, path) in [("GET", "/sessions"), ("DELETE", "/sessions"), ("DELETE", "/sessions/nope")] {
        assert_eq!(server.ask(method, path).send().await.status, 401);
    }
}

#[tokio::test]
async fn codes_are_exchanged_only_when_they_are_both_there() {
    let server = Server::start().await;
    for (query, status) in [("", 400), ("?init_code=a", 400), ("?init_code=a&return_to_code=b", 404)] {
        let answer = server.ask("GET", &format!("/sessions/token-exchange{query}")).send().await;
        assert_eq!((answer.status, answer.error_id()), (status, None));
    }
}
