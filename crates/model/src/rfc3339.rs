//! Times on the wire (RFC 3339).

use jiff::tz::Offset;
use serde::{Serialize, Serializer};

use crate::Timestamp;

/// A time in UTC, as jiff prints it and Go does: the fraction without trailing zeros. It takes half as long, since it need
/// not go through the machinery of `fmt`, and a session has seven times.
pub(crate) struct Rfc3339(pub Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, to)
    }
}

/// As [`Rfc3339`], for fields of structs.
pub(crate) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    let utc = Offset::UTC.to_datetime(*time);
    let Ok(year) = u32::try_from(utc.year()) else {
        // Before the year 0, years have a sign and six digits.
        return time.serialize(to);
    };
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    let two_digits = [utc.month(), utc.day(), utc.hour(), utc.minute(), utc.second()].map(i8::unsigned_abs);
    for (at, number) in [5, 8, 11, 14, 17].into_iter().zip(two_digits) {
        write_digits(&mut text[at..at + 2], number.into());
    }
    write_digits(&mut text[..4], year);
    let nanoseconds = utc.subsec_nanosecond().unsigned_abs();
    write_digits(&mut text[20..29], nanoseconds);
    let end = match nanoseconds {
        0 => 19,
        _ => 29 - text[20..29].iter().rev().take_while(|digit| **digit == b'0').count(),
    };
    text[end] = b'Z';
    to.serialize_str(std::str::from_utf8(&text[..=end]).map_err(serde::ser::Error::custom)?)
}

/// Fills `place` with the last digits of a number.
fn write_digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789"[(number % 10) as usize];
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(time: Timestamp) -> String {
        serde_json::to_string(&Rfc3339(time)).expect("JSON")
    }

    #[test]
    fn times_are_written_as_jiff_and_go_write_them() {
        for time in [
            "2026-11-21T07:44:37Z",
            "2026-11-21T07:44:37.77Z",
            "2026-11-21T07:44:37.000000001Z",
            "2026-11-21T07:44:37.1Z",
            "0001-01-01T00:00:00Z",
            "9999-12-30T22:00:00.999999999Z",
            "-000001-12-31T00:00:00Z",
        ] {
            assert_eq!(text(time.parse().expect("a time")), format!("\"{time}\""));
        }
    }

    proptest! {
        #[test]
        fn all_times_are_written_as_jiff_writes_them(
            second in Timestamp::MIN.as_second()..Timestamp::MAX.as_second(),
            nanosecond in prop_oneof![Just(0), 0..1_000_000_000, (0..1000).prop_map(|n| n * 1_000_000)],
        ) {
            let time = Timestamp::new(second, nanosecond).expect("in range");
            prop_assert_eq!(text(time), format!("\"{time}\""));
        }
    }
}
