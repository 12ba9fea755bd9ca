//! One log line for each request: what was asked, by the pattern of its route, and what came of it. Addresses, queries,
//! headers and bodies are left out: they are personal data, or secrets.

use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use config::Config;
use model::{Problem, beginning};
use tracing::Span;
use tracing::field::Empty;

use crate::Side;
use crate::request::{Arrival, sent_request_id};

/// The longest path that is logged where there is no route, and the longest request id, in bytes.
const MAX_PATH: usize = 128;

/// The span of a request, for the lines that what answers it logs. It is at debug level: with the default configuration
/// none is made. The route is told once it is known.
pub(crate) fn span(head: &Parts) -> Span {
    tracing::debug_span!(
        "request",
        http.method = %head.method,
        http.route = Empty,
        http.request_id = request_id(&head.headers)
    )
}

/// A request that is being answered.
pub(crate) struct Line {
    side: &'static str,
    /// Empty unless the line is logged in the end: remembering costs more than anything else here.
    path: String,
    is_logged: bool,
}

impl Line {
    pub fn begin(side: Side, head: &Parts, config: &Config) -> Self {
        let path = head.uri.path();
        let (side, listener) = match side {
            Side::Public => ("public", &config.serve.public),
            Side::Admin => ("admin", &config.serve.admin),
        };
        let is_health = matches!(path.strip_prefix("/admin").unwrap_or(path), "/health/alive" | "/health/ready");
        let is_muted = is_health && listener.request_log_disable_for_health;
        let is_logged = !is_muted && tracing::enabled!(tracing::Level::INFO);
        let path = if is_logged { beginning(path, MAX_PATH).to_owned() } else { String::new() };
        Self { side, path, is_logged }
    }

    fn route<'a>(&'a self, arrival: &'a Arrival) -> &'a str {
        arrival.route.get().map_or(self.path.as_str(), MatchedPath::as_str)
    }

    /// Logs what the operator should know of an error. A fault of ours, or of what we depend on, is an error.
    pub fn failed(&self, arrival: &Arrival, problem: &Problem) {
        let (route, request_id) = (self.route(arrival), request_id(&arrival.headers));
        let (status, id) = (problem.http_status(), problem.id.unwrap_or_default());
        let why = problem.log.as_deref().unwrap_or_default();
        if status >= 500 {
            tracing::error!(
                http.side = self.side,
                http.method = %arrival.method,
                http.route = route,
                http.status = status,
                http.request_id = request_id,
                error.id = id,
                "A request failed: {why}"
            );
        } else {
            tracing::debug!(
                http.side = self.side,
                http.method = %arrival.method,
                http.route = route,
                http.status = status,
                http.request_id = request_id,
                error.id = id,
                "A request was refused: {why}"
            );
        }
    }

    /// Logs that the request was answered.
    pub fn completed(&self, arrival: &Arrival, status: u16, took: Duration) {
        if !self.is_logged {
            return;
        }
        tracing::info!(
            http.side = self.side,
            http.method = %arrival.method,
            http.route = self.route(arrival),
            http.status = status,
            http.took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            http.request_id = request_id(&arrival.headers),
            "completed handling request"
        );
    }
}

fn request_id(headers: &HeaderMap) -> Option<&str> {
    sent_request_id(headers).map(|id| beginning(id, MAX_PATH))
}
