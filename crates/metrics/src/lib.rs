//! What a server counts, for Prometheus: every metric stands here, with what it means, and in `docs/reference/metrics.md`.
//!
//! Labels are words of ours, never of those who send requests: a method that is switched on, a route, a status. What is so at
//! the moment ([`Levels`]) is looked at when somebody asks.

mod family;
mod process;
mod requests;

use std::sync::Arc;

use prometheus_client::encoding::text;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

pub use family::{Counter, Durations, Family, MetricKind, Sizes};
pub use requests::{Answered, Names, Requests};

/// Counters that one label tells apart.
type Counters = Arc<Family<Counter, 1>>;

/// What a server counts. It outlives reloads of the configuration.
#[derive(Debug)]
pub struct Metrics {
    /// Requests that were answered.
    pub requests: Requests,
    /// People who signed in, or proved more, by method.
    pub sign_ins: Counters,
    /// Forms to sign in that were sent in vain, by method.
    pub sign_in_failures: Counters,
    /// Accounts that people made, by method.
    pub sign_ups: Counters,
    /// Forms to sign up that were sent in vain, by method.
    pub sign_up_failures: Counters,
    /// Logouts, by client: `browser`, `native`, or `admin` for sessions that operators ended.
    pub logouts: Counters,
    /// People who won back access, by method.
    pub recoveries: Counters,
    /// Tries at that in vain, by method.
    pub recovery_failures: Counters,
    /// Addresses that were proved, by method.
    pub verifications: Counters,
    /// Tries at that in vain, by method.
    pub verification_failures: Counters,
    /// Attempts to deliver a message, by kind of address and outcome: `sent`, `failed` if there will be another, or
    /// `abandoned`.
    pub deliveries: Arc<Family<Counter, 2>>,
    /// Tries at what can be guessed that were wrong, by factor.
    pub failed_tries: Counters,
    /// Tries that were not looked at, since too many had failed before, by factor.
    pub refused_tries: Counters,
    /// Codes and links that were not sent, since their address had had as many as it gets.
    pub held_back: Counters,
    /// Changed configurations that were read, by outcome: `ok`, or `failed` where the last one stays.
    pub reloads: Counters,
    registry: Registry,
}

impl Metrics {
    /// The media type of [`Metrics::render`], for collectors that accept it.
    pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    /// The media type of [`Metrics::render`] for all others: what OpenMetrics adds are comments there.
    pub const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

    /// Metrics of which none has counted anything. Those of requests have these names.
    pub fn new(names: Names) -> Self {
        let mut registry = Registry::default();
        let mut by = |name, help, label| Family::few(&mut registry, name, help, [label]);
        let sign_ins = by("zelus_sign_ins", "People who signed in, or proved more.", "method");
        let sign_in_failures = by("zelus_sign_in_failures", "Forms to sign in that were sent in vain.", "method");
        let sign_ups = by("zelus_sign_ups", "Accounts that people made.", "method");
        let sign_up_failures = by("zelus_sign_up_failures", "Forms to sign up that were sent in vain.", "method");
        let logouts = by(
            "zelus_logouts",
            "Logouts, and calls by which operators (`admin`) or people in other places (`elsewhere`) ended sessions.",
            "client",
        );
        let recoveries = by("zelus_recoveries", "People who won back access.", "method");
        let recovery_failures = by("zelus_recovery_failures", "Tries to win back access that were in vain.", "method");
        let verifications = by("zelus_verifications", "Addresses that were proved.", "method");
        let verification_failures =
            by("zelus_verification_failures", "Tries to prove an address that were in vain.", "method");
        let reloads = by(
            "zelus_configuration_reloads",
            "Changed configurations that were read; those that failed are not in force.",
            "outcome",
        );
        let failed_tries = by("zelus_failed_tries", "Tries at what can be guessed that were wrong.", "factor");
        let refused_tries = "Tries that were not looked at, since too many had failed before.";
        let refused_tries = by("zelus_refused_tries", refused_tries, "factor");
        let held_back =
            "Codes and links that were not sent, since their address had had as many as it gets in an hour.";
        let held_back = by("zelus_messages_held_back", held_back, "recipient");
        let deliveries = "Attempts to deliver a message; those that failed are made again, those abandoned are not.";
        let deliveries = Family::few(&mut registry, "zelus_message_deliveries", deliveries, ["channel", "outcome"]);
        process::register(&mut registry);
        Self {
            requests: Requests::new(names),
            sign_ins,
            sign_in_failures,
            sign_ups,
            sign_up_failures,
            logouts,
            recoveries,
            recovery_failures,
            verifications,
            verification_failures,
            deliveries,
            failed_tries,
            refused_tries,
            held_back,
            reloads,
            registry,
        }
    }

    /// All of it as text, in the OpenMetrics format.
    pub fn render(&self, levels: &Levels) -> String {
        let mut rendered = String::new();
        let registries = [self.requests.registry(), &self.registry, &levels.registry()];
        let mut outcome =
            registries.into_iter().try_for_each(|registry| text::encode_registry(&mut rendered, registry));
        if outcome.is_ok() {
            outcome = text::encode_eof(&mut rendered);
        }
        if let Err(error) = outcome {
            tracing::error!(%error, "The metrics could not be written.");
        }
        rendered
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(Names::Zelus)
    }
}

/// What is so at the moment. `None` is left out: it is not known, or there is no such thing here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Levels {
    /// Password hashes that wait for their turn.
    pub hashes_waiting: Option<usize>,
    /// Password hashes that are being computed.
    pub hashes_under_way: Option<usize>,
    /// Connections to the database that somebody works on. SQLite has none.
    pub connections_in_use: Option<usize>,
    /// Connections to the database that there may be for such work.
    pub connections: Option<usize>,
    /// Messages that wait to be delivered, or are on their way.
    pub messages_waiting: Option<usize>,
}

impl Levels {
    fn registry(self) -> Registry {
        let mut registry = Registry::default();
        let mut level = |name: &str, help: &str, value: Option<usize>| {
            if let Some(value) = value {
                let value = i64::try_from(value).unwrap_or(i64::MAX);
                registry.register(name, help, ConstGauge::new(value));
            }
        };
        level("zelus_password_hashes_waiting", "Password hashes that wait for their turn", self.hashes_waiting);
        level("zelus_password_hashes_under_way", "Password hashes that are being computed", self.hashes_under_way);
        level(
            "zelus_database_connections_in_use",
            "Connections to PostgreSQL on which a transaction or a long read runs",
            self.connections_in_use,
        );
        level("zelus_database_connections", "Connections to PostgreSQL that may be in use at once", self.connections);
        level(
            "zelus_messages_waiting",
            "Messages that wait to be delivered or are on their way, of all nodes; no more than 100000 are counted",
            self.messages_waiting,
        );
        registry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        let metrics = Metrics::default();
        metrics.sign_ins.count(["password"]);
        metrics.sign_ins.count(["password"]);
        metrics.deliveries.count(["email", "sent"]);
        let text = metrics.render(&Levels { messages_waiting: Some(7), ..Levels::default() });
        for line in [
            "zelus_sign_ins_total{method=\"password\"} 2",
            "zelus_message_deliveries_total{channel=\"email\",outcome=\"sent\"} 1",
            "# TYPE zelus_messages_waiting gauge",
            "zelus_messages_waiting 7",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}: {text}");
        }
        assert!(!text.contains("zelus_database_connections"), "{text}");
        assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
    }
}
