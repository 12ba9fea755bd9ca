//! Values in PostgreSQL's binary format. A value is written as the type that the statement's parameter has, and read
//! as the type that the column has.

use std::borrow::Cow;
use std::error::Error;

use bytes::BytesMut;
use model::{Timestamp, Uuid};
use tokio_postgres::Row;

use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::error::StoreError;
use crate::value::Value;

/// Microseconds from 1970, where Unix starts to count, to 2000, where PostgreSQL does.
const EPOCH: i64 = 946_684_800_000_000;
/// The version that stands before a `jsonb` document.
const JSONB_VERSION: u8 = 1;

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self, ty) {
            (Self::Null, _) => return Ok(IsNull::Yes),
            (Self::Bool(value), &Type::BOOL) => out.extend_from_slice(&[u8::from(*value)]),
            (Self::Int(value), &Type::INT8) => out.extend_from_slice(&value.to_be_bytes()),
            (Self::Int(value), &Type::INT4) => out.extend_from_slice(&i32::try_from(*value)?.to_be_bytes()),
            (Self::Int(value), &Type::INT2) => out.extend_from_slice(&i16::try_from(*value)?.to_be_bytes()),
            (Self::Uuid(value), &Type::UUID) => out.extend_from_slice(value.as_bytes()),
            (Self::Text(text), &Type::UUID) => out.extend_from_slice(Uuid::parse_str(text)?.as_bytes()),
            (Self::Uuid(value), &Type::TEXT | &Type::VARCHAR) => out.extend_from_slice(value.to_string().as_bytes()),
            (Self::Time(time), &Type::TIMESTAMP | &Type::TIMESTAMPTZ) => {
                out.extend_from_slice(&microseconds(*time)?.to_be_bytes());
            }
            (Self::Text(text) | Self::Json(text), &Type::JSONB) => {
                out.extend_from_slice(&[JSONB_VERSION]);
                out.extend_from_slice(text.as_bytes());
            }
            (
                Self::Text(text) | Self::Json(text),
                &Type::TEXT | &Type::VARCHAR | &Type::BPCHAR | &Type::JSON | &Type::BYTEA | &Type::UNKNOWN,
            ) => out.extend_from_slice(text.as_bytes()),
            (Self::Bytes(bytes), &Type::BYTEA) => out.extend_from_slice(bytes),
            // The value itself may be personal; its kind and the column's are enough to find the statement at fault.
            (value, ty) => return Err(format!("a {} does not fit a parameter of type {ty}", value.kind()).into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "number",
            Self::Text(_) => "text",
            Self::Bytes(_) => "byte string",
            Self::Uuid(_) => "uuid",
            Self::Time(_) => "time",
            Self::Json(_) => "JSON document",
        }
    }
}

/// Times are cut to microseconds, downwards, as Kratos' driver does.
fn microseconds(time: Timestamp) -> Result<i64, std::num::TryFromIntError> {
    i64::try_from(time.as_nanosecond().div_euclid(1000) - i128::from(EPOCH))
}

/// A column as it came over the wire.
struct Cell<'a> {
    ty: Type,
    bytes: &'a [u8],
}

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(ty: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self { ty: ty.clone(), bytes })
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Reads column `at` with `decode`, which gives `None` for a type it does not know.
fn read<'a, T>(row: &'a Row, at: usize, decode: impl FnOnce(Cell<'a>) -> Option<T>) -> Result<Option<T>, StoreError> {
    let cell: Option<Cell<'a>> =
        row.try_get(at).map_err(|error| StoreError::corrupt(format!("column {at} cannot be read: {error}")))?;
    let Some(cell) = cell else { return Ok(None) };
    let ty = cell.ty.clone();
    decode(cell).map(Some).ok_or_else(|| StoreError::corrupt(format!("column {at} has the unexpected type {ty}")))
}

/// Text of any kind, JSON, and uuids in their hyphenated form.
pub(crate) fn read_text(row: &Row, at: usize) -> Result<Option<Cow<'_, str>>, StoreError> {
    read(row, at, |cell| match cell.ty {
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON | Type::UNKNOWN => utf8(cell.bytes),
        Type::JSONB => utf8(cell.bytes.strip_prefix(&[JSONB_VERSION])?),
        Type::UUID => Some(Uuid::from_slice(cell.bytes).ok()?.to_string().into()),
        _ => None,
    })
}

pub(crate) fn read_bytes(row: &Row, at: usize) -> Result<Option<Vec<u8>>, StoreError> {
    read(row, at, |cell| {
        matches!(cell.ty, Type::BYTEA | Type::TEXT | Type::VARCHAR | Type::JSON).then(|| cell.bytes.to_vec())
    })
}

pub(crate) fn read_int(row: &Row, at: usize) -> Result<Option<i64>, StoreError> {
    read(row, at, |cell| match cell.ty {
        Type::INT8 => Some(i64::from_be_bytes(cell.bytes.try_into().ok()?)),
        Type::INT4 => Some(i32::from_be_bytes(cell.bytes.try_into().ok()?).into()),
        Type::INT2 => Some(i16::from_be_bytes(cell.bytes.try_into().ok()?).into()),
        _ => None,
    })
}

pub(crate) fn read_bool(row: &Row, at: usize) -> Result<Option<bool>, StoreError> {
    read(row, at, |cell| match (cell.ty, cell.bytes) {
        (Type::BOOL, [byte]) => Some(*byte != 0),
        _ => None,
    })
}

/// A `uuid`, or text that is one; empty text is NULL.
pub(crate) fn read_uuid(row: &Row, at: usize) -> Result<Option<Uuid>, StoreError> {
    let uuid = read(row, at, |cell| match cell.ty {
        Type::UUID => Uuid::from_slice(cell.bytes).ok().map(Some),
        Type::TEXT | Type::VARCHAR if cell.bytes.is_empty() => Some(None),
        Type::TEXT | Type::VARCHAR => Uuid::try_parse_ascii(cell.bytes).ok().map(Some),
        _ => None,
    })?;
    Ok(uuid.flatten())
}

/// A `timestamp` (which Kratos means in UTC) or `timestamptz`. PostgreSQL's two infinities are no times.
pub(crate) fn read_time(row: &Row, at: usize) -> Result<Option<Timestamp>, StoreError> {
    read(row, at, |cell| match cell.ty {
        Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            let microseconds = i64::from_be_bytes(cell.bytes.try_into().ok()?).checked_add(EPOCH)?;
            Timestamp::from_microsecond(microseconds).ok()
        }
        _ => None,
    })
}

fn utf8(bytes: &[u8]) -> Option<Cow<'_, str>> {
    std::str::from_utf8(bytes).ok().map(Cow::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_to_microseconds_downwards() {
        let cut = |text: &str| microseconds(text.parse().expect("a time")).expect("in range") + EPOCH;
        assert_eq!(cut("1970-01-01T00:00:00.000001999Z"), 1);
        assert_eq!(cut("1969-12-31T23:59:59.999999999Z"), -1);
        assert_eq!(microseconds(model::ZERO_TIME), Ok(-63_082_281_600_000_000));
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused_without_being_shown() {
        let value = Value::Text("not-a-number".to_owned());
        let error = value.to_sql(&Type::INT4, &mut BytesMut::new()).map(drop).expect_err("does not fit").to_string();
        assert_eq!(error, "a text does not fit a parameter of type int4");
        assert!(Value::Int(1 << 40).to_sql(&Type::INT4, &mut BytesMut::new()).is_err());
    }
}
