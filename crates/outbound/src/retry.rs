//! When a failed try is repeated.
//!
//! Crates such as `backon` repeat what is called; `Retry-After`, and time and randomness that come in as values, would
//! be ours all the same.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use model::{Clock, Entropy};

use crate::error::{Error, is_temporary};
use crate::message::Response;

/// How often and when a failed try is repeated: after waits that double, up to a limit, with a random share taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries after the first.
    pub retries: u32,
    /// The wait after the first try.
    pub first_wait: Duration,
    /// The longest wait. A peer that asks for more in `Retry-After` is not asked again.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    /// As Kratos: two retries after 1 to 30 seconds.
    fn default() -> Self {
        Self { retries: 2, first_wait: Duration::from_secs(1), longest_wait: Duration::from_secs(30) }
    }
}

impl RetryPolicy {
    /// How long to wait after the `done`th try, or `None` if another would not help.
    pub(crate) fn wait(
        &self,
        done: u32,
        outcome: &Result<Response, Error>,
        clock: &Clock,
        entropy: &Entropy,
    ) -> Option<Duration> {
        match outcome {
            Err(error) if !error.is_temporary() => None,
            Ok(response) if !is_temporary(response.status) => None,
            Ok(response) => match response.headers.get("retry-after").and_then(|value| retry_after(value, clock.now()))
            {
                Some(asked) => (asked <= self.longest_wait).then_some(asked),
                None => Some(self.back_off(done, entropy)),
            },
            Err(_) => Some(self.back_off(done, entropy)),
        }
    }

    /// `first_wait` · 2^(done-1), at most `longest_wait`, less up to a half.
    fn back_off(&self, done: u32, entropy: &Entropy) -> Duration {
        let factor = 1u32.checked_shl(done.saturating_sub(1)).unwrap_or(u32::MAX);
        let full = self.first_wait.saturating_mul(factor).min(self.longest_wait);
        let share = f64::from(u16::from_be_bytes(entropy.bytes())) / f64::from(u16::MAX);
        full.mul_f64(1.0 - share / 2.0)
    }
}

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTimeParser::new().parse_timestamp(value).ok()?;
    // A date in the past means "now".
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit() {
        let policy = RetryPolicy { retries: 9, ..RetryPolicy::default() };
        let entropy = Entropy::seeded(1);
        for (done, full) in [(1, 1), (2, 2), (3, 4), (6, 30), (40, 30)] {
            let wait = policy.back_off(done, &entropy);
            let full = Duration::from_secs(full);
            assert!(wait <= full && wait >= full / 2, "after try {done}: {wait:?}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().expect("a time");
        let check = |value, expect: Option<u64>| assert_eq!(retry_after(value, now), expect.map(Duration::from_secs));
        check("7", Some(7));
        check("Sat, 21 Nov 2026 10:00:09 GMT", Some(9));
        check("Sat, 21 Nov 2026 09:00:00 GMT", Some(0));
        check("soon", None);
        check("-1", None);
    }
}
