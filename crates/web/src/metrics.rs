//! Counts of requests, for Prometheus.

mod family;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::{Method, StatusCode};
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

pub use family::{Counter, Durations, Family, Gauge};

/// What is counted: a line here and one below for each family. Names and labels are Kratos'; `endpoint` is the pattern of
/// the route.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Arc<Family<Counter, 3>>,
    response_times: Arc<Family<Durations, 1>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let times = "Time from a request's head to the head of its answer.";
        Self {
            requests: Family::register(
                &mut registry,
                "http_requests",
                "Requests answered.",
                ["code", "method", "endpoint"],
            ),
            response_times: Family::register(&mut registry, "http_response_time", times, ["endpoint"]),
            registry,
        }
    }
}

impl Metrics {
    /// The media type of [`Metrics::render`], for collectors that accept it.
    pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    /// The media type of [`Metrics::render`] for all others: what OpenMetrics adds are comments there.
    pub const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

    /// All counts as text, in the OpenMetrics format.
    pub fn render(&self) -> String {
        let mut rendered = String::new();
        if let Err(error) = text::encode(&mut rendered, &self.registry) {
            tracing::error!(%error, "The metrics could not be written.");
        }
        rendered
    }

    /// Counts an answer.
    pub(crate) fn count(&self, method: &Method, route: Option<&MatchedPath>, code: StatusCode, took: Duration) {
        // Paths without a route have no end.
        let endpoint = route.map_or(Cow::Borrowed("none"), |route| endpoint_label(route.as_str()));
        self.requests.with([code.as_str(), label(method), &endpoint]).increase();
        self.response_times.with([&endpoint]).observe(took);
    }
}

/// The label of a route: as in Kratos, whatever the parameters of its path are called.
fn endpoint_label(route: &str) -> Cow<'_, str> {
    if !route.contains('{') {
        return Cow::Borrowed(route);
    }
    let segments = route.split('/').map(|segment| if segment.starts_with('{') { "{param}" } else { segment });
    Cow::Owned(segments.collect::<Vec<_>>().join("/"))
}

/// The label of a method. Clients may invent as many methods as they like.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "get",
        Method::HEAD => "head",
        Method::POST => "post",
        Method::PUT => "put",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        Method::OPTIONS => "options",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_all_threads_counted_is_one_total() {
        let metrics = Metrics::default();
        let count = |method, code, took| {
            let code = StatusCode::from_u16(code).expect("a status");
            metrics.count(&method, None, code, Duration::from_micros(took));
        };
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| count(Method::GET, 200, 400));
            }
        });
        count(Method::POST, 404, 700);
        count(Method::POST, 404, 6_000_000);
        let expected = r#"# HELP http_requests Requests answered.
# TYPE http_requests counter
http_requests_total{code="200",method="get",endpoint="none"} 3
http_requests_total{code="404",method="post",endpoint="none"} 2
# HELP http_response_time_seconds Time from a request's head to the head of its answer.
# TYPE http_response_time_seconds histogram
# UNIT http_response_time_seconds seconds
http_response_time_seconds_sum{endpoint="none"} 6.0019
http_response_time_seconds_count{endpoint="none"} 5
http_response_time_seconds_bucket{le="0.0005",endpoint="none"} 3
http_response_time_seconds_bucket{le="0.001",endpoint="none"} 4
http_response_time_seconds_bucket{le="0.0025",endpoint="none"} 4
http_response_time_seconds_bucket{le="0.005",endpoint="none"} 4
http_response_time_seconds_bucket{le="0.01",endpoint="none"} 4
http_response_time_seconds_bucket{le="0.025",endpoint="none"} 4
http_response_time_seconds_bucket{le="0.05",endpoint="none"} 4
http_response_time_seconds_bucket{le="0.1",endpoint="none"} 4
http_response_time_seconds_bucket{le="0.25",endpoint="none"} 4
http_response_time_seconds_bucket{le="1.0",endpoint="none"} 4
http_response_time_seconds_bucket{le="5.0",endpoint="none"} 4
http_response_time_seconds_bucket{le="+Inf",endpoint="none"} 5
# EOF
"#;
        assert_eq!(metrics.render(), expected);
    }

    #[test]
    fn endpoints_are_named_alike_whatever_their_parameters_are_called() {
        assert_eq!(endpoint_label("/sessions/{id}/extend"), "/sessions/{param}/extend");
    }
}
