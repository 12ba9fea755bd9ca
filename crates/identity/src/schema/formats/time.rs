//! Dates and times of RFC 3339, as Go's `time.Parse` reads them: an hour may have one digit, a fraction any number behind a
//! point or comma, and a zone be up to 24 hours and 60 minutes away.

/// `2006-01-02`
pub(super) fn is_date(text: &str) -> bool {
    date(text) == Some("")
}

/// `2006-01-02T15:04:05Z`
pub(super) fn is_date_time(text: &str) -> bool {
    date(text).and_then(|rest| rest.strip_prefix('T')).is_some_and(is_time)
}

/// `15:04:05Z`
pub(super) fn is_time(text: &str) -> bool {
    clock(text).and_then(zone) == Some("")
}

/// A date at the beginning; what follows it.
fn date(text: &str) -> Option<&str> {
    let (year, rest) = number(text, 4)?;
    let (month, rest) = number(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = number(rest.strip_prefix('-')?, 2)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(rest)
}

/// A time of the day at the beginning; what follows it.
fn clock(text: &str) -> Option<&str> {
    let (hour, rest) = number(text, 2).or_else(|| number(text, 1))?;
    let (minute, rest) = number(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = number(rest.strip_prefix(':')?, 2)?;
    let rest = match rest.strip_prefix(['.', ',']) {
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => {
            fraction.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        _ => rest,
    };
    (hour < 24 && minute < 60 && second < 60).then_some(rest)
}

/// `Z` or `+01:00` at the beginning; what follows it.
fn zone(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Some(rest);
    }
    let (hours, rest) = number(text.strip_prefix(['+', '-'])?, 2)?;
    let (minutes, rest) = number(rest.strip_prefix(':')?, 2)?;
    (hours <= 24 && minutes <= 60).then_some(rest)
}

/// A number of so many digits at the beginning, and what follows it.
fn number(text: &str, digits: usize) -> Option<(u32, &str)> {
    let (number, rest) = text.split_at_checked(digits)?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| number.parse().ok())?.map(|number| (number, rest))
}
