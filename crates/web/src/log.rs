//! One log line for each request: what was asked, by the pattern of its route, and what came of it. Addresses, queries,
//! headers and bodies are left out: they are personal data, or secrets.

use std::time::Duration;

use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use config::Config;
use model::Problem;
use tracing::Span;
use tracing::field::Empty;

use crate::Side;
use crate::request::Arrival;
use crate::request_id::RequestId;

/// The route of requests that took none. Their paths are the sender's own words, and not logged.
const UNMATCHED: &str = "unmatched";

/// The span of a request, for the lines that what answers it logs. It is at debug level: with the default configuration
/// none is made. The route is told once it is known.
pub(crate) fn span(head: &Parts, id: &RequestId) -> Span {
    tracing::debug_span!(
        "request",
        http.method = %head.method,
        http.route = Empty,
        http.request_id = id.as_str()
    )
}

/// A request that is being answered.
pub(crate) struct Line {
    side: &'static str,
    /// The length of the path, in bytes.
    path_length: usize,
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
        Self { side, path_length: path.len(), is_logged }
    }

    /// Logs what the operator should know of an error. A fault of ours, or of what we depend on, is an error.
    pub fn failed(&self, arrival: &Arrival, problem: &Problem) {
        let (route, path_length) = self.route(arrival);
        let request_id = arrival.id.as_str();
        let (status, id) = (problem.http_status(), problem.id.unwrap_or_default());
        let why = problem.log.as_deref().unwrap_or_default();
        if status >= 500 {
            tracing::error!(
                http.side = self.side,
                http.method = %arrival.method,
                http.route = route,
                http.path_length = path_length,
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
                http.path_length = path_length,
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
        let (route, path_length) = self.route(arrival);
        tracing::info!(
            http.side = self.side,
            http.method = %arrival.method,
            http.route = route,
            http.path_length = path_length,
            http.status = status,
            http.took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            http.request_id = arrival.id.as_str(),
            "completed handling request"
        );
    }

    /// How many bytes a request has: its head, nearly, and its body, as far as the head tells.
    pub fn size_of(&self, arrival: &Arrival) -> u64 {
        let headers = &arrival.headers;
        let head: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        let body = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        body.unwrap_or_default().saturating_add((arrival.method.as_str().len() + self.path_length + head) as u64)
    }

    /// The route that a request took, or else the length of its path.
    fn route<'a>(&self, arrival: &'a Arrival) -> (&'a str, Option<usize>) {
        match arrival.route.get() {
            Some(route) => (route.as_str(), None),
            None => (UNMATCHED, Some(self.path_length)),
        }
    }
}
