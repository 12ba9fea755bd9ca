//! Rows as they are taken out of a statement.

use std::borrow::Cow;
use std::ops::Range;

use model::{Timestamp, Uuid};
use rusqlite::types::ValueRef;

use crate::error::StoreError;
use crate::time::parse_sqlite_time;

/// A row of an answer. The texts and blobs of all columns lie in one piece of memory, which spares an allocation for each.
#[derive(Debug)]
pub struct SqliteRow {
    bytes: Vec<u8>,
    cells: Vec<Cell>,
}

#[derive(Debug)]
enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Range<usize>),
    Blob(Range<usize>),
}

impl SqliteRow {
    /// Copies the first `columns` columns of a row.
    pub(super) fn copy(row: &rusqlite::Row<'_>, columns: usize) -> rusqlite::Result<Self> {
        // Whoami, which matters most, has 28 columns of 1,500 bytes in all.
        let (mut bytes, mut cells) = (Vec::with_capacity(2048), Vec::with_capacity(columns));
        for at in 0..columns {
            let mut keep = |text: &[u8]| {
                let start = bytes.len();
                bytes.extend_from_slice(text);
                start..bytes.len()
            };
            cells.push(match row.get_ref(at)? {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(number) => Cell::Integer(number),
                ValueRef::Real(number) => Cell::Real(number),
                ValueRef::Text(text) => Cell::Text(keep(text)),
                ValueRef::Blob(blob) => Cell::Blob(keep(blob)),
            });
        }
        Ok(Self { bytes, cells })
    }

    /// Column `at`; `None` where there is none.
    fn get(&self, at: usize) -> Option<ValueRef<'_>> {
        let bytes = |range: &Range<usize>| &self.bytes[range.clone()];
        self.cells.get(at).map(|cell| match cell {
            Cell::Null => ValueRef::Null,
            Cell::Integer(number) => ValueRef::Integer(*number),
            Cell::Real(number) => ValueRef::Real(*number),
            Cell::Text(range) => ValueRef::Text(bytes(range)),
            Cell::Blob(range) => ValueRef::Blob(bytes(range)),
        })
    }

    /// Column `at` as the bytes of a text; `None` is SQL's NULL.
    pub fn bytes(&self, at: usize) -> Result<Option<&[u8]>, StoreError> {
        match self.get(at) {
            Some(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => Ok(Some(bytes)),
            Some(ValueRef::Null) => Ok(None),
            _ => Err(StoreError::wrong_type(at)),
        }
    }

    /// Column `at` as text.
    pub fn text(&self, at: usize) -> Result<Option<&str>, StoreError> {
        let text = self.bytes(at)?.map(std::str::from_utf8).transpose();
        text.map_err(|_| StoreError::wrong_type(at))
    }

    /// Column `at` as text; a number is printed.
    pub fn json_text(&self, at: usize) -> Result<Option<Cow<'_, str>>, StoreError> {
        match self.get(at) {
            Some(ValueRef::Integer(number)) => Ok(Some(number.to_string().into())),
            Some(ValueRef::Real(number)) => Ok(Some(number.to_string().into())),
            _ => Ok(self.text(at)?.map(Cow::from)),
        }
    }

    /// Column `at` as a number, which may be spelled in digits.
    pub fn int(&self, at: usize) -> Result<Option<i64>, StoreError> {
        match self.get(at) {
            Some(ValueRef::Integer(number)) => Ok(Some(number)),
            Some(ValueRef::Text(_)) => {
                self.text(at)?.map(|text| text.parse().map_err(|_| StoreError::wrong_type(at))).transpose()
            }
            Some(ValueRef::Null) => Ok(None),
            _ => Err(StoreError::wrong_type(at)),
        }
    }

    /// Column `at` as a number that is zero or not. Some of Kratos' columns default to words.
    pub fn bool(&self, at: usize) -> Result<Option<bool>, StoreError> {
        match self.get(at) {
            Some(ValueRef::Integer(number)) => Ok(Some(number != 0)),
            Some(ValueRef::Text(word)) => Ok(Some(matches!(word, b"true" | b"TRUE" | b"1"))),
            Some(ValueRef::Null) => Ok(None),
            _ => Err(StoreError::wrong_type(at)),
        }
    }

    /// Column `at` as text that is a UUID; empty text is NULL.
    pub fn uuid(&self, at: usize) -> Result<Option<Uuid>, StoreError> {
        self.bytes(at)?
            .filter(|text| !text.is_empty())
            .map(|text| Uuid::try_parse_ascii(text).map_err(|_| StoreError::wrong_type(at)))
            .transpose()
    }

    /// Column `at` as text that is a time.
    pub fn time(&self, at: usize) -> Result<Option<Timestamp>, StoreError> {
        self.bytes(at)?.map(|text| parse_sqlite_time(text).ok_or_else(|| StoreError::wrong_type(at))).transpose()
    }
}
