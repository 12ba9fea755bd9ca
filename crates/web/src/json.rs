//! JSON in and out: bodies as Go's encoder prints them, and inputs that two readers cannot understand differently.

use std::fmt;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use model::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The content type of answers that worked. Errors go without the character set, as in Kratos.
const CONTENT_TYPE_OF_ANSWERS: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const CONTENT_TYPE_OF_ERRORS: HeaderValue = HeaderValue::from_static("application/json");

/// Room for an answer, in bytes: a session needs a little less, a form twice as much.
const ROOM: usize = 2048;

/// An answer in JSON.
pub fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Response {
    respond(status, value, CONTENT_TYPE_OF_ANSWERS)
}

/// An answer in JSON that says what went wrong.
pub(crate) fn error_json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Response {
    respond(status, value, CONTENT_TYPE_OF_ERRORS)
}

/// The beginning of an answer whose JSON is written elsewhere.
pub(crate) fn json_of(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, CONTENT_TYPE_OF_ANSWERS);
    response
}

fn respond<T: Serialize + ?Sized>(status: StatusCode, value: &T, content_type: HeaderValue) -> Response {
    let mut text = Vec::with_capacity(ROOM);
    let mut response = match serde_json::to_writer(&mut text, value) {
        Ok(()) => Response::new(Body::from(finish(text))),
        Err(error) => {
            // Only maps with keys that are not text cannot be printed, and there are none.
            tracing::error!(%error, "An answer could not be written as JSON.");
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return response;
        }
    };
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Escapes what is to be escaped, and adds the newline that ends every body.
fn finish(text: Vec<u8>) -> Vec<u8> {
    let mut text = escaped(text);
    text.push(b'\n');
    text
}

/// Escapes what could end a script element or a line of JavaScript. These characters only occur within strings, so the text
/// can be taken as it is.
pub(crate) fn escaped(text: Vec<u8>) -> Vec<u8> {
    // Most answers hold none of them. To look at all bytes without a branch for each takes a fraction of the time.
    match text.iter().fold(false, |found, &byte| found | is_special(byte)) {
        true => escape(&text),
        false => text,
    }
}

/// Whether a byte is, or begins, something to escape.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'<' | b'>' | b'&' | 0xe2)
}

fn escape(text: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| is_special(byte)) {
        let (plain, special) = rest.split_at(at);
        let (escape, length): (&[u8], usize) = match special {
            [b'<', ..] => (br"\u003c", 1),
            [b'>', ..] => (br"\u003e", 1),
            [b'&', ..] => (br"\u0026", 1),
            [0xe2, 0x80, 0xa8, ..] => (br"\u2028", 3),
            [0xe2, 0x80, 0xa9, ..] => (br"\u2029", 3),
            _ => (&special[..1], 1),
        };
        escaped.extend_from_slice(plain);
        escaped.extend_from_slice(escape);
        rest = &special[length..];
    }
    escaped.extend_from_slice(rest);
    escaped
}

/// Why a body is not what it should be. Its text says what is wrong and where, for the caller.
#[derive(Debug)]
pub struct BodyError(String);

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BodyError {}

impl From<BodyError> for Problem {
    /// 400, with the text as its reason.
    fn from(error: BodyError) -> Self {
        Self::bad_request(error.0)
    }
}

/// Reads a JSON body. Nesting is bounded (128 levels), and a member that stands there twice is an error.
///
/// # Errors
/// When it is not JSON, or not of this form.
pub fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, BodyError> {
    let value = model::parse_json(body).map_err(|error| BodyError(error.to_string()))?;
    from_value(value)
}

/// As [`parse_json`], for a body that must be a JSON object. What is kept as text stays as it was sent.
///
/// # Errors
/// When it is not JSON, not an object, or not of this form.
pub fn parse_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, BodyError> {
    // A list of values would pass for the members of a struct, in their order.
    match parse_json(body)? {
        Value::Object(_) => serde_json::from_slice(body).map_err(|error| of_other_form(&error)),
        _ => Err(BodyError("The body has to be a JSON object.".to_owned())),
    }
}

fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, BodyError> {
    serde_json::from_value(value).map_err(|error| of_other_form(&error))
}

fn of_other_form(error: &serde_json::Error) -> BodyError {
    BodyError(format!("The body does not have the expected form: {error}."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_are_escaped_as_go_escapes_them() {
        let text = finish(serde_json::to_vec(&json!({"a": "<b>&\u{2028}\u{2029}\u{20ac}"})).expect("JSON"));
        let expected = "{\"a\":\"\\u003cb\\u003e\\u0026\\u2028\\u2029\u{20ac}\"}\n";
        assert_eq!(String::from_utf8(text).expect("text"), expected);
    }

    #[test]
    fn hostile_bodies_are_refused() {
        let deep = "[".repeat(3000) + &"]".repeat(3000);
        for body in ["", "{", "{\"a\":1,\"a\":2}", "{}x", "\u{0}", &deep] {
            assert!(parse_json::<Value>(body.as_bytes()).is_err(), "{}", &body[..body.len().min(20)]);
        }
    }

    proptest! {
        #[test]
        fn escaping_changes_nothing_that_a_reader_sees(text in any::<String>()) {
            let printed = finish(serde_json::to_vec(&text).expect("JSON"));
            prop_assert!(!printed.iter().any(|byte| b"<>&".contains(byte)));
            prop_assert_eq!(serde_json::from_slice::<String>(&printed).expect("JSON"), text);
        }
    }
}
