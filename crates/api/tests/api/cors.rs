//! Pages on other origins.

use crate::support::Server;

const APP: &str = "http://127.0.0.1:4455";

#[tokio::test]
async fn preflight_requests_are_answered_before_anything_else() {
    let server = Server::start().await;
    for path in ["/self-service/logout", "/self-service/logout/api", "/nope"] {
        let ask = |origin: &str, method: &str| {
            server.ask("OPTIONS", path).header("origin", origin).header("access-control-request-method", method)
        };
        let yes = ask(APP, "DELETE").header("access-control-request-headers", "content-type").send().await;
        assert_eq!((yes.status, yes.header("access-control-allow-origin")), (204, APP));
        assert_eq!(yes.header("access-control-allow-methods"), "DELETE");
        assert_eq!(yes.header("access-control-allow-headers"), "content-type");
        assert_eq!(yes.header("access-control-allow-credentials"), "true");
        assert_eq!(yes.all("vary"), "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
        assert_eq!((yes.all("set-cookie"), yes.header("cache-control")), (String::new(), ""));
        for no in [
            ask("https://evil.example", "GET"),
            ask(APP, "TRACE"),
            ask(APP, "GET").header("access-control-request-headers", "x-unknown"),
        ] {
            let no = no.send().await;
            assert_eq!((no.status, no.header("access-control-allow-origin")), (204, ""));
        }
    }
}

#[tokio::test]
async fn answers_say_which_pages_may_read_them() {
    let server = Server::start().await;
    for (origin, allowed) in
        [(APP, true), ("https://a.example.org", true), ("https://example.org", false), ("null", false)]
    {
        for path in ["/sessions/whoami", "/health/alive", "/nope"] {
            let answer = server.ask("GET", path).header("origin", origin).send().await;
            let expected = if allowed { origin } else { "" };
            assert_eq!(answer.header("access-control-allow-origin"), expected, "{path}");
            let credentials = if allowed { "true" } else { "" };
            assert_eq!(answer.header("access-control-allow-credentials"), credentials);
            assert!(answer.all("vary").starts_with("Origin"));
        }
    }
}

#[tokio::test]
async fn without_cors_nothing_is_said() {
    let server = Server::with("serve: { public: { cors: { enabled: false } } }").await;
    let answer = server.ask("GET", "/sessions/whoami").header("origin", APP).send().await;
    assert_eq!((answer.header("access-control-allow-origin"), answer.all("vary").as_str()), ("", "Cookie"));
    let preflight = server.ask("OPTIONS", "/sessions/token-exchange").header("access-control-request-method", "GET");
    assert_eq!(preflight.send().await.status, 405);
}
