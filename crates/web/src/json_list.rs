//! Lists in JSON, which are written piece by piece as the client takes them: what a list takes of the memory does not depend
//! on how long its answer is, and nobody waits while a long one is put together.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::{StreamExt, stream};
use serde::Serialize;

use crate::json::{escaped, json_of};

/// The largest piece, in bytes.
const PIECE: usize = 64 << 10;
/// Texts of so many bytes are handed on as they are, and shorter ones copied together.
const LONG: usize = 4 << 10;

/// A part of a list's JSON, as Go's encoder prints it. Clones share the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonText(Bytes);

impl JsonText {
    /// The JSON of a value. One that cannot be printed, a map with keys that are no text, becomes `null`, and is logged.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        let text = serde_json::to_string(value).unwrap_or_else(|error| {
            tracing::error!(%error, "An entry of a list could not be written as JSON.");
            "null".to_owned()
        });
        Self::from_json(text)
    }

    /// JSON, or a part of it that begins and ends between its tokens.
    pub fn from_json(text: String) -> Self {
        Self(escaped(text.into_bytes()).into())
    }
}

/// An answer that is a list in JSON. The parts of each entry are put together as they are. A list that fits into one piece
/// is sent at once, with its length.
pub fn json_list<E>(status: StatusCode, entries: impl Iterator<Item = E> + Send + 'static) -> Response
where
    E: IntoIterator<Item = JsonText>,
{
    let mut pieces = Pieces::of(entries);
    let first = pieces.next().unwrap_or_default();
    if pieces.is_at_end() {
        return json_of(status, Body::from(first));
    }
    let rest = stream::iter(pieces).then(|piece| async {
        // Others have their turn before each.
        tokio::task::yield_now().await;
        piece
    });
    let body = stream::iter([first]).chain(rest).map(Ok::<_, Infallible>);
    json_of(status, Body::from_stream(body))
}

/// The text of a list in pieces.
struct Pieces<I> {
    entries: I,
    has_begun: bool,
    has_ended: bool,
    /// What comes next, in front of the entries that are left.
    texts: VecDeque<Bytes>,
}

impl<E: IntoIterator<Item = JsonText>, I: Iterator<Item = E>> Pieces<I> {
    fn of(entries: I) -> Self {
        Self { entries, has_begun: false, has_ended: false, texts: VecDeque::from([Bytes::from_static(b"[")]) }
    }

    fn is_at_end(&self) -> bool {
        self.has_ended && self.texts.is_empty()
    }

    /// Makes sure that there is text, unless there is no more.
    fn refill(&mut self) {
        if !self.texts.is_empty() || self.has_ended {
            return;
        }
        match self.entries.next() {
            Some(entry) => {
                if self.has_begun {
                    self.texts.push_back(Bytes::from_static(b","));
                }
                self.has_begun = true;
                self.texts.extend(entry.into_iter().map(|JsonText(text)| text));
            }
            None => {
                self.has_ended = true;
                self.texts.push_back(Bytes::from_static(b"]\n"));
            }
        }
    }
}

impl<E: IntoIterator<Item = JsonText>, I: Iterator<Item = E>> Iterator for Pieces<I> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut piece = Vec::new();
        loop {
            self.refill();
            let Some(mut text) = self.texts.pop_front() else { break };
            let is_long = text.len() >= LONG;
            if is_long && piece.is_empty() {
                let part = text.split_to(text.len().min(PIECE));
                if !text.is_empty() {
                    self.texts.push_front(text);
                }
                return Some(part);
            }
            if is_long || piece.len() + text.len() > PIECE {
                self.texts.push_front(text);
                break;
            }
            piece.extend_from_slice(&text);
        }
        Some(Bytes::from(piece)).filter(|piece| !piece.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::CONTENT_TYPE;
    use http_body_util::BodyExt;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    async fn answer<E>(entries: Vec<E>) -> (Response<()>, Vec<Bytes>)
    where
        E: IntoIterator<Item = JsonText> + Send + 'static,
    {
        let (head, mut body) = json_list(StatusCode::OK, entries.into_iter()).into_parts();
        let mut pieces = Vec::new();
        while let Some(frame) = body.frame().await {
            pieces.push(frame.expect("a frame").into_data().expect("data"));
        }
        (Response::from_parts(head, ()), pieces)
    }

    async fn at_once(value: &Value) -> Vec<u8> {
        crate::json(StatusCode::OK, value).into_body().collect().await.expect("a body").to_bytes().into()
    }

    #[tokio::test]
    async fn a_short_list_is_sent_at_once_with_its_length() {
        for list in [json!([]), json!([1]), json!([{ "a": "<b>" }, null, "\u{2028}"])] {
            let entries = || list.as_array().expect("a list").clone().into_iter().map(|entry| [JsonText::of(&entry)]);
            let (head, pieces) = answer(entries().collect()).await;
            assert_eq!(head.headers()[CONTENT_TYPE], "application/json; charset=utf-8");
            assert_eq!((pieces.len(), pieces.concat()), (1, at_once(&list).await));
            let body = json_list(StatusCode::OK, entries()).into_body();
            assert!(axum::body::HttpBody::size_hint(&body).exact().is_some());
        }
    }

    #[tokio::test]
    async fn what_many_entries_have_in_common_is_shared() {
        let common = JsonText::of(&"<x>".repeat(100_000));
        let entry = |n: usize| {
            [JsonText::from_json(format!("{{\"n\":{n},\"x\":")), common.clone(), JsonText::from_json("}".to_owned())]
        };
        let (_, pieces) = answer((0..3).map(entry).collect()).await;
        assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
        let expected: Vec<_> = (0..3).map(|n| json!({ "n": n, "x": "<x>".repeat(100_000) })).collect();
        assert_eq!(pieces.concat(), at_once(&json!(expected)).await);
        let range = common.0.as_ptr_range();
        let shared = pieces.iter().filter(|piece| range.contains(&piece.as_ptr())).map(Bytes::len).sum::<usize>();
        assert_eq!(shared, 3 * common.0.len(), "long texts are not copied");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_list_in_pieces_is_the_list(
            lengths in prop::collection::vec(prop_oneof![0..100_usize, 3000..5000_usize, 60_000..140_000_usize], 0..12),
        ) {
            let values: Vec<_> = lengths.iter().map(|length| "&".repeat(*length)).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(async {
                let (_, pieces) = answer(values.iter().map(|value| [JsonText::of(value)]).collect()).await;
                prop_assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= PIECE));
                prop_assert_eq!(pieces.concat(), at_once(&json!(values)).await);
                Ok(())
            })?;
        }
    }
}
