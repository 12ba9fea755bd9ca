//! What all answers have in common.

use axum::Router;
use axum::routing::get;
use model::Problem;
use web::{Edge, Failure, Peer, Request, Side};

use crate::support::{CSRF_COOKIE, Server};

const NO_STORE: &str = "private, no-cache, no-store, must-revalidate";

#[tokio::test]
async fn get_answers_are_never_kept() {
    let server = Server::start().await;
    for path in ["/sessions/whoami", "/nope", "/health/alive", "/schemas", "//nope"] {
        assert_eq!(server.ask("GET", path).send().await.header("cache-control"), NO_STORE, "{path}");
        assert_eq!(server.ask("HEAD", path).send().await.header("cache-control"), "", "{path}");
        assert_eq!(server.ask("POST", path).send().await.header("cache-control"), "", "{path}");
    }
}

#[tokio::test]
async fn forms_open_as_their_address_asks() {
    let server = Server::start().await;
    let organization = "organization=00000000-0000-4000-8000-000000000000";
    for flow in ["login", "registration"] {
        let open = |query: &str| server.ask("GET", &format!("/self-service/{flow}/api?{query}")).send();
        // No method of ours signs members of organizations in.
        assert!(open(organization).await.json()["ui"]["nodes"].is_null());
        let challenged = open("login_challenge=").await;
        assert_eq!((challenged.status, challenged.error_id().as_deref()), (500, Some("invalid_configuration")));
        assert_eq!(open("identity_schema=person").await.status, 200);
    }
    let aal = |aal: &str| server.ask("GET", &format!("/self-service/login/api?aal={aal}")).send();
    assert_eq!((aal("AAL1").await.status, aal("AAL2").await.status, aal("AAL3").await.status), (200, 401, 400));
}

#[tokio::test]
async fn metrics_are_of_the_type_that_the_collector_accepts() {
    let server = Server::start().await;
    for (accept, media_type) in [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"),
        (
            "application/openmetrics-text;version=1.0.0,*/*;q=0.1",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ] {
        let answer = server.ask_admin("GET", "/metrics/prometheus").header("accept", accept).send().await;
        assert_eq!(answer.header("content-type"), media_type);
    }
}

#[tokio::test]
async fn answers_vary_by_cookie_unless_nobody_looked_at_one() {
    let server = Server::start().await;
    for (method, path, vary) in [
        ("GET", "/health/alive", "Origin"),
        ("GET", "/version", "Origin"),
        ("GET", "/sessions/whoami", "Origin, Cookie"),
        ("POST", "/nope", "Origin, Cookie"),
        ("DELETE", "/self-service/logout/api", "Origin, Cookie"),
        ("GET", "/admin/identities", "Origin, Cookie"),
    ] {
        assert_eq!(server.ask(method, path).send().await.all("vary"), vary, "{method} {path}");
        assert_eq!(server.ask_admin(method, path).send().await.all("vary"), "");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_in_plain_text() {
    let server = Server::start().await;
    let missing = server.ask("GET", "/nope").send().await;
    assert_eq!((missing.status, missing.body.as_str()), (404, "404 page not found\n"));
    assert_eq!(missing.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(missing.header("x-content-type-options"), "nosniff");
    for (method, path, allow) in [
        ("GET", "/sessions/x", "DELETE"),
        ("POST", "/sessions", "DELETE, GET, HEAD"),
        ("PATCH", "/identities", "GET, HEAD, POST"),
        ("POST", "/health/alive", "GET, HEAD"),
    ] {
        let answer = server.ask(method, path).send().await;
        assert_eq!((answer.status, answer.header("allow")), (405, allow), "{method} {path}");
        assert_eq!(answer.body, "Method Not Allowed\n");
    }
    assert_eq!(server.ask("GET", "/sessions/whoami/").send().await.status, 404);
}

#[tokio::test]
async fn paths_that_are_not_clean_lead_to_those_that_are() {
    let server = Server::start().await;
    for (path, location) in [
        ("//self-service/logout", "/self-service/logout"),
        ("/self-service/../sessions/whoami?x=1", "/sessions/whoami?x=1"),
        ("/sessions/./whoami", "/sessions/whoami"),
    ] {
        let answer = server.ask("GET", path).send().await;
        assert_eq!((answer.status, answer.header("location")), (307, location));
        assert_eq!(answer.body, format!("<a href=\"{location}\">Temporary Redirect</a>.\n\n"));
    }
    assert_eq!(server.ask_admin("GET", "//identities").send().await.status, 200);
}

#[tokio::test]
async fn routes_lead_to_the_listener_that_has_them() {
    let server = Server::start().await;
    for (method, path, location) in [
        ("GET", "/identities?a=b", "http://127.0.0.1:4434/admin/identities?a=b"),
        ("GET", "/admin/identities/x", "http://127.0.0.1:4434/admin/identities/x"),
        ("DELETE", "/identities/x/sessions", "http://127.0.0.1:4434/admin/identities/x/sessions"),
        ("POST", "/recovery/code", "http://127.0.0.1:4434/admin/recovery/code"),
    ] {
        let answer = server.ask(method, path).send().await;
        assert_eq!((answer.status, answer.header("location")), (307, location), "{method} {path}");
        assert_eq!(answer.body.is_empty(), method != "GET");
    }
    for (method, path, location) in [
        ("GET", "/self-service/logout/browser?x=1", "http://127.0.0.1:4433/self-service/logout/browser?x=1"),
        ("DELETE", "/admin/self-service/logout/api", "http://127.0.0.1:4433/self-service/logout/api"),
        ("GET", "/sessions/whoami", "http://127.0.0.1:4433/sessions/whoami"),
        ("DELETE", "/sessions", "http://127.0.0.1:4433/sessions"),
        ("POST", "/self-service/login", "http://127.0.0.1:4433/self-service/login"),
        ("GET", "/schemas/person", "http://127.0.0.1:4433/schemas/person"),
    ] {
        let answer = server.ask_admin(method, path).send().await;
        assert_eq!((answer.status, answer.header("location")), (307, location), "{method} {path}");
    }
}

#[tokio::test]
async fn an_error_carries_the_request_id_that_the_caller_gave() {
    let server = Server::start().await;
    let answer = server.ask("GET", "/sessions/whoami").header("x-request-id", "r-1").send().await;
    assert_eq!(answer.json()["error"]["request"], "r-1");
    assert_eq!((answer.header("content-type"), answer.error_id()), ("application/json", None));
    assert!(answer.headers.contains_key("ory-error-id") && answer.body.ends_with('\n'));
    let plain = server.ask("GET", "/sessions/whoami").send().await;
    assert_eq!(plain.json()["error"].get("request"), None);
}

#[tokio::test]
async fn every_answer_says_what_its_request_is_called() {
    let server = Server::start().await;
    for (method, path, status) in [
        ("GET", "/sessions/whoami", 401),
        ("GET", "/health/alive", 200),
        ("GET", "/nowhere", 404),
        ("PUT", "/health/alive", 405),
        ("GET", "//health/alive", 307),
        ("POST", "/self-service/login", 303),
        ("GET", "/self-service/login/browser", 303),
    ] {
        let ask = || server.ask(method, path);
        let named = ask().header("x-request-id", "r-1").send().await;
        assert_eq!((named.status, named.header("x-request-id")), (status, "r-1"), "{method} {path}");
        let strange = ask().header("x-request-id", "<b>\"").send().await;
        let (first, second) = (ask().send().await, ask().send().await);
        let ids = [&strange, &first, &second].map(|answer| answer.header("x-request-id"));
        assert!(ids.iter().all(|id| model::Uuid::parse_str(id).is_ok()) && ids[1] != ids[2], "{ids:?}");
    }
    let answer = server.ask("GET", "/sessions/whoami").header("x-request-id", "<b>").send().await;
    assert_eq!(answer.json()["error"]["request"], answer.header("x-request-id"), "one name for one request");
    let admin = server.ask_admin("GET", "/admin/identities/nope").header("x-request-id", "r-2").send().await;
    assert_eq!(admin.header("x-request-id"), "r-2");
}

#[tokio::test]
async fn a_panic_is_an_answer_and_tells_nothing() {
    let server = Server::start().await;
    async fn broken(_: Request) -> web::Result {
        panic!("a secret")
    }
    async fn failed(_: Request) -> web::Result {
        Err(Failure::for_browsers(Problem::internal("the database said a secret")))
    }
    let routes = Router::new().route("/broken", get(broken)).route("/failed", get(failed));
    let edge = Edge::new(server.app.clone(), Side::Public, routes);
    for (path, accept, status) in
        [("/broken", "*/*", 500), ("/failed", "application/json", 500), ("/failed", "text/html", 303)]
    {
        let request = axum::http::Request::builder().uri(path).header("accept", accept);
        let request = request.body(axum::body::Body::empty()).expect("a request");
        let answer = edge.answer(request, Peer { address: None, is_tls: false }).await;
        assert_eq!(answer.status(), status, "{path}");
        assert!(!format!("{answer:?}").contains("a secret"));
    }
}

#[tokio::test]
async fn errors_go_to_the_built_in_page_when_there_is_no_other() {
    let server = Server::with("selfservice: { flows: { error: { ui_url: null } } }").await;
    let answer = server.ask("GET", "/self-service/logout/browser").send().await;
    let location = answer.header("location");
    assert!(location.starts_with("http://127.0.0.1:4433/ui/error?id="), "{location}");
}

#[tokio::test]
async fn health_says_whether_the_server_is_there_and_ready() {
    let server = Server::start().await;
    for path in ["/health/alive", "/health/ready"] {
        let answer = server.ask("GET", path).send().await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{\"status\":\"ok\"}\n"));
        assert_eq!(answer.set_cookie(CSRF_COOKIE), None);
        for path in [path.to_owned(), format!("/admin{path}")] {
            assert_eq!(server.ask_admin("GET", &path).send().await.status, 200);
        }
    }
    assert_eq!(server.ask_admin("GET", "/version").send().await.json()["version"], env!("CARGO_PKG_VERSION"));
    let config = server.ask_admin("GET", "/health/config").send().await;
    assert_eq!((config.header("content-type"), config.body.len()), ("text/plain", 64));
    assert_eq!(server.ask("GET", "/version").send().await.status, 404);
}

#[tokio::test]
async fn requests_are_counted_by_their_route() {
    let server = Server::start().await;
    server.ask("DELETE", "/sessions/1f2f3f4f-0000-4000-8000-000000000000").send().await;
    server.ask("GET", "/nope/at/all").send().await;
    let metrics = server.ask_admin("GET", "/metrics/prometheus").send().await;
    assert!(
        metrics.body.contains("http_requests_total{code=\"401\",method=\"delete\",endpoint=\"/sessions/{param}\"} 1"),
        "{}",
        metrics.body
    );
    assert!(metrics.body.contains("http_response_time_seconds_bucket"));
    assert!(metrics.body.contains("\nzelus_password_hashes_waiting 0\n"), "{}", metrics.body);
    assert!(metrics.body.contains("\nzelus_messages_waiting 0\n"), "{}", metrics.body);
    assert!(!metrics.body.contains("nope"));
}

#[tokio::test]
async fn the_admin_api_is_not_called_by_names_of_others() {
    let own = "zelus: { defaults: zelus, admin_hosts: [admin.example.org] }\n";
    let open = "zelus: { defaults: zelus }\nserve: { admin: { host: 0.0.0.0 } }\n";
    for (config, host, status) in [
        ("", "evil.example", 200),
        (own, "localhost:4434", 200),
        (own, "admin.example.org", 200),
        (own, "evil.example", 403),
        (own, "kratos-admin", 403),
        (open, "kratos-admin", 200),
        (open, "kratos.auth.svc.cluster.local", 200),
        (open, "evil.example:4434", 403),
    ] {
        let server = Server::with(config).await;
        for path in ["/admin/identities", "/identities", "/health/alive"] {
            let answer = server.ask_admin("GET", path).set_header("host", host).send().await;
            assert_eq!(answer.status, status, "{config} {host} {path}: {}", answer.body);
            assert!(status == 200 || answer.json()["error"]["reason"].as_str().is_some_and(|why| why.contains("Host")));
        }
        assert_eq!(server.ask("GET", "/health/alive").set_header("host", host).send().await.status, 200);
    }
}

#[tokio::test]
async fn no_answer_is_to_be_taken_for_something_else() {
    let server = Server::start().await;
    for path in
        ["/sessions/whoami", "/nope", "//nope", "/health/alive", "/schemas", "/ui/nope", "/ui/login", "/schemas/person"]
    {
        for method in ["GET", "HEAD", "POST", "OPTIONS"] {
            let answer = server.ask(method, path).send().await;
            assert_eq!(answer.all("x-content-type-options"), "nosniff", "{method} {path}");
        }
        assert_eq!(server.ask_admin("GET", path).send().await.all("x-content-type-options"), "nosniff", "{path}");
    }
}

#[tokio::test]
async fn answers_of_our_own_pages_are_never_kept() {
    let server = Server::start().await;
    for path in ["/ui", "/ui/login", "/ui/welcome", "/ui/mailbox", "/ui/nope", "/ui/assets/nope.css"] {
        for method in ["GET", "HEAD", "POST"] {
            let answer = server.ask(method, path).send().await;
            assert!(answer.header("cache-control").contains("no-store"), "{method} {path}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn browsers_that_came_over_tls_stay_there_unless_the_host_is_no_name() {
    let year = "max-age=31536000";
    for (config, host, is_tls, says) in [
        ("", "id.example.org", true, year),
        ("zelus: { hsts_max_age: 1h }", "id.example.org:4433", true, "max-age=3600"),
        ("zelus: { hsts_max_age: 0s }", "id.example.org", true, ""),
        ("", "id.example.org", false, ""),
        ("", "localhost:4433", true, ""),
        ("", "app.localhost", true, ""),
        ("", "192.0.2.1", true, ""),
        ("", "[2001:db8::1]:4433", true, ""),
    ] {
        let server = Server::with(config).await;
        for edge in [Side::Public, Side::Admin] {
            let ask =
                if edge == Side::Public { server.ask("GET", "/version") } else { server.ask_admin("GET", "/version") };
            let answer = ask.set_header("host", host).over_tls(is_tls).send().await;
            assert_eq!(answer.all("strict-transport-security"), says, "{host} {is_tls} {config}");
        }
    }
}
