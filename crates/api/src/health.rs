//! Whether the server is there, and ready to work.

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;
use serde_json::{Map, Value};
use web::{Request, json};

/// On the public listener.
pub fn public_router() -> Router {
    Router::new().route("/health/alive", get(alive)).route("/health/ready", get(ready))
}

/// On the admin listener.
pub fn admin_router() -> Router {
    Router::new()
        .route("/admin/health/alive", get(alive))
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
    answer(failures(&request).await, false)
}

/// As [`ready`], telling the operator what is missing.
async fn ready_in_detail(request: Request) -> Response {
    answer(failures(&request).await, true)
}

async fn failures(request: &Request) -> Vec<(&'static str, String)> {
    let store = &request.site().runtime.store;
    if let Err(error) = store.ping().await {
        return vec![("database", error.to_string())];
    }
    if request.app().is_migrated() {
        return Vec::new();
    }
    match store.has_pending_migrations().await {
        Ok(false) => {
            request.app().set_migrated();
            Vec::new()
        }
        Ok(true) => {
            vec![("migrations", "Migrations have to be applied: run zelus migrate sql up -e --yes.".to_owned())]
        }
        Err(error) => vec![("migrations", error.to_string())],
    }
}

fn answer(failures: Vec<(&'static str, String)>, in_detail: bool) -> Response {
    if failures.is_empty() {
        return ok();
    }
    for (what, why) in &failures {
        tracing::warn!(check = what, "Not ready: {why}");
    }
    let text = |why: String| if in_detail { why } else { "This check failed.".to_owned() };
    let errors: Map<String, Value> =
        failures.into_iter().map(|(what, why)| (what.to_owned(), text(why).into())).collect();
    json(StatusCode::SERVICE_UNAVAILABLE, &Map::from_iter([("errors".to_owned(), Value::Object(errors))]))
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
