//! Random tokens and codes, and the keyed hash under which codes are stored.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use model::{Entropy, Secret, Uuid};
use sha2::{Digest, Sha256, Sha512_256};
use subtle::ConstantTimeEq;

use crate::KeyRing;

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const DIGITS: &[u8] = b"0123456789";

const SESSION_TOKEN_PREFIX: &str = "ory_st_";
const LOGOUT_TOKEN_PREFIX: &str = "ory_lo_";
/// 32 of 62 characters carry 190 bits.
const TOKEN_LENGTH: usize = 32;

/// What a session is known by, in a cookie or a header: `ory_st_` and 32 letters and digits.
pub fn session_token(entropy: &Entropy) -> Secret {
    prefixed(entropy, SESSION_TOKEN_PREFIX)
}

/// What ends a browser's session when its logout URL is opened: `ory_lo_` and 32 letters and digits.
pub fn logout_token(entropy: &Entropy) -> Secret {
    prefixed(entropy, LOGOUT_TOKEN_PREFIX)
}

/// Whether `text` has the shape of a session token. What has not need not be looked up.
pub fn is_session_token_shaped(text: &str) -> bool {
    is_prefixed(text, SESSION_TOKEN_PREFIX)
}

/// Whether `text` has the shape of a logout token.
pub fn is_logout_token_shaped(text: &str) -> bool {
    is_prefixed(text, LOGOUT_TOKEN_PREFIX)
}

/// What stands for a token where it is to be found again and not kept: the first half of its SHA-256.
pub fn fingerprint(token: &Secret) -> Uuid {
    Uuid::from_slice(&Sha256::digest(token.expose())[..16]).unwrap_or_default()
}

/// One half of a session token exchange: 64 letters and digits.
pub fn exchange_code(entropy: &Entropy) -> Secret {
    Secret::new(entropy.string(ALPHANUMERIC, 64))
}

/// The token of a recovery or verification link: 32 letters and digits.
pub fn link_token(entropy: &Entropy) -> Secret {
    Secret::new(entropy.string(ALPHANUMERIC, TOKEN_LENGTH))
}

/// A one-time code of `length` decimal digits that people type. Kratos sends 6.
pub fn numeric_code(entropy: &Entropy, length: usize) -> Secret {
    Secret::new(entropy.string(DIGITS, length))
}

/// The form in which codes and link tokens are stored: HMAC-SHA-512/256 of `message` in 64 lower-case hex digits.
pub fn hmac_hex(key: &Secret, message: &str) -> String {
    base16ct::lower::encode_string(&hmac(key.expose().as_bytes(), message.as_bytes()))
}

/// What `message` may be stored as, one value for each secret of the ring, to look it up by.
pub fn hmac_candidates(keys: &KeyRing, message: &str) -> Vec<String> {
    keys.iter().map(|key| hmac_hex(key, message)).collect()
}

/// Whether `stored` is the [`hmac_hex`] of `message` under any secret of the ring. Takes the same time either way.
pub fn matches_any(keys: &KeyRing, message: &str, stored: &str) -> bool {
    let matches = keys.iter().map(|key| hmac_hex(key, message).as_bytes().ct_eq(stored.as_bytes()));
    matches.fold(subtle::Choice::from(0), |any, matches| any | matches).into()
}

/// What stands for `secret` on a form that must not show it, the same each time on that form and another on every other:
/// padded base64 of 32 bytes. `form` is what tells forms apart. Nobody without the key can tell by it whether a guess is
/// right, be there ever so few.
pub fn pseudonym(key: &Secret, form: &str, secret: &str) -> String {
    let message = format!("zelus pseudonym\0{form}\0{secret}");
    BASE64_STANDARD.encode(hmac(key.expose().as_bytes(), message.as_bytes()))
}

/// Whether `given` is the [`pseudonym`] of `secret` under any secret of the ring. Takes the same time either way.
pub fn is_pseudonym(keys: &KeyRing, form: &str, secret: &str, given: &str) -> bool {
    let matches = keys.iter().map(|key| pseudonym(key, form, secret).as_bytes().ct_eq(given.as_bytes()));
    matches.fold(subtle::Choice::from(0), |any, matches| any | matches).into()
}

/// Whether two texts are the same. The time tells their lengths, and nothing of what they hold.
pub fn same(a: impl AsRef<[u8]>, b: impl AsRef<[u8]>) -> bool {
    a.as_ref().ct_eq(b.as_ref()).into()
}

/// HMAC-SHA-512/256 (RFC 2104, FIPS 180-4).
pub(crate) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mac = Hmac::<Sha512_256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(message).finalize().into_bytes().into()
}

fn prefixed(entropy: &Entropy, prefix: &str) -> Secret {
    let mut token = String::with_capacity(prefix.len() + TOKEN_LENGTH);
    token.push_str(prefix);
    token.push_str(&entropy.string(ALPHANUMERIC, TOKEN_LENGTH));
    Secret::new(token)
}

fn is_prefixed(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == TOKEN_LENGTH && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}
