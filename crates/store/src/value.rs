//! Values that go to a database and come from it, alike for every dialect.

use std::borrow::Cow;

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use model::{Id, RawJson, Secret, Timestamp, Uuid};
use rusqlite::types::ValueRef;

use crate::error::StoreError;
use crate::sqlite::SqliteRow;

/// A value bound to a statement's parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    Uuid(Uuid),
    Time(Timestamp),
    /// A JSON document as text.
    Json(String),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<&Secret> for Value {
    fn from(value: &Secret) -> Self {
        Self::Text(value.expose().clone())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<Uuid> for Value {
    fn from(value: Uuid) -> Self {
        Self::Uuid(value)
    }
}

impl<T: ?Sized> From<Id<T>> for Value {
    fn from(value: Id<T>) -> Self {
        Self::Uuid(value.uuid())
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Time(value)
    }
}

impl From<&RawJson> for Value {
    fn from(value: &RawJson) -> Self {
        Self::Json(value.as_str().to_owned())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer. Columns are read by position, in the order of the statement.
#[derive(Debug)]
pub enum Row {
    Sqlite(SqliteRow),
    Postgres(tokio_postgres::Row),
}

/// Reads the columns of a row one after another.
pub struct Columns<'a> {
    row: &'a Row,
    at: usize,
}

impl Row {
    /// Starts at the first column.
    pub fn columns(&self) -> Columns<'_> {
        Columns { row: self, at: 0 }
    }

    /// Column `at` as text, borrowed where the driver has it as text; `None` is SQL's NULL.
    fn text(&self, at: usize) -> Result<Option<Cow<'_, str>>, StoreError> {
        match self {
            Self::Sqlite(row) => {
                let text = sqlite_bytes(row, at)?.map(std::str::from_utf8).transpose();
                text.map(|text| text.map(Cow::from)).map_err(|_| wrong_type(at))
            }
            Self::Postgres(row) => crate::postgres::read_text(row, at),
        }
    }
}

/// Column `at` as the bytes of a text.
fn sqlite_bytes(row: &SqliteRow, at: usize) -> Result<Option<&[u8]>, StoreError> {
    match row.get(at) {
        Some(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => Ok(Some(bytes)),
        Some(ValueRef::Null) => Ok(None),
        _ => Err(wrong_type(at)),
    }
}

/// A type that a column can be read as.
pub trait Column: Sized {
    /// Reads column `at`; `None` is SQL's NULL.
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError>;
}

impl Columns<'_> {
    /// The next column, which must not be NULL.
    pub fn next<T: Column>(&mut self) -> Result<T, StoreError> {
        let at = self.at;
        self.optional()?.ok_or_else(|| is_null(at))
    }

    /// The next column, which may be NULL.
    pub fn optional<T: Column>(&mut self) -> Result<Option<T>, StoreError> {
        let at = self.at;
        self.at += 1;
        T::read(self.row, at)
    }

    /// The next column, read as text and understood by `parse`.
    pub fn parsed<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, StoreError> {
        let at = self.at;
        self.at += 1;
        let text = self.row.text(at)?.ok_or_else(|| is_null(at))?;
        parse(&text).ok_or_else(|| StoreError::corrupt(format!("column {at} holds an unknown value")))
    }

    /// The next column, a JSON document that is taken apart. NULL and Go's `null` are the default.
    pub fn json<T: serde::de::DeserializeOwned + Default>(&mut self) -> Result<T, StoreError> {
        let at = self.at;
        self.at += 1;
        let Some(text) = self.row.text(at)?.filter(|text| !text.is_empty()) else { return Ok(T::default()) };
        serde_json::from_str::<Option<T>>(&text)
            .map(Option::unwrap_or_default)
            .map_err(|error| StoreError::corrupt(format!("column {at} holds other JSON than expected: {error}")))
    }
}

fn is_null(at: usize) -> StoreError {
    StoreError::corrupt(format!("column {at} is NULL"))
}

fn wrong_type(at: usize) -> StoreError {
    StoreError::corrupt(format!("column {at} has an unexpected type"))
}

impl Column for String {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        Ok(row.text(at)?.map(Cow::into_owned))
    }
}

impl Column for Secret {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        Ok(String::read(row, at)?.map(Self::new))
    }
}

impl Column for Vec<u8> {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        match row {
            Row::Sqlite(row) => Ok(sqlite_bytes(row, at)?.map(<[u8]>::to_vec)),
            Row::Postgres(row) => crate::postgres::read_bytes(row, at),
        }
    }
}

impl Column for i64 {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        match row {
            Row::Sqlite(cells) => match cells.get(at) {
                Some(ValueRef::Integer(number)) => Ok(Some(number)),
                Some(ValueRef::Text(_)) => {
                    row.text(at)?.map(|text| text.parse().map_err(|_| wrong_type(at))).transpose()
                }
                Some(ValueRef::Null) => Ok(None),
                _ => Err(wrong_type(at)),
            },
            Row::Postgres(row) => crate::postgres::read_int(row, at),
        }
    }
}

impl Column for i32 {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        i64::read(row, at)?.map(|number| number.try_into().map_err(|_| wrong_type(at))).transpose()
    }
}

impl Column for bool {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        match row {
            Row::Sqlite(row) => match row.get(at) {
                Some(ValueRef::Integer(number)) => Ok(Some(number != 0)),
                // Some of Kratos' columns default to these words.
                Some(ValueRef::Text(word)) => Ok(Some(matches!(word, b"true" | b"TRUE" | b"1"))),
                Some(ValueRef::Null) => Ok(None),
                _ => Err(wrong_type(at)),
            },
            Row::Postgres(row) => crate::postgres::read_bool(row, at),
        }
    }
}

impl Column for Uuid {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        match row {
            Row::Sqlite(row) => sqlite_bytes(row, at)?
                .filter(|text| !text.is_empty())
                .map(|text| Self::try_parse_ascii(text).map_err(|_| wrong_type(at)))
                .transpose(),
            Row::Postgres(row) => crate::postgres::read_uuid(row, at),
        }
    }
}

impl<T: ?Sized> Column for Id<T> {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        Ok(Uuid::read(row, at)?.map(Self::from_uuid))
    }
}

impl Column for Timestamp {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        match row {
            Row::Sqlite(row) => {
                sqlite_bytes(row, at)?.map(|text| parse_sqlite_time(text).ok_or_else(|| wrong_type(at))).transpose()
            }
            Row::Postgres(row) => crate::postgres::read_time(row, at),
        }
    }
}

impl Column for RawJson {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        row.text(at)?
            .filter(|text| !text.is_empty())
            .map(|text| {
                Self::parse(text.into_owned())
                    .map_err(|error| StoreError::corrupt(format!("column {at} is not JSON: {error}")))
            })
            .transpose()
    }
}

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
