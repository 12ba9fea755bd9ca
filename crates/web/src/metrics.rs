//! Counts of requests, for Prometheus.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::Method;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::{Registry, Unit};

/// What is counted. Names and labels are Kratos'; `endpoint` is the pattern of the route.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    counts: Arc<Counts>,
}

impl Default for Metrics {
    fn default() -> Self {
        let (mut registry, counts) = (Registry::default(), Arc::new(Counts::new()));
        registry.register_collector(Box::new(Arc::clone(&counts)));
        Self { registry, counts }
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
        // Paths without a route have no end.
        let route = route.map_or("none", MatchedPath::as_str);
        let mut shard = self.counts.shard();
        match shard.get_mut(route) {
            Some(endpoint) => endpoint.count(code, label(method), took),
            None => shard.entry(route.to_owned()).or_default().count(code, label(method), took),
        }
    }
}

/// Each thread counts for itself, so that none waits for another's cache: there are as many that serve connections as there
/// are processors, and as many for the administration.
#[derive(Debug)]
struct Counts {
    shards: Vec<Shard>,
}

/// By the pattern of the route. Aligned so that no two shards have a line of a cache in common.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<HashMap<String, Endpoint>>);

impl Shard {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Endpoint>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { shards: (0..2 * processors).map(|_| Shard::default()).collect() }
    }

    fn shard(&self) -> MutexGuard<'_, HashMap<String, Endpoint>> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        self.shards[NUMBER.with(|number| number % self.shards.len())].lock()
    }

    /// What all threads counted, by the label of the endpoint.
    fn total(&self) -> BTreeMap<String, Endpoint> {
        let mut total: BTreeMap<String, Endpoint> = BTreeMap::new();
        for shard in &self.shards {
            for (route, counted) in shard.lock().iter() {
                total.entry(endpoint_label(route)).or_default().add(counted);
            }
        }
        total
    }
}

impl Collector for Counts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let total = self.total();
        let mut requests =
            encoder.encode_descriptor("http_requests", "Requests answered.", None, MetricType::Counter)?;
        for (endpoint, counted) in &total {
            for ((code, method), count) in &counted.requests {
                let code = code.to_string();
                let labels = [("code", code.as_str()), ("method", method), ("endpoint", endpoint)];
                ConstCounter::new(*count).encode(requests.encode_family(&labels)?)?;
            }
        }
        let help = "Time from a request's head to the head of its answer.";
        let mut times =
            encoder.encode_descriptor("http_response_time", help, Some(&Unit::Seconds), MetricType::Histogram)?;
        for (endpoint, Endpoint { times: counted, .. }) in &total {
            let labels = [("endpoint", endpoint.as_str())];
            times.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
                counted.sum.as_secs_f64(),
                counted.buckets.iter().sum(),
                &counted.with_bounds(),
                None,
            )?;
        }
        Ok(())
    }
}

/// What was counted of a route.
#[derive(Debug, Default)]
struct Endpoint {
    /// By status and method.
    requests: BTreeMap<(u16, &'static str), u64>,
    times: Times,
}

impl Endpoint {
    fn count(&mut self, code: u16, method: &'static str, took: Duration) {
        *self.requests.entry((code, method)).or_default() += 1;
        self.times.count(took);
    }

    fn add(&mut self, other: &Self) {
        for (answer, count) in &other.requests {
            *self.requests.entry(*answer).or_default() += count;
        }
        self.times.add(&other.times);
    }
}

/// Upper bounds in seconds; what takes longer falls into a bucket of its own.
const BOUNDS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// How long answers took.
#[derive(Debug, Default)]
struct Times {
    sum: Duration,
    /// How many took so long, and longer than the bucket before allows.
    buckets: [u64; BOUNDS.len() + 1],
}

impl Times {
    fn count(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.buckets[bucket] += 1;
        self.sum = self.sum.saturating_add(took);
    }

    fn add(&mut self, other: &Self) {
        for (bucket, count) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket += count;
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    fn with_bounds(&self) -> Vec<(f64, u64)> {
        BOUNDS.into_iter().chain([f64::INFINITY]).zip(self.buckets).collect()
    }
}

/// The label of a route: as in Kratos, whatever the parameters of its path are called.
fn endpoint_label(route: &str) -> String {
    let segments = route.split('/').map(|segment| if segment.starts_with('{') { "{param}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
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
        let count = |method, code, took| metrics.count(&method, None, code, Duration::from_micros(took));
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
