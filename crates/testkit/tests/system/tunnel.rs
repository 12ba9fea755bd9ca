//! `zelus tunnel`: a server with a name and cookies of its own, used by an app on this machine.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use model::{Clock, Cx, Entropy};
use serde_json::{Value, json};
use testkit::{Database, PASSWORD, Port, Server, Setup};
use tunnel::{Address, Settings, Tunnel};

const APP: &str = "http://localhost:3000";
const HERE: &str = "http://localhost:4000";

/// A server as one in production: TLS ends in front of it, and its cookies are for its domain.
const ELSEWHERE: &str = "
serve: { public: { base_url: 'https://id.example.org/auth/' } }
cookies: { domain: example.org, path: /auth, same_site: None }
session: { cookie: { domain: example.org, path: /auth, same_site: None } }
hashers: { algorithm: argon2, argon2: { memory: 1MB, iterations: 1, parallelism: 1 } }
selfservice:
  default_browser_return_url: https://id.example.org/auth/ui/welcome
  allowed_return_urls: ['http://localhost:3000']
  flows:
    error: { ui_url: 'https://id.example.org/auth/ui/error' }
    login: { ui_url: 'https://id.example.org/auth/ui/login' }
    registration: { ui_url: 'https://id.example.org/auth/ui/registration' }
    verification: { ui_url: 'https://id.example.org/auth/ui/verification' }
    logout: { after: { default_browser_return_url: 'https://id.example.org/auth/ui/signed-out' } }
";

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A browser on this machine.
struct Browser {
    tunnel: Tunnel,
    jar: BTreeMap<String, String>,
}

impl Browser {
    /// Asks for an address, which has to be one of the tunnel's, with its cookies; keeps those that come back.
    async fn ask(&mut self, method: &str, url: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let path = url.strip_prefix(HERE).unwrap_or(url);
        assert!(path.starts_with('/'), "{url} is not the tunnel's");
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder().method(method).uri(path).header("host", "localhost:4000");
        let request = request.header("cookie", cookies.join("; "));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = self.tunnel.answer(request.body(Body::from(body)).expect("a request")).await;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body =
            String::from_utf8(answer.into_body().collect().await.expect("a body").to_bytes().into()).expect("text");
        for cookie in headers.get_all("set-cookie") {
            self.keep(cookie.to_str().expect("text"));
        }
        // Nothing of the server is left. In queries it may be: they go back there.
        let told = headers.values().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        for text in told.chain([body.clone()]) {
            assert!(!text.contains("//id.example.org") && !text.contains("//127.0.0.1"), "{text}");
        }
        Answer { status, headers, body }
    }

    /// Keeps a cookie as a browser does that talks plain HTTP to localhost.
    fn keep(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').expect("attributes");
        let attributes: Vec<String> = attributes.split(';').map(|part| part.trim().to_ascii_lowercase()).collect();
        let has = |text: &str| attributes.iter().any(|attribute| attribute.starts_with(text));
        assert!(!has("domain") && !has("secure") && !has("samesite=none"), "{cookie}");
        assert!(has("httponly") && has("samesite=lax") && attributes.contains(&"path=/".to_owned()), "{cookie}");
        let (name, value) = pair.split_once('=').expect("a pair");
        match has("max-age=0") {
            true => drop(self.jar.remove(name)),
            false => drop(self.jar.insert(name.to_owned(), value.to_owned())),
        }
    }

    /// `fetch` of a page of the app, with credentials and JSON.
    async fn fetch(&mut self, method: &str, url: &str, body: Option<Value>) -> Answer {
        let headers = [("origin", APP), ("accept", "application/json"), ("content-type", "application/json")];
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let answer = self.ask(method, url, &headers, body).await;
        assert_eq!(answer.header("access-control-allow-origin"), APP);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        answer
    }

    /// A page that a person opens.
    async fn visit(&mut self, url: &str) -> Answer {
        self.ask("GET", url, &[("accept", "text/html")], String::new()).await
    }
}

async fn open(database: &Database, more: &str) -> (Server, Port, Browser) {
    let server = Server::of(database, Setup { dev: false, ..Setup::with(ELSEWHERE).and(more) }).await;
    let port = Port::of(&server).await;
    let settings = Settings {
        remote: Address::parse(&port.url()).expect("an address"),
        port: 4000,
        app: APP.parse().expect("a URL"),
        origins: Vec::new(),
        cookie_domain: None,
        default_redirect: None,
    };
    let cx = Cx { clock: Clock::system(), entropy: Entropy::seeded(1) };
    let tunnel = Tunnel::new(settings, cx).expect("a tunnel");
    (server, port, Browser { tunnel, jar: BTreeMap::new() })
}

fn value<'f>(flow: &'f Value, name: &str) -> &'f str {
    let nodes = flow["ui"]["nodes"].as_array().expect("nodes");
    let field = nodes.iter().map(|node| &node["attributes"]).find(|field| field["name"] == name);
    field.and_then(|field| field["value"].as_str()).unwrap_or_default()
}

#[tokio::test]
async fn an_app_at_localhost_signs_up_out_and_in_by_scripts() {
    for database in Database::each().await {
        let (server, _port, mut browser) = open(&database, "").await;
        let there = server.ask("GET", "/self-service/login/browser").accept_json().send().await;
        for attribute in ["Domain=example.org", "Path=/auth", "Secure", "SameSite=None"] {
            assert!(there.header("set-cookie").contains(attribute), "{}", there.header("set-cookie"));
        }

        let flow = browser.fetch("GET", "/self-service/registration/browser", None).await.json();
        let action = flow["ui"]["action"].as_str().expect("an address").to_owned();
        assert!(action.starts_with("http://localhost:4000/self-service/registration?flow="), "{action}");
        let fields = json!({
            "method": "password", "csrf_token": value(&flow, "csrf_token"),
            "traits": { "email": "ann@example.org" }, "password": PASSWORD,
        });
        let answer = browser.fetch("POST", &action, Some(fields)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let session = browser.fetch("GET", "/sessions/whoami", None).await;
        assert_eq!(session.json()["identity"]["traits"]["email"], "ann@example.org", "{}", session.body);

        let logout =
            browser.fetch("GET", "/self-service/logout/browser?return_to=http://localhost:3000/bye", None).await;
        let logout_url = logout.json()["logout_url"].as_str().expect("an address").to_owned();
        let left = browser.fetch("GET", &logout_url, None).await;
        assert_eq!(left.status, 204, "{}", left.body);
        assert_eq!(browser.fetch("GET", "/sessions/whoami", None).await.status, 401);

        let flow = browser.fetch("GET", "/self-service/login/browser", None).await.json();
        let fields = json!({
            "method": "password", "csrf_token": value(&flow, "csrf_token"),
            "identifier": "ann@example.org", "password": PASSWORD,
        });
        let action = flow["ui"]["action"].as_str().expect("an address");
        assert_eq!(browser.fetch("POST", action, Some(fields)).await.status, 200);
        assert_eq!(browser.fetch("GET", "/sessions/whoami", None).await.status, 200);
    }
}

#[tokio::test]
async fn the_built_in_pages_work_at_the_tunnel_and_lead_back_to_the_app() {
    for database in Database::each().await {
        let (_server, _port, mut browser) = open(&database, "").await;
        let opened =
            browser.visit("/self-service/registration/browser?return_to=http%3A%2F%2Flocalhost%3A3000%2Fin").await;
        assert_eq!(opened.status, 303);
        let page = browser.visit(opened.header("location")).await;
        assert_eq!(page.status, 200);
        let action = page.body.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a form");
        let action = action.replace("&#x2f;", "/").replace("&amp;", "&");
        let flow_id = action.split("flow=").nth(1).expect("a flow").to_owned();
        let flow = browser.fetch("GET", &format!("/self-service/registration/flows?id={flow_id}"), None).await.json();
        let form = [
            ("csrf_token", value(&flow, "csrf_token")),
            ("method", "password"),
            ("traits.email", "ann@example.org"),
            ("password", PASSWORD),
        ];
        let form: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        // These pages tell nobody where they are.
        let headers = [
            ("origin", "null"),
            ("sec-fetch-site", "same-origin"),
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let sent = browser.ask("POST", &action, &headers, form).await;
        assert_eq!((sent.status, sent.header("location")), (303, "http://localhost:3000/in"), "{}", sent.body);
        let logout = browser.fetch("GET", "/self-service/logout/browser", None).await.json();
        let left = browser.visit(logout["logout_url"].as_str().expect("an address")).await;
        assert_eq!((left.status, left.header("location")), (303, "http://localhost:4000/ui/signed-out"));
        assert_eq!(browser.visit(left.header("location")).await.status, 200);
    }
}

#[tokio::test]
async fn strangers_get_nothing_through_a_tunnel() {
    let database = Database::sqlite().await;
    let (_server, _port, mut browser) = open(&database, "").await;
    for headers in [&[("origin", "http://localhost:3001")][..], &[("host", "evil.example:4000")]] {
        let answer = browser.ask("GET", "/self-service/login/browser", headers, String::new()).await;
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control")), "{headers:?}");
        assert!(browser.jar.is_empty());
    }
}

#[tokio::test]
async fn the_server_says_whether_it_lets_people_return_to_the_app() {
    let database = Database::sqlite().await;
    for (more, lists_app) in [("", true), ("selfservice: { allowed_return_urls: ['https://app.example.org'] }", false)]
    {
        let (_server, _port, browser) = open(&database, more).await;
        let learned = browser.tunnel.learn().await.expect("an answer");
        assert_eq!((learned.own.url().as_str(), learned.lists_app), ("https://id.example.org/auth/", Some(lists_app)));
    }
}
