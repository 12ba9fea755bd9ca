//! Every row of the tables that say what logging out does.

use serde_json::{Value, json};

use crate::support::{Answer, BYE, CSRF_COOKIE, Server, SignedIn};

const ERROR_PAGE: &str = "http://127.0.0.1:4455/error?lang=en&id=";
const NO_STORE: &str = "private, no-cache, no-store, must-revalidate";

fn query(url: &str) -> String {
    url::form_urlencoded::byte_serialize(url.as_bytes()).collect()
}

/// The path and query of the logout URL that the server makes.
async fn create(server: &Server, who: &SignedIn, query: &str) -> Answer {
    let answer =
        server.ask("GET", &format!("/self-service/logout/browser{query}")).cookie(who).accept_json().send().await;
    assert_eq!(answer.header("cache-control"), NO_STORE);
    answer
}

/// The cookies of a browser that has been here before: of the session, and against CSRF.
async fn with_csrf(server: &Server, who: &SignedIn) -> String {
    let form = server.ask("GET", "/self-service/login/browser").accept_json().send().await;
    let csrf = form.set_cookie(CSRF_COOKIE).expect("an anti-CSRF cookie");
    format!("{}; {}", who.cookie, csrf.split(';').next().unwrap_or_default())
}

#[tokio::test]
async fn a_logout_url_is_made_for_every_kind_of_credential() {
    let server = Server::start().await;
    let who = server.sign_in("a@example.org").await;
    let bare = who.cookie.split_once('=').expect("a pair").1.to_owned();
    let bearer = format!("Bearer {}", who.token);
    for (name, value) in [
        ("cookie", who.cookie.as_str()),
        ("cookie", &bare),
        ("x-session-token", &who.token),
        ("authorization", &bearer),
    ] {
        for accept in ["application/json", "text/html", "*/*"] {
            let ask = server.ask("GET", "/self-service/logout/browser").header(name, value).header("accept", accept);
            let answer = ask.send().await;
            assert_eq!((answer.status, answer.header("content-type")), (200, "application/json; charset=utf-8"));
            let url = format!("http://127.0.0.1:4433/self-service/logout?token={}", who.logout_token);
            assert_eq!(answer.json(), json!({ "logout_token": who.logout_token, "logout_url": url }));
        }
    }
}

#[tokio::test]
async fn nobody_gets_a_logout_url() {
    let server = Server::start().await;
    let ended = server.sign_in("ended@example.org").await;
    let body = json!({ "session_token": ended.token });
    assert_eq!(server.ask("DELETE", "/self-service/logout/api").json(&body).send().await.status, 204);
    let expired = server.sign_in("expired@example.org").await;
    server.wait(25);
    for (name, value) in [
        ("x-none", "1"),
        ("cookie", "ory_kratos_session=forged"),
        ("cookie", "nonsense"),
        ("cookie", ended.cookie.as_str()),
        ("cookie", &expired.cookie),
        ("x-session-token", &expired.token),
        ("x-session-token", "ory_st_unknown"),
    ] {
        let ask = || server.ask("GET", "/self-service/logout/browser").header(name, value);
        let answer = ask().accept_json().send().await;
        assert_eq!((answer.status, answer.error_id().as_deref()), (401, Some("session_inactive")), "{name}: {value}");
        let page = ask().header("accept", "text/html").send().await;
        assert_eq!(page.status, 303);
        assert!(page.header("location").starts_with(ERROR_PAGE), "{}", page.header("location"));
    }
}

#[tokio::test]
async fn return_to_is_checked_before_it_is_embedded() {
    let server = Server::start().await;
    let who = server.sign_in("a@example.org").await;
    for (given, embedded) in [
        ("", None),
        ("http://127.0.0.1:4455/after", Some("http://127.0.0.1:4455/after")),
        ("/there", Some("http://127.0.0.1:4455/there")),
        ("https://a.wild.example.org/x?y=1&z=2", Some("https://a.wild.example.org/x?y=1&z=2")),
        ("myapp://cb", Some("myapp://cb")),
        ("http://127.0.0.1:4433/self-service/login/browser", Some("http://127.0.0.1:4433/self-service/login/browser")),
    ] {
        let answer = create(&server, &who, &format!("?return_to={}", query(given))).await;
        let return_to = embedded.map(|url| format!("return_to={}&", query(url))).unwrap_or_default();
        let expected = format!("http://127.0.0.1:4433/self-service/logout?{return_to}token={}", who.logout_token);
        assert_eq!(answer.json()["logout_url"], Value::from(expected), "{given}");
        assert!(!answer.body.contains('&'), "ampersands are escaped");
    }
    for given in
        ["https://evil.example.org/", "https://app.example.org/else", "javascript:alert(1)", "//evil.example.org"]
    {
        let answer = create(&server, &who, &format!("?return_to={}", query(given))).await;
        let id = answer.error_id();
        assert_eq!((answer.status, id.as_deref()), (400, Some("self_service_flow_return_to_forbidden")), "{given}");
    }
    let unparsable = create(&server, &who, "?return_to=http%3A%2F%2F%00").await;
    assert_eq!(unparsable.status, 400);
    // Without a session, that is what is said first.
    let nobody = server.ask("GET", "/self-service/logout/browser?return_to=https://evil.example.org").accept_json();
    assert_eq!(nobody.send().await.status, 401);
}

#[tokio::test]
async fn a_browser_logs_out_and_goes_home() {
    let server = Server::start().await;
    let who = server.sign_in("a@example.org").await;
    let url = format!("/self-service/logout?token={}", who.logout_token);
    let answer = server.ask("GET", &url).cookie(&who).header("accept", "text/html").send().await;
    assert_eq!((answer.status, answer.header("location")), (303, BYE));
    assert_eq!(answer.header("cache-control"), NO_STORE);
    let gone = answer.set_cookie("ory_kratos_session").expect("the cookie is cleared");
    assert_eq!(
        gone,
        "ory_kratos_session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
    );
    let csrf = answer.set_cookie(CSRF_COOKIE).expect("the anti-CSRF cookie is replaced");
    assert!(csrf.ends_with("; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax"), "{csrf}");
    assert!(!server.is_alive(&who).await);
    let again = server.ask("GET", &url).cookie(&who).accept_json().send().await;
    assert_eq!((again.status, again.error_id().as_deref()), (401, Some("session_inactive")));
    assert_eq!(again.set_cookie("ory_kratos_session"), None);
}

#[tokio::test]
async fn callers_of_json_get_an_empty_answer() {
    let server = Server::start().await;
    for (name, value) in [("accept", "application/json"), ("content-type", "application/json")] {
        let who = server.sign_in(&format!("{name}@example.org")).await;
        let url = format!("/self-service/logout?token={}", who.logout_token);
        let answer = server.ask("GET", &url).cookie(&who).header(name, value).send().await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
        assert!(!server.is_alive(&who).await);
    }
}

#[tokio::test]
async fn the_checks_come_in_their_order() {
    let server = Server::start().await;
    let who = server.sign_in("a@example.org").await;
    let other = server.sign_in_again(who.session.identity.as_ref().expect("an identity")).await;
    let url = |token: &str| format!("/self-service/logout?token={token}");
    // Without a token it does not matter who asks.
    for path in ["/self-service/logout", "/self-service/logout?token="] {
        let answer = server.ask("GET", path).accept_json().send().await;
        assert_eq!((answer.status, answer.error_id()), (400, None));
    }
    let nobody = server.ask("GET", &url(&who.logout_token)).accept_json().send().await;
    assert_eq!((nobody.status, nobody.error_id().as_deref()), (401, Some("session_inactive")));
    for token in [other.logout_token.as_str(), "ory_lo_wrong", who.token.as_str()] {
        let answer = server.ask("GET", &url(token)).cookie(&who).accept_json().send().await;
        assert_eq!((answer.status, answer.error_id()), (403, None), "{token}");
        let page = server.ask("GET", &url(token)).cookie(&who).send().await;
        assert!(page.header("location").starts_with(ERROR_PAGE));
    }
    assert!(server.is_alive(&who).await && server.is_alive(&other).await);
}

#[tokio::test]
async fn a_bad_address_keeps_nobody_signed_in() {
    let server = Server::start().await;
    for accept in ["application/json", "text/html"] {
        let who = server.sign_in(&format!("{}@example.org", &accept[..4])).await;
        let url = format!("/self-service/logout?token={}&return_to=https://evil.example.org", who.logout_token);
        let answer = server.ask("GET", &url).cookie(&who).header("accept", accept).send().await;
        match accept {
            "text/html" => assert!(answer.status == 303 && answer.header("location").starts_with(ERROR_PAGE)),
            _ => assert_eq!(answer.error_id().as_deref(), Some("self_service_flow_return_to_forbidden")),
        }
        assert!(answer.set_cookie("ory_kratos_session").is_some_and(|cookie| cookie.contains("Max-Age=0")));
        assert!(answer.set_cookie(CSRF_COOKIE).is_some());
        assert!(!server.is_alive(&who).await);
    }
}

#[tokio::test]
async fn the_session_that_the_token_belongs_to_is_the_one_that_ends() {
    let server = Server::start().await;
    let a = server.sign_in("a@example.org").await;
    let b = server.sign_in("b@example.org").await;
    let url = |who: &SignedIn| format!("/self-service/logout?token={}", who.logout_token);
    let bearer = |who: &SignedIn| format!("Bearer {}", who.token);
    // The token of A, proved by the cookie, beside B's bearer token: A ends, B stays. (Kratos ends B.)
    let answer = server.ask("GET", &url(&a)).cookie(&a).header("authorization", &bearer(&b)).send().await;
    assert_eq!((answer.status, answer.header("location")), (303, BYE));
    assert!(!server.is_alive(&a).await && server.is_alive(&b).await);
    // A session that is proved by a header alone ends too, and no cookie is cleared. (In Kratos it stays alive.)
    let answer = server.ask("GET", &url(&b)).header("x-session-token", &b.token).accept_json().send().await;
    assert_eq!((answer.status, answer.set_cookie("ory_kratos_session")), (204, None));
    assert!(!server.is_alive(&b).await);
}

#[tokio::test]
async fn head_ends_nothing_and_other_methods_are_refused() {
    let server = Server::start().await;
    let who = server.sign_in("a@example.org").await;
    let url = format!("/self-service/logout?token={}", who.logout_token);
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let answer = server.ask(method, &url).cookie(&who).send().await;
        assert_eq!((answer.status, answer.error_id().as_deref()), (403, Some("security_csrf_violation")));
    }
    assert!(server.is_alive(&who).await);
    let options = server.ask("OPTIONS", &url).send().await;
    assert_eq!((options.status, options.header("allow")), (405, "GET, HEAD"));
    let cookies = with_csrf(&server, &who).await;
    for accept in ["text/html", "application/json"] {
        let head = server.ask("HEAD", &url).header("cookie", &cookies).header("accept", accept).send().await;
        assert_eq!((head.status, head.header("set-cookie")), (204, ""));
    }
    assert!(server.is_alive(&who).await);
}

#[tokio::test]
async fn what_a_browser_fetches_ahead_or_for_a_picture_ends_nothing() {
    let server = Server::start().await;
    let who = server.sign_in("a@example.org").await;
    let url = format!("/self-service/logout?token={}", who.logout_token);
    let cookies = with_csrf(&server, &who).await;
    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "prefetch;anonymous-client-ip"),
        ("purpose", "prefetch"),
        ("purpose", "Prerender"),
        ("sec-fetch-dest", "image"),
    ] {
        for accept in ["text/html", "application/json"] {
            let ask = server.ask("GET", &url).header("cookie", &cookies).header(name, value);
            let answer = ask.header("accept", accept).send().await;
            assert_eq!((answer.status, answer.header("cache-control")), (403, NO_STORE), "{name}: {value}");
            assert_eq!(answer.header("set-cookie"), "", "{name}: {value}");
            assert!(server.is_alive(&who).await, "{name}: {value}");
        }
    }
    for dest in ["document", "empty", "iframe", "frame"] {
        let who = server.sign_in(&format!("{dest}@example.org")).await;
        let url = format!("/self-service/logout?token={}", who.logout_token);
        let answer = server.ask("GET", &url).cookie(&who).header("sec-fetch-dest", dest).send().await;
        assert_eq!((answer.status, answer.header("location")), (303, BYE), "{dest}");
        assert!(!server.is_alive(&who).await, "{dest}");
    }
}

#[tokio::test]
async fn a_native_app_hands_in_its_token() {
    let server = Server::start().await;
    let who = server.sign_in("a@example.org").await;
    let logout = |body: Value| server.ask("DELETE", "/self-service/logout/api").json(&body);
    // Browsers' cookies and origins do not matter, nor do members that nobody knows.
    let body = json!({ "session_token": who.token, "other": [1] });
    let answer = logout(body).header("origin", "http://127.0.0.1:4455").header("cookie", "a=b").send().await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(answer.header("cache-control"), NO_STORE);
    assert_eq!(answer.all("set-cookie"), "");
    assert!(!server.is_alive(&who).await);
    assert_eq!(logout(json!({ "session_token": who.token })).send().await.status, 204, "again");

    let expired = server.sign_in("b@example.org").await;
    server.wait(25);
    assert_eq!(logout(json!({ "session_token": expired.token })).send().await.status, 204, "expired");

    for body in [
        json!({}),
        json!({ "session_token": "" }),
        json!({ "session_token": null }),
        json!({ "session_token": "ory_st_x" }),
    ] {
        let answer = logout(body.clone()).header("x-session-token", &who.token).send().await;
        assert_eq!((answer.status, answer.error_id()), (403, None), "{body}");
    }
}

#[tokio::test]
async fn a_native_logout_that_cannot_be_read_is_refused() {
    let server = Server::start().await;
    let who = server.sign_in("a@example.org").await;
    let good = format!("{{\"session_token\":\"{}\"}}", who.token);
    for (content_type, body) in [
        ("application/json", "{".to_owned()),
        ("application/json", "[]".to_owned()),
        ("application/json", String::new()),
        ("application/json", "{\"session_token\":7}".to_owned()),
        ("application/json", format!("{good}{good}")),
        ("application/json", good.replace('}', ",\"session_token\":\"x\"}")),
        ("text/plain", good.clone()),
        ("application/x-www-form-urlencoded", format!("session_token={}", who.token)),
        ("application/jsonp", good.clone()),
    ] {
        let ask = server.ask("DELETE", "/self-service/logout/api").header("accept", "text/html");
        let answer = ask.body(content_type, body.clone()).send().await;
        assert_eq!((answer.status, answer.error_id()), (400, None), "{content_type} {body}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let bare = server.ask("DELETE", "/self-service/logout/api").header("x-session-token", &who.token).send().await;
    assert_eq!(bare.status, 400);
    assert!(server.is_alive(&who).await);
    let with_charset = server.ask("DELETE", "/self-service/logout/api").body("application/json; charset=utf-8", good);
    assert_eq!(with_charset.send().await.status, 204);
    let wrong = server.ask("GET", "/self-service/logout/api").send().await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, "DELETE"));
}

#[tokio::test]
async fn the_error_page_is_told_what_went_wrong_and_nothing_more() {
    let server = Server::start().await;
    let answer = server.ask("GET", "/self-service/logout/browser").header("accept", "text/html").send().await;
    let id = answer.header("location").strip_prefix(ERROR_PAGE).expect("the error page").to_owned();
    let stored = server.ask("GET", &format!("/self-service/errors?id={id}")).send().await;
    assert_eq!(stored.status, 200);
    let body = stored.json();
    assert_eq!((&body["id"], &body["error"]["id"]), (&Value::from(id), &Value::from("session_inactive")));
    assert_eq!(body["error"].get("debug"), None);
    for missing in ["?id=1f2f3f4f-0000-4000-8000-000000000000", "?id=nope", ""] {
        assert_eq!(server.ask("GET", &format!("/self-service/errors{missing}")).send().await.status, 404);
    }
    let sample = server.ask("GET", "/self-service/errors?id=stub:500").send().await;
    assert_eq!(sample.json()["error"]["code"], 500);
    assert_eq!(sample.json()["created_at"], "0001-01-01T00:00:00Z");
}
