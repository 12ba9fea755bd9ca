//! Rows that come from a database, alike for every dialect.

use std::borrow::Cow;

use model::{Id, RawJson, Secret, Timestamp, Uuid};

use crate::error::StoreError;
use crate::postgres::{read_bool, read_bytes, read_int, read_text, read_time, read_uuid};
use crate::sqlite::SqliteRow;

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

    /// Column `at` as the text of a JSON document. A document that is a number by itself is a number to SQLite, whose columns of
    /// JSON are declared as what it takes for numbers.
    fn json_text(&self, at: usize) -> Result<Option<Cow<'_, str>>, StoreError> {
        match self {
            Self::Sqlite(row) => row.json_text(at),
            Self::Postgres(_) => self.text(at),
        }
    }

    /// Column `at` as text, borrowed where the driver has it as text; `None` is SQL's NULL.
    fn text(&self, at: usize) -> Result<Option<Cow<'_, str>>, StoreError> {
        match self {
            Self::Sqlite(row) => row.text(at).map(|text| text.map(Cow::from)),
            Self::Postgres(row) => read_text(row, at),
        }
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
        let Some(text) = self.row.json_text(at)?.filter(|text| !text.is_empty()) else { return Ok(T::default()) };
        serde_json::from_str::<Option<T>>(&text)
            .map(Option::unwrap_or_default)
            .map_err(|error| StoreError::corrupt(format!("column {at} holds other JSON than expected: {error}")))
    }
}

fn is_null(at: usize) -> StoreError {
    StoreError::corrupt(format!("column {at} is NULL"))
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
            Row::Sqlite(row) => row.bytes(at).map(|bytes| bytes.map(<[u8]>::to_vec)),
            Row::Postgres(row) => read_bytes(row, at),
        }
    }
}

impl Column for i64 {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        match row {
            Row::Sqlite(row) => row.int(at),
            Row::Postgres(row) => read_int(row, at),
        }
    }
}

impl Column for i32 {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        i64::read(row, at)?.map(|number| number.try_into().map_err(|_| StoreError::wrong_type(at))).transpose()
    }
}

impl Column for bool {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        match row {
            Row::Sqlite(row) => row.bool(at),
            Row::Postgres(row) => read_bool(row, at),
        }
    }
}

impl Column for Uuid {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        match row {
            Row::Sqlite(row) => row.uuid(at),
            Row::Postgres(row) => read_uuid(row, at),
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
            Row::Sqlite(row) => row.time(at),
            Row::Postgres(row) => read_time(row, at),
        }
    }
}

impl Column for RawJson {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, StoreError> {
        row.json_text(at)?
            .filter(|text| !text.is_empty())
            .map(|text| {
                Self::parse(text.into_owned())
                    .map_err(|error| StoreError::corrupt(format!("column {at} is not JSON: {error}")))
            })
            .transpose()
    }
}
