//! A browser may send anything as its session cookie: only what a server wrote is accepted, and nothing panics.
//!
//! The input is tried as a cookie's value, and as the token inside one, which must come out again.

#![no_main]

use std::sync::LazyLock;

use crypto::{CookieCodec, KeyRing, SessionCookie};
use libfuzzer_sys::fuzz_target;
use model::{Entropy, Secret, SignedDuration, Timestamp};

static CODEC: LazyLock<CookieCodec> = LazyLock::new(|| {
    let secret = Secret::from("a-cookie-secret-for-the-fuzzer");
    CookieCodec::new("ory_kratos_session", &KeyRing::from(secret), SignedDuration::from_hours(24))
});

fuzz_target!(|text: &str| {
    let now = Timestamp::UNIX_EPOCH;
    assert!(CODEC.decode(now, text).is_err(), "a forged cookie was accepted");

    let cookie = SessionCookie { session_token: text.into(), expires_at: Some(now) };
    let value = CODEC.encode(now, &Entropy::seeded(0), &cookie);
    match CODEC.decode(now, &value) {
        Ok(decoded) => assert_eq!(decoded, cookie),
        Err(_) => assert!(text.is_empty() || value.len() > 4096, "a genuine cookie was refused"),
    }
});
