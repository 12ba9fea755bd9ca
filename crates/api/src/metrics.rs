//! Metrics for Prometheus.

use axum::Router;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::Response;
use axum::routing::get;
use web::{Metrics, Request};

/// `/metrics/prometheus`
pub fn router() -> Router {
    Router::new().route("/admin/metrics/prometheus", get(fetch))
}

async fn fetch(request: Request) -> Response {
    let accepted = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = match accepted.contains("application/openmetrics-text") {
        true => Metrics::OPEN_METRICS,
        false => Metrics::PROMETHEUS_TEXT,
    };
    let mut response = Response::new(Body::from(request.app().metrics().render()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
