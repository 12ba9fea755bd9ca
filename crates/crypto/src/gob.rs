//! The corner of Go's `encoding/gob` that Kratos' cookies use: one `map[interface{}]interface{}` from strings to
//! strings. The format is described at <https://pkg.go.dev/encoding/gob#hdr-Encoding_Details>.
//!
//! A stream is two messages, each led by its length in bytes: the definition of the map's type, then the map.
//!
//! The crate `gob` (0.1.0) knows no interface values, of which these maps consist.

/// Why bytes are not such a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a Go map of strings")]
pub struct GobError;

/// A map of more entries than this is refused; cookies have three.
pub const MAX_ENTRIES: u64 = 64;

/// The first type identifier that Go gives to a type of the program's own.
const FIRST_TYPE: i64 = 64;
/// The fields of the type definition around the type's identifier: field 4 (a map), its field 1 (the common part), that
/// one's field 2 (the identifier, which follows) …
const DEFINITION_HEAD: &[u8] = &[4, 1, 2];
/// … the end of the common part, the next two fields (key and element, both type 8: an interface), and two ends.
const DEFINITION_TAIL: &[u8] = &[0, 1, 16, 1, 16, 0, 0];
/// Stands before a top-level value that is not a struct.
const NOT_A_STRUCT: u8 = 0;
const STRING_NAME: &str = "string";
const STRING_TYPE: i64 = 6;

/// Writes a map of these entries, in their order.
pub fn encode<'a>(entries: impl ExactSizeIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut definition = Vec::new();
    write_int(&mut definition, -FIRST_TYPE);
    definition.extend_from_slice(DEFINITION_HEAD);
    write_int(&mut definition, FIRST_TYPE);
    definition.extend_from_slice(DEFINITION_TAIL);

    let mut map = Vec::new();
    write_int(&mut map, FIRST_TYPE);
    map.push(NOT_A_STRUCT);
    write_length(&mut map, entries.len());
    for (key, value) in entries {
        write_interface(&mut map, key);
        write_interface(&mut map, value);
    }

    let mut stream = Vec::with_capacity(definition.len() + map.len() + 4);
    write_bytes(&mut stream, &definition);
    write_bytes(&mut stream, &map);
    stream
}

/// Reads a map in whatever order its entries are. Entries whose key or value is not a string are left out.
///
/// # Errors
/// For anything else than one such map with at most [`MAX_ENTRIES`] entries, and for strings that are not UTF-8.
pub fn decode(stream: &[u8]) -> Result<Vec<(&str, &str)>, GobError> {
    let mut stream = Reader(stream);
    let mut definition = Reader(stream.bytes()?);
    let mut map = Reader(stream.bytes()?);
    stream.end()?;

    let map_type = definition.int()?.checked_neg().filter(|id| *id >= FIRST_TYPE).ok_or(GobError)?;
    definition.expect(DEFINITION_HEAD)?;
    definition.expect_int(map_type)?;
    definition.expect(DEFINITION_TAIL)?;
    definition.end()?;

    map.expect_int(map_type)?;
    map.expect(&[NOT_A_STRUCT])?;
    let count = map.uint()?;
    if count > MAX_ENTRIES {
        return Err(GobError);
    }
    let mut entries = Vec::new();
    for _ in 0..count {
        if let (Some(key), Some(value)) = (map.interface()?, map.interface()?) {
            entries.push((key, value));
        }
    }
    map.end()?;
    Ok(entries)
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], GobError> {
        let length = usize::try_from(length).map_err(|_| GobError)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(GobError)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Up to 127 in one byte; above, the negated count of the big-endian bytes that follow.
    fn uint(&mut self) -> Result<u64, GobError> {
        let first = self.take(1)?[0];
        if first < 0x80 {
            return Ok(first.into());
        }
        let length = u64::from(first.wrapping_neg());
        if length > 8 {
            return Err(GobError);
        }
        Ok(self.take(length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The sign is the lowest bit; a negative number is complemented.
    fn int(&mut self) -> Result<i64, GobError> {
        let number = self.uint()?;
        let magnitude = (number >> 1).cast_signed();
        Ok(if number & 1 == 1 { !magnitude } else { magnitude })
    }

    fn bytes(&mut self) -> Result<&'a [u8], GobError> {
        let length = self.uint()?;
        self.take(length)
    }

    fn string(&mut self) -> Result<&'a str, GobError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| GobError)
    }

    /// An interface value: the name of its type (none for nil), the type's identifier, and the value behind its length.
    fn interface(&mut self) -> Result<Option<&'a str>, GobError> {
        let name = self.string()?;
        if name.is_empty() {
            return Ok(None);
        }
        let id = self.int()?;
        let mut value = Reader(self.bytes()?);
        if name != STRING_NAME || id != STRING_TYPE {
            return Ok(None);
        }
        value.expect(&[NOT_A_STRUCT])?;
        let text = value.string()?;
        value.end()?;
        Ok(Some(text))
    }

    fn expect(&mut self, expected: &[u8]) -> Result<(), GobError> {
        self.0 = self.0.strip_prefix(expected).ok_or(GobError)?;
        Ok(())
    }

    fn expect_int(&mut self, expected: i64) -> Result<(), GobError> {
        if self.int()? == expected { Ok(()) } else { Err(GobError) }
    }

    fn end(&self) -> Result<(), GobError> {
        if self.0.is_empty() { Ok(()) } else { Err(GobError) }
    }
}

fn write_uint(out: &mut Vec<u8>, number: u64) {
    if number < 0x80 {
        out.push(number.to_be_bytes()[7]);
        return;
    }
    let bytes = number.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let significant = &bytes[zeros..];
    let length = u8::try_from(significant.len()).expect("a u64 has eight bytes");
    out.push(length.wrapping_neg());
    out.extend_from_slice(significant);
}

fn write_int(out: &mut Vec<u8>, number: i64) {
    let sign_last = if number < 0 { !number << 1 | 1 } else { number << 1 };
    write_uint(out, sign_last.cast_unsigned());
}

fn write_length(out: &mut Vec<u8>, length: usize) {
    write_uint(out, u64::try_from(length).expect("a length fits into 64 bits"));
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn write_interface(out: &mut Vec<u8>, text: &str) {
    let mut value = vec![NOT_A_STRUCT];
    write_bytes(&mut value, text.as_bytes());
    write_bytes(out, STRING_NAME.as_bytes());
    write_int(out, STRING_TYPE);
    write_bytes(out, &value);
}
