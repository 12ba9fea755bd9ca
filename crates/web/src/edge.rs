//! The edge of the server: what every request passes on its way in, and every answer on its way out.
//!
//! The order on the public listener is Kratos': cross-origin rules, then the anti-CSRF check, then paths that are not
//! clean, then routing. It shows: a `POST` to a path that is not there is refused for its missing token.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Once, OnceLock};
use std::time::Instant;

use axum::body::{Bytes, HttpBody};
use axum::extract::MatchedPath;
use axum::http::header::{ALLOW, CACHE_CONTROL, SET_COOKIE, STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS};
use axum::http::request::Parts;
use axum::http::{self, HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Router};
use futures_util::FutureExt;
use metrics::Answered;
use model::{Problem, beginning};
use serde_json::{Map, Value};
use tower_service::Service;
use tracing::Instrument;

use crate::accept::{accepts_json, is_json_request};
use crate::client::Peer;
use crate::cors::CorsPolicy;
use crate::csrf::{self, Protection, Visitor};
use crate::explain::Clues;
use crate::hosts::{Reach, is_by_name};
use crate::log::{self, Line};
use crate::reply::{Failure, ReplacesCsrf, empty, plain_text, redirect, set_csrf};
use crate::request::{Arrival, Request};
use crate::request_id::{REQUEST_ID, RequestId};
use crate::side::Side;
use crate::{App, Site, error_page, json, path, scopes};

/// A listener's routes, with everything around them. Clones share it.
#[derive(Clone)]
pub struct Edge {
    app: App,
    side: Side,
    /// From where the listener can be reached. It stays as it was at the start, whatever is configured since.
    reach: Reach,
    /// That the admin API was called by a strange name is said once.
    stranger_named: Arc<Once>,
    router: Router,
}

/// The longest host that is logged, in bytes.
const MAX_HOST: usize = 128;

const NO_STORE: HeaderValue = HeaderValue::from_static("private, no-cache, no-store, must-revalidate");

impl Edge {
    /// Puts the edge around `routes`.
    pub fn new(app: App, side: Side, routes: Router) -> Self {
        // With its state, though that is nothing, axum makes its services now instead of at each request.
        let router = routes.fallback(not_found).method_not_allowed_fallback(method_not_allowed).with_state(());
        let site = app.site();
        let serve = &site.runtime.config.serve;
        let reach = Reach::of(match side {
            Side::Public => &serve.public.host,
            Side::Admin => &serve.admin.host,
        });
        Self { app, side, reach, stranger_named: Arc::new(Once::new()), router }
    }

    /// Answers a request. Never fails: a panic in a handler becomes a 500.
    pub async fn answer<B>(&self, request: http::Request<B>, peer: Peer) -> Response
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let started = Instant::now();
        let site = self.app.site_of_request();
        let (mut head, body) = request.into_parts();
        let line = Line::begin(self.side, &head, &site.runtime.config);
        let clues = site.runtime.config.dev.then(|| Clues::read(&site, &head, peer));
        let may_not_be_kept = head.method == Method::GET || is_native_logout(&head) || is_own_page(&head);

        let id = RequestId::of(&head.headers, self.app.entropy());
        let span = log::span(&head, &id);

        let Gate { headers: cors, protection, visitor, answer } = span.in_scope(|| self.gate(&site, &head));
        let (app, side, method, headers) =
            (self.app.clone(), self.side, head.method.clone(), std::mem::take(&mut head.headers));
        let arrival = Arc::new(Arrival {
            app,
            site,
            side,
            method,
            id,
            headers,
            protection,
            visitor,
            peer,
            span,
            route: OnceLock::new(),
            made: OnceLock::new(),
        });
        let mut response = match answer {
            Some(answer) => answer,
            None => {
                if self.side == Side::Admin
                    && let Some(uri) = path::with_admin_prefix(&head.uri)
                {
                    head.uri = uri;
                }
                head.extensions.insert(Arc::clone(&arrival));
                let request = http::Request::from_parts(head, axum::body::Body::new(body));
                // Pinned here, since it is large, and would be moved for each layer around it.
                let answer = pin!(self.router.clone().call(request));
                match AssertUnwindSafe(answer).catch_unwind().instrument(arrival.span.clone()).await {
                    Ok(Ok(response)) => response,
                    Ok(Err(never)) => match never {},
                    // The panic's own text is in the log already, by the panic hook.
                    Err(_) => Failure::from(Problem::internal("A handler panicked.")).into_response(),
                }
            }
        };
        if let Some(failure) = response.extensions_mut().remove::<Failure>() {
            line.failed(&arrival, &failure.problem);
            if let Some(clues) = clues {
                clues.explain(&arrival.method, &failure.problem);
            }
            // Boxed, since it is large and most requests do without.
            response = Box::pin(self.encode(&arrival, failure)).instrument(arrival.span.clone()).await;
        }
        if may_not_be_kept {
            // Files whose name changes with their content say themselves that they may be kept.
            response.headers_mut().entry(CACHE_CONTROL).or_insert(NO_STORE);
        }
        self.dress(&arrival, cors, &mut response);

        let (status, took) = (response.status(), started.elapsed());
        let (route, method) = (arrival.route.get().map(MatchedPath::as_str), arrival.method.as_str());
        let answered = Answered { route, method, code: status.as_str(), took };
        let sizes = || (line.size_of(&arrival), response.body().size_hint().exact());
        self.app.metrics().requests.count(&answered, sizes);
        line.completed(&arrival, status.as_u16(), took);
        response
    }

    /// What is decided before routing.
    fn gate(&self, site: &Site, Parts { method, headers, uri, .. }: &Parts) -> Gate {
        let path = uri.path();
        let mut gate = Gate::open();
        if self.side == Side::Public {
            if let Some(cors) = &site.cors {
                let is_preflight = CorsPolicy::is_preflight(method, headers);
                gate.headers = if is_preflight { cors.preflight(headers) } else { cors.actual(method, headers) };
                if is_preflight && !cors.passthrough {
                    gate.answer = Some(empty(StatusCode::NO_CONTENT));
                    return gate;
                }
            }
            gate.protection = Protection::of(path);
            gate.visitor = Visitor::read(headers, &site.csrf_cookie, gate.protection, self.app.entropy());
            if !gate.visitor.permits(gate.protection, method, headers) {
                gate.answer =
                    Some(Failure::from(csrf::violation(headers, &gate.visitor, &site.csrf_cookie)).into_response());
                return gate;
            }
        }
        if self.side == Side::Admin
            && let Some(host) = site.admin_hosts.stranger(uri, headers, self.reach)
        {
            gate.answer = self.refuse_stranger(site, &host);
        }
        if gate.answer.is_some() {
            return gate;
        }
        let has_prefix = self.side == Side::Public || path.starts_with("/admin");
        if has_prefix && *method != Method::CONNECT {
            let clean = path::clean(path);
            if clean != path {
                let location = match uri.query() {
                    Some(query) => format!("{clean}?{query}"),
                    None => clean.into_owned(),
                };
                gate.answer = Some(redirect(method, StatusCode::TEMPORARY_REDIRECT, &location));
            }
        }
        gate
    }

    /// The answer to a request that calls the admin API by a name of somebody else; `None` where it is only logged, once.
    fn refuse_stranger(&self, site: &Site, host: &str) -> Option<Response> {
        self.stranger_named.call_once(|| {
            tracing::warn!(
                http.host = beginning(host, MAX_HOST),
                is_refused = site.admin_hosts.refuses,
                "The admin API was called by a name that is not its own, as web pages of strangers can do by the browser of \
                 somebody nearby. If the name is yours, add it to zelus.admin_hosts. This is said once."
            );
        });
        let problem = Problem::forbidden("The admin API is not called by this name (Host header).");
        site.admin_hosts.refuses.then(|| Failure::from(problem).into_response())
    }

    /// Turns a failure into its answer: JSON, or for browsers a redirect to the error page.
    async fn encode(&self, arrival: &Arrival, failure: Failure) -> Response {
        let Arrival { site, method, headers, .. } = arrival;
        let page = match failure.for_browsers && !is_json_request(headers) {
            true => error_page::send_to(&self.app, site, method, &failure.problem).await,
            false => None,
        };
        let mut response = match page {
            Some(page) if !accepts_json(headers) => page,
            _ => envelope(&failure.problem, arrival.named_by_sender()),
        };
        response.headers_mut().extend(*failure.headers);
        if let Some(token) = failure.csrf {
            set_csrf(&mut response, token);
        }
        response
    }

    /// Adds what all answers have in common.
    fn dress(&self, arrival: &Arrival, cors: HeaderMap, response: &mut Response) {
        let Arrival { site, protection, visitor, .. } = arrival;
        let replaced = response.extensions_mut().remove::<ReplacesCsrf>();
        let status = response.status();
        let headers = response.headers_mut();
        if status == StatusCode::METHOD_NOT_ALLOWED {
            sort_allowed(headers);
        }
        headers.insert(REQUEST_ID, arrival.id.header());
        // Nothing of ours is to be taken for something else than it says, such as JSON for a page.
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if arrival.peer.is_tls
            && let Some(hsts) = site.hsts.clone().filter(|_| is_by_name(&arrival.headers))
        {
            headers.insert(STRICT_TRANSPORT_SECURITY, hsts);
        }
        for (name, value) in &cors {
            headers.append(name, value.clone());
        }
        if self.side == Side::Public && *protection != Protection::Off {
            headers.append(VARY, HeaderValue::from_static("Cookie"));
            // A cookie that was made for this visitor a moment ago need not be replaced.
            let made = visitor.token.clone().filter(|_| visitor.is_new);
            let bound = || arrival.made.get().filter(|(_, binding)| binding.is_due()).map(|(token, _)| token.clone());
            let told = |token| ReplacesCsrf { token, comes_last: false };
            if let Some(ReplacesCsrf { token, comes_last }) = made.map(told).or(replaced).or_else(|| bound().map(told))
            {
                let others = if comes_last { Vec::new() } else { csrf::take_cookies(headers) };
                csrf::set_cookie(headers, &site.runtime.config, &site.csrf_cookie, &token);
                headers.extend(others.into_iter().map(|cookie| (SET_COOKIE, cookie)));
            }
            if headers.contains_key(SET_COOKIE) {
                scopes::clear_earlier(headers, &arrival.headers, &site.runtime.config, &site.csrf_cookie);
            }
        }
    }
}

/// What is known of a request before it is routed, or instead of that.
struct Gate {
    /// Headers that the answer carries, by the cross-origin rules.
    headers: HeaderMap,
    protection: Protection,
    visitor: Visitor,
    /// The answer, where routing is not needed for it.
    answer: Option<Response>,
}

impl Gate {
    fn open() -> Self {
        Self { headers: HeaderMap::new(), protection: Protection::Off, visitor: Visitor::default(), answer: None }
    }
}

/// Whether the answer says that it may not be kept, though its method is not GET: Kratos documents so, and a logout that
/// only seems to happen is worse than none.
fn is_native_logout(head: &Parts) -> bool {
    head.uri.path() == "/self-service/logout/api" && head.method != Method::OPTIONS
}

/// Whether the address is one of the built-in pages, which Kratos does not have: no answer there may be kept, but files that
/// say otherwise.
fn is_own_page(head: &Parts) -> bool {
    let path = head.uri.path();
    path == "/ui" || path.starts_with("/ui/")
}

/// Kratos' error envelope.
fn envelope(problem: &Problem, request_id: Option<&str>) -> Response {
    let mut body = Map::new();
    body.insert("error".to_owned(), Value::Object(problem.to_json(request_id)));
    body.extend(problem.extra.iter().map(|(name, value)| (name.clone(), value.clone())));
    let status = StatusCode::from_u16(problem.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json::error_json(status, &body);
    let id = HeaderValue::from_static(problem.id.unwrap_or_default());
    response.headers_mut().insert(HeaderName::from_static("ory-error-id"), id);
    response
}

async fn not_found(_: Request) -> Response {
    plain_text(StatusCode::NOT_FOUND, "404 page not found\n")
}

async fn method_not_allowed(_: Request) -> Response {
    plain_text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n")
}

/// Writes `Allow` as Go does: sorted, with blanks.
fn sort_allowed(headers: &mut HeaderMap) {
    let Some(allowed) = headers.get(ALLOW).and_then(|value| value.to_str().ok()) else { return };
    let mut methods: Vec<&str> = allowed.split(',').map(str::trim).collect();
    methods.sort_unstable();
    methods.dedup();
    if let Ok(value) = HeaderValue::from_str(&methods.join(", ")) {
        headers.insert(ALLOW, value);
    }
}
