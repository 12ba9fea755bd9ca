//! Rows as they are taken out of a statement.

use std::ops::Range;

use rusqlite::types::ValueRef;

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
    pub fn get(&self, at: usize) -> Option<ValueRef<'_>> {
        let bytes = |range: &Range<usize>| &self.bytes[range.clone()];
        self.cells.get(at).map(|cell| match cell {
            Cell::Null => ValueRef::Null,
            Cell::Integer(number) => ValueRef::Integer(*number),
            Cell::Real(number) => ValueRef::Real(*number),
            Cell::Text(range) => ValueRef::Text(bytes(range)),
            Cell::Blob(range) => ValueRef::Blob(bytes(range)),
        })
    }
}
