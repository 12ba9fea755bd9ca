//! A request as handlers see it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::Guard;
use axum::body::Body;
use axum::extract::{FromRequest, MatchedPath};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use axum::response::Response;
use config::Limits;
use crypto::{ContinuityCodec, CsrfToken};
use flow::{Binding, RequestFacts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use model::go::canonical_header_name;
use model::{Cx, Problem, Secret};
use serde::de::DeserializeOwned;
use session::RequestCredentials;
use tracing::Span;
use url::form_urlencoded;

use crate::accept::{accepts_json, is_json_request, prefers_html};
use crate::budget::{HeldByBody, UNCOUNTED};
use crate::client::{self, Peer};
use crate::cookies::{cookie, cookies};
use crate::csrf::{self, CSRF_HEADER, Protection, Visitor};
use crate::reply::{Failure, empty};
use crate::request_id::{REQUEST_ID, RequestId};
use crate::scopes::is_repeated;
use crate::side::Side;
use crate::{App, Site, parse_object};

/// Larger bodies are refused (5 MiB, as in Kratos), and those of strangers much sooner: see [`Request::body`].
pub const MAX_BODY: usize = 5 << 20;
/// What a form has besides traits and what hooks are given: answers of security keys, ID tokens, names of fields.
const REST_OF_FORM: u64 = 128 << 10;
/// How many characters a browser writes for a byte, at most (`%C3`).
const ENCODING: u64 = 3;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The header of native apps.
const SESSION_TOKEN: HeaderName = HeaderName::from_static("x-session-token");

/// How many more session cookies are tried when the first cannot be read. Each costs a decryption.
const MAX_OTHER_COOKIES: usize = 8;

/// What the edge of the server found out about a request.
pub(crate) struct Arrival {
    pub app: App,
    /// One configuration from the request's beginning to its end.
    pub site: Guard<Arc<Site>>,
    pub side: Side,
    pub method: Method,
    pub id: RequestId,
    /// Taken out of the request: its handler reads them, and so does the edge once there is an answer.
    pub headers: HeaderMap,
    pub protection: Protection,
    pub visitor: Visitor,
    pub peer: Peer,
    /// The span in which the request is answered.
    pub span: Span,
    /// Tells the edge, after the fact, which route the request took.
    pub route: OnceLock<MatchedPath>,
    /// The anti-CSRF token that was made for a visitor without one on a path that is not guarded, and whether a flow belongs
    /// to it now.
    pub made: OnceLock<(CsrfToken, Binding)>,
}

impl Arrival {
    /// What the request is called, if its sender named it: Kratos tells nobody else.
    pub fn named_by_sender(&self) -> Option<&str> {
        let is_named = self.headers.get(REQUEST_ID).is_some_and(|value| !value.is_empty());
        is_named.then(|| self.id.as_str())
    }
}

/// A request, with the configuration that it is answered under.
pub struct Request {
    /// What was asked for: the path, with `/admin` in front on the admin listener, and the query.
    pub uri: Uri,
    arrival: Arc<Arrival>,
    /// Never contended: the lock makes the request as a whole shareable between threads, which a body is not.
    body: Mutex<Body>,
    /// What the body holds of the memory that there is for all of them, until the request has been answered.
    held: Option<HeldByBody>,
}

impl<S: Sync> FromRequest<S> for Request {
    type Rejection = Response;

    async fn from_request(request: axum::extract::Request, _: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Some(arrival) = parts.extensions.remove::<Arc<Arrival>>() else {
            tracing::error!("A route was called without passing the edge of the server.");
            return Err(empty(axum::http::StatusCode::INTERNAL_SERVER_ERROR));
        };
        if let Some(matched) = parts.extensions.remove::<MatchedPath>() {
            arrival.span.record("http.route", matched.as_str());
            // It is new for each request, so it cannot be set.
            let _ = arrival.route.set(matched);
        }
        Ok(Self { uri: parts.uri, arrival, body: Mutex::new(body), held: None })
    }
}

impl Request {
    /// The server's state.
    pub fn app(&self) -> &App {
        &self.arrival.app
    }

    /// The configuration that the request is answered under, from its beginning to its end.
    pub fn site(&self) -> &Site {
        &self.arrival.site
    }

    /// The HTTP method.
    pub fn method(&self) -> &Method {
        &self.arrival.method
    }

    /// What the request is called, in the log and in the header `X-Request-Id` of its answer.
    pub fn id(&self) -> &str {
        self.arrival.id.as_str()
    }

    /// The headers, in the order in which they came.
    pub fn headers(&self) -> &HeaderMap {
        &self.arrival.headers
    }

    /// The address by which requests of the same client are counted: what a trusted proxy saw, or else the other end of the
    /// connection. `None` if that is a Unix socket, and nobody says more.
    pub fn client_address(&self) -> Option<IpAddr> {
        self.site().proxies.client_of(self.headers(), self.arrival.peer)
    }

    /// The anti-CSRF token that the visitor's cookie brought along, on paths that are guarded.
    pub fn csrf_cookie(&self) -> Option<&CsrfToken> {
        let Visitor { token, is_new } = &self.arrival.visitor;
        token.as_ref().filter(|_| !is_new)
    }

    /// What domain functions get first.
    pub fn cx(&self) -> Cx {
        self.app().cx()
    }

    /// The query, without its question mark.
    pub fn query_text(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// The first value of a query parameter; empty if it is missing.
    pub fn query(&self, name: &str) -> Cow<'_, str> {
        self.query_if_set(name).unwrap_or_default()
    }

    /// The first value of a query parameter.
    pub fn query_if_set(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// All values of a query parameter.
    pub fn query_all(&self, name: &str) -> Vec<String> {
        self.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
    }

    fn query_pairs(&self) -> form_urlencoded::Parse<'_> {
        form_urlencoded::parse(self.query_text().as_bytes())
    }

    /// Whether a submission, or an error, is answered in JSON.
    pub fn is_json_request(&self) -> bool {
        is_json_request(self.headers())
    }

    /// Whether a newly opened flow is answered in JSON.
    pub fn accepts_json(&self) -> bool {
        accepts_json(self.headers())
    }

    /// Whether the caller would rather have a page than JSON. What it sent does not count.
    pub fn prefers_html(&self) -> bool {
        prefers_html(self.headers())
    }

    /// What the request brings along to prove a session.
    pub fn credentials(&self) -> RequestCredentials {
        let header = |name: HeaderName| self.headers().get(name).and_then(|value| value.to_str().ok());
        let bearer = header(AUTHORIZATION).and_then(bearer_token);
        let name = &self.site().runtime.config.session.cookie.name;
        let mut own = cookies(self.headers()).filter(|(other, _)| *other == name.as_str()).map(|(_, value)| value);
        RequestCredentials {
            session_token: header(SESSION_TOKEN).filter(|token| !token.is_empty()).map(Secret::from),
            cookie: own.next().map(Secret::from),
            other_cookies: own.take(MAX_OTHER_COOKIES).map(Secret::from).collect(),
            bare_cookie: None,
            bearer: bearer.map(Secret::from),
        }
    }

    /// As [`Request::credentials`], for whoami and logout, where the `Cookie` header may also be nothing but the session
    /// cookie's value: an application that passes `req.cookies.ory_kratos_session` on makes that mistake.
    pub fn credentials_with_bare_cookie(&self) -> RequestCredentials {
        let mut credentials = self.credentials();
        if credentials.cookie.is_none() {
            let whole = self.headers().get(COOKIE).and_then(|value| value.to_str().ok());
            credentials.bare_cookie = whole.filter(|whole| whole.len() <= 4096).map(Secret::from);
        }
        credentials
    }

    /// The request as the flow engine sees it.
    ///
    /// # Errors
    /// 400 when its address cannot be made out.
    pub fn for_flow(&self) -> Result<flow::Request, Problem> {
        let url = client::request_url(self.headers(), &self.uri, self.arrival.peer)
            .ok_or_else(|| Problem::bad_request("The request does not say which host it is for (Host header)."))?;
        let text = |name| self.headers().get(name).and_then(|value| value.to_str().ok());
        let Visitor { token, is_new } = &self.arrival.visitor;
        let token = match self.arrival.protection {
            Protection::Ignored => csrf::token_in(self.headers(), &self.site().csrf_cookie),
            Protection::Off | Protection::Guarded => token.clone(),
        };
        let has_csrf_cookie = token.is_some() && !is_new;
        // However often this is asked for, a visitor has one token.
        let make = || (CsrfToken::generate(self.app().entropy()), Binding::default());
        let (csrf, binding) = match token {
            Some(token) => (token, Binding::default()),
            None => self.arrival.made.get_or_init(make).clone(),
        };
        Ok(flow::Request {
            id: self.id().to_owned(),
            url,
            credentials: self.credentials(),
            client: client::client_info(self.headers(), self.arrival.peer, &self.site().proxies),
            client_address: self.client_address(),
            csrf,
            has_csrf_cookie,
            repeats_csrf_cookie: is_repeated(self.headers(), &self.site().csrf_cookie),
            binding,
            csrf_header: text(CSRF_HEADER.as_str()).map(str::to_owned),
            continuity_cookie: cookie(self.headers(), ContinuityCodec::NAME).map(str::to_owned),
            cookies: cookies(self.headers()).map(|(name, _)| name.to_owned()).collect(),
            origin: text(ORIGIN.as_str()).map(str::to_owned),
            any_client: self.site().runtime.config.takes_native_flows_from_browsers,
            sends_json: text(CONTENT_TYPE.as_str()).is_some_and(|value| value.starts_with("application/json")),
            wants_json: self.is_json_request(),
            is_get: *self.method() == Method::GET,
            from_script: matches!(text("sec-fetch-mode"), Some("cors" | "same-origin")),
            facts: self.facts_for_hooks(),
        })
    }

    /// What web hooks are told of this request, where there are any.
    fn facts_for_hooks(&self) -> RequestFacts {
        let runtime = &self.site().runtime;
        if !runtime.hooks.tell_of_requests {
            return RequestFacts::default();
        }
        let values = |name: &String| -> Vec<String> {
            let values = self.headers().get_all(name.as_str()).iter();
            values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
        };
        let allowed = &runtime.config.clients.web_hook_header_allowlist;
        let headers = allowed.iter().map(|name| (canonical_header_name(name), values(name)));
        RequestFacts {
            method: self.method().to_string(),
            headers: headers.filter(|(_, values)| !values.is_empty()).collect(),
            cookies: cookies(self.headers()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        }
    }

    /// The media type of the body, without parameters, in lower case.
    pub fn content_type(&self) -> String {
        let value = self.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Reads the body: on the admin listener as much as [`MAX_BODY`], in public as much as a form needs under
    /// `zelus.limits`.
    ///
    /// # Errors
    /// As [`Request::body_up_to`].
    pub async fn body(&mut self) -> Result<Vec<u8>, Failure> {
        let limit = match self.arrival.side {
            Side::Admin => MAX_BODY,
            Side::Public => form_limit(&self.site().runtime.config.zelus.limits),
        };
        self.body_up_to(limit).await
    }

    /// Reads a body of `limit` bytes at most.
    ///
    /// # Errors
    /// 413 for a larger one; 400 when the connection breaks, or is too slow; 503 when bodies of strangers take as much memory
    /// as they may (`zelus.limits.bodies`), to be sent again a little later.
    pub async fn body_up_to(&mut self, limit: usize) -> Result<Vec<u8>, Failure> {
        let body = std::mem::take(self.body.get_mut().unwrap_or_else(PoisonError::into_inner));
        match tokio::time::timeout(BODY_TIMEOUT, self.collect(Limited::new(body, limit))).await {
            Ok(body) => body,
            Err(_) => Err(Problem::bad_request("The body took too long to arrive.").into()),
        }
    }

    async fn collect(&mut self, mut body: Limited<Body>) -> Result<Vec<u8>, Failure> {
        let budget = self.site().runtime.config.zelus.limits.bodies;
        // Operators are no strangers.
        let is_counted = self.arrival.side == Side::Public;
        let mut collected = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) if error.is::<LengthLimitError>() => {
                    return Err(Problem::new(413)
                        .reason("The body is larger than anything that is needed here.")
                        .into());
                }
                Err(error) => {
                    return Err(Problem::bad_request("The body did not arrive completely.").log(error).into());
                }
            };
            let Ok(data) = frame.into_data() else { continue };
            collected.extend_from_slice(&data);
            if is_counted && collected.capacity() > UNCOUNTED && !self.hold(collected.capacity(), budget) {
                return Err(crowded());
            }
        }
        Ok(collected)
    }

    /// Takes memory for a body, until the request has been answered; whether there is as much.
    fn hold(&mut self, bytes: usize, budget: u64) -> bool {
        let held = self.held.take();
        let held = held.unwrap_or_else(|| self.app().bodies().of_client(self.client_address()));
        self.held.insert(held).grow_to(bytes, budget)
    }

    /// Reads a body of JSON. `Content-Type` must say so.
    ///
    /// # Errors
    /// 400, saying what is wrong; else as [`Request::body`].
    pub async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        if self.content_type() != "application/json" {
            let reason = "Please send JSON, and say so by the header Content-Type: application/json.";
            return Err(Problem::bad_request(reason).into());
        }
        let body = self.body().await?;
        if body.is_empty() {
            return Err(Problem::bad_request("The body is empty. Please send a JSON object.").into());
        }
        Ok(parse_object(&body).map_err(Problem::from)?)
    }

    /// The address of the same route, as the client asked for it.
    pub fn path(&self) -> &str {
        self.uri.path()
    }
}

/// How large a form is that brings as much of everything as it may.
fn form_limit(limits: &Limits) -> usize {
    let members = limits.traits.saturating_add(limits.transient_payload);
    let most = members.saturating_mul(ENCODING).saturating_add(REST_OF_FORM);
    usize::try_from(most).unwrap_or(MAX_BODY).min(MAX_BODY)
}

/// There is no memory for a large body at the moment.
fn crowded() -> Failure {
    let problem =
        Problem::new(503).reason("Very much is being sent here right now. Please try again in a few seconds.");
    let mut failure = Failure::from(problem);
    failure.headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    failure
}

/// The token of `Bearer <token>`: exactly two words, the first in any case.
fn bearer_token(value: &str) -> Option<&str> {
    let mut words = value.split(' ');
    let (scheme, token) = (words.next()?, words.next()?);
    (scheme.eq_ignore_ascii_case("bearer") && words.next().is_none()).then_some(token).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::bearer_token;

    #[test]
    fn bearer_tokens_are_one_word() {
        assert_eq!(bearer_token("Bearer t"), Some("t"));
        assert_eq!(bearer_token("bEARER t"), Some("t"));
        for value in ["t", "Bearer", "Bearer ", "Basic t", "Bearer t u", "Bearer  t"] {
            assert_eq!(bearer_token(value), None, "{value}");
        }
    }
}
