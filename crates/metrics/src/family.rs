//! Families of metrics: values of one name, told apart by labels.
//!
//! The families of `prometheus-client` are behind a lock, which every request would take, and are written in no order.
//! These are tables of atomics, in which nobody waits; only the format is left to the library.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::{Registry, Unit};

/// How many combinations of labels a family has room for. There are some hundred routes, each with a few statuses; other
/// families have a few dozen at the most.
const ROOM: usize = 2048;
const SMALL_ROOM: usize = 128;
/// How many places are looked at for a combination. What finds none is counted with all others of which that is true.
const REACH: usize = 32;
/// The value of every label of those others.
const OTHERS: &str = "other";

/// A family with `N` labels, whose values are of kind `M`.
#[derive(Debug)]
pub struct Family<M, const N: usize> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; N],
    /// By the hash of the labels' values; a place that is taken leads to the next.
    table: Box<[OnceLock<Series<M, N>>]>,
    others: OnceLock<Series<M, N>>,
}

#[derive(Debug)]
struct Series<M, const N: usize> {
    labels: [String; N],
    value: M,
}

/// A kind of value.
pub trait MetricKind: Default + fmt::Debug + Send + Sync + 'static {
    /// What collectors call it.
    const TYPE: MetricType;
    /// What it is measured in, which becomes the end of the family's name.
    const UNIT: Option<Unit> = None;

    /// Writes the value.
    ///
    /// # Errors
    /// When the text cannot be written.
    fn encode(&self, to: MetricEncoder<'_>) -> fmt::Result;
}

impl<M: MetricKind, const N: usize> Family<M, N> {
    /// Makes a family that a registry knows, with room for every route.
    pub fn many(
        registry: &mut Registry,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
    ) -> Arc<Self> {
        Self::register(registry, name, help, labels, ROOM)
    }

    /// The same for labels with few values.
    pub fn few(
        registry: &mut Registry,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
    ) -> Arc<Self> {
        Self::register(registry, name, help, labels, SMALL_ROOM)
    }

    fn register(
        registry: &mut Registry,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
        room: usize,
    ) -> Arc<Self> {
        let table = (0..room).map(|_| OnceLock::new()).collect();
        let family = Arc::new(Self { name, help, labels, table, others: OnceLock::new() });
        registry.register_collector(Box::new(Arc::clone(&family)));
        family
    }

    /// The value under these labels, in the order of their names.
    pub fn with(&self, labels: [&str; N]) -> &M {
        let mut hasher = DefaultHasher::new();
        labels.hash(&mut hasher);
        #[expect(clippy::cast_possible_truncation, reason = "any bits of a hash will do")]
        let start = hasher.finish() as usize % self.table.len();
        let (before, after) = self.table.split_at(start);
        let places = after.iter().chain(before).take(REACH);
        let mut series = places.map(|place| place.get_or_init(|| Series::new(labels)));
        let found = series.find(|series| series.labels == labels);
        &found.unwrap_or_else(|| self.others.get_or_init(|| Series::new([OTHERS; N]))).value
    }
}

impl<M: Default, const N: usize> Series<M, N> {
    fn new(labels: [&str; N]) -> Self {
        Self { labels: labels.map(str::to_owned), value: M::default() }
    }
}

impl<M: MetricKind, const N: usize> Collector for Family<M, N> {
    /// Writes all values, by the last label and then by the others.
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut all: Vec<&Series<M, N>> = self.table.iter().chain([&self.others]).filter_map(OnceLock::get).collect();
        all.sort_by(|a, b| (a.labels.last(), &a.labels).cmp(&(b.labels.last(), &b.labels)));
        let unit = M::UNIT;
        let mut family = encoder.encode_descriptor(self.name, self.help, unit.as_ref(), M::TYPE)?;
        for series in all {
            let labels = self.labels.iter().zip(&series.labels).map(|(name, value)| (*name, value.as_str()));
            series.value.encode(family.encode_family(&labels.collect::<Vec<_>>().as_slice())?)?;
        }
        Ok(())
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn increase(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl<const N: usize> Family<Counter, N> {
    /// Counts one under these labels, in the order of their names.
    pub fn count(&self, labels: [&str; N]) {
        self.with(labels).increase();
    }
}

impl MetricKind for Counter {
    const TYPE: MetricType = MetricType::Counter;

    fn encode(&self, to: MetricEncoder<'_>) -> fmt::Result {
        ConstCounter::new(self.0.load(Ordering::Relaxed)).encode(to)
    }
}

/// Upper bounds in seconds; what takes longer falls into a bucket of its own.
const BOUNDS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// How long something took, by classes of length.
#[derive(Debug, Default)]
pub struct Durations {
    /// Of all of them, in nanoseconds.
    sum: AtomicU64,
    /// How many took so long, and longer than the bucket before allows.
    buckets: [AtomicU64; BOUNDS.len() + 1],
}

impl Durations {
    /// Counts one that took so long.
    pub fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl MetricKind for Durations {
    const TYPE: MetricType = MetricType::Histogram;
    const UNIT: Option<Unit> = Some(Unit::Seconds);

    fn encode(&self, to: MetricEncoder<'_>) -> fmt::Result {
        let sum = Duration::from_nanos(self.sum.load(Ordering::Relaxed)).as_secs_f64();
        encode_histogram(to, &BOUNDS, sum, &self.buckets)
    }
}

/// Upper bounds in bytes.
const SIZE_BOUNDS: [f64; 8] = [256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262_144.0, 1_048_576.0, 4_194_304.0];

/// How large something was, by classes of size.
#[derive(Debug, Default)]
pub struct Sizes {
    /// Of all of them.
    sum: AtomicU64,
    /// How many were so large, and larger than the bucket before allows.
    buckets: [AtomicU64; SIZE_BOUNDS.len() + 1],
}

impl Sizes {
    /// Counts one of so many bytes.
    #[expect(clippy::cast_precision_loss, reason = "what is larger than 2^52 bytes is in the last bucket all the same")]
    pub fn observe(&self, bytes: u64) {
        let bucket = SIZE_BOUNDS.iter().position(|bound| bytes as f64 <= *bound).unwrap_or(SIZE_BOUNDS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl MetricKind for Sizes {
    const TYPE: MetricType = MetricType::Histogram;
    const UNIT: Option<Unit> = Some(Unit::Bytes);

    #[expect(clippy::cast_precision_loss, reason = "collectors read sums as such numbers anyway")]
    fn encode(&self, to: MetricEncoder<'_>) -> fmt::Result {
        encode_histogram(to, &SIZE_BOUNDS, self.sum.load(Ordering::Relaxed) as f64, &self.buckets)
    }
}

fn encode_histogram(mut to: MetricEncoder<'_>, bounds: &[f64], sum: f64, buckets: &[AtomicU64]) -> fmt::Result {
    let bounds = bounds.iter().copied().chain([f64::INFINITY]);
    let buckets = buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
    let buckets: Vec<(f64, u64)> = bounds.zip(buckets).collect();
    to.encode_histogram::<NoLabelSet>(sum, buckets.iter().map(|(_, count)| count).sum(), &buckets, None)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use prometheus_client::encoding::text;

    use super::*;

    fn written(registry: &Registry) -> String {
        let mut written = String::new();
        text::encode(&mut written, registry).expect("text");
        written
    }

    #[test]
    fn what_all_threads_count_is_one_number() {
        let mut registry = Registry::default();
        let family = Family::<Counter, 2>::many(&mut registry, "tries", "Tries.", ["b", "a"]);
        thread::scope(|scope| {
            for thread in 0..4 {
                let family = &family;
                scope.spawn(move || {
                    (0..1000).for_each(|n| family.with([["x", "y"][n % 2], ["1", "2"][thread % 2]]).increase())
                });
            }
        });
        let expected = "# HELP tries Tries.\n# TYPE tries counter\n\
            tries_total{b=\"x\",a=\"1\"} 1000\ntries_total{b=\"y\",a=\"1\"} 1000\n\
            tries_total{b=\"x\",a=\"2\"} 1000\ntries_total{b=\"y\",a=\"2\"} 1000\n# EOF\n";
        assert_eq!(written(&registry), expected);
    }

    #[test]
    fn what_finds_no_room_is_counted_together() {
        let mut registry = Registry::default();
        let family = Family::<Counter, 1>::many(&mut registry, "tries", "Tries.", ["n"]);
        for n in 0..2 * ROOM {
            family.with([&n.to_string()]).increase();
        }
        let written = written(&registry);
        let total: usize = written.lines().filter_map(|line| line.rsplit_once("} ")?.1.parse::<usize>().ok()).sum();
        assert_eq!(total, 2 * ROOM);
        assert!(written.lines().count() <= ROOM + 4 && written.contains("{n=\"other\"}"));
    }
}
