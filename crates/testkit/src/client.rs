//! Clients: requests one by one, browsers that keep cookies, and native apps.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::BodyExt;
use serde_json::Value;
use web::{Edge, Peer};

use crate::server::Server;

/// A request that is being put together.
pub struct Ask {
    edge: Edge,
    method: String,
    uri: String,
    headers: HeaderMap,
    body: Body,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as text.
    pub body: String,
}

impl Ask {
    pub(crate) fn new(edge: Edge, method: &str, uri: &str) -> Self {
        let (method, uri) = (method.to_owned(), uri.to_owned());
        Self { edge, method, uri, headers: HeaderMap::new(), body: Body::empty() }
    }

    /// Adds a header; any bytes that a connection would let through.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name: HeaderName = name.parse().expect("a name");
        self.headers.append(name, HeaderValue::from_bytes(value.as_ref()).expect("a value"));
        self
    }

    /// Adds a header, in the place of those of its name that are there.
    #[must_use]
    pub fn set_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name: HeaderName = name.parse().expect("a name");
        self.headers.remove(&name);
        self.header(name.as_str(), value)
    }

    /// As a single-page app, or any program, asks.
    #[must_use]
    pub fn accept_json(self) -> Self {
        self.header("accept", "application/json")
    }

    /// As a browser asks that shows a page.
    #[must_use]
    pub fn accept_html(self) -> Self {
        self.header("accept", "text/html")
    }

    /// With a session token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.header("x-session-token", token)
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// With a body of JSON.
    #[must_use]
    pub fn json(self, value: &Value) -> Self {
        self.body("application/json", value.to_string())
    }

    /// With a body as browsers send forms.
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body("application/x-www-form-urlencoded", body)
    }

    /// With a body as browsers send forms that may hold files.
    #[must_use]
    pub fn multipart(self, fields: &[(&str, &str)]) -> Self {
        let part = |(name, value): &(&str, &str)| {
            format!("--bound\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body: String = fields.iter().map(part).chain(["--bound--\r\n".to_owned()]).collect();
        self.body("multipart/form-data; boundary=bound", body)
    }

    /// Sends it.
    pub async fn send(self) -> Answer {
        let mut request = Request::builder().method(&*self.method).uri(&*self.uri).body(self.body).expect("a request");
        *request.headers_mut() = self.headers;
        let peer = Peer { address: Some(([127, 0, 0, 1], 40_000).into()), is_tls: false };
        let response = self.edge.answer(request, peer).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        Answer { status, headers, body: String::from_utf8(body.into()).expect("text") }
    }
}

impl Answer {
    /// The body; `null` when it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// The first value of a header; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The error's id; empty without one.
    pub fn error_id(&self) -> String {
        self.json()["error"]["id"].as_str().unwrap_or_default().to_owned()
    }

    /// Every `Set-Cookie`: name and value, `None` for a cookie that is to be forgotten.
    pub fn cookies(&self) -> Vec<(String, Option<String>)> {
        let lines = self.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        let cookie = |line: &str| {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').expect("a pair");
            (name.to_owned(), (!attributes.contains("Max-Age=0;")).then(|| value.to_owned()))
        };
        lines.map(cookie).collect()
    }
}

/// A browser, with its cookies. A clone is a thief with a copy of them.
#[derive(Clone)]
pub struct Browser {
    /// The server that it asks.
    pub server: Server,
    /// Its cookies, by name.
    pub jar: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn new(server: Server) -> Self {
        Self { server, jar: BTreeMap::new() }
    }

    /// Sends a request with its cookies, and keeps those that come back.
    pub async fn send(&mut self, ask: Ask) -> Answer {
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let ask = if cookies.is_empty() { ask } else { ask.header("cookie", cookies.join("; ")) };
        let answer = ask.send().await;
        for (name, value) in answer.cookies() {
            match value {
                Some(value) => drop(self.jar.insert(name, value)),
                None => drop(self.jar.remove(&name)),
            }
        }
        answer
    }

    /// Fetches JSON, as a script does.
    pub async fn fetch(&mut self, uri: &str) -> Answer {
        let ask = self.server.ask("GET", uri).accept_json();
        self.send(ask).await
    }

    /// Opens an address, as a person does. Redirects are not followed.
    pub async fn visit(&mut self, uri: &str) -> Answer {
        let ask = self.server.ask("GET", uri).accept_html();
        self.send(ask).await
    }

    /// The value of the session cookie; empty without one.
    pub fn session_cookie(&self) -> &str {
        self.jar.get("ory_kratos_session").map(String::as_str).unwrap_or_default()
    }

    /// The anti-CSRF cookie.
    pub fn csrf_cookie(&self) -> (&str, &str) {
        let found = self.jar.iter().find(|(name, _)| name.starts_with("csrf_token_")).expect("an anti-CSRF cookie");
        (found.0, found.1)
    }

    /// The session it is signed in with, as whoami tells; `null` without one.
    pub async fn whoami(&mut self) -> Value {
        let answer = self.fetch("/sessions/whoami").await;
        if answer.status == 200 { answer.json() } else { Value::Null }
    }

    /// Whether it is signed in.
    pub async fn is_signed_in(&mut self) -> bool {
        !self.whoami().await.is_null()
    }

    /// The path and query of a logout URL.
    pub async fn logout_url(&mut self) -> String {
        let answer = self.fetch("/self-service/logout/browser").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["logout_url"].as_str().expect("a URL").to_owned()
    }

    /// This browser, talking to another server.
    #[must_use]
    pub fn at(mut self, server: &Server) -> Self {
        self.server = server.clone();
        self
    }
}

/// A native app: no cookies, no origin.
#[derive(Clone)]
pub struct Native {
    /// The server that it asks.
    pub server: Server,
}
