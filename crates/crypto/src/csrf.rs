//! Tokens against cross-site request forgery, compatible with nosurf as Kratos uses it: a secret in a cookie, and in
//! every form the same secret under a fresh mask, so that compression cannot reveal it (BREACH).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::{Entropy, Secret};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const LENGTH: usize = 32;

/// The name of the cookie for a server at `base_url`: `csrf_token_` and the URL's SHA-256 digest in hex.
///
/// `base_url` is `serve.public.base_url` to the letter, as the configuration normalises it.
pub fn cookie_name(base_url: &str) -> String {
    format!("csrf_token_{}", base16ct::lower::encode_string(&Sha256::digest(base_url)))
}

/// A browser's secret.
#[derive(Clone, Debug)]
pub struct CsrfToken(Secret<[u8; LENGTH]>);

impl CsrfToken {
    /// A new secret of 32 bytes.
    pub fn generate(entropy: &Entropy) -> Self {
        Self(Secret::new(entropy.bytes()))
    }

    /// The secret in a cookie's value. `None` for a value that no server wrote.
    pub fn from_cookie(value: &str) -> Option<Self> {
        let mut token = [0; LENGTH];
        // The decoder wants room for a multiple of three bytes.
        let mut buffer = [0; LENGTH + 1];
        if value.len() != LENGTH.div_ceil(3) * 4 {
            return None;
        }
        let length = BASE64_STANDARD.decode_slice(value, &mut buffer).ok()?;
        token.copy_from_slice(buffer[..length].get(..LENGTH).filter(|_| length == LENGTH)?);
        Some(Self(Secret::new(token)))
    }

    /// The cookie's value: standard base64.
    pub fn cookie_value(&self) -> String {
        BASE64_STANDARD.encode(self.0.expose())
    }

    /// A token for a form or an API answer: standard base64 of a random mask and the secret under it.
    pub fn masked(&self, entropy: &Entropy) -> String {
        let mask = entropy.bytes();
        BASE64_STANDARD.encode([mask, xor(&mask, self.0.expose())].as_flattened())
    }

    /// Whether a form's token belongs to this secret. Takes the same time either way.
    pub fn verify(&self, form_token: &str) -> bool {
        if form_token.len() != (2 * LENGTH).div_ceil(3) * 4 {
            return false;
        }
        let Ok(decoded) = BASE64_STANDARD.decode(form_token) else { return false };
        let Some((mask, masked)) = decoded.split_first_chunk::<LENGTH>() else { return false };
        let Ok(masked) = masked.try_into() else { return false };
        xor(mask, masked).ct_eq(self.0.expose()).into()
    }
}

fn xor(left: &[u8; LENGTH], right: &[u8; LENGTH]) -> [u8; LENGTH] {
    std::array::from_fn(|index| left[index] ^ right[index])
}
