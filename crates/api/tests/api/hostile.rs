//! Requests that mean no good, or make no sense. Each gets an answer, none an error of ours.

use proptest::prelude::*;
use serde_json::json;

use crate::support::Server;

#[tokio::test]
async fn bodies_are_bounded() {
    let server = Server::start().await;
    let long = format!("{{\"session_token\":\"{}\"}}", "x".repeat(6 << 20));
    let deep = format!("{{\"session_token\":{}{}}}", "[".repeat(3000), "]".repeat(3000));
    let deeper = format!("{{\"traits\":{}{}}}", "{\"a\":".repeat(3000), "1".to_owned() + &"}".repeat(3000));
    for (body, status) in [(&long, 413), (&deep, 400), (&deeper, 400)] {
        let logout = server.ask("DELETE", "/self-service/logout/api").body("application/json", body.clone());
        assert_eq!(logout.send().await.status, status);
        let create = server.ask_admin("POST", "/identities").body("application/json", body.clone());
        assert_eq!(create.send().await.status, status);
    }
}

#[tokio::test]
async fn forms_cannot_exhaust_the_stack_or_the_memory() {
    let server = Server::start().await;
    let flow = server.ask("GET", "/self-service/registration/api").send().await.json();
    let uri = format!("/self-service/registration?flow={}", flow["id"].as_str().expect("an id"));
    let name = "a.".repeat(200_000);
    let leaves = "0,".repeat(50_000);
    for (content_type, body) in [
        ("application/x-www-form-urlencoded", format!("traits.{name}b=1")),
        ("application/json", format!("{{\"traits.{name}b\":1}}")),
        ("application/json", format!("{{\"method\":\"password\",\"traits\":{{\"{name}\":[{leaves}0]}}}}")),
    ] {
        assert_eq!(server.ask("POST", &uri).body(content_type, body).send().await.status, 400);
    }
}

#[tokio::test]
async fn members_that_stand_twice_are_refused() {
    let server = Server::start().await;
    let body = "{\"traits\":{\"email\":\"a@example.org\",\"email\":\"b@example.org\"}}";
    let create = server.ask_admin("POST", "/identities").body("application/json", body);
    assert_eq!(create.send().await.status, 400);
}

#[tokio::test]
async fn zero_bytes_and_odd_text_are_harmless() {
    let server = Server::start().await;
    for token in ["\u{0}", "ory_st_\u{0}", "'; DROP TABLE sessions; --", "\u{1f600}"] {
        let logout = server.ask("DELETE", "/self-service/logout/api").json(&json!({ "session_token": token }));
        assert_eq!(logout.send().await.status, 403, "{token:?}");
    }
    for path in [
        "/self-service/logout?token=%00",
        "/self-service/logout?token=%ff%fe",
        "/self-service/logout?%00=%00&token=x",
        "/self-service/errors?id=%00",
        "/schemas/%00",
        "/schemas/%ff",
        "/sessions/%00",
        "/sessions?page_token=%00&page_size=99999999999999999999",
    ] {
        let answer = server.ask("GET", path).accept_json().send().await;
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
    }
    for path in [
        "/sessions/%00",
        "/identities/%00",
        "/identities/by/external/%00",
        "/sessions?page_token=%00",
        "/identities?credentials_identifier=%00",
    ] {
        let answer = server.ask_admin("GET", path).send().await;
        assert!(answer.status < 500, "{path}: {}", answer.status);
    }
}

#[tokio::test]
async fn forged_and_broken_cookies_prove_nothing() {
    let server = Server::start().await;
    let who = server.sign_in("a@example.org").await;
    let (name, value) = who.cookie.split_once('=').expect("a pair");
    let mut forged = value.to_owned();
    forged.replace_range(10..11, if &value[10..11] == "A" { "B" } else { "A" });
    for cookie in [
        format!("{name}={forged}"),
        format!("{name}="),
        format!("{name}={}", &value[..value.len() / 2]),
        format!("{name}={}", "A".repeat(5000)),
        format!("{name}=%00"),
        format!("other={value}"),
        forged.clone(),
        ";;;===;".to_owned(),
        "a=b; ".repeat(2000),
    ] {
        let answer = server.ask("GET", "/sessions/whoami").header("cookie", &cookie).send().await;
        assert_eq!(answer.status, 401, "{}", &cookie[..cookie.len().min(60)]);
    }
    // An unreadable cookie does not stand in the way of a good one, or of a good token. Very many do.
    let both = |count: usize| format!("{name}={forged}; ").repeat(count) + &format!("{name}={value}");
    for (count, status) in [(1, 200), (8, 200), (9, 401)] {
        let ask = server.ask("GET", "/sessions/whoami").header("cookie", &both(count));
        assert_eq!(ask.send().await.status, status, "{count}");
    }
    let bearer = format!("Bearer {}", who.token);
    let ask = server.ask("GET", "/sessions/whoami").header("cookie", &format!("{name}={forged}"));
    assert_eq!(ask.header("authorization", &bearer).send().await.status, 200);
}

#[tokio::test]
async fn requests_without_a_host_are_told_so() {
    let server = Server::start().await;
    let ask = server.ask("GET", "/self-service/login/api").header("x-forwarded-host", "a b");
    assert!(ask.send().await.status < 500);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_headers_are_answered(
        accept in "[ -~]{0,40}",
        cookie in "[ -~]{0,80}",
        authorization in "[ -~]{0,40}",
        query in "[a-z_=&%0-9]{0,40}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        thread_local! {
            static SERVER: std::cell::OnceCell<Server> = const { std::cell::OnceCell::new() };
        }
        SERVER.with(|cell| {
            let server = cell.get_or_init(|| runtime.block_on(Server::start()));
            for path in ["/sessions/whoami", "/self-service/logout/browser", "/self-service/logout", "/sessions", "/schemas"] {
                let ask = server.ask("GET", &format!("{path}?{query}"));
                let ask = ask.header("accept", &accept).header("cookie", &cookie).header("authorization", &authorization);
                let status = runtime.block_on(ask.send()).status;
                assert!(status < 500, "{path}: {status}");
            }
        });
    }
}
