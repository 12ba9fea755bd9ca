//! Times in the precision and in the spellings of databases.

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
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
    if let Some(time) = parse_common_time(text) {
        return Some(time);
    }
    let text = std::str::from_utf8(text).ok()?;
    let read = |text: &str| {
        let without_offset = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
        text.parse().ok().or_else(|| without_offset().map(|time| time.timestamp()))
    };
    // Go prints a monotonic clock reading after some times.
    read(text).or_else(|| read(text.split(" m=").next()?.trim()))
}

/// Reads a time as [`sqlite_time`] writes it, as most are: a whoami reads eight of them, and the general way takes more
/// than twice as long.
fn parse_common_time(text: &[u8]) -> Option<Timestamp> {
    let text = text.strip_suffix(b"+00:00")?;
    let (time, fraction) = text.split_first_chunk::<19>()?;
    let [.., b'-', _, _, b'-', _, _, b' ', _, _, b':', _, _, b':', _, _] = time else { return None };
    let two_digits = |at| digits(&time[at..at + 2]);
    let date = Date::new(digits(&time[..4])?, two_digits(5)?, two_digits(8)?).ok()?;
    let nanoseconds = match fraction {
        [] => 0,
        [b'.', fraction @ ..] if matches!(fraction.len(), 1..=9) => {
            digits::<i32>(fraction)? * 10_i32.pow(9 - u32::try_from(fraction.len()).ok()?)
        }
        _ => return None,
    };
    let clock = Time::new(two_digits(11)?, two_digits(14)?, two_digits(17)?, nanoseconds).ok()?;
    Offset::UTC.to_timestamp(date.to_datetime(clock)).ok()
}

/// A number of at most nine digits, and of nothing else.
fn digits<T: TryFrom<i32>>(digits: &[u8]) -> Option<T> {
    let all = digits.iter().all(u8::is_ascii_digit);
    let number = || digits.iter().fold(0, |number, digit| number * 10 + i32::from(digit - b'0'));
    T::try_from(all.then(number)?).ok()
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
            prop_assert_eq!(parse_common_time(sqlite_time(a).as_bytes()), Some(a));
            prop_assert_eq!(sqlite_time(a).cmp(&sqlite_time(b)), a.cmp(&b));
        }

        #[test]
        fn the_short_way_reads_nothing_that_the_long_way_does_not(text in "[0-9]{2,4}-[0-3][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?(Z|[+-]0[01]:00)?") {
            if let Some(time) = parse_common_time(text.as_bytes()) {
                prop_assert_eq!(text.parse().ok(), Some(time));
            }
        }
    }
}
