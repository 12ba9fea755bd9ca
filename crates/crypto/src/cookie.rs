//! The two cookies that Kratos seals: the session's and that of flows which are interrupted and resumed.

use std::collections::BTreeMap;

use model::{Entropy, Secret, SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::secure_cookie::{Keys, MAX_LENGTH, SecureCookie};
use crate::{CookieError, KeyRing, gob};

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What the session cookie holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    /// The session's token, as a native client would send it in a header.
    pub session_token: Secret,
    /// When the session was to end as the cookie was written. Old cookies (Kratos v0.7) do not say.
    pub expires_at: Option<Timestamp>,
}

/// Reads and writes the session cookie in Kratos' format.
///
/// The payload is a Go map of strings (see [`crate::gob`]), encrypted with AES-256 under the secret's SHA-256 digest and
/// signed with the secret itself.
#[derive(Debug)]
pub struct CookieCodec(SecureCookie);

impl CookieCodec {
    /// A codec for the cookie called `name` (`session.cookie.name`), which is part of what is signed.
    ///
    /// `secrets` is `secrets.cookie`, or `secrets.default` without it. A cookie that was written longer than `max_age`
    /// ago is refused: Kratos takes the session's lifespan for persistent cookies and 30 days for others. Zero means no
    /// limit.
    pub fn new(name: &str, secrets: &KeyRing, max_age: SignedDuration) -> Self {
        let keys = secrets.iter().map(|secret| {
            let secret = secret.expose().as_bytes();
            Keys::encrypting(secret, &Sha256::digest(secret)).expect("a SHA-256 digest is an AES-256 key")
        });
        Self(SecureCookie::new(name, keys.collect(), max_age))
    }

    /// The cookie's value for a session. No two are alike.
    pub fn encode(&self, now: Timestamp, entropy: &Entropy, cookie: &SessionCookie) -> String {
        let expires_at = cookie.expires_at.map(|time| time.to_string());
        let nonce = entropy.string(LETTERS, 8);
        let mut entries = vec![("session_token", cookie.session_token.expose().as_str()), ("nonce", &nonce)];
        if let Some(expires_at) = &expires_at {
            entries.push(("expires_at", expires_at));
        }
        self.0.seal(now, entropy, &gob::encode(entries.into_iter()))
    }

    /// Reads a cookie's value, whichever secret of the ring wrote it.
    ///
    /// # Errors
    /// When the value was not written under this name by one of the secrets, is too old, or holds no session token.
    pub fn decode(&self, now: Timestamp, value: &str) -> Result<SessionCookie, CookieError> {
        self.0.open(now, value, |payload| {
            let entries = gob::decode(payload).map_err(|_| CookieError::Malformed)?;
            // As in a Go map, the last of several values under one key counts.
            let get = |name| entries.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| *value);
            let session_token = get("session_token").filter(|token| !token.is_empty()).ok_or(CookieError::NoToken)?;
            Ok(SessionCookie {
                session_token: session_token.into(),
                expires_at: get("expires_at").and_then(|time| time.parse().ok()),
            })
        })
    }
}

/// Reads and writes the cookie `ory_kratos_continuity`: names of interrupted flows, each with the identifier of the
/// database row that holds what it needs to go on.
///
/// Kratos takes the list of cookie secrets for alternating signing and encryption keys here: one secret only signs, and
/// with two or more the second must be an AES key of 16, 24 or 32 bytes, or nothing works. Zelus writes what Kratos would
/// read, falls back to signing where Kratos fails, and reads both.
#[derive(Debug)]
pub struct ContinuityCodec(SecureCookie);

impl ContinuityCodec {
    /// The cookie's name.
    pub const NAME: &str = "ory_kratos_continuity";
    const MAX_AGE: SignedDuration = SignedDuration::from_hours(30 * 24);

    /// A codec under the same secrets as the session cookie's.
    pub fn new(secrets: &KeyRing) -> Self {
        let secrets: Vec<_> = secrets.iter().map(|secret| secret.expose().as_bytes()).collect();
        let pairs = secrets.chunks(2).filter_map(|pair| match *pair {
            [sign, encrypt] => Keys::encrypting(sign, encrypt),
            _ => Some(Keys::signing(pair[0])),
        });
        let keys = pairs.chain(secrets.iter().map(|secret| Keys::signing(secret))).collect();
        Self(SecureCookie::new(Self::NAME, keys, Self::MAX_AGE))
    }

    /// The cookie's value.
    ///
    /// # Errors
    /// [`CookieError::TooLong`] when there are more entries than a cookie holds.
    pub fn encode(
        &self,
        now: Timestamp,
        entropy: &Entropy,
        entries: &BTreeMap<String, String>,
    ) -> Result<String, CookieError> {
        let entries = entries.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let value = self.0.seal(now, entropy, &gob::encode(entries));
        if value.len() > MAX_LENGTH { Err(CookieError::TooLong) } else { Ok(value) }
    }

    /// Reads a cookie's value.
    ///
    /// # Errors
    /// When the value was not written by one of the secrets, or is older than 30 days.
    pub fn decode(&self, now: Timestamp, value: &str) -> Result<BTreeMap<String, String>, CookieError> {
        self.0.open(now, value, |payload| {
            let entries = gob::decode(payload).map_err(|_| CookieError::Malformed)?;
            Ok(entries.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
        })
    }
}
