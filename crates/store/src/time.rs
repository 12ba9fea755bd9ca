//! Times in the precision and in the spellings of databases.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use model::Timestamp;

/// A time cut to microseconds, the precision of `created_at` and `updated_at` in every database.
pub fn to_microseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// A time as Kratos writes it to SQLite: `2026-11-21 07:44:37.77+00:00`, in UTC, trailing zeros of the fraction cut.
/// Text in this form sorts as the times do.
pub fn sqlite_time(time: Timestamp) -> String {
    let text = time.to_string();
    text.trim_end_matches('Z').replacen('T', " ", 1) + "+00:00"
}

/// Reads a time in any form that Kratos, its migrations or SQLite itself leave behind; a time without an offset is UTC.
pub fn parse_sqlite_time(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let read = |text: &str| {
        let without_offset = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
        text.parse().ok().or_else(|| without_offset().map(|time| time.timestamp()))
    };
    // Go prints a monotonic clock reading after some times.
    read(text).or_else(|| read(text.split(" m=").next()?.trim()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_written_as_kratos_writes_them() {
        let time: Timestamp = "2026-11-21T07:44:37.77Z".parse().expect("a time");
        assert_eq!(sqlite_time(time), "2026-11-21 07:44:37.77+00:00");
        assert_eq!(sqlite_time(model::ZERO_TIME), "0001-01-01 00:00:00+00:00");
    }

    #[test]
    fn times_are_read_in_every_form_that_is_found() {
        let expected: Timestamp = "2026-11-21T07:44:37.5Z".parse().expect("a time");
        for text in [
            "2026-11-21 07:44:37.5+00:00",
            "2026-11-21 07:44:37.5",
            "2026-11-21T07:44:37.5Z",
            "2026-11-21 08:44:37.5+01:00",
            "2026-11-21 07:44:37.5+00:00 m=+0.25",
        ] {
            assert_eq!(parse_sqlite_time(text.as_bytes()), Some(expected), "{text}");
        }
        for text in [
            "CURRENT_TIMESTAMP",
            "2026-11-21 24:00:00+00:00",
            "2026-02-30 00:00:00+00:00",
            "2026-11-21 0:44:37.5+00:00",
        ] {
            assert_eq!(parse_sqlite_time(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn written_times_are_read_back_and_sort_as_times(a in 0i64..4_000_000_000, b in 0i64..4_000_000_000, n in 0i32..1_000_000_000, m in 0i32..1_000_000_000) {
            let (a, b) = (Timestamp::new(a, n).expect("in range"), Timestamp::new(b, m).expect("in range"));
            prop_assert_eq!(parse_sqlite_time(sqlite_time(a).as_bytes()), Some(a));
            prop_assert_eq!(sqlite_time(a).cmp(&sqlite_time(b)), a.cmp(&b));
        }
    }
}
