//! What travels between the server and its workers: a length (four bytes, little endian), then that many bytes. A request
//! is JSON; an answer is a byte that says how it went, and a text.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Input, MapperError};

/// The largest request, in bytes.
const MAX_REQUEST: usize = 8 << 20;
/// The largest answer, in bytes; as in Kratos.
const MAX_OUTPUT: usize = 512 << 10;
/// The longest error text that is passed on, in characters.
const MAX_ERROR: usize = 1 << 10;

const DONE: u8 = 0;
const RAISED: u8 = 1;
const INVALID: u8 = 2;
const TOO_LARGE: u8 = 3;

#[derive(Serialize)]
struct Request<'a> {
    snippet: &'a str,
    input: Input<'a>,
}

/// A request as a worker reads it.
#[derive(Deserialize)]
pub struct ReadRequest<'a> {
    #[serde(borrow)]
    pub snippet: Cow<'a, str>,
    pub input: ReadInput,
}

/// [`Input`], as a worker reads it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadInput {
    TopLevel { ctx: Value },
    ExtVars(HashMap<String, Value>),
}

/// The bytes of a request.
pub fn request(snippet: &str, input: Input<'_>) -> Result<Vec<u8>, MapperError> {
    let bytes = serde_json::to_vec(&Request { snippet, input }).map_err(|error| invalid(&error))?;
    if bytes.len() > MAX_REQUEST {
        return Err(MapperError::TooLarge { what: "input", limit: MAX_REQUEST });
    }
    Ok(bytes)
}

/// Reads the bytes of a request.
pub fn read_request(bytes: &[u8]) -> Result<ReadRequest<'_>, MapperError> {
    serde_json::from_slice(bytes).map_err(|error| invalid(&error))
}

/// The bytes of an answer.
pub fn answer(outcome: &Result<String, MapperError>) -> Vec<u8> {
    let (kind, text) = match outcome {
        Ok(output) if output.len() > MAX_OUTPUT => (TOO_LARGE, ""),
        Ok(output) => (DONE, output.as_str()),
        Err(MapperError::Raised(text)) => (RAISED, shortened(text)),
        Err(MapperError::Invalid(text)) => (INVALID, shortened(text)),
        Err(_) => (INVALID, ""),
    };
    let mut bytes = vec![kind];
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// Reads the bytes of an answer.
pub fn read_answer(bytes: &[u8]) -> Result<String, MapperError> {
    let (kind, text) = bytes.split_first().ok_or(MapperError::Crashed)?;
    let text = String::from_utf8(text.to_vec()).map_err(|_| MapperError::Crashed)?;
    match *kind {
        DONE => Ok(text),
        RAISED => Err(MapperError::Raised(text)),
        INVALID => Err(MapperError::Invalid(text)),
        TOO_LARGE => Err(MapperError::TooLarge { what: "output", limit: MAX_OUTPUT }),
        _ => Err(MapperError::Crashed),
    }
}

/// Reads the length of a frame; `None` if no sound peer would send one that long.
pub fn length(bytes: [u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(bytes)).ok().filter(|length| *length <= MAX_REQUEST)
}

/// A frame around a message.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&length.to_le_bytes(), message].concat()
}

fn invalid(error: &serde_json::Error) -> MapperError {
    MapperError::Invalid(error.to_string())
}

fn shortened(text: &str) -> &str {
    text.char_indices().nth(MAX_ERROR).map_or(text, |(end, _)| &text[..end])
}
