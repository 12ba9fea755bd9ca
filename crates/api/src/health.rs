//! Whether the server is there, and ready to work.

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::get;
use engine::NotReady;
use serde::Serialize;
use web::{Request, json};

/// On the public listener.
pub fn public_router() -> Router {
    Router::new().route("/health/alive", get(alive)).route("/health/ready", get(ready))
}

/// On the admin listener, and on that of the courier's metrics.
pub fn alive_router() -> Router {
    Router::new().route("/admin/health/alive", get(alive))
}

/// On the admin listener.
pub fn admin_router() -> Router {
    alive_router()
        .route("/admin/health/ready", get(ready_in_detail))
        .route("/admin/health/config", get(config))
        .route("/admin/version", get(version))
}

/// The process answers. Looks at nothing else, so that a slow database restarts nobody.
async fn alive(_: Request) -> Response {
    ok()
}

fn ok() -> Response {
    let mut response = Response::new(Body::from("{\"status\":\"ok\"}\n"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

/// The database answers and has the tables that are needed.
async fn ready(request: Request) -> Response {
    answer(request.app().ensure_ready().await, false)
}

/// As [`ready`], telling the operator what is missing.
async fn ready_in_detail(request: Request) -> Response {
    answer(request.app().ensure_ready().await, true)
}

fn answer(outcome: Result<(), NotReady>, in_detail: bool) -> Response {
    let Err(failure) = outcome else { return ok() };
    tracing::warn!(check = failure.check(), "Not ready: {failure}");
    let text = if in_detail { failure.to_string() } else { "This check failed.".to_owned() };
    json(StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!({ "errors": { failure.check(): text } }))
}

/// `GET /health/config`: the same text on all nodes that run the same configuration.
async fn config(request: Request) -> Response {
    let config = &request.site().runtime.config;
    let text = config.revision.clone().unwrap_or_else(|| config.revision_hash());
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

/// `GET /version`
async fn version(_: Request) -> Response {
    json(StatusCode::OK, &Version { version: env!("CARGO_PKG_VERSION") })
}
