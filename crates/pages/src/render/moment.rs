//! Points in time, for people.

use model::Timestamp;
use serde::Serialize;

/// A point in time: for programs, and in words.
#[derive(Clone, Debug, Serialize)]
pub struct Moment {
    iso: String,
    text: String,
}

impl From<Timestamp> for Moment {
    /// In UTC, since the server does not know where the person is.
    fn from(time: Timestamp) -> Self {
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        // RFC 3339: `2026-11-21T10:20:07.5Z`.
        let iso = time.to_string();
        let month = iso
            .get(5..7)
            .and_then(|month| month.parse::<usize>().ok())
            .and_then(|month| MONTHS.get(month.checked_sub(1)?));
        let text = match (iso.get(..4), month, iso.get(8..10), iso.get(11..16)) {
            (Some(year), Some(month), Some(day), Some(clock)) => {
                format!("{} {month} {year}, {clock} UTC", day.trim_start_matches('0'))
            }
            _ => iso.clone(),
        };
        Self { iso, text }
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
