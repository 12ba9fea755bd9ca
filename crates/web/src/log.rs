//! One log line for each request: what was asked, by the pattern of its route, and what came of it. Addresses, queries,
//! headers and bodies are left out: they are personal data, or secrets.

use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::{Method, Request};
use config::Config;
use model::Problem;

use crate::Side;
use crate::client::beginning;

/// The longest path that is logged where there is no route, in bytes.
const MAX_PATH: usize = 128;

/// A request that is being answered. `None` where nothing is logged.
pub(crate) struct Line(Option<Details>);

struct Details {
    side: &'static str,
    method: Method,
    path: String,
    request_id: String,
}

impl Line {
    pub fn begin<B>(side: Side, request: &Request<B>, config: &Config) -> Self {
        let path = request.uri().path();
        let (side, listener) = match side {
            Side::Public => ("public", &config.serve.public),
            Side::Admin => ("admin", &config.serve.admin),
        };
        let is_health = matches!(path.strip_prefix("/admin").unwrap_or(path), "/health/alive" | "/health/ready");
        let is_muted = is_health && listener.request_log_disable_for_health;
        if is_muted || !tracing::enabled!(tracing::Level::ERROR) {
            return Self(None);
        }
        let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
        Self(Some(Details {
            side,
            method: request.method().clone(),
            path: beginning(path, MAX_PATH).to_owned(),
            request_id: beginning(id, MAX_PATH).to_owned(),
        }))
    }

    /// Logs what the operator should know of an error. A fault of ours, or of what we depend on, is an error.
    pub fn failed(&self, problem: &Problem) {
        let Some(Details { side, method, path, request_id }) = &self.0 else { return };
        let (status, id) = (problem.http_status(), problem.id.unwrap_or_default());
        let why = problem.log.as_deref().unwrap_or_default();
        if status >= 500 {
            tracing::error!(http.side = side, http.method = %method, http.path = path, http.request_id = request_id, http.status = status, error.id = id, "A request failed: {why}");
        } else {
            tracing::debug!(http.side = side, http.method = %method, http.path = path, http.request_id = request_id, http.status = status, error.id = id, "A request was refused: {why}");
        }
    }

    /// Logs that the request was answered.
    pub fn completed(&self, route: Option<&MatchedPath>, status: u16, took: Duration) {
        let Some(Details { side, method, path, request_id }) = &self.0 else { return };
        let route = route.map_or(path.as_str(), MatchedPath::as_str);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            http.side = side,
            http.method = %method,
            http.route = route,
            http.status = status,
            http.took_us = micros,
            http.request_id = request_id,
            "completed handling request"
        );
    }
}
