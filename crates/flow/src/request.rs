//! What the engine needs of a request, free of HTTP types.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crypto::CsrfToken;
use model::flow::FlowKind;
use model::go::parse_bool;
use model::{ClientInfo, Entropy, Flow, FlowClient};
use session::RequestCredentials;
use url::Url;

/// A request as the engine sees it.
#[derive(Clone)]
pub struct Request {
    /// What it is called in the log.
    pub id: String,
    /// As the client sent it, with its query (Kratos' `request_url`).
    pub url: Url,
    /// The session cookies and tokens that came along.
    pub credentials: RequestCredentials,
    /// Where it comes from, which new sessions remember.
    pub client: ClientInfo,
    /// The address by which requests of the same client are counted, which no client chooses; `None` if they came by a Unix
    /// socket, and nobody says more.
    pub client_address: Option<IpAddr>,
    /// The visitor's anti-CSRF token: from the cookie, or made just now.
    pub csrf: CsrfToken,
    /// Whether the request brought that cookie along.
    pub has_csrf_cookie: bool,
    /// Whether it brought it more than once, so that none counts.
    pub repeats_csrf_cookie: bool,
    /// Whether a browser's flow belongs to that token since the request came.
    pub binding: Binding,
    /// The header `X-CSRF-Token`, in which scripts may send what forms send in the field `csrf_token`.
    pub csrf_header: Option<String>,
    /// The value of the cookie that says what the browser has left unfinished.
    pub continuity_cookie: Option<String>,
    /// Names of the cookies that came along.
    pub cookies: Vec<String>,
    /// The `Origin` header.
    pub origin: Option<String>,
    /// Whether native flows are taken from browsers too: Kratos' switch of test suites, see
    /// `Config::takes_native_flows_from_browsers`.
    pub any_client: bool,
    /// Whether the body is JSON, or is said to be.
    pub sends_json: bool,
    /// Whether the caller wants JSON rather than redirects.
    pub wants_json: bool,
    /// Whether the request is a GET: a link that was opened, rather than a form that was sent.
    pub is_get: bool,
    /// Whether a browser sent this from a script (`Sec-Fetch-Mode: cors` or `same-origin`).
    pub from_script: bool,
    /// What web hooks are told. Empty where there are none.
    pub facts: RequestFacts,
}

impl Request {
    /// The first value of a query parameter, if it is not empty.
    pub fn query(&self, name: &str) -> Option<String> {
        let value = self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        value.filter(|value| !value.is_empty())
    }

    /// The value of a form's hidden anti-CSRF field. Native flows carry it empty, unless a browser opens them.
    pub fn form_token(&self, client: FlowClient, entropy: &Entropy) -> String {
        match client {
            FlowClient::Api if !self.has_csrf_cookie => String::new(),
            FlowClient::Api | FlowClient::Browser => self.csrf.masked(entropy),
        }
    }

    /// Says that the flow now belongs to the visitor's anti-CSRF token, if it does. A browser that came without that cookie
    /// gets it with the answer, or it could not fetch the form that it is led to.
    pub fn bind<K: FlowKind>(&self, flow: &Flow<K>) {
        if flow.client == FlowClient::Browser && !self.has_csrf_cookie && self.csrf.verify(&flow.csrf_token) {
            self.binding.0.store(true, Ordering::Relaxed);
        }
    }

    /// A query parameter that says yes, in any spelling that Go's `ParseBool` takes.
    pub fn flag(&self, name: &str) -> bool {
        self.query(name).is_some_and(|value| parse_bool(&value) == Some(true))
    }
}

/// Whether a flow belongs to an anti-CSRF token that its browser has yet to be told of. Clones are one: the edge of the server
/// keeps one, and looks at it once there is an answer.
#[derive(Clone, Debug, Default)]
pub struct Binding(Arc<AtomicBool>);

impl Binding {
    /// Whether the browser has to be told of the token.
    pub fn is_due(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What web hooks are told of a request.
#[derive(Clone, Default)]
pub struct RequestFacts {
    /// The HTTP method.
    pub method: String,
    /// Those on the allow-list, by their names in canonical form (`User-Agent`).
    pub headers: BTreeMap<String, Vec<String>>,
    /// The cookies on the allow-list, by their names.
    pub cookies: BTreeMap<String, String>,
}
