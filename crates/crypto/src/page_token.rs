//! Opaque page tokens: where the next page of a list begins, encrypted so that nobody reads or builds one.
//!
//! As in Kratos, a token is padded base64url of a random nonce of 24 bytes and NaCl's secretbox (XSalsa20-Poly1305) of
//! the JSON `{"e": <RFC 3339 expiry>, "c": <position>}`, under the SHA-512/256 digest of a secret.
//!
//! The crate `crypto_secretbox` has this box, and no release yet for these versions of its ciphers.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE;
use model::{Entropy, Secret, SignedDuration, Timestamp};
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit, StreamCipher};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha512_256};
use subtle::ConstantTimeEq;

use crate::tokens;

/// How long a token may be followed.
const LIFESPAN: SignedDuration = SignedDuration::from_hours(1);
/// The longest token that is looked at, in characters.
const MAX_LENGTH: usize = 4096;
const NONCE_LENGTH: usize = 24;
const TAG_LENGTH: usize = 16;

/// Why a page token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PageTokenError {
    /// No token of this server, or of another list.
    #[error("the page token is not valid")]
    Malformed,
    /// Older than an hour.
    #[error("the page token has expired; start again from the first page")]
    Expired,
}

/// Seals and opens page tokens.
pub struct PageTokenCodec {
    /// The first one seals.
    keys: Vec<Secret<[u8; 32]>>,
}

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    #[serde(rename = "e")]
    expires_at: Timestamp,
    #[serde(rename = "c")]
    position: T,
}

impl PageTokenCodec {
    /// A codec under `secrets` (`secrets.pagination`). Without any, the key is derived from `fallback`; Kratos uses a key
    /// of zeros then, which anyone can build tokens with.
    pub fn new(secrets: &[Secret], fallback: &Secret) -> Self {
        let configured = secrets.iter().map(|secret| Sha512_256::digest(secret.expose()).into());
        let derived = || tokens::hmac(fallback.expose().as_bytes(), b"zelus page tokens");
        let keys: Vec<[u8; 32]> = if secrets.is_empty() { vec![derived()] } else { configured.collect() };
        Self { keys: keys.into_iter().map(Secret::new).collect() }
    }

    /// A token for a position, which may be followed for an hour.
    ///
    /// # Errors
    /// When the position cannot be written as JSON.
    pub fn seal<T: Serialize>(
        &self,
        now: Timestamp,
        entropy: &Entropy,
        position: &T,
    ) -> Result<String, serde_json::Error> {
        let message = serde_json::to_vec(&Sealed { expires_at: now + LIFESPAN, position })?;
        let nonce = entropy.bytes();
        Ok(BASE64_URL_SAFE.encode([&nonce, seal(&self.keys[0], &nonce, message).as_slice()].concat()))
    }

    /// The position in a token.
    ///
    /// # Errors
    /// When no key sealed the token, its content is not a `T`, or its hour is over.
    pub fn open<T: DeserializeOwned>(&self, now: Timestamp, token: &str) -> Result<T, PageTokenError> {
        if token.len() > MAX_LENGTH {
            return Err(PageTokenError::Malformed);
        }
        let token = BASE64_URL_SAFE.decode(token).map_err(|_| PageTokenError::Malformed)?;
        let (nonce, sealed) = token.split_first_chunk().ok_or(PageTokenError::Malformed)?;
        let message = self.keys.iter().find_map(|key| open(key, nonce, sealed)).ok_or(PageTokenError::Malformed)?;
        let Sealed { expires_at, position } =
            serde_json::from_slice(&message).map_err(|_| PageTokenError::Malformed)?;
        if expires_at < now { Err(PageTokenError::Expired) } else { Ok(position) }
    }
}

/// Says nothing about the keys.
impl std::fmt::Debug for PageTokenCodec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PageTokenCodec")
    }
}

/// NaCl's `crypto_secretbox`: the tag, then the message under the key stream. The stream's first 32 bytes key the tag.
fn seal(key: &Secret<[u8; 32]>, nonce: &[u8; NONCE_LENGTH], mut message: Vec<u8>) -> Vec<u8> {
    let (mut stream, authenticator) = begin(key, nonce);
    stream.apply_keystream(&mut message);
    let tag = authenticator.compute_unpadded(&message);
    [tag.as_slice(), &message].concat()
}

/// NaCl's `crypto_secretbox_open`.
fn open(key: &Secret<[u8; 32]>, nonce: &[u8; NONCE_LENGTH], sealed: &[u8]) -> Option<Vec<u8>> {
    let (tag, message) = sealed.split_at_checked(TAG_LENGTH)?;
    let (mut stream, authenticator) = begin(key, nonce);
    if !bool::from(authenticator.compute_unpadded(message).as_slice().ct_eq(tag)) {
        return None;
    }
    let mut message = message.to_vec();
    stream.apply_keystream(&mut message);
    Some(message)
}

fn begin(key: &Secret<[u8; 32]>, nonce: &[u8; NONCE_LENGTH]) -> (XSalsa20, Poly1305) {
    let mut stream = XSalsa20::new(key.expose().into(), nonce.into());
    let mut tag_key = poly1305::Key::default();
    stream.apply_keystream(&mut tag_key);
    (stream, Poly1305::new(&tag_key))
}
