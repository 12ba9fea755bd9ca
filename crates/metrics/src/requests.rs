//! Requests that were answered. Names and labels are Kratos'.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;

use crate::family::{Counter, Durations, Family, Sizes};

/// Which metrics of requests there are (`zelus.metrics.names`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// How many, and how long they took.
    Zelus,
    /// All that Kratos has, with the labels that it puts on each.
    Kratos,
}

/// Counts of requests.
#[derive(Debug)]
pub struct Requests {
    registry: Registry,
    answered: Arc<Family<Counter, 3>>,
    response_times: Arc<Family<Durations, 1>>,
    /// Only with Kratos' names: they take time and room, and say little more.
    more: Option<More>,
}

#[derive(Debug)]
struct More {
    durations: Arc<Family<Durations, 3>>,
    response_sizes: Arc<Family<Sizes, 2>>,
    request_sizes: Arc<Family<Sizes, 2>>,
    statuses: Arc<Family<Counter, 2>>,
}

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The pattern of the route that it took, if it took one. Paths without a route have no end.
    pub route: Option<&'a str>,
    /// As HTTP spells it, `GET`. Clients may invent as many as they like.
    pub method: &'a str,
    /// The status, of three digits.
    pub code: &'a str,
    /// From the request's head to the head of its answer.
    pub took: Duration,
}

impl Requests {
    pub(crate) fn new(names: Names) -> Self {
        let (mut registry, is_as_in_kratos) = match names {
            Names::Zelus => (Registry::default(), false),
            Names::Kratos => (Registry::with_labels(labels_of_kratos().into_iter()), true),
        };
        let by_code = ["code", "method", "endpoint"];
        let times = "Time from a request's head to the head of its answer.";
        Self {
            answered: Family::many(&mut registry, "http_requests", "Requests answered.", by_code),
            response_times: Family::many(&mut registry, "http_response_time", times, ["endpoint"]),
            more: is_as_in_kratos.then(|| More {
                durations: Family::many(&mut registry, "http_requests_duration", times, by_code),
                response_sizes: Family::few(
                    &mut registry,
                    "http_response_size",
                    "Bytes of answers, without their heads, where that is known ahead.",
                    ["code", "method"],
                ),
                request_sizes: Family::few(
                    &mut registry,
                    "http_requests_size",
                    "Bytes of requests, heads included.",
                    ["code", "method"],
                ),
                statuses: Family::few(
                    &mut registry,
                    "http_requests_statuses",
                    "Requests answered, by classes of statuses.",
                    ["method", "status_bucket"],
                ),
            }),
            registry,
        }
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Counts an answer. `sizes` of the request and its answer, in bytes, are asked for only if they are counted.
    pub fn count(&self, request: &Answered<'_>, sizes: impl FnOnce() -> (u64, Option<u64>)) {
        let endpoint = request.route.map_or(Cow::Borrowed("none"), endpoint_label);
        let (code, method) = (request.code, method_label(request.method));
        self.answered.count([code, method, &endpoint]);
        self.response_times.with([&endpoint]).observe(request.took);
        let Some(more) = &self.more else { return };
        more.durations.with([code, method, &endpoint]).observe(request.took);
        more.statuses.count([method, status_bucket(code)]);
        let (asked, answered) = sizes();
        more.request_sizes.with([code, method]).observe(asked);
        if let Some(answered) = answered {
            more.response_sizes.with([code, method]).observe(answered);
        }
    }
}

/// The labels that stand on each of Kratos' metrics. What a build knows nothing of is empty.
fn labels_of_kratos() -> [(Cow<'static, str>, Cow<'static, str>); 4] {
    let label = |name: &'static str, value: &'static str| (Cow::Borrowed(name), Cow::Borrowed(value));
    [label("app", "kratos"), label("version", env!("CARGO_PKG_VERSION")), label("hash", ""), label("buildTime", "")]
}

/// The label of a route: as in Kratos, whatever the parameters of its path are called.
fn endpoint_label(route: &str) -> Cow<'_, str> {
    if !route.contains('{') {
        return Cow::Borrowed(route);
    }
    let segments = route.split('/').map(|segment| if segment.starts_with('{') { "{param}" } else { segment });
    Cow::Owned(segments.collect::<Vec<_>>().join("/"))
}

fn method_label(method: &str) -> &'static str {
    match method {
        "GET" => "get",
        "HEAD" => "head",
        "POST" => "post",
        "PUT" => "put",
        "PATCH" => "patch",
        "DELETE" => "delete",
        "OPTIONS" => "options",
        _ => "other",
    }
}

fn status_bucket(code: &str) -> &'static str {
    match code.as_bytes().first() {
        Some(b'1') => "1xx",
        Some(b'2') => "2xx",
        Some(b'3') => "3xx",
        Some(b'4') => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::{Levels, Metrics};

    fn count(metrics: &Metrics, method: &str, code: &str, took: u64) {
        let request = Answered { route: None, method, code, took: Duration::from_micros(took) };
        metrics.requests.count(&request, || (100, Some(2000)));
    }

    #[test]
    fn what_all_threads_counted_is_one_total() {
        let metrics = Metrics::default();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| count(&metrics, "GET", "200", 400));
            }
        });
        count(&metrics, "POST", "404", 700);
        count(&metrics, "POST", "404", 6_000_000);
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
"#;
        let rendered = metrics.render(&Levels::default());
        assert!(rendered.starts_with(expected), "{rendered}");
    }

    #[test]
    fn kratos_counts_more_and_says_who_it_is() {
        let metrics = Metrics::new(Names::Kratos);
        count(&metrics, "GET", "200", 400);
        count(&metrics, "BREW", "418", 400);
        let rendered = metrics.render(&Levels::default());
        let labels = format!("app=\"kratos\",version=\"{}\",hash=\"\",buildTime=\"\"", env!("CARGO_PKG_VERSION"));
        for line in [
            format!("http_requests_total{{{labels},code=\"200\",method=\"get\",endpoint=\"none\"}} 1"),
            format!(
                "http_requests_duration_seconds_count{{{labels},code=\"418\",method=\"other\",endpoint=\"none\"}} 1"
            ),
            format!("http_requests_statuses_total{{{labels},method=\"other\",status_bucket=\"4xx\"}} 1"),
            format!("http_response_size_bytes_sum{{{labels},code=\"200\",method=\"get\"}} 2000.0"),
            format!("http_requests_size_bytes_sum{{{labels},code=\"200\",method=\"get\"}} 100.0"),
            format!("http_response_time_seconds_count{{{labels},endpoint=\"none\"}} 2"),
        ] {
            assert!(rendered.lines().any(|other| other == line), "{line}: {rendered}");
        }
    }

    #[test]
    fn endpoints_are_named_alike_whatever_their_parameters_are_called() {
        assert_eq!(endpoint_label("/sessions/{id}/extend"), "/sessions/{param}/extend");
    }
}
