//! Metrics for Prometheus.

use axum::Router;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use axum::routing::get;
use web::{App, Metrics, Request};

/// `/metrics/prometheus`
pub fn router() -> Router<App> {
    Router::new().route("/admin/metrics/prometheus", get(fetch))
}

async fn fetch(request: Request) -> Response {
    let mut response = Response::new(Body::from(request.app.metrics().render()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(Metrics::CONTENT_TYPE));
    response
}
