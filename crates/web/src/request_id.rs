//! What a request is called, in the log and in its answer (`X-Request-Id`).
//!
//! A client or a proxy may have named it already. That name is kept if it is short, and if nothing in it could be taken for
//! something else by whoever reads the log; then lines of several servers can be found by one name.

use std::cell::RefCell;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use model::{Entropy, Uuid};

/// The header of requests and of answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest name of others that is kept, in bytes.
const MAX_LENGTH: usize = 128;
/// How many names are made at once: each takes a call to the operating system and an allocation otherwise, and every
/// request needs one.
const AT_ONCE: usize = 64;
/// The length of a UUID with its hyphens.
const TEXT: usize = 36;

thread_local! {
    /// Names that were made and are not given away yet.
    static MADE: RefCell<Bytes> = const { RefCell::new(Bytes::new()) };
}

/// The name of a request: visible ASCII, not empty.
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// What the sender calls the request, or else a random UUID.
    pub fn of(headers: &HeaderMap, entropy: &Entropy) -> Self {
        let sent = headers.get(REQUEST_ID).filter(|value| is_kept(value.as_bytes()));
        Self(sent.cloned().unwrap_or_else(|| made(entropy)))
    }

    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

fn is_kept(name: &[u8]) -> bool {
    let is_harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:/+=@".contains(byte);
    (1..=MAX_LENGTH).contains(&name.len()) && name.iter().all(is_harmless)
}

fn made(entropy: &Entropy) -> HeaderValue {
    let name = MADE.with_borrow_mut(|made| {
        if made.is_empty() {
            *made = several(entropy);
        }
        made.split_to(TEXT)
    });
    HeaderValue::from_maybe_shared(name).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

/// Random UUIDs, one after another. They tell nothing of each other, or of how many there were.
fn several(entropy: &Entropy) -> Bytes {
    let mut text = String::with_capacity(TEXT * AT_ONCE);
    for id in entropy.uuids::<AT_ONCE>() {
        text.push_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn id_of(sent: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_bytes(sent).expect("a header"));
        RequestId::of(&headers, &Entropy::seeded(1)).as_str().to_owned()
    }

    #[test]
    fn what_the_sender_calls_a_request_is_kept() {
        for name in ["7", "r-1", "Root=1-67891233-abcdef012345678912345678", "a/b:c@d+e~f.g_h", &"x".repeat(128)] {
            assert_eq!(id_of(name.as_bytes()), name);
        }
    }

    #[test]
    fn what_could_be_taken_for_something_else_is_replaced() {
        for name in [&b""[..], b" ", b"a b", b"a\tb", b"a\"b", b"a{b}", b"<b>", b"a,b", b"\xff", &[b'x'; 129]] {
            assert!(Uuid::parse_str(&id_of(name)).is_ok(), "{name:?} became {}", id_of(name));
        }
    }

    #[test]
    fn no_two_requests_are_called_alike() {
        let entropy = Entropy::seeded(1);
        let made = (0..3 * AT_ONCE).map(|_| RequestId::of(&HeaderMap::new(), &entropy).as_str().to_owned());
        let made: HashSet<String> = made.collect();
        assert_eq!(made.len(), 3 * AT_ONCE);
        assert!(made.iter().all(|id| Uuid::parse_str(id).is_ok_and(|id| id.get_version_num() == 4)));
    }
}
