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

/// A request that is being answered.
pub(crate) struct Line {
    side: &'static str,
    method: Method,
    /// Empty unless the line is logged in the end: remembering costs more than anything else here.
    path: String,
    request_id: Option<String>,
    is_logged: bool,
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
        let is_logged = !is_muted && tracing::enabled!(tracing::Level::INFO);
        let mut line =
            Self { side, method: request.method().clone(), path: String::new(), request_id: None, is_logged };
        if is_logged {
            let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
            beginning(path, MAX_PATH).clone_into(&mut line.path);
            line.request_id = id.map(|id| beginning(id, MAX_PATH).to_owned());
        }
        line
    }

    fn route<'a>(&'a self, route: Option<&'a MatchedPath>) -> &'a str {
        route.map_or(self.path.as_str(), MatchedPath::as_str)
    }

    /// Logs what the operator should know of an error. A fault of ours, or of what we depend on, is an error.
    pub fn failed(&self, route: Option<&MatchedPath>, problem: &Problem) {
        let (route, request_id) = (self.route(route), self.request_id.as_deref());
        let (status, id) = (problem.http_status(), problem.id.unwrap_or_default());
        let why = problem.log.as_deref().unwrap_or_default();
        if status >= 500 {
            tracing::error!(
                http.side = self.side,
                http.method = %self.method,
                http.route = route,
                http.status = status,
                http.request_id = request_id,
                error.id = id,
                "A request failed: {why}"
            );
        } else {
            tracing::debug!(
                http.side = self.side,
                http.method = %self.method,
                http.route = route,
                http.status = status,
                http.request_id = request_id,
                error.id = id,
                "A request was refused: {why}"
            );
        }
    }

    /// Logs that the request was answered.
    pub fn completed(&self, route: Option<&MatchedPath>, status: u16, took: Duration) {
        if !self.is_logged {
            return;
        }
        tracing::info!(
            http.side = self.side,
            http.method = %self.method,
            http.route = self.route(route),
            http.status = status,
            http.took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            http.request_id = self.request_id.as_deref(),
            "completed handling request"
        );
    }
}
