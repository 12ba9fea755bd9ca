//! The outside of Kratos' cookies, as gorilla/securecookie writes it:
//!
//! ```text
//! base64url( <unix seconds> "|" base64url(payload) "|" <32 bytes of MAC> )
//! ```
//!
//! The MAC is HMAC-SHA-256 over `<cookie name>|<unix seconds>|base64url(payload)`. With a block key the payload is 16
//! random bytes and the AES-CTR cipher text that they start; without one it stands in clear.
//!
//! The crate `cookie` has signed and private cookies in a form of its own; this one is in no crate.

use aes::cipher::{InnerIvInit, StreamCipher};
use aes::{Aes128, Aes192, Aes256};
use base64::Engine;
use base64::engine::general_purpose::PAD;
use ctr::{Ctr128BE, CtrCore};
use hmac::{Hmac, KeyInit, Mac};
use model::{Entropy, SignedDuration, Timestamp};
use sha2::Sha256;

/// The longest cookie value that is looked at or written, in characters.
pub(crate) const MAX_LENGTH: usize = 4096;
const IV_LENGTH: usize = 16;
const MAC_LENGTH: usize = 32;

/// base64url with padding, by the widest instructions that the machine has: a cookie takes it off twice at each request.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static BASE64: std::sync::LazyLock<base64::engine::Simd> =
    std::sync::LazyLock::new(|| base64::engine::Simd::url_safe(PAD));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static BASE64: base64::engine::GeneralPurpose = base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, PAD);

/// Why a cookie is not accepted. For the log; the caller's answer is the same for all: there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieError {
    /// Above 4096 characters.
    #[error("the cookie is too long")]
    TooLong,
    /// Not in the format at all, or (under a good signature) with a payload of another kind.
    #[error("the cookie is not in the expected format")]
    Malformed,
    /// Written under another secret or another cookie name, or changed since.
    #[error("the cookie was not signed by a configured secret under this name")]
    BadSignature,
    /// Written longer ago than cookies are accepted for.
    #[error("the cookie is too old")]
    Expired,
    /// Genuine, but no session token is in it.
    #[error("the cookie holds no session token")]
    NoToken,
}

/// Seals and opens payloads for one cookie name. All keys are expanded once, at construction.
pub(crate) struct SecureCookie {
    name: String,
    /// The first one seals.
    keys: Vec<Keys>,
    /// Whole seconds; zero for no limit.
    max_age: i64,
}

/// One secret, or a pair of them.
pub(crate) struct Keys {
    mac: Hmac<Sha256>,
    block: Option<Block>,
}

enum Block {
    Aes128(Aes128),
    Aes192(Aes192),
    Aes256(Aes256),
}

impl Keys {
    /// Keys that sign and do not encrypt.
    pub(crate) fn signing(mac: &[u8]) -> Self {
        Self { mac: Hmac::new_from_slice(mac).expect("HMAC takes keys of any length"), block: None }
    }

    /// Keys that sign and encrypt. `None` when `block` is not an AES key of 16, 24 or 32 bytes.
    pub(crate) fn encrypting(mac: &[u8], block: &[u8]) -> Option<Self> {
        let block = match block.len() {
            16 => Aes128::new_from_slice(block).map(Block::Aes128),
            24 => Aes192::new_from_slice(block).map(Block::Aes192),
            _ => Aes256::new_from_slice(block).map(Block::Aes256),
        };
        Some(Self { block: Some(block.ok()?), ..Self::signing(mac) })
    }

    /// The MAC over everything that is signed. `signed` is `<unix seconds>|base64url(payload)`.
    fn mac(&self, name: &str, signed: &[u8]) -> Hmac<Sha256> {
        let mac = self.mac.clone();
        mac.chain_update(name).chain_update(b"|").chain_update(signed)
    }
}

impl Block {
    /// Encrypts or decrypts, which is the same in counter mode.
    fn apply(&self, iv: &[u8; IV_LENGTH], data: &mut [u8]) {
        let iv = iv.into();
        match self {
            Self::Aes128(key) => Ctr128BE::from_core(CtrCore::inner_iv_init(key, iv)).apply_keystream(data),
            Self::Aes192(key) => Ctr128BE::from_core(CtrCore::inner_iv_init(key, iv)).apply_keystream(data),
            Self::Aes256(key) => Ctr128BE::from_core(CtrCore::inner_iv_init(key, iv)).apply_keystream(data),
        }
    }
}

impl SecureCookie {
    /// `keys` must not be empty; `max_age` is cut to whole seconds, and zero means that cookies never grow too old.
    pub(crate) fn new(name: impl Into<String>, keys: Vec<Keys>, max_age: SignedDuration) -> Self {
        assert!(!keys.is_empty(), "a cookie needs a secret");
        Self { name: name.into(), keys, max_age: max_age.as_secs() }
    }

    /// Signs and, where there is a block key, encrypts `payload` under the first keys.
    pub(crate) fn seal(&self, now: Timestamp, entropy: &Entropy, payload: &[u8]) -> String {
        let keys = &self.keys[0];
        let payload = match &keys.block {
            None => BASE64.encode(payload),
            Some(block) => {
                let iv = entropy.bytes();
                let mut sealed = [iv.as_slice(), payload].concat();
                block.apply(&iv, &mut sealed[IV_LENGTH..]);
                BASE64.encode(sealed)
            }
        };
        let mut value = format!("{}|{payload}", now.as_second()).into_bytes();
        let mac = keys.mac(&self.name, &value).finalize().into_bytes();
        value.push(b'|');
        value.extend_from_slice(&mac);
        BASE64.encode(value)
    }

    /// Checks `value` and hands its payload to `read`. Keys are tried in order until one signed it and `read` succeeds.
    pub(crate) fn open<T>(
        &self,
        now: Timestamp,
        value: &str,
        read: impl Fn(&[u8]) -> Result<T, CookieError>,
    ) -> Result<T, CookieError> {
        if value.len() > MAX_LENGTH {
            return Err(CookieError::TooLong);
        }
        let value = BASE64.decode(value).map_err(|_| CookieError::Malformed)?;
        let CookieParts { written_at, payload, signed, mac } = CookieParts::of(&value).ok_or(CookieError::Malformed)?;

        let mut outcome = Err(CookieError::BadSignature);
        for keys in &self.keys {
            if keys.mac(&self.name, signed).verify_slice(mac).is_err() {
                continue;
            }
            if self.max_age != 0 && written_at < now.as_second() - self.max_age {
                return Err(CookieError::Expired);
            }
            outcome = unwrap(keys, payload).and_then(|payload| read(&payload));
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

/// Names the cookie and nothing else: the keys are no one's business.
impl std::fmt::Debug for SecureCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecureCookie").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The parts of a cookie value, once its outer base64 is off.
struct CookieParts<'a> {
    written_at: i64,
    payload: &'a [u8],
    /// The seconds and the payload with the bar between them.
    signed: &'a [u8],
    mac: &'a [u8],
}

impl<'a> CookieParts<'a> {
    /// The MAC is raw bytes and may hold bars itself, but its length is known.
    fn of(value: &'a [u8]) -> Option<Self> {
        let (rest, mac) = value.split_last_chunk::<MAC_LENGTH>()?;
        let signed = rest.strip_suffix(b"|")?;
        let bar = signed.iter().position(|byte| *byte == b'|')?;
        let written_at = std::str::from_utf8(&signed[..bar]).ok()?.parse().ok()?;
        Some(Self { written_at, payload: &signed[bar + 1..], signed, mac })
    }
}

/// Takes the inner base64 and the encryption off.
fn unwrap(keys: &Keys, payload: &[u8]) -> Result<Vec<u8>, CookieError> {
    let mut payload = BASE64.decode(payload).map_err(|_| CookieError::Malformed)?;
    let Some(block) = &keys.block else { return Ok(payload) };
    let (iv, data) = payload.split_first_chunk_mut().ok_or(CookieError::Malformed)?;
    block.apply(iv, data);
    payload.drain(..IV_LENGTH);
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_URL_SAFE;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn base64_is_the_same_with_wide_instructions(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let text = BASE64.encode(&bytes);
            prop_assert_eq!(&text, &BASE64_URL_SAFE.encode(&bytes));
            prop_assert_eq!(BASE64.decode(&text), Ok(bytes));
        }

        #[test]
        fn what_is_not_base64_is_refused_with_wide_instructions_too(
            bytes in prop::collection::vec(any::<u8>(), 60..600),
            at in any::<prop::sample::Index>(),
            wrong: u8,
            cut in 0..5usize,
        ) {
            let mut text = BASE64_URL_SAFE.encode(&bytes).into_bytes();
            *at.get_mut(&mut text) = wrong;
            text.truncate(text.len() - cut);
            prop_assert_eq!(BASE64.decode(&text).ok(), BASE64_URL_SAFE.decode(&text).ok());
        }
    }
}
