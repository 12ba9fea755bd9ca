//! Cookies of an earlier domain or path, which browsers send beside those of today.

use serde_json::{Value, json};
use testkit::{Answer, Browser, Database, PASSWORD, Server, Setup};

const EMAIL: &str = "p@example.org";
const SESSION: &str = "ory_kratos_session";

/// A server that was moved: its cookies are for a domain now.
async fn moved(database: &Database) -> Server {
    let config = "
serve: { public: { base_url: https://id.example.org/ } }
cookies: { domain: example.org }";
    Server::of(database, Setup::with(config)).await
}

/// What a browser sends that has the session cookies of these browsers, in this order.
fn cookies(of: &[&Browser]) -> String {
    let pairs: Vec<_> = of.iter().map(|browser| format!("{SESSION}={}", browser.session_cookie())).collect();
    pairs.join("; ")
}

async fn whoami(server: &Server, cookies: &str) -> Value {
    server.ask("GET", "/sessions/whoami").accept_json().header("cookie", cookies).send().await.json()["id"].clone()
}

fn set_cookies(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text")).collect()
}

/// Domain and path of every cookie of a name that an answer has the browser forget.
fn cleared<'a>(answer: &'a Answer, name: &str) -> Vec<(Option<&'a str>, &'a str)> {
    let attribute = |cookie: &'a str, name: &str| cookie.split("; ").find_map(|part| part.strip_prefix(name));
    let all = set_cookies(answer).into_iter();
    let gone = all.filter(|cookie| cookie.starts_with(&format!("{name}=;")) && cookie.contains("Max-Age=0"));
    gone.map(|cookie| (attribute(cookie, "Domain="), attribute(cookie, "Path=").unwrap_or_default())).collect()
}

#[tokio::test]
async fn of_several_session_cookies_the_living_one_counts() {
    for database in Database::each().await {
        let server = moved(&database).await;
        let (mut dead, mut one, mut other) = (server.browser(), server.browser(), server.browser());
        dead.sign_up(EMAIL).await;
        one.sign_up("q@example.org").await;
        other.sign_up("r@example.org").await;
        let url = dead.logout_url().await;
        let before = dead.clone();
        dead.visit(url.trim_start_matches("https://id.example.org")).await;
        let dead = before;
        let id = one.whoami().await["id"].clone();
        assert_eq!(whoami(&server, &cookies(&[&dead])).await, Value::Null);
        for of in [&[&dead, &one][..], &[&one, &dead], &[&dead, &dead, &one], &[&one, &other]] {
            assert_eq!(whoami(&server, &cookies(of)).await, id);
        }
        let unreadable = format!("{SESSION}=nonsense; {}", cookies(&[&dead, &one]));
        assert_eq!(whoami(&server, &unreadable).await, id);
        // More than any browser has are not looked at.
        let many: Vec<&Browser> = std::iter::repeat_n(&dead, 20).chain([&one]).collect();
        assert_eq!(whoami(&server, &cookies(&many)).await, Value::Null);
    }
}

#[tokio::test]
async fn logging_out_ends_every_session_that_such_cookies_show() {
    for database in Database::each().await {
        let server = moved(&database).await;
        let (mut one, mut other, mut bystander) = (server.browser(), server.browser(), server.browser());
        one.sign_up(EMAIL).await;
        other.sign_in(EMAIL).await;
        bystander.sign_in(EMAIL).await;
        let log_out = async |of: &mut Browser, shown: &str| {
            let url = of.logout_url().await;
            let path = url.trim_start_matches("https://id.example.org").to_owned();
            server.ask("GET", &path).accept_html().header("cookie", shown).send().await
        };
        let shown = cookies(&[&other, &one]);
        // A link of somebody else ends nothing.
        assert_eq!(log_out(&mut bystander, &shown).await.status, 303);
        assert!(bystander.is_signed_in().await && one.is_signed_in().await && other.is_signed_in().await);

        let answer = log_out(&mut one, &shown).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        assert!(!one.is_signed_in().await && !other.is_signed_in().await, "the other one would sign them in again");
        assert!(bystander.is_signed_in().await);
        let gone = cleared(&answer, SESSION);
        for scope in [(None, "/"), (Some("example.org"), "/"), (Some("id.example.org"), "/")] {
            assert_eq!(gone.iter().filter(|other| **other == scope).count(), 1, "{scope:?} of {gone:?}");
        }
        // Whoever sends one cookie is told of one.
        let answer = log_out(&mut bystander.clone(), &cookies(&[&bystander])).await;
        assert_eq!(cleared(&answer, SESSION), [(Some("example.org"), "/")]);
    }
}

#[tokio::test]
async fn signing_in_clears_what_is_in_the_way() {
    for database in Database::each().await {
        let server = moved(&database).await;
        let mut person = server.browser();
        person.sign_up(EMAIL).await;
        let mut browser = server.browser();
        let form = browser.open("login").await;
        let (name, value) = browser.csrf_cookie();
        let stale = format!("{SESSION}=one; {SESSION}=two; {name}={value}");
        let body = json!({ "method": "password", "identifier": EMAIL, "password": PASSWORD });
        let answer = form.ask(&server, body).header("cookie", &stale).send().await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let gone = cleared(&answer, SESSION);
        assert!(gone.contains(&(None, "/")) && gone.contains(&(Some("id.example.org"), "/")), "{gone:?}");
        assert!(!gone.contains(&(Some("example.org"), "/")), "that is where the new one is");
        let last = set_cookies(&answer).pop().expect("a cookie");
        assert!(last.starts_with(&format!("{SESSION}=M")) || !last.contains("Max-Age=0"), "{last}");
    }
}

#[tokio::test]
async fn an_anti_csrf_cookie_that_is_there_twice_is_replaced_and_nobody_is_told_untruths() {
    for database in Database::each().await {
        let server = moved(&database).await;
        let mut browser = server.browser();
        let form = browser.open("login").await;
        let (name, value) = browser.csrf_cookie();
        let (name, value) = (name.to_owned(), value.to_owned());
        let twice = format!("{name}={value}; {name}={value}x");

        let body = json!({ "method": "password", "identifier": EMAIL, "password": PASSWORD });
        let refused = form.ask(&server, body).header("cookie", &twice).send().await;
        assert_eq!((refused.status, refused.error_id().as_str()), (403, "security_csrf_violation"));
        let said = refused.json()["error"]["details"]["reject_reason"].to_string();
        assert!(said.contains("more than once"), "{said}");

        let opened = server.ask("GET", "/self-service/login/browser").accept_json().header("cookie", &twice).send();
        let opened = opened.await;
        assert_eq!(opened.status, 200);
        let gone = cleared(&opened, &name);
        assert!(gone.contains(&(None, "/")) && gone.contains(&(Some("id.example.org"), "/")), "{gone:?}");
        let set: Vec<_> = opened.cookies().into_iter().filter(|(set, value)| *set == name && value.is_some()).collect();
        assert_eq!(set.len(), 1, "the new one");

        let page = format!("/ui/login?flow={}", form.id());
        let shown = server.ask("GET", &page).accept_html().header("cookie", &twice).send().await;
        assert!(shown.status == 403 && shown.body.contains("Old cookies are in the way"), "{}", shown.body);
    }
}
