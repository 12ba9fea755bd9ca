use std::collections::BTreeMap;
use std::time::Instant;

use crypto::{ContinuityCodec, CookieCodec, CookieError, SessionCookie};
use model::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::{entropy, ring, time};

const SECRET: &str = "a-cookie-secret-that-is-long-enough";
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A session cookie called `my_session` that Kratos wrote at 08:07:33.
const FROM_KRATOS: &str = "MTc5NTI0ODQ1M3xwVk9CeHJBbWxIWGZITi16bWxLVEFoZDhGU3VZWVRkcEt4OHZvZm5oaklHQU1sTkdpdFdQY0dQU3NBMlE1TmJIY3FfNDB6ck80bGFmMDM4V3gtenlFWUh1X0g1Y0ZKZDc2S25UeHJScW1xZml3bXVQcGJTSlhCMUtFdU91dUQtU3RFSVY0Vnk5eEtfWXNaeXFsV2liSXh5bnJFeVRTLVdXZmU5b2h2aUd1MGdrN21tTnpjQWRIQmEwb21MOUNxV3R4R3Fsc3JPSWZHOVhQQmpzWWFaNHQ0UDBOYVlWLUdmU180aDRfak94RjZaQ0pMOXJPYXlteVRralREZS1NVENYbFp2YWN4b3FzYkpDMjkyVlZiU0Z8InToObQkJnqufAj6U2XinSlcA7ChmifQpNtOufSFiFQ=";
const WRITTEN_AT: &str = "2026-11-21T08:07:33Z";

/// Continuity cookies that Kratos wrote, with one secret and with two.
const SIGNED: &str = "MTc5NTI1NjEyMnxEWDhFQVFMX2dBQUJFQUVRQUFCYV80QUFBUVp6ZEhKcGJtY01IZ0FjYjNKNVgydHlZWFJ2YzE5elpYUjBhVzVuYzE5d1lYTnpkMjl5WkFaemRISnBibWNNSmdBa1lqTm1Zemt6TWpVdFl6bGtNQzAwTkRBeUxXRTVNV0V0WXpZd016UTVPV0UwWkdNenwD5v26El-kNEeaHKvQQBAxs8ygszTM7Z98OVJhFjx9YQ==";
const ENCRYPTED: &str = "MTc5NTI1NjEyNnxFckFQWVVDNldTc012ZnZ3Q1lEZDFfMFJfM2FMRUQxcjBvM3BtMGZIZ25YSEJZRG9ZQzZRV0dyQ1Q3eXFudU5rZEFaS1Y2cXB1OG9zSm9DU0RfYWZhQTlaYm1tVHM2ME92UHNOREotTDJuSW0xSjN2TXZTS1M5TTFxdDdDUi05UkdySnd0M0lTUXZmMVVMa3dpZ3pjVHN6V1NSSVdSUEtBUUE9PXxM3p8jlcPlyukj-KFVcSDMMI0tr179pnfj8TGdyoovZQ==";
const SECOND_SECRET: &str = "a-second-secret-of-32-bytes-here";

fn codec(secrets: &[&str]) -> CookieCodec {
    CookieCodec::new("my_session", &ring(secrets), DAY)
}

fn session() -> SessionCookie {
    SessionCookie {
        session_token: "ory_st_akMI5nyVSdzMcldgpfrh0nJr56PowbQE".into(),
        expires_at: Some(time("2036-11-18T08:07:33.968856026Z")),
    }
}

#[test]
fn a_cookie_from_kratos_is_read() {
    assert_eq!(codec(&[SECRET]).decode(time(WRITTEN_AT), FROM_KRATOS), Ok(session()));
}

#[test]
fn any_secret_of_the_ring_reads_and_the_first_writes() {
    let now = time(WRITTEN_AT);
    assert_eq!(codec(&["a-newer-cookie-secret", SECRET]).decode(now, FROM_KRATOS), Ok(session()));
    let rotated = codec(&["a-newer-cookie-secret", SECRET]).encode(now, &entropy(), &session());
    assert_eq!(codec(&["a-newer-cookie-secret"]).decode(now, &rotated), Ok(session()));
    assert_eq!(codec(&[SECRET]).decode(now, &rotated), Err(CookieError::BadSignature));
}

#[test]
fn the_name_is_part_of_the_signature() {
    let other = CookieCodec::new("ory_kratos_session", &ring(&[SECRET]), DAY);
    assert_eq!(other.decode(time(WRITTEN_AT), FROM_KRATOS), Err(CookieError::BadSignature));
}

#[test]
fn a_cookie_is_read_until_it_is_too_old() {
    let codec = codec(&[SECRET]);
    assert_eq!(codec.decode(time("2026-11-22T08:07:33Z"), FROM_KRATOS), Ok(session()));
    assert_eq!(codec.decode(time("2026-11-22T08:07:34Z"), FROM_KRATOS), Err(CookieError::Expired));
    let unlimited = CookieCodec::new("my_session", &ring(&[SECRET]), SignedDuration::ZERO);
    assert_eq!(unlimited.decode(time("2099-01-01T00:00:00Z"), FROM_KRATOS), Ok(session()));
}

#[test]
fn what_is_no_cookie_says_why() {
    let codec = codec(&[SECRET]);
    let decode = |value: &str| codec.decode(time(WRITTEN_AT), value);
    for value in ["", "x", "ory_st_akMI5nyVSdzMcldgpfrh0nJr56PowbQE", "fHw=", "MXx8", "eHx5fHo="] {
        assert!(matches!(decode(value), Err(CookieError::Malformed | CookieError::BadSignature)), "{value}");
    }
    assert_eq!(decode(&"A".repeat(4097)), Err(CookieError::TooLong));
}

#[test]
fn a_cookie_without_a_token_is_told_apart() {
    let empty = SessionCookie { session_token: "".into(), expires_at: None };
    let codec = codec(&[SECRET]);
    let value = codec.encode(time(WRITTEN_AT), &entropy(), &empty);
    assert_eq!(codec.decode(time(WRITTEN_AT), &value), Err(CookieError::NoToken));
}

#[test]
fn no_two_cookies_are_alike_and_none_shows_its_token() {
    let (codec, entropy) = (codec(&[SECRET]), entropy());
    let encode = || codec.encode(time(WRITTEN_AT), &entropy, &session());
    let (first, second) = (encode(), encode());
    assert_ne!(first, second);
    assert_eq!(first.len(), FROM_KRATOS.len());
    assert!(!format!("{:?} {:?}", codec, codec.decode(time(WRITTEN_AT), &first)).contains("ory_st_"));
}

#[test]
fn continuity_cookies_from_kratos_are_read() {
    let now = time("2026-11-21T10:15:30Z");
    let read = |secrets: &[&str], value: &str| {
        let map = ContinuityCodec::new(&ring(secrets)).decode(now, value)?;
        Ok(map.into_iter().next().expect("one entry"))
    };
    let entry = |id: &str| Ok(("ory_kratos_settings_password".to_owned(), id.to_owned()));
    let signed = entry("b3fc9325-c9d0-4402-a91a-c603499a4dc3");
    assert_eq!(read(&[SECRET], SIGNED), signed);
    assert_eq!(read(&[SECRET, SECOND_SECRET], ENCRYPTED), entry("a3d00bec-36aa-4c32-88da-a51f0cdbc9d8"));
    // Written before a second secret came, of whatever length.
    assert_eq!(read(&[SECRET, SECOND_SECRET], SIGNED), signed);
    assert_eq!(read(&["a-newer-cookie-secret", SECRET], SIGNED), signed);
    assert_eq!(read(&[SECOND_SECRET], SIGNED), Err(CookieError::BadSignature));
    assert_eq!(
        ContinuityCodec::new(&ring(&[SECRET])).decode(time("2026-12-21T10:15:23Z"), SIGNED),
        Err(CookieError::Expired)
    );
}

#[test]
fn continuity_cookies_round_trip_under_any_ring() {
    let now = time(WRITTEN_AT);
    let entries = BTreeMap::from([
        ("ory_kratos_oidc_auth_code_session".to_owned(), "b3fc9325-c9d0-4402-a91a-c603499a4dc3".to_owned()),
        ("ory_kratos_settings_password".to_owned(), String::new()),
    ]);
    for secrets in [
        &[SECRET][..],
        &[SECRET, SECOND_SECRET],
        &[SECRET, "sixteen bytes of"],
        &[SECRET, "twenty-four bytes secret"],
        &[SECRET, "no AES key"],
        &[SECRET, "no AES key", "a third secret"],
    ] {
        let codec = ContinuityCodec::new(&ring(secrets));
        let value = codec.encode(now, &entropy(), &entries).unwrap();
        assert_eq!(codec.decode(now, &value), Ok(entries.clone()), "{secrets:?}");
    }
    let large = BTreeMap::from([("name".to_owned(), "x".repeat(3000))]);
    assert_eq!(ContinuityCodec::new(&ring(&[SECRET])).encode(now, &entropy(), &large), Err(CookieError::TooLong));
}

proptest! {
    #[test]
    fn what_is_written_is_read(token in "\\PC{1,64}", seconds in 0_i64..253_402_207_200, nanos in 0..1_000_000_000) {
        let cookie = SessionCookie {
            session_token: token.as_str().into(),
            expires_at: Some(Timestamp::new(seconds, nanos).unwrap()),
        };
        let codec = codec(&[SECRET]);
        let value = codec.encode(time(WRITTEN_AT), &entropy(), &cookie);
        prop_assert_eq!(codec.decode(time(WRITTEN_AT), &value), Ok(cookie));
    }

    #[test]
    fn any_changed_character_is_noticed(at in any::<prop::sample::Index>(), put in "[ -~]") {
        let at = at.index(FROM_KRATOS.len());
        prop_assume!(FROM_KRATOS[at..=at] != put);
        let tampered = format!("{}{put}{}", &FROM_KRATOS[..at], &FROM_KRATOS[at + 1..]);
        prop_assert!(codec(&[SECRET]).decode(time(WRITTEN_AT), &tampered).is_err());
    }

    #[test]
    fn no_text_makes_it_panic(value in "\\PC{0,200}") {
        prop_assert!(codec(&[SECRET]).decode(time(WRITTEN_AT), &value).is_err());
        prop_assert!(ContinuityCodec::new(&ring(&[SECRET])).decode(time(WRITTEN_AT), &value).is_err());
    }
}

/// The whole budget of a session check is some tens of microseconds. Run by hand:
/// `cargo test --release -p crypto -- --ignored --nocapture decoding_takes`.
#[test]
#[ignore = "measures time, which a busy machine cannot promise"]
fn decoding_takes_less_than_ten_microseconds() {
    const TIMES: u32 = 20_000;
    let codec = codec(&[SECRET]);
    let started = Instant::now();
    for _ in 0..TIMES {
        std::hint::black_box(codec.decode(time(WRITTEN_AT), std::hint::black_box(FROM_KRATOS))).unwrap();
    }
    let each = started.elapsed() / TIMES;
    assert!(each.as_micros() < 10, "decoding took {each:?}");
}
