//! What travels between the server and its workers: a length (four bytes, little endian), then that many bytes. A request
//! is JSON; an answer is a byte that says how it went, and a text.
//!
//! `LengthDelimitedCodec` of `tokio-util` frames streams of a runtime; a worker has none.

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

/// A request as the server writes it.
#[derive(Serialize)]
struct WrittenRequest<'a> {
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
    let bytes = serde_json::to_vec(&WrittenRequest { snippet, input }).map_err(|error| invalid(&error))?;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::evaluate::Evaluator;

    proptest! {
        #[test]
        fn any_bytes_are_a_request_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_request(&bytes);
            let _ = read_answer(&bytes);
            // A worker answers whatever comes, and its answer can be read.
            let refused = read_answer(&Evaluator::new().answer(&bytes));
            prop_assert!(refused.is_err());
        }

        #[test]
        fn any_snippet_has_an_answer(snippet in "[a-z0-9(){}:;,.'=+ \\[\\]-]{0,60}") {
            let ctx = json!({ "a": 1 });
            let request = request(&snippet, Input::TopLevel { ctx: &ctx }).expect("it is small");
            let _ = read_answer(&Evaluator::new().answer(&request));
        }

        #[test]
        fn requests_and_answers_arrive_as_they_were_sent(snippet in ".*", value in ".*") {
            let ctx = json!({ "value": value });
            let bytes = request(&snippet, Input::TopLevel { ctx: &ctx }).expect("it is small");
            let read = read_request(&bytes).expect("a request");
            prop_assert_eq!(read.snippet.as_ref(), snippet.as_str());
            let is_same = matches!(read.input, ReadInput::TopLevel { ctx: read } if read == ctx);
            prop_assert!(is_same);
            for outcome in [Ok(value.clone()), Err(MapperError::Raised(shortened(&value).to_owned()))] {
                prop_assert_eq!(&read_answer(&answer(&outcome)), &outcome);
            }
        }

        #[test]
        fn lengths_survive_their_frame(message in prop::collection::vec(any::<u8>(), 0..300)) {
            let frame = framed(&message);
            let (length_bytes, rest) = frame.split_first_chunk::<4>().expect("a length");
            prop_assert_eq!(length(*length_bytes), Some(message.len()));
            prop_assert_eq!(rest, message.as_slice());
        }
    }

    #[test]
    fn what_is_too_long_is_refused_by_both_sides() {
        assert_eq!(length(u32::MAX.to_le_bytes()), None);
        let long = "x".repeat(MAX_REQUEST);
        let refused = request(&long, Input::TopLevel { ctx: &Value::Null });
        assert_eq!(refused, Err(MapperError::TooLarge { what: "input", limit: MAX_REQUEST }));
        let refused = read_answer(&answer(&Ok("x".repeat(MAX_OUTPUT + 1))));
        assert_eq!(refused, Err(MapperError::TooLarge { what: "output", limit: MAX_OUTPUT }));
    }
}
