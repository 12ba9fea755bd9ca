//! The anti-CSRF cookie, in front of all routes.

use crypto::CsrfToken;
use model::Entropy;

use crate::support::{CSRF_COOKIE, Server};

#[tokio::test]
async fn visitors_of_guarded_paths_get_one_cookie() {
    let server = Server::start().await;
    let good = CsrfToken::generate(&Entropy::seeded(3)).cookie_value();
    for (path, cookie, is_set) in [
        ("/nope", String::new(), true),
        ("/self-service/logout/browser", String::new(), true),
        ("/self-service/errors?id=x", String::new(), true),
        ("/schemas", String::new(), true),
        ("/nope", format!("{CSRF_COOKIE}={good}"), false),
        ("/nope", format!("{CSRF_COOKIE}=short"), true),
        ("/nope", format!("{CSRF_COOKIE}={good}; {CSRF_COOKIE}={good}"), true),
        ("/nope", format!("csrf_token_of_another_server={good}"), true),
        ("/sessions/whoami", String::new(), false),
        ("/sessions", String::new(), false),
        ("/self-service/login/api", String::new(), false),
        ("/schemas/person", String::new(), false),
        ("/health/alive", String::new(), false),
    ] {
        let answer = server.ask("GET", path).header("cookie", &cookie).send().await;
        let set = answer.set_cookie(CSRF_COOKIE);
        assert_eq!(set.is_some(), is_set, "{path} with {cookie:?}");
        if let Some(set) = set {
            let attributes = set.split_once("; ").expect("attributes").1;
            assert_eq!(attributes, "Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax");
        }
    }
}

#[tokio::test]
async fn the_attributes_follow_the_configuration() {
    let more = "cookies: { domain: example.org, path: /auth, same_site: None, secure: false }";
    let answer = Server::with(more).await.ask("GET", "/nope").send().await;
    let set = answer.set_cookie(CSRF_COOKIE).expect("a cookie");
    // Browsers drop SameSite=None without Secure.
    assert!(set.ends_with("; Path=/auth; Domain=example.org; Max-Age=31536000; HttpOnly; SameSite=Lax"), "{set}");
    let more = "cookies: { same_site: None }";
    let set = Server::with(more).await.ask("GET", "/nope").send().await.set_cookie(CSRF_COOKIE).expect("a cookie");
    assert!(set.ends_with("; Secure; SameSite=None"), "{set}");
}

#[tokio::test]
async fn changes_on_guarded_paths_are_refused_before_anyone_asks_whether_they_exist() {
    let server = Server::start().await;
    for path in ["/nope", "/self-service/logout", "/self-service/logout/browser", "//sessions//whoami"] {
        let answer = server.ask("POST", path).header("accept", "text/html").send().await;
        assert_eq!((answer.status, answer.error_id().as_deref()), (403, Some("security_csrf_violation")), "{path}");
        assert!(answer.set_cookie(CSRF_COOKIE).is_some());
        let details = &answer.json()["error"]["details"];
        assert!(details["docs"].is_string() && details["hint"].is_string() && details["reject_reason"].is_string());
    }
    // With the token they are told that there is nothing to change.
    let token = CsrfToken::generate(&Entropy::seeded(3));
    let masked = token.masked(&Entropy::seeded(4));
    let cookie = format!("{CSRF_COOKIE}={}", token.cookie_value());
    for (path, status) in [("/nope", 404), ("/self-service/logout", 405)] {
        let ask = server.ask("POST", path).header("cookie", &cookie).header("x-csrf-token", &masked);
        assert_eq!(ask.send().await.status, status);
    }
    // Native paths are not guarded.
    assert_eq!(server.ask("POST", "/self-service/logout/api").send().await.status, 405);
    assert_eq!(server.ask("POST", "/health/alive").send().await.status, 405);
}
