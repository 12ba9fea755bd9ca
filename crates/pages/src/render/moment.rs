//! Points in time, for people.

use model::Timestamp;
use serde::Serialize;

/// A point in time: for programs, and in words.
#[derive(Clone, Debug, Serialize)]
pub struct Moment {
    /// RFC 3339: `2026-11-21T10:20:07.5Z`.
    iso: String,
    text: String,
}

impl From<Timestamp> for Moment {
    /// In UTC, since the server does not know where the person is.
    fn from(time: Timestamp) -> Self {
        Self { iso: time.to_string(), text: time.strftime("%-d %B %Y, %H:%M UTC").to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn moments_are_spelt_out() {
        let moment = Moment::from("2026-03-07T08:05:09.123Z".parse::<model::Timestamp>().expect("a time"));
        assert_eq!(
            (moment.iso.as_str(), moment.text.as_str()),
            ("2026-03-07T08:05:09.123Z", "7 March 2026, 08:05 UTC")
        );
    }
}
