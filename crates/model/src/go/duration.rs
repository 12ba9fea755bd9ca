//! Durations as text (`time.ParseDuration`). The crate `go-parse-duration` takes negative ones too, which mean nothing
//! anywhere here, and would be as long.

use crate::SignedDuration;

/// Nanoseconds per unit, as Go names the units.
const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
];

/// Parses a Go duration without a sign: numbers with units, chained (`1h30m`), with fractions (`1.5s`). A bare `0` is
/// zero. `None` for anything else, and beyond the 292 years that Go can express.
pub fn parse_duration(text: &str) -> Option<SignedDuration> {
    if text == "0" {
        return Some(SignedDuration::ZERO);
    }
    if text.is_empty() || text.len() > 64 {
        return None;
    }
    let mut rest = text;
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_len = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_len);
        let unit_len = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_len);
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(scaled(number, *scale)?)?;
        rest = after;
    }
    let nanos = i64::try_from(total).ok()?;
    Some(SignedDuration::from_nanos(nanos))
}

/// `number`, which may have a fraction, times `scale`, rounded down.
fn scaled(number: &str, scale: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(scale)?;
    let mut place = scale;
    for digit in fraction.chars() {
        place /= 10;
        total += i128::from(digit.to_digit(10)?) * place;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_and_units_are_chained() {
        let nanos = |text| parse_duration(text).map(|duration| duration.as_nanos());
        assert_eq!(nanos("1h30m"), Some(5_400_000_000_000));
        assert_eq!(nanos("1h2m3.5s"), Some(3_723_500_000_000));
        assert_eq!(nanos("1.5s"), Some(1_500_000_000));
        assert_eq!(nanos("2us3ns"), Some(2_003));
        assert_eq!(nanos("1µs"), Some(1_000));
        assert_eq!(nanos("0"), Some(0));
        assert_eq!(nanos(".5m"), Some(30_000_000_000));
        for bad in [
            "",
            "5",
            "-1s",
            "1d",
            "1x",
            "1 h",
            "h",
            "1..2s",
            "1.2.3s",
            ".s",
            "99999999999h",
            "99999999999999999999h",
            "1s ",
        ] {
            assert_eq!(nanos(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn durations_add_up(hours in 0..1000_u32, minutes in 0..60_u32, millis in 0..1000_u32) {
            let parsed = parse_duration(&format!("{hours}h{minutes}m{millis}ms")).expect("a duration");
            let expected = i128::from(hours) * 3_600_000 + i128::from(minutes) * 60_000 + i128::from(millis);
            prop_assert_eq!(parsed.as_millis(), expected);
        }

        #[test]
        fn no_text_upsets_the_parser(text in "\\PC{0,40}") {
            let _ = parse_duration(&text);
        }
    }
}
