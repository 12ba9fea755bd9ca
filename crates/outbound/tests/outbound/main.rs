//! The client against peers that misbehave. All of them listen on loopback, so guarded tests lead in through an exception.

mod guard;
mod limits;
mod peer;
mod redirects;
mod relays;
mod retries;

use std::time::Duration;

use model::{Clock, Entropy};
use outbound::{Outbound, OutboundOptions, RetryPolicy};

const LIMIT: usize = 64 * 1024;

/// The usual client, in a hurry.
fn options() -> OutboundOptions {
    let clock = Clock::manual("2026-11-21T10:00:00Z".parse().expect("a time"));
    let retry = RetryPolicy { retries: 2, first_wait: Duration::from_millis(1), longest_wait: Duration::from_secs(1) };
    OutboundOptions { retry, timeout: Duration::from_secs(5), ..OutboundOptions::new(clock, Entropy::seeded(7)) }
}

fn client() -> Outbound {
    Outbound::new(&options()).expect("a client")
}

/// A client that may leave the public internet only for these URLs.
fn guarded(exceptions: &[String]) -> Outbound {
    let options = OutboundOptions {
        disallow_private_ip_ranges: true,
        private_ip_exception_urls: exceptions.to_vec(),
        ..options()
    };
    Outbound::new(&options).expect("a client")
}
