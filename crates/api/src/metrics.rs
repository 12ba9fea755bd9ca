//! Metrics for Prometheus.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::Response;
use axum::routing::get;
use engine::Runtime;
use metrics::{Levels, Metrics};
use tokio::time::timeout;
use web::Request;

/// How long the database may take to tell how many messages wait. While it does not answer, the rest is told all the same.
const PATIENCE: Duration = Duration::from_secs(1);

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
    let levels = levels(&request.site().runtime).await;
    let mut response = Response::new(Body::from(request.app().metrics().render(&levels)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

async fn levels(runtime: &Runtime) -> Levels {
    let (hashes_under_way, hashes_waiting) = runtime.hashing.load();
    let (connections, connections_in_use) = runtime.store.connections().unzip();
    let messages_waiting = timeout(PATIENCE, runtime.courier.waiting()).await;
    Levels {
        hashes_waiting: Some(hashes_waiting),
        hashes_under_way: Some(hashes_under_way),
        connections,
        connections_in_use,
        messages_waiting: messages_waiting.ok().and_then(Result::ok),
    }
}
