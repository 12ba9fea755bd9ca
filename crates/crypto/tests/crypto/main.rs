//! What the crate promises to its users, with values that Kratos v26.2 wrote beside those that Zelus writes.

mod cipher;
mod cookie;
mod csrf;
mod gob;
mod page_token;
mod tokens;

use crypto::KeyRing;
use model::{Entropy, Secret, Timestamp};

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time in RFC 3339")
}

fn ring(secrets: &[&str]) -> KeyRing {
    KeyRing::new(secrets.iter().map(|secret| Secret::from(*secret)).collect()).expect("at least one secret")
}

fn entropy() -> Entropy {
    Entropy::seeded(1)
}
