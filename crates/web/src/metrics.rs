//! Counts of requests, for Prometheus.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::Method;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// What is counted. Names and labels are Kratos'; `endpoint` is the pattern of the route.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    response_time: Family<Endpoint, Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    code: u16,
    method: &'static str,
    endpoint: Route,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Endpoint {
    endpoint: Route,
}

/// The pattern of a route; `None` for paths that have none, of which there is no end.
#[derive(Clone, Debug)]
struct Route(Option<MatchedPath>);

impl Route {
    fn as_str(&self) -> &str {
        self.0.as_ref().map_or("none", MatchedPath::as_str)
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Route {}

impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        // As in Kratos, whatever the parameters of a path are called.
        let segments =
            self.as_str().split('/').map(|segment| if segment.starts_with('{') { "{param}" } else { segment });
        segments.collect::<Vec<_>>().join("/").encode(encoder)
    }
}

/// A method's label. Clients may invent as many methods as they like.
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

/// Upper bounds in seconds.
const BUCKETS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let requests = Family::<Request, Counter>::default();
        registry.register("http_requests", "Requests answered.", requests.clone());
        let response_time: Family<Endpoint, Histogram> = Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let help = "Time from a request's head to the head of its answer.";
        registry.register_with_unit("http_response_time", help, Unit::Seconds, response_time.clone());
        Self { registry, requests, response_time }
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
    pub(crate) fn count(&self, method: &Method, route: Option<&MatchedPath>, code: u16, took: Duration) {
        let endpoint = Route(route.cloned());
        self.requests.get_or_create(&Request { code, method: label(method), endpoint: endpoint.clone() }).inc();
        self.response_time.get_or_create(&Endpoint { endpoint }).observe(took.as_secs_f64());
    }
}
