//! A page token comes from a query string: only what a server sealed is followed, and nothing panics.

#![no_main]

use std::sync::LazyLock;

use crypto::PageTokenCodec;
use libfuzzer_sys::fuzz_target;
use model::{Entropy, Timestamp};

static CODEC: LazyLock<PageTokenCodec> = LazyLock::new(|| PageTokenCodec::new(&[], &"a secret for the fuzzer".into()));

fuzz_target!(|text: &str| {
    let now = Timestamp::UNIX_EPOCH;
    assert!(CODEC.open::<serde_json::Value>(now, text).is_err(), "a forged page token was followed");

    let token = CODEC.seal(now, &Entropy::seeded(0), &text).expect("text is JSON");
    if token.len() <= 4096 {
        assert_eq!(CODEC.open::<String>(now, &token).as_deref(), Ok(text));
    }
});
